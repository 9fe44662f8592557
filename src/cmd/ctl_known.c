// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_known.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "boot/text.h"
#include "capture/dumpdir.h"

#define LAST_PATH "/var/lib/kdump/last-dump"

enum { KNOWN_MAX_BYTES = 16 << 20, LAST_MAX_BYTES = 4096, MODE_ALL = 0644 };

struct error *ctl_known_read(const struct host *host, struct words *ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, CTL_KNOWN_PATH, KNOWN_MAX_BYTES, &text, NULL);
	char *rest = text, *line;

	if (error_catch_os(&err, ENOENT))
		return NULL;
	while (!err && (line = strsep(&rest, "\n")))
		if (*line)
			words_add(ret, line);
	return err ? err : words_check(ret);
}

struct error *ctl_known_write(const struct host *host, const struct words *names)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *whole = NULL;
	struct error *err = words_check(names);

	for (size_t i = 0; i < names->count; i++)
		text_add(&text, "%s\n", names->list[i]);
	if (!err)
		err = text_take(&text, &whole);
	if (!err)
		err = host_mkdirs(host, "/var/lib/kdump");
	return err ? err : host_replace(host, CTL_KNOWN_PATH, whole, strlen(whole), MODE_ALL);
}

int64_t ctl_known_time(const char *name)
{
	size_t size = dumpdir_host_size(name);
	struct tm utc = {0};

	// "-2026-11-21T02-35-10Z": dumpdir_host_size() says so.
	if (!size || !strptime(name + size, "-%Y-%m-%dT%H-%M-%SZ", &utc))
		return 0;
	return timegm(&utc);
}

// "NAME STATE", as ctl_known_note_last() wrote it.
struct error *ctl_known_last(const struct host *host, char **name_ret, char **state_ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, LAST_PATH, LAST_MAX_BYTES, &text, NULL);
	size_t size;

	if (error_catch_os(&err, ENOENT))
		return NULL;
	if (err)
		return err;
	size = strcspn(text, " \n");
	*name_ret = strndup(text, size);
	*state_ret = strndup(text + size + (text[size] == ' '), strcspn(text + size + (text[size] == ' '), "\n"));
	return *name_ret && *state_ret ? NULL : error_new(ERROR_NOMEM, "no memory for the last dump");
}

struct error *ctl_known_note_last(const struct host *host, const char *name, enum dumps_state state)
{
	_cleanup_free_ char *last = NULL, *last_state = NULL, *line = NULL;
	struct error *err;

	if (!ctl_known_time(name))
		return NULL;
	err = ctl_known_last(host, &last, &last_state);
	if (err || (last && ctl_known_time(last) > ctl_known_time(name)))
		return err;
	if (asprintf(&line, "%s %s\n", name, dumps_state_name(state)) < 0) {
		line = NULL;
		return error_new(ERROR_NOMEM, "no memory for the last dump");
	}
	return host_replace(host, LAST_PATH, line, strlen(line), MODE_ALL);
}
