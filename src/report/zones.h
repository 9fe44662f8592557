// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Free memory of the crashed machine, node by node and zone by zone: what /proc/zoneinfo and /proc/buddyinfo said.
 *
 * Does not look at struct pages (core/page.h): counters and lengths of lists are what the kernel counted itself.
 */
#ifndef REPORT_ZONES_H
#define REPORT_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Limits. */
enum {
	ZONES_NODES_MAX = 1024, /**< Nodes (Linux MAX_NUMNODES is at most this: NODES_SHIFT 10). */
	ZONES_ORDERS_MAX = 32, /**< Sizes of free blocks; Linux has 11 by default. */
	ZONES_NAME_BYTES = 16, /**< Room for a name. */
	ZONES_WATERMARKS = 3, /**< min, low, high. */
};

/** A zone that has memory. All in pages. */
struct zones_zone {
	uint32_t node;
	char name[ZONES_NAME_BYTES];
	uint64_t spanned;
	uint64_t present;
	uint64_t managed; /**< Of the allocator: without what was reserved when the machine booted. */
	uint64_t free; /**< As the zone counts them. */
	uint64_t per_cpu; /**< Free, in the lists of CPUs, which the zone does not count as free. */
	uint64_t watermarks[ZONES_WATERMARKS]; /**< With what a burst added to them. */
	uint64_t blocks[ZONES_ORDERS_MAX]; /**< Free blocks of 2^n pages. */
};

/** All of them. */
struct zones {
	struct zones_zone *list;
	size_t count;
	unsigned int orders; /**< Sizes of blocks that the kernel has. */
	char why[KERNEL_WHY_BYTES]; /**< Why something is not known; "": all is. */
};

/**
 * Look.
 *
 * @param[out] ret As far as they are known; zones_deinit() it.
 * @param[in,out] kernel The kernel.
 * @return NULL; ERROR_NOMEM.
 */
struct error *zones_init(struct zones *ret, struct kernel *kernel) must_check;

/** Free. @param[in] zones May be zeroed. */
void zones_deinit(struct zones *zones);

/** Pages of all free blocks of a zone. @param[in] zones All. @param[in] zone One of them. @return Pages. */
uint64_t zones_listed(const struct zones *zones, const struct zones_zone *zone);

#endif
