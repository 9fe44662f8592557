// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Processes whose memory is kept at every dump level: what their page tables map is put back into the set of frames.
 *
 * Does not find the set (dump/scan.h). Takes 16 bytes for each of the processes, and no memory that grows with theirs.
 */
#ifndef DUMP_KEEP_H
#define DUMP_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/scan.h"

/** Sizes. */
enum {
	/** More processes than machines run of one name; a limit for damaged lists. */
	KEEP_PROCESSES_MAX = 1 << 16,
	/** Longest text of keep.missing, with its NUL. */
	KEEP_TEXT_BYTES = 256,
};

/** A process that is kept. */
struct keep_process {
	uint64_t where; /**< Address of its struct mm_struct; when all are found, physical address of its page table. */
	uint32_t pid; /**< Of one of its threads. */
	uint32_t name; /**< Index of one of the names that it has. */
};

/** What is kept. Zeroed: nothing. */
struct keep {
	const struct scan *scan;
	const char *const *names;
	struct keep_process *processes;
	size_t process_count;
	struct error *unknown; /**< Why no process could be found at all, or NULL. */
	struct error *damage; /**< Why some of the memory, or of the processes, may not have been found, or NULL. */
	char missing[KEEP_TEXT_BYTES]; /**< Names that no process with memory of its own has. */
};

/**
 * Find the processes. What goes wrong is noted in the result: a dump without them is better than none.
 *
 * @param[out] ret What to keep; keep_deinit() it.
 * @param[in] scan Borrowed; its layout is known.
 * @param[in] names Names of threads of processes, of which 15 bytes count; NULL after the last. Borrowed.
 * @return NULL; ERROR_NOMEM.
 */
struct error *keep_init(struct keep *ret, const struct scan *scan, const char *const *names) must_check;

/** Free. @param[in] keep May be zeroed. */
void keep_deinit(struct keep *keep);

/**
 * Put the frames of the processes into the set of a window that was scanned: those that are in the dump, neither offline nor broken.
 *
 * @param[in,out] keep What to keep.
 * @param[in] pfn_start First frame.
 * @param[in] pfn_end One past the last frame.
 * @param[in,out] set As scan_window() has left it.
 * @param[in,out] counts What was added is counted: kept and named.
 * @return NULL; ERROR_NOMEM.
 */
struct error *keep_window(struct keep *keep, uint64_t pfn_start, uint64_t pfn_end, uint64_t *set,
                          struct filter_counts *counts) must_check;

#endif
