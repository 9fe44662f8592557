// SPDX-License-Identifier: GPL-2.0-or-later
// What is asked of an opened dump. Files of all formats are opened by tests/model and tests/formats.
#include "core/vmcore.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fakecore.h"
#include "test.h"

enum { MEMORY_BYTES = 4 << 20, PAGE = 4096 };

static void make(struct fakecore *fake)
{
	fakecore_init(fake, MEMORY_BYTES);
	for (size_t i = FAKECORE_FIRST; i < MEMORY_BYTES; i += 8)
		memcpy(fake->memory + i, &i, 8);
	fakecore_open(fake);
}

// Runs of memory, in pages: "0-3 5-8".
static const char *runs(const struct vmcore *core, char *buf, size_t room_bytes)
{
	struct vmcore_frames run = {0};
	size_t used = 0;

	buf[0] = '\0';
	while (vmcore_next_frames(core, VMCORE_FRAMES_PRESENT, run.pfn_end, &run))
		used += (size_t)snprintf(buf + used, room_bytes - used, "%s%jx-%jx", used ? " " : "",
		                         (uintmax_t)run.pfn_start, (uintmax_t)run.pfn_end);
	return buf;
}

static void what_is_hidden_is_not_there(void)
{
	static const struct {
		uint64_t start, end;
		const char *wanted;
	} rows[] = {
		{0, 0, "0-400"},
		{0x300000, 0x301000, "0-300 301-400"},
		{0x3ff000, UINT64_MAX, "0-300 301-3ff"},
		{0x2ff000, 0x302000, "0-2ff 302-3ff"},
		{0x800000, 0x900000, "0-2ff 302-3ff"},
		{0, 0x110000, "110-2ff 302-3ff"},
	};
	_cleanup_vmreader_ struct vmreader reader = {0};
	struct fakecore fake;
	uint64_t word;
	char text[256];

	make(&fake);
	for (size_t i = 0; i < array_size(rows); i++) {
		check_ok(vmcore_hide(fake.core, rows[i].start, rows[i].end));
		check_text(runs(fake.core, text, sizeof(text)), rows[i].wanted);
	}
	vmreader_init(&reader, fake.core, VMREADER_WINDOW_TABLE_BYTES);
	for (uint64_t paddr = 0x100000; paddr < MEMORY_BYTES; paddr += PAGE) {
		struct error *err = vmreader_read(&reader, paddr, &word, sizeof(word));

		if ((paddr >= 0x110000 && paddr < 0x2ff000) || (paddr >= 0x302000 && paddr < 0x3ff000)) {
			check_ok(err);
			check(word == paddr);
		} else {
			check_error(err, ERROR_FAULT, "not in the dump");
		}
	}
	vmreader_deinit(&fake.reader);
	vmreader_init(&fake.reader, fake.core, VMREADER_WINDOW_TABLE_BYTES);
	fakecore_deinit(&fake);
}

// As fs/proc/kcore.c writes it: memory without a physical address, before that which has one.
static void the_running_system_is_known_by_its_headers(void)
{
	static const Elf64_Phdr vmalloc = {.p_type = PT_LOAD,
	                                   .p_offset = UINT64_C(1) << 45,
	                                   .p_vaddr = UINT64_C(0xffffc90000000000),
	                                   .p_paddr = UINT64_MAX,
	                                   .p_filesz = UINT64_C(1) << 45,
	                                   .p_memsz = UINT64_C(1) << 45};
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	const uint16_t count = 3;
	struct fakecore fake;
	char text[256];

	make(&fake);
	check(!fake.core->is_live);
	check_ok(io_pwrite(fake.fd, &vmalloc, sizeof(vmalloc), sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr)));
	check_ok(io_pwrite(fake.fd, &count, sizeof(count), offsetof(Elf64_Ehdr, e_phnum)));
	check_ok(vmcore_open(fake.path, &core));
	check(core->is_live && core->load_count == 1 && !core->missing_bytes);
	check_text(runs(core, text, sizeof(text)), "0-400");
	fakecore_deinit(&fake);
}

// What two program headers announce without bytes for it; another one has bytes for some of that.
static void make_filtered(struct fakecore *fake, uint64_t more_bytes)
{
	static const uint64_t places[][3] = {
		// Address, bytes in the file, bytes of memory.
		{0x100000, 0x10800, 0x40000},
		{0x120000, 0x8000, 0x8000},
		{0x130000, 0, 0x20000},
	};
	Elf64_Phdr loads[array_size(places)] = {0};
	const uint16_t count = array_size(places);
	const uint64_t at = sizeof(Elf64_Ehdr);

	make(fake);
	for (size_t i = 0; i < array_size(places); i++)
		loads[i] = (Elf64_Phdr){.p_type = PT_LOAD,
		                        .p_offset = (1 << 20) + places[i][0],
		                        .p_paddr = places[i][0],
		                        .p_filesz = places[i][1],
		                        .p_memsz = places[i][2]};
	loads[2].p_memsz += more_bytes;
	check_ok(io_pwrite(fake->fd, loads, sizeof(loads), at));
	check_ok(io_pwrite(fake->fd, &count, sizeof(count), offsetof(Elf64_Ehdr, e_phnum)));
}

