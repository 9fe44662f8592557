// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A dump on a raw partition becomes a directory, in the running system: each file, the flattened memory in order, a manifest of
 * what is there, the name.
 *
 * Does not find the partition, and tells nobody. May be cut short at any time, and done again.
 */
#ifndef CAPTURE_EXTRACT_H
#define CAPTURE_EXTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "capture/dumpdir.h"
#include "capture/partition.h"

/** What was made. */
struct extract_result {
	char name
		[DUMPDIR_NAME_BYTES +
	         sizeof(DUMPDIR_INCOMPLETE)]; /**< Of the directory: that of the record, or, where something has that, one like it. */
	bool is_whole; /**< Else its name ends in DUMPDIR_INCOMPLETE. */
	bool is_old; /**< It was there before: only the record was not up to date. */
	char problem[ERROR_TEXT_BYTES]; /**< Why a dump that was complete is not whole; "" otherwise. */
};

/**
 * Take a dump out.
 *
 * @param[in] partition The partition.
 * @param[in,out] record A dump there, not PARTITION_TAKEN; it is so then, on the disk too.
 * @param[in] dir_fd Directory that receives it; borrowed.
 * @param[out] ret What was made.
 * @return NULL; ERROR_NOSPC (the text has what is needed, and what is there); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM. After an error
 *	   the dump is still on the partition.
 */
struct error *extract_run(struct partition *partition, struct partition_record *record, int dir_fd,
                          struct extract_result *ret) must_check;

#endif
