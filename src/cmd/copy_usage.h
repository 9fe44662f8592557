// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What memory is used for, as a table (--mem-usage), also of the running system.
 *
 * Does not count pages: a dry run has.
 */
#ifndef CMD_COPY_USAGE_H
#define CMD_COPY_USAGE_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "dump/copy.h"

/**
 * Leave out memory that no dump of this system would hold: that of the crash kernel.
 *
 * @param[in,out] core The running system's memory.
 * @param[in] iomem_path List of memory, "/proc/iomem"; nothing is left out if it cannot be read.
 * @return NULL; ERROR_NOMEM.
 */
struct error *copy_usage_hide_crash_kernel(struct vmcore *core, const char *iomem_path) must_check;

/** Print the table to standard output, line by line as makedumpfile (1.7.9, print_mem_usage()) does. @param[in] stats Of a dry run at level 31 that counted zeros. @param[in] page_bytes Page size. */
void copy_usage_print(const struct copy_stats *stats, uint64_t page_bytes);

#endif
