// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * One table of compressors: a page in, fewer bytes out, or "store it raw".
 *
 * Does not decompress and does not decide which compressor is used.
 */
#ifndef DUMP_COMPRESS_H
#define DUMP_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/**
 * A compressor. One row of the table in compress.c each; state belongs to one thread.
 *
 * To add one: a row, and its flag must be one that readers of the kdump-compressed format know.
 */
struct compressor {
	const char *name;
	/** Flag of page_desc and of the header's status (makedumpfile diskdump_mod.h, DUMP_DH_COMPRESSED_*). */
	uint32_t flag;
	/** Bytes of anonymous memory that one thread's state takes. */
	size_t (*state_bytes)(size_t page_bytes);
	/** Make a thread's state. Errors: ERROR_NOMEM. */
	struct error *(*create)(size_t page_bytes, void **state_ret);
	/** End of a state; NULL is allowed. */
	void (*destroy)(void *state);
	/** Most bytes that compress() may write for a page; its output needs this much room. */
	size_t (*bound)(size_t page_bytes);
	/** Levels that can be asked for; both 0 without set_level. */
	int level_min, level_max;
	/** Use another level than the row's from now on, in its range. NULL: there is only one. */
	void (*set_level)(void *state, int level);
	/** Compress a page. Returns its size; 0 if it did not become smaller than a page. */
	size_t (*compress)(void *state, const void *page, size_t page_bytes, void *out);
};

/**
 * Find a compressor.
 *
 * @param[in] name "none", "zlib", "lzo", "snappy", "zstd".
 * @param[out] ret A row of the table; static.
 * @return NULL; ERROR_UNSUPPORTED (unknown, or not built in: the text says which are).
 */
struct error *compressor_find(const char *name, const struct compressor **ret) must_check;

/**
 * Find a compressor and a level of it.
 *
 * @param[in] text A name, as compressor_find(), or "NAME:LEVEL".
 * @param[out] ret A row of the table; static.
 * @param[out] level_ret The level; untouched if there is none.
 * @param[out] has_level_ret Whether there is one.
 * @return NULL; ERROR_UNSUPPORTED as compressor_find(); ERROR_USAGE (the text says which levels there are).
 */
struct error *compressor_parse(const char *text, const struct compressor **ret, int *level_ret,
                               bool *has_level_ret) must_check;

/** Compressor that is used when none is asked for: the best of those built in. @return A row of the table; static. */
const struct compressor *compressor_default(void);

/** Name for people and programs. @param[in] compressor A row of the table, or NULL: chosen page by page. @return Static text. */
const char *compressor_text(const struct compressor *compressor);

#endif
