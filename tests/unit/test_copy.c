// SPDX-License-Identifier: GPL-2.0-or-later
// The copier over a small flat machine in memory: what is written is read back from its bytes, and everything that can fail
// is made to fail, one call at a time.
#include <pthread.h>
#include <stdatomic.h>

#include "core/page.h"
#include "dump/copy.h"
#include "core/fmt_kdump.h"
#include "fakecore.h"
#include "test.h"

enum {
	MEMORY_BYTES = 8 << 20,
	PAGES = MEMORY_BYTES / 4096,
	PAGE_STRUCTS = 0x100000, // Where the struct pages lie.
	STRUCT_BYTES = 64,
	MEM_MAP = 0x180000, // The variable mem_map.
	FREE_PFN = 0x300, // A free block of 2^6 pages.
	FREE_ORDER = 6,
	USER_PFN = 0x400,
	POISONED_PFN = 0x401,
	ZERO_PFN = 0x402,
	BUDDY = -129,
	FLAG_HWPOISON = 22,
};

// A sink that keeps everything, and fails at a call if asked to.
struct memory_sink {
	struct sink sink;
	pthread_mutex_t lock;
	uint8_t *bytes;
	uint8_t *written; // One for each byte: whether it was written.
	uint64_t room_bytes;
	uint64_t file_bytes;
	int calls_left; // Before it fails; below 0: never.
	uint64_t full_bytes; // Nothing can be written behind this offset; 0: no limit.
	bool is_overlapping;
};

static struct error *memory_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts, size_t count)
{
	struct memory_sink *memory = (struct memory_sink *)sink;
	struct error *err = NULL;

	pthread_mutex_lock(&memory->lock);
	if (memory->calls_left-- == 0)
		err = error_new(ERROR_NOSPC, "the sink is full");
	for (size_t i = 0; i < count && !err; i++) {
		size_t size = parts[i].iov_len;

		check(offset_bytes + size <= memory->room_bytes);
		if (memory->full_bytes && offset_bytes + size > memory->full_bytes) {
			err = error_new(ERROR_NOSPC, "the sink is full");
			break;
		}
		memory->is_overlapping |= memchr(memory->written + offset_bytes, 1, size) != NULL;
		memset(memory->written + offset_bytes, 1, size);
		memcpy(memory->bytes + offset_bytes, parts[i].iov_base, size);
		offset_bytes += size;
	}
	pthread_mutex_unlock(&memory->lock);
	return err;
}

static struct error *memory_finish(struct sink *sink, uint64_t file_bytes)
{
	struct memory_sink *memory = (struct memory_sink *)sink;

	memory->file_bytes = file_bytes;
	return memory->calls_left-- == 0 ? error_new(ERROR_NOSPC, "the sink is full") : NULL;
}

static const struct sink_ops memory_ops = {.write = memory_write, .finish = memory_finish};

static void memory_init(struct memory_sink *memory, int calls_left)
{
	*memory =
		(struct memory_sink){.sink.ops = &memory_ops, .room_bytes = MEMORY_BYTES * 2, .calls_left = calls_left};
	pthread_mutex_init(&memory->lock, NULL);
	memory->bytes = calloc(1, memory->room_bytes);
	memory->written = calloc(1, memory->room_bytes);
	check(memory->bytes && memory->written);
}

static void memory_deinit(struct memory_sink *memory)
{
	pthread_mutex_destroy(&memory->lock);
	free(memory->bytes);
	free(memory->written);
}

static uint8_t *page_struct(struct fakecore *fake, uint64_t pfn)
{
	return fake->memory + PAGE_STRUCTS + pfn * STRUCT_BYTES;
}

static void put_u64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void put_u32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

