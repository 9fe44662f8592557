// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/crashreport.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/arch.h"

// A CPU that hangs, where another one noticed it. Returns the task that it was running; 0: it is the CPU that panics.
static uint64_t other_cpu(const struct crashreport *report)
{
	const struct threads *threads = &report->machine->threads;
	uint32_t cpu = report->cause.cpu;

	if (!report->cause.has_cpu || !report->task_vaddr || cpu == report->cpu || cpu >= threads->cpu_count ||
	    !threads->active)
		return 0;
	return threads->active[cpu];
}

// The trace that shows what was wrong: where a task waited too long, that of the one which noticed it shows nothing.
static void trace_crash(struct crashreport *report)
{
	struct backtrace_tools tools = machine_tools(report->machine);
	struct cpulist_registers registers;
	struct threads_task task;
	struct error *err;

	kernel_explain(report->task_why, machine_crashed(report->machine, &report->cpu, &report->task_vaddr));
	if (report->cause.pid) {
		err = machine_task(report->machine, report->cause.pid, &task);
		error_free(err);
		if (!err) {
			report->culprit_vaddr = task.vaddr;
			backtrace_task(&tools, &report->machine->threads, task.vaddr, &report->trace);
			return;
		}
	}
	report->culprit_vaddr = other_cpu(report);
	if (report->culprit_vaddr) {
		backtrace_task(&tools, &report->machine->threads, report->culprit_vaddr, &report->trace);
		return;
	}
	if (report->task_vaddr) {
		backtrace_task(&tools, &report->machine->threads, report->task_vaddr, &report->trace);
		return;
	}
	// The registers of the CPU tell what it did, if not for whom.
	err = cpulist_crashed(report->machine->kernel, &report->cpu);
	if (!err)
		err = cpulist_registers(report->machine->kernel, report->cpu, &registers);
	if (!err)
		backtrace_registers(&tools, &registers, &report->trace);
	if (err)
		kernel_explain(report->trace.why, err);
}

// Where the log says nothing.
static void guess_cause(struct crashreport *report)
{
	struct backtrace_tools tools = machine_tools(report->machine);

	for (size_t i = 0; i < report->trace.count && !report->cause.kind; i++) {
		struct symbols_place place;

		backtrace_place(&tools, &report->trace.frames[i], &place);
		report->cause.kind = cause_of_function(place.name);
	}
}

struct error *crashreport_make(const struct vmcore *core, size_t most_tasks, struct crashreport **ret)
{
	_cleanup_(crashreport_freep) struct crashreport *report = calloc(1, sizeof(*report));
	struct error *err;

	if (!report)
		return error_new(ERROR_NOMEM, "no memory for the report");
	report->core = core;
	cause_init(&report->cause, core);
	err = machine_open(core, most_tasks, &report->machine);
	if (err && err->code == ERROR_NOMEM)
		return err;
	kernel_explain(report->machine_why, err);
	if (report->machine) {
		struct backtrace_tools tools = machine_tools(report->machine);

		overview_init(&report->overview, report->machine->kernel);
		trace_crash(report);
		if (!report->cause.kind)
			guess_cause(report);
		signature_make(&tools, &report->trace, report->cause.kind, report->signature);
	}
	*ret = take_ptr(report);
	return NULL;
}

void crashreport_free(struct crashreport *report)
{
	if (!report)
		return;
	machine_close(report->machine);
	free(report);
}

// How many frames from one on have the same return address: a stack that overflowed has hundreds.
static size_t same_frames(const struct backtrace *trace, size_t first)
{
	size_t count = 1;

	while (first + count < trace->count && trace->frames[first + count].ip == trace->frames[first].ip)
		count++;
	return count;
}

