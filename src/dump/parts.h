// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Pieces of memory that one write puts one behind the other.
 *
 * Does not write, and does not know what they hold and how long they stay where they are.
 */
#ifndef DUMP_PARTS_H
#define DUMP_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/cleanup.h"

/** What is to be written next; all zeros: nothing. */
struct parts {
	/** The pieces. */
	struct iovec list[256];
	/** Their number. */
	size_t count;
	/** Bytes of all. */
	size_t size_bytes;
};

/** Whether there is room for no other piece. @param[in] parts The pieces. @return See there. */
static inline bool parts_are_full(const struct parts *parts)
{
	return parts->count == array_size(parts->list);
}

/** Add bytes; those that lie behind the last ones become one piece with them. @param[in,out] parts Not full. @param[in] bytes First byte. @param[in] size_bytes Their number. */
static inline void parts_add(struct parts *parts, const uint8_t *bytes, size_t size_bytes)
{
	struct iovec *last = parts->count ? &parts->list[parts->count - 1] : NULL;

	if (last && (const uint8_t *)last->iov_base + last->iov_len == bytes)
		last->iov_len += size_bytes;
	else
		parts->list[parts->count++] = (struct iovec){.iov_base = (void *)bytes, .iov_len = size_bytes};
	parts->size_bytes += size_bytes;
}

/** Nothing is to be written. @param[out] parts The pieces. */
static inline void parts_clear(struct parts *parts)
{
	parts->count = parts->size_bytes = 0;
}

#endif
