// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_constants.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_part(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void add(struct ftrace_constants *constants, const char *name, size_t size_bytes)
{
	if (size_bytes >= FTRACE_CONSTANTS_NAME_BYTES)
		return;
	// Formats name the same ones again and again, most often the last one.
	for (size_t i = constants->count; i-- > 0;)
		if (strncmp(constants->names[i], name, size_bytes) == 0 && !constants->names[i][size_bytes])
			return;
	if (constants->count >= FTRACE_CONSTANTS_MAX)
		return;
	memcpy(constants->names[constants->count], name, size_bytes);
	constants->names[constants->count++][size_bytes] = '\0';
}

// Words outside of strings, that are no fields and no functions.
static void gather(struct ftrace_constants *constants, const char *at)
{
	bool is_field = false;
	char before = '\0';

	for (; *at; before = at[-1]) {
		size_t size = 0;

		if (*at == '"') {
			for (at++; *at && *at != '"'; at++)
				at += *at == '\\' && at[1];
			at += *at == '"';
			continue;
		}
		while (is_part(at[size]))
			size++;
		if (!size) {
			is_field = (at[0] == '>' && before == '-') || at[0] == '.';
			at++;
			continue;
		}
		if (!isdigit((unsigned char)*at) && !is_field && at[size] != '(' && strncmp(at, "REC", 3) != 0)
			add(constants, at, size);
		is_field = false;
		at += size;
	}
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(left, right);
}

static int compare_queries(const void *name, const void *query)
{
	return strcmp(name, ((const struct btf_query *)query)->member);
}

void ftrace_constants_init(struct ftrace_constants *ret, struct ftrace_kernel *tables,
                           const struct ftrace_format_list *formats)
{
	*ret = (struct ftrace_constants){.is_made = true};
	ret->names = calloc(FTRACE_CONSTANTS_MAX, sizeof(*ret->names));
	if (!ret->names)
		return;
	for (size_t i = 0; i < formats->count; i++)
		gather(ret, formats->list[i].print_fmt);
	qsort(ret->names, ret->count, sizeof(*ret->names), compare_names);
	ret->list = calloc(ret->count + 1, sizeof(*ret->list));
	for (size_t i = 0; ret->list && i < ret->count; i++)
		ret->list[i] = (struct btf_query){.member = ret->names[i], .is_enumerator = true};
	// What stands before the damage is found, and true.
	if (ret->list)
		error_free(kernel_find_members(tables->kernel, ret->list, ret->count));
}

void ftrace_constants_deinit(struct ftrace_constants *constants)
{
	free(constants->list);
	free(constants->names);
}

bool ftrace_constants_find(const struct ftrace_constants *constants, const char *name, int64_t *ret)
{
	const struct btf_query *found = NULL;

	if (constants->list)
		found = bsearch(name, constants->list, constants->count, sizeof(*found), compare_queries);
	if (!found || !found->is_found)
		return false;
	*ret = found->value;
	return true;
}
