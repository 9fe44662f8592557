// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy_job.h"

#include <assert.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/clock.h"
#include "base/endian.h"

static_assert((int)COPY_WINDOW_PAGES == (int)PAGEMAP_WINDOW_FRAMES, "the page map works in the same windows");
static_assert((int)SCAN_JOB_PAGES == (int)FMT_PAGEMAP_BLOCK_FRAMES, "a job of the scan is a block of the page map");

struct error *copy_writev(struct copy *copy, struct sink *sink, uint64_t offset_bytes, const struct iovec *parts,
                          size_t count, uint64_t size_bytes)
{
	struct error *err = sink_writev(sink, offset_bytes, parts, count);

	if (!err)
		atomic_fetch_add_explicit(&copy->bytes_written, size_bytes, memory_order_relaxed);
	return err;
}

struct error *copy_write(struct copy *copy, struct sink *sink, uint64_t offset_bytes, const void *buf,
                         size_t size_bytes)
{
	struct iovec part = {.iov_base = (void *)buf, .iov_len = size_bytes};

	return copy_writev(copy, sink, offset_bytes, &part, 1, size_bytes);
}

// A page at the border of a region may be in the dump in part: what is there is put where it belongs.
static struct error *assemble_page(const struct copy *copy, struct vmreader *reader, uint64_t paddr, uint8_t *bounce)
{
	uint64_t end = paddr + copy->page_bytes, at = paddr;
	bool has_any = false;

	memset(bounce, 0, copy->page_bytes);
	while (at < end) {
		const struct vmcore_region *region = vmcore_region_from(copy->core, at);
		uint64_t stop;
		struct error *err;

		if (!region || region->paddr_start >= end)
			break;
		at = at > region->paddr_start ? at : region->paddr_start;
		stop = region->paddr_end < end ? region->paddr_end : end;
		err = vmreader_read(reader, at, bounce + (at - paddr), stop - at);
		if (err)
			return err;
		has_any = true;
		at = stop;
	}
	return has_any ? NULL : error_new(ERROR_FAULT, "physical address %#jx is not in the dump", (uintmax_t)paddr);
}

struct error *copy_page(struct copy *copy, struct vmreader *reader, uint64_t pfn, uint8_t *bounce, const uint8_t **ret)
{
	uint64_t paddr = pfn << vmcore_page_shift(copy->core);
	const uint8_t *page;
	size_t got = 0;
	struct error *err = vmreader_map(reader, paddr, copy->page_bytes, &page, &got);

	if (!err && got >= copy->page_bytes) {
		*ret = page;
		return NULL;
	}
	// What is missing from this program must not look like what is missing from the dump.
	if (err && (err->code == ERROR_NOMEM || err->code == ERROR_UNSUPPORTED))
		return err;
	error_free(err);
	err = assemble_page(copy, reader, paddr, bounce);
	if (err) {
		atomic_fetch_add_explicit(&copy->pages_unreadable, 1, memory_order_relaxed);
		if (err->code != ERROR_NOMEM)
			err->code = ERROR_FAULT;
		return err;
	}
	*ret = bounce;
	return NULL;
}

uint64_t copy_look(const struct copy *copy, struct vmreader *reader, uint64_t pfn, uint64_t count, const uint8_t **ret)
{
	size_t got = 0;
	struct error *err = vmreader_map(reader, pfn * copy->page_bytes, copy->page_bytes, ret, &got);

	// Who asks for the page itself learns why.
	if (err) {
		error_free(err);
		return 0;
	}
	got /= copy->page_bytes;
	return got < count ? got : count;
}

struct error *copy_check_time(const struct copy *copy)
{
	if (copy->options->deadline_ms && clock_now_ms() >= copy->options->deadline_ms)
		return error_new(ERROR_TIMEOUT, "the time is up");
	return NULL;
}

bool copy_is_complete(const struct copy *copy)
{
	return !atomic_load(&copy->pages_unreadable) && !copy->core->missing_bytes && !copy->core->is_incomplete;
}

enum {
	ZERO_BLOCK_BYTES = 256,
	CACHE_LINE_BYTES = 64,
	// A CPU's own prefetcher stops at the end of a page: pages of zeros take a fifth less time if the next one is on its way.
	ZERO_AHEAD_BYTES = 4096,
};

// What every CPU has a register for.
typedef uint64_t words __attribute__((vector_size(16), aligned(1), may_alias));

