// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * An ELF file that has the symbols of a crashed kernel and of its modules, at the addresses where they were, and nothing else: for a debugger,
 * where there is no debugging information.
 *
 * Sections of a module have its name. They are marked as having no bytes: those are read from the dump.
 */
#ifndef REPORT_SYMBOLFILE_H
#define REPORT_SYMBOLFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/symbols.h"

/** Limits. */
enum {
	SYMBOLFILE_SYMBOLS_MAX = 1 << 22, /**< Most symbols; a distribution's kernel has 200,000. */
	SYMBOLFILE_SECTIONS_MAX = 1 << 15, /**< Most sections: ELF has numbers for 65,279. */
};

/**
 * Write it.
 *
 * @param[in] kernel Of which it tells.
 * @param[in,out] symbols Its names.
 * @param[in] has_kernel Those of the kernel itself too, not only of its modules.
 * @param[in] out Stream, at its start; errors of it are the caller's to look at.
 * @param[out] count_ret Symbols; 0: nothing was written.
 * @param[out] why Why there may be others; "": these are all.
 * @return NULL; ERROR_NOMEM.
 */
struct error *symbolfile_write(const struct kernel *kernel, struct symbols *symbols, bool has_kernel, FILE *out,
                               size_t *count_ret, char why[KERNEL_WHY_BYTES]) must_check;

#endif
