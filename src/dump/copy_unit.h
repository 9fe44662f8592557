// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The inner part of the copier: one unit of pages read, looked at, compressed and written.
 *
 * Private to copy_kdump.c and copy_unit.c. Does not choose pages and does not write headers or bitmaps.
 */
#ifndef DUMP_COPY_UNIT_H
#define DUMP_COPY_UNIT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "core/fmt_kdump.h"
#include "dump/compress.h"
#include "dump/copy_job.h"

/** One window of a kdump-compressed dump that is being written. */
struct kdump_copy {
	struct copy *copy;
	struct fmt_kdump_layout layout;
	const struct compressor *compressor;
	uint64_t *set; /**< Frames to save. */
	uint64_t base_pfn; /**< Of bit 0 of the set. */
	uint64_t end_pfn; /**< Of the window. */
	uint64_t base_rank; /**< Descriptors before the window. */
	uint64_t desc_room; /**< Descriptors there is room for. */
	uint64_t page_count; /**< Bits in the set. */
	uint64_t *unit_pfns; /**< First frame of each unit. */
	_Atomic uint64_t next_data; /**< Where the next claim of output starts. */
};

/** workers_job.start: make what a thread needs. @param[in,out] context struct kdump_copy. @param[in] thread Unused. @param[out] state_ret For the others. @return NULL; ERROR_NOMEM; ERROR_UNSUPPORTED. */
struct error *copy_unit_start(void *context, unsigned int thread, void **state_ret) must_check;

/** workers_job.run: copy one unit. @param[in,out] context struct kdump_copy. @param[in,out] state Of the thread. @param[in] unit Index into unit_pfns. @return As copy_run(). */
struct error *copy_unit(void *context, void *state, uint64_t unit) must_check;

/** workers_job.finish: free what a thread had. @param[in,out] context struct kdump_copy. @param[in] state Of the thread; may be NULL. @param[in] is_failed Unused. @return NULL. */
struct error *copy_unit_end(void *context, void *state, bool is_failed) must_check;

#endif
