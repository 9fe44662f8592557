// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Options of kdumpctl, and of its other names kdumptool and mkdumprd.
 *
 * Does not know the subcommands, and which of them takes which options.
 */
#ifndef CMD_CTL_OPTIONS_H
#define CMD_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/** All options. To add one: a name here, and its row in ctl_options.c. */
enum ctl_option {
	CTL_OPTION_CONFIGFILE, /**< Up to CTL_OPTION_VERSION: of all subcommands. */
	CTL_OPTION_ROOT,
	CTL_OPTION_QUIET,
	CTL_OPTION_HELP,
	CTL_OPTION_VERSION,
	CTL_OPTION_JSON,
	CTL_OPTION_KERNEL,
	CTL_OPTION_FADUMP,
	CTL_OPTION_DRY_RUN,
	CTL_OPTION_REBOOT,
	CTL_OPTION_FROM,
	CTL_OPTION_WRITE,
	CTL_OPTION_YES,
	CTL_OPTION_TARGET,
	CTL_OPTION_LEVEL,
	CTL_OPTION_FINAL_ACTION,
	CTL_OPTION_NOTIFY,
	CTL_OPTION_CHECK, /**< kdumptool -c, then -u, -U, -d, -D. */
	CTL_OPTION_UPDATE,
	CTL_OPTION_UPDATE_IF,
	CTL_OPTION_DELETE,
	CTL_OPTION_DELETE_IF,
	CTL_OPTION_FORCE, /**< mkdumprd -f. */
	CTL_OPTION_SERVE,
	CTL_OPTION_CRASHKERNEL,
	CTL_OPTION_EMULATE,
	CTL_OPTION_CRASH,
	CTL_OPTION_COUNT,
};

/** An option in a set of them. */
#define CTL_TAKES(option) (UINT64_C(1) << (CTL_OPTION_##option))

/** What was given. Zeroed is nothing. */
struct ctl_options {
	const char *values
		[CTL_OPTION_COUNT]; /**< NULL: not given; "": given without an argument. Borrowed from the command line. */
};

/** Whether an option was given. @param[in] options The options. @param[in] option Which. */
bool ctl_options_has(const struct ctl_options *options, enum ctl_option option);

/** What an option is called. @param[in] option Which. @return "--json", or "-c"; static. */
const char *ctl_options_name(enum ctl_option option);

/**
 * Read options, before and behind the command; optind is left at the command.
 *
 * @param[in] argc, argv Of main().
 * @param[in] program The name that we were called by, without a directory.
 * @param[out] ret Filled.
 * @return NULL; ERROR_USAGE (getopt told what is wrong); ERROR_UNSUPPORTED (mkdumprd's that are not there yet).
 */
struct error *ctl_options_parse(int argc, char **argv, const char *program, struct ctl_options *ret) must_check;

/** Print a line for each option of a set to standard output. @param[in] set Bits of CTL_TAKES(). */
void ctl_options_print(uint64_t set);

#endif
