// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A file that kdump-copy writes: under another name, and renamed when it is whole. Devices and pipes are written as they are.
 *
 * Does not know what is written.
 */
#ifndef CMD_COPY_OUTPUT_H
#define CMD_COPY_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"

/** A file, or standard output. */
struct copy_output {
	const char *path; /**< NULL: standard output. */
	char temporary[4096]; /**< Its name while it is written; "" if it has none. */
	int fd;
};

/**
 * Open.
 *
 * @param[out] output copy_output_close() it, also after an error; its fd must be -1 before.
 * @param[in] path File, or NULL for standard output; borrowed.
 * @param[in] is_forced A file of this name may be replaced.
 * @return NULL; ERROR_USAGE (the file exists); ERROR_OS; ERROR_NOSPC.
 */
struct error *copy_output_open(struct copy_output *output, const char *path, bool is_forced) must_check;

/** A stream on it, for text; fclose() it before copy_output_close(). @param[in] output Opened. @param[out] ret The stream. @return NULL; ERROR_OS. */
struct error *copy_output_stream(const struct copy_output *output, FILE **ret) must_check;

/**
 * Close. A file that is whole gets its name; one that is not keeps the name that says so, or is removed.
 *
 * @param[in,out] output The file.
 * @param[in] err What failed while it was written, or NULL; taken.
 * @param[in] is_partial After an error: what is there is worth keeping.
 * @return @p err with the name of what is left; what failed here; NULL.
 */
struct error *copy_output_close(struct copy_output *output, struct error *err, bool is_partial) must_check;

#endif
