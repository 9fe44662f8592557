// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Dumps on a partition that holds no file system: how they lie there, and how they are written and read.
 *
 * Does not find the partition and does not decide whether it may be written to (target.h), and makes no directories of what is
 * there (extract.h). What is on the partition is not trusted: an old content, and what a torn write left, are no dumps.
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
#ifndef CAPTURE_PARTITION_H
#define CAPTURE_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "capture/dumpdir.h"
#include "base/sha256.h"
#include "dump/sink.h"

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

/** An open partition. partition_deinit() it. */
struct partition {
	int fd; /**< Borrowed. */
	uint64_t limit_bytes; /**< Where files must have ended. */
	uint8_t *piece; /**< Aligned for direct access. */
};

/** A file that is read from its start, once. Needs no release. Uses the partition alone, as long as it is read. */
struct partition_reader {
	struct partition *partition;
	const struct partition_file *file;
	uint64_t place_bytes; /**< In the file, of what is loaded next. */
	size_t held_bytes, used_bytes; /**< Of the piece. */
	struct sha256 sha;
	uint64_t unreadable_bytes; /**< Blocks that the device did not give; they are zeros. */
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

/** Where the files of a record may start. @param[in] offset_bytes Of the record. */
uint64_t partition_first_place(uint64_t offset_bytes);

/** Where the next file of a record goes. @param[in] record The record; its files are where they may be. */
uint64_t partition_next_place(const struct partition_record *record);

/**
 * Open a device, past the page cache where that is possible, which nobody else may use meanwhile.
 *
 * @param[in] path The device.
 * @param[out] fd_ret close() it.
 * @return NULL; ERROR_OS (EBUSY: it is mounted, or in use otherwise).
 */
struct error *partition_open(const char *path, int *fd_ret) must_check;

/**
 * Get ready.
 *
 * @param[in] fd The device, open for reading and writing, better with O_DIRECT; or a file that stands for one. Borrowed.
 * @param[out] ret The partition; partition_deinit() it.
 * @return NULL; ERROR_OS; ERROR_NOSPC (no dump has room there); ERROR_NOMEM.
 */
struct error *partition_init(int fd, struct partition *ret) must_check;

/** Free what is in memory. @param[in] partition Of partition_init(), or zeroed. */
void partition_deinit(struct partition *partition);

#define _cleanup_partition_ _cleanup_(partition_deinit)

/**
 * The next record.
 *
 * @param[in] partition The partition.
 * @param[in] previous The one before; NULL: the first one is wanted.
 * @param[out] ret The record; may be @p previous.
 * @param[out] is_found_ret Whether there is one.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA (the device ends early).
 */
struct error *partition_next(struct partition *partition, const struct partition_record *previous,
                             struct partition_record *ret, bool *is_found_ret) must_check;

/**
 * The record of a dump, the last one of this name.
 *
 * @param[in] partition The partition.
 * @param[in] name Of the dump.
 * @param[out] ret The record.
 * @return NULL; ERROR_BAD_DATA (it is not there); ERROR_OS.
 */
struct error *partition_find(struct partition *partition, const char *name, struct partition_record *ret) must_check;

/**
 * Start a dump behind all that are there.
 *
 * @param[in] partition The partition.
 * @param[in] name Of dumpdir_name().
 * @param[out] ret The record, which is on the disk.
 * @return NULL; ERROR_NOSPC; ERROR_BAD_DATA (no such name); ERROR_OS.
 */
struct error *partition_create(struct partition *partition, const char *name, struct partition_record *ret) must_check;

/** Room behind the files of a record. @param[in] partition The partition. @param[in] record The last one there. @return Bytes that a large file may take; some are left for small ones. */
uint64_t partition_room(const struct partition *partition, const struct partition_record *record);

/**
 * Put a file into a dump; one of that name that is not the same is replaced.
 *
 * @param[in] partition The partition.
 * @param[in,out] record The last one there; on the disk when it returns.
 * @param[in] fd The content, from its start; borrowed.
 * @param[in] name Its name.
 * @return NULL; ERROR_NOSPC; ERROR_UNSUPPORTED (too many files, or no such name); ERROR_OS.
 */
struct error *partition_put(struct partition *partition, struct partition_record *record, int fd,
                            const char *name) must_check;

/** Forget a file. @param[in] partition The partition. @param[in,out] record Perhaps with that file; on the disk when it returns. @param[in] name Its name. @return NULL; ERROR_OS. */
struct error *partition_remove(struct partition *partition, struct partition_record *record,
                               const char *name) must_check;

/** A file of a record. @param[in] record The record. @param[in] name Its name. @return NULL: there is none. */
const struct partition_file *partition_file(const struct partition_record *record, const char *name);

/** Write the header of a record, of which some members were changed, behind all data. @param[in] partition The partition. @param[in,out] record Its generation counts. @return NULL; ERROR_OS. */
struct error *partition_write(struct partition *partition, struct partition_record *record) must_check;

/** Make the records at the end that were taken out no records any more, back to the last one that was not. @param[in] partition The partition. @return NULL; ERROR_OS. */
struct error *partition_trim(struct partition *partition) must_check;

/**
 * A file of a dump as a sink: for one thread, in the order of its bytes. Now and then the header tells how much is there.
 *
 * @param[in] partition The partition; borrowed, and for nothing else as long as the sink is there.
 * @param[in,out] record The last one there; borrowed.
 * @param[in] name Of the file; one that has it is forgotten.
 * @param[out] ret The sink; sink_destroy() it. One that was not finished leaves what was written.
 * @return NULL; ERROR_UNSUPPORTED; ERROR_NOSPC; ERROR_OS; ERROR_NOMEM.
 */
struct error *partition_sink_create(struct partition *partition, struct partition_record *record, const char *name,
                                    struct sink **ret) must_check;

/** Start to read a file. @param[out] ret The reader. @param[in] partition The partition; borrowed. @param[in] file The file; borrowed. */
void partition_reader_init(struct partition_reader *ret, struct partition *partition,
                           const struct partition_file *file);

/**
 * Read on; a rearrange_read.
 *
 * @param[in,out] context The reader.
 * @param[out] buf At least @p size_bytes.
 * @param[in] size_bytes Wanted.
 * @param[out] got_ret Bytes that came, on error too; without one, less than wanted only at the end.
 * @return NULL; ERROR_NOMEM. What cannot be read is zeros, and counted.
 */
struct error *partition_reader_read(void *context, void *buf, size_t size_bytes, size_t *got_ret) must_check;

/** Read the rest, and compare. @param[in,out] reader The reader. @return NULL: the sum is right, or nobody knows it; ERROR_BAD_DATA (it is not, or something could not be read); ERROR_NOMEM. */
struct error *partition_reader_check(struct partition_reader *reader) must_check;

#endif
