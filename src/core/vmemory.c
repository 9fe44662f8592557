// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/vmemory.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

enum {
	// Not larger than the smallest page of any machine, so that one is there as a whole or is not.
	SLOT_BYTES = 4096,
	SLOT_COUNT = 128,
};

struct slot {
	uint64_t vaddr; // 0: empty.
	uint8_t bytes[SLOT_BYTES];
};

struct vmemory {
	const struct xlat *xlat;
	struct vmreader *reader;
	struct slot slots[SLOT_COUNT];
};

struct error *vmemory_create(const struct xlat *xlat, struct vmreader *reader, struct vmemory **ret)
{
	struct vmemory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return error_new(ERROR_NOMEM, "no memory for a cache of pages");
	memory->xlat = xlat;
	memory->reader = reader;
	*ret = memory;
	return NULL;
}

void vmemory_destroy(struct vmemory *memory)
{
	free(memory);
}

const struct xlat *vmemory_xlat(const struct vmemory *memory)
{
	return memory->xlat;
}

struct vmreader *vmemory_reader(const struct vmemory *memory)
{
	return memory->reader;
}

static struct error *load(struct vmemory *memory, uint64_t page, const struct slot **ret)
{
	// Tables lie at addresses that are multiples of large numbers: upper bits are mixed in.
	uint64_t number = page / SLOT_BYTES;
	struct slot *slot = &memory->slots[(number ^ number >> 7 ^ number >> 17) % SLOT_COUNT];
	struct error *err = NULL;

	*ret = slot;
	if (slot->vaddr == page && page)
		return NULL;
	slot->vaddr = 0;
	err = xlat_read(memory->xlat, memory->reader, page, slot->bytes, SLOT_BYTES);
	if (!err)
		slot->vaddr = page;
	return err;
}

struct error *vmemory_read(struct vmemory *memory, uint64_t vaddr, void *buf, size_t size_bytes)
{
	uint8_t *out = buf;

	while (size_bytes) {
		size_t skip = (size_t)(vaddr % SLOT_BYTES), part = SLOT_BYTES - skip;
		const struct slot *slot;
		struct error *err = load(memory, vaddr - skip, &slot);

		if (err)
			return err;
		part = part < size_bytes ? part : size_bytes;
		memcpy(out, slot->bytes + skip, part);
		out += part;
		vaddr += part;
		size_bytes -= part;
	}
	return NULL;
}

struct error *vmemory_uint(struct vmemory *memory, uint64_t vaddr, size_t size_bytes, uint64_t *ret)
{
	bool is_big = memory->xlat->core->is_big_endian;
	uint8_t raw[8] = {0};
	struct error *err;

	if (size_bytes != 1 && size_bytes != 2 && size_bytes != 4 && size_bytes != 8)
		return error_new(ERROR_UNSUPPORTED, "a number of %zu bytes", size_bytes);
	err = vmemory_read(memory, vaddr, raw, size_bytes);
	if (err)
		return err;
	if (size_bytes == 1)
		*ret = raw[0];
	else if (size_bytes == 2)
		*ret = load_u16(raw, is_big);
	else if (size_bytes == 4)
		*ret = load_u32(raw, is_big);
	else
		*ret = load_u64(raw, is_big);
	return NULL;
}

struct error *vmemory_text(struct vmemory *memory, uint64_t vaddr, char *text, size_t room_bytes)
{
	for (size_t i = 0; i + 1 < room_bytes; i++) {
		uint8_t c;
		struct error *err = vmemory_read(memory, vaddr + i, &c, 1);

		if (err)
			return err;
		text[i + 1] = '\0';
		text[i] = (char)(c == '\0' || (c >= ' ' && c < 0x7f) ? c : '?');
		if (!c)
			return NULL;
	}
	text[room_bytes - 1] = '\0';
	return NULL;
}
