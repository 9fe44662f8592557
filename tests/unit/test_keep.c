// SPDX-License-Identifier: GPL-2.0-or-later
// Processes that are kept, in a small machine with tasks, types and page tables of its own; and what damages them.
#include "dump/keep.h"

#include "base/bitmap.h"
#include "dump/copy.h"
#include "fakebtf.h"
#include "fakesyms.h"
#include "test.h"

enum {
	MEMORY_BYTES = 16 << 20,
	PAGES = MEMORY_BYTES / 4096,
	PAGE_STRUCTS = 0x100000,
	STRUCT_BYTES = 64,
	MEM_MAP = 0x180000,
	SYMBOLS = 0x190000,
	BTF = 0x1a0000,
	// Tasks, signals, mm_structs: one for each number.
	TASKS = 0x1b0000,
	TASK_BYTES = 256,
	SIGNALS = 0x1c0000,
	SIGNAL_BYTES = 64,
	MMS = 0x1d0000,
	MM_BYTES = 64,
	// Members, as make_types() tells them.
	TASK_TASKS = 16,
	TASK_PID = 32,
	TASK_MM = 40,
	TASK_SIGNAL = 48,
	TASK_THREAD_NODE = 56,
	TASK_COMM = 72,
	SIGNAL_THREAD_HEAD = 16,
	MM_PGD = 8,
	// Page tables of processes: four for each.
	TABLES = 0x200000,
	// What they map.
	SINGLE = 0x500, // Anonymous.
	HIDDEN, // Anonymous, PROT_NONE, address not inverted.
	INVERTED, // The same, inverted.
	SWAPPED, // Anonymous, but the entry is one of swap.
	POISONED,
	OFFLINE,
	CACHED,
	FREE,
	LOST, // Of another process.
	OTHER, // Of a thread that has a name of its own.
	SHARED, // Of both.
	HUGE = 0x600, // 2 MiB, of which one page is broken.
	HUGE_POISONED = HUGE + 7,
	BAD_HUGE = 0x800, // 2 MiB, of which the first is broken.
	SPLIT_HUGE = 0xa00, // 2 MiB, not present, being split.
	HUGE_PAGES = 512,
	FLAG_LRU = 4,
	FLAG_HWPOISON = 22,
	TYPE_BUDDY = -129,
	TYPE_OFFLINE = -257,
	ENTRY_USER = 0x67,
	ENTRY_LARGE = 0x80,
	ENTRY_PROTNONE = 0x100,
};

static const uint64_t user_vaddr = 0x7f0000000000;
static const uint64_t address_mask = UINT64_C(0x000ffffffffff000);

// Numbers of the tasks.
enum { INIT, KEPT, THREAD, SIBLING, KERNEL, OUTSIDE, TASK_COUNT };

static void put(struct fakecore *fake, uint64_t paddr, uint64_t value)
{
	memcpy(fake->memory + paddr, &value, 8);
}

static uint64_t task(unsigned int number)
{
	return TASKS + number * TASK_BYTES;
}

static uint64_t signal_of(unsigned int number)
{
	return SIGNALS + number * SIGNAL_BYTES;
}

static uint64_t mm_of(unsigned int number)
{
	return MMS + number * MM_BYTES;
}

static uint64_t pgd_of(unsigned int number)
{
	return TABLES + number * 0x4000;
}

static void link_nodes(struct fakecore *fake, uint64_t head, const uint64_t *nodes, size_t count)
{
	uint64_t last = head;

	for (size_t i = 0; i < count; i++) {
		put(fake, last, fakecore_image + nodes[i]);
		put(fake, nodes[i] + 8, fakecore_image + last);
		last = nodes[i];
	}
	put(fake, last, fakecore_image + head);
	put(fake, head + 8, fakecore_image + last);
}

static void make_task(struct fakecore *fake, unsigned int number, const char *name, uint64_t mm, uint64_t signal)
{
	put(fake, task(number) + TASK_PID, number == INIT ? 0 : 100 + number);
	put(fake, task(number) + TASK_MM, mm ? fakecore_image + mm : 0);
	put(fake, task(number) + TASK_SIGNAL, fakecore_image + signal);
	memcpy(fake->memory + task(number) + TASK_COMM, name, strlen(name));
}

