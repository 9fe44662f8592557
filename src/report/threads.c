// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/threads.h"

#include <stdlib.h>
#include <string.h>

#include "report/cpulist.h"

// While tasks are found: those that were met already are known by a table in which each is near the place that its address gives.
struct search {
	struct threads *threads;
	size_t most;
	size_t room; // A power of two, more than twice the number of tasks.
	uint64_t *known;
	bool is_failed; // No memory.
	bool is_full;
};

static size_t place(const struct search *search, uint64_t vaddr)
{
	size_t at = (size_t)(vaddr >> 6 ^ vaddr >> 17) & (search->room - 1);

	while (search->known[at] && search->known[at] != vaddr)
		at = (at + 1) & (search->room - 1);
	return at;
}

static bool grow(struct search *search)
{
	struct threads *threads = search->threads;
	size_t room = search->room ? 2 * search->room : 512;
	uint64_t *known = calloc(room, sizeof(*known)), *list;

	if (!known)
		return false;
	free(search->known);
	search->known = known;
	search->room = room;
	list = reallocarray(threads->list, room / 2, sizeof(*list));
	if (!list)
		return false;
	threads->list = list;
	for (size_t i = 0; i < threads->count; i++)
		known[place(search, list[i])] = list[i];
	return true;
}

static void take(struct search *search, uint64_t vaddr)
{
	struct threads *threads = search->threads;
	size_t at;

	if (search->is_failed || search->is_full || !vaddr)
		return;
	if (threads->count >= search->room / 2 && !grow(search)) {
		search->is_failed = true;
		return;
	}
	at = place(search, vaddr);
	if (search->known[at])
		return;
	if (threads->count >= search->most) {
		search->is_full = true;
		return;
	}
	search->known[at] = vaddr;
	threads->list[threads->count++] = vaddr;
}

static void take_task(void *context, const struct tasks_task *task)
{
	take(context, task->vaddr);
}

static struct error *walk(struct search *search, struct kernel *kernel)
{
	static const enum kernel_member needed[] = {
		KERNEL_TASK_TASKS,  KERNEL_TASK_COMM,        KERNEL_TASK_PID,           KERNEL_TASK_MM,
		KERNEL_TASK_SIGNAL, KERNEL_TASK_THREAD_NODE, KERNEL_SIGNAL_THREAD_HEAD,
	};
	struct tasks tasks = {
		.xlat = &kernel->xlat,
		.init_task_vaddr = kernel->symbols[KERNEL_INIT_TASK],
		.tasks_offset = kernel->members[KERNEL_TASK_TASKS].offset_bytes,
		.name_offset = kernel->members[KERNEL_TASK_COMM].offset_bytes,
		.pid_offset = kernel->members[KERNEL_TASK_PID].offset_bytes,
		.mm_offset = kernel->members[KERNEL_TASK_MM].offset_bytes,
		.signal_offset = kernel->members[KERNEL_TASK_SIGNAL].offset_bytes,
		.thread_node_offset = kernel->members[KERNEL_TASK_THREAD_NODE].offset_bytes,
		.thread_head_offset = kernel->members[KERNEL_SIGNAL_THREAD_HEAD].offset_bytes,
		.pgd_offset = kernel->members[KERNEL_MM_PGD].offset_bytes,
	};
	struct error *err = kernel_need(kernel, needed, array_size(needed));

	if (err)
		return err;
	if (!tasks.init_task_vaddr && !tasks_find_first(&tasks, kernel->core, &kernel->reader))
		return error_new(ERROR_UNSUPPORTED,
		                 "the first task is neither in the kernel's symbols nor in its memory");
	take(search, tasks.init_task_vaddr);
	err = tasks_walk(&tasks, &kernel->reader, take_task, search);
	if (!err && search->is_failed)
		err = error_new(ERROR_NOMEM, "no memory for all tasks");
	if (!err && search->is_full)
		err = error_new(ERROR_BAD_DATA, "only the first %zu tasks", search->most);
	return err;
}

void threads_init(struct threads *ret, struct kernel *kernel, size_t most)
{
	struct search search = {.threads = ret, .most = most};

	*ret = (struct threads){.cpu_count = kernel->cpu_count};
	ret->active = calloc(kernel->cpu_count, sizeof(*ret->active));
	for (uint32_t cpu = 0; cpu < kernel->cpu_count && ret->active; cpu++) {
		uint64_t idle = 0;

		if (!kernel_cpu_is_in(kernel, KERNEL_CPU_POSSIBLE_MASK, cpu))
			continue;
		error_free(cpulist_current(kernel, cpu, &ret->active[cpu]));
		error_free(cpulist_idle(kernel, cpu, &idle));
		take(&search, idle);
	}
	kernel_explain(ret->why, walk(&search, kernel));
	// A task that a CPU runs may be in no list any more.
	for (uint32_t cpu = 0; cpu < kernel->cpu_count && ret->active; cpu++)
		take(&search, ret->active[cpu]);
	free(search.known);
}

