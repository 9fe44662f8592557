// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Commands of kdump-inspect that look into a dump: for each its words, and what runs it.
 *
 * Does not choose between them (kdump-inspect.c).
 */
#ifndef CMD_INSPECT_COMMANDS_H
#define CMD_INSPECT_COMMANDS_H

#include "base/cleanup.h"
#include "base/error.h"

/** What stands behind names of commands. */
#define INSPECT_COMMANDS_DUMP "[--json] [--part FILE]... DUMP"

/**
 * summary: the report of the crash.
 *
 * @param[in] argc Words, the command's name among them.
 * @param[in] argv The words.
 * @return NULL; ERROR_USAGE; as vmcore_open_set(), machine_open().
 */
struct error *inspect_commands_summary(int argc, char **argv) must_check;

/** log: the kernel's log. @param[in] argc See above. @param[in] argv See above. @return See above; as dmesg_tell(). */
struct error *inspect_commands_log(int argc, char **argv) must_check;

/** modules: the list of them. @param[in] argc See above. @param[in] argv See above. @return See above. */
struct error *inspect_commands_modules(int argc, char **argv) must_check;

/** cmdline: the kernel's command line. @param[in] argc See above. @param[in] argv See above. @return See above. */
struct error *inspect_commands_cmdline(int argc, char **argv) must_check;

/** bt: stacks. @param[in] argc See above. @param[in] argv See above. @return See above. */
struct error *inspect_commands_bt(int argc, char **argv) must_check;

/** ps: the list of tasks. @param[in] argc See above. @param[in] argv See above. @return See above. */
struct error *inspect_commands_ps(int argc, char **argv) must_check;

/** sym: names of addresses, addresses of names. @param[in] argc See above. @param[in] argv See above. @return See above. */
struct error *inspect_commands_sym(int argc, char **argv) must_check;

/** read: memory as numbers. @param[in] argc See above. @param[in] argv See above. @return See above. */
struct error *inspect_commands_read(int argc, char **argv) must_check;

/** type: members of a structure. @param[in] argc See above. @param[in] argv See above. @return See above; as btf_describe(). */
struct error *inspect_commands_type(int argc, char **argv) must_check;

/** What stands behind "crash". */
#define INSPECT_COMMANDS_CRASH "[--vmlinux FILE] [--part FILE]... DUMP [-- ARGUMENT...]"

/** What stands behind "gdb". */
#define INSPECT_COMMANDS_GDB "[--vmlinux FILE | --no-vmlinux] [--part FILE]... DUMP [-- ARGUMENT...]"

/** crash: that program, with the kernel that it needs. Returns only on error. @param[in] argc See above. @param[in] argv See above. @return See above; as inspect_debug_find(); ERROR_UNSUPPORTED (it is not installed). */
struct error *inspect_commands_crash(int argc, char **argv) must_check;

/** gdb: that program, connected to the dump. Returns only on error. @param[in] argc See above. @param[in] argv See above. @return As inspect_commands_crash(). */
struct error *inspect_commands_gdb(int argc, char **argv) must_check;

#endif