// One thread each, but for SIBLING, which has another thread, of its own name: THREAD.
static void make_tasks(struct fakecore *fake)
{
	const uint64_t nodes[] = {task(KEPT) + TASK_TASKS, task(SIBLING) + TASK_TASKS, task(KERNEL) + TASK_TASKS,
	                          task(OUTSIDE) + TASK_TASKS};
	const uint64_t threads[] = {task(SIBLING) + TASK_THREAD_NODE, task(THREAD) + TASK_THREAD_NODE};
	static const unsigned int single[] = {INIT, KEPT, KERNEL, OUTSIDE};

	make_task(fake, INIT, "swapper/0", 0, signal_of(INIT));
	make_task(fake, KEPT, "kept", mm_of(KEPT), signal_of(KEPT));
	make_task(fake, SIBLING, "leader", mm_of(SIBLING), signal_of(SIBLING));
	make_task(fake, THREAD, "worker of a lon", mm_of(SIBLING), signal_of(SIBLING));
	make_task(fake, KERNEL, "kthreadd", 0, signal_of(KERNEL));
	make_task(fake, OUTSIDE, "outside", mm_of(OUTSIDE), signal_of(OUTSIDE));
	link_nodes(fake, task(INIT) + TASK_TASKS, nodes, array_size(nodes));
	for (size_t i = 0; i < array_size(single); i++) {
		uint64_t node = task(single[i]) + TASK_THREAD_NODE;

		link_nodes(fake, signal_of(single[i]) + SIGNAL_THREAD_HEAD, &node, 1);
	}
	link_nodes(fake, signal_of(SIBLING) + SIGNAL_THREAD_HEAD, threads, 2);
}

// One table of each level: the first 512 pages from user_vaddr on, and 2 MiB pages behind them.
static void make_tables(struct fakecore *fake, unsigned int number)
{
	uint64_t at = pgd_of(number);

	put(fake, mm_of(number) + MM_PGD, fakecore_image + at);
	put(fake, at + (user_vaddr >> 39) * 8, (at + 0x1000) | ENTRY_USER);
	// The upper half is the kernel's; what it maps is not of the process.
	put(fake, at + 511 * 8, (pgd_of(OUTSIDE) + 0x1000) | ENTRY_USER);
	put(fake, at + 0x1000 + (user_vaddr >> 30 & 511) * 8, (at + 0x2000) | ENTRY_USER);
	put(fake, at + 0x2000, (at + 0x3000) | ENTRY_USER);
}

static void map_page(struct fakecore *fake, unsigned int number, unsigned int index, uint64_t entry)
{
	put(fake, pgd_of(number) + 0x3000 + 8 * index, entry);
}

static void map_large(struct fakecore *fake, unsigned int number, unsigned int index, uint64_t entry)
{
	put(fake, pgd_of(number) + 0x2000 + 8 * index, entry);
}

static uint64_t page_struct(uint64_t pfn)
{
	return PAGE_STRUCTS + pfn * STRUCT_BYTES;
}

static void make_page(struct fakecore *fake, uint64_t pfn, uint64_t flags, bool is_anon, int32_t type)
{
	put(fake, page_struct(pfn), flags);
	put(fake, page_struct(pfn) + 24, is_anon ? 0xffff888000000001 : 0);
	memcpy(fake->memory + page_struct(pfn) + 48, &type, 4);
}

static void make_huge(struct fakecore *fake, uint64_t pfn)
{
	for (uint64_t i = 1; i < HUGE_PAGES; i++)
		put(fake, page_struct(pfn + i) + 8, (fakecore_image + page_struct(pfn)) | 1);
	make_page(fake, pfn, UINT64_C(1) << 16, true, -1);
	fake->memory[page_struct(pfn + 1) + 17] = 9;
}

