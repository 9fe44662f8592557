// SPDX-License-Identifier: GPL-2.0-or-later
// arm64: each function that calls one keeps a record on the stack, of where its caller's is (x29) and of where it returns to (x30).
// As Linux arch/arm64/kernel/stacktrace.c, but for what was interrupted before it had made its record, which that leaves out.
#include <elf.h>
#include <string.h>

#include "base/endian.h"
#include "report/backtrace_steps.h"
#include "report/prologue.h"

enum {
	WORD_BYTES = 8,
	RECORD_BYTES = 16,
	CODE_BYTES = 4,
	// struct user_pt_regs, with which struct pt_regs begins (arch/arm64/include/asm/ptrace.h).
	REGS_BYTES = WORD_BYTES * CPULIST_ARM64_COUNT,
	// arch/arm64/include/asm/memory.h: no stack of a task is smaller, and each begins at a multiple of it. Frames of the kernel
	// are far smaller.
	STACK_BYTES = 16 << 10,
	// The first functions of a stack, and struct pt_regs of the program, take less.
	STACK_TOP_BYTES = 1024,
	// arch/arm64/include/asm/stacktrace/frame.h, since Linux v6.13: enum frame_meta_type.
	META_FINAL = 1,
	META_REGS = 2,
};

// Bit 55 tells addresses of the kernel from those of programs, whatever is in the others.
#define KERNEL_BIT (UINT64_C(1) << 55)

static void prepare(struct backtrace_state *state)
{
	int64_t mask;

	if (vmcoreinfo_number(&state->tools->kernel->core->info, "KERNELPACMASK", &mask))
		state->pac_mask = (uint64_t)mask;
}

// A return address without its signature.
static uint64_t plain(const struct backtrace_state *state, uint64_t vaddr)
{
	return vaddr & KERNEL_BIT ? vaddr | state->pac_mask : vaddr;
}

static struct error *word(const struct backtrace_state *state, uint64_t vaddr, uint64_t *ret)
{
	return vmemory_uint(state->tools->kernel->memory, vaddr, WORD_BYTES, ret);
}

// Whether the instruction right before an address is a call.
static bool is_behind_call(const struct backtrace_state *state, uint64_t vaddr)
{
	uint64_t code = 0;
	struct error *err;

	if (!symbols_is_text(state->tools->symbols, vaddr) || vaddr % CODE_BYTES)
		return false;
	err = vmemory_uint(state->tools->kernel->memory, vaddr - CODE_BYTES, CODE_BYTES, &code);
	error_free(err);
	// bl; blr and its forms for signed addresses: blraaz, blrabz, blraa, blrab (Arm ARM, C6.2).
	return !err && ((code & 0xfc000000) == 0x94000000 || (code & 0xfffffc1f) == 0xd63f0000 ||
	                (code & 0xfefff800) == 0xd63f0800);
}

// A piece that the compiler has put apart, which the function branches to behind its start.
static bool is_apart(const char *name)
{
	return strstr(name, ".cold") != NULL;
}

// Whether who called the function that was interrupted is in x30: it has no frame record, and x29 is its caller's.
static bool is_in_link_register(const struct backtrace_state *state)
{
	uint64_t link = plain(state, state->registers.values[CPULIST_ARM64_LR]);
	enum prologue_state found;
	struct symbols_place place;

	if (!is_behind_call(state, link))
		return false;
	symbols_find(state->tools->symbols, state->ip, &place);
	// A pointer to nowhere was called; or it is code of which nothing is known.
	if (!place.name[0])
		return !symbols_is_text(state->tools->symbols, state->ip);
	if (is_apart(place.name))
		return false;
	found = prologue_state_at(state->tools->kernel->memory, place.vaddr, place.size_bytes, state->ip);
	// Where the code tells nothing only the first instruction is certain.
	return found == PROLOGUE_CALLERS || (found == PROLOGUE_UNKNOWN && !place.offset_bytes);
}

// Each stack is gone through once, upwards: a record where one was before is a circle.
static struct error *enter(struct backtrace_state *state, uint64_t fp)
{
	unsigned int last = state->piece_count - 1;

