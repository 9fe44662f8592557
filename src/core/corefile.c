// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/corefile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "core/flatfile.h"

static struct error *probe(struct corefile *file)
{
	uint8_t head[FLATFILE_SIGNATURE_BYTES];
	struct stat st;
	struct error *err;
	size_t got;

	if (fstat(file->fd, &st) < 0)
		return error_os(errno, "stat");
	file->size_bytes = (uint64_t)st.st_size;
	err = io_pread(file->fd, head, sizeof(head), 0, &got);
	if (err || !flatfile_probe(head, got))
		return err;
	err = flatfile_create(file->fd, file->size_bytes, &file->flat);
	if (!err)
		file->size_bytes = file->flat->size_bytes;
	return err;
}

struct error *corefile_open(const char *path, struct corefile *ret)
{
	struct corefile file = {.fd = open(path, O_RDONLY | O_CLOEXEC), .path = path};
	struct error *err;

	if (file.fd < 0)
		return error_os(errno, "%s", path);
	err = probe(&file);
	if (err) {
		corefile_close(&file);
		return error_wrap(err, "%s", path);
	}
	*ret = file;
	return NULL;
}

void corefile_close(struct corefile *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	flatfile_destroy(file->flat);
	file->flat = NULL;
}

bool corefile_is_cut(const struct corefile *file)
{
	return file->flat && file->flat->is_cut;
}

struct error *corefile_pread(const struct corefile *file, void *buf, size_t size_bytes, uint64_t offset_bytes,
                             size_t *got_ret)
{
	*got_ret = 0;
	// Headers may say anything; the kernel takes such an offset for a negative one.
	if (offset_bytes > (uint64_t)INT64_MAX - size_bytes)
		return NULL;
	if (file->flat)
		return flatfile_pread(file->flat, buf, size_bytes, offset_bytes, got_ret);
	return io_pread(file->fd, buf, size_bytes, offset_bytes, got_ret);
}

struct error *corefile_read(const struct corefile *file, void *buf, size_t size_bytes, uint64_t offset_bytes,
                            const char *what)
{
	struct error *err;
	size_t got;

	// The system would call an offset that is no off_t a wrong argument; it is the file that is wrong.
	if (offset_bytes > file->size_bytes)
		return error_new(ERROR_BAD_DATA, "the file ends at offset %#jx, before the %s at %#jx",
		                 (uintmax_t)file->size_bytes, what, (uintmax_t)offset_bytes);
	err = corefile_pread(file, buf, size_bytes, offset_bytes, &got);
	if (err)
		return error_wrap(err, "%s", what);
	if (got < size_bytes)
		return error_new(ERROR_BAD_DATA, "the file ends at offset %#jx, inside the %s at %#jx",
		                 (uintmax_t)(offset_bytes + got), what, (uintmax_t)offset_bytes);
	return NULL;
}

uint64_t corefile_next_data(const struct corefile *file, uint64_t offset_bytes)
{
	off_t found;

	if (offset_bytes >= file->size_bytes)
		return file->size_bytes;
	if (file->flat)
		return flatfile_next_data(file->flat, offset_bytes);
	found = lseek(file->fd, (off_t)offset_bytes, SEEK_DATA);
	if (found < 0)
		// File systems that know no holes say so by another error than "nothing but a hole".
		return errno == ENXIO ? file->size_bytes : offset_bytes;
	return (uint64_t)found;
}
