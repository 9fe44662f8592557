// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/segments.h"

#include <stdlib.h>

#include "base/bitmap.h"

enum {
	ROOM_MIN = 1024,
	// qsort() of glibc takes as much again.
	SEGMENT_BYTES = 2 * sizeof(struct segment),
};

// Of frames that are worth something, and of code that nothing points to: behind what stands for files.
static unsigned int place_of(enum worth worth)
{
	return 2 * worth;
}

static const unsigned int place_not_called = 2 * WORTH_FILES + 1;

void segments_init(struct segments *ret, uint64_t memory_bytes)
{
	*ret = (struct segments){.count_max = memory_bytes / SEGMENT_BYTES};
	if (memory_bytes && !ret->count_max)
		ret->count_max = 1;
}

void segments_deinit(struct segments *segments)
{
	free(segments->list);
	segments->list = NULL;
	segments->count = 0;
}

static struct error *grow(struct segments *segments)
{
	size_t room = segments->room ? segments->room * 2 : ROOM_MIN;
	struct segment *grown;

	if (segments->count_max && room > segments->count_max)
		room = segments->count_max;
	if (room == segments->room)
		return error_new(
			ERROR_NOMEM,
			"memory is in more than %zu pieces: an ELF file needs a list of them, for which %zu KiB are "
			"too little; allow it more memory, or make the dump kdump-compressed, which needs none",
			room, (size_t)(room * SEGMENT_BYTES) >> 10);
	grown = reallocarray(segments->list, room, sizeof(*grown));
	if (!grown)
		return error_new(ERROR_NOMEM, "no memory for a list of %zu pieces of memory", room);
	segments->list = grown;
	segments->room = room;
	return NULL;
}

static struct error *add(struct segments *segments, struct segment segment)
{
	struct error *err = segments->count == segments->room ? grow(segments) : NULL;

	if (err)
		return err;
	segments->list[segments->count++] = segment;
	segments->page_count += segment.file_pages;
	return NULL;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// One past the last frame that is worth as much as the first.
static uint64_t same_worth(const struct segments_window *window, uint64_t at, uint64_t end)
{
	uint64_t next = at;

	while (next < end && window->worth[next / window->block_pages] == window->worth[at / window->block_pages])
		next = (next / window->block_pages + 1) * window->block_pages;
	return lower(next, end);
}

struct error *segments_add(struct segments *segments, const struct segments_window *window)
{
	uint64_t end = window->end_pfn - window->base_pfn;
	uint64_t at = bitmap_find(window->set, 0, end, true);
	// Looked for once, however many segments lie before them.
	uint64_t set_end = at, worth_end = at, next_zero = bitmap_find(window->zeros, at, end, true);
	struct error *err = NULL;

	while (at < end && !err) {
		uint64_t stop, zeros, next;
		struct segment segment;

		if (set_end <= at)
			set_end = bitmap_find(window->set, at, end, false);
		if (worth_end <= at)
			worth_end = same_worth(window, at, end);
		if (next_zero < at)
			next_zero = bitmap_find(window->zeros, at, end, true);
		stop = lower(set_end, worth_end);
		zeros = lower(next_zero, stop);
		next = bitmap_find(window->zeros, zeros, stop, false);
		segment = (struct segment){
			.pfn = window->base_pfn + at,
			.file_pages = (uint32_t)(zeros - at),
			.zero_pages = (uint32_t)(next - zeros),
			.place = place_of(window->worth[at / window->block_pages]),
		};

		err = add(segments, segment);
		at = bitmap_find(window->set, next, end, true);
	}
	return err;
}

static bool is_called(const struct worth_map *worth, const struct callers *callers, uint64_t pfn)
{
	const struct worth_image *image = worth_find_image(worth, pfn);

	return image && callers_has(callers, image->vaddr + ((pfn << callers->page_shift) - image->paddr_start));
}

// Cuts code where the answer changes; the rest is added behind, and its turn comes.
static struct error *split_code(struct segments *segments, const struct worth_map *worth, const struct callers *callers)
{
	struct error *err = NULL;

	for (size_t i = 0; i < segments->count && !err; i++) {
		struct segment *segment = &segments->list[i], rest = *segment;
		uint32_t pages = 0;
		bool answer;

		if (segment->place != place_of(WORTH_CODE))
			continue;
		answer = is_called(worth, callers, segment->pfn);
		while (pages < segment->file_pages && is_called(worth, callers, segment->pfn + pages) == answer)
			pages++;
		if (!answer)
			segment->place = place_not_called;
		if (pages == segment->file_pages)
			continue;
		rest.pfn += pages;
		rest.file_pages -= pages;
		segment->file_pages = pages;
		segment->zero_pages = 0;
		segments->page_count -= rest.file_pages;
		err = add(segments, rest);
	}
	return err;
}

static int compare(const void *left, const void *right)
{
	const struct segment *a = left, *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return a->pfn < b->pfn ? -1 : a->pfn > b->pfn;
}

struct error *segments_order(struct segments *segments, const struct worth_map *worth, const struct callers *callers)
{
	struct error *err = callers->pages ? split_code(segments, worth, callers) : NULL;
	uint64_t rank = 0;

	if (err)
		return err;
	if (segments->count)
		qsort(segments->list, segments->count, sizeof(*segments->list), compare);
	for (size_t i = 0; i < segments->count; i++) {
		segments->list[i].rank = rank;
		rank += segments->list[i].file_pages;
	}
	return NULL;
}

const struct segment *segments_find(const struct segments *segments, uint64_t rank)
{
	size_t low = 0, high = segments->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (segments->list[mid].rank <= rank)
			low = mid;
		else
			high = mid;
	}
	return &segments->list[low];
}

uint64_t segments_place_end(const struct segments *segments, uint64_t rank)
{
	const struct segment *segment = segments_find(segments, rank), *end = segments->list + segments->count;
	unsigned int place = segment->place;

	while (segment < end && segment->place == place)
		segment++;
	return segment < end ? segment->rank : segments->page_count;
}

bool segment_is_cut(const struct segment *segment, uint64_t page_count)
{
	return segment->rank + segment->file_pages > page_count;
}

uint64_t segment_pages(const struct segment *segment, uint64_t page_count)
{
	if (!segment_is_cut(segment, page_count))
		return segment->file_pages;
	return page_count > segment->rank ? page_count - segment->rank : 0;
}
