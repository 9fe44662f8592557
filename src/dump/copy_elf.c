// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/workers.h"
#include "dump/copy_job.h"
#include "dump/fmt_elf.h"

// Frames that lie together: some that are in the file, then some that are zeros and are not.
struct segment {
	uint64_t pfn;
	uint64_t file_pages;
	uint64_t zero_pages;
	uint64_t rank; // Pages in the file before this segment.
};

struct elf_copy {
	struct copy *copy;
	const struct vmcore_load *loads; // Where memory is in the address space, of the input or made.
	size_t load_count;
	uint64_t *set; // Frames to save, of one window.
	uint64_t *zeros; // Those of them that hold only zeros.
	uint64_t base_pfn;
	uint64_t end_pfn;
	struct segment *segments;
	size_t segment_count;
	size_t segment_room;
	uint64_t page_count; // In the file.
	uint64_t data_offset;
};

struct elf_worker {
	struct vmreader reader;
	uint8_t *bounce; // One page.
	uint8_t *out; // COPY_BUFFER_BYTES
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
		worker->out = malloc(COPY_BUFFER_BYTES);
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

	if (elf->copy->options->pagemap)
		worker->state_rank = pagemap_block_rank(elf->copy->options->pagemap, elf->base_pfn + at);
	for (at = bitmap_find(elf->set, at, stop, true); at < stop; at = bitmap_find(elf->set, at + 1, stop, true)) {
		const uint8_t *page;
		struct error *err = copy_page(elf->copy, &worker->reader, elf->base_pfn + at, worker->bounce, &page);
		bool is_zero;

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
		}
	}
	flush_states(elf, worker);
	atomic_fetch_add(&elf->copy->pages_zero, found);
	return NULL;
}

static struct error *add_segment(struct elf_copy *elf, struct segment segment)
{
	if (elf->segment_count == elf->segment_room) {
		size_t room = elf->segment_room ? elf->segment_room * 2 : 1024;
		struct segment *grown = reallocarray(elf->segments, room, sizeof(*grown));

		if (!grown)
			return error_new(ERROR_NOMEM, "no memory for %zu segments", room);
		elf->segments = grown;
		elf->segment_room = room;
	}
	segment.rank = elf->page_count;
	elf->segments[elf->segment_count++] = segment;
	elf->page_count += segment.file_pages;
	return NULL;
}

static struct error *add_window(struct elf_copy *elf)
{
	uint64_t end = elf->end_pfn - elf->base_pfn;
	uint64_t at = bitmap_find(elf->set, 0, end, true);

	while (at < end) {
		uint64_t hole = bitmap_find(elf->set, at, end, false);
		uint64_t zeros = bitmap_find(elf->zeros, at, hole, true);
		uint64_t next = bitmap_find(elf->zeros, zeros, hole, false);
		struct error *err;

		err = add_segment(elf, (struct segment){elf->base_pfn + at, zeros - at, next - zeros, 0});
		if (err)
			return err;
		at = next < hole ? next : bitmap_find(elf->set, hole, end, true);
	}
	return NULL;
}

static bool looks_for_zeros(const struct copy_options *options)
{
	return options->dump_level & FILTER_ZERO && (!options->is_dry_run || options->is_zero_counted);
}

static struct error *collect(struct elf_copy *elf)
{
	struct copy *copy = elf->copy;
	struct scan_result result = {0};
	struct error *err = NULL;

	for (uint64_t pfn = copy_window_next(copy, 0); !err && pfn < copy->max_pfn;
	     pfn = copy_window_next(copy, elf->end_pfn)) {
		struct workers_job job = {
			.start = worker_start,
			.run = find_zeros,
			.finish = worker_end,
			.context = elf,
			.thread_count = copy->options->thread_count,
		};

		elf->base_pfn = pfn;
		elf->end_pfn = copy_window_end(copy, pfn);
		job.job_count = (elf->end_pfn - pfn + SCAN_JOB_PAGES - 1) / SCAN_JOB_PAGES;
		err = copy_scan_window(copy, pfn, true, elf->set, &result);
		memset(elf->zeros, 0, copy_window_words(copy) * sizeof(*elf->zeros));
		if (!err && looks_for_zeros(copy->options))
			err = workers_run(&job);
		else if (!err && copy->options->pagemap && !copy->options->is_dry_run)
			pagemap_note_all_written(copy->options->pagemap);
		if (!err && !copy->options->is_dry_run)
			err = add_window(elf);
	}
	copy_note_scan(copy, &result);
	copy->pages_total = elf->page_count;
	return err;
}

// Segment that holds the page of a rank.
static const struct segment *find_segment(const struct elf_copy *elf, uint64_t rank)
{
	size_t low = 0, high = elf->segment_count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (elf->segments[mid].rank > rank)
			high = mid;
		else
			low = mid;
	}
	return &elf->segments[low];
}

static struct error *copy_unit(void *context, void *state, uint64_t unit)
{
	struct elf_copy *elf = context;
	struct elf_worker *worker = state;
	uint64_t page_bytes = elf->copy->page_bytes;
	uint64_t rank = unit * COPY_UNIT_PAGES, first = rank;
	uint64_t end = rank + COPY_UNIT_PAGES < elf->page_count ? rank + COPY_UNIT_PAGES : elf->page_count;
	const struct segment *segment = find_segment(elf, rank);
	uint64_t count = end - rank;
	size_t used = 0;

