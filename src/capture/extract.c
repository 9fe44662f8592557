// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/extract.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "capture/save.h"
#include "capture/seal.h"
#include "dump/rearrange.h"
#include "dump/sink.h"

enum { BUFFER_BYTES = 64 << 10, MANIFEST_MAX_BYTES = 64 << 10, MIB = 1 << 20, NAMES_MAX = 1000 };

// No name of a dump: what is unfinished is nobody's news, and is done again.
#define WORK_SUFFIX ".taking"

struct extract {
	struct partition *partition;
	struct partition_record *record;
	struct dumpdir dir; // The one that is filled.
	int parent_fd;
	char work[DUMPDIR_NAME_BYTES + sizeof(WORK_SUFFIX)];
	struct extract_result *result;
};

static void note_problem(struct extract *extract, const char *name, const char *text)
{
	if (!*extract->result->problem && extract->record->state == PARTITION_COMPLETE)
		snprintf(extract->result->problem, sizeof(extract->result->problem), "%s: %.900s", name, text);
}

// What was left of another try. It has files only.
static struct error *remove_work(const struct extract *extract)
{
	int fd = openat(extract->parent_fd, extract->work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = NULL;

	if (fd < 0 && errno == ENOENT)
		return NULL;
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		struct error *err = error_os(errno, "open %s", extract->work);

		closep(&fd);
		return err;
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			return error_os(errno, "remove %s/%s", extract->work, entry->d_name);
	return unlinkat(extract->parent_fd, extract->work, AT_REMOVEDIR) < 0
	               ? error_os(errno, "remove %s", extract->work)
	               : NULL;
}

static struct error *make_work(struct extract *extract)
{
	struct error *err = remove_work(extract);

	if (err)
		return err;
	if (mkdirat(extract->parent_fd, extract->work, 0700) < 0)
		return error_os(errno, "make directory %s", extract->work);
	extract->dir.fd = openat(extract->parent_fd, extract->work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return extract->dir.fd < 0 ? error_os(errno, "open directory %s", extract->work) : NULL;
}

static struct error *check_room(const struct extract *extract)
{
	uint64_t wanted = MIB, there;
	struct statvfs fs;

	for (size_t i = 0; i < extract->record->count; i++)
		wanted += extract->record->files[i].size_bytes;
	if (fstatvfs(extract->parent_fd, &fs) < 0)
		return error_os(errno, "free space");
	there = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (there >= wanted)
		return NULL;
	return error_new(ERROR_NOSPC, "it needs %ju MiB, and %ju MiB are free", (uintmax_t)(wanted + MIB - 1) / MIB,
	                 (uintmax_t)there / MIB);
}

static struct error *copy_plain(struct partition_reader *reader, int fd)
{
	_cleanup_free_ uint8_t *buf = malloc(BUFFER_BYTES);
	struct error *err = buf ? NULL : error_new(ERROR_NOMEM, "no memory for a buffer");
	size_t got = BUFFER_BYTES;

	while (!err && got == BUFFER_BYTES) {
		struct error *late;

		err = partition_reader_read(reader, buf, BUFFER_BYTES, &got);
		late = io_write(fd, buf, got);
		if (late) {
			error_free(err);
			return late;
		}
	}
	return err;
}

static struct error *copy_ordered(struct partition_reader *reader, int fd)
{
	_cleanup_(sink_destroyp) struct sink *sink = NULL;
	struct rearrange_stats stats;
	struct error *err = sink_file_create(fd, &sink);

	return err ? err : rearrange_run_from(partition_reader_read, reader, sink, &stats);
}

// Whether it is what was read that is wrong: a stream that was cut, or is none, or names places where no file can have bytes.
static bool is_of_content(const struct error *err)
{
	return err->code == ERROR_BAD_DATA || err->code == ERROR_UNSUPPORTED || err->errnum == EFBIG ||
	       (err->code == ERROR_OS && err->errnum == EINVAL);
}

// A file that is not as it should be is worth having; only what cannot be written ends the work.
static struct error *take_file(struct extract *extract, const struct partition_file *file)
{
	bool is_flat = strcmp(file->name, SAVE_FLAT_NAME) == 0;
	_cleanup_error_ struct error *broken = NULL;
	_cleanup_close_ int fd = -1;
	struct partition_reader reader;
	struct error *err = dumpdir_open(&extract->dir, is_flat ? SAVE_NAME : file->name, O_RDWR, &fd);

	if (err)
		return err;
	partition_reader_init(&reader, extract->partition, file);
	err = is_flat ? copy_ordered(&reader, fd) : copy_plain(&reader, fd);
	if (!err)
		broken = partition_reader_check(&reader);
	else if (is_of_content(err))
		broken = take_ptr(err);
	if (broken)
		note_problem(extract, file->name, broken->text);
	if (!err && fsync(fd) < 0)
		err = error_os(errno, "fsync");
	return error_wrap(err, "%s", file->name);
}

// What the capture wrote down, against what was read. Sums of the partition's own header are checked already: this finds a file
// that is missing, or was changed behind the manifest.
static void check_line(struct extract *extract, const char *line)
{
	const struct partition_file *file;
	char text[SEAL_HASH_BYTES];

	if (strlen(line) < SEAL_HASH_BYTES + 2)
		return;
	file = partition_file(extract->record, line + SEAL_HASH_BYTES + 1);
	for (size_t i = 0; file && i < sizeof(file->sum); i++)
		snprintf(text + 2 * i, 3, "%02x", file->sum[i]);
	if (!file)
		note_problem(extract, line + SEAL_HASH_BYTES + 1, "it is in the manifest, and not there");
	else if (strncmp(line, text, SEAL_HASH_BYTES - 1) != 0)
		note_problem(extract, file->name, "it is not what the manifest says");
}

static struct error *check_manifest(struct extract *extract)
{
	_cleanup_close_ int fd = openat(extract->dir.fd, SEAL_MANIFEST, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	struct error *err;

	// There may have been no time for one.
	if (fd < 0)
		return errno == ENOENT ? NULL : error_os(errno, SEAL_MANIFEST);
	err = io_read_all(fd, MANIFEST_MAX_BYTES, &text, NULL);
	rest = text;
	while (!err && (line = strsep(&rest, "\n")))
		check_line(extract, line);
	return err;
}

// The capture's manifest knows the stream; what is on the disk now has one of its own. That of a dump that is not whole stays as it
// is: it tells what is wrong.
static struct error *make_manifest(struct extract *extract)
{
	bool is_there = faccessat(extract->dir.fd, SEAL_MANIFEST, F_OK, 0) == 0;
	uint64_t bytes;
	struct error *err = check_manifest(extract);

