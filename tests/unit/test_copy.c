// SPDX-License-Identifier: GPL-2.0-or-later
// The copier over a small flat machine in memory: what is written is read back from its bytes, and everything that can fail
// is made to fail, one call at a time.
#include <pthread.h>
#include <stdatomic.h>

#include "dump/copy.h"
#include "fakemachine.h"
#include "memorysink.h"
#include "test.h"

static struct copy_options options_for(unsigned int level, enum copy_format format, unsigned int threads)
{
	struct copy_options options = {.dump_level = level, .format = format, .thread_count = threads};

	check_ok(compressor_find("none", &options.compressor));
	return options;
}

static void check_pages(const struct fakecore *fake, struct memorysink *memory, unsigned int level)
{
	for (uint64_t pfn = 0; pfn < FAKEMACHINE_PAGES; pfn++) {
		bool is_free =
			pfn >= FAKEMACHINE_FREE_PFN && pfn < FAKEMACHINE_FREE_PFN + (1 << FAKEMACHINE_FREE_ORDER);
		bool is_wanted = pfn != FAKEMACHINE_POISONED_PFN && !(level & FILTER_FREE && is_free) &&
		                 !(level & FILTER_USER && pfn == FAKEMACHINE_USER_PFN);
		const uint8_t *page = memorysink_page(memory, pfn);

		check(is_wanted == (page != NULL));
		check(!page || memcmp(page, fake->memory + pfn * 4096, 4096) == 0);
	}
}

static void writes_what_the_level_says(void)
{
	static const unsigned int levels[] = {0, 1, 8, 16, 31};
	struct fakecore fake;

	fakemachine_init(&fake, true);
	for (size_t i = 0; i < array_size(levels); i++) {
		for (unsigned int threads = 1; threads <= 4; threads++) {
			struct copy_options options = options_for(levels[i], COPY_KDUMP, threads);
			struct memorysink memory;
			struct copy_stats stats;

			memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, -1);
			check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
			check(!memory.is_overlapping && stats.warnings == 0);
			check(stats.counts.total == FAKEMACHINE_PAGES && stats.counts.poisoned == 1);
			check(stats.counts.classes[PAGE_FREE] == 1 << FAKEMACHINE_FREE_ORDER &&
			      stats.counts.classes[PAGE_USER] == 1);
			check_pages(&fake, &memory, levels[i]);
			memorysink_deinit(&memory);
		}
	}
	fakecore_deinit(&fake);
}

// Whatever call of the sink fails, its error comes back, and no head is written that would make a dump of the rest.
static void sink_fails_at_each_call(void)
{
	static const enum copy_format formats[] = {COPY_KDUMP, COPY_ELF};
	struct fakecore fake;

	fakemachine_init(&fake, true);
	for (size_t format = 0; format < array_size(formats); format++) {
		for (unsigned int threads = 1; threads <= 3; threads++) {
			struct copy_options options = options_for(31, formats[format], threads);
			bool is_done = false;
			int calls = 0;

			for (; !is_done; calls++) {
				struct memorysink memory;
				struct copy_stats stats;
				struct error *err;

				memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, calls);
				err = copy_run(fake.core, &options, &memory.sink, &stats);
				is_done = !err;
				if (err)
					check_error(err, ERROR_NOSPC, "the sink is full");
				memorysink_deinit(&memory);
				check(calls < 1000);
			}
			check(calls > 4);
		}
	}
	fakecore_deinit(&fake);
}

// Pages that a dump on a full disk has: whole, and as many as the statistics say.
static void check_partial(const struct fakecore *fake, struct memorysink *memory, const struct copy_stats *stats)
{
	const struct fmt_kdump_header *header = (const void *)memory->bytes;
	uint64_t pages = 0;

	check(memcmp(header->signature, "KDUMP   ", 8) == 0 && header->status & FMT_KDUMP_STATUS_INCOMPLETE);
	for (uint64_t pfn = 0; pfn < FAKEMACHINE_PAGES; pfn++) {
		const struct fmt_kdump_page_desc *desc = memorysink_desc(memory, pfn);

		if (!desc || !desc->offset)
			continue;
		check(desc->offset + desc->size <= memory->full_bytes && desc->page_flags == 0);
		check(memcmp(memory->bytes + desc->offset, fake->memory + pfn * 4096, 4096) == 0);
		pages++;
	}
	check(pages == stats->pages_written);
}

