// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kdumpcore.h"

#include "core/arch.h"
#include "fakedump.h"
#include "test.h"

static struct error *open_bytes(const struct fakedump *dump, size_t size_bytes, struct vmcore **ret)
{
	struct fakefile file = fakefile(dump->bytes, size_bytes);
	const char *path = file.path;
	struct error *err = vmcore_open_set(&path, 1, ret);

	close(file.fd);
	return err;
}

static void check_page(struct vmcore *core, uint64_t pfn)
{
	_cleanup_vmreader_ struct vmreader reader = {0};
	uint8_t page[FAKEDUMP_BLOCK], want[FAKEDUMP_BLOCK];
	const uint8_t *bytes;
	size_t got;

	vmreader_init(&reader, core, VMREADER_WINDOW_DATA_BYTES);
	fakedump_fill_page(want, pfn);
	check_ok(vmreader_read(&reader, pfn * FAKEDUMP_BLOCK, page, sizeof(page)));
	check(memcmp(page, want, sizeof(page)) == 0);
	check_ok(vmreader_map(&reader, pfn * FAKEDUMP_BLOCK + 16, 3 * FAKEDUMP_BLOCK, &bytes, &got));
	check(got == FAKEDUMP_BLOCK - 16 && memcmp(bytes, want, got) == 0);
}

static struct error *read_page(struct vmcore *core, uint64_t pfn)
{
	_cleanup_vmreader_ struct vmreader reader = {0};
	uint8_t byte;

	vmreader_init(&reader, core, VMREADER_WINDOW_TABLE_BYTES);
	return vmreader_read(&reader, pfn * FAKEDUMP_BLOCK, &byte, 1);
}

static void good(void)
{
	struct vmcore_frames run = {0};
	struct fakedump dump;
	struct vmcore *core;
	char release[16];
	uint64_t count = 0;

	fakedump_init(&dump);
	check_ok(open_bytes(&dump, sizeof(dump.bytes), &core));
	check_text(core->format->name, "kdump-compressed");
	check_text(core->arch->uname_machine, "x86_64");
	check(core->dump_level == 31 && !core->is_incomplete && vmcore_max_pfn(core) == FAKEDUMP_FRAMES);
	check(vmcoreinfo_string(&core->info, "OSRELEASE", release, sizeof(release)));
	check_text(release, "6.1.0");
	for (uint64_t pfn = 0; pfn < FAKEDUMP_FRAMES + 3; pfn++) {
		if (pfn % 3 == 0 && pfn < FAKEDUMP_FRAMES)
			check_page(core, pfn);
		else
			check_error(read_page(core, pfn), ERROR_FAULT, "not in the dump");
	}
	check_error(read_page(core, UINT64_MAX / FAKEDUMP_BLOCK), ERROR_FAULT, "not in the dump");
	while (vmcore_next_frames(core, VMCORE_FRAMES_PRESENT, run.pfn_end, &run))
		count += run.pfn_end - run.pfn_start;
	check(count == FAKEDUMP_PAGES);
	run.pfn_end = count = 0;
	while (vmcore_next_frames(core, VMCORE_FRAMES_RAM, run.pfn_end, &run))
		count += run.pfn_end - run.pfn_start;
	check(count == FAKEDUMP_FRAMES);
	vmcore_close(core);
}

static void versions(void)
{
	struct fakedump dump;
	struct vmcore *core;
	char release[16];

	for (uint32_t version = 3; version <= 6; version++) {
		fakedump_init(&dump);
		fakedump_header(&dump)->header_version = version;
		// Fields that a version does not have may hold anything.
		if (version < 6)
			memset(&fakedump_sub(&dump)->start_pfn_64, 0xff, 24);
		if (version < 4)
			memset(&fakedump_sub(&dump)->offset_note, 0xff, 16);
		check_ok(open_bytes(&dump, sizeof(dump.bytes), &core));
		check(vmcoreinfo_string(&core->info, "OSRELEASE", release, sizeof(release)));
		check_text(release, "6.1.0");
		check_page(core, 63);
		vmcore_close(core);
	}
}

static void one_bitmap(void)
{
	struct vmcore_frames run;
	struct fakedump dump;
	struct vmcore *core;

	fakedump_init(&dump);
	fakedump_header(&dump)->bitmap_blocks = 1;
	memcpy(dump.bytes + FAKEDUMP_RAM, dump.bytes + FAKEDUMP_DUMPED, FAKEDUMP_BLOCK);
	memmove(dump.bytes + FAKEDUMP_DUMPED, dump.bytes + FAKEDUMP_DESCS, FAKEDUMP_BLOCK);
	check_ok(open_bytes(&dump, sizeof(dump.bytes), &core));
	check_page(core, 60);
	check(vmcore_next_frames(core, VMCORE_FRAMES_RAM, 1, &run) && run.pfn_start == 3 && run.pfn_end == 4);
	vmcore_close(core);
}

