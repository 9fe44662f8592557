// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A sink that throws bytes away, and what must hold of any copy of any input, damaged or not.
 *
 * Does not know which pages should be in the dump; its user does, and finds them in the set that is given back.
 */
#ifndef COPYCHECK_H
#define COPYCHECK_H

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/bitmap.h"
#include "dump/copy.h"
#include "core/fmt_kdump.h"

enum {
	/** What is looked at of a dump: heads, bitmaps and descriptors of a small machine. */
	COPYCHECK_HEAD_BYTES = 1 << 20,
	COPYCHECK_TEXT_BYTES = 512,
};

/** A sink. Zeroed, then copycheck_init(). */
struct copycheck {
	struct sink sink;
	pthread_mutex_t lock;
	uint8_t head[COPYCHECK_HEAD_BYTES];
	uint8_t is_written[COPYCHECK_HEAD_BYTES]; /**< One for each byte of the head. */
	uint64_t calls, sum_bytes, end_bytes, file_bytes;
	unsigned int finished;
	bool is_late; /**< Something was written after the start of the file, which makes it a dump. */
	char wrong[COPYCHECK_TEXT_BYTES]; /**< What must not have happened, or "". */
};

/** Note the first thing that is wrong. */
static inline void copycheck_wrong(struct copycheck *check, const char *fmt, ...) printf_format(2, 3);
static inline void copycheck_wrong(struct copycheck *check, const char *fmt, ...)
{
	va_list args;

	if (*check->wrong)
		return;
	va_start(args, fmt);
	vsnprintf(check->wrong, sizeof(check->wrong), fmt, args);
	va_end(args);
}

static inline void copycheck_take(struct copycheck *check, uint64_t offset_bytes, const void *buf, size_t size_bytes)
{
	if (offset_bytes + size_bytes < offset_bytes || check->finished)
		copycheck_wrong(check, "a write at %#jx, %zu bytes", (uintmax_t)offset_bytes, size_bytes);
	check->sum_bytes += size_bytes;
	if (offset_bytes + size_bytes > check->end_bytes)
		check->end_bytes = offset_bytes + size_bytes;
	if (size_bytes && offset_bytes < COPYCHECK_HEAD_BYTES) {
		size_t part = COPYCHECK_HEAD_BYTES - offset_bytes;

		part = part < size_bytes ? part : size_bytes;
		if (memchr(check->is_written + offset_bytes, 1, part))
			copycheck_wrong(check, "written twice near %#jx", (uintmax_t)offset_bytes);
		memset(check->is_written + offset_bytes, 1, part);
		memcpy(check->head + offset_bytes, buf, part);
	}
}

static inline struct error *copycheck_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts,
                                            size_t part_count)
{
	struct copycheck *check = (struct copycheck *)sink;

	pthread_mutex_lock(&check->lock);
	if (check->is_late)
		copycheck_wrong(check, "written at %#jx after the head", (uintmax_t)offset_bytes);
	check->calls++;
	check->is_late |= offset_bytes == 0;
	for (size_t i = 0; i < part_count; i++) {
		copycheck_take(check, offset_bytes, parts[i].iov_base, parts[i].iov_len);
		offset_bytes += parts[i].iov_len;
	}
	pthread_mutex_unlock(&check->lock);
	return NULL;
}

static inline struct error *copycheck_finish(struct sink *sink, uint64_t file_bytes)
{
	struct copycheck *check = (struct copycheck *)sink;

	check->finished++;
	check->file_bytes = file_bytes;
	if (!check->is_late || file_bytes < check->end_bytes)
		copycheck_wrong(check, "finished with %ju bytes, %ju are written", (uintmax_t)file_bytes,
		                (uintmax_t)check->end_bytes);
	return NULL;
}

static inline void copycheck_destroy(struct sink *sink)
{
	(void)sink;
}

static const struct sink_ops copycheck_ops = {
	.write = copycheck_write, .finish = copycheck_finish, .destroy = copycheck_destroy};

/** Make it ready for one more copy; what the last one wrote is forgotten. The first time it must be zeroed. */
static inline void copycheck_init(struct copycheck *check)
{
	if (!check->sink.ops)
		pthread_mutex_init(&check->lock, NULL);
	check->sink.ops = &copycheck_ops;
	// What is not written is a gap of zeros.
	if (check->calls) {
		size_t used = check->end_bytes < COPYCHECK_HEAD_BYTES ? check->end_bytes : COPYCHECK_HEAD_BYTES;

		memset(check->is_written, 0, used);
		memset(check->head, 0, used);
	}
	check->calls = check->sum_bytes = check->end_bytes = check->file_bytes = 0;
	check->finished = 0;
	check->is_late = false;
	*check->wrong = '\0';
}

