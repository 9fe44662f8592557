// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/meminfo.h"

#include <stdlib.h>
#include <string.h>

#include "report/facts.h"
#include "report/overview.h"

enum symbol {
	TOTALRESERVE,
	TOTALCMA,
	BLOCKDEV_SUPERBLOCK,
	OVERCOMMIT_RATIO,
	OVERCOMMIT_KBYTES,
	COMMITTED_AS,
	NR_VMALLOC_PAGES,
	PCPU_POPULATED,
	PCPU_UNITS,
	NUM_POISONED,
	HSTATES,
	HUGE_MAX_HSTATE,
	DEFAULT_HSTATE,
	DIRECT_PAGES,
	NR_SWAPFILES,
	SWAPPER_SPACES,
	NR_SWAPPER_SPACES,
	SYMBOL_COUNT,
};

static const char *const symbols[SYMBOL_COUNT] = {
	[TOTALRESERVE] = "totalreserve_pages",
	[TOTALCMA] = "totalcma_pages",
	[BLOCKDEV_SUPERBLOCK] = "blockdev_superblock",
	[OVERCOMMIT_RATIO] = "sysctl_overcommit_ratio",
	[OVERCOMMIT_KBYTES] = "sysctl_overcommit_kbytes",
	[COMMITTED_AS] = "vm_committed_as",
	[NR_VMALLOC_PAGES] = "nr_vmalloc_pages",
	[PCPU_POPULATED] = "pcpu_nr_populated",
	[PCPU_UNITS] = "pcpu_nr_units",
	[NUM_POISONED] = "num_poisoned_pages",
	[HSTATES] = "hstates",
	[HUGE_MAX_HSTATE] = "hugetlb_max_hstate",
	[DEFAULT_HSTATE] = "default_hstate_idx",
	[DIRECT_PAGES] = "direct_pages_count",
	// The cache of swapped pages has no counter until Linux kernel commit b6038942480e ("mm: memcg: add swapcache stat for
	// memcg v2") (in v5.12): the pages of its parts are counted.
	[NR_SWAPFILES] = "nr_swapfiles",
	[SWAPPER_SPACES] = "swapper_spaces",
	[NR_SWAPPER_SPACES] = "nr_swapper_spaces",
};

// Counters, by their names in enum node_stat_item or enum zone_stat_item: which one has moved for some.
enum counter {
	FREE_PAGES,
	FILE_PAGES,
	SWAPCACHE,
	ACTIVE_ANON,
	INACTIVE_ANON,
	ACTIVE_FILE,
	INACTIVE_FILE,
	UNEVICTABLE,
	MLOCK,
	FILE_DIRTY,
	WRITEBACK,
	ANON_MAPPED,
	FILE_MAPPED,
	SHMEM,
	MISC_RECLAIMABLE,
	SLAB_RECLAIMABLE,
	SLAB_UNRECLAIMABLE,
	KERNEL_STACK,
	PAGETABLE,
	SECONDARY_PAGETABLE,
	ANON_THPS,
	SHMEM_THPS,
	SHMEM_PMDMAPPED,
	FILE_THPS,
	FILE_PMDMAPPED,
	FREE_CMA,
	UNACCEPTED,
	BALLOON,
	GPU_ACTIVE,
	GPU_RECLAIM,
	VMALLOC,
	COUNTER_COUNT,
};

