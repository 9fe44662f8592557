// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy.h"

#include <stdio.h>

#include "base/clock.h"
#include "dump/copy_job.h"

static void finish_stats(struct copy *copy)
{
	struct copy_stats *stats = copy->stats;

	stats->dump_level = copy->dump_level;
	stats->is_unused_dropped = copy->is_unused_dropped;
	stats->counts.zero = atomic_load(&copy->pages_zero);
	stats->pages_unreadable = atomic_load(&copy->pages_unreadable);
	stats->bytes_written = atomic_load(&copy->bytes_written);
	stats->elapsed_ms = clock_now_ms() - copy->start_ms;
	if (stats->pages_unreadable)
		stats->warnings |= COPY_WARN_UNREADABLE;
	if (copy->core->missing_bytes)
		stats->warnings |= COPY_WARN_TRUNCATED;
	if (copy->core->is_incomplete)
		stats->warnings |= COPY_WARN_INCOMPLETE;
	if (copy->core->filled_bytes)
		stats->warnings |= COPY_WARN_FILLED;
	if (copy->options->pagemap && pagemap_error(copy->options->pagemap))
		stats->warnings |= COPY_WARN_NO_PAGEMAP;
}

// At a level that drops nothing but zeros, and where no page is known, all memory of processes is in the dump.
static struct error *find_processes(struct copy *copy)
{
	if (!copy->options->keep_names || !copy->scan.layout ||
	    !(copy->options->dump_level & ~(unsigned int)FILTER_ZERO))
		return NULL;
	return keep_init(&copy->keep, &copy->scan, copy->options->keep_names);
}

static void note_text(char note[static COPY_NOTE_BYTES], const char *text)
{
	snprintf(note, COPY_NOTE_BYTES, "%.*s", COPY_NOTE_BYTES - 1, text);
}

static void note_processes(struct copy *copy)
{
	const struct keep *keep = &copy->keep;
	struct copy_stats *stats = copy->stats;

	if (keep->unknown)
		stats->warnings |= COPY_WARN_NO_TASKS;
	if (keep->damage)
		stats->warnings |= COPY_WARN_BAD_PROCESS;
	if (keep->missing[0])
		stats->warnings |= COPY_WARN_NO_PROCESS;
	note_text(stats->missing, keep->missing);
	if (keep->unknown || keep->damage)
		note_text(stats->keep_note, (keep->unknown ? keep->unknown : keep->damage)->text);
}

static struct error *copy_format_run(struct copy *copy)
{
	switch (copy->options->format) {
	case COPY_KDUMP:
		return copy_kdump_run(copy);
	case COPY_ELF:
		return copy_elf_run(copy);
	}
	return error_new(ERROR_UNSUPPORTED, "unknown output format");
}

struct error *copy_run(const struct vmcore *core, const struct copy_options *options, struct sink *sink,
                       struct copy_stats *stats_ret)
{
	_cleanup_error_ struct error *unknown = NULL;
	struct copy copy = {
		.core = core,
		.options = options,
		.sink = sink,
		.stats = stats_ret,
		.dump_level = options->dump_level,
		.is_unused_dropped = options->is_unused_dropped,
		.max_pfn = vmcore_max_pfn(core),
		.page_bytes = vmcore_page_bytes(core),
		.start_ms = clock_now_ms(),
	};
	struct error *err;

	*stats_ret = (struct copy_stats){0};
	copy.next_report_ms = copy.start_ms + options->progress_interval_ms;
	err = scan_init(&copy.scan, core, options->dump_level, options->thread_count, &unknown);
	if (err)
		return err;
	if (unknown) {
		stats_ret->warnings |= COPY_WARN_NO_FILTER;
		note_text(stats_ret->note, unknown->text);
	}
	if (options->pagemap)
		pagemap_start(options->pagemap, core, options->dump_level);
	pthread_mutex_init(&copy.progress_lock, NULL);
	err = find_processes(&copy);
	if (!err && options->is_unused_dropped && copy.max_pfn > COPY_WINDOW_PAGES)
		err = copy_find_unused(&copy);
	if (!err)
		err = copy_format_run(&copy);
	if (options->pagemap && !err)
		pagemap_finish(options->pagemap, options->is_dry_run ? FMT_PAGEMAP_DRY_RUN : FMT_PAGEMAP_COMPLETE);
	pthread_mutex_destroy(&copy.progress_lock);
	note_processes(&copy);
	finish_stats(&copy);
	unused_deinit(&copy.unused);
	keep_deinit(&copy.keep);
	scan_deinit(&copy.scan);
	return err;
}

uint64_t copy_memory_bytes(const struct copy_options *options, uint64_t max_pfn)
{
	// Readers of a thread while it scans; their windows are mapped, and read into memory only where mmap fails.
	uint64_t reader_bytes = (64 << 10) + VMREADER_TABLE_SLOTS * VMREADER_WINDOW_TABLE_BYTES;
	uint64_t window = max_pfn < COPY_WINDOW_PAGES ? max_pfn : COPY_WINDOW_PAGES;
	uint64_t map_bytes = options->pagemap ? options->thread_count * FMT_PAGEMAP_BLOCK_BYTES : 0;
	uint64_t elf_bytes = options->format == COPY_ELF ? window / 8 + options->segments_bytes : 0;
	uint64_t keep_bytes = options->keep_names ? KEEP_PROCESSES_MAX * sizeof(struct keep_process) : 0;

	return window / 8 + elf_bytes + options->thread_count * reader_bytes +
	       copy_kdump_memory_bytes(options, max_pfn) + map_bytes + keep_bytes +
	       (options->is_unused_dropped ? UNUSED_RUNS_MAX * sizeof(struct vmcore_frames) : 0);
}

