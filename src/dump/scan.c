// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/workers.h"

enum {
	// Blocks from this size on have their first struct pages on different pages.
	FAR_PAGES = 128,
	// Largest struct page that is looked at alone; they have 56 to 80 bytes.
	PEEK_BYTES = 256,
};

// One job: a part of the window that no other job touches, and what one thread needs for it.
struct scan_job {
	const struct scan *scan;
	uint64_t *set; // Of the window.
	uint64_t base_pfn; // Of bit 0 of the set.
	uint64_t pfn_end; // Of the job.
	uint64_t block_end; // Of the compound page that is being walked …
	enum page_class block_class; // … and its class, which its tails have too.
	struct scan_result result;
	struct vmreader pages; // struct pages
	struct vmreader tables; // page tables and sections
	struct pagemap_block *map; // NULL: not wanted.
	struct pagemap_block map_memory;
};

struct scan_window {
	const struct scan *scan;
	uint64_t pfn_start;
	uint64_t pfn_end;
	uint64_t *set;
	struct scan_result *results; // One for each job.
};

struct error *scan_init(struct scan *ret, const struct vmcore *core, unsigned int dump_level, unsigned int thread_count,
                        struct error **unknown_ret)
{
	_cleanup_vmreader_ struct vmreader reader = {0};
	struct error *err;

	// The memory map keeps the address of the page tables beside it, so both are made in their final place.
	*ret = (struct scan){.core = core, .dump_level = dump_level, .thread_count = thread_count};
	*unknown_ret = NULL;
	vmreader_init(&reader, core, VMREADER_WINDOW_TABLE_BYTES);
	err = xlat_init(&ret->xlat, core);
	if (!err)
		err = page_layout_create(core, &ret->xlat, &reader, &ret->layout);
	if (!err)
		err = memmap_init(&ret->map, core, &ret->xlat, &reader, page_layout_bytes(ret->layout));
	if (err) {
		scan_deinit(ret);
		// Whatever keeps us from knowing the pages, a larger dump is better than none.
		if (err->code == ERROR_NOMEM || err->code == ERROR_OS)
			return err;
		*unknown_ret = err;
	}
	return NULL;
}

void scan_deinit(struct scan *scan)
{
	page_layout_destroy(scan->layout);
	scan->layout = NULL;
}

void scan_frame_set(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn_start, uint64_t pfn_end,
                    uint64_t *set)
{
	struct vmcore_frames run = {.pfn_end = pfn_start};

	memset(set, 0, bitmap_words(pfn_end - pfn_start) * sizeof(*set));
	while (run.pfn_end < pfn_end && vmcore_next_frames(core, which, run.pfn_end, &run) && run.pfn_start < pfn_end)
		bitmap_fill(set, run.pfn_start - pfn_start, (run.pfn_end < pfn_end ? run.pfn_end : pfn_end) - pfn_start,
		            true);
}

// Tells the page map of a block, if it wants to know.
static void map_block(struct scan_job *job, uint64_t pfn, uint64_t end, enum page_class class, bool is_poisoned)
{
	if (is_poisoned)
		pagemap_block_add(job->map, pfn, pfn + 1, FMT_PAGEMAP_POISONED);
	if (pfn + is_poisoned < end)
		pagemap_block_add(job->map, pfn + is_poisoned, end, pagemap_class_code(class));
}

// Counts a block, drops it if its class is dropped, and gives the next frame to look at.
static uint64_t take_view(struct scan_job *job, uint64_t pfn, struct page_view view)
{
	uint64_t end = pfn + (UINT64_C(1) << view.order);
	uint64_t first = pfn - job->base_pfn;
	bool is_dropped = filter_drops(view.class, job->scan->dump_level);
	bool is_inside = view.is_tail && pfn < job->block_end;

	if (end > job->pfn_end)
		end = job->pfn_end;
	// The tails of a compound page that is kept are looked at one by one: any of them may be broken memory. Each is
	// counted then: in damaged memory there may be something else, which counts for itself.
	if (view.is_compound && !is_dropped) {
		job->block_end = end;
		job->block_class = view.class;
		end = pfn + 1;
	}
	if (is_inside)
		view.class = job->block_class;
	job->result.counts.classes[view.class] += bitmap_count(job->set, first, end - job->base_pfn);
	if (job->map)
		map_block(job, pfn, end, view.class, view.is_poisoned && !is_dropped);
	if (is_dropped) {
		bitmap_fill(job->set, first, end - job->base_pfn, false);
		return end;
	}
	if (view.is_poisoned && bitmap_test(job->set, first)) {
		job->result.counts.poisoned++;
		bitmap_fill(job->set, first, first + 1, false);
	}
	return end;
}

