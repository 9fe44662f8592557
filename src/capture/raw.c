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
	// What was read stays no longer in the page cache than this: it is memory that the capture kernel has not got.
	FLUSH_BYTES = 8 << 20,
};

static_assert(PIECE_BYTES % BLOCK_BYTES == 0 && FLUSH_BYTES % PIECE_BYTES == 0, "pieces hold whole blocks");

static bool is_zero(const uint8_t *buf, size_t size_bytes)
{
	return size_bytes == 0 || (buf[0] == 0 && memcmp(buf, buf + 1, size_bytes - 1) == 0);
}

// Writes the blocks that hold something, those side by side with one call.
static struct error *write_blocks(struct sink *sink, const uint8_t *buf, size_t size_bytes,
                                  struct raw_progress *progress)
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
		err = sink_write(sink, progress->done_bytes + start, buf + start, end - start);
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

struct error *raw_copy(int in_fd, struct sink *sink, void (*told)(void *context, const struct raw_progress *progress),
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
		err = write_blocks(sink, buf, piece, ret);
		if (err)
			return err;
		ret->done_bytes += piece;
		if (ret->done_bytes % FLUSH_BYTES == 0)
			posix_fadvise(in_fd, 0, 0, POSIX_FADV_DONTNEED);
		if (told)
			told(context, ret);
	}
	if (ret->unreadable_bytes >= ret->total_bytes)
		return error_new(ERROR_BAD_DATA, "not one byte could be read");
	return sink_finish(sink, ret->total_bytes);
}
