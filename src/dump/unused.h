// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * struct pages that describe only pages that are not saved: they can be left out too (makedumpfile -e).
 *
 * Does not choose pages (scan.h).
 */
#ifndef DUMP_UNUSED_H
#define DUMP_UNUSED_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/scan.h"

/** Frames that hold such struct pages. */
struct unused {
	struct vmcore_frames *runs; /**< Disjoint, in the order of what they describe. */
	size_t run_count;
	size_t run_room;
};

/** Most runs that are remembered; others are saved. They take 512 KiB. */
enum { UNUSED_RUNS_MAX = 1 << 15 };

/**
 * Add the struct pages of the frames of a window.
 *
 * A page of them is left out if each frame that it describes, even in part, is memory and is not saved.
 *
 * @param[in,out] unused Zeroed before the first window; unused_deinit() it.
 * @param[in] scan Shared. Nothing is found if its layout is unknown.
 * @param[in] set Frames that are saved.
 * @param[in] base_pfn Of bit 0 of the set, a multiple of SCAN_JOB_PAGES.
 * @param[in] end_pfn One past the last frame.
 * @return NULL; ERROR_NOMEM; ERROR_OS. What cannot be read is no error, and saved.
 */
struct error *unused_find(struct unused *unused, const struct scan *scan, const uint64_t *set, uint64_t base_pfn,
                          uint64_t end_pfn) must_check;

/**
 * Take what was found out of a set of frames.
 *
 * @param[in] unused What was found.
 * @param[in,out] set Frames that are saved.
 * @param[in] base_pfn Of bit 0.
 * @param[in] end_pfn One past the last frame.
 * @return How many frames were in the set.
 */
uint64_t unused_drop(const struct unused *unused, uint64_t *set, uint64_t base_pfn, uint64_t end_pfn);

/** Free. @param[in] unused May be zeroed. */
void unused_deinit(struct unused *unused);

#endif
