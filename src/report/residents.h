// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * How much memory each process has: resident pages by kind, swapped ones, page tables.
 *
 * Does not walk page tables: the numbers are the kernel's own counters, with what CPUs or threads had not yet added to them.
 */
#ifndef REPORT_RESIDENTS_H
#define REPORT_RESIDENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"
#include "report/threads.h"

/** Counters of CPUs that are read at most: those of 100,000 processes on 512 CPUs. */
enum { RESIDENTS_STEPS_MAX = 1 << 28 };

/** Kinds of pages that are counted. */
enum residents_kind {
	RESIDENTS_FILE,
	RESIDENTS_ANON,
	RESIDENTS_SHMEM,
	RESIDENTS_SWAP, /**< Not in memory. */
	RESIDENTS_KINDS,
};

/** An address space: a process, or several that share it. */
struct residents_space {
	uint64_t mm_vaddr; /**< Its struct mm_struct. */
	uint64_t task_vaddr; /**< A task that uses it: the first thread of its process, if it is there. */
	uint32_t pid; /**< Of that one. */
	uint32_t threads; /**< Tasks that use it. */
	char name[TASKS_NAME_BYTES];
	uint64_t total_pages; /**< Of the address space. */
	uint64_t pages[RESIDENTS_KINDS];
	uint64_t table_bytes; /**< Page tables. */
	bool is_known; /**< Of pages and table_bytes. */
};

/** All of them. */
struct residents {
	struct residents_space *list; /**< By mm_vaddr. */
	size_t count;
	char why[KERNEL_WHY_BYTES]; /**< Why something is not known; "": all is, of the tasks that are known. */
};

/**
 * Look.
 *
 * @param[out] ret What is known; residents_deinit() it.
 * @param[in,out] kernel The kernel.
 * @param[in] threads Its tasks.
 * @return NULL; ERROR_NOMEM.
 */
struct error *residents_init(struct residents *ret, struct kernel *kernel, const struct threads *threads) must_check;

/** Free. @param[in] residents May be zeroed. */
void residents_deinit(struct residents *residents);

/** Find an address space. @param[in] residents All. @param[in] mm_vaddr Its struct mm_struct. @return Borrowed; NULL: there is none. */
const struct residents_space *residents_find(const struct residents *residents, uint64_t mm_vaddr);

/** Pages that are in memory. @param[in] space See there. @return Pages, of all kinds but RESIDENTS_SWAP. */
uint64_t residents_pages(const struct residents_space *space);

/** Order of the list for people: most resident pages first. @param[in,out] residents All; residents_find() finds nothing any more. */
void residents_sort(struct residents *residents);

#endif
