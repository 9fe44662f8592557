// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/decompress.h"
#include "core/fmt_kdump.h"
#include "core/kdumpcore.h"

// A page descriptor, checked.
struct place {
	uint64_t offset;
	uint32_t size;
	uint32_t flags;
};

static const struct kdumpcore_part *find_part(const struct kdumpcore *kdump, uint64_t pfn)
{
	size_t low = 0, high = kdump->part_count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (kdump->parts[mid].pfn_start > pfn)
			high = mid;
		else
			low = mid;
	}
	return &kdump->parts[low];
}

static struct error *check_place(const struct kdumpcore_part *part, const struct place *place, uint64_t desc_at,
                                 uint64_t page_bytes)
{
	uint64_t file_bytes = part->file->size_bytes;

	// So descriptors are that were reserved and never written: the writer ran out of room or of time.
	if (place->offset == 0 && place->size == 0)
		return error_new(ERROR_FAULT, "the page is missing from an incomplete dump (descriptor at %#jx)",
		                 (uintmax_t)desc_at);
	if (place->size == 0 || place->size > page_bytes || (!place->flags && place->size != page_bytes) ||
	    place->offset < part->desc_offset)
		return error_new(ERROR_BAD_DATA, "impossible page descriptor at %#jx: offset %#jx, size %#x, flags %#x",
		                 (uintmax_t)desc_at, (uintmax_t)place->offset, place->size, place->flags);
	if (place->offset > file_bytes || place->size > file_bytes - place->offset)
		return error_new(ERROR_FAULT, "the file ends at offset %#jx, before a page at %#jx",
		                 (uintmax_t)file_bytes, (uintmax_t)place->offset);
	return NULL;
}

static struct error *map_exactly(struct vmreader *reader, const struct kdumpcore_part *part, uint64_t offset,
                                 size_t size_bytes, const uint8_t **ret)
{
	size_t got = 0;
	struct error *err = NULL;

	if (offset < part->file->size_bytes)
		err = vmreader_map_file(reader, part->file, offset, size_bytes, ret, &got);
	if (!err && got < size_bytes)
		err = error_new(ERROR_FAULT, "the file ends at offset %#jx", (uintmax_t)(offset + got));
	return err;
}

static struct error *find_place(struct vmreader *reader, const struct kdumpcore *kdump, uint64_t pfn,
                                const struct kdumpcore_part **part_ret, struct place *ret)
{
	uint64_t page_bytes = vmcore_page_bytes(reader->core), rank, at;
	const struct fmt_kdump_page_desc *desc;
	const struct kdumpcore_part *part;
	const uint8_t *bytes;
	struct error *err;

	if (!frameset_find(&kdump->dumped, pfn, &rank))
		return error_new(ERROR_FAULT, "page frame %#jx is not in the dump", (uintmax_t)pfn);
	part = find_part(kdump, pfn);
	at = part->desc_offset + (rank - part->first_rank) * sizeof(*desc);
	err = map_exactly(reader, part, at, sizeof(*desc), &bytes);
	if (err)
		return error_wrap(err, "page descriptor at %#jx", (uintmax_t)at);
	*part_ret = part;
	*ret = (struct place){
		.offset = load_u64(bytes + offsetof(struct fmt_kdump_page_desc, offset), false),
		.size = load_u32(bytes + offsetof(struct fmt_kdump_page_desc, size), false),
		.flags = load_u32(bytes + offsetof(struct fmt_kdump_page_desc, flags), false),
	};
	return check_place(part, ret, at, page_bytes);
}

struct error *kdumpcore_read_page(struct vmreader *reader, uint64_t pfn, uint8_t *page)
{
	uint64_t page_bytes = vmcore_page_bytes(reader->core);
	const struct kdumpcore_part *part = NULL;
	struct place place = {0};
	struct error *err = find_place(reader, reader->core->pages, pfn, &part, &place);
	const uint8_t *bytes = NULL;

	if (!err)
		err = map_exactly(reader, part, place.offset, place.size, &bytes);
	if (err)
		return err;
	if (!place.flags) {
		memcpy(page, bytes, page_bytes);
		return NULL;
	}
	if (!reader->state)
		reader->state = calloc(1, sizeof(struct decompress));
	if (!reader->state)
		return error_new(ERROR_NOMEM, "no memory to expand pages");
	return error_wrap(decompress_page(reader->state, place.flags, bytes, place.size, page, page_bytes),
	                  "page at offset %#jx", (uintmax_t)place.offset);
}

void kdumpcore_end_reader(struct vmreader *reader)
{
	if (reader->state)
		decompress_deinit(reader->state);
	free(reader->state);
}
