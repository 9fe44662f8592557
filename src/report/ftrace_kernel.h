// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Symbols and members of structures of the crashed kernel that tracing needs, beside those of report/kernel.h.
 *
 * A table of its own, since the report of a capture does not need them. Does not know what they mean.
 */
#ifndef REPORT_FTRACE_KERNEL_H
#define REPORT_FTRACE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/btf.h"
#include "report/kernel.h"

/** Symbols: their names are in ftrace_kernel.c, in this order. */
enum ftrace_kernel_symbol {
	FTRACE_KERNEL_TRACE_ARRAYS,
	FTRACE_KERNEL_EVENTS,
	FTRACE_KERNEL_COMMON_FIELDS,
	FTRACE_KERNEL_SAVEDCMD,
	FTRACE_KERNEL_CLOCKS,
	FTRACE_KERNEL_GET_ENTER_FIELDS,
	FTRACE_KERNEL_BPRINTK_START,
	FTRACE_KERNEL_BPRINTK_STOP,
	FTRACE_KERNEL_BPRINTK_MODULES,
	FTRACE_KERNEL_TRACEPOINT_STR_START,
	FTRACE_KERNEL_TRACEPOINT_STR_STOP,
	FTRACE_KERNEL_SYMBOL_COUNT,
};

/** Members of structures, and enumerators: their names are in ftrace_kernel.c, in this order. */
enum ftrace_kernel_member {
	FTRACE_KERNEL_ARRAY_LIST,
	FTRACE_KERNEL_ARRAY_NAME,
	FTRACE_KERNEL_ARRAY_BUFFER,
	FTRACE_KERNEL_ARRAY_MAX_BUFFER,
	FTRACE_KERNEL_ARRAY_SNAPSHOT_BUFFER,
	FTRACE_KERNEL_ARRAY_CLOCK,
	FTRACE_KERNEL_BUFFER_BUFFER,
	FTRACE_KERNEL_RING_CPUS,
	FTRACE_KERNEL_RING_BUFFERS,
	FTRACE_KERNEL_RING_ORDER,
	FTRACE_KERNEL_CPU_NR_PAGES,
	FTRACE_KERNEL_CPU_PAGES,
	FTRACE_KERNEL_CPU_HEAD_PAGE,
	FTRACE_KERNEL_CPU_COMMIT_PAGE,
	FTRACE_KERNEL_CPU_READER_PAGE,
	FTRACE_KERNEL_CPU_LOST_EVENTS,
	FTRACE_KERNEL_CPU_LAST_OVERRUN,
	FTRACE_KERNEL_CPU_ENTRIES,
	FTRACE_KERNEL_CPU_OVERRUN,
	FTRACE_KERNEL_CPU_DROPPED,
	FTRACE_KERNEL_CPU_READ,
	FTRACE_KERNEL_PAGE_LIST,
	FTRACE_KERNEL_PAGE_READ,
	FTRACE_KERNEL_PAGE_PAGE,
	FTRACE_KERNEL_DATA_COMMIT,
	FTRACE_KERNEL_DATA_DATA,
	FTRACE_KERNEL_CALL_LIST,
	FTRACE_KERNEL_CALL_CLASS,
	FTRACE_KERNEL_CALL_NAME,
	FTRACE_KERNEL_CALL_TP,
	FTRACE_KERNEL_CALL_EVENT,
	FTRACE_KERNEL_CALL_PRINT_FMT,
	FTRACE_KERNEL_CALL_DATA,
	FTRACE_KERNEL_CALL_FLAGS,
	FTRACE_KERNEL_FL_TRACEPOINT,
	FTRACE_KERNEL_FL_CUSTOM,
	FTRACE_KERNEL_TRACEPOINT_NAME,
	FTRACE_KERNEL_EVENT_TYPE,
	FTRACE_KERNEL_CLASS_SYSTEM,
	FTRACE_KERNEL_CLASS_GET_FIELDS,
	FTRACE_KERNEL_CLASS_FIELDS,
	FTRACE_KERNEL_SYSCALL_ENTER_FIELDS,
	FTRACE_KERNEL_FIELD_LINK,
	FTRACE_KERNEL_FIELD_NAME,
	FTRACE_KERNEL_FIELD_TYPE,
	FTRACE_KERNEL_FIELD_OFFSET,
	FTRACE_KERNEL_FIELD_SIZE,
	FTRACE_KERNEL_FIELD_IS_SIGNED,
	FTRACE_KERNEL_FIELD_LEN,
	FTRACE_KERNEL_CMDLINES_PIDS,
	FTRACE_KERNEL_CMDLINES_NUM,
	FTRACE_KERNEL_CMDLINES_TEXT,
	FTRACE_KERNEL_PRINTK_LIST,
	FTRACE_KERNEL_PRINTK_FMT,
	FTRACE_KERNEL_MEMBER_COUNT,
};

