// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/frameset.h"

#include "test.h"

enum { BLOCKS = 6 };

// The same set as an array of bytes, one for each frame.
static uint8_t *plain_set(struct frameset *set, unsigned int one_in)
{
	uint8_t *plain = calloc(BLOCKS, FRAMESET_BLOCK_FRAMES);
	uint8_t *bits = malloc(FRAMESET_BLOCK_BYTES);

	check(plain && bits);
	for (uint64_t index = 0; index < BLOCKS; index++) {
		memset(bits, 0, FRAMESET_BLOCK_BYTES);
		for (unsigned int i = 0; index != 2 && i < FRAMESET_BLOCK_FRAMES; i++) {
			if ((unsigned int)rand() % one_in)
				continue;
			bits[i / 8] |= (uint8_t)(1 << i % 8);
			plain[index * FRAMESET_BLOCK_FRAMES + i] = 1;
		}
		// In two pieces, as two parts of a split dump give it.
		check_ok(frameset_add(set, index, bits, 0, 12345));
		check_ok(frameset_add(set, index, bits, 12345, FRAMESET_BLOCK_FRAMES));
	}
	frameset_finish(set);
	free(bits);
	return plain;
}

static void ranks(void)
{
	static const unsigned int densities[] = {1, 2, 300, 20000};

	srand(1);
	for (size_t i = 0; i < array_size(densities); i++) {
		struct frameset set = {0};
		uint8_t *plain = plain_set(&set, densities[i]);
		uint64_t count = 0, rank;

		for (uint64_t pfn = 0; pfn < (uint64_t)BLOCKS * FRAMESET_BLOCK_FRAMES; pfn++) {
			check(frameset_find(&set, pfn, &rank) == (plain[pfn] != 0) && rank == count);
			count += plain[pfn];
		}
		check(set.frame_count == count);
		check(!frameset_find(&set, UINT64_MAX, &rank) && rank == count);
		frameset_deinit(&set);
		free(plain);
	}
}

static void runs(void)
{
	struct frameset set = {0};
	uint8_t *plain = plain_set(&set, 3);
	struct vmcore_frames run = {0};
	uint64_t at = 0;

	while (frameset_next(&set, run.pfn_end, &run)) {
		check(run.pfn_start < run.pfn_end);
		for (; at < run.pfn_start; at++)
			check(!plain[at]);
		for (; at < run.pfn_end; at++)
			check(plain[at]);
	}
	for (; at < (uint64_t)BLOCKS * FRAMESET_BLOCK_FRAMES; at++)
		check(!plain[at]);
	frameset_deinit(&set);
	free(plain);
}

static void ranges(void)
{
	uint8_t bits[FRAMESET_BLOCK_BYTES];
	struct frameset set = {0};
	struct vmcore_frames run;
	uint64_t rank;

	check(!frameset_find(&set, 7, &rank) && rank == 0 && !frameset_next(&set, 0, &run));
	memset(bits, 0xff, sizeof(bits));
	check_ok(frameset_add(&set, 5, bits, 63, 65));
	check_ok(frameset_add(&set, UINT64_C(1) << 24, bits, 100, 100));
	check_ok(frameset_add(&set, UINT64_C(1) << 25, bits, FRAMESET_BLOCK_FRAMES - 1, FRAMESET_BLOCK_FRAMES));
	frameset_finish(&set);
	check(set.frame_count == 3 && set.block_count == 2);
	check(frameset_next(&set, 0, &run) && run.pfn_start == 5 * FRAMESET_BLOCK_FRAMES + 63 &&
	      run.pfn_end == run.pfn_start + 2);
	check(frameset_next(&set, run.pfn_end, &run) && run.pfn_end == (UINT64_C(1) << 40) + FRAMESET_BLOCK_FRAMES);
	check(!frameset_next(&set, run.pfn_end, &run));
	frameset_deinit(&set);
	frameset_deinit(&set);
}

static const struct test tests[] = {TEST(ranks), TEST(runs), TEST(ranges)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
