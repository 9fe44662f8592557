// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/fmt_pagemap.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

static_assert(sizeof(struct fmt_pagemap_header) == 64, "header of a page map");
static_assert(offsetof(struct fmt_pagemap_header, status) == 12, "header of a page map");
static_assert(offsetof(struct fmt_pagemap_header, max_pfn) == 24, "header of a page map");
static_assert(offsetof(struct fmt_pagemap_header, dump_level) == 48, "header of a page map");
static_assert(sizeof(struct fmt_pagemap_entry) == 24, "entry of a page map");
static_assert(offsetof(struct fmt_pagemap_entry, size_bytes) == 16, "entry of a page map");

static const char magic[8] = {'K', 'D', 'U', 'M', 'P', 'M', 'A', 'P'};

enum {
	CODE_BITS = 4,
	FIRST_BITS = 3, // Of the length, in the first byte of a run.
	MORE = 0x80,
};

// Turning bytes around is its own reverse, so one function serves both ways.
static struct fmt_pagemap_header turn_header(const struct fmt_pagemap_header *header)
{
	struct fmt_pagemap_header out = *header;

	out.version = htole32(header->version);
	out.status = htole32(header->status);
	out.page_bytes = htole32(header->page_bytes);
	out.block_frames = htole32(header->block_frames);
	out.max_pfn = htole64(header->max_pfn);
	out.index_offset = htole64(header->index_offset);
	out.crash_time = htole64(header->crash_time);
	out.dump_level = htole32(header->dump_level);
	out.dropped_codes = htole32(header->dropped_codes);
	return out;
}

static struct fmt_pagemap_entry turn_entry(const struct fmt_pagemap_entry *entry)
{
	return (struct fmt_pagemap_entry){
		.offset = htole64(entry->offset),
		.cell = htole64(entry->cell),
		.size_bytes = htole32(entry->size_bytes),
		.kept = htole32(entry->kept),
	};
}

struct fmt_pagemap_header fmt_pagemap_store_header(const struct fmt_pagemap_header *header)
{
	struct fmt_pagemap_header out = turn_header(header);

	memcpy(out.magic, magic, sizeof(magic));
	out.version = htole32(FMT_PAGEMAP_VERSION);
	out.block_frames = htole32(FMT_PAGEMAP_BLOCK_FRAMES);
	return out;
}

struct fmt_pagemap_entry fmt_pagemap_store_entry(const struct fmt_pagemap_entry *entry)
{
	return turn_entry(entry);
}

struct error *fmt_pagemap_load_header(const struct fmt_pagemap_header *raw, struct fmt_pagemap_header *ret)
{
	struct fmt_pagemap_header header = turn_header(raw);

	if (memcmp(header.magic, magic, sizeof(magic)) != 0)
		return error_new(ERROR_BAD_DATA, "this is no page map");
	if (header.version != FMT_PAGEMAP_VERSION || header.block_frames != FMT_PAGEMAP_BLOCK_FRAMES)
		return error_new(ERROR_UNSUPPORTED, "version %u of the page map", header.version);
	if (header.status > FMT_PAGEMAP_DRY_RUN || header.index_offset < sizeof(header) ||
	    header.index_offset > INT64_MAX / 2 || header.max_pfn > UINT64_C(1) << 52 || !header.page_bytes ||
	    header.page_bytes & (header.page_bytes - 1))
		return error_new(ERROR_BAD_DATA, "the header of the page map is damaged");
	*ret = header;
	return NULL;
}

struct fmt_pagemap_entry fmt_pagemap_load_entry(const struct fmt_pagemap_entry *raw)
{
	return turn_entry(raw);
}

size_t fmt_pagemap_put_run(uint8_t *at, struct fmt_pagemap_run run)
{
	uint32_t left = run.frames - 1;
	size_t used = 1;

	at[0] = (uint8_t)(run.code | (left & 7) << CODE_BITS);
	for (left >>= FIRST_BITS; left; left >>= 7) {
		at[used - 1] |= MORE;
		at[used++] = left & 0x7f;
	}
	return used;
}

bool fmt_pagemap_get_run(const uint8_t **at, const uint8_t *end, struct fmt_pagemap_run *ret)
{
	size_t room = (size_t)(end - *at), used = 1;
	uint32_t frames;

	if (!room)
		return false;
	frames = **at >> CODE_BITS & 7;
	for (unsigned int shift = FIRST_BITS; (*at)[used - 1] & MORE; shift += 7, used++) {
		if (used == room || used == FMT_PAGEMAP_RUN_BYTES)
			return false;
		frames |= (uint32_t)((*at)[used] & 0x7f) << shift;
	}
	if (frames >= FMT_PAGEMAP_BLOCK_FRAMES)
		return false;
	ret->code = **at & 0xf;
	ret->frames = frames + 1;
	*at += used;
	return true;
}
