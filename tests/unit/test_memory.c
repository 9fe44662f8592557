// SPDX-License-Identifier: GPL-2.0-or-later
// Zones, rows of /proc/meminfo, and what is in the dump.
#include "report/coverage.h"
#include "report/meminfo.h"
#include "report/overview.h"
#include "report/zones.h"

#include "fakecrash.h"
#include "test.h"

// Where things are, from fakecore_image on.
enum {
	NODE = FAKECRASH_FREE, // struct pglist_data with three zones.
	ZONE_BYTES = 0x400,
	NODE_BYTES = 3 * ZONE_BYTES + 64,
	NODES = FAKECRASH_FREE + 0x20000, // Their array; nothing is behind it.
	NUMBERS = FAKECRASH_FREE + 0x5000, // Variables, 64 bytes each.
	NAME = FAKECRASH_FREE + 0x6000,
	BLOCK_DEVICES = FAKECRASH_FREE + 0x7000,
	NODE_STAT = FAKECRASH_FREE + 0x8000,
	HSTATES = FAKECRASH_FREE + 0x9000,
	SWAP = FAKECRASH_FREE + 0xa000, // Pointers to parts of swap, their numbers, the parts.
	PAGESET = 0xc00, // What the only CPU has.
	COMMITTED = 0xc80,
	ORDERS = 3,
};

// Variables, by their place in NUMBERS.
enum {
	NR_NODES,
	SUPER,
	RATIO,
	KBYTES,
	COMMITTED_AS,
	HSTATE_COUNT,
	HSTATE_DEFAULT,
	SWAP_TOTAL,
	SWAP_FREE,
	RESERVE,
	SWAP_FILES
};

static const struct fakecrash_struct structs[] = {
	{"pglist_data", NODE_BYTES, {{"node_zones", 0, 3 * ZONE_BYTES}, {"node_id", 3 * ZONE_BYTES + 8, 4}}},
	{"zone",
         ZONE_BYTES,
         {{"_watermark", 0, 32},
          {"watermark_boost", 32, 8},
          {"per_cpu_pageset", 40, 8},
          {"managed_pages", 48, 8},
          {"spanned_pages", 56, 8},
          {"present_pages", 64, 8},
          {"name", 72, 8},
          {"free_area", 256, ORDERS * 88},
          {"vm_stat", 800, 96}}},
	{"free_area", 88, {{"nr_free", 80, 8}}},
	{"per_cpu_pages", 64, {{"count", 4, 4}}},
	{"super_block", 256, {{"s_inodes", 128, 16}}},
	{"inode", 256, {{"i_mapping", 48, 8}, {"i_sb_list", 64, 16}}},
	{"address_space", 128, {{"nrpages", 80, 8}}},
	{"percpu_counter", 40, {{"count", 8, 8}, {"counters", 32, 8}}},
	{"hstate",
         128,
         {{"order", 36, 4},
          {"nr_huge_pages", 64, 8},
          {"free_huge_pages", 72, 8},
          {"resv_huge_pages", 80, 8},
          {"surplus_huge_pages", 88, 8}}},
};

// PageTables is a counter of zones, as before Linux v5.11. The last one is there since v5.12.
static const struct fakecrash_enumerator enumerators[] = {
	{"zone_stat_item", "NR_FREE_PAGES", 1},  {"zone_stat_item", "NR_PAGETABLE", 8},
	{"node_stat_item", "NR_FILE_PAGES", 2},  {"node_stat_item", "NR_SHMEM", 3},
	{"node_stat_item", "NR_ACTIVE_FILE", 4}, {"node_stat_item", "NR_INACTIVE_FILE", 5},
	{"node_stat_item", "NR_DIRTIED", 8},     {"node_stat_item", "NR_SLAB_RECLAIMABLE_B", 7},
	{"node_stat_item", "NR_ANON_THPS", 6},   {"node_stat_item", "NR_SLAB_UNRECLAIMABLE_B", 9},
	{"node_stat_item", "NR_SWAPCACHE", 6},
};

static void put(struct fakecore *fake, uint64_t at, uint64_t value, size_t size_bytes)
{
	fakecrash_put(fake, fakecore_image + at, value, size_bytes);
}

static void put_pointer(struct fakecore *fake, uint64_t at, uint64_t to)
{
	put(fake, at, fakecore_image + to, 8);
}

static void put_variable(struct fakecore *fake, unsigned int which, uint64_t value)
{
	put(fake, NUMBERS + 64 * which, value, 8);
}

