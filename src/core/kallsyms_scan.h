// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Finds the symbol table of kernels whose VMCOREINFO does not say where it is (before v6.0), by its shape.
 *
 * Does not look up symbols; see core/kallsyms.h.
 */
#ifndef CORE_KALLSYMS_SCAN_H
#define CORE_KALLSYMS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** Where the parts of the table are: virtual addresses of the variables that scripts/kallsyms.c of the kernel writes. */
struct kallsyms_place {
	uint64_t names; /**< Compressed names, one after another: length, then tokens. */
	uint64_t count; /**< Of symbols. */
	uint64_t token_table; /**< Text of each token, NUL-terminated. */
	uint64_t token_index; /**< uint16_t[256]: where each token's text starts. */
	uint64_t offsets; /**< int32_t for each symbol. */
	uint64_t relative_base; /**< Address they count from, if has_relative_base. */
	bool has_relative_base;
};

/** More symbols than any kernel has; what says so is not a table. v7.2 of a distribution has 200,000. */
enum { KALLSYMS_MAX_SYMBOLS = 2 << 20 };

/**
 * Search the kernel image.
 *
 * The order of the parts is that of v4.6 to v6.3: offsets, relative_base, num_syms, names, markers, token_table, token_index,
 * each aligned to 8 bytes.
 *
 * @param[in] core The dump.
 * @param[in] xlat Shared.
 * @param[in,out] reader Owned by the calling thread.
 * @param[out] ret What was found.
 * @return NULL; ERROR_BAD_DATA (nothing that looks like it, or VMCOREINFO lacks SYMBOL(_stext)); ERROR_OS; ERROR_NOMEM.
 */
struct error *kallsyms_scan(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader,
                            struct kallsyms_place *ret) must_check;

#endif
