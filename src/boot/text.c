// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/text.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/host.h"

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

static void words_add_owned(struct words *words, char *word)
{
	char **grown = realloc(words->list, (words->count + 2) * sizeof(*grown));

	if (grown)
		words->list = grown;
	if (!grown || !word) {
		free(word);
		words->is_failed = true;
		if (grown)
			grown[words->count] = NULL;
		return;
	}
	grown[words->count++] = word;
	grown[words->count] = NULL;
}

void words_add(struct words *words, const char *word)
{
	words_add_owned(words, strdup(word));
}

void words_addf(struct words *words, const char *fmt, ...)
{
	va_list args;
	char *word;

	va_start(args, fmt);
	if (vasprintf(&word, fmt, args) < 0)
		word = NULL;
	va_end(args);
	words_add_owned(words, word);
}

void words_split(struct words *words, const char *line)
{
	const char *blanks = " \t\r\n";

	for (const char *at = line + strspn(line, blanks); *at; at += strspn(at, blanks)) {
		const char *end = at;
		bool is_quoted = false;

		for (; *end && (is_quoted || !strchr(blanks, *end)); end++)
			is_quoted ^= *end == '"';
		words_add_owned(words, strndup(at, (size_t)(end - at)));
		at = end;
	}
}

bool words_has(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->list[i], word) == 0)
			return true;
	}
	return false;
}

struct error *words_check(const struct words *words)
{
	return words->is_failed ? error_new(ERROR_NOMEM, "no memory for a list of words") : NULL;
}

struct error *words_take(struct words *words, char ***ret)
{
	struct error *err = words_check(words);

	if (err)
		return err;
	if (!words->list)
		words->list = calloc(1, sizeof(*words->list));
	if (!words->list)
		return error_new(ERROR_NOMEM, "no memory for a list of words");
	*ret = words->list;
	*words = (struct words){0};
	return NULL;
}

void words_deinit(struct words *words)
{
	host_names_free(words->list);
	*words = (struct words){0};
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
