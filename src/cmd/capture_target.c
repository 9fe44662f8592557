// SPDX-License-Identifier: GPL-2.0-or-later
// What happens on a target, top to bottom.
#include "cmd/capture_target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/encrypt.h"
#include "capture/hooks.h"
#include "capture/process.h"
#include "capture/retention.h"
#include "capture/save.h"
#include "capture/seal.h"
#include "cmd/capture_report.h"
#include "cmd/capture_split.h"
#include "cmd/capture_stage.h"
#include "core/vmcore.h"
#include "report/dmesg.h"

enum {
	MIB = 1 << 20,
	// Kept back from the deadline, so that a copy that was too slow still leaves a directory in good order.
	SEAL_MS = 15000,
	// The manifest ends a little before the deadline, for the directory to get its name.
	MANIFEST_MS = 1000,
	// The last lines of the crashed kernel's log that are shown on the console, in bytes.
	TAIL_BYTES = 1200,
	// A kernel that has no random numbers after so long will not have them in time.
	RANDOM_MS = 20000,
};

#define LOG_NAME "vmcore-dmesg.txt"

static void copy_value(const struct vmcoreinfo *info, const char *key, char *buf, size_t room_bytes)
{
	if (!vmcoreinfo_string(info, key, buf, room_bytes))
		snprintf(buf, room_bytes, "unknown");
}

void capture_show_tail(const struct log *log, int fd, size_t most_bytes)
{
	_cleanup_free_ char *tail = malloc(most_bytes + 1);
	off_t size = lseek(fd, 0, SEEK_END);
	off_t start = size > (off_t)most_bytes ? size - (off_t)most_bytes : 0;
	ssize_t got = tail && size > 0 ? pread(fd, tail, most_bytes, start) : 0;
	char *rest = tail, *line;

	if (got <= 0)
		return;
	tail[got] = '\0';
	if (start)
		strsep(&rest, "\n");
	log_console(log, "the crashed kernel's last messages:");
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_console(log, "| %s", line);
}

static struct error *write_log(struct capture *capture, int fd)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	struct error *err = vmcore_open(capture->options->vmcore_path, &core);
	struct dmesg_stats stats;
	char release[128];

	if (err)
		return err;
	copy_value(&core->info, "OSRELEASE", release, sizeof(release));
	log_print(&capture->log, "the crashed kernel is %s", release);
	err = dmesg_write(core, fd, &stats);
	log_print(&capture->log, "kernel log: %" PRIu64 " records saved, %" PRIu64 " unreadable", stats.records,
	          stats.unreadable);
	return err;
}

// Its end is shown on the console only: what is on the disk may be encrypted.
static struct error *dmesg_to_file(struct capture *capture)
{
	bool is_encrypted = encrypt_is_wanted(&capture->plan);
	_cleanup_close_ int fd = -1, memory_fd = is_encrypted ? memfd_create("log", MFD_CLOEXEC) : -1;
	_cleanup_error_ struct error *late = NULL;
	struct error *err = dumpdir_open(&capture->dir, is_encrypted ? LOG_NAME ENCRYPT_SUFFIX : LOG_NAME, O_RDWR, &fd);
	int text_fd = is_encrypted ? memory_fd : fd;

	if (err)
		return err;
	err = text_fd < 0 ? error_os(errno, "no memory for the log") : write_log(capture, text_fd);
	// Also what there is of a log that could not be read to its end.
	if (is_encrypted && text_fd >= 0)
		late = encrypt_file(&capture->plan, text_fd, fd);
	if (!err)
		err = take_ptr(late);
	if (!err && fsync(fd) < 0)
		err = error_os(errno, "fsync");
	capture_show_tail(&capture->log, text_fd, TAIL_BYTES);
	return err;
}

static int dmesg_child(void *context)
{
	struct capture *capture = context;
	struct error *err = dmesg_to_file(capture);
	int status = error_exit_code(err);

	if (err)
		log_print(&capture->log, "kernel log: %s", err->text);
	error_free(err);
	return status;
}

