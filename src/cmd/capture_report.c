// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/capture_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/encrypt.h"
#include "capture/process.h"
#include "core/vmcore.h"
#include "report/crashreport.h"

enum {
	// It takes a fraction of a second; many thousands of tasks take longer.
	REPORT_MS = 15000,
	// Beyond what the process has when it starts. A report of 5,000 tasks takes 2 MiB.
	MEMORY_BYTES = 8 << 20,
};

// A part of the report, as a file.
struct part {
	const char *name;
	const char *encrypted_name;
	const char *unfinished_name; // Until it is whole; nobody takes it for a file of the dump.
	struct error *(*write)(const struct crashreport *report, FILE *out);
};

static struct error *write_text(const struct crashreport *report, FILE *out)
{
	crashreport_text(report, out);
	return NULL;
}

static struct error *write_json(const struct crashreport *report, FILE *out)
{
	struct json json;

	json_init(&json, out);
	crashreport_json(report, &json);
	return json_finish(&json);
}

static const struct part parts[] = {
	{CAPTURE_REPORT_TEXT, CAPTURE_REPORT_TEXT ENCRYPT_SUFFIX, "." CAPTURE_REPORT_TEXT ".new", write_text},
	{CAPTURE_REPORT_JSON, CAPTURE_REPORT_JSON ENCRYPT_SUFFIX, "." CAPTURE_REPORT_JSON ".new", write_json},
};

// Damaged memory that looks like very many tasks must not take what the copy needs.
static void limit_memory(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY}, none = {0, 0};
	unsigned long pages = 0;

	if (statm && fscanf(statm, "%lu", &pages) != 1)
		pages = 0;
	if (statm)
		fclose(statm);
	setrlimit(RLIMIT_CORE, &none);
	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY_BYTES;
	if (pages)
		setrlimit(RLIMIT_AS, &limit);
}

static struct error *write_stream(const struct crashreport *report, const struct part *part, int fd)
{
	int copy = dup(fd);
	FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
	struct error *err;

	if (!out) {
		closep(&copy);
		return error_os(errno, "%s", part->name);
	}
	err = part->write(report, out);
	if (!err && (fflush(out) != 0 || ferror(out)))
		err = error_os(errno ? errno : EIO, "%s", part->name);
	fclose(out);
	return err;
}

// What is encrypted is never readable on the target: it is made in memory.
static struct error *write_part(struct capture *capture, const struct crashreport *report, const struct part *part)
{
	bool is_encrypted = encrypt_is_wanted(&capture->plan);
	_cleanup_close_ int fd = -1, memory_fd = is_encrypted ? memfd_create("report", MFD_CLOEXEC) : -1;
	struct error *err = dumpdir_open(&capture->dir, part->unfinished_name, O_RDWR, &fd);

	if (err)
		return err;
	if (is_encrypted && memory_fd < 0)
		return error_os(errno, "no memory for %s", part->name);
	err = write_stream(report, part, is_encrypted ? memory_fd : fd);
	if (!err && is_encrypted)
		err = encrypt_file(&capture->plan, memory_fd, fd);
	if (!err && fsync(fd) < 0)
		err = error_os(errno, "fsync %s", part->name);
	if (!err && renameat(capture->dir.fd, part->unfinished_name, capture->dir.fd,
	                     is_encrypted ? part->encrypted_name : part->name) < 0)
		err = error_os(errno, "rename to %s", part->name);
	return err;
}

static struct error *make_report(struct capture *capture)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	_cleanup_(crashreport_freep) struct crashreport *report = NULL;
	struct error *err = vmcore_open(capture->options->vmcore_path, &core);

	if (!err)
		err = crashreport_make(core, MACHINE_TASKS_CAPTURE, &report);
	for (size_t i = 0; i < array_size(parts) && !err; i++)
		err = write_part(capture, report, &parts[i]);
	return err;
}

static int report_child(void *context)
{
	struct capture *capture = context;
	struct error *err;
	int status;

	limit_memory();
	err = make_report(capture);
	status = error_exit_code(err);
	if (err)
		log_print(&capture->log, "report: %s", err->text);
	error_free(err);
	return status;
}

void capture_report_save(struct capture *capture)
{
	uint64_t start_ms = clock_now_ms();
	struct process_result result = {0};
	struct error *err =
		process_run(report_child, capture, process_earlier_ms(capture->end_ms, start_ms + REPORT_MS), &result);

	// What a process left that failed or was killed.
	for (size_t i = 0; i < array_size(parts); i++)
		unlinkat(capture->dir.fd, parts[i].unfinished_name, 0);
	if (err)
		log_print(&capture->log, "report: %s", err->text);
	else if (result.status > 128)
		log_print(&capture->log, "report: killed by signal %d", result.status - 128);
	else if (!result.status)
		log_print(&capture->log, "report: made in %" PRIu64 " ms, with %" PRIu64 " KiB",
		          clock_now_ms() - start_ms, result.peak_bytes / 1024);
	error_free(err);
}
