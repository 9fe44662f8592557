// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/unpack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/io.h"

enum {
	PIECE_BYTES = 64 * 1024,
	MAGIC_MAX_BYTES = 6,
	// inflateInit2(): the largest window, and a header of gzip.
	ZLIB_GZIP = 15 + 16,
};

// What a step of a method did.
struct step {
	const uint8_t *in;
	size_t in_bytes; // What is there; afterwards what is left of it.
	uint8_t *out;
	size_t out_bytes; // As in_bytes.
	bool is_end;
};

// How a part may be compressed (lib/decompress.c, v6.1). What is not built in has a name, so that a message can tell it.
struct method {
	const char *name;
	uint8_t magic[MAGIC_MAX_BYTES];
	size_t magic_bytes;
	void *(*create)(void); // NULL: not built in.
	void (*destroy)(void *state);
	bool (*step)(void *state, struct step *step);
};

struct unpack {
	int fd;
	const struct method *method; // NULL: as it is.
	void *state;
	size_t at, size_bytes; // Of what is read.
	bool is_part_end; // Of a compressed part.
	uint64_t given_bytes;
	uint8_t in[PIECE_BYTES];
};

#ifdef HAVE_ZLIB
static void *gzip_create(void)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (stream && inflateInit2(stream, ZLIB_GZIP) == Z_OK)
		return stream;
	free(stream);
	return NULL;
}

static void gzip_destroy(void *state)
{
	inflateEnd(state);
	free(state);
}

static bool gzip_step(void *state, struct step *step)
{
	z_stream *stream = state;
	int status;

	stream->next_in = (Bytef *)step->in;
	stream->avail_in = (uInt)step->in_bytes;
	stream->next_out = step->out;
	stream->avail_out = (uInt)step->out_bytes;
	status = inflate(stream, Z_NO_FLUSH);
	step->in_bytes = stream->avail_in;
	step->out_bytes = stream->avail_out;
	step->is_end = status == Z_STREAM_END;
	return step->is_end || status == Z_OK || status == Z_BUF_ERROR;
}
#else
#define gzip_create NULL
#define gzip_destroy NULL
#define gzip_step NULL
#endif

#ifdef HAVE_ZSTD
static void *zstd_create(void)
{
	return ZSTD_createDStream();
}

static void zstd_destroy(void *state)
{
	ZSTD_freeDStream(state);
}

static bool zstd_step(void *state, struct step *step)
{
	ZSTD_inBuffer in = {step->in, step->in_bytes, 0};
	ZSTD_outBuffer out = {step->out, step->out_bytes, 0};
	size_t status = ZSTD_decompressStream(state, &out, &in);

	step->in_bytes -= in.pos;
	step->out_bytes -= out.pos;
	step->is_end = status == 0;
	return !ZSTD_isError(status);
}
#else
#define zstd_create NULL
#define zstd_destroy NULL
#define zstd_step NULL
#endif

