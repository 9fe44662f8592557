// SPDX-License-Identifier: GPL-2.0-or-later
// The copier with what few copies need: several files, a time at which it ends, struct pages that are left out, and dumps that
// are cut short at any byte.
#include "core/vmcore.h"
#include "dump/copy.h"
#include "fakemachine.h"
#include "memorysink.h"
#include "test.h"

enum {
	SINKS_MAX = 3,
	CODE = 0x480000, // The kernel's code …
	CODE_BYTES = 0x280000, // More than is written in two writes.
	CALLED_PFN = 0x6f0, // … of which a word in the kernel's data points to this page.
	POINTER = 0x1b0000,
};

static const uint64_t code_vaddr = UINT64_C(0xffffffffa0000000);

static void machine_init(struct fakecore *fake)
{
	fakemachine_make(fake, true);
	for (uint64_t at = 0; at < CODE_BYTES; at += 4096)
		fakecore_map(fake, code_vaddr + at, CODE + at, 4096);
	fakemachine_put_u64(fake->memory + POINTER, code_vaddr + CALLED_PFN * 4096 - CODE + 0x123);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)code_vaddr);
	fakecore_open(fake);
}

// A copy to some sinks in memory.
struct fixture {
	struct memorysink memory[SINKS_MAX];
	struct sink *sinks[SINKS_MAX];
	struct copy_options options;
	struct copy_stats stats;
	size_t count;
};

static void fixture_init(struct fixture *fixture, size_t count, unsigned int level, unsigned int threads)
{
	*fixture = (struct fixture){.count = count, .options = {.dump_level = level, .thread_count = threads}};
	check_ok(compressor_find("none", &fixture->options.compressor));
	for (size_t i = 0; i < count; i++) {
		memorysink_init(&fixture->memory[i], FAKEMACHINE_MEMORY_BYTES * 2, -1);
		fixture->memory[i].sink.can_rewrite = true;
		fixture->sinks[i] = &fixture->memory[i].sink;
	}
	fixture->options.more_sinks = fixture->sinks + 1;
	fixture->options.more_sink_count = count - 1;
}

static void fixture_deinit(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->count; i++)
		memorysink_deinit(&fixture->memory[i]);
}

static struct error *run(struct fixture *fixture, const struct fakecore *fake)
{
	return copy_run(fake->core, &fixture->options, fixture->sinks[0], &fixture->stats);
}

static const struct fmt_kdump_header *header_of(const struct fixture *fixture, size_t index)
{
	return (const struct fmt_kdump_header *)fixture->memory[index].bytes;
}

// Pages that are in the dump, in one file each, and right.
static uint64_t count_pages(struct fixture *fixture, const struct fakecore *fake)
{
	uint64_t pages = 0;

	for (uint64_t pfn = 0; pfn < FAKEMACHINE_PAGES; pfn++) {
		unsigned int found = 0;

		for (size_t i = 0; i < fixture->count; i++) {
			const struct fmt_kdump_page_desc *desc = memorysink_desc(&fixture->memory[i], pfn);

			if (!desc || !desc->offset)
				continue;
			check(desc->size == 4096 && !desc->flags && !desc->page_flags);
			check(memcmp(fixture->memory[i].bytes + desc->offset, fake->memory + pfn * 4096, 4096) == 0);
			found++;
		}
		check(found <= 1);
		pages += found;
	}
	return pages;
}

// What there is of a dump whose copy failed: each file is one that is marked, and the numbers are right.
static void check_partial(struct fixture *fixture, const struct fakecore *fake)
{
	bool is_marked = false;

	for (size_t i = 0; i < fixture->count; i++) {
		check(memcmp(header_of(fixture, i)->signature, "KDUMP   ", 8) == 0);
		is_marked |= header_of(fixture, i)->status & FMT_KDUMP_STATUS_INCOMPLETE;
	}
	check(is_marked);
	check(count_pages(fixture, fake) == fixture->stats.pages_written);
}

