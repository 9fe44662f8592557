// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl setup: the questions that matter, and what follows from the answers.
 *
 * Does not know more of the configuration than these; all else stays as it is.
 */
#ifndef CMD_CTL_SETUP_H
#define CMD_CTL_SETUP_H

#include "cmd/ctl.h"

/** kdumpctl setup. @param[in] ctl The call. @param[in,out] exit_ret Untouched. @return NULL; ERROR_USAGE (an answer is wrong, or nobody can be asked); ERROR_CANCELED; ERROR_CONFIG (what was answered fits not this machine); as ctl_settings_write() and ctl_crashkernel_reset(). */
struct error *ctl_setup(const struct ctl *ctl, int *exit_ret) must_check;

#endif
