// SPDX-License-Identifier: GPL-2.0-or-later
// What happens after a panic, top to bottom. As the first process of the capture system, main() only watches: the work runs in
// a child process, so that a disk that never answers cannot keep the machine down longer than the plan allows.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/io.h"
#include "boot/plan.h"
#include "capture/dumpdir.h"
#include "capture/hooks.h"
#include "capture/loader.h"
#include "capture/log.h"
#include "capture/notify.h"
#include "capture/power.h"
#include "capture/process.h"
#include "capture/retention.h"
#include "capture/save.h"
#include "capture/seal.h"
#include "capture/system.h"
#include "capture/target.h"
#include "core/vmcore.h"
#include "report/dmesg.h"

enum {
	PLAN_MAX_BYTES = 256 * 1024,
	MIB = 1 << 20,
	// What the kernel log may take: it is read in a fraction of a second, and nothing in it is worth losing the dump for.
	DMESG_MS = 60000,
	// Kept back from the deadline, so that a copy that was too slow still leaves a directory in good order.
	SEAL_MS = 15000,
	// Hooks for when nothing was saved, all together.
	EMERGENCY_MS = 120000,
	// A part that knows its deadline ends a little before it, and says what it waited for.
	EARLY_MS = 1000,
	// Drivers look for their devices in this time; a disk whose driver hangs is not the only one.
	LOAD_MS = 60000,
	// The end of the crashed kernel's log on the console, in bytes: beside a dump, and where it is all that is left.
	TAIL_BYTES = 1200,
	LAST_BYTES = 16384,
};

struct options {
	const char *plan_path;
	const char *vmcore_path;
	const char *directory; // NULL: mount the plan's target.
	bool is_init; // We are the first process of a capture system.
	bool is_power; // Do the last action.
};

struct capture {
	const struct options *options;
	struct plan plan;
	char *plan_text;
	struct log log;
	uint64_t end_ms; // Deadline of what is tried now; 0: none.
	struct target_request target; // What is tried now.
	int status; // Exit code, when all has failed.
	char *reason; // Why it failed, ERROR_TEXT_BYTES; both processes see it.
	struct dumpdir dir;
	int target_fd;
	char boot_id[SYSTEM_BOOT_ID_BYTES];
	time_t time;
	const struct notify_state *notices; // NULL: nobody is told.
	const char *contents; // What vmcore is, for README.txt; NULL: there is none that is whole.
};

static const char usage_text[] =
	"Usage: kdump-capture [OPTION]...\n"
	"Save the memory of a crashed kernel as the plan says.\n"
	"\n"
	"As the first process of a capture system (/init) it takes no options: it mounts, saves, and reboots,\n"
	"halts or powers off. Otherwise:\n"
	"\n"
	"  -p, --plan=FILE       the plan [" PLAN_PATH "]\n"
	"  -c, --vmcore=FILE     the memory of the crashed kernel [/proc/vmcore]\n"
	"  -d, --directory=DIR   make the dump directory in DIR; load no modules, mount nothing\n"
	"      --power           reboot, halt or power off at the end, as the plan says\n"
	"      --no-power        only end (the default)\n"
	"  -h, --help            show this text\n"
	"  -V, --version         show the version\n";

static struct error *read_plan(struct capture *capture)
{
	const char *path = capture->options->plan_path;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct error *err;

	if (fd < 0)
		return error_os(errno, "plan %s", path);
	err = io_read_all(fd, PLAN_MAX_BYTES, &capture->plan_text, NULL);
	if (!err)
		err = plan_parse(capture->plan_text, path, &capture->plan);
	return error_wrap(err, "plan");
}

static void copy_value(const struct vmcoreinfo *info, const char *key, char *buf, size_t room_bytes)
{
	if (!vmcoreinfo_string(info, key, buf, room_bytes))
		snprintf(buf, room_bytes, "unknown");
}

// The end of the crashed kernel's log is what a person at the console wants to see first.
static void show_tail(struct log *log, int fd, size_t most_bytes)
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

