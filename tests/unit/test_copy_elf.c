// SPDX-License-Identifier: GPL-2.0-or-later
// ELF dumps that are cut short: by a full disk, by time, by a signal that nobody can catch.
#include <elf.h>

#include "core/vmcore.h"
#include "dump/copy.h"
#include "dump/fmt_elf.h"
#include "fakemachine.h"
#include "memorysink.h"
#include "test.h"

enum {
	CODE = 0x480000, // The kernel's code.
	CODE_BYTES = 0x280000,
	CALLED_PFN = CODE / 4096 + 0x100, // What its data points to.
	DATA_PFN = 0x710, // The kernel's, behind it.
	ROOM_BYTES = FAKEMACHINE_MEMORY_BYTES * 2,
};

static const uint64_t code_vaddr = UINT64_C(0xffffffffa0000000);

static void machine_init(struct fakecore *fake)
{
	fakemachine_make(fake, true);
	fakemachine_put_u64(fake->memory + DATA_PFN * 4096, code_vaddr + (CALLED_PFN - CODE / 4096) * 4096 + 5);
	for (uint64_t at = 0; at < CODE_BYTES; at += 4096)
		fakecore_map(fake, code_vaddr + at, CODE + at, 4096);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)code_vaddr);
	fakecore_info(fake, "SYMBOL(_etext)=%jx\n", (uintmax_t)code_vaddr + CODE_BYTES);
	fakecore_open(fake);
}

struct fixture {
	struct fakecore *fake;
	struct memorysink memory;
	struct copy_options options;
	struct copy_stats stats;
	uint8_t is_there[FAKEMACHINE_PAGES]; // Pages that the program headers tell of.
	uint64_t heads; // Times that what is in the sink was a dump, though of none but some pages.
};

static void fixture_init(struct fixture *fixture, struct fakecore *fake, unsigned int threads)
{
	*fixture = (struct fixture){
		.fake = fake, .options = {.dump_level = FILTER_ZERO, .format = COPY_ELF, .thread_count = threads}};
	memorysink_init(&fixture->memory, ROOM_BYTES, -1);
	fixture->memory.sink.can_rewrite = true;
}

static void fixture_deinit(struct fixture *fixture)
{
	memorysink_deinit(&fixture->memory);
}

static struct error *run(struct fixture *fixture)
{
	return copy_run(fixture->fake->core, &fixture->options, &fixture->memory.sink, &fixture->stats);
}

static const Elf64_Ehdr *header_of(const struct fixture *fixture)
{
	return (const Elf64_Ehdr *)fixture->memory.bytes;
}

static void check_load(struct fixture *fixture, const Elf64_Phdr *load, uint64_t end_bytes)
{
	check(load->p_paddr % 4096 == 0 && load->p_filesz % 4096 == 0 && load->p_filesz <= load->p_memsz);
	check(load->p_paddr + load->p_memsz <= FAKEMACHINE_MEMORY_BYTES);
	check(!load->p_filesz || load->p_offset + load->p_filesz <= end_bytes);
	for (uint64_t at = 0; at < load->p_memsz; at += 4096) {
		const uint8_t *page = fixture->fake->memory + load->p_paddr + at;

		fixture->is_there[(load->p_paddr + at) / 4096] = true;
		if (at < load->p_filesz)
			check(memcmp(fixture->memory.bytes + load->p_offset + at, page, 4096) == 0);
		else
			check(!page[0] && memcmp(page, page + 1, 4095) == 0);
	}
}

