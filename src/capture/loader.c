// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MODULES_MAX = 256 };

static struct error *load(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_os(errno, "%s", path);
	if (syscall(SYS_finit_module, fd, "", 0) == 0 || errno == EEXIST) // EEXIST: loaded or built in.
		return NULL;
	// What the kernel calls ENOENT is a symbol that no loaded module has; its own message says which.
	if (errno == ENOENT)
		return error_new(ERROR_BAD_DATA, "load %s: it needs another module", path);
	return error_os(errno, "load %s", path);
}

static bool is_kept(char *const *const *lists, const char *module)
{
	for (; lists && *lists; lists++)
		for (char *const *word = *lists; *word; word++)
			if (strcmp(*word, module) == 0)
				return true;
	return false;
}

// A request while it is carried out.
struct loading {
	const struct loader_request *request;
	const char *directory;
	bool is_loaded[MODULES_MAX];
	struct log *log;
};

// Loads what is not loaded yet. Returns how many were loaded now; tells of failures if is_last.
static size_t run_pass(struct loading *loading, bool is_last)
{
	const struct loader_request *request = loading->request;
	size_t done = 0;

	for (size_t i = request->first; i < MODULES_MAX && request->modules[i]; i++) {
		const char *module = request->modules[i];
		char path[PATH_MAX];
		struct error *err;

		if (loading->is_loaded[i])
			continue;
		if (request->at)
			*request->at = i;
		snprintf(path, sizeof(path), "%s/%s", loading->directory, module);
		err = load(path);
		loading->is_loaded[i] = !err;
		done += !err;
		if (err && is_last)
			log_print(loading->log, "kernel module: %s", err->text);
		if (request->is_dropping && (!err || is_last) && !is_kept(request->kept, module))
			unlink(path);
		error_free(err);
	}
	return done;
}

void loader_run(const struct loader_request *request, struct log *log)
{
	char directory[PATH_MAX];
	struct loading loading = {.request = request, .directory = directory, .log = log};
	size_t all = 0, done = 0, more;

	while (request->modules && request->first + all < MODULES_MAX && request->modules[request->first + all])
		all++;
	if (!all)
		return;
	snprintf(directory, sizeof(directory), "%s/lib/modules/%s", request->root, request->kernel_version);
	// An order that is not quite right costs a second pass, not the dump.
	do {
		more = run_pass(&loading, false);
		done += more;
	} while (more && done < all);
	if (done < all)
		done += run_pass(&loading, true);
	log_print(log, "%zu of %zu kernel modules loaded", done, all);
}
