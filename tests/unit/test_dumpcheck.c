// SPDX-License-Identifier: GPL-2.0-or-later
// What is wrong with a dump, and with one that has a page map. Whole machines are checked by tests/inspect/explained.
#include "dump/dumpcheck.h"

#include "core/kdumpcore_check.h"
#include "dump/pagemap_reader.h"
#include "fakedump.h"
#include "test.h"

static struct vmcore *open_dump(const struct fakedump *dump, size_t size_bytes)
{
	struct fakefile file = fakefile(dump->bytes, size_bytes);
	const char *path = file.path;
	struct vmcore *core;

	check_ok(vmcore_open_set(&path, 1, &core));
	close(file.fd);
	return core;
}

// A map by hand: each frame a run of its own, of one code in the dump and another that is left out, all that is kept written.
struct map {
	struct fmt_pagemap_header header;
	struct fmt_pagemap_entry entry;
	uint8_t runs[FAKEDUMP_FRAMES];
	uint8_t cells[FAKEDUMP_FRAMES / FMT_PAGEMAP_CELLS_PER_BYTE];
};

static void map_init(struct map *map)
{
	*map = (struct map){
		.header = {.magic = "KDUMPMAP",
	                   .version = FMT_PAGEMAP_VERSION,
	                   .status = FMT_PAGEMAP_COMPLETE,
	                   .page_bytes = FAKEDUMP_BLOCK,
	                   .block_frames = FMT_PAGEMAP_BLOCK_FRAMES,
	                   .max_pfn = FAKEDUMP_FRAMES,
	                   .index_offset = offsetof(struct map, entry),
	                   .dropped_codes = 1 << FMT_PAGEMAP_NONE | 1 << FMT_PAGEMAP_FREE},
		.entry = {.offset = offsetof(struct map, runs),
	                  .cell = offsetof(struct map, cells) * FMT_PAGEMAP_CELLS_PER_BYTE,
	                  .size_bytes = FAKEDUMP_FRAMES,
	                  .kept = FAKEDUMP_PAGES},
	};
	for (unsigned int pfn = 0; pfn < FAKEDUMP_FRAMES; pfn++)
		map->runs[pfn] = pfn % 3 ? FMT_PAGEMAP_FREE : FMT_PAGEMAP_KERNEL;
	memset(map->cells, 0x55, sizeof(map->cells));
	// The page of frame 0 holds zeros.
	map->cells[0] = 0x56;
}

static void set_state(struct map *map, unsigned int rank, enum fmt_pagemap_state state)
{
	uint8_t *byte = &map->cells[rank / FMT_PAGEMAP_CELLS_PER_BYTE];
	unsigned int shift = rank % FMT_PAGEMAP_CELLS_PER_BYTE * 2;

	*byte = (uint8_t)((*byte & ~(3 << shift)) | state << shift);
}

static void run(const struct vmcore *core, const struct map *map, struct dumpcheck *ret)
{
	struct dumpcheck_options options = {.thread_count = 2, .map_fd = -1};
	struct fakefile file = {.fd = -1};

	if (map) {
		file = fakefile(map, sizeof(*map));
		options.map_fd = file.fd;
	}
	check_ok(dumpcheck_run(core, &options, ret));
	closep(&file.fd);
}

static void whole(void)
{
	struct fakedump dump;
	struct dumpcheck found;
	struct kdumpcore_check tables;
	struct vmcore *core;
	struct map map;

	fakedump_init(&dump);
	core = open_dump(&dump, sizeof(dump.bytes));
	map_init(&map);
	for (unsigned int i = 0; i < 2; i++) {
		run(core, i ? &map : NULL, &found);
		check(!dumpcheck_is_bad(&found) && !found.problem_count && !found.has_more && !found.is_map_partial);
		check(found.counts[PRESENCE_WRITTEN] == FAKEDUMP_PAGES - 1 && found.counts[PRESENCE_ZERO] == 1);
		check(found.counts[PRESENCE_DROPPED] == FAKEDUMP_FRAMES - FAKEDUMP_PAGES);
	}
	check_ok(kdumpcore_check(core, &tables));
	check(!tables.overlaps && !tables.no_memory);
	vmcore_close(core);
}

