// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy.h"

#include <stdio.h>

#include "base/clock.h"
#include "dump/copy_job.h"

static void finish_stats(struct copy *copy)
{
	struct copy_stats *stats = copy->stats;

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
	if (copy->options->pagemap && pagemap_error(copy->options->pagemap))
		stats->warnings |= COPY_WARN_NO_PAGEMAP;
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
		snprintf(stats_ret->note, sizeof(stats_ret->note), "%.*s", (int)sizeof(stats_ret->note) - 1,
		         unknown->text);
	}
	if (options->pagemap)
		pagemap_start(options->pagemap, core, options->dump_level);
	pthread_mutex_init(&copy.progress_lock, NULL);
	if (options->is_unused_dropped && copy.max_pfn > COPY_WINDOW_PAGES)
		err = copy_find_unused(&copy);
	if (!err)
		err = copy_format_run(&copy);
	if (options->pagemap && !err)
		pagemap_finish(options->pagemap, options->is_dry_run ? FMT_PAGEMAP_DRY_RUN : FMT_PAGEMAP_COMPLETE);
	pthread_mutex_destroy(&copy.progress_lock);
	finish_stats(&copy);
	unused_deinit(&copy.unused);
	scan_deinit(&copy.scan);
	return err;
}

uint64_t copy_memory_bytes(const struct copy_options *options, uint64_t max_pfn)
{
	// Readers of a thread while it scans; their windows are mapped, and read into memory only where mmap fails.
	uint64_t reader_bytes = (256 << 10) + VMREADER_TABLE_SLOTS * VMREADER_WINDOW_TABLE_BYTES;
	uint64_t window = max_pfn < COPY_WINDOW_PAGES ? max_pfn : COPY_WINDOW_PAGES;
	uint64_t map_bytes = options->pagemap ? options->thread_count * FMT_PAGEMAP_BLOCK_BYTES : 0;

	return window / 8 * (options->format == COPY_ELF ? 2 : 1) + options->thread_count * reader_bytes +
	       copy_kdump_memory_bytes(options, max_pfn) + map_bytes +
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
	}
	return "unknown warning";
}
