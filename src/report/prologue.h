// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Whether a function of arm64 had made its frame record when it was interrupted, by its code in the crashed kernel's memory.
 *
 * Before that, and in functions that call nothing, who called it is in the link register only. Does not unwind
 * (report/backtrace.h). Source of codes of instructions: Arm ARM, C4.1 "A64 instruction set encoding".
 */
#ifndef REPORT_PROLOGUE_H
#define REPORT_PROLOGUE_H

#include <stdint.h>

#include "base/cleanup.h"
#include "core/vmemory.h"

/** Most bytes of a function that are looked at. */
enum { PROLOGUE_BYTES_MAX = 64 << 10 };

/** What is known at an instruction. */
enum prologue_state {
	PROLOGUE_UNKNOWN, /**< No way leads there that could be followed, or the code cannot be read. */
	PROLOGUE_CALLERS, /**< x29 is still the caller's: the function has no frame record, or none any more. */
	PROLOGUE_OWN, /**< x29 points to the function's own record. */
};

/**
 * Follow all ways from the start of a function to an instruction.
 *
 * @param[in,out] memory The kernel's memory.
 * @param[in] vaddr Start of the function.
 * @param[in] size_bytes Its size.
 * @param[in] ip The instruction, which was not executed yet.
 * @return What holds there. Compilers make it the same on all ways.
 */
enum prologue_state prologue_state_at(struct vmemory *memory, uint64_t vaddr, uint64_t size_bytes, uint64_t ip);

#endif
