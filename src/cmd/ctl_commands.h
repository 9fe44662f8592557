// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The one table of the subcommands of kdumpctl, kdumptool and mkdumprd, and the help that is made from it.
 *
 * Does not run them, and does not read the command line (cmd/ctl_options.h).
 *
 * To add one: a row in ctl_commands.c, with its function in a ctl_*.c of its own; its options, if there are new ones, in ctl_options. Then run completion/make.
 */
#ifndef CMD_CTL_COMMANDS_H
#define CMD_CTL_COMMANDS_H

#include "cmd/ctl.h"

/** Names that we are called by, as bits. */
enum ctl_program {
	CTL_PROGRAM_KDUMPCTL = 1 << 0,
	CTL_PROGRAM_KDUMPTOOL = 1 << 1,
	CTL_PROGRAM_MKDUMPRD = 1 << 2, /**< It has no subcommands: its row is called as it is. */
};

/** A subcommand. */
struct ctl_command {
	const char *name;
	/** NULL: known elsewhere, but not here yet. @param[in] ctl The call. @param[in,out] exit_ret Exit code of what is no error. @return NULL, or what to tell. */
	struct error *(*run)(const struct ctl *ctl, int *exit_ret);
	const char *words; /**< What may stand behind it, for the help; NULL: nothing. */
	const char *help;
	uint64_t takes; /**< Bits of CTL_TAKES(). */
	uint64_t ignores; /**< The same of what is taken for compatibility, without effect. */
	size_t words_max;
	unsigned int programs; /**< Bits of enum ctl_program. */
};

/** Which program we are. @param[in] name The name that we were called by, without a directory. @return As anything else: kdumpctl. */
enum ctl_program ctl_commands_program(const char *name);

/**
 * Find a subcommand.
 *
 * @param[in] program Of which program.
 * @param[in] name What was asked for.
 * @param[out] ret The command, static.
 * @return NULL; ERROR_USAGE, with what may have been meant; ERROR_UNSUPPORTED.
 */
struct error *ctl_commands_find(enum ctl_program program, const char *name, const struct ctl_command **ret) must_check;

/**
 * Whether a subcommand takes what was given: what it would not look at must not pass for done.
 *
 * @param[in] ctl The call.
 * @param[in] command The subcommand.
 * @return NULL; ERROR_USAGE.
 */
struct error *ctl_commands_check(const struct ctl *ctl, const struct ctl_command *command) must_check;

/** Print the help. @param[in] ctl The call. @param[in] command Of that one only; NULL: of the program. */
void ctl_commands_help(const struct ctl *ctl, const struct ctl_command *command);

#endif
