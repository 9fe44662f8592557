// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/sysconfig.h"

#include <string.h>

#include "base/cleanup.h"
#include "boot/assignment.h"
#include "boot/text.h"

struct error *sysconfig_line(const char *key, const char *value, char **ret)
{
	_cleanup_text_ struct text text = {0};

	text_add(&text, "%s=\"", key);
	for (; *value; value++) {
		if ((unsigned char)*value < ' ' && *value != '\t')
			return error_new(ERROR_CONFIG, "%s: a value is one line of text", key);
		text_add(&text, strchr("\"\\$`", *value) ? "\\%c" : "%c", *value);
	}
	text_add(&text, "\"");
	return text_take(&text, ret);
}

static bool is_of(const char *line, size_t size, const char *key)
{
	_cleanup_free_ char *copy = strndup(line, size);
	struct assignment assignment;

	// A line with a mistake behind the name is replaced too: it is what keeps the file from being read.
	(void)(copy && assignment_parse(copy, &assignment));
	return copy && assignment.name && assignment.name_bytes == strlen(key) &&
	       strncmp(assignment.name, key, assignment.name_bytes) == 0;
}

struct error *sysconfig_set(const char *text, const char *key, const char *value, char **ret)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_text_ struct text out = {0};
	const char *last = NULL, *end = text + strlen(text);
	struct error *err = sysconfig_line(key, value, &line);

	if (err)
		return err;
	for (const char *at = text; at < end; at += strcspn(at, "\n") + 1)
		if (is_of(at, strcspn(at, "\n"), key))
			last = at;
	if (last) {
		text_add(&out, "%.*s%s%s", (int)(last - text), text, line, last + strcspn(last, "\n"));
	} else {
		const char *newline = end > text && end[-1] != '\n' ? "\n" : "";

		text_add(&out, "%s%s%s\n", text, newline, line);
	}
	return text_take(&out, ret);
}