static void make_pages(struct fakecore *fake)
{
	const uint64_t poison = UINT64_C(1) << FLAG_HWPOISON;

	for (uint64_t pfn = 0; pfn < PAGES; pfn++)
		make_page(fake, pfn, 0, false, -1);
	for (uint64_t pfn = SINGLE; pfn <= SHARED; pfn++)
		make_page(fake, pfn, pfn == POISONED ? poison : 0, true, -1);
	make_page(fake, OFFLINE, 0, false, TYPE_OFFLINE);
	make_page(fake, CACHED, UINT64_C(1) << FLAG_LRU, false, -1);
	make_page(fake, FREE, 0, false, TYPE_BUDDY);
	make_huge(fake, HUGE);
	put(fake, page_struct(HUGE_POISONED), poison);
	make_huge(fake, BAD_HUGE);
	put(fake, page_struct(BAD_HUGE), UINT64_C(1) << 16 | poison);
	make_huge(fake, SPLIT_HUGE);
}

static void make_memory(struct fakecore *fake)
{
	static const unsigned int mapped[] = {SINGLE, POISONED, OFFLINE, CACHED, FREE, SHARED};

	make_tables(fake, KEPT);
	make_tables(fake, SIBLING);
	make_tables(fake, OUTSIDE);
	for (unsigned int i = 0; i < array_size(mapped); i++)
		map_page(fake, KEPT, i, (uint64_t)mapped[i] * 4096 | ENTRY_USER);
	map_page(fake, KEPT, 100, HIDDEN * 4096 | ENTRY_PROTNONE);
	map_page(fake, KEPT, 101, (INVERTED * 4096 ^ address_mask) | ENTRY_PROTNONE);
	map_page(fake, KEPT, 102, SWAPPED * 4096);
	// Memory of a device.
	map_page(fake, KEPT, 511, UINT64_C(0xfe000000) | ENTRY_USER);
	map_large(fake, KEPT, 1, HUGE * 4096 | ENTRY_USER | ENTRY_LARGE);
	map_large(fake, KEPT, 2, BAD_HUGE * 4096 | ENTRY_USER | ENTRY_LARGE);
	map_large(fake, KEPT, 3, (SPLIT_HUGE * 4096 ^ address_mask) | ENTRY_LARGE);
	map_page(fake, SIBLING, 0, OTHER * 4096 | ENTRY_USER);
	map_page(fake, SIBLING, 1, SHARED * 4096 | ENTRY_USER);
	map_page(fake, OUTSIDE, 0, LOST * 4096 | ENTRY_USER);
}

static void make_struct(struct fakebtf *btf, const char *name, uint32_t u64, const char *const *members,
                        const uint32_t *offsets, uint32_t count)
{
	fakebtf_type(btf, name, 4, false, count, 256);
	for (uint32_t i = 0; i < count; i++)
		fakebtf_member(btf, members[i], u64, 8 * offsets[i]);
}

static void make_types(struct fakebtf *btf)
{
	static const char *const task_members[] = {"tasks", "pid", "mm", "signal", "thread_node", "comm"};
	static const uint32_t task_offsets[] = {TASK_TASKS,  TASK_PID,         TASK_MM,
	                                        TASK_SIGNAL, TASK_THREAD_NODE, TASK_COMM};
	static const char *const signal_members[] = {"thread_head"}, *const mm_members[] = {"pgd"};
	static const uint32_t signal_offsets[] = {SIGNAL_THREAD_HEAD}, mm_offsets[] = {MM_PGD};
	uint32_t u64;

	fakebtf_init(btf);
	u64 = fakebtf_int(btf, "unsigned long", 8);
	make_struct(btf, "task_struct", u64, task_members, task_offsets, array_size(task_offsets));
	make_struct(btf, "signal_struct", u64, signal_members, signal_offsets, 1);
	make_struct(btf, "mm_struct", u64, mm_members, mm_offsets, 1);
}

// What the kernel says of itself.
enum knowledge {
	KNOWS_ALL,
	KNOWS_FUNCTIONS, // Its symbols are those of functions: tasks and types are there to be searched.
	KNOWS_NO_TYPES,
};