void crashreport_trace(const struct backtrace_tools *tools, const struct backtrace *trace, FILE *out)
{
	for (size_t i = 0; i < trace->count; i++) {
		const struct backtrace_frame *frame = &trace->frames[i];
		size_t same = same_frames(trace, i);
		char text[SYMBOLS_TEXT_BYTES];
		struct symbols_place place;

		backtrace_place(tools, frame, &place);
		symbols_format(&place, frame->ip, text);
		fprintf(out, "  #%-2zu %016" PRIx64 "  %s%s\n", i, frame->sp, text,
		        i && frame->is_exact ? "  (interrupted)" : "");
		if (same > CRASHREPORT_SAME) {
			fprintf(out, "      the same %zu times more\n", same - 1);
			i += same - 1;
		}
	}
	if (trace->is_user)
		fprintf(out, "      in the program, at %#" PRIx64 "\n", trace->user_ip);
	if (trace->why[0])
		fprintf(out, "      %s: %s\n", trace->count ? "further down not known" : "not known", trace->why);
}

void crashreport_trace_json(const struct backtrace_tools *tools, const struct backtrace *trace, struct json *json)
{
	char user[24];

	json_open_array(json, "trace");
	for (size_t i = 0; i < trace->count; i++) {
		const struct backtrace_frame *frame = &trace->frames[i];
		struct symbols_place place;
		char ip[24];

		backtrace_place(tools, frame, &place);
		snprintf(ip, sizeof(ip), "%#" PRIx64, frame->ip);
		json_open_object(json, NULL);
		json_text(json, "address", ip);
		json_text(json, "function", place.name[0] ? place.name : NULL);
		json_number(json, "offset", place.offset_bytes);
		json_text(json, "module", place.module ? place.module->name : NULL);
		json_bool(json, "interrupted", i && frame->is_exact);
		json_close(json);
	}
	json_close(json);
	snprintf(user, sizeof(user), "%#" PRIx64, trace->user_ip);
	json_bool(json, "entered_from_program", trace->is_user);
	json_text(json, "program_address", trace->is_user ? user : NULL);
	json_text(json, "trace_problem", trace->why[0] ? trace->why : NULL);
}

void crashreport_registers(const struct cpulist_registers *registers, FILE *out)
{
	const struct cpulist_machine *machine = registers->machine;

	for (size_t i = 0; i < machine->shown_count; i++)
		fprintf(out, "%s%5s %016" PRIx64 "%s", i % 3 ? "" : "     ", machine->names[machine->order[i]],
		        registers->values[machine->order[i]],
		        i % 3 == 2 || i + 1 == machine->shown_count ? "\n" : "  ");
}

void crashreport_modules(const struct overview *overview, const struct modlist *modules, FILE *out)
{
	fprintf(out, "%-24s %-18s %10s  %s\n", "module", "code at", "size", "taints");
	for (size_t i = 0; i < modules->count; i++) {
		const struct modlist_module *module = &modules->list[i];
		char letters[OVERVIEW_TAINTS_MAX + 1];

		overview_taint_letters(overview, module->taints, letters);
		fprintf(out, "%-24s %#-18" PRIx64 " %10" PRIu64 "  %s\n", module->name, module->ranges[0].vaddr,
		        module->size_bytes, letters);
	}
	if (modules->why[0])
		fprintf(out, "further ones not known: %s\n", modules->why);
}

