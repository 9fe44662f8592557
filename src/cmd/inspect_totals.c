// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_totals.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "dump/pagemap.h"
#include "dump/reasons.h"

struct totals {
	const struct inspect_dump *dump;
	struct json json;
	uint64_t counts[FMT_PAGEMAP_CODES][PRESENCE_STATES];
	uint64_t states[PRESENCE_STATES];
};

static void print_range(struct totals *totals, const struct reasons_run *run)
{
	struct presence presence = {
		.state = run->state, .code = run->code, .is_by_map = run->code != FMT_PAGEMAP_UNKNOWN};

	if (run->state == PRESENCE_NO_MEMORY)
		return;
	if (!totals->dump->is_json) {
		printf("%#12" PRIx64 " %#12" PRIx64 " %12" PRIu64 "  %-13s %s\n", run->pfn_start, run->pfn_end,
		       run->pfn_end - run->pfn_start, presence.is_by_map ? presence_code_name(run->code) : "-",
		       presence_sentence(&presence));
		return;
	}
	json_open_object(&totals->json, NULL);
	json_number(&totals->json, "pfn_start", run->pfn_start);
	json_number(&totals->json, "pfn_end", run->pfn_end);
	json_text(&totals->json, "class", presence.is_by_map ? presence_code_name(run->code) : NULL);
	json_text(&totals->json, "state", presence_state_name(run->state));
	json_close(&totals->json);
}

static void take_run(void *context, const struct reasons_run *run)
{
	struct totals *totals = context;
	uint64_t frames = run->pfn_end - run->pfn_start;

	totals->counts[run->code % FMT_PAGEMAP_CODES][run->state] += frames;
	totals->states[run->state] += frames;
	if (totals->dump->given & INSPECT_DUMP_RANGES)
		print_range(totals, run);
}

// What a filter would call frames, if all that is there still is as it was then; whether they are in the dump, that tells itself.
static void take_class(void *context, uint64_t pfn, uint64_t pfn_end, enum page_class class)
{
	struct totals *totals = context;
	const struct vmcore *core = totals->dump->core;
	enum fmt_pagemap_code code = pagemap_class_code(class);

	while (pfn < pfn_end) {
		struct vmcore_frames there, ram;

		if (!vmcore_next_frames(core, VMCORE_FRAMES_PRESENT, pfn, &there) || there.pfn_start >= pfn_end)
			there = (struct vmcore_frames){pfn_end, pfn_end};
		while (pfn < there.pfn_start && vmcore_next_frames(core, VMCORE_FRAMES_RAM, pfn, &ram) &&
		       ram.pfn_start < there.pfn_start) {
			uint64_t start = ram.pfn_start > pfn ? ram.pfn_start : pfn;
			uint64_t end = ram.pfn_end < there.pfn_start ? ram.pfn_end : there.pfn_start;

			totals->counts[code][PRESENCE_DROPPED] += end - start;
			pfn = end;
		}
		pfn = there.pfn_start > pfn ? there.pfn_start : pfn;
		if (pfn < pfn_end) {
			uint64_t end = there.pfn_end < pfn_end ? there.pfn_end : pfn_end;

			totals->counts[code][PRESENCE_WRITTEN] += end - pfn;
			pfn = end;
		}
	}
}

// What the struct pages told of is no longer unknown.
static void guess(struct totals *totals, struct pageinfo *info)
{
	static const enum presence_state states[] = {PRESENCE_WRITTEN, PRESENCE_DROPPED};

	pageinfo_classes(info, 0, vmcore_max_pfn(totals->dump->core), take_class, totals);
	for (size_t i = 0; i < array_size(states); i++) {
		uint64_t *unknown = &totals->counts[FMT_PAGEMAP_UNKNOWN][states[i]], known = 0;

		for (unsigned int code = 0; code < FMT_PAGEMAP_CODES; code++)
			known += code == FMT_PAGEMAP_UNKNOWN ? 0 : totals->counts[code][states[i]];
		*unknown = *unknown > known ? *unknown - known : 0;
	}
}

