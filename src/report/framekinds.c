// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/framekinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump/pagemap_reader.h"

enum {
	STATES_AT_ONCE = 1 << 14,
	// A map that is damaged or hostile can claim more memory than any machine has: 256 TiB are looked at, 16 TiB of them kept.
	BLOCKS_MAX = 1 << 18,
};

static const uint64_t kept_max = UINT64_C(1) << 32, steps_max = UINT64_C(1) << 28;

const char *framekinds_use(enum fmt_pagemap_code code)
{
	static const char *const words[FMT_PAGEMAP_CODES] = {
		[FMT_PAGEMAP_NONE] = "no memory",
		[FMT_PAGEMAP_KERNEL] = "kernel",
		[FMT_PAGEMAP_FREE] = "free",
		[FMT_PAGEMAP_CACHE] = "page cache",
		[FMT_PAGEMAP_CACHE_PRIVATE] = "page cache, private",
		[FMT_PAGEMAP_USER] = "processes",
		[FMT_PAGEMAP_OFFLINE] = "offline",
		[FMT_PAGEMAP_POISONED] = "broken (hwpoison)",
		[FMT_PAGEMAP_UNKNOWN] = "not known",
		[FMT_PAGEMAP_MISSING] = "not in the input",
		[FMT_PAGEMAP_STRUCT_PAGES] = "unused struct pages",
		[FMT_PAGEMAP_PROCESS] = "of a process that is kept",
	};

	return code < FMT_PAGEMAP_CODES && words[code] ? words[code] : "of another use";
}

const char *framekinds_fate(enum framekinds_state state)
{
	static const char *const words[FRAMEKINDS_STATE_COUNT] = {
		[FRAMEKINDS_ABSENT] = "left out",
		[FRAMEKINDS_WRITTEN] = "in the dump",
		[FRAMEKINDS_ZERO] = "in the dump, zeros",
		[FRAMEKINDS_UNREADABLE] = "missing: could not be read",
		[FRAMEKINDS_PENDING] = "missing: the copy did not get so far",
	};

	return words[state];
}

void framekinds_init(struct framekinds *ret, uint64_t page_bytes)
{
	*ret = (struct framekinds){.page_bytes = page_bytes, .granule_frames = 1};
}

void framekinds_deinit(struct framekinds *kinds)
{
	free(kinds->runs);
	kinds->runs = NULL;
}

// Kinds beyond the room there is are the last one.
static uint32_t kind_of(struct framekinds *kinds, enum fmt_pagemap_code code, enum framekinds_state state)
{
	for (size_t i = 0; i < kinds->kind_count; i++)
		if (kinds->kinds[i].code == code && kinds->kinds[i].state == state)
			return (uint32_t)i;
	if (kinds->kind_count < FRAMEKINDS_MAX)
		kinds->kinds[kinds->kind_count++] = (struct framekinds_kind){.code = code, .state = state};
	return (uint32_t)kinds->kind_count - 1;
}

static void put_run(struct framekinds *kinds, uint32_t kind, uint64_t frames)
{
	struct framekinds_run *last = kinds->run_count ? &kinds->runs[kinds->run_count - 1] : NULL;

	if (last && last->kind == kind) {
		last->frames += frames;
		return;
	}
	if (kinds->run_count == kinds->run_room) {
		size_t room = kinds->run_room ? 2 * kinds->run_room : 1024;
		struct framekinds_run *runs = reallocarray(kinds->runs, room, sizeof(*runs));

		if (!runs) {
			kinds->is_out_of_memory = true;
			return;
		}
		kinds->runs = runs;
		kinds->run_room = room;
	}
	kinds->runs[kinds->run_count++] = (struct framekinds_run){.frames = frames, .kind = kind};
}

// What few frames are must not be lost among many where it is what somebody looks for.
static bool is_telling(const struct framekinds_kind *kind)
{
	return kind->state == FRAMEKINDS_UNREADABLE || kind->code == FMT_PAGEMAP_POISONED;
}

// One frame of the block speaks for all, chosen by chance (always the same): so larger areas have their shares. They would not have
// them if the majority spoke, least of all after several rounds.
static void end_block(struct framekinds *kinds)
{
	uint32_t chosen = 0;
	uint64_t left;

	if (!kinds->block_frames)
		return;
	// Knuth, MMIX.
	kinds->random = kinds->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	left = (kinds->random >> 20) % kinds->block_frames;
	while (left >= kinds->block[chosen])
		left -= kinds->block[chosen++];
	for (uint32_t i = 0; i < kinds->kind_count; i++)
		if (kinds->block[i] && is_telling(&kinds->kinds[i]))
			chosen = i;
	put_run(kinds, chosen, kinds->block_frames);
	memset(kinds->block, 0, sizeof(kinds->block));
	kinds->block_frames = 0;
}

static void put(struct framekinds *kinds, uint32_t kind, uint64_t frames)
{
	uint64_t granule = kinds->granule_frames, whole;

	if (kinds->block_frames) {
		uint64_t left = granule - kinds->block_frames, part = frames < left ? frames : left;

		kinds->block[kind] += part;
		kinds->block_frames += part;
		frames -= part;
		if (kinds->block_frames == granule)
			end_block(kinds);
	}
	whole = frames / granule * granule;
	if (whole)
		put_run(kinds, kind, whole);
	if (frames == whole)
		return;
	kinds->block[kind] += frames - whole;
	kinds->block_frames = frames - whole;
}

