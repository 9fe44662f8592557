// SPDX-License-Identifier: GPL-2.0-or-later
// Page maps: runs and cells as bytes, maps of whole copies, and all that can go wrong with them. What a map must say of whole
// machines is checked by tests/model, with a reader of its own.
#include "dump/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/bitmap.h"
#include "base/workers.h"
#include "dump/copy.h"
#include "dump/pagemap_reader.h"
#include "dump/scan.h"
#include "fakecore.h"
#include "test.h"

enum {
	MEMORY_BYTES = 8 << 20,
	FRAMES = MEMORY_BYTES / 4096,
	PAGE_STRUCTS = 0x100000,
	POINTER = 0x180000, // The variable mem_map.
	FREE_PFN = 0x300, // 2^6 pages.
	CACHE_PFN = 0x3f0,
	USER_PFN = 0x400,
	POISONED_PFN = 0x401,
	ZERO_PFN = 0x402,
	LOST_PFN = 0x403, // Cannot be read.
	HOLE_PFN = 0x500, // Up to HOLE_END: memory that is not in the input.
	HOLE_END = 0x510,
	NOTHING_PFN = 0x520, // Up to NOTHING_END: no memory.
	NOTHING_END = 0x523,
};

static const char lines[] =
	"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.mapping)=24\nOFFSET(page.lru)=8\n"
	"OFFSET(page._mapcount)=48\nOFFSET(page.private)=40\nOFFSET(page.compound_head)=8\n"
	"OFFSET(page.compound_dtor)=16\nOFFSET(page.compound_order)=17\nLENGTH(zone.free_area)=11\n"
	"NUMBER(PG_lru)=4\nNUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\n"
	"NUMBER(PG_slab)=9\nNUMBER(PG_hwpoison)=22\nNUMBER(PG_head_mask)=65536\n"
	"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nCRASHTIME=1700000000\n";

static uint8_t *page_struct(struct fakecore *fake, uint64_t pfn)
{
	return fake->memory + PAGE_STRUCTS + pfn * 64;
}

// Pages are read from the file of the fake dump, but for one; frames are what the enum says.
static struct error *read_page(struct vmreader *reader, uint64_t pfn, uint8_t *page)
{
	size_t got;

	if (pfn == LOST_PFN)
		return error_new(ERROR_FAULT, "lost");
	return io_pread(reader->core->files[0].fd, page, 4096, (1 << 20) + pfn * 4096, &got);
}

static void end_reader(struct vmreader *reader)
{
	(void)reader;
}

static bool next_frames(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn, struct vmcore_frames *ret)
{
	static const struct vmcore_frames present[] = {{0, HOLE_PFN}, {HOLE_END, NOTHING_PFN}, {NOTHING_END, FRAMES}};
	static const struct vmcore_frames ram[] = {{0, NOTHING_PFN}, {NOTHING_END, FRAMES}};
	const struct vmcore_frames *runs = which == VMCORE_FRAMES_RAM ? ram : present;
	size_t count = which == VMCORE_FRAMES_RAM ? array_size(ram) : array_size(present);

	(void)core;
	for (size_t i = 0; i < count; i++) {
		if (pfn < runs[i].pfn_end) {
			*ret = runs[i];
			ret->pfn_start = pfn > ret->pfn_start ? pfn : ret->pfn_start;
			return true;
		}
	}
	return false;
}

static void no_close(struct vmcore *core)
{
	(void)core;
}

static const struct core_format format = {.name = "test",
                                          .close = no_close,
                                          .next_frames = next_frames,
                                          .read_page = read_page,
                                          .end_reader = end_reader};

