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

#include "base/error.h"
#include "cmd/ctl_crashkernel.h"

/** What only some subcommands take. */
enum ctl_options_given {
	CTL_OPTIONS_JSON = 1 << 0,
	CTL_OPTIONS_RESET = 1 << 1, /**< --kernel, --fadump, --dry-run, --reboot. */
	CTL_OPTIONS_LETTERS = 1 << 2, /**< kdumptool: -c, -u, -U, -d, -D. */
	CTL_OPTIONS_WORD = 1 << 3, /**< A word behind the command; not looked for here. */
};

/** What was asked for. Texts are borrowed from the command line; letters of crashkernel from this. */
struct ctl_options {
	const char *root; /**< "/" unless it is given. */
	const char *config_path; /**< CONFIG_PATH unless it is given. */
	bool is_quiet, is_forced, is_json, is_help, is_version;
	struct ctl_crashkernel crashkernel;
	char letters[8]; /**< kdumptool: options with one letter, each once. */
	unsigned int given; /**< Bits of enum ctl_options_given. */
};

/**
 * Read options, before and behind the command; optind is left at the command.
 *
 * @param[in] argc, argv Of main().
 * @param[in] program The name that we were called by, without a directory.
 * @param[out] ret Filled; must not be moved.
 * @return NULL; ERROR_USAGE (getopt told what is wrong); ERROR_UNSUPPORTED (mkdumprd's that are not there yet).
 */
struct error *ctl_options_parse(int argc, char **argv, const char *program, struct ctl_options *ret) must_check;

#endif
