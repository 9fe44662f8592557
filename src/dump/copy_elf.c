// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/workers.h"
#include "dump/callers.h"
#include "dump/copy_job.h"
#include "dump/fmt_elf.h"
#include "dump/parts.h"
#include "dump/segments.h"
#include "dump/worth.h"

// Program headers that are written at once.
enum { HEAD_LOADS = 1024 };

struct elf_copy {
	struct copy *copy;
	struct copy_loads loads;
	uint64_t *set; // Frames to save, of one window.
	uint64_t *zeros; // Those of them that hold only zeros.
	struct worth_map worth;
	struct callers callers; // Without pages: all code is worth the same.
	uint8_t *block_worth; // Of that window.
	uint64_t base_pfn;
	uint64_t end_pfn;
	struct segments segments;
	uint8_t *head; // HEAD_LOADS program headers.
	size_t told_segments; // Whole ones, which program headers in the file tell of …
	size_t told_loads; // … that are so many.
	uint64_t notes_offset;
	uint64_t data_offset;
	uint64_t start_rank, end_rank; // Pages that are copied now.
	_Atomic uint64_t whole_rank; // All pages before it are in the file, once the workers are done.
};

struct elf_worker {
	struct vmreader reader;
	uint8_t *bounce; // One page.
	uint8_t *out; // COPY_BUFFER_BYTES: pages that are not written from where they lie.
	size_t out_used;
	struct parts parts; // What is to be written next, in out or in the reader's window …
	uint64_t parts_rank; // … and the rank of its first page.
	bool is_borrowing; // Some parts are in the reader's window: it must not move.
	uint8_t states[COPY_UNIT_PAGES]; // For the page map: of the pages from here on …
	uint64_t state_rank; // … in the set of the window.
	size_t state_count;
};

static void worker_destroy(struct elf_worker *worker)
{
	if (!worker)
		return;
	vmreader_deinit(&worker->reader);
	free(worker->bounce);
	free(worker->out);
	free(worker);
}

static struct error *worker_start(void *context, unsigned int thread, void **state_ret)
{
	struct elf_copy *elf = context;
	struct elf_worker *worker = calloc(1, sizeof(*worker));

	(void)thread;
	if (worker) {
		vmreader_init(&worker->reader, elf->copy->core, VMREADER_WINDOW_DATA_BYTES);
		worker->bounce = malloc(elf->copy->page_bytes);
		worker->out = aligned_alloc(SINK_ALIGN_BYTES, COPY_BUFFER_BYTES);
	}
	if (!worker || !worker->bounce || !worker->out) {
		worker_destroy(worker);
		return error_new(ERROR_NOMEM, "no memory for a worker");
	}
	*state_ret = worker;
	return NULL;
}

static struct error *worker_end(void *context, void *state, bool is_failed)
{
	(void)context;
	(void)is_failed;
	worker_destroy(state);
	return NULL;
}

static void flush_states(const struct elf_copy *elf, struct elf_worker *worker)
{
	if (worker->state_count)
		pagemap_note(elf->copy->options->pagemap, worker->state_rank, worker->states, worker->state_count);
	worker->state_rank += worker->state_count;
	worker->state_count = 0;
}

static void note_page(const struct elf_copy *elf, struct elf_worker *worker, enum fmt_pagemap_state state)
{
	if (!elf->copy->options->pagemap)
		return;
	worker->states[worker->state_count++] = (uint8_t)state;
	if (worker->state_count == COPY_UNIT_PAGES)
		flush_states(elf, worker);
}

// Jobs are as large as those of a scan, so that no two write to one word of the set.
static struct error *find_zeros(void *context, void *state, uint64_t job)
{
	struct elf_copy *elf = context;
	struct elf_worker *worker = state;
	uint64_t end = elf->end_pfn - elf->base_pfn;
	uint64_t at = job * SCAN_JOB_PAGES, found = 0;
	uint64_t stop = at + SCAN_JOB_PAGES < end ? at + SCAN_JOB_PAGES : end;
	struct error *err = copy_check_time(elf->copy);

