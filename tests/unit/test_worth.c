// SPDX-License-Identifier: GPL-2.0-or-later
// What pages are worth, told by the struct pages and page tables of a small machine; and what points to its code.
#include "dump/worth.h"

#include "dump/callers.h"
#include "base/bitmap.h"
#include "fakebtf.h"
#include "fakemachine.h"
#include "fakesyms.h"
#include "test.h"

enum {
	FLAG_LRU = 1 << 4,
	FLAG_SLAB = 1 << 9,
	FLAG_HEAD = 1 << 16,
	CACHE = 0x1a0000, // A struct kmem_cache each 4096 bytes; its name 256 bytes behind.
	BLOCKS = FAKEMACHINE_PAGES / WORTH_BLOCK_PAGES_MIN,
	SLAB_PFN = 0x500,
	CODE = 0x600000,
	NX_PAGES = 8, // Pages of the image behind the code.
	CODE_PAGES = 16,
};

static const uint64_t code_vaddr = UINT64_C(0xffffffffa0000000), nx = UINT64_C(1) << 63;

struct fixture {
	struct fakecore fake;
	struct scan scan;
	struct worth_map map;
	uint64_t set[FAKEMACHINE_PAGES / 64];
	uint8_t worth[BLOCKS];
};

// Opens what fakemachine_make() and the test made.
static void fixture_open(struct fixture *fixture)
{
	struct error *unknown = NULL;

	fakecore_open(&fixture->fake);
	check_ok(scan_init(&fixture->scan, fixture->fake.core, 31, 1, &unknown));
	error_free(unknown);
	check_ok(worth_init(&fixture->map, &fixture->scan, FAKEMACHINE_PAGES));
	check(fixture->map.block_pages == WORTH_BLOCK_PAGES_MIN);
	memset(fixture->set, 0xff, sizeof(fixture->set));
	check_ok(worth_window(&fixture->map, fixture->set, 0, FAKEMACHINE_PAGES, fixture->worth));
}

static void fixture_deinit(struct fixture *fixture)
{
	worth_deinit(&fixture->map);
	scan_deinit(&fixture->scan);
	fakecore_deinit(&fixture->fake);
}

static enum worth worth_of(const struct fixture *fixture, uint64_t pfn)
{
	return (enum worth)fixture->worth[pfn / WORTH_BLOCK_PAGES_MIN];
}

// A slab of four pages of a cache of that name; where its struct kmem_cache points to. The word: of struct slab.
static void put_slab(struct fakecore *fake, uint64_t index, const char *name, size_t word)
{
	uint8_t *page = fakemachine_page(fake, SLAB_PFN + 4 * index);
	uint64_t cache = CACHE + 4096 * index;

	fakemachine_put_u64(page, FLAG_SLAB | FLAG_HEAD);
	fakemachine_put_u64(page + word * 8, fakecore_image + cache);
	page[64 + 17] = 2;
	for (size_t tail = 1; tail < 4; tail++)
		fakemachine_put_u64(page + 64 * tail + 8, 1);
	// A number, a pointer to per-CPU data, a pointer to something that is no text.
	fakemachine_put_u64(fake->memory + cache, 0x30108);
	fakemachine_put_u64(fake->memory + cache + 8, fakecore_image + cache + 1024);
	fake->memory[cache + 1024] = 0x80;
	fakemachine_put_u64(fake->memory + cache + 96, fakecore_image + cache + 256);
	memcpy(fake->memory + cache + 256, name, strlen(name));
}