// Tells the page map of pages of a word, from bit start to end.
static void map_word(struct scan_job *job, uint64_t pfn, const struct page_word *word, unsigned int start,
                     unsigned int end)
{
	while (start < end) {
		enum page_class class;
		unsigned int stop = page_word_run(word, start, end, &class);

		if (class == PAGE_CLASS_COUNT && pfn + start < job->block_end) {
			class = job->block_class;
			stop = pfn + stop < job->block_end ? stop : (unsigned int)(job->block_end - pfn);
		} else if (class == PAGE_CLASS_COUNT) {
			class = PAGE_KERNEL;
		}
		pagemap_block_add(job->map, pfn + start, pfn + stop, pagemap_class_code(class));
		start = stop;
	}
}

// Counts tails of compound pages that are kept.
static void count_tails(struct scan_job *job, uint64_t pfn, uint64_t tails)
{
	uint64_t in_block = job->block_end > pfn ? job->block_end - pfn : 0;
	uint64_t inside = tails & bitmap_mask(0, in_block < PAGE_WORD_PAGES ? (unsigned int)in_block : PAGE_WORD_PAGES);

	job->result.counts.classes[job->block_class] += bitmap_weight(inside);
	job->result.counts.classes[PAGE_KERNEL] += bitmap_weight(tails & ~inside);
}

// Counts pages of a word, from bit start to end, and drops those whose class is dropped.
static void take_bits(struct scan_job *job, uint64_t pfn, const struct page_word *word, unsigned int start,
                      unsigned int end)
{
	uint64_t first = pfn - job->base_pfn, *set = &job->set[first / 64], dropped = 0;
	uint64_t wanted = *set >> first % 64 & bitmap_mask(start, end);

	if (word->tails & wanted)
		count_tails(job, pfn, word->tails & wanted);
	for (size_t i = 0; i < PAGE_CLASS_COUNT; i++) {
		uint64_t bits = word->classes[i] & wanted;

		job->result.counts.classes[i] += bitmap_weight(bits);
		if (filter_drops((enum page_class)i, job->scan->dump_level))
			dropped |= bits;
	}
	*set &= ~(dropped << first % 64);
	if (job->map)
		map_word(job, pfn, word, start, end);
}

// Takes the pages up to the end of a word of the set; more, if there is a block that reaches beyond it.
static uint64_t take_word(struct scan_job *job, uint64_t pfn, const uint8_t *page, uint64_t left)
{
	const struct page_layout *layout = job->scan->layout;
	unsigned int count = PAGE_WORD_PAGES - (pfn - job->base_pfn) % PAGE_WORD_PAGES, at = 0;
	struct page_word word;

	count = left < count ? (unsigned int)left : count;
	page_word(layout, page, count, &word);
	while (at < count) {
		unsigned int stop = (unsigned int)bitmap_find(&word.views, at, count, true);
		uint64_t next = pfn + count;

		take_bits(job, pfn, &word, at, stop);
		if (stop < count) {
			const uint8_t *there = page + stop * page_layout_bytes(layout);

			next = take_view(job, pfn + stop, page_view(layout, there, left - stop, pfn + stop));
		}
		if (next >= pfn + count)
			return next;
		at = (unsigned int)(next - pfn);
	}
	return pfn + count;
}

// Takes as many pages as one look tells of; is_far_ret: a large free block, behind which there often is another.
static uint64_t take_next(struct scan_job *job, uint64_t pfn, const uint8_t *page, uint64_t left, bool *is_far_ret)
{
	struct page_view view = page_view(job->scan->layout, page, left, pfn);

	*is_far_ret = view.class == PAGE_FREE && UINT64_C(1) << view.order >= FAR_PAGES;
	return UINT64_C(1) << view.order >= PAGE_WORD_PAGES ? take_view(job, pfn, view)
	                                                    : take_word(job, pfn, page, left);
}

static void keep_unknown(struct scan_job *job, uint64_t pfn, uint64_t pfn_end)
{
	uint64_t end = pfn_end < job->pfn_end ? pfn_end : job->pfn_end;
	uint64_t count = bitmap_count(job->set, pfn - job->base_pfn, end - job->base_pfn);

	job->result.unclassified += count;
	job->result.counts.classes[PAGE_KERNEL] += count;
	if (job->map && pfn < end)
		pagemap_block_add(job->map, pfn, end, FMT_PAGEMAP_UNKNOWN);
}

// A struct page whose neighbour cannot be read where it lies: both are copied together.
static struct error *view_across(struct scan_job *job, uint64_t page_vaddr, uint64_t pfn, struct page_view *ret)
{
	uint64_t bytes = page_layout_bytes(job->scan->layout);
	_cleanup_free_ uint8_t *pair = calloc(2, bytes);
	struct error *err;

