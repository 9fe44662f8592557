// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The way of one virtual address through the page tables, entry by entry: for people who want to see it.
 *
 * Does not say what lies there. Programs that only want the physical address use core/xlat.h.
 */
#ifndef CORE_XLAT_PATH_H
#define CORE_XLAT_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/arch.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** An entry that was read. */
struct xlat_path_step {
	unsigned int level; /**< 1: that of the smallest pages. */
	uint64_t paddr; /**< Where the entry is. */
	uint64_t entry;
};

/** A way. */
struct xlat_path {
	struct xlat_path_step steps[ARCH_LEVELS_MAX]; /**< From the top-level table on. */
	size_t count;
	bool is_mapped; /**< It leads to memory; the rest says nothing else. */
	uint64_t paddr; /**< Physical address. */
	uint64_t page_bytes; /**< Of the page, of any size, that is mapped. */
	enum xlat_use use; /**< What the kernel may do with it; of a process it says nothing. */
};

/**
 * Follow an address.
 *
 * @param[in] xlat Shared.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] process_paddr Top-level page table of a process, for an address of its own; 0: the kernel's.
 * @param[in] vaddr The address.
 * @param[out] ret The way, as far as it could be followed; also on error.
 * @return NULL (also if nothing is mapped there); ERROR_FAULT (no address of the kernel, or of a process; or a page table is not in the
 *	   dump); ERROR_UNSUPPORTED (processes of this machine); ERROR_BAD_DATA; ERROR_OS; ERROR_NOMEM.
 */
struct error *xlat_path_find(const struct xlat *xlat, struct vmreader *reader, uint64_t process_paddr, uint64_t vaddr,
                             struct xlat_path *ret) must_check;

#endif
