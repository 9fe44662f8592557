// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/gdbthreads.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/cpulist.h"

// While the list is made.
struct search {
	struct gdbthreads *threads;
	const struct machine *machine;
	uint8_t *used; // Numbers that are given away, a bit each.
	uint32_t next_id; // Of those that have none of their own.
	size_t room;
};

static void add(struct search *search, uint64_t vaddr)
{
	struct gdbthreads *threads = search->threads;
	struct gdbthreads_thread *thread = &threads->list[threads->count];
	struct threads_task task;
	struct error *err = threads_read(&search->machine->threads, search->machine->kernel, vaddr, &task);

	if (err) {
		// One that cannot be read is still a thread: its memory may tell who looks at it more.
		task = (struct threads_task){.state = "??", .name = "?"};
		task.is_active = threads_is_active(&search->machine->threads, vaddr, &task.cpu);
		kernel_explain(threads->why, err);
	}
	*thread = (struct gdbthreads_thread){
		.task_vaddr = vaddr,
		.id = task.pid,
		.cpu = task.cpu,
		.is_active = task.is_active,
	};
	memcpy(thread->state, task.state, sizeof(thread->state));
	memcpy(thread->name, task.name, sizeof(thread->name));
	if (!task.pid || task.pid > GDBTHREADS_PID_MAX || search->used[task.pid / 8] >> task.pid % 8 & 1)
		thread->id = search->next_id++;
	else
		search->used[task.pid / 8] |= (uint8_t)(1U << task.pid % 8);
	threads->count++;
}

static void add_tasks(struct search *search, uint64_t crashed)
{
	const struct threads *tasks = &search->machine->threads;
	size_t left = search->room;
	uint32_t cpu;

	if (crashed && left--)
		add(search, crashed);
	// First those that CPUs were running, in the order of the CPUs, then the others.
	for (cpu = 0; cpu < tasks->cpu_count && tasks->active && left; cpu++) {
		uint32_t first = cpu;

		if (!tasks->active[cpu] || tasks->active[cpu] == crashed)
			continue;
		// Damaged memory may say that two CPUs run the same task.
		threads_is_active(tasks, tasks->active[cpu], &first);
		if (first == cpu && left--)
			add(search, tasks->active[cpu]);
	}
	for (size_t i = 0; i < tasks->count && left; i++)
		if (tasks->list[i] != crashed && !threads_is_active(tasks, tasks->list[i], &cpu) && left--)
			add(search, tasks->list[i]);
}

// What is known without tasks: registers. The first CPU is there in any case.
static void add_cpus(struct search *search)
{
	struct kernel *kernel = search->machine->kernel;
	struct gdbthreads *threads = search->threads;

	for (uint32_t cpu = 0; cpu < kernel->cpu_count && threads->count < search->room; cpu++) {
		struct gdbthreads_thread *thread = &threads->list[threads->count];
		uint64_t words[1];
		struct error *err = cpulist_words(kernel, cpu, words, 1);

		error_free(err);
		if (err && cpu)
			continue;
		*thread = (struct gdbthreads_thread){
			.id = search->next_id++, .cpu = cpu, .is_active = true, .state = "??"};
		snprintf(thread->name, sizeof(thread->name), "CPU %u", cpu);
		threads->count++;
	}
}

struct error *gdbthreads_init(struct gdbthreads *ret, const struct machine *machine)
{
	const struct threads *tasks = &machine->threads;
	struct search search = {.threads = ret, .machine = machine, .next_id = GDBTHREADS_PID_MAX + 1};
	uint64_t crashed = 0;
	uint32_t cpu = 0;

	*ret = (struct gdbthreads){.count = 0};
	memcpy(ret->why, tasks->why, sizeof(ret->why));
	// Those that are running are in the list of all.
	search.room = tasks->count ? tasks->count : machine->kernel->cpu_count;
	if (search.room > GDBTHREADS_MAX) {
		search.room = GDBTHREADS_MAX;
		snprintf(ret->why, sizeof(ret->why), "only the first %d tasks", GDBTHREADS_MAX);
	}
	ret->list = calloc(search.room, sizeof(*ret->list));
	search.used = calloc(GDBTHREADS_PID_MAX / 8 + 1, 1);
	if (!ret->list || !search.used) {
		free(search.used);
		return error_new(ERROR_NOMEM, "no memory for the list of threads");
	}
	error_free(machine_crashed(machine, &cpu, &crashed));
	if (tasks->count)
		add_tasks(&search, crashed);
	else
		add_cpus(&search);
	free(search.used);
	return NULL;
}

void gdbthreads_deinit(struct gdbthreads *threads)
{
	free(threads->list);
}

const struct gdbthreads_thread *gdbthreads_find(const struct gdbthreads *threads, uint64_t id)
{
	for (size_t i = 0; i < threads->count; i++)
		if (threads->list[i].id == id)
			return &threads->list[i];
	return NULL;
}

void gdbthreads_text(const struct gdbthreads_thread *thread, char text[GDBTHREADS_TEXT_BYTES])
{
	if (thread->task_vaddr)
		snprintf(text, GDBTHREADS_TEXT_BYTES, "%s%s, CPU %u, task 0x%016" PRIx64,
		         thread->is_active ? "running, " : "", thread->state, thread->cpu, thread->task_vaddr);
	else
		snprintf(text, GDBTHREADS_TEXT_BYTES, "no task is known");
}

static void put_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (strchr("<>&\"'", *text) || *text < ' ' || *text > '~')
			fprintf(out, "&#%u;", *text < ' ' || *text > '~' ? '?' : (unsigned int)*text);
		else
			putc(*text, out);
	}
}

void gdbthreads_describe(const struct gdbthreads *threads, FILE *out)
{
	char text[GDBTHREADS_TEXT_BYTES];

	fputs("<?xml version=\"1.0\"?>\n<threads>\n", out);
	for (size_t i = 0; i < threads->count; i++) {
		const struct gdbthreads_thread *thread = &threads->list[i];

		fprintf(out, "<thread id=\"%" PRIx32 "\" core=\"%u\" name=\"", thread->id, thread->cpu);
		put_escaped(thread->name, out);
		gdbthreads_text(thread, text);
		fputs("\">", out);
		put_escaped(text, out);
		fputs("</thread>\n", out);
	}
	fputs("</threads>\n", out);
}
