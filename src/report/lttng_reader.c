// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lttng_reader.h"

#include <stdlib.h>
#include <string.h>

enum { POINTER_BYTES = 8 };

// Of a sub-buffer's identifier the lower half is its index; the other one has marks and a counter where buffers are overwritten.
static const uint64_t index_mask = UINT32_MAX;

struct lttng_reader {
	struct lttng *lttng;
	const struct lttng_session *session;
	const struct lttng_channel *channel;
	uint32_t cpu;
	uint64_t vaddr; // Its struct lttng_kernel_ring_buffer.
	uint64_t store; // The struct lttng_kernel_ring_buffer_backend in it.
	uint64_t position, end; // Bytes that were ever written: from, and to.
	uint64_t hot, cold; // Counters of commits, for each sub-buffer.
	uint64_t last_time; // Of the last event that got a place.
	uint64_t lost; // Events.
	uint64_t damaged;
	char why[KERNEL_WHY_BYTES];
	uint8_t *bytes; // A sub-buffer.
};

static struct error *get(const struct lttng_reader *reader, uint64_t vaddr, enum lttng_types_member which,
                         uint64_t *ret)
{
	return vmemory_uint(reader->lttng->kernel->memory, vaddr + reader->lttng->types.at[which], 8, ret);
}

static struct error *read_lost(struct lttng_reader *reader)
{
	static const enum lttng_types_member which[] = {LTTNG_TYPES_BUFFER_LOST_FULL, LTTNG_TYPES_BUFFER_LOST_WRAP,
	                                                LTTNG_TYPES_BUFFER_LOST_BIG};
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(which) && !err; i++) {
		uint64_t number = 0;

		err = get(reader, reader->vaddr, which[i], &number);
		reader->lost += number;
	}
	return err;
}

static struct error *read_positions(struct lttng_reader *reader)
{
	uint64_t size = reader->channel->subbuf_bytes, room = size * reader->channel->subbuf_count, consumed = 0;
	struct error *err = get(reader, reader->vaddr, LTTNG_TYPES_BUFFER_CONSUMED, &consumed);

	if (!err)
		err = get(reader, reader->vaddr, LTTNG_TYPES_BUFFER_OFFSET, &reader->end);
	if (!err)
		err = get(reader, reader->vaddr, LTTNG_TYPES_BUFFER_COMMIT_HOT, &reader->hot);
	if (!err)
		err = get(reader, reader->vaddr, LTTNG_TYPES_BUFFER_COMMIT_COLD, &reader->cold);
	if (!err)
		err = get(reader, reader->vaddr, LTTNG_TYPES_BUFFER_LAST_TSC, &reader->last_time);
	if (!err)
		err = read_lost(reader);
	if (err)
		return err;
	reader->position = consumed & ~(size - 1);
	// The loop over them is bounded by this.
	if (reader->end < reader->position || reader->end - reader->position > room || reader->end > INT64_MAX)
		return error_new(ERROR_BAD_DATA, "a buffer of %ju bytes is written to %#jx and read to %#jx",
		                 (uintmax_t)room, (uintmax_t)reader->end, (uintmax_t)consumed);
	return NULL;
}

// Whether the buffer is that of the channel and the CPU. One that never ran has none.
static struct error *check_owner(struct lttng_reader *reader, bool *is_there)
{
	struct vmemory *memory = reader->lttng->kernel->memory;
	uint64_t ring = 0, cpu = 0;
	struct error *err = get(reader, reader->store, LTTNG_TYPES_STORE_CHAN, &ring);

	if (!err)
		err = vmemory_uint(memory, reader->store + reader->lttng->types.at[LTTNG_TYPES_STORE_CPU], 4, &cpu);
	*is_there = ring != 0;
	if (!err && ring && (ring != reader->channel->ring_vaddr || cpu != reader->cpu))
		err = error_new(ERROR_BAD_DATA, "its buffer is that of CPU %ju of channel %#jx", (uintmax_t)cpu,
		                (uintmax_t)ring);
	return err;
}

struct error *lttng_reader_create(struct lttng *lttng, const struct lttng_session *session,
                                  const struct lttng_channel *channel, uint32_t cpu, struct lttng_reader **ret)
{
	_cleanup_(lttng_reader_destroyp) struct lttng_reader *reader = calloc(1, sizeof(*reader));
	bool is_there = false;
	struct error *err;

	if (!reader)
		return error_new(ERROR_NOMEM, "no memory for a buffer");
	if (!lttng->buffers_left)
		return error_new(ERROR_BAD_DATA, "there are too many buffers");
	lttng->buffers_left--;
	reader->lttng = lttng;
	reader->session = session;
	reader->channel = channel;
	reader->cpu = cpu;
	err = kernel_cpu_copy(lttng->kernel, channel->buffers, cpu, &reader->vaddr);
	reader->store = reader->vaddr + lttng->types.at[LTTNG_TYPES_BUFFER_BACKEND];
	if (!err)
		err = check_owner(reader, &is_there);
	if (!err && is_there)
		err = read_positions(reader);
	if (err)
		return err;
	if (!is_there) {
		*ret = NULL;
		return NULL;
	}
	reader->bytes = malloc(channel->subbuf_bytes);
	if (!reader->bytes)
		return error_new(ERROR_NOMEM, "no memory for a sub-buffer");
	*ret = take_ptr(reader);
	return NULL;
}

