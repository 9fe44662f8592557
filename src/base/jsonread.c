// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/jsonread.h"

#include <stdio.h>
#include <string.h>

// An object or array that is open.
struct level {
	bool is_object;
	size_t path_bytes; // Of the path of what is in it.
};

struct parser {
	const char *start, *at, *end;
	struct jsonread_query *queries;
	size_t count;
	struct level levels[JSONREAD_DEPTH];
	unsigned int depth, arrays; // Arrays among the levels.
	char path[JSONREAD_PATH_BYTES]; // Of the value that comes; cut where it is longer than any that is wanted.
	size_t path_bytes;
	bool is_cut;
};

static struct error *wrong(const struct parser *parser, const char *what)
{
	return error_new(ERROR_BAD_DATA, "no JSON at offset %zu: %s", (size_t)(parser->at - parser->start), what);
}

static void skip_blanks(struct parser *parser)
{
	while (parser->at < parser->end && memchr(" \t\r\n", *parser->at, 4))
		parser->at++;
}

static bool take(struct parser *parser, char c)
{
	skip_blanks(parser);
	if (parser->at == parser->end || *parser->at != c)
		return false;
	parser->at++;
	return true;
}

// Room for a text that is read; what does not fit is passed over.
struct sink {
	char *text;
	size_t room_bytes, used;
};

static void put(struct sink *sink, const char *bytes, size_t size_bytes)
{
	if (!sink->room_bytes || sink->room_bytes - 1 - sink->used < size_bytes) {
		// No part of what comes behind it may follow.
		sink->room_bytes = 0;
		return;
	}
	memcpy(sink->text + sink->used, bytes, size_bytes);
	sink->used += size_bytes;
	sink->text[sink->used] = '\0';
}

static void put_code(struct sink *sink, unsigned int code)
{
	char bytes[3];

	// Halves of a pair, and NUL, which would end the text.
	if (!code || (code >= 0xd800 && code <= 0xdfff))
		code = 0xfffd;
	if (code < 0x80) {
		bytes[0] = (char)code;
		put(sink, bytes, 1);
	} else if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 0x3f));
		put(sink, bytes, 2);
	} else {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (code & 0x3f));
		put(sink, bytes, 3);
	}
}

static struct error *read_code(struct parser *parser, unsigned int *ret)
{
	*ret = 0;
	if (parser->end - parser->at < 4)
		return wrong(parser, "a text without its end");
	for (int i = 0; i < 4; i++, parser->at++) {
		static const char digits[] = "0123456789abcdef";
		char c = *parser->at;
		const char *digit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

		if (!digit)
			return wrong(parser, "\\u without four digits");
		*ret = *ret << 4 | (unsigned int)(digit - digits);
	}
	return NULL;
}

// Behind a backslash.
static struct error *read_escape(struct parser *parser, struct sink *sink)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;
	unsigned int code;
	struct error *err;

	if (parser->at == parser->end)
		return wrong(parser, "a text without its end");
	if (*parser->at == 'u') {
		parser->at++;
		err = read_code(parser, &code);
		if (!err)
			put_code(sink, code);
		return err;
	}
	name = *parser->at ? strchr(names, *parser->at) : NULL;
	if (!name)
		return wrong(parser, "an unknown escape");
	put(sink, &values[name - names], 1);
	parser->at++;
	return NULL;
}

// Behind the quote. The sink gets what fits.
static struct error *read_text(struct parser *parser, struct sink *sink)
{
	while (parser->at < parser->end) {
		const char *c = parser->at++;
		struct error *err = NULL;

		if (*c == '"')
			return NULL;
		if ((unsigned char)*c < ' ')
			return wrong(parser, "a control character in a text");
		if (*c == '\\')
			err = read_escape(parser, sink);
		else
			put(sink, c, 1);
		if (err)
			return err;
	}
	return wrong(parser, "a text without its end");
}

static struct jsonread_query *wanted(const struct parser *parser, bool is_text)
{
	for (size_t i = 0; i < parser->count && !parser->is_cut && !parser->arrays; i++) {
		struct jsonread_query *query = &parser->queries[i];

		if (!query->is_found && !query->text == !is_text && strcmp(query->path, parser->path) == 0)
			return query;
	}
	return NULL;
}

