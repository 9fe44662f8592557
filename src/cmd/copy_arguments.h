// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The command line of kdump-copy, with makedumpfile's letters and words.
 *
 * Does not open files. What makedumpfile has and we do not is refused by name, never taken for something else.
 */
#ifndef CMD_COPY_ARGUMENTS_H
#define CMD_COPY_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/copy.h"

/** What is to be done. */
struct arguments {
	char **inputs; /**< VMCORE, or all parts; of argv. */
	size_t input_count;
	const char *output; /**< NULL: standard output. */
	const char *pagemap; /**< Where the page map goes; NULL: not wanted. */
	bool is_flattened;
	bool is_reassembled;
	bool is_log_wanted; /**< The kernel log in place of a dump. */
	bool is_check; /**< Only the options are looked at. */
	bool is_compressor_chosen;
	bool is_forced;
	bool is_quiet; /**< No progress, no summary. */
	bool is_progress_unwanted;
	struct copy_options copy; /**< Without the progress function. */
};

/**
 * Read the command line.
 *
 * @param[in] argc As of main().
 * @param[in] argv As of main(); stays in use.
 * @param[out] args Zeroed before.
 * @param[out] go_on_ret Whether there is something to do: not after help, version or --check-params.
 * @return NULL; ERROR_USAGE; ERROR_UNSUPPORTED (an option or a compressor that is not there).
 */
struct error *copy_arguments_parse(int argc, char **argv, struct arguments *args, bool *go_on_ret) must_check;

#endif