static bool is_zero_block(const uint8_t *block)
{
	const words *at = (const words *)block, *end = (const words *)(block + ZERO_BLOCK_BYTES);
	words any = {0};

	for (; at < end; at += 4)
		any |= (at[0] | at[1]) | (at[2] | at[3]);
	return !(any[0] | any[1]);
}

bool copy_is_zero(const uint8_t *page, uint64_t page_bytes)
{
	uint64_t first;

	// Nearly every page of data shows it in its first line.
	memcpy(&first, page, sizeof(first));
	if (first)
		return false;
	for (uint64_t at = 0; at < page_bytes; at += ZERO_BLOCK_BYTES) {
		for (size_t line = 0; line < ZERO_BLOCK_BYTES; line += CACHE_LINE_BYTES)
			__builtin_prefetch(page + at + ZERO_AHEAD_BYTES + line, 0, 2);
		if (!is_zero_block(page + at))
			return false;
	}
	return true;
}

static void fill_progress(struct copy *copy, uint64_t now, struct copy_progress *ret)
{
	*ret = (struct copy_progress){
		.pages_done = atomic_load(&copy->pages_done),
		.pages_total = copy->pages_total,
		.bytes_written = atomic_load(&copy->bytes_written),
		.elapsed_ms = now - copy->start_ms,
	};
}

void copy_advance(struct copy *copy, uint64_t pages)
{
	struct copy_progress progress;
	uint64_t now;

	atomic_fetch_add_explicit(&copy->pages_done, pages, memory_order_relaxed);
	// Who finds the lock taken leaves the report to its holder.
	if (!copy->options->progress || pthread_mutex_trylock(&copy->progress_lock) != 0)
		return;
	now = clock_now_ms();
	if (now >= copy->next_report_ms) {
		fill_progress(copy, now, &progress);
		copy->options->progress(copy->options->progress_context, &progress);
		copy->next_report_ms = now + copy->options->progress_interval_ms;
	}
	pthread_mutex_unlock(&copy->progress_lock);
}

uint64_t copy_window_end(const struct copy *copy, uint64_t pfn_start)
{
	return copy->max_pfn - pfn_start < COPY_WINDOW_PAGES ? copy->max_pfn : pfn_start + COPY_WINDOW_PAGES;
}

uint64_t copy_window_next(const struct copy *copy, uint64_t pfn)
{
	struct vmcore_frames run;

	if (pfn >= copy->max_pfn || !vmcore_next_frames(copy->core, VMCORE_FRAMES_RAM, pfn, &run))
		return copy->max_pfn;
	pfn = run.pfn_start > pfn ? run.pfn_start : pfn;
	return pfn < copy->max_pfn ? pfn - pfn % COPY_WINDOW_PAGES : copy->max_pfn;
}

size_t copy_window_words(const struct copy *copy)
{
	return bitmap_words(copy_window_end(copy, 0));
}

size_t copy_sink_count(const struct copy *copy)
{
	return 1 + copy->options->more_sink_count;
}

struct sink *copy_sink(const struct copy *copy, size_t index)
{
	return index ? copy->options->more_sinks[index - 1] : copy->sink;
}

static struct error *scan_and_keep(struct copy *copy, uint64_t pfn, uint64_t end, uint64_t *set,
                                   struct scan_result *result)
{
	uint64_t start_us = clock_now_us();
	struct error *err = scan_window(&copy->scan, pfn, end, set, result);

	if (!err)
		err = keep_window(&copy->keep, pfn, end, set, &result->counts);
	copy->stats->filter_us += clock_now_us() - start_us;
	return err;
}

// struct pages of one window may lie in another: those of a large machine are all found before the first window is used.
struct error *copy_find_unused(struct copy *copy)
{
	_cleanup_free_ uint64_t *set = calloc(copy_window_words(copy), sizeof(*set));
	struct error *err = NULL;

	if (!set)
		return error_new(ERROR_NOMEM, "no memory for the set of pages");
	for (uint64_t pfn = copy_window_next(copy, 0), end; !err && pfn < copy->max_pfn;
	     pfn = copy_window_next(copy, end)) {
		struct scan_result result = {0};

		end = copy_window_end(copy, pfn);
		err = scan_and_keep(copy, pfn, end, set, &result);
		if (!err)
			err = unused_find(&copy->unused, &copy->scan, set, pfn, end);
	}
	return err;
}

static struct error *drop_unused(struct copy *copy, uint64_t pfn, uint64_t end, uint64_t *set,
                                 struct scan_result *result)
{
	uint64_t dropped;

