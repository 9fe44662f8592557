// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Configurations of other kdump packages, as ours.
 *
 * Does not execute them, does not ask the machine anything, and writes no file: text goes in, settings and notes come out.
 */
#ifndef BOOT_IMPORT_H
#define BOOT_IMPORT_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/config.h"
#include "boot/words.h"

/** Whose configuration it is. */
enum import_from {
	IMPORT_RHEL, /**< /etc/kdump.conf: lines "directive value", kdump.conf(5) of kdump-utils 1.0. */
	IMPORT_DEBIAN, /**< /etc/default/kdump-tools: a shell's assignments, kdump-tools(5) 1.10. */
};

/** A setting that was found. */
struct import_value {
	char *text; /**< NULL: not set. */
	char *origin; /**< "line 3, ext4". */
};

/** What was found. Zeroed is nothing; import_deinit() it. */
struct import {
	const char *name; /**< Of the file, for messages; borrowed. */
	struct import_value values[KEY_COUNT];
	struct words notes; /**< "NAME:LINE: WORD: what has no equivalent, and what replaces it", never a password. */
	bool has_secret; /**< A value has a password. */
	bool is_failed; /**< Memory was exhausted. */
};

/** A line of the file. */
struct import_line {
	unsigned int number; /**< From 1; 0: of none. */
	const char *word; /**< Its directive or variable. */
	const char *value;
};

/**
 * Read a configuration.
 *
 * @param[in] from Whose it is.
 * @param[in] text Of the file.
 * @param[in] name Of the file, for messages; borrowed for as long as @p ret lives.
 * @param[out] ret What was found; import_deinit() it.
 * @return NULL; ERROR_CONFIG (what was found is none that we would take); ERROR_NOMEM.
 */
struct error *import_read(enum import_from from, const char *text, const char *name, struct import *ret) must_check;

/** Read the lines of RHEL's. @param[in] text Of the file. @param[in,out] import Receives them. @return NULL; ERROR_NOMEM. */
struct error *import_rhel(const char *text, struct import *import) must_check;

/** Read the lines of Debian's. @param[in] text Of the file. @param[in,out] import Receives them. @return NULL; ERROR_NOMEM. */
struct error *import_debian(const char *text, struct import *import) must_check;

/**
 * Write what was found as our configuration: assignments, each with the line it comes from, and the notes as comments.
 *
 * @param[in] import What was found.
 * @param[out] ret Text; free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *import_format(const struct import *import, char **ret) must_check;

/** Set a key; if it was set, a note says that the later line counts. @param[in,out] import For it. @param[in] line Where it comes from. @param[in] key Which. @param[in] fmt Value, as printf. */
void import_set(struct import *import, const struct import_line *line, enum config_key key, const char *fmt, ...)
	printf_format(4, 5);

/** Add to a key, behind a blank. @param[in,out] import For it. @param[in] line Where it comes from. @param[in] key Which. @param[in] fmt Value, as printf. */
void import_append(struct import *import, const struct import_line *line, enum config_key key, const char *fmt, ...)
	printf_format(4, 5);

/** Say what has no equivalent. @param[in,out] import For it. @param[in] line Where. @param[in] fmt What, and what replaces it, as printf. */
void import_note(struct import *import, const struct import_line *line, const char *fmt, ...) printf_format(3, 4);

/** Take options of makedumpfile. @param[in,out] import For them. @param[in] line Where they stand. @param[in] options Without the program's name. */
void import_makedumpfile(struct import *import, const struct import_line *line, const char *options);

/**
 * A place on a server as the URL that we have for it.
 *
 * @param[in] scheme "nfs", "ssh".
 * @param[in] server "[USER@]HOST"; an address of IPv6 needs no brackets.
 * @param[in] directory With or without a slash at its beginning.
 * @param[in] below A directory below it, "" for none.
 * @return The URL; NULL without memory; free() it.
 */
char *import_url(const char *scheme, const char *server, const char *directory, const char *below);

/** A text as a part of a URL. @param[in] text Any. @return With %XX for what would mean something there; NULL without memory; free() it. */
char *import_encode(const char *text);

/** Split "HOST:/PATH" of nfs. @param[in] place Any text. @param[out] server_ret, path_ret free() them; untouched if it is none. @return Whether it is one. */
bool import_split_nfs(const char *place, char **server_ret, char **path_ret);

/** Free what was found. @param[in] import Filled, or zeroed. */
void import_deinit(struct import *import);

#define _cleanup_import_ _cleanup_(import_deinit)

#endif
