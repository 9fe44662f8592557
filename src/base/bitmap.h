// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Bits in 64-bit words: ranges, counts and searches by whole words.
 *
 * Not the on-disk bitmap of a dump: that one is bytes (dump/fmt_kdump.h).
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
	while (start < end) {
		uint64_t word = start / 64;
		uint64_t word_end = (word + 1) * 64;
		uint64_t stop = end < word_end ? end : word_end;
		uint64_t mask = bitmap_mask((unsigned int)(start % 64), (unsigned int)(stop - word * 64));

		map[word] = value ? map[word] | mask : map[word] & ~mask;
		start = stop;
	}
}

/** Count set bits. @param[in] map Words. @param[in] start First. @param[in] end One past the last. @return Their number. */
static inline uint64_t bitmap_count(const uint64_t *map, uint64_t start, uint64_t end)
{
	uint64_t count = 0;

	while (start < end) {
		uint64_t word = start / 64;
		uint64_t word_end = (word + 1) * 64;
		uint64_t stop = end < word_end ? end : word_end;
		uint64_t mask = bitmap_mask((unsigned int)(start % 64), (unsigned int)(stop - word * 64));

		count += (uint64_t)__builtin_popcountll(map[word] & mask);
		start = stop;
	}
	return count;
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