static struct error *read_string(struct parser *parser)
{
	struct jsonread_query *query = wanted(parser, true);
	struct sink sink = {0};

	if (query) {
		sink = (struct sink){query->text, query->room_bytes, 0};
		query->text[0] = '\0';
		query->is_found = true;
	}
	return read_text(parser, &sink);
}

static struct error *read_number(struct parser *parser)
{
	struct jsonread_query *query = wanted(parser, false);
	const char *first = parser->at;
	bool is_whole = true, fits = true;
	uint64_t number = 0;

	for (; parser->at < parser->end && *parser->at && strchr("+-.0123456789eE", *parser->at); parser->at++) {
		unsigned int digit = (unsigned int)(*parser->at - '0');

		if (digit > 9)
			is_whole = false;
		else
			fits &= !__builtin_mul_overflow(number, 10, &number) &&
			        !__builtin_add_overflow(number, digit, &number);
	}
	if (parser->at == first)
		return wrong(parser, "a value is missing");
	if (query && is_whole && fits) {
		query->number = number;
		query->is_found = true;
	}
	return NULL;
}

static bool read_word(struct parser *parser)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < array_size(words); i++) {
		size_t size = strlen(words[i]);

		if ((size_t)(parser->end - parser->at) >= size && memcmp(parser->at, words[i], size) == 0) {
			parser->at += size;
			return true;
		}
	}
	return false;
}

static struct error *open_level(struct parser *parser, bool is_object)
{
	if (parser->depth == JSONREAD_DEPTH)
		return wrong(parser, "too deep");
	parser->levels[parser->depth++] = (struct level){is_object, parser->path_bytes};
	parser->arrays += !is_object;
	return NULL;
}

// The name of a member, behind the quote, and its colon.
static struct error *read_name(struct parser *parser)
{
	size_t base = parser->levels[parser->depth - 1].path_bytes;
	struct sink sink = {parser->path, sizeof(parser->path), base};
	struct error *err;

	parser->path[base] = '\0';
	if (base)
		put(&sink, ".", 1);
	err = read_text(parser, &sink);
	parser->is_cut = !sink.room_bytes;
	parser->path_bytes = sink.used;
	if (!err && !take(parser, ':'))
		err = wrong(parser, "a colon is missing");
	return err;
}

// A value; of an object or array only its start.
static struct error *read_value(struct parser *parser, bool *is_open_ret)
{
	*is_open_ret = false;
	skip_blanks(parser);
	if (parser->at == parser->end)
		return wrong(parser, "it ends too early");
	if (*parser->at == '{' || *parser->at == '[') {
		*is_open_ret = true;
		return open_level(parser, *parser->at++ == '{');
	}
	if (*parser->at == '"') {
		parser->at++;
		return read_string(parser);
	}
	return read_word(parser) ? NULL : read_number(parser);
}

// Behind a value, or the start of an object or array: ends those that end here. Gives whether another value comes.
static struct error *read_between(struct parser *parser, bool is_open, bool *is_next_ret)
{
	while (parser->depth) {
		struct level *level = &parser->levels[parser->depth - 1];

		*is_next_ret = true;
		if (take(parser, level->is_object ? '}' : ']')) {
			parser->arrays -= !level->is_object;
			parser->depth--;
			is_open = false;
			continue;
		}
		if (!is_open && !take(parser, ','))
			return wrong(parser, "a comma or a bracket is missing");
		if (!level->is_object)
			return NULL;
		if (!take(parser, '"'))
			return wrong(parser, "the name of a member is missing");
		return read_name(parser);
	}
	*is_next_ret = false;
	return NULL;
}

struct error *jsonread_find(const char *text, size_t size_bytes, struct jsonread_query *queries, size_t count)
{
	struct parser parser = {
		.start = text, .at = text, .end = text + size_bytes, .queries = queries, .count = count};
	struct error *err = NULL;
	bool is_open, is_next = true;

	for (size_t i = 0; i < count; i++)
		queries[i].is_found = false;
	while (!err && is_next) {
		err = read_value(&parser, &is_open);
		if (!err)
			err = read_between(&parser, is_open, &is_next);
	}
	skip_blanks(&parser);
	if (!err && parser.at < parser.end)
		err = wrong(&parser, "something behind its end");
	return err;
}
