// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/compress_guess.h"

#include "test.h"

enum { PAGES = 100000, PAGE_BYTES = 4096, SMALL_BYTES = 600, LARGE_BYTES = 2400 };

struct outcome {
	unsigned int light, compared; // Pages.
	double lost; // Of all bytes.
};

// Pages of two kinds, so many of one after the other, and what a page of each loses.
static struct outcome run(unsigned int turn, size_t small_loss, size_t large_loss)
{
	struct outcome ret = {0};
	struct compress_guess guess;
	double bytes = 0, lost = 0;

	compress_guess_init(&guess, PAGE_BYTES);
	for (unsigned int page = 0; page < PAGES; page++) {
		bool is_small = page / turn % 2;
		size_t full = is_small ? SMALL_BYTES : LARGE_BYTES, light = full + (is_small ? small_loss : large_loss);
		enum compress_guess_way way = compress_guess_next(&guess);

		if (way == COMPRESS_GUESS_LIGHT) {
			ret.light++;
			lost += (double)(light - full);
		}
		ret.compared += way == COMPRESS_GUESS_COMPARE;
		bytes += (double)full;
		compress_guess_told(&guess, way == COMPRESS_GUESS_LIGHT ? light : full, light);
	}
	ret.lost = lost / bytes;
	return ret;
}

static void pages_that_lose_little_are_light_and_no_others(void)
{
	struct outcome outcome = run(100, 10, 1000);

	check(outcome.light > PAGES / 100 * 45 && outcome.light < PAGES / 100 * 55);
	// The first page after a change is guessed wrong.
	check(outcome.lost < 0.008);
	check(outcome.compared < PAGES / 100 * 4);
}

static void where_nothing_is_lost_nearly_all_are_light(void)
{
	struct outcome outcome = run(100, 0, 0);

	check(outcome.light > PAGES / 100 * 95);
	check(outcome.lost == 0);
}

static void where_much_is_lost_hardly_any_is_light(void)
{
	struct outcome outcome = run(100, 500, 1000);

	check(outcome.light < PAGES / 100);
	check(outcome.compared < PAGES / 100 * 2);
}

// Each page loses less than one may, and all together more.
static void what_all_lose_is_bounded(void)
{
	struct outcome outcome = run(100, 100, 100);

	check(outcome.lost > 0.025 && outcome.lost < 0.032);
}

// The worst for who guesses from the page before: each is of the other kind.
static void what_turns_is_bounded(void)
{
	struct outcome outcome = run(1, 10, 1000);

	check(outcome.light > PAGES / 100 * 45);
	check(outcome.lost < 0.032);
}

static void memory_that_changes_is_noticed(void)
{
	struct compress_guess guess;
	unsigned int light = 0;

	compress_guess_init(&guess, PAGE_BYTES);
	for (unsigned int page = 0; page < PAGES; page++)
		compress_guess_told(&guess, SMALL_BYTES, SMALL_BYTES);
	for (unsigned int page = 0; page < PAGES; page++) {
		bool is_light = compress_guess_next(&guess) == COMPRESS_GUESS_LIGHT;

		light += is_light;
		compress_guess_told(&guess, is_light ? SMALL_BYTES + 80 : SMALL_BYTES, SMALL_BYTES + 80);
	}
	check(light < PAGES / 20);
}

static void pages_that_do_not_become_smaller_have_a_class(void)
{
	struct compress_guess guess;

	compress_guess_init(&guess, PAGE_BYTES);
	for (unsigned int page = 0; page < 1000; page++)
		compress_guess_told(&guess, PAGE_BYTES, PAGE_BYTES);
	check(compress_guess_next(&guess) != COMPRESS_GUESS_FULL);
}

static const struct test tests[] = {
	TEST(pages_that_lose_little_are_light_and_no_others),
	TEST(where_nothing_is_lost_nearly_all_are_light),
	TEST(where_much_is_lost_hardly_any_is_light),
	TEST(what_all_lose_is_bounded),
	TEST(what_turns_is_bounded),
	TEST(memory_that_changes_is_noticed),
	TEST(pages_that_do_not_become_smaller_have_a_class),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
