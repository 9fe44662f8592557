// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/imported.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *format_origin(const struct imported_line *line)
{
	char *origin;

	if (!line->number)
		return strdup(line->word);
	if (asprintf(&origin, "line %u, %s", line->number, line->word) < 0)
		return NULL;
	return origin;
}

// Takes the text over.
static void put(struct imported *import, const struct imported_line *line, enum config_key key, char *text)
{
	struct imported_value *value = &import->values[key];

	free(value->text);
	free(value->origin);
	value->text = text;
	value->origin = format_origin(line);
	if (!value->text || !value->origin)
		import->is_failed = true;
}

void imported_set(struct imported *import, const struct imported_line *line, enum config_key key, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (import->values[key].text)
		imported_note(import, line, "it is there twice, or contradicts %s; this one counts",
		              import->values[key].origin ? import->values[key].origin : "");
	put(import, line, key, text);
}

void imported_append(struct imported *import, const struct imported_line *line, enum config_key key, const char *fmt,
                     ...)
{
	const char *before = import->values[key].text;
	_cleanup_free_ char *more = NULL;
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&more, fmt, args) < 0)
		more = NULL;
	va_end(args);
	if (!more || asprintf(&text, "%s%s%s", before ? before : "", before ? " " : "", more) < 0)
		text = NULL;
	put(import, line, key, text);
}

void imported_note(struct imported *import, const struct imported_line *line, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (!text)
		import->is_failed = true;
	else if (line->number)
		words_addf(&import->notes, "%s:%u: %s: %s", import->name, line->number, line->word, text);
	else
		words_addf(&import->notes, "%s: %s: %s", import->name, line->word, text);
}

char *imported_encode(const char *text)
{
	char *ret = malloc(3 * strlen(text) + 1), *to = ret;

	if (!ret)
		return NULL;
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("._~/-", *text))
			*to++ = *text;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*text);
	}
	*to = '\0';
	return ret;
}

// Without the slashes at both ends.
static char *trim(const char *path)
{
	const char *start = path + strspn(path, "/");
	size_t size = strlen(start);

	while (size && start[size - 1] == '/')
		size--;
	return strndup(start, size);
}

char *imported_url(const char *scheme, const char *server, const char *directory, const char *below)
{
	const char *at = strrchr(server, '@'), *host = at ? at + 1 : server, *colon = strchr(host, ':');
	_cleanup_free_ char *user = strndup(server, at ? (size_t)(at - server) : 0), *first = trim(directory);
	_cleanup_free_ char *second = trim(below), *user_part = user ? imported_encode(user) : NULL;
	_cleanup_free_ char *first_part = first ? imported_encode(first) : NULL;
	_cleanup_free_ char *second_part = second ? imported_encode(second) : NULL;
	// An address of IPv6 without brackets: no port has a second colon behind it.
	bool is_bare = *host != '[' && colon && strchr(colon + 1, ':');
	char *url;

	if (!user_part || !first_part || !second_part ||
	    asprintf(&url, "%s://%s%s%s%s%s/%s%s%s", scheme, user_part, at ? "@" : "", is_bare ? "[" : "", host,
	             is_bare ? "]" : "", first_part, *first_part && *second_part ? "/" : "", second_part) < 0)
		return NULL;
	return url;
}

bool imported_split_nfs(const char *place, char **server_ret, char **path_ret)
{
	const char *bracket = *place == '[' ? strchr(place, ']') : NULL,
		   *colon = strstr(bracket ? bracket : place, ":/");

	if (!colon || colon == place)
		return false;
	*server_ret = strndup(place, (size_t)(colon - place));
	*path_ret = strdup(colon + 1);
	return true;
}

void imported_deinit(struct imported *import)
{
	for (int key = 0; key < KEY_COUNT; key++) {
		free(import->values[key].text);
		free(import->values[key].origin);
	}
	words_deinit(&import->notes);
	*import = (struct imported){0};
}
