// SPDX-License-Identifier: GPL-2.0-or-later
// The copier over a machine whose memory lies in three windows, one of them empty: each is scanned more than once.
#include <stdatomic.h>

#include "dump/copy.h"
#include "dump/copy_job.h"
#include "dump/pagemap_reader.h"
#include "fakemachine.h"
#include "memorysink.h"
#include "test.h"

enum {
	FAR_BYTES = 2 << 20,
	FAR_PAGES = FAR_BYTES / 4096,
	NEAR_PAGES = FAKEMACHINE_PAGES - FAR_PAGES,
	FAR_STRUCTS = 0x190000, // The struct pages of the far memory.
	FAR_FREE = 0x80, // A free block of 2^6 pages there.
	FAR_SLAB = 0x40, // 2^5 pages of slab, of objects that stand for files: a block of what is ordered.
	SLAB_ORDER = 5,
	CACHE = 0x1a0000, // Its struct kmem_cache.
	FLAG_SLAB = 9,
	FLAG_HEAD = 16,
	ROOM_BYTES = 48 << 20,
	BITMAP_BYTES = 2 * 2 * COPY_WINDOW_PAGES / 8, // Of both bitmaps, at least.
};

// The second window has no memory.
static const uint64_t far_pfn = UINT64_C(2) * COPY_WINDOW_PAGES;
static const uint64_t vmemmap = UINT64_C(0xffffea0000000000);

static void machine_make(struct fakecore *fake)
{
	fakemachine_make(fake, true);
	fake->far_bytes = FAR_BYTES;
	fake->far_paddr = far_pfn * 4096;
	for (uint64_t pfn = 0; pfn < FAR_PAGES; pfn++)
		fakemachine_put_u32(fake->memory + FAR_STRUCTS + pfn * 64 + 48, UINT32_MAX);
	fakemachine_put_u32(fake->memory + FAR_STRUCTS + FAR_FREE * 64 + 48, (uint32_t)FAKEMACHINE_BUDDY);
	fakemachine_put_u64(fake->memory + FAR_STRUCTS + FAR_FREE * 64 + 40, FAKEMACHINE_FREE_ORDER);
	fakemachine_put_u64(fake->memory + FAR_STRUCTS + FAR_SLAB * 64, 1 << FLAG_SLAB | 1 << FLAG_HEAD);
	fakemachine_put_u64(fake->memory + FAR_STRUCTS + FAR_SLAB * 64 + 24, fakecore_image + CACHE);
	fake->memory[FAR_STRUCTS + (FAR_SLAB + 1) * 64 + 17] = SLAB_ORDER;
	for (uint64_t tail = FAR_SLAB + 1; tail < FAR_SLAB + (1 << SLAB_ORDER); tail++)
		fakemachine_put_u64(fake->memory + FAR_STRUCTS + tail * 64 + 8, 1);
	fakemachine_put_u64(fake->memory + CACHE + 16, fakecore_image + CACHE + 256);
	memcpy(fake->memory + CACHE + 256, "ext4_inode_cache", 16);
	for (uint64_t at = 0; at < NEAR_PAGES * 64; at += 4096)
		fakecore_map(fake, vmemmap + at, FAKEMACHINE_PAGE_STRUCTS + at, 4096);
	for (uint64_t at = 0; at < FAR_PAGES * 64; at += 4096)
		fakecore_map(fake, vmemmap + far_pfn * 64 + at, FAR_STRUCTS + at, 4096);
	fakemachine_put_u64(fake->memory + FAKEMACHINE_MEM_MAP, vmemmap);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)(fakecore_image + 0x200000));
}

static struct copy_options options_for(unsigned int level, unsigned int threads)
{
	struct copy_options options = {.dump_level = level, .thread_count = threads};

	check_ok(compressor_find("none", &options.compressor));
	return options;
}

static bool is_near_dropped(uint64_t pfn)
{
	return (pfn >= FAKEMACHINE_FREE_PFN && pfn < FAKEMACHINE_FREE_PFN + (1 << FAKEMACHINE_FREE_ORDER)) ||
	       pfn == FAKEMACHINE_USER_PFN || pfn == FAKEMACHINE_POISONED_PFN;
}

static bool is_far_dropped(uint64_t index)
{
	return index >= FAR_FREE && index < FAR_FREE + (1 << FAKEMACHINE_FREE_ORDER);
}

// Level 31, some of it in each sink.
static void check_dump(const struct fakecore *fake, struct memorysink *sinks, size_t sink_count,
                       const struct copy_stats *stats)
{
	uint64_t pages = 0;

	for (uint64_t i = 0; i < FAKEMACHINE_PAGES; i++) {
		bool is_far = i >= NEAR_PAGES;
		uint64_t pfn = is_far ? far_pfn + (i - NEAR_PAGES) : i;
		bool is_dropped = is_far ? is_far_dropped(i - NEAR_PAGES) : is_near_dropped(i);
		unsigned int found = 0;

		for (size_t sink = 0; sink < sink_count; sink++) {
			const uint8_t *page = memorysink_page(&sinks[sink], pfn);

			found += page != NULL;
			check(!page || memcmp(page, fake->memory + i * 4096, 4096) == 0);
		}
		check(found == !is_dropped);
		pages += found;
	}
	check(pages == stats->pages_written && pages == stats->counts.kept);
	for (size_t sink = 0; sink < sink_count; sink++)
		check(!(((const struct fmt_kdump_header *)sinks[sink].bytes)->status & FMT_KDUMP_STATUS_INCOMPLETE));
}

static bool is_zero(const uint8_t *page)
{
	for (size_t i = 0; i < 4096; i++)
		if (page[i])
			return false;
	return true;
}