static struct error *dmesg_to_file(struct capture *capture)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	_cleanup_close_ int fd = -1;
	struct dmesg_stats stats;
	char release[128];
	struct error *err = dumpdir_open(&capture->dir, "vmcore-dmesg.txt", O_RDWR, &fd);

	if (!err)
		err = vmcore_open(capture->options->vmcore_path, &core);
	if (err)
		return err;
	copy_value(&core->info, "OSRELEASE", release, sizeof(release));
	log_print(&capture->log, "the crashed kernel is %s", release);
	err = dmesg_write(core, fd, &stats);
	if (!err && fsync(fd) < 0)
		err = error_os(errno, "fsync");
	log_print(&capture->log, "kernel log: %" PRIu64 " records saved, %" PRIu64 " unreadable", stats.records,
	          stats.unreadable);
	show_tail(&capture->log, fd, TAIL_BYTES);
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

static uint64_t earlier(uint64_t end_ms, uint64_t limit_ms)
{
	return end_ms && end_ms < limit_ms ? end_ms : limit_ms;
}

// In a process of its own: memory that makes it crash must not cost the dump.
static void save_dmesg(struct capture *capture)
{
	struct process_result result = {0};
	struct error *err =
		process_run(dmesg_child, capture, earlier(capture->end_ms, clock_now_ms() + DMESG_MS), &result);

	if (err)
		log_print(&capture->log, "kernel log: %s", err->text);
	else if (result.status > 128)
		log_print(&capture->log, "kernel log: killed by signal %d", result.status - 128);
	error_free(err);
}

static struct error *write_readme(struct capture *capture, const char *problem)
{
	_cleanup_free_ char *text = NULL;
	bool has_map = faccessat(capture->dir.fd, SAVE_MAP_NAME, F_OK, 0) == 0;
	char when[64];
	struct tm utc = {0};

	gmtime_r(&capture->time, &utc);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &utc);
	if (asprintf(&text,
	             "The kernel of %s crashed; this was saved on %s.\n"
	             "%s%s%s\n"
	             "vmcore-dmesg.txt  the log of the crashed kernel; its end says what happened\n"
	             "vmcore            %s\n"
	             "%s"
	             "capture.log       how the dump was taken\n"
	             "plan              what was to be done, and why\n"
	             "manifest.sha256   checksums: sha256sum -c manifest.sha256\n"
	             "\n"
	             "To look into vmcore: crash VMLINUX vmcore, with the VMLINUX (debuginfo) of exactly the crashed "
	             "kernel.\n",
	             capture->plan.hostname, when, problem ? "\nNOT COMPLETE: " : "", problem ? problem : "",
	             problem ? "\n" : "", capture->contents ? capture->contents : "missing or only a part",
	             has_map ? SAVE_MAP_NAME "    why each page is in vmcore, or is not\n" : "") < 0) {
		text = NULL;
		return error_new(ERROR_NOMEM, "no memory for README.txt");
	}
	return dumpdir_write(&capture->dir, "README.txt", text);
}

static struct error *reach_target(struct capture *capture)
{
	const char *directory = capture->options->directory;

	if (!directory)
		return target_mount(&capture->target, &capture->log, &capture->target_fd);
	capture->target_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return capture->target_fd < 0 ? error_os(errno, "%s", directory) : NULL;
}

static struct error *make_directory(struct capture *capture)
{
	const char *path = capture->options->directory ? "/" : capture->target.place.directory;
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
	log_print(&capture->log, "saving to %s%s%s" DUMPDIR_INCOMPLETE, path, path[strlen(path) - 1] == '/' ? "" : "/",
	          name);
	return dumpdir_write(&capture->dir, "plan", capture->plan_text);
}

static uint64_t free_bytes(int fd)
{
	struct statvfs info;

	return fstatvfs(fd, &info) == 0 ? (uint64_t)info.f_bavail * info.f_frsize : 0;
}

// Until when the work on this target may go on: a tenth of a short rest is kept, so that there is always time to seal.
static uint64_t work_end_ms(const struct capture *capture)
{
	uint64_t left_ms = process_left_ms(capture->end_ms), kept_ms = left_ms / 10 < SEAL_MS ? left_ms / 10 : SEAL_MS;

	return capture->end_ms ? capture->end_ms - kept_ms : 0;
}

static struct error *save_memory(struct capture *capture)
{
	struct save_job job = {
		.plan = &capture->plan,
		.vmcore = capture->options->vmcore_path,
		.dir = &capture->dir,
		.log = &capture->log,
		.end_ms = work_end_ms(capture),
	};
	struct error *err;

