// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * All page frames of the crashed machine as runs of one kind: what they were used for, and whether they are in the dump.
 *
 * Does not draw them (report/htmlmemory.h). What the page map beside the dump says is taken as it is; without one, struct pages that are
 * in the dump tell what frames were, and the dump whether it has them.
 */
#ifndef REPORT_FRAMEKINDS_H
#define REPORT_FRAMEKINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "dump/fmt_pagemap.h"

/** Limits. */
enum {
	FRAMEKINDS_MAX = 52, /**< Kinds; there are 12 uses and 5 states, most of which never meet. */
	FRAMEKINDS_RUNS_MAX =
		200000, /**< Runs; where there are more, blocks of frames are told as what one of them is. */
	FRAMEKINDS_WHY_BYTES = 320,
};

/** What became of a frame. */
enum framekinds_state {
	FRAMEKINDS_ABSENT, /**< It is not in the dump. */
	FRAMEKINDS_WRITTEN, /**< It is. */
	FRAMEKINDS_ZERO, /**< It is, as a page of zeros that all such pages share. */
	FRAMEKINDS_UNREADABLE, /**< It should be, and could not be read. */
	FRAMEKINDS_PENDING, /**< It should be, and the copy did not get so far. */
	FRAMEKINDS_STATE_COUNT,
};

/** A kind of frames. */
struct framekinds_kind {
	enum fmt_pagemap_code code;
	enum framekinds_state state;
	uint64_t frames; /**< So many, exactly. */
};

/** Frames that follow one another. */
struct framekinds_run {
	uint64_t frames;
	uint32_t kind;
};

/** All frames from 0 on. */
struct framekinds {
	struct framekinds_kind kinds[FRAMEKINDS_MAX];
	size_t kind_count;
	struct framekinds_run *runs; /**< Neighbours differ. */
	size_t run_count;
	uint64_t granule_frames; /**< 1: runs are exact; else blocks of so many frames are of one kind. */
	uint64_t page_bytes;
	bool is_of_map; /**< They are those of a page map. */
	bool is_level_known;
	unsigned int dump_level; /**< What was left out; only if is_level_known. */
	char why[FRAMEKINDS_WHY_BYTES]; /**< Why something is not known; "": all is. */
	// While it is made.
	uint64_t block[FRAMEKINDS_MAX]; /**< Frames of each kind in the block that is not whole. */
	uint64_t block_frames; /**< Their sum. */
	uint64_t random; /**< Of the choice in the next block. */
	size_t run_room;
	bool is_out_of_memory;
};

/**
 * Take them from a page map.
 *
 * @param[out] ret They, as far as the map is whole; framekinds_deinit() it, also after an error.
 * @param[in] fd The map, open for reading.
 * @param[in] crash_time_s Of the dump: a map of another crash is refused; 0: not known.
 * @return NULL; ERROR_BAD_DATA (it belongs to another dump); as pagemap_reader_create(); ERROR_NOMEM.
 */
struct error *framekinds_of_map(struct framekinds *ret, int fd, uint64_t crash_time_s) must_check;

/**
 * Look at struct pages.
 *
 * @param[out] ret They; framekinds_deinit() it, also after an error.
 * @param[in] core The dump.
 * @return NULL; ERROR_NOMEM; ERROR_OS.
 */
struct error *framekinds_of_dump(struct framekinds *ret, const struct vmcore *core) must_check;

/** Start. @param[out] ret Empty. @param[in] page_bytes Size of a page. */
void framekinds_init(struct framekinds *ret, uint64_t page_bytes);

/** Add frames behind those that were added. @param[in,out] kinds They. @param[in] code What they are. @param[in] state See there. @param[in] frames Their number; may be 0. */
void framekinds_add(struct framekinds *kinds, enum fmt_pagemap_code code, enum framekinds_state state, uint64_t frames);

/** End: what is in no whole block yet becomes a run. @param[in,out] kinds They. @return NULL; ERROR_NOMEM. */
struct error *framekinds_finish(struct framekinds *kinds) must_check;

/** Free. @param[in] kinds May be zeroed. */
void framekinds_deinit(struct framekinds *kinds);

#define _cleanup_framekinds_ _cleanup_(framekinds_deinit)

/** A word for a use. @param[in] code The use. @return "kernel", "free" … Static. */
const char *framekinds_use(enum fmt_pagemap_code code);

/** Words for what became of a frame. @param[in] state See there. @return Static. */
const char *framekinds_fate(enum framekinds_state state);

#endif
