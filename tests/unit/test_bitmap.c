// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bitmap.h"

#include "test.h"

enum { BITS = 200, WORDS = (BITS + 63) / 64 };

// The same, bit by bit.
static uint64_t slow_count(const bool *bits, uint64_t start, uint64_t end)
{
	uint64_t count = 0;

	for (uint64_t i = start; i < end; i++)
		count += bits[i];
	return count;
}

static uint64_t slow_find(const bool *bits, uint64_t start, uint64_t end, bool value)
{
	while (start < end && bits[start] != value)
		start++;
	return start > end ? end : start;
}

static void compare(const uint64_t *map, const bool *bits)
{
	for (uint64_t start = 0; start <= BITS; start += 7) {
		for (uint64_t end = start; end <= BITS; end += 5) {
			check(bitmap_count(map, start, end) == slow_count(bits, start, end));
			check(bitmap_find(map, start, end, true) == slow_find(bits, start, end, true));
			check(bitmap_find(map, start, end, false) == slow_find(bits, start, end, false));
		}
	}
	for (uint64_t i = 0; i < BITS; i++)
		check(bitmap_test(map, i) == bits[i]);
}

static void ranges(void)
{
	uint64_t map[WORDS] = {0};
	bool bits[BITS] = {0};

	srand(1);
	for (int round = 0; round < 100; round++) {
		uint64_t start = (uint64_t)rand() % BITS;
		uint64_t end = start + (uint64_t)rand() % (BITS + 1 - start);
		bool value = rand() & 1;

		bitmap_fill(map, start, end, value);
		for (uint64_t i = start; i < end; i++)
			bits[i] = value;
		compare(map, bits);
	}
}

static void edges(void)
{
	uint64_t map[2] = {0};

	check(bitmap_words(0) == 0 && bitmap_words(1) == 1 && bitmap_words(64) == 1 && bitmap_words(65) == 2);
	check(bitmap_mask(0, 64) == UINT64_MAX && bitmap_mask(0, 0) == 0 && bitmap_mask(63, 64) == UINT64_C(1) << 63);
	bitmap_fill(map, 0, 128, true);
	check(map[0] == UINT64_MAX && map[1] == UINT64_MAX);
	bitmap_fill(map, 64, 64, false);
	check(map[1] == UINT64_MAX);
	check(bitmap_find(map, 0, 128, false) == 128);
}

static const struct test tests[] = {TEST(ranges), TEST(edges)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
