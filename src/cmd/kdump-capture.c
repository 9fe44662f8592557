// SPDX-License-Identifier: GPL-2.0-or-later
// What happens after a panic, top to bottom. As the first process of the capture system, main() only watches: the work runs in
// a child process, so that a disk that never answers cannot keep the machine down longer than the plan allows.
#include "cmd/capture_target.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/io.h"
#include "boot/text.h"
#include "capture/efivars.h"
#include "capture/encrypt.h"
#include "capture/iscsi.h"
#include "capture/loader.h"
#include "capture/power.h"
#include "capture/process.h"
#include "capture/ramoops.h"
#include "capture/watchdog.h"
#include "core/vmcore.h"
#include "report/dmesg.h"

enum {
	PLAN_MAX_BYTES = 256 * 1024,
	CMDLINE_MAX_BYTES = 64 * 1024,
	// Hooks for when nothing was saved, all together.
	EMERGENCY_MS = 120000,
	// A part that knows its deadline ends a little before it, and says what it waited for.
	EARLY_MS = 3000,
	// Drivers look for their devices in this time; a disk whose driver hangs is not the only one.
	LOAD_MS = 60000,
	// The end of the crashed kernel's log on the console, in bytes, where it is all that is left.
	LAST_BYTES = 16384,
};

// What tells systemd that it runs in an initramfs.
#define INITRD_MARK "/etc/initrd-release"

static const char usage_text[] =
	"Usage: kdump-capture [OPTION]...\n"
	"Save the memory of a crashed kernel as the plan says.\n"
	"\n"
	"As the first process of a capture system (/init) it takes no options: it mounts, saves, and reboots,\n"
	"halts or powers off. Otherwise:\n"
	"\n"
	"      --unit            the same as a unit of a capture system, beside systemd and udev\n"
	"      --failed          only do what the plan says for a failure: the unit has ended before its time\n"
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

static int work_child(void *context)
{
	struct capture *capture = context;
	struct error *err = capture_to_target(capture);
	int status = error_exit_code(err);

	if (err) {
		log_print(&capture->log, "FAILED: %s", err->text);
		snprintf(capture->outcome->reason, ERROR_TEXT_BYTES, "%s", err->text);
	}
	error_free(err);
	return status;
}

static void load_modules(struct capture *capture)
{
	const struct plan *plan = &capture->plan;
	char *const *const kept[] = {plan->network_modules, plan->watchdog_modules, NULL};
	_cleanup_error_ struct error *err =
		loader_run_apart(&(struct loader_request){.root = "",
	                                                  .kernel_version = plan->kernel_version,
	                                                  .modules = plan->modules,
	                                                  .is_dropping = capture->options->is_init,
	                                                  .kept = kept,
	                                                  .slow_ms = LOAD_MS},
	                         capture->end_ms, &capture->log);

	if (err)
		log_print(&capture->log, "kernel modules: %s", err->text);
}

// Where the reservation went, but for what the kernel's image and its tables take. MiB, each rounded up.
static void tell_memory(struct capture *capture)
{
	static const struct {
		const char *key, *what;
	} rows[] = {
		{"MemTotal", "behind the kernel's image"},
		{"MemAvailable", "available"},
		{"Shmem", "files of the initramfs"},
		{"Slab", "slab"},
		{"VmallocUsed", "vmalloc"},
		{"Percpu", "per CPU"},
		{"KernelStack", "stacks"},
	};
	_cleanup_free_ char *buf = NULL;
	_cleanup_text_ struct text text = {0};
	struct error *err;

	for (size_t i = 0; i < array_size(rows); i++)
		text_add(&text, "%s%" PRIu64 " %s", i ? ", " : "", (system_meminfo(rows[i].key) + (1 << 20) - 1) >> 20,
		         rows[i].what);
	err = text_take(&text, &buf);
	log_print(&capture->log, "memory in MiB: %s", err ? err->text : buf);
	error_free(err);
}

// The work on a target. One whose disk is on a server is given up when that is lost.
static struct error *run_work(struct capture *capture, uint64_t end_ms, struct process_result *result)
{
	_cleanup_host_ struct host host = {.root_fd = -1};
	struct iscsi_watch sessions = {.host = &host, .plan = &capture->plan, .number = capture->target.number};
	struct process_watch watch = {.find_loss = iscsi_find_loss, .context = &sessions};
	struct error *err;

	if (capture->options->directory || !iscsi_is_needed(&capture->plan, sessions.number))
		return process_run(work_child, capture, end_ms, result);
	err = host_init(&host, "/");
	return err ? err : process_run_watched(work_child, capture, end_ms, &watch, result);
}

