// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * One page of a ring buffer of the kernel's tracing (a sub-buffer): the records in it, and when each was written.
 *
 * Does not read the dump, and does not know what is in a record. Its bytes may be any.
 * Source: Linux kernel/trace/ring_buffer.c, include/linux/ring_buffer.h: struct ring_buffer_event, rb_event_length().
 */
#ifndef REPORT_FTRACE_PAGE_H
#define REPORT_FTRACE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Sizes, and marks in the word that says how much of a page is written. */
enum {
	FTRACE_PAGE_HEADER_BYTES = 16, /**< Time, and that word: of 64-bit kernels. */
	FTRACE_PAGE_COMMIT_MASK = 0xfffff, /**< RB_WRITE_MASK. */
};
/** Events were lost before the page. RB_MISSED_EVENTS. */
#define FTRACE_PAGE_MISSED UINT64_C(0x80000000)
/** Their number stands behind the data. RB_MISSED_STORED. */
#define FTRACE_PAGE_MISSED_STORED UINT64_C(0x40000000)

/** A page while it is read. */
struct ftrace_page {
	const uint8_t *bytes; /**< Borrowed; with its header. */
	size_t end; /**< Behind the last byte that was written. */
	size_t at; /**< Of the next record. */
	bool is_big_endian;
	bool is_damaged; /**< A record does not fit: what is behind it is not known. */
	uint64_t timestamp; /**< Of the last record. */
};

/** A record. */
struct ftrace_page_record {
	const uint8_t *data; /**< In the page. */
	size_t size_bytes; /**< At least 4. */
	size_t at; /**< Of its head, in the page. */
	uint64_t timestamp;
};

/** Start with the first record. @param[out] ret The page. @param[in] bytes Its bytes. @param[in] size_bytes Their number; at least the header. @param[in] is_big_endian The kernel's byte order. */
void ftrace_page_init(struct ftrace_page *ret, const uint8_t *bytes, size_t size_bytes, bool is_big_endian);

/** The next record. Those that were discarded are left out. @param[in,out] page The page. @param[out] ret It. @return false: there is none; see is_damaged. */
bool ftrace_page_next(struct ftrace_page *page, struct ftrace_page_record *ret);

/** Go on behind bytes of data that were read already. @param[in,out] page A new page. @param[in] read_bytes Their number, without the header. Its timestamp is that of the last of them. */
void ftrace_page_skip(struct ftrace_page *page, size_t read_bytes);

#endif
