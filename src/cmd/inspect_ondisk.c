// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_ondisk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/inspect_folder.h"

enum { COPY_BYTES = 1 << 20 };

void inspect_ondisk_deinit(struct inspect_ondisk *trace)
{
	for (size_t i = 0; i < trace->file_count; i++)
		free(trace->files[i].name);
	free(trace->files);
	closep(&trace->dir_fd);
	*trace = INSPECT_ONDISK_NONE;
}

// Only files: the directory may be one that others can write to.
static int open_file(const struct inspect_ondisk *trace, const char *name)
{
	_cleanup_close_ int fd = openat(trace->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	int opened = fd;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return -1;
	fd = -1;
	return opened;
}

static struct error *add(struct inspect_ondisk *trace, const char *name, const struct ctf_file *found)
{
	// Room doubles whenever it is full: at each power of two from 16 on.
	if (trace->file_count == 0 || (trace->file_count >= 16 && (trace->file_count & (trace->file_count - 1)) == 0)) {
		size_t room = trace->file_count ? 2 * trace->file_count : 16;
		struct inspect_ondisk_file *files = reallocarray(trace->files, room, sizeof(*files));

		if (!files)
			return error_new(ERROR_NOMEM, "no memory for names of files");
		trace->files = files;
	}
	trace->files[trace->file_count] = (struct inspect_ondisk_file){.name = strdup(name), .found = *found};
	if (!trace->files[trace->file_count].name)
		return error_new(ERROR_NOMEM, "no memory for names of files");
	trace->file_count++;
	trace->packets += found->packets;
	trace->bytes += found->whole_bytes;
	trace->cut_bytes += found->size_bytes - found->whole_bytes;
	trace->cut_files += found->size_bytes > found->whole_bytes;
	return NULL;
}

static struct error *look(struct inspect_ondisk *trace, const char *name, bool is_big, bool *has_uuid)
{
	_cleanup_close_ int fd = open_file(trace, name);
	uint8_t raw[CTF_HEADER_BYTES];
	struct ctf_packet packet;
	struct ctf_file found = {0};
	size_t got = 0;
	struct error *err;

	// "metadata" begins otherwise, and is taken from the memory.
	if (fd < 0 || name[0] == '.' || strcmp(name, "metadata") == 0)
		return NULL;
	err = io_pread(fd, raw, sizeof(raw), 0, &got);
	if (err)
		return error_wrap(err, "%s", name);
	if (got == sizeof(raw) && !*has_uuid && ctf_get(raw, is_big, &packet)) {
		memcpy(trace->uuid, packet.uuid, CTF_UUID_BYTES);
		*has_uuid = true;
	}
	if (*has_uuid)
		err = ctf_look(fd, is_big, trace->uuid, &found);
	if (err || found.packets)
		return err ? error_wrap(err, "%s", name) : add(trace, name, &found);
	// Empty ones are those of CPUs that had nothing to write yet.
	trace->other_files += got > 0;
	return NULL;
}

static struct error *look_at_all(struct inspect_ondisk *trace, bool is_big)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int fd = fcntl(trace->dir_fd, F_DUPFD_CLOEXEC, 0);
	struct error *err = NULL;
	bool has_uuid = false;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		err = error_os(errno, "list");
		closep(&fd);
		return err;
	}
	rewinddir(dir);
	for (struct dirent *entry; !err && (entry = readdir(dir));) {
		if (trace->file_count >= INSPECT_ONDISK_FILES_MAX)
			return error_new(ERROR_BAD_DATA, "there are too many files");
		err = look(trace, entry->d_name, is_big, &has_uuid);
	}
	return err;
}

struct error *inspect_ondisk_open(const char *path, bool is_big, struct inspect_ondisk *ret)
{
	struct error *err;
	int below;

	*ret = (struct inspect_ondisk){.dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	if (ret->dir_fd < 0)
		return error_os(errno, "%s", path);
	err = look_at_all(ret, is_big);
	if (!err && !ret->file_count) {
		below = openat(ret->dir_fd, "kernel", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0) {
			close(ret->dir_fd);
			ret->dir_fd = below;
			ret->other_files = 0;
			err = look_at_all(ret, is_big);
		}
	}
	if (!err && !ret->file_count)
		err = error_new(ERROR_BAD_DATA, "no file has a whole packet of a trace of this kind of machine");
	return error_wrap(err, "%s", path);
}

bool inspect_ondisk_last(const struct inspect_ondisk *trace, uint32_t stream, uint64_t instance, uint64_t *ret)
{
	bool is_found = false;

	for (size_t i = 0; i < trace->file_count; i++) {
		const struct ctf_packet *last = &trace->files[i].found.last;

		if (last->stream != stream || last->instance != instance || (is_found && last->sequence < *ret))
			continue;
		*ret = last->sequence;
		is_found = true;
	}
	return is_found;
}

static struct error *copy(const struct inspect_ondisk *trace, const struct inspect_ondisk_file *file, int dir_fd,
                          void *buf)
{
	_cleanup_close_ int source = open_file(trace, file->name), target = -1;
	struct error *err = source < 0 ? error_os(errno, "open") : inspect_folder_create(dir_fd, file->name, &target);

	for (uint64_t at = 0; at < file->found.whole_bytes && !err;) {
		uint64_t left = file->found.whole_bytes - at;
		size_t got = 0;

		err = io_pread(source, buf, left < COPY_BYTES ? left : COPY_BYTES, at, &got);
		if (!err && !got)
			err = error_new(ERROR_BAD_DATA, "it has become shorter");
		if (!err)
			err = io_write(target, buf, got);
		at += got;
	}
	if (!err && fsync(target) < 0)
		err = error_os(errno, "fsync");
	return error_wrap(err, "%s", file->name);
}

struct error *inspect_ondisk_copy(const struct inspect_ondisk *trace, int dir_fd)
{
	_cleanup_free_ void *buf = malloc(COPY_BYTES);
	struct error *err = buf ? NULL : error_new(ERROR_NOMEM, "no memory to copy with");

	for (size_t i = 0; i < trace->file_count && !err; i++)
		err = copy(trace, &trace->files[i], dir_fd, buf);
	return err;
}
