// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_test.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "boot/crashkernel.h"
#include "boot/rehearsal.h"
#include "boot/reservation.h"
#include "capture/process.h"
#include "cmd/ctl_crash.h"
#include "cmd/ctl_load.h"

#define MIB ((uint64_t)1 << 20)

enum {
	// Between two looks whether somebody wants us to end.
	LOOK_MS = 200,
	CONSOLE_MAX_BYTES = 32 << 20,
	MEMINFO_BYTES = 64 * 1024,
	// No kernel comes up with less, and none of a usual machine has more.
	LEAST_MIB = 16,
	MOST_MIB = 64 * 1024,
};

// What is told.
struct report {
	const struct rehearsal *rehearsal;
	struct rehearsal_result result;
	uint64_t more_bytes; // What the copier takes more on this machine than on the virtual one.
	bool is_missing; // That is not there.
};

// What runs in a process of its own, so that we are there to clean up.
struct run {
	const struct host *host;
	const struct rehearsal *rehearsal;
	struct { // Shared with it.
		enum error_code code;
		int errnum;
		char text[ERROR_TEXT_BYTES];
	} * failure;
};

static volatile sig_atomic_t is_ended;

static void on_signal(int number)
{
	(void)number;
	is_ended = 1;
}

static int run_child(void *context)
{
	struct run *run = context;
	_cleanup_error_ struct error *err = rehearsal_run(run->host, run->rehearsal);

	if (!err)
		return EXIT_OK;
	run->failure->code = err->code;
	run->failure->errnum = err->errnum;
	snprintf(run->failure->text, sizeof(run->failure->text), "%s", err->text);
	return EXIT_FAILED;
}

static struct error *wait_for(struct run *run, pid_t pid)
{
	struct process_result result = {0};

	while (!process_wait(pid, clock_now_ms() + LOOK_MS, &result)) {
		if (is_ended) {
			process_stop(pid, 0);
			return error_new(ERROR_CANCELED, "the test was ended from outside");
		}
	}
	if (result.status == EXIT_OK)
		return NULL;
	return error_new(run->failure->code ? run->failure->code : ERROR_OS, "%s",
	                 *run->failure->text ? run->failure->text : "the test was killed");
}

static struct error *run_machine(const struct ctl *ctl, const struct rehearsal *rehearsal)
{
	struct run run = {.host = &ctl->host, .rehearsal = rehearsal};
	void *shared = NULL;
	pid_t pid = 0;
	struct error *err = process_share(sizeof(*run.failure), &shared);

	if (err)
		return err;
	run.failure = shared;
	err = process_start(run_child, &run, &pid);
	return err ? err : wait_for(&run, pid);
}

// "96M", "1G"; a number alone is MiB.
static struct error *parse_size(const char *text, uint64_t *bytes_ret)
{
	uint64_t number = 0;
	char unit = 'M', rest = 0;
	int count = sscanf(text, "%6" SCNu64 "%c%c", &number, &unit, &rest);
	uint64_t mib = strchr("Gg", unit) ? number * 1024 : number;

	if (count < 1 || count > 2 || !strchr("MmGg", unit) || mib < LEAST_MIB || mib > MOST_MIB)
		return error_new(ERROR_USAGE, "--crashkernel=%s: a size such as 96M is expected, from %dM", text,
		                 LEAST_MIB);
	*bytes_ret = mib * MIB;
	return NULL;
}

static struct error *find_size(const struct ctl *ctl, const struct config *config, uint64_t *bytes_ret)
{
	const char *wanted = ctl->options.values[CTL_OPTION_CRASHKERNEL];
	_cleanup_reservation_ struct reservation reservation = {0};
	struct error *err;

	if (wanted)
		return parse_size(wanted, bytes_ret);
	err = crashkernel_read(&ctl->host, bytes_ret);
	if (err || *bytes_ret)
		return err;
	err = reservation_estimate(&ctl->host, config, &reservation);
	*bytes_ret = reservation.proposed_mib * MIB;
	if (!err && !ctl->is_quiet)
		fprintf(stderr, "%s: nothing is reserved: the test is of what is recommended, %" PRIu64 " MiB\n",
		        ctl->program, reservation.proposed_mib);
	return err;
}

static bool is_fake(const struct ctl *ctl)
{
	return ctl_options_has(&ctl->options, CTL_OPTION_ROOT);
}