void threads_deinit(struct threads *threads)
{
	free(threads->list);
	free(threads->active);
}

bool threads_is_active(const struct threads *threads, uint64_t vaddr, uint32_t *cpu_ret)
{
	for (uint32_t cpu = 0; cpu < threads->cpu_count && threads->active; cpu++) {
		if (threads->active[cpu] != vaddr)
			continue;
		*cpu_ret = cpu;
		return true;
	}
	return false;
}

// include/linux/sched.h. Bits without a name of their own, as TASK_FREEZABLE, say nothing of why a task waits.
static const char *state_name(uint64_t state, uint64_t exit_state)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {{1, "IN"},    {2, "UN"},    {4, "ST"},     {8, "TR"},
	             {0x40, "PA"}, {0x80, "DE"}, {0x200, "WA"}, {0x800, "NE"}};
	// Linux v6.1 has TASK_FROZEN, PREEMPT_RT TASK_RTLOCK_WAIT: the kernel itself (__task_state_index()) calls both
	// uninterruptible. No such bit of an older kernel stands alone.
	enum {
		EXIT_DEAD = 16,
		EXIT_ZOMBIE = 32,
		UNINTERRUPTIBLE = 2,
		NOLOAD = 0x400,
		RTLOCK_WAIT = 0x1000,
		FROZEN = 0x8000
	};

	if (exit_state & EXIT_ZOMBIE)
		return "ZO";
	if (exit_state & EXIT_DEAD)
		return "DE";
	if (state & UNINTERRUPTIBLE && state & NOLOAD)
		return "ID";
	for (size_t i = 0; i < array_size(names); i++)
		if (state & names[i].bit)
			return names[i].name;
	if (state & (RTLOCK_WAIT | FROZEN))
		return "UN";
	return state ? "??" : "RU";
}

static struct error *read_state(struct kernel *kernel, struct threads_task *task)
{
	uint64_t state = 0, exit_state = 0;
	struct error *err =
		kernel_get(kernel, task->vaddr,
	                   kernel_has(kernel, KERNEL_TASK___STATE) ? KERNEL_TASK___STATE : KERNEL_TASK_STATE, &state);

	if (!err)
		err = kernel_get(kernel, task->vaddr, KERNEL_TASK_EXIT_STATE, &exit_state);
	memcpy(task->state, err ? "??" : state_name(state, exit_state), sizeof(task->state));
	return err;
}

static struct error *read_cpu(struct kernel *kernel, struct threads_task *task)
{
	uint64_t cpu = 0;
	struct error *err;

	// struct thread_info is the first member of struct task_struct.
	err = kernel_get(kernel, task->vaddr,
	                 kernel_has(kernel, KERNEL_TASK_CPU) ? KERNEL_TASK_CPU : KERNEL_THREAD_INFO_CPU, &cpu);
	task->cpu = (uint32_t)cpu;
	return err;
}

// What cannot be read behind a damaged pointer costs no more than that.
static void read_relatives(struct kernel *kernel, struct threads_task *task)
{
	uint64_t parent = 0, pid = 0;
	struct error *err = kernel_get(kernel, task->vaddr, KERNEL_TASK_PARENT, &parent);

	if (!err)
		err = kernel_get(kernel, parent, KERNEL_TASK_PID, &pid);
	error_free(err);
	task->ppid = (uint32_t)pid;
	if (task->mm_vaddr)
		error_free(kernel_get(kernel, task->mm_vaddr, KERNEL_MM_TOTAL_VM, &task->total_pages));
}

struct error *threads_read(const struct threads *threads, struct kernel *kernel, uint64_t vaddr,
                           struct threads_task *ret)
{
	struct threads_task task = {.vaddr = vaddr};
	uint64_t pid = 0, tgid = 0;
	struct error *err = kernel_get(kernel, vaddr, KERNEL_TASK_PID, &pid);

	if (!err)
		err = kernel_get(kernel, vaddr, KERNEL_TASK_TGID, &tgid);
	if (!err)
		err = kernel_get(kernel, vaddr, KERNEL_TASK_MM, &task.mm_vaddr);
	if (!err)
		err = vmemory_text(kernel->memory, kernel_at(kernel, vaddr, KERNEL_TASK_COMM), task.name,
		                   sizeof(task.name));
	if (!err)
		err = read_state(kernel, &task);
	if (!err)
		err = read_cpu(kernel, &task);
	if (err)
		return error_wrap(err, "task at %#jx", (uintmax_t)vaddr);
	task.pid = (uint32_t)pid;
	task.tgid = (uint32_t)tgid;
	read_relatives(kernel, &task);
	task.is_active = threads_is_active(threads, vaddr, &task.cpu);
	*ret = task;
	return NULL;
}
