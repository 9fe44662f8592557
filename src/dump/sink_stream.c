// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/sink.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

// makedumpfile makedumpfile.h: struct makedumpfile_header, MAX_SIZE_MDF_HEADER. All numbers are big-endian.
enum {
	HEADER_BYTES = 4096,
	HEADER_TYPE = 1, // TYPE_FLAT_HEADER
	HEADER_VERSION = 1,
};

struct stream_header {
	char signature[16];
	uint64_t type;
	uint64_t version;
	uint8_t padding[HEADER_BYTES - 32];
};

// makedumpfile makedumpfile.h: struct makedumpfile_data_header. In the last one both are -1.
struct stream_record {
	uint64_t offset;
	uint64_t size;
};

static_assert(sizeof(struct stream_header) == HEADER_BYTES, "the header is one block");
static_assert(sizeof(struct stream_record) == 16, "records have no padding");

struct sink_stream {
	struct sink sink;
	int fd;
	pthread_mutex_t lock; // A record and its bytes follow one another.
	uint64_t end_bytes; // Of what was written so far.
};

static struct error *write_record(struct sink_stream *stream, uint64_t offset_bytes, const struct iovec *parts,
                                  size_t count, uint64_t size_bytes)
{
	struct stream_record record = {htobe64(offset_bytes), htobe64(size_bytes)};
	struct error *err = io_write(stream->fd, &record, sizeof(record));

	for (size_t i = 0; !err && i < count; i++)
		err = io_write(stream->fd, parts[i].iov_base, parts[i].iov_len);
	if (!err && offset_bytes + size_bytes > stream->end_bytes)
		stream->end_bytes = offset_bytes + size_bytes;
	return err;
}

static struct error *sink_stream_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts,
                                       size_t count)
{
	struct sink_stream *stream = (struct sink_stream *)sink;
	uint64_t size_bytes = 0;
	struct error *err;

	for (size_t i = 0; i < count; i++)
		size_bytes += parts[i].iov_len;
	if (!size_bytes)
		return NULL;
	pthread_mutex_lock(&stream->lock);
	err = write_record(stream, offset_bytes, parts, count, size_bytes);
	pthread_mutex_unlock(&stream->lock);
	return err;
}

static struct error *sink_stream_finish(struct sink *sink, uint64_t file_bytes)
{
	static const struct stream_record end = {UINT64_MAX, UINT64_MAX};
	char zero = 0;
	struct iovec last = {.iov_base = &zero, .iov_len = 1};
	struct sink_stream *stream = (struct sink_stream *)sink;
	struct error *err = NULL;

	// A gap at the end would be lost: the file that is made of the stream ends at its last record.
	if (stream->end_bytes < file_bytes)
		err = write_record(stream, file_bytes - 1, &last, 1, 1);
	if (!err)
		err = io_write(stream->fd, &end, sizeof(end));
	return err;
}

static void sink_stream_destroy(struct sink *sink)
{
	struct sink_stream *stream = (struct sink_stream *)sink;

	pthread_mutex_destroy(&stream->lock);
	free(stream);
}

static const struct sink_ops stream_ops = {
	.write = sink_stream_write,
	.finish = sink_stream_finish,
	.destroy = sink_stream_destroy,
};

struct error *sink_stream_create(int fd, struct sink **ret)
{
	struct stream_header header = {
		.signature = "makedumpfile",
		.type = htobe64(HEADER_TYPE),
		.version = htobe64(HEADER_VERSION),
	};
	struct sink_stream *stream = calloc(1, sizeof(*stream));
	struct error *err;

	if (!stream)
		return error_new(ERROR_NOMEM, "no memory for an output stream");
	stream->sink.ops = &stream_ops;
	stream->fd = fd;
	pthread_mutex_init(&stream->lock, NULL);
	err = io_write(fd, &header, sizeof(header));
	if (err) {
		sink_stream_destroy(&stream->sink);
		return err;
	}
	*ret = &stream->sink;
	return NULL;
}