static const char *const counters[COUNTER_COUNT] = {
	[FREE_PAGES] = "NR_FREE_PAGES",
	[FILE_PAGES] = "NR_FILE_PAGES",
	[SWAPCACHE] = "NR_SWAPCACHE",
	[ACTIVE_ANON] = "NR_ACTIVE_ANON",
	[INACTIVE_ANON] = "NR_INACTIVE_ANON",
	[ACTIVE_FILE] = "NR_ACTIVE_FILE",
	[INACTIVE_FILE] = "NR_INACTIVE_FILE",
	[UNEVICTABLE] = "NR_UNEVICTABLE",
	[MLOCK] = "NR_MLOCK",
	[FILE_DIRTY] = "NR_FILE_DIRTY",
	[WRITEBACK] = "NR_WRITEBACK",
	[ANON_MAPPED] = "NR_ANON_MAPPED",
	[FILE_MAPPED] = "NR_FILE_MAPPED",
	[SHMEM] = "NR_SHMEM",
	[MISC_RECLAIMABLE] = "NR_KERNEL_MISC_RECLAIMABLE",
	[SLAB_RECLAIMABLE] = "NR_SLAB_RECLAIMABLE_B",
	[SLAB_UNRECLAIMABLE] = "NR_SLAB_UNRECLAIMABLE_B",
	[KERNEL_STACK] = "NR_KERNEL_STACK_KB",
	[PAGETABLE] = "NR_PAGETABLE",
	[SECONDARY_PAGETABLE] = "NR_SECONDARY_PAGETABLE",
	[ANON_THPS] = "NR_ANON_THPS",
	[SHMEM_THPS] = "NR_SHMEM_THPS",
	[SHMEM_PMDMAPPED] = "NR_SHMEM_PMDMAPPED",
	[FILE_THPS] = "NR_FILE_THPS",
	[FILE_PMDMAPPED] = "NR_FILE_PMDMAPPED",
	[FREE_CMA] = "NR_FREE_CMA_PAGES",
	[UNACCEPTED] = "NR_UNACCEPTED",
	[BALLOON] = "NR_BALLOON_PAGES",
	[GPU_ACTIVE] = "NR_GPU_ACTIVE",
	[GPU_RECLAIM] = "NR_GPU_RECLAIM",
	// Newer kernels have this in place of the variable nr_vmalloc_pages.
	[VMALLOC] = "NR_VMALLOC",
};

enum member {
	SUPER_INODES,
	INODE_SB_LIST,
	INODE_MAPPING,
	MAPPING,
	MAPPING_NRPAGES,
	PERCPU_COUNTER_COUNT,
	PERCPU_COUNTER_COUNTERS,
	HSTATE,
	HSTATE_ORDER,
	HSTATE_TOTAL,
	HSTATE_FREE,
	HSTATE_RESERVED,
	HSTATE_SURPLUS,
	MEMBER_COUNT,
	NODE_COUNTERS = MEMBER_COUNT,
	ZONE_COUNTERS = NODE_COUNTERS + COUNTER_COUNT,
	QUERY_COUNT = ZONE_COUNTERS + COUNTER_COUNT,
};

static const struct btf_query members[MEMBER_COUNT] = {
	[SUPER_INODES] = FACTS_MEMBER("super_block", "s_inodes"),
	[INODE_SB_LIST] = FACTS_MEMBER("inode", "i_sb_list"),
	[INODE_MAPPING] = FACTS_MEMBER("inode", "i_mapping"),
	[MAPPING] = {.type = "address_space"},
	[MAPPING_NRPAGES] = FACTS_MEMBER("address_space", "nrpages"),
	[PERCPU_COUNTER_COUNT] = FACTS_MEMBER("percpu_counter", "count"),
	[PERCPU_COUNTER_COUNTERS] = FACTS_MEMBER("percpu_counter", "counters"),
	[HSTATE] = {.type = "hstate"},
	[HSTATE_ORDER] = FACTS_MEMBER("hstate", "order"),
	[HSTATE_TOTAL] = FACTS_MEMBER("hstate", "nr_huge_pages"),
	[HSTATE_FREE] = FACTS_MEMBER("hstate", "free_huge_pages"),
	[HSTATE_RESERVED] = FACTS_MEMBER("hstate", "resv_huge_pages"),
	[HSTATE_SURPLUS] = FACTS_MEMBER("hstate", "surplus_huge_pages"),
};

enum {
	// include/linux/swap.h: MAX_SWAPFILES is less than 1 << MAX_SWAPFILES_SHIFT.
	SWAP_FILES_MAX = 32,
	SWAP_PARTS_MAX = 1 << 20,
};

