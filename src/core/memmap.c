// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/memmap.h"

#include <string.h>

#include "core/arch.h"

enum {
	// include/linux/mmzone.h: SECTION_HAS_MEM_MAP. The address of the array shares its word with this and other flags;
	// all are below the page size, and arrays of whole sections are page-aligned.
	SECTION_HAS_MEM_MAP = 1 << 1,
	POINTER_BYTES = 8,
	// MAX_NUMNODES (include/linux/numa.h): NODES_SHIFT is 10 at most.
	NODES_MAX = 1 << 10,
	// Sections have 16 MiB (powerpc) to 1 GiB. Much smaller ones would make a table without end.
	SECTION_BITS_MIN = 20,
	// No kernel is larger.
	IMAGE_MAX_BYTES = 1 << 30,
};

static struct error *missing(const char *what)
{
	return error_new(ERROR_UNSUPPORTED, "VMCOREINFO lacks %s", what);
}

static struct error *init_flat(struct memmap *map, const struct vmcore *core, struct vmreader *reader)
{
	uint64_t symbol;

	if (!vmcoreinfo_symbol(&core->info, "mem_map", &symbol))
		return missing("SYMBOL(mem_section), SYMBOL(mem_map) and SYMBOL(node_data)");
	map->model = MEMMAP_FLAT;
	return error_wrap(xlat_read_uint(map->xlat, reader, symbol, POINTER_BYTES, &map->base_vaddr), "mem_map");
}

static struct error *init_discontig(struct memmap *map, const struct vmcore *core)
{
	map->model = MEMMAP_DISCONTIG;
	if (!vmcoreinfo_offset(&core->info, "pglist_data.node_mem_map", &map->node_mem_map_offset))
		return missing("OFFSET(pglist_data.node_mem_map)");
	if (!vmcoreinfo_offset(&core->info, "pglist_data.node_start_pfn", &map->node_start_pfn_offset))
		return missing("OFFSET(pglist_data.node_start_pfn)");
	if (!vmcoreinfo_offset(&core->info, "pglist_data.node_spanned_pages", &map->node_spanned_offset))
		return missing("OFFSET(pglist_data.node_spanned_pages)");
	if (!vmcoreinfo_length(&core->info, "node_data", &map->node_count) || map->node_count > NODES_MAX)
		map->node_count = 1;
	return NULL;
}

static struct error *init_sparse(struct memmap *map, const struct vmcore *core)
{
	uint64_t length, page_bytes = vmcore_page_bytes(core);
	int64_t section_bits = core->arch->default_section_size_bits;
	int64_t physmem_bits = core->arch->default_physmem_bits;

	if (!vmcoreinfo_length(&core->info, "mem_section", &length))
		return missing("LENGTH(mem_section)");
	if (!vmcoreinfo_size(&core->info, "mem_section", &map->section_struct_bytes))
		return missing("SIZE(mem_section)");
	if (!vmcoreinfo_offset(&core->info, "mem_section.section_mem_map", &map->section_map_offset))
		return missing("OFFSET(mem_section.section_mem_map)");
	// Both are there since Linux kernel commits 1d50e5d0c505 (in v5.8) and 4f5aecdff25f (in v5.12).
	vmcoreinfo_number(&core->info, "SECTION_SIZE_BITS", &section_bits);
	vmcoreinfo_number(&core->info, "MAX_PHYSMEM_BITS", &physmem_bits);
	if (section_bits < SECTION_BITS_MIN || section_bits <= vmcore_page_shift(core) || section_bits > 40 ||
	    physmem_bits <= section_bits || physmem_bits > 60 || map->section_struct_bytes < POINTER_BYTES ||
	    map->section_struct_bytes > page_bytes ||
	    map->section_map_offset > map->section_struct_bytes - POINTER_BYTES || length == 0 || length > UINT32_MAX)
		return error_new(ERROR_BAD_DATA, "VMCOREINFO: impossible section sizes (%jd and %jd bits, %ju bytes)",
		                 (intmax_t)section_bits, (intmax_t)physmem_bits, (uintmax_t)map->section_struct_bytes);
	map->section_pages = UINT64_C(1) << (section_bits - vmcore_page_shift(core));
	map->section_count = UINT64_C(1) << (physmem_bits - section_bits);
	// With SPARSEMEM_EXTREME the array holds pointers to pages full of sections, else all sections there can be.
	if (length >= map->section_count) {
		map->model = MEMMAP_SPARSE;
		map->sections_per_root = map->section_count;
	} else {
		map->model = MEMMAP_SPARSE_EXTREME;
		map->sections_per_root = page_bytes / map->section_struct_bytes;
		map->section_count = length * map->sections_per_root;
	}
	return NULL;
}

