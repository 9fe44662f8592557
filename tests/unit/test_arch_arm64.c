// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptors are written here from the Arm ARM, D8.3 "Translation table descriptor formats".
#include "core/arch.h"

#include "fakecore.h"
#include "test.h"

enum {
	MEMORY_BYTES = 4 << 20,
	SLOT_BYTES = 64 << 10, // A table each: enough for every size of page.
	VALID = 1,
	TABLE_OR_PAGE = 2,
	ACCESSED = 1 << 10,
	INNER_SHAREABLE = 3 << 8,
};

static const uint64_t image_offset = UINT64_C(0xffff800045a00000);
static const uint64_t page_attributes = UINT64_C(3) << 53 | ACCESSED | TABLE_OR_PAGE | VALID;

// A kernel and the CPU it runs on.
struct machine {
	unsigned int page_shift, va_bits, va_actual;
	unsigned int level_count; // Of the walk.
	uint64_t paddr_start; // Where the tables lie.
};

static const struct machine machines[] = {
	{12, 39, 39, 3, 0x40000000},
	{12, 48, 48, 4, 0x40000000},
	{12, 52, 48, 4, 0x40000000}, // Built for LPA2, on a CPU without.
	{12, 52, 52, 5, UINT64_C(0xd000040000000)}, // LPA2, and memory where it takes all bits to tell.
	{14, 47, 47, 3, 0x40000000},
	{14, 48, 48, 4, 0x40000000},
	{14, 52, 47, 3, 0x40000000},
	{14, 52, 52, 4, UINT64_C(0xe000040000000)},
	{16, 42, 42, 2, 0x40000000},
	{16, 48, 48, 3, 0x40000000},
	{16, 52, 48, 3, 0x40000000},
	{16, 52, 52, 3, UINT64_C(0xd000040000000)}, // LVA and LPA.
};

static bool is_lpa2(const struct machine *machine)
{
	return machine->page_shift < 16 && machine->va_actual == 52;
}

static uint64_t address_bits(const struct machine *machine, uint64_t paddr)
{
	if (machine->page_shift == 16)
		return (paddr & UINT64_C(0x0000ffffffff0000)) | (paddr >> 48 & 15) << 12;
	if (is_lpa2(machine))
		return (paddr & UINT64_C(0x0003fffffffff000)) | (paddr >> 50 & 3) << 8;
	return paddr;
}

static uint64_t leaf(const struct machine *machine, uint64_t paddr)
{
	return address_bits(machine, paddr) | page_attributes | (is_lpa2(machine) ? 0 : INNER_SHAREABLE);
}

// A path of tables to an address; returns where the entry of a level is, in the memory.
static uint64_t *entry_at(struct fakecore *fake, const struct machine *machine, uint64_t vaddr, unsigned int level)
{
	unsigned int index_bits = machine->page_shift - 3;
	uint64_t slot = 0;

	for (unsigned int at = machine->level_count - 1;; at--) {
		unsigned int shift = machine->page_shift + at * index_bits;
		// The root of 64 KiB pages has room for the bits the kernel was built for; the CPU's own start at its end.
		unsigned int root_bits = (machine->page_shift == 16 ? machine->va_bits : machine->va_actual) - shift;
		unsigned int bits = at == machine->level_count - 1 ? root_bits : index_bits;
		uint64_t *entry = (uint64_t *)(fake->memory + slot) + (vaddr >> shift & ((UINT64_C(1) << bits) - 1));

		if (at == level)
			return entry;
		slot += SLOT_BYTES;
		*entry = address_bits(machine, machine->paddr_start + slot) | ACCESSED | TABLE_OR_PAGE | VALID;
	}
}

static void start(struct fakecore *fake, const struct machine *machine)
{
	*fake = (struct fakecore){
		.memory_bytes = MEMORY_BYTES, .fd = -1, .machine = EM_AARCH64, .paddr_start = machine->paddr_start};
	fake->memory = calloc(1, MEMORY_BYTES);
	check(fake->memory);
	fakecore_info(fake, "PAGESIZE=%u\nSYMBOL(swapper_pg_dir)=%jx\nNUMBER(kimage_voffset)=0x%jx\n",
	              1U << machine->page_shift, (uintmax_t)(machine->paddr_start + image_offset),
	              (uintmax_t)image_offset);
	fakecore_info(fake, "NUMBER(VA_BITS)=%u\nNUMBER(TCR_EL1_T1SZ)=0x%x\n", machine->va_bits,
	              64 - machine->va_actual);
}

