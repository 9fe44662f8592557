// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/raw.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum {
	PIECE_BYTES = 1 << 20,
	// Holes have the size of file system blocks, read errors that of pages.
	BLOCK_BYTES = 4096,
	// As in dump/sink_file.c: what waits in the page cache is memory that the capture kernel has not got.
	FLUSH_BYTES = 8 << 20,
};

static_assert(PIECE_BYTES % BLOCK_BYTES == 0 && FLUSH_BYTES % PIECE_BYTES == 0, "pieces hold whole blocks");

static bool is_zero(const uint8_t *buf, size_t size_bytes)
{
	return size_bytes == 0 || (buf[0] == 0 && memcmp(buf, buf + 1, size_bytes - 1) == 0);
}

// Writes the blocks that hold something, those side by side with one call.
static struct error *write_blocks(int fd, const uint8_t *buf, size_t size_bytes, struct raw_progress *progress)
{
	size_t start = 0;

	while (start < size_bytes) {
		size_t end = start;
		struct error *err;

		while (end < size_bytes) {
			size_t block = size_bytes - end < BLOCK_BYTES ? size_bytes - end : BLOCK_BYTES;

			if (is_zero(buf + end, block))
				break;
			end += block;
		}
		if (end == start) {
			start += BLOCK_BYTES;
			continue;
		}
		err = io_pwrite(fd, buf + start, end - start, progress->done_bytes + start);
		if (err)
			return err;
		progress->written_bytes += end - start;
		start = end;
	}
	return NULL;
}

// Reads a piece page by page after it could not be read as a whole; what fails again becomes zeros.
static void read_pages(int fd, uint8_t *buf, size_t size_bytes, struct raw_progress *progress)
{
	memset(buf, 0, size_bytes);
	for (size_t at = 0; at < size_bytes; at += BLOCK_BYTES) {
		size_t block = size_bytes - at < BLOCK_BYTES ? size_bytes - at : BLOCK_BYTES;
		size_t got = 0;
		struct error *err = io_pread(fd, buf + at, block, progress->done_bytes + at, &got);

		if (err || got < block)
			progress->unreadable_bytes += block - (err ? 0 : got);
		error_free(err);
	}
}

struct error *raw_copy(int in_fd, int out_fd, void (*told)(void *context, const struct raw_progress *progress),
                       void *context, struct raw_progress *ret)
{
	_cleanup_free_ uint8_t *buf = malloc(PIECE_BYTES);
	struct stat info;

	*ret = (struct raw_progress){0};
	if (!buf)
		return error_new(ERROR_NOMEM, "no memory for a buffer");
	if (fstat(in_fd, &info) < 0)
		return error_os(errno, "size of the input");
	ret->total_bytes = (uint64_t)info.st_size;
	while (ret->done_bytes < ret->total_bytes) {
		uint64_t left = ret->total_bytes - ret->done_bytes;
		size_t piece = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, got = 0;
		struct error *err = io_pread(in_fd, buf, piece, ret->done_bytes, &got);

		if (err || got < piece)
			read_pages(in_fd, buf, piece, ret);
		error_free(err);
		err = write_blocks(out_fd, buf, piece, ret);
		if (err)
			return err;
		ret->done_bytes += piece;
		if (ret->done_bytes % FLUSH_BYTES == 0) {
			sync_file_range(out_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
			posix_fadvise(out_fd, 0, 0, POSIX_FADV_DONTNEED);
			posix_fadvise(in_fd, 0, 0, POSIX_FADV_DONTNEED);
		}
		if (told)
			told(context, ret);
	}
	if (ret->unreadable_bytes >= ret->total_bytes)
		return error_new(ERROR_BAD_DATA, "not one byte could be read");
	if (ftruncate(out_fd, (off_t)ret->total_bytes) < 0 || fsync(out_fd) < 0)
		return error_os(errno, "put the copy on the disk");
	return NULL;
}
