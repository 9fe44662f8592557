// SPDX-License-Identifier: GPL-2.0-or-later
// kdump-inspect: looks into dumps, on any machine.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/text.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_decrypt.h"

// A subcommand.
struct command {
	const char *name;
	const char *arguments;
	const char *help;
	struct error *(*run)(int argc, char **argv); // The words, from its name on.
};

// The first one is meant where a dump stands in place of a command.
static const struct command commands[] = {
	{"summary", INSPECT_COMMANDS_DUMP, "what happened, where, and on which machine", inspect_commands_summary},
	{"log", INSPECT_COMMANDS_DUMP, "the kernel's log", inspect_commands_log},
	{"bt", "[-a | -c CPU] " INSPECT_COMMANDS_DUMP " [PID]...",
         "stacks: of the task that crashed, of all, of a CPU, of some", inspect_commands_bt},
	{"ps", "[-u] " INSPECT_COMMANDS_DUMP, "the tasks; -u: without those of the kernel", inspect_commands_ps},
	{"mem", "[--slab] [--processes] " INSPECT_COMMANDS_DUMP,
         "memory: of the machine, of the kernel's caches, of processes; only all caches, all processes",
         inspect_commands_mem},
	{"irq", "[-a] " INSPECT_COMMANDS_DUMP, "interrupts, as /proc/interrupts has them; -a: where they go",
         inspect_commands_irq},
	{"modules", INSPECT_COMMANDS_DUMP, "the modules that were loaded", inspect_commands_modules},
	{"cmdline", INSPECT_COMMANDS_DUMP, "the kernel's command line", inspect_commands_cmdline},
	{"sym", INSPECT_COMMANDS_DUMP " ADDRESS|NAME", "the symbol at an address, or of a name", inspect_commands_sym},
	{"read", INSPECT_COMMANDS_DUMP " ADDRESS|NAME [COUNT]", "memory, as words of 8 bytes", inspect_commands_read},
	{"type", INSPECT_COMMANDS_DUMP " NAME", "members of a structure or union, or enumerators",
         inspect_commands_type},
	{"check", "[--map FILE] [--threads NUMBER] " INSPECT_COMMANDS_DUMP, "whether a dump is whole",
         inspect_commands_check},
	{"explain",
         "[--map FILE] [--ranges] " INSPECT_COMMANDS_DUMP " [ADDRESS|NAME|PID:ADDRESS|phys:ADDRESS|pfn:NUMBER]...",
         "whose a page is, whether it is in the dump, and why it is not", inspect_commands_explain},
	{"compare", "[--json] DUMP DUMP...", "whether dumps are of the same crash, and what differs",
         inspect_commands_compare},
	{"list", "[--verify] [--json] DIRECTORY...", "the dumps below directories", inspect_commands_list},
	{"html", "-o FILE [--force] [--map FILE] [--part FILE]... DUMP", "all of it as one page for a browser",
         inspect_commands_html},
	{"trace",
         "[-o FILE [--force]] [--instance NAME] [--event [SYSTEM:]NAME]... [--pid PID] [--last "
         "TIME] " INSPECT_COMMANDS_DUMP,
         "events of ftrace, as text or for trace-cmd; with --ctf DIRECTORY [--append-to TRACE] those of LTTng, for "
         "babeltrace2",
         inspect_commands_trace},
	{"gdb", INSPECT_COMMANDS_GDB, "the debugger gdb on the dump", inspect_commands_gdb},
	{"crash", INSPECT_COMMANDS_CRASH, "the crash utility on the dump, with the kernel that it is of",
         inspect_commands_crash},
	{"decrypt", INSPECT_DECRYPT_USAGE, "decrypt a file of a dump, or all of a dump directory", inspect_decrypt},
};

static void print_help(void)
{
	puts("usage: kdump-inspect COMMAND [ARGUMENT]...\n       kdump-inspect DUMP\n");
	for (size_t i = 0; i < array_size(commands); i++)
		printf("  %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].help);
	puts("\n  --help, --version\n\nSee kdump-inspect(1).");
}

static struct error *find_command(const char *name, const struct command **ret)
{
	const char *names[array_size(commands) + 1] = {NULL};
	const char *nearest;

	for (size_t i = 0; i < array_size(commands); i++) {
		names[i] = commands[i].name;
		if (strcmp(commands[i].name, name) == 0) {
			*ret = &commands[i];
			return NULL;
		}
	}
	nearest = text_nearest(name, names);
	return error_new(ERROR_USAGE, "unknown command %s%s%s%s", name, nearest ? "; did you mean " : "",
	                 nearest ? nearest : "", nearest ? "?" : "");
}

// No command has the name of a file, unless somebody called one so: then the command is meant.
static bool is_dump(const char *word)
{
	struct stat info;

	for (size_t i = 0; i < array_size(commands); i++)
		if (strcmp(commands[i].name, word) == 0)
			return false;
	return strchr(word, '/') || stat(word, &info) == 0;
}

static struct error *run(int argc, char **argv)
{
	const struct command *command = NULL;
	const char *word = argc > 1 ? argv[1] : "";
	struct error *err;

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		print_help();
		return NULL;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		puts("kdump-inspect (" PACKAGE_STRING ")");
		return NULL;
	}
	if (!*word)
		return error_new(ERROR_USAGE, "a command is missing, see kdump-inspect --help");
	if (is_dump(word))
		return commands[0].run(argc, argv);
	err = find_command(word, &command);
	return err ? err : command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	_cleanup_error_ struct error *err = run(argc, argv);

	// What nobody got is not told.
	if (fflush(stdout) != 0 && !err)
		err = error_os(errno, "standard output");
	if (ferror(stdout) && !err)
		err = error_new(ERROR_OS, "standard output: not all of it could be written");
	if (err)
		fprintf(stderr, "kdump-inspect: %s\n", err->text);
	return error_exit_code(err);
}