static void print_head(const struct crashreport *report, FILE *out)
{
	const struct overview *overview = &report->overview;
	const struct cause *cause = &report->cause;
	char when[64] = "at an unknown time", flags[OVERVIEW_TAINTS_MAX + 1];
	time_t crash_time = (time_t)overview->crash_time_s;
	uint64_t uptime = overview->uptime_s ? overview->uptime_s : cause->last_us / 1000000;
	struct tm utc;

	if (crash_time && gmtime_r(&crash_time, &utc))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &utc);
	fprintf(out, "%-11s %s%s%s\n", "cause", cause_word(cause->kind), cause->text[0] ? ": " : "", cause->text);
	if (cause->panic[0] && strcmp(cause->panic, cause->text) != 0)
		fprintf(out, "%-11s %s\n", "panic", cause->panic);
	if (cause->why[0])
		fprintf(out, "%-11s not known to its end: %s\n", "log", cause->why);
	fprintf(out, "%-11s %s\n", "signature", report->signature[0] ? report->signature : "not known");
	fprintf(out, "%-11s %s\n", "host", overview->host[0] ? overview->host : "not known");
	fprintf(out, "%-11s %s%s%s\n", "kernel", overview->release[0] ? overview->release : "not known",
	        overview->version[0] ? " " : "", overview->version);
	fprintf(out, "%-11s %s, after %" PRIu64 " d %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "%s\n", "crashed", when,
	        uptime / 86400, uptime / 3600 % 24, uptime / 60 % 60, uptime % 60,
	        overview->uptime_s ? "" : " (by the last line of the log)");
	if (!report->machine) {
		fprintf(out, "\nNothing else is known: %s\n", report->machine_why);
		return;
	}
	if (overview->names_why[0])
		fprintf(out, "%-11s not known: %s\n", "names", overview->names_why);
	overview_taint_letters(overview, overview->taints, flags);
	if (overview->taints_why[0])
		fprintf(out, "%-11s not known: %s\n", "tainted", overview->taints_why);
	else
		fprintf(out, "%-11s %s\n", "tainted", flags[0] ? flags : "no");
	for (size_t i = 0; flags[i]; i++)
		fprintf(out, "%-11s   %c  %s\n", "", flags[i], overview_taint_meaning(flags[i]));
}

static void print_memory(const struct overview *overview, FILE *out)
{
	static const char *const names[OVERVIEW_PAGES_COUNT] = {
		[OVERVIEW_TOTAL] = "in all",       [OVERVIEW_FREE] = "free",       [OVERVIEW_FILE] = "of files",
		[OVERVIEW_ANON] = "of processes",  [OVERVIEW_SHMEM] = "shared",    [OVERVIEW_SLAB] = "slab",
		[OVERVIEW_PAGE_TABLES] = "tables", [OVERVIEW_SWAP_TOTAL] = "swap", [OVERVIEW_SWAP_FREE] = "swap free",
	};

	fprintf(out, "\nmemory, MiB\n");
	for (size_t i = 0; i < OVERVIEW_PAGES_COUNT; i++)
		if (overview->pages[i].is_known)
			fprintf(out, "  %-13s %10" PRIu64 "\n", names[i],
			        overview->pages[i].value * overview->page_bytes >> 20);
	if (overview->memory_why[0])
		fprintf(out, "  not all known: %s\n", overview->memory_why);
}

static void print_task(const struct crashreport *report, uint64_t vaddr, const char *label, FILE *out)
{
	struct threads_task task;
	struct error *err = threads_read(&report->machine->threads, report->machine->kernel, vaddr, &task);

	if (err)
		fprintf(out, "\n%s, not known: %s\n", label, err->text);
	else
		fprintf(out, "\n%s, CPU %u: %s, PID %u%s\n", label, task.cpu, task.name, task.pid,
		        task.mm_vaddr ? "" : " (of the kernel)");
	error_free(err);
}

static void print_crash(const struct crashreport *report, FILE *out)
{
	struct backtrace_tools tools = machine_tools(report->machine);
	struct cpulist_registers registers;
	struct error *err;

	if (!report->task_vaddr) {
		fprintf(out, "\nwhich task crashed is not known: %s\n", report->task_why);
		crashreport_trace(&tools, &report->trace, out);
		return;
	}
	if (report->culprit_vaddr) {
		print_task(report, report->culprit_vaddr, report->cause.pid ? "waited too long" : "hangs", out);
		crashreport_trace(&tools, &report->trace, out);
	}
	print_task(report, report->task_vaddr, "crashed", out);
	if (report->culprit_vaddr) {
		struct backtrace trace;

		backtrace_task(&tools, &report->machine->threads, report->task_vaddr, &trace);
		crashreport_trace(&tools, &trace, out);
	} else {
		crashreport_trace(&tools, &report->trace, out);
	}
	err = cpulist_registers(report->machine->kernel, report->cpu, &registers);
	if (err)
		fprintf(out, "  registers not known: %s\n", err->text);
	else
		crashreport_registers(&registers, out);
	error_free(err);
}