/** The tables, filled. */
struct ftrace_kernel {
	struct kernel *kernel; /**< Borrowed. */
	uint64_t symbols[FTRACE_KERNEL_SYMBOL_COUNT]; /**< Their addresses; 0: not there. */
	struct btf_query members[FTRACE_KERNEL_MEMBER_COUNT];
};

/** Fill the tables. @param[out] ret They. @param[in] kernel Borrowed. @return NULL; ERROR_UNSUPPORTED (it has no symbols, or no types); ERROR_BAD_DATA; ERROR_FAULT; ERROR_NOMEM. */
struct error *ftrace_kernel_init(struct ftrace_kernel *ret, struct kernel *kernel) must_check;

/** Whether the kernel has a member. @param[in] tables They. @param[in] which Which. @return See there. */
bool ftrace_kernel_has(const struct ftrace_kernel *tables, enum ftrace_kernel_member which);

/** That all of some members are there. @param[in] tables They. @param[in] which Members. @param[in] count Their number. @return NULL; ERROR_UNSUPPORTED: the text names the first that is not. */
struct error *ftrace_kernel_need(const struct ftrace_kernel *tables, const enum ftrace_kernel_member *which,
                                 size_t count) must_check;

/** Address of a symbol. @param[in] tables They. @param[in] which Which. @param[out] ret Its address. @return NULL; ERROR_UNSUPPORTED: it is not there; the text names it. */
struct error *ftrace_kernel_symbol(const struct ftrace_kernel *tables, enum ftrace_kernel_symbol which,
                                   uint64_t *ret) must_check;

/** Address of a member. @param[in] tables They. @param[in] vaddr Of the structure. @param[in] which A member that is there. @return See there. */
uint64_t ftrace_kernel_at(const struct ftrace_kernel *tables, uint64_t vaddr, enum ftrace_kernel_member which);

/**
 * Read a member that is a number, an address, or a counter of 8 bytes (local_t).
 *
 * @param[in,out] tables They.
 * @param[in] vaddr Of the structure.
 * @param[in] which Which.
 * @param[out] ret Its value.
 * @return NULL; ERROR_UNSUPPORTED (it is not there, or is no number); as vmemory_uint().
 */
struct error *ftrace_kernel_get(struct ftrace_kernel *tables, uint64_t vaddr, enum ftrace_kernel_member which,
                                uint64_t *ret) must_check;

/** Read an address of 8 bytes. @param[in,out] tables They. @param[in] vaddr Where. @param[out] ret It. @return As vmemory_uint(). */
struct error *ftrace_kernel_pointer(struct ftrace_kernel *tables, uint64_t vaddr, uint64_t *ret) must_check;

/** Read a text that a member points to. @param[in,out] tables They. @param[in] vaddr Of the structure. @param[in] which The member. @param[in] most_bytes Longest text, with its NUL; the rest of a longer one is cut. @param[out] ret Printable ASCII; free() it. @return NULL; ERROR_NOMEM; as ftrace_kernel_get(), vmemory_text(). */
struct error *ftrace_kernel_text(struct ftrace_kernel *tables, uint64_t vaddr, enum ftrace_kernel_member which,
                                 size_t most_bytes, char **ret) must_check;

/** Read a text of lines. @param[in,out] tables They. @param[in] vaddr Of its first byte. @param[in] most_bytes As ftrace_kernel_text(). @param[out] ret As there, with newlines and tabs: a program that shows it must look after them. @return NULL; ERROR_NOMEM; as vmemory_read(). */
struct error *ftrace_kernel_lines_at(struct ftrace_kernel *tables, uint64_t vaddr, size_t most_bytes,
                                     char **ret) must_check;

#endif
