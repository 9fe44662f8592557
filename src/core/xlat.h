// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Kernel virtual addresses to physical ones, by the crashed kernel's own page tables; and what those of a process map.
 *
 * Does not know what lies at an address, nor where processes are (core/tasks.h). Machines differ in a table (core/arch.h).
 */
#ifndef CORE_XLAT_H
#define CORE_XLAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmreader.h"

/** How kernel addresses are translated in one dump. Read-only after xlat_init(); may be shared by threads. */
struct xlat {
	const struct vmcore *core;
	uint64_t vaddr_min; /**< Kernel addresses start here. */
	uint64_t root_paddr; /**< Of the top-level page table. */
	unsigned int level_count; /**< Levels of page tables. */
	unsigned int index_bits; /**< Bits of the address that select an entry of a table. */
	unsigned int top_index_bits; /**< The same for the top-level table. */
	uint64_t paddr_mask; /**< Bits of an entry that are bits of the address where they stand. */
	uint64_t paddr_high_mask; /**< Bits of an entry that are bits of the address further up; 0 on most machines. */
	unsigned int paddr_high_shift; /**< By how much further. */
};

/**
 * Find the page tables of the kernel.
 *
 * @param[out] ret Result; needs no release.
 * @param[in] core The dump; borrowed.
 * @return NULL; ERROR_BAD_DATA (VMCOREINFO lacks a value; the text names it); ERROR_UNSUPPORTED (machine).
 */
struct error *xlat_init(struct xlat *ret, const struct vmcore *core) must_check;

/**
 * Translate an address.
 *
 * @param[in] xlat Shared.
 * @param[in,out] reader For page tables; owned by the calling thread.
 * @param[in] vaddr Kernel virtual address.
 * @param[out] paddr_ret Physical address.
 * @param[out] run_bytes_ret Bytes from there to the end of the page (of any size) that maps it; may be NULL.
 * @return NULL; ERROR_FAULT (not mapped, or its table is not in the dump); ERROR_OS; ERROR_NOMEM.
 */
struct error *xlat_translate(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, uint64_t *paddr_ret,
                             uint64_t *run_bytes_ret) must_check;

/** What the kernel may do with memory that its page tables map. */
enum xlat_use {
	XLAT_DATA, /**< Read and write. */
	XLAT_CONSTANTS, /**< Read. */
	XLAT_CODE, /**< Read and run. */
};

/**
 * Translate an address, and tell what is there.
 *
 * @param[in] xlat Shared.
 * @param[in,out] reader For page tables; owned by the calling thread.
 * @param[in] vaddr Kernel virtual address.
 * @param[out] paddr_ret Physical address.
 * @param[out] run_bytes_ret As xlat_translate(); not NULL.
 * @param[out] use_ret What the kernel may do with it.
 * @return As xlat_translate().
 */
struct error *xlat_translate_use(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, uint64_t *paddr_ret,
                                 uint64_t *run_bytes_ret, enum xlat_use *use_ret) must_check;

/**
 * Copy kernel virtual memory.
 *
 * @param[in] xlat Shared.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] vaddr First byte.
 * @param[out] buf Bytes.
 * @param[in] size_bytes Their number; all come, or an error.
 * @return As xlat_translate().
 */
struct error *xlat_read(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, void *buf,
                        size_t size_bytes) must_check;

/**
 * Read an unsigned integer of the crashed kernel.
 *
 * @param[in] xlat Shared.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] vaddr Its address.
 * @param[in] size_bytes 1, 2, 4 or 8.
 * @param[out] ret The number, in our byte order.
 * @return As xlat_translate().
 */
struct error *xlat_read_uint(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, unsigned int size_bytes,
                             uint64_t *ret) must_check;

/** Where an entry of a page table leads to. @param[in] xlat Shared. @param[in] entry That of a table, or of a page. @return Physical address; of a large page bits below its size are attributes. */
static inline uint64_t xlat_entry_paddr(const struct xlat *xlat, uint64_t entry)
{
	return (entry & xlat->paddr_mask) | (entry & xlat->paddr_high_mask) << xlat->paddr_high_shift;
}

/** A walk over the memory of a process. */
struct xlat_walk {
	/** Told of each page, of any size, as often as it is mapped. It may use the reader of the walk. */
	void (*page)(void *context, uint64_t paddr, uint64_t size_bytes);
	void *context;
	uint64_t tables_left; /**< Page tables that may still be read: damaged ones lead to each other without end. */
};

/**
 * Tell of all pages that a process maps: its own, shared ones, those of files; not of those that were swapped out.
 *
 * @param[in] xlat Shared.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] root_paddr Top-level page table of the process.
 * @param[in,out] walk What to call, and how many tables may be read; those that were read are taken off.
 * @return NULL; the error of the first page table that could not be read: all others were walked; ERROR_BAD_DATA (no table is
 *	   left to read; the walk ends); ERROR_UNSUPPORTED (machine); ERROR_NOMEM.
 */
struct error *xlat_walk_process(const struct xlat *xlat, struct vmreader *reader, uint64_t root_paddr,
                                struct xlat_walk *walk) must_check;

#endif
