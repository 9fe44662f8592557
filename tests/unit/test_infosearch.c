// SPDX-License-Identifier: GPL-2.0-or-later
// VMCOREINFO that is only in the memory of a dump: at the start of a page or elsewhere, left by another kernel, damaged.
#include "core/infosearch.h"

#include "fakecore.h"
#include "test.h"

enum {
	MEMORY_BYTES = 4 << 20,
	UTS = 0x180000, // init_uts_ns …
	RELEASE = 4 + 2 * 65, // … and where the release is in it.
	NOTE = 0x200000,
	OTHER_NOTE = 0x110000,
};

// A note in memory. Sizes: what its header says.
static void put_note(struct fakecore *fake, uint64_t paddr, uint32_t name_bytes, uint32_t desc_bytes, const char *text)
{
	const uint32_t header[3] = {name_bytes, desc_bytes, 0};
	size_t size = strlen(text);

	memcpy(fake->memory + paddr, header, sizeof(header));
	memcpy(fake->memory + paddr + 12, "VMCOREINFO\0", 12);
	memcpy(fake->memory + paddr + 24, text, paddr + 24 + size < MEMORY_BYTES ? size : MEMORY_BYTES - paddr - 24);
}

static void machine_init(struct fakecore *fake)
{
	fakecore_init(fake, MEMORY_BYTES);
	fakecore_info(fake, "SYMBOL(init_uts_ns)=%jx\n", (uintmax_t)(fakecore_image + UTS));
	memcpy(fake->memory + UTS + 4, "Linux", 5);
	memcpy(fake->memory + UTS + RELEASE, "6.1.0", 5);
}

// What a dump tells whose file has no VMCOREINFO.
static void reopen(struct fakecore *fake, char release[static 65], struct vmcore **ret)
{
	const char *path = fake->path;

	fakecore_open(fake);
	check_ok(io_pwrite(fake->fd, "NOTHING", 7, 4096 + 12));
	check_ok(vmcore_open_set(&path, 1, ret));
	vmcoreinfo_string(&(*ret)->info, "OSRELEASE", release, 65);
	check(!(*ret)->vmcoreinfo_bytes == !*release);
}

static void found_where_it_is(void)
{
	// At the start of a page; within one, and over the border of two; at the end of memory.
	static const uint64_t places[] = {NOTE, NOTE + 4, NOTE + 4096 - 16, MEMORY_BYTES - 512};

	for (size_t i = 0; i < array_size(places); i++) {
		struct vmcore *core;
		struct fakecore fake;
		char release[65];

		machine_init(&fake);
		put_note(&fake, places[i], 11, (uint32_t)strlen(fake.info), fake.info);
		reopen(&fake, release, &core);
		check(strcmp(release, "6.1.0") == 0);
		// As if the file had it.
		check(core->vmcoreinfo_bytes == strlen(fake.info) &&
		      memcmp(core->notes + core->vmcoreinfo_offset_bytes, fake.info, strlen(fake.info)) == 0);
		vmcore_close(core);
		fakecore_deinit(&fake);
	}
}

// A kernel that ran before had its page tables and its name elsewhere.
static void what_another_kernel_left(void)
{
	for (unsigned int both = 0; both < 2; both++) {
		struct vmcore *core;
		struct fakecore fake;
		char release[65], text[1024];

		machine_init(&fake);
		snprintf(text, sizeof(text), "OSRELEASE=5.10.0\n%s", strchr(fake.info, '\n') + 1);
		put_note(&fake, OTHER_NOTE, 11, (uint32_t)strlen(text), text);
		snprintf(text, sizeof(text), "OSRELEASE=6.1.0\nNUMBER(phys_base)=-4096\n%s", strchr(fake.info, 'S'));
		put_note(&fake, OTHER_NOTE + 4096, 11, (uint32_t)strlen(text), text);
		if (both)
			put_note(&fake, NOTE, 11, (uint32_t)strlen(fake.info), fake.info);
		reopen(&fake, release, &core);
		check(strcmp(release, both ? "6.1.0" : "") == 0);
		vmcore_close(core);
		fakecore_deinit(&fake);
	}
}

// arm64: what another kernel says of the size of pages is forgotten, too.
static void what_a_kernel_with_other_pages_left(void)
{
	static const char lines[] = "NUMBER(VA_BITS)=48\nNUMBER(kimage_voffset)=0xffff800000000000\n"
				    "SYMBOL(swapper_pg_dir)=ffff800000001000\nSYMBOL(init_uts_ns)=ffff800000180000\n";
	char release[65], text[1024];
	struct vmcore *core;
	struct fakecore fake;

	machine_init(&fake);
	fake.machine = EM_AARCH64;
	snprintf(fake.info, sizeof(fake.info), "OSRELEASE=6.1.0\nPAGESIZE=4096\n%s", lines);
	snprintf(text, sizeof(text), "OSRELEASE=5.10.0\nPAGESIZE=65536\n%s", lines);
	put_note(&fake, OTHER_NOTE, 11, (uint32_t)strlen(text), text);
	reopen(&fake, release, &core);
	check(!*release && core->is_page_size_guessed && vmcore_page_bytes(core) == 4096);
	vmcore_close(core);
	fakecore_deinit(&fake);
}

static void damaged(void)
{
	static const struct {
		uint32_t name_bytes, desc_bytes;
		uint64_t paddr;
	} rows[] = {
		{11, 0, NOTE},   {11, UINT32_MAX, NOTE},       {11, 1 << 20, MEMORY_BYTES - 4096},
		{11, 20, NOTE}, // Only the release is in it.
		{10, 200, NOTE}, {11, 200, MEMORY_BYTES - 46},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct vmcore *core;
		struct fakecore fake;
		char release[65];

		machine_init(&fake);
		put_note(&fake, rows[i].paddr, rows[i].name_bytes, rows[i].desc_bytes, fake.info);
		reopen(&fake, release, &core);
		check(!*release);
		vmcore_close(core);
		fakecore_deinit(&fake);
	}
}

static const struct test tests[] = {TEST(found_where_it_is), TEST(what_another_kernel_left),
                                    TEST(what_a_kernel_with_other_pages_left), TEST(damaged)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
