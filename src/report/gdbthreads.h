// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The crashed machine's tasks as threads of gdb: their numbers, their order, their names.
 *
 * Where no task is known, there is one thread for each CPU that saved its registers.
 * Does not know registers (report/gdbregs.h) and no packets (report/gdbstub.h).
 */
#ifndef REPORT_GDBTHREADS_H
#define REPORT_GDBTHREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/tasks.h"
#include "report/machine.h"

/** Limits. */
enum {
	GDBTHREADS_MAX = 1 << 18, /**< Most threads; gdb needs minutes for less. */
	/** Numbers of tasks are below or this (Linux include/linux/threads.h: PID_MAX_LIMIT); those of threads that have no number of their own are above. */
	GDBTHREADS_PID_MAX = 4 << 20,
};

/** A thread. */
struct gdbthreads_thread {
	uint64_t task_vaddr; /**< Its struct task_struct; 0: it is a CPU. */
	uint32_t id; /**< For gdb: the number of the task; of idle tasks, and where two have the same, another one. */
	uint32_t cpu;
	bool is_active; /**< The CPU was running it. */
	char state[3]; /**< As threads.h has it. */
	char name[TASKS_NAME_BYTES];
};

/** All of them: the one that crashed, those that CPUs were running, the others. At least one. */
struct gdbthreads {
	struct gdbthreads_thread *list;
	size_t count;
	char why[KERNEL_WHY_BYTES]; /**< Why there may be others; "": these are all. */
};

/** Make the list. @param[out] ret gdbthreads_deinit() it. @param[in] machine The machine. @return NULL; ERROR_NOMEM. */
struct error *gdbthreads_init(struct gdbthreads *ret, const struct machine *machine) must_check;

/** Free. @param[in] threads May be zeroed. */
void gdbthreads_deinit(struct gdbthreads *threads);

/** Find a thread. @param[in] threads All. @param[in] id Its number. @return NULL: there is none. */
const struct gdbthreads_thread *gdbthreads_find(const struct gdbthreads *threads, uint64_t id);

/** Room for gdbthreads_text(). */
enum { GDBTHREADS_TEXT_BYTES = 96 };

/** What is told of a thread beside its name: state, CPU, struct task_struct. @param[in] thread The thread. @param[out] text See there. */
void gdbthreads_text(const struct gdbthreads_thread *thread, char text[GDBTHREADS_TEXT_BYTES]);

/** Write the list as gdb reads it (gdb/features/threads.dtd). @param[in] threads All. @param[in] out Stream. */
void gdbthreads_describe(const struct gdbthreads *threads, FILE *out);

#endif
