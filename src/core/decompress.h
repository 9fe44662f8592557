// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Pages of kdump-compressed dumps are expanded: one table of methods.
 *
 * Does not compress (dump/compress.h). Each method is the work of its library; here is only that nothing is written beyond a
 * page, and that a page is what comes out.
 */
#ifndef CORE_DECOMPRESS_H
#define CORE_DECOMPRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Rows of the table. */
enum { DECOMPRESS_METHODS = 4 };

/** What one thread needs. Zeroed: nothing is allocated until a method needs it. */
struct decompress {
	void *states[DECOMPRESS_METHODS];
};

/** Free. @param[in] state May be zeroed. */
void decompress_deinit(struct decompress *state);

/**
 * Expand a page.
 *
 * @param[in,out] state The thread's.
 * @param[in] flag FMT_KDUMP_ZLIB…
 * @param[in] in Bytes.
 * @param[in] in_bytes Their number.
 * @param[out] page The page.
 * @param[in] page_bytes Its size; exactly so many must come out.
 * @return NULL; ERROR_UNSUPPORTED (not built in, with its name); ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *decompress_page(struct decompress *state, uint32_t flag, const void *in, size_t in_bytes, void *page,
                              size_t page_bytes) must_check;

/**
 * Whether methods are built in.
 *
 * @param[in] flags Any of FMT_KDUMP_ZLIB…; other bits do not count.
 * @return NULL; ERROR_UNSUPPORTED with the name of one that is not.
 */
struct error *decompress_check(uint32_t flags) must_check;

/** Name of a method. @param[in] flags As decompress_check(). @return Static text: that of the first that is set, "none" if none is. */
const char *decompress_name(uint32_t flags);

#endif
