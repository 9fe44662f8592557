// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/assignment.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char name_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

static bool is_escape(const char *at, char quote)
{
	return quote == '"' && *at == '\\' && at[1] && strchr("\"\\$`", at[1]);
}

// What may follow a value: blanks and a comment.
static bool is_line_end(const char *at)
{
	const char *rest = at + strspn(at, " \t\r");

	return !*rest || (*rest == '#' && rest > at);
}

static void note_expansion(struct assignment *ret, const char *at)
{
	if (*at == '$' || *at == '`')
		ret->has_expansion = true;
	if (*at == '`' || (*at == '$' && at[1] == '('))
		ret->has_command = true;
}

static const char *parse_quoted(const char *at, struct assignment *ret)
{
	const char *end = at + 1;

	ret->quote = *at;
	ret->value = end;
	for (; *end && *end != ret->quote; end++) {
		if (is_escape(end, ret->quote))
			end++;
		else if (ret->quote == '"')
			note_expansion(ret, end);
	}
	ret->value_bytes = (size_t)(end - ret->value);
	if (!*end)
		return "the quote is not closed on this line, a value is one line";
	return is_line_end(end + 1) ? NULL : "there is more text behind the closing quote";
}

static const char *parse_bare(const char *at, struct assignment *ret)
{
	ret->value = at;
	ret->value_bytes = strcspn(at, " \t\r");
	if (!is_line_end(at + ret->value_bytes))
		return "a value with blanks must stand in quotes";
	for (size_t i = 0; i < ret->value_bytes; i++) {
		if (strchr("\\\"'();&|<>", at[i]))
			return "a value with special characters must stand in quotes";
		note_expansion(ret, at + i);
	}
	return NULL;
}

const char *assignment_parse(const char *line, struct assignment *ret)
{
	const char *at = line + strspn(line, " \t");
	size_t name_bytes;

	*ret = (struct assignment){0};
	if (strncmp(at, "export", 6) == 0 && (at[6] == ' ' || at[6] == '\t'))
		at += 6 + strspn(at + 6, " \t");
	name_bytes = strspn(at, name_letters);
	if (!name_bytes || at[name_bytes] != '=' || isdigit((unsigned char)*at))
		return "this is no assignment, a line is KEY=\"value\" without blanks around =";
	ret->name = at;
	ret->name_bytes = name_bytes;
	at += name_bytes + 1;
	return *at == '"' || *at == '\'' ? parse_quoted(at, ret) : parse_bare(at, ret);
}

char *assignment_text(const struct assignment *assignment)
{
	const char *end = assignment->value + assignment->value_bytes;
	char *text = malloc(assignment->value_bytes + 1), *to = text;

	if (!text)
		return NULL;
	for (const char *from = assignment->value; from < end; from++) {
		from += is_escape(from, assignment->quote);
		*to++ = *from;
	}
	*to = '\0';
	return text;
}
