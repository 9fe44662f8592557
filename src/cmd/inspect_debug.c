// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_debug.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct error *inspect_debug_parse(int argc, char **argv, struct inspect_debug *ret)
{
	*ret = (struct inspect_debug){.own_count = 0};
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			ret->more = argv + i + 1;
			ret->more_count = argc - i - 1;
			break;
		}
		if (strcmp(argv[i], "--vmlinux") == 0) {
			if (i + 1 == argc)
				return error_new(ERROR_USAGE, "--vmlinux: a file is missing");
			ret->vmlinux = argv[++i];
		} else if (strcmp(argv[i], "--no-vmlinux") == 0) {
			ret->is_without = true;
		} else if (strcmp(argv[i], "--json") == 0) {
			return error_new(ERROR_USAGE, "%s has no --json", argv[0]);
		} else if (ret->own_count == INSPECT_DEBUG_WORDS) {
			return error_new(ERROR_USAGE, "more than %d words", INSPECT_DEBUG_WORDS);
		} else {
			ret->own[ret->own_count++] = argv[i];
		}
	}
	if (ret->vmlinux && ret->is_without)
		return error_new(ERROR_USAGE, "only one of --vmlinux and --no-vmlinux");
	if (ret->more_count > INSPECT_DEBUG_WORDS)
		return error_new(ERROR_USAGE, "more than %d words behind --", INSPECT_DEBUG_WORDS);
	return NULL;
}

static bool is_program(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

struct error *inspect_debug_program(const char *name, char **ret)
{
	const char *path = getenv("PATH");

	path = path && *path ? path : "/usr/bin:/bin";
	while (*path) {
		size_t size = strcspn(path, ":");
		char *file;

		if (size && asprintf(&file, "%.*s/%s", (int)size, path, name) < 0)
			return error_new(ERROR_NOMEM, "out of memory");
		if (size && is_program(file)) {
			*ret = file;
			return NULL;
		}
		if (size)
			free(file);
		path += size + (path[size] == ':');
	}
	return error_new(ERROR_UNSUPPORTED, "the program %s is not installed: it is in the package %s", name, name);
}

// Where debuginfod's clients keep what they have fetched (debuginfod_find_debuginfo(3)).
static struct error *find_cache(char **ret)
{
	const char *path = getenv("DEBUGINFOD_CACHE_PATH"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int size = 0;

	*ret = NULL;
	if (path && *path)
		size = asprintf(ret, "%s", path);
	else if (cache && *cache)
		size = asprintf(ret, "%s/debuginfod_client", cache);
	else if (home && *home)
		size = asprintf(ret, "%s/.cache/debuginfod_client", home);
	if (size < 0) {
		*ret = NULL;
		return error_new(ERROR_NOMEM, "out of memory");
	}
	return NULL;
}

// The kind of a SUSE kernel, which its packages are named after; others' versions end in something else.
static const char *suse_flavour(const char *release)
{
	static const char *const flavours[] = {"default", "azure", "rt", "64kb", "debug", "preempt", "longterm"};
	const char *last = strrchr(release, '-');

	for (size_t i = 0; last && i < array_size(flavours); i++)
		if (strcmp(last + 1, flavours[i]) == 0)
			return flavours[i];
	return flavours[0];
}

static void explain(const struct debugkernel *kernel, const char *tried, const struct debugkernel_found *found)
{
	const char *release = kernel->release[0] ? kernel->release : "VERSION", *flavour = suse_flavour(release);
	char id[DEBUGFILE_TEXT_BYTES];

	debugfile_format_id(&kernel->id, id);
	fprintf(stderr, "kdump-inspect: looked for the kernel %s, build-id %s:\n%s",
	        kernel->release[0] ? kernel->release : "(version not known)", id[0] ? id : "not known", tried);
	if (found->debug) {
		fprintf(stderr,
		        "The kernel itself, as a vmlinux, is in the package it was installed from: kernel-%s (SUSE).\n",
		        flavour);
	} else {
		fprintf(stderr,
		        "Debugging information is in the package of just this version:\n"
		        "  Debian       apt install linux-image-%s-dbg\n"
		        "  Ubuntu       apt install linux-image-unsigned-%s-dbgsym\n"
		        "  SUSE         zypper install kernel-%s-debuginfo\n"
		        "  Red Hat      dnf debuginfo-install kernel-%s   (package kernel-debuginfo)\n",
		        release, release, flavour, release);
		if (id[0])
			fprintf(stderr, "  debuginfod   debuginfod-find debuginfo %s\n", id);
	}
	fputs("Files elsewhere: --vmlinux FILE, or KDUMP_DEBUG_PATH=DIRECTORY:...\n", stderr);
}

// Names are absolute where a root may stand in front of them.
static struct error *find_file(const char *given, char **ret)
{
	*ret = realpath(given, NULL);
	return *ret ? NULL : error_os(errno, "--vmlinux %s", given);
}

static struct error *search(const struct debugkernel *kernel, const struct inspect_debug *words, bool needs_code,
                            FILE *log, struct debugkernel_found *ret)
{
	_cleanup_free_ char *file = NULL, *cache = NULL;
	struct debugkernel_places places = {.path = getenv("KDUMP_DEBUG_PATH")};
	_cleanup_host_ struct host host = {.root_fd = -1};
	struct error *err = host_init(&host, "/");

	if (!err && words->vmlinux)
		err = find_file(words->vmlinux, &file);
	if (!err)
		err = find_cache(&cache);
	if (err)
		return err;
	places.file = file;
	places.cache = cache && cache[0] == '/' ? cache : NULL;
	return debugkernel_find(&host, kernel, &places, needs_code, log, ret);
}

struct error *inspect_debug_find(struct inspect_dump *dump, const struct inspect_debug *words, bool needs_code,
                                 bool is_needed, struct debugkernel_found *ret)
{
	_cleanup_free_ char *tried = NULL;
	struct debugkernel kernel;
	struct error *err = NULL;
	size_t size;
	FILE *log;

	*ret = (struct debugkernel_found){.debug = NULL};
	if (words->is_without)
		return NULL;
	debugkernel_of_dump(dump->core, dump->machine ? dump->machine->kernel : NULL, &kernel);
	if (!kernel.id.size_bytes && !dump->machine) {
		err = inspect_dump_machine(dump);
		if (err)
			return err;
		debugkernel_of_dump(dump->core, dump->machine->kernel, &kernel);
	}
	log = open_memstream(&tried, &size);
	if (!log)
		return error_new(ERROR_NOMEM, "out of memory");
	err = search(&kernel, words, needs_code, log, ret);
	if (fclose(log) && !err)
		err = error_new(ERROR_NOMEM, "out of memory");
	if (!err && !ret->is_sure)
		fprintf(stderr,
		        "kdump-inspect: warning: this dump does not tell the build-id of its kernel: that %s is of the "
		        "same build is not known\n",
		        ret->debug);
	if (!err || err->code != ERROR_UNSUPPORTED)
		return err;
	if (is_needed || words->vmlinux) {
		explain(&kernel, tried, ret);
		return err;
	}
	error_free(err);
	debugkernel_found_deinit(ret);
	*ret = (struct debugkernel_found){.debug = NULL};
	return NULL;
}