static void a_full_disk_leaves_a_dump(void)
{
	struct fakecore fake;
	uint64_t least = UINT64_MAX, most = 0;

	fakemachine_init(&fake, true);
	for (uint64_t limit = 0x2000; limit < FAKEMACHINE_MEMORY_BYTES; limit += limit < 0x40000 ? 0x556 : 0x11456) {
		struct copy_options options = options_for(0, COPY_KDUMP, 1 + limit % 3);
		struct memorysink memory;
		struct copy_stats stats;
		struct error *err;

		memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, -1);
		memory.sink.can_rewrite = true;
		memory.full_bytes = limit;
		err = copy_run(fake.core, &options, &memory.sink, &stats);
		if (err) {
			check_error(err, ERROR_NOSPC, "the sink is full");
			if (stats.is_partial)
				check_partial(&fake, &memory, &stats);
			least = stats.is_partial && stats.pages_written < least ? stats.pages_written : least;
			most = stats.pages_written > most ? stats.pages_written : most;
		}
		memorysink_deinit(&memory);
	}
	// The range of limits had all there is: none but a page of zeros, some, nearly all.
	check(least <= 1 && most > FAKEMACHINE_PAGES / 2);
	fakecore_deinit(&fake);
}

static void an_unknown_layout_keeps_all(void)
{
	struct copy_options options = options_for(31, COPY_KDUMP, 1);
	struct memorysink memory;
	struct copy_stats stats;
	struct fakecore fake;

	fakemachine_init(&fake, false);
	memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, -1);
	check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
	check(stats.warnings == COPY_WARN_NO_FILTER && strstr(stats.note, "SIZE(page)"));
	check(stats.pages_written == FAKEMACHINE_PAGES);
	memorysink_deinit(&memory);
	fakecore_deinit(&fake);
}

static void struct_pages_that_are_not_there_keep_all(void)
{
	struct copy_options options = options_for(31, COPY_KDUMP, 2);
	uint64_t nowhere = UINT64_C(0xffffc90000000000);
	struct memorysink memory;
	struct copy_stats stats;
	struct fakecore fake;

	fakemachine_init(&fake, true);
	fakecore_poke(&fake, FAKEMACHINE_MEM_MAP, &nowhere, sizeof(nowhere));
	memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, -1);
	check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
	check(stats.warnings == (COPY_WARN_BAD_MEMMAP | COPY_WARN_NO_FREE));
	check(stats.pages_written == FAKEMACHINE_PAGES);
	memorysink_deinit(&memory);
	fakecore_deinit(&fake);
}

// A free block of an order that no free list has: the struct page was overwritten.
static void an_impossible_order_is_not_believed(void)
{
	static const uint64_t orders[] = {11, 63, 64, UINT64_MAX};
	struct fakecore fake;

	fakemachine_init(&fake, true);
	for (size_t i = 0; i < array_size(orders); i++) {
		struct copy_options options = options_for(31, COPY_KDUMP, 1);
		struct memorysink memory;
		struct copy_stats stats;

		fakecore_poke(&fake, FAKEMACHINE_PAGE_STRUCTS + FAKEMACHINE_FREE_PFN * FAKEMACHINE_STRUCT_BYTES + 40,
		              &orders[i], 8);
		memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, -1);
		check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
		check(stats.counts.classes[PAGE_FREE] == 0 && memorysink_page(&memory, FAKEMACHINE_FREE_PFN));
		memorysink_deinit(&memory);
	}
	fakecore_deinit(&fake);
}

static void a_dry_run_needs_no_sink(void)
{
	struct copy_options options = options_for(31, COPY_KDUMP, 2);
	struct copy_stats stats;
	struct fakecore fake;

	fakemachine_init(&fake, true);
	options.is_dry_run = true;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.counts.kept == FAKEMACHINE_PAGES - (1 << FAKEMACHINE_FREE_ORDER) - 2);
	options.format = COPY_ELF;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.counts.kept == FAKEMACHINE_PAGES - (1 << FAKEMACHINE_FREE_ORDER) - 2);
	fakecore_deinit(&fake);
}

