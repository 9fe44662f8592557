// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/pagemap.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/io.h"
#include "dump/filter.h"
#include "dump/pagemap_reader.h"

static_assert(FMT_PAGEMAP_KERNEL == PAGE_KERNEL + 1, "codes follow the classes");
static_assert(FMT_PAGEMAP_FREE == PAGE_FREE + 1, "codes follow the classes");
static_assert(FMT_PAGEMAP_CACHE == PAGE_CACHE + 1, "codes follow the classes");
static_assert(FMT_PAGEMAP_CACHE_PRIVATE == PAGE_CACHE_PRIVATE + 1, "codes follow the classes");
static_assert(FMT_PAGEMAP_USER == PAGE_USER + 1, "codes follow the classes");
static_assert(FMT_PAGEMAP_OFFLINE == PAGE_OFFLINE + 1, "codes follow the classes");
static_assert(PAGE_CLASS_COUNT == PAGE_OFFLINE + 1, "each class has a code");

enum {
	WINDOW_BLOCKS = PAGEMAP_WINDOW_FRAMES / FMT_PAGEMAP_BLOCK_FRAMES,
	// Cells that are written at once.
	NOTE_CELLS = 1024,
};

// No code: what follows is a run of its own.
#define NO_RUN FMT_PAGEMAP_CODES

struct pagemap {
	int fd;
	const struct vmcore *core;
	struct fmt_pagemap_header header;
	_Atomic uint64_t next_offset; // Where the next claim of room starts.
	uint64_t window_pfn;
	uint64_t window_cell; // Of the first page that is kept.
	uint64_t window_kept;
	struct fmt_pagemap_entry entries[WINDOW_BLOCKS];
	pthread_mutex_t lock; // Guards error, bytes of cells that two writers share, and the reader.
	_Atomic bool is_failed;
	struct error *error;
	struct pagemap_reader *reader;
};

struct error *pagemap_create(int fd, struct pagemap **ret)
{
	struct pagemap *map = calloc(1, sizeof(*map));

	if (!map)
		return error_new(ERROR_NOMEM, "no memory for a page map");
	map->fd = fd;
	pthread_mutex_init(&map->lock, NULL);
	*ret = map;
	return NULL;
}

void pagemap_destroy(struct pagemap *map)
{
	if (!map)
		return;
	pagemap_reader_destroy(map->reader);
	pthread_mutex_destroy(&map->lock);
	error_free(map->error);
	free(map);
}

const struct error *pagemap_error(const struct pagemap *map)
{
	return map->error;
}

static void fail_locked(struct pagemap *map, struct error *err)
{
	if (!err)
		return;
	if (map->error)
		error_free(err);
	else
		map->error = err;
	atomic_store(&map->is_failed, true);
}

static void fail(struct pagemap *map, struct error *err)
{
	if (!err)
		return;
	pthread_mutex_lock(&map->lock);
	fail_locked(map, err);
	pthread_mutex_unlock(&map->lock);
}

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for a block of the page map");
}

static void write_header(struct pagemap *map)
{
	struct fmt_pagemap_header raw = fmt_pagemap_store_header(&map->header);

	fail(map, io_pwrite(map->fd, &raw, sizeof(raw), 0));
}

static uint32_t dropped_codes(unsigned int dump_level)
{
	uint32_t codes = 1 << FMT_PAGEMAP_NONE | 1 << FMT_PAGEMAP_POISONED | 1 << FMT_PAGEMAP_MISSING |
	                 1 << FMT_PAGEMAP_STRUCT_PAGES;

	for (unsigned int class = 0; class < PAGE_CLASS_COUNT; class ++) {
		if (filter_drops(class, dump_level))
			codes |= UINT32_C(1) << pagemap_class_code(class);
	}
	return codes;
}

void pagemap_start(struct pagemap *map, const struct vmcore *core, unsigned int dump_level)
{
	uint64_t max_pfn = vmcore_max_pfn(core);
	uint64_t blocks = (max_pfn + FMT_PAGEMAP_BLOCK_FRAMES - 1) / FMT_PAGEMAP_BLOCK_FRAMES;
	char time[32];

	// The second time, when more is to be left out than was.
	if (ftruncate(map->fd, 0) < 0)
		fail(map, error_os(errno, "truncate"));
	map->core = core;
	map->header = (struct fmt_pagemap_header){
		.page_bytes = (uint32_t)vmcore_page_bytes(core),
		.max_pfn = max_pfn,
		.index_offset = sizeof(map->header),
		.dump_level = dump_level | core->dump_level,
		.dropped_codes = dropped_codes(dump_level),
	};
	if (vmcoreinfo_string(&core->info, "CRASHTIME", time, sizeof(time)))
		map->header.crash_time = strtoull(time, NULL, 10);
	atomic_store(&map->next_offset, map->header.index_offset + blocks * sizeof(struct fmt_pagemap_entry));
	write_header(map);
}