static void pages_of_each_class(void)
{
	struct fixture fixture;

	fakemachine_make(&fixture.fake, true);
	for (uint64_t pfn = 0x410; pfn < 0x418; pfn++)
		fakemachine_put_u64(fakemachine_page(&fixture.fake, pfn), FLAG_LRU);
	for (uint64_t pfn = 0x420; pfn < 0x428; pfn++)
		fakemachine_put_u64(fakemachine_page(&fixture.fake, pfn) + 24, 0xffff888000000001);
	// One page of the kernel among those of processes.
	fakemachine_put_u64(fakemachine_page(&fixture.fake, 0x425) + 24, 0);
	fixture_open(&fixture);
	check(worth_of(&fixture, 0x10) == WORTH_KERNEL && worth_of(&fixture, 0x7ff) == WORTH_KERNEL);
	for (uint64_t pfn = FAKEMACHINE_FREE_PFN; pfn < FAKEMACHINE_FREE_PFN + (1 << FAKEMACHINE_FREE_ORDER); pfn++)
		check(worth_of(&fixture, pfn) == WORTH_FREE);
	check(worth_of(&fixture, 0x410) == WORTH_CACHE && worth_of(&fixture, 0x414) == WORTH_CACHE);
	check(worth_of(&fixture, 0x420) == WORTH_USER && worth_of(&fixture, 0x424) == WORTH_KERNEL);
	fixture_deinit(&fixture);
}

// What is not saved does not count.
static void only_saved_pages_count(void)
{
	struct fixture fixture;

	fakemachine_make(&fixture.fake, true);
	for (uint64_t pfn = 0x410; pfn < 0x414; pfn++)
		fakemachine_put_u64(fakemachine_page(&fixture.fake, pfn), FLAG_LRU);
	fakemachine_put_u64(fakemachine_page(&fixture.fake, 0x412), 0);
	fixture_open(&fixture);
	check(worth_of(&fixture, 0x410) == WORTH_KERNEL);
	fixture.set[0x412 / 64] &= ~(UINT64_C(1) << (0x412 % 64));
	check_ok(worth_window(&fixture.map, fixture.set, 0, FAKEMACHINE_PAGES, fixture.worth));
	check(worth_of(&fixture, 0x410) == WORTH_CACHE);
	fixture_deinit(&fixture);
}

static void slab_by_the_name_of_its_cache(void)
{
	static const struct {
		const char *name;
		size_t word;
		enum worth worth;
	} rows[] = {
		{"ext4_inode_cache", 1, WORTH_FILES},
		{"dentry", 3, WORTH_FILES},
		{"buffer_head", 1, WORTH_FILES},
		{"ext4_extent_status", 3, WORTH_FILES},
		{"kernfs_node_cache", 1, WORTH_FILES},
		{"task_struct", 1, WORTH_KERNEL},
		{"sock_inode_cache", 1, WORTH_KERNEL},
		{"dentry2", 3, WORTH_KERNEL},
		{"kmalloc-1k", 3, WORTH_KERNEL},
		// Not a text: another word, or too long to be a name.
		{"in\001ode", 1, WORTH_KERNEL},
		{"an_inode_cache_with_a_very_long_name", 1, WORTH_KERNEL},
	};
	struct fixture fixture;

	fakemachine_make(&fixture.fake, true);
	for (size_t i = 0; i < array_size(rows); i++)
		put_slab(&fixture.fake, i, rows[i].name, rows[i].word);
	fixture_open(&fixture);
	for (size_t i = 0; i < array_size(rows); i++)
		check(worth_of(&fixture, SLAB_PFN + 4 * i) == rows[i].worth);
	fixture_deinit(&fixture);
}

// Pointers to caches that are none: nowhere, to themselves, to the end of memory, more than are remembered.
static void hostile_caches(void)
{
	static const uint64_t pointers[] = {
		1, UINT64_C(0) - 8, UINT64_C(1) << 63, UINT64_C(0xffffc90000000000), UINT64_MAX, 0x8000000000000008,
	};
	struct fixture fixture;

	fakemachine_make(&fixture.fake, true);
	for (uint64_t pfn = SLAB_PFN; pfn < 0x600; pfn++) {
		uint8_t *page = fakemachine_page(&fixture.fake, pfn);
		uint64_t self = fakecore_image + (uint64_t)(page - fixture.fake.memory);

		fakemachine_put_u64(page, FLAG_SLAB);
		fakemachine_put_u64(page + 24, pfn % 2 ? self : pointers[pfn / 2 % array_size(pointers)]);
		fakemachine_put_u64(page + 32, self + 24);
	}
	// The last bytes of the memory, and another cache for each other page: there are 512.
	for (uint64_t pfn = 0x600; pfn < 0x800; pfn++) {
		uint8_t *page = fakemachine_page(&fixture.fake, pfn);

		fakemachine_put_u64(page, FLAG_SLAB);
		fakemachine_put_u64(page + 24, fakecore_image + FAKEMACHINE_MEMORY_BYTES - 8 * (pfn - 0x5ff));
	}
	fixture_open(&fixture);
	check(worth_of(&fixture, SLAB_PFN) == WORTH_KERNEL && worth_of(&fixture, 0x7f0) == WORTH_KERNEL);
	fixture_deinit(&fixture);
}

