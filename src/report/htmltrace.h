// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The last events of the kernel's tracing in an HTML page: as a timeline of each CPU, and as text.
 *
 * Does not tell of all buffers and all events: kdump-inspect trace does. Of a kernel that traced nothing, nothing is told.
 */
#ifndef REPORT_HTMLTRACE_H
#define REPORT_HTMLTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "report/ftrace.h"

/** Limits. */
enum {
	HTMLTRACE_EVENTS_MAX = 20000, /**< Events in the page, the last ones. */
	HTMLTRACE_LINES_MAX = 100, /**< Of these, as text where no script runs, and on paper. */
	HTMLTRACE_MESSAGE_BYTES = 400, /**< Longest message, with its NUL; further characters are left out. */
	HTMLTRACE_NAMES_MAX = 4096, /**< Different names of tasks, and of events. */
};

/** Events of one buffer. */
struct htmltrace {
	struct ftrace *ftrace; /**< NULL: there is none. */
	const struct ftrace_buffer *buffer; /**< NULL: no buffer has any event. */
	uint64_t first; /**< From this time on … */
	uint64_t last; /**< … up to this one. */
	uint64_t skip; /**< Events of that time that are too many: the first ones. */
	uint64_t count; /**< Events of that time. */
	size_t others; /**< Buffers that have events too. */
	char why[KERNEL_WHY_BYTES]; /**< Why tracing is not known; "": it is. */
};

/** Open. @param[out] ret Events; htmltrace_deinit() it before the machine is closed. @param[in] machine Borrowed. @return NULL; ERROR_NOMEM. */
struct error *htmltrace_init(struct htmltrace *ret, struct machine *machine) must_check;

/** Close. @param[in] trace May be zeroed. */
void htmltrace_deinit(struct htmltrace *trace);

#define _cleanup_htmltrace_ _cleanup_(htmltrace_deinit)

/** Write the part of the page; nothing, where there are no events. @param[in] trace Events. @param[in] out Stream. @return NULL; ERROR_NOMEM. */
struct error *htmltrace_write(const struct htmltrace *trace, FILE *out) must_check;

/** Write the events as an object of JSON; nothing, where there are none. @param[in] trace Events. @param[in,out] json In an object. @return NULL; ERROR_NOMEM. */
struct error *htmltrace_json(const struct htmltrace *trace, struct json *json) must_check;

#endif
