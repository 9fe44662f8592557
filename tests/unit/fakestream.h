// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A flattened stream that is put together record by record.
 *
 * Does not check that it makes sense.
 */
#ifndef FAKESTREAM_H
#define FAKESTREAM_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "test.h"

/** Sizes. */
enum { FAKESTREAM_HEADER = 4096, FAKESTREAM_ROOM = 16384 };

/** The stream; fakestream_start(), add, fakestream_end(). */
struct fakestream {
	uint8_t bytes[FAKESTREAM_ROOM];
	size_t used;
};

static inline void fakestream_u64(struct fakestream *stream, uint64_t value)
{
	uint64_t big = htobe64(value);

	memcpy(stream->bytes + stream->used, &big, 8);
	stream->used += 8;
}

static inline void fakestream_start(struct fakestream *stream)
{
	memset(stream, 0, sizeof(*stream));
	memcpy(stream->bytes, "makedumpfile", 12);
	stream->used = 16;
	fakestream_u64(stream, 1);
	fakestream_u64(stream, 1);
	stream->used = FAKESTREAM_HEADER;
}

static inline void fakestream_record(struct fakestream *stream, uint64_t offset, const char *text)
{
	fakestream_u64(stream, offset);
	fakestream_u64(stream, strlen(text));
	memcpy(stream->bytes + stream->used, text, strlen(text));
	stream->used += strlen(text);
}

static inline void fakestream_end(struct fakestream *stream)
{
	fakestream_u64(stream, UINT64_MAX);
	fakestream_u64(stream, UINT64_MAX);
}

/** Offset and size of records that cannot be: nothing there, or beyond what a file may have. */
static const uint64_t fakestream_impossible[][2] = {
	{4, 0}, {UINT64_MAX, 4}, {UINT64_C(1) << 63, 4}, {INT64_MAX, 1}, {4, UINT64_MAX}, {4, INT64_MAX},
};

/** A whole stream: a record "good" at 0, then what an impossible one begins with. */
static inline void fakestream_put_impossible(struct fakestream *stream, size_t index)
{
	fakestream_start(stream);
	fakestream_record(stream, 0, "good");
	fakestream_u64(stream, fakestream_impossible[index][0]);
	fakestream_u64(stream, fakestream_impossible[index][1]);
	fakestream_end(stream);
}

#endif
