// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Dumps on a partition that holds no file system (partition_format.h): how they are written and read.
 *
 * Does not find the partition and does not decide whether it may be written to (target.h), and makes no directories of what is
 * there (extract.h). What is on the partition is not trusted: an old content, and what a torn write left, are no dumps.
 */
#ifndef CAPTURE_PARTITION_H
#define CAPTURE_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sha256.h"
#include "capture/partition_format.h"
#include "dump/sink.h"

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
