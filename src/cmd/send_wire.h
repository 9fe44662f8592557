// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Fields of packets of SFTP (draft-ietf-secsh-filexfer-02, sections 3 and 5): taken apart, and put together.
 *
 * Does not know what packets mean. What is taken apart is hostile.
 */
#ifndef CMD_SEND_WIRE_H
#define CMD_SEND_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Sizes. */
enum {
	SEND_WIRE_LENGTH_BYTES = 4, /**< Of the length in front of a packet. */
	SEND_WIRE_REPLY_BYTES = 2048, /**< Longest reply. */
};

/** What is left of a packet. A field that is not there, or reaches beyond the end, is remembered. */
struct send_wire_fields {
	const uint8_t *at;
	size_t left_bytes;
	bool is_short;
};

/** A string of a packet; not owned, without a NUL. */
struct send_wire_bytes {
	const uint8_t *at;
	size_t size_bytes;
};

/** A reply. */
struct send_wire_reply {
	uint8_t buf[SEND_WIRE_REPLY_BYTES]; /**< With its length in front. */
	size_t size_bytes; /**< 0 until the first. */
};

/** Take some bytes. @param[in,out] fields Packet. @param[in] size_bytes How many. @return The bytes; NULL if they are not there. */
const uint8_t *send_wire_take(struct send_wire_fields *fields, size_t size_bytes);

/** Take a number. @param[in,out] fields Packet. @return The number; 0 if it is not there. */
uint32_t send_wire_take_u32(struct send_wire_fields *fields);

/** Take a number. @param[in,out] fields Packet. @return The number; 0 if it is not there. */
uint64_t send_wire_take_u64(struct send_wire_fields *fields);

/** Take a string. @param[in,out] fields Packet. @return The string; what is in it must not be used if the packet is short. */
struct send_wire_bytes send_wire_take_bytes(struct send_wire_fields *fields);

/** Take the attributes of a file, which nobody asks for. @param[in,out] fields Packet. */
void send_wire_skip_attributes(struct send_wire_fields *fields);

/** Begin a reply. @param[in,out] reply Its old content is gone. @param[in] type Of the packet. */
void send_wire_begin(struct send_wire_reply *reply, uint8_t type);

/** Add a number. @param[in,out] reply Begun. @param[in] value The number. */
void send_wire_put_u32(struct send_wire_reply *reply, uint32_t value);

/** Add a string. @param[in,out] reply Begun. @param[in] text The string, short enough for the reply with all that is in it. */
void send_wire_put_text(struct send_wire_reply *reply, const char *text);

/** End a reply: its length is known. @param[in,out] reply Begun. */
void send_wire_end(struct send_wire_reply *reply);

#endif
