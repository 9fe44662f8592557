// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of tasks: bt, ps.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "report/crashreport.h"
#include "report/residents.h"

enum { KIB = 1024 };

// Where stacks are printed to.
struct printer {
	const struct inspect_dump *dump;
	struct json json;
	size_t count;
};

static void print_stack(struct printer *printer, uint64_t vaddr)
{
	const struct machine *machine = printer->dump->machine;
	struct backtrace_tools tools = machine_tools(machine);
	struct threads_task task = {0};
	struct error *err = threads_read(&machine->threads, machine->kernel, vaddr, &task);
	struct backtrace trace;
	char text[24];

	backtrace_task(&tools, &machine->threads, vaddr, &trace);
	snprintf(text, sizeof(text), "%016" PRIx64, vaddr);
	if (printer->dump->is_json) {
		json_open_object(&printer->json, NULL);
		json_text(&printer->json, "task", text);
		json_number(&printer->json, "pid", task.pid);
		json_number(&printer->json, "cpu", task.cpu);
		json_text(&printer->json, "state", task.state);
		json_bool(&printer->json, "active", task.is_active);
		json_text(&printer->json, "name", task.name);
		json_text(&printer->json, "problem", err ? err->text : NULL);
		crashreport_trace_json(&tools, &trace, &printer->json);
		json_close(&printer->json);
	} else {
		printf("%sPID: %-8u TASK: %s  CPU: %-4u %s COMMAND: \"%s\"\n", printer->count ? "\n" : "", task.pid,
		       text, task.cpu, err ? err->text : task.state, task.name);
		crashreport_trace(&tools, &trace, stdout);
	}
	error_free(err);
	printer->count++;
}

// A number is that of a task, or the address of its struct task_struct: idle tasks have no other one.
static struct error *print_address(struct printer *printer, uint64_t vaddr)
{
	const struct threads *threads = &printer->dump->machine->threads;

	for (size_t i = 0; i < threads->count; i++) {
		if (threads->list[i] != vaddr)
			continue;
		print_stack(printer, vaddr);
		return NULL;
	}
	return error_new(ERROR_BAD_DATA, "no task is at %#" PRIx64 "%s%s", vaddr,
	                 threads->why[0] ? ": not all are known: " : "", threads->why);
}

static struct error *print_numbers(struct printer *printer)
{
	const struct inspect_dump *dump = printer->dump;
	struct error *err = NULL;

	for (size_t i = 0; i < dump->word_count && !err; i++) {
		struct threads_task task = {0};
		uint64_t pid = 0;

		err = inspect_dump_number(dump->words[i], "PID", UINT64_MAX, &pid);
		if (!err && pid > UINT32_MAX) {
			err = print_address(printer, pid);
			continue;
		}
		if (!err)
			err = machine_task(dump->machine, (uint32_t)pid, &task);
		if (!err)
			print_stack(printer, task.vaddr);
	}
	return err;
}

static struct error *print_stacks(struct printer *printer)
{
	const struct inspect_dump *dump = printer->dump;
	const struct threads *threads = &dump->machine->threads;
	uint64_t vaddr = 0;
	uint32_t cpu;
	struct error *err;

	if (dump->given & INSPECT_DUMP_ALL) {
		for (size_t i = 0; i < threads->count; i++)
			print_stack(printer, threads->list[i]);
		return threads->why[0] ? error_new(ERROR_BAD_DATA, "there may be more tasks: %s", threads->why) : NULL;
	}
	if (dump->word_count)
		return print_numbers(printer);
	if (dump->given & INSPECT_DUMP_CPU && dump->cpu >= threads->cpu_count)
		return error_new(ERROR_BAD_DATA, "there is no CPU %u", dump->cpu);
	if (dump->given & INSPECT_DUMP_CPU)
		err = machine_current(dump->machine, dump->cpu, &vaddr);
	else
		err = machine_crashed(dump->machine, &cpu, &vaddr);
	if (!err)
		print_stack(printer, vaddr);
	return err;
}

struct error *inspect_commands_bt(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct printer printer = {.dump = &dump};
	struct error *err =
		inspect_dump_open(argc, argv, INSPECT_DUMP_ALL | INSPECT_DUMP_CPU, INSPECT_DUMP_WORDS, &dump);

	if (!err && !!dump.word_count + !!(dump.given & INSPECT_DUMP_ALL) + !!(dump.given & INSPECT_DUMP_CPU) > 1)
		err = error_new(ERROR_USAGE, "bt: only one of -a, -c and numbers of tasks");
	if (!err)
		err = inspect_dump_machine(&dump);
	if (err)
		return err;
	if (!dump.is_json)
		return print_stacks(&printer);
	json_init(&printer.json, stdout);
	json_open_object(&printer.json, NULL);
	json_open_array(&printer.json, "stacks");
	err = print_stacks(&printer);
	json_close(&printer.json);
	json_close(&printer.json);
	if (!err)
		return json_finish(&printer.json);
	error_free(json_finish(&printer.json));
	return err;
}

