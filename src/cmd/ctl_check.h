// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl check: prints what would make a capture fail.
 *
 * Does not look itself (boot/checkup.h), and mends nothing.
 */
#ifndef CMD_CTL_CHECK_H
#define CMD_CTL_CHECK_H

#include "cmd/ctl.h"

/** Look at configuration and machine, and print a line for each finding, or that there is none. @param[in] ctl The call. @param[out] exit_ret EXIT_CONFIG if there is an error among them. @return NULL; an error for a person, of any code. */
struct error *ctl_check(const struct ctl *ctl, int *exit_ret) must_check;

#endif
