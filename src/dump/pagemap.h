// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The writer of a page map (fmt_pagemap.h): told by the scan what each frame is, and by the copier what became of it.
 *
 * Never fails the dump: functions that write return nothing, the first error is kept, and after it nothing is done any more.
 * Does not decide what is kept, and does not read maps (pagemap_reader.h). Memory: a few KiB, and FMT_PAGEMAP_BLOCK_BYTES for
 * each thread that scans.
 */
#ifndef DUMP_PAGEMAP_H
#define DUMP_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/page.h"
#include "core/vmcore.h"
#include "dump/fmt_pagemap.h"

/** A map that is being written. */
struct pagemap;

/** Most frames between pagemap_start_window() and pagemap_end_window(). */
enum { PAGEMAP_WINDOW_FRAMES = (1 << 25) + (1 << 21) };

/** The runs of one block, made from front to back by one thread. */
struct pagemap_block {
	const struct vmcore *core;
	uint32_t dropped_codes;
	uint32_t kept; /**< Pages so far. */
	uint64_t pfn; /**< Frames before it are told. */
	struct vmcore_frames present; /**< Run of frames of the input at or behind pfn. */
	struct fmt_pagemap_run run; /**< The last run, which may grow. */
	size_t used_bytes;
	uint8_t *bytes; /**< FMT_PAGEMAP_BLOCK_BYTES */
};

/** Code of a class. @param[in] class What a page is. @return Its code. */
static inline enum fmt_pagemap_code pagemap_class_code(enum page_class class)
{
	return (enum fmt_pagemap_code)(class + 1);
}

/**
 * Make a map.
 *
 * @param[in] fd Empty file, open for reading and writing; borrowed.
 * @param[out] ret The map; pagemap_destroy() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *pagemap_create(int fd, struct pagemap **ret) must_check;

/** End; what is not finished stays as it is. @param[in] map May be NULL. */
void pagemap_destroy(struct pagemap *map);

/** Guard form of pagemap_destroy(). @param[in] map Address of the variable. */
static inline void pagemap_destroyp(struct pagemap **map)
{
	pagemap_destroy(*map);
}

/** What went wrong. @param[in] map The map. @return NULL: nothing did; else why the file is worth nothing. Borrowed. */
const struct error *pagemap_error(const struct pagemap *map);

/** Start the file, which is partial from now on; started again, it forgets what it was told. @param[in,out] map The map. @param[in] core The input; borrowed. @param[in] dump_level What is left out. */
void pagemap_start(struct pagemap *map, const struct vmcore *core, unsigned int dump_level);

/** Some blocks are scanned next; windows come in order. @param[in,out] map The map. @param[in] pfn_start First frame, at the start of a block. */
void pagemap_start_window(struct pagemap *map, uint64_t pfn_start);

/** Make what one thread needs for blocks. @param[in,out] map The map; any thread. @param[out] ret pagemap_block_deinit() it. @return false: there is no memory, which ends the map. */
bool pagemap_block_init(struct pagemap *map, struct pagemap_block *ret) must_check;

/** Free. @param[in] block May be zeroed. */
void pagemap_block_deinit(struct pagemap_block *block);

/** Start a block. @param[in,out] block The last block is forgotten. @param[in] pfn First frame. */
void pagemap_block_start(struct pagemap_block *block, uint64_t pfn);

/** As pagemap_block_add(), for frames that are not all in the input, or not the next ones. @param[in,out] block The block. @param[in] pfn First frame. @param[in] pfn_end One past the last. @param[in] code What they are. */
void pagemap_block_add_gaps(struct pagemap_block *block, uint64_t pfn, uint64_t pfn_end, enum fmt_pagemap_code code);

/** End the last run and start one. @param[in,out] block The block. @param[in] run Not empty. */
void pagemap_block_put(struct pagemap_block *block, struct fmt_pagemap_run run);

