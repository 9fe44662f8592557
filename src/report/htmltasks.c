// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/htmltasks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/htmlout.h"

// While stacks are found: those that are the same are one. A table with room for twice as many as there can be.
struct search {
	struct htmltasks *tasks;
	uint32_t *known; // Number of a stack plus 1, near the place that its digest gives; 0: none.
	size_t budget; // Stacks that may still be unwound.
};

enum { KNOWN_ROOM = 2 * HTMLTASKS_STACKS_MAX };

static const struct {
	char name[3];
	const char *meaning;
} states[] = {
	{"RU", "running, or ready to"},
	{"UN", "waits, cannot be interrupted"},
	{"IN", "waits"},
	{"ID", "kernel, waits for work"},
	{"ST", "stopped"},
	{"TR", "traced"},
	{"ZO", "zombie"},
	{"DE", "dead"},
	{"PA", "parked"},
	{"WA", "waking"},
	{"NE", "new"},
	{"??", "of another state"},
};

static bool is_blocked(const struct threads_task *task)
{
	return strcmp(task->state, "UN") == 0 && !task->is_active;
}

static bool is_same(const struct htmltasks_stack *stack, const struct backtrace *trace)
{
	if (stack->count != trace->count || stack->is_user != trace->is_user || strcmp(stack->why, trace->why) != 0)
		return false;
	for (size_t i = 0; i < trace->count; i++)
		if (stack->frames[i].ip != trace->frames[i].ip ||
		    stack->frames[i].is_exact != trace->frames[i].is_exact)
			return false;
	return true;
}

static size_t place_of(const struct backtrace *trace)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < trace->count; i++)
		hash = (hash ^ trace->frames[i].ip) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(hash >> 40) % KNOWN_ROOM;
}

static struct error *find_stack(struct search *search, struct htmltasks_row *row)
{
	struct htmltasks *tasks = search->tasks;
	struct backtrace_tools tools = machine_tools(tasks->machine);
	struct htmltasks_stack *stack;
	struct backtrace trace;
	size_t at;

	backtrace_task(&tools, &tasks->machine->threads, row->task.vaddr, &trace);
	at = place_of(&trace);
	while (search->known[at] && !is_same(&tasks->stacks[search->known[at] - 1], &trace))
		at = (at + 1) % KNOWN_ROOM;
	if (!search->known[at]) {
		stack = &tasks->stacks[tasks->stack_count];
		stack->frames = malloc((trace.count + 1) * sizeof(*stack->frames));
		if (!stack->frames)
			return error_new(ERROR_NOMEM, "no memory for stacks");
		memcpy(stack->frames, trace.frames, trace.count * sizeof(*stack->frames));
		stack->count = trace.count;
		stack->is_user = trace.is_user;
		memcpy(stack->why, trace.why, sizeof(stack->why));
		search->known[at] = (uint32_t)++tasks->stack_count;
	}
	row->stack = search->known[at];
	stack = &tasks->stacks[row->stack - 1];
	stack->tasks++;
	stack->blocked += is_blocked(&row->task);
	return NULL;
}

// Stacks of those that are blocked, or of the others.
static struct error *find_stacks(struct search *search, bool are_blocked)
{
	struct htmltasks *tasks = search->tasks;
	struct error *err = NULL;

	for (size_t i = 0; i < tasks->row_count && search->budget && !err; i++) {
		if (is_blocked(&tasks->rows[i].task) != are_blocked)
			continue;
		search->budget--;
		err = find_stack(search, &tasks->rows[i]);
	}
	return err;
}

struct error *htmltasks_init(struct htmltasks *ret, const struct machine *machine)
{
	const struct threads *threads = &machine->threads;
	size_t room = threads->count < HTMLTASKS_ROWS_MAX ? threads->count : HTMLTASKS_ROWS_MAX;
	_cleanup_free_ uint32_t *known = calloc(KNOWN_ROOM, sizeof(*known));
	struct search search = {.tasks = ret, .known = known, .budget = HTMLTASKS_STACKS_MAX};
	struct error *err;

