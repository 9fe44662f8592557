// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdump-inspect trace --ctf: what LTTng-modules had in its buffers, as traces in the Common Trace Format, which babeltrace2 reads.
 *
 * Does not read buffers (report/lttng_reader.h).
 */
#ifndef CMD_INSPECT_LTTNG_H
#define CMD_INSPECT_LTTNG_H

#include "base/cleanup.h"
#include "base/error.h"
#include "cmd/inspect_dump.h"

/**
 * Write a directory with a directory for each session, and say what is in it.
 *
 * @param[in] dump With its machine.
 * @param[in] output What the directory will be called; nothing of the name may be there.
 * @param[in] partial A trace of one of the sessions on a disk: its whole packets come into the directory "disk", those that only the
 *	      memory has into "crash". NULL: there is none.
 * @return NULL; as inspect_folder_open(), lttng_open(), inspect_ondisk_open(); ERROR_USAGE (@p partial is of no session of the dump);
 *	   ERROR_BAD_DATA (there is nothing to write; or the directory is there, but something could not be read); ERROR_OS; ERROR_NOSPC.
 */
struct error *inspect_lttng_write(const struct inspect_dump *dump, const char *output, const char *partial) must_check;

#endif
