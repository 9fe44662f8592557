// SPDX-License-Identifier: GPL-2.0-or-later
// Sets, worth and parts at random: what an order must be is asked of its units, frame by frame.
#include "dump/copy_order.h"

#include "base/bitmap.h"
#include "dump/copy_job.h"
#include "test.h"

enum { FRAMES = 20000, BLOCK = 4, UNIT = 100, BASE = 1 << 20, PARTS_MAX = 4 };

// What to cut, and room for it.
struct fixture {
	uint64_t set[FRAMES / 64 + 1];
	uint8_t worth[FRAMES / BLOCK + 1];
	uint64_t part_starts[PARTS_MAX];
	struct copy_order_job job;
};

static void fixture_init(struct fixture *fixture, unsigned int seed)
{
	uint64_t frames = FRAMES - seed % 7;

	*fixture = (struct fixture){0};
	srand(seed);
	for (uint64_t i = 0; i < frames;) {
		uint64_t end = i + 1 + (uint64_t)rand() % (seed % 3 ? 3 : 500);

		bitmap_fill(fixture->set, i, end < frames ? end : frames, rand() % 4 != 0);
		i = end;
	}
	for (size_t i = 0; i < sizeof(fixture->worth);) {
		size_t end = i + 1 + (size_t)rand() % (seed % 2 ? 2 : 300);
		uint8_t worth = (uint8_t)(rand() % WORTH_COUNT);

		for (; i < end && i < sizeof(fixture->worth); i++)
			fixture->worth[i] = worth;
	}
	fixture->job = (struct copy_order_job){
		.set = fixture->set,
		.base_pfn = BASE,
		.end_pfn = BASE + frames,
		.block_pages = BLOCK,
		.worth = fixture->worth,
		.first = WORTH_KERNEL,
		.end = WORTH_COUNT,
		.part_starts = fixture->part_starts,
		.part_count = 1 + seed % PARTS_MAX,
		.unit_pages = UNIT,
	};
	// The second one may begin before this window; some have no frame in it.
	for (size_t i = 1; i < fixture->job.part_count; i++)
		fixture->part_starts[i] = fixture->part_starts[i - 1] / BLOCK * BLOCK + (i == 1 ? BASE : 0) +
		                          (uint64_t)rand() % FRAMES / BLOCK * BLOCK;
}

static uint16_t part_of(const struct copy_order_job *job, uint64_t pfn)
{
	uint16_t part = 0;

	for (size_t i = 1; i < job->part_count; i++)
		part = job->part_starts[i] <= pfn ? (uint16_t)i : part;
	return part;
}

// Every frame of the set whose worth is wanted is in one unit; units are right in all they say. Gives the frames.
// Not is_exact: blocks became larger.
static uint64_t check_order(const struct copy_order *order, const struct copy_order_job *job, bool is_exact)
{
	uint64_t frames = job->end_pfn - job->base_pfn, wanted = 0, seen = 0;
	_cleanup_free_ uint8_t *is_seen = calloc(1, frames);
	_cleanup_free_ uint32_t *ranks = calloc(frames + 1, sizeof(*ranks));
	unsigned int last_worth = 0;

	check(is_seen && ranks);
	for (uint64_t at = 0; at < frames; at++)
		ranks[at + 1] = ranks[at] + bitmap_test(job->set, at);
	for (size_t i = 0; i < order->count; i++) {
		const struct copy_order_unit *unit = &order->units[i];
		uint64_t at = unit->pfn - job->base_pfn;
		unsigned int worth = job->worth[at / job->block_pages];

		check(unit->count >= 1 && unit->count <= job->unit_pages && bitmap_test(job->set, at));
		check(unit->rank == ranks[at]);
		if (is_exact) {
			check(worth >= last_worth && worth >= job->first && worth < job->end);
			last_worth = worth;
		}
		for (unsigned int left = unit->count; left; at++) {
			check(at < frames);
			if (!bitmap_test(job->set, at))
				continue;
			check(!is_seen[at] && unit->part == part_of(job, job->base_pfn + at));
			check(!is_exact || job->worth[at / job->block_pages] == worth);
			is_seen[at] = 1;
			seen++;
			left--;
		}
	}
	for (uint64_t at = 0; at < frames; at++) {
		unsigned int worth = job->worth[at / job->block_pages];

		wanted += bitmap_test(job->set, at) && (!is_exact || (worth >= job->first && worth < job->end));
	}
	check(seen == wanted);
	return seen;
}

