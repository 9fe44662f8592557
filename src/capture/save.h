// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The vmcore file, and its page map: the best copy of the crashed memory that can be had, from rung to rung of a ladder.
 *
 * Does not know what a copy does inside (dump/copy.h) and does not write the other files of a dump.
 */
#ifndef CAPTURE_SAVE_H
#define CAPTURE_SAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/plan.h"
#include "capture/dumpdir.h"
#include "capture/log.h"
#include "capture/target.h"

/** What to save. */
struct save_job {
	const struct plan *plan;
	const char *vmcore; /**< File of the crashed memory, "/proc/vmcore". */
	const struct dumpdir *dir; /**< Receives save_name(). */
	const struct target_request *
		place; /**< Where save_name() goes in place of dir: a server (capture/remote.h), or a partition (capture/partition.h), on which the dump has the name of dir; NULL: there is none. */
	const char *place_path; /**< Directory on the server, absolute; device of the partition. */
	const struct dumpdir *const *more_dirs; /**< On other file systems: the dump is split over dir and these. */
	size_t more_dir_count; /**< Below PLAN_PARTS_MAX. */
	uint64_t end_ms; /**< Time to be ready, as clock_now_ms(); 0: none. */
	struct log *log; /**< Progress goes to its console, results to both. */
};

/** In the log before the number of pages that could not be read; report/dumps.h tells of them. */
#define SAVE_UNREADABLE_WORDS "; unreadable: "

/** Name of the file that is not encrypted. */
#define SAVE_NAME "vmcore"
/** Room for save_part_name(), with its NUL. */
enum { SAVE_PART_NAME_BYTES = 32 };

/** The same of a flattened stream. */
#define SAVE_FLAT_NAME SAVE_NAME ".flat"
/** Name of the file. @param[in] plan The plan. @param[in] place As in struct save_job. @return SAVE_NAME, or that of a flattened stream, because it is uploaded, encrypted or on a raw partition. */
const char *save_name(const struct plan *plan, const struct target_request *place);

/** Name of a file of a split dump. @param[in] number From 1. @param[out] name Text. */
void save_part_name(size_t number, char name[SAVE_PART_NAME_BYTES]);

/** Name of its page map, which says why each page is in it, or is not; there is none of a copy byte by byte. */
#define SAVE_MAP_NAME "vmcore.pagemap"

/** What was saved. */
struct save_result {
	const char *contents; /**< What the file is, for README.txt; static. */
	char hash[65]; /**< SHA-256 of what was uploaded, as digits; "" of other files. */
	size_t part_count; /**< Files that the dump is split over; 1: it is one, save_name(). */
};

/**
 * Save the memory: as the plan says, split if there is more than one directory; if that fails, not split; if that fails, unfiltered
 * but compressed; if that fails too, byte by byte.
 *
 * Each rung runs in a child process, so that damaged memory that crashes the copier costs one rung and not the dump. A full
 * target ends the ladder, since each rung needs more room than the one before; the part that was written is removed. When the
 * time is over, it is kept.
 *
 * @param[in] job What to save.
 * @param[out] ret What was saved; on error, how many files what is there is split over.
 * @return NULL (the file is whole and on the disk); ERROR_NOSPC; ERROR_TIMEOUT; ERROR_OS, ERROR_BAD_DATA (all rungs failed).
 */
struct error *save_run(const struct save_job *job, struct save_result *ret) must_check;

#endif