	while (rank < end) {
		const uint8_t *page;
		struct error *err;
		uint64_t pfn;

		while (rank >= segment->rank + segment->file_pages)
			segment++;
		pfn = segment->pfn + (rank - segment->rank);
		err = copy_page(elf->copy, &worker->reader, pfn, worker->bounce, &page);
		if (err && err->code == ERROR_FAULT && elf->copy->options->pagemap)
			pagemap_note_unreadable(elf->copy->options->pagemap, pfn);
		if (err && !error_catch(&err, ERROR_FAULT))
			return err;
		// The place in the file is fixed, so a page that cannot be read now is zeros, and counted.
		memset(worker->out + used, 0, page_bytes);
		if (!err)
			memcpy(worker->out + used, page, page_bytes);
		used += page_bytes;
		rank++;
		if (used + page_bytes > COPY_BUFFER_BYTES || rank == end) {
			err = copy_write(elf->copy, elf->copy->sink, elf->data_offset + first * page_bytes, worker->out,
			                 used);
			if (err)
				return err;
			first = rank;
			used = 0;
		}
	}
	copy_advance(elf->copy, count);
	return NULL;
}

// One program header for the part of a segment that lies in a load, or none. A load that repeats memory of another (the
// kernel image) shares its bytes in the file.
static size_t map_segment(const struct elf_copy *elf, const struct vmcore_load *load, const struct segment *segment,
                          struct vmcore_load *ret)
{
	uint64_t page_bytes = elf->copy->page_bytes;
	uint64_t start = segment->pfn * page_bytes;
	uint64_t file_end = start + segment->file_pages * page_bytes;
	uint64_t end = file_end + segment->zero_pages * page_bytes;
	uint64_t load_end = load->paddr + load->file_bytes;
	uint64_t from = start > load->paddr ? start : load->paddr;
	uint64_t to = end < load_end ? end : load_end;

	if (from >= to)
		return 0;
	file_end = file_end < to ? file_end : to;
	*ret = (struct vmcore_load){
		.paddr = from,
		.vaddr = load->vaddr + (from - load->paddr),
		.file_bytes = file_end > from ? file_end - from : 0,
		.memory_bytes = to - from,
		// Also where nothing is in the file: crash (9.0, netdump.c) takes that of the first header for the size of
		// all headers.
		.offset_bytes = elf->data_offset + segment->rank * page_bytes + (file_end > from ? from - start : 0),
		.flags = load->flags,
	};
	return 1;
}

// Gives the number of program headers, and fills them where there is room for them.
static size_t map_loads(const struct elf_copy *elf, struct vmcore_load *loads)
{
	size_t count = 0;

	for (size_t i = 0; i < elf->load_count; i++) {
		for (size_t j = 0; j < elf->segment_count; j++) {
			struct vmcore_load load;

			if (!map_segment(elf, &elf->loads[i], &elf->segments[j], &load))
				continue;
			if (loads)
				loads[count] = load;
			count++;
		}
	}
	return count;
}

static struct error *write_file(struct elf_copy *elf)
{
	struct copy *copy = elf->copy;
	size_t load_count = map_loads(elf, NULL);
	_cleanup_free_ struct vmcore_load *loads = calloc(load_count + 1, sizeof(*loads));
	struct workers_job job = {
		.start = worker_start,
		.run = copy_unit,
		.finish = worker_end,
		.context = elf,
		.job_count = (elf->page_count + COPY_UNIT_PAGES - 1) / COPY_UNIT_PAGES,
		.thread_count = copy->options->thread_count,
	};
	_cleanup_free_ uint8_t *head = NULL;
	uint64_t file_bytes;
	struct error *err;
	size_t head_bytes;

	if (!loads)
		return error_new(ERROR_NOMEM, "no memory for %zu program headers", load_count);
	elf->data_offset = fmt_elf_head_bytes(load_count, copy->core->notes_bytes, copy->page_bytes);
	file_bytes = elf->data_offset + elf->page_count * copy->page_bytes;
	// Cut short, it would be no dump.
	if (copy->options->room_bytes && file_bytes > copy->options->room_bytes)
		return error_new(ERROR_NOSPC,
		                 "an ELF file of these pages takes %ju MiB, and the target has room for %ju MiB; "
		                 "kdump-compressed they take less",
		                 (uintmax_t)(file_bytes >> 20), (uintmax_t)(copy->options->room_bytes >> 20));
	map_loads(elf, loads);
	err = workers_run(&job);
	if (err)
		return err;
	err = fmt_elf_head(copy->core, loads, load_count, !copy_is_complete(copy), &head, &head_bytes);
	// Last, so that a copy that was cut short cannot be taken for a dump.
	if (!err)
		err = copy_write(copy, copy->sink, 0, head, head_bytes);
	return err ? err : sink_finish(copy->sink, file_bytes);
}

struct error *copy_elf_run(struct copy *copy)
{
	_cleanup_free_ uint64_t *set = calloc(copy_window_words(copy), sizeof(*set));
	_cleanup_free_ uint64_t *zeros = calloc(copy_window_words(copy), sizeof(*zeros));
	_cleanup_free_ struct vmcore_load *made = NULL;
	struct elf_copy elf = {
		.copy = copy,
		.loads = copy->core->loads,
		.load_count = copy->core->load_count,
		.set = set,
		.zeros = zeros,
	};
	struct error *err = NULL;

	if (!set || !zeros)
		return error_new(ERROR_NOMEM, "no memory for the set of pages");
	if (!elf.load_count)
		err = copy_make_loads(copy, &made, &elf.load_count);
	if (made)
		elf.loads = made;
	if (!err)
		err = collect(&elf);
	if (!err && !copy->options->is_dry_run)
		err = write_file(&elf);
	if (!copy->options->is_dry_run)
		copy->stats->pages_written = elf.page_count + atomic_load(&copy->pages_zero);
	free(elf.segments);
	return err;
}
