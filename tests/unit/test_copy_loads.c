// SPDX-License-Identifier: GPL-2.0-or-later
// Program headers that an ELF dump gets from its input.
#include "dump/copy_job.h"
#include "test.h"

enum { LOADS = 20, DELTAS = 3, FLAGS = 2, SPACE = 64 };

// Bytes of a piece of memory that loads give one address and flags, as a mask.
static uint64_t bytes_of(const struct vmcore_load *load, uint64_t start, uint64_t end)
{
	uint64_t mask = 0;

	for (uint64_t at = load->paddr; at < load->paddr + load->file_bytes; at++)
		if (at >= start && at < end)
			mask |= UINT64_C(1) << at;
	return mask;
}

// Loads in any order, that overlap or do not: what is found of a piece is what all of them have of it, each byte once.
static void loads_are_found(void)
{
	srand(1);
	for (unsigned int turn = 0; turn < 500; turn++) {
		struct vmcore_load list[LOADS] = {0};
		struct vmcore core = {.loads = list, .load_count = 1 + (size_t)(rand() % LOADS)};
		struct copy copy = {.core = &core};
		struct copy_loads loads;

		for (size_t i = 0; i < core.load_count; i++) {
			list[i].paddr = (uint64_t)(rand() % (SPACE - 16));
			list[i].vaddr = list[i].paddr + (uint64_t)(rand() % DELTAS) * 4096;
			list[i].file_bytes = list[i].memory_bytes = (uint64_t)(rand() % 16);
			list[i].flags = (uint32_t)(rand() % FLAGS);
		}
		check_ok(copy_loads_init(&copy, &loads));
		for (unsigned int piece = 0; piece < 50; piece++) {
			uint64_t start = (uint64_t)(rand() % SPACE), end = start + 1 + (uint64_t)(rand() % 20);
			uint64_t wanted[DELTAS][FLAGS] = {0}, found[DELTAS][FLAGS] = {0};

			for (size_t i = 0; i < core.load_count; i++)
				wanted[(list[i].vaddr - list[i].paddr) / 4096][list[i].flags] |=
					bytes_of(&list[i], start, end);
			for (size_t i = copy_loads_next(&loads, 0, start, end); i < loads.count;
			     i = copy_loads_next(&loads, i + 1, start, end)) {
				const struct vmcore_load *load = &loads.list[i];
				uint64_t *mask = &found[(load->vaddr - load->paddr) / 4096][load->flags];
				uint64_t bytes = bytes_of(load, start, end);

				check(bytes && !(*mask & bytes));
				*mask |= bytes;
			}
			check(memcmp(wanted, found, sizeof(wanted)) == 0);
		}
		copy_loads_deinit(&loads);
	}
}

static const struct test tests[] = {TEST(loads_are_found)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