	if (err)
		return err;
	if (elf->copy->options->pagemap)
		worker->state_rank = pagemap_block_rank(elf->copy->options->pagemap, elf->base_pfn + at);
	for (at = bitmap_find(elf->set, at, stop, true); at < stop; at = bitmap_find(elf->set, at + 1, stop, true)) {
		const uint8_t *page;
		bool is_zero;

		err = copy_page(elf->copy, &worker->reader, elf->base_pfn + at, worker->bounce, &page);
		// What cannot be read is not known to be zero, and is not in the dump.
		if (error_catch(&err, ERROR_FAULT)) {
			bitmap_fill(elf->set, at, at + 1, false);
			note_page(elf, worker, FMT_PAGEMAP_UNREADABLE);
			continue;
		}
		if (err)
			return err;
		is_zero = copy_is_zero(page, elf->copy->page_bytes);
		note_page(elf, worker, is_zero ? FMT_PAGEMAP_ZERO : FMT_PAGEMAP_WRITTEN);
		if (is_zero) {
			bitmap_fill(elf->zeros, at, at + 1, true);
			found++;
		} else if (elf->callers.pages && elf->block_worth[at / elf->worth.block_pages] < WORTH_CODE) {
			callers_look(&elf->callers, page, elf->copy->page_bytes);
		}
	}
	flush_states(elf, worker);
	atomic_fetch_add(&elf->copy->pages_zero, found);
	return NULL;
}

static bool looks_for_zeros(const struct copy_options *options)
{
	return options->dump_level & FILTER_ZERO && (!options->is_dry_run || options->is_zero_counted);
}

// Only where it may be cut short: to look for callers takes a sixth of the time that a small machine's dump takes.
static bool looks_for_callers(const struct elf_copy *elf)
{
	const struct copy_options *options = elf->copy->options;
	bool is_sure = !options->deadline_ms && options->room_bytes;

	return looks_for_zeros(options) && !is_sure && elf->worth.code_vaddr != elf->worth.code_vaddr_end;
}

static struct error *collect_window(struct elf_copy *elf)
{
	const struct segments_window window = {
		.set = elf->set,
		.zeros = elf->zeros,
		.base_pfn = elf->base_pfn,
		.end_pfn = elf->end_pfn,
		.block_pages = elf->worth.block_pages,
		.worth = elf->block_worth,
	};
	const struct copy_options *options = elf->copy->options;
	struct workers_job job = {
		.start = worker_start,
		.run = find_zeros,
		.finish = worker_end,
		.context = elf,
		.job_count = (elf->end_pfn - elf->base_pfn + SCAN_JOB_PAGES - 1) / SCAN_JOB_PAGES,
		.thread_count = options->thread_count,
	};
	struct error *err = NULL;

	memset(elf->zeros, 0, copy_window_words(elf->copy) * sizeof(*elf->zeros));
	if (!options->is_dry_run)
		err = worth_window(&elf->worth, elf->set, elf->base_pfn, elf->end_pfn, elf->block_worth);
	if (!err && looks_for_zeros(options))
		err = workers_run(&job);
	else if (!err && options->pagemap && !options->is_dry_run)
		pagemap_note_all_written(options->pagemap);
	return err || options->is_dry_run ? err : segments_add(&elf->segments, &window);
}

static struct error *collect(struct elf_copy *elf)
{
	struct copy *copy = elf->copy;
	struct scan_result result = {0};
	struct error *err = NULL;

	for (uint64_t pfn = copy_window_next(copy, 0); !err && pfn < copy->max_pfn;
	     pfn = copy_window_next(copy, elf->end_pfn)) {
		elf->base_pfn = pfn;
		elf->end_pfn = copy_window_end(copy, pfn);
		err = copy_scan_window(copy, pfn, true, elf->set, &result);
		if (!err)
			err = collect_window(elf);
	}
	if (!err)
		err = segments_order(&elf->segments, &elf->worth, &elf->callers);
	copy_note_scan(copy, &result);
	copy->pages_total = elf->segments.page_count;
	return err;
}

