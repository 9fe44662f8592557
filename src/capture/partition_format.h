// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * How dumps lie on a partition that holds no file system.
 *
 * Does not read or write one (partition.h).
 *
 * A dump is a record. The first one is at the start of the partition, the next one at the first multiple of PARTITION_ALIGN_BYTES
 * behind all files of the one before, as far as records are believed. A record starts with two blocks of 4096 bytes, in each of
 * which is a header, or is none; of two that are believed the one with the higher generation counts. So a header can be written
 * anew, into the other block, and a power cut costs only the newer one. Files start at multiples of 4096; the bytes behind
 * the last one of a file, up to such a multiple, mean nothing.
 *
 * No file lies in the first PARTITION_HEAD_BYTES of the partition or in its last PARTITION_TAIL_BYTES, and in a header nothing but
 * zeros is where other formats have their marks: so nothing that the memory of a crashed kernel holds makes the partition look
 * like a file system or a volume.
 *
 * A header; numbers are little-endian, what is not named is zero:
 *
 *     offset  bytes
 *          0      8  "KDUMPART"
 *          8      4  version, PARTITION_VERSION
 *         12      4  state, enum partition_state
 *         16      4  what the running system has done with it, enum partition_taken
 *         20      4  number of files, at most PARTITION_FILES_MAX
 *         24      8  generation: 1, and one more each time
 *         32      8  offset of the record on the partition
 *         40     16  chain: random, the same in all records of one partition
 *         56    256  name of the dump as dumpdir_name() makes it, with NULs behind it
 *        312     32  SHA-256 of this block, with zeros in place of these bytes
 *       2048    128  the first file, then the others:
 *                    +0    64  name, with NULs behind it: printable, no "/", not "." at its start
 *                    +64    8  offset on the partition
 *                    +72    8  size in bytes; of the file that is being written, so far
 *                    +80   32  SHA-256; zeros: it is not known yet
 */
#ifndef CAPTURE_PARTITION_FORMAT_H
#define CAPTURE_PARTITION_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "capture/dumpdir.h"

/** Sizes of the format, in bytes but for the number of files. */
enum {
	PARTITION_VERSION = 1,
	PARTITION_BLOCK_BYTES = 4096,
	PARTITION_HEADERS_BYTES = 2 * PARTITION_BLOCK_BYTES,
	PARTITION_ALIGN_BYTES = 1 << 20,
	PARTITION_HEAD_BYTES = 4 << 20,
	PARTITION_TAIL_BYTES = 1 << 20,
	PARTITION_FILES_MAX = 16,
	PARTITION_NAME_BYTES = 64,
	PARTITION_CHAIN_BYTES = 16,
};

/** What became of the capture. */
enum partition_state {
	PARTITION_INCOMPLETE = 1, /**< It goes on, or was cut short. */
	PARTITION_COMPLETE = 2, /**< All files are there. */
};

/** What the running system has done with a dump. */
enum partition_taken {
	PARTITION_KEPT, /**< Nothing yet. */
	PARTITION_TAKING_WHOLE, /**< Its directory is on the disk and about to get its name. */
	PARTITION_TAKING_PART, /**< The same of a dump that is not whole. */
	PARTITION_TAKEN, /**< It is in a directory, and no longer needed here. */
};

/** A file of a dump. */
struct partition_file {
	char name[PARTITION_NAME_BYTES];
	uint64_t offset_bytes; /**< On the partition. */
	uint64_t size_bytes;
	bool has_sum;
	uint8_t sum[SHA256_DIGEST_BYTES]; /**< SHA-256. */
};

/** A dump, as its header has it. Needs no release. */
struct partition_record {
	uint64_t offset_bytes; /**< Of the first header. */
	uint64_t generation;
	enum partition_state state;
	enum partition_taken taken;
	uint8_t chain[PARTITION_CHAIN_BYTES];
	char name[DUMPDIR_NAME_BYTES]; /**< Without DUMPDIR_INCOMPLETE. */
	size_t count;
	struct partition_file files[PARTITION_FILES_MAX];
};

/**
 * Check the header of a record.
 *
 * @param[in] block PARTITION_BLOCK_BYTES.
 * @param[in] offset_bytes Of the record on the partition.
 * @param[in] limit_bytes Where files must have ended.
 * @param[out] ret The record; untouched if it is not believed.
 * @return Whether there is one: it is for this place, its sum is right, and all that it says is possible.
 */
bool partition_parse(const uint8_t *block, uint64_t offset_bytes, uint64_t limit_bytes, struct partition_record *ret);

/** Make a header. @param[in] record The record. @param[out] block PARTITION_BLOCK_BYTES. */
void partition_format(const struct partition_record *record, uint8_t *block);

/** Whether a file of a record may have a name. @param[in] name In a field, perhaps without an end. */
bool partition_is_file_name(const char name[PARTITION_NAME_BYTES]);

/** Whether a record may have a name. @param[in] name In a field, perhaps without an end. */
bool partition_is_dump_name(const char name[DUMPDIR_NAME_BYTES]);

/** A file of a record. @param[in] record The record. @param[in] name Its name. @return NULL: there is none. */
const struct partition_file *partition_file(const struct partition_record *record, const char *name);

/** Where the files of a record may start. @param[in] offset_bytes Of the record. */
uint64_t partition_first_place(uint64_t offset_bytes);

/** Where the next file of a record goes. @param[in] record The record; its files are where they may be. */
uint64_t partition_next_place(const struct partition_record *record);

#endif
