// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/save.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "boot/lastcapture.h"
#include "capture/encrypt.h"
#include "capture/partition.h"
#include "capture/process.h"
#include "capture/raw.h"
#include "capture/remote.h"
#include "capture/system.h"
#include "core/vmcore.h"
#include "dump/compress.h"
#include "dump/copy.h"
#include "dump/sink.h"

enum {
	PROGRESS_MS = 3000,
	// The copier is what may be lost when memory runs out: the next rung needs less.
	COPIER_OOM_ADJUSTMENT = 500,
	MIB = 1 << 20,
	RESERVE_BYTES = 256 << 10,
	// A split copy that stands still for so long has a disk that hangs.
	STALL_MS = 20000,
	// Of a flattened stream, less than this part are headers of its records.
	STREAM_SHARE = 64,
	// The copier ends by itself so long before it would be killed: what it has written so far is a dump then.
	STOP_MS = 2000,
};

#define RESERVE_NAME ".reserve"

// One way to copy. The level and format of the first rung are the plan's.
struct rung {
	const char *text;
	bool is_raw;
	bool is_filtered; // At the plan's level; else only zero pages are left out.
	bool is_compressed; // Kdump-compressed, whatever the plan says: less room is taken, on the target and in memory.
};

static const struct rung rungs[] = {
	{"memory, filtered as the plan says", .is_filtered = true},
	{"filtered memory, kdump-compressed: ELF has no room", .is_filtered = true, .is_compressed = true},
	{"all memory but pages of zeros, because the filtered copy failed", .is_compressed = true},
	{"all memory byte by byte, because the copier failed", .is_raw = true},
};

// What a child tells its parent.
struct shared {
	bool is_failed;
	bool is_partial; // What was written is a dump, marked incomplete.
	bool is_server_lost; // Why it failed.
	enum error_code code;
	char text[ERROR_TEXT_BYTES];
	uint64_t least_available_bytes; // MemAvailable at its lowest, as far as it was looked at.
	uint64_t told_ms; // Time of the last progress line.
	_Atomic uint64_t steps; // Counts up while the copy gets on.
	char hash[65]; // Of what was uploaded.
};

struct attempt {
	const struct save_job *job;
	const struct rung *rung;
	struct shared *shared;
	uint64_t page_bytes; // Of the crashed kernel; what the copier's progress counts.
	int fds[PLAN_PARTS_MAX]; // Of the files, or of the partition; -1: it is on a server.
	size_t count; // Of files: more than one is a dump that is split.
	struct remote *remote; // Of a server, in the process that writes.
	const struct sink *remote_sink; // Under the others.
	struct partition partition; // In that process, too.
	struct partition_record record;
	bool is_reading; // The vmcore is not mapped.
};

static bool is_server(const struct save_job *job)
{
	return job->place && plan_target_is_server(&job->place->place);
}

static bool is_raw(const struct save_job *job)
{
	return job->place && plan_target_is_raw(&job->place->place);
}

// What is uploaded comes in the order of its bytes, which that of a dump is not. On a raw partition the bytes of an old content lie
// in the gaps, where a file has zeros.
static bool is_flat(const struct target_request *place)
{
	return place && (remote_is_upload(&place->place) || plan_target_is_raw(&place->place));
}

const char *save_name(const struct plan *plan, const struct target_request *place)
{
	if (encrypt_is_wanted(plan))
		return SAVE_NAME ENCRYPT_FLAT_SUFFIX;
	return is_flat(place) ? SAVE_FLAT_NAME : SAVE_NAME;
}

void save_part_name(size_t number, char name[SAVE_PART_NAME_BYTES])
{
	snprintf(name, SAVE_PART_NAME_BYTES, SAVE_NAME ".%zu", number);
}

static void note_available(struct shared *shared)
{
	uint64_t available = system_meminfo("MemAvailable");

	if (available && (!shared->least_available_bytes || available < shared->least_available_bytes))
		shared->least_available_bytes = available;
}