// Of a pointer in the kernel's image SYMBOL(mem_section) is the address if VMCOREINFO was made from a vmlinux. Arrays in the image
// look the same, but for what they lead to: words with flags, where a pointer leads to pointers.
static void follow_pointer(struct memmap *map, const struct vmcore *core, struct vmreader *reader)
{
	uint64_t stext, array, word = 0;
	struct error *err;

	if (map->model != MEMMAP_SPARSE_EXTREME || !vmcoreinfo_symbol(&core->info, "_stext", &stext) ||
	    map->base_vaddr - stext >= IMAGE_MAX_BYTES)
		return;
	err = xlat_read_uint(map->xlat, reader, map->base_vaddr, POINTER_BYTES, &array);
	if (!err && array)
		err = xlat_read_uint(map->xlat, reader, array + map->section_map_offset, POINTER_BYTES, &word);
	if (!err && word && !(word & SECTION_HAS_MEM_MAP))
		map->base_vaddr = array;
	error_free(err);
}

struct error *memmap_init(struct memmap *ret, const struct vmcore *core, const struct xlat *xlat,
                          struct vmreader *reader, uint64_t page_struct_bytes)
{
	struct memmap map = {
		.core = core,
		.xlat = xlat,
		.page_struct_bytes = page_struct_bytes,
		.max_pfn = vmcore_max_pfn(core),
	};
	struct error *err;

	// Since Linux kernel commit 83e3c48729d9 ("mm/sparsemem: Allocate mem_section at runtime for
	// CONFIG_SPARSEMEM_EXTREME=y") (in v4.15) mem_section is a pointer, but VMCOREINFO holds what it points to, so that
	// the value is the address of the array before and after.
	if (vmcoreinfo_symbol(&core->info, "mem_section", &map.base_vaddr)) {
		err = init_sparse(&map, core);
		if (!err)
			follow_pointer(&map, core, reader);
	} else if (vmcoreinfo_symbol(&core->info, "node_data", &map.base_vaddr)) {
		err = init_discontig(&map, core);
	} else {
		err = init_flat(&map, core, reader);
	}
	if (!err)
		*ret = map;
	return err;
}

static void next_flat(const struct memmap *map, uint64_t pfn, struct memmap_run *ret, uint64_t *next_pfn_ret)
{
	*ret = (struct memmap_run){pfn, map->max_pfn, map->base_vaddr + pfn * map->page_struct_bytes};
	*next_pfn_ret = map->max_pfn;
}

static struct error *read_node(const struct memmap *map, struct vmreader *reader, uint64_t node, struct memmap_run *ret)
{
	uint64_t pgdat, start = 0, spanned = 0, page_vaddr = 0;
	struct error *err =
		xlat_read_uint(map->xlat, reader, map->base_vaddr + node * POINTER_BYTES, POINTER_BYTES, &pgdat);

	*ret = (struct memmap_run){0};
	if (err || !pgdat)
		return err;
	err = xlat_read_uint(map->xlat, reader, pgdat + map->node_start_pfn_offset, 8, &start);
	if (!err)
		err = xlat_read_uint(map->xlat, reader, pgdat + map->node_spanned_offset, 8, &spanned);
	if (!err)
		err = xlat_read_uint(map->xlat, reader, pgdat + map->node_mem_map_offset, POINTER_BYTES, &page_vaddr);
	if (err)
		return err;
	if (start < map->max_pfn && spanned <= map->max_pfn && page_vaddr)
		*ret = (struct memmap_run){start, start + spanned < map->max_pfn ? start + spanned : map->max_pfn,
		                           page_vaddr};
	return NULL;
}

// Nodes are few and need not be in the order of their memory: all are looked at each time.
static struct error *next_discontig(const struct memmap *map, struct vmreader *reader, uint64_t pfn,
                                    struct memmap_run *ret, uint64_t *next_pfn_ret)
{
	struct memmap_run best = {map->max_pfn, map->max_pfn, 0};
	struct error *failed = NULL;

	for (uint64_t node = 0; node < map->node_count; node++) {
		struct memmap_run run;
		struct error *err = read_node(map, reader, node, &run);

		if (err) {
			error_free(failed);
			failed = err;
			continue;
		}
		if (run.pfn_end > pfn && run.pfn_start < pfn) {
			run.page_vaddr += (pfn - run.pfn_start) * map->page_struct_bytes;
			run.pfn_start = pfn;
		}
		if (run.pfn_end > pfn && run.pfn_start < best.pfn_start)
			best = run;
	}
	// A node that cannot be read is an error only where no other goes on.
	*next_pfn_ret = best.pfn_end;
	if (best.pfn_start == map->max_pfn && failed)
		return failed;
	error_free(failed);
	*ret = best;
	return NULL;
}