static void put_zone(struct fakecore *fake, unsigned int node, unsigned int number, const char *name, uint64_t present)
{
	uint64_t at = NODE + node * 0x2000 + number * ZONE_BYTES, text = NAME + (node * 3 + number) * 16;

	for (uint64_t i = 0; i < 3; i++)
		put(fake, at + 8 * i, 10 * (i + 1), 8);
	put(fake, at + 32, node, 8);
	put(fake, at + 40, PAGESET, 8);
	put(fake, at + 48, present - 8, 8);
	put(fake, at + 56, present + 8, 8);
	put(fake, at + 64, present, 8);
	put_pointer(fake, at + 72, text);
	strcpy((char *)fake->memory + text, name);
	for (uint64_t i = 0; i < ORDERS; i++)
		put(fake, at + 256 + 88 * i + 80, i + 1, 8);
	put(fake, at + 800 + 8, number ? (uint64_t)-3 : 18, 8);
}

// Two nodes: the first has two zones with memory and one without, the other one.
static void put_nodes(struct fakecore *fake)
{
	put_pointer(fake, NODES, NODE);
	put_pointer(fake, NODES + 16, NODE + 0x2000);
	put_variable(fake, NR_NODES, 3);
	put(fake, NODE + 0x2000 + 3 * ZONE_BYTES + 8, 2, 4);
	put_zone(fake, 0, 0, "DMA", 100);
	put_zone(fake, 0, 1, "Nor\nmal", 1000);
	put_zone(fake, 1, 1, "Normal", 2000);
	put(fake, FAKECRASH_PER_CPU + PAGESET + 4, 21, 4);
}

// Two block devices with 5 and 6 pages.
static void put_block_devices(struct fakecore *fake)
{
	uint64_t head = BLOCK_DEVICES + 128, inodes[] = {BLOCK_DEVICES + 0x200, BLOCK_DEVICES + 0x400};

	put_pointer(fake, NUMBERS + 64 * SUPER, BLOCK_DEVICES);
	put_pointer(fake, head, inodes[0] + 64);
	put_pointer(fake, inodes[0] + 64, inodes[1] + 64);
	put_pointer(fake, inodes[1] + 64, head);
	for (uint64_t i = 0; i < 2; i++) {
		put_pointer(fake, inodes[i] + 48, inodes[i] + 0x100);
		put(fake, inodes[i] + 0x100 + 80, 5 + i, 8);
	}
}

static void make_kind(struct fakecore *fake, bool has_swapcache)
{
	const struct fakesym symbols[] = {
		{'D', "node_data", fakecore_image + NODES},
		{'D', "nr_node_ids", fakecore_image + NUMBERS + 64 * NR_NODES},
		{'D', "blockdev_superblock", fakecore_image + NUMBERS + 64 * SUPER},
		{'D', "sysctl_overcommit_ratio", fakecore_image + NUMBERS + 64 * RATIO},
		{'D', "sysctl_overcommit_kbytes", fakecore_image + NUMBERS + 64 * KBYTES},
		{'D', "vm_committed_as", fakecore_image + NUMBERS + 64 * COMMITTED_AS},
		{'D', "hugetlb_max_hstate", fakecore_image + NUMBERS + 64 * HSTATE_COUNT},
		{'D', "default_hstate_idx", fakecore_image + NUMBERS + 64 * HSTATE_DEFAULT},
		{'D', "total_swap_pages", fakecore_image + NUMBERS + 64 * SWAP_TOTAL},
		{'D', "nr_swap_pages", fakecore_image + NUMBERS + 64 * SWAP_FREE},
		{'D', "totalreserve_pages", fakecore_image + NUMBERS + 64 * RESERVE},
		{'D', "vm_node_stat", fakecore_image + NODE_STAT},
		{'D', "hstates", fakecore_image + HSTATES},
		{'D', "nr_swapfiles", fakecore_image + NUMBERS + 64 * SWAP_FILES},
		{'D', "swapper_spaces", fakecore_image + SWAP},
		{'D', "nr_swapper_spaces", fakecore_image + SWAP + 0x100},
	};
	const struct fakecrash_more more = {.structs = structs,
	                                    .struct_count = array_size(structs),
	                                    .enumerators = enumerators,
	                                    .enumerator_count = array_size(enumerators) - !has_swapcache,
	                                    .symbols = symbols,
	                                    .symbol_count = array_size(symbols)};

	fakecrash_make_more(fake, 3, &more);
	put_nodes(fake);
	put_block_devices(fake);
	put_variable(fake, RATIO, 50);
	put_variable(fake, RESERVE, 16);
	put(fake, NUMBERS + 64 * COMMITTED_AS + 8, 30, 8);
	put(fake, NUMBERS + 64 * COMMITTED_AS + 32, COMMITTED, 8);
	put(fake, FAKECRASH_PER_CPU + COMMITTED, (uint32_t)-10, 4);
	// Huge pages of 8 KiB and of 16, of which there are three.
	put_variable(fake, HSTATE_COUNT, 2);
	put_variable(fake, HSTATE_DEFAULT, 1);
	put(fake, HSTATES + 36, 1, 4);
	put(fake, HSTATES + 128 + 36, 2, 4);
	put(fake, HSTATES + 128 + 64, 3, 8);
	put(fake, HSTATES + 128 + 72, 1, 8);
	put_variable(fake, SWAP_TOTAL, 64);
	put_variable(fake, SWAP_FREE, 60);
	for (uint64_t i = 2; i < 10; i++)
		put(fake, NODE_STAT + 8 * i, 100 * i, 8);
}

