// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A crashed machine, opened for reports: its kernel with all that a report of any kind asks.
 *
 * Does not write reports (report/crashreport.h). Each part of it is there as far as it can be read, and says why where it cannot.
 */
#ifndef REPORT_MACHINE_H
#define REPORT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/backtrace.h"
#include "report/kernel.h"
#include "report/modlist.h"
#include "report/orc.h"
#include "report/running.h"
#include "report/symbols.h"
#include "report/threads.h"

/** Most tasks that are found: 16 bytes each, while they are searched 40. */
enum {
	MACHINE_TASKS = 4 << 20, /**< At a desk (PID_MAX_LIMIT of Linux include/linux/threads.h). */
	MACHINE_TASKS_CAPTURE = 1 << 16, /**< In the little memory of a capture kernel. */
};

/** The machine. Owned by one thread. */
struct machine {
	struct kernel *kernel;
	struct modlist modules;
	struct symbols *symbols;
	struct orc orc;
	struct threads threads;
	struct running running; /**< Where the kernel does not tell. */
};

/**
 * Open.
 *
 * @param[in] core The dump; borrowed.
 * @param[in] most_tasks Tasks beyond are not told of.
 * @param[out] ret The machine; machine_close() it before the dump is closed.
 * @return As kernel_open().
 */
struct error *machine_open(const struct vmcore *core, size_t most_tasks, struct machine **ret) must_check;

/** Close. @param[in] machine May be NULL. */
void machine_close(struct machine *machine);

/** Guard form of machine_close(). @param[in] machine Address of the variable. */
static inline void machine_closep(struct machine **machine)
{
	machine_close(*machine);
}

/** What traces are made with. @param[in] machine The machine. @return Borrowed from it. */
struct backtrace_tools machine_tools(const struct machine *machine);

/** The task that a CPU was running. @param[in] machine The machine. @param[in] cpu Number of the CPU. @param[out] ret Its struct task_struct. @return NULL; as cpulist_current(). */
struct error *machine_current(const struct machine *machine, uint32_t cpu, uint64_t *ret) must_check;

/**
 * The task that was running when the machine crashed.
 *
 * @param[in] machine The machine.
 * @param[out] cpu_ret On this CPU.
 * @param[out] vaddr_ret Its struct task_struct.
 * @return NULL; as cpulist_crashed(), cpulist_current().
 */
struct error *machine_crashed(const struct machine *machine, uint32_t *cpu_ret, uint64_t *vaddr_ret) must_check;

/**
 * The task of a number.
 *
 * @param[in] machine The machine.
 * @param[in] pid Its number; not 0, which all idle tasks have.
 * @param[out] ret The task.
 * @return NULL; ERROR_BAD_DATA: there is none, or not all tasks could be found.
 */
struct error *machine_task(const struct machine *machine, uint32_t pid, struct threads_task *ret) must_check;

#endif