/**
 * Tell what frames are. Those between the last ones and these are not in the input.
 *
 * @param[in,out] block The block.
 * @param[in] pfn First frame, not before the end of those told last.
 * @param[in] pfn_end One past the last, above @p pfn; those that are not in the input are passed over.
 * @param[in] code What they are.
 */
static inline void pagemap_block_add(struct pagemap_block *block, uint64_t pfn, uint64_t pfn_end,
                                     enum fmt_pagemap_code code)
{
	if (pfn != block->pfn || pfn < block->present.pfn_start || pfn_end > block->present.pfn_end) {
		pagemap_block_add_gaps(block, pfn, pfn_end, code);
		return;
	}
	block->pfn = pfn_end;
	if (code == block->run.code)
		block->run.frames += (uint32_t)(pfn_end - pfn);
	else
		pagemap_block_put(block, (struct fmt_pagemap_run){code, (uint32_t)(pfn_end - pfn)});
}

/**
 * End a block and write it.
 *
 * @param[in,out] map The map; any thread.
 * @param[in,out] block Of the calling thread.
 * @param[in] pfn_end One past its last frame.
 * @param[in] kept Pages that the scan keeps, counted by itself: a map that does not agree would tell lies, and ends.
 */
void pagemap_put_block(struct pagemap *map, struct pagemap_block *block, uint64_t pfn_end, uint64_t kept);

/**
 * All blocks of a window are put: fix the places of their cells.
 *
 * @param[in,out] map The map.
 * @param[in] pfn_end One past the last frame of the window.
 * @param[in] changed_set The frames that are kept, one bit each, if somebody changed the set since it was scanned; else NULL.
 *			  What was to be dropped and is kept now is FMT_PAGEMAP_PROCESS, the other way FMT_PAGEMAP_STRUCT_PAGES.
 */
void pagemap_end_window(struct pagemap *map, uint64_t pfn_end, const uint64_t *changed_set);

/** Where the states of a window's pages are. */
struct pagemap_place {
	uint64_t cell; /**< Of its first page that is kept. */
	uint64_t kept; /**< Pages that are kept. */
};

/** Place of the window that was ended last. @param[in] map The map. @return For pagemap_return(). */
struct pagemap_place pagemap_place(const struct pagemap *map);

/** Go back to an earlier window, to tell more of its pages. @param[in,out] map The map; no window is open. @param[in] place Of the window. */
void pagemap_return(struct pagemap *map, struct pagemap_place place);

/** Rank in its window of the first page of a block that is kept. @param[in] map The map, its window ended. @param[in] pfn First frame of the block. @return See there. */
uint64_t pagemap_block_rank(const struct pagemap *map, uint64_t pfn);

/**
 * Tell what became of pages that are kept. Each page once.
 *
 * @param[in,out] map The map, its window ended; any thread.
 * @param[in] rank Of the first page, in the set of the window.
 * @param[in] states enum fmt_pagemap_state, one byte each.
 * @param[in] count Their number.
 */
void pagemap_note(struct pagemap *map, uint64_t rank, const uint8_t *states, size_t count);

/** As pagemap_note(): all pages of the window are FMT_PAGEMAP_WRITTEN. @param[in,out] map The map. */
void pagemap_note_all_written(struct pagemap *map);

/** A page of any window could not be read, whatever was told of it before. @param[in,out] map The map; any thread. @param[in] pfn A frame that is kept. */
void pagemap_note_unreadable(struct pagemap *map, uint64_t pfn);

/** Take back that pages were written. @param[in,out] map The map; no other thread writes to it. @param[in] pfn The first; all are kept, and in one window. @param[in] count Their number. */
void pagemap_note_pending(struct pagemap *map, uint64_t pfn, uint64_t count);

/** All is told: put the file on the disk and give it its status. @param[in,out] map The map. @param[in] status Not FMT_PAGEMAP_PARTIAL. */
void pagemap_finish(struct pagemap *map, enum fmt_pagemap_status status);

#endif