// In a process of its own: memory that makes it crash must not cost the dump.
static void save_dmesg(struct capture *capture)
{
	struct process_result result = {0};
	struct error *err = process_run(dmesg_child, capture,
	                                process_earlier_ms(capture->end_ms, clock_now_ms() + CAPTURE_LOG_MS), &result);

	if (err)
		log_print(&capture->log, "kernel log: %s", err->text);
	else if (result.status > 128)
		log_print(&capture->log, "kernel log: killed by signal %d", result.status - 128);
	error_free(err);
}

// Before the first file that needs them. What cannot be encrypted is not written; the messages of each say so.
static void wait_for_random(struct capture *capture)
{
	uint64_t start_ms = clock_now_ms();
	struct error *err;

	if (!encrypt_is_wanted(&capture->plan))
		return;
	err = encrypt_wait(process_earlier_ms(capture->end_ms, start_ms + RANDOM_MS));
	if (err)
		log_print(&capture->log, "%s", err->text);
	else
		log_print(&capture->log, "encrypting; random numbers were there after %" PRIu64 " ms",
		          clock_now_ms() - start_ms);
	error_free(err);
}

// NULL: the dump is made in a directory.
static const struct target_request *place_of(const struct capture *capture)
{
	return capture_stage_steps(capture) ? &capture->target : NULL;
}

static const char encrypted_hint[] =
	"Files that end in .age are encrypted to the keys in plan (encrypt_to). Who has one of the secret keys, in "
	"KEY-FILE:\n"
	"\n"
	"    kdump-inspect decrypt -i KEY-FILE .\n"
	"\n"
	"makes vmcore, vmcore-dmesg.txt and report.txt of them. Without kdump-suite, with age and makedumpfile:\n"
	"\n"
	"    age -d -i KEY-FILE vmcore-dmesg.txt.age >vmcore-dmesg.txt\n"
	"    age -d -i KEY-FILE vmcore.flat.age | makedumpfile -R vmcore\n"
	"\n";

static struct error *write_readme(struct capture *capture, const char *problem)
{
	_cleanup_free_ char *text = NULL, *parts = NULL;
	_cleanup_text_ struct text split = {0};
	bool is_encrypted = encrypt_is_wanted(&capture->plan);
	char part[SAVE_PART_NAME_BYTES];
	// What is on a partition is put in order when it is taken from there.
	bool is_raw = place_of(capture) && plan_target_is_raw(&capture->target.place);
	const char *name = save_name(&capture->plan, is_raw ? NULL : place_of(capture)),
		   *opened = is_encrypted ? SAVE_NAME : name;
	bool has_map = faccessat(capture->dir.fd, SAVE_MAP_NAME, F_OK, 0) == 0;
	const char *report = is_encrypted ? CAPTURE_REPORT_TEXT ENCRYPT_SUFFIX : CAPTURE_REPORT_TEXT;
	char report_line[128] = "";
	char when[64];
	struct tm utc = {0};
	struct error *err;

	save_part_name(1, part);
	if (faccessat(capture->dir.fd, report, F_OK, 0) == 0)
		snprintf(report_line, sizeof(report_line), "%-20s  what happened, where, and what else went on\n",
		         report);
	if (capture->is_split)
		name = opened = part;
	capture_split_describe(capture, &split);
	err = text_take(&split, &parts);
	if (err)
		return err;
	gmtime_r(&capture->time, &utc);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &utc);
	if (asprintf(&text,
	             "The kernel of %s crashed; this was saved on %s.\n"
	             "%s%s%s\n"
	             "%s"
	             "%-20s  the log of the crashed kernel; its end says what happened\n"
	             "%-20s  %s\n"
	             "%s"
	             "capture.log           how the dump was taken\n"
	             "plan                  what was to be done, and why\n"
	             "manifest.sha256       checksums: sha256sum -c manifest.sha256\n"
	             "\n"
	             "%sTo look into %s: crash VMLINUX %s, with the VMLINUX (debuginfo) of exactly the crashed "
	             "kernel.\n"
	             "%s",
	             capture->plan.hostname, when, problem ? "\nNOT COMPLETE: " : "", problem ? problem : "",
	             problem ? "\n" : "", report_line, is_encrypted ? LOG_NAME ENCRYPT_SUFFIX : LOG_NAME, name,
	             capture->contents ? capture->contents : "missing or only a part",
	             has_map ? SAVE_MAP_NAME "        why each page is in vmcore, or is not\n" : "",
	             is_encrypted ? encrypted_hint : "", opened, opened, parts) < 0) {
		text = NULL;
		return error_new(ERROR_NOMEM, "no memory for README.txt");
	}
	return dumpdir_write(&capture->dir, "README.txt", text);
}

