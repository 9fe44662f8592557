// SPDX-License-Identifier: GPL-2.0-or-later
// A server: each step has a connection of its own.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "capture/events.h"
#include "capture/process.h"
#include "capture/remote.h"
#include "capture/save.h"
#include "capture/seal.h"
#include "cmd/capture_stage.h"

enum { RETRY_MS = 1000 };

struct opened {
	struct remote *remote;
	const char *directory;
	bool is_upload;
};

static void opened_deinit(struct opened *opened)
{
	remote_close(opened->remote);
}

static struct error *open_server(struct capture *capture, struct opened *ret)
{
	*ret = (struct opened){.directory = capture->place_path, .is_upload = remote_is_upload(&capture->target.place)};
	return remote_open(&capture->target, &capture->log, &ret->remote);
}

static struct error *put(void *context, int fd, const char *name)
{
	struct opened *opened = context;
	char path[REMOTE_PATH_BYTES];
	struct error *err;

	if (snprintf(path, sizeof(path), "%s/%s", opened->directory, name) >= (int)sizeof(path))
		return error_new(ERROR_BAD_DATA, "%s: the path is too long", name);
	err = opened->is_upload ? NULL : remote_remove(opened->remote, path);
	return err ? err : remote_put(opened->remote, fd, path);
}

// The directory's last name. Where names cannot be changed it has it from the begin, and the manifest says that all is there.
static void final_directory(const struct capture *capture, char ret[REMOTE_PATH_BYTES])
{
	size_t size = strlen(capture->place_path), end = strlen(DUMPDIR_INCOMPLETE);

	if (size > end && strcmp(capture->place_path + size - end, DUMPDIR_INCOMPLETE) == 0)
		size -= end;
	snprintf(ret, REMOTE_PATH_BYTES, "%.*s", (int)size, capture->place_path);
}

static struct error *begin_once(struct capture *capture)
{
	_cleanup_(opened_deinit) struct opened opened = {0};
	const char *directory = capture->target.place.directory;
	struct error *err = open_server(capture, &opened);

	if (err)
		return err;
	snprintf(capture->place_path, sizeof(capture->place_path), "%s%s%s%s", directory,
	         directory[strlen(directory) - 1] == '/' ? "" : "/", capture->dir.name,
	         remote_can_rename(opened.remote) ? DUMPDIR_INCOMPLETE : "");
	err = remote_mkdirs(opened.remote, capture->place_path);
	return err ? err : capture_stage_early(capture, put, &opened);
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
	_cleanup_close_ int events = events_of_routes();

	for (;;) {
		struct error *err = step(capture);
		uint64_t left_ms = process_left_ms(limit_ms);

		if (!err || !left_ms || !is_worth_another(err))
			return err;
		log_print(&capture->log, "%s; trying again, %ju s left", err->text, (uintmax_t)left_ms / 1000);
		error_free(err);
		events_wait(events, left_ms < RETRY_MS ? left_ms : RETRY_MS);
	}
}

static struct error *begin(struct capture *capture)
{
	struct error *err =
		remote_is_upload(&capture->target.place) ? try_again(capture, begin_once) : begin_once(capture);

	if (!err)
		log_print(&capture->log, "saving to %s%s", capture->target.place.device, capture->place_path);
	return err;
}

// Where names cannot be changed the manifest is the mark of a dump that is whole.
static struct error *put_incomplete(struct capture *capture)
{
	_cleanup_(opened_deinit) struct opened opened = {0};
	struct error *err = open_server(capture, &opened);

	return err ? err : capture_stage_all(capture, remote_can_rename(opened.remote), put, &opened);
}

static struct error *put_whole(struct capture *capture)
{
	_cleanup_(opened_deinit) struct opened opened = {0};
	char final[REMOTE_PATH_BYTES];
	struct error *err = open_server(capture, &opened);

	if (!err)
		err = capture_stage_all(capture, true, put, &opened);
	final_directory(capture, final);
	if (!err && remote_can_rename(opened.remote))
		err = remote_rename(opened.remote, capture->place_path, final);
	return err;
}

static struct error *seal(struct capture *capture, bool is_whole)
{
	return try_again(capture, is_whole ? put_whole : put_incomplete);
}

static struct error *add(struct capture *capture, const char *name)
{
	_cleanup_(opened_deinit) struct opened opened = {0};
	char final[REMOTE_PATH_BYTES];
	struct error *err = open_server(capture, &opened);

	final_directory(capture, final);
	opened.directory = final;
	return err ? err : capture_stage_one(capture, name, put, &opened);
}

static struct error *line(struct capture *capture, char **line_ret)
{
	const char *name = save_name(&capture->plan, &capture->target);
	char path[REMOTE_PATH_BYTES], text[SEAL_HASH_BYTES];
	struct error *err;

	if (snprintf(path, sizeof(path), "%s/%s", capture->place_path, name) >= (int)sizeof(path))
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

const struct capture_steps capture_server_steps = {
	.is_meant = plan_target_is_server,
	.begin = begin,
	.seal = seal,
	.add = add,
	.line = line,
};
