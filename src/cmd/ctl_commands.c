// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_commands.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/text.h"
#include "cmd/ctl_check.h"
#include "cmd/ctl_config.h"
#include "cmd/ctl_crashkernel.h"
#include "cmd/ctl_crypttab.h"
#include "cmd/ctl_dumps.h"
#include "cmd/ctl_estimate.h"
#include "cmd/ctl_hotplug.h"
#include "cmd/ctl_import.h"
#include "cmd/ctl_load.h"
#include "cmd/ctl_metrics.h"
#include "cmd/ctl_propagate.h"
#include "cmd/ctl_setup.h"
#include "cmd/ctl_status.h"
#include "cmd/ctl_test.h"

enum {
	KDUMPCTL = CTL_PROGRAM_KDUMPCTL,
	KDUMPTOOL = CTL_PROGRAM_KDUMPTOOL,
	MKDUMPRD = CTL_PROGRAM_MKDUMPRD,
	NAME_COLUMNS = 24,
};

#define TAKES_ALWAYS (CTL_TAKES(CONFIGFILE) | CTL_TAKES(ROOT) | CTL_TAKES(QUIET) | CTL_TAKES(HELP) | CTL_TAKES(VERSION))
#define TAKES_RESET (CTL_TAKES(KERNEL) | CTL_TAKES(FADUMP) | CTL_TAKES(DRY_RUN) | CTL_TAKES(REBOOT))
#define TAKES_SETUP                                                                                                    \
	(CTL_TAKES(TARGET) | CTL_TAKES(LEVEL) | CTL_TAKES(FINAL_ACTION) | CTL_TAKES(NOTIFY) | CTL_TAKES(YES) |         \
	 CTL_TAKES(DRY_RUN))
#define TAKES_TEST (CTL_TAKES(JSON) | CTL_TAKES(CRASHKERNEL) | CTL_TAKES(EMULATE) | CTL_TAKES(CRASH) | CTL_TAKES(YES))
#define TAKES_COMMANDLINE                                                                                              \
	(CTL_TAKES(CHECK) | CTL_TAKES(UPDATE) | CTL_TAKES(UPDATE_IF) | CTL_TAKES(DELETE) | CTL_TAKES(DELETE_IF))

static const struct ctl_command commands[] = {
	{
		.name = "start",
		.run = ctl_load_start,
		.help = "make the plan, rebuild the capture initramfs if it is stale, load the capture kernel",
		.programs = KDUMPCTL,
	},
	{
		.name = "stop",
		.run = ctl_load_stop,
		.help = "unload the capture kernel",
		.programs = KDUMPCTL,
	},
	{
		.name = "restart",
		.run = ctl_load_start,
		.help = "same as start: what is loaded is replaced",
		.programs = KDUMPCTL,
	},
	{
		.name = "reload",
		.run = ctl_load_reload,
		.help = "the same if something has changed since it was loaded, else nothing",
		.programs = KDUMPCTL,
	},
	{
		.name = "hotplug",
		.run = ctl_hotplug,
		.help = "reload soon, since memory or CPUs have come or gone; for udev",
		.takes = CTL_TAKES(SERVE),
		.programs = KDUMPCTL,
	},
	{
		.name = "status",
		.run = ctl_status,
		.help = "exit with 0 if a capture kernel is loaded, else with 3 and the reason",
		.takes = CTL_TAKES(JSON),
		.programs = KDUMPCTL,
	},
	{
		.name = "check",
		.run = ctl_check,
		.help = "print what would make a capture fail; exit with 3 if there would be none",
		.takes = CTL_TAKES(JSON),
		.programs = KDUMPCTL,
	},
	{
		.name = "plan",
		.run = ctl_load_plan,
		.help = "print what would be done after a crash, and why",
		.takes = CTL_TAKES(JSON),
		.programs = KDUMPCTL,
	},
	{
		.name = "rebuild",
		.run = ctl_load_rebuild,
		.help = "build the capture initramfs, stale or not; load nothing",
		.programs = KDUMPCTL,
	},
	{
		.name = "list",
		.run = ctl_dumps,
		.help = "list the dumps on the targets, checked against their manifests, and why the machine crashed",
		.takes = CTL_TAKES(JSON),
		.programs = KDUMPCTL,
	},
	{
		.name = "dumps",
		.run = ctl_dumps,
		.help = "same as list",
		.takes = CTL_TAKES(JSON),
		.programs = KDUMPCTL,
	},
	{
		.name = "new-dumps",
		.run = ctl_dumps_new,
		.help = "the same of those since the last time, and tell " CTL_NOTIFY_DIRECTORY,
		.takes = CTL_TAKES(JSON),
		.programs = KDUMPCTL,
	},
	{
		.name = "showmem",
		.run = ctl_load_showmem,
		.help = "print the size of the reservation",
		.takes = CTL_TAKES(JSON),
		.programs = KDUMPCTL,
	},
	{
		.name = "estimate",
		.run = ctl_estimate,
		.help = "print how much memory a capture needs, and for what",
		.takes = CTL_TAKES(JSON),
		.programs = KDUMPCTL,
	},
	{
		.name = "get-default-crashkernel",
		.run = ctl_estimate_default,
		.words = "[kdump]",
		.help = "print what is proposed to be reserved",
		.takes = CTL_TAKES(JSON),
		.words_max = 1,
		.programs = KDUMPCTL,
	},
	{
		.name = "reset-crashkernel",
		.run = ctl_crashkernel_reset,
		.help = "write crashkernel= into the boot loader's configuration",
		.takes = TAKES_RESET,
		.programs = KDUMPCTL,
	},
	{
		.name = "setup",
		.run = ctl_setup,
		.help = "ask where dumps go, what is in them, what comes then and who is told, and do it",
		.takes = TAKES_SETUP,
		.programs = KDUMPCTL,
	},
	{
		.name = "import",
		.run = ctl_import,
		.words = "[FILE]",
		.help = "print the configuration of RHEL's or Debian's kdump as ours, and what has no equivalent",
		.takes = CTL_TAKES(FROM) | CTL_TAKES(WRITE),
		.words_max = 1,
		.programs = KDUMPCTL,
	},
	{
		.name = "metrics",
		.run = ctl_metrics,
		.help = "print for Prometheus whether a crash would be captured, or write it into KDUMP_METRICS_FILE",
		.takes = CTL_TAKES(WRITE),
		.programs = KDUMPCTL,
	},
	{
		.name = "propagate",
		.run = ctl_propagate,
		.help = "make the key for an ssh target, pin the server's, and put ours there",
		.takes = CTL_TAKES(YES),
		.programs = KDUMPCTL,
	},
	{
		.name = "calibrate",
		.run = ctl_estimate_calibrate,
		.help = "print how much memory a capture needs, for YaST",
		// SUSE's asks for messages with it.
		.ignores = CTL_TAKES(DELETE),
		.programs = KDUMPCTL | KDUMPTOOL,
	},
	{
		.name = "commandline",
		.run = ctl_crashkernel_commandline,
		.help = "print crashkernel=..., compare, write or remove it",
		.takes = TAKES_COMMANDLINE,
		.programs = KDUMPCTL | KDUMPTOOL,
	},
	{
		.name = "dump_config",
		.run = ctl_config_dump,
		.help = "print the configuration as it is understood, without passwords",
		.programs = KDUMPTOOL,
	},
	{
		.name = "setup-crypttab",
		.run = ctl_crypttab,
		.help = "tell why encrypted volumes need no setup here, and what to do",
		.programs = KDUMPCTL,
	},
	{
		.name = "mkdumprd",
		.run = ctl_load_mkdumprd,
		.help = "build the capture initramfs if it is stale",
		.takes = CTL_TAKES(FORCE),
		.programs = MKDUMPRD,
	},
	{
		.name = "test",
		.run = ctl_test,
		.help = "try a capture in a virtual machine, or with --crash in earnest",
		.takes = TAKES_TEST,
		.programs = KDUMPCTL,
	},
};