void lttng_reader_destroy(struct lttng_reader *reader)
{
	if (!reader)
		return;
	free(reader->bytes);
	free(reader);
}

// Copy the sub-buffer of an identifier, up to some bytes.
static struct error *read_pages(struct lttng_reader *reader, uint64_t id, uint64_t size)
{
	struct vmemory *memory = reader->lttng->kernel->memory;
	const struct lttng_types *types = &reader->lttng->types;
	uint64_t page_bytes = vmcore_page_bytes(reader->lttng->kernel->core), array = 0, pages = 0;
	struct error *err = get(reader, reader->store, LTTNG_TYPES_STORE_ARRAY, &array);

	// With one more than the writer has: that of the reader.
	if (!err && (id & index_mask) > reader->channel->subbuf_count)
		err = error_new(ERROR_BAD_DATA, "there is no sub-buffer %ju", (uintmax_t)(id & index_mask));
	if (!err)
		err = vmemory_uint(memory, array + POINTER_BYTES * (id & index_mask), POINTER_BYTES, &pages);
	for (uint64_t at = 0; at < size && !err; at += page_bytes) {
		uint64_t page =
			pages + types->at[LTTNG_TYPES_PAGES_P] + at / page_bytes * types->at[LTTNG_TYPES_PAGE_BYTES];
		uint64_t data = 0;

		err = get(reader, page, LTTNG_TYPES_PAGE_VIRT, &data);
		if (!err)
			err = vmemory_read(memory, data, reader->bytes + at,
			                   size - at < page_bytes ? size - at : page_bytes);
	}
	return err;
}

// Whether what was read is the packet of this position: the tracer has written its header since.
static bool is_of_place(const struct lttng_reader *reader, uint64_t position, struct ctf_packet *header)
{
	return ctf_get(reader->bytes, reader->lttng->kernel->core->is_big_endian, header) &&
	       memcmp(header->uuid, reader->session->uuid, CTF_UUID_BYTES) == 0 &&
	       header->stream == reader->channel->id && header->cpu == reader->cpu &&
	       header->sequence == position / reader->channel->subbuf_bytes;
}

// The pages that the writer has at a position; where a reader was just looking at what stands there, those that it took away.
static struct error *find_pages(struct lttng_reader *reader, uint64_t position, uint64_t *id_ret,
                                struct ctf_packet *header)
{
	const struct lttng_types *types = &reader->lttng->types;
	uint64_t number = position / reader->channel->subbuf_bytes & (reader->channel->subbuf_count - 1);
	uint64_t writers = 0, ids[2] = {0};
	struct error *err = get(reader, reader->store, LTTNG_TYPES_STORE_WSB, &writers);

	if (!err)
		err = get(reader, writers + number * types->at[LTTNG_TYPES_SUBBUFFER_BYTES], LTTNG_TYPES_SUBBUFFER_ID,
		          &ids[0]);
	if (!err)
		err = get(reader, reader->store + types->at[LTTNG_TYPES_STORE_RSB], LTTNG_TYPES_SUBBUFFER_ID, &ids[1]);
	for (size_t i = 0; i < array_size(ids) && !err; i++) {
		err = read_pages(reader, ids[i], CTF_HEADER_BYTES);
		if (!err && is_of_place(reader, position, header)) {
			*id_ret = ids[i];
			return NULL;
		}
	}
	return err ? err
	           : error_new(ERROR_BAD_DATA, "packet %ju is not where it should be",
	                       (uintmax_t)(position / reader->channel->subbuf_bytes));
}

