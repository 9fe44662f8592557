// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "capture/process.h"
#include "base/sha256.h"

// Read back in pieces that leave the page cache again at once: memory is scarce.
enum { PIECE_BYTES = 1 << 20 };

struct manifest {
	char *text;
	size_t size_bytes;
	FILE *stream;
	uint64_t end_ms;
	uint64_t disk_bytes;
};

static void manifest_deinit(struct manifest *manifest)
{
	fclosep(&manifest->stream);
	free(manifest->text);
}

struct error *seal_hash(int fd, uint64_t end_ms, char text[SEAL_HASH_BYTES])
{
	_cleanup_free_ uint8_t *piece = malloc(PIECE_BYTES);
	uint8_t digest[SHA256_DIGEST_BYTES];
	uint64_t offset = 0;
	struct sha256 sha;
	size_t got = 0;

	if (!piece)
		return error_new(ERROR_NOMEM, "no memory for the manifest");
	sha256_init(&sha);
	do {
		struct error *err = io_pread(fd, piece, PIECE_BYTES, offset, &got);

		if (err)
			return err;
		sha256_update(&sha, piece, got);
		posix_fadvise(fd, (off_t)offset, (off_t)got, POSIX_FADV_DONTNEED);
		offset += got;
		if (process_left_ms(end_ms) == 0)
			return error_new(ERROR_TIMEOUT, "no time left for the manifest");
	} while (got == PIECE_BYTES);
	sha256_final(&sha, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return NULL;
}

static struct error *add_file(struct manifest *manifest, int dir_fd, const char *name)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[SEAL_HASH_BYTES];
	struct stat info;
	struct error *err;

	if (fd < 0 || fstat(fd, &info) < 0)
		return error_os(errno, "%s", name);
	manifest->disk_bytes += (uint64_t)info.st_blocks * 512;
	// What is still in the page cache says nothing about the disk.
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	err = seal_hash(fd, manifest->end_ms, text);
	if (err)
		return error_wrap(err, "%s", name);
	fprintf(manifest->stream, "%s  %s\n", text, name);
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **names;
	size_t count;
};

static void names_deinit(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
}

static struct error *list_files(int dir_fd, struct names *ret)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		closep(&fd);
		return error_os(errno, "read the dump directory");
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		struct stat info;
		char **grown;

		// Only files: hooks may leave other things, which are not ours to open.
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, SEAL_MANIFEST) == 0 ||
		    fstatat(dir_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info.st_mode))
			continue;
		grown = reallocarray(ret->names, ret->count + 1, sizeof(*grown));
		if (!grown)
			return error_new(ERROR_NOMEM, "no memory for a name");
		ret->names = grown;
		ret->names[ret->count] = strdup(entry->d_name);
		if (!ret->names[ret->count++])
			return error_new(ERROR_NOMEM, "no memory for a name");
	}
	if (ret->count)
		qsort(ret->names, ret->count, sizeof(*ret->names), compare_names);
	return NULL;
}

// Files first, then the directory that names them: after this, a power cut costs nothing of what is there.
static struct error *sync_all(int dir_fd, const struct names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		_cleanup_close_ int fd =
			openat(dir_fd, names->names[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0 || fsync(fd) < 0)
			return error_os(errno, "fsync %s", names->names[i]);
	}
	return fsync(dir_fd) < 0 ? error_os(errno, "fsync the dump directory") : NULL;
}

struct error *seal_manifest(const struct dumpdir *dir, const char *more, uint64_t end_ms, uint64_t *bytes_ret)
{
	_cleanup_(manifest_deinit) struct manifest manifest = {.end_ms = end_ms};
	_cleanup_(names_deinit) struct names names = {.count = 0};
	struct error *err;

	manifest.stream = open_memstream(&manifest.text, &manifest.size_bytes);
	if (!manifest.stream)
		return error_new(ERROR_NOMEM, "no memory for the manifest");
	err = list_files(dir->fd, &names);
	if (!err)
		err = sync_all(dir->fd, &names);
	for (size_t i = 0; i < names.count && !err; i++)
		err = add_file(&manifest, dir->fd, names.names[i]);
	if (err)
		return err;
	if ((more && fputs(more, manifest.stream) < 0) || fflush(manifest.stream) != 0)
		return error_new(ERROR_NOMEM, "no memory for the manifest");
	err = dumpdir_write(dir, SEAL_MANIFEST, manifest.text);
	if (!err && fsync(dir->fd) < 0)
		err = error_os(errno, "fsync the dump directory");
	*bytes_ret = manifest.disk_bytes;
	return err;
}

struct error *seal_rename(const struct dumpdir *dir)
{
	char incomplete[DUMPDIR_NAME_BYTES + sizeof(DUMPDIR_INCOMPLETE)];
	struct stat info;

	snprintf(incomplete, sizeof(incomplete), "%s" DUMPDIR_INCOMPLETE, dir->name);
	// rename(2) would replace an empty directory. Nobody else writes here: a look before is enough.
	if (fstatat(dir->parent_fd, dir->name, &info, AT_SYMLINK_NOFOLLOW) == 0)
		return error_os(EEXIST, "rename to %s", dir->name);
	if (renameat(dir->parent_fd, incomplete, dir->parent_fd, dir->name) < 0)
		return error_os(errno, "rename to %s", dir->name);
	if (fsync(dir->parent_fd) < 0)
		return error_os(errno, "fsync the directory of dumps");
	return NULL;
}
