// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Expressions in print formats of trace events: C over the fields of a record, and the kernel's words for texts and flags in it.
 *
 * Does not know format strings (report/ftrace_print.h). Refuses what it does not understand; format and record may be any bytes.
 * Source: Linux include/trace/stages/stage3_trace_output.h; kernel/trace/trace_output.c.
 */
#ifndef REPORT_FTRACE_EXPRESSION_H
#define REPORT_FTRACE_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/ftrace.h"
#include "report/ftrace_reader.h"

/** Sizes. */
enum {
	FTRACE_EXPRESSION_BYTES = 4096, /**< Longest text. */
	FTRACE_EXPRESSION_TEXTS_BYTES = 8192, /**< Room for all texts of one message. */
	FTRACE_EXPRESSION_DEPTH_MAX = 300, /**< Expressions inside of each other, three for each pair of brackets. */
};

/** What an expression is: a number, or a text. */
struct ftrace_expression_value {
	const char *text; /**< NULL: a number. */
	uint64_t number;
	bool is_unsigned;
};

/** A print format while it is read. */
struct ftrace_expression {
	struct ftrace *ftrace;
	const struct ftrace_reader_event *event; /**< Of a known format. */
	const char *at; /**< In the print format. */
	bool is_refused; /**< Something was not understood: no value counts. */
	bool is_big_endian; /**< Byte order of the record. */
	unsigned int depth;
	char texts[FTRACE_EXPRESSION_TEXTS_BYTES];
	size_t texts_used;
};

/** Where a field's bytes are: of one whose place stands in the record, too. @param[in] field The field. @param[in] event The event. @param[in] is_big_endian Byte order. @param[out] size_ret Their number. @return In the record; NULL: they are not in it. */
const uint8_t *ftrace_expression_bytes(const struct ftrace_format_field *field, const struct ftrace_reader_event *event,
                                       bool is_big_endian, size_t *size_ret);

/** Give up. @param[in,out] in The print format. @return No value. */
struct ftrace_expression_value ftrace_expression_refuse(struct ftrace_expression *in);

/** Skip blanks, and a token if it comes next. @param[in,out] in The print format. @param[in] token Text. @return Whether it was there. */
bool ftrace_expression_accept(struct ftrace_expression *in, const char *token);

/** Keep a text for as long as the message is made. @param[in,out] in The print format. @param[in] text Its bytes. @param[in] size_bytes Their number. @return It; refused if there is no room. */
struct ftrace_expression_value ftrace_expression_keep(struct ftrace_expression *in, const char *text,
                                                      size_t size_bytes);

/** Read one or several strings behind each other. @param[in,out] in The print format. @return The text. */
struct ftrace_expression_value ftrace_expression_literal(struct ftrace_expression *in);

/** Read an expression. @param[in,out] in The print format. @return Its value. */
struct ftrace_expression_value ftrace_expression_read(struct ftrace_expression *in);

#endif
