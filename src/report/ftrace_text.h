// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Trace events as text: by the kernel's own print format where that is understood, else each field by its name.
 *
 * What comes from the dump is printable ASCII, and ends: a terminal that shows it takes no orders from the crashed machine.
 */
#ifndef REPORT_FTRACE_TEXT_H
#define REPORT_FTRACE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "report/ftrace.h"
#include "report/ftrace_reader.h"

/** Limits. */
enum {
	FTRACE_TEXT_ELEMENTS_MAX = 64, /**< Elements of an array that are told. */
	FTRACE_TEXT_BYTES_MAX = 1024, /**< Of a text in a record. */
};

/** Write an event's message: what stands behind its name in the kernel's file "trace". @param[in,out] ftrace Tracing. @param[in] event The event. @param[in,out] out Stream; one line, without a newline. */
void ftrace_text_message(struct ftrace *ftrace, const struct ftrace_reader_event *event, FILE *out);

/** Write an event's fields: "name=value name=value". @param[in,out] ftrace Tracing. @param[in] event The event. @param[in,out] out Stream. */
void ftrace_text_fields(struct ftrace *ftrace, const struct ftrace_reader_event *event, FILE *out);

/** Write an event's fields as members of an object that is open. @param[in,out] ftrace Tracing. @param[in] event The event. @param[in,out] json The document. */
void ftrace_text_json(struct ftrace *ftrace, const struct ftrace_reader_event *event, struct json *json);

/** Interrupts, and the like: four characters, as the kernel's file "trace" has them. @param[in] event The event. @param[out] text They. */
void ftrace_text_flags(const struct ftrace_reader_event *event, char text[5]);

#endif