static struct error *flush(const struct elf_copy *elf, struct elf_worker *worker)
{
	uint64_t page_bytes = elf->copy->page_bytes;
	const struct parts *parts = &worker->parts;
	struct error *err = NULL;

	if (parts->count)
		err = copy_writev(elf->copy, elf->copy->sink, elf->data_offset + worker->parts_rank * page_bytes,
		                  parts->list, parts->count, parts->size_bytes);
	worker->parts_rank += parts->size_bytes / page_bytes;
	parts_clear(&worker->parts);
	worker->out_used = 0;
	worker->is_borrowing = false;
	return err;
}

static struct error *flush_if_full(const struct elf_copy *elf, struct elf_worker *worker)
{
	bool has_room = worker->parts.size_bytes + elf->copy->page_bytes <= COPY_BUFFER_BYTES;

	return has_room && !parts_are_full(&worker->parts) ? NULL : flush(elf, worker);
}

// page: NULL, zeros.
static struct error *put_copy(const struct elf_copy *elf, struct elf_worker *worker, const uint8_t *page)
{
	uint64_t page_bytes = elf->copy->page_bytes;
	uint8_t *out = worker->out + worker->out_used;

	if (page)
		memcpy(out, page, page_bytes);
	else
		memset(out, 0, page_bytes);
	worker->out_used += page_bytes;
	parts_add(&worker->parts, out, page_bytes);
	return flush_if_full(elf, worker);
}

// A page that is not in the dump in one piece.
static struct error *put_odd_page(const struct elf_copy *elf, struct elf_worker *worker, uint64_t pfn)
{
	const uint8_t *page = NULL;
	struct error *err = copy_page(elf->copy, &worker->reader, pfn, worker->bounce, &page);

	// The place in the file is fixed, so a page that cannot be read now is zeros, and counted.
	if (error_catch(&err, ERROR_FAULT)) {
		if (elf->copy->options->pagemap)
			pagemap_note_unreadable(elf->copy->options->pagemap, pfn);
		page = NULL;
	}
	return err ? err : put_copy(elf, worker, page);
}

// A mapped page that cannot be read must be SIGBUS, after which all is read, and not the EFAULT of a write.
static void touch(const uint8_t *page, uint64_t page_bytes)
{
	enum { SMALLEST_PAGE_BYTES = 4096 };

	for (uint64_t i = 0; i < page_bytes; i += SMALLEST_PAGE_BYTES)
		(void)*(const volatile uint8_t *)(page + i);
}

// Some pages that follow one another: as many as the reader's window shows at once.
static struct error *put_run(const struct elf_copy *elf, struct elf_worker *worker, uint64_t pfn, uint64_t count,
                             uint64_t *done_ret)
{
	uint64_t page_bytes = elf->copy->page_bytes, paddr = pfn * page_bytes;
	// What was expanded is soon given up; a direct write wants one piece of ordinary memory.
	bool can_borrow = !worker->reader.is_expanded && !elf->copy->sink->align_bytes;
	struct error *err = NULL;
	const uint8_t *pages;
	uint64_t got;

	*done_ret = 1;
	if (worker->is_borrowing && !vmreader_holds(&worker->reader, paddr, page_bytes))
		err = flush(elf, worker);
	if (err)
		return err;
	got = copy_look(elf->copy, &worker->reader, pfn, count, &pages);
	if (!got) {
		err = worker->is_borrowing ? flush(elf, worker) : NULL;
		return err ? err : put_odd_page(elf, worker, pfn);
	}
	for (uint64_t i = 0; !err && i < got; i++) {
		if (can_borrow) {
			worker->is_borrowing = true;
			touch(pages + i * page_bytes, page_bytes);
			parts_add(&worker->parts, pages + i * page_bytes, page_bytes);
			err = flush_if_full(elf, worker);
		} else {
			err = put_copy(elf, worker, pages + i * page_bytes);
		}
	}
	*done_ret = got;
	return err;
}