// While rows are made: everything in pages.
struct maker {
	struct facts facts;
	struct meminfo *info;
	uint64_t page_kib;
	uint64_t values[COUNTER_COUNT];
	bool is_known[COUNTER_COUNT];
	uint64_t total, swap_total, swap_free, buffers, swapcache;
	bool has_total, has_swap_total, has_swap_free, has_buffers, has_swapcache;
	struct error *first; // The first thing that is not known.
};

static void note(struct maker *maker, struct error *err)
{
	if (maker->first)
		error_free(err);
	else
		maker->first = err;
}

static void add_row(struct maker *maker, const char *name, uint64_t value, bool is_known, bool is_count)
{
	struct meminfo *info = maker->info;

	if (info->count < MEMINFO_ROWS_MAX)
		info->rows[info->count++] = (struct meminfo_row){name, is_known ? value : 0, is_count, is_known};
}

static void add_kib(struct maker *maker, const char *name, uint64_t kib, bool is_known)
{
	add_row(maker, name, kib, is_known, false);
}

static void add_pages(struct maker *maker, const char *name, uint64_t pages, bool is_known)
{
	add_row(maker, name, pages * maker->page_kib, is_known, false);
}

static void add_counter(struct maker *maker, const char *name, enum counter which)
{
	add_pages(maker, name, maker->values[which], maker->is_known[which]);
}

static void add_sum(struct maker *maker, const char *name, enum counter a, enum counter b)
{
	add_pages(maker, name, maker->values[a] + maker->values[b], maker->is_known[a] && maker->is_known[b]);
}

static void read_counters(struct maker *maker)
{
	const struct facts *facts = &maker->facts;

	for (unsigned int i = 0; i < COUNTER_COUNT; i++) {
		bool is_node = facts_has(facts, NODE_COUNTERS + i);
		const struct btf_query *query = &facts->members[is_node ? NODE_COUNTERS + i : ZONE_COUNTERS + i];
		struct error *err;

		// Not every kernel has all of them.
		if (!query->is_found)
			continue;
		err = overview_counter(facts->kernel, is_node ? KERNEL_NODE_STAT : KERNEL_ZONE_STAT, query->value,
		                       &maker->values[i]);
		maker->is_known[i] = !err;
		note(maker, err);
	}
	if (facts->types_why[0])
		note(maker, error_new(ERROR_UNSUPPORTED, "%s", facts->types_why));
}

static bool read_total(struct maker *maker, enum kernel_symbol which, uint64_t *ret)
{
	struct error *err = kernel_variable(maker->facts.kernel, which, 8, ret);
	bool is_known = !err;

	note(maker, err);
	return is_known;
}

// A variable that some kernels do not have.
static bool read_variable(struct maker *maker, enum symbol which, size_t size_bytes, uint64_t *ret)
{
	struct error *err = NULL;

	if (!maker->facts.symbols[which])
		return false;
	err = facts_variable(&maker->facts, which, size_bytes, ret);
	if (!err)
		return true;
	note(maker, err);
	return false;
}

// nr_blockdev_pages(): pages of the files that are block devices.
static struct error *count_buffers(const struct facts *facts, uint64_t *ret)
{
	static const unsigned int needed[] = {SUPER_INODES, INODE_SB_LIST, INODE_MAPPING, MAPPING_NRPAGES};
	struct vmemory *memory = facts->kernel->memory;
	uint64_t super = 0, head = 0, node = 0, pages = 0, sum = 0, mapping = 0;
	struct error *err = facts_need(facts, needed, array_size(needed));