	if (copy->max_pfn <= COPY_WINDOW_PAGES) {
		struct error *err = unused_find(&copy->unused, &copy->scan, set, pfn, end);

		if (err)
			return err;
	}
	dropped = unused_drop(&copy->unused, set, pfn, end);
	result->counts.unused += dropped;
	result->counts.kept -= dropped;
	return NULL;
}

struct error *copy_scan_window(struct copy *copy, uint64_t pfn_start, bool is_final, uint64_t *set,
                               struct scan_result *result)
{
	uint64_t pfn_end = copy_window_end(copy, pfn_start);
	struct pagemap *map = is_final ? copy->options->pagemap : NULL;
	struct error *err;

	copy->scan.pagemap = map;
	if (map)
		pagemap_start_window(map, pfn_start);
	err = scan_and_keep(copy, pfn_start, pfn_end, set, result);
	if (!err && copy->is_unused_dropped)
		err = drop_unused(copy, pfn_start, pfn_end, set, result);
	if (map && !err)
		pagemap_end_window(map, pfn_end, copy->is_unused_dropped || copy->options->keep_names ? set : NULL);
	return err;
}

// What the input does not have, or may not have: a filtered ELF file does not tell.
static unsigned int left_out_before(const struct vmcore *core)
{
	return core->filled_bytes ? ~0U : core->dump_level;
}

// Classes that every machine has, at levels that drop them. None at all means that the kernel marks them in a way that is new
// to us, unless somebody left them out before.
static unsigned int missing_classes(const struct copy *copy, const uint64_t *classes)
{
	const unsigned int any_cache = FILTER_CACHE | FILTER_CACHE_PRIVATE;
	unsigned int before = left_out_before(copy->core), level = copy->dump_level & ~before, warnings = 0;
	uint64_t cache = classes[PAGE_CACHE] + classes[PAGE_CACHE_PRIVATE];
	size_t size;

	if (level & FILTER_FREE && !classes[PAGE_FREE])
		warnings |= COPY_WARN_NO_FREE;
	if (!classes[PAGE_KERNEL])
		warnings |= COPY_WARN_NO_KERNEL;
	// The other two are there once a process has loaded the crash kernel, see enum copy_warning.
	if (!vmcoreinfo_find(&copy->core->info, "CRASHTIME", &size))
		return warnings;
	if (level & FILTER_USER && !classes[PAGE_USER])
		warnings |= COPY_WARN_NO_USER;
	if (level & any_cache && !(before & any_cache) && !cache)
		warnings |= COPY_WARN_NO_CACHE;
	return warnings;
}

// Whether more is kept than should be, at a level that leaves little but the kernel's own, and what was asked for by name.
static bool is_much_kept(const struct copy *copy, const struct filter_counts *counts)
{
	const unsigned int all = FILTER_FREE | FILTER_USER | FILTER_CACHE_PRIVATE;
	unsigned int percent = copy->options->warn_kept_percent;

	return percent && (copy->dump_level & all) == all && !(left_out_before(copy->core) & all) &&
	       (counts->kept - counts->named) * 100 > counts->total * percent;
}

void copy_note_scan(struct copy *copy, const struct scan_result *result)
{
	struct copy_stats *stats = copy->stats;

	stats->counts = result->counts;
	stats->pages_unclassified = result->unclassified;
	copy->pages_unused = result->counts.unused;
	copy->pages_total = result->counts.kept;
	if (result->unclassified)
		stats->warnings |= COPY_WARN_BAD_MEMMAP;
	if (copy->scan.layout && result->counts.total)
		stats->warnings |= missing_classes(copy, result->counts.classes);
	if (copy->scan.layout && is_much_kept(copy, &result->counts))
		stats->warnings |= COPY_WARN_KEPT;
}

uint32_t copy_cpu_count(const struct vmcore *core)
{
	bool is_big = core->is_big_endian;
	uint32_t count = 0;
	size_t at = 0;

	while (at + 12 <= core->notes_bytes) {
		uint64_t name_bytes = load_u32(core->notes + at, is_big);
		uint64_t desc_bytes = load_u32(core->notes + at + 4, is_big);
		uint32_t type = load_u32(core->notes + at + 8, is_big);

		if (type == 1 /* NT_PRSTATUS */ && name_bytes == 5 && at + 17 <= core->notes_bytes &&
		    memcmp(core->notes + at + 12, "CORE", 5) == 0)
			count++;
		at += 12 + ((name_bytes + 3) & ~UINT64_C(3)) + ((desc_bytes + 3) & ~UINT64_C(3));
	}
	return count ? count : 1;
}
