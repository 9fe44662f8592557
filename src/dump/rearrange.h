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
#include <stddef.h>
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
 * Who gives the stream.
 *
 * @param[in] context Of the caller of rearrange_run_from().
 * @param[out] buf At least @p size_bytes.
 * @param[in] size_bytes Wanted.
 * @param[out] got_ret Bytes that came, on error too; without one, less than wanted only at the end.
 * @return NULL, or why no more comes.
 */
typedef struct error *rearrange_read(void *context, void *buf, size_t size_bytes, size_t *got_ret);

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

/** The same of a stream that is no file. @param[in] read Gives it. @param[in] context For @p read. @param[in,out] sink As above. @param[out] ret As above. @return As above, and errors of @p read. */
struct error *rearrange_run_from(rearrange_read *read, void *context, struct sink *sink,
                                 struct rearrange_stats *ret) must_check;

#endif
