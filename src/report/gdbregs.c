// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/gdbregs.h"

#include <assert.h>
#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "core/arch.h"
#include "report/cpulist.h"
#include "report/gdbwire.h"

// Words of pr_reg behind those of cpulist.h (Linux arch/x86/include/asm/user_64.h: struct user_regs_struct).
enum {
	WORD_DS = 23,
	WORD_ES,
	WORD_FS,
	WORD_GS,
	X86_WORDS,
};

// arch/arm64/include/uapi/asm/ptrace.h: struct user_pt_regs.
enum {
	WORD_X19 = 19,
	WORD_X29 = 29,
	WORD_ARM_SP = 31,
	WORD_ARM_PC,
	WORD_ARM_PSTATE,
	ARM_WORDS,
	// struct cpu_context has x19 to x28, then fp, sp, pc.
	CONTEXT_SAVED = 10,
};

// clang-format off
static const struct gdbregs_register x86_64[] = {
	{"rax", "int64", 64, CPULIST_AX}, {"rbx", "int64", 64, CPULIST_BX}, {"rcx", "int64", 64, CPULIST_CX},
	{"rdx", "int64", 64, CPULIST_DX}, {"rsi", "int64", 64, CPULIST_SI}, {"rdi", "int64", 64, CPULIST_DI},
	{"rbp", "data_ptr", 64, CPULIST_BP}, {"rsp", "data_ptr", 64, CPULIST_SP}, {"r8", "int64", 64, CPULIST_R8},
	{"r9", "int64", 64, CPULIST_R9}, {"r10", "int64", 64, CPULIST_R10}, {"r11", "int64", 64, CPULIST_R11},
	{"r12", "int64", 64, CPULIST_R12}, {"r13", "int64", 64, CPULIST_R13}, {"r14", "int64", 64, CPULIST_R14},
	{"r15", "int64", 64, CPULIST_R15}, {"rip", "code_ptr", 64, CPULIST_IP}, {"eflags", "int32", 32, CPULIST_FLAGS},
	{"cs", "int32", 32, CPULIST_CS}, {"ss", "int32", 32, CPULIST_SS}, {"ds", "int32", 32, WORD_DS},
	{"es", "int32", 32, WORD_ES}, {"fs", "int32", 32, WORD_FS}, {"gs", "int32", 32, WORD_GS},
	// gdb takes no description without those of the floating-point unit.
	{"st0", "i387_ext", 80, -1}, {"st1", "i387_ext", 80, -1}, {"st2", "i387_ext", 80, -1},
	{"st3", "i387_ext", 80, -1}, {"st4", "i387_ext", 80, -1}, {"st5", "i387_ext", 80, -1},
	{"st6", "i387_ext", 80, -1}, {"st7", "i387_ext", 80, -1}, {"fctrl", "int", 32, -1}, {"fstat", "int", 32, -1},
	{"ftag", "int", 32, -1}, {"fiseg", "int", 32, -1}, {"fioff", "int", 32, -1}, {"foseg", "int", 32, -1},
	{"fooff", "int", 32, -1}, {"fop", "int", 32, -1},
};

static const struct gdbregs_register arm64[] = {
	{"x0", "int", 64, 0}, {"x1", "int", 64, 1}, {"x2", "int", 64, 2}, {"x3", "int", 64, 3}, {"x4", "int", 64, 4},
	{"x5", "int", 64, 5}, {"x6", "int", 64, 6}, {"x7", "int", 64, 7}, {"x8", "int", 64, 8}, {"x9", "int", 64, 9},
	{"x10", "int", 64, 10}, {"x11", "int", 64, 11}, {"x12", "int", 64, 12}, {"x13", "int", 64, 13},
	{"x14", "int", 64, 14}, {"x15", "int", 64, 15}, {"x16", "int", 64, 16}, {"x17", "int", 64, 17},
	{"x18", "int", 64, 18}, {"x19", "int", 64, WORD_X19}, {"x20", "int", 64, 20}, {"x21", "int", 64, 21},
	{"x22", "int", 64, 22}, {"x23", "int", 64, 23}, {"x24", "int", 64, 24}, {"x25", "int", 64, 25},
	{"x26", "int", 64, 26}, {"x27", "int", 64, 27}, {"x28", "int", 64, 28}, {"x29", "int", 64, WORD_X29},
	{"x30", "int", 64, 30}, {"sp", "data_ptr", 64, WORD_ARM_SP}, {"pc", "code_ptr", 64, WORD_ARM_PC},
	{"cpsr", "int", 32, WORD_ARM_PSTATE},
};
// clang-format on

