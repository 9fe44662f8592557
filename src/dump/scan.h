// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which page frames to save: memory map × struct pages × filter → a set of frames, with counts.
 *
 * Does not read the pages themselves: zero pages are found while copying.
 */
#ifndef DUMP_SCAN_H
#define DUMP_SCAN_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/memmap.h"
#include "core/page.h"
#include "core/vmcore.h"
#include "core/xlat.h"
#include "dump/filter.h"
#include "dump/pagemap.h"

/** What a scan works on. Read-only after scan_init(); may be shared by threads. */
struct scan {
	const struct vmcore *core;
	unsigned int dump_level;
	unsigned int thread_count;
	struct xlat xlat;
	struct memmap map;
	struct page_layout *layout; /**< NULL: unknown; every page is PAGE_KERNEL. */
	struct pagemap *
		pagemap; /**< Is told what each frame is, its window started; NULL: not wanted. The caller may set it. */
};

/** Page frames per job, a window is a multiple of it. No block of pages crosses such a border: the largest, a hugetlb page of 1 GiB, is one. */
enum { SCAN_JOB_PAGES = 1 << 18 };

/** What a scan found. Sums over windows. */
struct scan_result {
	struct filter_counts counts;
	uint64_t unclassified; /**< Pages whose struct page could not be read; they are kept. */
};

/**
 * Learn how the crashed kernel describes its pages.
 *
 * @param[out] ret The scan; scan_deinit() it. It must stay where it is: parts of it point to others.
 * @param[in] core The dump.
 * @param[in] dump_level 0…31.
 * @param[in] thread_count At least 1.
 * @param[out] unknown_ret Why the layout is not known (then the scan keeps everything), or NULL; error_free() it.
 * @return NULL; ERROR_NOMEM; ERROR_OS.
 */
struct error *scan_init(struct scan *ret, const struct vmcore *core, unsigned int dump_level, unsigned int thread_count,
                        struct error **unknown_ret) must_check;

/** Free. @param[in] scan May be zeroed. */
void scan_deinit(struct scan *scan);

#define _cleanup_scan_ _cleanup_(scan_deinit)

/**
 * Find the set of frames of a window.
 *
 * @param[in] scan Shared.
 * @param[in] pfn_start First frame, a multiple of SCAN_JOB_PAGES.
 * @param[in] pfn_end One past the last frame.
 * @param[out] set One bit for each frame from @p pfn_start on, in whole words: 1 is "save".
 * @param[in,out] result What was found is added.
 * @return NULL; ERROR_NOMEM; ERROR_OS.
 */
struct error *scan_window(const struct scan *scan, uint64_t pfn_start, uint64_t pfn_end, uint64_t *set,
                          struct scan_result *result) must_check;

/**
 * Set the bits of a set of frames that the dump tells of.
 *
 * @param[in] core The dump.
 * @param[in] which The set.
 * @param[in] pfn_start First frame.
 * @param[in] pfn_end One past the last frame.
 * @param[out] set One bit for each frame from @p pfn_start on, in whole words.
 */
void scan_frame_set(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn_start, uint64_t pfn_end,
                    uint64_t *set);

#endif
