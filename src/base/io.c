// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

// linux/limits.h: XATTR_LIST_MAX and XATTR_SIZE_MAX.
enum { ATTRIBUTE_MAX_BYTES = 64 * 1024 };

struct error *io_read(int fd, void *buf, size_t size_bytes, size_t *got_ret)
{
	size_t got = 0;

	while (got < size_bytes) {
		ssize_t n = read(fd, (char *)buf + got, size_bytes - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(errno, "read");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*got_ret = got;
	return NULL;
}

struct error *io_pread(int fd, void *buf, size_t size_bytes, uint64_t offset_bytes, size_t *got_ret)
{
	size_t got = 0;

	while (got < size_bytes) {
		ssize_t n = pread(fd, (char *)buf + got, size_bytes - got, (off_t)(offset_bytes + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(errno, "read at offset %#jx", (uintmax_t)(offset_bytes + got));
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*got_ret = got;
	return NULL;
}

struct error *io_write(int fd, const void *buf, size_t size_bytes)
{
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = write(fd, (const char *)buf + done, size_bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(errno, "write");
		done += (size_t)n;
	}
	return NULL;
}

struct error *io_pwrite(int fd, const void *buf, size_t size_bytes, uint64_t offset_bytes)
{
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = pwrite(fd, (const char *)buf + done, size_bytes - done, (off_t)(offset_bytes + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(errno, "write at offset %#jx", (uintmax_t)(offset_bytes + done));
		done += (size_t)n;
	}
	return NULL;
}

struct error *io_pwritev(int fd, const struct iovec *parts, size_t count, uint64_t offset_bytes)
{
	size_t done;
	ssize_t n;

	do {
		n = pwritev(fd, parts, (int)count, (off_t)offset_bytes);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_os(errno, "write at offset %#jx", (uintmax_t)offset_bytes);
	// A short write is rare (a disk that fills up, a signal): what is left goes piece by piece.
	done = (size_t)n;
	for (size_t i = 0; i < count; i++) {
		size_t skip = done < parts[i].iov_len ? done : parts[i].iov_len;
		struct error *err = NULL;

		if (skip < parts[i].iov_len)
			err = io_pwrite(fd, (const char *)parts[i].iov_base + skip, parts[i].iov_len - skip,
			                offset_bytes + skip);
		if (err)
			return err;
		done -= skip;
		offset_bytes += parts[i].iov_len;
	}
	return NULL;
}

struct error *io_read_all(int fd, size_t max_bytes, char **ret, size_t *size_ret)
{
	_cleanup_free_ char *buf = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		struct error *err;
		char *grown;
		size_t got;

		room = room ? room * 2 : 4096;
		if (room > max_bytes + 1)
			room = max_bytes + 1;
		grown = realloc(buf, room + 1);
		if (!grown)
			return error_new(ERROR_NOMEM, "no memory for %zu bytes", room);
		buf = grown;
		err = io_read(fd, buf + size, room - size, &got);
		if (err)
			return err;
		size += got;
		if (size < room)
			break;
		if (size > max_bytes)
			return error_new(ERROR_BAD_DATA, "larger than %zu bytes", max_bytes);
	}
	buf[size] = '\0';
	*ret = take_ptr(buf);
	if (size_ret)
		*size_ret = size;
	return NULL;
}

// Where owners are fixed (vfat), one that is right already must not be set.
static struct error *set_owner(int fd, const char *name, const struct stat *like)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return error_os(errno, "%s", name);
	if (info.st_uid == like->st_uid && info.st_gid == like->st_gid)
		return NULL;
	return fchown(fd, like->st_uid, like->st_gid) < 0 ? error_os(errno, "set the owner of %s", name) : NULL;
}

// Those that the kernel makes from the content and the other attributes (IMA, EVM) would be wrong for another content.
static bool is_derived(const char *attribute)
{
	return strcmp(attribute, "security.ima") == 0 || strcmp(attribute, "security.evm") == 0;
}

// One that is right already must not be set: a policy may forbid that.
static struct error *copy_attribute(int from_fd, int fd, const char *name, const char *attribute)
{
	_cleanup_free_ char *value = malloc(ATTRIBUTE_MAX_BYTES), *present = malloc(ATTRIBUTE_MAX_BYTES);
	ssize_t size, present_size;

	if (!value || !present)
		return error_new(ERROR_NOMEM, "no memory for attributes of %s", name);
	size = fgetxattr(from_fd, attribute, value, ATTRIBUTE_MAX_BYTES);
	if (size < 0)
		return errno == ENODATA || errno == ENOTSUP ? NULL : error_os(errno, "read %s of %s", attribute, name);
	present_size = fgetxattr(fd, attribute, present, ATTRIBUTE_MAX_BYTES);
	if (present_size == size && memcmp(present, value, (size_t)size) == 0)
		return NULL;
	if (fsetxattr(fd, attribute, value, (size_t)size, 0) < 0 && errno != ENOTSUP)
		return error_os(errno, "set %s of %s", attribute, name);
	return NULL;
}

// Access control lists and labels of security modules are attributes too.
static struct error *copy_attributes(int from_fd, int fd, const char *name)
{
	_cleanup_free_ char *list = malloc(ATTRIBUTE_MAX_BYTES);
	struct error *err = NULL;
	ssize_t size;

	if (!list)
		return error_new(ERROR_NOMEM, "no memory for attributes of %s", name);
	size = flistxattr(from_fd, list, ATTRIBUTE_MAX_BYTES);
	if (size < 0)
		return errno == ENOTSUP ? NULL : error_os(errno, "list the attributes of %s", name);
	for (const char *at = list; at < list + size && !err; at += strlen(at) + 1)
		err = is_derived(at) ? NULL : copy_attribute(from_fd, fd, name, at);
	return err;
}

// What the old file is beside its content.
static struct error *set_like(int dir_fd, int fd, const char *name, const char *old_name, const struct stat *like)
{
	_cleanup_close_ int old_fd = openat(dir_fd, old_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (old_fd < 0)
		return error_os(errno, "open %s", old_name);
	if (fchmod(fd, like->st_mode & 07777) < 0)
		return error_os(errno, "set the mode of %s", name);
	return copy_attributes(old_fd, fd, name);
}

static struct error *write_synced(int dir_fd, const char *name, const void *buf, size_t size_bytes, mode_t mode,
                                  const char *old_name, const struct stat *like)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	struct error *err;

	if (fd < 0)
		return error_os(errno, "create %s", name);
	err = like ? set_owner(fd, name, like) : NULL;
	if (!err && like)
		err = set_like(dir_fd, fd, name, old_name, like);
	else if (!err && fchmod(fd, mode) < 0)
		err = error_os(errno, "set the mode of %s", name);
	if (err)
		return err;
	err = io_write(fd, buf, size_bytes);
	if (err)
		return error_wrap(err, "%s", name);
	if (fsync(fd) < 0)
		return error_os(errno, "fsync %s", name);
	return NULL;
}

static struct error *replace(int dir_fd, const char *name, const void *buf, size_t size_bytes, mode_t mode,
                             const struct stat *like)
{
	char temporary[256];
	struct error *err;

	if (snprintf(temporary, sizeof(temporary), ".%s.%d.new", name, (int)getpid()) >= (int)sizeof(temporary))
		return error_os(ENAMETOOLONG, "%s", name);
	unlinkat(dir_fd, temporary, 0);
	err = write_synced(dir_fd, temporary, buf, size_bytes, mode, name, like);
	if (!err && renameat(dir_fd, temporary, dir_fd, name) < 0)
		err = error_os(errno, "rename to %s", name);
	if (!err && fsync(dir_fd) < 0)
		err = error_os(errno, "fsync the directory of %s", name);
	if (err)
		unlinkat(dir_fd, temporary, 0);
	return err;
}

struct error *io_replace_at(int dir_fd, const char *name, const void *buf, size_t size_bytes, mode_t mode)
{
	return replace(dir_fd, name, buf, size_bytes, mode, NULL);
}

struct error *io_replace_like_at(int dir_fd, const char *name, const void *buf, size_t size_bytes,
                                 const struct stat *like)
{
	return replace(dir_fd, name, buf, size_bytes, like->st_mode & 07777, like);
}
