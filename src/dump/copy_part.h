// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * One file of a kdump-compressed dump that is being written: headers, bitmaps, and where pages go next.
 *
 * Private to copy_kdump.c, copy_unit.c and copy_part.c. A dump is one file, or is split over several; then each has all
 * headers and bitmaps, and the pages of its own frames. Does not write pages (copy_unit.h).
 */
#ifndef DUMP_COPY_PART_H
#define DUMP_COPY_PART_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "core/fmt_kdump.h"
#include "dump/copy_job.h"
#include "dump/methods.h"

/** One file. */
struct copy_part {
	struct copy *copy;
	struct sink *sink;
	struct fmt_kdump_layout layout;
	bool is_split; /**< There are other files. */
	uint64_t pfn_start; /**< Frames whose pages are in this file. */
	uint64_t pfn_end;
	uint64_t first_rank; /**< Saved frames before pfn_start. */
	uint64_t desc_room; /**< Descriptors there is room for. */
	_Atomic uint64_t next_data; /**< Where the next claim of output starts. */
	struct methods_sink written; /**< What tells how fast it takes pages. */
};

/**
 * Begin a file: its headers, marked incomplete, and room for what readers need.
 *
 * Until copy_part_end() it is a dump from which pages are missing, whatever happens to the copier.
 *
 * @param[in,out] part With all but layout and next_data filled in.
 * @param[in] compression Flag of the method, for the header.
 * @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_NOMEM.
 */
struct error *copy_part_start(struct copy_part *part, uint32_t compression) must_check;

/**
 * Write both bitmaps of a window.
 *
 * @param[in,out] part The file.
 * @param[in] set Saved frames of the window, of all files.
 * @param[in] base_pfn Of bit 0.
 * @param[in] end_pfn One past the last frame.
 * @return As copy_write().
 */
struct error *copy_part_bitmaps(struct copy_part *part, const uint64_t *set, uint64_t base_pfn,
                                uint64_t end_pfn) must_check;

/**
 * End a file: the mark is taken off if nothing is missing, and the sink is finished.
 *
 * @param[in,out] part The file.
 * @param[in] compression As at the start.
 * @return As copy_write().
 */
struct error *copy_part_end(struct copy_part *part, uint32_t compression) must_check;

#endif
