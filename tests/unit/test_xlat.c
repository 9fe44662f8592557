// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/xlat.h"

#include "fakecore.h"
#include "test.h"

enum { MEMORY_BYTES = 4 << 20 };

static const uint64_t direct = UINT64_C(0xffff888000000000);

static void expect(struct fakecore *fake, uint64_t vaddr, uint64_t paddr, uint64_t run_bytes)
{
	uint64_t got, run;

	check_ok(xlat_translate(&fake->xlat, &fake->reader, vaddr, &got, &run));
	check(got == paddr && run == run_bytes);
}

static void page_sizes(void)
{
	struct fakecore fake;
	uint64_t paddr;

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_map(&fake, direct, 0x123000, 4096);
	fakecore_map(&fake, direct + (2 << 20), 2 << 20, 2 << 20);
	// Bit 12 of a large entry is PAT, not part of its address.
	fakecore_map(&fake, direct + (4 << 20), (2 << 20) | 1 << 12, 2 << 20);
	fakecore_map(&fake, direct + (UINT64_C(1) << 30), 0, 1 << 30);
	fakecore_open(&fake);
	expect(&fake, direct + 0x10, 0x123010, 4096 - 0x10);
	expect(&fake, direct + (2 << 20) + 0x12345, (2 << 20) + 0x12345, (2 << 20) - 0x12345);
	expect(&fake, direct + (4 << 20) + 0x10, (2 << 20) + 0x10, (2 << 20) - 0x10);
	expect(&fake, direct + (UINT64_C(1) << 30) + 0x345678, 0x345678, (1 << 30) - 0x345678);
	check_error(xlat_translate(&fake.xlat, &fake.reader, direct + 4096, &paddr, NULL), ERROR_FAULT, "not mapped");
	// The same entries of the tables, but no address of the kernel.
	check_error(xlat_translate(&fake.xlat, &fake.reader, direct & INT64_MAX, &paddr, NULL), ERROR_FAULT,
	            "no virtual address");
	check_error(xlat_translate(&fake.xlat, &fake.reader, 0, &paddr, NULL), ERROR_FAULT, "no virtual address");
	fakecore_deinit(&fake);
}

static void reading(void)
{
	uint8_t want[12288], got[12288];
	struct fakecore fake;
	uint64_t value;

	fakecore_init(&fake, MEMORY_BYTES);
	// Three pages in a row that lie in reverse.
	for (unsigned int i = 0; i < 3; i++)
		fakecore_map(&fake, direct + 4096 * i, 0x200000 - 4096 * i, 4096);
	for (size_t i = 0; i < sizeof(want); i++) {
		want[i] = (uint8_t)(i * 31 + i / 256);
		fake.memory[0x200000 - 4096 * (i / 4096) + i % 4096] = want[i];
	}
	fakecore_open(&fake);
	for (size_t start = 0; start < sizeof(want); start += 1000) {
		for (size_t size = 0; start + size <= sizeof(want); size += 777) {
			check_ok(xlat_read(&fake.xlat, &fake.reader, direct + start, got, size));
			check(memcmp(got, want + start, size) == 0);
		}
	}
	check_error(xlat_read(&fake.xlat, &fake.reader, direct + 8192, got, 4097), ERROR_FAULT, "");
	check_ok(xlat_read_uint(&fake.xlat, &fake.reader, direct + 4094, 4, &value));
	check(value ==
	      (want[4094] | (uint32_t)want[4095] << 8 | (uint32_t)want[4096] << 16 | (uint32_t)want[4097] << 24));
	check_ok(xlat_read_uint(&fake.xlat, &fake.reader, direct + 1, 1, &value));
	check(value == want[1]);
	check_ok(xlat_read_uint(&fake.xlat, &fake.reader, direct + 1, 2, &value));
	check(value == (uint32_t)(want[1] | want[2] << 8));
	fakecore_deinit(&fake);
}

// Tables that point to themselves, outside of memory, or to nothing: an error, and soon.
static void damage(void)
{
	struct fakecore fake;

	fakecore_init(&fake, MEMORY_BYTES);
	fakecore_open(&fake);
	srand(1);
	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t value =
			i % 2 ? ((uint64_t)rand() << 32 | (uint64_t)rand()) | 1 : FAKECORE_PGD | 1 | (i & 0x80);
		uint64_t vaddr = fakecore_image + (uint64_t)rand() % MEMORY_BYTES, paddr;
		uint64_t table = FAKECORE_PGD + 4096 * (i % 3);

		for (uint64_t at = 0; at < 4096; at += 8)
			fakecore_poke(&fake, table + at, &value, 8);
		error_free(xlat_translate(&fake.xlat, &fake.reader, vaddr, &paddr, NULL));
		fakecore_poke(&fake, table, fake.memory + table, 4096);
	}
	fakecore_deinit(&fake);
}

static const struct test tests[] = {TEST(page_sizes), TEST(reading), TEST(damage)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
