// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/tasks.h"

#include <string.h>

#include "core/btf.h"
#include "core/imagesearch.h"
#include "core/kallsyms.h"
#include "core/vmemory.h"

enum {
	// include/linux/threads.h: PID_MAX_LIMIT, the most tasks there are. Each is met up to four times: processes are threads of
	// their own, and damaged lists are followed from both ends.
	TASKS_MAX = 4 << 20,
	STEPS_MAX = 4 * TASKS_MAX,
	// struct list_head
	LIST_NEXT = 0,
	LIST_PREV = 8,
};

// Where init_task is searched.
struct init_search {
	struct tasks *tasks;
	struct vmreader *reader;
};

// The task with number 0, without memory of its own, in the list of all: that is the first task, or an idle task of another CPU,
// which is in no list.
static bool is_init_task(void *context, uint64_t name_vaddr)
{
	const struct init_search *search = context;
	struct tasks *tasks = search->tasks;
	uint64_t vaddr = name_vaddr - tasks->name_offset, node = vaddr + tasks->tasks_offset;
	uint64_t pid = 0, mm = 0, next = 0, prev = 0;
	struct error *err = xlat_read_uint(tasks->xlat, search->reader, vaddr + tasks->pid_offset, 4, &pid);

	if (!err)
		err = xlat_read_uint(tasks->xlat, search->reader, vaddr + tasks->mm_offset, 8, &mm);
	if (!err)
		err = xlat_read_uint(tasks->xlat, search->reader, node + LIST_NEXT, 8, &next);
	if (!err)
		err = xlat_read_uint(tasks->xlat, search->reader, next + LIST_PREV, 8, &prev);
	error_free(err);
	if (err || pid || mm || prev != node)
		return false;
	tasks->init_task_vaddr = vaddr;
	return true;
}

bool tasks_find_first(struct tasks *tasks, const struct vmcore *core, struct vmreader *reader)
{
	struct init_search search = {tasks, reader};

	// include/linux/init_task.h: INIT_TASK_COMM.
	return imagesearch(core, tasks->xlat, reader, "swapper", strlen("swapper"), is_init_task, &search);
}

struct error *tasks_init(struct tasks *ret, const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader)
{
	struct tasks tasks = {.xlat = xlat};
	struct btf_query queries[] = {
		{.type = "task_struct", .member = "tasks"},
		{.type = "task_struct", .member = "comm"},
		{.type = "task_struct", .member = "pid"},
		{.type = "task_struct", .member = "mm"},
		{.type = "task_struct", .member = "signal"},
		// Since Linux kernel commit 0c740d0afc3b ("introduce for_each_thread() to replace the buggy
		// while_each_thread()") (in v3.14); BTF is younger.
		{.type = "task_struct", .member = "thread_node"},
		{.type = "signal_struct", .member = "thread_head"},
		{.type = "mm_struct", .member = "pgd"},
	};
	uint64_t *const offsets[array_size(queries)] = {
		&tasks.tasks_offset,  &tasks.name_offset,        &tasks.pid_offset,         &tasks.mm_offset,
		&tasks.signal_offset, &tasks.thread_node_offset, &tasks.thread_head_offset, &tasks.pgd_offset,
	};
	struct kallsyms_query symbol = {.name = "init_task"};
	_cleanup_(kallsyms_destroyp) struct kallsyms *syms = NULL;
	struct error *err = kallsyms_create(core, xlat, reader, &syms);

	if (!err)
		err = kallsyms_lookup(syms, reader, &symbol, 1);
	if (!err)
		err = btf_lookup(core, xlat, syms, reader, queries, array_size(queries));
	for (size_t i = 0; !err && i < array_size(queries); i++) {
		if (!queries[i].is_found)
			err = error_new(ERROR_UNSUPPORTED, "BTF lacks %s.%s", queries[i].type, queries[i].member);
		*offsets[i] = queries[i].offset_bytes;
	}
	if (err)
		return err;
	tasks.init_task_vaddr = symbol.vaddr;
	if (!symbol.is_found && !tasks_find_first(&tasks, core, reader))
		return error_new(ERROR_UNSUPPORTED,
		                 "init_task is neither in the kernel's symbols nor found in its memory");
	*ret = tasks;
	return NULL;
}