static void machine_init(struct fakecore *fake, enum knowledge knowledge)
{
	static const size_t counts[] = {[KNOWS_ALL] = 4, [KNOWS_FUNCTIONS] = 1, [KNOWS_NO_TYPES] = 2};
	static struct fakebtf btf;
	struct fakesym list[] = {{'T', "_stext", fakecore_image + 0x100000},
	                         {'D', "init_task", fakecore_image + task(INIT)},
	                         {'r', "__start_BTF", fakecore_image + BTF},
	                         {'r', "__stop_BTF", 0}};
	struct fakesyms syms = {.list = list, .count = counts[knowledge], .marker_bytes = 4, .paddr = SYMBOLS};

	make_types(&btf);
	list[3].vaddr = fakecore_image + BTF + fakebtf_bytes(&btf);
	fakecore_init(fake, MEMORY_BYTES);
	fakecore_info(fake, "SYMBOL(_stext)=%jx\nSYMBOL(mem_map)=%jx\n", (uintmax_t)list[0].vaddr,
	              (uintmax_t)(fakecore_image + MEM_MAP));
	fakecore_info(fake, "SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.compound_head)=8\n"
	                    "OFFSET(page.mapping)=24\nOFFSET(page.private)=40\nOFFSET(page._mapcount)=48\n"
	                    "OFFSET(page.compound_dtor)=16\nOFFSET(page.compound_order)=17\nNUMBER(PG_lru)=4\n"
	                    "NUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\n"
	                    "NUMBER(PG_slab)=9\nNUMBER(PG_hwpoison)=22\nNUMBER(PG_head_mask)=65536\n"
	                    "NUMBER(HUGETLB_PAGE_DTOR)=2\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n"
	                    "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n");
	fakesyms_write(fake, &syms);
	if (knowledge != KNOWS_NO_TYPES)
		fakebtf_put(&btf, fake, BTF);
	put(fake, MEM_MAP, fakecore_image + PAGE_STRUCTS);
	make_pages(fake);
	make_tasks(fake);
	make_memory(fake);
	fakecore_open(fake);
}

// What scans and processes give.
struct result {
	uint64_t plain[PAGES / 64]; // Without processes.
	uint64_t set[PAGES / 64];
	struct scan_result scan;
	struct keep keep;
};

static void run(struct fakecore *fake, const char *const *names, struct result *ret)
{
	_cleanup_scan_ struct scan scan = {0};
	struct error *unknown;

	*ret = (struct result){0};
	check_ok(scan_init(&scan, fake->core, 31, 1, &unknown));
	check_ok(unknown);
	check_ok(scan_window(&scan, 0, PAGES, ret->set, &ret->scan));
	memcpy(ret->plain, ret->set, sizeof(ret->set));
	check_ok(keep_init(&ret->keep, &scan, names));
	check_ok(keep_window(&ret->keep, 0, PAGES, ret->set, &ret->scan.counts));
}

// Exactly these frames were added: single ones, and 2 MiB from some on, of which one is left out.
static void expect_added(const struct result *got, const unsigned int *singles, size_t single_count,
                         const unsigned int *huges, size_t huge_count, uint64_t left_out)
{
	uint64_t count = 0;

	for (uint64_t pfn = 0; pfn < PAGES; pfn++) {
		bool is_wanted = false;

		for (size_t i = 0; i < single_count; i++)
			is_wanted |= pfn == singles[i];
		for (size_t i = 0; i < huge_count; i++)
			is_wanted |= pfn >= huges[i] && pfn < huges[i] + HUGE_PAGES && pfn != left_out;
		if ((bitmap_test(got->set, pfn) && !bitmap_test(got->plain, pfn)) != is_wanted)
			fprintf(stderr, "page frame %#jx\n", (uintmax_t)pfn);
		check((bitmap_test(got->set, pfn) && !bitmap_test(got->plain, pfn)) == is_wanted);
		count += is_wanted;
	}
	check(got->scan.counts.named == count);
	check(got->scan.counts.kept == bitmap_count(got->set, 0, PAGES));
}

