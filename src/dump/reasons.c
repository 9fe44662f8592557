// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/reasons.h"

#include <string.h>

enum { STATES_READ = 4096 };

// Puts runs together that are alike.
struct joiner {
	reasons_each *each;
	void *context;
	struct reasons_run run;
};

static void flush(struct joiner *joiner)
{
	if (joiner->run.pfn_end > joiner->run.pfn_start)
		joiner->each(joiner->context, &joiner->run);
	joiner->run = (struct reasons_run){0};
}

static void add(struct joiner *joiner, uint64_t pfn, uint64_t pfn_end, enum presence_state state,
                enum fmt_pagemap_code code)
{
	struct reasons_run *run = &joiner->run;

	if (pfn >= pfn_end)
		return;
	if (run->pfn_end == pfn && run->pfn_end > run->pfn_start && run->state == state && run->code == code) {
		run->pfn_end = pfn_end;
		return;
	}
	flush(joiner);
	*run = (struct reasons_run){pfn, pfn_end, state, code};
}

static struct error *add_kept(struct joiner *joiner, const struct pagemap_reader *map, uint64_t pfn,
                              const struct pagemap_answer *first)
{
	struct pagemap_answer answer = *first;

	while (pfn < first->pfn_end) {
		uint8_t states[STATES_READ];
		size_t count = first->pfn_end - pfn < STATES_READ ? (size_t)(first->pfn_end - pfn) : STATES_READ;
		struct error *err = pagemap_reader_states(map, answer.cell, states, count);

		if (err)
			return err;
		for (size_t i = 0; i < count; i++, pfn++, answer.cell++) {
			answer.state = states[i];
			add(joiner, pfn, pfn + 1, presence_of_answer(&answer), answer.code);
		}
	}
	return NULL;
}

static struct error *walk_map(struct pagemap_reader *map, struct joiner *joiner)
{
	uint64_t max_pfn = pagemap_reader_header(map)->max_pfn, pfn = 0;
	struct error *first = NULL;

	while (pfn < max_pfn) {
		struct pagemap_answer answer;
		struct error *err = pagemap_reader_find(map, pfn, &answer);

		if (err && err->code != ERROR_BAD_DATA) {
			error_free(first);
			return err;
		}
		if (err) {
			if (first)
				error_free(err);
			else
				first = err;
			pfn = (pfn / FMT_PAGEMAP_BLOCK_FRAMES + 1) * FMT_PAGEMAP_BLOCK_FRAMES;
			continue;
		}
		if (answer.is_known && answer.is_kept)
			err = add_kept(joiner, map, pfn, &answer);
		else
			add(joiner, pfn, answer.pfn_end, presence_of_answer(&answer),
			    answer.is_known ? answer.code : FMT_PAGEMAP_UNKNOWN);
		if (err) {
			error_free(first);
			return err;
		}
		pfn = answer.pfn_end;
	}
	return first;
}

static struct vmcore_frames next(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn, uint64_t max_pfn)
{
	struct vmcore_frames frames;

	if (!vmcore_next_frames(core, which, pfn, &frames))
		return (struct vmcore_frames){max_pfn, max_pfn};
	return frames;
}

static void walk_dump(const struct vmcore *core, struct joiner *joiner)
{
	uint64_t max_pfn = vmcore_max_pfn(core), pfn = 0;
	enum presence_state none = core->format->next_frames ? PRESENCE_NO_MEMORY : PRESENCE_ABSENT;

	while (pfn < max_pfn) {
		struct vmcore_frames there = next(core, VMCORE_FRAMES_PRESENT, pfn, max_pfn);
		uint64_t end = there.pfn_start > pfn ? there.pfn_start : pfn;

		while (pfn < end) {
			struct vmcore_frames ram = next(core, VMCORE_FRAMES_RAM, pfn, max_pfn);
			uint64_t start = ram.pfn_start < end ? ram.pfn_start : end;
			uint64_t stop = ram.pfn_end < end ? ram.pfn_end : end;

			add(joiner, pfn, start, none, FMT_PAGEMAP_UNKNOWN);
			add(joiner, start > pfn ? start : pfn, stop, PRESENCE_DROPPED, FMT_PAGEMAP_UNKNOWN);
			pfn = stop > pfn ? stop : end;
		}
		add(joiner, pfn, there.pfn_end, PRESENCE_WRITTEN, FMT_PAGEMAP_UNKNOWN);
		pfn = there.pfn_end > pfn ? there.pfn_end : pfn + 1;
	}
}

struct error *reasons_walk(const struct vmcore *core, struct pagemap_reader *map, reasons_each *each, void *context)
{
	struct joiner joiner = {.each = each, .context = context};
	struct error *err = NULL;

	if (map)
		err = walk_map(map, &joiner);
	else
		walk_dump(core, &joiner);
	flush(&joiner);
	return err;
}