	if (!err)
		err = facts_variable(facts, BLOCKDEV_SUPERBLOCK, 8, &super);
	head = facts_at(facts, super, SUPER_INODES);
	if (!err)
		err = vmemory_uint(memory, head, 8, &node);
	for (unsigned int left = MEMINFO_INODES_MAX; !err && node != head; left--) {
		uint64_t inode = node - facts->members[INODE_SB_LIST].offset_bytes;

		if (left)
			err = facts_get(facts, inode, INODE_MAPPING, &mapping);
		else
			err = error_new(ERROR_BAD_DATA, "the list of block devices has no end");
		if (!err)
			err = facts_get(facts, mapping, MAPPING_NRPAGES, &pages);
		sum += pages;
		if (!err)
			err = vmemory_uint(memory, node, 8, &node);
	}
	if (!err)
		*ret = sum;
	return error_wrap(err, "buffers");
}

// total_swapcache_pages() before it was a counter. A part is for 64 MiB of swap.
static struct error *count_swapcache(const struct facts *facts, uint64_t *ret)
{
	static const unsigned int needed[] = {MAPPING, MAPPING_NRPAGES};
	struct vmemory *memory = facts->kernel->memory;
	uint64_t files = 0, arrays = 0, numbers = 0, sum = 0, left = SWAP_PARTS_MAX;
	struct error *err = facts_need(facts, needed, array_size(needed));

	if (!err)
		err = facts_variable(facts, NR_SWAPFILES, 4, &files);
	if (!err)
		err = facts_symbol(facts, SWAPPER_SPACES, &arrays);
	if (!err)
		err = facts_symbol(facts, NR_SWAPPER_SPACES, &numbers);
	for (uint64_t i = 0; i < files && i < SWAP_FILES_MAX && !err; i++) {
		uint64_t spaces = 0, count = 0, pages = 0;

		err = vmemory_uint(memory, arrays + 8 * i, 8, &spaces);
		if (!err)
			err = vmemory_uint(memory, numbers + 4 * i, 4, &count);
		for (uint64_t j = 0; j < count && spaces && !err; j++) {
			if (!left--)
				return error_new(ERROR_BAD_DATA, "more than %d parts of swap", SWAP_PARTS_MAX);
			err = facts_get(facts, spaces + j * facts_bytes(facts, MAPPING), MAPPING_NRPAGES, &pages);
			sum += pages;
		}
	}
	if (!err)
		*ret = sum;
	return error_wrap(err, "swap");
}

// percpu_counter_sum_positive().
static struct error *sum_counter(const struct facts *facts, uint64_t vaddr, uint64_t *ret)
{
	uint64_t raw = 0, pointer = 0;
	struct error *err = facts_get(facts, vaddr, PERCPU_COUNTER_COUNT, &raw);
	int64_t sum;

	if (!err)
		err = facts_get(facts, vaddr, PERCPU_COUNTER_COUNTERS, &pointer);
	sum = (int64_t)raw;
	for (uint32_t cpu = 0; cpu < facts->kernel->cpu_count && !err; cpu++) {
		uint64_t copy = 0, part = 0;

		if (!kernel_cpu_is_in(facts->kernel, KERNEL_CPU_POSSIBLE_MASK, cpu))
			continue;
		err = kernel_cpu_copy(facts->kernel, pointer, cpu, &copy);
		if (!err)
			err = vmemory_uint(facts->kernel->memory, copy, 4, &part);
		sum = (int64_t)((uint64_t)sum + (uint64_t)facts_signed(part, 4));
	}
	if (!err)
		*ret = sum > 0 ? (uint64_t)sum : 0;
	return err;
}

