// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Memory of the kernel by its caches of objects, as /proc/slabinfo and slabtop(1) list them.
 *
 * Knows SLUB, the allocator of all kernels since v6.8; of SLAB (CONFIG_SLAB) and SLOB nothing is told.
 */
#ifndef REPORT_SLABS_H
#define REPORT_SLABS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Limits. */
enum {
	SLABS_MAX = 1 << 16, /**< Caches; those of memory cgroups among them in old kernels. */
	SLABS_NAME_BYTES = 64, /**< Room for a name. */
	SLABS_STEPS_MAX =
		1 << 23, /**< Slabs, free objects, CPUs and nodes that are looked at, of all caches together. */
};

/** A cache. */
struct slabs_cache {
	uint64_t vaddr; /**< Its struct kmem_cache. */
	char name[SLABS_NAME_BYTES];
	uint64_t object_bytes; /**< Of an object, as it was asked for. */
	uint64_t size_bytes; /**< Of an object with all that is added to it. */
	uint64_t slab_bytes; /**< Of a slab. */
	uint64_t slabs; /**< Their number. */
	uint64_t total; /**< Objects that they have room for. */
	uint64_t free; /**< Of these, objects that nobody uses, in lists of CPUs too. */
	uint64_t
		partial_free; /**< Of these, objects of slabs that no CPU holds: /proc/slabinfo takes only those for free. */
	bool is_short; /**< Slabs that are full are not counted: the kernel does not do so (it lacks CONFIG_SLUB_DEBUG). */
	bool is_rough; /**< Not all free objects could be found. */
};

/** All of them. */
struct slabs {
	struct slabs_cache *list; /**< The largest first. */
	size_t count;
	size_t unreadable; /**< Caches of which nothing is known. */
	uint64_t bytes; /**< Of all. */
	char why[KERNEL_WHY_BYTES]; /**< Why there may be others, or why something is not known of some; "": all is. */
};

/**
 * Look.
 *
 * @param[out] ret What is known; slabs_deinit() it.
 * @param[in,out] kernel The kernel.
 * @return NULL; ERROR_NOMEM.
 */
struct error *slabs_init(struct slabs *ret, struct kernel *kernel) must_check;

/** Free. @param[in] slabs May be zeroed. */
void slabs_deinit(struct slabs *slabs);

/** Bytes of a cache. @param[in] cache The cache. @return Bytes of all its slabs. */
uint64_t slabs_bytes(const struct slabs_cache *cache);

#endif