static void make(struct fakecore *fake)
{
	make_kind(fake, true);
}

static void look(struct fakecore *fake, struct kernel **kernel, struct zones *zones, struct meminfo *info)
{
	fakecore_open(fake);
	check_ok(kernel_open(fake->core, kernel));
	check_ok(zones_init(zones, *kernel));
	check_ok(meminfo_init(info, *kernel, zones));
}

static void end(struct fakecore *fake, struct kernel *kernel, struct zones *zones)
{
	zones_deinit(zones);
	kernel_close(kernel);
	fakecore_deinit(fake);
}

static void all_zones(void)
{
	struct kernel *kernel;
	struct meminfo info;
	struct fakecore fake;
	struct zones zones;

	make(&fake);
	look(&fake, &kernel, &zones, &info);
	check_text(zones.why, "");
	check(zones.count == 3 && zones.orders == ORDERS);
	check_text(zones.list[0].name, "DMA");
	check_text(zones.list[1].name, "Nor?mal");
	check(zones.list[0].node == 0 && zones.list[2].node == 2);
	check(zones.list[0].present == 100 && zones.list[0].managed == 92 && zones.list[0].spanned == 108);
	check(zones.list[0].free == 18 && zones.list[1].free == 0 && zones.list[0].per_cpu == 21);
	check(zones.list[2].watermarks[0] == 11 && zones.list[2].watermarks[2] == 31);
	check(zones.list[0].blocks[0] == 1 && zones.list[0].blocks[2] == 3);
	check(zones_listed(&zones, &zones.list[0]) == 1 + 2 * 2 + 3 * 4);
	end(&fake, kernel, &zones);
}

static void rows(void)
{
	static const struct {
		const char *name;
		uint64_t value;
	} wanted[] = {
		{"MemTotal", 4096},
		{"MemFree", 1024},
		// 256 - 16 free, 900 of files and 700 of slab, each less the low watermarks (20, 20 and 21).
		{"MemAvailable", 4 * (256 - 16 + 900 - 61 + 700 - 61)},
		{"Buffers", 44},
		{"Cached", 4 * (800 - 600 - 11)},
		{"SwapCached", 2400},
		{"Shmem", 1200},
		{"Slab", 4 * (700 + 900)},
		{"SReclaimable", 2800},
		{"PageTables", 4 * 77},
		{"SwapTotal", 256},
		{"SwapFree", 240},
		{"CommitLimit", 4 * ((1024 - 3 * 4) / 2 + 64)},
		{"Committed_AS", 80},
		{"HugePages_Total", 3},
		{"HugePages_Free", 1},
		{"Hugepagesize", 16},
		{"Hugetlb", 48},
	};
	struct overview overview;
	struct kernel *kernel;
	struct meminfo info;
	struct fakecore fake;
	struct zones zones;

	make(&fake);
	fakecrash_put(&fake, fakecrash_variable(FAKECRASH_ZONE_STAT) + 8 * UINT64_C(8), 77, 8);
	put(&fake, NODE_STAT + 16, 800, 8);
	look(&fake, &kernel, &zones, &info);
	check_text(info.why, "");
	for (size_t i = 0; i < array_size(wanted); i++) {
		const struct meminfo_row *row = meminfo_find(&info, wanted[i].name);

		if (!row || row->value != wanted[i].value)
			fprintf(stderr, "%s is %ju, must be %ju\n", wanted[i].name, row ? (uintmax_t)row->value : 0,
			        (uintmax_t)wanted[i].value);
		check(row && row->value == wanted[i].value);
	}
	// What this kernel has no counters for.
	check(!meminfo_find(&info, "Dirty") && !meminfo_find(&info, "Percpu") && !meminfo_find(&info, "DirectMap4k"));
	// The summary has the same.
	overview_init(&overview, kernel);
	check(overview.pages[OVERVIEW_PAGE_TABLES].is_known && overview.pages[OVERVIEW_PAGE_TABLES].value == 77);
	check(overview.pages[OVERVIEW_SLAB].value == 1600 && overview.pages[OVERVIEW_FREE].value == 256);
	check(info.huge_count == 2 && info.huge[0].size_bytes == 8192);
	end(&fake, kernel, &zones);
}

