// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/backtrace.h"

#include "core/arch.h"
#include "report/backtrace_steps.h"

static const struct backtrace_machine *const machines[] = {&backtrace_orc, &backtrace_records};

static struct error *start(const struct backtrace_tools *tools, struct backtrace_state *ret,
                           const struct backtrace_machine **machine_ret)
{
	uint16_t elf_machine = tools->kernel->core->arch->elf_machine;

	*ret = (struct backtrace_state){.tools = tools, .registers.machine = cpulist_machine(elf_machine)};
	for (size_t i = 0; i < array_size(machines) && ret->registers.machine; i++) {
		if (machines[i]->elf_machine != elf_machine)
			continue;
		if (machines[i]->prepare)
			machines[i]->prepare(ret);
		*machine_ret = machines[i];
		return NULL;
	}
	return error_new(ERROR_UNSUPPORTED, "stacks of this machine are not known yet");
}

static void add(struct backtrace *trace, const struct backtrace_state *state, bool is_found)
{
	trace->frames[trace->count++] = (struct backtrace_frame){
		.ip = state->ip,
		.sp = state->sp,
		.is_exact = state->is_exact,
		.is_found = is_found,
	};
}

static void run(const struct backtrace_machine *machine, struct backtrace_state *state, struct backtrace *trace)
{
	struct error *err = NULL;
	bool is_end = false, is_found = false;

	while (!err && trace->count < BACKTRACE_FRAMES_MAX) {
		uint64_t ip = state->ip, sp = state->sp;

		add(trace, state, is_found);
		err = machine->step(state, &is_end, &is_found);
		if (err || is_end)
			break;
		if (state->is_user) {
			trace->is_user = true;
			trace->user_ip = state->registers.values[state->registers.machine->ip];
			break;
		}
		if (!state->ip)
			break;
		if (state->ip == ip && state->sp == sp)
			err = error_new(ERROR_BAD_DATA, "the stack leads to itself");
		else if (state->ip < state->tools->kernel->xlat.vaddr_min)
			err = error_new(ERROR_BAD_DATA, "%#jx is no address of the kernel", (uintmax_t)state->ip);
	}
	if (!err && trace->count == BACKTRACE_FRAMES_MAX && !is_end && !trace->is_user)
		err = error_new(ERROR_BAD_DATA, "there are more frames than %d", BACKTRACE_FRAMES_MAX);
	kernel_explain(trace->why, err);
}

static void clear(struct backtrace *trace)
{
	trace->count = 0;
	trace->is_user = false;
	trace->user_ip = 0;
	trace->is_from_outside = false;
	trace->why[0] = '\0';
}

void backtrace_registers(const struct backtrace_tools *tools, const struct cpulist_registers *registers,
                         struct backtrace *ret)
{
	const struct cpulist_machine *layout = registers->machine;
	const struct backtrace_machine *machine = NULL;
	struct backtrace_state state;
	struct error *err = start(tools, &state, &machine);

	clear(ret);
	ret->is_from_outside = registers->is_from_outside;
	ret->is_user = cpulist_is_user(registers);
	ret->user_ip = ret->is_user ? registers->values[layout->ip] : 0;
	if (err || ret->is_user) {
		kernel_explain(ret->why, err);
		return;
	}
	state.ip = registers->values[layout->ip];
	state.sp = registers->values[layout->sp];
	state.fp = registers->values[layout->fp];
	state.is_exact = true;
	state.registers = *registers;
	state.has_registers = true;
	run(machine, &state, ret);
}

void backtrace_blocked(const struct backtrace_tools *tools, uint64_t vaddr, struct backtrace *ret)
{
	const struct backtrace_machine *machine = NULL;
	struct backtrace_state state;
	uint64_t stack = 0;
	struct error *err = start(tools, &state, &machine);

	clear(ret);
	if (!err)
		err = kernel_get(tools->kernel, vaddr, KERNEL_TASK_STACK, &stack);
	if (!err && !stack)
		err = error_new(ERROR_UNSUPPORTED, "it has ended, and its stack was given back");
	if (!err)
		err = machine->start_blocked(&state, vaddr);
	if (err)
		kernel_explain(ret->why, err);
	else
		run(machine, &state, ret);
}

void backtrace_task(const struct backtrace_tools *tools, const struct threads *threads, uint64_t vaddr,
                    struct backtrace *ret)
{
	struct cpulist_registers registers;
	struct error *err;
	uint32_t cpu = 0;

	if (!threads_is_active(threads, vaddr, &cpu)) {
		backtrace_blocked(tools, vaddr, ret);
		return;
	}
	err = cpulist_registers(tools->kernel, cpu, &registers);
	clear(ret);
	if (err)
		kernel_explain(ret->why, err);
	else
		backtrace_registers(tools, &registers, ret);
}

void backtrace_place(const struct backtrace_tools *tools, const struct backtrace_frame *frame,
                     struct symbols_place *ret)
{
	// What is behind the last call of a function may be another function.
	uint64_t before = frame->is_exact ? 0 : 1;

	symbols_find(tools->symbols, frame->ip - before, ret);
	ret->offset_bytes += ret->name[0] ? before : 0;
}