static void put_image(struct fakecore *fake)
{
	for (uint64_t i = 0; i < CODE_PAGES + NX_PAGES; i++)
		fakecore_map(fake, code_vaddr + i * 4096, (CODE + i * 4096) | (i < CODE_PAGES ? 0 : nx), 4096);
	// A part that was given back, and more code behind it, elsewhere in memory.
	fakecore_map(fake, code_vaddr + 64 * 4096, 0x500000, 4096);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)code_vaddr + 0x10);
}

static void the_image_by_its_page_tables(void)
{
	struct fixture fixture;

	fakemachine_make(&fixture.fake, true);
	put_image(&fixture.fake);
	// What struct pages say of the image does not count.
	for (uint64_t pfn = CODE / 4096; pfn < CODE / 4096 + CODE_PAGES + NX_PAGES; pfn++)
		fakemachine_put_u64(fakemachine_page(&fixture.fake, pfn), FLAG_LRU);
	fixture_open(&fixture);
	for (uint64_t i = 0; i < CODE_PAGES + NX_PAGES; i++) {
		const struct worth_image *image = worth_find_image(&fixture.map, CODE / 4096 + i);

		check(image && image->worth == (i < CODE_PAGES ? WORTH_CODE : WORTH_KERNEL));
		check(image->vaddr + ((CODE / 4096 + i) * 4096 - image->paddr_start) == code_vaddr + i * 4096);
		check(worth_of(&fixture, CODE / 4096 + i) == (i < CODE_PAGES ? WORTH_CODE : WORTH_KERNEL));
	}
	check(worth_find_image(&fixture.map, 0x500) && worth_find_image(&fixture.map, 0x500)->worth == WORTH_CODE);
	check(!worth_find_image(&fixture.map, 0x501) && !worth_find_image(&fixture.map, CODE / 4096 - 1));
	check(fixture.map.code_vaddr == code_vaddr && fixture.map.code_vaddr_end == code_vaddr + 65 * 4096);
	fixture_deinit(&fixture);
}

// Addresses of code that are at the end of the address space, not mapped, or in as many pieces as there are pages.
static void hostile_images(void)
{
	static const uint64_t stext[] = {
		0, 1, UINT64_MAX, UINT64_C(0) - 4096, UINT64_C(0) - (16 << 20), UINT64_C(1) << 47};
	struct fixture fixture;

	for (size_t i = 0; i < array_size(stext); i++) {
		fakemachine_make(&fixture.fake, true);
		fakecore_info(&fixture.fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)stext[i]);
		fixture_open(&fixture);
		check(fixture.map.image_count == 0);
		fixture_deinit(&fixture);
	}
	fakemachine_make(&fixture.fake, true);
	for (uint64_t i = 0; i < 512; i++)
		fakecore_map(&fixture.fake, code_vaddr + i * 4096, CODE - i * 4096, 4096);
	fakecore_info(&fixture.fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)code_vaddr);
	fixture_open(&fixture);
	check(fixture.map.image_count < 512 && worth_of(&fixture, CODE / 4096 - 1) == WORTH_CODE);
	fixture_deinit(&fixture);
}

