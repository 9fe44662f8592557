// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/send_wire.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/endian.h"

const uint8_t *send_wire_take(struct send_wire_fields *fields, size_t size_bytes)
{
	const uint8_t *at = fields->at;

	if (fields->is_short || size_bytes > fields->left_bytes) {
		fields->is_short = true;
		return NULL;
	}
	fields->at += size_bytes;
	fields->left_bytes -= size_bytes;
	return at;
}

uint32_t send_wire_take_u32(struct send_wire_fields *fields)
{
	const uint8_t *at = send_wire_take(fields, 4);

	return at ? load_u32(at, true) : 0;
}

uint64_t send_wire_take_u64(struct send_wire_fields *fields)
{
	const uint8_t *at = send_wire_take(fields, 8);

	return at ? load_u64(at, true) : 0;
}

struct send_wire_bytes send_wire_take_bytes(struct send_wire_fields *fields)
{
	struct send_wire_bytes bytes = {.size_bytes = send_wire_take_u32(fields)};

	bytes.at = send_wire_take(fields, bytes.size_bytes);
	return bytes;
}

void send_wire_skip_attributes(struct send_wire_fields *fields)
{
	// Section 5: size, uid and gid, permissions, atime and mtime, extensions.
	static const uint8_t sizes[] = {8, 8, 4, 8};
	uint32_t flags = send_wire_take_u32(fields);

	for (size_t i = 0; i < array_size(sizes); i++)
		if (flags >> i & 1)
			send_wire_take(fields, sizes[i]);
	if (flags >> 31) {
		uint32_t count = send_wire_take_u32(fields);

		// Each takes at least the 8 bytes of its two lengths, so a lie ends this soon.
		while (count-- && !fields->is_short) {
			send_wire_take_bytes(fields);
			send_wire_take_bytes(fields);
		}
	}
}

static void put(struct send_wire_reply *reply, const void *buf, size_t size_bytes)
{
	// Replies are made of a few numbers and texts that fit.
	if (size_bytes > sizeof(reply->buf) - reply->size_bytes)
		size_bytes = sizeof(reply->buf) - reply->size_bytes;
	memcpy(reply->buf + reply->size_bytes, buf, size_bytes);
	reply->size_bytes += size_bytes;
}

void send_wire_put_u32(struct send_wire_reply *reply, uint32_t value)
{
	uint32_t big = htobe32(value);

	put(reply, &big, sizeof(big));
}

void send_wire_put_text(struct send_wire_reply *reply, const char *text)
{
	size_t size = strlen(text);

	send_wire_put_u32(reply, (uint32_t)size);
	put(reply, text, size);
}

void send_wire_begin(struct send_wire_reply *reply, uint8_t type)
{
	reply->size_bytes = 0;
	send_wire_put_u32(reply, 0);
	put(reply, &type, 1);
}

void send_wire_end(struct send_wire_reply *reply)
{
	uint32_t big = htobe32((uint32_t)reply->size_bytes - SEND_WIRE_LENGTH_BYTES);

	memcpy(reply->buf, &big, sizeof(big));
}
