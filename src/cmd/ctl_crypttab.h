// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl setup-crypttab, which RHEL has: why it is not needed here.
 *
 * Does not change anything.
 */
#ifndef CMD_CTL_CRYPTTAB_H
#define CMD_CTL_CRYPTTAB_H

#include "cmd/ctl.h"

/** kdumpctl setup-crypttab. @param[in] ctl The call. @param[in,out] exit_ret Untouched. @return ERROR_UNSUPPORTED, with what to do. */
struct error *ctl_crypttab(const struct ctl *ctl, int *exit_ret) must_check;

#endif
