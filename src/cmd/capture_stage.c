// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/capture_stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/encrypt.h"
#include "capture/seal.h"
#include "cmd/capture_report.h"

static const struct capture_steps *const kinds[] = {&capture_server_steps, &capture_partition_steps};

// What is there before the memory.
#define ENCRYPTED_LOG "vmcore-dmesg.txt" ENCRYPT_SUFFIX
#define ENCRYPTED_REPORT_TEXT CAPTURE_REPORT_TEXT ENCRYPT_SUFFIX
#define ENCRYPTED_REPORT_JSON CAPTURE_REPORT_JSON ENCRYPT_SUFFIX
static const char *const early_files[] = {
	"plan",        "vmcore-dmesg.txt",    CAPTURE_REPORT_TEXT,   CAPTURE_REPORT_JSON,
	ENCRYPTED_LOG, ENCRYPTED_REPORT_TEXT, ENCRYPTED_REPORT_JSON,
};

const struct capture_steps *capture_stage_steps(const struct capture *capture)
{
	for (size_t i = 0; i < array_size(kinds) && !capture->options->directory; i++)
		if (kinds[i]->is_meant(&capture->target.place))
			return kinds[i];
	return NULL;
}

struct error *capture_stage_make(const struct capture *capture, int *fd_ret)
{
	char path[40];

	snprintf(path, sizeof(path), "/kdump-stage%zu", capture->target.number);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_os(errno, "make %s", path);
	*fd_ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd_ret < 0 ? error_os(errno, "%s", path) : NULL;
}

struct error *capture_stage_one(const struct capture *capture, const char *name, capture_stage_put *put, void *context)
{
	_cleanup_close_ int fd = openat(capture->dir.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? error_os(errno, "%s", name) : put(context, fd, name);
}

struct error *capture_stage_early(const struct capture *capture, capture_stage_put *put, void *context)
{
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(early_files) && !err; i++)
		if (faccessat(capture->dir.fd, early_files[i], F_OK, 0) == 0)
			err = capture_stage_one(capture, early_files[i], put, context);
	return err;
}

struct error *capture_stage_all(const struct capture *capture, bool has_manifest, capture_stage_put *put, void *context)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int fd = openat(capture->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error *err = NULL;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		closep(&fd);
		return error_os(errno, "read the dump directory");
	}
	for (struct dirent *entry = readdir(dir); entry && !err; entry = readdir(dir)) {
		struct stat info;

		if (entry->d_name[0] != '.' && strcmp(entry->d_name, SEAL_MANIFEST) != 0 &&
		    fstatat(capture->dir.fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode))
			err = capture_stage_one(capture, entry->d_name, put, context);
	}
	if (!err && has_manifest && faccessat(capture->dir.fd, SEAL_MANIFEST, F_OK, 0) == 0)
		err = capture_stage_one(capture, SEAL_MANIFEST, put, context);
	return err;
}

void capture_stage_remove(const struct capture *capture)
{
	char incomplete[DUMPDIR_NAME_BYTES + sizeof(DUMPDIR_INCOMPLETE)];
	_cleanup_closedir_ DIR *dir = NULL;
	int fd = capture->dir.fd < 0 ? -1 : openat(capture->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		closep(&fd);
		return;
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		unlinkat(capture->dir.fd, entry->d_name, 0);
	snprintf(incomplete, sizeof(incomplete), "%s" DUMPDIR_INCOMPLETE, capture->dir.name);
	unlinkat(capture->dir.parent_fd, incomplete, AT_REMOVEDIR);
	unlinkat(capture->dir.parent_fd, capture->dir.name, AT_REMOVEDIR);
}