static void each_part_has_its_share(void)
{
	struct fakecore fake;

	machine_init(&fake);
	for (unsigned int round = 0; round < 12; round++) {
		size_t count = 2 + round % 2;
		struct fixture fixture;
		uint64_t next = 0;

		fixture_init(&fixture, count, round % 3 ? 31 : 0, 1 + round / 3);
		check_ok(run(&fixture, &fake));
		check(count_pages(&fixture, &fake) == fixture.stats.counts.kept);
		check(fixture.stats.pages_written == fixture.stats.counts.kept && !fixture.stats.is_partial);
		for (size_t i = 0; i < count; i++) {
			const struct fmt_kdump_sub_header *sub =
				(const struct fmt_kdump_sub_header *)(fixture.memory[i].bytes + 4096);
			uint64_t share = 0;

			check(header_of(&fixture, i)->status == 0 && sub->split == 1);
			check(sub->start_pfn_64 == next && sub->start_pfn == next);
			next = sub->end_pfn_64;
			for (uint64_t pfn = sub->start_pfn_64; pfn < next; pfn++)
				share += memorysink_desc(&fixture.memory[i], pfn) != NULL;
			// Cut at the end of a piece.
			check(share + 512 >= fixture.stats.counts.kept / count);
			check(share <= fixture.stats.counts.kept / count + 1024);
		}
		check(next == FAKEMACHINE_PAGES);
		fixture_deinit(&fixture);
	}
	fakecore_deinit(&fake);
}

// More files than the machine has pieces: some have no page.
static void empty_parts_are_dumps(void)
{
	struct copy_options options = {.thread_count = 2};
	struct memorysink memory[12];
	struct sink *sinks[array_size(memory)];
	struct copy_stats stats;
	struct fakecore fake;
	uint64_t pages = 0;

	machine_init(&fake);
	check_ok(compressor_find("none", &options.compressor));
	for (size_t i = 0; i < array_size(memory); i++) {
		memorysink_init(&memory[i], FAKEMACHINE_MEMORY_BYTES * 2, -1);
		sinks[i] = &memory[i].sink;
	}
	options.more_sinks = sinks + 1;
	options.more_sink_count = array_size(sinks) - 1;
	check_ok(copy_run(fake.core, &options, sinks[0], &stats));
	for (size_t i = 0; i < array_size(memory); i++) {
		const struct fmt_kdump_sub_header *sub = (const void *)(memory[i].bytes + 4096);

		check(sub->split == 1 && sub->start_pfn_64 <= sub->end_pfn_64 && sub->end_pfn_64 <= FAKEMACHINE_PAGES);
		for (uint64_t pfn = 0; pfn < FAKEMACHINE_PAGES; pfn++)
			pages += memorysink_page(&memory[i], pfn) != NULL;
		memorysink_deinit(&memory[i]);
	}
	check(pages == stats.counts.kept);
	fakecore_deinit(&fake);
}

// Whichever file fails, at whichever call: its error comes back, and what is in all of them counts.
static void a_part_that_fails(void)
{
	struct fakecore fake;
	uint64_t most = 0;

	machine_init(&fake);
	for (size_t bad = 0; bad < SINKS_MAX; bad++) {
		bool is_done = false;

		for (int calls = 0; !is_done; calls++) {
			struct fixture fixture;
			struct error *err;

			fixture_init(&fixture, SINKS_MAX, 31, 1 + (unsigned int)calls % 3);
			fixture.memory[bad].calls_left = calls;
			err = run(&fixture, &fake);
			is_done = !err;
			if (err) {
				check_error(err, ERROR_NOSPC, "the sink is full");
				if (fixture.stats.is_partial)
					check_partial(&fixture, &fake);
				most = fixture.stats.pages_written > most ? fixture.stats.pages_written : most;
			}
			fixture_deinit(&fixture);
			check(calls < 1000);
		}
	}
	check(most > FAKEMACHINE_PAGES / 2);
	fakecore_deinit(&fake);
}

// The best pages come first, code that somebody was in before other code; what is there at the end of the room is told.
static void a_dump_cut_at_any_byte(void)
{
	struct fakecore fake;
	uint64_t most = 0;

	machine_init(&fake);
	for (uint64_t limit = 0x2000; limit < FAKEMACHINE_MEMORY_BYTES; limit += 0x7131) {
		struct fixture fixture;
		struct error *err;

		fixture_init(&fixture, 1, 31, 1 + limit % 3);
		fixture.memory[0].full_bytes = limit;
		err = run(&fixture, &fake);
		if (err) {
			check_error(err, ERROR_NOSPC, "the sink is full");
			if (fixture.stats.is_partial)
				check_partial(&fixture, &fake);
			// To the last page that fits; of several threads each has begun another page.
			if (fixture.stats.pages_written && fixture.options.thread_count == 1)
				check(memchr(fixture.memory[0].written + limit - 2 * 4096, 1, 2 * 4096));
			most = fixture.stats.pages_written > most ? fixture.stats.pages_written : most;
		}
		fixture_deinit(&fixture);
	}
	check(most > FAKEMACHINE_PAGES / 2);
	fakecore_deinit(&fake);
}