// Offsets are those of v6.1: flags 0, mapping 24, private 40, _mapcount 48, compound_head 8.
static void machine_make(struct fakecore *fake, bool is_known)
{
	fakecore_init(fake, MEMORY_BYTES);
	for (uint64_t pfn = 0; pfn < PAGES; pfn++)
		put_u32(page_struct(fake, pfn) + 48, UINT32_MAX);
	for (size_t i = 0x200000; i < MEMORY_BYTES; i++)
		fake->memory[i] = (uint8_t)(i * 31 + i / 4096 * 7);
	put_u64(fake->memory + MEM_MAP, fakecore_image + PAGE_STRUCTS);
	put_u32(page_struct(fake, FREE_PFN) + 48, (uint32_t)BUDDY);
	put_u64(page_struct(fake, FREE_PFN) + 40, FREE_ORDER);
	put_u64(page_struct(fake, USER_PFN) + 24, 0xffff888000000001);
	put_u64(page_struct(fake, POISONED_PFN), UINT64_C(1) << FLAG_HWPOISON);
	memset(fake->memory + ZERO_PFN * 4096, 0, 4096);
	fakecore_info(fake, "SYMBOL(mem_map)=%jx\n", (uintmax_t)(fakecore_image + MEM_MAP));
	if (is_known)
		fakecore_info(fake, "SIZE(page)=64\n");
	fakecore_info(fake, "OFFSET(page.flags)=0\nOFFSET(page.compound_head)=8\nOFFSET(page.mapping)=24\n"
	                    "OFFSET(page.private)=40\nOFFSET(page._mapcount)=48\nOFFSET(page.compound_dtor)=16\n"
	                    "OFFSET(page.compound_order)=17\nNUMBER(PG_lru)=4\nNUMBER(PG_private)=13\n"
	                    "NUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\n"
	                    "NUMBER(PG_hwpoison)=22\nNUMBER(PG_head_mask)=65536\nNUMBER(HUGETLB_PAGE_DTOR)=2\n"
	                    "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n");
}

static void machine_init(struct fakecore *fake, bool is_known)
{
	machine_make(fake, is_known);
	fakecore_open(fake);
}

static struct copy_options options_for(unsigned int level, enum copy_format format, unsigned int threads)
{
	struct copy_options options = {.dump_level = level, .format = format, .thread_count = threads};

	check_ok(compressor_find("none", &options.compressor));
	return options;
}

// Descriptor of a page; NULL if it has none.
static const struct fmt_kdump_page_desc *find_desc(const struct memory_sink *memory, uint64_t pfn)
{
	const struct fmt_kdump_header *header = (const struct fmt_kdump_header *)memory->bytes;
	const uint8_t *bitmap = memory->bytes + (1 + header->sub_hdr_size + header->bitmap_blocks / 2) * 4096;
	const struct fmt_kdump_page_desc *descs =
		(const struct fmt_kdump_page_desc *)(memory->bytes +
	                                             (1 + header->sub_hdr_size + header->bitmap_blocks) * 4096);
	size_t rank = 0;

	if (!(bitmap[pfn / 8] >> (pfn % 8) & 1))
		return NULL;
	for (uint64_t i = 0; i < pfn; i++)
		rank += bitmap[i / 8] >> (i % 8) & 1;
	return &descs[rank];
}

// Bytes of a page in a dump without compression; NULL if it has no descriptor.
static const uint8_t *find_page(const struct memory_sink *memory, uint64_t pfn)
{
	const struct fmt_kdump_page_desc *desc = find_desc(memory, pfn);

	if (!desc)
		return NULL;
	check(desc->size == 4096 && desc->flags == 0 && desc->page_flags == 0);
	check(desc->offset && desc->offset + 4096 <= memory->file_bytes);
	return memory->bytes + desc->offset;
}

static void check_pages(const struct fakecore *fake, const struct memory_sink *memory, unsigned int level)
{
	for (uint64_t pfn = 0; pfn < PAGES; pfn++) {
		bool is_free = pfn >= FREE_PFN && pfn < FREE_PFN + (1 << FREE_ORDER);
		bool is_wanted = pfn != POISONED_PFN && !(level & FILTER_FREE && is_free) &&
		                 !(level & FILTER_USER && pfn == USER_PFN);
		const uint8_t *page = find_page(memory, pfn);

		check(is_wanted == (page != NULL));
		check(!page || memcmp(page, fake->memory + pfn * 4096, 4096) == 0);
	}
}

static void writes_what_the_level_says(void)
{
	static const unsigned int levels[] = {0, 1, 8, 16, 31};
	struct fakecore fake;

	machine_init(&fake, true);
	for (size_t i = 0; i < array_size(levels); i++) {
		for (unsigned int threads = 1; threads <= 4; threads++) {
			struct copy_options options = options_for(levels[i], COPY_KDUMP, threads);
			struct memory_sink memory;
			struct copy_stats stats;

			memory_init(&memory, -1);
			check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
			check(!memory.is_overlapping && stats.warnings == 0);
			check(stats.counts.total == PAGES && stats.counts.poisoned == 1);
			check(stats.counts.classes[PAGE_FREE] == 1 << FREE_ORDER &&
			      stats.counts.classes[PAGE_USER] == 1);
			check_pages(&fake, &memory, levels[i]);
			memory_deinit(&memory);
		}
	}
	fakecore_deinit(&fake);
}

