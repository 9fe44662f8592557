// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/vmcoreinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error *vmcoreinfo_init(struct vmcoreinfo *ret, const char *text, size_t size_bytes)
{
	// The note is padded with NULs; what follows the first one is not text.
	size_t used = strnlen(text, size_bytes);
	char *copy = strndup(text, used);

	if (!copy)
		return error_new(ERROR_NOMEM, "no memory for VMCOREINFO");
	*ret = (struct vmcoreinfo){copy, used};
	return NULL;
}

void vmcoreinfo_deinit(struct vmcoreinfo *info)
{
	free(info->text);
	*info = (struct vmcoreinfo){0};
}

const char *vmcoreinfo_find(const struct vmcoreinfo *info, const char *key, size_t *size_ret)
{
	size_t key_bytes = strlen(key);
	const char *line = info->text;

	while (line && *line) {
		const char *end = strchrnul(line, '\n');

		if ((size_t)(end - line) > key_bytes && line[key_bytes] == '=' && memcmp(line, key, key_bytes) == 0) {
			*size_ret = (size_t)(end - line) - key_bytes - 1;
			return line + key_bytes + 1;
		}
		line = *end ? end + 1 : end;
	}
	return NULL;
}

bool vmcoreinfo_string(const struct vmcoreinfo *info, const char *key, char *buf, size_t room_bytes)
{
	size_t size = 0;
	const char *value = vmcoreinfo_find(info, key, &size);

	if (!value)
		size = 0;
	if (size >= room_bytes)
		size = room_bytes - 1;
	if (value)
		memcpy(buf, value, size);
	buf[size] = '\0';
	return value != NULL;
}

// A value that is not wholly a number counts as not there: half a number is worse than none.
static bool find_number(const struct vmcoreinfo *info, const char *kind, const char *name, int base, uint64_t *ret)
{
	char key[128], value[32];
	char *end;
	uint64_t number;

	if (snprintf(key, sizeof(key), "%s(%s)", kind, name) >= (int)sizeof(key))
		return false;
	if (!vmcoreinfo_string(info, key, value, sizeof(value)) || !*value)
		return false;
	errno = 0;
	// Only constants may be negative. A size that is would become the largest there is.
	if (value[0] != '-')
		number = strtoull(value, &end, base);
	else if (strcmp(kind, "NUMBER") == 0)
		number = (uint64_t)strtoll(value, &end, base);
	else
		return false;
	if (errno || *end)
		return false;
	*ret = number;
	return true;
}

bool vmcoreinfo_symbol(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return find_number(info, "SYMBOL", name, 16, ret);
}

bool vmcoreinfo_size(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return find_number(info, "SIZE", name, 10, ret);
}

bool vmcoreinfo_offset(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return find_number(info, "OFFSET", name, 10, ret);
}

bool vmcoreinfo_length(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return find_number(info, "LENGTH", name, 10, ret);
}

bool vmcoreinfo_number(const struct vmcoreinfo *info, const char *name, int64_t *ret)
{
	uint64_t number;

	// Base 0 takes both the decimal numbers of most machines and arm64's 0x…; none starts with a zero.
	if (!find_number(info, "NUMBER", name, 0, &number))
		return false;
	*ret = (int64_t)number;
	return true;
}
