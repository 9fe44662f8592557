// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Packets of a trace in the Common Trace Format (CTF) 1.8, with the headers that LTTng-modules writes, in memory and in files.
 *
 * Does not know events: what is behind a header is copied as it is.
 * Source: lttng-modules src/lttng-ring-buffer-client.h: struct packet_header, the same from v2.8 to v2.13; CTF 1.8.3, section 5.
 */
#ifndef REPORT_CTF_H
#define REPORT_CTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Sizes. */
enum {
	CTF_HEADER_BYTES = 84, /**< Of a packet's header and context, without padding. */
	CTF_UUID_BYTES = 16,
	CTF_PACKET_MAX_BYTES = 256 << 20, /**< Largest packet. LTTng's sub-buffers have 1 MiB by default. */
};

/** What a header says. */
struct ctf_packet {
	uint8_t uuid[CTF_UUID_BYTES]; /**< Of the trace. */
	uint32_t stream; /**< Number of the channel. */
	uint64_t instance; /**< Number of the CPU. */
	uint64_t begin, end; /**< Times, of the trace's clock. */
	uint64_t content_bits; /**< With the header; all ones while it is written. */
	uint64_t packet_bits; /**< The same with padding: where the next one begins. */
	uint64_t sequence; /**< Packets of the stream before it. */
	uint64_t discarded; /**< Events of the stream that were lost until its end. */
	uint32_t cpu;
};

/** Read a header. @param[in] raw CTF_HEADER_BYTES bytes. @param[in] is_big Byte order of the traced machine. @param[out] ret What it says. @return false: it is none. */
bool ctf_get(const uint8_t *raw, bool is_big, struct ctf_packet *ret);

/** Write what a header says of the packet's end: end, sizes and discarded events. @param[in,out] raw CTF_HEADER_BYTES bytes. @param[in] is_big Byte order. @param[in] packet The values. */
void ctf_put_end(uint8_t *raw, bool is_big, const struct ctf_packet *packet);

/** Whether sizes of a header make sense in some room. @param[in] packet The header. @param[in] room_bytes From its begin. @return See there. */
bool ctf_is_whole(const struct ctf_packet *packet, uint64_t room_bytes);

/** Where whole packets of a file end, and what they are. */
struct ctf_file {
	uint64_t whole_bytes; /**< Whole packets from the file's begin; what follows is cut. */
	uint64_t size_bytes; /**< Of the file. */
	uint64_t packets; /**< Whole ones. */
	struct ctf_packet first, last; /**< Of them. */
};

/**
 * Look at a file of a stream: how far it has whole packets, of one stream of one trace, one after the other.
 *
 * @param[in] fd The file; its offset does not matter.
 * @param[in] is_big Byte order of the traced machine.
 * @param[in] uuid Of the trace.
 * @param[out] ret See there. No packets: it is no file of this trace.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA.
 */
struct error *ctf_look(int fd, bool is_big, const uint8_t uuid[CTF_UUID_BYTES], struct ctf_file *ret) must_check;

#endif
