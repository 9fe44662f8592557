// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/capture_split.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/process.h"
#include "capture/retention.h"
#include "capture/save.h"
#include "capture/seal.h"
#include "capture/system.h"

enum {
	MIB = 1 << 20,
	// Of the time that is left: a disk that does not come, or hangs, must not cost the dump.
	WAIT_SHARE = 8,
	// To let a disk go.
	CLOSE_MS = 10000,
};

// What a child works on: whatever a disk does there hangs the child alone.
struct part_job {
	struct capture *capture;
	struct capture_part *part;
	bool is_whole;
};

// The directory's name tells parts from dumps: these are found beside their first part, and go when that goes.
static void directory_name(const struct capture *capture, const struct capture_part *part,
                           char name[DUMPDIR_NAME_BYTES])
{
	char suffix[24];

	snprintf(suffix, sizeof(suffix), DUMPDIR_PART "%zu", part->number);
	snprintf(name, DUMPDIR_NAME_BYTES, "%.*s%s", DUMPDIR_NAME_BYTES - (int)sizeof(suffix), capture->dir.name,
	         suffix);
}

static struct error *make_part(struct capture *capture, struct capture_part *part)
{
	_cleanup_dumpdir_ struct dumpdir dir = DUMPDIR_NONE;
	_cleanup_close_ int fd = -1;
	char name[DUMPDIR_NAME_BYTES];
	struct error *err = target_mount(&part->target, &capture->log, &fd);

	if (err)
		return err;
	directory_name(capture, part, name);
	err = dumpdir_create(fd, part->target.place.directory, name, &dir);
	// Nobody else knows that it is mounted.
	if (err)
		error_free(target_unmount(&part->target, take_fd(&fd)));
	return err;
}

static int make_child(void *context)
{
	struct part_job *job = context;
	struct error *err = make_part(job->capture, job->part);
	int status = error_exit_code(err);

	if (err)
		log_print(&job->capture->log, "the dump has no part on %s: %s", job->part->target.place.device,
		          err->text);
	error_free(err);
	return status;
}

static int close_child(void *context)
{
	const struct part_job *job = context;
	struct capture_part *part = job->part;
	_cleanup_dumpdir_ struct dumpdir dir = DUMPDIR_NONE;
	char name[DUMPDIR_NAME_BYTES], incomplete[DUMPDIR_NAME_BYTES + sizeof(DUMPDIR_INCOMPLETE)];
	struct error *renamed, *err = target_open(&part->target, &part->fd);

	directory_name(job->capture, part, name);
	snprintf(incomplete, sizeof(incomplete), "%s" DUMPDIR_INCOMPLETE, name);
	// It has another name where its part is whole, and is removed only where nothing is in it.
	renamed = err ? NULL : dumpdir_reopen(part->fd, part->target.place.directory, name, &dir);
	if (dir.parent_fd >= 0)
		unlinkat(dir.parent_fd, incomplete, AT_REMOVEDIR);
	error_free(renamed);
	dumpdir_deinit(&dir);
	if (!err)
		err = target_unmount(&part->target, part->fd);
	if (err)
		log_console(&job->capture->log, "%s: %s", part->target.place.device, err->text);
	error_free(err);
	return EXIT_OK;
}

// Runs a child until a time at most. Returns whether it did what it was to do.
static bool run_child(struct capture *capture, struct capture_part *part, bool is_whole, int (*fn)(void *context),
                      uint64_t end_ms, const char *what)
{
	struct part_job job = {.capture = capture, .part = part, .is_whole = is_whole};
	struct process_result result = {.status = EXIT_FAILED};
	struct error *err = process_run(fn, &job, process_earlier_ms(capture->end_ms, end_ms), &result);

	if (err)
		log_print(&capture->log, "%s: %s: %s", part->target.place.device, what, err->text);
	error_free(err);
	return result.status == EXIT_OK;
}

static void close_part(struct capture *capture, struct capture_part *part)
{
	bool is_mounted = part->fd >= 0;

	// What is open here would keep the child from unmounting it.
	dumpdir_deinit(&part->dir);
	closep(&part->fd);
	part->fd = -1;
	if (is_mounted)
		run_child(capture, part, false, close_child, clock_now_ms() + CLOSE_MS, "unmount");
}

static bool open_part(struct capture *capture, struct capture_part *part)
{
	char name[DUMPDIR_NAME_BYTES];
	uint64_t wait_ms = process_left_ms(capture->end_ms) / WAIT_SHARE;
	struct error *err;

	if (part->target.timeout_ms > wait_ms)
		part->target.timeout_ms = wait_ms;
	if (!run_child(capture, part, false, make_child, clock_now_ms() + 2 * part->target.timeout_ms,
	               "the dump has no part there"))
		return false;
	directory_name(capture, part, name);
	err = target_open(&part->target, &part->fd);
	if (!err)
		err = dumpdir_reopen(part->fd, part->target.place.directory, name, &part->dir);
	if (err)
		log_print(&capture->log, "the dump has no part on %s: %s", part->target.place.device, err->text);
	return err ? error_free(err), false : true;
}