	if (!pair)
		return error_new(ERROR_NOMEM, "no memory for a struct page");
	err = xlat_read(&job->scan->xlat, &job->tables, page_vaddr, pair, bytes);
	if (err)
		return err;
	err = xlat_read(&job->scan->xlat, &job->tables, page_vaddr + bytes, pair + bytes, bytes);
	*ret = page_view(job->scan->layout, pair, err ? 1 : 2, pfn);
	error_free(err);
	return NULL;
}

// Large free blocks often follow one another; of each only the first struct page matters, pages away from the last one.
static uint64_t skip_free(struct scan_job *job, uint64_t pfn, uint64_t pfn_end, uint64_t page_paddr)
{
	uint64_t bytes = page_layout_bytes(job->scan->layout);
	uint8_t page[PEEK_BYTES];

	while (pfn < pfn_end && bytes <= sizeof(page) && vmreader_peek(&job->pages, page_paddr, page, bytes)) {
		struct page_view view = page_view(job->scan->layout, page, 1, pfn);
		uint64_t next;

		if (view.class != PAGE_FREE || UINT64_C(1) << view.order < FAR_PAGES)
			break;
		next = take_view(job, pfn, view);
		page_paddr += (next - pfn) * bytes;
		pfn = next;
	}
	return pfn;
}

// Classifies the struct pages that lie together in physical memory from the one of *pfn on; at least one.
static struct error *scan_piece(struct scan_job *job, const struct memmap_run *run, uint64_t *pfn)
{
	uint64_t bytes = page_layout_bytes(job->scan->layout);
	uint64_t vaddr = run->page_vaddr + (*pfn - run->pfn_start) * bytes;
	uint64_t end = run->pfn_end < job->pfn_end ? run->pfn_end : job->pfn_end;
	uint64_t paddr, there, first = *pfn;
	struct page_view view;
	const uint8_t *pages;
	struct error *err;
	size_t got;

	err = xlat_translate(&job->scan->xlat, &job->tables, vaddr, &paddr, &there);
	if (err)
		return err;
	if (there > (end - first) * bytes)
		there = (end - first) * bytes;
	err = vmreader_map(&job->pages, paddr, there, &pages, &got);
	if (err)
		return err;
	there = (got < there ? got : there) / bytes;
	// A block that starts at the last one needs its neighbour; where struct pages fill pages evenly that is one that
	// starts no block.
	if (there && there < end - first && (first + there) % 2)
		there--;
	if (!there) {
		err = view_across(job, vaddr, first, &view);
		if (!err)
			*pfn = take_view(job, first, view);
		return err;
	}
	while (*pfn < first + there) {
		bool is_far;

		*pfn = take_next(job, *pfn, pages + (*pfn - first) * bytes, first + there - *pfn, &is_far);
		if (is_far)
			*pfn = skip_free(job, *pfn, first + there, paddr + (*pfn - first) * bytes);
	}
	return NULL;
}

// A page of struct pages that is not there describes memory that we cannot know: it is kept.
static struct error *skip_unreadable(struct scan_job *job, struct error *err, const struct memmap_run *run,
                                     uint64_t *pfn)
{
	uint64_t per_page = vmcore_page_bytes(job->scan->core) / page_layout_bytes(job->scan->layout);
	uint64_t next = *pfn + (per_page ? per_page : 1);

	if (!error_catch(&err, ERROR_FAULT) && !error_catch(&err, ERROR_BAD_DATA))
		return err;
	next -= per_page ? (next - run->pfn_start) % per_page : 0;
	next = next < run->pfn_end ? next : run->pfn_end;
	keep_unknown(job, *pfn, next);
	*pfn = next;
	return NULL;
}

static struct error *scan_run(struct scan_job *job, const struct memmap_run *run, uint64_t *pfn)
{
	uint64_t end = run->pfn_end < job->pfn_end ? run->pfn_end : job->pfn_end;
	struct error *err = NULL;

	while (!err && *pfn < end) {
		// Frames that are not in the dump, or were dropped with the head of their block, need no look.
		*pfn = job->base_pfn + bitmap_find(job->set, *pfn - job->base_pfn, end - job->base_pfn, true);
		if (*pfn >= end)
			break;
		err = scan_piece(job, run, pfn);
		if (err)
			err = skip_unreadable(job, err, run, pfn);
	}
	return err;
}

static struct error *scan_frames(struct scan_job *job, uint64_t pfn)
{
	struct error *err = NULL;