	*ret = (struct htmltasks){.machine = machine, .left_out = threads->count - room};
	ret->rows = calloc(room + 1, sizeof(*ret->rows));
	ret->stacks = calloc(HTMLTASKS_STACKS_MAX, sizeof(*ret->stacks));
	if (!known || !ret->rows || !ret->stacks)
		return error_new(ERROR_NOMEM, "no memory for tasks");
	for (size_t i = 0; i < room; i++) {
		err = threads_read(threads, machine->kernel, threads->list[i], &ret->rows[ret->row_count].task);
		ret->row_count += !err;
		ret->unreadable += !!err;
		error_free(err);
	}
	err = find_stacks(&search, true);
	return err ? err : find_stacks(&search, false);
}

void htmltasks_deinit(struct htmltasks *tasks)
{
	for (size_t i = 0; i < tasks->stack_count; i++)
		free(tasks->stacks[i].frames);
	free(tasks->stacks);
	free(tasks->rows);
}

static void put_counts(const struct htmltasks *tasks, FILE *out)
{
	fputs("<ul class=\"counts\">\n", out);
	for (size_t s = 0; s < array_size(states); s++) {
		size_t count = 0;

		for (size_t i = 0; i < tasks->row_count; i++)
			count += strcmp(tasks->rows[i].task.state, states[s].name) == 0;
		if (count)
			fprintf(out, "<li class=\"s%s\"><b>%zu</b> <span class=\"st\">%s</span> <span>%s</span></li>\n",
			        strcmp(states[s].name, "UN") == 0 ? "UN" : "", count, states[s].name,
			        states[s].meaning);
	}
	fputs("</ul>\n", out);
}

static void put_names(const struct htmltasks *tasks, uint32_t stack, FILE *out)
{
	enum { NAMES_MAX = 12 };
	size_t count = 0;

	for (size_t i = 0; i < tasks->row_count; i++) {
		const struct htmltasks_row *row = &tasks->rows[i];

		if (row->stack != stack || !is_blocked(&row->task))
			continue;
		if (count++ == NAMES_MAX) {
			fputs(" …", out);
			return;
		}
		fputs(count > 1 ? ", <b class=\"mono\">" : "<b class=\"mono\">", out);
		htmlout_text(out, row->task.name);
		fprintf(out, "</b> %u", row->task.pid);
	}
}

// Tasks that are blocked, those with the same stack together: the larger crowd first.
static void put_blocked(const struct htmltasks *tasks, FILE *out)
{
	struct backtrace_tools tools = machine_tools(tasks->machine);
	_cleanup_free_ bool *is_done = calloc(tasks->stack_count + 1, sizeof(*is_done));
	size_t groups = 0;

	while (is_done) {
		const struct htmltasks_stack *best = NULL;
		struct backtrace trace = {0};

		for (size_t i = 0; i < tasks->stack_count; i++)
			if (tasks->stacks[i].blocked && !is_done[i] &&
			    (!best || tasks->stacks[i].blocked > best->blocked))
				best = &tasks->stacks[i];
		if (!best)
			break;
		if (groups++ == HTMLTASKS_BLOCKED_MAX) {
			fputs("<p class=\"problem\">further stacks are left out here; the table has them</p>\n", out);
			break;
		}
		if (groups == 1)
			fputs("<h3>Waiting, cannot be interrupted</h3>\n<div class=\"cards\">\n", out);
		is_done[best - tasks->stacks] = true;
		fprintf(out, "<details class=\"card\" open><summary><span class=\"lead\">%u task%s</span> ",
		        best->blocked, best->blocked == 1 ? "" : "s");
		put_names(tasks, (uint32_t)(best - tasks->stacks) + 1, out);
		fputs("</summary>\n", out);
		memcpy(trace.frames, best->frames, best->count * sizeof(*best->frames));
		trace.count = best->count;
		memcpy(trace.why, best->why, sizeof(trace.why));
		htmlout_stack(out, &tools, &trace, HTMLOUT_NO_FRAME);
		fputs("</details>\n", out);
	}
	if (groups)
		fputs("</div>\n", out);
}