static struct error *reach_target(struct capture *capture)
{
	const char *directory = capture->options->directory;

	if (place_of(capture))
		return capture_stage_make(capture, &capture->target_fd);
	if (!directory)
		return target_mount(&capture->target, &capture->log, &capture->target_fd);
	capture->target_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return capture->target_fd < 0 ? error_os(errno, "%s", directory) : NULL;
}

static struct error *make_directory(struct capture *capture)
{
	const char *path = capture->options->directory || place_of(capture) ? "/" : capture->target.place.directory;
	char name[DUMPDIR_NAME_BYTES];
	struct error *err;
	int fd;

	dumpdir_name(capture->plan.hostname, capture->time, capture->boot_id, name);
	err = dumpdir_create(capture->target_fd, path, name, &capture->dir);
	if (!err)
		err = dumpdir_open(&capture->dir, "capture.log", O_WRONLY | O_APPEND, &fd);
	if (!err)
		err = log_attach(&capture->log, fd);
	if (err)
		return err;
	if (!place_of(capture))
		log_print(&capture->log, "saving to %s%s%s" DUMPDIR_INCOMPLETE, path,
		          path[strlen(path) - 1] == '/' ? "" : "/", name);
	return dumpdir_write(&capture->dir, "plan", capture->plan_text);
}

// Until when the work on this target may go on: a tenth of a short rest is kept, so that there is always time to seal.
static uint64_t work_end_ms(const struct capture *capture)
{
	uint64_t left_ms = process_left_ms(capture->end_ms), kept_ms = left_ms / 10 < SEAL_MS ? left_ms / 10 : SEAL_MS;

	return capture->end_ms ? capture->end_ms - kept_ms : 0;
}

static struct error *save_memory(struct capture *capture)
{
	const struct dumpdir *more_dirs[PLAN_PARTS_MAX];
	struct save_job job = {
		.plan = &capture->plan,
		.vmcore = capture->options->vmcore_path,
		.dir = &capture->dir,
		.place = place_of(capture),
		.place_path = capture->place_path,
		.log = &capture->log,
		.end_ms = work_end_ms(capture),
		.more_dirs = more_dirs,
	};
	struct save_result result;
	struct error *err;

	capture_split_open(capture);
	for (; job.more_dir_count < capture->part_count; job.more_dir_count++)
		more_dirs[job.more_dir_count] = &capture->parts[job.more_dir_count].dir;
	if (!job.place)
		log_print(&capture->log, "%" PRIu64 " MiB free on the target", system_room(capture->target_fd) / MIB);
	err = save_run(&job, &result);
	capture->is_split = result.part_count > 1;
	if (err)
		return error_wrap(err, "the memory was not saved");
	capture->contents = result.contents;
	memcpy(capture->hash, result.hash, sizeof(capture->hash));
	if (!job.place && system_room(capture->target_fd) < capture->plan.free_disk_bytes)
		log_print(&capture->log,
		          "warning: only %" PRIu64 " MiB are left free on the target, less than the %" PRIu64
		          " MiB that the plan asks for; the dump is kept",
		          system_room(capture->target_fd) / MIB, capture->plan.free_disk_bytes / MIB);
	return NULL;
}

