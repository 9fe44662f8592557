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

#include <stdbool.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"

/**
 * kdumpctl estimate: the parts, their sum, what is reserved and what is proposed. The first lines are those of RHEL's.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] is_json As a JSON document.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOSPC; ERROR_NOMEM.
 */
struct error *ctl_estimate(const struct host *host, const struct config *config, bool is_json) must_check;

/**
 * kdumptool calibrate: lines "Total: N" … in MiB. YaST knows these names and no others, each with one colon; "MaxHigh: 0" tells it
 * that there is only the one value, crashkernel=<Low>M.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @return As ctl_estimate().
 */
struct error *ctl_estimate_calibrate(const struct host *host, const struct config *config) must_check;

/** kdumpctl get-default-crashkernel: the value for "auto". @param[in] host The machine. @param[in] config The configuration. @return As ctl_estimate(). */
struct error *ctl_estimate_default(const struct host *host, const struct config *config) must_check;

#endif
