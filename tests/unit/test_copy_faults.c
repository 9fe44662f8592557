// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "fakecore.h"
#include "test.h"

// What is in the dumps is checked by tests/model; here what happens when something fails.
enum { MEMORY_BYTES = 2 << 20, FRAMES = MEMORY_BYTES / 4096, PAGES_PADDR = 0x180000, POINTER_PADDR = 0x100000 };

static const char lines[] =
	"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.mapping)=24\nOFFSET(page.lru)=8\n"
	"OFFSET(page._mapcount)=48\nOFFSET(page.private)=40\nOFFSET(page.compound_head)=8\n"
	"OFFSET(page.compound_dtor)=16\nOFFSET(page.compound_order)=17\nLENGTH(zone.free_area)=11\n"
	"NUMBER(PG_lru)=4\nNUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\n"
	"NUMBER(PG_slab)=9\nNUMBER(PG_hwpoison)=22\nNUMBER(PG_head_mask)=65536\n"
	"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nSYMBOL(_stext)=ffffffff80110000\n";

static void make_free(struct fakecore *fake, uint64_t pfn, uint64_t pfn_end)
{
	for (; pfn < pfn_end; pfn++) {
		int32_t mapcount = -129;

		memcpy(fake->memory + PAGES_PADDR + 64 * pfn + 48, &mapcount, 4);
	}
}

// All pages are the kernel's.
static void make_memory(struct fakecore *fake)
{
	uint64_t pages = fakecore_image + PAGES_PADDR;

	fakecore_init(fake, MEMORY_BYTES);
	fakecore_info(fake, "%sSYMBOL(mem_map)=%jx\n", lines, (uintmax_t)(fakecore_image + POINTER_PADDR));
	memcpy(fake->memory + POINTER_PADDR, &pages, 8);
	srand(1);
	for (uint64_t pfn = 0; pfn < FRAMES; pfn++) {
		int32_t mapcount = -1;
		uint8_t *page = fake->memory + PAGES_PADDR + 64 * pfn;

		memcpy(page + 48, &mapcount, 4);
		// Above the struct pages: text, random bytes, zeros.
		for (size_t i = 0; pfn >= 0x1a0 && i < 4096; i++)
			fake->memory[pfn * 4096 + i] = pfn % 3 ? (uint8_t)(pfn % 3 == 1 ? i / 64 : (size_t)rand()) : 0;
	}
}

static void make(struct fakecore *fake)
{
	make_memory(fake);
	make_free(fake, 0x190, 0x1a0);
	fakecore_open(fake);
}

// A sink in memory that fails at one write, or at the end.
struct memory_sink {
	struct sink sink;
	pthread_mutex_t lock;
	uint64_t calls, fail_call, end_bytes;
	bool fails_at_end, is_finished;
};

static struct error *memory_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts, size_t count)
{
	struct memory_sink *memory = (struct memory_sink *)sink;
	struct error *err = NULL;

	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < count; i++)
		offset_bytes += parts[i].iov_len;
	if (offset_bytes > memory->end_bytes)
		memory->end_bytes = offset_bytes;
	if (memory->calls++ == memory->fail_call)
		err = error_new(ERROR_NOSPC, "full");
	pthread_mutex_unlock(&memory->lock);
	return err;
}

static struct error *memory_finish(struct sink *sink, uint64_t file_bytes)
{
	struct memory_sink *memory = (struct memory_sink *)sink;

	check(file_bytes >= memory->end_bytes);
	memory->is_finished = true;
	return memory->fails_at_end ? error_new(ERROR_OS, "the disk is gone") : NULL;
}

static void memory_destroy(struct sink *sink)
{
	(void)sink;
}

static const struct sink_ops memory_ops = {.write = memory_write, .finish = memory_finish, .destroy = memory_destroy};

static struct memory_sink memory_sink(uint64_t fail_call)
{
	return (struct memory_sink){{.ops = &memory_ops}, PTHREAD_MUTEX_INITIALIZER, .fail_call = fail_call};
}

static struct copy_options options(enum copy_format format, unsigned int threads, unsigned int level)
{
	return (struct copy_options){
		.format = format, .thread_count = threads, .dump_level = level, .compressor = compressor_default()};
}

