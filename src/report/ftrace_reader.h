// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Events of a trace buffer, of all CPUs, in the order of their time.
 *
 * Does not know what they mean (report/ftrace_text.h).
 */
#ifndef REPORT_FTRACE_READER_H
#define REPORT_FTRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ftrace.h"

/** What there is to say of lost events whose number is not known. */
#define FTRACE_READER_SOME UINT64_MAX

/** An event. All it points to is valid until the next one is read. */
struct ftrace_reader_event {
	const struct ftrace_buffer *buffer;
	const struct ftrace_format *format; /**< NULL: the kernel has no event of its number. */
	const char *task; /**< Name of the task: see ftrace_names_task(). */
	const uint8_t *data; /**< The record; the fields of the format are in it. */
	size_t size_bytes;
	uint64_t timestamp; /**< Nanoseconds, or what the buffer's clock counts. */
	uint64_t
		lost; /**< So many of this CPU's were lost before it; FTRACE_READER_SOME: an unknown number; 0: none that is known. */
	uint32_t cpu;
	uint32_t pid;
	uint32_t id; /**< Its number. */
	uint8_t flags; /**< Of interrupts (TRACE_FLAG_IRQS_OFF …). */
	uint8_t preempt_count;
};

/** Events of a buffer while they are read. */
struct ftrace_reader;

/**
 * Start with the first event.
 *
 * @param[in] ftrace Borrowed.
 * @param[in] buffer One of its buffers.
 * @param[in] first_timestamp Events before it are left out, without a look at most of them; 0: all.
 * @param[out] ret ftrace_reader_destroy() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *ftrace_reader_create(struct ftrace *ftrace, const struct ftrace_buffer *buffer, uint64_t first_timestamp,
                                   struct ftrace_reader **ret) must_check;

/** Free. @param[in] reader May be NULL. */
void ftrace_reader_destroy(struct ftrace_reader *reader);

/** Guard form of ftrace_reader_destroy(). @param[in] reader Address of the variable. */
static inline void ftrace_reader_destroyp(struct ftrace_reader **reader)
{
	ftrace_reader_destroy(*reader);
}

/** The next event. @param[in,out] reader The reader. @param[out] ret It. @return false: there is none. */
bool ftrace_reader_next(struct ftrace_reader *reader, struct ftrace_reader_event *ret);

/** Pages so far that could not be read, or not to their end. @param[in] reader The reader. @return Their number. */
uint64_t ftrace_reader_damaged(const struct ftrace_reader *reader);

/** When the last event was written. @param[in] ftrace Tracing. @param[in] buffer A buffer. @param[out] ret When. @return false: there is none. */
bool ftrace_reader_last(struct ftrace *ftrace, const struct ftrace_buffer *buffer, uint64_t *ret);

#endif
