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

/** What the reservation is to be, in MiB; there only if the configuration asks for that. */
#define CTL_RESIZE_PATH "/var/lib/kdump/shrink-to"

/**
 * Shrink the reservation to what is proposed, if the configuration asks for that, and tell. While a capture kernel is loaded the kernel
 * refuses: then the next boot does it. Nothing is done where the estimate is a guess since there is no image, or for less than 16 MiB.
 *
 * @param[in] ctl The call. A shrink that fails is printed, and is no error.
 * @param[in] config The configuration.
 * @param[in,out] reserved_bytes What is reserved.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM: what is reserved cannot be read.
 */
struct error *ctl_resize(const struct ctl *ctl, const struct config *config, uint64_t *reserved_bytes) must_check;

/** Shrink as the last start has found out, before anything is loaded. @param[in] host The machine. @param[in] reserved_bytes What is reserved. @param[in] is_quiet Do not tell. @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM. */
struct error *ctl_resize_early(const struct host *host, uint64_t reserved_bytes, bool is_quiet) must_check;

#endif
