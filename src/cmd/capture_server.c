// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/capture_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/encrypt.h"
#include "capture/process.h"
#include "capture/remote.h"
#include "capture/save.h"
#include "capture/seal.h"

enum { RETRY_MS = 1000 };

// What is there before the memory. It is put there once more at the end: programs of the administrator may have changed it.
static const char encrypted_log[] = "vmcore-dmesg.txt" ENCRYPT_SUFFIX;
static const char *const early_files[] = {"plan", "vmcore-dmesg.txt", encrypted_log};

struct error *capture_server_stage(const struct capture *capture, int *fd_ret)
{
	char path[40];

	snprintf(path, sizeof(path), "/kdump-stage%zu", capture->target.number);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_os(errno, "make %s", path);
	*fd_ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd_ret < 0 ? error_os(errno, "%s", path) : NULL;
}

static struct error *put(struct capture *capture, struct remote *remote, const char *directory, const char *name)
{
	_cleanup_close_ int fd = openat(capture->dir.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char path[REMOTE_PATH_BYTES];
	struct error *err;

	if (fd < 0)
		return error_os(errno, "%s", name);
	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return error_new(ERROR_BAD_DATA, "%s: the path is too long", name);
	err = remote_is_upload(&capture->target.place) ? NULL : remote_remove(remote, path);
	return err ? err : remote_put(remote, fd, path);
}

// The directory's last name. Where names cannot be changed it has it from the begin, and the manifest says that all is there.
static void final_directory(const struct capture *capture, char ret[REMOTE_PATH_BYTES])
{
	size_t size = strlen(capture->server_directory), end = strlen(DUMPDIR_INCOMPLETE);

	if (size > end && strcmp(capture->server_directory + size - end, DUMPDIR_INCOMPLETE) == 0)
		size -= end;
	snprintf(ret, REMOTE_PATH_BYTES, "%.*s", (int)size, capture->server_directory);
}

static struct error *begin_once(struct capture *capture)
{
	_cleanup_(remote_closep) struct remote *remote = NULL;
	const char *directory = capture->target.place.directory;
	struct error *err = remote_open(&capture->target, &capture->log, &remote);

	if (err)
		return err;
	snprintf(capture->server_directory, sizeof(capture->server_directory), "%s%s%s%s", directory,
	         directory[strlen(directory) - 1] == '/' ? "" : "/", capture->dir.name,
	         remote_can_rename(remote) ? DUMPDIR_INCOMPLETE : "");
	err = remote_mkdirs(remote, capture->server_directory);
	for (size_t i = 0; i < array_size(early_files) && !err; i++)
		if (faccessat(capture->dir.fd, early_files[i], F_OK, 0) == 0)
			err = put(capture, remote, capture->server_directory, early_files[i]);
	return err;
}

// What a server or the network may have overcome the next time. The program for uploads connects when it has something to upload.
static bool is_worth_another(const struct error *err)
{
	return err->code == ERROR_OS && err->errnum != EACCES && err->errnum != ENOENT;
}

// Tries again until the server must have answered.
static struct error *try_again(struct capture *capture, struct error *(*step)(struct capture *capture))
{
	uint64_t limit_ms = process_earlier_ms(capture->target.end_ms, clock_now_ms() + capture->target.timeout_ms);
	_cleanup_close_ int events = target_route_events();

	for (;;) {
		struct error *err = step(capture);
		uint64_t left_ms = process_left_ms(limit_ms);

		if (!err || !left_ms || !is_worth_another(err))
			return err;
		log_print(&capture->log, "%s; trying again, %ju s left", err->text, (uintmax_t)left_ms / 1000);
		error_free(err);
		target_wait_events(events, left_ms < RETRY_MS ? left_ms : RETRY_MS);
	}
}

struct error *capture_server_begin(struct capture *capture)
{
	struct error *err =
		remote_is_upload(&capture->target.place) ? try_again(capture, begin_once) : begin_once(capture);

	if (!err)
		log_print(&capture->log, "saving to %s%s", capture->target.place.device, capture->server_directory);
	return err;
}

static struct error *put_files(struct capture *capture, struct remote *remote, bool has_manifest)
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
			err = put(capture, remote, capture->server_directory, entry->d_name);
	}
	if (!err && has_manifest && faccessat(capture->dir.fd, SEAL_MANIFEST, F_OK, 0) == 0)
		err = put(capture, remote, capture->server_directory, SEAL_MANIFEST);
	return err;
}

// Where names cannot be changed the manifest is the mark of a dump that is whole.
static struct error *put_incomplete(struct capture *capture)
{
	_cleanup_(remote_closep) struct remote *remote = NULL;
	struct error *err = remote_open(&capture->target, &capture->log, &remote);

	return err ? err : put_files(capture, remote, remote_can_rename(remote));
}

static struct error *put_whole(struct capture *capture)
{
	_cleanup_(remote_closep) struct remote *remote = NULL;
	char final[REMOTE_PATH_BYTES];
	struct error *err = remote_open(&capture->target, &capture->log, &remote);

	if (!err)
		err = put_files(capture, remote, true);
	final_directory(capture, final);
	if (!err && remote_can_rename(remote))
		err = remote_rename(remote, capture->server_directory, final);
	return err;
}

struct error *capture_server_seal(struct capture *capture, bool is_whole)
{
	return try_again(capture, is_whole ? put_whole : put_incomplete);
}

struct error *capture_server_add(struct capture *capture, const char *name)
{
	_cleanup_(remote_closep) struct remote *remote = NULL;
	char final[REMOTE_PATH_BYTES];
	struct error *err = remote_open(&capture->target, &capture->log, &remote);

	final_directory(capture, final);
	return err ? err : put(capture, remote, final, name);
}

struct error *capture_server_line(struct capture *capture, char **line_ret)
{
	const char *name = save_name(&capture->plan, &capture->target);
	char path[REMOTE_PATH_BYTES], text[SEAL_HASH_BYTES];
	struct error *err;

	if (snprintf(path, sizeof(path), "%s/%s", capture->server_directory, name) >= (int)sizeof(path))
		return error_new(ERROR_BAD_DATA, "the path is too long");
	memcpy(text, capture->hash, sizeof(text));
	err = *text ? NULL : remote_hash(&capture->target, path, &capture->log, text);
	if (err)
		log_print(&capture->log, "manifest: without %s: %s", name, err->text);
	if ((err ? asprintf(line_ret, "%s", "") : asprintf(line_ret, "%s  %s\n", text, name)) < 0) {
		*line_ret = NULL;
		error_free(err);
		return error_new(ERROR_NOMEM, "no memory for the manifest");
	}
	error_free(err);
	return NULL;
}

void capture_server_unstage(struct capture *capture)
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
