// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * How much of the machine's memory is in the dump, what was left out, and how much of it describes the rest (struct page).
 *
 * Does not say why a single page is there or not (dump/pagemap_reader.h).
 */
#ifndef REPORT_COVERAGE_H
#define REPORT_COVERAGE_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Room for words of coverage_level(). */
enum { COVERAGE_LEVEL_BYTES = 80 };

/** Bytes. */
struct coverage {
	uint64_t memory_bytes; /**< Of the machine, as far as the dump says so. */
	uint64_t dump_bytes; /**< In the dump. */
	uint64_t described_bytes; /**< Memory that has struct pages. */
	uint64_t struct_page_bytes; /**< They. */
	unsigned int level; /**< What was left out, as makedumpfile's -d has it; 0: nothing, or it is not known. */
	char why[KERNEL_WHY_BYTES]; /**< Why struct pages are not known; "": they are. */
};

/** Look. @param[out] ret What is known. @param[in,out] kernel The kernel. */
void coverage_init(struct coverage *ret, struct kernel *kernel);

/** Words for a level. @param[in] level It. @param[out] text "zero pages, cache …". */
void coverage_level(unsigned int level, char text[COVERAGE_LEVEL_BYTES]);

#endif
