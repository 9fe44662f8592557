// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The packets that a CPU had in a channel of LTTng-modules' when the kernel crashed.
 *
 * A packet that was being written ends where events are committed without a gap; its header is made to say so. Knows no event. A dump is
 * not believed: a packet counts if its header is that of its place.
 * Source: lttng-modules src/lib/ringbuffer/ring_buffer_frontend.c: lib_ring_buffer_get_subbuf(); include/ringbuffer/
 * frontend_internal.h: lib_ring_buffer_write_commit_counter(); backend_internal.h: subbuffer_id().
 */
#ifndef REPORT_LTTNG_READER_H
#define REPORT_LTTNG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ctf.h"
#include "report/lttng.h"

/** Reads what a CPU has in a channel. */
struct lttng_reader;

/** A packet. */
struct lttng_reader_packet {
	const uint8_t *bytes; /**< Valid until the next one is read. */
	size_t size_bytes; /**< With padding. */
	struct ctf_packet header;
	bool is_unfinished; /**< It was being written: its end was made here. */
};

/**
 * Start to read.
 *
 * @param[in,out] lttng Borrowed.
 * @param[in] session Borrowed.
 * @param[in] channel Borrowed; one of the session's.
 * @param[in] cpu Number of the CPU.
 * @param[out] ret lttng_reader_destroy() it. NULL: this CPU has no buffer.
 * @return NULL; ERROR_BAD_DATA; ERROR_UNSUPPORTED (it is not known where variables of CPUs are); ERROR_FAULT; ERROR_NOMEM.
 */
struct error *lttng_reader_create(struct lttng *lttng, const struct lttng_session *session,
                                  const struct lttng_channel *channel, uint32_t cpu,
                                  struct lttng_reader **ret) must_check;

/** Free. @param[in] reader May be NULL. */
void lttng_reader_destroy(struct lttng_reader *reader);

/** Guard form of lttng_reader_destroy(). @param[in] reader Address of the variable. */
static inline void lttng_reader_destroyp(struct lttng_reader **reader)
{
	lttng_reader_destroy(*reader);
}

/** The next packet that can be read, in the order of time. @param[in,out] reader See there. @param[out] ret The packet. @return false: there is no other. */
bool lttng_reader_next(struct lttng_reader *reader, struct lttng_reader_packet *ret);

/** How many packets could not be read. @param[in] reader See there. @param[out] why_ret Why the first one could not; "" if there is none. @return See there. */
uint64_t lttng_reader_damaged(const struct lttng_reader *reader, char why_ret[KERNEL_WHY_BYTES]);

#endif