static void put_row(const struct htmltasks *tasks, const struct htmltasks_row *row, FILE *out)
{
	const struct threads_task *task = &row->task;
	uint64_t page_bytes = vmcore_page_bytes(tasks->machine->kernel->core);

	fputs("<tr", out);
	if (row->stack)
		fprintf(out, " data-s=\"%u\"", row->stack - 1);
	fprintf(out, "%s><td class=\"num\">%u</td><td class=\"num\">%u</td><td class=\"num\">%u</td>",
	        task->is_active ? " class=\"act\"" : "", task->pid, task->ppid, task->cpu);
	fprintf(out, "<td class=\"st%s\">%s</td><td class=\"num\">%" PRIu64 "</td><td class=\"mono\">",
	        is_blocked(task) ? " sUN" : "", task->state, task->total_pages * (page_bytes / 1024));
	fputs(task->mm_vaddr ? "" : "[", out);
	htmlout_text(out, task->name);
	fputs(task->mm_vaddr ? "" : "]", out);
	fprintf(out, "</td><td class=\"mono ad\">%016" PRIx64 "</td></tr>\n", task->vaddr);
}

void htmltasks_write(const struct htmltasks *tasks, FILE *out)
{
	fprintf(out, "<section id=\"tasks\">\n<h2>Tasks <span class=\"n\">%zu</span></h2>\n", tasks->row_count);
	htmlout_problem(out, "further ones are not known", tasks->machine->threads.why);
	if (tasks->unreadable)
		fprintf(out, "<p class=\"problem\">%zu tasks cannot be read</p>\n", tasks->unreadable);
	if (tasks->left_out)
		fprintf(out, "<p class=\"problem\">%zu further tasks are left out of this page</p>\n", tasks->left_out);
	put_counts(tasks, out);
	put_blocked(tasks, out);
	if (tasks->row_count)
		fputs("<div class=\"bar js\" id=\"taskbar\"></div>\n<div class=\"scroll tall\" tabindex=\"0\" "
		      "role=\"region\" "
		      "aria-label=\"Tasks\"><table class=\"sortable\" id=\"tasktable\"><thead><tr>"
		      "<th scope=\"col\" class=\"num\">PID</th><th scope=\"col\" class=\"num\">Parent</th>"
		      "<th scope=\"col\" class=\"num\">CPU</th><th scope=\"col\">State</th>"
		      "<th scope=\"col\" class=\"num\">KiB</th><th scope=\"col\">Name</th>"
		      "<th scope=\"col\" class=\"ad\">task_struct</th></tr></thead><tbody>\n",
		      out);
	for (size_t i = 0; i < tasks->row_count; i++)
		put_row(tasks, &tasks->rows[i], out);
	fputs(tasks->row_count ? "</tbody></table></div>\n</section>\n" : "</section>\n", out);
}

void htmltasks_json(const struct htmltasks *tasks, struct json *json)
{
	struct backtrace_tools tools = machine_tools(tasks->machine);

	json_open_array(json, "stacks");
	for (size_t i = 0; i < tasks->stack_count; i++) {
		const struct htmltasks_stack *stack = &tasks->stacks[i];

		json_open_object(json, NULL);
		json_open_array(json, "f");
		for (size_t n = 0; n < stack->count; n++) {
			char text[SYMBOLS_TEXT_BYTES];
			struct symbols_place place;

			backtrace_place(&tools, &stack->frames[n], &place);
			symbols_format(&place, stack->frames[n].ip, text);
			json_text(json, NULL, text);
		}
		json_close(json);
		json_bool(json, "u", stack->is_user);
		if (stack->why[0])
			json_text(json, "why", stack->why);
		json_close(json);
	}
	json_close(json);
}
