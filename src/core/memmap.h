// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which page frames exist, and where their struct page is.
 *
 * Does not decode struct page (core/page.h) and does not decide what to keep (dump/filter.h).
 */
#ifndef CORE_MEMMAP_H
#define CORE_MEMMAP_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** Memory models of the kernel (Linux Documentation/mm/memory-model.rst). */
enum memmap_model {
	MEMMAP_FLAT, /**< One array: SYMBOL(mem_map). */
	MEMMAP_DISCONTIG, /**< One array a node: SYMBOL(node_data) or SYMBOL(contig_page_data). */
	MEMMAP_SPARSE, /**< One array a section; mem_section is an array. */
	MEMMAP_SPARSE_EXTREME, /**< The same; mem_section is an array of pointers to arrays. */
};

/** Page frames whose struct page array is contiguous in kernel virtual memory. */
struct memmap_run {
	uint64_t pfn_start; /**< First page frame. */
	uint64_t pfn_end; /**< One past the last page frame. */
	uint64_t page_vaddr; /**< Kernel virtual address of the struct page of pfn_start. */
};

/** Where struct pages are in one dump. Read-only after memmap_init(); may be shared by threads. */
struct memmap {
	const struct vmcore *core;
	const struct xlat *xlat;
	enum memmap_model model;
	uint64_t page_struct_bytes;
	uint64_t max_pfn;
	uint64_t base_vaddr; /**< mem_map, node_data, or mem_section. */
	uint64_t section_pages; /**< Page frames of a section. */
	uint64_t section_count; /**< Sections that can exist. */
	uint64_t section_struct_bytes;
	uint64_t section_map_offset; /**< Of section_mem_map in struct mem_section. */
	uint64_t sections_per_root; /**< In one array; all of them for MEMMAP_SPARSE. */
	uint64_t node_count; /**< MEMMAP_DISCONTIG. */
	uint64_t node_mem_map_offset;
	uint64_t node_start_pfn_offset;
	uint64_t node_spanned_offset;
};

/**
 * Learn the memory model from VMCOREINFO.
 *
 * @param[out] ret Result; needs no release.
 * @param[in] core The dump; borrowed.
 * @param[in] xlat Borrowed.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] page_struct_bytes Size of struct page.
 * @return NULL; ERROR_UNSUPPORTED (a value is missing; the text names it); ERROR_FAULT; ERROR_BAD_DATA.
 */
struct error *memmap_init(struct memmap *ret, const struct vmcore *core, const struct xlat *xlat,
                          struct vmreader *reader, uint64_t page_struct_bytes) must_check;

/**
 * Find the next run of page frames.
 *
 * @param[in] map Shared; may be used by several threads.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] pfn Page frame to start from.
 * @param[in] pfn_end Where to stop to look; a run may go on behind it.
 * @param[out] ret Run that contains or follows @p pfn; empty (pfn_start == pfn_end) if there is none up to @p pfn_end.
 *		   Untouched on error.
 * @return NULL; ERROR_FAULT if a table is not in the dump: the caller may go on at @p next_pfn_ret.
 * @param[out] next_pfn_ret Where to go on, also on error; above @p pfn unless the run is empty.
 */
struct error *memmap_next(const struct memmap *map, struct vmreader *reader, uint64_t pfn, uint64_t pfn_end,
                          struct memmap_run *ret, uint64_t *next_pfn_ret) must_check;

/** As memmap_next(), passing over what is not in the dump or makes no sense. @param[in] map Shared. @param[in,out] reader Owned by the calling thread. @param[in] pfn Page frame to start from. @param[in] pfn_end Where to stop to look. @param[out] ret As there. @return NULL; ERROR_OS; ERROR_NOMEM. */
struct error *memmap_next_readable(const struct memmap *map, struct vmreader *reader, uint64_t pfn, uint64_t pfn_end,
                                   struct memmap_run *ret) must_check;

#endif