	log_print(&capture->log, "%" PRIu64 " MiB free on the target", free_bytes(capture->target_fd) / MIB);
	err = save_run(&job, &capture->contents);
	if (err)
		return error_wrap(err, "the memory was not saved");
	if (free_bytes(capture->target_fd) < capture->plan.free_disk_bytes)
		log_print(&capture->log,
		          "warning: only %" PRIu64 " MiB are left free on the target, less than the %" PRIu64
		          " MiB that the plan asks for; the dump is kept",
		          free_bytes(capture->target_fd) / MIB, capture->plan.free_disk_bytes / MIB);
	return NULL;
}

// A directory gets its final name only if everything in it is whole. Consumes the error of the steps before.
static struct error *seal(struct capture *capture, struct error *failure)
{
	struct error *err = write_readme(capture, failure ? failure->text : NULL);
	uint64_t size_bytes = 0;

	if (err)
		log_print(&capture->log, "README.txt: %s", err->text);
	error_free(err);
	if (failure) {
		log_print(&capture->log, "FAILED: %s", failure->text);
		system_kernel_log(&capture->log);
	}
	notify_report(capture->notices, &capture->log);
	log_print(&capture->log, "%" PRIu64 " MiB memory available; sealing", system_meminfo("MemAvailable") / MIB);
	err = log_finish(&capture->log);
	if (!err)
		err = seal_manifest(&capture->dir, capture->end_ms ? capture->end_ms - EARLY_MS : 0, &size_bytes);
	// The dump itself is on the disk: without a manifest it is as good as any other dump.
	if (err && err->code == ERROR_TIMEOUT)
		log_console(&capture->log, "%s", err->text);
	error_catch(&err, ERROR_TIMEOUT);
	if (!err && !failure)
		err = seal_rename(&capture->dir);
	if (!err && !failure)
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
	struct error *err = retention_run(&capture->dir, capture->plan.keep_old_dumps, &capture->log);

	if (err)
		log_console(&capture->log, "old dumps: %s", err->text);
	error_free(err);
}

// What programs of the administrator's are told. The path is that of the directory now: it gets another name when it is sealed.
static int run_hooks(struct capture *capture, char *const *commands, const char *stage, int status)
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
	int status = run_hooks(capture, capture->plan.hooks_transfer, "transfer", EXIT_OK);

	capture->contents = "what KDUMP_TRANSFER made of it, if it did";
	return status ? error_new(ERROR_OS, "KDUMP_TRANSFER failed with status %d", status) : NULL;
}

// Behind a dump that is whole, so that nothing they do can harm it. What they print is beside it.
static void run_post_hooks(struct capture *capture)
{
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
	run_hooks(capture, capture->plan.hooks_post, "post", EXIT_OK);
}

// All of the work. What it opened is closed before the target is unmounted.
static struct error *capture_run(struct capture *capture)
{
	struct error *err, *late = NULL;

	log_print(&capture->log,
	          "kdump-suite " PACKAGE_VERSION ", capture of host %s, %" PRIu64 " MiB memory available",
	          capture->plan.hostname, system_meminfo("MemAvailable") / MIB);
	err = reach_target(capture);
	if (err)
		return err;
	err = make_directory(capture);
	if (!err) {
		save_dmesg(capture);
		run_hooks(capture, capture->plan.hooks_pre, "pre", EXIT_OK);
		err = capture->plan.hooks_transfer && *capture->plan.hooks_transfer ? run_transfer(capture)
		                                                                    : save_memory(capture);
		err = seal(capture, err);
		if (!err) {
			remove_old(capture);
			run_post_hooks(capture);
		}
	}
	dumpdir_deinit(&capture->dir);
	log_deinit(&capture->log);
	if (capture->options->directory)
		close(capture->target_fd);
	else
		late = target_unmount(&capture->target, capture->target_fd);
	capture->target_fd = -1;
	if (late)
		log_console(&capture->log, "%s", late->text);
	error_free(late);
	return err;
}

static int work_child(void *context)
{
	struct capture *capture = context;
	struct error *err = capture_run(capture);
	int status = error_exit_code(err);

	if (err) {
		log_print(&capture->log, "FAILED: %s", err->text);
		snprintf(capture->reason, ERROR_TEXT_BYTES, "%s", err->text);
	}
	error_free(err);
	return status;
}

