// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/text.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

static bool text_grow(struct text *text, size_t more_bytes)
{
	size_t room = text->room_bytes ? text->room_bytes : 256;
	char *grown;

	while (room - text->size_bytes <= more_bytes)
		room *= 2;
	grown = room == text->room_bytes ? text->buf : realloc(text->buf, room);
	if (!grown) {
		text->is_failed = true;
		return false;
	}
	text->buf = grown;
	text->room_bytes = room;
	return true;
}

void text_add(struct text *text, const char *fmt, ...)
{
	va_list args;
	int size;

	va_start(args, fmt);
	size = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (size < 0 || !text_grow(text, (size_t)size))
		return;
	va_start(args, fmt);
	vsnprintf(text->buf + text->size_bytes, (size_t)size + 1, fmt, args);
	va_end(args);
	text->size_bytes += (size_t)size;
}

struct error *text_take(struct text *text, char **ret)
{
	if (!text->buf)
		text_add(text, "%s", "");
	if (text->is_failed)
		return error_new(ERROR_NOMEM, "no memory for a text");
	*ret = take_ptr(text->buf);
	*text = (struct text){0};
	return NULL;
}

void text_deinit(struct text *text)
{
	free(text->buf);
	*text = (struct text){0};
}

const char *text_last_line(char *output)
{
	size_t size = output ? strlen(output) : 0;
	char *newline;

	while (size && strchr(" \t\r\n", output[size - 1]))
		output[--size] = '\0';
	newline = size ? strrchr(output, '\n') : NULL;
	return newline ? newline + 1 : size ? output : "it said nothing";
}

// Longest name that is compared; more is no typing mistake of any of our names.
enum { NEAREST_MAX_CHARS = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

// Levenshtein's distance, one row at a time, without regard to case.
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NEAREST_MAX_CHARS + 1];
	size_t width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t above = row[j];
			size_t change = strncasecmp(&a[i - 1], &b[j - 1], 1) == 0 ? 0 : 1;

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + change);
			diagonal = above;
		}
	}
	return row[width];
}

const char *text_nearest(const char *word, const char *const *names)
{
	size_t limit = strlen(word) / 3 + 1;
	const char *best = NULL;

	if (strlen(word) > NEAREST_MAX_CHARS)
		return NULL;
	for (; *names; names++) {
		size_t distance = strlen(*names) > NEAREST_MAX_CHARS ? limit : edit_distance(word, *names);

		if (distance < limit) {
			limit = distance;
			best = *names;
		}
	}
	return best;
}
