// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/parameters.h"

#include <string.h>

#include "boot/text.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Where the word at some place ends. A quote keeps blanks in a word, as the kernel's next_arg() reads it.
static size_t word_end(const struct parameters_line *line, size_t at, bool *is_open_ret)
{
	bool is_quoted = false;

	for (; at < line->size_bytes && (is_quoted || !is_blank(line->text[at])); at++) {
		bool is_escape = line->quote == '"' && line->text[at] == '\\' && at + 1 < line->size_bytes;

		at += is_escape;
		if (line->text[at] == '"')
			is_quoted = !is_quoted;
	}
	*is_open_ret = is_quoted;
	return at;
}

static bool has_name(const char *word, size_t size_bytes, const char *name)
{
	size_t name_bytes = strcspn(name, "=");

	return size_bytes >= name_bytes && strncmp(word, name, name_bytes) == 0 &&
	       (size_bytes == name_bytes || word[name_bytes] == '=');
}

bool parameters_is_same(const char *word, const char *other)
{
	return has_name(word, strlen(word), other);
}

static bool is_one_of(const char *word, size_t size_bytes, const char *const *names)
{
	for (; names && *names; names++)
		if (has_name(word, size_bytes, *names))
			return true;
	return false;
}

struct error *parameters_edit(const struct parameters_line *line, const struct parameters_change *change, char **ret)
{
	_cleanup_text_ struct text text = {0};
	bool is_open = false;

	for (size_t at = 0, end; at < line->size_bytes; at = end) {
		size_t word = at;

		while (word < line->size_bytes && is_blank(line->text[word]))
			word++;
		end = word_end(line, word, &is_open);
		if (end > word && (is_one_of(line->text + word, end - word, change->remove) ||
		                   is_one_of(line->text + word, end - word, change->add)))
			continue;
		// Blanks in front of the first word that stays would be those behind one that went.
		if (!text.size_bytes && (at || end == word))
			at = word;
		text_add(&text, "%.*s", (int)(end - at), line->text + at);
	}
	if (is_open && change->add && *change->add)
		return error_new(ERROR_BAD_DATA, "a quote is not closed, what is added would stand in it");
	// One blank, however many there were: to do it again must find what it left.
	while (change->add && *change->add && text.size_bytes && is_blank(text.buf[text.size_bytes - 1]))
		text.size_bytes--;
	for (const char *const *word = change->add; word && *word; word++)
		text_add(&text, "%s%s", text.size_bytes ? " " : "", *word);
	return text_take(&text, ret);
}

void parameters_find(const struct parameters_line *line, const char *const *names, struct words *ret)
{
	bool is_open;

	for (size_t at = 0, end; at < line->size_bytes; at = end) {
		while (at < line->size_bytes && is_blank(line->text[at]))
			at++;
		end = word_end(line, at, &is_open);
		if (end > at && is_one_of(line->text + at, end - at, names))
			words_addf(ret, "%.*s", (int)(end - at), line->text + at);
	}
}