// How much of a sub-buffer is committed without a gap, and whether it was given to readers.
static struct error *read_commits(const struct lttng_reader *reader, uint64_t position, uint64_t *bytes_ret,
                                  bool *is_done)
{
	const struct lttng_types *types = &reader->lttng->types;
	const struct lttng_channel *channel = reader->channel;
	uint64_t number = position / channel->subbuf_bytes & (channel->subbuf_count - 1);
	// Each time around a buffer adds a sub-buffer to the counters of each.
	uint64_t before = position / (channel->subbuf_bytes * channel->subbuf_count) * channel->subbuf_bytes;
	uint64_t seq = 0, done = 0;
	struct error *err =
		get(reader, reader->hot + number * types->at[LTTNG_TYPES_HOT_BYTES], LTTNG_TYPES_HOT_SEQ, &seq);

	if (!err)
		err = get(reader, reader->cold + number * types->at[LTTNG_TYPES_COLD_BYTES], LTTNG_TYPES_COLD_CC_SB,
		          &done);
	if (err)
		return err;
	*is_done = ((done - channel->subbuf_bytes - before) & channel->commit_mask) == 0;
	// Where nothing is committed yet, the counter is that of the time before.
	*bytes_ret = seq >= before && seq - before <= channel->subbuf_bytes ? seq - before : 0;
	return NULL;
}

// Sets the end of a packet that the tracer has not ended.
static struct error *end_packet(struct lttng_reader *reader, uint64_t position, uint64_t committed,
                                struct ctf_packet *header)
{
	uint64_t page_bytes = vmcore_page_bytes(reader->lttng->kernel->core), id, end = reader->last_time;
	struct ctf_packet next;

	// All of it would be with padding, of which only the header tells where it begins.
	if (committed < CTF_HEADER_BYTES || committed >= reader->channel->subbuf_bytes)
		return error_new(ERROR_BAD_DATA, "%ju bytes of packet %ju are committed", (uintmax_t)committed,
		                 (uintmax_t)header->sequence);
	// Behind an event that was interrupted and never finished, others may have filled the rest and what follows.
	if (position + reader->channel->subbuf_bytes < reader->end) {
		struct error *err = find_pages(reader, position + reader->channel->subbuf_bytes, &id, &next);

		if (!err && next.begin < end)
			end = next.begin;
		error_free(err);
	}
	header->content_bits = committed * 8;
	header->packet_bits = (committed + page_bytes - 1) / page_bytes * page_bytes * 8;
	header->end = end > header->begin ? end : header->begin;
	header->discarded = reader->lost;
	return NULL;
}

// Whether the dump has room for a packet, or for a look at what may be one.
static struct error *take_pages(const struct lttng_reader *reader, uint64_t bytes)
{
	uint64_t pages = 1 + bytes / vmcore_page_bytes(reader->lttng->kernel->core);

	if (pages > reader->lttng->pages_left)
		return error_new(ERROR_BAD_DATA, "there are more packets than the dump has pages");
	reader->lttng->pages_left -= pages;
	return NULL;
}

// NULL and no bytes: nothing is in it yet.
static struct error *read_packet(struct lttng_reader *reader, uint64_t position, struct lttng_reader_packet *packet)
{
	uint64_t committed = 0, id = 0, size;
	bool is_done = false;
	struct error *err = read_commits(reader, position, &committed, &is_done);

	*packet = (struct lttng_reader_packet){.bytes = reader->bytes};
	if (err || (!is_done && !committed))
		return err;
	err = find_pages(reader, position, &id, &packet->header);
	if (err)
		return err;
	packet->is_unfinished = !is_done && !ctf_is_whole(&packet->header, reader->channel->subbuf_bytes);
	if (packet->is_unfinished)
		err = end_packet(reader, position, committed, &packet->header);
	if (err)
		return err;
	if (!ctf_is_whole(&packet->header, reader->channel->subbuf_bytes))
		return error_new(ERROR_BAD_DATA, "packet %ju has %ju bits of %ju", (uintmax_t)packet->header.sequence,
		                 (uintmax_t)packet->header.content_bits, (uintmax_t)packet->header.packet_bits);
	size = packet->header.packet_bits / 8;
	err = take_pages(reader, size);
	if (!err)
		err = read_pages(reader, id, size);
	if (err)
		return err;
	if (packet->is_unfinished) {
		ctf_put_end(reader->bytes, reader->lttng->kernel->core->is_big_endian, &packet->header);
		memset(reader->bytes + committed, 0, size - committed);
	}
	packet->size_bytes = size;
	return NULL;
}

bool lttng_reader_next(struct lttng_reader *reader, struct lttng_reader_packet *ret)
{
	while (reader->position < reader->end) {
		struct error *err = take_pages(reader, 0);

		if (err)
			reader->position = reader->end;
		else
			err = read_packet(reader, reader->position, ret);
		reader->position += reader->channel->subbuf_bytes;
		if (!err && ret->size_bytes)
			return true;
		if (!err)
			continue;
		if (!reader->damaged++)
			kernel_explain(reader->why, err);
		else
			error_free(err);
	}
	return false;
}

uint64_t lttng_reader_damaged(const struct lttng_reader *reader, char why_ret[KERNEL_WHY_BYTES])
{
	memcpy(why_ret, reader->why, KERNEL_WHY_BYTES);
	return reader->damaged;
}