// Whatever the headers tell of is there, and right. Gives the number of pages.
static uint64_t count_pages(struct fixture *fixture, uint64_t end_bytes)
{
	const Elf64_Ehdr *header = header_of(fixture);
	const Elf64_Phdr *headers = (const Elf64_Phdr *)(fixture->memory.bytes + header->e_phoff);
	uint64_t count = 0, first_offset = 0;

	check(memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_phnum < PN_XNUM);
	check(headers[0].p_type == PT_NOTE);
	memset(fixture->is_there, 0, sizeof(fixture->is_there));
	for (size_t i = 1; i < header->e_phnum; i++) {
		check(headers[i].p_type == PT_LOAD);
		check_load(fixture, &headers[i], end_bytes);
		// crash takes this for the size of all headers.
		first_offset = first_offset ? first_offset : headers[i].p_offset;
		check(first_offset <= headers[i].p_offset);
	}
	for (size_t pfn = 0; pfn < FAKEMACHINE_PAGES; pfn++)
		count += fixture->is_there[pfn];
	return count;
}

static void check_partial(struct fixture *fixture)
{
	check(header_of(fixture)->e_flags & FMT_ELF_INCOMPLETE);
	check(count_pages(fixture, fixture->memory.file_bytes) == fixture->stats.pages_written);
}

static void all_of_it(void)
{
	struct fakecore fake;

	machine_init(&fake);
	for (unsigned int threads = 1; threads <= 3; threads++) {
		struct fixture fixture;

		fixture_init(&fixture, &fake, threads);
		check_ok(run(&fixture));
		check(!(header_of(&fixture)->e_flags & FMT_ELF_INCOMPLETE) && !fixture.stats.is_partial);
		check(count_pages(&fixture, fixture.memory.file_bytes) == fixture.stats.counts.kept);
		check(fixture.stats.pages_written == fixture.stats.counts.kept);
		fixture_deinit(&fixture);
	}
	fakecore_deinit(&fake);
}

// Past the page cache: all pages go in large pieces that lie as such writes want them.
static void direct(void)
{
	struct fakecore fake;

	machine_init(&fake);
	for (unsigned int threads = 1; threads <= 2; threads++) {
		const Elf64_Phdr *load;
		struct fixture fixture;

		fixture_init(&fixture, &fake, threads);
		fixture.memory.sink.align_bytes = SINK_ALIGN_BYTES;
		check_ok(run(&fixture));
		check(count_pages(&fixture, fixture.memory.file_bytes) == fixture.stats.counts.kept);
		load = (const Elf64_Phdr *)(fixture.memory.bytes + header_of(&fixture)->e_phoff) + 1;
		check(fixture.memory.direct_bytes >= fixture.memory.file_bytes - load->p_offset);
		fixture_deinit(&fixture);
	}
	fakecore_deinit(&fake);
}

// The file behind the head is full, wherever that is: data of the kernel is there before its code.
static void a_full_disk(void)
{
	uint64_t most = 0, with_data_alone = 0, nothing = 0;
	struct fakecore fake;

	machine_init(&fake);
	for (uint64_t limit = 0x2000; limit < FAKEMACHINE_MEMORY_BYTES; limit += 0x12345) {
		struct fixture fixture;
		struct error *err;

		fixture_init(&fixture, &fake, 1 + limit % 3);
		fixture.memory.full_bytes = limit;
		err = run(&fixture);
		if (err) {
			check_error(err, ERROR_NOSPC, "the sink is full");
			nothing += !fixture.stats.is_partial;
		}
		if (fixture.stats.is_partial) {
			check_partial(&fixture);
			check(fixture.memory.file_bytes <= limit);
			check(fixture.is_there[DATA_PFN] || !fixture.is_there[CODE / 4096]);
			with_data_alone += fixture.is_there[DATA_PFN] && !fixture.is_there[CODE / 4096];
			most = fixture.stats.pages_written > most ? fixture.stats.pages_written : most;
		}
		fixture_deinit(&fixture);
	}
	check(nothing && with_data_alone && most > FAKEMACHINE_PAGES / 2);
	fakecore_deinit(&fake);
}

// Each write may be the last one.
static void look(void *context, uint64_t offset_bytes)
{
	struct fixture *fixture = context;

	(void)offset_bytes;
	if (!memcmp(fixture->memory.bytes, ELFMAG, SELFMAG)) {
		check(header_of(fixture)->e_flags & FMT_ELF_INCOMPLETE);
		fixture->heads += count_pages(fixture, ROOM_BYTES) > 0;
	}
}

