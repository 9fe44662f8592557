// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/dumptree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonread.h"
#include "capture/dumpdir.h"
#include "report/crashreport.h"

enum {
	PARTS_MAX = 64,
	FD_PATH_BYTES = 32,
	STAMP_BYTES = 21, // "2026-11-21T02-35-10Z-"
};

// Files that a directory has which is that of a dump, whoever wrote it.
static const char *const dump_files[] = {"vmcore", "vmcore.1", "vmcore.flat", "vmcore.flat.age", "vmcore.age"};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for the list of dumps");
}

// One name in a directory, and nothing that leads elsewhere.
static int open_beneath(int fd, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int opened = (int)syscall(SYS_openat2, fd, name, &how, sizeof(how));

	// Kernels before v5.6. One name that is no link leads nowhere else either.
	if (opened < 0 && errno == ENOSYS)
		opened = openat(fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
	return opened;
}

static int open_file(int dir_fd, const char *name)
{
	int fd = open_beneath(dir_fd, name, O_RDONLY | O_NONBLOCK);
	struct stat info;

	if (fd >= 0 && (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))) {
		closep(&fd);
		fd = -1;
	}
	return fd;
}

static void keep(char *to, const char *from)
{
	snprintf(to, DUMPTREE_TEXT_BYTES, "%.*s", DUMPTREE_TEXT_BYTES - 1, from);
	kernel_plain(to);
}

static bool read_report(int dir_fd, struct dumptree_dump *dump)
{
	struct jsonread_query queries[] = {
		{.path = "host", .text = dump->host, .room_bytes = sizeof(dump->host)},
		{.path = "release", .text = dump->release, .room_bytes = sizeof(dump->release)},
		{.path = "cause", .text = dump->cause, .room_bytes = sizeof(dump->cause)},
		{.path = "cause_text", .text = dump->cause_text, .room_bytes = sizeof(dump->cause_text)},
		{.path = "signature", .text = dump->signature, .room_bytes = sizeof(dump->signature)},
		{.path = "crash_time_s"},
	};
	_cleanup_close_ int fd = open_file(dir_fd, "report.json");
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	struct error *err;

	if (fd < 0)
		return false;
	err = io_read_all(fd, DUMPTREE_REPORT_BYTES, &text, &size);
	if (!err)
		err = jsonread_find(text, size, queries, array_size(queries));
	if (err)
		snprintf(dump->problem, sizeof(dump->problem), "report.json: %.*s", DUMPTREE_TEXT_BYTES - 16,
		         err->text);
	error_free(err);
	dump->time_s = queries[array_size(queries) - 1].is_found ? queries[array_size(queries) - 1].number : 0;
	for (size_t i = 0; i + 1 < array_size(queries); i++)
		kernel_plain(queries[i].text);
	kernel_plain(dump->problem);
	return true;
}

// The files of a dump, opened here, so that no link in their place leads elsewhere; read by the names of the descriptors.
static size_t open_files(int dir_fd, int fds[PARTS_MAX])
{
	static const char *const names[] = {"vmcore", "vmcore.flat"};
	size_t count = 0;

	for (size_t i = 0; i < array_size(names); i++) {
		fds[0] = open_file(dir_fd, names[i]);
		if (fds[0] >= 0)
			return 1;
	}
	while (count < PARTS_MAX) {
		char name[32];

		snprintf(name, sizeof(name), "vmcore.%zu", count + 1);
		fds[count] = open_file(dir_fd, name);
		if (fds[count] < 0)
			break;
		count++;
	}
	return count;
}

static void take_report(const struct crashreport *report, struct dumptree_dump *dump)
{
	keep(dump->host, report->overview.host);
	keep(dump->release, report->overview.release);
	keep(dump->cause, cause_word(report->cause.kind));
	keep(dump->cause_text, report->cause.text);
	keep(dump->signature, report->signature);
	if (report->overview.crash_time_s > 0)
		dump->time_s = (uint64_t)report->overview.crash_time_s;
	keep(dump->problem, report->machine_why);
}

