// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The file that a flattened stream makes: makedumpfile -R.
 *
 * Does not read flattened files in place (core/flatfile.h) and does not look at the dump inside.
 */
#ifndef DUMP_REARRANGE_H
#define DUMP_REARRANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/sink.h"

/** What was written. */
struct rearrange_stats {
	uint64_t record_count;
	uint64_t bytes_written;
	uint64_t file_bytes; /**< Size of the file, with gaps. */
};

/**
 * Read a stream to its end and write each record where it belongs. Of two records for one place the later one counts, as with
 * makedumpfile.
 *
 * @param[in] in_fd The stream, at its start; need not be seekable.
 * @param[in,out] sink Output that can be written twice; finished also where the stream is cut, so that what came is there.
 * @param[out] ret What was written; filled as far as it got on error too.
 * @return NULL; ERROR_UNSUPPORTED (not flattened, or another version); ERROR_BAD_DATA (the stream is cut, or a record
 *	   impossible; the text has its place); ERROR_NOSPC; ERROR_OS; ERROR_NOMEM.
 */
struct error *rearrange_run(int in_fd, struct sink *sink, struct rearrange_stats *ret) must_check;

#endif