static struct error *copy_pages(const struct elf_copy *elf, struct elf_worker *worker, uint64_t rank, uint64_t end)
{
	const struct segment *segment = segments_find(&elf->segments, rank);
	uint64_t count = end - rank;
	struct error *err = NULL;

	worker->parts_rank = rank;
	while (!err && rank < end) {
		uint64_t at, left, done;

		while (rank >= segment->rank + segment->file_pages)
			segment++;
		at = rank - segment->rank;
		left = segment->file_pages - at < end - rank ? segment->file_pages - at : end - rank;
		err = put_run(elf, worker, segment->pfn + at, left, &done);
		rank += done;
	}
	if (!err)
		err = flush(elf, worker);
	if (!err)
		copy_advance(elf->copy, count);
	return err;
}

static struct error *copy_unit(void *context, void *state, uint64_t unit)
{
	struct elf_copy *elf = context;
	uint64_t rank = elf->start_rank + unit * COPY_UNIT_PAGES, whole = atomic_load(&elf->whole_rank);
	uint64_t end = rank + COPY_UNIT_PAGES < elf->end_rank ? rank + COPY_UNIT_PAGES : elf->end_rank;
	struct error *err = copy_check_time(elf->copy);

	if (!err)
		err = copy_pages(elf, state, rank, end);
	// Units begin in order, so those before the first that failed are whole.
	while (err && rank < whole && !atomic_compare_exchange_weak(&elf->whole_rank, &whole, rank))
		;
	return err;
}

// The next program header for a part of a segment that lies in a load, this one or one behind it; false: there is none. A load
// that repeats memory of another (the kernel image) shares its bytes in the file.
static bool map_segment(const struct elf_copy *elf, size_t *index, const struct segment *segment, uint64_t page_count,
                        struct vmcore_load *ret)
{
	const struct vmcore_load *load;
	uint64_t page_bytes = elf->copy->page_bytes;
	uint64_t start = segment->pfn * page_bytes;
	uint64_t file_end = start + segment_pages(segment, page_count) * page_bytes;
	uint64_t end = file_end + (segment_is_cut(segment, page_count) ? 0 : segment->zero_pages) * page_bytes;
	uint64_t load_end, from, to;

	*index = copy_loads_next(&elf->loads, *index, start, end);
	if (*index == elf->loads.count)
		return false;
	load = &elf->loads.list[(*index)++];
	load_end = load->paddr + load->file_bytes;
	from = start > load->paddr ? start : load->paddr;
	to = end < load_end ? end : load_end;
	file_end = file_end < to ? file_end : to;
	*ret = (struct vmcore_load){
		.paddr = from,
		.vaddr = load->vaddr + (from - load->paddr),
		.file_bytes = file_end > from ? file_end - from : 0,
		.memory_bytes = to - from,
		// Also where nothing is in the file: crash (9.0, netdump.c) takes that of the first header for the size of all
		// headers.
		.offset_bytes = elf->data_offset + segment->rank * page_bytes + (file_end > from ? from - start : 0),
		.flags = load->flags,
	};
	return true;
}

static size_t count_loads(const struct elf_copy *elf)
{
	size_t count = 0;

	for (size_t i = 0; i < elf->segments.count; i++) {
		struct vmcore_load load;
		size_t index = 0;

		while (map_segment(elf, &index, &elf->segments.list[i], elf->segments.page_count, &load))
			count++;
	}
	return count;
}

static struct error *flush_loads(const struct elf_copy *elf, size_t first, size_t count)
{
	return copy_write(elf->copy, elf->copy->sink, FMT_ELF_START_BYTES + first * FMT_ELF_LOAD_BYTES, elf->head,
	                  count * FMT_ELF_LOAD_BYTES);
}

// Writes program headers of the first pages of the file behind those that are there already.
static struct error *write_loads(struct elf_copy *elf, uint64_t page_count, size_t *count_ret)
{
	size_t first = elf->told_loads, used = 0, whole_segments = elf->told_segments, whole_loads = elf->told_loads;
	struct error *err = NULL;

