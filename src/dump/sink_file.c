// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

// In a capture kernel memory is scarce: what lies in the page cache longer than it takes to write it out is taken from
// the copier. 8 MiB keeps a disk busy and is a small part of the smallest reservation.
enum { FLUSH_BYTES = 8 << 20 };

struct sink_file {
	struct sink sink;
	int fd;
	int direct_fd; // The same file, past the page cache; -1: not so.
	_Atomic uint64_t unflushed_bytes;
};

static bool is_aligned(uint64_t value)
{
	return value % SINK_ALIGN_BYTES == 0;
}

// One piece that lies in memory and in the file as a direct write wants it. If it cannot be written after all, for whatever
// reason, the page cache takes it.
static bool write_direct(struct sink_file *file, uint64_t offset_bytes, const struct iovec *parts, size_t count)
{
	struct error *err;

	if (file->direct_fd < 0 || count != 1 || !is_aligned(offset_bytes) || !is_aligned(parts->iov_len) ||
	    !is_aligned((uintptr_t)parts->iov_base))
		return false;
	err = io_pwritev(file->direct_fd, parts, 1, offset_bytes);
	error_free(err);
	return !err;
}

static struct error *sink_file_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts, size_t count)
{
	struct sink_file *file = (struct sink_file *)sink;
	uint64_t size_bytes = 0;
	struct error *err;

	if (write_direct(file, offset_bytes, parts, count))
		return NULL;
	err = io_pwritev(file->fd, parts, count, offset_bytes);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		size_bytes += parts[i].iov_len;
	if (atomic_fetch_add(&file->unflushed_bytes, size_bytes) + size_bytes >= FLUSH_BYTES) {
		atomic_store(&file->unflushed_bytes, 0);
		// What was given to the disk the last time must be there before more is: so no more than twice as much waits,
		// and the writer sees how fast the disk is. Advice only: the file may be on something that cannot do it, and
		// errors of the disk come back at finish.
		sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
		posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	return NULL;
}

// Only a full disk is an error: file systems that cannot allocate in advance are as good as before.
static struct error *sink_file_reserve(struct sink *sink, uint64_t offset_bytes, uint64_t size_bytes)
{
	struct sink_file *file = (struct sink_file *)sink;

	if (fallocate(file->fd, 0, (off_t)offset_bytes, (off_t)size_bytes) < 0 && (errno == ENOSPC || errno == EDQUOT))
		return error_os(errno, "allocate %ju bytes", (uintmax_t)size_bytes);
	return NULL;
}

static struct error *sink_file_finish(struct sink *sink, uint64_t file_bytes)
{
	struct sink_file *file = (struct sink_file *)sink;
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return error_os(errno, "stat");
	// The last bytes may be a gap that nobody wrote. Devices have the size they have.
	if (S_ISREG(st.st_mode) && ftruncate(file->fd, (off_t)file_bytes) < 0)
		return error_os(errno, "set the size to %ju bytes", (uintmax_t)file_bytes);
	// EINVAL: a special file that has nothing to sync.
	if (fsync(file->fd) < 0 && errno != EINVAL)
		return error_os(errno, "fsync");
	return NULL;
}

static void sink_file_destroy(struct sink *sink)
{
	struct sink_file *file = (struct sink_file *)sink;

	closep(&file->direct_fd);
	free(file);
}

static const struct sink_ops file_ops = {
	.write = sink_file_write,
	.reserve = sink_file_reserve,
	.finish = sink_file_finish,
	.destroy = sink_file_destroy,
};

struct error *sink_file_create(int fd, struct sink **ret)
{
	struct sink_file *file = calloc(1, sizeof(*file));

	if (!file)
		return error_new(ERROR_NOMEM, "no memory for an output file");
	file->sink = (struct sink){.ops = &file_ops, .can_rewrite = true};
	file->fd = fd;
	file->direct_fd = -1;
	*ret = &file->sink;
	return NULL;
}

void sink_file_set_direct(struct sink *sink)
{
	struct sink_file *file = (struct sink_file *)sink;
	char path[64];

	// Of its own, because the flag belongs to the open file: what is small goes the other way.
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	file->direct_fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
	sink->align_bytes = file->direct_fd < 0 ? 0 : SINK_ALIGN_BYTES;
}
