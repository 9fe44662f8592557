// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Keep a page or drop it: a pure function of what the page is and of the dump level.
 *
 * Does not read anything.
 */
#ifndef DUMP_FILTER_H
#define DUMP_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/page.h"

/** Bits of a dump level (makedumpfile(8), -d). */
enum filter_level {
	FILTER_ZERO = 1, /**< Pages that hold only zeros. */
	FILTER_CACHE = 2, /**< Page cache without private data. */
	FILTER_CACHE_PRIVATE = 4, /**< All page cache: implies FILTER_CACHE. */
	FILTER_USER = 8, /**< Memory of processes. */
	FILTER_FREE = 16, /**< Free pages. */
	FILTER_LEVEL_MAX = 31,
};

/** Pages counted. */
struct filter_counts {
	uint64_t classes[PAGE_CLASS_COUNT]; /**< Of each class, those in the input. */
	uint64_t poisoned; /**< Broken memory among those kept otherwise: left out. */
	uint64_t unused; /**< struct pages that describe only pages that were dropped, left out on request. */
	uint64_t zero; /**< Found to hold only zeros, among those kept. */
	uint64_t total; /**< In the input. */
	uint64_t kept; /**< After classes were dropped; zero pages still counted. */
	uint64_t named; /**< Of those kept: of dropped classes, but memory of processes that are to be kept. */
};

/**
 * Whether pages of a class are dropped.
 *
 * Offline memory is dropped at every level: it holds nothing, or cannot be read.
 *
 * @param[in] class What the page is.
 * @param[in] dump_level 0…31.
 * @return true: not in the dump.
 */
bool filter_drops(enum page_class class, unsigned int dump_level);

/** Name of a class for people. @param[in] class Class. @return Static text. */
const char *filter_class_name(enum page_class class);

#endif
