// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The stack of a task or of a CPU: who called whom, by the crashed kernel's own tables for unwinding (x86-64), or by the frame records on
 * its stacks (arm64).
 *
 * Does not look into programs: a trace ends where the kernel was entered. How it is made is in the machines' files
 * (report/backtrace_steps.h).
 */
#ifndef REPORT_BACKTRACE_H
#define REPORT_BACKTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/cpulist.h"
#include "report/kernel.h"
#include "report/orc.h"
#include "report/symbols.h"
#include "report/threads.h"

/** Most frames of a trace: a stack has 16 KiB, and a function that calls one takes 16 bytes of it at least; one that overflowed is full of them. */
enum { BACKTRACE_FRAMES_MAX = 1024 };

/** A function that has not returned. */
struct backtrace_frame {
	uint64_t ip; /**< Where it goes on. */
	uint64_t sp; /**< Of its frame; arm64: where its frame record is. */
	bool is_exact; /**< It was interrupted at ip; else it called something, right before ip. */
	bool is_found; /**< There was no way from the frame before to this one: it was found by its call, or its return address. */
};

/** A trace. */
struct backtrace {
	struct backtrace_frame frames[BACKTRACE_FRAMES_MAX]; /**< The last one that was called first. */
	size_t count;
	bool is_user; /**< It ends where a program entered the kernel, or the CPU was in that program. */
	uint64_t user_ip; /**< Then, where. */
	bool is_from_outside; /**< It begins where the CPU was when the dump was made from outside, which may be long after panic(). */
	char why[KERNEL_WHY_BYTES]; /**< Why it is not complete; "": it is. */
};

/** What traces are made with. All borrowed. */
struct backtrace_tools {
	struct kernel *kernel;
	struct symbols *symbols;
	const struct orc *orc;
};

/** Trace from registers on. @param[in] tools See there. @param[in] registers Of a CPU. @param[out] ret The trace. */
void backtrace_registers(const struct backtrace_tools *tools, const struct cpulist_registers *registers,
                         struct backtrace *ret);

/** Trace a task that no CPU was running. @param[in] tools See there. @param[in] vaddr Its struct task_struct. @param[out] ret The trace. */
void backtrace_blocked(const struct backtrace_tools *tools, uint64_t vaddr, struct backtrace *ret);

/** Trace any task: one that a CPU was running by the registers of that. @param[in] tools See there. @param[in] threads Which are active. @param[in] vaddr Its struct task_struct. @param[out] ret The trace. */
void backtrace_task(const struct backtrace_tools *tools, const struct threads *threads, uint64_t vaddr,
                    struct backtrace *ret);

/** The function of a frame. @param[in] tools See there. @param[in] frame The frame. @param[out] ret What is at it; its offset is that of ip. */
void backtrace_place(const struct backtrace_tools *tools, const struct backtrace_frame *frame,
                     struct symbols_place *ret);

#endif
