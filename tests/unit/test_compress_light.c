// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/compress_light.h"

#include "test.h"

enum { PAGES = 200000, BYTES = 1000 };

struct outcome {
	uint64_t light; // Pages.
	double lost; // Of all bytes.
};

// Pages that take BYTES each, and others the light way and by the yardstick.
static struct outcome run(size_t light_bytes, size_t yardstick_bytes)
{
	struct outcome ret = {0};
	struct compress_light light;

	compress_light_init(&light);
	for (unsigned int page = 0; page < PAGES; page++) {
		bool is_light = compress_light_next(&light) == COMPRESS_LIGHT_LIGHT;

		if (yardstick_bytes && !is_light && compress_light_is_due(&light))
			compress_light_measured(&light, BYTES, yardstick_bytes);
		compress_light_told(&light, is_light ? light_bytes : BYTES, light_bytes);
		ret.light += is_light;
	}
	ret.lost = (double)ret.light * ((double)light_bytes - BYTES) / ((double)PAGES * BYTES);
	return ret;
}

static void loss_is_bounded(void)
{
	static const struct {
		size_t yardstick_bytes;
		double lost;
	} cases[] = {{0, 0.010}, {970, 0.010}, {985, 0.019}, {1000, 0.030}, {1100, 0.030}};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct outcome outcome = run(1060, cases[i].yardstick_bytes);

		check(outcome.lost > cases[i].lost * 0.9 && outcome.lost < cases[i].lost * 1.1);
	}
}

static void where_nothing_is_lost_all_is_light(void)
{
	check(run(990, 970).light > PAGES / 10 * 9);
}

static void where_much_is_lost_nothing_is_light(void)
{
	check(run(1200, 1100).light == 0);
}

static const struct test tests[] = {
	TEST(loss_is_bounded),
	TEST(where_nothing_is_lost_all_is_light),
	TEST(where_much_is_lost_nothing_is_light),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
