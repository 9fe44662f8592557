// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/debugkernel.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

// In directories as /usr/lib/debug: Debian and Ubuntu, Red Hat and Fedora, SUSE. %s is the kernel's version.
static const char *const in_directory[] = {
	"boot/vmlinux-%s",
	"boot/vmlinux-%s.debug",
	"lib/modules/%s/vmlinux",
	"lib/modules/%s/vmlinux.debug",
	"usr/lib/modules/%s/vmlinux",
	"usr/lib/modules/%s/vmlinux.debug",
	"vmlinux-%s",
};

// Elsewhere: where a kernel was built, or installed whole.
static const char *const anywhere[] = {"/lib/modules/%s/build/vmlinux", "/usr/lib/modules/%s/vmlinux",
                                       "/boot/vmlinux-%s"};

// Those that crash(8) expands; nobody looks into them for a build-id.
static const char *const compressed[] = {"/boot/vmlinux-%s.gz", "/boot/vmlinux-%s.xz", "/usr/lib/modules/%s/vmlinux.xz",
                                         "/usr/lib/modules/%s/vmlinux.gz", "/lib/modules/%s/vmlinux.xz"};

// It becomes a part of names of files.
static bool is_plain_release(const char *text)
{
	if (!isalnum((unsigned char)text[0]))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("._+~-", *text))
			return false;
	return true;
}

// Linux include/asm-generic/vmlinux.lds.h: NOTES.
static void read_notes(struct kernel *kernel, struct debugfile_id *ret)
{
	struct kallsyms_query ends[] = {{.name = "__start_notes"}, {.name = "__stop_notes"}};
	_cleanup_free_ uint8_t *notes = NULL;
	struct error *err;
	uint64_t size;

	if (!kernel->syms)
		return;
	err = kallsyms_lookup(kernel->syms, &kernel->reader, ends, array_size(ends));
	size = ends[1].vaddr - ends[0].vaddr;
	if (!err && ends[0].is_found && ends[1].is_found && size <= DEBUGFILE_NOTES_BYTES)
		notes = malloc((size_t)size + 1);
	if (notes)
		err = vmemory_read(kernel->memory, ends[0].vaddr, notes, (size_t)size);
	if (notes && !err)
		debugfile_find_id(notes, (size_t)size, kernel->core->is_big_endian, ret);
	error_free(err);
}

void debugkernel_of_dump(const struct vmcore *core, struct kernel *kernel, struct debugkernel *ret)
{
	char text[DEBUGFILE_TEXT_BYTES + 1];

	*ret = (struct debugkernel){.release = ""};
	vmcoreinfo_string(&core->info, "OSRELEASE", ret->release, sizeof(ret->release));
	if (!is_plain_release(ret->release))
		ret->release[0] = '\0';
	if ((!vmcoreinfo_string(&core->info, "BUILD-ID", text, sizeof(text)) || !debugfile_parse_id(text, &ret->id)) &&
	    kernel)
		read_notes(kernel, &ret->id);
}

// A search that goes on.
struct search {
	const struct host *host;
	const struct debugkernel *wanted;
	FILE *log;
	bool is_for_code; // The kernel itself is looked for; its debugging information is there.
	struct debugkernel_found *found;
	struct error *err; // No memory.
};

static const char *judge(const struct search *search, const struct debugfile *file)
{
	if (!file->id.size_bytes && search->wanted->id.size_bytes)
		return "it has no build-id";
	if (search->wanted->id.size_bytes && !debugfile_same_id(&file->id, &search->wanted->id))
		return "it is of another build";
	if (search->is_for_code)
		return file->has_code ? NULL : "it has debugging information only";
	return file->has_debug ? NULL : "it has no debugging information";
}

static void note(const struct search *search, const char *path, const char *what, const char *more)
{
	char *plain = strdup(path);

	if (plain)
		kernel_plain(plain);
	fprintf(search->log, "  %s: %s%s\n", plain ? plain : "?", what, more);
	free(plain);
}

static void keep(struct search *search, const char *path, const struct debugfile *file)
{
	char *copy = strdup(path);

	if (!copy) {
		search->err = error_new(ERROR_NOMEM, "out of memory");
		return;
	}
	if (search->is_for_code) {
		search->found->code = copy;
		return;
	}
	search->found->debug = copy;
	search->found->is_sure = search->wanted->id.size_bytes;
	search->found->file = *file;
}

static bool is_done(const struct search *search)
{
	return search->err || (search->is_for_code ? search->found->code : search->found->debug);
}