static void read_vmcore(int dir_fd, struct dumptree_dump *dump)
{
	char paths[PARTS_MAX][FD_PATH_BYTES];
	const char *list[PARTS_MAX];
	int fds[PARTS_MAX];
	size_t count = open_files(dir_fd, fds);
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	_cleanup_(crashreport_freep) struct crashreport *report = NULL;
	struct error *err;

	for (size_t i = 0; i < count; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/proc/self/fd/%d", fds[i]);
		list[i] = paths[i];
	}
	err = count ? vmcore_open_set(list, count, &core)
	            : error_new(ERROR_UNSUPPORTED, "there is no vmcore that can be read");
	if (!err)
		err = crashreport_make(core, MACHINE_TASKS, &report);
	if (err)
		keep(dump->problem, err->text);
	else
		take_report(report, dump);
	error_free(err);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

// What the name of the directory tells: "<host>-2026-11-21T02-35-10Z-<boot id>".
static void read_name(const char *name, struct dumptree_dump *dump)
{
	size_t host = dumpdir_host_size(name);
	struct tm tm = {0};

	if (!host || strlen(name) < host + STAMP_BYTES)
		return;
	if (!dump->host[0])
		snprintf(dump->host, sizeof(dump->host), "%.*s", (int)host, name);
	if (!dump->time_s && strptime(name + host + 1, "%Y-%m-%dT%H-%M-%SZ", &tm)) {
		time_t when = timegm(&tm);

		dump->time_s = when > 0 ? (uint64_t)when : 0;
	}
	kernel_plain(dump->host);
}

static void read_age(int dir_fd, struct dumptree_dump *dump)
{
	struct stat info;

	for (size_t i = 0; i < array_size(dump_files) && !dump->time_s; i++)
		if (fstatat(dir_fd, dump_files[i], &info, AT_SYMLINK_NOFOLLOW) == 0 && info.st_mtime > 0)
			dump->time_s = (uint64_t)info.st_mtime;
}

static struct error *add_dump(struct dumptree *tree, int parent_fd, const char *name, const char *path,
                              bool is_verified)
{
	const char *last = strrchr(path, '/');
	struct dumptree_dump dump = {.path = strdup(path)};
	_cleanup_close_ int dir_fd = -1;
	struct error *err;

	last = last && last[1] ? last + 1 : path;
	if (tree->count == tree->room) {
		size_t room = tree->room ? 2 * tree->room : 64;
		struct dumptree_dump *list = reallocarray(tree->list, room, sizeof(*list));

		if (list) {
			tree->list = list;
			tree->room = room;
		}
	}
	if (!dump.path || tree->count == tree->room) {
		free(dump.path);
		return no_memory();
	}
	err = is_verified ? dumps_look(parent_fd, name, &dump.about) : dumps_glance(parent_fd, name, &dump.about);
	dir_fd = err ? -1 : open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY);
	if (!err && dir_fd < 0)
		err = error_os(errno, "%s", path);
	if (err && err->code == ERROR_NOMEM) {
		free(dump.path);
		return err;
	}
	if (err)
		keep(dump.problem, err->text);
	error_free(err);
	dumps_part_size(last, &dump.part);
	if (dir_fd >= 0) {
		dump.has_report = read_report(dir_fd, &dump);
		if (!dump.has_report && !dump.part && !dump.about.is_encrypted)
			read_vmcore(dir_fd, &dump);
		read_name(last, &dump);
		read_age(dir_fd, &dump);
	}
	tree->list[tree->count++] = dump;
	return NULL;
}

static bool is_dump(int dir_fd, const char *name)
{
	unsigned int number;

	if (dumpdir_host_size(name) || dumps_part_size(name, &number))
		return true;
	for (size_t i = 0; i < array_size(dump_files); i++)
		if (faccessat(dir_fd, dump_files[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	return false;
}

static void complain(struct dumptree *tree, const char *path, const char *what)
{
	if (!tree->why[0])
		snprintf(tree->why, sizeof(tree->why), "%.*s: %s", DUMPTREE_TEXT_BYTES - 64, path, what);
	kernel_plain(tree->why);
}

static struct error *look(struct dumptree *tree, int parent_fd, const char *name, const char *path, unsigned int depth,
                          bool is_verified);

static struct error *look_below(struct dumptree *tree, int dir_fd, const char *path, unsigned int depth,
                                bool is_verified)
{
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct error *err = NULL;

	if (!stream) {
		closep(&copy);
		complain(tree, path, strerror(errno));
		return NULL;
	}
	for (struct dirent *entry = readdir(stream); entry && !err; entry = readdir(stream)) {
		_cleanup_free_ char *below = NULL;
		struct stat info;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(dir_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(info.st_mode))
			continue;
		if (asprintf(&below, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", entry->d_name) < 0) {
			below = NULL;
			return no_memory();
		}
		err = look(tree, dir_fd, entry->d_name, below, depth + 1, is_verified);
	}
	return err;
}

static struct error *look(struct dumptree *tree, int parent_fd, const char *name, const char *path, unsigned int depth,
                          bool is_verified)
{
	_cleanup_close_ int dir_fd = open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY);
	const char *last = strrchr(path, '/');

	if (dir_fd < 0) {
		complain(tree, path, strerror(errno));
		return NULL;
	}
	if (++tree->directories > DUMPTREE_DIRECTORIES_MAX) {
		complain(tree, path, "too many directories");
		return NULL;
	}
	if (is_dump(dir_fd, last ? last + 1 : path))
		return add_dump(tree, parent_fd, name, path, is_verified);
	if (depth == DUMPTREE_DEPTH) {
		complain(tree, path, "too deep");
		return NULL;
	}
	return look_below(tree, dir_fd, path, depth, is_verified);
}

struct error *dumptree_add(struct dumptree *tree, const char *path, bool is_verified)
{
	_cleanup_free_ char *plain = strdup(path);
	// The one that was asked for may be a link: it is not what is below.
	_cleanup_close_ int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *last;

	if (dir_fd < 0)
		return error_os(errno, "%s", path);
	if (!plain || !*path)
		return no_memory();
	for (size_t size = strlen(plain); size > 1 && plain[size - 1] == '/'; size--)
		plain[size - 1] = '\0';
	last = strrchr(plain, '/');
	// By its own name, which says whether it is complete.
	if (is_dump(dir_fd, last ? last + 1 : plain)) {
		_cleanup_free_ char *real = realpath(plain, NULL);
		char *name = real ? strrchr(real, '/') : NULL;
		_cleanup_close_ int parent_fd = -1;

		if (!name || !name[1])
			return error_os(errno, "%s", path);
		*name++ = '\0';
		parent_fd = open(*real ? real : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return parent_fd < 0 ? error_os(errno, "%s", path)
		                     : add_dump(tree, parent_fd, name, plain, is_verified);
	}
	return look_below(tree, dir_fd, plain, 0, is_verified);
}

static int compare(const void *a, const void *b)
{
	const struct dumptree_dump *left = a, *right = b;

	if (left->time_s != right->time_s)
		return left->time_s < right->time_s ? -1 : 1;
	return strcmp(left->path, right->path);
}

void dumptree_sort(struct dumptree *tree)
{
	if (tree->count)
		qsort(tree->list, tree->count, sizeof(*tree->list), compare);
}

void dumptree_deinit(struct dumptree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->list[i].path);
		dumps_deinit(&tree->list[i].about);
	}
	free(tree->list);
	*tree = (struct dumptree){0};
}
