// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/rearrange.h"

#include <stdlib.h>

#include "base/io.h"
#include "core/flatfile.h"

enum { BUFFER_BYTES = 1 << 20 };

struct rearrange {
	rearrange_read *read;
	void *context;
	uint64_t place_bytes; // In the stream, for messages.
	struct sink *sink;
	struct rearrange_stats *stats;
	uint8_t *buf;
};

// All bytes must come: a stream says where it ends. got_ret is set on error too.
static struct error *take(struct rearrange *job, void *buf, size_t size_bytes, size_t *got_ret)
{
	size_t got = 0;
	struct error *err = job->read(job->context, buf, size_bytes, &got);

	*got_ret = got;
	job->place_bytes += got;
	if (!err && got < size_bytes)
		return error_new(ERROR_BAD_DATA, "the stream was cut: it ends at offset %#jx",
		                 (uintmax_t)job->place_bytes);
	return err;
}

static struct error *take_header(struct rearrange *job)
{
	size_t got = 0;
	struct error *err = job->read(job->context, job->buf, FLATFILE_HEADER_BYTES, &got);

	job->place_bytes = got;
	if (err)
		return err;
	if (!flatfile_probe(job->buf, got))
		return error_new(ERROR_UNSUPPORTED, "not in makedumpfile's flattened format");
	return flatfile_check_header(job->buf, got);
}

static struct error *take_record(struct rearrange *job, const struct flatfile_record *record)
{
	uint64_t offset = record->offset_bytes, left = record->size_bytes;

	job->stats->record_count++;
	while (left) {
		size_t part = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
		size_t got;
		struct error *cut = take(job, job->buf, part, &got);
		// Of a stream that is cut, what came is worth having.
		struct error *err = got ? sink_write(job->sink, offset, job->buf, got) : NULL;

		if (err) {
			error_free(cut);
			return err;
		}
		offset += got;
		left -= got;
		job->stats->bytes_written += got;
		if (got && offset > job->stats->file_bytes)
			job->stats->file_bytes = offset;
		if (cut)
			return cut;
	}
	return NULL;
}

static struct error *take_records(struct rearrange *job)
{
	for (;;) {
		uint8_t header[FLATFILE_RECORD_HEADER_BYTES];
		struct flatfile_record record = {.place_bytes = job->place_bytes};
		bool is_end = false;
		size_t got;
		struct error *err = take(job, header, sizeof(header), &got);

		if (!err)
			err = flatfile_parse_record(header, &record, &is_end);
		if (!err && !is_end)
			err = take_record(job, &record);
		if (err || is_end)
			return err;
	}
}

struct error *rearrange_run_from(rearrange_read *read, void *context, struct sink *sink, struct rearrange_stats *ret)
{
	_cleanup_free_ uint8_t *buf = malloc(BUFFER_BYTES);
	struct rearrange job = {.read = read, .context = context, .sink = sink, .stats = ret, .buf = buf};
	struct error *err, *end = NULL;

	*ret = (struct rearrange_stats){0};
	if (!buf)
		return error_new(ERROR_NOMEM, "no memory for a buffer");
	err = take_header(&job);
	if (!err)
		err = take_records(&job);
	if (!err || ret->record_count)
		end = sink_finish(sink, ret->file_bytes);
	if (!err)
		return end;
	error_free(end);
	return err;
}

static struct error *read_file(void *context, void *buf, size_t size_bytes, size_t *got_ret)
{
	const int *fd = context;

	return io_read(*fd, buf, size_bytes, got_ret);
}

struct error *rearrange_run(int in_fd, struct sink *sink, struct rearrange_stats *ret)
{
	return rearrange_run_from(read_file, &in_fd, sink, ret);
}
