// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void json_init(struct json *ret, FILE *out)
{
	*ret = (struct json){.out = out};
}

void json_init_page(struct json *ret, FILE *out)
{
	*ret = (struct json){.out = out, .is_in_page = true};
}

// Bytes of the UTF-8 sequence at the start of a text; 0: it is none (RFC 3629, section 4).
static size_t sequence(const unsigned char *at)
{
	size_t count = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < count; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	// Longer than need be, surrogates, above U+10FFFF.
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
	    (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return count;
}

static void put_text(FILE *out, const char *text, bool is_in_page)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', out);
	while (*at) {
		size_t count = sequence(at);

		if (count == 0)
			fputs("\\ufffd", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (*at == '\n')
			fputs("\\n", out);
		else if (*at < 0x20 || *at == 0x7f || (is_in_page && (*at == '<' || *at == '>' || *at == '&')))
			fprintf(out, "\\u%04x", *at);
		else
			fwrite(at, 1, count, out);
		at += count ? count : 1;
	}
	fputc('"', out);
}

static void start_line(const struct json *json)
{
	if (json->is_in_page)
		return;
	fputc('\n', json->out);
	for (unsigned int i = 0; i < json->depth; i++)
		fputs("  ", json->out);
}

// What stands before a value.
static void start_value(struct json *json, const char *name)
{
	if (json->depth) {
		bool *has_members = &json->has_members[json->depth - 1];

		if (*has_members)
			fputc(',', json->out);
		*has_members = true;
		start_line(json);
	}
	if (name) {
		put_text(json->out, name, json->is_in_page);
		fputs(json->is_in_page ? ":" : ": ", json->out);
	}
}

static void open_level(struct json *json, const char *name, char start, char end)
{
	if (json->depth == JSON_DEPTH)
		abort();
	start_value(json, name);
	fputc(start, json->out);
	json->ends[json->depth] = end;
	json->has_members[json->depth++] = false;
}

void json_open_object(struct json *json, const char *name)
{
	open_level(json, name, '{', '}');
}

void json_open_array(struct json *json, const char *name)
{
	open_level(json, name, '[', ']');
}

void json_close(struct json *json)
{
	json->depth--;
	if (json->has_members[json->depth])
		start_line(json);
	fputc(json->ends[json->depth], json->out);
}

void json_text(struct json *json, const char *name, const char *text)
{
	start_value(json, name);
	if (text)
		put_text(json->out, text, json->is_in_page);
	else
		fputs("null", json->out);
}

void json_number(struct json *json, const char *name, uint64_t number)
{
	start_value(json, name);
	fprintf(json->out, "%" PRIu64, number);
}

void json_signed(struct json *json, const char *name, int64_t number)
{
	start_value(json, name);
	fprintf(json->out, "%" PRId64, number);
}

void json_bool(struct json *json, const char *name, bool value)
{
	start_value(json, name);
	fputs(value ? "true" : "false", json->out);
}

struct error *json_finish(struct json *json)
{
	fputc('\n', json->out);
	errno = EIO;
	if (fflush(json->out) != 0 || ferror(json->out))
		return error_os(errno, "write");
	return NULL;
}
