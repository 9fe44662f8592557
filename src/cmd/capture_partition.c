// SPDX-License-Identifier: GPL-2.0-or-later
// A partition without a file system: each step opens it anew, as the copier in between does by itself.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/encrypt.h"
#include "capture/partition.h"
#include "capture/save.h"
#include "capture/seal.h"
#include "cmd/capture_report.h"
#include "cmd/capture_stage.h"

struct opened {
	int fd;
	struct partition partition;
	struct partition_record record;
};

static void opened_deinit(struct opened *opened)
{
	partition_deinit(&opened->partition);
	closep(&opened->fd);
}

static struct error *open_partition(const struct capture *capture, struct opened *ret)
{
	struct error *err = partition_open(capture->place_path, &ret->fd);

	return err ? err : partition_init(ret->fd, &ret->partition);
}

static struct error *open_record(const struct capture *capture, struct opened *ret)
{
	struct error *err = open_partition(capture, ret);

	return err ? err : partition_find(&ret->partition, capture->dir.name, &ret->record);
}

static struct error *put(void *context, int fd, const char *name)
{
	struct opened *opened = context;

	return partition_put(&opened->partition, &opened->record, fd, name);
}

static struct error *begin(struct capture *capture)
{
	_cleanup_(opened_deinit) struct opened opened = {.fd = -1};
	struct error *err = target_find_raw(&capture->target, &capture->log, capture->place_path);

	if (!err)
		err = open_partition(capture, &opened);
	if (!err)
		err = partition_create(&opened.partition, capture->dir.name, &opened.record);
	if (err)
		return err;
	log_print(&capture->log, "saving to %s at offset %ju, %ju MiB free there", capture->place_path,
	          (uintmax_t)opened.record.offset_bytes,
	          (uintmax_t)partition_room(&opened.partition, &opened.record) >> 20);
	return capture_stage_early(capture, put, &opened);
}

static struct error *seal(struct capture *capture, bool is_whole)
{
	_cleanup_(opened_deinit) struct opened opened = {.fd = -1};
	struct error *err = open_record(capture, &opened);

	if (!err)
		err = capture_stage_all(capture, true, put, &opened);
	if (err || !is_whole)
		return err;
	opened.record.state = PARTITION_COMPLETE;
	return partition_write(&opened.partition, &opened.record);
}

static struct error *add(struct capture *capture, const char *name)
{
	_cleanup_(opened_deinit) struct opened opened = {.fd = -1};
	struct error *err = open_record(capture, &opened);

	return err ? err : capture_stage_one(capture, name, put, &opened);
}

static struct error *line(struct capture *capture, char **line_ret)
{
	const char *name = save_name(&capture->plan, &capture->target);
	_cleanup_(opened_deinit) struct opened opened = {.fd = -1};
	struct error *err = open_record(capture, &opened);
	const struct partition_file *file = err ? NULL : partition_file(&opened.record, name);
	char text[SEAL_HASH_BYTES] = "";

	if (err)
		return err;
	for (size_t i = 0; file && file->has_sum && i < sizeof(file->sum); i++)
		snprintf(text + 2 * i, 3, "%02x", file->sum[i]);
	if ((*text ? asprintf(line_ret, "%s  %s\n", text, name) : asprintf(line_ret, "%s", "")) < 0) {
		*line_ret = NULL;
		return error_new(ERROR_NOMEM, "no memory for the manifest");
	}
	return NULL;
}

// clang takes strings that are put together in a list for a comma that is missing.
#define ENCRYPTED_LOG "vmcore-dmesg.txt" ENCRYPT_SUFFIX
#define ENCRYPTED_REPORT_TEXT CAPTURE_REPORT_TEXT ENCRYPT_SUFFIX
#define ENCRYPTED_REPORT_JSON CAPTURE_REPORT_JSON ENCRYPT_SUFFIX

// Of the files that every dump has, and their sums. Others, of the administrator's programs, must not cost the dump.
static bool is_ours(const char *name)
{
	static const char *const ours[] = {
		"README.txt",          "capture.log",         "plan",        "vmcore-dmesg.txt", CAPTURE_REPORT_TEXT,
		CAPTURE_REPORT_JSON,   SAVE_MAP_NAME,         SEAL_MANIFEST, "hooks.log",        ENCRYPTED_LOG,
		ENCRYPTED_REPORT_TEXT, ENCRYPTED_REPORT_JSON,
	};

	for (size_t i = 0; i < array_size(ours); i++)
		if (strcmp(ours[i], name) == 0)
			return true;
	return false;
}

static void drop(struct capture *capture)
{
	// The memory, and what is_ours(): of what may be encrypted there is one form.
	size_t room = PARTITION_FILES_MAX - 10;
	_cleanup_closedir_ DIR *dir = NULL;
	int fd = openat(capture->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		closep(&fd);
		return;
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		const char *name = entry->d_name;

		if (name[0] == '.' || is_ours(name))
			continue;
		if (partition_is_file_name(name) && room) {
			room--;
			continue;
		}
		log_print(&capture->log,
		          "%s is left out: a dump on a raw partition has %d files at most, of plain names", name,
		          PARTITION_FILES_MAX);
		unlinkat(capture->dir.fd, name, 0);
	}
}

const struct capture_steps capture_partition_steps = {
	.is_meant = plan_target_is_raw,
	.begin = begin,
	.drop = drop,
	.seal = seal,
	.add = add,
	.line = line,
};