// A directory gets its final name only if everything in it is whole. Consumes the error of the steps before.
static struct error *seal(struct capture *capture, struct error *failure)
{
	const struct capture_steps *steps = capture_stage_steps(capture);
	struct error *err = write_readme(capture, failure ? failure->text : NULL);
	_cleanup_free_ char *more = NULL;
	uint64_t size_bytes = 0;

	if (err)
		log_print(&capture->log, "README.txt: %s", err->text);
	error_free(err);
	if (failure) {
		log_print(&capture->log, "FAILED: %s", failure->text);
		system_kernel_log(&capture->log);
	}
	if (steps && steps->drop)
		steps->drop(capture);
	notify_report(capture->notices, &capture->log);
	err = !failure && !capture->is_log_only && steps ? steps->line(capture, &more) : NULL;
	log_print(&capture->log, "%" PRIu64 " MiB memory available; sealing", system_meminfo("MemAvailable") / MIB);
	if (!err)
		err = log_finish(&capture->log);
	if (!err)
		err = seal_manifest(&capture->dir, more, capture->end_ms ? capture->end_ms - MANIFEST_MS : 0,
		                    &size_bytes);
	// The dump itself is on the disk: without a manifest it is as good as any other dump.
	if (err && err->code == ERROR_TIMEOUT)
		log_console(&capture->log, "%s", err->text);
	error_catch(&err, ERROR_TIMEOUT);
	if (!err && steps)
		err = steps->seal(capture, !failure);
	if (!err)
		err = capture_split_seal(capture, !failure);
	if (!err && !failure)
		err = seal_rename(&capture->dir);
	if (!err && !failure && steps)
		log_console(&capture->log, "dump saved in %s on %s", capture->dir.name, capture->target.place.device);
	else if (!err && !failure)
		log_console(&capture->log, "dump saved in %s, %" PRIu64 " KiB", capture->dir.name, size_bytes / 1024);
	if (!failure)
		return err;
	if (err)
		log_console(&capture->log, "%s", err->text);
	error_free(err);
	return failure;
}

// Only behind a dump that is whole. What cannot be removed costs nobody the new dump.
static void remove_old(struct capture *capture)
{
	struct error *err = retention_run(&capture->dir, &capture->plan, capture->time, &capture->log);

	if (err)
		log_console(&capture->log, "old dumps: %s", err->text);
	error_free(err);
	capture_split_remove_old(capture);
}

int capture_run_hooks(struct capture *capture, char *const *commands, const char *stage, int status)
{
	const struct plan *plan = &capture->plan;
	bool is_transfer = commands == plan->hooks_transfer;
	char link[64], directory[PATH_MAX] = "";
	struct hooks_about about = {
		.stage = stage,
		.vmcore = capture->options->vmcore_path,
		.directory = directory,
		.target = capture->dir.fd >= 0 && !capture->options->directory ? capture->target.place.device : "",
		.hostname = plan->hostname,
		.status = status,
	};

	if (capture->dir.fd >= 0) {
		ssize_t size;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", capture->dir.fd);
		size = readlink(link, directory, sizeof(directory) - 1);
		directory[size > 0 ? size : 0] = '\0';
	}
	return hooks_run(commands, &about, is_transfer ? 0 : plan->hooks_timeout_ms, work_end_ms(capture),
	                 &capture->log);
}

// In place of the copy: what it puts into the directory is sealed as a dump is.
static struct error *run_transfer(struct capture *capture)
{
	int status = capture_run_hooks(capture, capture->plan.hooks_transfer, "transfer", EXIT_OK);

	capture->contents = "what KDUMP_TRANSFER made of it, if it did";
	return status ? error_new(ERROR_OS, "KDUMP_TRANSFER failed with status %d", status) : NULL;
}

