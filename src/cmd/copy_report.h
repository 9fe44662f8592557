// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What kdump-copy did, as JSON for programs (--stats). The names are documented in kdump-copy(1).
 *
 * Does not print for people, and does not open files.
 */
#ifndef CMD_COPY_REPORT_H
#define CMD_COPY_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cmd/copy_arguments.h"

/** What is reported beside the arguments and the statistics. */
struct copy_report {
	const struct vmcore *core;
	const struct copy_stats *stats;
	const struct error *failure; /**< Why the copy failed, or is not whole; NULL: it is. */
	const struct error *map_error; /**< What COPY_WARN_NO_PAGEMAP is about. */
	uint64_t memory_peak_bytes; /**< Largest anonymous memory that was seen; 0: nobody looked. */
};

/** Anonymous memory of this process now. @return Bytes; 0: not known. */
uint64_t copy_report_memory_bytes(void);

/** Write a report. @param[in] args What was asked for. @param[in] report What came of it. @param[in] out Stream. @return NULL; ERROR_OS; ERROR_NOSPC. */
struct error *copy_report_write(const struct arguments *args, const struct copy_report *report, FILE *out) must_check;

#endif
