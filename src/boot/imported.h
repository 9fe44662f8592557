// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What was found in the configuration of another kdump package: settings of ours, each with its line, and notes.
 *
 * Does not read one (import.h).
 */
#ifndef BOOT_IMPORTED_H
#define BOOT_IMPORTED_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "boot/config.h"
#include "boot/words.h"

/** A setting that was found. */
struct imported_value {
	char *text; /**< NULL: not set. */
	char *origin; /**< "line 3, ext4". */
};

/** What was found. Zeroed is nothing; imported_deinit() it. */
struct imported {
	const char *name; /**< Of the file, for messages; borrowed. */
	struct imported_value values[KEY_COUNT];
	struct words notes; /**< "NAME:LINE: WORD: what has no equivalent, and what replaces it", never a password. */
	bool has_secret; /**< A value has a password. */
	bool is_failed; /**< Memory was exhausted. */
};

/** A line of the file. */
struct imported_line {
	unsigned int number; /**< From 1; 0: of none. */
	const char *word; /**< Its directive or variable. */
	const char *value;
};

/** Set a key; if it was set, a note says that the later line counts. @param[in,out] import For it. @param[in] line Where it comes from. @param[in] key Which. @param[in] fmt Value, as printf. */
void imported_set(struct imported *import, const struct imported_line *line, enum config_key key, const char *fmt, ...)
	printf_format(4, 5);

/** Add to a key, behind a blank. @param[in,out] import For it. @param[in] line Where it comes from. @param[in] key Which. @param[in] fmt Value, as printf. */
void imported_append(struct imported *import, const struct imported_line *line, enum config_key key, const char *fmt,
                     ...) printf_format(4, 5);

/** Say what has no equivalent. @param[in,out] import For it. @param[in] line Where. @param[in] fmt What, and what replaces it, as printf. */
void imported_note(struct imported *import, const struct imported_line *line, const char *fmt, ...) printf_format(3, 4);

/**
 * A place on a server as the URL that we have for it.
 *
 * @param[in] scheme "nfs", "ssh".
 * @param[in] server "[USER@]HOST"; an address of IPv6 needs no brackets.
 * @param[in] directory With or without a slash at its beginning.
 * @param[in] below A directory below it, "" for none.
 * @return The URL; NULL without memory; free() it.
 */
char *imported_url(const char *scheme, const char *server, const char *directory, const char *below);

/** A text as a part of a URL. @param[in] text Any. @return With %XX for what would mean something there; NULL without memory; free() it. */
char *imported_encode(const char *text);

/** Split "HOST:/PATH" of nfs. @param[in] place Any text. @param[out] server_ret, path_ret free() them; untouched if it is none. @return Whether it is one. */
bool imported_split_nfs(const char *place, char **server_ret, char **path_ret);

/** Free what was found. @param[in] import Filled, or zeroed. */
void imported_deinit(struct imported *import);

#define _cleanup_imported_ _cleanup_(imported_deinit)

#endif
