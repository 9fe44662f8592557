// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Registers of the crashed machine's tasks as gdb counts them: which there are, and which of a task are known.
 *
 * Of a task that a CPU was running they are those of its note. Of another one they are those that are saved where it gave up its CPU.
 * Does not unwind (report/backtrace.h).
 * Source: gdb/features/i386/64bit-core.xml, gdb/features/aarch64-core.xml of gdb.
 */
#ifndef REPORT_GDBREGS_H
#define REPORT_GDBREGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Limits. */
enum {
	GDBREGS_MAX = 40, /**< Most registers of a machine. */
	GDBREGS_PACKET_BYTES = 1024, /**< Room for all of them as digits. */
	GDBREGS_MEMBERS = 10, /**< Members that tell of saved registers. */
};

/** A register. */
struct gdbregs_register {
	const char *name;
	const char *type; /**< As a target description has it. */
	uint16_t bits;
	int8_t word; /**< Which of pr_reg it is; below 0: not there. */
};

/** A machine. */
struct gdbregs_machine {
	uint16_t elf_machine; /**< EM_* */
	const char *architecture; /**< As gdb calls it. */
	const char *feature; /**< Of the target description. */
	const struct gdbregs_register *list;
	size_t count;
	size_t word_count; /**< Of pr_reg. */
	size_t ip_word; /**< Which of them says what is run. */
};

/** Where registers of tasks are. Read-only after gdbregs_init(). */
struct gdbregs {
	const struct gdbregs_machine *machine; /**< NULL: none is known. */
	struct btf_query members[GDBREGS_MEMBERS];
};

/** Registers of a task. */
struct gdbregs_values {
	uint64_t words[GDBREGS_MAX]; /**< In the order of pr_reg. */
	bool is_known[GDBREGS_MAX];
};

/** Find out. What is not found out is not known of tasks. @param[out] ret Needs no release. @param[in,out] kernel The kernel. */
void gdbregs_init(struct gdbregs *ret, struct kernel *kernel);

/** Registers that a CPU was stopped with. @param[in] regs See there. @param[in,out] kernel The kernel. @param[in] cpu Number of the CPU. @param[out] ret None, if they are not there. */
void gdbregs_of_cpu(const struct gdbregs *regs, struct kernel *kernel, uint32_t cpu, struct gdbregs_values *ret);

/** Registers that a task saved. @param[in] regs See there. @param[in,out] kernel The kernel. @param[in] vaddr Its struct task_struct. @param[out] ret Those that are there. */
void gdbregs_of_task(const struct gdbregs *regs, struct kernel *kernel, uint64_t vaddr, struct gdbregs_values *ret);

/** Where nothing tells what is run, say that it is at 0. @param[in] regs See there. @param[in,out] values Registers. */
void gdbregs_need_ip(const struct gdbregs *regs, struct gdbregs_values *values);

/** Write the target description. @param[in] regs See there. @param[in] out Stream. */
void gdbregs_describe(const struct gdbregs *regs, FILE *out);

/**
 * Write registers as digits, "x" in place of those that are not known.
 *
 * @param[in] regs See there.
 * @param[in] values They.
 * @param[in] is_big_endian Order of their bytes.
 * @param[in] first The first one, as gdb counts.
 * @param[in] count How many, at most.
 * @param[out] text Room for GDBREGS_PACKET_BYTES.
 * @return Digits; 0: there is no such register.
 */
size_t gdbregs_digits(const struct gdbregs *regs, const struct gdbregs_values *values, bool is_big_endian, size_t first,
                      size_t count, uint8_t *text);

#endif
