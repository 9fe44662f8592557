// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What LTTng-modules recorded when the kernel crashed: sessions, their metadata and their channels.
 *
 * Does not read buffers (report/lttng_reader.h), does not write files (cmd/inspect_lttng.c).
 */
#ifndef REPORT_LTTNG_H
#define REPORT_LTTNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ctf.h"
#include "report/lttng_types.h"
#include "report/machine.h"

/** Limits. */
enum {
	LTTNG_NAME_BYTES =
		256, /**< Room for the name of a session, with its NUL (LTTNG_KERNEL_ABI_SESSION_NAME_LEN). */
	LTTNG_SESSIONS_MAX = 256,
	LTTNG_CHANNELS_MAX = 256, /**< Of a session. */
	LTTNG_METADATA_MAX_BYTES = 64 << 20, /**< All events of a kernel take 2 MiB. */
};

/** A channel of events; those for metadata are left out. */
struct lttng_channel {
	uint32_t id; /**< Its number: of CTF's streams. */
	uint64_t ring_vaddr; /**< Its struct lttng_kernel_ring_buffer_channel. */
	uint64_t buffers; /**< Of all CPUs: a pointer for them (__percpu). */
	uint64_t subbuf_bytes; /**< A power of two. */
	uint64_t subbuf_count; /**< The same. */
	uint64_t commit_mask; /**< Of counters of commits. */
	char why[KERNEL_WHY_BYTES]; /**< Why nothing can be read of it; "": it can. */
};

/** A session. */
struct lttng_session {
	uint64_t vaddr; /**< Its struct lttng_kernel_session_private. */
	char name[LTTNG_NAME_BYTES]; /**< Printable ASCII, but no name of a file. */
	uint8_t uuid[CTF_UUID_BYTES];
	uint64_t metadata_vaddr; /**< Text, without the line that begins a file of it. */
	uint64_t metadata_bytes;
	bool is_metadata_changing; /**< Something was being added to it: its end may be the half of something. */
	struct lttng_channel *channels;
	size_t channel_count;
	char why[KERNEL_WHY_BYTES]; /**< Why there may be more channels, or no metadata; "": it is all. */
};

/** All sessions, the last that was made first. */
struct lttng {
	struct kernel *kernel; /**< Borrowed. */
	struct lttng_types types;
	struct lttng_session *sessions;
	size_t session_count;
	uint64_t
		pages_left; /**< Pages that packets may still have: as many as the dump has. Else lists of a damaged one are nearly endless. */
	uint64_t buffers_left; /**< The same of buffers. */
	char why[KERNEL_WHY_BYTES]; /**< Why there may be more; "": these are all. */
};

/**
 * Find the sessions.
 *
 * @param[in] machine The machine; borrowed.
 * @param[out] ret lttng_close() it before the machine.
 * @return NULL (also if there is none); as lttng_types_init(); ERROR_UNSUPPORTED (there is no symbol of the sessions); ERROR_NOMEM.
 */
struct error *lttng_open(const struct machine *machine, struct lttng **ret) must_check;

/** Free. @param[in] lttng May be NULL. */
void lttng_close(struct lttng *lttng);

/** Guard form of lttng_close(). @param[in] lttng Address of the variable. */
static inline void lttng_closep(struct lttng **lttng)
{
	lttng_close(*lttng);
}

/**
 * The metadata of a session, as a file of a trace has it.
 *
 * @param[in] lttng See there.
 * @param[in] session One of its sessions.
 * @param[out] ret Text; free() it.
 * @param[out] size_ret Its bytes.
 * @return NULL; ERROR_BAD_DATA (there is none, or it is too large); ERROR_FAULT; ERROR_NOMEM.
 */
struct error *lttng_metadata(const struct lttng *lttng, const struct lttng_session *session, char **ret,
                             size_t *size_ret) must_check;

#endif
