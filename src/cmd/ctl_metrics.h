// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdumpctl metrics: whether a crash would be captured, for Prometheus (text exposition format 0.0.4).
 *
 * Does not look into dumps: of the last one it tells what new-dumps noted.
 */
#ifndef CMD_CTL_METRICS_H
#define CMD_CTL_METRICS_H

#include "cmd/ctl.h"

/** kdumpctl metrics. @param[in] ctl The call. @param[in,out] exit_ret Untouched. @return NULL; ERROR_CONFIG (--write, and no file is configured); ERROR_OS; ERROR_NOSPC; ERROR_NOMEM. */
struct error *ctl_metrics(const struct ctl *ctl, int *exit_ret) must_check;

/** Write the file, if one is configured; what fails is printed. @param[in] ctl The call. */
void ctl_metrics_update(const struct ctl *ctl);

#endif