	while (!err && pfn < job->pfn_end) {
		struct memmap_run run = {0};
		uint64_t next;

		// Holes between the regions of memory may be large, and there is nothing to know about them.
		pfn = job->base_pfn + bitmap_find(job->set, pfn - job->base_pfn, job->pfn_end - job->base_pfn, true);
		if (pfn >= job->pfn_end)
			break;
		err = memmap_next(&job->scan->map, &job->tables, pfn, job->pfn_end, &run, &next);
		if (error_catch(&err, ERROR_FAULT) || error_catch(&err, ERROR_BAD_DATA)) {
			keep_unknown(job, pfn, next);
			pfn = next > pfn ? next : pfn + 1;
			continue;
		}
		if (err)
			break;
		// Memory without struct pages: not under the kernel's management, so nothing is known of it.
		if (run.pfn_start == run.pfn_end)
			run.pfn_start = run.pfn_end = job->pfn_end;
		if (run.pfn_start > pfn)
			keep_unknown(job, pfn, run.pfn_start);
		pfn = run.pfn_start > pfn ? run.pfn_start : pfn;
		err = scan_run(job, &run, &pfn);
	}
	return err;
}

// Nothing is known of the kernel's pages.
static void keep_all(struct scan_job *job, uint64_t pfn)
{
	job->result.counts.classes[PAGE_KERNEL] = job->result.counts.total;
	if (job->map)
		pagemap_block_add(job->map, pfn, job->pfn_end, FMT_PAGEMAP_UNKNOWN);
}

static void add_result(struct scan_result *sum, const struct scan_result *part)
{
	for (size_t i = 0; i < PAGE_CLASS_COUNT; i++)
		sum->counts.classes[i] += part->counts.classes[i];
	sum->counts.poisoned += part->counts.poisoned;
	sum->counts.unused += part->counts.unused;
	sum->counts.zero += part->counts.zero;
	sum->counts.total += part->counts.total;
	sum->counts.kept += part->counts.kept;
	sum->unclassified += part->unclassified;
}

static struct error *scan_start(void *context, unsigned int thread, void **state_ret)
{
	struct scan_window *window = context;
	struct scan_job *job = calloc(1, sizeof(*job));

	if (!job)
		return error_new(ERROR_NOMEM, "no memory for a scan");
	job->scan = window->scan;
	job->set = window->set;
	job->base_pfn = window->pfn_start;
	vmreader_init(&job->pages, window->scan->core, VMREADER_WINDOW_DATA_BYTES);
	vmreader_init(&job->tables, window->scan->core, VMREADER_WINDOW_TABLE_BYTES);
	if (job->scan->pagemap && pagemap_block_init(job->scan->pagemap, &job->map_memory))
		job->map = &job->map_memory;
	(void)thread;
	*state_ret = job;
	return NULL;
}

static struct error *scan_one(void *context, void *state, uint64_t index)
{
	struct scan_window *window = context;
	struct scan_job *job = state;
	uint64_t pfn = window->pfn_start + index * SCAN_JOB_PAGES;
	uint64_t first = pfn - window->pfn_start;
	struct error *err = NULL;

	job->pfn_end = pfn + SCAN_JOB_PAGES < window->pfn_end ? pfn + SCAN_JOB_PAGES : window->pfn_end;
	scan_frame_set(job->scan->core, VMCORE_FRAMES_PRESENT, pfn, job->pfn_end, window->set + first / 64);
	job->block_end = 0;
	job->result = (struct scan_result){0};
	job->result.counts.total = bitmap_count(window->set, first, job->pfn_end - window->pfn_start);
	if (job->map)
		pagemap_block_start(job->map, pfn);
	if (job->scan->layout)
		err = scan_frames(job, pfn);
	else
		keep_all(job, pfn);
	job->result.counts.kept = bitmap_count(window->set, first, job->pfn_end - window->pfn_start);
	if (job->map && !err)
		pagemap_put_block(job->scan->pagemap, job->map, job->pfn_end, job->result.counts.kept);
	window->results[index] = job->result;
	return err;
}

static struct error *scan_end(void *context, void *state, bool is_failed)
{
	struct scan_job *job = state;

	(void)context;
	(void)is_failed;
	if (job) {
		vmreader_deinit(&job->pages);
		vmreader_deinit(&job->tables);
		pagemap_block_deinit(&job->map_memory);
	}
	free(job);
	return NULL;
}

struct error *scan_window(const struct scan *scan, uint64_t pfn_start, uint64_t pfn_end, uint64_t *set,
                          struct scan_result *result)
{
	struct scan_window window = {.scan = scan, .pfn_start = pfn_start, .pfn_end = pfn_end, .set = set};
	struct workers_job job = {
		.start = scan_start,
		.run = scan_one,
		.finish = scan_end,
		.context = &window,
		.job_count = (pfn_end - pfn_start + SCAN_JOB_PAGES - 1) / SCAN_JOB_PAGES,
		.thread_count = scan->thread_count,
	};
	_cleanup_free_ struct scan_result *results = calloc(job.job_count, sizeof(*results));
	struct error *err;

	if (!results)
		return error_new(ERROR_NOMEM, "no memory for the results of a scan");
	window.results = results;
	err = workers_run(&job);
	for (uint64_t i = 0; i < job.job_count; i++)
		add_result(result, &results[i]);
	return err;
}
