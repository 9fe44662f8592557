// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/frameset.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/endian.h"

enum { FIRST_ROOM = 64 };

void frameset_deinit(struct frameset *set)
{
	for (size_t i = 0; i < set->block_count; i++)
		free(set->blocks[i].bits);
	free(set->blocks);
	*set = (struct frameset){0};
}

static struct error *last_block(struct frameset *set, uint64_t index, struct frameset_bits **ret)
{
	struct frameset_bits *bits;

	if (set->block_count && set->blocks[set->block_count - 1].index == index) {
		*ret = set->blocks[set->block_count - 1].bits;
		return NULL;
	}
	if (set->block_count == set->block_room) {
		size_t room = set->block_room ? set->block_room * 2 : FIRST_ROOM;
		struct frameset_block *grown = reallocarray(set->blocks, room, sizeof(*grown));

		if (!grown)
			return error_new(ERROR_NOMEM, "no memory for %zu blocks of frames", room);
		set->blocks = grown;
		set->block_room = room;
	}
	bits = calloc(1, sizeof(*bits));
	if (!bits)
		return error_new(ERROR_NOMEM, "no memory for a block of frames");
	set->blocks[set->block_count++] = (struct frameset_block){.index = index, .bits = bits};
	*ret = bits;
	return NULL;
}

struct error *frameset_add(struct frameset *set, uint64_t index, const uint8_t *bytes, unsigned int start,
                           unsigned int end)
{
	struct frameset_bits *bits = NULL;

	for (unsigned int i = start / 64; i * 64 < end; i++) {
		unsigned int first = start > i * 64 ? start - i * 64 : 0;
		unsigned int last = end - i * 64 < 64 ? end - i * 64 : 64;
		uint64_t word = load_u64(bytes + (size_t)i * 8, false) & bitmap_mask(first, last);
		struct error *err = word && !bits ? last_block(set, index, &bits) : NULL;

		if (err)
			return err;
		if (word)
			bits->words[i] |= word;
	}
	return NULL;
}

void frameset_finish(struct frameset *set)
{
	set->frame_count = 0;
	for (size_t i = 0; i < set->block_count; i++) {
		struct frameset_bits *bits = set->blocks[i].bits;
		unsigned int count = 0;

		for (unsigned int pfn = 0; pfn < FRAMESET_BLOCK_FRAMES; pfn += FRAMESET_RANK_FRAMES) {
			bits->ranks[pfn / FRAMESET_RANK_FRAMES] = (uint16_t)count;
			count += (unsigned int)bitmap_count(bits->words, pfn, pfn + FRAMESET_RANK_FRAMES);
		}
		set->blocks[i].rank = set->frame_count;
		set->frame_count += count;
	}
}

// First block that does not end before a frame; the number of blocks if there is none.
static size_t find_block(const struct frameset *set, uint64_t pfn)
{
	size_t low = 0, high = set->block_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->blocks[mid].index >= pfn / FRAMESET_BLOCK_FRAMES)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

bool frameset_find(const struct frameset *set, uint64_t pfn, uint64_t *rank_ret)
{
	size_t at = find_block(set, pfn);
	unsigned int bit = pfn % FRAMESET_BLOCK_FRAMES;
	unsigned int group = bit / FRAMESET_RANK_FRAMES;
	const struct frameset_block *block;

	// An empty set has no blocks to point to.
	if (at == set->block_count) {
		*rank_ret = set->frame_count;
		return false;
	}
	block = &set->blocks[at];
	if (block->index != pfn / FRAMESET_BLOCK_FRAMES) {
		*rank_ret = block->rank;
		return false;
	}
	*rank_ret = block->rank + block->bits->ranks[group] +
	            bitmap_count(block->bits->words, group * FRAMESET_RANK_FRAMES, bit);
	return bitmap_test(block->bits->words, bit);
}

bool frameset_next(const struct frameset *set, uint64_t pfn, struct vmcore_frames *ret)
{
	for (size_t at = find_block(set, pfn); at < set->block_count; at++) {
		const uint64_t *words = set->blocks[at].bits->words;
		uint64_t base = set->blocks[at].index * FRAMESET_BLOCK_FRAMES;
		uint64_t first = bitmap_find(words, pfn > base ? pfn - base : 0, FRAMESET_BLOCK_FRAMES, true);

		if (first == FRAMESET_BLOCK_FRAMES)
			continue;
		ret->pfn_start = base + first;
		ret->pfn_end = base + bitmap_find(words, first, FRAMESET_BLOCK_FRAMES, false);
		return true;
	}
	return false;
}
