// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * All page frames of a dump, run by run: what became of them, and why.
 *
 * Reads no page: of single ones dump/presence.h knows more.
 */
#ifndef DUMP_REASONS_H
#define DUMP_REASONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "dump/pagemap_reader.h"
#include "dump/presence.h"

/** Frames that are all alike. */
struct reasons_run {
	uint64_t pfn_start;
	uint64_t pfn_end;
	enum presence_state
		state; /**< Never PRESENCE_DAMAGED; of a dump without a map never PRESENCE_ZERO, which reading would tell. */
	enum fmt_pagemap_code code; /**< By the map; FMT_PAGEMAP_UNKNOWN without one. */
};

/** Takes a run. @param[in] context Of the caller. @param[in] run The run. */
typedef void reasons_each(void *context, const struct reasons_run *run);

/**
 * Tell of all frames up to the end of memory, in order; those that are no memory too.
 *
 * @param[in] core The dump.
 * @param[in,out] map Its page map; NULL: there is none, and the dump alone tells.
 * @param[in] each Called for each run; two that follow each other differ, but for the ends of blocks.
 * @param[in] context For @p each.
 * @return NULL; ERROR_BAD_DATA (the map is damaged: the first block that is; the others were told); ERROR_OS.
 */
struct error *reasons_walk(const struct vmcore *core, struct pagemap_reader *map, reasons_each *each,
                           void *context) must_check;

#endif
