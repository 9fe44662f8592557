// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/kernelimage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for a path");
}

// The first of some patterns that is there, with something in the place of "%"; *ret stays where none is.
static struct error *find_first(const struct host *host, const char *const *patterns, const char *what, char **ret)
{
	for (; *patterns && !*ret; patterns++) {
		const char *hole = strchr(*patterns, '%');
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%.*s%s%s", (int)(hole - *patterns), *patterns, what, hole + 1) < 0) {
			path = NULL;
			return no_memory();
		}
		if (host_exists(host, path))
			*ret = take_ptr(path);
	}
	return NULL;
}

struct error *kernelimage_find(const struct host *host, const char *version, char **ret)
{
	static const char *const patterns[] = {"/boot/vmlinuz-%",        "/usr/lib/modules/%/vmlinuz",
	                                       "/lib/modules/%/vmlinuz", "/boot/Image-%",
	                                       "/boot/image-%",          NULL};
	char *path = NULL;
	struct error *err = find_first(host, patterns, version, &path);

	if (!err && !path)
		err = error_new(
			ERROR_CONFIG,
			"there is no image of kernel %s, neither /boot/vmlinuz-%s nor /usr/lib/modules/%s/vmlinuz",
			version, version, version);
	if (!err)
		*ret = path;
	return err;
}

char *kernelimage_version(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dash = strchr(slash ? slash : path, '-');
	const char *modules = strstr(path, "/lib/modules/");

	if (modules)
		return strndup(modules + 13, strcspn(modules + 13, "/"));
	return strdup(dash ? dash + 1 : "");
}

struct error *kernelimage_initrd(const struct host *host, const char *path, const char *version, char **ret)
{
	// Debian; Fedora, RHEL; SUSE; where /usr has all of it.
	static const char *const names[] = {"/initrd.img-%", "/initramfs-%.img", "/initrd-%", "/initrd-%.img", NULL};
	static const char *const patterns[] = {"/boot/initrd.img-%",        "/boot/initramfs-%.img", "/boot/initrd-%",
	                                       "/usr/lib/modules/%/initrd", "/lib/modules/%/initrd", NULL};
	char *beside[array_size(names)] = {NULL}, *found = NULL;
	struct error *err = NULL;

	// Beside the image first: it may be one of several systems.
	for (size_t i = 0; names[i] && !err; i++) {
		if (asprintf(&beside[i], "%.*s%s", (int)(strrchr(path, '/') - path), path, names[i]) < 0) {
			beside[i] = NULL;
			err = no_memory();
		}
	}
	if (!err)
		err = find_first(host, (const char *const *)beside, version, &found);
	if (!err && !found)
		err = find_first(host, patterns, version, &found);
	for (size_t i = 0; i < array_size(beside); i++)
		free(beside[i]);
	if (!err && !found)
		err = error_new(ERROR_UNSUPPORTED,
		                "there is no initramfs of kernel %s, neither beside %s nor in /boot, nor in "
		                "/usr/lib/modules/%s",
		                version, path, version);
	if (!err)
		*ret = found;
	return err;
}
