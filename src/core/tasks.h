// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The tasks of the crashed kernel: their names, and where the page tables of each are.
 *
 * Does not walk page tables (core/xlat.h). Needs a kernel that carries BTF.
 */
#ifndef CORE_TASKS_H
#define CORE_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** Room for the name of a task with its NUL (Linux include/linux/sched.h: TASK_COMM_LEN). */
enum { TASKS_NAME_BYTES = 16 };

/** Where things are in the structures of tasks. Read-only after tasks_init(); may be shared by threads. */
struct tasks {
	const struct xlat *xlat;
	uint64_t init_task_vaddr;
	uint64_t tasks_offset; /**< Of the members of struct task_struct. */
	uint64_t name_offset;
	uint64_t pid_offset;
	uint64_t mm_offset;
	uint64_t signal_offset;
	uint64_t thread_node_offset;
	uint64_t thread_head_offset; /**< Of the member of struct signal_struct. */
	uint64_t pgd_offset; /**< Of the member of struct mm_struct. */
};

/** One task: a process, or another thread of one. */
struct tasks_task {
	uint64_t vaddr; /**< Its struct task_struct. */
	uint64_t mm_vaddr; /**< Its memory, which its threads share; 0: kernel threads, and what has ended. */
	uint32_t pid;
	char name[TASKS_NAME_BYTES];
};

/**
 * Learn where things are, from the kernel's symbols and BTF.
 *
 * @param[out] ret Result; needs no release.
 * @param[in] core The dump.
 * @param[in] xlat Borrowed.
 * @param[in,out] reader Owned by the calling thread.
 * @return NULL; ERROR_UNSUPPORTED (no BTF, or something is not in it or in the symbols; the text names it); ERROR_BAD_DATA;
 *	   ERROR_FAULT; ERROR_OS; ERROR_NOMEM.
 */
struct error *tasks_init(struct tasks *ret, const struct vmcore *core, const struct xlat *xlat,
                         struct vmreader *reader) must_check;

/**
 * Search the first task by its shape, in kernels that tell of their functions only (without CONFIG_KALLSYMS_ALL).
 *
 * @param[in,out] tasks All but init_task_vaddr, which is filled in.
 * @param[in] core The dump.
 * @param[in,out] reader Owned by the calling thread.
 * @return Whether it was found.
 */
bool tasks_find_first(struct tasks *tasks, const struct vmcore *core, struct vmreader *reader);

/**
 * Tell of all tasks, with all threads; of some more than once. Damaged lists are followed from both ends, and never in a circle.
 *
 * @param[in] tasks Shared.
 * @param[in,out] reader Owned by the calling thread; @p each may use it.
 * @param[in] each Called for each task.
 * @param[in] context For @p each.
 * @return NULL; ERROR_BAD_DATA, ERROR_FAULT, ERROR_OS, ERROR_NOMEM: the first thing that was wrong; there may be tasks that were
 *	   not found.
 */
struct error *tasks_walk(const struct tasks *tasks, struct vmreader *reader,
                         void (*each)(void *context, const struct tasks_task *task), void *context) must_check;

/**
 * Find the page tables of a task.
 *
 * @param[in] tasks Shared.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] mm_vaddr Of the task.
 * @param[out] ret Physical address of the top-level page table, for xlat_walk_process().
 * @return NULL; as xlat_read().
 */
struct error *tasks_page_table(const struct tasks *tasks, struct vmreader *reader, uint64_t mm_vaddr,
                               uint64_t *ret) must_check;

#endif