static void killed(void)
{
	struct fixture fixture;
	struct fakecore fake;

	machine_init(&fake);
	fixture_init(&fixture, &fake, 2);
	fixture.memory.on_write = look;
	fixture.memory.context = &fixture;
	check_ok(run(&fixture));
	check(fixture.heads);
	fixture_deinit(&fixture);
	fakecore_deinit(&fake);
}

// A stream has its head last: what is cut is no dump, and does not look like one.
static void a_stream(void)
{
	struct fixture fixture;
	struct fakecore fake;

	machine_init(&fake);
	fixture_init(&fixture, &fake, 1);
	fixture.memory.sink.can_rewrite = false;
	fixture.memory.full_bytes = FAKEMACHINE_MEMORY_BYTES / 2;
	check_error(run(&fixture), ERROR_NOSPC, "the sink is full");
	check(!fixture.stats.is_partial && !fixture.memory.written[0] && !fixture.memory.is_overlapping);
	fixture_deinit(&fixture);
	fakecore_deinit(&fake);
}

static void ring(void *context, uint64_t offset_bytes)
{
	struct fixture *fixture = context;

	(void)offset_bytes;
	if (fixture->heads++ == 3)
		fixture->options.deadline_ms = 1;
}

static void the_time_is_up(void)
{
	struct fakecore fake;

	machine_init(&fake);
	for (unsigned int threads = 1; threads <= 3; threads++) {
		struct fixture fixture;

		fixture_init(&fixture, &fake, threads);
		fixture.options.deadline_ms = UINT64_MAX;
		fixture.memory.on_write = ring;
		fixture.memory.context = &fixture;
		check_error(run(&fixture), ERROR_TIMEOUT, "time is up");
		check(fixture.stats.is_partial && fixture.stats.pages_written < fixture.stats.counts.kept);
		check_partial(&fixture);
		fixture_deinit(&fixture);
	}
	fakecore_deinit(&fake);
}

// What is pointed to as return addresses do comes before other code; where pages are not looked at, all is one.
static void called_code(void)
{
	uint64_t alone = 0;
	struct fakecore fake;

	machine_init(&fake);
	for (unsigned int level = 0; level <= FILTER_ZERO; level++) {
		for (uint64_t limit = 0x2000; limit < FAKEMACHINE_MEMORY_BYTES; limit += 0x12345) {
			struct fixture fixture;

			fixture_init(&fixture, &fake, 1 + limit % 3);
			fixture.options.dump_level = level;
			fixture.memory.full_bytes = limit;
			error_free(run(&fixture));
			if (fixture.stats.is_partial)
				check_partial(&fixture);
			if (level)
				check(fixture.is_there[CALLED_PFN] || !fixture.is_there[CODE / 4096]);
			alone += level && fixture.is_there[CALLED_PFN] && !fixture.is_there[CODE / 4096];
			fixture_deinit(&fixture);
		}
	}
	check(alone);
	fakecore_deinit(&fake);
}

static void too_many_pieces(void)
{
	struct fixture fixture;
	struct fakecore fake;

	machine_init(&fake);
	fixture_init(&fixture, &fake, 1);
	fixture.options.segments_bytes = 128;
	check_error(run(&fixture), ERROR_NOMEM, "more than 2 pieces");
	check(!fixture.stats.is_partial && !fixture.memory.file_bytes && !fixture.memory.written[0]);
	fixture.options.segments_bytes = 64 << 10;
	check_ok(run(&fixture));
	fixture_deinit(&fixture);
	fakecore_deinit(&fake);
}

static const struct test tests[] = {
	TEST(all_of_it), TEST(direct),         TEST(a_full_disk), TEST(killed),
	TEST(a_stream),  TEST(the_time_is_up), TEST(called_code), TEST(too_many_pieces),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