static void tell(const struct attempt *attempt, uint64_t done, uint64_t total, uint64_t written_bytes,
                 uint64_t elapsed_ms, uint64_t unit_bytes)
{
	uint64_t rate = elapsed_ms ? done * 1000 / elapsed_ms : 0;

	note_available(attempt->shared);
	log_console(attempt->job->log,
	            "%3" PRIu64 " %% of %" PRIu64 " MiB read, %" PRIu64 " MiB written, %" PRIu64 " MiB/s, %" PRIu64
	            " s left",
	            total ? done * 100 / total : 100, total * unit_bytes / MIB, written_bytes / MIB,
	            rate * unit_bytes / MIB, rate ? (total - done) / rate : 0);
}

static void copy_told(void *context, const struct copy_progress *progress)
{
	const struct attempt *attempt = context;

	attempt->shared->steps++;
	// The first call comes before there is anything to tell.
	if (progress->pages_done)
		tell(attempt, progress->pages_done, progress->pages_total, progress->bytes_written,
		     progress->elapsed_ms, attempt->page_bytes);
}

static void raw_told(void *context, const struct raw_progress *progress)
{
	const struct attempt *attempt = context;
	struct shared *shared = attempt->shared;
	uint64_t now_ms = clock_now_ms();

	if (!shared->told_ms)
		shared->told_ms = now_ms;
	if (now_ms - shared->told_ms < PROGRESS_MS)
		return;
	tell(attempt, progress->done_bytes, progress->total_bytes, progress->written_bytes, now_ms - shared->told_ms,
	     1);
	shared->told_ms = now_ms;
}

static const char *compressor_name(enum plan_format format)
{
	switch (format) {
	case PLAN_FORMAT_NONE:
		return "none";
	case PLAN_FORMAT_ZLIB:
		return "zlib";
	case PLAN_FORMAT_LZO:
		return "lzo";
	case PLAN_FORMAT_SNAPPY:
		return "snappy";
	case PLAN_FORMAT_ZSTD:
		return "zstd";
	case PLAN_FORMAT_AUTO:
	case PLAN_FORMAT_ELF:
	case PLAN_FORMAT_RAW:
		break;
	}
	return NULL;
}

static const struct compressor *choose_compressor(const struct attempt *attempt)
{
	const struct compressor *compressor = NULL;
	const char *name = compressor_name(attempt->job->plan->format);
	struct error *err = name ? compressor_find(name, &compressor) : NULL;

	// A dump in another format than asked for is better than none.
	if (err)
		log_print(attempt->job->log, "%s; using %s", err->text, compressor_text(compressor));
	error_free(err);
	return compressor;
}

static void report_stats(struct log *log, const struct copy_stats *stats, unsigned int dump_level)
{
	const struct filter_counts *counts = &stats->counts;
	char text[COPY_WARNING_BYTES];

	for (unsigned int class = 0; class < PAGE_CLASS_COUNT; class ++)
		if (counts->classes[class])
			log_print(log, "pages: %10" PRIu64 " %s%s", counts->classes[class], filter_class_name(class),
			          filter_drops(class, dump_level) ? " (not saved)" : "");
	if (counts->named)
		log_print(log, "pages: %10" PRIu64 " saved for the names of their processes", counts->named);
	log_print(log,
	          "pages: %10" PRIu64 " in all, %" PRIu64 " saved, of them %" PRIu64 " zero" SAVE_UNREADABLE_WORDS
	          "%" PRIu64,
	          counts->total, stats->pages_written, counts->zero, stats->pages_unreadable);
	log_print(log, "%" PRIu64 " MiB written in %" PRIu64 ".%" PRIu64 " s", stats->bytes_written / MIB,
	          stats->elapsed_ms / 1000, stats->elapsed_ms % 1000 / 100);
	for (unsigned int bit = copy_warning_next(stats, 0); bit; bit = copy_warning_next(stats, bit)) {
		copy_warning_describe(stats, bit, text, sizeof(text));
		log_print(log, "warning: %s", text);
	}
}

