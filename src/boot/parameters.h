// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Kernel command lines as text: parameters are found, taken out and put in; all else stays byte for byte.
 *
 * Does not know what a parameter means, nor the file that a line stands in.
 */
#ifndef BOOT_PARAMETERS_H
#define BOOT_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "boot/words.h"

/** What is to become of a command line. Texts and lists are borrowed; both lists end with NULL. */
struct parameters_change {
	const char *const *remove; /**< Names of parameters that go, "crashkernel"; those of @p add go in any case. */
	const char *const *add; /**< "NAME=VALUE", to its end. */
};

/** A command line, or a piece of a file that is one. */
struct parameters_line {
	const char *text;
	size_t size_bytes;
	char quote; /**< Of the shell around it: '"' (quotes inside are \"), '\'', or NUL. */
};

/**
 * Change a line. To do it again changes nothing.
 *
 * @param[in] line The line.
 * @param[in] change What to do.
 * @param[out] ret The new line; free() it.
 * @return NULL; ERROR_BAD_DATA (a quote is not closed); ERROR_NOMEM.
 */
struct error *parameters_edit(const struct parameters_line *line, const struct parameters_change *change,
                              char **ret) must_check;

/** Whether two words are of one parameter, by what stands before "=". @param[in] word A parameter, or its name. @param[in] other Another one. */
bool parameters_is_same(const char *word, const char *other);

/**
 * Add the parameters of some names to a list, as they stand in the line.
 *
 * @param[in] line The line.
 * @param[in] names NULL-terminated; of "NAME=VALUE" what stands before "=".
 * @param[in,out] ret The list.
 */
void parameters_find(const struct parameters_line *line, const char *const *names, struct words *ret);

#endif