static void sink_fails(void)
{
	struct fakecore fake;

	make(&fake);
	for (int format = COPY_KDUMP; format <= COPY_ELF; format++) {
		for (unsigned int threads = 1; threads <= 3; threads++) {
			struct copy_options what = options((enum copy_format)format, threads, 31);
			struct memory_sink sink = memory_sink(UINT64_MAX);
			struct copy_stats stats;
			uint64_t calls;

			check_ok(copy_run(fake.core, &what, &sink.sink, &stats));
			check(sink.is_finished && stats.pages_written > 0 && stats.bytes_written > 0 &&
			      !stats.warnings);
			calls = sink.calls;
			for (uint64_t bad = 0; bad < calls; bad++) {
				sink = memory_sink(bad);
				check_error(copy_run(fake.core, &what, &sink.sink, &stats), ERROR_NOSPC, "full");
				check(!sink.is_finished);
			}
			sink = memory_sink(UINT64_MAX);
			sink.fails_at_end = true;
			check_error(copy_run(fake.core, &what, &sink.sink, &stats), ERROR_OS, "gone");
		}
	}
	fakecore_deinit(&fake);
}

// The input ends early, at each page: what is there is copied, and the user is told.
static void input_ends(void)
{
	for (int format = COPY_KDUMP; format <= COPY_ELF; format++) {
		for (uint64_t frames = FRAMES - 1; frames > 0; frames -= 1 + frames / 16) {
			struct copy_options what = options((enum copy_format)format, 1 + frames % 3, 31);
			struct memory_sink sink = memory_sink(UINT64_MAX);
			struct copy_stats stats;
			struct fakecore fake;
			struct vmcore *core;
			struct error *err;

			make(&fake);
			check(ftruncate(fake.fd, (1 << 20) + (off_t)frames * 4096 + 100) == 0);
			err = vmcore_open(fake.path, &core);
			if (!err) {
				err = copy_run(core, &what, &sink.sink, &stats);
				check(err || stats.warnings & (COPY_WARN_TRUNCATED | COPY_WARN_UNREADABLE |
				                               COPY_WARN_BAD_MEMMAP | COPY_WARN_NO_FILTER));
				vmcore_close(core);
			}
			error_free(err);
			fakecore_deinit(&fake);
		}
	}
}

struct seen {
	_Atomic unsigned int calls, inside;
	uint64_t last_done;
};

static void progress(void *context, const struct copy_progress *progress)
{
	struct seen *seen = context;

	check(atomic_fetch_add(&seen->inside, 1) == 0);
	check(progress->pages_done >= seen->last_done && progress->pages_done <= progress->pages_total);
	seen->last_done = progress->pages_done;
	atomic_fetch_add(&seen->calls, 1);
	atomic_fetch_sub(&seen->inside, 1);
}

static void reports(void)
{
	struct copy_options what = options(COPY_KDUMP, 3, 0);
	struct memory_sink sink = memory_sink(UINT64_MAX);
	struct seen seen = {0};
	struct copy_stats stats;
	struct fakecore fake;

	make(&fake);
	what.progress = progress;
	what.progress_context = &seen;
	check_ok(copy_run(fake.core, &what, &sink.sink, &stats));
	check(seen.calls > 0 && stats.pages_written == FRAMES && stats.counts.total == FRAMES);
	check(stats.counts.classes[PAGE_FREE] == 16);
	fakecore_deinit(&fake);
}

static void dry_run(void)
{
	struct copy_options what = options(COPY_KDUMP, 2, 31);
	struct copy_stats stats;
	struct fakecore fake;

	make(&fake);
	what.is_dry_run = true;
	check_ok(copy_run(fake.core, &what, NULL, &stats));
	check(stats.counts.classes[PAGE_FREE] == 16 && stats.counts.kept == FRAMES - 16 && !stats.bytes_written);
	fakecore_deinit(&fake);
}

static void memory(void)
{
	struct copy_options few = options(COPY_KDUMP, 1, 31), many = options(COPY_KDUMP, 64, 31);

	check(copy_memory_bytes(&few, 1 << 20) > 0);
	check(copy_memory_bytes(&few, 1 << 20) < copy_memory_bytes(&many, 1 << 20));
	// 1 TiB: must fit into a capture kernel.
	check(copy_memory_bytes(&few, UINT64_C(1) << 28) < 64 << 20);
}

