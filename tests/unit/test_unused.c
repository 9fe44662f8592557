// SPDX-License-Identifier: GPL-2.0-or-later
// struct pages that describe only what is dropped: what counts is the set of frames that are found.
#include "dump/unused.h"

#include "base/bitmap.h"
#include "dump/scan.h"
#include "fakemachine.h"
#include "test.h"

enum {
	WORDS = FAKEMACHINE_PAGES / 64,
	STRUCT_PFN = FAKEMACHINE_PAGE_STRUCTS / 4096,
	STRUCT_PAGES = FAKEMACHINE_PAGES / 64
};

static const uint64_t elsewhere = UINT64_C(0xffffea0000000000);

// A machine whose struct pages begin at an address.
struct fixture {
	struct fakecore fake;
	struct scan scan;
	uint64_t set[WORDS]; // Frames that are saved.
};

static void fixture_init(struct fixture *fixture, uint64_t mem_map)
{
	struct error *unknown = NULL;

	fakemachine_make(&fixture->fake, true);
	// In reverse order, so that neighbours are none in memory.
	for (uint64_t i = 0; i < STRUCT_PAGES; i++)
		fakecore_map(&fixture->fake, elsewhere + i * 4096,
		             FAKEMACHINE_PAGE_STRUCTS + (STRUCT_PAGES - 1 - i) * 4096, 4096);
	fakemachine_put_u64(fixture->fake.memory + FAKEMACHINE_MEM_MAP, mem_map);
	fakecore_open(&fixture->fake);
	check_ok(scan_init(&fixture->scan, fixture->fake.core, 31, 1, &unknown));
	check(!unknown);
	memset(fixture->set, 0xff, sizeof(fixture->set));
}

static void fixture_deinit(struct fixture *fixture)
{
	scan_deinit(&fixture->scan);
	fakecore_deinit(&fixture->fake);
}

// Frames [first, end) are dropped: which frames of struct pages are found, if those of others are in the set.
static uint64_t found(struct fixture *fixture, uint64_t first, uint64_t end, uint64_t *first_ret)
{
	struct unused unused = {0};
	uint64_t all[WORDS], dropped;

	bitmap_fill(fixture->set, first, end, false);
	check_ok(unused_find(&unused, &fixture->scan, fixture->set, 0, FAKEMACHINE_PAGES));
	memset(all, 0xff, sizeof(all));
	dropped = unused_drop(&unused, all, 0, FAKEMACHINE_PAGES);
	check(dropped + bitmap_count(all, 0, FAKEMACHINE_PAGES) == FAKEMACHINE_PAGES);
	*first_ret = bitmap_find(all, 0, FAKEMACHINE_PAGES, false);
	check(bitmap_find(all, *first_ret, FAKEMACHINE_PAGES, true) == *first_ret + dropped || !dropped);
	// Gone already: they count once.
	check(unused_drop(&unused, all, 0, FAKEMACHINE_PAGES) == 0);
	// Of a window behind them: none.
	check(unused_drop(&unused, all, FAKEMACHINE_PAGES, FAKEMACHINE_PAGES + 64) == 0);
	unused_deinit(&unused);
	bitmap_fill(fixture->set, first, end, true);
	return dropped;
}

static void whole_pages_only(void)
{
	struct fixture fixture;
	uint64_t first;

	fixture_init(&fixture, fakecore_image + FAKEMACHINE_PAGE_STRUCTS);
	check(found(&fixture, 0, 0, &first) == 0);
	check(found(&fixture, 64, 128, &first) == 1 && first == STRUCT_PFN + 1);
	check(found(&fixture, 64, 127, &first) == 0);
	check(found(&fixture, 65, 191, &first) == 0);
	check(found(&fixture, 63, 193, &first) == 2 && first == STRUCT_PFN + 1);
	check(found(&fixture, 0, FAKEMACHINE_PAGES, &first) == STRUCT_PAGES && first == STRUCT_PFN);
	fixture_deinit(&fixture);
}

static void pages_that_are_scattered(void)
{
	struct fixture fixture;
	uint64_t first;

	fixture_init(&fixture, elsewhere);
	check(found(&fixture, 64, 128, &first) == 1 && first == STRUCT_PFN + STRUCT_PAGES - 2);
	check(found(&fixture, 0, 640, &first) == 10 && first == STRUCT_PFN + STRUCT_PAGES - 10);
	fixture_deinit(&fixture);
}

// struct pages that do not begin with a page: what a page describes in part counts too.
static void pages_that_begin_elsewhere(void)
{
	struct fixture fixture;
	uint64_t first;

	fixture_init(&fixture, fakecore_image + FAKEMACHINE_PAGE_STRUCTS + 2048);
	// The page that begins with frame 32.
	check(found(&fixture, 32, 96, &first) == 1 && first == STRUCT_PFN + 1);
	check(found(&fixture, 0, 95, &first) == 0);
	// The first half page has something else in it.
	check(found(&fixture, 0, 32, &first) == 0);
	fixture_deinit(&fixture);
}

// Frames that are not memory are described by struct pages that somebody may look at.
static void holes_are_kept(void)
{
	struct error *unknown = NULL;
	struct fixture fixture;
	uint64_t first;

	fixture_init(&fixture, fakecore_image + FAKEMACHINE_PAGE_STRUCTS);
	// Of the last 100 pages nothing is in the file.
	scan_deinit(&fixture.scan);
	vmreader_deinit(&fixture.fake.reader);
	check(ftruncate(fixture.fake.fd, (1 << 20) + FAKEMACHINE_MEMORY_BYTES - 100 * 4096) == 0);
	vmcore_close(fixture.fake.core);
	check_ok(vmcore_open(fixture.fake.path, &fixture.fake.core));
	check_ok(scan_init(&fixture.scan, fixture.fake.core, 31, 1, &unknown));
	check(!unknown);
	check(found(&fixture, FAKEMACHINE_PAGES - 192, FAKEMACHINE_PAGES, &first) == 1);
	check(first == STRUCT_PFN + STRUCT_PAGES - 3);
	fixture_deinit(&fixture);
}

// A pointer to struct pages that was overwritten: whatever is found, it ends and nothing is found twice.
static void any_pointer_is_survived(void)
{
	static const uint64_t pointers[] = {
		0,
		1,
		63,
		4095,
		UINT64_MAX,
		UINT64_MAX - 63,
		UINT64_C(0) - FAKEMACHINE_PAGES * 64,
		UINT64_C(0) - FAKEMACHINE_PAGES * 64 - 64,
		UINT64_C(0) - 8192,
		UINT64_C(0) - 4096,
		UINT64_C(0x7fffffffffffff80),
		UINT64_C(0xffffc90000000000),
	};

	for (size_t i = 0; i < array_size(pointers); i++) {
		struct fixture fixture;
		struct unused unused = {0};
		uint64_t none[WORDS] = {0};

		fixture_init(&fixture, pointers[i]);
		check_ok(unused_find(&unused, &fixture.scan, none, 0, FAKEMACHINE_PAGES));
		unused_deinit(&unused);
		fixture_deinit(&fixture);
	}
}

static const struct test tests[] = {
	TEST(whole_pages_only), TEST(pages_that_are_scattered), TEST(pages_that_begin_elsewhere),
	TEST(holes_are_kept),   TEST(any_pointer_is_survived),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
