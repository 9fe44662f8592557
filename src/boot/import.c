// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/import.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/sysconfig.h"
#include "boot/text.h"

static char *format_origin(const struct import_line *line)
{
	char *origin;

	if (!line->number)
		return strdup(line->word);
	if (asprintf(&origin, "line %u, %s", line->number, line->word) < 0)
		return NULL;
	return origin;
}

// Takes the text over.
static void put(struct import *import, const struct import_line *line, enum config_key key, char *text)
{
	struct import_value *value = &import->values[key];

	free(value->text);
	free(value->origin);
	value->text = text;
	value->origin = format_origin(line);
	if (!value->text || !value->origin)
		import->is_failed = true;
}

void import_set(struct import *import, const struct import_line *line, enum config_key key, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (import->values[key].text)
		import_note(import, line, "it is there twice, or contradicts %s; this one counts",
		            import->values[key].origin ? import->values[key].origin : "");
	put(import, line, key, text);
}

void import_append(struct import *import, const struct import_line *line, enum config_key key, const char *fmt, ...)
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

void import_note(struct import *import, const struct import_line *line, const char *fmt, ...)
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

char *import_encode(const char *text)
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

char *import_url(const char *scheme, const char *server, const char *directory, const char *below)
{
	const char *at = strrchr(server, '@'), *host = at ? at + 1 : server, *colon = strchr(host, ':');
	_cleanup_free_ char *user = strndup(server, at ? (size_t)(at - server) : 0), *first = trim(directory);
	_cleanup_free_ char *second = trim(below), *user_part = user ? import_encode(user) : NULL;
	_cleanup_free_ char *first_part = first ? import_encode(first) : NULL;
	_cleanup_free_ char *second_part = second ? import_encode(second) : NULL;
	// An address of IPv6 without brackets: no port has a second colon behind it.
	bool is_bare = *host != '[' && colon && strchr(colon + 1, ':');
	char *url;

	if (!user_part || !first_part || !second_part ||
	    asprintf(&url, "%s://%s%s%s%s%s/%s%s%s", scheme, user_part, at ? "@" : "", is_bare ? "[" : "", host,
	             is_bare ? "]" : "", first_part, *first_part && *second_part ? "/" : "", second_part) < 0)
		return NULL;
	return url;
}

bool import_split_nfs(const char *place, char **server_ret, char **path_ret)
{
	const char *bracket = *place == '[' ? strchr(place, ']') : NULL,
		   *colon = strstr(bracket ? bracket : place, ":/");

	if (!colon || colon == place)
		return false;
	*server_ret = strndup(place, (size_t)(colon - place));
	*path_ret = strdup(colon + 1);
	return true;
}

// A mistake of ours must not become a file that stops the next start.
static struct error *check(const struct import *import)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *text = NULL;
	struct error *err = import_format(import, &text);

	if (!err)
		err = config_parse(text, "the result", &config);
	if (!err)
		err = config_check(&config);
	return error_wrap(err, "%s cannot be taken over", import->name);
}

struct error *import_read(enum import_from from, const char *text, const char *name, struct import *ret)
{
	struct import import = {.name = name};
	struct error *err = from == IMPORT_RHEL ? import_rhel(text, &import) : import_debian(text, &import);

	if (!err && import.is_failed)
		err = error_new(ERROR_NOMEM, "no memory for the import");
	if (!err)
		err = words_check(&import.notes);
	if (!err)
		err = check(&import);
	if (err) {
		import_deinit(&import);
		return err;
	}
	*ret = import;
	return NULL;
}

struct error *import_format(const struct import *import, char **ret)
{
	_cleanup_text_ struct text text = {0};

	text_add(&text, "# From %s, by kdumpctl import. See kdump(5).\n", import->name);
	for (int key = 0; key < KEY_COUNT; key++) {
		_cleanup_free_ char *line = NULL;
		struct error *err;

		if (!import->values[key].text)
			continue;
		err = sysconfig_line(config_key_info(key)->name, import->values[key].text, &line);
		if (err)
			return err;
		text_add(&text, "\n# %s\n%s\n", import->values[key].origin, line);
	}
	if (import->notes.count)
		text_add(&text, "\n# What is not as it was, line by line:\n");
	for (size_t i = 0; i < import->notes.count; i++)
		text_add(&text, "# %s\n", import->notes.list[i]);
	return text_take(&text, ret);
}

void import_deinit(struct import *import)
{
	for (int key = 0; key < KEY_COUNT; key++) {
		free(import->values[key].text);
		free(import->values[key].origin);
	}
	words_deinit(&import->notes);
	*import = (struct import){0};
}