// Under --root nothing can be built: the image is taken as it is.
static struct error *refresh(const struct ctl *ctl, const struct plan *plan)
{
	_cleanup_free_ char *words = NULL;
	struct error *err = is_fake(ctl) ? NULL : ctl_load_refresh(ctl, plan, false, &words);

	if (!err && words && strcmp(words, "fresh") != 0 && !ctl->is_quiet)
		fprintf(stderr, "%s: the capture initramfs was %s; what is loaded is the one before it\n", ctl->program,
		        words);
	return err;
}

static struct error *prepare(const struct ctl *ctl, struct plan *plan, struct rehearsal *rehearsal)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_close_ int lock_fd = -1;
	struct error *err = ctl_lock(ctl, CTL_LOCK_PATH, &lock_fd);

	if (!err)
		err = ctl_load_config(ctl, &config);
	if (!err)
		err = ctl_make_plan(ctl, &config, plan);
	if (!err)
		err = refresh(ctl, plan);
	if (!err)
		err = find_size(ctl, &config, &rehearsal->reserved_bytes);
	return err ? err : rehearsal_prepare(&ctl->host, plan, rehearsal);
}

static uint64_t total_kib(const struct host *host)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *err = host_read(host, "/proc/meminfo", MEMINFO_BYTES, &text, NULL);
	const char *at = err ? NULL : strstr(text, "MemTotal:");
	uint64_t kib = 0;

	return at && sscanf(at, "MemTotal: %" SCNu64, &kib) == 1 ? kib : 0;
}

// A capture that has room here may have none on a machine with more memory, whose bitmaps are larger.
static void compare_memory(const struct ctl *ctl, const struct plan *plan, struct report *report)
{
	uint64_t here = reservation_copier_bytes(plan, total_kib(&ctl->host));
	uint64_t there = reservation_copier_bytes(plan, report->rehearsal->memory_bytes / 1024);
	struct rehearsal_result *result = &report->result;

	report->more_bytes = here > there ? here - there : 0;
	report->is_missing = result->outcome == REHEARSAL_SUCCESS && result->lowest_bytes &&
	                     result->lowest_bytes < report->more_bytes;
	if (!report->is_missing)
		return;
	result->outcome = REHEARSAL_NO_MEMORY;
	snprintf(result->reason, sizeof(result->reason),
	         "in the virtual machine it succeeded, but only %" PRIu64
	         " MiB stayed available, and the memory of this machine "
	         "needs %" PRIu64 " MiB more",
	         result->lowest_bytes / MIB, (report->more_bytes + MIB - 1) / MIB);
}

static const char *const outcomes[] = {
	[REHEARSAL_SUCCESS] = "success",
	[REHEARSAL_FAILURE] = "failure",
	[REHEARSAL_NO_MEMORY] = "no-memory",
	[REHEARSAL_NOT_RUN] = "not-run",
};

static struct error *print_json(const struct report *report)
{
	const struct rehearsal_result *result = &report->result;
	const struct rehearsal *rehearsal = report->rehearsal;
	bool is_kept = result->outcome != REHEARSAL_SUCCESS;
	struct json json;

	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_text(&json, "result", outcomes[result->outcome]);
	json_text(&json, "reason", is_kept ? result->reason : NULL);
	json_number(&json, "reserved_bytes", rehearsal->reserved_bytes);
	json_number(&json, "memory_bytes", result->total_bytes);
	json_number(&json, "lowest_available_bytes", result->lowest_bytes);
	json_number(&json, "copier_bytes", result->copier_bytes);
	json_number(&json, "more_here_bytes", report->more_bytes);
	json_number(&json, "dump_bytes", result->dump_bytes);
	json_number(&json, "milliseconds", (uint64_t)(result->seconds * 1000));
	json_bool(&json, "is_emulated", rehearsal->is_emulated);
	json_text(&json, "console", is_kept ? REHEARSAL_CONSOLE : NULL);
	json_open_array(&json, "not_tested");
	for (size_t i = 0; i < rehearsal->notes.count; i++)
		json_text(&json, NULL, rehearsal->notes.list[i]);
	json_close(&json);
	json_close(&json);
	return json_finish(&json);
}

static struct error *print_text(const struct ctl *ctl, const struct report *report)
{
	const struct rehearsal_result *result = &report->result;
	const struct rehearsal *rehearsal = report->rehearsal;
	uint64_t reserved = rehearsal->reserved_bytes / MIB;

