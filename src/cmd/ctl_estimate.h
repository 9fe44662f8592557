// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What a capture needs, told: to a person, to programs, and to YaST in the form of SUSE's kdumptool.
 *
 * Does not change anything.
 */
#ifndef CMD_CTL_ESTIMATE_H
#define CMD_CTL_ESTIMATE_H

#include "cmd/ctl.h"

/** kdumpctl estimate: the parts, their sum, what is reserved and what is proposed. The first lines are those of RHEL's. @param[in] ctl The call. @param[out] exit_ret Left alone. @return NULL; an error for a person, of any code. */
struct error *ctl_estimate(const struct ctl *ctl, int *exit_ret) must_check;

/**
 * kdumptool calibrate: lines "Total: N" … in MiB. YaST knows these names and no others, each with one colon; "MaxHigh: 0" tells it
 * that there is only the one value, crashkernel=<Low>M.
 *
 * @param[in] ctl The call.
 * @param[out] exit_ret Left alone.
 * @return As ctl_estimate().
 */
struct error *ctl_estimate_calibrate(const struct ctl *ctl, int *exit_ret) must_check;

/** kdumpctl get-default-crashkernel: the value for "auto". @param[in] ctl The call. @param[out] exit_ret Left alone. @return As ctl_estimate(). */
struct error *ctl_estimate_default(const struct ctl *ctl, int *exit_ret) must_check;

#endif
