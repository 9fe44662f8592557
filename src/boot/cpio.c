// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/cpio.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"

enum { HEADER_BYTES = 110, ALIGNMENT = 4, PIECE_BYTES = 64 * 1024 };

static size_t padding(uint64_t bytes)
{
	return (size_t)(-bytes & (ALIGNMENT - 1));
}

static struct error *pad(const struct cpio *cpio, uint64_t bytes)
{
	static const char zeros[ALIGNMENT];

	return io_write(cpio->fd, zeros, padding(bytes));
}

static struct error *write_header(struct cpio *cpio, const char *name, mode_t mode, uint64_t size_bytes)
{
	uint32_t name_bytes = (uint32_t)strlen(name) + 1;
	char header[HEADER_BYTES + 1];
	struct error *err;

	if (size_bytes > UINT32_MAX)
		return error_new(ERROR_BAD_DATA, "%s: is too large for an initramfs", name);
	// inode, mode, user, group, links, time, size, device (2), device of a node (2), size of the name, sum.
	snprintf(header, sizeof(header),
	         "070701%08" PRIx32 "%08x%08x%08x%08x%08x%08" PRIx32 "%08x%08x%08x%08x%08" PRIx32 "%08x",
	         ++cpio->last_inode, (unsigned int)mode, 0, 0, S_ISDIR(mode) ? 2 : 1, 0, (uint32_t)size_bytes, 0, 0, 0,
	         0, name_bytes, 0);
	err = io_write(cpio->fd, header, HEADER_BYTES);
	if (!err)
		err = io_write(cpio->fd, name, name_bytes);
	return err ? err : pad(cpio, HEADER_BYTES + name_bytes);
}

struct error *cpio_add(struct cpio *cpio, const char *name, mode_t mode, const void *buf, size_t size_bytes)
{
	struct error *err = write_header(cpio, name, mode, size_bytes);

	if (!err && size_bytes)
		err = io_write(cpio->fd, buf, size_bytes);
	return err ? err : pad(cpio, size_bytes);
}

// So much of a file, from its start.
static struct error *copy_file(const struct cpio *cpio, const char *name, int fd, uint64_t size_bytes)
{
	static const size_t most = PIECE_BYTES;
	_cleanup_free_ char *buf = malloc(most);
	struct error *err = buf ? NULL : error_new(ERROR_NOMEM, "no memory for an archive");

	for (uint64_t done = 0; !err && done < size_bytes;) {
		size_t wanted = size_bytes - done < most ? (size_t)(size_bytes - done) : most, got = 0;

		err = io_pread(fd, buf, wanted, done, &got);
		if (!err && got < wanted)
			err = error_new(ERROR_BAD_DATA, "%s: became shorter while it was read", name);
		if (!err)
			err = io_write(cpio->fd, buf, got);
		done += got;
	}
	return err ? err : pad(cpio, size_bytes);
}

struct error *cpio_add_files(struct cpio *cpio, const char *name, mode_t mode, const int *fds, size_t count)
{
	uint64_t total = 0;
	struct error *err;
	struct stat info;

	// The last one too: then the whole is padded as the archive wants it.
	for (size_t i = 0; i < count; i++) {
		if (fstat(fds[i], &info) < 0)
			return error_os(errno, "%s", name);
		total += (uint64_t)info.st_size + padding((uint64_t)info.st_size);
	}
	err = write_header(cpio, name, mode, total);
	for (size_t i = 0; !err && i < count; i++) {
		if (fstat(fds[i], &info) < 0)
			return error_os(errno, "%s", name);
		err = copy_file(cpio, name, fds[i], (uint64_t)info.st_size);
	}
	return err;
}

struct error *cpio_finish(struct cpio *cpio)
{
	return cpio_add(cpio, "TRAILER!!!", 0, NULL, 0);
}