	if (fp % WORD_BYTES)
		return error_new(ERROR_BAD_DATA, "no frame record is at %#jx", (uintmax_t)fp);
	for (unsigned int i = 0; i < state->piece_count; i++)
		if (fp >= state->pieces[i].first && fp <= state->pieces[i].last)
			return error_new(ERROR_BAD_DATA, "the frame records lead back to %#jx", (uintmax_t)fp);
	if (state->piece_count && fp > state->pieces[last].last && fp - state->pieces[last].last < STACK_BYTES) {
		state->pieces[last].last = fp;
		return NULL;
	}
	if (state->piece_count == BACKTRACE_PIECES_MAX)
		return error_new(ERROR_BAD_DATA, "the frame records lead through more stacks than there are");
	state->pieces[state->piece_count].first = fp;
	state->pieces[state->piece_count++].last = fp;
	return NULL;
}

static struct error *read_registers(const struct backtrace_state *state, uint64_t vaddr, struct cpulist_registers *ret)
{
	uint8_t raw[REGS_BYTES];
	struct error *err = vmemory_read(state->tools->kernel->memory, vaddr, raw, sizeof(raw));

	if (err)
		return err;
	ret->machine = state->registers.machine;
	ret->is_from_outside = false;
	for (unsigned int i = 0; i < CPULIST_ARM64_COUNT; i++)
		ret->values[i] = load_u64(raw + (size_t)WORD_BYTES * i, state->tools->kernel->core->is_big_endian);
	return NULL;
}

// struct pt_regs that a frame record is a member of, if it is of one.
static uint64_t regs_around(const struct backtrace_state *state, uint64_t fp)
{
	return fp - state->tools->kernel->members[KERNEL_PT_REGS_STACKFRAME].offset_bytes;
}

// An exception of the kernel: what it interrupted goes on from all its registers.
static void resume(struct backtrace_state *state, const struct cpulist_registers *registers)
{
	state->registers = *registers;
	state->has_registers = true;
	state->is_exact = true;
	state->ip = registers->values[CPULIST_ARM64_PC];
	state->sp = registers->values[CPULIST_ARM64_SP];
	state->fp = registers->values[CPULIST_ARM64_FP];
}

// The last record: there is nothing before it, but for the program that entered the kernel.
static struct error *finish(struct backtrace_state *state, uint64_t fp, bool is_marked, bool *is_end_ret)
{
	const struct kernel *kernel = state->tools->kernel;
	uint64_t regs = regs_around(state, fp), end = regs + kernel->members[KERNEL_PT_REGS].size_bytes;
	bool is_at_top = (STACK_BYTES - fp % STACK_BYTES) % STACK_BYTES < STACK_TOP_BYTES;
	struct cpulist_registers registers;
	struct error *err;

	// Where records have no marks zeros alone tell nothing.
	if (!is_marked && !is_at_top)
		return error_new(ERROR_BAD_DATA, "the frame records end at %#jx, where no stack ends", (uintmax_t)fp);
	*is_end_ret = true;
	if (!kernel_has(kernel, KERNEL_PT_REGS) || !kernel_has(kernel, KERNEL_PT_REGS_STACKFRAME) || end % STACK_BYTES)
		return NULL;
	err = read_registers(state, regs, &registers);
	error_free(err);
	// Of the first tasks nothing was ever saved there.
	if (err || !cpulist_is_user(&registers) ||
	    !(registers.values[CPULIST_ARM64_PC] | registers.values[CPULIST_ARM64_SP]))
		return NULL;
	state->registers = registers;
	state->is_user = true;
	*is_end_ret = false;
	return NULL;
}

// A record of zeros has a mark behind it, since Linux v6.13.
static struct error *read_mark(struct backtrace_state *state, bool *is_end_ret)
{
	struct cpulist_registers registers;
	uint64_t type = 0, fp = state->fp;
	struct error *err = vmemory_uint(state->tools->kernel->memory, fp + RECORD_BYTES, WORD_BYTES, &type);

	if (err)
		return err;
	if (type == META_FINAL)
		return finish(state, fp, true, is_end_ret);
	if (type != META_REGS)
		return error_new(ERROR_BAD_DATA, "the frame record at %#jx has no meaning", (uintmax_t)fp);
	err = read_registers(state, regs_around(state, fp), &registers);
	if (!err)
		resume(state, &registers);
	return err;
}