// The page map beside the dump. Whatever is wrong with it costs nobody the dump.
static struct pagemap *open_map(const struct attempt *attempt, int *fd_ret)
{
	struct pagemap *map = NULL;
	struct error *err = dumpdir_open(attempt->job->dir, SAVE_MAP_NAME, O_RDWR, fd_ret);

	if (!err)
		err = pagemap_create(*fd_ret, &map);
	if (err)
		log_print(attempt->job->log, "%s: %s", SAVE_MAP_NAME, err->text);
	error_free(err);
	return map;
}

// A map of a dump that is not there, or one that is not right, is worth nothing.
static void close_map(const struct attempt *attempt, struct pagemap *map, bool is_dump)
{
	const struct error *broken = map ? pagemap_error(map) : NULL;

	if (broken)
		log_print(attempt->job->log, "%s: %s", SAVE_MAP_NAME, broken->text);
	if (broken || !is_dump)
		unlinkat(attempt->job->dir->fd, SAVE_MAP_NAME, 0);
	pagemap_destroy(map);
}

// The command line that was used may start fewer CPUs than the plan counts on. Each file has a thread that waits for its disk.
static unsigned int count_threads(const struct plan *plan, size_t files)
{
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
	unsigned int threads = plan->threads < (unsigned int)count ? plan->threads : (unsigned int)count;

	return threads < files ? (unsigned int)files : threads;
}

// A connection of its own for each attempt: one that was given up in the middle of a request is of no use any more.
static struct error *open_remote_sink(struct attempt *attempt, struct sink **ret)
{
	const struct save_job *job = attempt->job;
	char path[REMOTE_PATH_BYTES];
	struct error *err = remote_open(job->place, job->log, &attempt->remote);

	snprintf(path, sizeof(path), "%s/%s", job->place_path, save_name(job->plan, job->place));
	if (!err)
		err = remote_sink_create(attempt->remote, path, ret);
	if (!err)
		attempt->remote_sink = *ret;
	return err;
}

static struct error *open_partition(const struct save_job *job, int *fd, struct partition *partition,
                                    struct partition_record *record)
{
	struct error *err = partition_open(job->place_path, fd);

	if (!err)
		err = partition_init(*fd, partition);
	return err ? err : partition_find(partition, job->dir->name, record);
}

static struct error *open_raw_sink(struct attempt *attempt, struct sink **ret)
{
	const struct save_job *job = attempt->job;
	struct error *err = open_partition(job, &attempt->fds[0], &attempt->partition, &attempt->record);

	return err ? err
	           : partition_sink_create(&attempt->partition, &attempt->record, save_name(job->plan, job->place),
	                                   ret);
}

static struct error *open_file_sink(struct attempt *attempt, struct sink **ret)
{
	struct error *err = sink_file_create(attempt->fds[0], ret);

	// Memory is scarce, and nobody reads the dump here.
	if (!err)
		sink_file_set_direct(*ret);
	return err;
}

static struct error *flatten(struct sink **sink)
{
	struct sink *stream = NULL;
	struct error *err = sink_stream_create_upon(*sink, &stream);

	if (!err)
		*sink = stream;
	return err;
}

static struct error *open_sink(struct attempt *attempt, struct sink **ret)
{
	const struct save_job *job = attempt->job;
	struct error *err = is_server(job) ? open_remote_sink(attempt, ret)
	                    : is_raw(job)  ? open_raw_sink(attempt, ret)
	                                   : open_file_sink(attempt, ret);

	if (err)
		return err;
	if (encrypt_is_wanted(job->plan))
		return encrypt_sink(job->plan, true, ret);
	return is_flat(job->place) ? flatten(ret) : NULL;
}

