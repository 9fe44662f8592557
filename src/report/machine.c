// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/machine.h"

#include <stdlib.h>

#include "report/cpulist.h"

struct error *machine_open(const struct vmcore *core, size_t most_tasks, struct machine **ret)
{
	_cleanup_(machine_closep) struct machine *machine = calloc(1, sizeof(*machine));
	struct error *err;

	if (!machine)
		return error_new(ERROR_NOMEM, "out of memory");
	err = kernel_open(core, &machine->kernel);
	if (err)
		return err;
	modlist_init(&machine->modules, machine->kernel);
	err = symbols_create(machine->kernel, &machine->modules, &machine->symbols);
	if (err)
		return err;
	orc_init(&machine->orc, machine->kernel);
	threads_init(&machine->threads, machine->kernel, most_tasks);
	if (!kernel_has_symbol(machine->kernel, KERNEL_RUNQUEUES)) {
		struct backtrace_tools tools = machine_tools(machine);

		running_find(&tools, &machine->threads, &machine->running);
	}
	*ret = take_ptr(machine);
	return NULL;
}

void machine_close(struct machine *machine)
{
	if (!machine)
		return;
	threads_deinit(&machine->threads);
	symbols_destroy(machine->symbols);
	modlist_deinit(&machine->modules);
	kernel_close(machine->kernel);
	free(machine);
}

struct backtrace_tools machine_tools(const struct machine *machine)
{
	return (struct backtrace_tools){machine->kernel, machine->symbols, &machine->orc};
}

struct error *machine_current(const struct machine *machine, uint32_t cpu, uint64_t *ret)
{
	const struct threads *threads = &machine->threads;

	if (kernel_has_symbol(machine->kernel, KERNEL_RUNQUEUES) || cpu >= threads->cpu_count || !threads->active ||
	    !threads->active[cpu])
		return cpulist_current(machine->kernel, cpu, ret);
	*ret = threads->active[cpu];
	return NULL;
}

struct error *machine_crashed(const struct machine *machine, uint32_t *cpu_ret, uint64_t *vaddr_ret)
{
	uint32_t cpu;
	struct error *err = cpulist_crashed(machine->kernel, &cpu);

	if (err && machine->running.is_crashed_known) {
		error_free(err);
		err = NULL;
		cpu = machine->running.crashed_cpu;
	}
	if (err)
		return err;
	*cpu_ret = cpu;
	return machine_current(machine, cpu, vaddr_ret);
}

struct error *machine_task(const struct machine *machine, uint32_t pid, struct threads_task *ret)
{
	const struct threads *threads = &machine->threads;

	for (size_t i = 0; i < threads->count; i++) {
		struct error *err = threads_read(threads, machine->kernel, threads->list[i], ret);

		error_free(err);
		if (!err && ret->pid == pid)
			return NULL;
	}
	return error_new(ERROR_BAD_DATA, "there is no task %u%s%s", pid, threads->why[0] ? ": not all are known: " : "",
	                 threads->why);
}
