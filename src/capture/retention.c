// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct dump {
	char *name;
	uint64_t size_bytes; // What its files take on the disk.
	const char *why; // It has to go; NULL: it may stay.
};

struct dumps {
	struct dump *list;
	size_t count;
};

static void dumps_deinit(struct dumps *dumps)
{
	for (size_t i = 0; i < dumps->count; i++)
		free(dumps->list[i].name);
	free(dumps->list);
}

// Whether a name is that of another dump of the same host.
static bool is_old_dump(const char *name, const char *new_name)
{
	size_t host_size = dumpdir_host_size(new_name);

	return dumpdir_host_size(name) == host_size && strncmp(name, new_name, host_size) == 0 &&
	       strcmp(name, new_name) != 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct dump *left = a, *right = b;

	return strcmp(right->name, left->name);
}

static struct error *list(const struct dumpdir *dir, struct dumps *ret)
{
	int fd = openat(dir->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		closep(&fd);
		return error_os(errno, "read the directory of dumps");
	}
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
		struct dump *grown;

		if (!is_old_dump(entry->d_name, dir->name))
			continue;
		grown = reallocarray(ret->list, ret->count + 1, sizeof(*grown));
		if (!grown)
			return error_new(ERROR_NOMEM, "no memory for the list of dumps");
		ret->list = grown;
		grown[ret->count] = (struct dump){.name = strdup(entry->d_name)};
		if (!grown[ret->count].name)
			return error_new(ERROR_NOMEM, "no memory for the list of dumps");
		ret->count++;
	}
	if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), newest_first);
	return NULL;
}

static struct error *open_stream(int parent_fd, const char *name, DIR **ret)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int errnum = errno;

	*ret = fd < 0 ? NULL : fdopendir(fd);
	if (*ret)
		return NULL;
	closep(&fd);
	return error_os(errnum, "%s", name);
}

