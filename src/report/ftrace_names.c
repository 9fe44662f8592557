// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_names.h"

#include <stdlib.h>
#include <string.h>

// While names are gathered; those that tracing kept come first, and count.
struct gathering {
	struct ftrace_names *names;
	struct ftrace_kernel *tables;
	size_t task_room, text_room;
};

static struct error *add_task(struct gathering *all, uint32_t pid, const char name[FTRACE_NAMES_TASK_BYTES])
{
	struct ftrace_names *names = all->names;
	struct ftrace_names_task *task;

	if (names->task_count == all->task_room) {
		size_t room = all->task_room ? all->task_room * 2 : 256;
		struct ftrace_names_task *tasks = reallocarray(names->tasks, room, sizeof(*tasks));

		if (!tasks)
			return error_new(ERROR_NOMEM, "no memory for names of tasks");
		names->tasks = tasks;
		all->task_room = room;
	}
	task = &names->tasks[names->task_count++];
	task->pid = pid;
	memcpy(task->name, name, sizeof(task->name));
	task->name[sizeof(task->name) - 1] = '\0';
	kernel_plain(task->name);
	return NULL;
}

static struct error *read_saved(struct gathering *all)
{
	struct ftrace_kernel *tables = all->tables;
	uint64_t variable = 0, saved = 0, pids = 0, count = 0, texts;
	struct error *err = ftrace_kernel_symbol(tables, FTRACE_KERNEL_SAVEDCMD, &variable);

	if (!err)
		err = ftrace_kernel_pointer(tables, variable, &saved);
	if (err || !saved)
		return err;
	err = ftrace_kernel_get(tables, saved, FTRACE_KERNEL_CMDLINES_PIDS, &pids);
	if (!err)
		err = ftrace_kernel_get(tables, saved, FTRACE_KERNEL_CMDLINES_NUM, &count);
	// A pointer, or an array at the end of the structure: Linux kernel commit 44dc5c41b5b1 ("tracing: Fix wasted memory in
	// saved_cmdlines logic") (in v6.8, and in older stable kernels).
	texts = ftrace_kernel_at(tables, saved, FTRACE_KERNEL_CMDLINES_TEXT);
	if (!err && tables->members[FTRACE_KERNEL_CMDLINES_TEXT].size_bytes == 8)
		err = ftrace_kernel_pointer(tables, texts, &texts);
	if (!err && count > FTRACE_NAMES_TASKS_MAX)
		err = error_new(ERROR_BAD_DATA, "%ju names of tasks", (uintmax_t)count);
	for (uint64_t i = 0; i < count && !err; i++) {
		char name[FTRACE_NAMES_TASK_BYTES];
		uint64_t pid = 0;

		err = vmemory_uint(tables->kernel->memory, pids + 4 * i, 4, &pid);
		// A place that was never used: NO_CMDLINE_MAP.
		if (err || pid == UINT32_MAX)
			continue;
		err = vmemory_read(tables->kernel->memory, texts + i * sizeof(name), name, sizeof(name));
		if (!err)
			err = add_task(all, (uint32_t)pid, name);
	}
	return err;
}

static struct error *read_tasks(struct gathering *all, const struct threads *threads)
{
	for (size_t i = 0; i < threads->count && i < FTRACE_NAMES_TASKS_MAX; i++) {
		struct kernel *kernel = all->tables->kernel;
		uint64_t pid = 0;
		char name[FTRACE_NAMES_TASK_BYTES];
		struct error *err = kernel_get(kernel, threads->list[i], KERNEL_TASK_PID, &pid);

		if (!err)
			err = vmemory_text(kernel->memory, kernel_at(kernel, threads->list[i], KERNEL_TASK_COMM), name,
			                   sizeof(name));
		if (!err && pid)
			err = add_task(all, (uint32_t)pid, name);
		if (err && err->code == ERROR_NOMEM)
			return err;
		error_free(err);
	}
	return NULL;
}