static void unsupported(void)
{
	struct fakedump dump;
	struct vmcore *core;

	fakedump_init(&dump);
	fakedump_header(&dump)->header_version = 2;
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_UNSUPPORTED, "header_version 2");
	fakedump_header(&dump)->header_version = 7;
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_UNSUPPORTED, "header_version 7");
	fakedump_header(&dump)->header_version = 6 << 24;
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_UNSUPPORTED, "big-endian");
	fakedump_init(&dump);
	memcpy(fakedump_header(&dump)->utsname[4], "alpha\0", 6);
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_UNSUPPORTED, "machine 'alpha'");
	memset(fakedump_header(&dump)->utsname[4], 'x', FMT_KDUMP_UTS_BYTES);
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_UNSUPPORTED, "is not supported");
	fakedump_init(&dump);
	memmove(dump.bytes + 416, dump.bytes + 428, 36);
	fakedump_header(&dump)->block_size = 2;
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_UNSUPPORTED, "32-bit");
	memcpy(dump.bytes, "DISKDUMP", 8);
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_UNSUPPORTED, "ELF, kdump-compressed");
}

static void bad_headers(void)
{
	static const struct {
		size_t offset;
		uint64_t value;
		const char *words;
	} bad[] = {
		{428, 8192, "block_size"}, // And the low half of sub_hdr_size.
		{432, UINT64_C(2) << 32, "sub_hdr_size 0"},
		{432, UINT64_C(2) << 32 | 0x7fffffff, "inside the bitmaps"},
		{432, 1, "bitmap_blocks 0"},
		{432, 1 | UINT64_MAX << 32, "inside the bitmaps"},
		{FAKEDUMP_SUB + 96, 1 << 20, "bitmap_blocks 2"},
		{FAKEDUMP_SUB + 96, UINT64_MAX, "max_mapnr"},
		{FAKEDUMP_SUB + 48, UINT64_MAX, "notes at offset"},
		{FAKEDUMP_SUB + 56, UINT64_MAX, "notes at offset"},
		{FAKEDUMP_SUB + 56, 1 << 20, "notes at offset"},
		{FAKEDUMP_DUMPED, 0, "bitmap is empty"},
	};
	struct fakedump dump;
	struct vmcore *core;

	for (size_t i = 0; i < array_size(bad); i++) {
		fakedump_init(&dump);
		memcpy(dump.bytes + bad[i].offset, &bad[i].value, 8);
		check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_BAD_DATA, bad[i].words);
	}
	fakedump_init(&dump);
	fakedump_sub(&dump)->size_note = 0;
	fakedump_sub(&dump)->size_vmcoreinfo = UINT64_MAX;
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_BAD_DATA, "VMCOREINFO at offset");
	fakedump_sub(&dump)->size_vmcoreinfo = 64;
	fakedump_sub(&dump)->offset_vmcoreinfo = UINT64_MAX - 8;
	check_error(open_bytes(&dump, sizeof(dump.bytes), &core), ERROR_BAD_DATA, "before the VMCOREINFO");
}

static void short_files(void)
{
	struct fakedump dump;

	fakedump_init(&dump);
	for (size_t size = 0; size < sizeof(dump.bytes); size += size < FAKEDUMP_DATA + 64 ? 8 : 1000) {
		struct vmcore *core = NULL;
		struct error *err = open_bytes(&dump, size, &core);

		if (size < 8) {
			check_error(err, ERROR_UNSUPPORTED, "not a dump");
		} else if (size < FAKEDUMP_DUMPED + FAKEDUMP_FRAMES / 8) {
			check_error(err, ERROR_BAD_DATA, "the file ends at offset");
		} else {
			check_ok(err);
			check_error(read_page(core, 63), ERROR_FAULT, "the file ends");
			vmcore_close(core);
		}
	}
}

static void bad_descriptors(void)
{
	static const struct {
		struct fmt_kdump_page_desc desc;
		enum error_code code;
		const char *words;
	} bad[] = {
		{{0, 0, 0, 0}, ERROR_FAULT, "missing from an incomplete dump"},
		{{0, 4096, 0, 0}, ERROR_BAD_DATA, "impossible page descriptor at 0x4018"},
		{{FAKEDUMP_DATA, 0, 0, 0}, ERROR_BAD_DATA, "impossible"},
		{{FAKEDUMP_DATA, 4095, 0, 0}, ERROR_BAD_DATA, "impossible"},
		{{FAKEDUMP_DATA, 4097, 1, 0}, ERROR_BAD_DATA, "impossible"},
		{{FAKEDUMP_DATA, UINT32_MAX, 1, 0}, ERROR_BAD_DATA, "impossible"},
		{{FAKEDUMP_BYTES - 4095, 4096, 0, 0}, ERROR_FAULT, "the file ends"},
		{{UINT64_MAX, 4096, 0, 0}, ERROR_FAULT, "the file ends"},
		{{FAKEDUMP_DATA, 4096, 0x40, 0}, ERROR_BAD_DATA, "flags 0x40"},
		{{FAKEDUMP_DATA, 100, 3, 0}, ERROR_BAD_DATA, "flags 0x3"},
	};
	struct fakedump dump;
	struct vmcore *core;

	for (size_t i = 0; i < array_size(bad); i++) {
		fakedump_init(&dump);
		*fakedump_desc(&dump, 1) = bad[i].desc;
		check_ok(open_bytes(&dump, sizeof(dump.bytes), &core));
		check_error(read_page(core, 3), bad[i].code, bad[i].words);
		check_page(core, 6);
		vmcore_close(core);
	}
	fakedump_init(&dump);
	fakedump_header(&dump)->status = FMT_KDUMP_STATUS_INCOMPLETE;
	check_ok(open_bytes(&dump, sizeof(dump.bytes), &core));
	check(core->is_incomplete);
	vmcore_close(core);
}