static void change(struct fakecore *fake, uint64_t paddr, uint64_t value)
{
	fakecore_poke(fake, paddr, &value, 8);
}

static const unsigned int kept_pages[] = {SINGLE, HIDDEN, INVERTED, CACHED, FREE, SHARED};
static const unsigned int kept_huges[] = {HUGE, SPLIT_HUGE};

static void keeps_what_is_mapped(void)
{
	static const char *const names[] = {"kept", NULL};
	static struct result got;
	struct fakecore fake;

	machine_init(&fake, KNOWS_ALL);
	run(&fake, names, &got);
	check(!got.keep.unknown && !got.keep.damage);
	check_text(got.keep.missing, "");
	expect_added(&got, kept_pages, array_size(kept_pages), kept_huges, array_size(kept_huges), HUGE_POISONED);
	keep_deinit(&got.keep);
	fakecore_deinit(&fake);
}

// Without symbols of data. Before the first task there are its name as a text, and an idle task, which is in no list.
static void kernels_that_know_their_functions_only(void)
{
	static const char *const names[] = {"kept", NULL};
	const uint64_t idle = TASKS - 2 * TASK_BYTES, node = fakecore_image + idle + TASK_TASKS;
	static struct result got;
	struct fakecore fake;

	machine_init(&fake, KNOWS_FUNCTIONS);
	change(&fake, TASKS - 4 * TASK_BYTES, UINT64_C(0x72657070617773)); // "swapper"
	change(&fake, idle + TASK_COMM, UINT64_C(0x2f72657070617773)); // "swapper/"
	change(&fake, idle + TASK_TASKS, fakecore_image + task(INIT) + TASK_TASKS);
	run(&fake, names, &got);
	check(!got.keep.unknown && !got.keep.damage);
	expect_added(&got, kept_pages, array_size(kept_pages), kept_huges, array_size(kept_huges), HUGE_POISONED);
	keep_deinit(&got.keep);
	// Nor can it be told where the list of all begins.
	change(&fake, task(INIT) + TASK_TASKS + 8, 0);
	change(&fake, task(KEPT) + TASK_TASKS + 8, node);
	run(&fake, names, &got);
	check_error(take_ptr(got.keep.unknown), ERROR_UNSUPPORTED, "init_task is neither");
	keep_deinit(&got.keep);
	fakecore_deinit(&fake);
}

// A thread's name counts, 15 bytes of it; a memory with two names is one; kernel threads have none.
static void names_and_threads(void)
{
	static const char *const names[] = {"worker of a long name", "leader", "kthreadd", "kep", "kept process", NULL};
	static const unsigned int pages[] = {OTHER, SHARED};
	static struct result got;
	struct fakecore fake;

	machine_init(&fake, KNOWS_ALL);
	run(&fake, names, &got);
	check(!got.keep.unknown && !got.keep.damage);
	check(got.keep.process_count == 1 && got.keep.processes[0].where == pgd_of(SIBLING));
	check_text(got.keep.missing, "kthreadd, kep, kept process");
	expect_added(&got, pages, array_size(pages), NULL, 0, 0);
	keep_deinit(&got.keep);
	fakecore_deinit(&fake);
}

// Windows see the parts of a process that lie in them, each once.
static void windows(void)
{
	static const char *const names[] = {"kept", NULL};
	enum { WINDOW = HUGE + 64 };
	_cleanup_scan_ struct scan scan = {0};
	uint64_t set[PAGES / 64] = {0};
	struct filter_counts low = {0}, high = {0};
	struct error *unknown;
	struct fakecore fake;
	struct keep keep;

	machine_init(&fake, KNOWS_ALL);
	check_ok(scan_init(&scan, fake.core, 31, 1, &unknown));
	check_ok(keep_init(&keep, &scan, names));
	check_ok(keep_window(&keep, 0, WINDOW, set, &low));
	check(low.named == array_size(kept_pages) + 63 && bitmap_count(set, 0, PAGES) == low.named);
	check_ok(keep_window(&keep, WINDOW, PAGES, set + WINDOW / 64, &high));
	check(high.named == 2 * HUGE_PAGES - 64 && bitmap_count(set, 0, PAGES) == low.named + high.named);
	keep_deinit(&keep);
	fakecore_deinit(&fake);
}

