// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A short name of a crash, the same for crashes that are the same: of its cause and of the functions that led to it.
 *
 * Addresses, offsets and what a compiler adds to names (.constprop.0, .cold, .isra.0) do not count; neither do the functions with
 * which the kernel handles a crash, nor those in which a task waits that hung, nor what an interrupt came upon in whose handler the
 * crash was. Where memory ran out only that counts: who asked for the last page is chance. A stack that overflowed counts by the
 * functions that are on it again and again, wherever among them its end was.
 */
#ifndef REPORT_SIGNATURE_H
#define REPORT_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "report/backtrace.h"
#include "report/cause.h"

/** Sizes. */
enum {
	SIGNATURE_BYTES = 17, /**< Room for its digits, with the NUL. */
	SIGNATURE_FUNCTIONS = 8, /**< So many count: further down is what any system call has. */
};

/** A signature that is made. */
struct signature {
	uint64_t hash;
};

/** Start. @param[out] ret Empty. @param[in] kind The cause. */
void signature_init(struct signature *ret, enum cause_kind kind);

/** Add a function. @param[in,out] signature See there. @param[in] name Its name, as the kernel has it. */
void signature_add(struct signature *signature, const char *name);

/** Bytes of a name that count: what compilers add behind a point does not. @param[in] name A function's. @return See there. */
size_t signature_name_bytes(const char *name);

/** Whether a function belongs to the handling of a crash. @param[in] name Its name. @return See there. */
bool signature_is_handler(const char *name);

/** The frames of a trace that count, in the order in which they do. */
struct signature_frames {
	size_t numbers[SIGNATURE_FUNCTIONS];
	size_t count;
};

/**
 * Choose the frames that count.
 *
 * @param[in] tools For the names.
 * @param[in] trace That of the crash; may be empty.
 * @param[in] kind The cause.
 * @param[out] ret They; none: no function is known that led to it.
 */
void signature_choose(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind,
                      struct signature_frames *ret);

/** Make it of a trace. @param[in] tools For the names. @param[in] trace That of the crash; may be empty. @param[in] kind The cause. @param[out] text 16 digits; "": no function is known that led to it. */
void signature_make(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind,
                    char text[SIGNATURE_BYTES]);

/**
 * Where in a trace the crash begins.
 *
 * @param[in] tools For the names.
 * @param[in] trace The trace.
 * @param[in] kind The cause: where an interrupt told of it, the crash begins where that came.
 * @return Number of the first frame behind those that handle the crash; their count: there is no other.
 */
size_t signature_first(const struct backtrace_tools *tools, const struct backtrace *trace, enum cause_kind kind);

#endif
