// SPDX-License-Identifier: GPL-2.0-or-later
// Sets, zeros, worth and called code at random: where each frame must be in the file is asked frame by frame.
#include "dump/segments.h"

#include "base/bitmap.h"
#include "test.h"

enum {
	FRAMES = 6000, // Of a window.
	WINDOWS = 2,
	BLOCK = 4,
	SHIFT = 12,
	CODE_START = 1000, // Frames of the kernel's code, of which none is worth more.
	CODE_END = 1400,
	// Bytes of the list for each segment that may be.
	SEGMENT_BYTES = 2 * sizeof(struct segment),
};

static const uint64_t code_vaddr = UINT64_C(0xffffffffa0000000);

struct fixture {
	uint64_t set[WINDOWS][FRAMES / 64 + 1];
	uint64_t zeros[WINDOWS][FRAMES / 64 + 1];
	uint8_t worth[WINDOWS][FRAMES / BLOCK + 1];
	_Atomic uint64_t called[(CODE_END - CODE_START) / 64 + 1];
	struct vmcore core;
	struct scan scan;
	struct worth_image image;
	struct worth_map map;
	struct callers callers;
	struct segments segments;
	uint64_t saved;
};

static void fill(uint64_t *bits, unsigned int pieces)
{
	for (uint64_t i = 0; i < FRAMES;) {
		uint64_t end = i + 1 + (uint64_t)rand() % pieces;

		bitmap_fill(bits, i, end < FRAMES ? end : FRAMES, rand() % 3 != 0);
		i = end;
	}
}

static void fixture_init(struct fixture *fixture, unsigned int seed, bool has_callers)
{
	*fixture = (struct fixture){
		.image = {.paddr_start = (uint64_t)CODE_START << SHIFT,
	                  .paddr_end = (uint64_t)CODE_END << SHIFT,
	                  .vaddr = code_vaddr,
	                  .worth = WORTH_CODE},
		.callers = {.vaddr_start = code_vaddr,
	                    .vaddr_end = code_vaddr + ((uint64_t)(CODE_END - CODE_START) << SHIFT),
	                    .page_shift = SHIFT},
	};
	fixture->core.page_shift = SHIFT;
	fixture->scan.core = &fixture->core;
	fixture->map.scan = &fixture->scan;
	fixture->map.image = &fixture->image;
	fixture->map.image_count = 1;
	if (has_callers)
		fixture->callers.pages = fixture->called;
	srand(seed);
	for (size_t window = 0; window < WINDOWS; window++) {
		fill(fixture->set[window], seed % 3 ? 5 : 300);
		fill(fixture->zeros[window], seed % 2 ? 5 : 100);
		for (size_t i = 0; i < FRAMES / BLOCK + 1; i++) {
			bool is_code = !window && i * BLOCK >= CODE_START && i * BLOCK < CODE_END;

			fixture->worth[window][i] = is_code ? WORTH_CODE : (uint8_t)(i / 7 % WORTH_COUNT);
			if (!is_code && fixture->worth[window][i] == WORTH_CODE)
				fixture->worth[window][i] = WORTH_CACHE;
		}
		for (size_t i = 0; i < FRAMES / 64 + 1; i++)
			fixture->zeros[window][i] &= fixture->set[window][i];
		fixture->saved += bitmap_count(fixture->set[window], 0, FRAMES);
	}
	for (uint64_t i = 0; i < CODE_END - CODE_START; i += 1 + (uint64_t)rand() % 20)
		fixture->called[i / 64] |= UINT64_C(1) << i % 64;
}

static struct error *collect(struct fixture *fixture, uint64_t memory_bytes)
{
	struct error *err = NULL;

	segments_init(&fixture->segments, memory_bytes);
	for (uint64_t window = 0; window < WINDOWS && !err; window++)
		err = segments_add(&fixture->segments, &(struct segments_window){
							       .set = fixture->set[window],
							       .zeros = fixture->zeros[window],
							       .base_pfn = window * FRAMES,
							       .end_pfn = (window + 1) * FRAMES,
							       .block_pages = BLOCK,
							       .worth = fixture->worth[window],
						       });
	return err ? err : segments_order(&fixture->segments, &fixture->map, &fixture->callers);
}

