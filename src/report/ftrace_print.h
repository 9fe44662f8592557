// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A trace event's message by its print format: a format string, and expressions over the fields of the record.
 *
 * Understands what most events use, and refuses the rest: calls of the kernel's functions, addresses of protocols. Format and record may be
 * any bytes. Source: Linux include/trace/stages/stage3_trace_output.h; kernel/trace/trace_output.c.
 */
#ifndef REPORT_FTRACE_PRINT_H
#define REPORT_FTRACE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/ftrace.h"
#include "report/ftrace_reader.h"

/** Sizes. */
enum {
	FTRACE_PRINT_BYTES = 4096, /**< Room for a message. */
	FTRACE_PRINT_TEXTS_BYTES = 8192, /**< Room for texts of which it is made. */
	FTRACE_PRINT_DEPTH_MAX = 300, /**< Expressions inside of each other. */
};

/** Where a field's bytes are: of one whose place stands in the record, too. @param[in] field The field. @param[in] event The event. @param[out] size_ret Their number. @return In the record; NULL: it is not in it. */
const uint8_t *ftrace_print_bytes(const struct ftrace_format_field *field, const struct ftrace_reader_event *event,
                                  bool is_big_endian, size_t *size_ret);

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