// Until then the record in struct pt_regs is as any other: its words are those of two registers.
static bool is_of_exception(const struct backtrace_state *state, uint64_t next, uint64_t back,
                            struct cpulist_registers *ret)
{
	struct error *err;

	if (!kernel_has(state->tools->kernel, KERNEL_PT_REGS_STACKFRAME) ||
	    kernel_has(state->tools->kernel, KERNEL_FRAME_META_TYPE))
		return false;
	err = read_registers(state, regs_around(state, state->fp), ret);
	error_free(err);
	return !err && ret->values[CPULIST_ARM64_FP] == next && ret->values[CPULIST_ARM64_PC] == back &&
	       !cpulist_is_user(ret);
}

static struct error *read_record(struct backtrace_state *state, bool *is_end_ret)
{
	struct cpulist_registers registers;
	uint64_t next = 0, back = 0;
	struct error *err = enter(state, state->fp);

	if (!err)
		err = word(state, state->fp, &next);
	if (!err)
		err = word(state, state->fp + WORD_BYTES, &back);
	if (err)
		return err;
	if (!next && !back && kernel_has(state->tools->kernel, KERNEL_FRAME_META_TYPE))
		return read_mark(state, is_end_ret);
	if (is_of_exception(state, next, back, &registers)) {
		resume(state, &registers);
		return NULL;
	}
	back = plain(state, back);
	// What started the first task of a CPU was no function: until Linux v5.13 its address is there.
	if (!next && !symbols_is_text(state->tools->symbols, back))
		return finish(state, state->fp, false, is_end_ret);
	if (!back)
		return error_new(ERROR_BAD_DATA, "the frame record at %#jx has no address", (uintmax_t)state->fp);
	state->ip = back;
	// A function's own record is where its frame begins; the first one has none perhaps.
	state->sp = next ? next : state->fp + RECORD_BYTES;
	state->fp = next;
	state->is_exact = false;
	state->has_registers = false;
	return NULL;
}

static struct error *step(struct backtrace_state *state, bool *is_end_ret, bool *is_found_ret)
{
	*is_end_ret = false;
	*is_found_ret = false;
	if (state->is_exact && state->has_registers && is_in_link_register(state)) {
		state->ip = plain(state, state->registers.values[CPULIST_ARM64_LR]);
		state->sp = state->fp ? state->fp : state->sp;
		state->is_exact = false;
		state->has_registers = false;
		return NULL;
	}
	if (state->fp)
		return read_record(state, is_end_ret);
	// Until Linux v5.13 threads of the kernel have no record of their begin, and new tasks none at all.
	*is_end_ret = true;
	return state->piece_count ? finish(state, state->pieces[state->piece_count - 1].last, false, is_end_ret) : NULL;
}

// arch/arm64/kernel/entry.S: cpu_switch_to().
static struct error *start_blocked(struct backtrace_state *state, uint64_t vaddr)
{
	static const enum kernel_member needed[] = {
		KERNEL_TASK_THREAD,    KERNEL_THREAD_CPU_CONTEXT, KERNEL_CPU_CONTEXT_FP,
		KERNEL_CPU_CONTEXT_SP, KERNEL_CPU_CONTEXT_PC,
	};
	struct kernel *kernel = state->tools->kernel;
	struct error *err = kernel_need(kernel, needed, array_size(needed));
	uint64_t context;

	if (err)
		return err;
	context = kernel_at(kernel, kernel_at(kernel, vaddr, KERNEL_TASK_THREAD), KERNEL_THREAD_CPU_CONTEXT);
	err = kernel_get(kernel, context, KERNEL_CPU_CONTEXT_FP, &state->fp);
	if (!err)
		err = kernel_get(kernel, context, KERNEL_CPU_CONTEXT_SP, &state->sp);
	if (!err)
		err = kernel_get(kernel, context, KERNEL_CPU_CONTEXT_PC, &state->ip);
	// A task that never ran goes on at the begin of this function.
	state->is_exact = !err && state->ip == kernel->symbols[KERNEL_RET_FROM_FORK];
	return err;
}

const struct backtrace_machine backtrace_records = {
	.elf_machine = EM_AARCH64,
	.prepare = prepare,
	.start_blocked = start_blocked,
	.step = step,
};