// Parts are about as large as each other. Where that may leave less room than the first target has alone, the smallest is left out.
static void drop_small(struct capture *capture)
{
	uint64_t first = system_room(capture->target_fd), most = UINT64_MAX;
	struct stat info;

	// No dump is larger than what it is made of.
	if (stat(capture->options->vmcore_path, &info) == 0 && info.st_size > 0)
		most = (uint64_t)info.st_size;

	while (capture->part_count) {
		size_t least = 0;
		struct capture_part small;

		for (size_t i = 1; i < capture->part_count; i++)
			if (system_room(capture->parts[i].fd) < system_room(capture->parts[least].fd))
				least = i;
		small = capture->parts[least];
		if (system_room(small.fd) >= first / (capture->part_count + 1) ||
		    system_room(small.fd) >= most / (capture->part_count + 1))
			return;
		log_print(&capture->log,
		          "the dump has no part on %s: it has %" PRIu64 " MiB free, and the first target %" PRIu64,
		          small.target.place.device, system_room(small.fd) / MIB, first / MIB);
		close_part(capture, &small);
		capture->part_count--;
		for (size_t i = least; i < capture->part_count; i++)
			capture->parts[i] = capture->parts[i + 1];
	}
}

void capture_split_open(struct capture *capture)
{
	const struct plan *plan = &capture->plan;

	for (size_t i = capture->target.number + 1; !capture->options->directory && i < plan->parts; i++) {
		struct capture_part *part = &capture->parts[capture->part_count];

		*part = (struct capture_part){
			.target = capture->target, .number = i + 1, .fd = -1, .dir = DUMPDIR_NONE};
		part->target.place = plan_target_at(plan, i);
		part->target.number = i;
		if (open_part(capture, part))
			capture->part_count++;
		else
			close_part(capture, part);
	}
	drop_small(capture);
}

void capture_split_describe(const struct capture *capture, struct text *text)
{
	char name[SAVE_PART_NAME_BYTES], directory[DUMPDIR_NAME_BYTES];

	if (!capture->is_split)
		return;
	text_add(text, "\nThe dump is split over %zu file systems:\n\n", capture->part_count + 1);
	for (size_t i = 0; i <= capture->part_count; i++) {
		const struct capture_part *part = i ? &capture->parts[i - 1] : NULL;
		const struct plan_target *place = part ? &part->target.place : &capture->target.place;

		save_part_name(i + 1, name);
		snprintf(directory, sizeof(directory), "%s", capture->dir.name);
		if (part)
			directory_name(capture, part, directory);
		text_add(text, "%-20s  in %s/%s on %s\n", name,
		         strcmp(place->directory, "/") == 0 ? "" : place->directory, directory, place->device);
	}
	text_add(text, "\nIn one directory,\n\n    crash VMLINUX");
	for (size_t i = 0; i <= capture->part_count; i++) {
		save_part_name(i + 1, name);
		text_add(text, " %s", name);
	}
	text_add(text, "\n\nlooks into all of them at once; kdump-copy --reassemble makes one of them.\n");
}

static struct error *write_readme(const struct capture *capture, const struct dumpdir *dir)
{
	_cleanup_free_ char *readme = NULL;
	_cleanup_text_ struct text text = {0};
	struct error *err;

	text_add(&text,
	         "A part of the dump of a kernel of %s that crashed. Its log, and what was done, is beside the first "
	         "part.\n",
	         capture->plan.hostname);
	capture_split_describe(capture, &text);
	err = text_take(&text, &readme);
	return err ? err : dumpdir_write(dir, "README.txt", readme);
}

// The part itself is on the disk: what is missing beside it is told and no more.
static int seal_child(void *context)
{
	const struct part_job *job = context;
	struct capture *capture = job->capture;
	const char *device = job->part->target.place.device;
	uint64_t size_bytes = 0, half_ms = process_left_ms(capture->end_ms) / 2;
	struct error *err = write_readme(capture, &job->part->dir);

	if (err)
		log_console(&capture->log, "%s: README.txt: %s", device, err->text);
	error_free(err);
	err = seal_manifest(&job->part->dir, NULL, capture->end_ms ? clock_now_ms() + half_ms : 0, &size_bytes);
	if (err)
		log_console(&capture->log, "%s: %s", device, err->text);
	error_free(err);
	err = job->is_whole ? seal_rename(&job->part->dir) : NULL;
	if (err)
		log_console(&capture->log, "%s: %s", device, err->text);
	return err ? error_free(err), EXIT_FAILED : EXIT_OK;
}

struct error *capture_split_seal(struct capture *capture, bool is_whole)
{
	for (size_t i = 0; capture->is_split && i < capture->part_count; i++) {
		struct capture_part *part = &capture->parts[i];

		if (!run_child(capture, part, is_whole, seal_child, UINT64_MAX, "seal"))
			return error_new(ERROR_OS, "the part on %s has not got its name", part->target.place.device);
	}
	return NULL;
}

static int remove_child(void *context)
{
	const struct part_job *job = context;
	struct capture *capture = job->capture;
	int parent_fds[PLAN_PARTS_MAX] = {capture->dir.parent_fd};
	struct error *err;

	for (size_t i = 0; i < capture->part_count; i++)
		parent_fds[i + 1] = capture->parts[i].dir.parent_fd;
	err = retention_remove_parts(&job->part->dir, capture->dir.name, parent_fds, capture->part_count + 1,
	                             &capture->log);
	if (err)
		log_console(&capture->log, "old parts: %s", err->text);
	error_free(err);
	return EXIT_OK;
}

void capture_split_remove_old(struct capture *capture)
{
	// Behind a target that is not there the dump of a part may be.
	for (size_t i = 0; i < capture->part_count && capture->part_count + 1 == capture->plan.parts; i++)
		run_child(capture, &capture->parts[i], true, remove_child, UINT64_MAX, "old parts");
}

void capture_split_close(struct capture *capture)
{
	while (capture->part_count)
		close_part(capture, &capture->parts[--capture->part_count]);
}
