// SPDX-License-Identifier: GPL-2.0-or-later
// With ISA-L: a little larger than zlib's fastest level, in a third of its time. A third of that makes tables of codes, so where
// pages are alike, some are compressed with tables of those before (compress_light.h). The yardstick is zlib.
#include <isa-l/igzip_lib.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "core/fmt_kdump.h"
#include "dump/compress_light.h"
#include "dump/compress_zlib.h"

// 0 is twice as fast and makes dumps two fifths larger, with the tables that ISA-L has of its own.
enum { LEVEL = 1 };

// Of larger pages, tables are a small part of the time: with 64 KiB nothing is won, with 16 KiB a third of it.
enum { LIGHT_PAGE_BYTES_MAX = 4096 };

struct isal_state {
	struct isal_zstream stream;
	uint32_t level;
	struct compress_light light;
	// Of the pages that the next tables are made of.
	struct isal_huff_histogram histogram;
	struct isal_hufftables tables;
	bool has_tables;
	z_stream yardstick;
	bool has_yardstick;
	// Aligned as malloc() aligns: at an odd address, one stream of some thousand pages of 64 KiB cannot be read.
	alignas(max_align_t) uint8_t level_buf[ISAL_DEF_LVL1_DEFAULT];
};

static size_t isal_state_bytes(size_t page_bytes)
{
	(void)page_bytes;
	return sizeof(struct isal_state) + ZLIB_STATE_BYTES;
}

static struct error *isal_create(size_t page_bytes, void **state_ret)
{
	struct isal_state *isal = calloc(1, sizeof(*isal));

	if (!isal)
		return error_new(ERROR_NOMEM, "no memory for ISA-L");
	isal->level = LEVEL;
	compress_light_init(&isal->light);
	isal->has_yardstick = page_bytes <= LIGHT_PAGE_BYTES_MAX && deflateInit(&isal->yardstick, Z_BEST_SPEED) == Z_OK;
	*state_ret = isal;
	return NULL;
}

static void isal_destroy(void *state)
{
	struct isal_state *isal = state;

	if (isal && isal->has_yardstick)
		deflateEnd(&isal->yardstick);
	free(isal);
}

static void isal_set_level(void *state, int level)
{
	struct isal_state *isal = state;

	isal->level = (uint32_t)level;
}

static size_t isal_bound(size_t page_bytes)
{
	return page_bytes;
}

// Tables are used at level 0 only. NULL: those of ISA-L.
static size_t stream_of(struct isal_state *isal, uint32_t level, struct isal_hufftables *tables, const void *page,
                        size_t page_bytes, void *out)
{
	// Each page from the start: after isal_deflate_reset() the table of matches is that of the page before, and streams
	// come out that nobody can read.
	isal_deflate_stateless_init(&isal->stream);
	if (tables)
		isal->stream.hufftables = tables;
	isal->stream.level = level;
	isal->stream.level_buf = isal->level_buf;
	isal->stream.level_buf_size = sizeof(isal->level_buf);
	isal->stream.gzip_flag = IGZIP_ZLIB;
	isal->stream.end_of_stream = 1;
	isal->stream.next_in = (uint8_t *)page;
	isal->stream.avail_in = (uint32_t)page_bytes;
	isal->stream.next_out = out;
	isal->stream.avail_out = (uint32_t)page_bytes - 1;
	if (isal_deflate_stateless(&isal->stream) != COMP_OK || isal->stream.avail_in)
		return 0;
	return isal->stream.total_out;
}

static void make_tables(struct isal_state *isal)
{
	enum { SELDOM = 4 };

	// Symbols that were seen less than once a page get the code of those never seen (all have one): the tables are written
	// into each stream, and take an eighth less room then.
	for (size_t i = 0; i < array_size(isal->histogram.lit_len_histogram); i++)
		if (isal->histogram.lit_len_histogram[i] < SELDOM)
			isal->histogram.lit_len_histogram[i] = 0;
	for (size_t i = 0; i < array_size(isal->histogram.dist_histogram); i++)
		if (isal->histogram.dist_histogram[i] < SELDOM)
			isal->histogram.dist_histogram[i] = 0;
	// Those of ISA-L else; what they lose is measured as well.
	isal->has_tables = isal_create_hufftables(&isal->tables, &isal->histogram) == 0;
	memset(&isal->histogram, 0, sizeof(isal->histogram));
}

// What zlib's fastest level makes of a page.
static size_t by_yardstick(struct isal_state *isal, const void *page, size_t page_bytes)
{
	uint8_t out[LIGHT_PAGE_BYTES_MAX];

	deflateReset(&isal->yardstick);
	isal->yardstick.next_in = (z_const Bytef *)page;
	isal->yardstick.avail_in = (uInt)page_bytes;
	isal->yardstick.next_out = out;
	isal->yardstick.avail_out = (uInt)page_bytes;
	return deflate(&isal->yardstick, Z_FINISH) == Z_STREAM_END ? isal->yardstick.total_out : page_bytes;
}

static size_t isal_page(void *state, const void *page, size_t page_bytes, void *out)
{
	struct isal_state *isal = state;
	struct isal_hufftables *tables = isal->has_tables ? &isal->tables : NULL;
	size_t size, light_size = 0;
	enum compress_light_way way;

	if (isal->level != LEVEL || page_bytes > LIGHT_PAGE_BYTES_MAX)
		return stream_of(isal, isal->level, NULL, page, page_bytes, out);
	way = compress_light_next(&isal->light);
	if (way == COMPRESS_LIGHT_LEARN || way == COMPRESS_LIGHT_LEARNED)
		isal_update_histogram((uint8_t *)page, (int)page_bytes, &isal->histogram);
	if (way == COMPRESS_LIGHT_LEARNED)
		make_tables(isal);
	if (way == COMPRESS_LIGHT_COMPARE)
		light_size = stream_of(isal, 0, tables, page, page_bytes, out);
	if (way == COMPRESS_LIGHT_LIGHT)
		size = stream_of(isal, 0, tables, page, page_bytes, out);
	else
		size = stream_of(isal, LEVEL, NULL, page, page_bytes, out);
	if (isal->has_yardstick && way != COMPRESS_LIGHT_LIGHT && compress_light_is_due(&isal->light))
		compress_light_measured(&isal->light, size ? size : page_bytes, by_yardstick(isal, page, page_bytes));
	compress_light_told(&isal->light, size ? size : page_bytes, light_size ? light_size : page_bytes);
	return size;
}

const struct compressor compressor_zlib = {
	.name = "zlib",
	.flag = FMT_KDUMP_ZLIB,
	.state_bytes = isal_state_bytes,
	.create = isal_create,
	.destroy = isal_destroy,
	.bound = isal_bound,
	.level_min = 0,
	.level_max = LEVEL,
	.set_level = isal_set_level,
	.compress = isal_page,
};
