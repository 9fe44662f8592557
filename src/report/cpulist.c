// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/cpulist.h"

#include <elf.h>
#include <string.h>

#include "base/endian.h"
#include "core/arch.h"
#include "report/prstatus.h"

enum {
	NAME_MAX_BYTES = 64,
	// arch/x86/include/asm/segment.h: USER_RPL.
	X86_USER_BITS = 3,
	// arch/arm64/include/uapi/asm/ptrace.h: PSR_MODE_EL0t; bit 4 is set for programs of 32 bits.
	ARM64_LEVEL_BITS = 15,
};

static const char *const x86_names[CPULIST_REGISTER_COUNT] = {
	"R15", "R14", "R13", "R12", "RBP",  "RBX", "R11", "R10",   "R9",  "R8", "RAX",
	"RCX", "RDX", "RSI", "RDI", "ORAX", "RIP", "CS",  "FLAGS", "RSP", "SS",
};

static const uint8_t x86_order[] = {
	CPULIST_IP,  CPULIST_SP,  CPULIST_FLAGS, CPULIST_AX,  CPULIST_BX, CPULIST_CX,  CPULIST_DX,
	CPULIST_SI,  CPULIST_DI,  CPULIST_BP,    CPULIST_R8,  CPULIST_R9, CPULIST_R10, CPULIST_R11,
	CPULIST_R12, CPULIST_R13, CPULIST_R14,   CPULIST_R15, CPULIST_CS, CPULIST_SS,
};

static const char *const arm64_names[CPULIST_ARM64_COUNT] = {
	"X0",  "X1",  "X2",  "X3",  "X4",  "X5",  "X6",  "X7",  "X8",  "X9",    "X10", "X11",
	"X12", "X13", "X14", "X15", "X16", "X17", "X18", "X19", "X20", "X21",   "X22", "X23",
	"X24", "X25", "X26", "X27", "X28", "X29", "LR",  "SP",  "PC",  "STATE",
};

static const uint8_t arm64_order[CPULIST_ARM64_COUNT] = {
	CPULIST_ARM64_PC,
	CPULIST_ARM64_LR,
	CPULIST_ARM64_SP,
	CPULIST_ARM64_PSTATE,
	CPULIST_ARM64_FP,
	0,
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	16,
	17,
	18,
	19,
	20,
	21,
	22,
	23,
	24,
	25,
	26,
	27,
	28,
};

static const struct cpulist_machine machines[] = {
	{
		.elf_machine = EM_X86_64,
		.count = CPULIST_REGISTER_COUNT,
		.names = x86_names,
		.order = x86_order,
		.shown_count = array_size(x86_order),
		.ip = CPULIST_IP,
		.sp = CPULIST_SP,
		.fp = CPULIST_BP,
		.mode = CPULIST_CS,
		.mode_mask = X86_USER_BITS,
		.mode_user = X86_USER_BITS,
	},
	{
		.elf_machine = EM_AARCH64,
		.count = CPULIST_ARM64_COUNT,
		.names = arm64_names,
		.order = arm64_order,
		.shown_count = array_size(arm64_order),
		.ip = CPULIST_ARM64_PC,
		.sp = CPULIST_ARM64_SP,
		.fp = CPULIST_ARM64_FP,
		.mode = CPULIST_ARM64_PSTATE,
		.mode_mask = ARM64_LEVEL_BITS,
		.mode_user = 0,
	},
};

const struct cpulist_machine *cpulist_machine(uint16_t elf_machine)
{
	for (size_t i = 0; i < array_size(machines); i++)
		if (machines[i].elf_machine == elf_machine)
			return &machines[i];
	return NULL;
}

bool cpulist_is_user(const struct cpulist_registers *registers)
{
	const struct cpulist_machine *machine = registers->machine;

	return (registers->values[machine->mode] & machine->mode_mask) == machine->mode_user;
}

struct error *cpulist_crashed(struct kernel *kernel, uint32_t *ret)
{
	uint64_t cpu = 0;
	struct error *err = kernel_variable(kernel, KERNEL_PANIC_CPU, 4, &cpu);

	if (err)
		return err;
	// PANIC_CPU_INVALID (include/linux/panic.h).
	if (cpu == UINT32_MAX)
		return error_new(ERROR_UNSUPPORTED, "no CPU has crashed");
	if (cpu >= kernel->cpu_count)
		return error_new(ERROR_BAD_DATA, "CPU %ju has crashed, and there is none", (uintmax_t)cpu);
	*ret = (uint32_t)cpu;
	return NULL;
}

static void take(const struct kernel *kernel, const uint8_t *registers, uint64_t *words, size_t word_count)
{
	for (size_t i = 0; i < word_count; i++)
		words[i] = load_u64(registers + 8 * i, kernel->core->is_big_endian);
}