// Two files with swap, one that was given back between them; a part has 128 bytes.
static void without_counter(void)
{
	struct kernel *kernel;
	struct meminfo info;
	struct fakecore fake;
	struct zones zones;

	make_kind(&fake, false);
	put(&fake, NODE_STAT + 16, 800, 8);
	put_variable(&fake, SWAP_FILES, 3);
	put_pointer(&fake, SWAP, SWAP + 0x200);
	put_pointer(&fake, SWAP + 16, SWAP + 0x400);
	put(&fake, SWAP + 0x100, 2, 4);
	put(&fake, SWAP + 0x104, 99, 4);
	put(&fake, SWAP + 0x108, 1, 4);
	put(&fake, SWAP + 0x200 + 80, 3, 8);
	put(&fake, SWAP + 0x280 + 80, 4, 8);
	put(&fake, SWAP + 0x400 + 80, 5, 8);
	look(&fake, &kernel, &zones, &info);
	check_text(info.why, "");
	check(meminfo_find(&info, "SwapCached")->value == UINT64_C(4) * (3 + 4 + 5));
	check(meminfo_find(&info, "Cached")->value == UINT64_C(4) * (800 - 12 - 11));
	// It is not known which pages such a kernel means.
	check(!meminfo_find(&info, "AnonHugePages"));
	end(&fake, kernel, &zones);
	make_kind(&fake, false);
	put_variable(&fake, SWAP_FILES, 1);
	put_pointer(&fake, SWAP, FAKECRASH_FREE);
	put(&fake, SWAP + 0x100, UINT32_MAX, 4);
	look(&fake, &kernel, &zones, &info);
	check(strncmp(info.why, "swap: ", 6) == 0 && !meminfo_find(&info, "SwapCached"));
	end(&fake, kernel, &zones);
}

static void hostile(void)
{
	struct kernel *kernel;
	struct meminfo info;
	struct fakecore fake;
	struct zones zones;

	// Block devices in a circle; the rows behind are there.
	make(&fake);
	put_pointer(&fake, BLOCK_DEVICES + 0x400 + 64, BLOCK_DEVICES + 0x200 + 64);
	look(&fake, &kernel, &zones, &info);
	check_text(info.why, "buffers: the list of block devices has no end");
	check(!meminfo_find(&info, "Buffers") && !meminfo_find(&info, "Cached") && meminfo_find(&info, "MemTotal"));
	end(&fake, kernel, &zones);
	// Nodes that are not there, and far too many of them; the zones of the others are there.
	make(&fake);
	put_variable(&fake, NR_NODES, UINT32_MAX);
	put(&fake, NODES + 8, 0x1000, 8);
	look(&fake, &kernel, &zones, &info);
	check(zones.why[0] && zones.count == 3 && !meminfo_find(&info, "MemAvailable"));
	end(&fake, kernel, &zones);
	// Huge pages of a size that there cannot be.
	make(&fake);
	put(&fake, HSTATES + 36, 63, 4);
	look(&fake, &kernel, &zones, &info);
	check_text(info.why, "huge pages of 2^63 pages");
	check(info.huge_count == 0 && !meminfo_find(&info, "HugePages_Total"));
	end(&fake, kernel, &zones);
}

static void what_is_there(void)
{
	char text[COVERAGE_LEVEL_BYTES];
	struct coverage coverage;
	struct kernel *kernel;
	struct fakecore fake;

	make(&fake);
	fakecore_open(&fake);
	check_ok(kernel_open(fake.core, &kernel));
	coverage_init(&coverage, kernel);
	check(coverage.memory_bytes == FAKECRASH_BYTES && coverage.dump_bytes == FAKECRASH_BYTES && !coverage.level);
	// VMCOREINFO says nothing of struct pages.
	check(coverage.why[0] && !coverage.struct_page_bytes);
	coverage_level(31, text);
	check_text(text, "zero pages, cache, cache with private data, processes, free pages");
	coverage_level(1 | 8, text);
	check_text(text, "zero pages, processes");
	kernel_close(kernel);
	fakecore_deinit(&fake);
}

// Whatever it is, it ends.
static void damaged(void)
{
	for (unsigned int seed = 0; seed < 100; seed++) {
		struct kernel *kernel;
		struct meminfo info;
		struct fakecore fake;
		struct zones zones;

		make(&fake);
		fakecrash_damage(&fake, NODE, 0x4000, seed);
		fakecrash_damage(&fake, NUMBERS, 0x400, seed);
		fakecrash_damage(&fake, HSTATES, 0x100, seed);
		look(&fake, &kernel, &zones, &info);
		check(info.count <= MEMINFO_ROWS_MAX && info.huge_count <= MEMINFO_HUGE_MAX);
		end(&fake, kernel, &zones);
	}
}

static const struct test tests[] = {TEST(all_zones), TEST(rows),          TEST(without_counter),
                                    TEST(hostile),   TEST(what_is_there), TEST(damaged)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
