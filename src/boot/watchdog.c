// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/watchdog.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// Documentation/ABI/testing/sysfs-class-watchdog; not all kernels have these files.
static void describe(const struct host *host, const char *path, const char *name, struct words *reasons)
{
	static const char *const attributes[] = {"identity", "state", "timeout"};
	char values[array_size(attributes)][64];

	for (size_t i = 0; i < array_size(attributes); i++) {
		_cleanup_free_ char *file = NULL, *text = NULL;
		struct error *err = NULL;

		if (asprintf(&file, "%s/%s", path, attributes[i]) < 0) {
			file = NULL;
			err = error_new(ERROR_NOMEM, "no memory for a path");
		}
		if (!err)
			err = host_read(host, file, 4096, &text, NULL);
		snprintf(values[i], sizeof(values[i]), "%.*s", err ? 1 : (int)strcspn(text, "\n"), err ? "?" : text);
		error_free(err);
	}
	words_addf(reasons, "%s, \"%s\", is %s now, its time is %s s", name, values[0], values[1], values[2]);
}

// Of drivers in their place in the kernel's tree those that are of use: not the one in software, and no helpers.
static bool is_driver(const char *path, const char *name)
{
	static const char *const boards[] = {"ipmi_watchdog", "ipmi_si", "ipmi_ssif"};

	for (size_t i = 0; i < array_size(boards); i++)
		if (strcmp(name, boards[i]) == 0)
			return true;
	return path && strstr(path, "/drivers/watchdog/") && strcmp(name, "softdog") != 0 &&
	       strcmp(name, "watchdog") != 0 && strncmp(name, "pretimeout_", 11) != 0;
}

static struct error *add_loaded(const struct host *host, const struct modules *modules, struct words *ordered)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, "/sys/module", &names);

	for (char **name = names; !err && *name; name++) {
		bool is_known;

		// The board's interface is of use for its watchdog only.
		if (strncmp(*name, "ipmi_", 5) == 0 && !host_exists(host, "/sys/module/ipmi_watchdog"))
			continue;
		if (is_driver(modules_path(modules, *name), *name))
			err = modules_add(modules, *name, ordered, &is_known);
	}
	return err;
}

struct error *watchdog_find(const struct host *host, const struct modules *modules, struct words *ordered,
                            struct words *reasons)
{
	static const char class[] = "/sys/class/watchdog";
	_cleanup_(host_names_freep) char **names = NULL;
	_cleanup_words_ struct words drivers = {0};
	struct error *err = host_list(host, class, &names);

	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *path = NULL, *link = NULL, *sysfs = NULL;
		const char *device;

		if (asprintf(&path, "%s/%s", class, *name) < 0) {
			path = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		describe(host, path, *name, reasons);
		err = host_readlink(host, path, &link);
		device = err ? NULL : strstr(link, "/devices/");
		if (!device || strncmp(device, "/devices/virtual/", 17) == 0)
			continue;
		if (asprintf(&sysfs, "/sys%s", device) < 0) {
			sysfs = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		err = modules_add_device(host, modules, sysfs, ordered, &drivers);
		// Another kernel may lack it: no reason to save no dump.
		if (err && err->code == ERROR_CONFIG) {
			words_addf(reasons, "it is not fed: %s", err->text);
			error_free(err);
			err = NULL;
		}
	}
	if (!err)
		err = add_loaded(host, modules, ordered);
	if (!err)
		err = words_check(ordered);
	return err ? err : words_check(reasons);
}
