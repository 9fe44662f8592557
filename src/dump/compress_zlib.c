// SPDX-License-Identifier: GPL-2.0-or-later
// With zlib itself.
#include "dump/compress_zlib.h"

#include <stdlib.h>
#include <zlib.h>

#include "core/fmt_kdump.h"

static size_t zlib_state_bytes(size_t page_bytes)
{
	(void)page_bytes;
	return ZLIB_STATE_BYTES;
}

static struct error *zlib_create(size_t page_bytes, void **state_ret)
{
	_cleanup_free_ z_stream *stream = calloc(1, sizeof(*stream));

	(void)page_bytes;
	if (!stream || deflateInit(stream, Z_BEST_SPEED) != Z_OK)
		return error_new(ERROR_NOMEM, "no memory for zlib");
	*state_ret = take_ptr(stream);
	return NULL;
}

static void zlib_destroy(void *state)
{
	if (state)
		deflateEnd(state);
	free(state);
}

static size_t zlib_bound(size_t page_bytes)
{
	return compressBound(page_bytes);
}

static size_t zlib_compress(void *state, const void *page, size_t page_bytes, void *out)
{
	z_stream *stream = state;

	stream->next_in = (Bytef *)page;
	stream->avail_in = (uInt)page_bytes;
	stream->next_out = out;
	stream->avail_out = (uInt)(page_bytes - 1);
	if (deflateReset(stream) != Z_OK || deflate(stream, Z_FINISH) != Z_STREAM_END)
		return 0;
	return stream->total_out;
}

const struct compressor compressor_zlib = {
	.name = "zlib",
	.flag = FMT_KDUMP_ZLIB,
	.state_bytes = zlib_state_bytes,
	.create = zlib_create,
	.destroy = zlib_destroy,
	.bound = zlib_bound,
	.compress = zlib_compress,
};