static void machine_init(struct fakecore *fake)
{
	static const uint32_t buddy = (uint32_t)-129;
	static const uint64_t anon = 0xffff888000000001, poisoned = 1 << 22, lru = 1 << 4, order = 6;
	uint64_t pages = fakecore_image + PAGE_STRUCTS;

	fakecore_init(fake, MEMORY_BYTES);
	for (uint64_t pfn = 0; pfn < FRAMES; pfn++)
		memset(page_struct(fake, pfn) + 48, 0xff, 4);
	for (size_t i = 0x200000; i < MEMORY_BYTES; i++)
		fake->memory[i] = (uint8_t)(i * 31 + i / 4096 * 7 + 1);
	memcpy(fake->memory + POINTER, &pages, 8);
	memcpy(page_struct(fake, FREE_PFN) + 48, &buddy, 4);
	memcpy(page_struct(fake, FREE_PFN) + 40, &order, 8);
	memcpy(page_struct(fake, USER_PFN) + 24, &anon, 8);
	memcpy(page_struct(fake, POISONED_PFN), &poisoned, 8);
	memcpy(page_struct(fake, CACHE_PFN), &lru, 8);
	memset(fake->memory + ZERO_PFN * 4096, 0, 4096);
	fakecore_info(fake, "%sSYMBOL(mem_map)=%jx\n", lines, (uintmax_t)(fakecore_image + POINTER));
	fakecore_open(fake);
}

// A sink that forgets what it gets, and fails at a call if asked to.
struct sieve {
	struct sink sink;
	pthread_mutex_t lock;
	long calls_left;
};

static struct error *sieve_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts, size_t count)
{
	struct sieve *sieve = (struct sieve *)sink;
	bool is_full;

	(void)offset_bytes;
	(void)parts;
	(void)count;
	pthread_mutex_lock(&sieve->lock);
	is_full = sieve->calls_left-- == 0;
	pthread_mutex_unlock(&sieve->lock);
	return is_full ? error_new(ERROR_NOSPC, "full") : NULL;
}

static struct error *sieve_finish(struct sink *sink, uint64_t file_bytes)
{
	(void)sink;
	(void)file_bytes;
	return NULL;
}

static const struct sink_ops sieve_ops = {.write = sieve_write, .finish = sieve_finish};

// A copy that writes a map to a file. Gives the error of the copy.
static struct error *copy(const struct vmcore *core, struct copy_options *options, int fd, long calls,
                          struct copy_stats *stats)
{
	_cleanup_(pagemap_destroyp) struct pagemap *map = NULL;
	struct sieve sieve = {{.ops = &sieve_ops, .can_rewrite = true}, PTHREAD_MUTEX_INITIALIZER, calls};
	struct error *err;

	check_ok(compressor_find("none", &options->compressor));
	check_ok(pagemap_create(fd, &map));
	options->pagemap = map;
	err = copy_run(core, options, &sieve.sink, stats);
	check(!pagemap_error(map) == !(stats->warnings & COPY_WARN_NO_PAGEMAP));
	return err;
}

static int new_file(void)
{
	int fd = memfd_create("map", MFD_CLOEXEC);

	check(fd >= 0);
	return fd;
}

static const char *explain(struct pagemap_reader *reader, uint64_t pfn)
{
	struct pagemap_answer answer;

	check_ok(pagemap_reader_find(reader, pfn, &answer));
	check(answer.pfn_end > pfn);
	return pagemap_reader_text(&answer);
}

static void runs_are_bytes(void)
{
	static const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff}, too_long[] = {0xf1, 0xff, 0xff, 0x02};
	const uint8_t *at = endless;
	struct fmt_pagemap_run run;

	for (uint32_t frames = 1; frames <= FMT_PAGEMAP_BLOCK_FRAMES; frames += 1 + frames / 7) {
		uint8_t bytes[FMT_PAGEMAP_RUN_BYTES];
		size_t size = fmt_pagemap_put_run(bytes, (struct fmt_pagemap_run){FMT_PAGEMAP_USER, frames});

		check(size <= sizeof(bytes) && size <= frames);
		for (size_t i = 0; i < size; i++) {
			at = bytes;
			check(!fmt_pagemap_get_run(&at, bytes + i, &run) && at == bytes);
		}
		check(fmt_pagemap_get_run(&at, bytes + size, &run) && at == bytes + size);
		check(run.code == FMT_PAGEMAP_USER && run.frames == frames);
	}
	at = endless;
	check(!fmt_pagemap_get_run(&at, endless + sizeof(endless), &run));
	at = too_long;
	check(!fmt_pagemap_get_run(&at, too_long + sizeof(too_long), &run));
}

