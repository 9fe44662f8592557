// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Writes trace.dat, version 6, which trace-cmd and KernelShark read: all buffers of the crashed kernel's tracing.
 *
 * Does not decode events: pages of the ring buffers are written as they are. Source: trace-cmd.dat.v6(5).
 */
#ifndef REPORT_TRACEDAT_H
#define REPORT_TRACEDAT_H

#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ftrace.h"

/** What was written. */
struct tracedat_stats {
	uint64_t buffers; /**< The main one, and instances that have something. */
	uint64_t pages;
	uint64_t damaged_pages; /**< That could not be read, or hold more than there is room for: they are left out. */
	uint64_t
		other_clocks; /**< Instances whose times have another unit than the main one: trace-cmd shows all alike. */
	uint64_t bytes;
};

/**
 * Write it.
 *
 * @param[in,out] ftrace Tracing.
 * @param[in,out] out A new file, that can be sought.
 * @param[out] ret What was written.
 * @return NULL; ERROR_OS, ERROR_NOSPC (the file); ERROR_NOMEM; ERROR_BAD_DATA (too large for the format).
 */
struct error *tracedat_write(struct ftrace *ftrace, FILE *out, struct tracedat_stats *ret) must_check;

#endif
