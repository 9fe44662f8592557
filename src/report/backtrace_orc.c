// SPDX-License-Identifier: GPL-2.0-or-later
// As Linux arch/x86/kernel/unwind_orc.c does it.
#include "report/backtrace_steps.h"

#include <elf.h>
#include <string.h>

#include "base/endian.h"

enum {
	WORD_BYTES = 8,
	// How far the return address of a function without a table is searched: __crash_kexec() keeps all registers on the stack.
	SCAN_BYTES = 2048,
	// A call with a distance: e8 and 32 bits.
	CALL_BYTES = 5,
	CALL_OPCODE = 0xe8,
	// A call of what a register or memory points to: ff, and 2 in bits 3 to 5 of the next byte; from 2 bytes to 7.
	CALL_POINTER_OPCODE = 0xff,
	CALL_POINTER_MODE = 2,
	CALL_POINTER_MIN_BYTES = 2,
	CALL_POINTER_MAX_BYTES = 7,
};

static struct error *word(const struct backtrace_state *state, uint64_t vaddr, uint64_t *ret)
{
	return vmemory_uint(state->tools->kernel->memory, vaddr, WORD_BYTES, ret);
}

static struct error *register_of(const struct backtrace_state *state, enum cpulist_register which, uint64_t *ret)
{
	if (!state->has_registers)
		return error_new(ERROR_BAD_DATA, "the frame is found by %s, which is not known here",
		                 state->registers.machine->names[which]);
	*ret = state->registers.values[which];
	return NULL;
}

// The stack pointer before the call, or where registers were saved.
static struct error *find_base(const struct backtrace_state *state, const struct orc_entry *entry, uint64_t *ret)
{
	uint64_t offset = (uint64_t)(int64_t)entry->sp_offset;
	struct error *err;

	switch (entry->sp_base) {
	case ORC_BASE_SP:
		*ret = state->sp + offset;
		return NULL;
	case ORC_BASE_BP:
		*ret = state->fp + offset;
		return NULL;
	case ORC_BASE_SP_INDIRECT:
		err = word(state, state->sp, ret);
		*ret += err ? 0 : offset;
		return err;
	case ORC_BASE_BP_INDIRECT:
		return word(state, state->fp + offset, ret);
	case ORC_BASE_R10:
		return register_of(state, CPULIST_R10, ret);
	case ORC_BASE_R13:
		return register_of(state, CPULIST_R13, ret);
	case ORC_BASE_DI:
		return register_of(state, CPULIST_DI, ret);
	case ORC_BASE_DX:
		return register_of(state, CPULIST_DX, ret);
	default:
		return error_new(ERROR_BAD_DATA, "the table for unwinding has an unknown register");
	}
}

static struct error *find_bp(struct backtrace_state *state, const struct orc_entry *entry, uint64_t base)
{
	uint64_t offset = (uint64_t)(int64_t)entry->bp_offset;

	switch (entry->bp_base) {
	case ORC_BASE_PREVIOUS_SP:
		return word(state, base + offset, &state->fp);
	case ORC_BASE_BP:
		return word(state, state->fp + offset, &state->fp);
	default:
		// Who saved all registers saved this one.
		if (state->has_registers && (entry->type == ORC_REGS))
			state->fp = state->registers.values[CPULIST_BP];
		return NULL;
	}
}

// Takes registers from the stack, from one on.
static struct error *take_registers(struct backtrace_state *state, uint64_t vaddr, enum cpulist_register first)
{
	uint8_t raw[WORD_BYTES * CPULIST_REGISTER_COUNT];
	size_t skip = WORD_BYTES * (size_t)first;
	struct error *err = vmemory_read(state->tools->kernel->memory, vaddr + skip, raw + skip, sizeof(raw) - skip);

	for (unsigned int i = first; i < CPULIST_REGISTER_COUNT && !err; i++)
		state->registers.values[i] =
			load_u64(raw + WORD_BYTES * (size_t)i, state->tools->kernel->core->is_big_endian);
	return err;
}

// One frame further, by an entry that is one.
static struct error *unwind(struct backtrace_state *state, const struct orc_entry *entry)
{
	uint64_t base = 0;
	struct error *err = find_base(state, entry, &base);

	if (err)
		return err;
	switch (entry->type) {
	case ORC_REGS:
		err = take_registers(state, base, 0);
		state->has_registers = !err;
		break;
	case ORC_REGS_PARTIAL:
		err = take_registers(state, base - WORD_BYTES * CPULIST_IP, CPULIST_IP);
		break;
	default:
		err = word(state, base - WORD_BYTES, &state->ip);
		state->sp = base;
		state->has_registers = false;
		break;
	}
	if (!err)
		err = find_bp(state, entry, base);
	if (!err && entry->type != ORC_CALL) {
		state->ip = state->registers.values[CPULIST_IP];
		state->sp = state->registers.values[CPULIST_SP];
	}
	state->is_user = !err && entry->type != ORC_CALL && cpulist_is_user(&state->registers);
	state->is_exact = entry->is_signal;
	return err;
}

