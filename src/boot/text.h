// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Growing texts.
 *
 * Does not know what a text means; lists of words are in words.h. Running out of memory is remembered and reported
 * once, when the result is taken.
 */
#ifndef BOOT_TEXT_H
#define BOOT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/** A text that grows at its end. Zeroed is empty; text_deinit() it. */
struct text {
	char *buf; /**< The text with its final NUL; NULL while it is empty. */
	size_t size_bytes; /**< Without the NUL. */
	size_t room_bytes; /**< Allocated. */
	bool is_failed; /**< Memory was exhausted; the text is not whole. */
};

/** Add at the end. @param[in,out] text The text. @param[in] fmt What, as printf. */
void text_add(struct text *text, const char *fmt, ...) printf_format(2, 3);

/**
 * Hand the text on.
 *
 * @param[in,out] text Left empty.
 * @param[out] ret Never NULL; free() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *text_take(struct text *text, char **ret) must_check;

/** Free what a text owns. @param[in] text Used, or zeroed. */
void text_deinit(struct text *text);

#define _cleanup_text_ _cleanup_(text_deinit)

/**
 * The last line of what a program printed, which is where they say what went wrong.
 *
 * @param[in,out] output NULL for none; white space at its end is cut off.
 * @return A part of @p output, or words for an empty one.
 */
const char *text_last_line(char *output);

/**
 * The name that a person probably meant.
 *
 * @param[in] word What was written.
 * @param[in] names NULL-terminated.
 * @return One of @p names, or NULL if none is near enough (edit distance at most a third of the word).
 */
const char *text_nearest(const char *word, const char *const *names);

#endif
