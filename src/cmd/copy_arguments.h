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
	const char **
		more_outputs; /**< Of argv: files over which the dump is split, beside the first. Freed by copy_arguments_deinit(). */
	size_t more_output_count;
	bool is_split; /**< --split: all that follows the input are files. */
	bool is_direct; /**< Past the page cache. */
	bool is_read; /**< --non-mmap: the input is not mapped. */
	uint64_t memory_limit_bytes; /**< 0: none. */
	const char *pagemap; /**< Where the page map goes; NULL: not wanted. */
	const char *stats; /**< Where the statistics go, "-" is standard output; NULL: not wanted. */
	const char *vmcoreinfo; /**< -i: for a VMCORE that has none of its own. */
	const char *vmlinux; /**< -x */
	bool is_info_wanted; /**< -g: VMCOREINFO of vmlinux in place of a dump. */
	bool is_flattened;
	bool is_reassembled;
	bool is_rearranged; /**< Standard input is a flattened stream; there are no inputs. */
	bool is_log_wanted; /**< The kernel log in place of a dump. */
	bool is_usage_wanted; /**< A table of what memory is used for, in place of a dump. */
	bool is_check; /**< Only the options are looked at. */
	bool is_compressor_chosen;
	bool is_forced;
	bool is_quiet; /**< No progress, no summary. */
	bool is_progress_unwanted;
	const char **keep_names; /**< Of argv; in copy too. Freed by copy_arguments_deinit(). */
	size_t keep_count;
	struct copy_options copy; /**< Without the progress function. */
};

/**
 * Read the command line.
 *
 * @param[in] argc As of main().
 * @param[in] argv As of main(); stays in use.
 * @param[out] args Zeroed before; copy_arguments_deinit() it, also after an error.
 * @param[out] go_on_ret Whether there is something to do: not after help, version or --check-params.
 * @return NULL; ERROR_USAGE; ERROR_UNSUPPORTED (an option or a compressor that is not there).
 */
struct error *copy_arguments_parse(int argc, char **argv, struct arguments *args, bool *go_on_ret) must_check;

/** Free. @param[in] args May be zeroed, or in part filled. */
void copy_arguments_deinit(struct arguments *args);

#endif
