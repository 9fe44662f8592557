// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/htmlcrash.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "core/arch.h"
#include "report/htmlout.h"

enum {
	// As the kernel's own "Code:" has it (arch/x86/kernel/dumpstack.c: PROLOGUE_SIZE, OPCODE_BUFSIZE).
	CODE_BEFORE_BYTES = 42,
	CODE_BYTES = 64,
	CPUS_OPEN = 4, // Further ones are folded.
};

void htmlcrash_title(const struct crashreport *report, char text[HTMLCRASH_TITLE_BYTES])
{
	const struct cause *cause = &report->cause;

	if (cause->panic[0])
		snprintf(text, HTMLCRASH_TITLE_BYTES, "Kernel panic: %s", cause->panic);
	else if (cause->text[0])
		snprintf(text, HTMLCRASH_TITLE_BYTES, "%s", cause->text);
	else
		snprintf(text, HTMLCRASH_TITLE_BYTES, "Crash of unknown cause");
}

static void when_text(const struct overview *overview, char *text, size_t room)
{
	time_t crash_time = (time_t)overview->crash_time_s;
	struct tm utc;

	text[0] = '\0';
	if (crash_time && gmtime_r(&crash_time, &utc))
		strftime(text, room, "%Y-%m-%d %H:%M:%S UTC", &utc);
}

void htmlcrash_head(const struct crashreport *report, FILE *out)
{
	const struct cause *cause = &report->cause;
	char title[HTMLCRASH_TITLE_BYTES], when[64];

	htmlcrash_title(report, title);
	when_text(&report->overview, when, sizeof(when));
	fprintf(out, "<header class=\"top\">\n<p class=\"over\"><span class=\"badge\">%s</span>",
	        cause_word(cause->kind));
	if (report->overview.host[0]) {
		fputs(" <span>", out);
		htmlout_text(out, report->overview.host);
		fputs("</span>", out);
	}
	if (report->overview.release[0]) {
		fputs(" <span>", out);
		htmlout_text(out, report->overview.release);
		fputs("</span>", out);
	}
	if (when[0])
		fprintf(out, " <span>%s</span>", when);
	fputs("</p>\n<h1>", out);
	htmlout_text(out, title);
	fputs("</h1>\n", out);
	if (cause->text[0] && cause->panic[0] && !strstr(cause->panic, cause->text)) {
		fputs("<p class=\"why\">", out);
		htmlout_text(out, cause->text);
		fputs("</p>\n", out);
	}
	htmlout_problem(out, "the log is not known to its end", cause->why);
	if (!report->machine)
		htmlout_problem(out, "nothing but the log is known", report->machine_why);
	if (report->core->is_incomplete)
		htmlout_problem(out, "incomplete dump", "pages are missing that it should hold");
	fputs("</header>\n", out);
}

// What is there of the code around an address: a function may begin where the memory of its module does.
static struct error *read_code(const struct backtrace_tools *tools, uint64_t ip, uint8_t *code, uint64_t *start_ret,
                               uint64_t *end_ret)
{
	uint64_t page_bytes = vmcore_page_bytes(tools->kernel->core), page = ip & ~(page_bytes - 1);
	uint64_t start = ip - CODE_BEFORE_BYTES, end = start + CODE_BYTES;
	struct error *err = vmemory_read(tools->kernel->memory, start, code, CODE_BYTES);

	if (err && (start < page || end > page + page_bytes)) {
		error_free(err);
		start = start < page ? page : start;
		end = end > page + page_bytes ? page + page_bytes : end;
		err = vmemory_read(tools->kernel->memory, start, code, (size_t)(end - start));
	}
	*start_ret = start;
	*end_ret = end;
	return err;
}

static void put_code(const struct crashreport *report, const struct backtrace_tools *tools, size_t first, FILE *out)
{
	const struct backtrace_frame *frame = &report->trace.frames[first];
	uint64_t start = 0, end = 0;
	uint8_t code[CODE_BYTES];
	char text[SYMBOLS_TEXT_BYTES];
	struct symbols_place place;
	struct error *err;

	backtrace_place(tools, frame, &place);
	symbols_format(&place, frame->ip, text);
	fprintf(out, "<h3>Code %s <span class=\"mono\">", frame->is_exact ? "at" : "before the return to");
	htmlout_text(out, text);
	fputs("</span></h3>\n", out);
	err = read_code(tools, frame->ip, code, &start, &end);
	if (err) {
		htmlout_problem(out, "not known", err->text);
		error_free(err);
		return;
	}
	fputs("<p class=\"code\">", out);
	for (uint64_t at = start; at < end; at++)
		fprintf(out, at == frame->ip ? "<mark>%02x</mark> " : "%02x ", code[at - start]);
	fputs("</p>\n", out);
}