// The files of a split dump get about as much each, so the smallest room tells.
static uint64_t find_room(const struct attempt *attempt)
{
	uint64_t least, raw_room = is_raw(attempt->job) ? partition_room(&attempt->partition, &attempt->record) : 0;

	// The stream has more bytes than the dump that it makes.
	if (is_raw(attempt->job))
		return raw_room - raw_room / STREAM_SHARE;
	if (attempt->remote)
		return remote_room(attempt->remote, attempt->job->place_path);
	least = system_room(attempt->fds[0]);
	for (size_t i = 1; i < attempt->count; i++) {
		uint64_t room = system_room(attempt->fds[i]);

		if (room < least)
			least = room;
	}
	return least * attempt->count;
}

// All files but the first one.
struct more_sinks {
	struct sink *list[PLAN_PARTS_MAX];
	size_t count;
};

static void more_sinks_deinit(struct more_sinks *more)
{
	while (more->count)
		sink_destroy(more->list[--more->count]);
}

static struct error *open_more_sinks(const struct attempt *attempt, struct more_sinks *more)
{
	struct error *err = NULL;

	for (size_t i = 1; i < attempt->count && !err; i++) {
		err = sink_file_create(attempt->fds[i], &more->list[more->count]);
		if (!err)
			sink_file_set_direct(more->list[more->count++]);
	}
	return err;
}

static struct error *copy_filtered(struct attempt *attempt, struct sink *sink)
{
	const struct plan *plan = attempt->job->plan;
	bool is_filtered = attempt->rung->is_filtered;
	_cleanup_(more_sinks_deinit) struct more_sinks more = {0};
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	_cleanup_close_ int map_fd = -1;
	struct copy_stats stats = {0};
	struct copy_options options = {
		.dump_level = is_filtered ? plan->dump_level : FILTER_ZERO,
		.format = plan->format == PLAN_FORMAT_ELF && !attempt->rung->is_compressed ? COPY_ELF : COPY_KDUMP,
		.thread_count = is_filtered ? count_threads(plan, attempt->count) : 1,
		.keep_names = is_filtered && *plan->keep_processes ? (const char *const *)plan->keep_processes : NULL,
		.progress = copy_told,
		.progress_context = attempt,
		.progress_interval_ms = PROGRESS_MS,
		.warn_kept_percent = COPY_WARN_KEPT_PERCENT,
		.deadline_ms = attempt->job->end_ms > STOP_MS ? attempt->job->end_ms - STOP_MS : 0,
		.room_bytes = find_room(attempt),
		.segments_bytes = COPY_CAPTURE_SEGMENTS_BYTES,
	};
	struct error *err = open_more_sinks(attempt, &more);

	if (!err)
		err = vmcore_open(attempt->job->vmcore, &core);
	if (err)
		return err;
	core->can_map &= !attempt->is_reading;
	options.more_sinks = more.list;
	options.more_sink_count = more.count;
	attempt->page_bytes = vmcore_page_bytes(core);
	options.compressor = choose_compressor(attempt);
	log_print(attempt->job->log, "copying %s, level %u, %s, %u thread%s", attempt->job->vmcore, options.dump_level,
	          options.format == COPY_ELF ? "ELF" : compressor_text(options.compressor), options.thread_count,
	          options.thread_count == 1 ? "" : "s");
	options.pagemap = open_map(attempt, &map_fd);
	err = copy_run(core, &options, sink, &stats);
	attempt->shared->is_partial = err && stats.is_partial;
	close_map(attempt, options.pagemap, !err || stats.is_partial);
	if (!err || stats.is_partial)
		report_stats(attempt->job->log, &stats, stats.dump_level);
	return err;
}

static struct error *copy_raw(struct attempt *attempt, struct sink *sink)
{
	_cleanup_close_ int in_fd = open(attempt->job->vmcore, O_RDONLY | O_CLOEXEC);
	struct raw_progress progress;
	struct error *err;