// What all lines of ps need.
struct lines {
	const struct inspect_dump *dump;
	struct residents residents;
	uint64_t memory_pages; // Of the machine; 0: not known.
	struct json json;
};

static void print_task(struct lines *lines, const struct threads_task *task)
{
	const struct residents_space *space = task->mm_vaddr ? residents_find(&lines->residents, task->mm_vaddr) : NULL;
	uint64_t page_kib = vmcore_page_bytes(lines->dump->core) / KIB, pages = space ? residents_pages(space) : 0;
	// Of a process whose counters cannot be read nothing is told; threads of the kernel have nothing.
	bool is_known = !task->mm_vaddr || (space && space->is_known);
	double share = lines->memory_pages ? 100.0 * (double)pages / (double)lines->memory_pages : 0;
	struct json *json = &lines->json;
	char vaddr[24], resident[24] = "?", percent[24] = "?";

	snprintf(vaddr, sizeof(vaddr), "%016" PRIx64, task->vaddr);
	if (!lines->dump->is_json) {
		if (is_known)
			snprintf(resident, sizeof(resident), "%" PRIu64, pages * page_kib);
		if (is_known && lines->memory_pages)
			snprintf(percent, sizeof(percent), "%.1f", share);
		printf("%c%8u %8u %4u  %s  %s %5s %9" PRIu64 " %9s  %s%s%s\n", task->is_active ? '>' : ' ', task->pid,
		       task->ppid, task->cpu, vaddr, task->state, percent, task->total_pages * page_kib, resident,
		       task->mm_vaddr ? "" : "[", task->name, task->mm_vaddr ? "" : "]");
		return;
	}
	json_open_object(json, NULL);
	json_number(json, "pid", task->pid);
	json_number(json, "tgid", task->tgid);
	json_number(json, "ppid", task->ppid);
	json_number(json, "cpu", task->cpu);
	json_text(json, "task", vaddr);
	json_text(json, "state", task->state);
	json_bool(json, "active", task->is_active);
	json_bool(json, "kernel", !task->mm_vaddr);
	json_number(json, "size_kib", task->total_pages * page_kib);
	if (is_known)
		json_number(json, "resident_kib", pages * page_kib);
	else
		json_text(json, "resident_kib", NULL);
	json_text(json, "name", task->name);
	json_close(json);
}

static size_t print_tasks(struct lines *lines)
{
	const struct inspect_dump *dump = lines->dump;
	const struct threads *threads = &dump->machine->threads;
	size_t unreadable = 0;

	if (dump->is_json) {
		json_init(&lines->json, stdout);
		json_open_object(&lines->json, NULL);
		if (lines->memory_pages)
			json_number(&lines->json, "memory_kib",
			            lines->memory_pages * (vmcore_page_bytes(dump->core) / KIB));
		json_open_array(&lines->json, "tasks");
	} else {
		printf("%9s %8s %4s  %16s  %s %5s %9s %9s  %s\n", "PID", "PPID", "CPU", "TASK", "ST", "%MEM",
		       "SIZE/KiB", "RSS/KiB", "COMMAND");
	}
	for (size_t i = 0; i < threads->count; i++) {
		struct threads_task task;
		struct error *err = threads_read(threads, dump->machine->kernel, threads->list[i], &task);

		unreadable += !!err;
		if (!err && (task.mm_vaddr || !(dump->given & INSPECT_DUMP_USER)))
			print_task(lines, &task);
		error_free(err);
	}
	return unreadable;
}

struct error *inspect_commands_ps(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct lines lines = {.dump = &dump};
	struct error *err = inspect_dump_open(argc, argv, INSPECT_DUMP_USER, 0, &dump);
	const struct threads *threads;
	char why[KERNEL_WHY_BYTES];
	size_t unreadable;

	if (!err)
		err = inspect_dump_machine(&dump);
	if (err)
		return err;
	threads = &dump.machine->threads;
	// Without it the share is not known, which its column says.
	error_free(kernel_variable(dump.machine->kernel, KERNEL_TOTALRAM_PAGES, 8, &lines.memory_pages));
	err = residents_init(&lines.residents, dump.machine->kernel, threads);
	if (err) {
		residents_deinit(&lines.residents);
		return err;
	}
	unreadable = print_tasks(&lines);
	if (dump.is_json) {
		json_close(&lines.json);
		json_number(&lines.json, "unreadable", unreadable);
		json_text(&lines.json, "resident_problem", lines.residents.why[0] ? lines.residents.why : NULL);
		json_text(&lines.json, "problem", threads->why[0] ? threads->why : NULL);
		json_close(&lines.json);
		err = json_finish(&lines.json);
	}
	memcpy(why, lines.residents.why, sizeof(why));
	residents_deinit(&lines.residents);
	if (err)
		return err;
	if (threads->why[0])
		return error_new(ERROR_BAD_DATA, "there may be more tasks: %s", threads->why);
	if (unreadable)
		return error_new(ERROR_BAD_DATA, "%zu tasks cannot be read", unreadable);
	return why[0] ? error_new(ERROR_BAD_DATA, "resident memory is not all known: %s", why) : NULL;
}
