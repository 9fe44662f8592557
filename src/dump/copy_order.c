// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy_order.h"

#include <stdbool.h>
#include <string.h>

#include "base/bitmap.h"

// Beyond what the frames of a window need at least: where worth changes from block to block, units are small.
enum { SMALL_UNITS_MAX = 1 << 16 };

// A walk over the blocks of one worth.
struct walk {
	const struct copy_order_job *job;
	struct copy_order_unit *units; // NULL: they are only counted.
	size_t count;
	uint64_t block_pages; // A multiple of that of the job.
	struct copy_order_unit open; // The one that grows; count 0: none.
};

static void close_unit(struct walk *walk)
{
	if (!walk->open.count)
		return;
	if (walk->units)
		walk->units[walk->count] = walk->open;
	walk->count++;
	walk->open.count = 0;
}

// The frame that has a number of saved ones before it, from a frame on; it is there.
static uint64_t skip_saved(const struct copy_order_job *job, uint64_t at, uint64_t skip)
{
	for (;; at = (at / 64 + 1) * 64) {
		uint64_t word = job->set[at / 64] >> (at % 64), count = bitmap_weight(word);

		if (count <= skip) {
			skip -= count;
			continue;
		}
		for (; skip; skip--)
			word &= word - 1;
		return at + (uint64_t)__builtin_ctzll(word);
	}
}

// Adds the saved frames of a block.
static void add_block(struct walk *walk, uint64_t at, uint64_t rank, uint64_t count, uint16_t part)
{
	const struct copy_order_job *job = walk->job;

	// Units are neighbours in the table of descriptors, and of one file.
	if (walk->open.rank + walk->open.count != rank || walk->open.part != part)
		close_unit(walk);
	while (count) {
		uint64_t room, take;

		if (walk->open.count == job->unit_pages)
			close_unit(walk);
		if (!walk->open.count) {
			at = skip_saved(job, at, 0);
			walk->open = (struct copy_order_unit){
				.pfn = job->base_pfn + at, .rank = (uint32_t)rank, .part = part};
		}
		room = job->unit_pages - walk->open.count;
		take = count < room ? count : room;
		walk->open.count = (uint16_t)(walk->open.count + take);
		count -= take;
		rank += take;
		if (count)
			at = skip_saved(job, at, take);
	}
}

// The best of some blocks.
static enum worth block_worth(const struct walk *walk, uint64_t at, uint64_t end)
{
	enum worth best = WORTH_COUNT;

	for (uint64_t i = at / walk->job->block_pages; i * walk->job->block_pages < end; i++)
		best = walk->job->worth[i] < best ? walk->job->worth[i] : best;
	return best;
}

static void walk_worth(struct walk *walk, enum worth worth)
{
	const struct copy_order_job *job = walk->job;
	uint64_t frames = job->end_pfn - job->base_pfn, rank = 0, count;
	uint16_t part = 0;

	for (uint64_t at = 0, end;; at = end, rank += count) {
		at = bitmap_find(job->set, at, frames, true);
		if (at == frames)
			break;
		end = at - at % walk->block_pages + walk->block_pages;
		end = end < frames ? end : frames;
		count = bitmap_count(job->set, at, end);
		while (part + 1U < job->part_count && job->part_starts[part + 1] <= job->base_pfn + at)
			part++;
		if (block_worth(walk, at, end) == worth)
			add_block(walk, at, rank, count, part);
	}
	close_unit(walk);
}

// Takes units of the files in turns, so that all disks have something to write. They come sorted by file.
static struct error *take_turns(struct copy_order_unit *units, size_t count, size_t part_count)
{
	_cleanup_free_ struct copy_order_unit *sorted = calloc(count, sizeof(*sorted));
	_cleanup_free_ size_t *next = calloc(part_count + 1, sizeof(*next));

	if (!sorted || !next)
		return error_new(ERROR_NOMEM, "no memory for %zu units", count);
	memcpy(sorted, units, count * sizeof(*sorted));
	for (size_t i = 0; i < count; i++)
		next[sorted[i].part + 1] = i + 1;
	// Files without a unit of this worth begin where the one before them ends.
	for (size_t part = 1; part <= part_count; part++)
		next[part] = next[part] ? next[part] : next[part - 1];
	for (size_t done = 0, part = 0; done < count; part = (part + 1) % part_count)
		if (next[part] < count && sorted[next[part]].part == part)
			units[done++] = sorted[next[part]++];
	return NULL;
}

static uint32_t worth_seen(const struct copy_order_job *job)
{
	uint64_t blocks = (job->end_pfn - job->base_pfn + job->block_pages - 1) / job->block_pages;
	uint32_t seen = 0;

	for (uint64_t i = 0; i < blocks; i++)
		seen |= UINT32_C(1) << job->worth[i];
	return seen;
}

static struct error *walk_all(struct walk *walk)
{
	uint32_t seen = worth_seen(walk->job);
	struct error *err = NULL;

	for (unsigned int worth = walk->job->first; worth < walk->job->end && !err; worth++) {
		size_t start = walk->count;

		if (!(seen & UINT32_C(1) << worth))
			continue;
		walk_worth(walk, worth);
		if (walk->units && walk->job->part_count > 1 && walk->count > start)
			err = take_turns(walk->units + start, walk->count - start, walk->job->part_count);
	}
	return err;
}

struct error *copy_order_init(struct copy_order *ret, const struct copy_order_job *job)
{
	uint64_t frames = job->end_pfn - job->base_pfn, most = frames / job->unit_pages + SMALL_UNITS_MAX;
	struct walk counted = {.job = job, .block_pages = job->block_pages}, filled = {.job = job};
	struct error *err = walk_all(&counted);

	while (!err && counted.count > most) {
		counted.block_pages *= 4;
		counted.count = 0;
		err = walk_all(&counted);
	}
	if (err)
		return err;
	filled.block_pages = counted.block_pages;
	filled.units = calloc(counted.count ? counted.count : 1, sizeof(*filled.units));
	if (!filled.units)
		return error_new(ERROR_NOMEM, "no memory for %zu units", counted.count);
	err = walk_all(&filled);
	if (err) {
		free(filled.units);
		return err;
	}
	*ret = (struct copy_order){.units = filled.units, .count = filled.count};
	return NULL;
}

uint64_t copy_order_memory_bytes(uint64_t frames, uint64_t block_pages, unsigned int unit_pages)
{
	uint64_t blocks = frames / block_pages + 1;
	uint64_t small = blocks < SMALL_UNITS_MAX ? blocks : SMALL_UNITS_MAX;

	return (frames / unit_pages + 1 + small) * sizeof(struct copy_order_unit);
}

void copy_order_deinit(struct copy_order *order)
{
	free(order->units);
	order->units = NULL;
	order->count = 0;
}