// Between code and constants a part was given back, and every other page of it is read-only: the constants are found all the same.
static void a_part_that_modules_have(void)
{
	enum { GAP_PAGES = 200, CONSTANT_PAGES = 32 };
	struct fixture fixture;

	fakemachine_make(&fixture.fake, true);
	for (uint64_t i = 0; i < CODE_PAGES; i++)
		fakecore_map(&fixture.fake, code_vaddr + i * 4096, CODE + i * 4096, 4096);
	for (uint64_t i = 0; i < GAP_PAGES; i++)
		fakecore_map_without(&fixture.fake, code_vaddr + (CODE_PAGES + i) * 4096, (0x500000 + i * 4096) | nx,
		                     4096, i % 2 ? 2 : 0);
	for (uint64_t i = CODE_PAGES; i < CODE_PAGES + CONSTANT_PAGES; i++)
		fakecore_map_without(&fixture.fake, code_vaddr + (GAP_PAGES + i) * 4096, (CODE + i * 4096) | nx, 4096,
		                     2);
	fakecore_info(&fixture.fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)code_vaddr);
	fixture_open(&fixture);
	for (uint64_t i = 0; i < CODE_PAGES + CONSTANT_PAGES; i++)
		check(worth_of(&fixture, CODE / 4096 + i) == (i < CODE_PAGES ? WORTH_CODE : WORTH_CONSTANTS));
	fixture_deinit(&fixture);
}

// 2 MiB of struct pages, as a machine of 128 MiB has them.
static void struct_pages_are_found(void)
{
	enum { MACHINE_BYTES = 128 << 20, FRAMES = MACHINE_BYTES / 4096 };
	static const uint64_t vmemmap = UINT64_C(0xffffea0000000000);
	_cleanup_free_ uint8_t *worth = malloc(FRAMES / WORTH_BLOCK_PAGES_MIN);
	_cleanup_free_ uint64_t *set = malloc(FRAMES / 8);
	struct error *unknown = NULL;
	struct worth_map map;
	struct fakecore fake;
	struct scan scan;

	check(worth && set);
	fakemachine_make(&fake, true);
	// The memory of the small machine grows; its image stays.
	fake.memory = realloc(fake.memory, MACHINE_BYTES);
	check(fake.memory);
	memset(fake.memory + FAKEMACHINE_MEMORY_BYTES, 0, MACHINE_BYTES - FAKEMACHINE_MEMORY_BYTES);
	fake.memory_bytes = MACHINE_BYTES;
	fakecore_map(&fake, vmemmap, 4 << 20, 2 << 20);
	fakemachine_put_u64(fake.memory + FAKEMACHINE_MEM_MAP, vmemmap);
	fakecore_open(&fake);
	check_ok(scan_init(&scan, fake.core, 31, 1, &unknown));
	check_ok(worth_init(&map, &scan, FRAMES));
	memset(set, 0xff, FRAMES / 8);
	check_ok(worth_window(&map, set, 0, FRAMES, worth));
	for (uint64_t pfn = 0; pfn < FRAMES; pfn++) {
		bool is_memmap = pfn >= (4 << 20) / 4096 && pfn < (6 << 20) / 4096;

		check((worth[pfn / WORTH_BLOCK_PAGES_MIN] == WORTH_MEMMAP) == is_memmap);
	}
	worth_deinit(&map);
	scan_deinit(&scan);
	fakecore_deinit(&fake);
}

// A pointer to struct pages that was overwritten, so that they wrap around or are not there. Each ends.
static void any_pointer_to_struct_pages(void)
{
	static const uint64_t pointers[] = {
		0,
		1,
		4095,
		UINT64_MAX,
		UINT64_C(0) - FAKEMACHINE_PAGES * 64,
		UINT64_C(0) - FAKEMACHINE_PAGES * 64 - 64,
		UINT64_C(0) - 4096,
		UINT64_C(0x7fffffffffffff80),
		UINT64_C(0xffffc90000000000),
	};

	for (size_t i = 0; i < array_size(pointers); i++) {
		struct fixture fixture;

		fakemachine_make(&fixture.fake, true);
		fakemachine_put_u64(fixture.fake.memory + FAKEMACHINE_MEM_MAP, pointers[i]);
		fixture_open(&fixture);
		for (size_t block = 0; block < BLOCKS; block++)
			check(fixture.worth[block] < WORTH_COUNT);
		fixture_deinit(&fixture);
	}
}

