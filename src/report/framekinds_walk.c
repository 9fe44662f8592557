// SPDX-License-Identifier: GPL-2.0-or-later
// Without a page map: struct pages that are in the dump tell what frames are, those that are not in it too.
#include <stdio.h>
#include <stdlib.h>

#include "base/bitmap.h"
#include "dump/pagemap.h"
#include "dump/scan.h"
#include "report/framekinds.h"

enum {
	// Frames that are looked at: 256 TiB of pages of 4 KiB. The maximum of a dump is not believed beyond.
	JOBS_MAX = 1 << 18,
};

// What is looked at now.
struct walk {
	struct framekinds *kinds;
	const struct vmcore *core;
	const struct scan *scan;
	struct vmreader pages, tables;
	uint64_t pfn; // Frames before it are told.
	struct vmcore_frames memory, present; // The next run of each, at or behind pfn; empty: there is none.
	uint64_t block_end; // Of the compound page that is being walked …
	enum fmt_pagemap_code block_code; // … and what it is.
};

static struct vmcore_frames find_frames(const struct walk *walk, enum vmcore_frame_set which, struct vmcore_frames run)
{
	if (run.pfn_end > walk->pfn)
		return run;
	if (!vmcore_next_frames(walk->core, which, walk->pfn, &run))
		run = (struct vmcore_frames){UINT64_MAX, UINT64_MAX};
	return run;
}

static uint64_t border(const struct vmcore_frames *run, uint64_t pfn)
{
	return pfn < run->pfn_start ? run->pfn_start : run->pfn_end;
}

// Tells of all frames up to one: in the dump, memory that is left out, no memory.
static void tell(struct walk *walk, uint64_t end, enum fmt_pagemap_code code)
{
	while (walk->pfn < end) {
		uint64_t next = end;

		walk->memory = find_frames(walk, VMCORE_FRAMES_RAM, walk->memory);
		walk->present = find_frames(walk, VMCORE_FRAMES_PRESENT, walk->present);
		next = border(&walk->memory, walk->pfn) < next ? border(&walk->memory, walk->pfn) : next;
		next = border(&walk->present, walk->pfn) < next ? border(&walk->present, walk->pfn) : next;
		if (walk->pfn >= walk->present.pfn_start)
			framekinds_add(walk->kinds, code == FMT_PAGEMAP_NONE ? FMT_PAGEMAP_UNKNOWN : code,
			               FRAMEKINDS_WRITTEN, next - walk->pfn);
		else if (walk->pfn >= walk->memory.pfn_start)
			framekinds_add(walk->kinds, code == FMT_PAGEMAP_NONE ? FMT_PAGEMAP_UNKNOWN : code,
			               FRAMEKINDS_ABSENT, next - walk->pfn);
		else
			framekinds_add(walk->kinds, FMT_PAGEMAP_NONE, FRAMEKINDS_ABSENT, next - walk->pfn);
		walk->pfn = next;
	}
}

// Single pages and tails, up to the first that needs a closer look.
static void take_word(struct walk *walk, const struct page_word *word, unsigned int end)
{
	uint64_t first = walk->pfn;

	while (walk->pfn < first + end) {
		unsigned int start = (unsigned int)(walk->pfn - first);
		enum page_class class;
		uint64_t stop = first + page_word_run(word, start, end, &class);
		enum fmt_pagemap_code code = pagemap_class_code(class < PAGE_CLASS_COUNT ? class : PAGE_KERNEL);

		if (class == PAGE_CLASS_COUNT && walk->pfn < walk->block_end) {
			code = walk->block_code;
			stop = stop < walk->block_end ? stop : walk->block_end;
		}
		tell(walk, stop, code);
	}
}

// What some frames are: of a word, or those that one look tells of.
static void take(struct walk *walk, const uint8_t *page, uint64_t left, uint64_t end)
{
	unsigned int count = left < PAGE_WORD_PAGES ? (unsigned int)left : PAGE_WORD_PAGES, simple;
	const struct page_layout *layout = walk->scan->layout;
	enum fmt_pagemap_code code;
	struct page_view view;
	struct page_word word;
	uint64_t next;

	page_word(layout, page, count, &word);
	simple = (unsigned int)bitmap_find(&word.views, 0, count, true);
	take_word(walk, &word, simple);
	if (simple == count)
		return;
	left -= simple;
	page += simple * page_layout_bytes(layout);
	view = page_view(layout, page, left, walk->pfn);
	code = view.is_poisoned ? FMT_PAGEMAP_POISONED : pagemap_class_code(view.class);
	next = walk->pfn + (UINT64_C(1) << view.order);
	// Any page of a block may be broken: only blocks of free pages are passed over.
	if (view.is_compound) {
		walk->block_end = next;
		walk->block_code = code;
		next = walk->pfn + 1;
	}
	if (view.is_poisoned)
		next = walk->pfn + 1;
	tell(walk, next < end ? next : end, code);
}

