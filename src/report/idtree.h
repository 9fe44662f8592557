// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Trees of the kernel's that find a pointer by a number: xarray (also called radix tree), and maple tree.
 *
 * Does not know what the pointers mean. Sources: Linux include/linux/xarray.h, include/linux/maple_tree.h, lib/maple_tree.c.
 */
#ifndef REPORT_IDTREE_H
#define REPORT_IDTREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** What is told of each pointer, in the order of their numbers. @param[in] context Of the caller. @param[in] number First number that leads to it. @param[in] vaddr It. @return NULL; an error ends the walk. */
typedef struct error *idtree_each(void *context, uint64_t number, uint64_t vaddr);

/**
 * Tell of all pointers in an xarray.
 *
 * @param[in,out] kernel The kernel.
 * @param[in] vaddr Its struct xarray.
 * @param[in] most Nodes and pointers that are looked at, at most.
 * @param[in] each Called for each.
 * @param[in] context For @p each.
 * @return NULL; that of @p each; ERROR_UNSUPPORTED (types lack something); ERROR_BAD_DATA (deeper than any, or more than @p most);
 *	   as vmemory_uint(). ERROR_NOMEM.
 */
struct error *idtree_xarray(struct kernel *kernel, uint64_t vaddr, size_t most, idtree_each *each,
                            void *context) must_check;

/** The same of a maple tree. @param[in,out] kernel The kernel. @param[in] vaddr Its struct maple_tree. @param[in] most As there. @param[in] each As there. @param[in] context As there. @return As there. */
struct error *idtree_maple(struct kernel *kernel, uint64_t vaddr, size_t most, idtree_each *each,
                           void *context) must_check;

#endif