static const struct gdbregs_machine machines[] = {
	{EM_X86_64, "i386:x86-64", "org.gnu.gdb.i386.core", x86_64, array_size(x86_64), X86_WORDS, CPULIST_IP},
	{EM_AARCH64, "aarch64", "org.gnu.gdb.aarch64.core", arm64, array_size(arm64), ARM_WORDS, WORD_ARM_PC},
};

#define MEMBER(type_, member_)                                                                                         \
	{                                                                                                              \
		.type = (type_), .member = (member_)                                                                   \
	}

// What a task that is not running has saved: members that one machine has and the other has not are not found there.
enum member {
	FRAME_BX,
	FRAME_R12,
	FRAME_R13,
	FRAME_R14,
	FRAME_R15,
	THREAD_CONTEXT,
	CONTEXT_X19,
	CONTEXT_FP,
	CONTEXT_SP,
	CONTEXT_PC,
	MEMBER_COUNT,
};

static const struct btf_query members[MEMBER_COUNT] = {
	[FRAME_BX] = MEMBER("inactive_task_frame", "bx"),   [FRAME_R12] = MEMBER("inactive_task_frame", "r12"),
	[FRAME_R13] = MEMBER("inactive_task_frame", "r13"), [FRAME_R14] = MEMBER("inactive_task_frame", "r14"),
	[FRAME_R15] = MEMBER("inactive_task_frame", "r15"), [THREAD_CONTEXT] = MEMBER("thread_struct", "cpu_context"),
	[CONTEXT_X19] = MEMBER("cpu_context", "x19"),       [CONTEXT_FP] = MEMBER("cpu_context", "fp"),
	[CONTEXT_SP] = MEMBER("cpu_context", "sp"),         [CONTEXT_PC] = MEMBER("cpu_context", "pc"),
};

static_assert(array_size(members) == GDBREGS_MEMBERS, "room for all");

void gdbregs_init(struct gdbregs *ret, struct kernel *kernel)
{
	*ret = (struct gdbregs){.machine = NULL};
	for (size_t i = 0; i < array_size(machines); i++)
		if (machines[i].elf_machine == kernel->core->arch->elf_machine)
			ret->machine = &machines[i];
	memcpy(ret->members, members, sizeof(members));
	if (!kernel->types_why[0])
		error_free(kernel_find_members(kernel, ret->members, MEMBER_COUNT));
}

void gdbregs_of_cpu(const struct gdbregs *regs, struct kernel *kernel, uint32_t cpu, struct gdbregs_values *ret)
{
	struct error *err;

	*ret = (struct gdbregs_values){0};
	if (!regs->machine)
		return;
	err = cpulist_words(kernel, cpu, ret->words, regs->machine->word_count);
	for (size_t i = 0; !err && i < regs->machine->word_count; i++)
		ret->is_known[i] = true;
	error_free(err);
}

static void take(struct kernel *kernel, uint64_t vaddr, unsigned int word, struct gdbregs_values *ret)
{
	struct error *err = vmemory_uint(kernel->memory, vaddr, 8, &ret->words[word]);

	ret->is_known[word] = !err;
	error_free(err);
}

static void set(struct gdbregs_values *values, unsigned int word, uint64_t value)
{
	values->words[word] = value;
	values->is_known[word] = true;
}