static const struct method methods[] = {
	{"gzip", {0x1f, 0x8b}, 2, gzip_create, gzip_destroy, gzip_step},
	{"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, zstd_create, zstd_destroy, zstd_step},
	{.name = "xz", .magic = {0xfd, '7', 'z', 'X', 'Z'}, .magic_bytes = 5},
	{.name = "lz4", .magic = {0x02, 0x21, 0x4c, 0x18}, .magic_bytes = 4},
	{.name = "lzo", .magic = {0x89, 'L', 'Z', 'O'}, .magic_bytes = 4},
	{.name = "bzip2", .magic = {'B', 'Z', 'h'}, .magic_bytes = 3},
	{.name = "lzma", .magic = {0x5d, 0x00, 0x00}, .magic_bytes = 3},
};

struct error *unpack_open(int fd, struct unpack **ret)
{
	struct unpack *unpack = calloc(1, sizeof(*unpack));

	if (!unpack)
		return error_new(ERROR_NOMEM, "no memory to unpack an initramfs");
	unpack->fd = fd;
	*ret = unpack;
	return NULL;
}

static void end_part(struct unpack *unpack)
{
	if (unpack->state)
		unpack->method->destroy(unpack->state);
	unpack->state = NULL;
	unpack->method = NULL;
	unpack->is_part_end = false;
}

void unpack_close(struct unpack *unpack)
{
	if (!unpack)
		return;
	end_part(unpack);
	free(unpack);
}

// Makes sure that so many bytes are there, or all that are left of the file.
static struct error *fill(struct unpack *unpack, size_t wanted_bytes)
{
	size_t left = unpack->size_bytes - unpack->at, got = 0;
	struct error *err;

	if (left >= wanted_bytes)
		return NULL;
	memmove(unpack->in, unpack->in + unpack->at, left);
	err = io_read(unpack->fd, unpack->in + left, PIECE_BYTES - left, &got);
	unpack->at = 0;
	unpack->size_bytes = left + got;
	return err;
}

static struct error *begin_part(struct unpack *unpack)
{
	const uint8_t *at = unpack->in + unpack->at;
	size_t left = unpack->size_bytes - unpack->at;

	for (size_t i = 0; i < array_size(methods); i++) {
		const struct method *method = &methods[i];

		if (left < method->magic_bytes || memcmp(at, method->magic, method->magic_bytes) != 0)
			continue;
		if (!method->create)
			return error_new(ERROR_UNSUPPORTED, "it is compressed by %s, which this build does not read",
			                 method->name);
		unpack->state = method->create();
		unpack->method = method;
		return unpack->state ? NULL : error_new(ERROR_NOMEM, "no memory to expand %s", method->name);
	}
	return *at == '0' ? NULL : error_new(ERROR_BAD_DATA, "it is neither an archive nor compressed");
}

struct error *unpack_next(struct unpack *unpack, bool *is_part_ret, bool *is_plain_ret)
{
	struct error *err = NULL;

	end_part(unpack);
	do {
		while (unpack->at < unpack->size_bytes && !unpack->in[unpack->at])
			unpack->at++;
		err = fill(unpack, MAGIC_MAX_BYTES);
	} while (!err && unpack->size_bytes && !unpack->in[unpack->at]);
	if (err)
		return err;
	*is_part_ret = unpack->at < unpack->size_bytes;
	if (*is_part_ret)
		err = begin_part(unpack);
	*is_plain_ret = !unpack->method;
	return err;
}

static struct error *expand(struct unpack *unpack, uint8_t *buf, size_t size_bytes, size_t *got_ret)
{
	struct error *err = fill(unpack, 1);
	size_t left = unpack->size_bytes - unpack->at;
	struct step step = {unpack->in + unpack->at, left, buf, size_bytes, false};

	*got_ret = 0;
	if (err)
		return err;
	if (!unpack->method->step(unpack->state, &step))
		return error_new(ERROR_BAD_DATA, "the data of %s in it are damaged", unpack->method->name);
	unpack->at += left - step.in_bytes;
	unpack->is_part_end = step.is_end;
	*got_ret = size_bytes - step.out_bytes;
	if (!step.is_end && step.in_bytes == left && !*got_ret)
		return error_new(ERROR_BAD_DATA, "it ends in the middle of the data of %s", unpack->method->name);
	return NULL;
}

static struct error *copy(struct unpack *unpack, uint8_t *buf, size_t size_bytes, size_t *got_ret)
{
	struct error *err = fill(unpack, 1);
	size_t left = unpack->size_bytes - unpack->at, size = left < size_bytes ? left : size_bytes;

	memcpy(buf, unpack->in + unpack->at, size);
	unpack->at += size;
	unpack->is_part_end = !size;
	*got_ret = size;
	return err;
}

struct error *unpack_read(struct unpack *unpack, void *buf, size_t size_bytes, size_t *got_ret)
{
	size_t done = 0;
	struct error *err = NULL;

	while (!err && done < size_bytes && !unpack->is_part_end) {
		uint8_t *to = (uint8_t *)buf + done;
		size_t got = 0;

		err = unpack->method ? expand(unpack, to, size_bytes - done, &got)
		                     : copy(unpack, to, size_bytes - done, &got);
		done += got;
	}
	unpack->given_bytes += done;
	if (!err && unpack->given_bytes > UNPACK_MAX_BYTES)
		err = error_new(ERROR_BAD_DATA, "it unpacks to more than %d MiB", UNPACK_MAX_BYTES >> 20);
	*got_ret = done;
	return err;
}
