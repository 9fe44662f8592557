// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/unused.h"

#include "base/bitmap.h"

// What is looked at now: some frames of one run of struct pages.
struct walk {
	struct unused *unused;
	const struct scan *scan;
	const uint64_t *set;
	uint64_t base_pfn;
	uint64_t pfn_start, pfn_end; // Frames that may be looked at …
	uint64_t *memory; // … and which of them are memory.
	struct vmreader tables;
};

static struct error *add_frame(struct unused *unused, uint64_t pfn)
{
	struct vmcore_frames *last = unused->run_count ? &unused->runs[unused->run_count - 1] : NULL;

	if (last && last->pfn_end == pfn) {
		last->pfn_end++;
		return NULL;
	}
	if (unused->run_count == UNUSED_RUNS_MAX)
		return NULL;
	if (unused->run_count == unused->run_room) {
		size_t room = unused->run_room ? 2 * unused->run_room : 256;
		struct vmcore_frames *runs = reallocarray(unused->runs, room, sizeof(*runs));

		if (!runs)
			return error_new(ERROR_NOMEM, "no memory for a list of struct pages");
		unused->runs = runs;
		unused->run_room = room;
	}
	unused->runs[unused->run_count++] = (struct vmcore_frames){pfn, pfn + 1};
	return NULL;
}

// Whether frames [first, end) are memory that is not saved.
static bool are_dropped(const struct walk *walk, uint64_t first, uint64_t end)
{
	return first >= walk->pfn_start && end <= walk->pfn_end &&
	       bitmap_find(walk->set, first - walk->base_pfn, end - walk->base_pfn, true) == end - walk->base_pfn &&
	       bitmap_find(walk->memory, first - walk->pfn_start, end - walk->pfn_start, false) ==
	               end - walk->pfn_start;
}

// Looks at the pages of struct pages from one virtual address up to another, both at the start of a page.
static struct error *find_in_pages(struct walk *walk, const struct memmap_run *run, uint64_t vaddr, uint64_t vaddr_end)
{
	uint64_t bytes = page_layout_bytes(walk->scan->layout), page_bytes = vmcore_page_bytes(walk->scan->core);
	uint64_t paddr = 0, there = 0;
	struct error *err = NULL;

	for (; !err && vaddr < vaddr_end; vaddr += page_bytes, paddr += page_bytes, there -= page_bytes) {
		uint64_t first = run->pfn_start + (vaddr - run->page_vaddr) / bytes;
		uint64_t end = run->pfn_start + (vaddr + page_bytes - run->page_vaddr + bytes - 1) / bytes;

		if (!there) {
			err = xlat_translate(&walk->scan->xlat, &walk->tables, vaddr, &paddr, &there);
			if (error_catch(&err, ERROR_FAULT) || error_catch(&err, ERROR_BAD_DATA)) {
				there = page_bytes;
				continue;
			}
			if (err)
				break;
		}
		if (are_dropped(walk, first, end))
			err = add_frame(walk->unused, paddr >> vmcore_page_shift(walk->scan->core));
	}
	return err;
}

static struct error *find_in_run(struct walk *walk, const struct memmap_run *run)
{
	uint64_t bytes = page_layout_bytes(walk->scan->layout), page_bytes = vmcore_page_bytes(walk->scan->core);
	uint64_t end = run->pfn_end < walk->pfn_end ? run->pfn_end : walk->pfn_end;
	uint64_t first = run->pfn_start > walk->pfn_start ? run->pfn_start : walk->pfn_start;
	uint64_t vaddr = run->page_vaddr + (first - run->pfn_start) * bytes;
	uint64_t vaddr_end = run->page_vaddr + (end - run->pfn_start) * bytes;

	// Only whole pages: in one that begins or ends elsewhere there may be anything.
	vaddr = (vaddr + page_bytes - 1) / page_bytes * page_bytes;
	vaddr_end = vaddr_end / page_bytes * page_bytes;
	return find_in_pages(walk, run, vaddr, vaddr_end);
}

static struct error *find_in_job(struct walk *walk)
{
	struct error *err = NULL;
	struct memmap_run run;

	scan_frame_set(walk->scan->core, VMCORE_FRAMES_RAM, walk->pfn_start, walk->pfn_end, walk->memory);
	for (uint64_t pfn = walk->pfn_start; !err && pfn < walk->pfn_end; pfn = run.pfn_end) {
		err = memmap_next_readable(&walk->scan->map, &walk->tables, pfn, walk->pfn_end, &run);
		if (err || run.pfn_start >= run.pfn_end)
			break;
		err = find_in_run(walk, &run);
	}
	return err;
}

struct error *unused_find(struct unused *unused, const struct scan *scan, const uint64_t *set, uint64_t base_pfn,
                          uint64_t end_pfn)
{
	struct walk walk = {.unused = unused, .scan = scan, .set = set, .base_pfn = base_pfn};
	_cleanup_free_ uint64_t *memory = malloc(SCAN_JOB_PAGES / 8);
	struct error *err = NULL;

	if (!memory)
		return error_new(ERROR_NOMEM, "no memory for a set of frames");
	walk.memory = memory;
	vmreader_init(&walk.tables, scan->core, VMREADER_WINDOW_TABLE_BYTES);
	for (uint64_t pfn = base_pfn; !err && scan->layout && pfn < end_pfn; pfn += SCAN_JOB_PAGES) {
		walk.pfn_start = pfn;
		walk.pfn_end = end_pfn - pfn < SCAN_JOB_PAGES ? end_pfn : pfn + SCAN_JOB_PAGES;
		err = find_in_job(&walk);
	}
	vmreader_deinit(&walk.tables);
	return err;
}

uint64_t unused_drop(const struct unused *unused, uint64_t *set, uint64_t base_pfn, uint64_t end_pfn)
{
	uint64_t dropped = 0;

	for (size_t i = 0; i < unused->run_count; i++) {
		uint64_t start = unused->runs[i].pfn_start, end = unused->runs[i].pfn_end;

		start = start > base_pfn ? start : base_pfn;
		end = end < end_pfn ? end : end_pfn;
		if (start >= end)
			continue;
		dropped += bitmap_count(set, start - base_pfn, end - base_pfn);
		bitmap_fill(set, start - base_pfn, end - base_pfn, false);
	}
	return dropped;
}

void unused_deinit(struct unused *unused)
{
	free(unused->runs);
	*unused = (struct unused){0};
}
