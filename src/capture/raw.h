// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A dump as it is: all bytes of /proc/vmcore, with holes for zeros.
 *
 * Understands nothing of what it copies; that is why it is the last thing to try.
 */
#ifndef CAPTURE_RAW_H
#define CAPTURE_RAW_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/sink.h"

/** How far the copy is. */
struct raw_progress {
	uint64_t done_bytes;
	uint64_t total_bytes;
	uint64_t written_bytes; /**< Without holes. */
	uint64_t unreadable_bytes; /**< Left as holes: the kernel could not read them. */
};

/**
 * Copy all of a file.
 *
 * @param[in] in_fd Open for reading; its size must be known.
 * @param[in] sink Empty; finished here.
 * @param[in] told Called after each piece (1 MiB); may be NULL.
 * @param[in] context For @p told.
 * @param[out] ret What was done; filled as far as it got on error too.
 * @return NULL; ERROR_OS; ERROR_NOSPC; ERROR_NOMEM; ERROR_BAD_DATA (nothing could be read). Read errors in the middle are
 *	   counted, not reported: the rest may still say what happened.
 */
struct error *raw_copy(int in_fd, struct sink *sink, void (*told)(void *context, const struct raw_progress *progress),
                       void *context, struct raw_progress *ret) must_check;

#endif
