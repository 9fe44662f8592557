// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/sink.h"

#include <assert.h>
#include <endian.h>
#include <fcntl.h>
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
	int fd; // -1: to a sink.
	struct sink *under;
	uint64_t place_bytes; // In the stream.
	pthread_mutex_t lock; // A record and its bytes follow one another.
	uint64_t end_bytes; // Of what was written so far.
};

static struct error *put(struct sink_stream *stream, const void *buf, size_t size_bytes)
{
	uint64_t place_bytes = stream->place_bytes;

	stream->place_bytes += size_bytes;
	return stream->under ? sink_write(stream->under, place_bytes, buf, size_bytes)
	                     : io_write(stream->fd, buf, size_bytes);
}

static struct error *write_record(struct sink_stream *stream, uint64_t offset_bytes, const struct iovec *parts,
                                  size_t count, uint64_t size_bytes)
{
	struct stream_record record = {htobe64(offset_bytes), htobe64(size_bytes)};
	struct error *err = put(stream, &record, sizeof(record));

	for (size_t i = 0; !err && i < count; i++)
		err = put(stream, parts[i].iov_base, parts[i].iov_len);
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
		err = put(stream, &end, sizeof(end));
	if (!err && stream->under)
		err = sink_finish(stream->under, stream->place_bytes);
	return err;
}

static void sink_stream_destroy(struct sink *sink)
{
	struct sink_stream *stream = (struct sink_stream *)sink;

	sink_destroy(stream->under);
	pthread_mutex_destroy(&stream->lock);
	free(stream);
}

static const struct sink_ops stream_ops = {
	.write = sink_stream_write,
	.finish = sink_stream_finish,
	.destroy = sink_stream_destroy,
};

// Who writes into a pipe waits for its reader as soon as it is full: 64 KiB are so little that both do nothing but wait in turn.
static void make_room(int fd)
{
	enum { ROOM_BYTES = 512 << 10 };
	int room_bytes = fcntl(fd, F_GETPIPE_SZ);

	// No pipe, or the user may not have larger ones (fs.pipe-max-size, fs.pipe-user-pages-soft): it is only slower.
	if (room_bytes >= 0 && room_bytes < ROOM_BYTES)
		(void)fcntl(fd, F_SETPIPE_SZ, ROOM_BYTES);
}

static struct error *create(int fd, struct sink *under, struct sink **ret)
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
	stream->sink = (struct sink){.ops = &stream_ops, .can_rewrite = under};
	stream->fd = fd;
	stream->under = under;
	pthread_mutex_init(&stream->lock, NULL);
	err = put(stream, &header, sizeof(header));
	if (err) {
		stream->under = NULL;
		sink_stream_destroy(&stream->sink);
		return err;
	}
	*ret = &stream->sink;
	return NULL;
}

struct error *sink_stream_create(int fd, struct sink **ret)
{
	make_room(fd);
	return create(fd, NULL, ret);
}

struct error *sink_stream_create_upon(struct sink *under, struct sink **ret)
{
	return create(-1, under, ret);
}