// Gives the address of the struct page of the first page of a section, 0 if it has none. On error *skip_ret says how many
// sections cannot be told.
static struct error *read_section(const struct memmap *map, struct vmreader *reader, uint64_t section,
                                  uint64_t *vaddr_ret, uint64_t *skip_ret)
{
	uint64_t table = map->base_vaddr, index = section, word;
	struct error *err;

	*vaddr_ret = 0;
	*skip_ret = 1;
	if (map->model == MEMMAP_SPARSE_EXTREME) {
		uint64_t root = section / map->sections_per_root;

		index = section % map->sections_per_root;
		*skip_ret = map->sections_per_root - index;
		err = xlat_read_uint(map->xlat, reader, map->base_vaddr + root * POINTER_BYTES, POINTER_BYTES, &table);
		if (err || !table)
			return error_wrap(err, "mem_section[%ju]", (uintmax_t)root);
		*skip_ret = 1;
	}
	err = xlat_read_uint(map->xlat, reader, table + index * map->section_struct_bytes + map->section_map_offset,
	                     POINTER_BYTES, &word);
	if (err)
		return error_wrap(err, "section %ju", (uintmax_t)section);
	if (word & SECTION_HAS_MEM_MAP)
		*vaddr_ret = (word & ~(vmcore_page_bytes(map->core) - 1)) +
		             section * map->section_pages * map->page_struct_bytes;
	return NULL;
}

static struct error *next_sparse(const struct memmap *map, struct vmreader *reader, uint64_t pfn, uint64_t pfn_end,
                                 struct memmap_run *ret, uint64_t *next_pfn_ret)
{
	uint64_t end = (pfn_end + map->section_pages - 1) / map->section_pages;
	struct memmap_run run = {map->max_pfn, map->max_pfn, 0};
	uint64_t section = pfn / map->section_pages;

	if (end > map->section_count)
		end = map->section_count;
	while (section < end) {
		uint64_t vaddr, skip;
		uint64_t run_bytes = (run.pfn_end - run.pfn_start) * map->page_struct_bytes;
		struct error *err = read_section(map, reader, section, &vaddr, &skip);

		// The error comes again at the next call, when it is the first thing that is met.
		if (run.page_vaddr && (err || !vaddr || vaddr != run.page_vaddr + run_bytes)) {
			error_free(err);
			break;
		}
		*next_pfn_ret = (section + skip) * map->section_pages;
		if (err)
			return err;
		if (vaddr && !run.page_vaddr)
			run = (struct memmap_run){section * map->section_pages, section * map->section_pages, vaddr};
		section += skip;
		if (vaddr)
			run.pfn_end = section * map->section_pages;
	}
	if (run.page_vaddr && run.pfn_start < pfn) {
		run.page_vaddr += (pfn - run.pfn_start) * map->page_struct_bytes;
		run.pfn_start = pfn;
	}
	if (run.pfn_end > map->max_pfn)
		run.pfn_end = map->max_pfn;
	*next_pfn_ret = run.pfn_end;
	*ret = run;
	return NULL;
}

struct error *memmap_next(const struct memmap *map, struct vmreader *reader, uint64_t pfn, uint64_t pfn_end,
                          struct memmap_run *ret, uint64_t *next_pfn_ret)
{
	*next_pfn_ret = map->max_pfn;
	if (pfn_end > map->max_pfn)
		pfn_end = map->max_pfn;
	if (pfn >= pfn_end) {
		*ret = (struct memmap_run){map->max_pfn, map->max_pfn, 0};
		return NULL;
	}
	switch (map->model) {
	case MEMMAP_FLAT:
		next_flat(map, pfn, ret, next_pfn_ret);
		return NULL;
	case MEMMAP_DISCONTIG:
		return next_discontig(map, reader, pfn, ret, next_pfn_ret);
	case MEMMAP_SPARSE:
	case MEMMAP_SPARSE_EXTREME:
		break;
	}
	return next_sparse(map, reader, pfn, pfn_end, ret, next_pfn_ret);
}

struct error *memmap_next_readable(const struct memmap *map, struct vmreader *reader, uint64_t pfn, uint64_t pfn_end,
                                   struct memmap_run *ret)
{
	*ret = (struct memmap_run){0};
	while (pfn < pfn_end) {
		uint64_t next;
		struct error *err = memmap_next(map, reader, pfn, pfn_end, ret, &next);

		if (!error_catch(&err, ERROR_FAULT) && !error_catch(&err, ERROR_BAD_DATA))
			return err;
		pfn = next > pfn ? next : pfn + 1;
	}
	return NULL;
}