static int load_child(void *context)
{
	struct capture *capture = context;
	const struct plan *plan = &capture->plan;

	loader_run("", plan->kernel_version, plan->modules, capture->options->is_init, plan->network_modules,
	           &capture->log);
	return EXIT_OK;
}

// In a process of its own: a driver that hangs must not cost the targets that need another one.
static void load_modules(struct capture *capture)
{
	struct process_result result = {0};
	struct error *err =
		process_run(load_child, capture, earlier(capture->end_ms, clock_now_ms() + LOAD_MS), &result);

	if (err)
		log_print(&capture->log, "kernel modules: %s", err->text);
	error_free(err);
}

// Saves to one target. Returns an exit code.
static int try_target(struct capture *capture, uint64_t end_ms)
{
	struct process_result result = {.status = EXIT_FAILED};
	uint64_t start_ms = clock_now_ms();
	struct error *err;

	capture->end_ms = end_ms;
	capture->target.end_ms = end_ms > EARLY_MS ? end_ms - EARLY_MS : end_ms;
	capture->reason[0] = '\0';
	err = process_run(work_child, capture, end_ms, &result);
	if (err)
		snprintf(capture->reason, ERROR_TEXT_BYTES, "after %" PRIu64 " s: %.900s",
		         (clock_now_ms() - start_ms) / 1000, err->text);
	else if (result.status > 128)
		snprintf(capture->reason, ERROR_TEXT_BYTES, "killed by signal %d", result.status - 128);
	error_free(err);
	return result.status;
}

// Targets in turn, until one has the dump. Each but the last takes half of the time that is left. Returns an exit code.
static int try_targets(struct capture *capture, uint64_t end_ms)
{
	const struct plan *plan = &capture->plan;
	size_t count = capture->options->directory ? 1 : plan_target_count(plan);
	int status = EXIT_FAILED;

	for (size_t i = 0; status != EXIT_OK && i < count; i++) {
		uint64_t left_ms = process_left_ms(end_ms);

		capture->target = (struct target_request){
			.place = plan_target_at(plan, i), .number = i, .timeout_ms = plan->target_timeout_ms};
		status = try_target(capture, end_ms && i + 1 < count ? end_ms - left_ms / 2 : end_ms);
		if (status != EXIT_OK)
			log_print(&capture->log, "FAILED: %s: %s%s",
			          capture->options->directory ? capture->options->directory
			                                      : capture->target.place.device,
			          capture->reason, i + 1 < count ? "; trying the next target" : "");
	}
	capture->end_ms = end_ms;
	return status;
}

static struct error *show_log(struct capture *capture)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
	struct dmesg_stats stats;
	struct error *err =
		fd < 0 ? error_os(errno, "no memory for the log") : vmcore_open(capture->options->vmcore_path, &core);

	if (!err)
		err = dmesg_write(core, fd, &stats);
	if (!err)
		show_tail(&capture->log, fd, LAST_BYTES);
	return err;
}

static int log_child(void *context)
{
	struct capture *capture = context;
	struct error *err = show_log(capture);

	if (err)
		log_console(&capture->log, "kernel log: %s", err->text);
	error_free(err);
	return EXIT_OK;
}

static int emergency_child(void *context)
{
	struct capture *capture = context;

	run_hooks(capture, capture->plan.hooks_post, "post", capture->status);
	run_hooks(capture, capture->plan.hooks_emergency, "emergency", capture->status);
	return EXIT_OK;
}

// Nothing could be saved: what a console keeps is better than nothing, and programs may know more.
static void last_resorts(struct capture *capture, int status)
{
	uint64_t now_ms = clock_now_ms();
	struct process_result result;

	capture->status = status;
	// The deadline may be over, but not for these.
	capture->end_ms = now_ms + DMESG_MS + EMERGENCY_MS;
	if (capture->options->is_init)
		error_free(process_run(log_child, capture, now_ms + DMESG_MS, &result));
	error_free(process_run(emergency_child, capture, capture->end_ms, &result));
}

// Sent until the machine restarts, whatever becomes of the work.
static void start_notices(struct capture *capture)
{
	const struct options *options = capture->options;
	struct error *err = NULL;

	if (!options->directory)
		err = notify_start(&capture->plan, options->is_init, &capture->log, &capture->notices);
	if (err)
		log_print(&capture->log, "failover notices: %s", err->text);
	error_free(err);
}