// Saves to one target. Returns an exit code.
static int try_target(struct capture *capture, uint64_t end_ms)
{
	struct process_result result = {.status = EXIT_FAILED};
	struct capture_outcome *outcome = capture->outcome;
	uint64_t start_ms = clock_now_ms();
	struct error *err;

	capture->end_ms = end_ms;
	capture->target.end_ms = end_ms > EARLY_MS ? end_ms - EARLY_MS : end_ms;
	outcome->is_sealed = false;
	outcome->reason[0] = '\0';
	outcome->doing = "it began";
	err = run_work(capture, end_ms, &result);
	if (err)
		snprintf(outcome->reason, ERROR_TEXT_BYTES, "after %" PRIu64 " s, while %s: %.900s",
		         (clock_now_ms() - start_ms) / 1000, outcome->doing, err->text);
	else if (result.status > 128)
		snprintf(outcome->reason, ERROR_TEXT_BYTES, "killed by signal %d while %s", result.status - 128,
		         outcome->doing);
	error_free(err);
	if (result.status == EXIT_OK || !outcome->is_sealed)
		return result.status;
	log_print(&capture->log, "behind the dump, which is whole: %s", outcome->reason);
	return EXIT_OK;
}

static bool has_word(char *const *words, const char *wanted)
{
	for (; words && *words; words++)
		if (strcmp(*words, wanted) == 0)
			return true;
	return false;
}

// The time that a target gets before the next one is tried. One that fails leaves half of it; those that share the dump are tried
// together, and alone only if that failed.
static uint64_t share_ms(const struct plan *plan, size_t number, uint64_t left_ms)
{
	return number + 1 < plan->parts ? left_ms - left_ms / 4 : left_ms / 2;
}

// Targets in turn, until one has the dump. Returns an exit code.
static int try_targets(struct capture *capture, uint64_t end_ms)
{
	const struct plan *plan = &capture->plan;
	size_t count = capture->options->directory ? 1 : plan_target_count(plan);
	int status = EXIT_FAILED;

	for (size_t i = 0; status != EXIT_OK && i < count; i++) {
		uint64_t left_ms = process_left_ms(end_ms);

		capture->target = (struct target_request){.place = plan_target_at(plan, i),
		                                          .number = i,
		                                          .plan = plan,
		                                          .timeout_ms = plan->target_timeout_ms,
		                                          .is_stacked = plan->form == PLAN_FULL,
		                                          .is_multipath = has_word(plan->full_modules, "multipath")};
		if (target_is_server(&capture->target.place))
			capture->target.timeout_ms = plan->network_timeout_ms;
		status = try_target(capture,
		                    end_ms && i + 1 < count ? end_ms - left_ms + share_ms(plan, i, left_ms) : end_ms);
		if (status != EXIT_OK)
			log_print(&capture->log, "FAILED: %s: %s%s",
			          capture->options->directory ? capture->options->directory
			                                      : capture->target.place.device,
			          capture->outcome->reason, i + 1 < count ? "; trying the next target" : "");
	}
	capture->end_ms = end_ms;
	return status;
}

static void keep_in_firmware(struct capture *capture, int fd)
{
	unsigned int count = 0;
	struct error *err;

	if (access("/sys/firmware/efi", F_OK) < 0)
		return;
	err = efivars_mount();
	if (!err)
		err = efivars_write(EFIVARS_PATH, fd, capture->time, &count);
	if (err)
		log_console(&capture->log, "the log is not kept in the firmware: %s", err->text);
	else
		log_console(&capture->log, "the end of the log is kept in %u variables of the firmware", count);
	error_free(err);
}

static void keep_in_ramoops(struct capture *capture, int fd)
{
	_cleanup_close_ int cmdline_fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *command_line = NULL;
	struct ramoops_area area;
	unsigned int count = 0;
	struct error *err = cmdline_fd < 0 ? error_os(errno, "/proc/cmdline")
	                                   : io_read_all(cmdline_fd, CMDLINE_MAX_BYTES, &command_line, NULL);

	if (!err && !ramoops_parse(command_line, &area))
		return;
	if (!err)
		err = ramoops_write(RAMOOPS_MEMORY_PATH, &area, fd, capture->time, &count);
	if (err)
		log_console(&capture->log, "the log is not kept in ramoops: %s", err->text);
	else
		log_console(&capture->log, "the end of the log is kept in %u records of ramoops", count);
	error_free(err);
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
	if (err)
		return err;
	capture_show_tail(&capture->log, fd, LAST_BYTES);
	// It could be read there by whoever boots the machine.
	if (!encrypt_is_wanted(&capture->plan)) {
		keep_in_firmware(capture, fd);
		keep_in_ramoops(capture, fd);
	}
	return NULL;
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

	capture_run_hooks(capture, capture->plan.hooks_post, "post", capture->status);
	capture_run_hooks(capture, capture->plan.hooks_emergency, "emergency", capture->status);
	return EXIT_OK;
}

// Nothing could be saved: what a console keeps is better than nothing, and programs may know more.
static void last_resorts(struct capture *capture, int status)
{
	uint64_t now_ms = clock_now_ms();
	struct process_result result;

	capture->status = status;
	// The deadline may be over, but not for these.
	capture->end_ms = now_ms + CAPTURE_LOG_MS + EMERGENCY_MS;
	if (capture->options->is_system)
		error_free(process_run(log_child, capture, now_ms + CAPTURE_LOG_MS, &result));
	error_free(process_run(emergency_child, capture, capture->end_ms, &result));
}