void pagemap_start_window(struct pagemap *map, uint64_t pfn_start)
{
	map->window_pfn = pfn_start;
	memset(map->entries, 0, sizeof(map->entries));
}

bool pagemap_block_init(struct pagemap *map, struct pagemap_block *ret)
{
	*ret = (struct pagemap_block){.core = map->core, .dropped_codes = map->header.dropped_codes};
	ret->bytes = malloc(FMT_PAGEMAP_BLOCK_BYTES);
	if (!ret->bytes)
		fail(map, no_memory());
	return ret->bytes;
}

void pagemap_block_deinit(struct pagemap_block *block)
{
	free(block->bytes);
	block->bytes = NULL;
}

void pagemap_block_start(struct pagemap_block *block, uint64_t pfn)
{
	block->pfn = pfn;
	block->kept = 0;
	block->used_bytes = 0;
	block->present = (struct vmcore_frames){0};
	block->run = (struct fmt_pagemap_run){.code = NO_RUN};
}

void pagemap_block_put(struct pagemap_block *block, struct fmt_pagemap_run run)
{
	if (block->run.code != NO_RUN) {
		block->used_bytes += fmt_pagemap_put_run(block->bytes + block->used_bytes, block->run);
		block->kept += block->dropped_codes >> block->run.code & 1 ? 0 : block->run.frames;
	}
	block->run = run;
}

static void add_run(struct pagemap_block *block, uint64_t pfn_end, enum fmt_pagemap_code code)
{
	uint32_t frames = (uint32_t)(pfn_end - block->pfn);

	if (!frames)
		return;
	block->pfn = pfn_end;
	if (code == block->run.code)
		block->run.frames += frames;
	else
		pagemap_block_put(block, (struct fmt_pagemap_run){code, frames});
}

// Frames that are not in the input: memory, or none.
static void add_absent(struct pagemap_block *block, uint64_t pfn_end)
{
	while (block->pfn < pfn_end) {
		struct vmcore_frames ram;

		if (!vmcore_next_frames(block->core, VMCORE_FRAMES_RAM, block->pfn, &ram) || ram.pfn_start >= pfn_end)
			ram = (struct vmcore_frames){pfn_end, pfn_end};
		add_run(block, ram.pfn_start, FMT_PAGEMAP_NONE);
		add_run(block, ram.pfn_end < pfn_end ? ram.pfn_end : pfn_end, FMT_PAGEMAP_MISSING);
	}
}

void pagemap_block_add_gaps(struct pagemap_block *block, uint64_t pfn, uint64_t pfn_end, enum fmt_pagemap_code code)
{
	add_absent(block, pfn);
	while (block->pfn < pfn_end) {
		struct vmcore_frames *present = &block->present;

		if (present->pfn_end <= block->pfn &&
		    !vmcore_next_frames(block->core, VMCORE_FRAMES_PRESENT, block->pfn, present))
			*present = (struct vmcore_frames){UINT64_MAX, UINT64_MAX};
		add_absent(block, present->pfn_start < pfn_end ? present->pfn_start : pfn_end);
		if (block->pfn < pfn_end)
			add_run(block, present->pfn_end < pfn_end ? present->pfn_end : pfn_end, code);
	}
}

// Ends the last run, and puts the bytes where there is room, or where there was: those of old, if they are not fewer.
static void put_runs(struct pagemap *map, struct pagemap_block *block, struct fmt_pagemap_entry *entry)
{
	pagemap_block_put(block, (struct fmt_pagemap_run){.code = NO_RUN});
	if (!entry->offset || entry->size_bytes < block->used_bytes)
		entry->offset = atomic_fetch_add(&map->next_offset, block->used_bytes);
	entry->size_bytes = (uint32_t)block->used_bytes;
	entry->kept = block->kept;
	fail(map, io_pwrite(map->fd, block->bytes, block->used_bytes, entry->offset));
}

void pagemap_put_block(struct pagemap *map, struct pagemap_block *block, uint64_t pfn_end, uint64_t kept)
{
	uint64_t index = (pfn_end - 1 - map->window_pfn) / FMT_PAGEMAP_BLOCK_FRAMES;

	if (atomic_load(&map->is_failed))
		return;
	add_absent(block, pfn_end);
	put_runs(map, block, &map->entries[index]);
	if (block->kept != kept)
		fail(map, error_new(ERROR_BAD_DATA, "%u pages are kept in the page map, %ju in the dump", block->kept,
		                    (uintmax_t)kept));
}

// What was changed behind the scan's back, by what kept means now.
static enum fmt_pagemap_code settled_code(enum fmt_pagemap_code code, bool is_dropped, bool is_kept)
{
	if (is_dropped == is_kept)
		return is_kept ? FMT_PAGEMAP_PROCESS : FMT_PAGEMAP_STRUCT_PAGES;
	return code;
}

