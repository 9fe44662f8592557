// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/memmap.h"

#include "fakecore.h"
#include "test.h"

enum {
	MEMORY_BYTES = 8 << 20,
	PAGE_STRUCT = 64,
	TABLES = 0x100000, // Where the tables of the models lie.
	SECTION_BITS = 21, // Small sections: 512 pages each, four in the memory of the test.
	SECTION_PAGES = 512,
	SECTION_FLAGS = 0x1f,
};

static const uint64_t arrays = UINT64_C(0xffffea0000000000);

static void put(struct fakecore *fake, uint64_t paddr, uint64_t value)
{
	memcpy(fake->memory + paddr, &value, 8);
}

static void open_map(struct fakecore *fake, struct memmap *map)
{
	fakecore_open(fake);
	check_ok(memmap_init(map, fake->core, &fake->xlat, &fake->reader, PAGE_STRUCT));
}

static void expect(struct fakecore *fake, const struct memmap *map, uint64_t pfn, uint64_t start, uint64_t end,
                   uint64_t vaddr)
{
	struct memmap_run run;
	uint64_t next;

	check_ok(memmap_next(map, &fake->reader, pfn, map->max_pfn, &run, &next));
	if (run.pfn_start != start || run.pfn_end != end || (start != end && run.page_vaddr != vaddr)) {
		fprintf(stderr, "from %#jx: [%#jx, %#jx) at %#jx\n", (uintmax_t)pfn, (uintmax_t)run.pfn_start,
		        (uintmax_t)run.pfn_end, (uintmax_t)run.page_vaddr);
		check(false);
	}
	check(start == end || next > pfn);
}

static void flat(void)
{
	struct fakecore fake;
	struct memmap map;

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_info(&fake, "SYMBOL(mem_map)=%jx\n", (uintmax_t)(fakecore_image + TABLES));
	put(&fake, TABLES, arrays);
	open_map(&fake, &map);
	check(map.model == MEMMAP_FLAT);
	expect(&fake, &map, 0, 0, 2048, arrays);
	expect(&fake, &map, 100, 100, 2048, arrays + 100 * PAGE_STRUCT);
	expect(&fake, &map, 2048, 2048, 2048, 0);
	fakecore_deinit(&fake);
}

static void say_sparse(struct fakecore *fake, uint64_t table, uint64_t length)
{
	fakecore_info(fake, "SYMBOL(mem_section)=%jx\nLENGTH(mem_section)=%ju\n", (uintmax_t)table, (uintmax_t)length);
	fakecore_info(fake,
	              "SIZE(mem_section)=16\nOFFSET(mem_section.section_mem_map)=0\nNUMBER(SECTION_SIZE_BITS)=%d\n"
	              "NUMBER(MAX_PHYSMEM_BITS)=36\n",
	              SECTION_BITS);
}

// Sections 0 and 1 are neighbours, 2 has no array, 3 lies elsewhere.
static void put_sections(struct fakecore *fake, uint64_t paddr)
{
	uint64_t elsewhere = UINT64_C(0xffff888000400000);

	put(fake, paddr, arrays | SECTION_FLAGS);
	put(fake, paddr + 16, arrays | SECTION_FLAGS);
	put(fake, paddr + 32, 0);
	put(fake, paddr + 48, (elsewhere - 3 * SECTION_PAGES * PAGE_STRUCT) | SECTION_FLAGS);
}

static void expect_sections(struct fakecore *fake, const struct memmap *map)
{
	uint64_t elsewhere = UINT64_C(0xffff888000400000);

	expect(fake, map, 0, 0, 2 * SECTION_PAGES, arrays);
	expect(fake, map, 700, 700, 2 * SECTION_PAGES, arrays + 700 * PAGE_STRUCT);
	expect(fake, map, 2 * SECTION_PAGES, 3 * SECTION_PAGES, 4 * SECTION_PAGES, elsewhere);
	expect(fake, map, 3 * SECTION_PAGES + 5, 3 * SECTION_PAGES + 5, 4 * SECTION_PAGES, elsewhere + 5 * PAGE_STRUCT);
}

static void sparse(void)
{
	struct fakecore fake;
	struct memmap map;

	fakecore_init(&fake, MEMORY_BYTES);
	say_sparse(&fake, fakecore_image + TABLES, 1 << (36 - SECTION_BITS));
	put_sections(&fake, TABLES);
	open_map(&fake, &map);
	check(map.model == MEMMAP_SPARSE);
	expect_sections(&fake, &map);
	fakecore_deinit(&fake);
}

// Sections that are smaller than any machine's, and so many nodes, would make tables without end.
static void impossible_sizes(void)
{
	struct fakecore fake;
	struct memmap map;

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_info(&fake, "NUMBER(SECTION_SIZE_BITS)=13\n");
	say_sparse(&fake, fakecore_image + TABLES, 2048);
	fakecore_open(&fake);
	check_error(memmap_init(&map, fake.core, &fake.xlat, &fake.reader, PAGE_STRUCT), ERROR_BAD_DATA, "13 and");
	fakecore_deinit(&fake);

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_info(&fake, "SYMBOL(node_data)=%jx\nLENGTH(node_data)=65536\n", (uintmax_t)fakecore_image);
	fakecore_info(&fake, "OFFSET(pglist_data.node_mem_map)=0\nOFFSET(pglist_data.node_start_pfn)=8\n"
	                     "OFFSET(pglist_data.node_spanned_pages)=16\n");
	open_map(&fake, &map);
	check(map.node_count == 1);
	fakecore_deinit(&fake);
}

