// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct error *load(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_os(errno, "%s", path);
	// EEXIST: loaded or built in.
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return error_os(errno, "load %s", path);
	return NULL;
}

void loader_run(const char *root, const char *kernel_version, char *const *modules, bool is_dropping, struct log *log)
{
	unsigned int done = 0, all = 0;

	for (; modules && *modules; modules++, all++) {
		char path[PATH_MAX];
		struct error *err;

		snprintf(path, sizeof(path), "%s/lib/modules/%s/%s", root, kernel_version, *modules);
		err = load(path);
		done += !err;
		if (err)
			log_print(log, "kernel module: %s", err->text);
		error_free(err);
		if (is_dropping)
			unlink(path);
	}
	if (all)
		log_print(log, "%u of %u kernel modules loaded", done, all);
}
