// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kdumpcore_check.h"

#include <stdlib.h>

#include "base/endian.h"
#include "core/fmt_kdump.h"
#include "core/kdumpcore.h"

enum { DESCS_READ = 2048 };

struct piece {
	uint64_t offset, end;
};

// The pieces of one file.
struct pieces {
	struct piece *list;
	size_t count, room;
	struct piece shared; // The page that all pages of zeros have in common: the first one behind the table, if any.
};

typedef struct error *take_desc(struct pieces *pieces, struct piece piece);

static struct error *each_desc(const struct kdumpcore_part *part, uint64_t count, struct pieces *pieces,
                               take_desc *take)
{
	struct error *err = NULL;

	for (uint64_t i = 0; i < count && !err; i += DESCS_READ) {
		struct fmt_kdump_page_desc descs[DESCS_READ];
		size_t got = count - i < DESCS_READ ? (size_t)(count - i) : DESCS_READ;

		err = corefile_read(part->file, descs, got * sizeof(*descs), part->desc_offset + i * sizeof(*descs),
		                    "page descriptors");
		for (size_t j = 0; j < got && !err; j++) {
			uint64_t offset = load_u64(&descs[j].offset, false);
			uint64_t size = load_u32(&descs[j].size, false);

			// Those that were never written, and impossible ones, are told of where pages are read.
			if (offset && offset <= UINT64_MAX - size)
				err = take(pieces, (struct piece){offset, offset + size});
		}
	}
	return err;
}

static struct error *find_shared(struct pieces *pieces, struct piece piece)
{
	if (!pieces->shared.end || piece.offset < pieces->shared.offset)
		pieces->shared = piece;
	return NULL;
}

static struct error *add(struct pieces *pieces, struct piece piece)
{
	struct piece *last = pieces->count ? &pieces->list[pieces->count - 1] : NULL;

	if (piece.offset == pieces->shared.offset && piece.end == pieces->shared.end)
		return NULL;
	if (last && last->end == piece.offset) {
		last->end = piece.end;
		return NULL;
	}
	if (pieces->count == pieces->room) {
		size_t room = pieces->room ? 2 * pieces->room : 1024;
		struct piece *list = reallocarray(pieces->list, room, sizeof(*list));

		if (!list)
			return error_new(ERROR_NOMEM, "no memory for %zu pieces of a dump", room);
		pieces->list = list;
		pieces->room = room;
	}
	pieces->list[pieces->count++] = piece;
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct piece *left = a, *right = b;

	if (left->offset != right->offset)
		return left->offset < right->offset ? -1 : 1;
	return left->end < right->end ? -1 : left->end > right->end;
}

static void count_overlaps(struct pieces *pieces, const char *path, struct kdumpcore_check *ret)
{
	uint64_t end = pieces->shared.end;

	if (pieces->count)
		qsort(pieces->list, pieces->count, sizeof(*pieces->list), compare);
	for (size_t i = 0; i < pieces->count; i++) {
		if (pieces->list[i].offset < end && !ret->overlaps++) {
			ret->overlap_offset = pieces->list[i].offset;
			ret->overlap_path = path;
		}
		end = pieces->list[i].end > end ? pieces->list[i].end : end;
	}
}

static struct error *check_part(const struct kdumpcore *kdump, const struct kdumpcore_part *part,
                                struct kdumpcore_check *ret)
{
	struct pieces pieces = {0};
	uint64_t rank_end, count;
	struct error *err;

	frameset_find(&kdump->dumped, part->pfn_end, &rank_end);
	count = rank_end - part->first_rank;
	err = each_desc(part, count, &pieces, find_shared);
	if (!err)
		err = each_desc(part, count, &pieces, add);
	if (!err)
		count_overlaps(&pieces, part->file->path, ret);
	free(pieces.list);
	return error_wrap(err, "%s", part->file->path);
}

static uint64_t count_no_memory(const struct kdumpcore *kdump)
{
	struct vmcore_frames dumped, ram;
	uint64_t count = 0;

	for (uint64_t pfn = 0; frameset_next(&kdump->dumped, pfn, &dumped); pfn = dumped.pfn_end) {
		for (uint64_t at = dumped.pfn_start; at < dumped.pfn_end; at = ram.pfn_end) {
			if (!frameset_next(&kdump->ram, at, &ram) || ram.pfn_start >= dumped.pfn_end)
				ram = (struct vmcore_frames){dumped.pfn_end, dumped.pfn_end};
			count += ram.pfn_start > at ? ram.pfn_start - at : 0;
		}
	}
	return count;
}

struct error *kdumpcore_check(const struct vmcore *core, struct kdumpcore_check *ret)
{
	const struct kdumpcore *kdump = core->pages;
	struct error *err = NULL;

	*ret = (struct kdumpcore_check){0};
	if (core->format != &kdumpcore_format)
		return NULL;
	for (size_t i = 0; i < kdump->part_count && !err; i++)
		err = check_part(kdump, &kdump->parts[i], ret);
	ret->no_memory = count_no_memory(kdump);
	return err;
}