// Makes blocks of twice the size until runs are few.
static void coarsen(struct framekinds *kinds)
{
	while (kinds->run_count > FRAMEKINDS_RUNS_MAX / 2) {
		uint64_t block[FRAMEKINDS_MAX];
		size_t count = kinds->run_count;

		memcpy(block, kinds->block, sizeof(block));
		memset(kinds->block, 0, sizeof(kinds->block));
		kinds->block_frames = 0;
		kinds->granule_frames *= 2;
		kinds->run_count = 0;
		// Each run makes at most one new one, so none is overwritten before it was read.
		for (size_t i = 0; i < count; i++) {
			struct framekinds_run run = kinds->runs[i];

			put(kinds, run.kind, run.frames);
		}
		for (uint32_t i = 0; i < kinds->kind_count; i++)
			if (block[i])
				put(kinds, i, block[i]);
	}
}

void framekinds_add(struct framekinds *kinds, enum fmt_pagemap_code code, enum framekinds_state state, uint64_t frames)
{
	uint32_t kind;

	if (!frames)
		return;
	kind = kind_of(kinds, code, state);
	kinds->kinds[kind].frames += frames;
	put(kinds, kind, frames);
	if (kinds->run_count >= FRAMEKINDS_RUNS_MAX)
		coarsen(kinds);
}

struct error *framekinds_finish(struct framekinds *kinds)
{
	end_block(kinds);
	return kinds->is_out_of_memory ? error_new(ERROR_NOMEM, "no memory for the picture of the memory") : NULL;
}

static enum framekinds_state state_of(uint8_t state)
{
	static const enum framekinds_state states[] = {
		[FMT_PAGEMAP_PENDING] = FRAMEKINDS_PENDING,
		[FMT_PAGEMAP_WRITTEN] = FRAMEKINDS_WRITTEN,
		[FMT_PAGEMAP_ZERO] = FRAMEKINDS_ZERO,
		[FMT_PAGEMAP_UNREADABLE] = FRAMEKINDS_UNREADABLE,
	};

	return states[state & 3];
}

// Frames that are kept, by what became of each.
static struct error *add_kept(struct framekinds *kinds, const struct pagemap_reader *reader,
                              const struct pagemap_answer *answer, uint64_t frames)
{
	uint8_t states[STATES_AT_ONCE];

	for (uint64_t done = 0; done < frames;) {
		size_t count = frames - done < sizeof(states) ? (size_t)(frames - done) : sizeof(states);
		struct error *err = pagemap_reader_states(reader, answer->cell + done, states, count);

		if (err)
			return err;
		for (size_t i = 0, start = 0; i < count; i++) {
			if (i + 1 < count && states[i + 1] == states[i])
				continue;
			framekinds_add(kinds, answer->code, state_of(states[i]), i + 1 - start);
			start = i + 1;
		}
		done += count;
	}
	return NULL;
}

static void explain(struct framekinds *kinds, const char *text)
{
	if (!kinds->why[0])
		snprintf(kinds->why, sizeof(kinds->why), "%.150s", text);
}

// A block that is damaged costs no other.
static struct error *add_block(struct framekinds *kinds, struct pagemap_reader *reader, uint64_t pfn, uint64_t end,
                               uint64_t *kept_left, uint64_t *steps_left)
{
	struct error *err = NULL;

	while (!err && pfn < end && *steps_left && *kept_left) {
		struct pagemap_answer answer;
		uint64_t frames;

		err = pagemap_reader_find(reader, pfn, &answer);
		if (err)
			break;
		frames = (answer.pfn_end < end ? answer.pfn_end : end) - pfn;
		--*steps_left;
		if (!answer.is_known) {
			framekinds_add(kinds, FMT_PAGEMAP_UNKNOWN, FRAMEKINDS_PENDING, frames);
		} else if (answer.is_kept) {
			frames = frames < *kept_left ? frames : *kept_left;
			*kept_left -= frames;
			err = add_kept(kinds, reader, &answer, frames);
		} else {
			framekinds_add(kinds, answer.code, FRAMEKINDS_ABSENT, frames);
		}
		pfn += frames;
	}
	if (err && err->code == ERROR_BAD_DATA) {
		explain(kinds, err->text);
		error_free(err);
		framekinds_add(kinds, FMT_PAGEMAP_UNKNOWN, FRAMEKINDS_PENDING, end - pfn);
		return NULL;
	}
	return err;
}

struct error *framekinds_of_map(struct framekinds *ret, int fd, uint64_t crash_time_s)
{
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *reader = NULL;
	const struct fmt_pagemap_header *header;
	uint64_t kept_left = kept_max, steps_left = steps_max;
	struct error *err;

	framekinds_init(ret, 0);
	err = pagemap_reader_create(fd, &reader);
	if (err)
		return err;
	header = pagemap_reader_header(reader);
	if (crash_time_s && header->crash_time && crash_time_s != header->crash_time)
		return error_new(ERROR_BAD_DATA, "the page map is of another crash");
	ret->page_bytes = header->page_bytes;
	ret->is_of_map = true;
	ret->is_level_known = true;
	ret->dump_level = header->dump_level;
	for (uint64_t block = 0; !err && block * FMT_PAGEMAP_BLOCK_FRAMES < header->max_pfn; block++) {
		uint64_t pfn = block * FMT_PAGEMAP_BLOCK_FRAMES, end = pfn + FMT_PAGEMAP_BLOCK_FRAMES;

		if (block == BLOCKS_MAX || !kept_left || !steps_left) {
			explain(ret, "the page map tells of more memory than a machine has; the rest is left out");
			break;
		}
		err = add_block(ret, reader, pfn, end < header->max_pfn ? end : header->max_pfn, &kept_left,
		                &steps_left);
	}
	if (header->status == FMT_PAGEMAP_PARTIAL)
		explain(ret, "the copy was cut short, and so was its page map");
	return err ? err : framekinds_finish(ret);
}