// Whatever call of the sink fails, its error comes back, and no head is written that would make a dump of the rest.
static void sink_fails_at_each_call(void)
{
	static const enum copy_format formats[] = {COPY_KDUMP, COPY_ELF};
	struct fakecore fake;

	machine_init(&fake, true);
	for (size_t format = 0; format < array_size(formats); format++) {
		for (unsigned int threads = 1; threads <= 3; threads++) {
			struct copy_options options = options_for(31, formats[format], threads);
			bool is_done = false;
			int calls = 0;

			for (; !is_done; calls++) {
				struct memory_sink memory;
				struct copy_stats stats;
				struct error *err;

				memory_init(&memory, calls);
				err = copy_run(fake.core, &options, &memory.sink, &stats);
				is_done = !err;
				if (err)
					check_error(err, ERROR_NOSPC, "the sink is full");
				memory_deinit(&memory);
				check(calls < 1000);
			}
			check(calls > 4);
		}
	}
	fakecore_deinit(&fake);
}

// Pages that a dump on a full disk has: whole, and as many as the statistics say.
static void check_partial(const struct fakecore *fake, const struct memory_sink *memory, const struct copy_stats *stats)
{
	const struct fmt_kdump_header *header = (const void *)memory->bytes;
	uint64_t pages = 0;

	check(memcmp(header->signature, "KDUMP   ", 8) == 0 && header->status & FMT_KDUMP_STATUS_INCOMPLETE);
	for (uint64_t pfn = 0; pfn < PAGES; pfn++) {
		const struct fmt_kdump_page_desc *desc = find_desc(memory, pfn);

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

	machine_init(&fake, true);
	for (uint64_t limit = 0x2000; limit < MEMORY_BYTES; limit += 0x3456) {
		struct copy_options options = options_for(0, COPY_KDUMP, 1 + limit % 3);
		struct memory_sink memory;
		struct copy_stats stats;
		struct error *err;

		memory_init(&memory, -1);
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
		memory_deinit(&memory);
	}
	// The range of limits had all there is: no page, some, nearly all.
	check(least == 0 && most > PAGES / 2);
	fakecore_deinit(&fake);
}

static void an_unknown_layout_keeps_all(void)
{
	struct copy_options options = options_for(31, COPY_KDUMP, 1);
	struct memory_sink memory;
	struct copy_stats stats;
	struct fakecore fake;

	machine_init(&fake, false);
	memory_init(&memory, -1);
	check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
	check(stats.warnings == COPY_WARN_NO_FILTER && strstr(stats.note, "SIZE(page)"));
	check(stats.pages_written == PAGES);
	memory_deinit(&memory);
	fakecore_deinit(&fake);
}

static void struct_pages_that_are_not_there_keep_all(void)
{
	struct copy_options options = options_for(31, COPY_KDUMP, 2);
	uint64_t nowhere = UINT64_C(0xffffc90000000000);
	struct memory_sink memory;
	struct copy_stats stats;
	struct fakecore fake;

	machine_init(&fake, true);
	fakecore_poke(&fake, MEM_MAP, &nowhere, sizeof(nowhere));
	memory_init(&memory, -1);
	check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
	check(stats.warnings == (COPY_WARN_BAD_MEMMAP | COPY_WARN_NO_FREE));
	check(stats.pages_written == PAGES);
	memory_deinit(&memory);
	fakecore_deinit(&fake);
}

// A free block of an order that no free list has: the struct page was overwritten.
static void an_impossible_order_is_not_believed(void)
{
	static const uint64_t orders[] = {11, 63, 64, UINT64_MAX};
	struct fakecore fake;

	machine_init(&fake, true);
	for (size_t i = 0; i < array_size(orders); i++) {
		struct copy_options options = options_for(31, COPY_KDUMP, 1);
		struct memory_sink memory;
		struct copy_stats stats;

		fakecore_poke(&fake, PAGE_STRUCTS + FREE_PFN * STRUCT_BYTES + 40, &orders[i], 8);
		memory_init(&memory, -1);
		check_ok(copy_run(fake.core, &options, &memory.sink, &stats));
		check(stats.counts.classes[PAGE_FREE] == 0 && find_page(&memory, FREE_PFN));
		memory_deinit(&memory);
	}
	fakecore_deinit(&fake);
}

static void a_dry_run_needs_no_sink(void)
{
	struct copy_options options = options_for(31, COPY_KDUMP, 2);
	struct copy_stats stats;
	struct fakecore fake;

	machine_init(&fake, true);
	options.is_dry_run = true;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.counts.kept == PAGES - (1 << FREE_ORDER) - 2);
	options.format = COPY_ELF;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.counts.kept == PAGES - (1 << FREE_ORDER) - 2);
	fakecore_deinit(&fake);
}