static void check_reasons(int fd, unsigned int level, bool finds_zeros)
{
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *reader = NULL;
	bool is_user = !(level & FILTER_USER);

	check_ok(pagemap_reader_create(fd, &reader));
	check(pagemap_reader_header(reader)->status == FMT_PAGEMAP_COMPLETE);
	check(pagemap_reader_header(reader)->crash_time == 1700000000);
	check(pagemap_reader_header(reader)->dump_level == level);
	check_text(explain(reader, USER_PFN), is_user ? "memory of a process, kept" : "memory of a process, left out");
	check_text(explain(reader, FREE_PFN + 63), level & FILTER_FREE ? "free, left out" : "free, kept");
	check_text(explain(reader, FREE_PFN + 64), "kernel, kept");
	check_text(explain(reader, CACHE_PFN), level & FILTER_CACHE ? "page cache, left out" : "page cache, kept");
	check_text(explain(reader, FREE_PFN - 1), "kernel, kept");
	check_text(explain(reader, POISONED_PFN), "broken memory (hwpoison), never touched");
	check_text(explain(reader, ZERO_PFN), finds_zeros ? "kept: a page of zeros" : "kernel, kept");
	check_text(explain(reader, LOST_PFN), "missing: it could not be read");
	check_text(explain(reader, HOLE_PFN - 1), "kernel, kept");
	check_text(explain(reader, HOLE_PFN), "memory that was not in the input");
	check_text(explain(reader, HOLE_END - 1), "memory that was not in the input");
	check_text(explain(reader, HOLE_END), "kernel, kept");
	check_text(explain(reader, NOTHING_PFN), "no memory");
	check_text(explain(reader, NOTHING_END - 1), "no memory");
	check_text(explain(reader, FRAMES - 1), "kernel, kept");
	check_text(explain(reader, FRAMES), "no memory");
	check_text(explain(reader, UINT64_MAX - 1), "no memory");
}

static void copies_are_explained(void)
{
	static const struct core_format *elf;
	struct fakecore fake;

	machine_init(&fake);
	elf = fake.core->format;
	fake.core->format = &format;
	for (unsigned int i = 0; i < 24; i++) {
		static const unsigned int levels[] = {0, 1, 8, 31};
		struct copy_options options = {.dump_level = levels[i % 4],
		                               .format = i / 4 % 2 ? COPY_ELF : COPY_KDUMP,
		                               .thread_count = 1 + i / 8};
		_cleanup_close_ int fd = new_file();
		struct copy_stats stats;

		check_ok(copy(fake.core, &options, fd, -1, &stats));
		check(stats.warnings == COPY_WARN_UNREADABLE && stats.pages_unreadable == 1);
		check_reasons(fd, options.dump_level, options.format == COPY_KDUMP || options.dump_level & FILTER_ZERO);
	}
	fake.core->format = elf;
	fakecore_deinit(&fake);
}

