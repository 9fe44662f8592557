// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/words.h"

#include <stdarg.h>
#include <string.h>

#include "base/host.h"

static void add_owned(struct words *words, char *word)
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
	add_owned(words, strdup(word));
}

void words_addf(struct words *words, const char *fmt, ...)
{
	va_list args;
	char *word;

	va_start(args, fmt);
	if (vasprintf(&word, fmt, args) < 0)
		word = NULL;
	va_end(args);
	add_owned(words, word);
}

void words_split(struct words *words, const char *line)
{
	const char *blanks = " \t\r\n";

	for (const char *at = line + strspn(line, blanks); *at; at += strspn(at, blanks)) {
		const char *end = at;
		bool is_quoted = false;

		for (; *end && (is_quoted || !strchr(blanks, *end)); end++)
			is_quoted ^= *end == '"';
		add_owned(words, strndup(at, (size_t)(end - at)));
		at = end;
	}
}

void words_unquote(char *word)
{
	char *to = word;

	for (const char *from = word; *from; from++)
		if (*from != '"')
			*to++ = *from;
	*to = '\0';
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