static void a_truncated_dump_is_marked(void)
{
	struct copy_options options = options_for(0, COPY_KDUMP, 1);
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	const struct fmt_kdump_header *header;
	struct memory_sink memory;
	struct copy_stats stats;
	struct fakecore fake;

	machine_init(&fake, true);
	check(ftruncate(fake.fd, (1 << 20) + MEMORY_BYTES - 8192 - 100) == 0);
	check_ok(vmcore_open(fake.path, &core));
	check(core->missing_bytes == 8192 + 100);
	memory_init(&memory, -1);
	check_ok(copy_run(core, &options, &memory.sink, &stats));
	header = (const struct fmt_kdump_header *)memory.bytes;
	check(stats.warnings == COPY_WARN_TRUNCATED && header->status & FMT_KDUMP_STATUS_INCOMPLETE);
	check(find_page(&memory, PAGES - 3) && !find_page(&memory, PAGES - 2));
	memory_deinit(&memory);
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

	machine_init(&fake, true);
	for (; !is_done; calls++) {
		struct copy_options options = options_for(31, calls % 2 ? COPY_ELF : COPY_KDUMP, 1);
		struct memory_sink memory;
		struct copy_stats stats;
		struct error *err;

		check_ok(compressor_find(calls % 2 ? "none" : compressor_default()->name, &options.compressor));
		memory_init(&memory, -1);
		atomic_store(&allocations_left, calls / 2);
		err = copy_run(fake.core, &options, &memory.sink, &stats);
		is_done = atomic_exchange(&allocations_left, -1) >= 0 && calls % 2;
		check(!err || err->code == ERROR_NOMEM);
		error_free(err);
		memory_deinit(&memory);
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

	machine_init(&fake, true);
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

	machine_make(&fake, true);
	put_u64(page_struct(&fake, BLOCK_PFN), HEAD);
	page_struct(&fake, BLOCK_PFN + 1)[17] = BLOCK_ORDER;
	put_u64(page_struct(&fake, BLOCK_PFN + 1) + 8, 1);
	put_u64(page_struct(&fake, BLOCK_PFN + 7) + 24, 0xffff888000000001);
	fakecore_open(&fake);
	options.is_dry_run = true;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.counts.total == PAGES && sum_of_classes(&stats) == PAGES);
	check(stats.counts.classes[PAGE_USER] == 2);
	fakecore_deinit(&fake);
}

// Memory behind the last struct page is kept, and counts once.
static void memory_without_struct_pages_counts_once(void)
{
	struct copy_options options = options_for(31, COPY_KDUMP, 1);
	struct copy_stats stats;
	struct fakecore fake;

	machine_make(&fake, true);
	put_u64(fake.memory + MEM_MAP + 64, fakecore_image + MEM_MAP + 128);
	put_u64(fake.memory + MEM_MAP + 128, fakecore_image + PAGE_STRUCTS);
	put_u64(fake.memory + MEM_MAP + 144, PAGES / 2);
	fakecore_info(&fake,
	              "SYMBOL(node_data)=%jx\nLENGTH(node_data)=1\nOFFSET(pglist_data.node_mem_map)=0\n"
	              "OFFSET(pglist_data.node_start_pfn)=8\nOFFSET(pglist_data.node_spanned_pages)=16\n",
	              (uintmax_t)(fakecore_image + MEM_MAP + 64));
	fakecore_open(&fake);
	options.is_dry_run = true;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.warnings == COPY_WARN_BAD_MEMMAP);
	check(stats.counts.classes[PAGE_FREE] == 1 << FREE_ORDER);
	// The page of a process lies behind the struct pages too.
	check(stats.counts.classes[PAGE_USER] == (USER_PFN < PAGES / 2));
	check(stats.counts.total == PAGES && sum_of_classes(&stats) == PAGES);
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
