// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A set of page frames that may be spread over all addresses there are, with the rank of each.
 *
 * Does not know where sets come from. Takes memory only where there are frames: for each 32,768 frames (128 MiB with pages of
 * 4 KiB) of which at least one is in the set 4 KiB and 152 bytes; 4.2 MiB for a machine of 128 GiB.
 */
#ifndef CORE_FRAMESET_H
#define CORE_FRAMESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

/** Sizes. */
enum {
	FRAMESET_BLOCK_FRAMES = 1 << 15,
	FRAMESET_BLOCK_BYTES = FRAMESET_BLOCK_FRAMES / 8,
	/** Frames whose rank is kept: a search counts the bits of one cache line at most. */
	FRAMESET_RANK_FRAMES = 512,
};

/** Bits of one block. */
struct frameset_bits {
	uint64_t words[FRAMESET_BLOCK_FRAMES / 64];
	uint16_t ranks[FRAMESET_BLOCK_FRAMES / FRAMESET_RANK_FRAMES]; /**< Frames of the block before each group. */
};

/** A block that is not empty. */
struct frameset_block {
	uint64_t index; /**< Of its first frame, in blocks. */
	uint64_t rank; /**< Frames of the set before the block. */
	struct frameset_bits *bits;
};

/** The set. Filled in order by one thread; then read-only, and may be shared. */
struct frameset {
	struct frameset_block *blocks; /**< In order. */
	size_t block_count;
	size_t block_room;
	uint64_t frame_count;
};

/** Free. @param[in] set May be zeroed. */
void frameset_deinit(struct frameset *set);

/**
 * Add frames.
 *
 * @param[in,out] set The set.
 * @param[in] index Block; not before the last one that was added to.
 * @param[in] bytes FRAMESET_BLOCK_BYTES: one bit for each frame, lowest first.
 * @param[in] start First frame of the block that counts.
 * @param[in] end One past the last.
 * @return NULL; ERROR_NOMEM.
 */
struct error *frameset_add(struct frameset *set, uint64_t index, const uint8_t *bytes, unsigned int start,
                           unsigned int end) must_check;

/** All is added: count. @param[in,out] set The set. */
void frameset_finish(struct frameset *set);

/**
 * Find a frame.
 *
 * @param[in] set A finished set.
 * @param[in] pfn Frame.
 * @param[out] rank_ret Frames of the set before it; set whether it is in the set or not.
 * @return Whether it is in the set.
 */
bool frameset_find(const struct frameset *set, uint64_t pfn, uint64_t *rank_ret);

/**
 * Next run of frames.
 *
 * @param[in] set A finished set.
 * @param[in] pfn From here on.
 * @param[out] ret A run; it ends at the end of a block at the latest.
 * @return false: there is none.
 */
bool frameset_next(const struct frameset *set, uint64_t pfn, struct vmcore_frames *ret);

#endif
