// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Dumps on the targets of the plan: told, and those that are new told to whom it concerns.
 *
 * Does not change them. A target that is not mounted is mounted for that, read-only, where nobody else sees it.
 */
#ifndef CMD_CTL_DUMPS_H
#define CMD_CTL_DUMPS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/plan.h"

/** Programs that are told of each new dump. */
#define CTL_NOTIFY_DIRECTORY "/etc/kdump/notify.d"

/** Names of dumps that were told of, one on a line. */
#define CTL_KNOWN_PATH "/var/lib/kdump/known-dumps"

/**
 * Print a line for each dump: its path, its state, its size, the panic.
 *
 * @param[in] host The machine.
 * @param[in] config Who gets mail.
 * @param[in] plan Its targets.
 * @param[in] is_new_only Of those only that were not told of before; programs and people are told, and they are known from then on.
 * @return NULL; ERROR_OS; ERROR_NOMEM. A target that cannot be looked at is told on standard error, and is no error while others can.
 */
struct error *ctl_dumps(const struct host *host, const struct config *config, const struct plan *plan,
                        bool is_new_only) must_check;

#endif