// Memory far behind a hole that is larger than any machine: its struct pages are not looked for in the hole.
static void a_hole_in_memory(void)
{
	struct fixture fixture;
	uint64_t far_pfn = UINT64_C(1) << 36;
	uint64_t set[2] = {UINT64_MAX, UINT64_MAX};
	uint8_t worth[128 / WORTH_BLOCK_PAGES_MIN];

	fakemachine_make(&fixture.fake, true);
	fakemachine_put_u64(fixture.fake.memory + FAKEMACHINE_MEM_MAP, UINT64_C(0xffffea0000000000));
	fixture.fake.far_bytes = 128 * 4096;
	fixture.fake.far_paddr = far_pfn * 4096;
	fixture_open(&fixture);
	check_ok(worth_window(&fixture.map, set, far_pfn, far_pfn + 128, worth));
	check(worth[0] == WORTH_KERNEL);
	fixture_deinit(&fixture);
}

static void an_unknown_layout(void)
{
	struct fixture fixture;

	fakemachine_make(&fixture.fake, false);
	put_image(&fixture.fake);
	fixture_open(&fixture);
	// Of what nothing is known, the image comes first.
	check(worth_of(&fixture, FAKEMACHINE_FREE_PFN) == WORTH_USER && worth_of(&fixture, CODE / 4096) == WORTH_CODE);
	check(worth_of(&fixture, CODE / 4096 + CODE_PAGES) == WORTH_KERNEL);
	fixture_deinit(&fixture);
}

static void blocks_are_as_small_as_they_may(void)
{
	for (uint64_t pages = 1; pages < UINT64_C(1) << 40; pages = pages * 3 / 2 + 1) {
		uint64_t block = worth_block_pages(pages);

		check(!(block & (block - 1)) && block >= WORTH_BLOCK_PAGES_MIN && pages / block <= WORTH_BLOCKS_MAX);
		check(block == WORTH_BLOCK_PAGES_MIN || pages / (block / 2) > WORTH_BLOCKS_MAX);
	}
}

// Words of a page that point to code.
static void callers(void)
{
	uint64_t words[512] = {0}, base = code_vaddr;
	struct callers callers;
	struct fakecore fake;

	fakemachine_make(&fake, true);
	fakecore_open(&fake);
	check_ok(callers_init(&callers, base, base + 100 * 4096, fake.core));
	words[0] = base + 10 * 4096 + 5;
	words[1] = base - 1;
	words[2] = base + 100 * 4096;
	words[3] = base + 20 * 4096; // The start of a function is no return address.
	words[511] = base + 99 * 4096 + 4095;
	callers_look(&callers, (const uint8_t *)words, sizeof(words));
	for (uint64_t page = 0; page < 100; page++)
		check(callers_has(&callers, base + page * 4096 + 77) ==
		      ((page >= 9 && page <= 11) || page == 98 || page == 99));
	check(!callers_has(&callers, base - 1) && !callers_has(&callers, base + 100 * 4096));
	check(!callers_has(&callers, 0) && !callers_has(&callers, UINT64_MAX));
	// Most of a page: a table of functions.
	for (size_t i = 0; i < 512; i++)
		words[i] = base + 50 * 4096 + i * 8 + 1;
	callers_look(&callers, (const uint8_t *)words, sizeof(words));
	check(!callers_has(&callers, base + 50 * 4096));
	memset(words + 80, 0, sizeof(words) - 80 * 8);
	callers_look(&callers, (const uint8_t *)words, sizeof(words));
	check(callers_has(&callers, base + 50 * 4096));
	callers_deinit(&callers);
	fakecore_deinit(&fake);
}

enum {
	SYMBOLS = 2000, // Their table has …
	TABLE_PAGES = 3, // … so many whole pages …
	TABLE_PAGE = CODE_PAGES + 6, // … from this one of the image on …
	TYPES_PAGE = CODE_PAGES + 14, // … that of types begins in the middle of a page …
	CONSTANTS_END = CODE_PAGES + 20, // … and the end of all constants.
};