static struct error *settle_block(struct pagemap *map, struct pagemap_block *block, struct fmt_pagemap_entry *entry,
                                  uint8_t *old, const uint64_t *set)
{
	const uint8_t *at = old, *end = old + entry->size_bytes;
	struct fmt_pagemap_run run;
	size_t got;
	struct error *err = io_pread(map->fd, old, entry->size_bytes, entry->offset, &got);

	if (err)
		return err;
	if (got < entry->size_bytes)
		return error_new(ERROR_BAD_DATA, "what was written cannot be read again");
	while (fmt_pagemap_get_run(&at, end, &run)) {
		uint64_t run_end = block->pfn + run.frames;
		bool is_dropped = block->dropped_codes >> run.code & 1;

		while (block->pfn < run_end) {
			uint64_t bit = block->pfn - map->window_pfn;
			bool is_kept = bitmap_test(set, bit);
			uint64_t next = bitmap_find(set, bit, run_end - map->window_pfn, !is_kept);

			add_run(block, map->window_pfn + next, settled_code(run.code, is_dropped, is_kept));
		}
	}
	put_runs(map, block, entry);
	return NULL;
}

static struct error *settle(struct pagemap *map, const uint64_t *set)
{
	_cleanup_free_ uint8_t *old = malloc(FMT_PAGEMAP_BLOCK_BYTES);
	struct pagemap_block block = {0};
	struct error *err = NULL;

	if (!pagemap_block_init(map, &block))
		return NULL;
	if (!old)
		err = no_memory();
	for (size_t i = 0; i < WINDOW_BLOCKS && !err; i++) {
		pagemap_block_start(&block, map->window_pfn + i * FMT_PAGEMAP_BLOCK_FRAMES);
		if (map->entries[i].size_bytes)
			err = settle_block(map, &block, &map->entries[i], old, set);
	}
	pagemap_block_deinit(&block);
	return err;
}

void pagemap_end_window(struct pagemap *map, uint64_t pfn_end, const uint64_t *changed_set)
{
	size_t count = (pfn_end - map->window_pfn + FMT_PAGEMAP_BLOCK_FRAMES - 1) / FMT_PAGEMAP_BLOCK_FRAMES;
	uint64_t first = map->window_pfn / FMT_PAGEMAP_BLOCK_FRAMES;
	struct fmt_pagemap_entry raw[WINDOW_BLOCKS];

	if (changed_set && !atomic_load(&map->is_failed))
		fail(map, settle(map, changed_set));
	if (atomic_load(&map->is_failed))
		return;
	map->window_cell = atomic_load(&map->next_offset) * FMT_PAGEMAP_CELLS_PER_BYTE;
	map->window_kept = 0;
	for (size_t i = 0; i < count; i++) {
		map->entries[i].cell = map->window_cell + map->window_kept;
		map->window_kept += map->entries[i].kept;
		raw[i] = fmt_pagemap_store_entry(&map->entries[i]);
	}
	atomic_fetch_add(&map->next_offset,
	                 (map->window_kept + FMT_PAGEMAP_CELLS_PER_BYTE - 1) / FMT_PAGEMAP_CELLS_PER_BYTE);
	fail(map, io_pwrite(map->fd, raw, count * sizeof(*raw), map->header.index_offset + first * sizeof(*raw)));
}

struct pagemap_place pagemap_place(const struct pagemap *map)
{
	return (struct pagemap_place){map->window_cell, map->window_kept};
}

void pagemap_return(struct pagemap *map, struct pagemap_place place)
{
	map->window_cell = place.cell;
	map->window_kept = place.kept;
}

uint64_t pagemap_block_rank(const struct pagemap *map, uint64_t pfn)
{
	return map->entries[(pfn - map->window_pfn) / FMT_PAGEMAP_BLOCK_FRAMES].cell - map->window_cell;
}

// Writes some bytes of cells. The first and the last may hold cells of others, who do the same: those keep theirs.
static struct error *write_cells(struct pagemap *map, uint64_t offset, uint8_t *bytes, size_t count)
{
	uint8_t old[2] = {0, 0};
	size_t got;
	struct error *err = io_pread(map->fd, &old[0], 1, offset, &got);

	if (!err)
		err = io_pread(map->fd, &old[1], 1, offset + count - 1, &got);
	if (err)
		return err;
	bytes[0] |= old[0];
	bytes[count - 1] |= old[1];
	return io_pwrite(map->fd, bytes, count, offset);
}

