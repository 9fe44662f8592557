// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/decompress.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_LZO
#include <lzo/lzo1x.h>
#endif
#ifdef HAVE_SNAPPY
#include <snappy-c.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "core/fmt_kdump.h"

// A method of the format. One that is not built in has a name, so that a message can tell it.
struct method {
	uint32_t flag;
	const char *name;
	void *(*create)(void); // NULL: needs no state.
	void (*destroy)(void *state);
	bool (*expand)(void *state, const void *in, size_t in_bytes, void *page,
	               size_t page_bytes); // NULL: not built in.
};

#ifdef HAVE_ZLIB
static void *zlib_create(void)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (stream && inflateInit(stream) == Z_OK)
		return stream;
	free(stream);
	return NULL;
}

static void zlib_destroy(void *state)
{
	inflateEnd(state);
	free(state);
}

static bool zlib_expand(void *state, const void *in, size_t in_bytes, void *page, size_t page_bytes)
{
	z_stream *stream = state;

	stream->next_in = (Bytef *)in;
	stream->avail_in = (uInt)in_bytes;
	stream->next_out = page;
	stream->avail_out = (uInt)page_bytes;
	return inflateReset(stream) == Z_OK && inflate(stream, Z_FINISH) == Z_STREAM_END &&
	       stream->total_out == page_bytes;
}
#else
#define zlib_create NULL
#define zlib_destroy NULL
#define zlib_expand NULL
#endif

#ifdef HAVE_LZO
static bool lzo_expand(void *state, const void *in, size_t in_bytes, void *page, size_t page_bytes)
{
	lzo_uint size = page_bytes;

	(void)state;
	return lzo1x_decompress_safe(in, in_bytes, page, &size, NULL) == LZO_E_OK && size == page_bytes;
}
#else
#define lzo_expand NULL
#endif

#ifdef HAVE_SNAPPY
static bool snappy_expand(void *state, const void *in, size_t in_bytes, void *page, size_t page_bytes)
{
	size_t size = page_bytes;

	(void)state;
	return snappy_uncompress(in, in_bytes, page, &size) == SNAPPY_OK && size == page_bytes;
}
#else
#define snappy_expand NULL
#endif

#ifdef HAVE_ZSTD
static void *zstd_create(void)
{
	return ZSTD_createDCtx();
}

static void zstd_destroy(void *state)
{
	ZSTD_freeDCtx(state);
}

static bool zstd_expand(void *state, const void *in, size_t in_bytes, void *page, size_t page_bytes)
{
	return ZSTD_decompressDCtx(state, page, page_bytes, in, in_bytes) == page_bytes;
}
#else
#define zstd_create NULL
#define zstd_destroy NULL
#define zstd_expand NULL
#endif

static const struct method methods[] = {
	{FMT_KDUMP_ZLIB, "zlib", zlib_create, zlib_destroy, zlib_expand},
	{FMT_KDUMP_LZO, "lzo", NULL, NULL, lzo_expand},
	{FMT_KDUMP_SNAPPY, "snappy", NULL, NULL, snappy_expand},
	{FMT_KDUMP_ZSTD, "zstd", zstd_create, zstd_destroy, zstd_expand},
};
static_assert(array_size(methods) == DECOMPRESS_METHODS, "struct decompress has a state for each method");

void decompress_deinit(struct decompress *state)
{
	for (size_t i = 0; i < array_size(methods); i++) {
		if (state->states[i])
			methods[i].destroy(state->states[i]);
		state->states[i] = NULL;
	}
}

struct error *decompress_page(struct decompress *state, uint32_t flag, const void *in, size_t in_bytes, void *page,
                              size_t page_bytes)
{
	size_t i = 0;

	while (i < array_size(methods) && methods[i].flag != flag)
		i++;
	if (i == array_size(methods))
		return error_new(ERROR_BAD_DATA, "flags %#x are no compression that is known", flag);
	if (!methods[i].expand)
		return decompress_check(flag);
	if (methods[i].create && !state->states[i]) {
		state->states[i] = methods[i].create();
		if (!state->states[i])
			return error_new(ERROR_NOMEM, "no memory for %s", methods[i].name);
	}
	if (!methods[i].expand(state->states[i], in, in_bytes, page, page_bytes))
		return error_new(ERROR_BAD_DATA, "%zu bytes of %s do not make a page", in_bytes, methods[i].name);
	return NULL;
}

struct error *decompress_check(uint32_t flags)
{
	for (size_t i = 0; i < array_size(methods); i++) {
		if (flags & methods[i].flag && !methods[i].expand)
			return error_new(ERROR_UNSUPPORTED, "its pages are compressed with %s, which is not built in",
			                 methods[i].name);
	}
	return NULL;
}

const char *decompress_name(uint32_t flags)
{
	for (size_t i = 0; i < array_size(methods); i++) {
		if (flags & methods[i].flag)
			return methods[i].name;
	}
	return "none";
}