static void what_has_no_bytes_reads_as_zeros(void)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	_cleanup_vmreader_ struct vmreader reader = {0};
	struct fakecore fake;
	uint8_t page[PAGE];
	uint64_t word;
	char text[256];

	make_filtered(&fake, 0);
	check_ok(vmcore_open(fake.path, &core));
	check_text(runs(core, text, sizeof(text)), "100-111 120-128");
	check_ok(vmcore_fill(core));
	check_text(runs(core, text, sizeof(text)), "100-111 111-120 120-128 128-140 140-150");
	check(vmcore_max_pfn(core) == 0x150 && core->filled_bytes == 0x50000 - 0x10800 - 0x8000);
	vmreader_init(&reader, core, VMREADER_WINDOW_TABLE_BYTES);
	for (uint64_t paddr = 0x100000; paddr < 0x150000; paddr += sizeof(word)) {
		bool is_there = paddr < 0x110800 || (paddr >= 0x120000 && paddr < 0x128000);

		check_ok(vmreader_read(&reader, paddr, &word, sizeof(word)));
		check(word == (is_there ? paddr : 0));
	}
	check_ok(vmreader_read(&reader, 0x110000, page, sizeof(page)));
	memcpy(&word, page + 0x7f8, sizeof(word));
	check(word == 0x1107f8);
	memcpy(&word, page + 0x800, sizeof(word));
	check(!word);
	check(vmreader_read(&reader, 0x148000, page, sizeof(page)) == NULL && vmreader_holds(&reader, 0x148000, PAGE));
	check_error(vmreader_read(&reader, 0x150000, page, sizeof(page)), ERROR_FAULT, "not in the dump");
	fakecore_deinit(&fake);
}

static void what_is_missing_is_no_zeros(void)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	const uint32_t incomplete = 1;
	struct fakecore fake;
	char text[256];

	make_filtered(&fake, 0);
	check_ok(io_pwrite(fake.fd, &incomplete, sizeof(incomplete), offsetof(Elf64_Ehdr, e_flags)));
	check_ok(vmcore_open(fake.path, &core));
	check_ok(vmcore_fill(core));
	check_text(runs(core, text, sizeof(text)), "100-111 120-128");
	fakecore_deinit(&fake);
}

static void more_than_can_be_is_refused(void)
{
	_cleanup_(vmcore_closep) struct vmcore *core = NULL;
	struct fakecore fake;

	make_filtered(&fake, UINT64_C(1) << 45);
	check_ok(vmcore_open(fake.path, &core));
	check_error(vmcore_fill(core), ERROR_BAD_DATA, "without content");
	fakecore_deinit(&fake);
}

static off_t last_read, unreadable = -1;

// Stands before that of the C library: a byte of the file cannot be read.
ssize_t pread(int fd, void *buf, size_t size_bytes, off_t at)
{
	last_read = at;
	if (unreadable >= at && unreadable - at < (off_t)size_bytes) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, buf, size_bytes, at);
}

// A window that is read has more than what was asked for.
static void neighbours_of_what_cannot_be_read(void)
{
	_cleanup_vmreader_ struct vmreader reader = {0};
	struct vmcore core;
	struct fakecore fake;
	uint64_t word;

	make(&fake);
	core = *fake.core;
	core.can_map = false;
	vmreader_init(&reader, &core, VMREADER_WINDOW_TABLE_BYTES);
	check_ok(vmreader_read(&reader, 0x200000, &word, sizeof(word)));
	check(word == 0x200000);
	unreadable = last_read + 3 * PAGE + 100;
	vmreader_deinit(&reader);
	vmreader_init(&reader, &core, VMREADER_WINDOW_TABLE_BYTES);
	for (uint64_t paddr = 0x1fe000; paddr < 0x206000; paddr += PAGE) {
		uint8_t page[PAGE];
		struct error *err = vmreader_read(&reader, paddr, page, sizeof(page));

		if (paddr == 0x203000) {
			check_error(err, ERROR_OS, "read at offset");
			continue;
		}
		check_ok(err);
		memcpy(&word, page, sizeof(word));
		check(word == paddr);
	}
	unreadable = -1;
	fakecore_deinit(&fake);
}

static long faults, faults_in_trial;

// Stands before that of the C library: told are so many page faults since it was asked before.
int getrusage(__rusage_who_t who, struct rusage *ret)
{
	(void)who;
	*ret = (struct rusage){.ru_minflt = faults};
	faults += faults_in_trial;
	return 0;
}

// Bytes that lie alone are read where mapping was seen to cost a page fault for each, and nowhere else.
static void looks_that_cost_page_faults(void)
{
	static const struct {
		bool is_paged;
		long faults;
		bool is_read;
	} rows[] = {{true, 1000000, true}, {true, 0, false}, {false, 1000000, false}};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_vmreader_ struct vmreader reader = {0};
		struct vmcore core;
		struct fakecore fake;
		uint64_t word;
		bool is_read = false;

		make(&fake);
		core = *fake.core;
		core.is_paged = rows[i].is_paged;
		faults_in_trial = rows[i].faults;
		vmreader_init(&reader, &core, VMREADER_WINDOW_DATA_BYTES);
		check(!vmreader_peek(&reader, 0x200000, &word, sizeof(word)));
		for (int look = 0; look < 10000 && !is_read; look++)
			is_read = vmreader_peek(&reader, 0x203000, &word, sizeof(word));
		check(is_read == rows[i].is_read);
		check(!is_read || word == 0x203000);
		// What is not in the dump is left to who maps it, and says so.
		check(!vmreader_peek(&reader, UINT64_C(1) << 50, &word, sizeof(word)));
		fakecore_deinit(&fake);
	}
}

static const struct test tests[] = {
	TEST(neighbours_of_what_cannot_be_read),
	TEST(what_is_hidden_is_not_there),
	TEST(the_running_system_is_known_by_its_headers),
	TEST(what_has_no_bytes_reads_as_zeros),
	TEST(what_is_missing_is_no_zeros),
	TEST(more_than_can_be_is_refused),
	TEST(looks_that_cost_page_faults),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