	for (size_t i = elf->told_segments; i < elf->segments.count && !err; i++) {
		const struct segment *segment = &elf->segments.list[i];
		struct vmcore_load load;
		size_t index = 0;

		while (!err && map_segment(elf, &index, segment, page_count, &load)) {
			if (used == HEAD_LOADS) {
				err = flush_loads(elf, first, used);
				first += used;
				used = 0;
			}
			fmt_elf_load(&load, elf->head + used++ * FMT_ELF_LOAD_BYTES);
		}
		// Nothing is behind it.
		if (segment_is_cut(segment, page_count))
			break;
		whole_segments = i + 1;
		whole_loads = first + used;
	}
	if (!err && used)
		err = flush_loads(elf, first, used);
	if (err)
		return err;
	elf->told_segments = whole_segments;
	elf->told_loads = whole_loads;
	*count_ret = first + used;
	return NULL;
}

// Makes a dump of the first pages of the file. What is there of a dump of fewer pages stays, until the first bytes change.
static struct error *write_head(struct elf_copy *elf, uint64_t page_count, bool is_incomplete)
{
	const struct vmcore *core = elf->copy->core;
	uint8_t start[FMT_ELF_START_BYTES], section[FMT_ELF_SECTION_BYTES];
	uint64_t section_offset = elf->notes_offset - sizeof(section);
	bool has_notes = elf->told_segments;
	size_t load_count;
	struct error *err = write_loads(elf, page_count, &load_count);

	if (!err && !has_notes && core->notes_bytes)
		err = copy_write(elf->copy, elf->copy->sink, elf->notes_offset, core->notes, core->notes_bytes);
	if (!err && fmt_elf_section(load_count, section))
		err = copy_write(elf->copy, elf->copy->sink, section_offset, section, sizeof(section));
	if (err)
		return err;
	fmt_elf_start(core, load_count, section_offset, elf->notes_offset, is_incomplete, start);
	return copy_write(elf->copy, elf->copy->sink, 0, start, sizeof(start));
}

// A copy that is cut short, even by a signal that nobody can catch, leaves a dump of what is worth more than the pages that were
// being copied. Where nothing is written twice, the head comes last, so that it cannot be taken for a dump.
static struct error *write_pages(struct elf_copy *elf)
{
	bool can_rewrite = elf->copy->sink->can_rewrite;
	struct workers_job job = {
		.start = worker_start,
		.run = copy_unit,
		.finish = worker_end,
		.context = elf,
		.thread_count = elf->copy->options->thread_count,
	};
	struct error *err = NULL;

	atomic_store(&elf->whole_rank, elf->segments.page_count);
	for (uint64_t rank = 0; !err && rank < elf->segments.page_count; rank = elf->end_rank) {
		elf->start_rank = rank;
		elf->end_rank = can_rewrite ? segments_place_end(&elf->segments, rank) : elf->segments.page_count;
		job.job_count = (elf->end_rank - rank + COPY_UNIT_PAGES - 1) / COPY_UNIT_PAGES;
		err = workers_run(&job);
		if (!err && elf->end_rank < elf->segments.page_count)
			err = write_head(elf, elf->end_rank, true);
	}
	return err;
}

static void take_back(const struct elf_copy *elf, uint64_t page_count)
{
	for (size_t i = 0; i < elf->segments.count; i++) {
		const struct segment *segment = &elf->segments.list[i];
		uint64_t there = segment_pages(segment, page_count);

		if (segment_is_cut(segment, page_count))
			pagemap_note_pending(elf->copy->options->pagemap, segment->pfn + there,
			                     segment->file_pages - there + segment->zero_pages);
	}
}

// The first error is the one that matters.
static void keep_what_there_is(struct elf_copy *elf)
{
	struct copy *copy = elf->copy;
	uint64_t page_count = atomic_load(&elf->whole_rank);
	_cleanup_error_ struct error *err = NULL;

	if (!copy->sink->can_rewrite || !page_count)
		return;
	err = write_head(elf, page_count, true);
	if (!err)
		err = sink_finish(copy->sink, elf->data_offset + page_count * copy->page_bytes);
	copy->stats->is_partial = !err;
	if (copy->options->pagemap)
		take_back(elf, page_count);
}