void pagemap_note(struct pagemap *map, uint64_t rank, const uint8_t *states, size_t count)
{
	uint64_t cell = map->window_cell + rank;

	if (rank + count > map->window_kept)
		fail(map, error_new(ERROR_BAD_DATA, "a page behind those that the page map keeps"));
	while (count && !atomic_load_explicit(&map->is_failed, memory_order_relaxed)) {
		size_t skip = cell % FMT_PAGEMAP_CELLS_PER_BYTE;
		size_t part = count < NOTE_CELLS - skip ? count : NOTE_CELLS - skip;
		size_t bytes = (skip + part + FMT_PAGEMAP_CELLS_PER_BYTE - 1) / FMT_PAGEMAP_CELLS_PER_BYTE;
		uint64_t offset = cell / FMT_PAGEMAP_CELLS_PER_BYTE;
		uint8_t packed[NOTE_CELLS / FMT_PAGEMAP_CELLS_PER_BYTE] = {0};

		for (size_t i = 0; i < part; i++)
			packed[(skip + i) / 4] |= (uint8_t)(states[i] << (skip + i) % 4 * 2);
		if (skip || (skip + part) % FMT_PAGEMAP_CELLS_PER_BYTE) {
			pthread_mutex_lock(&map->lock);
			fail_locked(map, write_cells(map, offset, packed, bytes));
			pthread_mutex_unlock(&map->lock);
		} else {
			fail(map, io_pwrite(map->fd, packed, bytes, offset));
		}
		cell += part;
		states += part;
		count -= part;
	}
}

void pagemap_note_all_written(struct pagemap *map)
{
	uint8_t states[NOTE_CELLS];

	memset(states, FMT_PAGEMAP_WRITTEN, sizeof(states));
	for (uint64_t rank = 0; rank < map->window_kept && !atomic_load(&map->is_failed); rank += NOTE_CELLS)
		pagemap_note(map, rank, states,
		             map->window_kept - rank < NOTE_CELLS ? map->window_kept - rank : NOTE_CELLS);
}

// Rare: the place is found as a reader finds it.
static struct error *find_answer(struct pagemap *map, uint64_t pfn, struct pagemap_answer *ret)
{
	struct error *err = map->reader ? NULL : pagemap_reader_create(map->fd, &map->reader);

	return err ? err : pagemap_reader_find(map->reader, pfn, ret);
}

// All bits set are a state, so nothing has to be taken away.
static struct error *note_unreadable(struct pagemap *map, uint64_t pfn)
{
	struct pagemap_answer answer;
	struct error *err = find_answer(map, pfn, &answer);
	uint8_t byte;

	if (err || !answer.is_kept)
		return err;
	byte = (uint8_t)(FMT_PAGEMAP_UNREADABLE << answer.cell % FMT_PAGEMAP_CELLS_PER_BYTE * 2);
	return write_cells(map, answer.cell / FMT_PAGEMAP_CELLS_PER_BYTE, &byte, 1);
}

void pagemap_note_unreadable(struct pagemap *map, uint64_t pfn)
{
	pthread_mutex_lock(&map->lock);
	if (!map->error)
		fail_locked(map, note_unreadable(map, pfn));
	pthread_mutex_unlock(&map->lock);
}

static struct error *note_pending(struct pagemap *map, uint64_t pfn, uint64_t count)
{
	struct pagemap_answer answer;
	struct error *err = find_answer(map, pfn, &answer);
	uint64_t cell, end;

	if (err || !answer.is_kept)
		return err;
	cell = answer.cell;
	end = cell + count;
	while (cell < end && !err) {
		uint64_t offset = cell / FMT_PAGEMAP_CELLS_PER_BYTE, base = offset * FMT_PAGEMAP_CELLS_PER_BYTE;
		uint64_t stop = end - base < NOTE_CELLS ? end : base + NOTE_CELLS;
		size_t size = (stop - base + FMT_PAGEMAP_CELLS_PER_BYTE - 1) / FMT_PAGEMAP_CELLS_PER_BYTE, got;
		uint8_t packed[NOTE_CELLS / FMT_PAGEMAP_CELLS_PER_BYTE] = {0};

		err = io_pread(map->fd, packed, size, offset, &got);
		for (; cell < stop; cell++)
			packed[(cell - base) / FMT_PAGEMAP_CELLS_PER_BYTE] &=
				(uint8_t) ~(3U << cell % FMT_PAGEMAP_CELLS_PER_BYTE * 2);
		if (!err)
			err = io_pwrite(map->fd, packed, size, offset);
	}
	return err;
}

void pagemap_note_pending(struct pagemap *map, uint64_t pfn, uint64_t count)
{
	if (!map->error)
		fail(map, note_pending(map, pfn, count));
}

void pagemap_finish(struct pagemap *map, enum fmt_pagemap_status status)
{
	if (map->error)
		return;
	// What the header promises must be on the disk before it.
	if (fdatasync(map->fd) < 0)
		fail(map, error_os(errno, "fdatasync"));
	if (map->error)
		return;
	map->header.status = status;
	write_header(map);
}