// Cut short, it would be no dump: nothing is written.
static void elf_that_will_not_fit(void)
{
	uint64_t pages_bytes = FAKEMACHINE_MEMORY_BYTES - FAKEMACHINE_MEMORY_BYTES / 8;
	struct copy_options options = options_for(0, COPY_ELF, 2);
	struct memorysink memory;
	struct copy_stats stats;
	struct fakecore fake;

	fakemachine_init(&fake, true);
	memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, -1);
	options.room_bytes = pages_bytes;
	check_error(copy_run(fake.core, &options, &memory.sink, &stats), ERROR_NOSPC, "the target has room for");
	check(memcmp(memory.bytes, (const uint8_t[4]){0}, 4) == 0);
	check(memcmp(memory.bytes, memory.bytes + 1, FAKEMACHINE_MEMORY_BYTES * 2 - 1) == 0);
	options.room_bytes = FAKEMACHINE_MEMORY_BYTES * 2;
	check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
	check(memcmp(memory.bytes, "\177ELF", 4) == 0);
	memorysink_deinit(&memory);
	fakecore_deinit(&fake);
}

static void a_truncated_dump_is_marked(void)
{
	struct copy_options options = options_for(0, COPY_KDUMP, 1);
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	const struct fmt_kdump_header *header;
	struct memorysink memory;
	struct copy_stats stats;
	struct fakecore fake;

	fakemachine_init(&fake, true);
	check(ftruncate(fake.fd, (1 << 20) + FAKEMACHINE_MEMORY_BYTES - 8192 - 100) == 0);
	check_ok(vmcore_open(fake.path, &core));
	check(core->missing_bytes == 8192 + 100);
	memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, -1);
	check_ok(copy_run(core, &options, &memory.sink, &stats));
	header = (const struct fmt_kdump_header *)memory.bytes;
	check(stats.warnings == COPY_WARN_TRUNCATED && header->status & FMT_KDUMP_STATUS_INCOMPLETE);
	check(memorysink_page(&memory, FAKEMACHINE_PAGES - 3) && !memorysink_page(&memory, FAKEMACHINE_PAGES - 2));
	memorysink_deinit(&memory);
	fakecore_deinit(&fake);
}

// The linker sends allocations here (--wrap).
static _Atomic long allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool is_refused(void)
{
	return atomic_load(&allocations_left) >= 0 && atomic_fetch_sub(&allocations_left, 1) == 0;
}

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : __real_calloc(count, size);
}

// Each allocation fails once: an error, or a copy that managed without, but nothing else.
static void each_allocation_fails(void)
{
	struct fakecore fake;
	bool is_done = false;
	long calls = 0;

	fakemachine_init(&fake, true);
	for (; !is_done; calls++) {
		struct copy_options options = options_for(31, calls % 2 ? COPY_ELF : COPY_KDUMP, 1);
		struct memorysink memory;
		struct copy_stats stats;
		struct error *err;

		check_ok(compressor_find(calls % 2 ? "none" : compressor_default()->name, &options.compressor));
		memorysink_init(&memory, FAKEMACHINE_MEMORY_BYTES * 2, -1);
		atomic_store(&allocations_left, calls / 2);
		err = copy_run(fake.core, &options, &memory.sink, &stats);
		is_done = atomic_exchange(&allocations_left, -1) >= 0 && calls % 2;
		check(!err || err->code == ERROR_NOMEM);
		error_free(err);
		memorysink_deinit(&memory);
		check(calls < 1000);
	}
	check(calls > 10);
	fakecore_deinit(&fake);
}

// What a caller decides on is that the dump is bad, not that reading it failed.
static void headers_beyond_the_file_are_bad_data(void)
{
	static const uint64_t offsets[] = {1 << 30, INT64_MAX, UINT64_MAX - 63, UINT64_MAX};
	const uint16_t extended = PN_XNUM, plain = 2;
	struct vmcore *core = NULL;
	struct fakecore fake;

	fakemachine_init(&fake, true);
	for (size_t i = 0; i < array_size(offsets); i++) {
		check_ok(io_pwrite(fake.fd, &offsets[i], 8, offsetof(Elf64_Ehdr, e_phoff)));
		check_error(vmcore_open(fake.path, &core), ERROR_BAD_DATA, "program headers");
		check_ok(io_pwrite(fake.fd, &offsets[i], 8, offsetof(Elf64_Ehdr, e_shoff)));
		check_ok(io_pwrite(fake.fd, &extended, 2, offsetof(Elf64_Ehdr, e_phnum)));
		check_error(vmcore_open(fake.path, &core), ERROR_BAD_DATA, "section header");
		check_ok(io_pwrite(fake.fd, &plain, 2, offsetof(Elf64_Ehdr, e_phnum)));
	}
	fakecore_deinit(&fake);
}

