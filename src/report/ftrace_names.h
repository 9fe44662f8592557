// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Names that trace events only have numbers for: of tasks, and texts of trace_printk().
 *
 * Does not know symbols (report/symbols.h).
 * Source: Linux kernel/trace/trace_sched_switch.c (trace.c before v6.10): saved_cmdlines; kernel/trace/trace_printk.c.
 */
#ifndef REPORT_FTRACE_NAMES_H
#define REPORT_FTRACE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ftrace_kernel.h"
#include "report/threads.h"

/** Limits. */
enum {
	FTRACE_NAMES_TASK_BYTES = 16, /**< TASK_COMM_LEN. */
	FTRACE_NAMES_TASKS_MAX = 1 << 22, /**< PID_MAX_LIMIT. */
	FTRACE_NAMES_TEXTS_MAX = 1 << 16, /**< Most texts of trace_printk(). */
	FTRACE_NAMES_TEXT_BYTES = 1024, /**< Longest of them, with its NUL. */
};

/** A task's name. */
struct ftrace_names_task {
	uint32_t pid;
	char name[FTRACE_NAMES_TASK_BYTES]; /**< Printable ASCII. */
};

/** A text at an address. */
struct ftrace_names_text {
	uint64_t vaddr;
	char *text; /**< Newlines and tabs are as in the kernel: a program that shows it must look after them. */
};

/** Names. */
struct ftrace_names {
	struct ftrace_names_task *tasks; /**< By their numbers, each number once. */
	size_t task_count;
	struct ftrace_names_text *texts; /**< In the kernel's order. */
	size_t text_count;
	char why[KERNEL_WHY_BYTES]; /**< Why there may be more; "": these are all. */
};

/**
 * Read them: names that tracing kept, then those of tasks that are there.
 *
 * @param[out] ret They; ftrace_names_deinit() it, also on error.
 * @param[in,out] tables The kernel's.
 * @param[in] threads Tasks.
 * @return NULL; ERROR_NOMEM.
 */
struct error *ftrace_names_init(struct ftrace_names *ret, struct ftrace_kernel *tables,
                                const struct threads *threads) must_check;

/** Free. @param[in] names May be zeroed. */
void ftrace_names_deinit(struct ftrace_names *names);

/** A task's name. @param[in] names They. @param[in] pid Its number. @return Its name; "<idle>" of 0; "<...>": not known. */
const char *ftrace_names_task(const struct ftrace_names *names, uint32_t pid);

/** A text. @param[in] names They. @param[in] vaddr Its address. @return NULL: not known. */
const char *ftrace_names_text(const struct ftrace_names *names, uint64_t vaddr);

#endif
