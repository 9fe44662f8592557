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

#include <stdint.h>

#include "base/error.h"
#include "base/workers.h"
#include "dump/callers.h"
#include "dump/copy_job.h"
#include "dump/copy_order.h"
#include "dump/copy_part.h"
#include "dump/methods.h"

/** Which pages of a unit are copied. The others are copied when the unit comes again. */
enum copy_unit_choice {
	COPY_UNIT_ALL,
	COPY_UNIT_LOOK, /**< All, and what they point to is noted. */
	COPY_UNIT_CALLED, /**< Code that was noted. */
	COPY_UNIT_NOT_CALLED, /**< Other code. */
};

/** One window of a kdump-compressed dump that is being written. */
struct copy_unit_job {
	struct copy *copy;
	struct copy_part *parts; /**< The files of the dump. */
	const uint64_t *set; /**< Frames to save. */
	uint64_t base_pfn; /**< Of bit 0 of the set. */
	uint64_t end_pfn; /**< Of the window. */
	uint64_t base_rank; /**< Saved frames before the window. */
	const struct copy_order *order; /**< Its units. */
	const struct worth_map *worth;
	struct callers *callers; /**< Code that is pointed to; NULL: not asked for. */
	enum copy_unit_choice choice;
	struct methods *methods;
	struct workers_turns *turns; /**< Where the best units must be written first; NULL: as they are ready. */
};

/** Anonymous memory of one thread. @param[in] methods What it compresses with. @param[in] page_bytes Page size. @return Bytes. */
uint64_t copy_unit_memory_bytes(const struct methods *methods, uint64_t page_bytes);

/** workers_job.start: make what a thread needs. @param[in,out] context struct copy_unit_job. @param[in] thread Unused. @param[out] state_ret For the others. @return NULL; ERROR_NOMEM; ERROR_UNSUPPORTED. */
struct error *copy_unit_start(void *context, unsigned int thread, void **state_ret) must_check;

/** workers_job.run: copy one unit. @param[in,out] context struct copy_unit_job. @param[in,out] state Of the thread. @param[in] unit Index of a unit of the order. @return As copy_run(). */
struct error *copy_unit(void *context, void *state, uint64_t unit) must_check;

/** workers_job.finish: free what a thread had. @param[in,out] context struct copy_unit_job. @param[in] state Of the thread; may be NULL. @param[in] is_failed Unused. @return NULL. */
struct error *copy_unit_end(void *context, void *state, bool is_failed) must_check;

#endif