static void print_cpus(const struct crashreport *report, FILE *out)
{
	struct backtrace_tools tools = machine_tools(report->machine);
	const struct threads *threads = &report->machine->threads;
	unsigned int left = CRASHREPORT_CPUS;

	for (uint32_t cpu = 0; cpu < threads->cpu_count && threads->active; cpu++) {
		struct backtrace trace;
		char label[32];

		if (!threads->active[cpu] || threads->active[cpu] == report->task_vaddr ||
		    threads->active[cpu] == report->culprit_vaddr ||
		    !kernel_cpu_is_in(report->machine->kernel, KERNEL_CPU_ONLINE_MASK, cpu))
			continue;
		if (!left--) {
			fprintf(out, "\nfurther CPUs are left out\n");
			return;
		}
		snprintf(label, sizeof(label), "running");
		print_task(report, threads->active[cpu], label, out);
		backtrace_task(&tools, threads, threads->active[cpu], &trace);
		crashreport_trace(&tools, &trace, out);
	}
}

// How many tasks are in which state, and what those wait for that cannot be interrupted.
static void print_tasks(const struct crashreport *report, FILE *out)
{
	struct backtrace_tools tools = machine_tools(report->machine);
	const struct threads *threads = &report->machine->threads;
	size_t waiting = 0, unreadable = 0;

	for (size_t i = 0; i < threads->count; i++) {
		struct threads_task task;
		struct backtrace trace;
		struct error *err = threads_read(threads, report->machine->kernel, threads->list[i], &task);

		error_free(err);
		unreadable += !!err;
		if (err || task.is_active || strcmp(task.state, "UN") != 0 || waiting++ >= CRASHREPORT_WAITING ||
		    (report->cause.pid && task.pid == report->cause.pid))
			continue;
		print_task(report, task.vaddr, "waits, cannot be interrupted", out);
		backtrace_blocked(&tools, task.vaddr, &trace);
		crashreport_trace(&tools, &trace, out);
	}
	fprintf(out, "\n%zu tasks; %zu of them wait and cannot be interrupted%s\n", threads->count, waiting,
	        waiting > CRASHREPORT_WAITING ? ", some of them are left out above" : "");
	if (unreadable)
		fprintf(out, "%zu tasks cannot be read\n", unreadable);
	if (threads->why[0])
		fprintf(out, "further tasks not known: %s\n", threads->why);
}

void crashreport_text(const struct crashreport *report, FILE *out)
{
	print_head(report, out);
	fflush(out);
	if (!report->machine)
		return;
	print_crash(report, out);
	fflush(out);
	print_cpus(report, out);
	print_tasks(report, out);
	fflush(out);
	print_memory(&report->overview, out);
	fputc('\n', out);
	crashreport_modules(&report->overview, &report->machine->modules, out);
	fflush(out);
}

static void text_or_null(struct json *json, const char *name, const char *text)
{
	json_text(json, name, text[0] ? text : NULL);
}

static void json_machine(const struct crashreport *report, struct json *json)
{
	const struct overview *overview = &report->overview;
	static const char *const names[OVERVIEW_PAGES_COUNT] = {
		[OVERVIEW_TOTAL] = "total",
		[OVERVIEW_FREE] = "free",
		[OVERVIEW_FILE] = "file",
		[OVERVIEW_ANON] = "anonymous",
		[OVERVIEW_SHMEM] = "shared",
		[OVERVIEW_SLAB] = "slab",
		[OVERVIEW_PAGE_TABLES] = "page_tables",
		[OVERVIEW_SWAP_TOTAL] = "swap",
		[OVERVIEW_SWAP_FREE] = "swap_free",
	};
	char flags[OVERVIEW_TAINTS_MAX + 1];

	text_or_null(json, "host", overview->host);
	text_or_null(json, "release", overview->release);
	text_or_null(json, "version", overview->version);
	json_text(json, "machine", overview->machine[0] ? overview->machine : report->core->arch->uname_machine);
	json_number(json, "crash_time_s", overview->crash_time_s > 0 ? (uint64_t)overview->crash_time_s : 0);
	json_number(json, "uptime_s", overview->uptime_s);
	json_number(json, "cpus", overview->cpus);
	overview_taint_letters(overview, overview->taints, flags);
	json_text(json, "tainted", overview->taints_why[0] ? NULL : flags);
	json_open_object(json, "memory_bytes");
	for (size_t i = 0; i < OVERVIEW_PAGES_COUNT; i++)
		if (overview->pages[i].is_known)
			json_number(json, names[i], overview->pages[i].value * overview->page_bytes);
	json_close(json);
}

