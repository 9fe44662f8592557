// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Dumps that lie on raw partitions become directories, where the running system is to have them.
 *
 * Does not tell programs and people (ctl_dumps.h), which find the directories like any others.
 */
#ifndef CMD_CTL_PARTITION_H
#define CMD_CTL_PARTITION_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"

/** Whether the configuration names a raw target at all. @param[in] config The configuration. @param[out] is_ret Whether. @return NULL; ERROR_NOMEM. */
struct error *ctl_partition_needed(const struct config *config, bool *is_ret) must_check;

/**
 * Take out all dumps on all raw targets; a line for each goes to standard output, for each that stays to standard error.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] is_quiet Only what stays is told.
 * @return NULL; ERROR_OS: some could not be taken out, as was told; ERROR_NOMEM.
 */
struct error *ctl_partition(const struct host *host, const struct config *config, bool is_quiet) must_check;

#endif