// Numbers that must add up however little the numbers are worth.
static inline void copycheck_sums(struct copycheck *check, const struct copy_options *options,
                                  const struct copy_stats *stats)
{
	const struct filter_counts *counts = &stats->counts;
	uint64_t sum = 0, dropped = counts->poisoned;

	for (unsigned int class = 0; class < PAGE_CLASS_COUNT; class ++) {
		sum += counts->classes[class];
		dropped += filter_drops((enum page_class) class, options->dump_level) ? counts->classes[class] : 0;
	}
	if (sum != counts->total)
		copycheck_wrong(check, "classes sum up to %ju of %ju pages", (uintmax_t)sum, (uintmax_t)counts->total);
	if (counts->kept + dropped != counts->total)
		copycheck_wrong(check, "%ju pages kept, %ju dropped, %ju in all", (uintmax_t)counts->kept,
		                (uintmax_t)dropped, (uintmax_t)counts->total);
	if (options->is_dry_run)
		return;
	if (stats->pages_written + stats->pages_unreadable != counts->kept)
		copycheck_wrong(check, "%ju pages kept, but %ju written and %ju unreadable", (uintmax_t)counts->kept,
		                (uintmax_t)stats->pages_written, (uintmax_t)stats->pages_unreadable);
	if (stats->bytes_written != check->sum_bytes)
		copycheck_wrong(check, "%ju bytes counted, %ju written", (uintmax_t)stats->bytes_written,
		                (uintmax_t)check->sum_bytes);
	if (!(stats->warnings & COPY_WARN_UNREADABLE) != !stats->pages_unreadable)
		copycheck_wrong(check, "%ju pages unreadable, warnings %#x", (uintmax_t)stats->pages_unreadable,
		                stats->warnings);
}

// A dump that fits into the head, to the end of its descriptors. Gives the set of pages in it.
static inline void copycheck_kdump(struct copycheck *check, const struct copy_stats *stats, uint64_t max_pfn,
                                   const uint8_t **present_ret, const uint8_t **saved_ret)
{
	const struct fmt_kdump_header *header = (const struct fmt_kdump_header *)check->head;
	uint64_t bitmap = (1 + (uint64_t)header->sub_hdr_size) * header->block_size;
	uint64_t half = (uint64_t)header->bitmap_blocks / 2 * header->block_size;
	const struct fmt_kdump_page_desc *desc = (const struct fmt_kdump_page_desc *)(check->head + bitmap + 2 * half);
	uint64_t saved = 0;

	*present_ret = *saved_ret = NULL;
	if (bitmap + 2 * half + stats->counts.kept * sizeof(*desc) > COPYCHECK_HEAD_BYTES)
		return;
	if (8 * half < max_pfn)
		copycheck_wrong(check, "bitmaps of %ju bytes for %ju frames", (uintmax_t)half, (uintmax_t)max_pfn);
	for (uint64_t pfn = 0; pfn < 8 * half; pfn++) {
		unsigned int is_present, is_saved;

		// Most of it is holes.
		if (pfn % 8 == 0 && !check->head[bitmap + half + pfn / 8]) {
			pfn += 7;
			continue;
		}
		is_present = check->head[bitmap + pfn / 8] >> pfn % 8 & 1;
		is_saved = check->head[bitmap + half + pfn / 8] >> pfn % 8 & 1;

		if (is_saved && (!is_present || pfn >= max_pfn))
			copycheck_wrong(check, "page frame %#jx is saved and is not in the input", (uintmax_t)pfn);
		if (!is_saved)
			continue;
		saved++;
		if (desc->offset + desc->size > check->file_bytes || desc->size > header->block_size)
			copycheck_wrong(check, "page frame %#jx lies outside of the dump", (uintmax_t)pfn);
		desc++;
	}
	if (saved != stats->counts.kept)
		copycheck_wrong(check, "%ju pages in the bitmap, %ju kept", (uintmax_t)saved,
		                (uintmax_t)stats->counts.kept);
	*present_ret = check->head + bitmap;
	*saved_ret = check->head + bitmap + half;
}

/** Codes that copy_run() documents for damaged input: not those of a full disk, nor of memory that damage asked for. */
static inline bool copycheck_allows(const struct error *err)
{
	return !err || err->code == ERROR_BAD_DATA || err->code == ERROR_FAULT || err->code == ERROR_UNSUPPORTED;
}

/**
 * Check a copy that has ended.
 *
 * @param[in,out] check The sink it wrote to; wrong is filled.
 * @param[in] core Input.
 * @param[in] options As they were given.
 * @param[in] stats As they came.
 * @param[in] err What copy_run() returned.
 * @param[out] present_ret First bitmap of the dump; NULL if it was not looked at. In @p check.
 * @param[out] saved_ret Second bitmap.
 */
static inline void copycheck_end(struct copycheck *check, const struct vmcore *core, const struct copy_options *options,
                                 const struct copy_stats *stats, const struct error *err, const uint8_t **present_ret,
                                 const uint8_t **saved_ret)
{
	*present_ret = *saved_ret = NULL;
	if (!copycheck_allows(err))
		copycheck_wrong(check, "code %d: %s", (int)err->code, err->text);
	if (err) {
		if (check->is_late || check->finished)
			copycheck_wrong(check, "failed, but the head of the dump is written");
		return;
	}
	copycheck_sums(check, options, stats);
	if (options->is_dry_run ? check->calls != 0 : check->finished != 1)
		copycheck_wrong(check, "%ju writes, finished %u times", (uintmax_t)check->calls, check->finished);
	if (!options->is_dry_run && options->format == COPY_KDUMP)
		copycheck_kdump(check, stats, vmcore_max_pfn(core), present_ret, saved_ret);
}

#endif
