// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The saved frames of a window, cut into units of work, the best first.
 *
 * Private to copy_kdump.c and copy_unit.c. Does not know what frames are worth (worth.h).
 */
#ifndef DUMP_COPY_ORDER_H
#define DUMP_COPY_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/worth.h"

/** Saved frames that one worker takes at a time; their descriptors are neighbours. */
struct copy_order_unit {
	uint64_t pfn; /**< The first. */
	uint32_t rank; /**< Saved frames of the window before it. */
	uint16_t count; /**< At least 1. */
	uint16_t part; /**< Index of the file that takes them. */
};

/** Units in the order in which they are to be written. */
struct copy_order {
	struct copy_order_unit *units;
	size_t count;
};

/** What to cut. */
struct copy_order_job {
	const uint64_t *set; /**< One bit for each frame. */
	uint64_t base_pfn; /**< Of bit 0, a multiple of a block. */
	uint64_t end_pfn;
	uint64_t block_pages; /**< Frames of a block. */
	const uint8_t *worth; /**< Of each block, as worth_window() gives it. */
	enum worth first, end; /**< Worth that is wanted: [first, end). */
	const uint64_t *part_starts; /**< First frame of each file, multiples of a block, the first 0. */
	size_t part_count;
	unsigned int unit_pages; /**< Most frames of a unit. */
};

/**
 * Cut and order: the best first, and of one worth those of the files in turns.
 *
 * Where worth changes so often that there would be too many units, more blocks share one answer.
 *
 * @param[in] job What.
 * @param[out] ret Units; copy_order_deinit() them.
 * @return NULL; ERROR_NOMEM.
 */
struct error *copy_order_init(struct copy_order *ret, const struct copy_order_job *job) must_check;

/** Anonymous memory of an order. @param[in] frames Of a window. @param[in] block_pages Frames of a block. @param[in] unit_pages Most frames of a unit. @return Bytes. */
uint64_t copy_order_memory_bytes(uint64_t frames, uint64_t block_pages, unsigned int unit_pages);

/** Free. @param[in] order May be zeroed. */
void copy_order_deinit(struct copy_order *order);

#define _cleanup_copy_order_ _cleanup_(copy_order_deinit)

#endif