// A walk over all lists.
struct walk {
	const struct tasks *tasks;
	struct vmemory *memory; // Nodes of lists lie beside what is read of their tasks.
	void (*each)(void *context, const struct tasks_task *task);
	void *context;
	uint64_t steps_left;
	struct error *first; // What was wrong first.
};

static void note(struct walk *walk, struct error *err)
{
	if (walk->first)
		error_free(err);
	else
		walk->first = err;
}

static void visit(struct walk *walk, uint64_t task_vaddr)
{
	const struct tasks *tasks = walk->tasks;
	struct tasks_task task = {.vaddr = task_vaddr};
	uint64_t pid = 0;
	struct error *err =
		vmemory_read(walk->memory, task_vaddr + tasks->name_offset, task.name, sizeof(task.name) - 1);

	if (!err)
		err = vmemory_uint(walk->memory, task_vaddr + tasks->pid_offset, 4, &pid);
	if (!err)
		err = vmemory_uint(walk->memory, task_vaddr + tasks->mm_offset, 8, &task.mm_vaddr);
	if (err) {
		note(walk, error_wrap(err, "task at %#jx", (uintmax_t)task_vaddr));
		return;
	}
	task.pid = (uint32_t)pid;
	walk->each(walk->context, &task);
}

// Follows a list in one direction and calls a function for each node but the head. A list that leads into a circle without its
// head is noticed after at most three rounds (Brent's algorithm).
static struct error *follow(struct walk *walk, uint64_t head, uint64_t direction,
                            void (*each)(struct walk *walk, uint64_t node))
{
	uint64_t node = head, mark = head, since_mark = 0, power = 1;

	for (;;) {
		struct error *err = vmemory_uint(walk->memory, node + direction, 8, &node);

		if (err)
			return error_wrap(err, "list of tasks at %#jx", (uintmax_t)head);
		if (node == head)
			return NULL;
		if (node == mark || !walk->steps_left)
			return error_new(ERROR_BAD_DATA, "the list of tasks at %#jx has no end", (uintmax_t)head);
		walk->steps_left--;
		if (++since_mark == power) {
			mark = node;
			since_mark = 0;
			power *= 2;
		}
		each(walk, node);
	}
}

static void follow_both_ways(struct walk *walk, uint64_t head, void (*each)(struct walk *walk, uint64_t node))
{
	struct error *err = follow(walk, head, LIST_NEXT, each);

	if (!err)
		return;
	note(walk, err);
	error_free(follow(walk, head, LIST_PREV, each));
}

static void visit_thread(struct walk *walk, uint64_t node)
{
	visit(walk, node - walk->tasks->thread_node_offset);
}

static void visit_process(struct walk *walk, uint64_t node)
{
	const struct tasks *tasks = walk->tasks;
	uint64_t task_vaddr = node - tasks->tasks_offset, signal_vaddr;
	struct error *err;

	// It is in the list of its threads too, but that one may be damaged.
	visit(walk, task_vaddr);
	err = vmemory_uint(walk->memory, task_vaddr + tasks->signal_offset, 8, &signal_vaddr);
	if (err)
		note(walk, error_wrap(err, "task at %#jx", (uintmax_t)task_vaddr));
	else if (signal_vaddr)
		follow_both_ways(walk, signal_vaddr + tasks->thread_head_offset, visit_thread);
}

struct error *tasks_walk(const struct tasks *tasks, struct vmreader *reader,
                         void (*each)(void *context, const struct tasks_task *task), void *context)
{
	_cleanup_(vmemory_destroyp) struct vmemory *memory = NULL;
	struct walk walk = {
		.tasks = tasks,
		.each = each,
		.context = context,
		.steps_left = STEPS_MAX,
	};
	struct error *err = vmemory_create(tasks->xlat, reader, &memory);

	if (err)
		return err;
	walk.memory = memory;
	follow_both_ways(&walk, tasks->init_task_vaddr + tasks->tasks_offset, visit_process);
	return walk.first;
}

struct error *tasks_page_table(const struct tasks *tasks, struct vmreader *reader, uint64_t mm_vaddr, uint64_t *ret)
{
	uint64_t pgd_vaddr;
	struct error *err = xlat_read_uint(tasks->xlat, reader, mm_vaddr + tasks->pgd_offset, 8, &pgd_vaddr);

	return err ? err : xlat_translate(tasks->xlat, reader, pgd_vaddr, ret, NULL);
}
