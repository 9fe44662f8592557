// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A trace event's message by its print format: a format string, and expressions over the fields of the record.
 *
 * Does not know formats that call functions of the kernel, and not addresses of protocols (%pI4): such a message is refused.
 */
#ifndef REPORT_FTRACE_PRINT_H
#define REPORT_FTRACE_PRINT_H

#include <stdbool.h>

#include "report/ftrace.h"
#include "report/ftrace_reader.h"

/** Room for a message. */
enum { FTRACE_PRINT_BYTES = 4096 };

/**
 * Make the message.
 *
 * @param[in,out] ftrace Tracing: names of addresses.
 * @param[in] event Of a known format.
 * @param[out] text One line of printable ASCII; cut where it is too long.
 * @return false: the print format is not understood.
 */
bool ftrace_print_message(struct ftrace *ftrace, const struct ftrace_reader_event *event,
                          char text[FTRACE_PRINT_BYTES]);

#endif