// Whether this crash is one too many: a machine that crashes again and again fills its disk and is away for longer each time.
static bool is_in_loop(struct capture *capture)
{
	const struct plan *plan = &capture->plan;
	size_t count = 0;
	struct error *err = NULL;

	if (plan->loop_count)
		err = retention_count(&capture->dir, capture->time - plan->loop_s, capture->time, &count);
	if (err)
		log_print(&capture->log, "earlier dumps: %s", err->text);
	error_free(err);
	if (!plan->loop_count || count + 1 < plan->loop_count)
		return false;
	log_print(&capture->log, "this is crash number %zu within %u minutes: only the log is saved", count + 1,
	          plan->loop_s / 60);
	capture->contents = "not saved: too many crashes in a short time (KDUMP_CRASH_LOOP_COUNT)";
	capture->is_log_only = true;
	return true;
}

// What there is to be saved beside the log.
static struct error *save(struct capture *capture)
{
	const struct plan *plan = &capture->plan;

	if (is_in_loop(capture))
		return NULL;
	return plan->hooks_transfer && *plan->hooks_transfer ? run_transfer(capture) : save_memory(capture);
}

// Behind a dump that is whole, so that nothing they do can harm it. What they print is beside it.
static void run_post_hooks(struct capture *capture)
{
	const struct capture_steps *steps = capture_stage_steps(capture);
	struct error *err;
	int fd = -1;

	if (!capture->plan.hooks_post || !*capture->plan.hooks_post)
		return;
	err = dumpdir_open(&capture->dir, "hooks.log", O_WRONLY | O_APPEND, &fd);
	if (!err)
		err = log_attach(&capture->log, fd);
	if (err)
		log_console(&capture->log, "hooks.log: %s", err->text);
	error_free(err);
	capture_run_hooks(capture, capture->plan.hooks_post, "post", EXIT_OK);
	err = steps ? steps->add(capture, "hooks.log") : NULL;
	if (err)
		log_console(&capture->log, "hooks.log: %s", err->text);
	error_free(err);
}

static struct error *save_all(struct capture *capture)
{
	struct error *err;

	capture->outcome->doing = "the programs before the dump were running";
	capture_run_hooks(capture, capture->plan.hooks_pre, "pre", EXIT_OK);
	capture->outcome->doing = "the memory was saved";
	err = save(capture);
	capture->outcome->doing = "the dump was sealed";
	err = seal(capture, err);
	if (err)
		return err;
	capture->outcome->is_sealed = true;
	// A log is no dump, in whose place an old one could go; a server keeps its own house, and on a partition nothing is old.
	if (!capture->is_log_only && !place_of(capture))
		remove_old(capture);
	capture->outcome->doing = "the programs behind the dump were running";
	run_post_hooks(capture);
	capture->outcome->doing = "the target was let go";
	return NULL;
}

struct error *capture_to_target(struct capture *capture)
{
	const struct capture_steps *steps = capture_stage_steps(capture);
	struct error *err, *late = NULL;

	log_print(&capture->log,
	          "kdump-suite " PACKAGE_VERSION ", capture of host %s, %" PRIu64 " MiB memory available",
	          capture->plan.hostname, system_meminfo("MemAvailable") / MIB);
	capture->outcome->doing = "the target was looked for";
	err = reach_target(capture);
	if (err)
		return err;
	capture->outcome->doing = "the log and the report were saved";
	err = make_directory(capture);
	if (!err) {
		wait_for_random(capture);
		save_dmesg(capture);
		capture_report_save(capture);
		err = steps ? steps->begin(capture) : NULL;
	}
	if (!err)
		err = save_all(capture);
	if (steps)
		capture_stage_remove(capture);
	capture_split_close(capture);
	dumpdir_deinit(&capture->dir);
	log_deinit(&capture->log);
	if (capture->options->directory || steps)
		close(capture->target_fd);
	else
		late = target_unmount(&capture->target, capture->target_fd);
	capture->target_fd = -1;
	if (late)
		log_console(&capture->log, "%s", late->text);
	error_free(late);
	return err;
}
