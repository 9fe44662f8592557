// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The memory of the crashed machine as /proc/meminfo would have told it, as far as its counters are in memory.
 *
 * Does not know what is no counter but is computed from constants of the machine (VmallocTotal). Source: Linux fs/proc/meminfo.c.
 */
#ifndef REPORT_MEMINFO_H
#define REPORT_MEMINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"
#include "report/zones.h"

/** Limits. */
enum {
	MEMINFO_ROWS_MAX = 80,
	MEMINFO_HUGE_MAX = 16, /**< Sizes of huge pages; arm64 has four. */
	MEMINFO_INODES_MAX = 1 << 16, /**< Block devices of which pages are counted as buffers. */
};

/** A row. */
struct meminfo_row {
	const char *name; /**< As /proc/meminfo has it; static. */
	uint64_t value; /**< KiB, or a number of huge pages. */
	bool is_count; /**< The latter. */
	bool is_known;
};

/** Huge pages of one size (hugetlb). */
struct meminfo_huge {
	uint64_t size_bytes;
	uint64_t total, free, reserved, surplus; /**< Pages of this size. */
};

/** All rows. */
struct meminfo {
	struct meminfo_row rows[MEMINFO_ROWS_MAX]; /**< In the order of /proc/meminfo. */
	size_t count;
	struct meminfo_huge huge[MEMINFO_HUGE_MAX];
	size_t huge_count;
	char why[KERNEL_WHY_BYTES]; /**< Why the first row is not known that is not; "": all are that this kernel has. */
};

/**
 * Look.
 *
 * @param[out] ret What is known.
 * @param[in,out] kernel The kernel.
 * @param[in] zones Its zones: what is available depends on their watermarks.
 * @return NULL; ERROR_NOMEM.
 */
struct error *meminfo_init(struct meminfo *ret, struct kernel *kernel, const struct zones *zones) must_check;

/** A row by its name. @param[in] info All rows. @param[in] name Its name. @return Borrowed; NULL: it is not known. */
const struct meminfo_row *meminfo_find(const struct meminfo *info, const char *name);

#endif