// Struct pages that lie together in physical memory, at least one.
static struct error *look_at_piece(struct walk *walk, const struct memmap_run *run, uint64_t end)
{
	uint64_t bytes = page_layout_bytes(walk->scan->layout), first = walk->pfn;
	uint64_t vaddr = run->page_vaddr + (first - run->pfn_start) * bytes, paddr, there;
	_cleanup_free_ uint8_t *alone = NULL;
	const uint8_t *pages;
	size_t got;
	struct error *err = xlat_translate(&walk->scan->xlat, &walk->tables, vaddr, &paddr, &there);

	if (err)
		return err;
	if (there > (end - first) * bytes)
		there = (end - first) * bytes;
	err = vmreader_map(&walk->pages, paddr, there < VMREADER_WINDOW_DATA_BYTES ? there : VMREADER_WINDOW_DATA_BYTES,
	                   &pages, &got);
	if (err)
		return err;
	there = (got < there ? got : there) / bytes;
	if (!there) {
		// One that lies across two pages.
		alone = malloc(bytes);
		if (!alone)
			return error_new(ERROR_NOMEM, "no memory for a struct page");
		err = xlat_read(&walk->scan->xlat, &walk->tables, vaddr, alone, bytes);
		if (err)
			return err;
		pages = alone;
		there = 1;
	}
	while (walk->pfn < first + there)
		take(walk, pages + (walk->pfn - first) * bytes, first + there - walk->pfn, end);
	return NULL;
}

static struct error *look_at_run(struct walk *walk, const struct memmap_run *run, uint64_t end)
{
	uint64_t per_page = vmcore_page_bytes(walk->core) / page_layout_bytes(walk->scan->layout);

	while (walk->pfn < end) {
		struct error *err = look_at_piece(walk, run, end);
		uint64_t next = walk->pfn + (per_page ? per_page : 1);

		if (!err)
			continue;
		if (err->code == ERROR_NOMEM || err->code == ERROR_OS)
			return err;
		// A page of struct pages that is not in the dump.
		error_free(err);
		next -= per_page ? (next - run->pfn_start) % per_page : 0;
		tell(walk, next < end ? next : end, FMT_PAGEMAP_NONE);
	}
	return NULL;
}

// Only where there is memory is looked.
static struct error *look_at(struct walk *walk, uint64_t end)
{
	struct error *err = NULL;

	while (!err && walk->pfn < end && walk->scan->layout) {
		struct memmap_run run;

		walk->memory = find_frames(walk, VMCORE_FRAMES_RAM, walk->memory);
		if (walk->memory.pfn_start >= end)
			break;
		if (walk->memory.pfn_start > walk->pfn)
			tell(walk, walk->memory.pfn_start, FMT_PAGEMAP_NONE);
		err = memmap_next_readable(&walk->scan->map, &walk->tables, walk->pfn, end, &run);
		if (err || run.pfn_start >= run.pfn_end || run.pfn_start >= end)
			break;
		tell(walk, run.pfn_start, FMT_PAGEMAP_NONE);
		err = look_at_run(walk, &run, run.pfn_end < end ? run.pfn_end : end);
	}
	if (!err)
		tell(walk, end, FMT_PAGEMAP_NONE);
	return err;
}

struct error *framekinds_of_dump(struct framekinds *ret, const struct vmcore *core)
{
	_cleanup_scan_ struct scan scan = {0};
	struct error *unknown = NULL;
	struct walk walk = {.kinds = ret, .core = core, .scan = &scan};
	uint64_t max_pfn = vmcore_max_pfn(core), limit = (uint64_t)JOBS_MAX * SCAN_JOB_PAGES;
	struct error *err;

	framekinds_init(ret, vmcore_page_bytes(core));
	ret->is_level_known = core->dump_level != 0;
	ret->dump_level = core->dump_level;
	err = scan_init(&scan, core, 0, 1, &unknown);
	if (err)
		return err;
	if (unknown)
		snprintf(ret->why, sizeof(ret->why), "what pages are is not known: %.120s", unknown->text);
	else if (max_pfn > limit)
		snprintf(ret->why, sizeof(ret->why), "only the first 256 TiB are looked at");
	error_free(unknown);
	vmreader_init(&walk.pages, core, VMREADER_WINDOW_DATA_BYTES);
	vmreader_init(&walk.tables, core, VMREADER_WINDOW_TABLE_BYTES);
	if (max_pfn > limit)
		max_pfn = limit;
	for (uint64_t pfn = 0; !err && pfn < max_pfn; pfn += SCAN_JOB_PAGES)
		err = look_at(&walk, max_pfn - pfn < SCAN_JOB_PAGES ? max_pfn : pfn + SCAN_JOB_PAGES);
	vmreader_deinit(&walk.pages);
	vmreader_deinit(&walk.tables);
	return err ? err : framekinds_finish(ret);
}
