// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Memory that the kernel mapped for itself (vmalloc and the like), by who asked for it: /proc/vmallocinfo in short.
 *
 * Does not name callers (report/symbols.h), and does not know areas that nobody described (vm_map_ram()).
 */
#ifndef REPORT_VMAREAS_H
#define REPORT_VMAREAS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Most areas that are looked at. */
enum { VMAREAS_MAX = 1 << 20 };

/** Areas of one caller. */
struct vmareas_caller {
	uint64_t vaddr; /**< Where it asked for them. */
	uint64_t areas;
	uint64_t bytes; /**< Of addresses, with what guards them. */
	uint64_t pages; /**< Of memory that was taken for them. */
};

/** All of them. */
struct vmareas {
	struct vmareas_caller *list; /**< Those of most bytes first. */
	size_t count;
	uint64_t areas, bytes, pages; /**< Of all callers. */
	char why[KERNEL_WHY_BYTES]; /**< Why there may be others; "": these are all. */
};

/**
 * Look.
 *
 * @param[out] ret What is known; vmareas_deinit() it.
 * @param[in,out] kernel The kernel.
 * @return NULL; ERROR_NOMEM.
 */
struct error *vmareas_init(struct vmareas *ret, struct kernel *kernel) must_check;

/** Free. @param[in] areas May be zeroed. */
void vmareas_deinit(struct vmareas *areas);

#endif