static void read_huge(struct maker *maker)
{
	const struct facts *facts = &maker->facts;
	uint64_t hstates = facts->symbols[HSTATES], count = 0, step = facts_bytes(facts, HSTATE);
	struct error *err = NULL;

	if (!hstates || !read_variable(maker, HUGE_MAX_HSTATE, 4, &count))
		return;
	if (!step)
		err = error_new(ERROR_UNSUPPORTED, "the kernel's types have no hstate");
	for (uint64_t i = 0; i < count && i < MEMINFO_HUGE_MAX && !err; i++) {
		struct meminfo_huge huge = {0};
		uint64_t order = 0;

		err = facts_get(facts, hstates + i * step, HSTATE_ORDER, &order);
		if (!err && order > 40)
			err = error_new(ERROR_BAD_DATA, "huge pages of 2^%ju pages", (uintmax_t)order);
		if (!err)
			err = facts_get(facts, hstates + i * step, HSTATE_TOTAL, &huge.total);
		if (!err)
			err = facts_get(facts, hstates + i * step, HSTATE_FREE, &huge.free);
		if (!err)
			err = facts_get(facts, hstates + i * step, HSTATE_RESERVED, &huge.reserved);
		if (!err)
			err = facts_get(facts, hstates + i * step, HSTATE_SURPLUS, &huge.surplus);
		if (err)
			break;
		huge.size_bytes = maker->page_kib * 1024 << order;
		maker->info->huge[maker->info->huge_count++] = huge;
	}
	note(maker, err);
}