// The sink fails at each call: the map says that it is cut short, how many pages are in the dump, and lies about none.
static void cut_short(enum copy_format written)
{
	struct copy_options options = {.dump_level = 31, .thread_count = 1, .format = written};
	uint64_t least = UINT64_MAX, most = 0;
	struct fakecore fake;
	bool is_done = false;

	machine_init(&fake);
	for (long calls = 0; !is_done; calls++) {
		_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *reader = NULL;
		_cleanup_close_ int fd = new_file();
		struct copy_stats stats;
		struct error *err = copy(fake.core, &options, fd, calls, &stats);
		uint64_t done = 0;

		is_done = !err;
		error_free(err);
		// Of an ELF file that was not begun there is no dump whose pages a map could tell.
		if (written == COPY_ELF && !is_done && !stats.is_partial) {
			least = 0;
			continue;
		}
		check_ok(pagemap_reader_create(fd, &reader));
		check(pagemap_reader_header(reader)->status == (is_done ? FMT_PAGEMAP_COMPLETE : FMT_PAGEMAP_PARTIAL));
		for (uint64_t pfn = 0; pfn < FRAMES; pfn++) {
			struct pagemap_answer answer;

			check_ok(pagemap_reader_find(reader, pfn, &answer));
			done += answer.is_known && answer.state != FMT_PAGEMAP_PENDING;
			if (answer.is_known && answer.is_kept && answer.pfn_end > pfn + 4) {
				uint8_t states[5];

				check_ok(pagemap_reader_states(reader, answer.cell, states, 5));
				for (uint64_t i = 0; i < 5; i++) {
					check_ok(pagemap_reader_find(reader, pfn + i, &answer));
					check(states[i] == answer.state);
				}
			}
		}
		check(done == stats.pages_written);
		least = done < least ? done : least;
		most = done > most && !is_done ? done : most;
	}
	check(least == 0 && most >= 1000);
	fakecore_deinit(&fake);
}

static void a_copy_that_is_cut_short(void)
{
	cut_short(COPY_KDUMP);
	cut_short(COPY_ELF);
}

// The map's file is full at each size, or cannot be used at all: the dump is made, and the map is right or nothing.
static void a_map_never_fails_the_dump(void)
{
	struct copy_options options = {.dump_level = 31, .thread_count = 1};
	_cleanup_close_ int null_fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	unsigned int broken = 0, whole = 0;
	struct copy_stats stats;
	struct fakecore fake;

	machine_init(&fake);
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t limit = 0; limit < 1024; limit += 7) {
		_cleanup_close_ int fd = new_file();
		struct rlimit most = {limit, RLIM_INFINITY};

		options.format = limit % 2 ? COPY_ELF : COPY_KDUMP;
		check(setrlimit(RLIMIT_FSIZE, &most) == 0);
		check_ok(copy(fake.core, &options, fd, -1, &stats));
		check(stats.pages_written == FRAMES - 67 && !(stats.warnings & ~(unsigned int)COPY_WARN_NO_PAGEMAP));
		broken += stats.warnings != 0;
		whole += !stats.warnings;
	}
	check(broken > 10 && whole > 10);
	check_ok(copy(fake.core, &options, null_fd, -1, &stats));
	check(stats.warnings == COPY_WARN_NO_PAGEMAP);
	check_ok(copy(fake.core, &options, -1, -1, &stats));
	check(stats.warnings == COPY_WARN_NO_PAGEMAP);
	fakecore_deinit(&fake);
}