static void check_map(const struct fakecore *fake, int fd, struct memorysink *sink)
{
	struct pagemap_reader *map;

	check_ok(pagemap_reader_create(fd, &map));
	for (uint64_t i = 0; i < FAKEMACHINE_PAGES; i++) {
		uint64_t pfn = i < NEAR_PAGES ? i : far_pfn + (i - NEAR_PAGES);
		struct pagemap_answer answer;

		check_ok(pagemap_reader_find(map, pfn, &answer));
		check(answer.is_known && answer.is_kept == (memorysink_page(sink, pfn) != NULL));
		if (answer.is_kept)
			check(answer.state ==
			      (is_zero(fake->memory + i * 4096) ? FMT_PAGEMAP_ZERO : FMT_PAGEMAP_WRITTEN));
	}
	pagemap_reader_destroy(map);
}

// In two phases, and where room is unknown in five: each looks at all windows again.
static void every_window_is_whole(void)
{
	struct fakecore fake;

	machine_make(&fake);
	fakecore_open(&fake);
	for (unsigned int round = 0; round < 4; round++) {
		struct copy_options options = options_for(31, 1 + round);
		struct memorysink sink;
		struct copy_stats stats;
		int fd = memfd_create("map", MFD_CLOEXEC);

		check(fd >= 0);
		check_ok(pagemap_create(fd, &options.pagemap));
		options.room_bytes = round % 2 ? UINT64_MAX : 0;
		memorysink_init(&sink, ROOM_BYTES, -1);
		check_ok(copy_run(fake.core, &options, &sink.sink, &stats));
		check(!sink.is_overlapping && !stats.warnings && !pagemap_error(options.pagemap));
		check_dump(&fake, &sink, 1, &stats);
		check_map(&fake, fd, &sink);
		memorysink_deinit(&sink);
		pagemap_destroy(options.pagemap);
		close(fd);
	}
	fakecore_deinit(&fake);
}

static void parts_of_several_windows(void)
{
	struct fakecore fake;

	machine_make(&fake);
	fakecore_open(&fake);
	for (size_t count = 2; count <= 4; count++) {
		struct copy_options options = options_for(31, 2);
		struct memorysink memory[4];
		struct sink *sinks[4];
		struct copy_stats stats;

		for (size_t i = 0; i < count; i++) {
			memorysink_init(&memory[i], ROOM_BYTES, -1);
			sinks[i] = &memory[i].sink;
		}
		options.more_sinks = sinks + 1;
		options.more_sink_count = count - 1;
		check_ok(copy_run(fake.core, &options, sinks[0], &stats));
		check_dump(&fake, memory, count, &stats);
		for (size_t i = 0; i < count; i++) {
			check(!memory[i].is_overlapping);
			memorysink_deinit(&memory[i]);
		}
	}
	fakecore_deinit(&fake);
}

// Changes the memory at a write of descriptors or pages.
struct change {
	struct fakecore *fake;
	uint64_t paddr;
	uint64_t value;
	unsigned int at_call, calls;
};

static void change_memory(void *context, uint64_t offset_bytes)
{
	struct change *change = context;

	if (offset_bytes >= BITMAP_BYTES && change->calls++ == change->at_call)
		fakecore_poke(change->fake, change->paddr, &change->value, sizeof(change->value));
}

// Copies a machine whose memory changes at some write. Returns whether the copy noticed; if not, the dump must be whole.
static bool notices(unsigned int at_call, uint64_t paddr, uint64_t value)
{
	struct copy_options options = options_for(31, 1);
	struct change change = {.paddr = paddr, .value = value, .at_call = at_call};
	struct memorysink sink;
	struct copy_stats stats;
	struct fakecore fake;
	struct error *err;

	machine_make(&fake);
	fakecore_open(&fake);
	change.fake = &fake;
	// Of an unknown size: the order is a fine one.
	options.room_bytes = 0;
	memorysink_init(&sink, ROOM_BYTES, -1);
	sink.sink.can_rewrite = true;
	sink.on_write = change_memory;
	sink.context = &change;
	err = copy_run(fake.core, &options, &sink.sink, &stats);
	if (err) {
		check(stats.is_partial);
		check(((const struct fmt_kdump_header *)sink.bytes)->status & FMT_KDUMP_STATUS_INCOMPLETE);
		check_error(err, ERROR_BAD_DATA, "memory of the crashed kernel changes");
	} else {
		uint64_t missing = 0;

		for (uint64_t i = 0; i < FAR_PAGES; i++) {
			const struct fmt_kdump_page_desc *desc = memorysink_desc(&sink, far_pfn + i);

			missing += desc && !desc->offset;
		}
		check(missing == 0);
	}
	memorysink_deinit(&sink);
	fakecore_deinit(&fake);
	return err != NULL;
}

// Whatever the moment: what is told to be in the dump is there, or the copy says that it could not be done.
static void memory_that_changes(void)
{
	static const uint64_t changes[][2] = {
		// A page of a process where one of the kernel was: the set of pages is another.
		{FAR_STRUCTS + 0x10 * 64 + 24, 0xffff888000000001},
		// Slab is slab no more: pages come earlier, the set is the same.
		{FAR_STRUCTS + FAR_SLAB * 64, 0},
	};

	for (size_t i = 0; i < array_size(changes); i++) {
		unsigned int noticed = 0;

		for (unsigned int call = 0; call < 12; call++)
			noticed += notices(call, changes[i][0], changes[i][1]);
		check(noticed > 0);
	}
}

static const struct test tests[] = {
	TEST(every_window_is_whole),
	TEST(parts_of_several_windows),
	TEST(memory_that_changes),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
