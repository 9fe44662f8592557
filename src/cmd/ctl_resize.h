// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * KDUMP_AUTO_RESIZE: memory that is reserved and not needed goes back to the system.
 *
 * Does not make a reservation larger: the kernel cannot.
 */
#ifndef CMD_CTL_RESIZE_H
#define CMD_CTL_RESIZE_H

#include "cmd/ctl.h"

/**
 * Shrink the reservation to what is proposed, if the configuration asks for that, and tell. Nothing is done while a capture kernel is
 * loaded, which the kernel refuses, where the estimate is a guess since there is no image, or for less than 16 MiB.
 *
 * @param[in] ctl The call.
 * @param[in] config The configuration.
 * @param[in,out] reserved_bytes What is reserved.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *ctl_resize(const struct ctl *ctl, const struct config *config, uint64_t *reserved_bytes) must_check;

#endif
