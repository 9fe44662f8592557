// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Reads single members out of a document of JSON (RFC 8259).
 *
 * Does not keep the document as a tree, and trusts nothing in it: depth and sizes are bounded. Does not convert numbers with fractions.
 */
#ifndef BASE_JSONREAD_H
#define BASE_JSONREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Limits. */
enum {
	JSONREAD_DEPTH = 32, /**< Deepest nesting. */
	JSONREAD_PATH_BYTES = 128, /**< Longest path of a member that can be asked for, with its NUL. */
};

/** A member that is wanted, and its value. */
struct jsonread_query {
	const char *
		path; /**< Names of members, with points between them: "crashed.pid". What is in arrays cannot be asked for. */
	char *text; /**< Receives a text, cut to its room, in UTF-8 without NULs; NULL: a number is wanted. */
	size_t room_bytes; /**< Of text, at least 1. */
	uint64_t number; /**< The number, if it is a whole one that fits. */
	bool is_found; /**< Filled in: it is there and of the wanted kind. Of several of one name the first counts. */
};

/**
 * Look up members.
 *
 * @param[in] text The document.
 * @param[in] size_bytes Its size.
 * @param[in,out] queries What to look for, and the answers.
 * @param[in] count Their number.
 * @return NULL (also if some are not found); ERROR_BAD_DATA: it is not JSON, or too deep; the text has the offset.
 */
struct error *jsonread_find(const char *text, size_t size_bytes, struct jsonread_query *queries,
                            size_t count) must_check;

#endif
