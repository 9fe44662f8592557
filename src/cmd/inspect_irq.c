// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of interrupts: irq.
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "core/arch.h"
#include "report/interrupts.h"

// Where they are printed to.
struct printer {
	const struct inspect_dump *dump;
	struct interrupts *interrupts;
	struct json json;
	int width; // Of numbers.
	size_t unreadable;
	char why[KERNEL_WHY_BYTES]; // The first thing that is not known.
};

static void keep_why(struct printer *printer, struct error *err)
{
	if (err && !printer->why[0])
		kernel_explain(printer->why, err);
	else
		error_free(err);
}

static void put_head(const struct printer *printer)
{
	printf("%*s", printer->width + 8, "");
	for (uint32_t i = 0; i < printer->interrupts->cpu_count; i++)
		printf("CPU%-8u", printer->interrupts->cpus[i]);
	putchar('\n');
}

static void put_counts(const struct interrupts *interrupts)
{
	for (uint32_t i = 0; i < interrupts->cpu_count; i++)
		printf("%10u ", interrupts->counts[i]);
}

// As the kernel does it: most machines tell levels from edges, x86 by names.
static void put_line(const struct printer *printer, const struct interrupts_line *line)
{
	bool is_x86 = printer->dump->core->arch->elf_machine == EM_X86_64;

	printf("%*u: ", printer->width, line->number);
	put_counts(printer->interrupts);
	printf(" %8s", line->chip);
	if (line->has_hardware_number)
		printf(" %*" PRIu64, printer->width, line->hardware_number);
	else
		printf(" %*s", printer->width, "");
	if (!is_x86)
		printf(" %-8s", line->is_level ? "Level" : "Edge");
	if (line->flow[0])
		printf("-%-8s", line->flow);
	printf("%s%s\n", line->actions[0] ? "  " : "", line->actions);
}

static void put_affinity(const struct interrupts_line *line)
{
	printf("%6u  %-24s %10" PRIu64 "  %-8s %-12s %-12s %s\n", line->number, line->chip, line->hardware_number,
	       line->trigger, line->effective[0] ? line->effective : "-", line->affinity[0] ? line->affinity : "-",
	       line->actions);
}

static void json_counts(const struct interrupts *interrupts, struct json *json)
{
	json_open_array(json, "counts");
	for (uint32_t i = 0; i < interrupts->cpu_count; i++)
		json_number(json, NULL, interrupts->counts[i]);
	json_close(json);
}

static void json_line(struct printer *printer, const struct interrupts_line *line)
{
	struct json *json = &printer->json;
	char vaddr[24];

	snprintf(vaddr, sizeof(vaddr), "%016" PRIx64, line->vaddr);
	json_open_object(json, NULL);
	json_number(json, "number", line->number);
	json_text(json, "desc", vaddr);
	json_bool(json, "shown", line->is_shown);
	json_text(json, "chip", line->chip);
	if (line->has_hardware_number)
		json_number(json, "hardware_number", line->hardware_number);
	json_text(json, "flow", line->flow[0] ? line->flow : NULL);
	json_text(json, "trigger", line->trigger);
	json_bool(json, "level", line->is_level);
	json_text(json, "actions", line->actions[0] ? line->actions : NULL);
	json_text(json, "affinity", line->affinity[0] ? line->affinity : NULL);
	json_text(json, "effective_affinity", line->effective[0] ? line->effective : NULL);
	json_counts(printer->interrupts, json);
	json_close(json);
}

static void print_lines(struct printer *printer)
{
	for (size_t i = 0; i < printer->interrupts->count; i++) {
		struct interrupts_line line;
		struct error *err = interrupts_read(printer->interrupts, i, &line);

		printer->unreadable += !!err;
		if (!err && printer->dump->is_json)
			json_line(printer, &line);
		else if (!err && line.is_shown && printer->dump->given & INSPECT_DUMP_AFFINITY)
			put_affinity(&line);
		else if (!err && line.is_shown)
			put_line(printer, &line);
		keep_why(printer, err);
	}
}

static void print_row(void *context, const struct interrupts_row *row)
{
	struct printer *printer = context;
	struct json *json = &printer->json;

	if (printer->dump->is_json) {
		json_open_object(json, NULL);
		json_text(json, "name", row->name);
		json_text(json, "text", row->text[0] ? row->text : NULL);
		if (row->is_single)
			json_number(json, "count", printer->interrupts->counts[0]);
		else
			json_counts(printer->interrupts, json);
		json_close(json);
		return;
	}
	printf("%*s: ", printer->width, row->name);
	if (row->is_single)
		printf("%10u", printer->interrupts->counts[0]);
	else
		put_counts(printer->interrupts);
	printf("%s%s\n", row->text[0] ? " " : "", row->text);
}

static void print_json(struct printer *printer)
{
	struct json *json = &printer->json;

	json_init(json, stdout);
	json_open_object(json, NULL);
	json_open_array(json, "cpus");
	for (uint32_t i = 0; i < printer->interrupts->cpu_count; i++)
		json_number(json, NULL, printer->interrupts->cpus[i]);
	json_close(json);
	json_open_array(json, "interrupts");
	print_lines(printer);
	json_close(json);
	json_open_array(json, "machine");
	keep_why(printer, interrupts_machine(printer->interrupts, print_row, printer));
	json_close(json);
	json_open_array(json, "softirqs");
	keep_why(printer, interrupts_soft(printer->interrupts, print_row, printer));
	json_close(json);
	json_number(json, "unreadable", printer->unreadable);
	json_text(json, "problem", printer->why[0] ? printer->why : NULL);
	json_close(json);
}

static void print_text(struct printer *printer)
{
	if (printer->dump->given & INSPECT_DUMP_AFFINITY) {
		printf("%6s  %-24s %10s  %-8s %-12s %-12s %s\n", "number", "controller", "there", "trigger", "goes to",
		       "may go to", "handlers");
		print_lines(printer);
	} else {
		put_head(printer);
		print_lines(printer);
		keep_why(printer, interrupts_machine(printer->interrupts, print_row, printer));
		printer->width = 12;
		printf("\nsoftirqs\n");
		put_head(printer);
		keep_why(printer, interrupts_soft(printer->interrupts, print_row, printer));
	}
	if (printer->why[0])
		printf("not all known: %s\n", printer->why);
}

struct error *inspect_commands_irq(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	_cleanup_(interrupts_deinit) struct interrupts interrupts = {0};
	struct printer printer = {.dump = &dump, .interrupts = &interrupts, .width = 3};
	struct error *err = inspect_dump_open(argc, argv, INSPECT_DUMP_AFFINITY, 0, &dump);

	if (!err)
		err = inspect_dump_machine(&dump);
	if (!err)
		err = interrupts_init(&interrupts, dump.machine->kernel);
	if (err)
		return err;
	for (uint64_t most = 1000; interrupts.count && most <= interrupts.list[interrupts.count - 1].number; most *= 10)
		printer.width++;
	memcpy(printer.why, interrupts.why, sizeof(printer.why));
	if (dump.is_json) {
		print_json(&printer);
		err = json_finish(&printer.json);
	} else {
		print_text(&printer);
	}
	if (!err && printer.why[0])
		err = error_new(ERROR_BAD_DATA, "not all is known: %s", printer.why);
	return err;
}