const char *copy_warning_text(enum copy_warning warning)
{
	switch (warning) {
	case COPY_WARN_NO_FILTER:
		return "the kernel's page layout is unknown, so nothing was filtered out";
	case COPY_WARN_NO_FREE:
		return "no free page was found: this kernel marks free pages in an unknown way, the dump is larger "
		       "than it need be";
	case COPY_WARN_UNREADABLE:
		return "some pages could not be read and are missing from the dump";
	case COPY_WARN_BAD_MEMMAP:
		return "some struct pages could not be read; the pages they describe were kept";
	case COPY_WARN_TRUNCATED:
		return "the input ends before the memory that its headers announce";
	case COPY_WARN_INCOMPLETE:
		return "the input is itself a copy from which pages are missing";
	case COPY_WARN_NO_PAGEMAP:
		return "the page map could not be written, the dump is not affected";
	case COPY_WARN_DENSER:
		return "the target is too small for what was asked for, so more was left out";
	case COPY_WARN_NO_TASKS:
		return "the processes of the crashed kernel cannot be found, so none is kept by its name";
	case COPY_WARN_NO_PROCESS:
		return "to be kept, but there is no process with memory of that name";
	case COPY_WARN_BAD_PROCESS:
		return "memory of processes that are to be kept may be missing";
	case COPY_WARN_NO_USER:
		return "no page of a process was found: this kernel marks them in an unknown way, the dump is larger "
		       "than it need be";
	case COPY_WARN_NO_CACHE:
		return "no page of the page cache was found: this kernel marks them in an unknown way, the dump is "
		       "larger than it need be";
	case COPY_WARN_NO_KERNEL:
		return "no page of the kernel was found: the dump lacks what is needed to read it";
	case COPY_WARN_FILLED:
		return "the input is a filtered ELF file, in which pages that were left out cannot be told from pages "
		       "of zeros: what is kept of them is zeros";
	case COPY_WARN_KEPT:
		return "the dump is unusually large: what is kept are pages of the kernel, or such as are not "
		       "recognised";
	}
	return "unknown warning";
}

// What a warning is about; "": there is no more to say.
static const char *warning_note(const struct copy_stats *stats, enum copy_warning warning)
{
	switch (warning) {
	case COPY_WARN_NO_FILTER:
		return stats->note;
	case COPY_WARN_NO_PROCESS:
		return stats->missing;
	case COPY_WARN_NO_TASKS:
	case COPY_WARN_BAD_PROCESS:
		return stats->keep_note;
	default:
		return "";
	}
}

const char *copy_warning_name(enum copy_warning warning)
{
	switch (warning) {
	case COPY_WARN_NO_FILTER:
		return "no-filter";
	case COPY_WARN_NO_FREE:
		return "no-free-pages";
	case COPY_WARN_UNREADABLE:
		return "unreadable";
	case COPY_WARN_BAD_MEMMAP:
		return "bad-memmap";
	case COPY_WARN_TRUNCATED:
		return "truncated-input";
	case COPY_WARN_INCOMPLETE:
		return "incomplete-input";
	case COPY_WARN_NO_PAGEMAP:
		return "no-pagemap";
	case COPY_WARN_DENSER:
		return "denser-level";
	case COPY_WARN_NO_TASKS:
		return "no-tasks";
	case COPY_WARN_NO_PROCESS:
		return "no-process";
	case COPY_WARN_BAD_PROCESS:
		return "bad-process";
	case COPY_WARN_NO_USER:
		return "no-user-pages";
	case COPY_WARN_NO_CACHE:
		return "no-cache-pages";
	case COPY_WARN_NO_KERNEL:
		return "no-kernel-pages";
	case COPY_WARN_FILLED:
		return "filtered-elf-input";
	case COPY_WARN_KEPT:
		return "much-kept";
	}
	return "unknown";
}

unsigned int copy_warning_next(const struct copy_stats *stats, unsigned int after)
{
	unsigned int left = after ? stats->warnings & ~(after | (after - 1)) : stats->warnings;

	return left & -left;
}

void copy_warning_describe(const struct copy_stats *stats, enum copy_warning warning, char *buf, size_t room_bytes)
{
	const char *text = copy_warning_text(warning), *note = warning_note(stats, warning);

	if (*note)
		snprintf(buf, room_bytes, "%s: %s", text, note);
	else if (warning == COPY_WARN_UNREADABLE)
		snprintf(buf, room_bytes, "%s: %ju pages", text, (uintmax_t)stats->pages_unreadable);
	else if (warning == COPY_WARN_BAD_MEMMAP)
		snprintf(buf, room_bytes, "%s: %ju pages", text, (uintmax_t)stats->pages_unclassified);
	else if (warning == COPY_WARN_DENSER)
		snprintf(buf, room_bytes, "%s: dump level %u%s", text, stats->dump_level,
		         stats->is_unused_dropped ? ", and struct pages of what is left out" : "");
	else if (warning == COPY_WARN_KEPT)
		snprintf(buf, room_bytes, "%s: %ju of %ju pages", text, (uintmax_t)stats->counts.kept,
		         (uintmax_t)stats->counts.total);
	else
		snprintf(buf, room_bytes, "%s", text);
}
