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

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"

/**
 * Look at configuration and machine, and print a line for each finding, or that there is none.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] is_json As one JSON document.
 * @param[out] is_bad_ret Whether there is an error among them.
 * @return NULL; ERROR_NOMEM; ERROR_OS, ERROR_NOSPC (it cannot be printed).
 */
struct error *ctl_check(const struct host *host, const struct config *config, bool is_json,
                        bool *is_bad_ret) must_check;

#endif