// Linux arch/x86/include/asm/switch_to.h: struct inactive_task_frame; the stack goes on behind it.
static void of_frame(const struct gdbregs *regs, struct kernel *kernel, uint64_t thread, struct gdbregs_values *ret)
{
	static const struct {
		enum member member;
		unsigned int word;
	} saved[] = {{FRAME_BX, CPULIST_BX},
	             {FRAME_R12, CPULIST_R12},
	             {FRAME_R13, CPULIST_R13},
	             {FRAME_R14, CPULIST_R14},
	             {FRAME_R15, CPULIST_R15}};
	static const enum kernel_member needed[] = {KERNEL_FRAME, KERNEL_FRAME_BP, KERNEL_FRAME_RET_ADDR};
	uint64_t frame = 0;
	struct error *err = kernel_need(kernel, needed, array_size(needed));

	if (!err)
		err = kernel_get(kernel, thread, KERNEL_THREAD_SP, &frame);
	error_free(err);
	if (err)
		return;
	take(kernel, kernel_at(kernel, frame, KERNEL_FRAME_BP), CPULIST_BP, ret);
	take(kernel, kernel_at(kernel, frame, KERNEL_FRAME_RET_ADDR), CPULIST_IP, ret);
	if (!ret->is_known[CPULIST_IP])
		return;
	set(ret, CPULIST_SP, frame + kernel->members[KERNEL_FRAME].size_bytes);
	for (size_t i = 0; i < array_size(saved); i++)
		if (regs->members[saved[i].member].is_found)
			take(kernel, frame + regs->members[saved[i].member].offset_bytes, saved[i].word, ret);
}

// Linux arch/arm64/include/asm/processor.h: struct cpu_context.
static void of_context(const struct gdbregs *regs, struct kernel *kernel, uint64_t thread, struct gdbregs_values *ret)
{
	const struct btf_query *found = regs->members;
	uint64_t context = thread + found[THREAD_CONTEXT].offset_bytes;

	for (int i = THREAD_CONTEXT; i < MEMBER_COUNT; i++)
		if (!found[i].is_found)
			return;
	for (unsigned int i = 0; i < CONTEXT_SAVED; i++)
		take(kernel, context + found[CONTEXT_X19].offset_bytes + 8 * (uint64_t)i, WORD_X19 + i, ret);
	take(kernel, context + found[CONTEXT_FP].offset_bytes, WORD_X29, ret);
	take(kernel, context + found[CONTEXT_SP].offset_bytes, WORD_ARM_SP, ret);
	take(kernel, context + found[CONTEXT_PC].offset_bytes, WORD_ARM_PC, ret);
}

void gdbregs_of_task(const struct gdbregs *regs, struct kernel *kernel, uint64_t vaddr, struct gdbregs_values *ret)
{
	uint64_t stack = 0, thread;
	struct error *err = kernel_get(kernel, vaddr, KERNEL_TASK_STACK, &stack);

	*ret = (struct gdbregs_values){0};
	error_free(err);
	// One that has ended has none any more.
	if (err || !stack || !regs->machine || !kernel_has(kernel, KERNEL_TASK_THREAD))
		return;
	thread = kernel_at(kernel, vaddr, KERNEL_TASK_THREAD);
	if (regs->machine->elf_machine == EM_X86_64)
		of_frame(regs, kernel, thread, ret);
	else
		of_context(regs, kernel, thread, ret);
}

void gdbregs_need_ip(const struct gdbregs *regs, struct gdbregs_values *values)
{
	if (regs->machine && !values->is_known[regs->machine->ip_word])
		set(values, (unsigned int)regs->machine->ip_word, 0);
}

void gdbregs_describe(const struct gdbregs *regs, FILE *out)
{
	const struct gdbregs_machine *machine = regs->machine;

	fputs("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">", out);
	if (machine) {
		// No system's: gdb would look for shared libraries.
		fprintf(out, "<architecture>%s</architecture><osabi>none</osabi><feature name=\"%s\">",
		        machine->architecture, machine->feature);
		for (size_t i = 0; i < machine->count; i++)
			fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>", machine->list[i].name,
			        machine->list[i].bits, machine->list[i].type);
		fputs("</feature>", out);
	}
	fputs("</target>", out);
}

size_t gdbregs_digits(const struct gdbregs *regs, const struct gdbregs_values *values, bool is_big_endian, size_t first,
                      size_t count, uint8_t *text)
{
	size_t size = 0;

	for (size_t i = first; regs->machine && i < regs->machine->count && i - first < count; i++) {
		const struct gdbregs_register *one = &regs->machine->list[i];
		size_t bytes = one->bits / 8;

		for (size_t byte = 0; byte < bytes; byte++, size += 2) {
			size_t shift = 8 * (is_big_endian ? bytes - 1 - byte : byte);
			uint8_t value;

			if (one->word < 0 || !values->is_known[one->word]) {
				memcpy(text + size, "xx", 2);
				continue;
			}
			value = (uint8_t)(values->words[one->word] >> shift);
			gdbwire_hex(&value, 1, text + size);
		}
	}
	return size;
}
