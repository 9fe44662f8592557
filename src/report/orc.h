// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Where the frame of a function is on the stack, at each of its instructions: the tables with which an x86-64 kernel unwinds its own
 * stacks, read from its memory.
 *
 * Does not unwind (report/backtrace.h). Source: Linux arch/x86/include/asm/orc_types.h, Documentation/arch/x86/orc-unwinder.rst.
 */
#ifndef REPORT_ORC_H
#define REPORT_ORC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"
#include "report/modlist.h"

/** What a frame is. */
enum orc_type {
	ORC_UNDEFINED, /**< Nothing is known. */
	ORC_END, /**< There is no caller. */
	ORC_CALL, /**< That of a function that was called. */
	ORC_REGS, /**< All registers were saved: struct pt_regs. */
	ORC_REGS_PARTIAL, /**< The last five of them were. */
};

/** From where an address is counted. */
enum orc_base {
	ORC_BASE_NONE,
	ORC_BASE_PREVIOUS_SP, /**< The stack pointer before the call. */
	ORC_BASE_DX,
	ORC_BASE_DI,
	ORC_BASE_BP,
	ORC_BASE_SP,
	ORC_BASE_R10,
	ORC_BASE_R13,
	ORC_BASE_BP_INDIRECT, /**< The word at bp and the offset. */
	ORC_BASE_SP_INDIRECT, /**< The word at sp, and the offset to that. */
	ORC_BASE_OTHER, /**< Not known here. */
};

/** One entry. */
struct orc_entry {
	enum orc_type type;
	enum orc_base sp_base, bp_base; /**< Of the previous stack pointer, and of where the caller's bp was saved. */
	int16_t sp_offset, bp_offset;
	bool is_signal; /**< The instruction pointer is that of an instruction that was interrupted, not behind a call. */
};

/** Forms that entries have had. */
enum orc_form {
	ORC_FORM_1, /**< v4.14 to v6.2 */
	ORC_FORM_2, /**< v6.3, with signal */
	ORC_FORM_3, /**< v6.4, with types in place of end */
	ORC_FORM_4, /**< v7.1, with other numbers of registers */
};

/** The tables. Read-only after orc_init(). */
struct orc {
	enum orc_form form;
	uint64_t ip_vaddr; /**< Where entries apply: int32_t each, to be added to its own address; sorted. */
	uint64_t entries_vaddr;
	uint32_t count;
	char why[KERNEL_WHY_BYTES]; /**< Why there are none; "": there are. */
};

/** Find the tables. @param[in,out] kernel The kernel. @param[out] ret They. */
void orc_init(struct orc *ret, struct kernel *kernel);

/**
 * The entry of an instruction.
 *
 * @param[in] orc The tables.
 * @param[in,out] kernel The kernel.
 * @param[in] modules Its modules, which have tables of their own.
 * @param[in] ip Address in the instruction.
 * @param[out] ret ORC_UNDEFINED also if the address is in no table.
 * @return NULL; ERROR_UNSUPPORTED (there are no tables); as vmemory_read().
 */
struct error *orc_find(const struct orc *orc, struct kernel *kernel, const struct modlist *modules, uint64_t ip,
                       struct orc_entry *ret) must_check;

#endif
