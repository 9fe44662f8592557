// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of the whole machine: summary, log, modules, cmdline.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "report/crashreport.h"
#include "report/dmesg.h"

struct error *inspect_commands_summary(int argc, char **argv)
{
	// The report reads the dump: it is given back before that is closed.
	_cleanup_inspect_dump_ struct inspect_dump dump;
	_cleanup_(crashreport_freep) struct crashreport *report = NULL;
	struct error *err = inspect_dump_open(argc, argv, 0, 0, &dump);

	if (!err)
		err = crashreport_make(dump.core, MACHINE_TASKS, &report);
	if (err)
		return err;
	if (dump.core->is_incomplete)
		fprintf(stderr, "kdump-inspect: warning: pages are missing that the dump should hold\n");
	if (dump.is_json) {
		struct json json;

		json_init(&json, stdout);
		crashreport_json(report, &json);
		return json_finish(&json);
	}
	crashreport_text(report, stdout);
	return NULL;
}

// A file gets the log as crash has it, a terminal nothing that moves its cursor to what stands there.
static struct error *put_text(void *context, const char *bytes, size_t size_bytes)
{
	const bool *is_terminal = context;

	for (size_t i = 0; i < size_bytes; i++) {
		bool is_unsafe = bytes[i] == '\r' || bytes[i] == '\v' || bytes[i] == '\f';

		putchar(*is_terminal && is_unsafe ? '.' : bytes[i]);
	}
	return ferror(stdout) ? error_new(ERROR_OS, "the log cannot be written") : NULL;
}

// Lines of the log as texts of JSON.
struct log_lines {
	struct json json;
	char *line;
	size_t size, room;
};

static struct error *put_json(void *context, const char *bytes, size_t size_bytes)
{
	struct log_lines *lines = context;

	for (size_t i = 0; i < size_bytes; i++) {
		if (lines->size == lines->room) {
			size_t room = lines->room ? 2 * lines->room : 512;
			char *line = realloc(lines->line, room);

			if (!line)
				return error_new(ERROR_NOMEM, "out of memory");
			lines->line = line;
			lines->room = room;
		}
		lines->line[lines->size++] = bytes[i];
		if (bytes[i] != '\n')
			continue;
		lines->line[lines->size - 1] = '\0';
		json_text(&lines->json, NULL, lines->line);
		lines->size = 0;
	}
	return NULL;
}

struct error *inspect_commands_log(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct log_lines lines = {0};
	struct dmesg_stats stats = {0};
	bool is_terminal;
	struct error *err = inspect_dump_open(argc, argv, 0, 0, &dump);

	if (err)
		return err;
	if (dump.is_json) {
		json_init(&lines.json, stdout);
		json_open_object(&lines.json, NULL);
		json_open_array(&lines.json, "log");
		err = dmesg_tell(dump.core, put_json, &lines, &stats);
		json_close(&lines.json);
		json_number(&lines.json, "unreadable", stats.unreadable);
		json_text(&lines.json, "problem", err ? err->text : NULL);
		json_close(&lines.json);
		free(lines.line);
		if (!err)
			return json_finish(&lines.json);
		error_free(json_finish(&lines.json));
		return err;
	}
	is_terminal = isatty(STDOUT_FILENO);
	err = dmesg_tell(dump.core, put_text, &is_terminal, &stats);
	if (stats.unreadable)
		fprintf(stderr, "kdump-inspect: warning: %" PRIu64 " records of the log are not in the dump\n",
		        stats.unreadable);
	return err;
}

static void print_modules_json(const struct overview *overview, const struct modlist *modules, struct json *json)
{
	json_open_object(json, NULL);
	json_open_array(json, "modules");
	for (size_t i = 0; i < modules->count; i++) {
		const struct modlist_module *module = &modules->list[i];
		char letters[OVERVIEW_TAINTS_MAX + 1], text[24];

		overview_taint_letters(overview, module->taints, letters);
		json_open_object(json, NULL);
		json_text(json, "name", module->name);
		snprintf(text, sizeof(text), "%#" PRIx64, module->vaddr);
		json_text(json, "struct", text);
		snprintf(text, sizeof(text), "%#" PRIx64, module->ranges[0].vaddr);
		json_text(json, "code", text);
		json_number(json, "size_bytes", module->size_bytes);
		json_text(json, "tainted", letters);
		json_close(json);
	}
	json_close(json);
	json_text(json, "problem", modules->why[0] ? modules->why : NULL);
	json_close(json);
}

struct error *inspect_commands_modules(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct overview overview;
	struct error *err = inspect_dump_open(argc, argv, 0, 0, &dump);
	struct json json;

	if (!err)
		err = inspect_dump_machine(&dump);
	if (err)
		return err;
	overview_init(&overview, dump.machine->kernel);
	if (dump.is_json) {
		json_init(&json, stdout);
		print_modules_json(&overview, &dump.machine->modules, &json);
		err = json_finish(&json);
	} else {
		crashreport_modules(&overview, &dump.machine->modules, stdout);
	}
	if (!err && dump.machine->modules.why[0])
		err = error_new(ERROR_BAD_DATA, "there may be more modules: %s", dump.machine->modules.why);
	return err;
}

struct error *inspect_commands_cmdline(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct error *err = inspect_dump_open(argc, argv, 0, 0, &dump);
	char text[OVERVIEW_COMMAND_LINE_BYTES];
	struct json json;

	if (!err)
		err = inspect_dump_machine(&dump);
	if (!err)
		err = overview_command_line(dump.machine->kernel, text);
	if (err)
		return err;
	if (!dump.is_json) {
		puts(text);
		return NULL;
	}
	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_text(&json, "cmdline", text);
	json_close(&json);
	return json_finish(&json);
}