// An image where its memory is mapped, so that the table of symbols says where it is. Whether it says where types are too.
static void put_constants(struct fakecore *fake, bool has_types)
{
	struct fakebtf btf = {.string_bytes = 3 * 4096 - 24};
	const uint64_t image = fakecore_image + CODE;
	static struct fakesym list[SYMBOLS];
	struct fakesyms syms = {.list = list, .count = SYMBOLS, .marker_bytes = 4, .paddr = CODE + TABLE_PAGE * 4096};

	for (size_t i = 0; i < SYMBOLS; i++)
		list[i] = (struct fakesym){'t', "init", image};
	list[0] = (struct fakesym){'T', "_stext", image};
	if (has_types) {
		list[1] = (struct fakesym){'r', "__start_BTF", image + TYPES_PAGE * 4096 + 2048};
		list[2] = (struct fakesym){'r', "__stop_BTF", image + (TYPES_PAGE + 3) * 4096 + 2048};
	}
	for (uint64_t i = 0; i < CONSTANTS_END; i++)
		fakecore_map_without(fake, image + i * 4096, (CODE + i * 4096) | (i < CODE_PAGES ? 0 : nx), 4096, 2);
	memset(fake->memory + CODE + TABLE_PAGE * 4096, 0, 4096 * (CONSTANTS_END - TABLE_PAGE));
	fakebtf_int(&btf, NULL, 4);
	btf.string_bytes -= btf.type_bytes;
	fakebtf_put(&btf, fake, CODE + TYPES_PAGE * 4096 + 2048);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)image);
	fakesyms_write(fake, &syms);
	check((syms.end_paddr - syms.paddr) / 4096 == TABLE_PAGES);
}

static enum worth worth_of_image(const struct fixture *fixture, uint64_t page)
{
	return worth_of(fixture, CODE / 4096 + page);
}

// Tables are told from other constants when that is asked for. A page of which they are a part is no table.
static void are_in_two_kinds(bool has_types)
{
	struct fixture fixture;

	fakemachine_make(&fixture.fake, true);
	put_constants(&fixture.fake, has_types);
	fixture_open(&fixture);
	for (uint64_t i = 0; i < CONSTANTS_END; i++)
		check(worth_of_image(&fixture, i) == (i < CODE_PAGES ? WORTH_CODE : WORTH_CONSTANTS));
	worth_find_symbols(&fixture.map);
	for (uint64_t i = CODE_PAGES; i < CONSTANTS_END; i++) {
		bool is_table =
			(i >= TABLE_PAGE && i < TABLE_PAGE + TABLE_PAGES) || (i > TYPES_PAGE && i < TYPES_PAGE + 3);

		// Alone, because a block counts as its best page.
		memset(fixture.set, 0, sizeof(fixture.set));
		bitmap_fill(fixture.set, CODE / 4096 + i, CODE / 4096 + i + 1, true);
		check_ok(worth_window(&fixture.map, fixture.set, 0, FAKEMACHINE_PAGES, fixture.worth));
		check(worth_of_image(&fixture, i) == (is_table ? WORTH_SYMBOLS : WORTH_CONSTANTS));
	}
	fixture_deinit(&fixture);
}

static void constants_are_in_two_kinds(void)
{
	are_in_two_kinds(true);
}

static void types_that_have_no_symbol(void)
{
	are_in_two_kinds(false);
}

static const struct test tests[] = {
	TEST(pages_of_each_class),
	TEST(only_saved_pages_count),
	TEST(slab_by_the_name_of_its_cache),
	TEST(hostile_caches),
	TEST(the_image_by_its_page_tables),
	TEST(constants_are_in_two_kinds),
	TEST(types_that_have_no_symbol),
	TEST(hostile_images),
	TEST(a_part_that_modules_have),
	TEST(struct_pages_are_found),
	TEST(any_pointer_to_struct_pages),
	TEST(a_hole_in_memory),
	TEST(an_unknown_layout),
	TEST(blocks_are_as_small_as_they_may),
	TEST(callers),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
