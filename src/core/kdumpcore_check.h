// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Whether the tables of a kdump-compressed dump make sense: what reading page after page does not show.
 *
 * Does not expand pages. Memory: 16 bytes for each piece of pages that lie one behind the other, which for dumps that were written
 * in order, or in units, are few; a third of the table of descriptors at most.
 */
#ifndef CORE_KDUMPCORE_CHECK_H
#define CORE_KDUMPCORE_CHECK_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

/** What was found. */
struct kdumpcore_check {
	uint64_t overlaps; /**< Pieces that begin in another one: bytes of a page that are those of another page too. */
	uint64_t overlap_offset; /**< In its file, of the first such. */
	const char *overlap_path; /**< That file; borrowed from the dump. */
	uint64_t no_memory; /**< Pages in the dump that the first bitmap does not call memory. */
};

/**
 * Check.
 *
 * @param[in] core The dump; of another format nothing is found.
 * @param[out] ret What is wrong.
 * @return NULL; ERROR_BAD_DATA (the table of descriptors is not whole in the file); ERROR_OS; ERROR_NOMEM.
 */
struct error *kdumpcore_check(const struct vmcore *core, struct kdumpcore_check *ret) must_check;

#endif