	if (result->outcome == REHEARSAL_SUCCESS)
		printf("kdump: a capture would succeed: it took %.1f s%s; of %" PRIu64 " MiB reserved, %" PRIu64
		       " MiB stayed available at the least; the copier took %.1f MiB, the dump %.1f MiB\n",
		       result->seconds, rehearsal->is_emulated ? " under emulation, without KVM" : "", reserved,
		       result->lowest_bytes / MIB, (double)result->copier_bytes / (double)MIB,
		       (double)result->dump_bytes / (double)MIB);
	else if (result->outcome == REHEARSAL_NO_MEMORY)
		printf("kdump: a capture would FAIL: the reserved %" PRIu64
		       " MiB are too small: %s\nkdump: kdumpctl estimate says what is needed, and kdumpctl "
		       "reset-crashkernel "
		       "reserves it\n",
		       reserved, result->reason);
	else
		printf("kdump: %s: %s\n",
		       result->outcome == REHEARSAL_FAILURE ? "a capture would FAIL"
		                                            : "the test did not come to its panic",
		       result->reason);
	if (result->outcome == REHEARSAL_SUCCESS && report->more_bytes >= MIB)
		printf("kdump: on this machine the copier takes %" PRIu64 " MiB more than there\n",
		       report->more_bytes / MIB);
	if (result->outcome != REHEARSAL_SUCCESS)
		printf("kdump: the console is in " REHEARSAL_CONSOLE "\n");
	for (size_t i = 0; i < rehearsal->notes.count && !ctl->is_quiet; i++)
		printf("kdump: not tested: %s\n", rehearsal->notes.list[i]);
	return ctl_flush("the result");
}

static struct error *judge(const struct ctl *ctl, const struct plan *plan, const struct error *late,
                           struct report *report)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(&ctl->host, REHEARSAL_CONSOLE, CONSOLE_MAX_BYTES, &text, NULL);

	if (err)
		return err;
	rehearsal_judge(text, &report->result);
	if (late && report->result.outcome != REHEARSAL_SUCCESS && report->result.outcome != REHEARSAL_NO_MEMORY)
		snprintf(report->result.reason, sizeof(report->result.reason), "%s", late->text);
	compare_memory(ctl, plan, report);
	if (report->result.outcome == REHEARSAL_SUCCESS)
		err = host_remove(&ctl->host, REHEARSAL_CONSOLE);
	return err;
}

// The machine must be ended, and files of it removed. What comes before is killed like any program.
static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};

	for (size_t i = 0; i < array_size(numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

// The caller holds the lock.
static struct error *test(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_rehearsal_ struct rehearsal rehearsal = {.is_emulated =
	                                                          ctl_options_has(&ctl->options, CTL_OPTION_EMULATE)};
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_error_ struct error *late = NULL;
	struct report report = {.rehearsal = &rehearsal};
	struct error *err = prepare(ctl, &plan, &rehearsal);

	catch_signals();
	if (!err)
		err = run_machine(ctl, &rehearsal);
	rehearsal_clean(&ctl->host);
	// A capture that hangs is one that failed.
	if (err && err->code == ERROR_TIMEOUT)
		late = take_ptr(err);
	if (!err)
		err = judge(ctl, &plan, late, &report);
	if (err)
		return err;
	if (report.result.outcome == REHEARSAL_NOT_RUN)
		*exit_ret = EXIT_FAILED;
	else if (report.result.outcome != REHEARSAL_SUCCESS)
		*exit_ret = EXIT_CONFIG;
	return ctl->is_json ? print_json(&report) : print_text(ctl, &report);
}

struct error *ctl_test(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_close_ int lock_fd = -1;
	struct ctl own = *ctl;
	struct host host;
	struct error *err;

	if (ctl_options_has(&ctl->options, CTL_OPTION_CRASH))
		return ctl_crash(ctl);
	if (ctl_options_has(&ctl->options, CTL_OPTION_YES))
		return error_new(ERROR_USAGE,
		                 "--yes is the answer to the question of --crash; a virtual machine needs none");
	err = ctl_lock(ctl, CTL_TEST_LOCK_PATH, &lock_fd);
	if (!err)
		err = host_init(&host, ctl->host.root);
	if (err)
		return err;
	// Under --root too: these programs touch nothing but files of the test.
	own.host.run = host.run;
	host_deinit(&host);
	return test(&own, exit_ret);
}
