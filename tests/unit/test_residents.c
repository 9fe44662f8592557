// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/residents.h"

#include "report/machine.h"

#include "fakecrash.h"
#include "test.h"

// The address space, where fakecrash.h has it: behind the task that crashed. Others are put there too.
enum {
	MM = 0xc00,
	RSS = 16, // In struct mm_struct.
	COUNTERS = 0xb00, // What the only CPU has: four numbers of 4 bytes.
};

static const struct fakecrash_enumerator enumerators[] = {
	{NULL, "MM_FILEPAGES", 0}, {NULL, "MM_ANONPAGES", 1}, {NULL, "MM_SWAPENTS", 2}, {NULL, "MM_SHMEMPAGES", 3}};

// Since Linux v6.2.
static const struct fakecrash_struct per_cpu_structs[] = {
	{"mm_struct", 256, {{"pgd", 0, 8}, {"total_vm", 8, 8}, {"rss_stat", RSS, 160}, {"pgtables_bytes", 192, 8}}},
	{"percpu_counter", 40, {{"count", 8, 8}, {"counters", 32, 8}}},
};

// Before.
static const struct fakecrash_struct split_structs[] = {
	{"mm_struct", 256, {{"pgd", 0, 8}, {"total_vm", 8, 8}, {"rss_stat", RSS, 32}, {"pgtables_bytes", 192, 8}}},
	{"mm_rss_stat", 32, {{"count", 0, 32}}},
	{"task_rss_stat", 24, {{"count", 4, 16}}},
	{"percpu_counter", 40, {{"count", 8, 8}, {"counters", 32, 8}}},
	{"task_struct",
         0x400,
         {{"__state", 24, 4},
          {"stack", 32, 8},
          {"flags", 40, 4},
          {"tasks", 64, 8},
          {"mm", 80, 8},
          {"exit_state", 88, 4},
          {"pid", 92, 4},
          {"tgid", 96, 4},
          {"parent", 104, 8},
          {"thread_node", 112, 8},
          {"comm", 128, 8},
          {"signal", 144, 8},
          {"thread", 160, 8},
          {"rss_stat", 0x300, 24}}},
};

static void make(struct fakecore *fake, const struct fakecrash_struct *structs, size_t count)
{
	const struct fakecrash_more more = {.structs = structs,
	                                    .struct_count = count,
	                                    .enumerators = enumerators,
	                                    .enumerator_count = array_size(enumerators)};
	uint64_t mm;

	fakecrash_make_more(fake, 3, &more);
	mm = fakecrash_task(FAKECRASH_CRASHED) + MM;
	fakecrash_put(fake, mm + 8, 500, 8);
	fakecrash_put(fake, mm + 192, 12288, 8);
	// A second thread of the process.
	fakecrash_put(fake, fakecrash_task(FAKECRASH_WAITING) + 80, mm, 8);
	fakecrash_put(fake, fakecrash_task(FAKECRASH_WAITING) + 96, 77, 4);
}

static void look(struct fakecore *fake, struct machine **machine, struct residents *residents)
{
	fakecore_open(fake);
	check_ok(machine_open(fake->core, MACHINE_TASKS, machine));
	check_ok(residents_init(residents, (*machine)->kernel, &(*machine)->threads));
}

static void end(struct fakecore *fake, struct machine *machine, struct residents *residents)
{
	residents_deinit(residents);
	machine_close(machine);
	fakecore_deinit(fake);
}

static void check_space(const struct residents *residents)
{
	uint64_t mm = fakecrash_task(FAKECRASH_CRASHED) + MM;
	const struct residents_space *space = residents_find(residents, mm);

	check_text(residents->why, "");
	check(residents->count == 1 && space && space->is_known && space->pid == 77 && space->threads == 2);
	check_text(space->name, "crasher");
	check(space->pages[RESIDENTS_FILE] == 90 && space->pages[RESIDENTS_ANON] == 210);
	// What is below nothing is nothing.
	check(space->pages[RESIDENTS_SHMEM] == 0 && space->pages[RESIDENTS_SWAP] == 7);
	check(residents_pages(space) == 300 && space->table_bytes == 12288 && space->total_pages == 500);
	check(!residents_find(residents, mm + 8));
}

static void per_cpu(void)
{
	static const int64_t sums[] = {100, 200, 0, -5};
	static const int32_t parts[] = {-10, 10, 7, 2};
	struct residents residents;
	struct machine *machine;
	struct fakecore fake;

	make(&fake, per_cpu_structs, array_size(per_cpu_structs));
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t counter = fakecrash_task(FAKECRASH_CRASHED) + MM + RSS + 40 * i;

		fakecrash_put(&fake, counter + 8, (uint64_t)sums[i], 8);
		fakecrash_put(&fake, counter + 32, COUNTERS + 4 * i, 8);
		fakecrash_put(&fake, fakecore_image + FAKECRASH_PER_CPU + COUNTERS + 4 * i, (uint32_t)parts[i], 4);
	}
	look(&fake, &machine, &residents);
	check_space(&residents);
	end(&fake, machine, &residents);
}

// Each thread has a part.
static void split(void)
{
	static const int64_t sums[] = {100, 200, 0, -5};
	static const int32_t parts[2][4] = {{-12, 5, 7, 0}, {2, 5, 0, 2}};
	struct residents residents;
	struct machine *machine;
	struct fakecore fake;

	make(&fake, split_structs, array_size(split_structs));
	for (uint64_t i = 0; i < 4; i++) {
		fakecrash_put(&fake, fakecrash_task(FAKECRASH_CRASHED) + MM + RSS + 8 * i, (uint64_t)sums[i], 8);
		for (unsigned int thread = 0; thread < 2; thread++)
			fakecrash_put(&fake,
			              fakecrash_task(thread ? FAKECRASH_WAITING : FAKECRASH_CRASHED) + 0x304 + 4 * i,
			              (uint32_t)parts[thread][i], 4);
	}
	look(&fake, &machine, &residents);
	check_space(&residents);
	end(&fake, machine, &residents);
}

// What is not there is not nothing.
static void unknown(void)
{
	static const struct fakecrash_struct odd[] = {
		{"mm_struct", 256, {{"pgd", 0, 8}, {"total_vm", 8, 8}, {"rss_stat", RSS, 48}}},
		{"percpu_counter", 40, {{"count", 8, 8}, {"counters", 32, 8}}},
	};
	struct residents residents;
	struct machine *machine;
	struct fakecore fake;

	make(&fake, odd, array_size(odd));
	look(&fake, &machine, &residents);
	check(residents.count == 1 && !residents.list[0].is_known && residents_pages(&residents.list[0]) == 0);
	check_text(residents.why, "process 77: counters of processes of a kind that is not known");
	end(&fake, machine, &residents);
	// Counters of CPUs that are nowhere.
	make(&fake, per_cpu_structs, array_size(per_cpu_structs));
	fakecrash_put(&fake, fakecrash_task(FAKECRASH_CRASHED) + MM + RSS + 32, 1, 8);
	fakecrash_put(&fake, fakecrash_variable(FAKECRASH_PER_CPU_OFFSET), UINT64_C(0x7fff00000000), 8);
	look(&fake, &machine, &residents);
	check(residents.why[0] && (residents.count == 0 || !residents.list[0].is_known));
	end(&fake, machine, &residents);
}

static const struct test tests[] = {TEST(per_cpu), TEST(split), TEST(unknown)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