// Each CPU writes its own note when it stops.
static struct error *from_memory(struct kernel *kernel, uint32_t cpu, uint64_t *words, size_t word_count)
{
	uint8_t header[PRSTATUS_HEADER_BYTES], registers[8 * CPULIST_WORDS_MAX];
	bool is_big = kernel->core->is_big_endian;
	uint64_t vaddr, notes, note = 0, name_bytes;
	struct error *err = kernel_symbol(kernel, KERNEL_CRASH_NOTES, &notes);

	// It is one pointer, to what each CPU has of its own.
	if (!err)
		err = vmemory_uint(kernel->memory, notes, 8, &note);
	if (!err)
		err = kernel_symbol(kernel, KERNEL_PER_CPU_OFFSET, &vaddr);
	if (!err)
		err = vmemory_uint(kernel->memory, vaddr + 8 * (uint64_t)cpu, 8, &vaddr);
	if (!err)
		err = vmemory_read(kernel->memory, note + vaddr, header, sizeof(header));
	if (err)
		return err;
	name_bytes = load_u32(header, is_big);
	if (!name_bytes)
		return error_new(ERROR_UNSUPPORTED, "CPU %u saved no registers: it did not stop when it was told to",
		                 cpu);
	if (name_bytes > NAME_MAX_BYTES || load_u32(header + 4, is_big) < prstatus_bytes(word_count) ||
	    load_u32(header + 8, is_big) != NT_PRSTATUS)
		return error_new(ERROR_BAD_DATA, "the note of CPU %u is not one of registers", cpu);
	err = vmemory_read(kernel->memory,
	                   note + vaddr + PRSTATUS_HEADER_BYTES + prstatus_align(name_bytes) + PRSTATUS_REGISTERS,
	                   registers, 8 * word_count);
	if (!err)
		take(kernel, registers, words, word_count);
	return err;
}

static struct error *from_notes(const struct kernel *kernel, uint32_t cpu, uint64_t *words, size_t word_count)
{
	uint32_t count;
	const uint8_t *registers = prstatus_find(kernel->core, cpu, word_count, &count);

	if (!registers)
		return error_new(ERROR_UNSUPPORTED, "the dump has no registers of this CPU");
	take(kernel, registers, words, word_count);
	return NULL;
}

// A dump that was made from outside, of a kernel that did not start another one: its CPUs wrote no notes, the dump has its own.
static bool is_from_outside(struct kernel *kernel, size_t word_count)
{
	uint64_t words[CPULIST_WORDS_MAX];
	uint32_t crashed;
	struct error *err = cpulist_crashed(kernel, &crashed);

	if (!err)
		err = from_memory(kernel, crashed, words, word_count);
	error_free(err);
	return err;
}

static struct error *find_words(struct kernel *kernel, uint32_t cpu, uint64_t *words, size_t word_count,
                                bool *is_from_outside_ret)
{
	struct error *err = from_memory(kernel, cpu, words, word_count), *other;

	*is_from_outside_ret = false;
	if (!err || !is_from_outside(kernel, word_count))
		return err;
	other = from_notes(kernel, cpu, words, word_count);
	if (other) {
		error_free(other);
		return err;
	}
	*is_from_outside_ret = true;
	error_free(err);
	return NULL;
}

struct error *cpulist_words(struct kernel *kernel, uint32_t cpu, uint64_t *words, size_t word_count)
{
	bool is_outside;

	return find_words(kernel, cpu, words, word_count, &is_outside);
}

struct error *cpulist_registers(struct kernel *kernel, uint32_t cpu, struct cpulist_registers *ret)
{
	ret->machine = cpulist_machine(kernel->core->arch->elf_machine);
	if (!ret->machine)
		return error_new(ERROR_UNSUPPORTED, "registers of this machine are not known yet");
	return find_words(kernel, cpu, ret->values, ret->machine->count, &ret->is_from_outside);
}

static struct error *of_runqueue(struct kernel *kernel, uint32_t cpu, enum kernel_member which, uint64_t *ret)
{
	uint64_t rq;
	struct error *err = kernel_per_cpu(kernel, KERNEL_RUNQUEUES, cpu, &rq);

	return err ? err : kernel_get(kernel, rq, which, ret);
}

struct error *cpulist_current(struct kernel *kernel, uint32_t cpu, uint64_t *ret)
{
	return of_runqueue(kernel, cpu, KERNEL_RQ_CURR, ret);
}

struct error *cpulist_idle(struct kernel *kernel, uint32_t cpu, uint64_t *ret)
{
	return of_runqueue(kernel, cpu, KERNEL_RQ_IDLE, ret);
}
