// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The saved frames of an ELF dump: which lie together, and in which order they are in the file.
 *
 * Private to copy_elf.c. Does not know what frames are worth (worth.h), which of them are zeros, and what is written of them.
 */
#ifndef DUMP_SEGMENTS_H
#define DUMP_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/callers.h"
#include "dump/worth.h"

/** Frames that lie together: some that are in the file, then some that are zeros and are not. */
struct segment {
	uint64_t pfn;
	uint64_t rank; /**< Pages in the file before this segment. */
	uint32_t file_pages;
	uint32_t zero_pages;
	unsigned int place; /**< Segments with a lower one come first, those with the same one by their frames. */
};

/** All of them. */
struct segments {
	struct segment *list;
	size_t count;
	size_t room;
	size_t count_max; /**< 0: as many as there are. */
	uint64_t page_count; /**< In the file. */
};

/**
 * Begin with none.
 *
 * @param[out] ret segments_deinit() it.
 * @param[in] memory_bytes Memory that they may take; 0: as much as they need.
 */
void segments_init(struct segments *ret, uint64_t memory_bytes);

/** Free. @param[in] segments May be zeroed. */
void segments_deinit(struct segments *segments);

/** What to add: frames of a window. */
struct segments_window {
	const uint64_t *set; /**< One bit for each frame that is saved. */
	const uint64_t *zeros; /**< For those that are zeros. */
	uint64_t base_pfn; /**< Of bit 0, a multiple of a block. */
	uint64_t end_pfn;
	uint64_t block_pages; /**< Frames of a block. */
	const uint8_t *worth; /**< Of each block, as worth_window() gives it. */
};

/**
 * Add what a window has, behind that of windows before.
 *
 * @param[in,out] segments The segments.
 * @param[in] window The window.
 * @return NULL; ERROR_NOMEM: also where there are more than may be.
 */
struct error *segments_add(struct segments *segments, const struct segments_window *window) must_check;

/**
 * Put all in the order of the file, and tell their ranks.
 *
 * @param[in,out] segments The segments of all windows.
 * @param[in] worth Where code is.
 * @param[in] callers After the last look: code that nothing points to comes behind what stands for files; without pages: all code
 *                    comes before that.
 * @return NULL; ERROR_NOMEM: also where there are more than may be.
 */
struct error *segments_order(struct segments *segments, const struct worth_map *worth,
                             const struct callers *callers) must_check;

/** The segment that has a page of the file. @param[in] segments In order. @param[in] rank Of the page, below page_count. @return It. */
const struct segment *segments_find(const struct segments *segments, uint64_t rank);

/** One past the last page that has the same place as one. @param[in] segments In order. @param[in] rank Of that one, below page_count. @return Its rank. */
uint64_t segments_place_end(const struct segments *segments, uint64_t rank);

/** Whether pages of a segment are missing among the first of the file; the zeros behind are left out then, too. @param[in] segment The segment. @param[in] page_count Pages of the file. @return See there. */
bool segment_is_cut(const struct segment *segment, uint64_t page_count);

/** Pages of a segment among the first of the file. @param[in] segment The segment. @param[in] page_count Pages of the file. @return Their number. */
uint64_t segment_pages(const struct segment *segment, uint64_t page_count);

#endif
