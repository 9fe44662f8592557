// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the subcommands of kdumpctl work on, and what all of them do first.
 *
 * Does not know the subcommands (cmd/ctl_commands.h).
 */
#ifndef CMD_CTL_H
#define CMD_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/plan.h"
#include "cmd/ctl_options.h"

/** Everybody who changes what is loaded, the image or the boot loader holds this file. */
#define CTL_LOCK_PATH "/run/lock/kdump"

/** Everybody who tells of dumps, which may take long, holds this one. */
#define CTL_DUMPS_LOCK_PATH "/run/lock/kdump-dumps"

/** A call of the program. */
struct ctl {
	struct host host;
	const char *program; /**< Name that we were called by, for messages. */
	const char *config_path;
	struct ctl_options options;
	const char *const *words; /**< Behind the command. Borrowed from the command line. */
	size_t word_count;
	bool is_quiet, is_json;
};

/**
 * Wait until nobody else holds a lock; that we wait is told.
 *
 * @param[in] ctl The call.
 * @param[in] path CTL_LOCK_PATH or CTL_DUMPS_LOCK_PATH.
 * @param[out] fd_ret Holds it until it is closed.
 * @return NULL; ERROR_OS.
 */
struct error *ctl_lock(const struct ctl *ctl, const char *path, int *fd_ret) must_check;

/**
 * Read the configuration; its warnings are printed.
 *
 * @param[in] ctl The call.
 * @param[out] ret The configuration; config_deinit() it.
 * @return As config_load().
 */
struct error *ctl_load_config(const struct ctl *ctl, struct config *ret) must_check;

/**
 * Decide what would be done after a crash; warnings are printed.
 *
 * @param[in] ctl The call.
 * @param[in] config The configuration.
 * @param[out] ret The plan; plan_deinit() it.
 * @return As plan_make().
 */
struct error *ctl_make_plan(const struct ctl *ctl, const struct config *config, struct plan *ret) must_check;

/**
 * The end of what was printed.
 *
 * @param[in] what For the message, such as "the plan".
 * @return NULL; ERROR_OS: standard output did not take it.
 */
struct error *ctl_flush(const char *what) must_check;

#endif
