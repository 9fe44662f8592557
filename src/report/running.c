// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/running.h"

#include <string.h>

#include "report/cpulist.h"

enum {
	// Sizes of stacks: 4 pages and 16 KiB at least, twice that with KASAN; each begins at a multiple of its own.
	STACK_BYTES_MIN = 16 << 10,
	STACK_BYTES_MAX = 128 << 10,
};

// The task whose stack an address is in; 0: none.
static uint64_t task_of_stack(const struct backtrace_tools *tools, const struct threads *threads, uint64_t sp)
{
	for (size_t i = 0; i < threads->count; i++) {
		uint64_t stack = 0;
		struct error *err = kernel_get(tools->kernel, threads->list[i], KERNEL_TASK_STACK, &stack);

		error_free(err);
		if (err || !stack || sp < stack || sp - stack >= STACK_BYTES_MAX)
			continue;
		for (uint64_t bytes = STACK_BYTES_MIN; bytes <= STACK_BYTES_MAX; bytes *= 2)
			if (stack == sp / bytes * bytes)
				return threads->list[i];
	}
	return 0;
}

static bool is_crash(const struct backtrace_tools *tools, const struct backtrace_frame *frame)
{
	static const char *const names[] = {"panic", "vpanic", "crash_kexec", "__crash_kexec"};
	struct symbols_place place;

	backtrace_place(tools, frame, &place);
	for (size_t i = 0; i < array_size(names); i++)
		if (strcmp(place.name, names[i]) == 0)
			return true;
	return false;
}

static void find_of_cpu(const struct backtrace_tools *tools, struct threads *threads, uint32_t cpu, struct running *ret)
{
	struct cpulist_registers registers;
	struct backtrace trace;
	struct error *err = cpulist_registers(tools->kernel, cpu, &registers);

	error_free(err);
	if (err)
		return;
	backtrace_registers(tools, &registers, &trace);
	// The first functions of a task are on its own stack, whatever interrupted it.
	for (size_t i = trace.count; i-- && !threads->active[cpu];)
		threads->active[cpu] = task_of_stack(tools, threads, trace.frames[i].sp - 1);
	for (size_t i = 0; i < trace.count && !ret->is_crashed_known; i++) {
		if (!is_crash(tools, &trace.frames[i]))
			continue;
		ret->is_crashed_known = true;
		ret->crashed_cpu = cpu;
	}
}

void running_find(const struct backtrace_tools *tools, struct threads *threads, struct running *ret)
{
	*ret = (struct running){0};
	for (uint32_t cpu = 0; cpu < threads->cpu_count && threads->active; cpu++)
		find_of_cpu(tools, threads, cpu, ret);
}
