// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The reader of a page map (fmt_pagemap.h): why a page frame is in the dump, or is not.
 *
 * Does not trust the file: what is damaged is an error, and nothing in it makes the reader use more than a block of memory.
 */
#ifndef DUMP_PAGEMAP_READER_H
#define DUMP_PAGEMAP_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/fmt_pagemap.h"

/** An opened map. For one thread. */
struct pagemap_reader;

/** What the map says of a page frame. */
struct pagemap_answer {
	bool is_known; /**< false: the map ends before this frame was looked at; the rest says nothing. */
	bool is_kept; /**< It was to be in the dump; state says whether it is. */
	enum fmt_pagemap_code code;
	enum fmt_pagemap_state state; /**< FMT_PAGEMAP_PENDING unless is_kept. */
	uint64_t pfn_end; /**< Up to it all frames have this code; another block, or the end of memory, ends it too. */
	uint64_t cell; /**< Where state is; only if is_kept. */
};

/**
 * Open a map.
 *
 * @param[in] fd Open for reading; borrowed.
 * @param[out] ret The reader; pagemap_reader_destroy() it.
 * @return NULL; ERROR_BAD_DATA; ERROR_UNSUPPORTED (another version); ERROR_OS; ERROR_NOMEM.
 */
struct error *pagemap_reader_create(int fd, struct pagemap_reader **ret) must_check;

/** Free. @param[in] reader May be NULL. */
void pagemap_reader_destroy(struct pagemap_reader *reader);

/** Guard form of pagemap_reader_destroy(). @param[in] reader Address of the variable. */
static inline void pagemap_reader_destroyp(struct pagemap_reader **reader)
{
	pagemap_reader_destroy(*reader);
}

/** The header. @param[in] reader The reader. @return Borrowed. */
const struct fmt_pagemap_header *pagemap_reader_header(const struct pagemap_reader *reader);

/**
 * Explain a page frame. Asking for frames in order is cheap: what was read last is kept.
 *
 * @param[in,out] reader The reader.
 * @param[in] pfn Page frame; from max_pfn on there is no memory.
 * @param[out] ret What the map says.
 * @return NULL; ERROR_BAD_DATA (this block is damaged; others may be whole); ERROR_OS.
 */
struct error *pagemap_reader_find(struct pagemap_reader *reader, uint64_t pfn, struct pagemap_answer *ret) must_check;

/**
 * States of pages that follow one another, all of one answer.
 *
 * @param[in] reader The reader.
 * @param[in] cell Of the first one: that of an answer, and so many further as the page is behind the one that was asked for.
 * @param[out] states enum fmt_pagemap_state, one byte each.
 * @param[in] count Their number.
 * @return NULL; ERROR_OS.
 */
struct error *pagemap_reader_states(const struct pagemap_reader *reader, uint64_t cell, uint8_t *states,
                                    size_t count) must_check;

/** An answer in words. @param[in] answer The answer. @return Static text, such as "free, left out". */
const char *pagemap_reader_text(const struct pagemap_answer *answer);

#endif
