// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Changes of some text files that belong together: first all are thought out, then all are made, or none.
 *
 * Does not know what is in the files.
 */
#ifndef BOOT_CHANGES_H
#define BOOT_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/words.h"

/** A file that changes. */
struct changes_file {
	char *path;
	char *before; /**< NULL: it is not there yet. */
	char *after; /**< NULL: it goes. */
	bool is_made;
};

/** Changes. Zeroed is none; changes_deinit() it. */
struct changes {
	struct changes_file *list;
	size_t count;
};

/**
 * Read a file that may be changed.
 *
 * @param[in] host The machine.
 * @param[in] path Absolute.
 * @param[out] ret Its text; NULL if it is not there; free() it.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA (it is no text, or larger than 1 MiB); ERROR_NOMEM.
 */
struct error *changes_read(const struct host *host, const char *path, char **ret) must_check;

/** As changes_read(), of a file that is larger than configurations are. @param[in] host The machine. @param[in] path As there. @param[in] max_bytes Most bytes. @param[out] ret As there. @return As there. */
struct error *changes_read_most(const struct host *host, const char *path, size_t max_bytes, char **ret) must_check;

/**
 * Note what a file is to hold. It changes nothing yet.
 *
 * @param[in,out] changes The changes.
 * @param[in] path Absolute; each file once.
 * @param[in] before What is in it; NULL: it is not there.
 * @param[in] after What is to be in it; NULL: it goes. The same as @p before is no change.
 * @return NULL; ERROR_NOMEM.
 */
struct error *changes_add(struct changes *changes, const char *path, const char *before, const char *after) must_check;

/** Tell them, line by line, as diff does. @param[in] changes The changes. @param[in,out] ret One line each. */
void changes_tell(const struct changes *changes, struct words *ret);

/**
 * Make them. Files keep their owner, mode and attributes; new ones have mode 0644. Where one fails, it and those before it are undone.
 *
 * @param[in] host The machine.
 * @param[in,out] changes The changes.
 * @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_NOMEM.
 */
struct error *changes_make(const struct host *host, struct changes *changes) must_check;

/** Undo what was made. @param[in] host The machine. @param[in,out] changes The changes. @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_NOMEM: files are not as they were. */
struct error *changes_undo(const struct host *host, struct changes *changes) must_check;

/** Free what they own. @param[in] changes Used, or zeroed. */
void changes_deinit(struct changes *changes);

#define _cleanup_changes_ _cleanup_(changes_deinit)

#endif