// Watches over the work. Returns an exit code.
static int supervise(struct capture *capture)
{
	uint64_t deadline_ms = capture->plan.deadline_ms, end_ms = deadline_ms ? clock_now_ms() + deadline_ms : 0;
	void *reason = NULL;
	struct error *err = process_share(ERROR_TEXT_BYTES, &reason);
	int status;

	if (err) {
		log_print(&capture->log, "FAILED: %s", err->text);
		error_free(err);
		return EXIT_FAILED;
	}
	capture->reason = reason;
	capture->end_ms = end_ms;
	start_notices(capture);
	if (!capture->options->directory)
		load_modules(capture);
	status = try_targets(capture, end_ms);
	if (status != EXIT_OK)
		last_resorts(capture, status);
	return status;
}

static int run(struct capture *capture)
{
	struct error *err = read_plan(capture);
	int status;

	if (err) {
		log_print(&capture->log, "FAILED: %s", err->text);
		status = error_exit_code(err);
		error_free(err);
		// Nobody said what to do instead: come back.
		capture->plan.failure_action = PLAN_REBOOT;
		return status;
	}
	return supervise(capture);
}

static void finish(struct capture *capture, int status)
{
	enum plan_action action = status == EXIT_OK ? capture->plan.final_action : capture->plan.failure_action;
	struct host host;
	struct error *err = host_init(&host, "/");

	notify_report(capture->notices, &capture->log);
	log_console(&capture->log, "%s; action: %s", status == EXIT_OK ? "done" : "the capture FAILED",
	            power_name(action));
	if (err) {
		log_console(&capture->log, "%s", err->text);
		error_free(err);
		return;
	}
	power_run(&host, action, &capture->log);
	host_deinit(&host);
}

// Returns whether the program goes on; else the exit code is in *status_ret.
static bool parse_options(int argc, char **argv, struct options *options, int *status_ret)
{
	enum { OPTION_POWER = 256, OPTION_NO_POWER };
	static const struct option longs[] = {
		{"plan", required_argument, NULL, 'p'},
		{"vmcore", required_argument, NULL, 'c'},
		{"directory", required_argument, NULL, 'd'},
		{"power", no_argument, NULL, OPTION_POWER},
		{"no-power", no_argument, NULL, OPTION_NO_POWER},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*status_ret = EXIT_OK;
	while ((option = getopt_long(argc, argv, "p:c:d:hV", longs, NULL)) >= 0) {
		switch (option) {
		case 'p':
			options->plan_path = optarg;
			break;
		case 'c':
			options->vmcore_path = optarg;
			break;
		case 'd':
			options->directory = optarg;
			break;
		case OPTION_POWER:
		case OPTION_NO_POWER:
			options->is_power = option == OPTION_POWER;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return false;
		case 'V':
			puts("kdump-capture (kdump-suite) " PACKAGE_VERSION);
			return false;
		default:
			*status_ret = EXIT_USAGE;
			return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "kdump-capture: no arguments are expected: %s\n", argv[optind]);
		*status_ret = EXIT_USAGE;
	}
	return optind >= argc;
}

int main(int argc, char **argv)
{
	struct options options = {.plan_path = PLAN_PATH, .vmcore_path = "/proc/vmcore", .is_init = getpid() == 1};
	struct capture capture = {.options = &options, .dir = DUMPDIR_NONE, .target_fd = -1};
	int status;

	log_init(&capture.log, STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN);
	// The kernel hands words of its command line that it does not know to /init: they are not for us.
	if (options.is_init) {
		options.is_power = true;
		system_start(&capture.log);
	} else if (!parse_options(argc, argv, &options, &status)) {
		return status;
	} else if (access(options.vmcore_path, R_OK) < 0) {
		fprintf(stderr, "kdump-capture: %s: %s; is this a capture system?\n", options.vmcore_path,
		        strerror(errno));
		return EXIT_FAILED;
	}
	system_boot_id(capture.boot_id);
	capture.time = time(NULL);
	status = run(&capture);
	if (options.is_power)
		finish(&capture, status);
	// The first process may not end: the kernel would panic. If the machine is still here, nothing else can be done.
	while (options.is_init)
		pause();
	plan_deinit(&capture.plan);
	free(capture.plan_text);
	log_deinit(&capture.log);
	return status;
}
