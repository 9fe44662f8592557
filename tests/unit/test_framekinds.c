// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/framekinds.h"

#include "test.h"

enum { FRAMES = 3000000 };

// What was told, frame by frame: its use is all that differs.
static uint8_t *told;

static void add(struct framekinds *kinds, uint64_t *pfn, enum fmt_pagemap_code code, uint64_t frames)
{
	check(*pfn + frames <= FRAMES);
	memset(told + *pfn, code, frames);
	*pfn += frames;
	framekinds_add(kinds, code, FRAMEKINDS_WRITTEN, frames);
}

static void start(struct framekinds *kinds)
{
	told = calloc(1, FRAMES);
	check(told);
	framekinds_init(kinds, 4096);
}

// Counts are exact; runs are neighbours of different kinds, and all frames.
static void check_sums(const struct framekinds *kinds, uint64_t frames)
{
	uint64_t counts[FMT_PAGEMAP_CODES] = {0}, sum = 0;

	for (uint64_t pfn = 0; pfn < frames; pfn++)
		counts[told[pfn]]++;
	for (size_t i = 0; i < kinds->kind_count; i++)
		check(kinds->kinds[i].frames == counts[kinds->kinds[i].code]);
	for (size_t i = 0; i < kinds->run_count; i++) {
		check(kinds->runs[i].frames && kinds->runs[i].kind < kinds->kind_count);
		check(!i || kinds->runs[i].kind != kinds->runs[i - 1].kind);
		sum += kinds->runs[i].frames;
	}
	check(sum == frames);
}

static void end(struct framekinds *kinds)
{
	framekinds_deinit(kinds);
	free(told);
}

static void few_runs_are_exact(void)
{
	struct framekinds kinds;
	uint64_t pfn = 0, at = 0;

	start(&kinds);
	for (unsigned int i = 0; i < 100000; i++)
		add(&kinds, &pfn, i % 3 + 1, i % 11);
	check_ok(framekinds_finish(&kinds));
	check(kinds.granule_frames == 1);
	check_sums(&kinds, pfn);
	for (size_t i = 0; i < kinds.run_count; i++)
		for (uint64_t n = 0; n < kinds.runs[i].frames; n++)
			check(told[at++] == kinds.kinds[kinds.runs[i].kind].code);
	end(&kinds);
}

// Too many runs: blocks, of which each area has the kinds in their shares; nothing is lost from the sums.
static void many_runs_are_blocks(void)
{
	enum { AREAS = 8 };
	struct framekinds kinds;
	uint64_t pfn = 0, at = 0, random = 1, drawn[AREAS][FMT_PAGEMAP_CODES] = {{0}};

	start(&kinds);
	// In eight: five, two and one of each kind.
	for (unsigned int i = 0; i < 1000000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		add(&kinds, &pfn, (enum fmt_pagemap_code[]){1, 1, 1, 1, 1, 2, 2, 3}[random >> 61],
		    1 + (random >> 40) % 2);
	}
	check_ok(framekinds_finish(&kinds));
	check(kinds.run_count <= FRAMEKINDS_RUNS_MAX && kinds.granule_frames > 1);
	check_sums(&kinds, pfn);
	for (size_t i = 0; i < kinds.run_count; i++) {
		// Only the last one may end elsewhere.
		check(at % kinds.granule_frames == 0);
		for (uint64_t n = 0; n < kinds.runs[i].frames; n++)
			drawn[at++ * AREAS / pfn][kinds.kinds[kinds.runs[i].kind].code]++;
	}
	for (size_t area = 0; area < AREAS; area++)
		for (unsigned int code = 1; code <= 3; code++) {
			uint64_t wanted = pfn / AREAS * (code == 1 ? 5 : code == 2 ? 2 : 1) / 8;

			check(drawn[area][code] > wanted * 9 / 10 && drawn[area][code] < wanted * 11 / 10);
		}
	end(&kinds);
}

// One broken frame among many is seen, however coarse the picture is.
static void broken_memory_is_not_lost(void)
{
	struct framekinds kinds;
	uint64_t pfn = 0, at = 0;
	bool is_seen = false;

	start(&kinds);
	add(&kinds, &pfn, FMT_PAGEMAP_KERNEL, 5000);
	add(&kinds, &pfn, FMT_PAGEMAP_POISONED, 1);
	for (unsigned int i = 0; i < 1000000; i++)
		add(&kinds, &pfn, 1 + i % 2, 2);
	check_ok(framekinds_finish(&kinds));
	check(kinds.granule_frames > 1);
	check_sums(&kinds, pfn);
	for (size_t i = 0; i < kinds.run_count; at += kinds.runs[i++].frames)
		if (kinds.kinds[kinds.runs[i].kind].code == FMT_PAGEMAP_POISONED)
			is_seen = at <= 5000 && 5000 < at + kinds.runs[i].frames;
	check(is_seen);
	end(&kinds);
}

// More memory than a number of frames has bits for blocks: nothing is slow, nothing overflows.
static void large_machines(void)
{
	struct framekinds kinds;

	framekinds_init(&kinds, 4096);
	for (unsigned int i = 0; i < 1000000; i++) {
		framekinds_add(&kinds, FMT_PAGEMAP_KERNEL, FRAMEKINDS_WRITTEN, (UINT64_C(1) << 30) + i);
		framekinds_add(&kinds, FMT_PAGEMAP_FREE, FRAMEKINDS_ABSENT, 3);
	}
	check_ok(framekinds_finish(&kinds));
	check(kinds.run_count <= FRAMEKINDS_RUNS_MAX && kinds.kinds[1].frames == 3000000);
	framekinds_deinit(&kinds);
}

static const struct test tests[] = {
	TEST(few_runs_are_exact),
	TEST(many_runs_are_blocks),
	TEST(broken_memory_is_not_lost),
	TEST(large_machines),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
