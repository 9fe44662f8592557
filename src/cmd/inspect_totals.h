// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * All pages of a dump, counted by what they were and what became of them: explain without an address.
 *
 * Does not look at single pages (inspect_explain.c).
 */
#ifndef CMD_INSPECT_TOTALS_H
#define CMD_INSPECT_TOTALS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "cmd/inspect_dump.h"
#include "dump/pagemap_reader.h"
#include "report/pageinfo.h"

/**
 * Print the table, and ranges where the words ask for them.
 *
 * @param[in] dump Opened, with its kernel.
 * @param[in,out] map Its page map; NULL: what pages were is guessed by their struct pages.
 * @param[in,out] info For that.
 * @return NULL; as reasons_walk(), json_finish().
 */
struct error *inspect_totals(const struct inspect_dump *dump, struct pagemap_reader *map,
                             struct pageinfo *info) must_check;

#endif
