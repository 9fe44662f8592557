// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Whose a page is: the slab cache, file, process, stack, module or other part of the kernel that it belongs to.
 *
 * Looks at struct pages, and for pages of the kernel through what the kernel has a list of: its image, per-CPU areas, stacks of tasks,
 * struct pages, modules. Does not know what was allocated in another way, and by whom: that is the kernel's, and no more.
 */
#ifndef REPORT_OWNER_H
#define REPORT_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/machine.h"
#include "report/pageinfo.h"

/** Kinds of owners. */
enum owner_kind {
	OWNER_UNKNOWN,
	OWNER_FREE, /**< Nobody: in the buddy allocator. */
	OWNER_OFFLINE, /**< The hypervisor. */
	OWNER_SLAB,
	OWNER_FILE, /**< Page cache of a file, or of a block device. */
	OWNER_SHARED, /**< Page cache of which no file is known, as pages in swap. */
	OWNER_ANON, /**< Memory of processes. */
	OWNER_HUGETLB,
	OWNER_PAGE_TABLE, /**< Of a process. */
	OWNER_IMAGE, /**< The kernel's code and data. */
	OWNER_MODULE,
	OWNER_PER_CPU,
	OWNER_STACK, /**< Of a task. */
	OWNER_STRUCT_PAGES,
	OWNER_CRASH_KERNEL, /**< Set aside for the capture kernel. */
	OWNER_KINDS,
};

/** Limits. */
enum {
	OWNER_TEXT_BYTES = 320, /**< Room for a description. */
	OWNER_PROCESSES_MAX = 8, /**< Most processes that are named for a page. */
	OWNER_PAGES_MAX = 256, /**< Most pages that are looked for in processes at once. */
};

/** An owner. */
struct owner_found {
	enum owner_kind kind;
	char text[OWNER_TEXT_BYTES]; /**< Which one, printable; "": not known. */
};

/** Processes that have a page mapped. */
struct owner_mapped {
	uint64_t pfn; /**< The page. */
	uint32_t pids[OWNER_PROCESSES_MAX];
	char names[OWNER_PROCESSES_MAX][TASKS_NAME_BYTES];
	size_t count; /**< Of all processes; the first are in the arrays. */
};

/** What owners are looked for with. All borrowed. */
struct owner {
	struct machine *machine;
	struct pageinfo *info;
};

/** A word for programs. @param[in] kind A kind. @return "slab", "file" … Static. */
const char *owner_kind_name(enum owner_kind kind);

/**
 * Whose a page is.
 *
 * @param[in] owner Tools.
 * @param[in] paddr A physical address in it.
 * @param[in] vaddr The kernel address by which it was asked for; 0: another one.
 * @param[in] page Its struct page; NULL: not known.
 * @param[out] ret The owner; OWNER_UNKNOWN is one that nothing tells of.
 */
void owner_find(const struct owner *owner, uint64_t paddr, uint64_t vaddr, const struct pageinfo_page *page,
                struct owner_found *ret);

/**
 * Find which processes have pages mapped: one walk over the page tables of all.
 *
 * @param[in] owner Tools.
 * @param[in,out] pages pfn is set; the rest is filled in.
 * @param[in] count At most OWNER_PAGES_MAX.
 * @return NULL; ERROR_UNSUPPORTED (machine, or tasks are not known); the error of the first table that could not be read: all others were.
 */
struct error *owner_find_processes(const struct owner *owner, struct owner_mapped *pages, size_t count) must_check;

#endif
