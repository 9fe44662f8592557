// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The crashed kernel's tracing (ftrace), opened: its buffers, formats of its events, and names.
 *
 * Does not read events (report/ftrace_reader.h), does not tell them as text (report/ftrace_text.h) and does not write them for
 * trace-cmd (report/tracedat.h). Each part is there as far as it can be read, and says why where it cannot.
 */
#ifndef REPORT_FTRACE_H
#define REPORT_FTRACE_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ftrace_buffer.h"
#include "report/ftrace_constants.h"
#include "report/ftrace_format.h"
#include "report/ftrace_kernel.h"
#include "report/ftrace_names.h"
#include "report/machine.h"

/** Tracing. Owned by one thread. */
struct ftrace {
	struct machine *machine; /**< Borrowed. */
	struct ftrace_kernel tables;
	struct ftrace_buffer_list buffers;
	struct ftrace_format_list formats;
	struct ftrace_names names;
	struct ftrace_constants constants; /**< Made when a message first needs them. */
};

/**
 * Open.
 *
 * @param[in] machine Borrowed.
 * @param[out] ret Tracing; ftrace_close() it before the machine.
 * @return NULL; ERROR_UNSUPPORTED (the kernel has no tracing, no symbols, no types; the text says what); ERROR_BAD_DATA; ERROR_FAULT; ERROR_NOMEM.
 */
struct error *ftrace_open(struct machine *machine, struct ftrace **ret) must_check;

/** Close. @param[in] ftrace May be NULL. */
void ftrace_close(struct ftrace *ftrace);

/** Guard form of ftrace_close(). @param[in] ftrace Address of the variable. */
static inline void ftrace_closep(struct ftrace **ftrace)
{
	ftrace_close(*ftrace);
}

#endif
