// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/process.h"

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
	size_t first; // The first module that is loaded.
	_Atomic size_t *at; // The one that is being loaded, for who waits; may be NULL.
	const char *directory;
	bool is_loaded[MODULES_MAX];
	struct log *log;
};

// Loads what is not loaded yet. Returns how many were loaded now; tells of failures if is_last.
static size_t run_pass(struct loading *loading, bool is_last)
{
	const struct loader_request *request = loading->request;
	size_t done = 0;

	for (size_t i = loading->first; i < MODULES_MAX && request->modules[i]; i++) {
		const char *module = request->modules[i];
		char path[PATH_MAX];
		struct error *err;

		if (loading->is_loaded[i])
			continue;
		if (loading->at)
			*loading->at = i;
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

static size_t module_count(const struct loader_request *request)
{
	size_t count = 0;

	while (request->modules && count < MODULES_MAX && request->modules[count])
		count++;
	return count;
}

static void run(struct loading *loading)
{
	const struct loader_request *request = loading->request;
	size_t all = module_count(request), done = 0, more;
	char directory[PATH_MAX];

	if (loading->first >= all)
		return;
	all -= loading->first;
	snprintf(directory, sizeof(directory), "%s/lib/modules/%s", request->root, request->kernel_version);
	loading->directory = directory;
	// An order that is not quite right costs a second pass, not the dump.
	do {
		more = run_pass(loading, false);
		done += more;
	} while (more && done < all);
	if (done < all)
		done += run_pass(loading, true);
	log_print(loading->log, "%zu of %zu kernel modules loaded", done, all);
}

void loader_run(const struct loader_request *request, struct log *log)
{
	struct loading loading = {.request = request, .log = log};

	run(&loading);
}

static int run_child(void *context)
{
	run(context);
	return EXIT_OK;
}

struct error *loader_run_apart(const struct loader_request *request, uint64_t end_ms, struct log *log)
{
	struct loading loading = {.request = request, .log = log};
	size_t count = module_count(request), killed_at = count;
	void *shared = NULL;
	struct error *err = process_share(sizeof(*loading.at), &shared);

	if (err)
		return err;
	loading.at = shared;
	while (!err && loading.first < count) {
		struct process_result result = {0};
		uint64_t slow_ms = process_earlier_ms(end_ms, clock_now_ms() + request->slow_ms);
		size_t at;
		pid_t pid = 0;

		*loading.at = loading.first;
		err = process_start(run_child, &loading, &pid);
		if (err || (process_wait(pid, slow_ms, &result) ? result.status == EXIT_OK : !process_left_ms(end_ms)))
			break;
		at = *loading.at;
		loading.first = at + 1;
		if (result.status > 128 && at != killed_at) {
			loading.first = killed_at = at;
			log_print(log, "kernel module: who loaded %s was killed by signal %d; once more",
			          request->modules[at], result.status - 128);
		} else {
			log_print(log, "kernel module: %s %s; going on with the next one", request->modules[at],
			          result.status ? "is not loaded" : "takes long");
		}
	}
	return err;
}
