// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/dumpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

// Longest host name in Linux (HOST_NAME_MAX); the rest of a name is 45 bytes.
enum { HOST_BYTES = 64 };

// What a host's name may hold.
static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
	       c == '.';
}

void dumpdir_name(const char *hostname, time_t time, const char *boot_id, char ret[DUMPDIR_NAME_BYTES])
{
	char host[HOST_BYTES + 1], when[32];
	struct tm utc = {0};
	size_t i;

	for (i = 0; i < HOST_BYTES && hostname[i]; i++) {
		char c = hostname[i];
		host[i] = is_plain(c) && (c != '.' || i) ? c : '_';
	}
	host[i] = '\0';
	gmtime_r(&time, &utc);
	if (strftime(when, sizeof(when), "%Y-%m-%dT%H-%M-%SZ", &utc) == 0)
		memcpy(when, "unknown-time", 13);
	snprintf(ret, DUMPDIR_NAME_BYTES, "%s-%s-%.8s", i ? host : "localhost", when, boot_id);
}

size_t dumpdir_host_size(const char *name)
{
	// What dumpdir_name() puts behind the host's name: 0 is a digit, x a hexadecimal digit.
	static const char form[] = "-0000-00-00T00-00-00Z-xxxxxxxx";
	size_t size = strlen(name), end = strlen(DUMPDIR_INCOMPLETE), form_size = strlen(form);

	if (size > end && strcmp(name + size - end, DUMPDIR_INCOMPLETE) == 0)
		size -= end;
	if (size <= form_size)
		return 0;
	for (size_t i = 0; i < form_size; i++) {
		char c = name[size - form_size + i];
		bool is_digit = c >= '0' && c <= '9';
		bool is_fine = form[i] == '0'   ? is_digit
		               : form[i] == 'x' ? is_digit || (c >= 'a' && c <= 'f')
		                                : c == form[i];

		if (!is_fine)
			return 0;
	}
	for (size_t i = 0; i < size - form_size; i++)
		if (!is_plain(name[i]))
			return 0;
	return size - form_size;
}

// One step down. O_NOFOLLOW: what a user of the target planted there must not lead us elsewhere.
static struct error *step(int *at, const char *name, mode_t mode)
{
	int next;

	if (strcmp(name, "..") == 0)
		return error_new(ERROR_BAD_DATA, "a target directory may not contain \"..\"");
	if (mkdirat(*at, name, mode) < 0 && errno != EEXIST)
		return error_os(errno, "make directory %s", name);
	next = openat(*at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0)
		return error_os(errno, "open directory %s", name);
	close(*at);
	*at = next;
	return NULL;
}

static struct error *open_parent(int root_fd, const char *path, int *fd_ret)
{
	_cleanup_close_ int at = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *copy = strdup(path);
	char *rest = copy, *name;

	if (!copy)
		return error_new(ERROR_NOMEM, "no memory for a path");
	if (at < 0)
		return error_os(errno, "open the root of the target");
	while ((name = strsep(&rest, "/"))) {
		struct error *err = *name && strcmp(name, ".") != 0 ? step(&at, name, 0755) : NULL;

		if (err)
			return error_wrap(err, "%s on the target", path);
	}
	*fd_ret = take_fd(&at);
	return NULL;
}

static struct error *open_directory(int root_fd, const char *path, const char *name, bool is_new, struct dumpdir *ret)
{
	_cleanup_dumpdir_ struct dumpdir dir = DUMPDIR_NONE;
	char incomplete[DUMPDIR_NAME_BYTES + sizeof(DUMPDIR_INCOMPLETE)];
	struct error *err = open_parent(root_fd, path, &dir.parent_fd);

	if (err)
		return err;
	snprintf(dir.name, sizeof(dir.name), "%s", name);
	snprintf(incomplete, sizeof(incomplete), "%s" DUMPDIR_INCOMPLETE, name);
	if (is_new && mkdirat(dir.parent_fd, incomplete, 0700) < 0)
		return error_os(errno, "make directory %s", incomplete);
	dir.fd = openat(dir.parent_fd, incomplete, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir.fd < 0)
		return error_os(errno, "open directory %s", incomplete);
	*ret = dir;
	dir = DUMPDIR_NONE;
	return NULL;
}

struct error *dumpdir_create(int root_fd, const char *path, const char *name, struct dumpdir *ret)
{
	return open_directory(root_fd, path, name, true, ret);
}

struct error *dumpdir_reopen(int root_fd, const char *path, const char *name, struct dumpdir *ret)
{
	return open_directory(root_fd, path, name, false, ret);
}

void dumpdir_deinit(struct dumpdir *dir)
{
	closep(&dir->fd);
	closep(&dir->parent_fd);
	*dir = DUMPDIR_NONE;
}

struct error *dumpdir_open(const struct dumpdir *dir, const char *name, int flags, int *fd_ret)
{
	int fd = openat(dir->fd, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_os(errno, "create %s", name);
	*fd_ret = fd;
	return NULL;
}

struct error *dumpdir_write(const struct dumpdir *dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = -1;
	struct error *err = dumpdir_open(dir, name, O_WRONLY, &fd);

	if (err)
		return err;
	err = io_write(fd, text, strlen(text));
	if (!err && fsync(fd) < 0)
		err = error_os(errno, "fsync");
	return error_wrap(err, "%s", name);
}