	if (in_fd < 0)
		return error_os(errno, "%s", attempt->job->vmcore);
	log_print(attempt->job->log, "copying %s byte by byte", attempt->job->vmcore);
	err = raw_copy(in_fd, sink, raw_told, attempt, &progress);
	log_print(attempt->job->log, "%" PRIu64 " MiB written of %" PRIu64 " MiB, %" PRIu64 " bytes unreadable",
	          progress.written_bytes / MIB, progress.total_bytes / MIB, progress.unreadable_bytes);
	return err;
}

static int child(void *context)
{
	struct attempt *attempt = context;
	struct shared *shared = attempt->shared;
	struct sink *sink = NULL;
	struct error *err;

	system_oom_adjust(COPIER_OOM_ADJUSTMENT);
	err = open_sink(attempt, &sink);
	if (!err)
		err = attempt->rung->is_raw ? copy_raw(attempt, sink) : copy_filtered(attempt, sink);
	if (!err && attempt->remote_sink)
		remote_sink_hash(attempt->remote_sink, shared->hash);
	shared->is_server_lost = err && is_server(attempt->job) &&
	                         (!attempt->remote_sink || remote_sink_is_failed(attempt->remote_sink));
	note_available(shared);
	sink_destroy(sink);
	remote_close(attempt->remote);
	partition_deinit(&attempt->partition);
	if (!err)
		return EXIT_OK;
	shared->code = err->code;
	snprintf(shared->text, sizeof(shared->text), "%s", err->text);
	shared->is_failed = true;
	return error_exit_code(err);
}

static const struct dumpdir *part_dir(const struct save_job *job, size_t index)
{
	return index ? job->more_dirs[index - 1] : job->dir;
}

static void file_name(const struct save_job *job, size_t index, size_t count, char name[SAVE_PART_NAME_BYTES])
{
	if (count > 1)
		save_part_name(index + 1, name);
	else
		snprintf(name, SAVE_PART_NAME_BYTES, "%s", save_name(job->plan, job->place));
}

static struct error *open_files(struct attempt *attempt)
{
	const struct save_job *job = attempt->job;
	struct error *err = NULL;

	for (size_t i = 0; i < attempt->count && !err; i++) {
		char name[SAVE_PART_NAME_BYTES];

		file_name(job, i, attempt->count, name);
		if (unlinkat(part_dir(job, i)->fd, name, 0) < 0 && errno != ENOENT)
			err = error_os(errno, "remove %s", name);
		else if (!job->place)
			err = dumpdir_open(part_dir(job, i), name, O_RDWR, &attempt->fds[i]);
	}
	return err;
}

static void attempt_deinit(struct attempt *attempt)
{
	for (size_t i = 0; i < array_size(attempt->fds); i++)
		closep(&attempt->fds[i]);
}

// What boot/lastcapture.h reads after the next boot.
static void tell_taken(const struct save_job *job, const struct shared *shared)
{
	uint64_t ram = system_ram(), least = shared->least_available_bytes;

	if (ram > least && least)
		log_print(job->log, LASTCAPTURE_WORDS "%" PRIu64 " of %" PRIu64 " MiB with %u thread%s, %s form, %s",
		          (ram - least + MIB - 1) / MIB, ram / MIB, job->plan->threads,
		          job->plan->threads == 1 ? "" : "s", plan_form_name(job->plan->form),
		          job->plan->kernel_version);
}

static struct error *run_once(const struct save_job *job, const struct rung *rung, size_t count, bool is_reading,
                              struct shared *shared)
{
	_cleanup_(attempt_deinit) struct attempt attempt = {
		.job = job, .rung = rung, .shared = shared, .count = count, .is_reading = is_reading};
	struct process_result result = {0};
	struct process_watch watch = {.steps = &shared->steps, .stall_ms = STALL_MS};
	struct error *err;