// One dump in several files: each has all bitmaps, and the descriptors of its own frames.
static struct fakefile part_file(const struct fakedump *whole, uint64_t pfn_start, uint64_t pfn_end, uint64_t seconds)
{
	struct fakedump part = *whole;
	unsigned int first = (unsigned int)(pfn_start + 2) / 3, last = (unsigned int)(pfn_end + 2) / 3;

	fakedump_sub(&part)->split = 1;
	fakedump_sub(&part)->start_pfn_64 = pfn_start;
	fakedump_sub(&part)->end_pfn_64 = pfn_end;
	fakedump_header(&part)->timestamp_sec += seconds;
	memset(part.bytes + FAKEDUMP_DESCS, 0, FAKEDUMP_BLOCK);
	memcpy(fakedump_desc(&part, 0),
	       (const uint8_t *)whole + FAKEDUMP_DESCS + first * sizeof(*fakedump_desc(&part, 0)),
	       (last - first) * sizeof(*fakedump_desc(&part, 0)));
	return fakefile(part.bytes, sizeof(part.bytes));
}

static void parts(void)
{
	struct fakedump whole;
	struct fakefile files[4];
	const char *paths[4];
	struct vmcore *core;

	fakedump_init(&whole);
	files[0] = part_file(&whole, 0, 10, 0);
	files[1] = part_file(&whole, 10, 10, 0);
	files[2] = part_file(&whole, 10, 31, 0);
	files[3] = part_file(&whole, 31, FAKEDUMP_FRAMES, 0);
	for (unsigned int turn = 0; turn < 4; turn++) {
		for (unsigned int i = 0; i < 4; i++)
			paths[i] = files[(i + turn) % 4].path;
		check_ok(vmcore_open_set(paths, 4, &core));
		for (uint64_t pfn = 0; pfn < FAKEDUMP_FRAMES; pfn += 3)
			check_page(core, pfn);
		check_error(read_page(core, 31), ERROR_FAULT, "not in the dump");
		vmcore_close(core);
	}
	for (unsigned int i = 0; i < 4; i++)
		close(files[i].fd);
}

static void wrong_parts(void)
{
	struct fakedump whole;
	struct vmcore *core;
	struct fakefile low, middle, high, other, full;

	fakedump_init(&whole);
	low = part_file(&whole, 0, 20, 0);
	middle = part_file(&whole, 20, 40, 0);
	high = part_file(&whole, 40, FAKEDUMP_FRAMES, 0);
	other = part_file(&whole, 20, 40, 1);
	full = fakefile(whole.bytes, sizeof(whole.bytes));
	check_error(vmcore_open_set((const char *[]){low.path, high.path}, 2, &core), ERROR_BAD_DATA,
	            "missing: page frames 0x14 to 0x28");
	check_error(vmcore_open_set((const char *[]){high.path, middle.path}, 2, &core), ERROR_BAD_DATA,
	            "missing: page frames 0 to 0x14");
	check_error(vmcore_open_set((const char *[]){middle.path, low.path}, 2, &core), ERROR_BAD_DATA,
	            "missing: page frames 0x28 to 0x40");
	check_error(vmcore_open_set((const char *[]){low.path}, 1, &core), ERROR_BAD_DATA, "missing");
	check_error(vmcore_open_set((const char *[]){low.path, middle.path, high.path, middle.path}, 4, &core),
	            ERROR_BAD_DATA, "both have page frame 0x14");
	check_error(vmcore_open_set((const char *[]){low.path, other.path, high.path}, 3, &core), ERROR_BAD_DATA,
	            "not parts of one dump");
	check_error(vmcore_open_set((const char *[]){low.path, full.path}, 2, &core), ERROR_BAD_DATA, "not a part");
	check_error(vmcore_open_set((const char *[]){full.path, full.path}, 2, &core), ERROR_BAD_DATA, "not a part");
	fakedump_sub(&whole)->split = 1;
	fakedump_sub(&whole)->start_pfn_64 = 30;
	fakedump_sub(&whole)->end_pfn_64 = 29;
	check_error(open_bytes(&whole, sizeof(whole.bytes), &core), ERROR_BAD_DATA, "a part for frames 0x1e to 0x1d");
	fakedump_sub(&whole)->end_pfn_64 = UINT64_MAX;
	check_error(open_bytes(&whole, sizeof(whole.bytes), &core), ERROR_BAD_DATA, "a part for frames");
}

static const struct test tests[] = {
	TEST(good),        TEST(versions),        TEST(one_bitmap), TEST(unsupported), TEST(bad_headers),
	TEST(short_files), TEST(bad_descriptors), TEST(parts),      TEST(wrong_parts),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
