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

/** mem: memory, by zones, caches and processes. @param[in] argc See above. @param[in] argv See above. @return See above; ERROR_BAD_DATA also if not all is known. */
struct error *inspect_commands_mem(int argc, char **argv) must_check;

/** irq: interrupts by CPUs. @param[in] argc See above. @param[in] argv See above. @return See above; ERROR_BAD_DATA also if not all is known. */
struct error *inspect_commands_irq(int argc, char **argv) must_check;

/** sym: names of addresses, addresses of names. @param[in] argc See above. @param[in] argv See above. @return See above. */
struct error *inspect_commands_sym(int argc, char **argv) must_check;

/** read: memory as numbers. @param[in] argc See above. @param[in] argv See above. @return See above. */
struct error *inspect_commands_read(int argc, char **argv) must_check;

/** type: members of a structure. @param[in] argc See above. @param[in] argv See above. @return See above; as btf_describe(). */
struct error *inspect_commands_type(int argc, char **argv) must_check;

/** explain: where pages are, whose they are, and whether and why they are in the dump. @param[in] argc See above. @param[in] argv See above. @return See above; ERROR_BAD_DATA also if the page map is damaged. */
struct error *inspect_commands_explain(int argc, char **argv) must_check;

/** check: whether a dump is whole. @param[in] argc See above. @param[in] argv See above. @return See above; ERROR_BAD_DATA: it is not. */
struct error *inspect_commands_check(int argc, char **argv) must_check;

/** list: the dumps below directories. @param[in] argc See above. @param[in] argv See above. @return NULL; ERROR_USAGE; ERROR_OS; ERROR_NOMEM; ERROR_BAD_DATA: a dump is damaged. */
struct error *inspect_commands_list(int argc, char **argv) must_check;

/** compare: whether dumps are of the same crash. @param[in] argc See above. @param[in] argv See above. @return NULL: they are; as inspect_commands_summary(); ERROR_CONFIG: they are not. */
struct error *inspect_commands_compare(int argc, char **argv) must_check;
/** html: the report as a page. @param[in] argc See above. @param[in] argv See above. @return See above; as htmlreport_write(). */
struct error *inspect_commands_html(int argc, char **argv) must_check;

/** trace: events of the kernel's tracing. @param[in] argc See above. @param[in] argv See above; some are taken out. @return See above; as ftrace_open(), tracedat_write(). */
struct error *inspect_commands_trace(int argc, char **argv) must_check;

/** What stands behind "crash". */
#define INSPECT_COMMANDS_CRASH "[--vmlinux FILE] [--part FILE]... DUMP [-- ARGUMENT...]"

/** What stands behind "gdb". */
#define INSPECT_COMMANDS_GDB "[--vmlinux FILE | --no-vmlinux] [--part FILE]... DUMP [-- ARGUMENT...]"

/** crash: that program, with the kernel that it needs. Returns only on error. @param[in] argc See above. @param[in] argv See above. @return See above; as inspect_debug_find(); ERROR_UNSUPPORTED (it is not installed). */
struct error *inspect_commands_crash(int argc, char **argv) must_check;

/** gdb: that program, connected to the dump. Returns only on error. @param[in] argc See above. @param[in] argv See above. @return As inspect_commands_crash(). */
struct error *inspect_commands_gdb(int argc, char **argv) must_check;

#endif