static const struct {
	enum presence_state state;
	const char *title;
} columns[] = {
	{PRESENCE_WRITTEN, "in the dump"},   {PRESENCE_ZERO, "zeros"},
	{PRESENCE_DROPPED, "left out"},      {PRESENCE_LOST, "lost"},
	{PRESENCE_UNREADABLE, "unreadable"},
};

static uint64_t sum(const uint64_t *counts)
{
	uint64_t all = 0;

	for (size_t i = 0; i < array_size(columns); i++)
		all += counts[columns[i].state];
	return all;
}

static void print_table(const struct totals *totals, const struct pagemap_reader *map)
{
	printf("%-14s", "page frames");
	for (size_t i = 0; i < array_size(columns); i++)
		printf(" %12s", columns[i].title);
	putchar('\n');
	for (unsigned int code = 0; code < FMT_PAGEMAP_CODES; code++) {
		if (!sum(totals->counts[code]))
			continue;
		printf("%-14s", presence_code_name(code));
		for (size_t i = 0; i < array_size(columns); i++)
			printf(" %12" PRIu64, totals->counts[code][columns[i].state]);
		putchar('\n');
	}
	printf("%-14s", "all");
	for (size_t i = 0; i < array_size(columns); i++)
		printf(" %12" PRIu64, totals->states[columns[i].state]);
	putchar('\n');
	if (map && pagemap_reader_header(map)->status == FMT_PAGEMAP_PARTIAL)
		puts("The page map was cut short: lost pages may be of any kind.");
	if (!map)
		puts("There is no page map: what pages were is a guess by their struct pages, and zeros are not told "
		     "apart.");
}

static void print_json(struct totals *totals, const struct pagemap_reader *map)
{
	json_bool(&totals->json, "is_guess", !map);
	json_bool(&totals->json, "is_map_complete", map && pagemap_reader_header(map)->status == FMT_PAGEMAP_COMPLETE);
	json_number(&totals->json, "page_bytes", vmcore_page_bytes(totals->dump->core));
	json_open_array(&totals->json, "pages");
	for (unsigned int code = 0; code < FMT_PAGEMAP_CODES; code++) {
		for (size_t i = 0; i < array_size(columns); i++) {
			if (!totals->counts[code][columns[i].state])
				continue;
			json_open_object(&totals->json, NULL);
			json_text(&totals->json, "class", presence_code_name(code));
			json_text(&totals->json, "state", presence_state_name(columns[i].state));
			json_number(&totals->json, "count", totals->counts[code][columns[i].state]);
			json_close(&totals->json);
		}
	}
	json_close(&totals->json);
}

struct error *inspect_totals(const struct inspect_dump *dump, struct pagemap_reader *map, struct pageinfo *info)
{
	struct totals totals = {.dump = dump};
	bool has_ranges = dump->given & INSPECT_DUMP_RANGES;
	struct error *err;

	json_init(&totals.json, stdout);
	if (dump->is_json)
		json_open_object(&totals.json, NULL);
	if (dump->is_json && has_ranges)
		json_open_array(&totals.json, "ranges");
	else if (has_ranges)
		printf("%12s %12s %12s  %-13s %s\n", "from pfn", "to before", "frames", "class", "in the dump");
	err = reasons_walk(dump->core, map, take_run, &totals);
	if (dump->is_json && has_ranges)
		json_close(&totals.json);
	else if (has_ranges)
		putchar('\n');
	if (!map)
		guess(&totals, info);
	if (!dump->is_json) {
		print_table(&totals, map);
		return err;
	}
	print_json(&totals, map);
	json_text(&totals.json, "problem", err ? err->text : NULL);
	json_close(&totals.json);
	if (!err)
		return json_finish(&totals.json);
	error_free(json_finish(&totals.json));
	return err;
}