static void extreme(void)
{
	struct fakecore fake;
	struct memmap map;

	fakecore_init(&fake, MEMORY_BYTES);
	say_sparse(&fake, fakecore_image + TABLES, (1 << (36 - SECTION_BITS)) / 256);
	put(&fake, TABLES, fakecore_image + TABLES + 4096);
	put_sections(&fake, TABLES + 4096);
	open_map(&fake, &map);
	check(map.model == MEMMAP_SPARSE_EXTREME);
	expect_sections(&fake, &map);
	fakecore_deinit(&fake);
}

// VMCOREINFO that was made from a vmlinux tells where the pointer to the array is, in the image; that of old kernels, where the
// array itself is.
static void extreme_in_the_image(void)
{
	struct fakecore fake;
	struct memmap map;

	for (int has_pointer = 0; has_pointer < 2; has_pointer++) {
		fakecore_init(&fake, MEMORY_BYTES);
		fakecore_info(&fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)fakecore_image);
		say_sparse(&fake, fakecore_image + TABLES, (1 << (36 - SECTION_BITS)) / 256);
		if (has_pointer)
			put(&fake, TABLES, fakecore_image + TABLES + 8192);
		put(&fake, TABLES + (has_pointer ? 8192 : 0), fakecore_image + TABLES + 4096);
		put_sections(&fake, TABLES + 4096);
		open_map(&fake, &map);
		check(map.model == MEMMAP_SPARSE_EXTREME);
		expect_sections(&fake, &map);
		fakecore_deinit(&fake);
	}
}

// Who scans a part of the memory does not walk the sections of all of it.
static void ends_early(void)
{
	struct memmap_run run;
	struct fakecore fake;
	struct memmap map;
	uint64_t next;

	fakecore_init(&fake, MEMORY_BYTES);
	say_sparse(&fake, fakecore_image + TABLES, 1 << (36 - SECTION_BITS));
	put_sections(&fake, TABLES);
	open_map(&fake, &map);
	check_ok(memmap_next(&map, &fake.reader, 0, SECTION_PAGES, &run, &next));
	check(run.pfn_start == 0 && run.pfn_end == SECTION_PAGES && next == SECTION_PAGES);
	check_ok(memmap_next(&map, &fake.reader, 2 * SECTION_PAGES, 3 * SECTION_PAGES, &run, &next));
	check(run.pfn_start == run.pfn_end && next > 2 * SECTION_PAGES);
	fakecore_deinit(&fake);
}

// A root that cannot be read is an error, and the walk can go on behind it.
static void broken_root(void)
{
	struct memmap_run run;
	struct fakecore fake;
	struct memmap map;
	struct error *err;
	uint64_t next;

	fakecore_init(&fake, MEMORY_BYTES);
	say_sparse(&fake, fakecore_image + TABLES, (1 << (36 - SECTION_BITS)) / 256);
	put(&fake, TABLES, UINT64_C(0xffffa00000000000));
	fakecore_open(&fake);
	err = memmap_init(&map, fake.core, &fake.xlat, &fake.reader, PAGE_STRUCT);
	if (!err) {
		err = memmap_next(&map, &fake.reader, 0, map.max_pfn, &run, &next);
		check(err && next > 0);
	}
	error_free(err);
	fakecore_deinit(&fake);
}

static void discontig(void)
{
	struct fakecore fake;
	struct memmap map;

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_info(&fake,
	              "SYMBOL(node_data)=%jx\nLENGTH(node_data)=4\nSIZE(pglist_data)=64\n"
	              "OFFSET(pglist_data.node_mem_map)=8\nOFFSET(pglist_data.node_start_pfn)=16\n"
	              "OFFSET(pglist_data.node_spanned_pages)=24\n",
	              (uintmax_t)(fakecore_image + TABLES));
	for (uint64_t node = 0; node < 2; node++) {
		uint64_t paddr = TABLES + 4096 * (1 + node);

		put(&fake, TABLES + 8 * (1 - node), fakecore_image + paddr);
		put(&fake, paddr + 8, arrays + (node << 30));
		put(&fake, paddr + 16, node * 1000);
		put(&fake, paddr + 24, 900);
	}
	open_map(&fake, &map);
	check(map.model == MEMMAP_DISCONTIG);
	expect(&fake, &map, 0, 0, 900, arrays);
	expect(&fake, &map, 900, 1000, 1900, arrays + (1 << 30));
	expect(&fake, &map, 1500, 1500, 1900, arrays + (1 << 30) + 500 * PAGE_STRUCT);
	fakecore_deinit(&fake);
}

static void silence(void)
{
	struct fakecore fake;
	struct memmap map;

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_open(&fake);
	check_error(memmap_init(&map, fake.core, &fake.xlat, &fake.reader, PAGE_STRUCT), ERROR_UNSUPPORTED, "");
	fakecore_deinit(&fake);
}

static const struct test tests[] = {
	TEST(flat),       TEST(sparse),      TEST(impossible_sizes), TEST(extreme), TEST(extreme_in_the_image),
	TEST(ends_early), TEST(broken_root), TEST(discontig),        TEST(silence),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
