// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which tasks the CPUs were running, and which CPU crashed, in kernels that do not tell: those without CONFIG_KALLSYMS_ALL, as Debian's
 * for arm64 before Linux v6.12, have no symbols of variables.
 *
 * Found by the stacks that the CPUs' registers lead through. Where the kernel tells, report/cpulist.h reads it.
 */
#ifndef REPORT_RUNNING_H
#define REPORT_RUNNING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "report/backtrace.h"
#include "report/threads.h"

/** What was found beside the tasks. */
struct running {
	bool is_crashed_known;
	uint32_t crashed_cpu; /**< Its stack has panic() or what starts the capture kernel. */
};

/** Find them. @param[in] tools See there. @param[in,out] threads All tasks; those are added that CPUs were running. @param[out] ret The rest. */
void running_find(const struct backtrace_tools *tools, struct threads *threads, struct running *ret);

#endif
