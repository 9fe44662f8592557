// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The tasks of the crashed kernel, as ps(1) lists them.
 *
 * Does not unwind their stacks (report/backtrace.h).
 */
#ifndef REPORT_THREADS_H
#define REPORT_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/tasks.h"
#include "report/kernel.h"

/** A task. */
struct threads_task {
	uint64_t vaddr; /**< Its struct task_struct. */
	uint64_t mm_vaddr; /**< 0: a thread of the kernel, or one that has ended. */
	uint64_t total_pages; /**< Of its address space. */
	uint32_t pid;
	uint32_t tgid; /**< Of the process that it is a thread of. */
	uint32_t ppid;
	uint32_t cpu; /**< It was on, or runs on. */
	bool is_active; /**< A CPU was running it. */
	char state
		[3]; /**< "RU", "IN", "UN" (waits, cannot be interrupted), "ID" (waits, of no interest), "ZO" … as crash has them. */
	char name[TASKS_NAME_BYTES];
};

/** All of them. */
struct threads {
	uint64_t *list; /**< struct task_struct of each: idle ones first, then as the kernel has them. */
	size_t count;
	uint64_t *active; /**< Of each CPU, the one it was running; 0: not known. */
	uint32_t cpu_count;
	char why[KERNEL_WHY_BYTES]; /**< Why there may be others; "": these are all. */
};

/**
 * Find all tasks.
 *
 * @param[out] ret They, as far as they can be found; threads_deinit() it.
 * @param[in,out] kernel The kernel.
 * @param[in] most So many at most, which is said in why.
 */
void threads_init(struct threads *ret, struct kernel *kernel, size_t most);

/** Free. @param[in] threads May be zeroed. */
void threads_deinit(struct threads *threads);

/** Whether a CPU was running a task. @param[in] threads All. @param[in] vaddr The task. @param[out] cpu_ret The CPU; untouched if none was. @return See there. */
bool threads_is_active(const struct threads *threads, uint64_t vaddr, uint32_t *cpu_ret);

/**
 * Read a task.
 *
 * @param[in] threads All.
 * @param[in,out] kernel The kernel.
 * @param[in] vaddr Its struct task_struct.
 * @param[out] ret It.
 * @return NULL; ERROR_UNSUPPORTED (types lack something; the text names it); as vmemory_read().
 */
struct error *threads_read(const struct threads *threads, struct kernel *kernel, uint64_t vaddr,
                           struct threads_task *ret) must_check;

#endif
