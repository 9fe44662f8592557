// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Writes JSON (RFC 8259): commas, nesting, escapes.
 *
 * Does not read JSON, and keeps nothing in memory: what is written goes to a stream at once.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Deepest nesting; more is a mistake of the program's, and ends it. */
enum { JSON_DEPTH = 16 };

/** A document that is being written. One value at the top; members of objects have names, those of arrays have NULL. */
struct json {
	FILE *out;
	unsigned int depth; /**< Objects and arrays that are open. */
	char ends[JSON_DEPTH]; /**< Bracket that ends each of them. */
	bool has_members[JSON_DEPTH]; /**< Whether a comma comes next. */
	bool is_in_page; /**< See json_init_page(). */
};

/** Start a document. @param[out] ret The document. @param[in] out Stream; borrowed. */
void json_init(struct json *ret, FILE *out);

/**
 * Start a document inside a script element of an HTML page: without blanks between its values, and in a form that the page's parser
 * takes for text whatever it holds: "<", ">" and "&" are written as escapes (HTML, 4.12.1.3 Restrictions for contents of script elements).
 *
 * @param[out] ret The document.
 * @param[in] out Stream; borrowed.
 */
void json_init_page(struct json *ret, FILE *out);

/** Start an object. @param[in,out] json The document. @param[in] name Of the member; NULL in an array and at the top. */
void json_open_object(struct json *json, const char *name);

/** Start an array. @param[in,out] json The document. @param[in] name As json_open_object(). */
void json_open_array(struct json *json, const char *name);

/** End the last object or array that is open. @param[in,out] json The document. */
void json_close(struct json *json);

/**
 * Write a text.
 *
 * @param[in,out] json The document.
 * @param[in] name As json_open_object().
 * @param[in] text Any bytes: what is not UTF-8 becomes U+FFFD, since a reader would refuse the document. NULL: null.
 */
void json_text(struct json *json, const char *name, const char *text);

/** Write a number. @param[in,out] json The document. @param[in] name As json_open_object(). @param[in] number Readers may lose digits above 2^53. */
void json_number(struct json *json, const char *name, uint64_t number);

/** Write a number that may be below 0. @param[in,out] json The document. @param[in] name As json_open_object(). @param[in] number As json_number(). */
void json_signed(struct json *json, const char *name, int64_t number);

/** Write true or false. @param[in,out] json The document. @param[in] name As json_open_object(). @param[in] value Which. */
void json_bool(struct json *json, const char *name, bool value);

/** End the document with a newline. @param[in,out] json All objects and arrays are closed. @return NULL; ERROR_OS; ERROR_NOSPC (the stream failed). */
struct error *json_finish(struct json *json) must_check;

#endif
