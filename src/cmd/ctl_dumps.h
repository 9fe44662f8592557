// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Dumps on the targets of the configuration: told, and those that are new told to whom it concerns.
 *
 * Does not change them. A target that is not mounted is mounted for that, read-only, where nobody else sees it.
 */
#ifndef CMD_CTL_DUMPS_H
#define CMD_CTL_DUMPS_H

#include "cmd/ctl.h"

/** Programs that are told of each new dump. */
#define CTL_NOTIFY_DIRECTORY "/etc/kdump/notify.d"

/**
 * Print a line for each dump: its path, its state, its size, the panic.
 *
 * @param[in] ctl The call.
 * @param[out] exit_ret Left alone.
 * @return NULL; an error for a person, of any code, also if a target could not be looked at: that is told on standard error.
 */
struct error *ctl_dumps(const struct ctl *ctl, int *exit_ret) must_check;

/**
 * The same of those only that were not told of before, after dumps were taken from raw partitions. Programs and people are told, and it
 * is known from then on unless no mail could be sent.
 *
 * @param[in] ctl The call.
 * @param[out] exit_ret Left alone.
 * @return As ctl_dumps(); also if a mail could not be sent.
 */
struct error *ctl_dumps_new(const struct ctl *ctl, int *exit_ret) must_check;

#endif
