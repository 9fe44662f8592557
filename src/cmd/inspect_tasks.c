// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of tasks: bt, ps.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "report/crashreport.h"

enum { PAGES_PER_KIB = 1024 };

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
		err = cpulist_current(dump->machine->kernel, dump->cpu, &vaddr);
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

static void print_task(const struct inspect_dump *dump, const struct threads_task *task, struct json *json)
{
	uint64_t size_kib = task->total_pages * vmcore_page_bytes(dump->core) / PAGES_PER_KIB;
	char vaddr[24];

	snprintf(vaddr, sizeof(vaddr), "%016" PRIx64, task->vaddr);
	if (!dump->is_json) {
		printf("%c%8u %8u %4u  %s  %s %9" PRIu64 "  %s%s%s\n", task->is_active ? '>' : ' ', task->pid,
		       task->ppid, task->cpu, vaddr, task->state, size_kib, task->mm_vaddr ? "" : "[", task->name,
		       task->mm_vaddr ? "" : "]");
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
	json_number(json, "size_kib", size_kib);
	json_text(json, "name", task->name);
	json_close(json);
}

struct error *inspect_commands_ps(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct error *err = inspect_dump_open(argc, argv, INSPECT_DUMP_USER, 0, &dump);
	const struct threads *threads;
	struct json json;
	size_t unreadable = 0;

	if (!err)
		err = inspect_dump_machine(&dump);
	if (err)
		return err;
	threads = &dump.machine->threads;
	json_init(&json, stdout);
	if (dump.is_json) {
		json_open_object(&json, NULL);
		json_open_array(&json, "tasks");
	} else {
		printf("%9s %8s %4s  %16s  %s %9s  %s\n", "PID", "PPID", "CPU", "TASK", "ST", "SIZE/KiB", "COMMAND");
	}
	for (size_t i = 0; i < threads->count; i++) {
		struct threads_task task;

		err = threads_read(threads, dump.machine->kernel, threads->list[i], &task);
		unreadable += !!err;
		if (!err && (task.mm_vaddr || !(dump.given & INSPECT_DUMP_USER)))
			print_task(&dump, &task, &json);
		error_free(err);
	}
	if (dump.is_json) {
		json_close(&json);
		json_number(&json, "unreadable", unreadable);
		json_text(&json, "problem", threads->why[0] ? threads->why : NULL);
		json_close(&json);
		err = json_finish(&json);
		if (err)
			return err;
	}
	if (threads->why[0])
		return error_new(ERROR_BAD_DATA, "there may be more tasks: %s", threads->why);
	return unreadable ? error_new(ERROR_BAD_DATA, "%zu tasks cannot be read", unreadable) : NULL;
}