static void expect(struct fakecore *fake, uint64_t vaddr, uint64_t paddr, uint64_t run_bytes)
{
	uint64_t got, run;

	check_ok(xlat_translate(&fake->xlat, &fake->reader, vaddr, &got, &run));
	check(got == paddr && run == run_bytes);
}

static void walk(const struct machine *machine)
{
	uint64_t page = UINT64_C(1) << machine->page_shift, block = page << (machine->page_shift - 3);
	uint64_t lowest = UINT64_MAX << machine->va_actual, highest = -block,
		 high = machine->paddr_start & ~UINT64_C(0x7fffffff);
	struct fakecore fake;
	uint64_t paddr;

	start(&fake, machine);
	*entry_at(&fake, machine, lowest, 0) = leaf(machine, high + 5 * page);
	*entry_at(&fake, machine, lowest + page, 0) = leaf(machine, high + 3 * page);
	*entry_at(&fake, machine, lowest + 2 * page, 0) = leaf(machine, 0) & ~(uint64_t)TABLE_OR_PAGE; // Reserved.
	*entry_at(&fake, machine, lowest + 3 * page, 0) = leaf(machine, 0) & ~(uint64_t)VALID;
	*entry_at(&fake, machine, lowest + block, 1) = leaf(machine, high + 7 * block) & ~(uint64_t)TABLE_OR_PAGE;
	*entry_at(&fake, machine, highest, 1) = leaf(machine, high + block) & ~(uint64_t)TABLE_OR_PAGE;
	fakecore_open(&fake);
	check(vmcore_page_bytes(fake.core) == page);
	check(fake.xlat.level_count == machine->level_count);
	expect(&fake, lowest + 0x123, high + 5 * page + 0x123, page - 0x123);
	expect(&fake, lowest + page, high + 3 * page, page);
	expect(&fake, lowest + block + 0x1234, high + 7 * block + 0x1234, block - 0x1234);
	expect(&fake, UINT64_MAX, high + 2 * block - 1, 1);
	for (unsigned int i = 2; i < 5; i++)
		check_error(xlat_translate(&fake.xlat, &fake.reader, lowest + i * page, &paddr, NULL), ERROR_FAULT,
		            "not mapped");
	// The same index in every table, but no address of the kernel.
	check_error(xlat_translate(&fake.xlat, &fake.reader, lowest & ~(UINT64_C(1) << 63), &paddr, NULL), ERROR_FAULT,
	            "no virtual address");
	check_error(xlat_translate(&fake.xlat, &fake.reader, 0, &paddr, NULL), ERROR_FAULT, "no virtual address");
	fakecore_deinit(&fake);
}

static void walks(void)
{
	for (size_t i = 0; i < array_size(machines); i++)
		walk(&machines[i]);
}

// What a process maps.
struct mapped {
	uint64_t paddr[8], size_bytes[8];
	size_t count;
};

static void note_page(void *context, uint64_t paddr, uint64_t size_bytes)
{
	struct mapped *mapped = context;

	check(mapped->count < array_size(mapped->paddr));
	mapped->paddr[mapped->count] = paddr;
	mapped->size_bytes[mapped->count++] = size_bytes;
}

// Entries as arch/arm64/include/asm/pgtable.h makes them, before and since v6.11.
static void walk_process(const struct machine *machine)
{
	const uint64_t prot_none = UINT64_C(1) << 58, present_invalid = 1 << 11, valid = VALID, type = TABLE_OR_PAGE;
	uint64_t page = UINT64_C(1) << machine->page_shift, block = page << (machine->page_shift - 3);
	uint64_t high = machine->paddr_start & ~UINT64_C(0x7fffffff), wanted[4];
	struct mapped mapped = {0};
	struct xlat_walk pages = {.page = note_page, .context = &mapped, .tables_left = 100};
	struct fakecore fake;

	start(&fake, machine);
	*entry_at(&fake, machine, 0, 0) = leaf(machine, wanted[0] = high + 5 * page);
	*entry_at(&fake, machine, page, 0) = (leaf(machine, wanted[1] = high + 6 * page) & ~valid) | prot_none;
	*entry_at(&fake, machine, 2 * page, 0) =
		(leaf(machine, wanted[2] = high + 7 * page) & ~valid) | present_invalid;
	// Swapped out: type and offset, up to bit 57 before, from bit 12 on since.
	*entry_at(&fake, machine, 3 * page, 0) = UINT64_C(0x1234567) << 8 | 1 << 3;
	*entry_at(&fake, machine, 4 * page, 0) = UINT64_C(0xffffffffff) << 12 | 1 << 6;
	// A huge page that is being split, and one that is moved to another place.
	*entry_at(&fake, machine, block, 1) =
		(leaf(machine, wanted[3] = high + 7 * block) & ~(type | valid)) | present_invalid;
	*entry_at(&fake, machine, 2 * block, 1) = UINT64_C(0xffff) << 12 | 31 << 6;
	fakecore_open(&fake);
	check_ok(xlat_walk_process(&fake.xlat, &fake.reader, machine->paddr_start, &pages));
	check(mapped.count == 4);
	for (size_t i = 0; i < 4; i++)
		check(mapped.paddr[i] == wanted[i] && mapped.size_bytes[i] == (i < 3 ? page : block));
	fakecore_deinit(&fake);
}