static uint64_t huge_kib(const struct meminfo *info)
{
	uint64_t kib = 0;

	for (size_t i = 0; i < info->huge_count; i++)
		kib += info->huge[i].total * (info->huge[i].size_bytes / 1024);
	return kib;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// si_mem_available() of mm/show_mem.c.
static void add_available(struct maker *maker, const struct zones *zones)
{
	static const enum counter needed[] = {FREE_PAGES, ACTIVE_FILE, INACTIVE_FILE, SLAB_RECLAIMABLE};
	uint64_t low = 0, reserve = 0, cache, reclaimable, sum;
	bool is_known = read_variable(maker, TOTALRESERVE, 8, &reserve) && !zones->why[0];

	for (size_t i = 0; i < array_size(needed); i++)
		is_known = is_known && maker->is_known[needed[i]];
	for (size_t i = 0; i < zones->count; i++)
		low += zones->list[i].watermarks[1];
	cache = maker->values[ACTIVE_FILE] + maker->values[INACTIVE_FILE];
	reclaimable = maker->values[SLAB_RECLAIMABLE] + maker->values[MISC_RECLAIMABLE];
	sum = maker->values[FREE_PAGES] - reserve + cache - less(cache / 2, low) + reclaimable -
	      less(reclaimable / 2, low);
	add_pages(maker, "MemAvailable", (int64_t)sum > 0 ? sum : 0, is_known);
}

static void add_cached(struct maker *maker)
{
	uint64_t others = maker->swapcache + maker->buffers, files = maker->values[FILE_PAGES];
	bool is_known = maker->is_known[FILE_PAGES] && maker->has_buffers && maker->has_swapcache;

	add_pages(maker, "Cached", files > others ? files - others : 0, is_known);
	add_pages(maker, "SwapCached", maker->swapcache, maker->has_swapcache);
}

static void add_usual(struct maker *maker)
{
	add_sum(maker, "Active", ACTIVE_ANON, ACTIVE_FILE);
	add_sum(maker, "Inactive", INACTIVE_ANON, INACTIVE_FILE);
	add_counter(maker, "Active(anon)", ACTIVE_ANON);
	add_counter(maker, "Inactive(anon)", INACTIVE_ANON);
	add_counter(maker, "Active(file)", ACTIVE_FILE);
	add_counter(maker, "Inactive(file)", INACTIVE_FILE);
	add_counter(maker, "Unevictable", UNEVICTABLE);
	add_counter(maker, "Mlocked", MLOCK);
	add_pages(maker, "SwapTotal", maker->swap_total, maker->has_swap_total);
	add_pages(maker, "SwapFree", maker->swap_free, maker->has_swap_free);
	add_counter(maker, "Dirty", FILE_DIRTY);
	add_counter(maker, "Writeback", WRITEBACK);
	add_counter(maker, "AnonPages", ANON_MAPPED);
	add_counter(maker, "Mapped", FILE_MAPPED);
	add_counter(maker, "Shmem", SHMEM);
	add_sum(maker, "KReclaimable", SLAB_RECLAIMABLE, MISC_RECLAIMABLE);
	add_sum(maker, "Slab", SLAB_RECLAIMABLE, SLAB_UNRECLAIMABLE);
	add_counter(maker, "SReclaimable", SLAB_RECLAIMABLE);
	add_counter(maker, "SUnreclaim", SLAB_UNRECLAIMABLE);
	add_kib(maker, "KernelStack", maker->values[KERNEL_STACK], maker->is_known[KERNEL_STACK]);
	add_counter(maker, "PageTables", PAGETABLE);
	if (maker->is_known[SECONDARY_PAGETABLE])
		add_counter(maker, "SecPageTables", SECONDARY_PAGETABLE);
}

// vm_commit_limit() of mm/util.c.
static void add_commit(struct maker *maker)
{
	uint64_t kbytes = 0, ratio = 0, pages, sum = 0;
	bool is_known = read_variable(maker, OVERCOMMIT_KBYTES, 8, &kbytes) &&
	                read_variable(maker, OVERCOMMIT_RATIO, 4, &ratio) && maker->has_total && maker->has_swap_total;
	struct error *err = NULL;

	pages = maker->total - less(maker->total, huge_kib(maker->info) / maker->page_kib);
	pages = kbytes ? kbytes / maker->page_kib : pages * ratio / 100;
	add_pages(maker, "CommitLimit", pages + maker->swap_total, is_known);
	if (maker->facts.symbols[COMMITTED_AS])
		err = sum_counter(&maker->facts, maker->facts.symbols[COMMITTED_AS], &sum);
	add_pages(maker, "Committed_AS", sum, maker->facts.symbols[COMMITTED_AS] && !err);
	note(maker, err);
}

static void add_kernel(struct maker *maker)
{
	uint64_t pages = 0, units = 0;
	bool is_known;

	if (maker->is_known[VMALLOC])
		add_counter(maker, "VmallocUsed", VMALLOC);
	else
		add_pages(maker, "VmallocUsed", pages, read_variable(maker, NR_VMALLOC_PAGES, 8, &pages));
	is_known = read_variable(maker, PCPU_POPULATED, 8, &pages) && read_variable(maker, PCPU_UNITS, 4, &units);
	add_pages(maker, "Percpu", pages * units, is_known);
	if (read_variable(maker, NUM_POISONED, 8, &pages))
		add_pages(maker, "HardwareCorrupted", pages, true);
	// In pages since the kernel counts what is in the cache of swapped pages (both are of Linux v5.12); before, in huge pages.
	if (maker->is_known[SWAPCACHE]) {
		add_counter(maker, "AnonHugePages", ANON_THPS);
		add_counter(maker, "ShmemHugePages", SHMEM_THPS);
		add_counter(maker, "ShmemPmdMapped", SHMEM_PMDMAPPED);
		add_counter(maker, "FileHugePages", FILE_THPS);
		add_counter(maker, "FilePmdMapped", FILE_PMDMAPPED);
	}
	if (read_variable(maker, TOTALCMA, 8, &pages)) {
		add_pages(maker, "CmaTotal", pages, true);
		add_counter(maker, "CmaFree", FREE_CMA);
	}
	if (maker->is_known[UNACCEPTED])
		add_counter(maker, "Unaccepted", UNACCEPTED);
	if (maker->is_known[BALLOON])
		add_counter(maker, "Balloon", BALLOON);
	if (maker->is_known[GPU_ACTIVE])
		add_counter(maker, "GPUActive", GPU_ACTIVE);
	if (maker->is_known[GPU_RECLAIM])
		add_counter(maker, "GPUReclaim", GPU_RECLAIM);
}

static void add_huge(struct maker *maker)
{
	const struct meminfo *info = maker->info;
	uint64_t index = 0;

	if (!read_variable(maker, DEFAULT_HSTATE, 4, &index) || index >= info->huge_count)
		return;
	add_row(maker, "HugePages_Total", info->huge[index].total, true, true);
	add_row(maker, "HugePages_Free", info->huge[index].free, true, true);
	add_row(maker, "HugePages_Rsvd", info->huge[index].reserved, true, true);
	add_row(maker, "HugePages_Surp", info->huge[index].surplus, true, true);
	add_kib(maker, "Hugepagesize", info->huge[index].size_bytes / 1024, true);
	add_kib(maker, "Hugetlb", huge_kib(info), true);
}

// Linux arch/x86/include/asm/pgtable_types.h: enum pg_level.
static void add_direct(struct maker *maker)
{
	static const struct {
		const char *name;
		unsigned int level, shift;
	} sizes[] = {{"DirectMap4k", 1, 2}, {"DirectMap2M", 2, 11}, {"DirectMap1G", 3, 20}};
	uint64_t vaddr = maker->facts.symbols[DIRECT_PAGES];

	for (size_t i = 0; i < array_size(sizes) && vaddr; i++) {
		uint64_t count = 0;
		struct error *err =
			vmemory_uint(maker->facts.kernel->memory, vaddr + 8 * (uint64_t)sizes[i].level, 8, &count);

		add_kib(maker, sizes[i].name, count << sizes[i].shift, !err);
		note(maker, err);
	}
}

static void make_rows(struct maker *maker, const struct zones *zones)
{
	struct error *err;

	read_counters(maker);
	maker->has_total = read_total(maker, KERNEL_TOTALRAM_PAGES, &maker->total);
	maker->has_swap_total = read_total(maker, KERNEL_TOTAL_SWAP_PAGES, &maker->swap_total);
	maker->has_swap_free = read_total(maker, KERNEL_NR_SWAP_PAGES, &maker->swap_free);
	err = count_buffers(&maker->facts, &maker->buffers);
	maker->has_buffers = !err;
	note(maker, err);
	maker->swapcache = maker->values[SWAPCACHE];
	maker->has_swapcache = maker->is_known[SWAPCACHE];
	// A kernel that cannot swap has none of it.
	if (!maker->has_swapcache && maker->facts.symbols[NR_SWAPFILES]) {
		err = count_swapcache(&maker->facts, &maker->swapcache);
		maker->has_swapcache = !err;
		note(maker, err);
	} else {
		maker->has_swapcache = maker->has_swapcache || !maker->swap_total;
	}
	read_huge(maker);
	add_pages(maker, "MemTotal", maker->total, maker->has_total);
	add_counter(maker, "MemFree", FREE_PAGES);
	add_available(maker, zones);
	add_pages(maker, "Buffers", maker->buffers, maker->has_buffers);
	add_cached(maker);
	add_usual(maker);
	add_commit(maker);
	add_kernel(maker);
	add_huge(maker);
	add_direct(maker);
}

struct error *meminfo_init(struct meminfo *ret, struct kernel *kernel, const struct zones *zones)
{
	struct btf_query queries[QUERY_COUNT] = {0};
	struct maker maker = {.info = ret, .page_kib = vmcore_page_bytes(kernel->core) / 1024};
	struct error *err;

	*ret = (struct meminfo){0};
	memcpy(queries, members, sizeof(members));
	for (unsigned int i = 0; i < COUNTER_COUNT; i++) {
		queries[NODE_COUNTERS + i] = (struct btf_query)FACTS_ENUMERATOR("node_stat_item", counters[i]);
		queries[ZONE_COUNTERS + i] = (struct btf_query)FACTS_ENUMERATOR("zone_stat_item", counters[i]);
	}
	err = facts_init(&maker.facts, kernel, symbols, SYMBOL_COUNT, queries, QUERY_COUNT);
	if (!err)
		make_rows(&maker, zones);
	facts_deinit(&maker.facts);
	kernel_explain(ret->why, maker.first);
	return err;
}

const struct meminfo_row *meminfo_find(const struct meminfo *info, const char *name)
{
	for (size_t i = 0; i < info->count; i++)
		if (info->rows[i].is_known && strcmp(info->rows[i].name, name) == 0)
			return &info->rows[i];
	return NULL;
}