// Where a frame is among all: twice its worth, but code that nothing points to is behind what stands for files.
static unsigned int expected_place(const struct fixture *fixture, uint64_t pfn)
{
	enum worth worth = fixture->worth[pfn / FRAMES][pfn % FRAMES / BLOCK];

	if (worth != WORTH_CODE || !fixture->callers.pages ||
	    callers_has(&fixture->callers, code_vaddr + ((pfn - CODE_START) << SHIFT)))
		return 2 * worth;
	return 2 * WORTH_FILES + 1;
}

static void check_segments(struct fixture *fixture)
{
	const struct segments *segments = &fixture->segments;
	_cleanup_free_ uint8_t *is_seen = calloc(WINDOWS, FRAMES);
	unsigned int last = 0;
	uint64_t rank = 0, seen = 0;

	check(is_seen);
	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *segment = &segments->list[i];

		check(segment->rank == rank && segment->file_pages + segment->zero_pages);
		for (uint64_t j = 0; j < segment->file_pages + segment->zero_pages; j++) {
			uint64_t pfn = segment->pfn + j, at = pfn % FRAMES;
			bool is_file = j < segment->file_pages;

			check(pfn < WINDOWS * FRAMES && !is_seen[pfn]);
			check(bitmap_test(fixture->set[pfn / FRAMES], at));
			check(bitmap_test(fixture->zeros[pfn / FRAMES], at) == !is_file);
			// Zeros take no room, so they may follow code of any kind.
			if (is_file)
				check(expected_place(fixture, pfn) == segment->place && segment->place >= last);
			is_seen[pfn] = 1;
			seen++;
		}
		for (uint64_t j = 0; j < segment->file_pages; j++)
			check(segments_find(segments, rank + j) == segment);
		if (segment->file_pages)
			last = segment->place;
		rank += segment->file_pages;
	}
	check(rank == segments->page_count && seen == fixture->saved);
}

static void check_places(const struct segments *segments)
{
	uint64_t rank = 0;

	while (rank < segments->page_count) {
		uint64_t end = segments_place_end(segments, rank);

		check(end > rank && end <= segments->page_count);
		check(segments_find(segments, rank)->place == segments_find(segments, end - 1)->place);
		check(end == segments->page_count ||
		      segments_find(segments, end)->place > segments_find(segments, rank)->place);
		rank = end;
	}
}

static void at_random(void)
{
	for (unsigned int seed = 0; seed < 60; seed++) {
		struct fixture fixture;

		fixture_init(&fixture, seed, seed % 4 != 0);
		check_ok(collect(&fixture, 0));
		check_segments(&fixture);
		check_places(&fixture.segments);
		segments_deinit(&fixture.segments);
	}
}

// The list takes no more than it may, whether it is full while it is filled or while code is cut.
static void too_many(void)
{
	size_t failed = 0;
	struct fixture fixture;

	fixture_init(&fixture, 1, true);
	for (size_t most = 1;; most++) {
		struct error *err = collect(&fixture, most * SEGMENT_BYTES + SEGMENT_BYTES - 1);

		check(fixture.segments.room <= most);
		segments_deinit(&fixture.segments);
		if (!err)
			break;
		check_error(err, ERROR_NOMEM, "pieces");
		failed++;
	}
	check_ok(collect(&fixture, 0));
	check(failed + 1 == fixture.segments.count && failed > 1024);
	segments_deinit(&fixture.segments);
}

static void cut(void)
{
	struct segment segment = {.rank = 10, .file_pages = 5, .zero_pages = 2};

	check(segment_is_cut(&segment, 3) && !segment_pages(&segment, 3));
	check(segment_is_cut(&segment, 10) && !segment_pages(&segment, 10));
	check(segment_is_cut(&segment, 14) && segment_pages(&segment, 14) == 4);
	check(!segment_is_cut(&segment, 15) && segment_pages(&segment, 15) == 5);
	check(!segment_is_cut(&segment, 99) && segment_pages(&segment, 99) == 5);
}

static void none(void)
{
	struct fixture fixture = {0};

	check_ok(collect(&fixture, 1));
	check(!fixture.segments.count && !fixture.segments.page_count);
	segments_deinit(&fixture.segments);
}

static const struct test tests[] = {TEST(at_random), TEST(too_many), TEST(cut), TEST(none)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
