// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A sink in memory that can be made to fail, and a look at the kdump-compressed dump that was written to it.
 *
 * Its reader is written from the description of the format and knows dumps without compression.
 */
#ifndef MEMORYSINK_H
#define MEMORYSINK_H

#include <pthread.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/fmt_kdump.h"
#include "dump/copy.h"
#include "test.h"

/** A sink that keeps everything, and fails at a call if asked to. */
struct memorysink {
	struct sink sink;
	pthread_mutex_t lock;
	uint8_t *bytes;
	uint8_t *written; // One for each byte: whether it was written.
	uint64_t room_bytes;
	uint64_t file_bytes;
	int calls_left; // Before it fails; below 0: never.
	uint64_t full_bytes; // Nothing can be written behind this offset; 0: no limit.
	void (*on_write)(void *context, uint64_t offset_bytes); // Called before each write; NULL: not wanted.
	void *context;
	bool is_overlapping;
	uint64_t direct_bytes; // Written as a sink with align_bytes wants large writes.
	uint64_t seen_pfn, seen_rank; // Where memorysink_desc() has counted to.
};

static inline bool memorysink_is_direct(const struct sink *sink, uint64_t offset_bytes, const struct iovec *parts,
                                        size_t count)
{
	return sink->align_bytes && count == 1 && offset_bytes % sink->align_bytes == 0 &&
	       parts->iov_len % sink->align_bytes == 0 && (uintptr_t)parts->iov_base % sink->align_bytes == 0;
}

static inline struct error *memorysink_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts,
                                             size_t count)
{
	struct memorysink *memory = (struct memorysink *)sink;
	struct error *err = NULL;

	pthread_mutex_lock(&memory->lock);
	if (memory->on_write)
		memory->on_write(memory->context, offset_bytes);
	if (memory->calls_left-- == 0)
		err = error_new(ERROR_NOSPC, "the sink is full");
	if (memorysink_is_direct(sink, offset_bytes, parts, count))
		memory->direct_bytes += parts->iov_len;
	for (size_t i = 0; i < count && !err; i++) {
		size_t size = parts[i].iov_len;

		check(offset_bytes + size <= memory->room_bytes);
		if (memory->full_bytes && offset_bytes + size > memory->full_bytes) {
			err = error_new(ERROR_NOSPC, "the sink is full");
			break;
		}
		memory->is_overlapping |= memchr(memory->written + offset_bytes, 1, size) != NULL;
		memset(memory->written + offset_bytes, 1, size);
		memcpy(memory->bytes + offset_bytes, parts[i].iov_base, size);
		offset_bytes += size;
	}
	pthread_mutex_unlock(&memory->lock);
	return err;
}

static inline struct error *memorysink_finish(struct sink *sink, uint64_t file_bytes)
{
	struct memorysink *memory = (struct memorysink *)sink;

	memory->file_bytes = file_bytes;
	return memory->calls_left-- == 0 ? error_new(ERROR_NOSPC, "the sink is full") : NULL;
}

static const struct sink_ops memorysink_ops = {.write = memorysink_write, .finish = memorysink_finish};

/** Room for the largest dump; calls_left: fails at the call after so many, -1: never. */
static inline void memorysink_init(struct memorysink *memory, uint64_t room_bytes, int calls_left)
{
	*memory = (struct memorysink){.sink.ops = &memorysink_ops, .room_bytes = room_bytes, .calls_left = calls_left};
	pthread_mutex_init(&memory->lock, NULL);
	memory->bytes = calloc(1, memory->room_bytes);
	memory->written = calloc(1, memory->room_bytes);
	check(memory->bytes && memory->written);
}

static inline void memorysink_deinit(struct memorysink *memory)
{
	pthread_mutex_destroy(&memory->lock);
	free(memory->bytes);
	free(memory->written);
}

/** Descriptor of a page; NULL if it has none in this file. */
static inline const struct fmt_kdump_page_desc *memorysink_desc(struct memorysink *memory, uint64_t pfn)
{
	const struct fmt_kdump_header *header = (const struct fmt_kdump_header *)memory->bytes;
	const uint8_t *bitmap = memory->bytes + (1 + header->sub_hdr_size + header->bitmap_blocks / 2) * 4096;
	const struct fmt_kdump_page_desc *descs =
		(const struct fmt_kdump_page_desc *)(memory->bytes +
	                                             (1 + header->sub_hdr_size + header->bitmap_blocks) * 4096);
	const struct fmt_kdump_sub_header *sub = (const struct fmt_kdump_sub_header *)(memory->bytes + 4096);
	uint64_t start = sub->split ? sub->start_pfn_64 : 0, end = sub->split ? sub->end_pfn_64 : UINT64_MAX;
	if (pfn < start || pfn >= end || !(bitmap[pfn / 8] >> (pfn % 8) & 1))
		return NULL;
	if (memory->seen_pfn < start || memory->seen_pfn > pfn) {
		memory->seen_pfn = start;
		memory->seen_rank = 0;
	}
	while (memory->seen_pfn < pfn) {
		uint64_t at = memory->seen_pfn;

		// Most of a bitmap is holes.
		if (at % 64 == 0 && pfn - at >= 64 && !memcmp(bitmap + at / 8, "\0\0\0\0\0\0\0", 8)) {
			memory->seen_pfn += 64;
			continue;
		}
		memory->seen_rank += bitmap[at / 8] >> (at % 8) & 1;
		memory->seen_pfn++;
	}
	return &descs[memory->seen_rank];
}

/** Bytes of a page in a dump without compression; NULL if it has no descriptor. */
static inline const uint8_t *memorysink_page(struct memorysink *memory, uint64_t pfn)
{
	const struct fmt_kdump_page_desc *desc = memorysink_desc(memory, pfn);

	if (!desc)
		return NULL;
	check(desc->size == 4096 && desc->flags == 0 && desc->page_flags == 0);
	check(desc->offset && desc->offset + 4096 <= memory->file_bytes);
	return memory->bytes + desc->offset;
}

#endif
