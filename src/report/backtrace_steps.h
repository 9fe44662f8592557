// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What report/backtrace.c and the machines that it knows share: where unwinding is, and how it gets one frame further. For nobody else.
 *
 * Does not hold the trace (struct backtrace).
 */
#ifndef REPORT_BACKTRACE_STEPS_H
#define REPORT_BACKTRACE_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/backtrace.h"

/** Most pieces of stacks that a trace leads through: the task's, and those for interrupts and for what has none left. */
enum { BACKTRACE_PIECES_MAX = 16 };

/** Where unwinding is. */
struct backtrace_state {
	const struct backtrace_tools *tools;
	uint64_t ip, sp;
	uint64_t fp; /**< The register for frame pointers. */
	bool is_exact; /**< ip is that of an instruction that was interrupted. */
	struct cpulist_registers registers; /**< Of the last frame that has them. */
	bool has_registers; /**< All of them. */
	bool is_user; /**< Those of a program: it entered the kernel here. */
	struct {
		uint64_t first, last;
	} pieces[BACKTRACE_PIECES_MAX]; /**< Where frame records were: the current piece is the last one. Of arm64. */
	unsigned int piece_count;
	uint64_t pac_mask; /**< Bits of addresses of the kernel that may be a signature. Of arm64. */
};

/** How stacks of a machine are unwound. One const row each. */
struct backtrace_machine {
	uint16_t elf_machine; /**< EM_* */
	/** Learn what else the machine needs. NULL: nothing. */
	void (*prepare)(struct backtrace_state *state);
	/** Find where a task stopped that does not run: ip, sp, fp, is_exact. Errors: as kernel_get(). */
	struct error *(*start_blocked)(struct backtrace_state *state, uint64_t task_vaddr);
	/** One frame further. Outputs: whether there is none, and whether it was guessed. Errors: why there is no further way. */
	struct error *(*step)(struct backtrace_state *state, bool *is_end_ret, bool *is_found_ret);
};

/** x86-64, in backtrace_orc.c: by tables. */
extern const struct backtrace_machine backtrace_orc;

/** arm64, in backtrace_records.c: by frame records. */
extern const struct backtrace_machine backtrace_records;

#endif
