// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What crashes have in common and in what they differ: stacks, kernels, modules, command lines.
 *
 * Keeps what is compared, so that one dump is open at a time. Does not write reports (report/crashreport.h).
 */
#ifndef REPORT_CRASHDIFF_H
#define REPORT_CRASHDIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "report/backtrace.h"
#include "report/crashreport.h"

/** Room for a build id as text, with its NUL (20 bytes as hexadecimal digits; longer ones are cut). */
enum { CRASHDIFF_ID_BYTES = 72, CRASHDIFF_VERSION_BYTES = 64 };

/** A module. */
struct crashdiff_module {
	char name[MODLIST_NAME_BYTES];
	char taints[OVERVIEW_TAINTS_MAX + 1];
	char version[CRASHDIFF_VERSION_BYTES]; /**< Its version, and the sum of its source, as far as it has them. */
	uint64_t size_bytes;
};

/** A crash. Texts are printable; "": not known. */
struct crashdiff {
	char signature[SIGNATURE_BYTES];
	char cause[32];
	char cause_text[CAUSE_TEXT_BYTES];
	char host[OVERVIEW_NAME_BYTES], release[OVERVIEW_NAME_BYTES], version[OVERVIEW_NAME_BYTES];
	char build_id[CRASHDIFF_ID_BYTES]; /**< Of the kernel. */
	char taints[OVERVIEW_TAINTS_MAX + 1];
	int64_t crash_time_s;
	uint64_t uptime_s;
	char command_line[OVERVIEW_COMMAND_LINE_BYTES];
	char (*frames)[SYMBOLS_TEXT_BYTES]; /**< Functions of the stack that crashed. */
	size_t frame_count;
	size_t frame_first; /**< Of those that lead to the crash; before it are those that handle it. */
	char trace_why[KERNEL_WHY_BYTES]; /**< Why the stack is not complete. */
	struct crashdiff_module *modules; /**< By their names. */
	size_t module_count;
	char modules_why[KERNEL_WHY_BYTES];
};

/**
 * Read a crash.
 *
 * @param[out] ret It; crashdiff_deinit() it. What is not known is "".
 * @param[in] core The dump; may be closed behind this.
 * @return NULL; ERROR_NOMEM.
 */
struct error *crashdiff_init(struct crashdiff *ret, const struct vmcore *core) must_check;

/** Free. @param[in] crash May be zeroed. */
void crashdiff_deinit(struct crashdiff *crash);

/** Whether two crashes are the same. @param[in] a One. @param[in] b The other. @return By their signatures, where both are known. */
bool crashdiff_is_same(const struct crashdiff *a, const struct crashdiff *b);

/**
 * Put two stacks side by side, with as many functions in common as possible.
 *
 * @param[in] a One.
 * @param[in] b The other.
 * @param[in] each Called from the top on: indexes of frames; SIZE_MAX: this side has none here.
 * @param[in] context For @p each.
 * @return NULL; ERROR_NOMEM.
 */
struct error *crashdiff_stacks(const struct crashdiff *a, const struct crashdiff *b,
                               void (*each)(void *context, size_t left, size_t right), void *context) must_check;

/** Modules that differ, or are loaded in one only; sizes count where it is one kernel (build id). @param[in] a One. @param[in] b The other. @param[in] each Called for each; NULL: not loaded there. @param[in] context For @p each. */
void crashdiff_modules(const struct crashdiff *a, const struct crashdiff *b,
                       void (*each)(void *context, const struct crashdiff_module *left,
                                    const struct crashdiff_module *right),
                       void *context);

/** Words of a command line that another one does not have. @param[in] a One. @param[in] b The other. @param[in] each Called for each of a, with its length. @param[in] context For @p each. */
void crashdiff_words(const struct crashdiff *a, const struct crashdiff *b,
                     void (*each)(void *context, const char *word, size_t size_bytes), void *context);

#endif
