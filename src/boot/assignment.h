// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Lines NAME="value" of files that a shell reads: /etc/sysconfig/kdump, /etc/default/grub.
 *
 * Does not expand or run anything, and does not know what a name means.
 */
#ifndef BOOT_ASSIGNMENT_H
#define BOOT_ASSIGNMENT_H

#include <stdbool.h>
#include <stddef.h>

/** An assignment. All pointers are into the line. */
struct assignment {
	const char *name;
	size_t name_bytes;
	const char *value; /**< Between the quotes, if there are some; escapes are still in it. */
	size_t value_bytes;
	char quote; /**< '"', '\'', or NUL for a value without. */
	bool has_expansion; /**< A shell would expand a $ or a ` in it. */
	bool has_command; /**< A shell would run something for it: $( or `. */
};

/**
 * Take a line apart: blanks, "export", a name, "=", a value that is quoted as a whole or not at all, blanks, a comment.
 *
 * @param[in] line Without a newline.
 * @param[out] ret The assignment. On error its name is there if that was understood, else NULL.
 * @return NULL, or what is wrong, for a person; static.
 */
const char *assignment_parse(const char *line, struct assignment *ret);

/** The value as a shell would have it if it expanded nothing. @param[in] assignment Filled. @return NULL without memory; free() it. */
char *assignment_text(const struct assignment *assignment);

#endif
