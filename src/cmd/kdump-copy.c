// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cmd/copy_again.h"
#include "cmd/copy_arguments.h"
#include "cmd/copy_info.h"
#include "cmd/copy_output.h"
#include "cmd/copy_report.h"
#include "cmd/copy_usage.h"
#include "core/decompress.h"
#include "core/foreign.h"
#include "core/vmcore.h"
#include "dump/copy.h"
#include "dump/rearrange.h"
#include "report/dmesg.h"

// Time between two lines of progress, where lines stay on the screen or in a log.
enum { LINE_INTERVAL_MS = 5000, TERMINAL_INTERVAL_MS = 200 };
// Time between two looks at our memory, for the statistics: one costs some 20 us.
enum { MEMORY_INTERVAL_MS = 5 };
// Of the list that an ELF file needs: 1024 pieces of memory.
enum { SEGMENTS_MIN_BYTES = 64 << 10 };

// What goes on while pages are copied.
struct watch {
	bool is_terminal;
	bool is_printing;
	bool is_measuring;
	uint64_t next_print_ms; // Counted from the start of the copy.
	uint64_t peak_bytes;
};

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void print_progress(const struct copy_progress *progress, bool is_terminal)
{
	double seconds = (double)progress->elapsed_ms / 1000;
	double rate = seconds > 0 ? (double)progress->pages_done / seconds : 0;
	double left = rate > 0 ? (double)(progress->pages_total - progress->pages_done) / rate : 0;

	fprintf(stderr, "%skdump-copy: %3.0f%% of %ju pages, %.0f MiB written, %.0f pages/s, %.0f s left%s",
	        is_terminal ? "\r" : "",
	        progress->pages_total ? 100.0 * (double)progress->pages_done / (double)progress->pages_total : 100.0,
	        (uintmax_t)progress->pages_total, mib(progress->bytes_written), rate, left,
	        is_terminal ? "\033[K" : "\n");
}

static void watch(void *context, const struct copy_progress *progress)
{
	struct watch *watch = context;

	if (watch->is_measuring) {
		uint64_t now_bytes = copy_report_memory_bytes();

		watch->peak_bytes = now_bytes > watch->peak_bytes ? now_bytes : watch->peak_bytes;
	}
	if (watch->is_printing && progress->elapsed_ms >= watch->next_print_ms) {
		print_progress(progress, watch->is_terminal);
		watch->next_print_ms =
			progress->elapsed_ms + (watch->is_terminal ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS);
	}
}

static void watch_start(struct watch *ret, struct arguments *args)
{
	bool is_terminal = isatty(STDERR_FILENO);
	uint64_t interval_ms = is_terminal ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS;

	*ret = (struct watch){.is_terminal = is_terminal,
	                      .is_printing = !args->is_quiet && !args->is_progress_unwanted,
	                      .is_measuring = args->stats,
	                      .next_print_ms = interval_ms};
	if (!ret->is_printing && !ret->is_measuring)
		return;
	args->copy.progress = watch;
	args->copy.progress_context = ret;
	args->copy.progress_interval_ms = ret->is_measuring ? MEMORY_INTERVAL_MS : interval_ms;
}

static void print_counts(const struct copy_stats *stats, unsigned int dump_level)
{
	printf("%-14s %12s  %s\n", "class", "pages", "in the dump");
	for (unsigned int class = 0; class < PAGE_CLASS_COUNT; class ++)
		printf("%-14s %12ju  %s\n", filter_class_name(class), (uintmax_t)stats->counts.classes[class],
		       filter_drops(class, dump_level) ? "no" : "yes");
	printf("%-14s %12ju  no\n", "broken", (uintmax_t)stats->counts.poisoned);
	if (stats->counts.named)
		printf("%-14s %12ju  yes, by the names of their processes\n", "named", (uintmax_t)stats->counts.named);
	if (stats->counts.unused)
		printf("%-14s %12ju  no, struct pages of what is not in the dump\n", "unused",
		       (uintmax_t)stats->counts.unused);
	printf("%-14s %12ju\n", "total", (uintmax_t)stats->counts.total);
	printf("%-14s %12ju\n", "to be saved", (uintmax_t)stats->counts.kept);
}

