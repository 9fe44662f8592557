// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * makedumpfile's flattened format (-F): a stream of records that say where in a file their bytes belong.
 *
 * Does not know what the file is; core/corefile.h reads it as if it were not flattened.
 * Source: makedumpfile makedumpfile.h, struct makedumpfile_header and makedumpfile_data_header (1.7.9).
 */
#ifndef CORE_FLATFILE_H
#define CORE_FLATFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Sizes, and limits of what is read. */
enum {
	FLATFILE_SIGNATURE_BYTES = 16,
	FLATFILE_HEADER_BYTES = 4096,
	FLATFILE_RECORD_HEADER_BYTES = 16,
	/** 24 bytes of memory each, 384 MiB in all: makedumpfile's records of 64 KiB reach 1 TiB. */
	FLATFILE_RECORDS_MAX = 1 << 24,
};

/** One record: bytes that lie together. */
struct flatfile_record {
	uint64_t offset_bytes; /**< Where they belong. */
	uint64_t size_bytes;
	uint64_t place_bytes; /**< Where they lie. */
};

/** Index of a flattened file. Read-only after flatfile_create(); may be shared by threads. */
struct flatfile {
	int fd; /**< Borrowed. */
	struct flatfile_record *records; /**< Sorted by offset, disjoint. */
	size_t record_count;
	uint64_t size_bytes; /**< Of the file that it makes. */
	bool is_cut; /**< The stream has no end: what was not received is not there. Else gaps are zeros. */
};

/** Whether a file is flattened. @param[in] head Its first bytes. @param[in] size_bytes Their number. @return See there. */
bool flatfile_probe(const uint8_t *head, size_t size_bytes);

/**
 * Check the header of a stream.
 *
 * @param[in] header Its first bytes, of which flatfile_probe() thinks well.
 * @param[in] size_bytes Their number.
 * @return NULL; ERROR_UNSUPPORTED (version); ERROR_BAD_DATA (too few bytes).
 */
struct error *flatfile_check_header(const uint8_t *header, size_t size_bytes) must_check;

/**
 * Read the header of a record.
 *
 * @param[in] header FLATFILE_RECORD_HEADER_BYTES.
 * @param[in,out] record place_bytes: where the header is, for messages; offset and size are set.
 * @param[out] is_end_ret Whether it is the end of the stream and not a record.
 * @return NULL; ERROR_BAD_DATA (an impossible record).
 */
struct error *flatfile_parse_record(const uint8_t *header, struct flatfile_record *record, bool *is_end_ret) must_check;

/**
 * Index a flattened file.
 *
 * @param[in] fd The file; must stay open.
 * @param[in] file_bytes Its size.
 * @param[out] ret The index; flatfile_destroy() it.
 * @return NULL; ERROR_OS; ERROR_NOMEM; ERROR_UNSUPPORTED (version); ERROR_BAD_DATA (records that overlap, or are too many or
 *	   impossible; the text has their place).
 */
struct error *flatfile_create(int fd, uint64_t file_bytes, struct flatfile **ret) must_check;

/** Free. @param[in] flat May be NULL. */
void flatfile_destroy(struct flatfile *flat);

/**
 * Read as from the file that the records make.
 *
 * @param[in] flat The index; any thread.
 * @param[out] buf At least @p size_bytes.
 * @param[in] size_bytes Wanted.
 * @param[in] offset_bytes Where.
 * @param[out] got_ret Bytes that came; less than wanted only at the end, or where a cut stream has nothing.
 * @return NULL; ERROR_OS.
 */
struct error *flatfile_pread(const struct flatfile *flat, void *buf, size_t size_bytes, uint64_t offset_bytes,
                             size_t *got_ret) must_check;

/** Next byte that is not in a gap. @param[in] flat The index. @param[in] offset_bytes From where. @return Its offset; the size of the file if there is none. */
uint64_t flatfile_next_data(const struct flatfile *flat, uint64_t offset_bytes);

#endif