// Somebody takes pages out of the set after the scan, and others in.
static void a_set_that_was_changed(void)
{
	enum { TAKEN = 0x600, TAKEN_END = 0x640 };
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *reader = NULL;
	_cleanup_(pagemap_destroyp) struct pagemap *map = NULL;
	struct scan_result result = {0};
	_cleanup_close_ int fd = new_file();
	uint64_t set[FRAMES / 64];
	struct error *unknown;
	struct fakecore fake;
	struct scan scan;

	machine_init(&fake);
	check_ok(pagemap_create(fd, &map));
	check_ok(scan_init(&scan, fake.core, 31, 1, &unknown));
	check(!unknown);
	scan.pagemap = map;
	pagemap_start(map, fake.core, 31);
	pagemap_start_window(map, 0);
	check_ok(scan_window(&scan, 0, FRAMES, set, &result));
	bitmap_fill(set, TAKEN, TAKEN_END, false);
	bitmap_fill(set, FREE_PFN + 3, FREE_PFN + 4, true);
	bitmap_fill(set, USER_PFN, USER_PFN + 1, true);
	pagemap_end_window(map, FRAMES, set);
	pagemap_note_all_written(map);
	pagemap_finish(map, FMT_PAGEMAP_COMPLETE);
	check(!pagemap_error(map));
	check_ok(pagemap_reader_create(fd, &reader));
	check_text(explain(reader, TAKEN - 1), "kernel, kept");
	check_text(explain(reader, TAKEN), "struct pages of pages that are left out, left out");
	check_text(explain(reader, TAKEN_END - 1), "struct pages of pages that are left out, left out");
	check_text(explain(reader, TAKEN_END), "kernel, kept");
	check_text(explain(reader, FREE_PFN + 2), "free, left out");
	check_text(explain(reader, FREE_PFN + 3), "kept for a process that was asked for");
	check_text(explain(reader, USER_PFN), "kept for a process that was asked for");
	check_text(explain(reader, POISONED_PFN), "broken memory (hwpoison), never touched");
	for (uint64_t pfn = 0; pfn < FRAMES; pfn++) {
		struct pagemap_answer answer;

		check_ok(pagemap_reader_find(reader, pfn, &answer));
		check(answer.is_kept == bitmap_test(set, pfn));
		check(answer.state == (answer.is_kept ? FMT_PAGEMAP_WRITTEN : FMT_PAGEMAP_PENDING));
	}
	scan_deinit(&scan);
	fakecore_deinit(&fake);
}

// Parts of odd sizes that share bytes, from several threads.
struct notes {
	struct pagemap *map;
	uint8_t states[FRAMES];
};

enum { PART = 7 };

static struct error *note_part(void *context, void *state, uint64_t job)
{
	struct notes *notes = context;
	uint64_t rank = job * PART;

	(void)state;
	pagemap_note(notes->map, rank, notes->states + rank, FRAMES - rank < PART ? FRAMES - rank : PART);
	return NULL;
}

static void notes_share_bytes(void)
{
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *reader = NULL;
	struct notes notes;
	struct workers_job job = {
		.run = note_part, .context = &notes, .job_count = (FRAMES + PART - 1) / PART, .thread_count = 3};
	struct pagemap_block block;
	_cleanup_close_ int fd = new_file();
	struct fakecore fake;

	machine_init(&fake);
	check_ok(pagemap_create(fd, &notes.map));
	pagemap_start(notes.map, fake.core, 0);
	pagemap_start_window(notes.map, 0);
	check(pagemap_block_init(notes.map, &block));
	pagemap_block_start(&block, 0);
	pagemap_block_add(&block, 0, FRAMES, FMT_PAGEMAP_KERNEL);
	pagemap_put_block(notes.map, &block, FRAMES, FRAMES);
	pagemap_end_window(notes.map, FRAMES, NULL);
	for (size_t i = 0; i < FRAMES; i++)
		notes.states[i] = (uint8_t)(i * 2654435761u >> 20 & 3);
	check_ok(workers_run(&job));
	pagemap_finish(notes.map, FMT_PAGEMAP_COMPLETE);
	check(!pagemap_error(notes.map));
	check_ok(pagemap_reader_create(fd, &reader));
	for (uint64_t pfn = FRAMES; pfn-- > 0;) {
		struct pagemap_answer answer;

		check_ok(pagemap_reader_find(reader, pfn, &answer));
		check(answer.state == notes.states[pfn]);
	}
	// A page that the map does not have is a mistake of the program's, and ends the map.
	pagemap_note(notes.map, FRAMES - 1, notes.states, 2);
	check(pagemap_error(notes.map) && strstr(pagemap_error(notes.map)->text, "behind"));
	pagemap_block_deinit(&block);
	pagemap_destroy(notes.map);
	fakecore_deinit(&fake);
}