static void put_registers(const struct crashreport *report, FILE *out)
{
	struct cpulist_registers registers;
	struct error *err = cpulist_registers(report->machine->kernel, report->cpu, &registers);

	fprintf(out, "<h3>Registers that CPU %u saved</h3>\n", report->cpu);
	if (err) {
		htmlout_problem(out, "not known", err->text);
		error_free(err);
		return;
	}
	fputs("<dl class=\"regs\">\n", out);
	for (size_t i = 0; i < registers.machine->shown_count; i++) {
		unsigned int which = registers.machine->order[i];

		fprintf(out, "<div><dt>%s</dt><dd>%016" PRIx64 "</dd></div>\n", registers.machine->names[which],
		        registers.values[which]);
	}
	fputs("</dl>\n", out);
}

// "CPU 1, bash, PID 77".
static void put_task(const struct crashreport *report, uint64_t vaddr, const char *label, FILE *out)
{
	struct threads_task task;
	struct error *err = threads_read(&report->machine->threads, report->machine->kernel, vaddr, &task);

	fprintf(out, "<span class=\"lead\">%s</span> ", label);
	if (err) {
		fputs("not known: ", out);
		htmlout_text(out, err->text);
		error_free(err);
		return;
	}
	fprintf(out, "CPU %u <b class=\"mono\">", task.cpu);
	htmlout_text(out, task.name);
	fprintf(out, "</b> PID %u%s", task.pid, task.mm_vaddr ? "" : ", of the kernel");
}

void htmlcrash_stack(const struct crashreport *report, FILE *out)
{
	struct backtrace_tools tools;
	struct backtrace trace;
	struct threads_task task;
	size_t first;
	struct error *err;

	fputs("<section id=\"crash\">\n<h2>Where</h2>\n", out);
	if (!report->machine) {
		fputs("<p class=\"no\">not known</p></section>\n", out);
		return;
	}
	tools = machine_tools(report->machine);
	first = signature_first(&tools, &report->trace, report->cause.kind);
	fputs("<div class=\"two\"><div>\n", out);
	err = report->cause.pid ? machine_task(report->machine, report->cause.pid, &task)
	                        : error_new(ERROR_UNSUPPORTED, "nobody waited");
	if (!err) {
		fputs("<p class=\"task\">", out);
		put_task(report, task.vaddr, "Waited too long:", out);
		fputs("</p>\n", out);
		htmlout_stack(out, &tools, &report->trace, HTMLOUT_NO_FRAME);
	}
	if (report->task_vaddr) {
		fputs("<p class=\"task\">", out);
		put_task(report, report->task_vaddr, "Crashed:", out);
		fputs("</p>\n", out);
	} else {
		htmlout_problem(out, "which task crashed is not known", report->task_why);
	}
	if (!err && report->task_vaddr) {
		backtrace_task(&tools, &report->machine->threads, report->task_vaddr, &trace);
		htmlout_stack(out, &tools, &trace, HTMLOUT_NO_FRAME);
	} else if (err) {
		htmlout_stack(out, &tools, &report->trace, first);
	}
	if (err && report->trace.count)
		put_code(report, &tools, first < report->trace.count ? first : 0, out);
	error_free(err);
	fputs("</div><div>\n", out);
	if (report->task_vaddr)
		put_registers(report, out);
	fputs("</div></div>\n</section>\n", out);
}

static void put_taints(const struct overview *overview, FILE *out)
{
	char flags[OVERVIEW_TAINTS_MAX + 1];

	overview_taint_letters(overview, overview->taints, flags);
	fputs("<div><dt>Tainted</dt><dd>", out);
	if (overview->taints_why[0])
		htmlout_text(out, overview->taints_why);
	else if (!flags[0])
		fputs("no", out);
	for (size_t i = 0; flags[i] && !overview->taints_why[0]; i++) {
		fputs(i ? "<br><b class=\"mono\">" : "<b class=\"mono\">", out);
		htmlout_text(out, (const char[]){flags[i], '\0'});
		fputs("</b> ", out);
		htmlout_text(out, overview_taint_meaning(flags[i]));
	}
	fputs("</dd></div>\n", out);
}

static void put_dump(const struct crashreport *report, const char *dump_name, FILE *out)
{
	const struct vmcore *core = report->core;
	char text[160];

	htmlout_fact(out, "Dump", dump_name);
	if (core->dump_level)
		snprintf(text, sizeof(text), "%s, dump level %u", core->format->name, core->dump_level);
	else
		snprintf(text, sizeof(text), "%s", core->format->name);
	htmlout_fact(out, "Format", text);
	if (core->missing_bytes) {
		snprintf(text, sizeof(text), "%" PRIu64 " bytes that its headers announce are beyond its end",
		         core->missing_bytes);
		htmlout_fact(out, "Cut", text);
	}
}