	extract->result->is_whole = extract->record->state == PARTITION_COMPLETE && !*extract->result->problem;
	if (err || !extract->result->is_whole || !is_there)
		return err;
	if (unlinkat(extract->dir.fd, SEAL_MANIFEST, 0) < 0)
		return error_os(errno, "remove " SEAL_MANIFEST);
	return seal_manifest(&extract->dir, NULL, 0, &bytes);
}

static void name_directory(struct extract *extract)
{
	snprintf(extract->result->name, sizeof(extract->result->name), "%s%s", extract->record->name,
	         extract->result->is_whole ? "" : DUMPDIR_INCOMPLETE);
}

static struct error *fill(struct extract *extract)
{
	struct error *err = check_room(extract);

	if (!err)
		err = make_work(extract);
	for (size_t i = 0; !err && i < extract->record->count; i++)
		err = take_file(extract, &extract->record->files[i]);
	if (!err)
		err = make_manifest(extract);
	if (!err && fsync(extract->dir.fd) < 0)
		err = error_os(errno, "fsync %s", extract->work);
	if (!err && fsync(extract->parent_fd) < 0)
		err = error_os(errno, "fsync the directory of dumps");
	if (err) {
		// Room that others may need until the next try.
		error_free(remove_work(extract));
		return err;
	}
	extract->record->taken = extract->result->is_whole ? PARTITION_TAKING_WHOLE : PARTITION_TAKING_PART;
	return partition_write(extract->partition, extract->record);
}

static struct error *look_for(int dir_fd, const char *name, bool *ret)
{
	*ret = faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return *ret || errno == ENOENT ? NULL : error_os(errno, "%s", name);
}

// Another dump of this crash may have the name, from a target that was tried too. Then the last digits, which only tell
// crashes of one second apart, are counted up.
static struct error *choose_name(struct extract *extract)
{
	char *id = strrchr(extract->record->name, '-');
	unsigned long number = id ? strtoul(id + 1, NULL, 16) : 0;
	bool is_taken = true;
	struct error *err = NULL;

	for (unsigned int i = 0; !err && is_taken && i < NAMES_MAX; i++) {
		if (i && id)
			snprintf(extract->result->name, sizeof(extract->result->name), "%.*s-%08lx%s",
			         (int)(id - extract->record->name), extract->record->name, (number + i) & 0xffffffff,
			         extract->result->is_whole ? "" : DUMPDIR_INCOMPLETE);
		else
			name_directory(extract);
		err = look_for(extract->parent_fd, extract->result->name, &is_taken);
	}
	return err || !is_taken ? err : error_os(EEXIST, "rename %s to %s", extract->work, extract->result->name);
}

// rename(2) would replace an empty directory. Nobody else makes this name: a look before is enough.
static struct error *finish(struct extract *extract)
{
	struct error *err = choose_name(extract);

	if (err)
		return err;
	if (renameat(extract->parent_fd, extract->work, extract->parent_fd, extract->result->name) < 0)
		return error_os(errno, "rename %s to %s", extract->work, extract->result->name);
	if (fsync(extract->parent_fd) < 0)
		return error_os(errno, "fsync the directory of dumps");
	return NULL;
}

// Goes on where another try ended. What is neither there under the name it had nor under the one it was to get is made once
// more: the directory of dumps may be another one than then.
static struct error *resume(struct extract *extract)
{
	bool has_work, has_name;
	struct error *err = look_for(extract->parent_fd, extract->work, &has_work);

	name_directory(extract);
	if (!err)
		err = look_for(extract->parent_fd, extract->result->name, &has_name);
	if (err)
		return err;
	extract->result->is_old = !has_work && has_name;
	return has_work || has_name ? NULL : fill(extract);
}

struct error *extract_run(struct partition *partition, struct partition_record *record, int dir_fd,
                          struct extract_result *ret)
{
	struct extract extract = {
		.partition = partition, .record = record, .dir = DUMPDIR_NONE, .parent_fd = dir_fd, .result = ret};
	struct error *err;

	*ret = (struct extract_result){.is_whole = record->taken == PARTITION_TAKING_WHOLE};
	snprintf(extract.work, sizeof(extract.work), ".%s" WORK_SUFFIX, record->name);
	err = record->taken == PARTITION_KEPT ? fill(&extract) : resume(&extract);
	if (!err && !ret->is_old)
		err = finish(&extract);
	closep(&extract.dir.fd);
	if (err)
		return err;
	record->taken = PARTITION_TAKEN;
	return partition_write(partition, record);
}