// A scan and a map that differ in what is kept.
static void a_map_that_disagrees_ends(void)
{
	_cleanup_(pagemap_destroyp) struct pagemap *map = NULL;
	_cleanup_close_ int fd = new_file();
	struct pagemap_block block;
	struct fakecore fake;

	machine_init(&fake);
	check_ok(pagemap_create(fd, &map));
	pagemap_start(map, fake.core, 31);
	pagemap_start_window(map, 0);
	check(pagemap_block_init(map, &block));
	pagemap_block_start(&block, 0);
	pagemap_block_add(&block, 0, 5, FMT_PAGEMAP_FREE);
	pagemap_block_add(&block, 5, FRAMES, FMT_PAGEMAP_KERNEL);
	pagemap_put_block(map, &block, FRAMES, FRAMES);
	check(pagemap_error(map) && strstr(pagemap_error(map)->text, "kept in the page map"));
	pagemap_block_deinit(&block);
	fakecore_deinit(&fake);
}

static void what_is_no_map_is_refused(void)
{
	static const struct fmt_pagemap_header good = {.page_bytes = 4096, .index_offset = 64, .max_pfn = 1 << 19};
	struct fmt_pagemap_entry entry = {.offset = 200, .cell = 40000, .size_bytes = 2};
	static const uint8_t short_block[] = {0x71, 0x71};
	struct pagemap_reader *reader;
	_cleanup_close_ int fd = new_file();
	struct fmt_pagemap_header raw = fmt_pagemap_store_header(&good);
	struct pagemap_answer answer;

	check_error(pagemap_reader_create(fd, &reader), ERROR_BAD_DATA, "0 bytes");
	for (size_t i = 0; i < sizeof(raw.magic); i++) {
		struct fmt_pagemap_header bad = raw;

		bad.magic[i] ^= 1;
		check_ok(io_pwrite(fd, &bad, sizeof(bad), 0));
		check_error(pagemap_reader_create(fd, &reader), ERROR_BAD_DATA, "no page map");
	}
	raw.version = 2;
	check_ok(io_pwrite(fd, &raw, sizeof(raw), 0));
	check_error(pagemap_reader_create(fd, &reader), ERROR_UNSUPPORTED, "version");
	raw = fmt_pagemap_store_header(&good);
	check_ok(io_pwrite(fd, &raw, sizeof(raw), 0));
	check_ok(pagemap_reader_create(fd, &reader));
	check_text(explain(reader, 0), "not known: the copy was cut short before this page frame was looked at");
	check_ok(io_pwrite(fd, &entry, sizeof(entry), 64));
	pagemap_reader_destroy(reader);
	check_ok(pagemap_reader_create(fd, &reader));
	check_error(pagemap_reader_find(reader, 0, &answer), ERROR_BAD_DATA, "ends in block 0");
	check_ok(io_pwrite(fd, short_block, sizeof(short_block), 200));
	check_text(explain(reader, 15), "to be kept, but the copy did not get so far");
	check_error(pagemap_reader_find(reader, 16, &answer), ERROR_BAD_DATA, "block 0 of the page map is damaged");
	check_text(explain(reader, 15), "to be kept, but the copy did not get so far");
	check_text(explain(reader, 1 << 18), "not known: the copy was cut short before this page frame was looked at");
	entry.size_bytes = FMT_PAGEMAP_BLOCK_BYTES + 1;
	check_ok(io_pwrite(fd, &entry, sizeof(entry), 64));
	check_error(pagemap_reader_find(reader, 0, &answer), ERROR_BAD_DATA, "entry 0");
	pagemap_reader_destroy(reader);
}

static const struct test tests[] = {
	TEST(runs_are_bytes),
	TEST(copies_are_explained),
	TEST(a_copy_that_is_cut_short),
	TEST(a_map_never_fails_the_dump),
	TEST(a_set_that_was_changed),
	TEST(notes_share_bytes),
	TEST(a_map_that_disagrees_ends),
	TEST(what_is_no_map_is_refused),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