// map_error: what COPY_WARN_NO_PAGEMAP is about.
static void print_warnings(const struct copy_stats *stats, const struct error *map_error)
{
	char text[COPY_WARNING_BYTES];

	for (unsigned int bit = copy_warning_next(stats, 0); bit; bit = copy_warning_next(stats, bit)) {
		copy_warning_describe(stats, bit, text, sizeof(text));
		fprintf(stderr, "kdump-copy: warning: %s", text);
		if (bit == COPY_WARN_NO_PAGEMAP && map_error)
			fprintf(stderr, ": %s", map_error->text);
		fputc('\n', stderr);
	}
}

// What a file can grow to; streams and devices end where they end.
static uint64_t room_of(int fd)
{
	struct statvfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatvfs(fd, &fs) < 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

// One of the files that the dump is written to.
struct target {
	struct copy_output output;
	struct sink *sink;
};

static struct error *target_open(struct target *target, const struct arguments *args, const char *path,
                                 uint64_t *room_bytes)
{
	uint64_t room;
	struct error *err;

	target->output.fd = -1;
	err = copy_output_open(&target->output, path, args->is_forced);
	if (!err)
		err = args->is_flattened ? sink_stream_create(target->output.fd, &target->sink)
		                         : sink_file_create(target->output.fd, &target->sink);
	if (err)
		return err;
	room = room_of(target->output.fd);
	*room_bytes = room < *room_bytes ? room : *room_bytes;
	if (args->is_direct)
		sink_file_set_direct(target->sink);
	if (args->is_direct && !target->sink->align_bytes && !args->is_quiet)
		fprintf(stderr, "kdump-copy: %s cannot be written directly; it goes through the page cache\n", path);
	return NULL;
}

// Files that were opened, the first count of them, get their names or, after an error, not.
static struct error *targets_close(struct target *targets, size_t count, struct error *err, bool is_partial)
{
	for (size_t i = 0; i < count; i++) {
		sink_destroy(targets[i].sink);
		err = copy_output_close(&targets[i].output, err, is_partial);
	}
	return err;
}

static struct error *copy_to(const struct vmcore *core, const struct arguments *args, struct copy_stats *stats)
{
	size_t count = 1 + args->more_output_count, opened = 0;
	_cleanup_free_ struct target *targets = calloc(count, sizeof(*targets));
	_cleanup_free_ struct sink **sinks = calloc(count, sizeof(struct sink *));
	struct copy_options options = args->copy;
	struct error *err = NULL;

	if (args->copy.is_dry_run)
		return copy_run(core, &args->copy, NULL, stats);
	if (!targets || !sinks)
		return error_new(ERROR_NOMEM, "no memory for %zu files", count);
	options.room_bytes = UINT64_MAX;
	while (!err && opened < count) {
		err = target_open(&targets[opened], args, opened ? args->more_outputs[opened - 1] : args->output,
		                  &options.room_bytes);
		sinks[opened] = targets[opened].sink;
		opened++;
	}
	options.more_sinks = sinks + 1;
	// Each takes its share; what the smallest has room for counts.
	options.room_bytes = options.room_bytes > UINT64_MAX / count ? UINT64_MAX : options.room_bytes * count;
	if (!err)
		err = error_wrap(copy_run(core, &options, sinks[0], stats), "%s",
		                 args->output ? args->output : "standard output");
	return targets_close(targets, opened, err, stats->is_partial);
}

// The page map: what goes wrong with it is told at the end, and costs nobody the dump.
struct map_file {
	struct copy_output output;
	struct pagemap *map;
	struct error *error;
};

static void map_file_open(struct map_file *file, struct arguments *args)
{
	if (!args->pagemap)
		return;
	file->error = copy_output_open(&file->output, args->pagemap, args->is_forced);
	if (!file->error)
		file->error = pagemap_create(file->output.fd, &file->map);
	args->copy.pagemap = file->map;
}

static void map_file_close(struct map_file *file, bool is_whole, struct copy_stats *stats)
{
	const struct error *broken = file->map ? pagemap_error(file->map) : NULL;
	struct error *err = NULL;

	if (broken)
		err = error_new(broken->code, "%s: %s", file->output.path, broken->text);
	else if (!is_whole && file->map)
		err = error_new(ERROR_CANCELED, "%s", file->output.path);
	if (!file->error)
		err = copy_output_close(&file->output, err, stats->is_partial && !broken);
	// The failure of the copy is told by others.
	if (!is_whole)
		error_catch(&err, ERROR_CANCELED);
	if (err)
		file->error = err;
	if (file->error)
		stats->warnings |= COPY_WARN_NO_PAGEMAP;
}

static void map_file_deinit(struct map_file *file)
{
	pagemap_destroy(file->map);
	error_free(file->error);
}

// A dump that is only put together stays as it is.
static struct error *keep_compressor(struct arguments *args, const struct vmcore *core)
{
	if (!args->is_reassembled || args->is_compressor_chosen || args->copy.format == COPY_ELF)
		return NULL;
	return compressor_find(decompress_name(core->compression), &args->copy.compressor);
}

// Fewer threads take less memory. What is left may be taken by the list of an ELF file.
static struct error *fit_memory(struct arguments *args, const struct vmcore *core)
{
	uint64_t need_bytes;

	args->copy.segments_bytes = args->memory_limit_bytes ? SEGMENTS_MIN_BYTES : 0;
	need_bytes = copy_memory_bytes(&args->copy, vmcore_max_pfn(core));

	while (args->memory_limit_bytes && need_bytes > args->memory_limit_bytes && args->copy.thread_count > 1) {
		args->copy.thread_count--;
		need_bytes = copy_memory_bytes(&args->copy, vmcore_max_pfn(core));
	}
	if (args->memory_limit_bytes && need_bytes > args->memory_limit_bytes)
		return error_new(ERROR_USAGE, "--memory-limit: %ju bytes are needed", (uintmax_t)need_bytes);
	if (args->memory_limit_bytes)
		args->copy.segments_bytes += args->memory_limit_bytes - need_bytes;
	return NULL;
}

static bool is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static void print_result(const struct arguments *args, const struct copy_stats *stats, uint64_t page_bytes)
{
	int warnings = __builtin_popcount(stats->warnings);

	if (args->is_usage_wanted && !is_stdout(args->stats))
		copy_usage_print(stats, page_bytes);
	else if (args->copy.is_dry_run && !is_stdout(args->stats))
		print_counts(stats, args->copy.dump_level);
	else if (!args->copy.is_dry_run && !args->is_quiet)
		fprintf(stderr, "kdump-copy: saved %ju of %ju pages, %.1f MiB, in %.1f s%s\n",
		        (uintmax_t)stats->pages_written, (uintmax_t)stats->counts.total, mib(stats->bytes_written),
		        (double)stats->elapsed_ms / 1000,
		        warnings > 1 ? "; see the warnings above"
		        : warnings   ? "; see the warning above"
		                     : "");
}

// What was copied may be all there was, and yet not be all.
static struct error *check_complete(const struct vmcore *core, const struct copy_stats *stats)
{
	const char *path = core->files[0].path;

	if (core->missing_bytes)
		return error_new(ERROR_BAD_DATA, "%s: the file ends at offset %#jx; %ju bytes of memory are missing",
		                 path, (uintmax_t)core->files[0].size_bytes, (uintmax_t)core->missing_bytes);
	if (stats->pages_unreadable)
		return error_new(ERROR_BAD_DATA, "%s: %ju pages could not be read", path,
		                 (uintmax_t)stats->pages_unreadable);
	if (core->is_incomplete)
		return error_new(ERROR_BAD_DATA, "%s: pages were missing when it was written", path);
	return NULL;
}

static struct error *write_log(const struct vmcore *core, const struct arguments *args)
{
	struct copy_output output = {.fd = -1};
	struct dmesg_stats stats;
	struct error *err = copy_output_open(&output, args->output, args->is_forced);

	if (!err)
		err = error_wrap(dmesg_write(core, output.fd, &stats), "%s", args->inputs[0]);
	return copy_output_close(&output, err, false);
}

static struct error *rearrange_stream(const struct arguments *args)
{
	_cleanup_(sink_destroyp) struct sink *sink = NULL;
	struct copy_output output = {.fd = -1};
	struct rearrange_stats stats = {0};
	struct error *err = copy_output_open(&output, args->output, args->is_forced);

	if (!err)
		err = sink_file_create(output.fd, &sink);
	if (!err)
		err = error_wrap(rearrange_run(STDIN_FILENO, sink, &stats), "%s", args->output);
	err = copy_output_close(&output, err, stats.record_count);
	if (!err && !args->is_quiet)
		fprintf(stderr, "kdump-copy: wrote %ju records, %.1f MiB\n", (uintmax_t)stats.record_count,
		        mib(stats.bytes_written));
	return err;
}

static struct error *write_stats(const struct arguments *args, const struct copy_report *report)
{
	const char *path = is_stdout(args->stats) ? NULL : args->stats;
	struct copy_output output = {.fd = -1};
	struct error *err = copy_output_open(&output, path, args->is_forced);
	FILE *out = NULL;

	if (!err)
		err = copy_output_stream(&output, &out);
	if (!err)
		err = copy_report_write(args, report, out);
	if (out && fclose(out) != 0 && !err)
		err = error_os(errno, "%s", args->stats);
	return copy_output_close(&output, err, false);
}

// What cannot be told costs nobody the dump.
static void report(const struct arguments *args, const struct copy_report *report)
{
	struct error *err = args->stats ? write_stats(args, report) : NULL;

	if (err)
		fprintf(stderr, "kdump-copy: warning: the statistics could not be written: %s\n", err->text);
	error_free(err);
}

// A copy of memory that goes on changing is no dump.
static struct error *take_live(struct vmcore *core, const struct arguments *args)
{
	if (!args->is_usage_wanted)
		return error_new(ERROR_UNSUPPORTED, "%s: this is the running system; only --mem-usage is possible",
		                 args->inputs[0]);
	return copy_usage_hide_crash_kernel(core, "/proc/iomem");
}

static struct error *copy_dump(char **argv, struct arguments *args)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	_cleanup_(map_file_deinit) struct map_file map = {.output.fd = -1};
	struct copy_stats stats = {0};
	struct watch watch;
	struct error *err;

	copy_again_prepare(argv, args);
	err = foreign_open_set((const char *const *)args->inputs, args->input_count, &core);
	if (!err)
		core->can_map &= !args->is_read;
	if (!err)
		err = error_wrap(vmcore_fill(core), "%s", args->inputs[0]);
	if (!err && args->vmcoreinfo)
		err = copy_info_take(core, args->vmcoreinfo);
	if (!err && core->is_live)
		err = take_live(core, args);
	if (!err && args->is_log_wanted)
		return write_log(core, args);
	if (!err)
		err = keep_compressor(args, core);
	if (!err)
		err = fit_memory(args, core);
	if (err)
		return err;
	watch_start(&watch, args);
	map_file_open(&map, args);
	err = copy_to(core, args, &stats);
	// Both are ours and end here.
	args->copy.progress_context = NULL;
	args->copy.progress = NULL;
	map_file_close(&map, !err, &stats);
	if (!args->is_quiet && isatty(STDERR_FILENO) && !args->copy.is_dry_run)
		fputs("\r\033[K", stderr);
	print_warnings(&stats, map.error);
	if (!err) {
		print_result(args, &stats, vmcore_page_bytes(core));
		err = check_complete(core, &stats);
	}
	report(args, &(struct copy_report){core, &stats, err, map.error, watch.peak_bytes});
	return err;
}

int main(int argc, char **argv)
{
	bool go_on;
	struct arguments args = {0};
	struct error *err = copy_arguments_parse(argc, argv, &args, &go_on);
	int code;

	if (!err && go_on)
		err = args.is_info_wanted  ? copy_info_write(args.vmlinux, args.output, args.is_forced)
		      : args.is_rearranged ? rearrange_stream(&args)
		                           : copy_dump(argv, &args);
	if (err)
		fprintf(stderr, "kdump-copy: %s\n", err->text);
	copy_arguments_deinit(&args);
	code = error_exit_code(err);
	error_free(err);
	return code;
}
