// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/age.h"

#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"

enum { IDENTITIES_MAX = 1024, LINE_BYTES = 128 };

struct error *age_missing(void)
{
	return error_new(ERROR_UNSUPPORTED, "this build has no libsodium: it can neither encrypt nor decrypt");
}

struct error *age_recipient_parse(const char *text, struct age_recipient *ret)
{
	return bech32_decode(text, "age", ret->key, sizeof(ret->key));
}

struct error *age_recipients_parse(char *const *texts, struct age_recipient **ret, size_t *count_ret)
{
	_cleanup_free_ struct age_recipient *list = calloc(AGE_RECIPIENTS_MAX, sizeof(*list));
	size_t count = 0;

	if (!list)
		return error_new(ERROR_NOMEM, "no memory for recipients");
	for (; texts[count]; count++) {
		struct error *err;

		if (count == AGE_RECIPIENTS_MAX)
			return error_new(ERROR_BAD_DATA, "more than %d recipients", AGE_RECIPIENTS_MAX);
		err = age_recipient_parse(texts[count], &list[count]);
		if (err)
			return error_wrap(err, "%s is no recipient of age", texts[count]);
	}
	*ret = take_ptr(list);
	*count_ret = count;
	return NULL;
}

// A copy of a line without blanks at its end; false: it is too long to be one of ours.
static bool copy_line(const char *start, size_t size, char line[LINE_BYTES])
{
	while (size && strchr(" \t\r", start[size - 1]))
		size--;
	if (size >= LINE_BYTES)
		return false;
	memcpy(line, start, size);
	line[size] = '\0';
	return true;
}

static struct error *parse_line(const char *start, size_t size, struct age_identity *ret)
{
	char line[LINE_BYTES];
	struct error *err = NULL;

	if (!copy_line(start, size, line))
		return error_new(ERROR_BAD_DATA, "it is too long");
	err = bech32_decode(line, "AGE-SECRET-KEY-", ret->key, sizeof(ret->key));
	explicit_bzero(line, sizeof(line));
	return err;
}

static struct error *parse_lines(const char *text, struct age_identity *list, size_t *count)
{
	unsigned int number = 1;

	for (const char *at = text; *at; number++) {
		size_t size = strcspn(at, "\n");
		struct error *err = NULL;

		if (*at != '#' && strspn(at, " \t\r") < size) {
			if (*count == IDENTITIES_MAX)
				return error_new(ERROR_BAD_DATA, "more than %d identities", IDENTITIES_MAX);
			err = parse_line(at, size, &list[(*count)++]);
		}
		if (err)
			return error_wrap(err, "line %u is no identity of age", number);
		at += size + (at[size] == '\n');
	}
	return *count ? NULL : error_new(ERROR_BAD_DATA, "there is no identity, AGE-SECRET-KEY-1…");
}

struct error *age_identities_parse(const char *text, struct age_identity **ret, size_t *count_ret)
{
	struct age_identity *list = calloc(IDENTITIES_MAX, sizeof(*list));
	size_t count = 0;
	struct error *err;

	if (!list)
		return error_new(ERROR_NOMEM, "no memory for identities");
	err = parse_lines(text, list, &count);
	if (err) {
		age_identities_free(list, IDENTITIES_MAX);
		return err;
	}
	*ret = list;
	*count_ret = count;
	return NULL;
}

void age_identities_free(struct age_identity *identities, size_t count)
{
	if (identities)
		explicit_bzero(identities, count * sizeof(*identities));
	free(identities);
}