static int compare_tasks(const void *left, const void *right)
{
	const struct ftrace_names_task *a = left, *b = right;

	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

// Sorting keeps no order of equal ones: what tracing kept is merged with the rest when each is sorted.
static struct error *merge(struct ftrace_names *names, size_t saved_count)
{
	struct ftrace_names_task *merged;
	size_t a = 0, b = saved_count, count = 0;

	if (!names->task_count)
		return NULL;
	merged = calloc(names->task_count, sizeof(*merged));
	if (!merged)
		return error_new(ERROR_NOMEM, "no memory for names of tasks");
	qsort(names->tasks, saved_count, sizeof(*merged), compare_tasks);
	qsort(names->tasks + saved_count, names->task_count - saved_count, sizeof(*merged), compare_tasks);
	while (a < saved_count || b < names->task_count) {
		bool is_saved =
			b >= names->task_count || (a < saved_count && names->tasks[a].pid <= names->tasks[b].pid);
		const struct ftrace_names_task *next = &names->tasks[is_saved ? a++ : b++];

		if (!count || merged[count - 1].pid != next->pid)
			merged[count++] = *next;
	}
	free(names->tasks);
	names->tasks = merged;
	names->task_count = count;
	return NULL;
}

static struct error *add_text(struct gathering *all, uint64_t vaddr)
{
	struct ftrace_names *names = all->names;
	struct error *err;
	char *text;

	if (names->text_count >= FTRACE_NAMES_TEXTS_MAX)
		return error_new(ERROR_BAD_DATA, "only the first %d texts of trace_printk()", FTRACE_NAMES_TEXTS_MAX);
	if (names->text_count == all->text_room) {
		size_t room = all->text_room ? all->text_room * 2 : 64;
		struct ftrace_names_text *texts = reallocarray(names->texts, room, sizeof(*texts));

		if (!texts)
			return error_new(ERROR_NOMEM, "no memory for texts");
		names->texts = texts;
		all->text_room = room;
	}
	err = ftrace_kernel_lines_at(all->tables, vaddr, FTRACE_NAMES_TEXT_BYTES, &text);
	if (err)
		return err;
	names->texts[names->text_count++] = (struct ftrace_names_text){vaddr, text};
	return NULL;
}

// An array of pointers, in a section of its own.
static struct error *read_section(struct gathering *all, enum ftrace_kernel_symbol start_symbol,
                                  enum ftrace_kernel_symbol stop_symbol)
{
	uint64_t start = 0, stop = 0;
	struct error *err = ftrace_kernel_symbol(all->tables, start_symbol, &start);

	if (!err)
		err = ftrace_kernel_symbol(all->tables, stop_symbol, &stop);
	for (; !err && start < stop; start += 8) {
		uint64_t text = 0;

		err = ftrace_kernel_pointer(all->tables, start, &text);
		if (!err && text)
			err = add_text(all, text);
	}
	return err;
}

static struct error *read_module_texts(struct gathering *all)
{
	uint64_t head = all->tables->symbols[FTRACE_KERNEL_BPRINTK_MODULES], link = 0;
	struct error *err;

	if (!head || !ftrace_kernel_has(all->tables, FTRACE_KERNEL_PRINTK_LIST))
		return NULL;
	err = ftrace_kernel_pointer(all->tables, head, &link);
	while (!err && link != head) {
		uint64_t item = link - ftrace_kernel_at(all->tables, 0, FTRACE_KERNEL_PRINTK_LIST), text = 0;

		err = ftrace_kernel_get(all->tables, item, FTRACE_KERNEL_PRINTK_FMT, &text);
		// Each item takes one of the texts there may be, so that a list in a circle ends.
		if (!err)
			err = add_text(all, text);
		if (!err)
			err = ftrace_kernel_pointer(all->tables, link, &link);
	}
	return err;
}

// Keeps the first reason; NULL: there is memory for more.
static struct error *note(struct ftrace_names *names, struct error *err)
{
	if (err && err->code == ERROR_NOMEM)
		return err;
	if (err && !names->why[0])
		kernel_explain(names->why, err);
	else
		error_free(err);
	return NULL;
}

struct error *ftrace_names_init(struct ftrace_names *ret, struct ftrace_kernel *tables, const struct threads *threads)
{
	struct gathering all = {.names = ret, .tables = tables};
	size_t saved_count;
	struct error *err;

	*ret = (struct ftrace_names){0};
	err = note(ret, read_saved(&all));
	saved_count = ret->task_count;
	if (!err)
		err = note(ret, read_tasks(&all, threads));
	if (!err)
		err = merge(ret, saved_count);
	if (!err)
		err = note(ret, read_section(&all, FTRACE_KERNEL_BPRINTK_START, FTRACE_KERNEL_BPRINTK_STOP));
	if (!err)
		err = note(ret, read_module_texts(&all));
	if (!err)
		err = note(ret,
		           read_section(&all, FTRACE_KERNEL_TRACEPOINT_STR_START, FTRACE_KERNEL_TRACEPOINT_STR_STOP));
	return err;
}

void ftrace_names_deinit(struct ftrace_names *names)
{
	for (size_t i = 0; i < names->text_count; i++)
		free(names->texts[i].text);
	free(names->texts);
	free(names->tasks);
}

const char *ftrace_names_task(const struct ftrace_names *names, uint32_t pid)
{
	struct ftrace_names_task key = {.pid = pid};
	const struct ftrace_names_task *found;

	if (!pid)
		return "<idle>";
	found = names->task_count ? bsearch(&key, names->tasks, names->task_count, sizeof(key), compare_tasks) : NULL;
	return found ? found->name : "<...>";
}

const char *ftrace_names_text(const struct ftrace_names *names, uint64_t vaddr)
{
	for (size_t i = 0; i < names->text_count; i++)
		if (names->texts[i].vaddr == vaddr)
			return names->texts[i].text;
	return NULL;
}