// A list that is broken, or runs in a circle, is followed from its other end.
static void damaged_lists(void)
{
	static const char *const names[] = {"kept", "outside", NULL};
	static const uint64_t values[] = {0, 1, UINT64_C(0xffff888000000000), UINT64_C(0xffffffff81bfffff),
	                                  fakecore_image + TASKS + KEPT * TASK_BYTES + TASK_TASKS};
	static struct result got;
	struct fakecore fake;

	machine_init(&fake, KNOWS_ALL);
	for (size_t i = 0; i < array_size(values); i++) {
		change(&fake, task(KEPT) + TASK_TASKS, values[i]);
		run(&fake, names, &got);
		check(got.keep.damage && got.keep.process_count == 2);
		check_text(got.keep.missing, "");
		keep_deinit(&got.keep);
	}
	// From the other end too: what was before the damage is found all the same.
	change(&fake, task(OUTSIDE) + TASK_TASKS + 8, fakecore_image + task(OUTSIDE) + TASK_TASKS);
	change(&fake, task(KEPT) + TASK_TASKS, fakecore_image + task(KEPT) + TASK_TASKS);
	run(&fake, names, &got);
	check(got.keep.damage && strstr(got.keep.damage->text, "no end") && got.keep.process_count == 2);
	keep_deinit(&got.keep);
	fakecore_deinit(&fake);
}

// Tables that cannot be read, or lead back to themselves: the process is named, the rest is kept.
static void damaged_tables(void)
{
	static const char *const names[] = {"kept", "outside", NULL};
	static struct result got;
	struct fakecore fake;

	machine_init(&fake, KNOWS_ALL);
	change(&fake, pgd_of(KEPT) + 8, UINT64_C(0xdead0000) | ENTRY_USER);
	run(&fake, names, &got);
	check(got.keep.damage && strstr(got.keep.damage->text, "kept (pid 101): page table, level 3"));
	check(bitmap_test(got.set, LOST) && bitmap_test(got.set, SINGLE));
	keep_deinit(&got.keep);
	for (uint64_t i = 0; i < 256; i++)
		change(&fake, pgd_of(KEPT) + 8 * i, pgd_of(KEPT) | ENTRY_USER);
	run(&fake, names, &got);
	check(got.keep.damage && strstr(got.keep.damage->text, "page tables without end"));
	keep_deinit(&got.keep);
	change(&fake, mm_of(KEPT) + MM_PGD, 8);
	run(&fake, names, &got);
	check(got.keep.damage && strstr(got.keep.damage->text, "kept (pid 101): 0x8 is no virtual address"));
	check(got.keep.process_count == 1 && bitmap_test(got.set, LOST));
	keep_deinit(&got.keep);
	fakecore_deinit(&fake);
}

