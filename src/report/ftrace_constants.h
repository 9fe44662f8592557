// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Values of constants in print formats of trace events that the kernel left there as names: enumerators, by its types (BTF).
 *
 * Does not know macros: the kernel itself puts their values there.
 */
#ifndef REPORT_FTRACE_CONSTANTS_H
#define REPORT_FTRACE_CONSTANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/btf.h"
#include "report/ftrace_format.h"
#include "report/ftrace_kernel.h"

/** Most names that are looked for; a kernel has some hundreds. */
enum { FTRACE_CONSTANTS_MAX = 4096, FTRACE_CONSTANTS_NAME_BYTES = 64 };

/** The names, sorted. */
struct ftrace_constants {
	struct btf_query *list;
	size_t count;
	char (*names)[FTRACE_CONSTANTS_NAME_BYTES];
	bool is_made;
};

/**
 * Look up all names in all print formats, in one pass over the types. Those that are no enumerators are not found.
 *
 * @param[out] ret ftrace_constants_deinit() it.
 * @param[in,out] tables The kernel's.
 * @param[in] formats Of its events.
 */
void ftrace_constants_init(struct ftrace_constants *ret, struct ftrace_kernel *tables,
                           const struct ftrace_format_list *formats);

/** Free. @param[in] constants May be zeroed. */
void ftrace_constants_deinit(struct ftrace_constants *constants);

/** A value. @param[in] constants They. @param[in] name Of an enumerator. @param[out] ret Its value. @return false: there is none. */
bool ftrace_constants_find(const struct ftrace_constants *constants, const char *name, int64_t *ret);

#endif