static void damaged_pages(void)
{
	struct fakedump dump;
	struct dumpcheck found;
	struct vmcore *core;
	struct map map;

	fakedump_init(&dump);
	// One that is no zlib, one with a descriptor that cannot be, one never written, the last beyond the end.
	fakedump_desc(&dump, 3)->flags = FMT_KDUMP_ZLIB;
	fakedump_desc(&dump, 4)->size = 0x10000;
	*fakedump_desc(&dump, 8) = (struct fmt_kdump_page_desc){0};
	core = open_dump(&dump, sizeof(dump.bytes) - 1);
	run(core, NULL, &found);
	check(dumpcheck_is_bad(&found) && found.counts[PRESENCE_DAMAGED] == 2 && found.counts[PRESENCE_LOST] == 2);
	check(found.problem_count == 4 && found.problems[0].pfn_start == 9 &&
	      found.problems[0].found == PRESENCE_DAMAGED);
	check(found.problems[2].pfn_start == 24 && found.problems[2].found == PRESENCE_LOST);
	check(found.problems[3].pfn_start == 63 && strstr(found.problems[3].text, "the file ends"));
	// With a map the same; what it calls unreadable was never there, and is no damage.
	map_init(&map);
	set_state(&map, 8, FMT_PAGEMAP_UNREADABLE);
	run(core, &map, &found);
	check(found.counts[PRESENCE_DAMAGED] == 2 && found.counts[PRESENCE_LOST] == 1 &&
	      found.counts[PRESENCE_UNREADABLE] == 1 && !found.conflicts && found.problem_count == 3);
	vmcore_close(core);
}

static void contradictions(void)
{
	struct fakedump dump;
	struct dumpcheck found;
	struct vmcore *core;
	struct map map;

	fakedump_init(&dump);
	core = open_dump(&dump, sizeof(dump.bytes));
	map_init(&map);
	// A page of zeros that is none.
	set_state(&map, 5, FMT_PAGEMAP_ZERO);
	run(core, &map, &found);
	check(dumpcheck_is_bad(&found) && found.conflicts == 1 && found.problem_count == 1);
	check(found.problems[0].pfn_start == 15 && found.problems[0].is_conflict &&
	      found.problems[0].found == PRESENCE_WRITTEN && strstr(found.problems[0].text, "zeros"));
	// In the dump, and left out.
	map_init(&map);
	map.runs[15] = FMT_PAGEMAP_FREE;
	map.runs[16] = FMT_PAGEMAP_KERNEL;
	run(core, &map, &found);
	check(found.conflicts == 2 && found.problem_count == 2 && found.problems[1].pfn_start == 16 &&
	      found.problems[1].found == PRESENCE_DROPPED);
	// A block that is damaged.
	map_init(&map);
	map.entry.size_bytes = FAKEDUMP_FRAMES / 2;
	run(core, &map, &found);
	check(found.conflicts && found.problem_count && strstr(found.problems[0].text, "damaged"));
	// What was cut short may have written more than it noted, and does not know the rest.
	map_init(&map);
	map.header.status = FMT_PAGEMAP_PARTIAL;
	set_state(&map, 5, FMT_PAGEMAP_PENDING);
	run(core, &map, &found);
	check(!dumpcheck_is_bad(&found) && found.is_map_partial);
	vmcore_close(core);
}

static void overlaps(void)
{
	struct fakedump dump;
	struct kdumpcore_check tables;
	struct vmcore *core;

	fakedump_init(&dump);
	// Pages of zeros share the first one.
	fakedump_desc(&dump, 7)->offset = fakedump_desc(&dump, 0)->offset;
	core = open_dump(&dump, sizeof(dump.bytes));
	check_ok(kdumpcore_check(core, &tables));
	check(!tables.overlaps);
	vmcore_close(core);
	fakedump_desc(&dump, 7)->offset = fakedump_desc(&dump, 2)->offset + 8;
	dump.bytes[FAKEDUMP_RAM] = 0xfe;
	core = open_dump(&dump, sizeof(dump.bytes));
	check_ok(kdumpcore_check(core, &tables));
	check(tables.overlaps && tables.no_memory == 1);
	check(tables.overlap_offset == fakedump_desc(&dump, 2)->offset + 8);
	vmcore_close(core);
}

static void other_maps(void)
{
	struct fakedump dump;
	struct vmcore *core;
	struct map map;

	fakedump_init(&dump);
	core = open_dump(&dump, sizeof(dump.bytes));
	for (unsigned int i = 0; i < 2; i++) {
		struct pagemap_reader *reader;
		struct fakefile file;

		map_init(&map);
		if (i)
			map.header.max_pfn = FAKEDUMP_FRAMES / 2;
		else
			map.header.page_bytes = 1 << 16;
		file = fakefile(&map, sizeof(map));
		check_ok(pagemap_reader_create(file.fd, &reader));
		check_error(presence_check_map(core, reader), ERROR_BAD_DATA, "is of another dump");
		pagemap_reader_destroy(reader);
		close(file.fd);
	}
	vmcore_close(core);
}

static const struct test tests[] = {
	TEST(whole), TEST(damaged_pages), TEST(contradictions), TEST(overlaps), TEST(other_maps),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