static uint64_t sum_of_classes(const struct copy_stats *stats)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < PAGE_CLASS_COUNT; i++)
		sum += stats->counts.classes[i];
	return sum;
}

// A compound page whose tails are not marked as such: each of its frames counts once.
static void a_damaged_block_counts_once(void)
{
	enum { BLOCK_PFN = 0x500, BLOCK_ORDER = 4, HEAD = 1 << 16 };
	struct copy_options options = options_for(31, COPY_KDUMP, 1);
	struct copy_stats stats;
	struct fakecore fake;

	fakemachine_make(&fake, true);
	fakemachine_put_u64(fakemachine_page(&fake, BLOCK_PFN), HEAD);
	fakemachine_page(&fake, BLOCK_PFN + 1)[17] = BLOCK_ORDER;
	fakemachine_put_u64(fakemachine_page(&fake, BLOCK_PFN + 1) + 8, 1);
	fakemachine_put_u64(fakemachine_page(&fake, BLOCK_PFN + 7) + 24, 0xffff888000000001);
	fakecore_open(&fake);
	options.is_dry_run = true;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.counts.total == FAKEMACHINE_PAGES && sum_of_classes(&stats) == FAKEMACHINE_PAGES);
	check(stats.counts.classes[PAGE_USER] == 2);
	fakecore_deinit(&fake);
}

// Memory behind the last struct page is kept, and counts once.
static void memory_without_struct_pages_counts_once(void)
{
	struct copy_options options = options_for(31, COPY_KDUMP, 1);
	struct copy_stats stats;
	struct fakecore fake;

	fakemachine_make(&fake, true);
	fakemachine_put_u64(fake.memory + FAKEMACHINE_MEM_MAP + 64, fakecore_image + FAKEMACHINE_MEM_MAP + 128);
	fakemachine_put_u64(fake.memory + FAKEMACHINE_MEM_MAP + 128, fakecore_image + FAKEMACHINE_PAGE_STRUCTS);
	fakemachine_put_u64(fake.memory + FAKEMACHINE_MEM_MAP + 144, FAKEMACHINE_PAGES / 2);
	fakecore_info(&fake,
	              "SYMBOL(node_data)=%jx\nLENGTH(node_data)=1\nOFFSET(pglist_data.node_mem_map)=0\n"
	              "OFFSET(pglist_data.node_start_pfn)=8\nOFFSET(pglist_data.node_spanned_pages)=16\n",
	              (uintmax_t)(fakecore_image + FAKEMACHINE_MEM_MAP + 64));
	fakecore_open(&fake);
	options.is_dry_run = true;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.warnings == COPY_WARN_BAD_MEMMAP);
	check(stats.counts.classes[PAGE_FREE] == 1 << FAKEMACHINE_FREE_ORDER);
	// The page of a process lies behind the struct pages too.
	check(stats.counts.classes[PAGE_USER] == (FAKEMACHINE_USER_PFN < FAKEMACHINE_PAGES / 2));
	check(stats.counts.total == FAKEMACHINE_PAGES && sum_of_classes(&stats) == FAKEMACHINE_PAGES);
	fakecore_deinit(&fake);
}

static const struct test tests[] = {
	TEST(writes_what_the_level_says),
	TEST(sink_fails_at_each_call),
	TEST(a_full_disk_leaves_a_dump),
	TEST(an_unknown_layout_keeps_all),
	TEST(struct_pages_that_are_not_there_keep_all),
	TEST(an_impossible_order_is_not_believed),
	TEST(a_dry_run_needs_no_sink),
	TEST(elf_that_will_not_fit),
	TEST(a_truncated_dump_is_marked),
	TEST(each_allocation_fails),
	TEST(headers_beyond_the_file_are_bad_data),
	TEST(a_damaged_block_counts_once),
	TEST(memory_without_struct_pages_counts_once),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
