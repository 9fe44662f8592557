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

#include <stdbool.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"

/** Programs that are told of each new dump. */
#define CTL_NOTIFY_DIRECTORY "/etc/kdump/notify.d"

/** Names of dumps that were told of, one on a line. */
#define CTL_KNOWN_PATH "/var/lib/kdump/known-dumps"

/**
 * Print a line for each dump: its path, its state, its size, the panic.
 *
 * @param[in] host The machine.
 * @param[in] config Where dumps are, and who gets mail.
 * @param[in] is_new_only Of those only that were not told of before. Programs and people are told, and it is known from then on
 *	      unless no mail could be sent. For one caller at a time.
 * @return NULL; ERROR_OS (also if a target could not be looked at, or a mail not be sent: that is told on standard error);
 *	   ERROR_NOMEM.
 */
struct error *ctl_dumps(const struct host *host, const struct config *config, bool is_new_only) must_check;

#endif