static void try(struct search *search, const char *path)
{
	_cleanup_close_ int fd = -1;
	struct debugfile file;
	const char *why;
	struct error *err;

	if (is_done(search))
		return;
	// A name may be that of anything: none of what it could be is waited for.
	err = host_open(search->host, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd);
	if (err) {
		note(search, path, err->errnum == ENOENT || err->errnum == ENOTDIR ? "is not there" : err->text, "");
		error_free(err);
		return;
	}
	err = debugfile_read(fd, &file);
	why = err ? err->text : judge(search, &file);
	if (why) {
		char text[DEBUGFILE_TEXT_BYTES] = "";
		_cleanup_free_ char *more = NULL;

		if (!err && file.id.size_bytes)
			debugfile_format_id(&file.id, text);
		if (text[0] && asprintf(&more, " (%s)", text) < 0)
			more = NULL;
		note(search, path, why, more ? more : "");
	} else {
		keep(search, path, &file);
	}
	error_free(err);
}

static void printf_format(2, 3) try_name(struct search *search, const char *fmt, ...)
{
	char path[PATH_BYTES];
	va_list args;
	int size;

	va_start(args, fmt);
	size = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	if (size > 0 && (size_t)size < sizeof(path))
		try(search, path);
}

// "%s" of a row is the version: rows are constants of this file, and a name is put together in two steps.
static void try_row(struct search *search, const char *directory, const char *row)
{
	const char *mark = strstr(row, "%s");

	if (search->wanted->release[0])
		try_name(search, "%s%.*s%s%s", directory, (int)(mark - row), row, search->wanted->release, mark + 2);
}

static void try_directory(struct search *search, const char *directory)
{
	char id[DEBUGFILE_TEXT_BYTES], with_slash[PATH_BYTES];

	debugfile_format_id(&search->wanted->id, id);
	if (search->wanted->id.size_bytes > 1)
		try_name(search, "%s/.build-id/%.2s/%s.debug", directory, id, id + 2);
	if ((size_t)snprintf(with_slash, sizeof(with_slash), "%s/", directory) >= sizeof(with_slash))
		return;
	for (size_t i = 0; i < array_size(in_directory); i++)
		try_row(search, with_slash, in_directory[i]);
}

static void try_path(struct search *search, const char *path)
{
	while (path && *path) {
		size_t size = strcspn(path, ":");
		_cleanup_free_ char *directory = strndup(path, size);

		if (directory && directory[0] == '/')
			try_directory(search, directory);
		else if (directory && directory[0])
			note(search, directory, "is no absolute path", "");
		path += size + (path[size] == ':');
	}
}

static void try_places(struct search *search, const struct debugkernel_places *places)
{
	char id[DEBUGFILE_TEXT_BYTES];

	try_path(search, places->path);
	try_directory(search, "/usr/lib/debug");
	for (size_t i = 0; i < array_size(anywhere); i++)
		try_row(search, "", anywhere[i]);
	debugfile_format_id(&search->wanted->id, id);
	if (places->cache && id[0]) {
		try_name(search, "%s/%s/debuginfo", places->cache, id);
		if (search->is_for_code)
			try_name(search, "%s/%s/executable", places->cache, id);
	}
}

static void try_compressed(struct search *search)
{
	for (size_t i = 0; i < array_size(compressed) && !is_done(search) && search->wanted->release[0]; i++) {
		const char *row = compressed[i], *mark = strstr(row, "%s");
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), "%.*s%s%s", (int)(mark - row), row, search->wanted->release, mark + 2);
		if (!host_exists(search->host, path)) {
			note(search, path, "is not there", "");
			continue;
		}
		search->found->code = strdup(path);
		if (!search->found->code)
			search->err = error_new(ERROR_NOMEM, "out of memory");
	}
}

void debugkernel_found_deinit(struct debugkernel_found *found)
{
	free(found->debug);
	free(found->code);
}

struct error *debugkernel_find(const struct host *host, const struct debugkernel *wanted,
                               const struct debugkernel_places *places, bool needs_code, FILE *log,
                               struct debugkernel_found *ret)
{
	struct search search = {.host = host, .wanted = wanted, .log = log, .found = ret};

	*ret = (struct debugkernel_found){.debug = NULL};
	if (places->file)
		try(&search, places->file);
	else
		try_places(&search, places);
	if (!search.err && !ret->debug)
		search.err = error_new(ERROR_UNSUPPORTED, "there is no file with debugging information of this kernel");
	if (!search.err && needs_code && !ret->file.has_code) {
		search.is_for_code = true;
		try_places(&search, places);
		try_compressed(&search);
		if (!search.err && !ret->code)
			search.err = error_new(ERROR_UNSUPPORTED,
			                       "%s has debugging information only; the kernel itself is needed too",
			                       ret->debug);
	}
	return search.err;
}