	if (watch.stall_ms > process_left_ms(job->end_ms) / 4)
		watch.stall_ms = process_left_ms(job->end_ms) / 4;
	memset(shared, 0, sizeof(*shared));
	memset(attempt.fds, 0xff, sizeof(attempt.fds));
	unlinkat(job->dir->fd, SAVE_MAP_NAME, 0);
	err = open_files(&attempt);
	if (err)
		return err;
	note_available(shared);
	err = process_run_watched(child, &attempt, job->end_ms, count > 1 ? &watch : NULL, &result);
	if (!err && shared->is_failed)
		err = error_new(shared->code, "%s", shared->text);
	else if (!err && result.status == 128 + SIGBUS)
		err = error_new(ERROR_FAULT, "%s cannot be read everywhere where it is mapped (signal %d)", job->vmcore,
		                SIGBUS);
	else if (!err && result.status > 128)
		err = error_new(ERROR_BAD_DATA, "the copier was killed by signal %d", result.status - 128);
	else if (!err && result.status != EXIT_OK)
		err = error_new(ERROR_OS, "the copier ended with status %d", result.status);
	log_print(job->log, "memory: copier %" PRIu64 " KiB at most, %" PRIu64 " MiB available at least",
	          result.peak_bytes / 1024, shared->least_available_bytes / MIB);
	tell_taken(job, shared);
	return err;
}

// count: of files. A page that cannot be read ends who has it mapped; for who reads it is only missing.
static struct error *run_rung(const struct save_job *job, const struct rung *rung, size_t count, struct shared *shared)
{
	struct error *err = run_once(job, rung, count, false, shared);

	if (!err || err->code != ERROR_FAULT || shared->is_failed || rung->is_raw)
		return err;
	log_print(job->log, "copying failed: %s; once more: read, not mapped, which is slower", err->text);
	error_free(err);
	return run_once(job, rung, count, true, shared);
}

// The first ones of the files of a dump.
static void remove_files(const struct save_job *job, size_t some, size_t count)
{
	for (size_t i = 0; i < some; i++) {
		char name[SAVE_PART_NAME_BYTES];

		file_name(job, i, count, name);
		if (unlinkat(part_dir(job, i)->fd, name, 0) == 0)
			log_print(job->log, "the part of %s that was written is removed", name);
	}
}

// The rung that may have better luck; their number: none. But for the one that stands in for ELF, each needs more room, and more
// of the network, than the one before.
static size_t next_rung(const struct save_job *job, size_t rung, const struct error *err)
{
	if (!rung && (err->code == ERROR_NOSPC || err->code == ERROR_NOMEM) && job->plan->format == PLAN_FORMAT_ELF)
		return 1;
	if (err->code == ERROR_NOSPC || err->code == ERROR_TIMEOUT)
		return array_size(rungs);
	return rung ? rung + 1 : 2;
}

// A disk that fails, or is full, is no reason to lose the dump that the first one may have room for.
static struct error *save_split(const struct save_job *job, struct shared *shared)
{
	size_t count = 1 + job->more_dir_count;
	struct error *err;

	log_print(job->log, "the dump is split over %zu targets", count);
	err = run_rung(job, &rungs[0], count, shared);
	// What there is when the time is over is kept; a disk that hangs would hang here too.
	if (err && err->code != ERROR_TIMEOUT)
		remove_files(job, shared->is_failed ? count : 1, count);
	return err;
}

static struct error *climb(const struct save_job *job, struct shared *shared, struct save_result *ret)
{
	size_t first = job->plan->format == PLAN_FORMAT_RAW ? array_size(rungs) - 1 : 0, next;
	_cleanup_error_ struct error *cause = NULL;

