// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Where the members of LTTng-modules' structures are.
 *
 * From the types that the kernel keeps of the modules; where these were built without, from a table of the versions that are known: on
 * 64-bit machines no member that is needed stands behind one whose size depends on the kernel. Does not know what they mean.
 * Source: lttng-modules include/lttng/events-internal.h, include/ringbuffer/backend_types.h, frontend_types.h.
 */
#ifndef REPORT_LTTNG_TYPES_H
#define REPORT_LTTNG_TYPES_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"
#include "report/modlist.h"

/** Members, and structures by their sizes: what they are called is in lttng_types.c, in this order. */
enum lttng_types_member {
	LTTNG_TYPES_SESSION_CHAN,
	LTTNG_TYPES_SESSION_LIST,
	LTTNG_TYPES_SESSION_UUID,
	LTTNG_TYPES_SESSION_METADATA_CACHE,
	LTTNG_TYPES_SESSION_NAME,
	LTTNG_TYPES_CACHE_DATA,
	LTTNG_TYPES_CACHE_ALLOC,
	LTTNG_TYPES_CACHE_WRITTEN,
	LTTNG_TYPES_CACHE_PRODUCING,
	LTTNG_TYPES_CHANNEL_ID,
	LTTNG_TYPES_CHANNEL_TYPE,
	LTTNG_TYPES_CHANNEL_RB_CHAN,
	LTTNG_TYPES_CHANNEL_NODE,
	LTTNG_TYPES_RING_COMMIT_COUNT_MASK,
	LTTNG_TYPES_RING_BACKEND,
	LTTNG_TYPES_BACKEND_BUF_SIZE,
	LTTNG_TYPES_BACKEND_SUBBUF_SIZE,
	LTTNG_TYPES_BACKEND_BUF,
	LTTNG_TYPES_BACKEND_NUM_SUBBUF,
	LTTNG_TYPES_BUFFER_OFFSET,
	LTTNG_TYPES_BUFFER_COMMIT_HOT,
	LTTNG_TYPES_BUFFER_CONSUMED,
	LTTNG_TYPES_BUFFER_LAST_TSC,
	LTTNG_TYPES_BUFFER_BACKEND,
	LTTNG_TYPES_BUFFER_COMMIT_COLD,
	LTTNG_TYPES_BUFFER_LOST_FULL,
	LTTNG_TYPES_BUFFER_LOST_WRAP,
	LTTNG_TYPES_BUFFER_LOST_BIG,
	LTTNG_TYPES_STORE_WSB,
	LTTNG_TYPES_STORE_RSB,
	LTTNG_TYPES_STORE_ARRAY,
	LTTNG_TYPES_STORE_CHAN,
	LTTNG_TYPES_STORE_CPU,
	LTTNG_TYPES_HOT_SEQ,
	LTTNG_TYPES_HOT_BYTES,
	LTTNG_TYPES_COLD_CC_SB,
	LTTNG_TYPES_COLD_BYTES,
	LTTNG_TYPES_PAGES_P,
	LTTNG_TYPES_PAGE_VIRT,
	LTTNG_TYPES_PAGE_BYTES,
	LTTNG_TYPES_SUBBUFFER_ID,
	LTTNG_TYPES_SUBBUFFER_BYTES,
	LTTNG_TYPES_MEMBER_COUNT,
};

/** Room for where they are from. */
enum { LTTNG_TYPES_FROM_BYTES = 80 };

/** What was found. */
struct lttng_types {
	uint64_t at[LTTNG_TYPES_MEMBER_COUNT]; /**< Offsets of members, sizes of structures, in bytes. */
	char from[LTTNG_TYPES_FROM_BYTES]; /**< For people: "types of the modules", "version 2.13.9". */
	char version[LTTNG_TYPES_FROM_BYTES]; /**< Of the modules; "": not known. */
};

/**
 * Find them.
 *
 * @param[out] ret They.
 * @param[in,out] kernel The kernel.
 * @param[in] modules Its modules.
 * @return NULL; ERROR_UNSUPPORTED: there are no such modules, or they have no types and their version is not known;
 *	   ERROR_NOMEM.
 */
struct error *lttng_types_init(struct lttng_types *ret, struct kernel *kernel,
                               const struct modlist *modules) must_check;

#endif