static uint64_t place_of(struct fixture *fixture, uint64_t pfn)
{
	const struct fmt_kdump_page_desc *desc = memorysink_desc(&fixture->memory[0], pfn);

	check(desc && desc->offset);
	return desc->offset;
}

static void the_best_pages_come_first(void)
{
	struct fixture fixture;
	struct fakecore fake;

	machine_init(&fake);
	for (unsigned int room = 0; room < 2; room++) {
		fixture_init(&fixture, 1, 0, 1);
		fixture.options.room_bytes = room ? UINT64_MAX : 0;
		check_ok(run(&fixture, &fake));
		check(count_pages(&fixture, &fake) == FAKEMACHINE_PAGES - 1);
		// With enough room only what lies together is in order, which is little of so small a machine.
		if (!room) {
			// Data behind the code in memory, code, free pages.
			check(place_of(&fixture, 0x700) < place_of(&fixture, CALLED_PFN));
			check(place_of(&fixture, CALLED_PFN) < place_of(&fixture, FAKEMACHINE_FREE_PFN));
			for (uint64_t pfn = CODE / 4096; pfn < (CODE + CODE_BYTES) / 4096; pfn++) {
				bool is_called = pfn >= CALLED_PFN - 1 && pfn <= CALLED_PFN + 1;

				check(is_called || place_of(&fixture, pfn) > place_of(&fixture, CALLED_PFN + 1));
			}
			check(place_of(&fixture, 0x480) < place_of(&fixture, FAKEMACHINE_FREE_PFN));
		}
		fixture_deinit(&fixture);
	}
	fakecore_deinit(&fake);
}

// Where room is scarce, what there is at its end must not depend on how fast each thread was.
static void scarce_room_is_filled_in_order(void)
{
	struct fixture alone;
	struct fakecore fake;

	machine_init(&fake);
	fixture_init(&alone, 1, 31, 1);
	alone.options.room_bytes = 1;
	check_ok(run(&alone, &fake));
	for (unsigned int round = 0; round < 64; round++) {
		struct fixture many;

		fixture_init(&many, 1, 31, 2 + round % 7);
		many.options.room_bytes = 1;
		check_ok(run(&many, &fake));
		check(memcmp(alone.memory[0].bytes, many.memory[0].bytes, FAKEMACHINE_MEMORY_BYTES * 2) == 0);
		fixture_deinit(&many);
	}
	fixture_deinit(&alone);
	fakecore_deinit(&fake);
}

// Ends the time at a write.
struct alarm {
	struct copy_options *options;
	unsigned int at_call, calls;
};

static void ring(void *context, uint64_t offset_bytes)
{
	struct alarm *alarm = context;

	(void)offset_bytes;
	if (alarm->calls++ == alarm->at_call)
		alarm->options->deadline_ms = 1;
}

static void the_time_is_up(void)
{
	uint64_t least = UINT64_MAX, most = 0;
	struct fixture fixture;
	struct fakecore fake;

	machine_init(&fake);
	for (unsigned int call = 0; call < 24; call++) {
		struct alarm alarm = {&fixture.options, call, 0};
		struct error *err;

		fixture_init(&fixture, 1 + call % 2, 31, 1);
		for (size_t i = 0; i < fixture.count; i++) {
			fixture.memory[i].on_write = ring;
			fixture.memory[i].context = &alarm;
		}
		fixture.options.deadline_ms = UINT64_MAX;
		err = run(&fixture, &fake);

		if (err) {
			check_error(err, ERROR_TIMEOUT, "time is up");
			check(fixture.stats.is_partial);
			check_partial(&fixture, &fake);
			least = fixture.stats.pages_written < least ? fixture.stats.pages_written : least;
			most = fixture.stats.pages_written > most ? fixture.stats.pages_written : most;
		}
		fixture_deinit(&fixture);
	}
	check(least == 0 && most > FAKEMACHINE_PAGES / 4);
	fakecore_deinit(&fake);
}