static void warnings(void)
{
	struct copy_stats stats = {.warnings = UINT32_MAX, .pages_unreadable = 77, .note = "why"};
	unsigned int last = 0, count = 0;

	for (unsigned int bit = 1; bit <= COPY_WARN_FILLED; bit <<= 1) {
		char text[COPY_WARNING_BYTES];

		copy_warning_describe(&stats, (enum copy_warning)bit, text, sizeof(text));
		check(*text && strstr(text, copy_warning_text((enum copy_warning)bit)) == text);
		check(!strstr(text, "unknown warning") && strcmp(copy_warning_name((enum copy_warning)bit), "unknown"));
		check(!strstr(text, ": 77 pages") == (bit != COPY_WARN_UNREADABLE));
		check(!strstr(text, ": why") == (bit != COPY_WARN_NO_FILTER));
	}
	stats.warnings = 1u << 31 | COPY_WARN_KEPT | COPY_WARN_NO_FILTER;
	for (unsigned int bit = copy_warning_next(&stats, 0); bit; bit = copy_warning_next(&stats, bit), count++) {
		check(bit > last && stats.warnings & bit);
		last = bit;
	}
	check(count == 3);
}

// A small machine with a page of each class but one; whether it died by a crash kernel; where the dump says what is missing.
static unsigned int warnings_of(const char *left_out, bool has_crash_time, unsigned int level, unsigned int percent)
{
	static const uint64_t anon = 0xffff888000000001, lru = 1 << 4;
	struct copy_options what = options(COPY_KDUMP, 1, level);
	struct copy_stats stats;
	struct fakecore fake;

	make_memory(&fake);
	if (strcmp(left_out, "free") != 0)
		make_free(&fake, 0x190, 0x1a0);
	if (strcmp(left_out, "kept") != 0)
		make_free(&fake, 0x50, 0x170);
	if (strcmp(left_out, "user") != 0)
		memcpy(fake.memory + PAGES_PADDR + 64 * 0x10 + 24, &anon, 8);
	if (strcmp(left_out, "cache") != 0)
		memcpy(fake.memory + PAGES_PADDR + 64 * 0x11, &lru, 8);
	if (strcmp(left_out, "kernel") == 0)
		make_free(&fake, 0, FRAMES);
	if (has_crash_time)
		fakecore_info(&fake, "CRASHTIME=1700000000\n");
	fakecore_open(&fake);
	what.is_dry_run = true;
	what.warn_kept_percent = percent;
	check_ok(copy_run(fake.core, &what, NULL, &stats));
	fakecore_deinit(&fake);
	return stats.warnings;
}

static void a_class_that_must_be_there(void)
{
	check(warnings_of("", true, 31, 0) == 0);
	check(warnings_of("user", true, 31, 0) == COPY_WARN_NO_USER);
	check(warnings_of("user", false, 31, 0) == 0);
	check(warnings_of("user", true, 31 - FILTER_USER, 0) == 0);
	check(warnings_of("cache", true, 31, 0) == COPY_WARN_NO_CACHE);
	check(warnings_of("cache", true, FILTER_CACHE, 0) == COPY_WARN_NO_CACHE);
	check(warnings_of("cache", true, FILTER_CACHE_PRIVATE, 0) == COPY_WARN_NO_CACHE);
	check(warnings_of("cache", false, 31, 0) == 0);
	check(warnings_of("cache", true, FILTER_USER | FILTER_FREE, 0) == 0);
	check(warnings_of("kernel", false, 0, 0) == COPY_WARN_NO_KERNEL);
}

static void much_is_kept(void)
{
	// 512 frames: 16 free ones and the two others are dropped, with 288 more free ones or without.
	check(warnings_of("", true, 31, 40) == COPY_WARN_KEPT);
	check(warnings_of("", true, 31, 41) == 0);
	check(warnings_of("kept", true, 31, 96) == COPY_WARN_KEPT);
	check(warnings_of("kept", true, 31, 97) == 0);
	check(warnings_of("kept", true, 31, 0) == 0);
	check(warnings_of("kept", true, FILTER_USER | FILTER_FREE, 1) == 0);
	check(warnings_of("kept", true, FILTER_USER | FILTER_FREE | FILTER_CACHE_PRIVATE, 1) == COPY_WARN_KEPT);
}

static const struct test tests[] = {
	TEST(sink_fails),
	TEST(input_ends),
	TEST(reports),
	TEST(dry_run),
	TEST(memory),
	TEST(warnings),
	TEST(a_class_that_must_be_there),
	TEST(much_is_kept),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