static bool is_file_name(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static struct error *add_size(int parent_fd, struct dump *dump)
{
	_cleanup_closedir_ DIR *stream = NULL;
	struct error *err = open_stream(parent_fd, dump->name, &stream);
	struct stat info;

	if (err)
		return err;
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
		if (is_file_name(entry->d_name) &&
		    fstatat(dirfd(stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
			dump->size_bytes += (uint64_t)info.st_blocks * 512;
	return NULL;
}

static struct error *remove_files(int parent_fd, const char *name)
{
	_cleanup_closedir_ DIR *stream = NULL;
	struct error *err = open_stream(parent_fd, name, &stream);

	if (err)
		return err;
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
		if (is_file_name(entry->d_name) && unlinkat(dirfd(stream), entry->d_name, 0) < 0)
			return error_os(errno, "remove %s/%s", name, entry->d_name);
	return NULL;
}

static struct error *remove_dump(int parent_fd, const char *name)
{
	char incomplete[DUMPDIR_NAME_BYTES + sizeof(DUMPDIR_INCOMPLETE)];
	struct error *err;

	snprintf(incomplete, sizeof(incomplete), "%s", name);
	if (strlen(name) < sizeof(DUMPDIR_INCOMPLETE) ||
	    strcmp(name + strlen(name) - strlen(DUMPDIR_INCOMPLETE), DUMPDIR_INCOMPLETE) != 0) {
		strcat(incomplete, DUMPDIR_INCOMPLETE);
		if (renameat(parent_fd, name, parent_fd, incomplete) < 0 || fsync(parent_fd) < 0)
			return error_os(errno, "rename %s", name);
	}
	err = remove_files(parent_fd, incomplete);
	if (!err && unlinkat(parent_fd, incomplete, AT_REMOVEDIR) < 0)
		err = error_os(errno, "remove %s", incomplete);
	return err;
}

// Returns the bytes that are free then, or will be soon: file systems tell late.
static uint64_t remove_told(const struct dumpdir *dir, const struct dump *dump, const char *why, struct log *log)
{
	struct error *err = remove_dump(dir->parent_fd, dump->name);
	uint64_t freed_bytes = err ? 0 : dump->size_bytes;

	log_console(log, "%s old dump %s (%s)%s%s", err ? "cannot remove" : "removed", dump->name, why, err ? ": " : "",
	            err ? err->text : "");
	error_free(err);
	return freed_bytes;
}

static uint64_t free_bytes(int fd)
{
	struct statvfs info;

	return fstatvfs(fd, &info) == 0 ? (uint64_t)info.f_bavail * info.f_frsize : UINT64_MAX;
}

// Why one of the older dumps has to go, counted from the newest; NULL: it may stay. when: what its name has behind the host's.
static const char *reason_to_remove(const struct plan *plan, size_t number, uint64_t total_bytes, const char *when,
                                    const char *oldest)
{
	if (plan->keep_old_dumps == -1 || (plan->keep_old_dumps > 0 && number >= (size_t)plan->keep_old_dumps))
		return "their number";
	if (plan->keep_max_bytes && total_bytes > plan->keep_max_bytes)
		return "their size";
	return plan->keep_max_s && strncmp(when, oldest, strlen(oldest)) < 0 ? "its age" : NULL;
}

// Sets why for each dump that has to go whatever is free.
static void judge(const struct plan *plan, const struct dumpdir *dir, time_t now, struct dumps *dumps)
{
	size_t host_size = dumpdir_host_size(dir->name);
	struct dump newest = {.name = (char *)"."};
	char oldest[DUMPDIR_NAME_BYTES];
	uint64_t total_bytes;

	dumpdir_name("", now - (time_t)plan->keep_max_s, "00000000", oldest);
	// What cannot be read takes no room that we could free.
	error_free(add_size(dir->fd, &newest));
	total_bytes = newest.size_bytes;
	for (size_t i = 0; i < dumps->count; i++) {
		struct dump *dump = &dumps->list[i];

		error_free(add_size(dir->parent_fd, dump));
		total_bytes += dump->size_bytes;
		dump->why = reason_to_remove(plan, i, total_bytes, dump->name + host_size,
		                             oldest + dumpdir_host_size(oldest));
	}
}

struct error *retention_run(const struct dumpdir *dir, const struct plan *plan, time_t now, struct log *log)
{
	_cleanup_(dumps_deinit) struct dumps dumps = {0};
	uint64_t available_bytes = free_bytes(dir->parent_fd);
	struct error *err;

	// A dump without a time in its name is not compared with others.
	if (!dumpdir_host_size(dir->name))
		return NULL;
	err = list(dir, &dumps);
	if (err)
		return err;
	judge(plan, dir, now, &dumps);
	// The oldest first: there may be no time for all.
	for (size_t i = dumps.count; i-- > 0;)
		if (dumps.list[i].why)
			available_bytes += remove_told(dir, &dumps.list[i], dumps.list[i].why, log);
	for (size_t i = dumps.count; i-- > 0 && available_bytes < plan->keep_min_free_bytes;)
		if (!dumps.list[i].why)
			available_bytes += remove_told(dir, &dumps.list[i], "the free space", log);
	return NULL;
}

// Whether a dump has a directory, whole or not.
static bool is_there(int parent_fd, const char *name, size_t size)
{
	char path[DUMPDIR_NAME_BYTES + sizeof(DUMPDIR_INCOMPLETE)];

	snprintf(path, sizeof(path), "%.*s", (int)size, name);
	if (faccessat(parent_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	snprintf(path, sizeof(path), "%.*s" DUMPDIR_INCOMPLETE, (int)size, name);
	return faccessat(parent_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// Bytes of the name of the dump that a directory has a part of; 0: it has none, or that of another host.
static size_t part_of(const char *name, const char *host_name)
{
	char dump[DUMPDIR_NAME_BYTES];
	size_t host_size = dumpdir_host_size(host_name);
	const char *suffix = strstr(name, DUMPDIR_PART);

	for (const char *next = suffix; next; next = strstr(suffix + 1, DUMPDIR_PART))
		suffix = next;
	if (!suffix || !host_size || strlen(name) >= sizeof(dump) || strncmp(name, host_name, host_size) != 0)
		return 0;
	snprintf(dump, sizeof(dump), "%.*s", (int)(suffix - name), name);
	return dumpdir_host_size(dump) == host_size ? (size_t)(suffix - name) : 0;
}

struct error *retention_remove_parts(const struct dumpdir *dir, const char *host_name, const int *parent_fds,
                                     size_t count, struct log *log)
{
	int fd = openat(dir->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		closep(&fd);
		return error_os(errno, "read the directory of dumps");
	}
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
		size_t size = part_of(entry->d_name, host_name);
		struct dump part = {.name = entry->d_name};
		bool is_wanted = !size;

		for (size_t i = 0; i < count && !is_wanted; i++)
			is_wanted = is_there(parent_fds[i], entry->d_name, size);
		if (!is_wanted)
			remove_told(dir, &part, "its dump is gone", log);
	}
	return NULL;
}

struct error *retention_count(const struct dumpdir *dir, time_t from, time_t to, size_t *count_ret)
{
	_cleanup_(dumps_deinit) struct dumps dumps = {.count = 0};
	char first[DUMPDIR_NAME_BYTES], last[DUMPDIR_NAME_BYTES];
	size_t host_size = dumpdir_host_size(dir->name);
	const char *first_when, *last_when;
	struct error *err;

	*count_ret = 0;
	// A dump without a time in its name is not compared with others.
	if (!host_size)
		return NULL;
	err = list(dir, &dumps);
	// Names are in the order of their times.
	dumpdir_name("", from, "00000000", first);
	dumpdir_name("", to, "ffffffff", last);
	first_when = first + dumpdir_host_size(first);
	last_when = last + dumpdir_host_size(last);
	for (size_t i = 0; !err && i < dumps.count; i++) {
		const char *when = dumps.list[i].name + host_size;

		// The new one is not sealed yet.
		if (strncmp(dumps.list[i].name, dir->name, strlen(dir->name)) == 0)
			continue;
		if (strncmp(when, first_when, strlen(first_when)) >= 0 &&
		    strncmp(when, last_when, strlen(last_when)) <= 0)
			++*count_ret;
	}
	return err;
}