// One page of struct pages describes the free block and nothing else.
static void struct_pages_of_what_is_dropped(void)
{
	enum { UNUSED = FAKEMACHINE_PAGE_STRUCTS / 4096 + FAKEMACHINE_FREE_PFN / 64 };
	static const unsigned int levels[] = {0, 15, 16, 31};
	struct fakecore fake;

	machine_init(&fake);
	for (size_t i = 0; i < array_size(levels); i++) {
		bool is_dropped = levels[i] & FILTER_FREE;
		struct fixture with, without;

		fixture_init(&with, 1, levels[i], 2);
		fixture_init(&without, 1, levels[i], 2);
		with.options.is_unused_dropped = true;
		check_ok(run(&with, &fake));
		check_ok(run(&without, &fake));
		for (uint64_t pfn = 0; pfn < FAKEMACHINE_PAGES; pfn++) {
			bool is_unused = is_dropped && pfn == UNUSED;

			check(!memorysink_desc(&with.memory[0], pfn) ==
			      (is_unused || !memorysink_desc(&without.memory[0], pfn)));
		}
		check(with.stats.counts.unused == is_dropped && !without.stats.counts.unused);
		check(with.stats.counts.kept + is_dropped == without.stats.counts.kept);
		check(header_of(&with, 0)->status == (is_dropped ? FMT_KDUMP_STATUS_NO_MEMMAP : 0));
		check(header_of(&without, 0)->status == 0);
		check(count_pages(&with, &fake) == with.stats.pages_written);
		fixture_deinit(&with);
		fixture_deinit(&without);
	}
	fakecore_deinit(&fake);
}

// A dump in which the bytes of every other page are damaged.
static struct vmcore *open_damaged(const struct fakecore *fake)
{
	struct vmcore *core = NULL;
	struct fixture fixture;
	const char *path;
	char name[64];
	int fd = memfd_create("damaged", MFD_CLOEXEC);

	check(fd >= 0);
	fixture_init(&fixture, 1, 0, 1);
	check_ok(run(&fixture, fake));
	for (uint64_t pfn = 0; pfn < FAKEMACHINE_PAGES; pfn += 2) {
		struct fmt_kdump_page_desc *desc = (void *)memorysink_desc(&fixture.memory[0], pfn);

		if (desc)
			desc->flags = FMT_KDUMP_ZLIB;
	}
	check_ok(io_pwrite(fd, fixture.memory[0].bytes, fixture.memory[0].file_bytes, 0));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	path = name;
	check_ok(vmcore_open_set(&path, 1, &core));
	close(fd);
	fixture_deinit(&fixture);
	return core;
}

// Pages that cannot be read are missing, and no number wraps around when the copy fails besides.
static void unreadable_pages_and_a_full_disk(void)
{
	struct fakecore fake;
	struct vmcore *core;

	machine_init(&fake);
	core = open_damaged(&fake);
	for (uint64_t limit = 0x2000; limit < FAKEMACHINE_MEMORY_BYTES; limit += 0x17131) {
		struct fixture fixture;
		struct error *err;

		fixture_init(&fixture, 1, 0, 2);
		fixture.memory[0].full_bytes = limit;
		err = copy_run(core, &fixture.options, fixture.sinks[0], &fixture.stats);
		check(!err || (err->code == ERROR_NOSPC && fixture.stats.pages_written < FAKEMACHINE_PAGES / 2));
		if (err ? fixture.stats.is_partial : true) {
			check(count_pages(&fixture, &fake) == fixture.stats.pages_written);
			check(header_of(&fixture, 0)->status & FMT_KDUMP_STATUS_INCOMPLETE);
		}
		check(err || fixture.stats.pages_unreadable > FAKEMACHINE_PAGES / 4);
		error_free(err);
		fixture_deinit(&fixture);
	}
	vmcore_close(core);
	fakecore_deinit(&fake);
}

static const struct test tests[] = {
	TEST(each_part_has_its_share), TEST(empty_parts_are_dumps),           TEST(a_part_that_fails),
	TEST(a_dump_cut_at_any_byte),  TEST(the_best_pages_come_first),       TEST(scarce_room_is_filled_in_order),
	TEST(the_time_is_up),          TEST(struct_pages_of_what_is_dropped), TEST(unreadable_pages_and_a_full_disk),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
