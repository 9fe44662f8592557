// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A file that a command of kdump-inspect makes: it has its name when it is whole.
 *
 * Does not write into it. Names of files never come from a dump.
 */
#ifndef CMD_INSPECT_OUTPUT_H
#define CMD_INSPECT_OUTPUT_H

#include <limits.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"

/** The file, while it is written. */
struct inspect_output {
	int dir_fd; /**< Owned. */
	int fd; /**< Owned; readable and writable. */
	bool is_forced; /**< It replaces one of its name. */
	char name[NAME_MAX + 1];
	char temporary[NAME_MAX + 1]; /**< "": there is none. */
};

#define INSPECT_OUTPUT_NONE ((struct inspect_output){.dir_fd = -1, .fd = -1})

/**
 * Create it, with a name of its own beside the one it will have. Mode 0600: what is in it comes from a machine's memory.
 *
 * @param[in] path What it will be called.
 * @param[in] is_forced A file of that name may be replaced; a link is replaced, never followed.
 * @param[in,out] ret INSPECT_OUTPUT_NONE; inspect_output_deinit() it, also on error.
 * @return NULL; ERROR_USAGE (no name of a file); ERROR_OS (EEXIST: there is one already); ERROR_NOMEM.
 */
struct error *inspect_output_open(const char *path, bool is_forced, struct inspect_output *ret) must_check;

/** Give it its name. @param[in,out] output All of it was written. @return NULL; ERROR_OS (EEXIST: somebody made one meanwhile). */
struct error *inspect_output_finish(struct inspect_output *output) must_check;

/**
 * Give a file or directory its name.
 *
 * @param[in] dir_fd The directory that it is in; synced.
 * @param[in,out] temporary Its name so far; "" when it has the other one.
 * @param[in] name Its name.
 * @param[in] is_forced One of that name may be replaced.
 * @return NULL; ERROR_OS (EEXIST: somebody made one meanwhile).
 */
struct error *inspect_output_rename(int dir_fd, char *temporary, const char *name, bool is_forced) must_check;

/** Close it, and remove it if it has not got its name. @param[in] output INSPECT_OUTPUT_NONE, or of inspect_output_open(). */
void inspect_output_deinit(struct inspect_output *output);

#define _cleanup_inspect_output_ _cleanup_(inspect_output_deinit)

#endif
