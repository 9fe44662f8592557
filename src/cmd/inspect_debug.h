// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the commands of kdump-inspect share that start another program on a dump: their words, the program, and the kernel's debugging
 * information.
 *
 * Does not start anything.
 */
#ifndef CMD_INSPECT_DEBUG_H
#define CMD_INSPECT_DEBUG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cmd/inspect_dump.h"
#include "report/debugkernel.h"

/** Most words of such a command. */
enum { INSPECT_DEBUG_WORDS = 256 };

/** Words. All borrowed. */
struct inspect_debug {
	char *own[INSPECT_DEBUG_WORDS + 1]; /**< Those that inspect_dump_open() takes, the name of the command first. */
	int own_count;
	char **more; /**< Behind "--": for the program. */
	int more_count;
	const char *vmlinux; /**< Of --vmlinux; NULL. */
	bool is_without; /**< --no-vmlinux. */
};

/** Take the words apart. @param[in] argc Words, the command's name among them. @param[in] argv The words. @param[out] ret They. @return NULL; ERROR_USAGE. */
struct error *inspect_debug_parse(int argc, char **argv, struct inspect_debug *ret) must_check;

/** Find a program in PATH. @param[in] name Its name, which is that of its package too. @param[out] ret Its path; free() it. @return NULL; ERROR_UNSUPPORTED: it is not installed; ERROR_NOMEM. */
struct error *inspect_debug_program(const char *name, char **ret) must_check;

/**
 * Find the debugging information of a dump's kernel; what is not found is told on standard error, and what would bring it.
 *
 * @param[in,out] dump Its kernel is opened if that is needed.
 * @param[in] words For --vmlinux.
 * @param[in] needs_code The kernel itself is needed too.
 * @param[in] is_needed Without it nothing can be done: all places are told.
 * @param[out] ret debugkernel_found_deinit() it.
 * @return NULL; as debugkernel_find(): not where it is not needed and --vmlinux was not given.
 */
struct error *inspect_debug_find(struct inspect_dump *dump, const struct inspect_debug *words, bool needs_code,
                                 bool is_needed, struct debugkernel_found *ret) must_check;

#endif
