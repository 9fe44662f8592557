// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/blocks.h"

#include <string.h>

void blocks_add(struct blocks *blocks, uint32_t *state, blocks_take *take, const void *buf, size_t size_bytes)
{
	const uint8_t *at = buf;
	size_t used = blocks->size_bytes % BLOCKS_BYTES;

	if (!size_bytes)
		return;
	blocks->size_bytes += size_bytes;
	if (used) {
		size_t part = BLOCKS_BYTES - used < size_bytes ? BLOCKS_BYTES - used : size_bytes;

		memcpy(blocks->last + used, at, part);
		at += part;
		size_bytes -= part;
		if (used + part < BLOCKS_BYTES)
			return;
		take(state, blocks->last);
	}
	for (; size_bytes >= BLOCKS_BYTES; size_bytes -= BLOCKS_BYTES, at += BLOCKS_BYTES)
		take(state, at);
	memcpy(blocks->last, at, size_bytes);
}

void blocks_end(struct blocks *blocks, uint32_t *state, blocks_take *take, uint64_t size_bits)
{
	static const uint8_t padding[BLOCKS_BYTES] = {0x80};
	size_t used = blocks->size_bytes % BLOCKS_BYTES;

	blocks_add(blocks, state, take, padding, (used < 56 ? 56 : 120) - used);
	blocks_add(blocks, state, take, &size_bits, sizeof(size_bits));
}