static void feed_watchdogs(struct capture *capture)
{
	struct error *err = watchdog_start(&capture->plan, &capture->log, &capture->watchdog_pid);

	if (err)
		log_print(&capture->log, "watchdogs: %s", err->text);
	error_free(err);
}

// Sent until the machine restarts, whatever becomes of the work.
static void start_notices(struct capture *capture)
{
	struct error *err = notify_start(&capture->plan, &capture->log, &capture->notices);

	if (err)
		log_print(&capture->log, "failover notices: %s", err->text);
	error_free(err);
}

// Watches over the work. Returns an exit code.
static int supervise(struct capture *capture)
{
	uint64_t deadline_ms = capture->plan.deadline_ms, end_ms = deadline_ms ? clock_now_ms() + deadline_ms : 0;
	void *outcome = NULL;
	struct error *err = process_share(sizeof(*capture->outcome), &outcome);
	int status;

	if (err) {
		log_print(&capture->log, "FAILED: %s", err->text);
		error_free(err);
		return EXIT_FAILED;
	}
	capture->outcome = outcome;
	capture->end_ms = end_ms;
	if (capture->options->is_system) {
		feed_watchdogs(capture);
		start_notices(capture);
	}
	if (!capture->options->directory)
		load_modules(capture);
	tell_memory(capture);
	notify_wait(capture->notices, end_ms);
	status = try_targets(capture, end_ms);
	if (status != EXIT_OK)
		last_resorts(capture, status);
	return status;
}

// Who was to save the memory was killed, or never came up.
static int give_up(struct capture *capture)
{
	log_print(&capture->log, "FAILED: the unit that saves the memory has ended before its time");
	last_resorts(capture, EXIT_FAILED);
	return EXIT_FAILED;
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
	return capture->options->is_failed ? give_up(capture) : supervise(capture);
}

static void finish(struct capture *capture, int status)
{
	enum plan_action action = status == EXIT_OK ? capture->plan.final_action : capture->plan.failure_action;
	struct host host;
	struct error *err = host_init(&host, "/");
	struct timespec up;

	notify_report(capture->notices, &capture->log);
	// kdumpctl test reads it.
	clock_gettime(CLOCK_BOOTTIME, &up);
	log_console(&capture->log, "the capture kernel ran for %.1f s", (double)up.tv_sec + (double)up.tv_nsec / 1e9);
	log_console(&capture->log, "%s; action: %s", status == EXIT_OK ? "done" : "the capture FAILED",
	            power_name(action));
	if (err) {
		log_console(&capture->log, "%s", err->text);
		error_free(err);
		return;
	}
	// It guards a reboot, and must not end a halt.
	if (action == PLAN_HALT || action == PLAN_POWEROFF)
		watchdog_stop(capture->watchdog_pid);
	power_run(&host, action, &capture->log);
	host_deinit(&host);
}

// Returns whether the program goes on; else the exit code is in *status_ret.
static bool parse_options(int argc, char **argv, struct capture_options *options, int *status_ret)
{
	enum { OPTION_POWER = 256, OPTION_NO_POWER, OPTION_UNIT, OPTION_FAILED };
	static const struct option longs[] = {
		{"plan", required_argument, NULL, 'p'},
		{"vmcore", required_argument, NULL, 'c'},
		{"directory", required_argument, NULL, 'd'},
		{"power", no_argument, NULL, OPTION_POWER},
		{"no-power", no_argument, NULL, OPTION_NO_POWER},
		{"unit", no_argument, NULL, OPTION_UNIT},
		{"failed", no_argument, NULL, OPTION_FAILED},
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
		case OPTION_UNIT:
		case OPTION_FAILED:
			options->is_system = options->is_power = true;
			options->is_failed = option == OPTION_FAILED;
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

// Whether this is a place for what was asked. Only a capture system may be ended by us.
static bool is_right_place(const struct capture_options *options)
{
	const char *path = options->is_system ? INITRD_MARK : options->vmcore_path;

	if (access(path, R_OK) == 0)
		return true;
	fprintf(stderr, "kdump-capture: %s: %s; is this a capture system?\n", path, strerror(errno));
	return false;
}

int main(int argc, char **argv)
{
	bool is_init = getpid() == 1;
	struct capture_options options = {.plan_path = PLAN_PATH,
	                                  .vmcore_path = "/proc/vmcore",
	                                  .is_init = is_init,
	                                  .is_system = is_init,
	                                  .is_power = is_init};
	struct capture capture = {.options = &options, .dir = DUMPDIR_NONE, .target_fd = -1};
	int status;

	log_init(&capture.log, STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN);
	// The kernel hands words of its command line that it does not know to /init: they are not for us.
	if (!is_init && !parse_options(argc, argv, &options, &status))
		return status;
	if (!is_init && !is_right_place(&options))
		return EXIT_FAILED;
	if (is_init)
		system_start(&capture.log);
	else if (options.is_system)
		system_join(&capture.log);
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
