// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Bits in 64-bit words: ranges, counts and searches by whole words.
 *
 * Not the on-disk bitmap of a dump: that one is bytes (core/fmt_kdump.h).
 */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Words that hold a number of bits. @param[in] bits Number of bits. @return Words. */
static inline size_t bitmap_words(uint64_t bits)
{
	return (size_t)((bits + 63) / 64);
}

/** @param[in] map Words. @param[in] bit Index. @return Whether the bit is set. */
static inline bool bitmap_test(const uint64_t *map, uint64_t bit)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

/** Ones at the positions [start, end) of one word. @param[in] start 0…63. @param[in] end start…64. @return The mask. */
static inline uint64_t bitmap_mask(unsigned int start, unsigned int end)
{
	uint64_t below_end = end == 64 ? ~UINT64_C(0) : (UINT64_C(1) << end) - 1;

	return below_end & ~((UINT64_C(1) << start) - 1);
}

/** Set or clear bits. @param[in,out] map Words. @param[in] start First. @param[in] end One past the last. @param[in] value Which. */
static inline void bitmap_fill(uint64_t *map, uint64_t start, uint64_t end, bool value)
{
	uint64_t first = start / 64, last = end / 64, whole = value ? ~UINT64_C(0) : 0;
	uint64_t head = bitmap_mask((unsigned int)(start % 64), 64), tail = bitmap_mask(0, (unsigned int)(end % 64));

	if (start >= end)
		return;
	if (first == last) {
		map[first] = (map[first] & ~(head & tail)) | (whole & head & tail);
		return;
	}
	map[first] = (map[first] & ~head) | (whole & head);
	while (++first < last)
		map[first] = whole;
	if (tail)
		map[last] = (map[last] & ~tail) | (whole & tail);
}

/** Count the bits of a word. @param[in] word Bits. @return Their number. */
static inline uint64_t bitmap_weight(uint64_t word)
{
	// Most words are all ones or zeros, and counting is a call on machines of the first x86-64 level.
	if (!word || word == ~UINT64_C(0))
		return word & 64;
	return (uint64_t)__builtin_popcountll(word);
}

/** Count set bits. @param[in] map Words. @param[in] start First. @param[in] end One past the last. @return Their number. */
static inline uint64_t bitmap_count(const uint64_t *map, uint64_t start, uint64_t end)
{
	uint64_t first = start / 64, last = end / 64, count;
	uint64_t head = bitmap_mask((unsigned int)(start % 64), 64), tail = bitmap_mask(0, (unsigned int)(end % 64));

	if (start >= end)
		return 0;
	if (first == last)
		return bitmap_weight(map[first] & head & tail);
	count = bitmap_weight(map[first] & head);
	while (++first < last)
		count += bitmap_weight(map[first]);
	return tail ? count + bitmap_weight(map[last] & tail) : count;
}

/**
 * Find the next bit that has a value.
 *
 * @param[in] map Words.
 * @param[in] start First bit looked at.
 * @param[in] end One past the last.
 * @param[in] value Value looked for.
 * @return Its index; @p end if there is none.
 */
static inline uint64_t bitmap_find(const uint64_t *map, uint64_t start, uint64_t end, bool value)
{
	while (start < end) {
		uint64_t word = (value ? map[start / 64] : ~map[start / 64]) >> (start % 64);

		if (word) {
			uint64_t found = start + (uint64_t)__builtin_ctzll(word);

			return found < end ? found : end;
		}
		start = (start / 64 + 1) * 64;
	}
	return end;
}

#endif