// Whatever the words are: it ends, nothing is lost, and what must not be touched is not in the set.
static void random_damage(void)
{
	static const char *const names[] = {"kept", "leader", "worker of a lon", "outside", NULL};
	static struct result got;
	struct fakecore fake;

	machine_init(&fake, KNOWS_ALL);
	srand(1);
	for (unsigned int i = 0; i < 3000; i++) {
		uint64_t places[] = {task((unsigned int)rand() % TASK_COUNT) + (uint64_t)(rand() % 12) * 8,
		                     signal_of((unsigned int)rand() % TASK_COUNT) + SIGNAL_THREAD_HEAD,
		                     mm_of((unsigned int)rand() % TASK_COUNT) + MM_PGD,
		                     pgd_of(KEPT) + (uint64_t)(rand() % 2048) * 8};
		uint64_t values[] = {fakecore_image + (uint64_t)(rand() % (MEMORY_BYTES / 8)) * 8,
		                     fakecore_image + task((unsigned int)rand() % TASK_COUNT) + TASK_TASKS,
		                     pgd_of(KEPT) + (uint64_t)(rand() % 4) * 4096 + ENTRY_USER,
		                     (uint64_t)rand() << 32 | (uint64_t)rand(), UINT64_MAX};
		uint64_t at = places[i % 4];

		change(&fake, at, values[rand() % 5]);
		run(&fake, names, &got);
		check(!got.keep.unknown && got.scan.counts.kept == bitmap_count(got.set, 0, PAGES));
		for (size_t word = 0; word < array_size(got.set); word++)
			check(!(got.plain[word] & ~got.set[word]));
		check(!bitmap_test(got.set, POISONED) && !bitmap_test(got.set, OFFLINE) &&
		      !bitmap_test(got.set, HUGE_POISONED));
		keep_deinit(&got.keep);
		fakecore_poke(&fake, at, fake.memory + at, 8);
	}
	fakecore_deinit(&fake);
}

static void copy_dry(struct fakecore *fake, unsigned int level, const char *const *names, struct copy_stats *stats)
{
	struct copy_options options = {.dump_level = level, .thread_count = 1, .is_dry_run = true, .keep_names = names};

	check_ok(compressor_find("none", &options.compressor));
	check_ok(copy_run(fake->core, &options, NULL, stats));
}

// A large process that was asked for is no sign that the filter failed.
static void named_is_not_much(void)
{
	static const char *const names[] = {"kept", NULL};
	struct copy_options options = {.dump_level = 31, .thread_count = 1, .is_dry_run = true};
	struct copy_stats stats;
	struct fakecore fake;

	machine_init(&fake, KNOWS_ALL);
	check_ok(compressor_find("none", &options.compressor));
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	options.warn_kept_percent = (unsigned int)(stats.counts.kept * 100 / stats.counts.total);
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.warnings == COPY_WARN_KEPT);
	options.warn_kept_percent++;
	options.keep_names = names;
	check_ok(copy_run(fake.core, &options, NULL, &stats));
	check(stats.warnings == 0 && stats.counts.kept * 100 > stats.counts.total * options.warn_kept_percent);
	fakecore_deinit(&fake);
}

// What goes wrong is a warning that says what.
static void warnings(void)
{
	static const char *const names[] = {"absent", "kept", NULL};
	struct copy_stats stats;
	struct fakecore fake;

	machine_init(&fake, KNOWS_ALL);
	copy_dry(&fake, 31, names, &stats);
	check(stats.warnings == COPY_WARN_NO_PROCESS);
	check_text(stats.missing, "absent");
	check(stats.counts.named == array_size(kept_pages) + 2 * HUGE_PAGES - 1);
	// Nothing is left out at this level but zeros, so there is nothing to find.
	copy_dry(&fake, FILTER_ZERO, names, &stats);
	check(stats.warnings == 0 && stats.counts.named == 0);
	change(&fake, pgd_of(KEPT) + 8, UINT64_C(0xdead0000) | ENTRY_USER);
	copy_dry(&fake, 31, names, &stats);
	check(stats.warnings == (COPY_WARN_NO_PROCESS | COPY_WARN_BAD_PROCESS));
	check(strstr(stats.keep_note, "kept (pid 101)"));
	fakecore_deinit(&fake);
	machine_init(&fake, KNOWS_NO_TYPES);
	copy_dry(&fake, 31, names, &stats);
	check(stats.warnings == COPY_WARN_NO_TASKS && stats.counts.named == 0);
	check_text(stats.keep_note, "the kernel carries no BTF");
	fakecore_deinit(&fake);
}

static const struct test tests[] = {
	TEST(keeps_what_is_mapped),
	TEST(kernels_that_know_their_functions_only),
	TEST(names_and_threads),
	TEST(windows),
	TEST(damaged_lists),
	TEST(damaged_tables),
	TEST(random_damage),
	TEST(named_is_not_much),
	TEST(warnings),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