static struct error *write_file(struct elf_copy *elf)
{
	struct copy *copy = elf->copy;
	uint64_t file_bytes;
	struct error *err;

	elf->notes_offset = FMT_ELF_START_BYTES + count_loads(elf) * FMT_ELF_LOAD_BYTES + FMT_ELF_SECTION_BYTES;
	elf->data_offset = (elf->notes_offset + copy->core->notes_bytes + copy->page_bytes - 1) / copy->page_bytes *
	                   copy->page_bytes;
	file_bytes = elf->data_offset + elf->segments.page_count * copy->page_bytes;
	// In the other format all of it may be saved.
	if (copy->options->room_bytes && file_bytes > copy->options->room_bytes)
		return error_new(ERROR_NOSPC,
		                 "an ELF file of these pages takes %ju MiB, and the target has room for %ju MiB; "
		                 "kdump-compressed they take less",
		                 (uintmax_t)(file_bytes >> 20), (uintmax_t)(copy->options->room_bytes >> 20));
	// Also on a disk that turns out to be full there is room for the head.
	err = sink_reserve(copy->sink, 0, elf->data_offset);
	if (!err)
		err = write_pages(elf);
	if (!err)
		err = write_head(elf, elf->segments.page_count, !copy_is_complete(copy));
	if (!err)
		return sink_finish(copy->sink, file_bytes);
	keep_what_there_is(elf);
	return err;
}

static uint64_t zero_pages_before(const struct elf_copy *elf, uint64_t page_count)
{
	uint64_t count = 0;

	for (size_t i = 0; i < elf->segments.count; i++)
		if (!segment_is_cut(&elf->segments.list[i], page_count))
			count += elf->segments.list[i].zero_pages;
	return count;
}

static void release(struct elf_copy *elf)
{
	worth_deinit(&elf->worth);
	callers_deinit(&elf->callers);
	segments_deinit(&elf->segments);
	free(elf->set);
	free(elf->zeros);
	free(elf->block_worth);
	free(elf->head);
	copy_loads_deinit(&elf->loads);
}

static struct error *prepare(struct elf_copy *elf)
{
	const struct copy *copy = elf->copy;
	uint64_t frames = copy_window_end(copy, 0);
	struct error *err;

	segments_init(&elf->segments, copy->options->segments_bytes);
	elf->set = calloc(copy_window_words(copy), sizeof(*elf->set));
	elf->zeros = calloc(copy_window_words(copy), sizeof(*elf->zeros));
	elf->block_worth = calloc(frames / worth_block_pages(frames) + 1, sizeof(*elf->block_worth));
	elf->head = malloc(HEAD_LOADS * FMT_ELF_LOAD_BYTES);
	if (!elf->set || !elf->zeros || !elf->block_worth || !elf->head)
		return error_new(ERROR_NOMEM, "no memory for the set of pages");
	if (copy->options->is_dry_run)
		return NULL;
	err = worth_init(&elf->worth, &copy->scan, frames);
	if (err)
		return err;
	worth_find_symbols(&elf->worth);
	return looks_for_callers(elf)
	               ? callers_init(&elf->callers, elf->worth.code_vaddr, elf->worth.code_vaddr_end, copy->core)
	               : NULL;
}

struct error *copy_elf_run(struct copy *copy)
{
	struct elf_copy elf = {.copy = copy};
	struct error *err = prepare(&elf);

	if (!err)
		err = copy_loads_init(copy, &elf.loads);
	if (!err)
		err = collect(&elf);
	if (!err && !copy->options->is_dry_run)
		err = write_file(&elf);
	if (!err || copy->stats->is_partial) {
		uint64_t page_count = err ? atomic_load(&elf.whole_rank) : elf.segments.page_count;

		copy->stats->pages_written = page_count + zero_pages_before(&elf, page_count);
	}
	release(&elf);
	return err;
}
