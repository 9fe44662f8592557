// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A directory that a command of kdump-inspect makes, with directories of files in it: it has its name when it is whole.
 *
 * Does not write into files. Names that come from a dump have no "/" and do not begin with ".": inspect_folder_clean().
 */
#ifndef CMD_INSPECT_FOLDER_H
#define CMD_INSPECT_FOLDER_H

#include <limits.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Room for a name of a directory or file inside, with its NUL. */
enum { INSPECT_FOLDER_NAME_BYTES = 80 };

/** The directory, while it is filled. */
struct inspect_folder {
	int parent_fd; /**< Owned. */
	int fd; /**< Owned. */
	char name[NAME_MAX + 1];
	char temporary[NAME_MAX + 1]; /**< "": there is none. */
};

#define INSPECT_FOLDER_NONE ((struct inspect_folder){.parent_fd = -1, .fd = -1})

/**
 * Create it, with a name of its own beside the one it will have. Mode 0700: what is in it comes from a machine's memory.
 *
 * @param[in] path What it will be called.
 * @param[in,out] ret INSPECT_FOLDER_NONE; inspect_folder_deinit() it, also on error.
 * @return NULL; ERROR_USAGE (no name of a directory); ERROR_OS (EEXIST: there is something of that name); ERROR_NOMEM.
 */
struct error *inspect_folder_open(const char *path, struct inspect_folder *ret) must_check;

/** Create a directory in it. @param[in] folder Opened. @param[in] name Its name. @param[out] fd_ret close() it. @return NULL; ERROR_OS. */
struct error *inspect_folder_make(const struct inspect_folder *folder, const char *name, int *fd_ret) must_check;

/** Create a file in such a directory, mode 0600. @param[in] dir_fd The directory. @param[in] name Its name. @param[out] fd_ret close() it. @return NULL; ERROR_OS. */
struct error *inspect_folder_create(int dir_fd, const char *name, int *fd_ret) must_check;

/** Give it its name. @param[in,out] folder All of it was written, and synced. @return NULL; ERROR_OS (EEXIST: somebody made one meanwhile). */
struct error *inspect_folder_finish(struct inspect_folder *folder) must_check;

/** Close it, and remove it with all that is in it if it has not got its name. @param[in] folder INSPECT_FOLDER_NONE, or of inspect_folder_open(). */
void inspect_folder_deinit(struct inspect_folder *folder);

#define _cleanup_inspect_folder_ _cleanup_(inspect_folder_deinit)

/** Make a name of a file of any text: letters, digits, "-", "_" and "." stay, but for one at its begin, others become "_". @param[in] text The text. @param[out] name It; "_" where nothing is left. */
void inspect_folder_clean(const char *text, char name[INSPECT_FOLDER_NAME_BYTES]);

#endif