static void processes(void)
{
	for (size_t i = 0; i < array_size(machines); i++)
		walk_process(&machines[i]);
}

// Before v5.9 VMCOREINFO had no TCR_EL1_T1SZ.
static void without_t1sz(void)
{
	const struct machine *machine = &machines[1];
	uint64_t vaddr = UINT64_MAX << 48;
	struct fakecore fake;

	start(&fake, machine);
	*strstr(fake.info, "NUMBER(TCR") = '\0';
	*entry_at(&fake, machine, vaddr, 0) = leaf(machine, 0x41000000);
	fakecore_open(&fake);
	expect(&fake, vaddr, 0x41000000, 4096);
	fakecore_deinit(&fake);
}

static void refuse(const char *from, const char *to, const char *text)
{
	struct fakecore fake;
	struct xlat xlat;
	char *at;

	start(&fake, &machines[2]);
	fakecore_open(&fake);
	at = strstr(fake.core->info.text, from);
	check(at && strlen(from) == strlen(to));
	memcpy(at, to, strlen(to));
	check_error(xlat_init(&xlat, fake.core), ERROR_BAD_DATA, text);
	fakecore_deinit(&fake);
}

static void bad_vmcoreinfo(void)
{
	refuse("swapper_pg_dir", "swapper_pg_xxx", "SYMBOL(swapper_pg_dir)");
	refuse("kimage_voffset", "kimage_voffxxx", "NUMBER(kimage_voffset)");
	refuse("NUMBER(VA_BITS)", "NUMBER(VA_XXXX)", "NUMBER(VA_BITS)");
	refuse("(VA_BITS)=52", "(VA_BITS)=64", "64 bits");
	refuse("(VA_BITS)=52", "(VA_BITS)=-1", "-1 bits");
	refuse("T1SZ)=0x10", "T1SZ)=0x0b", "impossible virtual addresses");
	refuse("T1SZ)=0x10", "T1SZ)=0x40", "impossible virtual addresses");
	refuse("T1SZ)=0x10", "T1SZ)=-999", "impossible virtual addresses");
}

static void page_size_not_told(void)
{
	static const char *const lines[] = {"PAGESIZE=4095\n", "PAGESIZE=x\n", "PAGESIZE=\n", ""};

	for (size_t i = 0; i < array_size(lines); i++) {
		struct fakecore fake;
		struct vmcore *core;
		struct xlat xlat;

		start(&fake, &machines[1]);
		*fake.info = '\0';
		fakecore_info(&fake,
		              "PAGESIZE=65536\nSYMBOL(swapper_pg_dir)=%jx\nNUMBER(VA_BITS)=48\n"
		              "NUMBER(kimage_voffset)=0x%jx\n",
		              (uintmax_t)(0x40000000 + image_offset), (uintmax_t)image_offset);
		fakecore_open(&fake);
		check(vmcore_page_bytes(fake.core) == 65536);
		memset(fake.info, '\n', strlen("PAGESIZE=65536\n"));
		memcpy(fake.info, lines[i], strlen(lines[i]));
		check_ok(io_pwrite(fake.fd, fake.info, strlen(fake.info), 4096 + 24));
		check_ok(vmcore_open(fake.path, &core));
		check(core->is_page_size_guessed && vmcore_page_bytes(core) == 4096);
		check_error(xlat_init(&xlat, core), ERROR_BAD_DATA, "page size");
		vmcore_close(core);
		fakecore_deinit(&fake);
	}
}

static const struct test tests[] = {TEST(walks), TEST(processes), TEST(without_t1sz), TEST(bad_vmcoreinfo),
                                    TEST(page_size_not_told)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
