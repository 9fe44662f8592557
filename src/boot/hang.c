// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/hang.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"

#define SYSCTL "/proc/sys/kernel/"

static const struct {
	const char *word;
	const char *paths[2];
	const char *watcher; // What sees such a hang; "0": nobody does. May be missing.
} hangs[] = {
	{"oops", {SYSCTL "panic_on_oops", NULL}, NULL},
	{"softlockup", {SYSCTL "softlockup_panic", NULL}, SYSCTL "soft_watchdog"},
	{"hardlockup", {SYSCTL "hardlockup_panic", NULL}, SYSCTL "nmi_watchdog"},
	{"hungtask", {SYSCTL "hung_task_panic", NULL}, SYSCTL "hung_task_timeout_secs"},
	// From a button, a management controller or a hypervisor, which may come as one of two kinds.
	{"nmi", {SYSCTL "unknown_nmi_panic", SYSCTL "panic_on_io_nmi"}, NULL},
};

static size_t find(const char *word)
{
	size_t i = 0;

	while (i < array_size(hangs) && strcmp(hangs[i].word, word) != 0)
		i++;
	return i;
}

static bool is_off(const struct host *host, const char *path)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *err = path ? host_read(host, path, 64, &text, NULL) : NULL;

	return path && !err && strcmp(text, "0\n") == 0;
}

static struct error *check(const struct host *host, const struct config *config, size_t hang)
{
	const char *where = config_where(config, KEY_PANIC_ON), *word = hangs[hang].word;

	for (size_t path = 0; path < array_size(hangs[hang].paths) && hangs[hang].paths[path]; path++)
		if (!host_exists(host, hangs[hang].paths[path]))
			return error_new(ERROR_UNSUPPORTED, "%s: KDUMP_PANIC_ON: for '%s' this kernel has no %s", where,
			                 word, hangs[hang].paths[path]);
	if (is_off(host, hangs[hang].watcher))
		return error_new(ERROR_UNSUPPORTED, "%s: KDUMP_PANIC_ON: for '%s' this kernel does not look: %s is 0",
		                 where, word, hangs[hang].watcher);
	return NULL;
}

struct error *hang_parse(const struct host *host, const struct config *config, struct words *words)
{
	_cleanup_words_ struct words asked = {0};

	words_split(&asked, config_text(config, KEY_PANIC_ON));
	for (size_t i = 0; i < asked.count; i++) {
		size_t hang = find(asked.list[i]);
		struct error *err;

		if (hang == array_size(hangs))
			return error_new(
				ERROR_CONFIG,
				"%s: KDUMP_PANIC_ON: '%s' is none of oops, softlockup, hardlockup, hungtask and nmi",
				config_where(config, KEY_PANIC_ON), asked.list[i]);
		err = check(host, config, hang);
		if (err)
			return err;
		if (!words_has(words, asked.list[i]))
			words_add(words, asked.list[i]);
	}
	return words_check(words);
}

static struct error *set(const struct host *host, const char *path)
{
	_cleanup_close_ int fd = -1;
	struct error *err = host_open(host, path, O_WRONLY, 0, &fd);

	if (!err)
		err = io_write(fd, "1\n", 2);
	return error_wrap(err, "KDUMP_PANIC_ON: %s", path);
}

struct error *hang_set(const struct host *host, char *const *words)
{
	struct error *err = NULL;

	for (; words && *words && !err; words++) {
		size_t hang = find(*words);

		for (size_t path = 0; hang < array_size(hangs) && path < array_size(hangs[hang].paths) && !err; path++)
			if (hangs[hang].paths[path])
				err = set(host, hangs[hang].paths[path]);
	}
	return err;
}