static void each_frame_once_and_the_best_first(void)
{
	for (unsigned int seed = 0; seed < 200; seed++) {
		struct fixture fixture;
		struct copy_order order;

		fixture_init(&fixture, seed);
		check_ok(copy_order_init(&order, &fixture.job));
		check(check_order(&order, &fixture.job, true) == bitmap_count(fixture.set, 0, FRAMES));
		check(order.count * sizeof(*order.units) <= copy_order_memory_bytes(FRAMES, BLOCK, UNIT));
		copy_order_deinit(&order);
	}
}

// What is asked for one after the other is what is asked for at once.
static void phases_are_disjoint(void)
{
	for (unsigned int seed = 0; seed < 50; seed++) {
		uint64_t sum = 0;
		struct fixture fixture;

		fixture_init(&fixture, seed);
		for (unsigned int worth = 0; worth < WORTH_COUNT; worth++) {
			struct copy_order order;

			fixture.job.first = (enum worth)worth;
			fixture.job.end = (enum worth)(worth + 1);
			check_ok(copy_order_init(&order, &fixture.job));
			sum += check_order(&order, &fixture.job, true);
			copy_order_deinit(&order);
		}
		check(sum == bitmap_count(fixture.set, 0, FRAMES));
	}
}

static void nothing_to_save_is_no_unit(void)
{
	struct fixture fixture;
	struct copy_order order;

	fixture_init(&fixture, 1);
	memset(fixture.set, 0, sizeof(fixture.set));
	check_ok(copy_order_init(&order, &fixture.job));
	check(order.count == 0);
	copy_order_deinit(&order);
}

// As few units as there can be: whole ones but for the last of each worth.
static void units_are_full(void)
{
	struct fixture fixture;
	struct copy_order order;

	fixture_init(&fixture, 3);
	fixture.job.part_count = 1;
	memset(fixture.set, 0xff, sizeof(fixture.set));
	memset(fixture.worth, WORTH_USER, sizeof(fixture.worth));
	check_ok(copy_order_init(&order, &fixture.job));
	check(order.count == (fixture.job.end_pfn - BASE + UNIT - 1) / UNIT);
	copy_order_deinit(&order);
}

// Of one worth no file has to wait for another.
static void files_take_turns(void)
{
	enum { PARTS = 4 };
	struct fixture fixture;
	struct copy_order order;

	fixture_init(&fixture, 3);
	fixture.job.part_count = PARTS;
	for (size_t i = 1; i < PARTS; i++)
		fixture.part_starts[i] = BASE + i * (FRAMES / PARTS) / BLOCK * BLOCK;
	memset(fixture.set, 0xff, sizeof(fixture.set));
	memset(fixture.worth, WORTH_USER, sizeof(fixture.worth));
	check_ok(copy_order_init(&order, &fixture.job));
	check_order(&order, &fixture.job, true);
	check(order.count >= 2 * PARTS);
	for (size_t i = 0; i < PARTS; i++)
		check(order.units[i].part == i && order.units[PARTS + i].part == i);
	copy_order_deinit(&order);
}

// The largest window of the copier, in which each block is worth something else than the next: too many units.
static void too_many_units_become_fewer(void)
{
	enum { WINDOW = COPY_WINDOW_PAGES, UNIT_PAGES = 1024, BLOCK_PAGES = 32, PART_START = 512 * 1001 };
	uint64_t part_starts[] = {0, PART_START};
	_cleanup_free_ uint64_t *set = malloc(WINDOW / 8);
	_cleanup_free_ uint8_t *worth = malloc(WINDOW / BLOCK_PAGES);
	struct copy_order_job job = {
		.set = set,
		.end_pfn = WINDOW,
		.block_pages = BLOCK_PAGES,
		.worth = worth,
		.end = WORTH_COUNT,
		.part_starts = part_starts,
		.part_count = 2,
		.unit_pages = UNIT_PAGES,
	};

	check(set && worth);
	memset(set, 0xff, WINDOW / 8);
	// As far as worth reaches: how often it changes, and so how large blocks must become.
	for (unsigned int blocks = 1; blocks <= 16; blocks *= 4) {
		struct copy_order order;

		for (size_t i = 0; i < WINDOW / BLOCK_PAGES; i++)
			worth[i] = i / blocks % 2 ? WORTH_USER : WORTH_KERNEL;
		check_ok(copy_order_init(&order, &job));
		check(order.count * sizeof(*order.units) <= copy_order_memory_bytes(WINDOW, BLOCK_PAGES, UNIT_PAGES));
		check(check_order(&order, &job, false) == WINDOW);
		copy_order_deinit(&order);
	}
}

static const struct test tests[] = {
	TEST(each_frame_once_and_the_best_first),
	TEST(phases_are_disjoint),
	TEST(nothing_to_save_is_no_unit),
	TEST(units_are_full),
	TEST(files_take_turns),
	TEST(too_many_units_become_fewer),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