// A function without a table: its caller is found by the call of just this function.
static bool find_caller(struct backtrace_state *state)
{
	struct vmemory *memory = state->tools->kernel->memory;
	struct symbols_place place;

	symbols_find(state->tools->symbols, state->ip, &place);
	if (!place.name[0])
		return false;
	for (uint64_t at = state->sp; at - state->sp < SCAN_BYTES; at += WORD_BYTES) {
		uint64_t back = 0, distance = 0, opcode = 0;
		struct error *err = word(state, at, &back);

		if (!err && !symbols_is_text(state->tools->symbols, back))
			continue;
		if (!err)
			err = vmemory_uint(memory, back - CALL_BYTES, 1, &opcode);
		if (!err)
			err = vmemory_uint(memory, back - CALL_BYTES + 1, 4, &distance);
		error_free(err);
		if (err)
			return false;
		if (opcode != CALL_OPCODE || back + (uint64_t)(int64_t)(int32_t)(uint32_t)distance != place.vaddr)
			continue;
		state->ip = back;
		state->sp = at + WORD_BYTES;
		state->is_exact = false;
		state->has_registers = false;
		return true;
	}
	return false;
}

// Whether the instruction right before an address is a call.
static bool is_behind_call(const struct backtrace_state *state, uint64_t vaddr)
{
	uint8_t code[CALL_POINTER_MAX_BYTES];
	struct error *err = vmemory_read(state->tools->kernel->memory, vaddr - sizeof(code), code, sizeof(code));

	error_free(err);
	if (err)
		return false;
	for (size_t size = CALL_POINTER_MIN_BYTES; size <= sizeof(code); size++) {
		const uint8_t *at = code + sizeof(code) - size;

		if (at[0] == CALL_POINTER_OPCODE && (at[1] >> 3 & 7) == CALL_POINTER_MODE)
			return true;
	}
	// A pointer is called by way of a thunk, where the CPU must not guess.
	return code[sizeof(code) - CALL_BYTES] == CALL_OPCODE;
}

// A pointer to nowhere was called, NULL mostly: nothing was done there, and what is at the top of the stack is who called it.
// Returns whether it was so.
static bool unwind_nowhere(struct backtrace_state *state)
{
	uint64_t back = 0, code = 0;
	struct error *err;

	if (!state->is_exact)
		return false;
	// What is code, or may be, has done something perhaps.
	err = vmemory_uint(state->tools->kernel->memory, state->ip, 1, &code);
	error_free(err);
	if (!err)
		return false;
	err = word(state, state->sp, &back);
	error_free(err);
	if (err || !symbols_is_text(state->tools->symbols, back) || !is_behind_call(state, back))
		return false;
	state->ip = back;
	state->sp += WORD_BYTES;
	state->is_exact = false;
	state->has_registers = false;
	return true;
}

// Code that was made at run time (BPF) has frame pointers.
static struct error *unwind_by_bp(struct backtrace_state *state)
{
	static const struct orc_entry entry = {
		.type = ORC_CALL,
		.sp_base = ORC_BASE_BP,
		.sp_offset = 2 * WORD_BYTES,
		.bp_base = ORC_BASE_PREVIOUS_SP,
		.bp_offset = -2 * WORD_BYTES,
	};

	return unwind(state, &entry);
}

static struct error *step(struct backtrace_state *state, bool *is_end_ret, bool *is_found_ret)
{
	const struct backtrace_tools *tools = state->tools;
	struct orc_entry entry;
	uint64_t ip = state->is_exact ? state->ip : state->ip - 1;
	struct error *err = orc_find(tools->orc, tools->kernel, symbols_modules(tools->symbols), ip, &entry);

	*is_end_ret = !err && entry.type == ORC_END;
	*is_found_ret = false;
	if (err || *is_end_ret)
		return err;
	if (entry.type != ORC_UNDEFINED)
		return unwind(state, &entry);
	*is_found_ret = true;
	if (!symbols_is_text(tools->symbols, ip))
		return unwind_nowhere(state) ? NULL : unwind_by_bp(state);
	return find_caller(state) ? NULL : error_new(ERROR_BAD_DATA, "nothing tells who called it");
}

static struct error *start_blocked(struct backtrace_state *state, uint64_t vaddr)
{
	static const enum kernel_member needed[] = {KERNEL_TASK_THREAD, KERNEL_THREAD_SP, KERNEL_FRAME};
	struct kernel *kernel = state->tools->kernel;
	struct error *err = kernel_need(kernel, needed, array_size(needed));
	uint64_t frame = 0;

	if (!err)
		err = kernel_get(kernel, kernel_at(kernel, vaddr, KERNEL_TASK_THREAD), KERNEL_THREAD_SP, &frame);
	if (!err)
		err = kernel_get(kernel, frame, KERNEL_FRAME_BP, &state->fp);
	if (!err)
		err = kernel_get(kernel, frame, KERNEL_FRAME_RET_ADDR, &state->ip);
	if (err)
		return err;
	state->sp = frame + kernel->members[KERNEL_FRAME].size_bytes;
	// A task that never ran returns to the begin of this function.
	state->is_exact = state->ip == kernel->symbols[KERNEL_RET_FROM_FORK] ||
	                  state->ip == kernel->symbols[KERNEL_RET_FROM_FORK_ASM];
	return NULL;
}

const struct backtrace_machine backtrace_orc = {
	.elf_machine = EM_X86_64,
	.start_blocked = start_blocked,
	.step = step,
};
