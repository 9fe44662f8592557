// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Growing lists of words.
 *
 * Does not know what a word means. Running out of memory is remembered and reported once, when the result is taken.
 */
#ifndef BOOT_WORDS_H
#define BOOT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/** A list of words. Zeroed is empty; words_deinit() it. */
struct words {
	char **list; /**< NULL-terminated; NULL while it is empty. */
	size_t count; /**< Words in the list. */
	bool is_failed; /**< Memory was exhausted; the list is not whole. */
};

/** Add a copy of a word. @param[in,out] words The list. @param[in] word Copied. */
void words_add(struct words *words, const char *word);

/** Add a formatted word. @param[in,out] words The list. @param[in] fmt What, as printf. */
void words_addf(struct words *words, const char *fmt, ...) printf_format(2, 3);

/**
 * Add the words of a line. Words are separated by blanks; double quotes keep blanks together, as in a kernel command
 * line, and stay in the word.
 *
 * @param[in,out] words The list.
 * @param[in] line Text.
 */
void words_split(struct words *words, const char *line);

/** Take quotes off a word of words_split(): they are for blanks in it and no part of it. @param[in,out] word The word. */
void words_unquote(char *word);

/** Whether a word is in the list. @param[in] words The list. @param[in] word Compared bytewise. */
bool words_has(const struct words *words, const char *word);

/** Whether the list is whole. @param[in] words The list. @return NULL; ERROR_NOMEM. */
struct error *words_check(const struct words *words) must_check;

/**
 * Hand the list on.
 *
 * @param[in,out] words Left empty.
 * @param[out] ret NULL-terminated, never NULL; host_names_free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *words_take(struct words *words, char ***ret) must_check;

/** Free what a list owns. @param[in] words Used, or zeroed. */
void words_deinit(struct words *words);

#define _cleanup_words_ _cleanup_(words_deinit)

#endif