void htmlcrash_machine(const struct crashreport *report, const char *dump_name, FILE *out)
{
	const struct overview *overview = &report->overview;
	uint64_t uptime = overview->uptime_s ? overview->uptime_s : report->cause.last_us / 1000000;
	char text[OVERVIEW_COMMAND_LINE_BYTES];
	struct error *err;

	fputs("<section id=\"machine\">\n<h2>Machine</h2>\n<dl class=\"facts\">\n", out);
	htmlout_fact(out, "Host", overview->host);
	snprintf(text, sizeof(text), "%s %s", overview->release, overview->version);
	htmlout_fact(out, "Kernel", overview->release[0] ? text : "");
	when_text(overview, text, sizeof(text));
	htmlout_fact(out, "Crashed", text);
	snprintf(text, sizeof(text), "%" PRIu64 " d %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "%s", uptime / 86400,
	         uptime / 3600 % 24, uptime / 60 % 60, uptime % 60,
	         overview->uptime_s ? "" : " (by the last line of the log)");
	htmlout_fact(out, "Up for", text);
	snprintf(text, sizeof(text), "%s, %u CPU%s", report->core->arch->uname_machine, overview->cpus,
	         overview->cpus == 1 ? "" : "s");
	htmlout_fact(out, "Hardware", overview->cpus ? text : report->core->arch->uname_machine);
	if (overview->pages[OVERVIEW_TOTAL].is_known) {
		htmlout_size(overview->pages[OVERVIEW_TOTAL].value * overview->page_bytes, text);
		htmlout_fact(out, "Memory", text);
	}
	htmlout_fact(out, "Signature", report->signature);
	snprintf(text, sizeof(text), "%u oops%s, %u warning%s", report->cause.oops_count,
	         report->cause.oops_count == 1 ? "" : "es", report->cause.warning_count,
	         report->cause.warning_count == 1 ? "" : "s");
	htmlout_fact(out, "In the log", text);
	if (report->machine)
		put_taints(overview, out);
	put_dump(report, dump_name, out);
	fputs("</dl>\n", out);
	if (report->machine) {
		err = overview_command_line(report->machine->kernel, text);
		fputs("<dl class=\"facts wide\">\n", out);
		htmlout_fact(out, "Command line", err ? "" : text);
		fputs("</dl>\n", out);
		error_free(err);
	}
	htmlout_problem(out, "names are not known", overview->names_why);
	fputs("</section>\n", out);
}

void htmlcrash_cpus(const struct crashreport *report, FILE *out)
{
	struct backtrace_tools tools = machine_tools(report->machine);
	const struct threads *threads = &report->machine->threads;
	unsigned int count = 0;

	fputs("<section id=\"cpus\">\n<h2>Other CPUs</h2>\n<div class=\"cards\">\n", out);
	for (uint32_t cpu = 0; cpu < threads->cpu_count && threads->active; cpu++) {
		struct backtrace trace;

		if (!threads->active[cpu] || threads->active[cpu] == report->task_vaddr ||
		    !kernel_cpu_is_in(report->machine->kernel, KERNEL_CPU_ONLINE_MASK, cpu))
			continue;
		if (count++ == CRASHREPORT_CPUS) {
			fputs("<p class=\"problem\">further CPUs are left out</p>\n", out);
			break;
		}
		fprintf(out, "<details class=\"card\"%s><summary>", count <= CPUS_OPEN ? " open" : "");
		put_task(report, threads->active[cpu], "", out);
		fputs("</summary>\n", out);
		backtrace_task(&tools, threads, threads->active[cpu], &trace);
		htmlout_stack(out, &tools, &trace, HTMLOUT_NO_FRAME);
		fputs("</details>\n", out);
	}
	fputs(count ? "</div>\n</section>\n" : "</div><p class=\"no\">There was none.</p>\n</section>\n", out);
}

void htmlcrash_modules(const struct crashreport *report, FILE *out)
{
	const struct modlist *modules = &report->machine->modules;

	fprintf(out, "<section id=\"modules\">\n<h2>Modules <span class=\"n\">%zu</span></h2>\n", modules->count);
	htmlout_problem(out, "further ones are not known", modules->why);
	if (modules->count)
		fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Modules\">"
		      "<table class=\"sortable\" id=\"modtable\"><thead><tr><th scope=\"col\">Module</th>"
		      "<th scope=\"col\">Taints</th><th scope=\"col\" class=\"num\">KiB</th><th scope=\"col\">Code "
		      "at</th></tr>"
		      "</thead><tbody>\n",
		      out);
	for (size_t i = 0; i < modules->count; i++) {
		const struct modlist_module *module = &modules->list[i];
		char letters[OVERVIEW_TAINTS_MAX + 1];

		overview_taint_letters(&report->overview, module->taints, letters);
		fputs("<tr><td class=\"mono\">", out);
		htmlout_text(out, module->name);
		fputs("</td><td class=\"mono\">", out);
		htmlout_text(out, letters);
		fprintf(out, "</td><td class=\"num\">%" PRIu64 "</td><td class=\"mono\">%016" PRIx64 "</td></tr>\n",
		        module->size_bytes / 1024, module->ranges[0].vaddr);
	}
	fputs(modules->count ? "</tbody></table></div>\n</section>\n" : "<p class=\"no\">None.</p></section>\n", out);
}
