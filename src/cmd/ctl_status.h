// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl status: whether a crash now would be captured.
 *
 * Changes nothing. What may go wrong behind that is ctl_check.h's.
 */
#ifndef CMD_CTL_STATUS_H
#define CMD_CTL_STATUS_H

#include "cmd/ctl.h"

/** Print it. @param[in] ctl The call. @param[out] exit_ret EXIT_CONFIG if no capture kernel is loaded. @return NULL; ERROR_OS, ERROR_NOMEM. What cannot be found out is printed. */
struct error *ctl_status(const struct ctl *ctl, int *exit_ret) must_check;

#endif