static void json_crash(const struct crashreport *report, struct json *json)
{
	struct backtrace_tools tools = machine_tools(report->machine);
	struct cpulist_registers registers;
	struct threads_task task;
	struct error *err;

	json_open_object(json, "crashed");
	text_or_null(json, "problem", report->task_why);
	err = report->task_vaddr
	              ? threads_read(&report->machine->threads, report->machine->kernel, report->task_vaddr, &task)
	              : error_new(ERROR_UNSUPPORTED, "%s", report->task_why);
	if (!err) {
		json_number(json, "cpu", report->cpu);
		json_number(json, "pid", task.pid);
		json_text(json, "name", task.name);
	}
	error_free(err);
	if (report->cause.pid)
		json_number(json, "trace_of_pid", report->cause.pid);
	else if (report->culprit_vaddr)
		json_number(json, "trace_of_cpu", report->cause.cpu);
	crashreport_trace_json(&tools, &report->trace, json);
	err = report->task_vaddr ? cpulist_registers(report->machine->kernel, report->cpu, &registers)
	                         : error_new(ERROR_UNSUPPORTED, "no task");
	json_open_object(json, "registers");
	for (unsigned int i = 0; !err && i < registers.machine->count; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%#" PRIx64, registers.values[i]);
		json_text(json, registers.machine->names[i], text);
	}
	json_close(json);
	error_free(err);
	json_close(json);
}

static void json_modules(const struct crashreport *report, struct json *json)
{
	const struct modlist *modules = &report->machine->modules;

	json_open_array(json, "modules");
	for (size_t i = 0; i < modules->count; i++) {
		char letters[OVERVIEW_TAINTS_MAX + 1];

		overview_taint_letters(&report->overview, modules->list[i].taints, letters);
		json_open_object(json, NULL);
		json_text(json, "name", modules->list[i].name);
		json_number(json, "size_bytes", modules->list[i].size_bytes);
		json_text(json, "tainted", letters);
		json_close(json);
	}
	json_close(json);
	text_or_null(json, "modules_problem", modules->why);
}

// What the signature is made of, beside the cause.
static void json_signature(const struct crashreport *report, struct json *json)
{
	struct signature_frames frames = {.count = 0};

	json_open_array(json, "signature_functions");
	if (report->machine && report->signature[0]) {
		struct backtrace_tools tools = machine_tools(report->machine);

		signature_choose(&tools, &report->trace, report->cause.kind, &frames);
		for (size_t i = 0; i < frames.count; i++) {
			struct symbols_place place;

			backtrace_place(&tools, &report->trace.frames[frames.numbers[i]], &place);
			json_text(json, NULL, place.name[0] ? place.name : NULL);
		}
	}
	json_close(json);
}

void crashreport_json(const struct crashreport *report, struct json *json)
{
	const struct cause *cause = &report->cause;

	json_open_object(json, NULL);
	json_text(json, "cause", cause_word(cause->kind));
	text_or_null(json, "cause_text", cause->text);
	text_or_null(json, "panic", cause->panic);
	text_or_null(json, "signature", report->signature);
	json_signature(report, json);
	json_number(json, "oopses", cause->oops_count);
	json_number(json, "warnings", cause->warning_count);
	text_or_null(json, "log_problem", cause->why);
	text_or_null(json, "problem", report->machine_why);
	if (report->machine) {
		json_machine(report, json);
		json_crash(report, json);
		json_number(json, "tasks", report->machine->threads.count);
		text_or_null(json, "tasks_problem", report->machine->threads.why);
		json_modules(report, json);
	}
	json_close(json);
}