enum ctl_program ctl_commands_program(const char *name)
{
	if (strcmp(name, "kdumptool") == 0)
		return CTL_PROGRAM_KDUMPTOOL;
	return strcmp(name, "mkdumprd") == 0 ? CTL_PROGRAM_MKDUMPRD : CTL_PROGRAM_KDUMPCTL;
}

struct error *ctl_commands_find(enum ctl_program program, const char *name, const struct ctl_command **ret)
{
	const char *names[array_size(commands) + 1] = {NULL};
	const char *nearest;
	size_t count = 0;

	for (size_t i = 0; i < array_size(commands); i++) {
		if (!(commands[i].programs & program))
			continue;
		names[count++] = commands[i].name;
		if (strcmp(commands[i].name, name) == 0) {
			*ret = &commands[i];
			return commands[i].run ? NULL : error_new(ERROR_UNSUPPORTED, "%s is not supported yet", name);
		}
	}
	nearest = text_nearest(name, names);
	return error_new(ERROR_USAGE, "unknown command %s%s%s%s", name, nearest ? "; did you mean " : "",
	                 nearest ? nearest : "", nearest ? "?" : "");
}

struct error *ctl_commands_check(const struct ctl *ctl, const struct ctl_command *command)
{
	uint64_t taken = command->takes | command->ignores | TAKES_ALWAYS;

	for (int i = 0; i < CTL_OPTION_COUNT; i++)
		if (ctl_options_has(&ctl->options, i) && !(taken & UINT64_C(1) << i))
			return error_new(ERROR_USAGE, "%s does not take %s", command->name, ctl_options_name(i));
	if (ctl->word_count > command->words_max)
		return error_new(ERROR_USAGE, "%s: %s is a word too many, see %s --help", command->name,
		                 ctl->words[command->words_max], ctl->program);
	return NULL;
}

static void print_commands(enum ctl_program program)
{
	for (size_t i = 0; i < array_size(commands); i++)
		if (commands[i].run && commands[i].programs & program)
			printf("  %-*s%s\n", NAME_COLUMNS, commands[i].name, commands[i].help);
}

void ctl_commands_help(const struct ctl *ctl, const struct ctl_command *command)
{
	enum ctl_program program = ctl_commands_program(ctl->program);

	if (!command) {
		printf("usage: %s [OPTION...] COMMAND [OPTION...]\n\n", ctl->program);
		print_commands(program);
		puts("");
		ctl_options_print(TAKES_ALWAYS);
	} else {
		printf("usage: %s%s%s [OPTION...]%s%s\n\n%s\n\n", ctl->program,
		       program == CTL_PROGRAM_MKDUMPRD ? "" : " ", program == CTL_PROGRAM_MKDUMPRD ? "" : command->name,
		       command->words ? " " : "", command->words ? command->words : "", command->help);
		ctl_options_print(command->takes | TAKES_ALWAYS);
	}
	printf("\nSee %s(8), kdump(5).\n", ctl->program);
}
