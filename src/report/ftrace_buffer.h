// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The ring buffers of the kernel's tracing: of its main instance and of others, for each CPU the pages that nobody has read.
 *
 * Does not read the records in them (report/ftrace_page.h, report/ftrace_reader.h).
 * Source: Linux kernel/trace/ring_buffer.c, kernel/trace/trace.h.
 */
#ifndef REPORT_FTRACE_BUFFER_H
#define REPORT_FTRACE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ftrace_kernel.h"

/** Limits. */
enum {
	FTRACE_BUFFER_MAX = 1024, /**< Most buffers: instances, and their snapshots. */
	FTRACE_BUFFER_NAME_BYTES = 128, /**< Room for a name; that of a directory may be longer, and is cut. */
	FTRACE_BUFFER_CLOCK_BYTES = 32,
	FTRACE_BUFFER_ORDER_MAX = 7, /**< Pages of a sub-buffer, log2 (subbuf_order_write() takes no more). */
	FTRACE_BUFFER_STEPS_MAX = 1 << 25, /**< Most pages that are looked at, of all buffers: 64 GiB, twice. */
	FTRACE_BUFFER_CPU_STEPS = 64, /**< So many of them a CPU takes that has no pages. */
};

/** What one CPU wrote into a buffer. */
struct ftrace_buffer_cpu {
	uint64_t *pages; /**< Addresses of the sub-buffers that hold something unread, the oldest first. */
	size_t page_count;
	size_t read_bytes; /**< Of the first one's data, which somebody has read. */
	size_t lost_page; /**< Events were lost right before this page of them … */
	uint64_t lost; /**< … so many; 0: none since the last that was read. */
	uint64_t first_lost; /**< The same before the first page, where that is another one. */
	uint64_t entries; /**< Records that were written and not discarded. */
	uint64_t overrun; /**< Of these, overwritten. */
	uint64_t read; /**< Of these, read. */
	uint64_t dropped; /**< Not written, since the buffer was full and may not be overwritten. */
	char why[KERNEL_WHY_BYTES]; /**< Why there may be more; "": this is all. */
};

/** A buffer. */
struct ftrace_buffer {
	char name
		[FTRACE_BUFFER_NAME_BYTES]; /**< Of the instance; "": the main one. A snapshot has ":snapshot" behind it. */
	char clock[FTRACE_BUFFER_CLOCK_BYTES]; /**< As in trace_clock; "": not known. */
	bool is_ns; /**< Its unit is the nanosecond. */
	size_t page_bytes; /**< Of a sub-buffer, with its header. */
	struct ftrace_buffer_cpu *cpus;
	uint32_t cpu_count;
	char why[KERNEL_WHY_BYTES]; /**< Why nothing is known of it; "": all is. */
};

/** All of them, the main one first. */
struct ftrace_buffer_list {
	struct ftrace_buffer *list;
	size_t count;
	uint64_t steps_left; /**< Of FTRACE_BUFFER_STEPS_MAX. */
	char why[KERNEL_WHY_BYTES]; /**< Why there may be more; "": these are all. */
};

/**
 * Find them. What cannot be read of one is said in it.
 *
 * @param[out] ret They; ftrace_buffer_list_deinit() it, also on error.
 * @param[in,out] tables The kernel's.
 * @return NULL; ERROR_UNSUPPORTED (the kernel has no tracing, or other types; the text names what is missing); ERROR_NOMEM.
 */
struct error *ftrace_buffer_list_init(struct ftrace_buffer_list *ret, struct ftrace_kernel *tables) must_check;

/** Free. @param[in] buffers May be zeroed. */
void ftrace_buffer_list_deinit(struct ftrace_buffer_list *buffers);

#endif
