// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The CPUs of the crashed machine: what each was doing, with which registers it was stopped, and which one it was that crashed.
 *
 * Does not unwind stacks (report/backtrace.h). Registers are known of x86-64 and arm64.
 */
#ifndef REPORT_CPULIST_H
#define REPORT_CPULIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Registers of x86-64, in the order of struct pt_regs (Linux arch/x86/include/asm/ptrace.h), which is that of ELF notes too. */
enum cpulist_register {
	CPULIST_R15,
	CPULIST_R14,
	CPULIST_R13,
	CPULIST_R12,
	CPULIST_BP,
	CPULIST_BX,
	CPULIST_R11,
	CPULIST_R10,
	CPULIST_R9,
	CPULIST_R8,
	CPULIST_AX,
	CPULIST_CX,
	CPULIST_DX,
	CPULIST_SI,
	CPULIST_DI,
	CPULIST_ORIG_AX,
	CPULIST_IP,
	CPULIST_CS,
	CPULIST_FLAGS,
	CPULIST_SP,
	CPULIST_SS,
	CPULIST_REGISTER_COUNT,
};

/** The same of arm64 (arch/arm64/include/uapi/asm/ptrace.h: struct user_pt_regs): those that have a meaning of their own. */
enum cpulist_arm64 {
	CPULIST_ARM64_FP = 29,
	CPULIST_ARM64_LR = 30,
	CPULIST_ARM64_SP,
	CPULIST_ARM64_PC,
	CPULIST_ARM64_PSTATE,
	CPULIST_ARM64_COUNT,
};

/** Most registers of a machine: those of arm64. */
enum { CPULIST_WORDS_MAX = CPULIST_ARM64_COUNT };

/** What registers a machine has. One const row each in cpulist.c; places are those in values of struct cpulist_registers. */
struct cpulist_machine {
	uint16_t elf_machine; /**< EM_* */
	size_t count;
	const char *const *names; /**< As the kernel calls them in its log. */
	const uint8_t *order; /**< In which they are shown: those that tell most first. Of shown_count. */
	size_t shown_count;
	unsigned int ip, sp, fp; /**< The instruction, the stack, the frame. */
	unsigned int mode; /**< A program's, or the kernel's: */
	uint64_t mode_mask, mode_user; /**< in these bits, a program's if they are so. */
};

/** Registers of a CPU, or of what was interrupted. */
struct cpulist_registers {
	const struct cpulist_machine *machine;
	uint64_t values[CPULIST_WORDS_MAX];
	bool is_from_outside; /**< Whoever made the dump took them: after the panic, for which the kernel did not stop. */
};

/** The registers of a machine. @param[in] elf_machine EM_* @return Static; NULL: they are not known. */
const struct cpulist_machine *cpulist_machine(uint16_t elf_machine);

/** Whether registers are those of a program, not of the kernel. @param[in] registers See there. @return See there. */
bool cpulist_is_user(const struct cpulist_registers *registers);

/** The CPU that crashed. @param[in,out] kernel The kernel. @param[out] ret Its number. @return NULL; ERROR_UNSUPPORTED (nothing tells; or the kernel did not crash: it was dumped from outside); as vmemory_uint(). */
struct error *cpulist_crashed(struct kernel *kernel, uint32_t *ret) must_check;

/**
 * With which registers a CPU was stopped: from its own note in the kernel's memory, or, if there is none of any CPU, from the dump's.
 *
 * @param[in,out] kernel The kernel.
 * @param[in] cpu Number of the CPU.
 * @param[out] ret They.
 * @return NULL; ERROR_UNSUPPORTED (machine; or the CPU saved none: it did not answer); as vmemory_read().
 */
struct error *cpulist_registers(struct kernel *kernel, uint32_t cpu, struct cpulist_registers *ret) must_check;

/**
 * As cpulist_registers(), of any machine: pr_reg of struct elf_prstatus as it is.
 *
 * @param[in,out] kernel The kernel.
 * @param[in] cpu Number of the CPU.
 * @param[out] words Words of 8 bytes.
 * @param[in] word_count Their number, at most CPULIST_WORDS_MAX.
 * @return As cpulist_registers(); ERROR_BAD_DATA also if the note has less.
 */
struct error *cpulist_words(struct kernel *kernel, uint32_t cpu, uint64_t *words, size_t word_count) must_check;

/** The task that a CPU was running. @param[in,out] kernel The kernel. @param[in] cpu Number of the CPU. @param[out] ret Its struct task_struct. @return NULL; as kernel_get(). */
struct error *cpulist_current(struct kernel *kernel, uint32_t cpu, uint64_t *ret) must_check;

/** The task that a CPU runs when there is nothing to do. @param[in,out] kernel The kernel. @param[in] cpu Number of the CPU. @param[out] ret Its struct task_struct. @return NULL; as kernel_get(). */
struct error *cpulist_idle(struct kernel *kernel, uint32_t cpu, uint64_t *ret) must_check;

#endif