	if (job->more_dir_count) {
		struct error *err = save_split(job, shared);

		ret->contents = err ? NULL : rungs[0].text;
		ret->part_count = 1 + job->more_dir_count;
		if (!err || err->code == ERROR_TIMEOUT)
			return err;
		ret->part_count = 1;
		log_print(job->log, "copying failed: %s; trying again: on the first target alone", err->text);
		error_free(err);
	}
	for (size_t i = first; i < array_size(rungs); i = next) {
		struct error *err = run_rung(job, &rungs[i], 1, shared);
		bool is_lost = err && err->code == ERROR_OS && shared->is_server_lost;

		// The network may have failed for a moment; more to send is no remedy.
		if (is_lost) {
			log_print(job->log, "copying failed: %s; once more", err->text);
			error_free(err);
			err = run_rung(job, &rungs[i], 1, shared);
		}
		if (!err) {
			ret->contents = i == first ? rungs[0].text : rungs[i].text;
			memcpy(ret->hash, shared->hash, sizeof(ret->hash));
			return NULL;
		}
		log_print(job->log, "copying failed: %s", err->text);
		// What came first is why the rest had to be tried, and often why that failed too.
		next = is_lost ? array_size(rungs) : next_rung(job, i, err);
		if (next == array_size(rungs))
			return cause ? error_wrap(err, "%s; and then", cause->text) : err;
		if (cause)
			error_free(err);
		else
			cause = err;
		log_print(job->log, "trying again: %s", rungs[next].text);
	}
	return NULL;
}

// Room that the copier cannot take, for the log and what seals the directory. None is there on file systems that cannot
// allocate; then it may be missing on a full disk.
static void reserve_room(const struct save_job *job)
{
	_cleanup_close_ int fd = -1;
	struct error *err = dumpdir_open(job->dir, RESERVE_NAME, O_RDWR, &fd);

	if (!err && fallocate(fd, 0, 0, RESERVE_BYTES) < 0)
		err = error_os(errno, "allocate %d bytes", RESERVE_BYTES);
	if (err)
		log_print(job->log, "no room is kept for the log: %s", err->text);
	error_free(err);
}

static struct error *remove_remote(const struct save_job *job, const char *name)
{
	_cleanup_(remote_closep) struct remote *remote = NULL;
	char path[REMOTE_PATH_BYTES];
	struct error *err = remote_open(job->place, job->log, &remote);

	snprintf(path, sizeof(path), "%s/%s", job->place_path, name);
	return err ? err : remote_remove(remote, path);
}

static struct error *remove_raw(const struct save_job *job, const char *name)
{
	_cleanup_partition_ struct partition partition = {0};
	_cleanup_close_ int fd = -1;
	struct partition_record record;
	struct error *err = open_partition(job, &fd, &partition, &record);

	return err ? err : partition_remove(&partition, &record, name);
}

static void remove_part(const struct save_job *job)
{
	const char *name = save_name(job->plan, job->place);
	struct error *err;

	unlinkat(job->dir->fd, SAVE_MAP_NAME, 0);
	if (!job->place) {
		remove_files(job, 1, 1);
		return;
	}
	err = is_raw(job) ? remove_raw(job, name) : remove_remote(job, name);
	if (err)
		log_print(job->log, "the part of %s that was written is not removed: %s", name, err->text);
	error_free(err);
}

struct error *save_run(const struct save_job *job, struct save_result *ret)
{
	void *memory = NULL;
	struct error *err = process_share(sizeof(struct shared), &memory);
	const struct shared *shared = memory;

	*ret = (struct save_result){.part_count = 1};
	if (!err) {
		if (!job->place)
			reserve_room(job);
		err = climb(job, memory, ret);
		unlinkat(job->dir->fd, RESERVE_NAME, 0);
	}
	if (!err || err->code == ERROR_TIMEOUT)
		return err;
	if (shared && shared->is_partial)
		log_print(job->log, "%s holds what could be written, marked incomplete",
		          save_name(job->plan, job->place));
	else
		remove_part(job);
	return err;
}
