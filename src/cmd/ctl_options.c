// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/config.h"

// What getopt_long() returns for an option without a letter.
enum { VALUE_FIRST = 256 };

enum { NAME_COLUMNS = 28 };

struct row {
	const char *name; // "--name", or "-x" for what has no other name.
	const char *argument; // NULL: it takes none; with a bracket: it may have one.
	char letter;
	const char *help;
};

static const struct row rows[CTL_OPTION_COUNT] = {
	[CTL_OPTION_CONFIGFILE] = {"--configfile", "FILE", 0, "read FILE in place of " CONFIG_PATH},
	[CTL_OPTION_ROOT] = {"--root", "DIR", 0, "take DIR for /; no program is run (for tests)"},
	[CTL_OPTION_QUIET] = {"--quiet", NULL, 'q', "print errors only"},
	[CTL_OPTION_HELP] = {"--help", NULL, 'h', "print this, or what a command takes"},
	[CTL_OPTION_VERSION] = {"--version", NULL, 'V', "print the version"},
	[CTL_OPTION_JSON] = {"--json", NULL, 0, "print a JSON document"},
	[CTL_OPTION_KERNEL] = {"--kernel", "PATH|ALL|DEFAULT", 0, "for these kernels; ALL unless it is given"},
	[CTL_OPTION_FADUMP] = {"--fadump", "off", 0, "remove the parameters of firmware-assisted dump too"},
	[CTL_OPTION_DRY_RUN] = {"--dry-run", NULL, 0, "print what would be done, and do nothing"},
	[CTL_OPTION_REBOOT] = {"--reboot", "[=kexec]", 0,
                               "restart the machine afterwards; with kexec, without its firmware"},
	[CTL_OPTION_FROM] = {"--from", "rhel|debian", 0, "whose configuration it is; else its name tells"},
	[CTL_OPTION_WRITE] = {"--write", NULL, 0, "write it where it belongs, instead of printing it"},
	[CTL_OPTION_YES] = {"--yes", NULL, 0, "do not ask; take the default, or yes, for an answer"},
	[CTL_OPTION_TARGET] = {"--target", "TARGET", 0, "where dumps go: a directory, UUID=..., raw:..., or a URL"},
	[CTL_OPTION_LEVEL] = {"--level", "0-31", 0, "what is left out of them"},
	[CTL_OPTION_FINAL_ACTION] = {"--final-action", "reboot|halt|poweroff", 0, "what the machine does then"},
	[CTL_OPTION_NOTIFY] = {"--notify", "ADDRESS", 0, "who gets a mail after the next boot"},
	[CTL_OPTION_CHECK] = {"-c", NULL, 'c', "compare with the running kernel"},
	[CTL_OPTION_UPDATE] = {"-u", NULL, 'u', "write it into the boot loader's configuration"},
	[CTL_OPTION_UPDATE_IF] = {"-U", NULL, 'U', "the same, if KDUMP_UPDATE_BOOTLOADER is set"},
	[CTL_OPTION_DELETE] = {"-d", NULL, 'd', "remove it from there"},
	[CTL_OPTION_DELETE_IF] = {"-D", NULL, 'D', "the same of what is ours, if KDUMP_UPDATE_BOOTLOADER is set"},
	[CTL_OPTION_FORCE] = {"-f", NULL, 'f', "build it also if it is fresh"},
	[CTL_OPTION_EMULATE] = {"--emulate", NULL, 0, "do not use KVM"},
	[CTL_OPTION_CRASH] = {"--crash", NULL, 0, "panic this machine in earnest, after a question"},
	[CTL_OPTION_SERVE] = {"--serve", NULL, 0, "do what was asked for before, and end"},
	[CTL_OPTION_CRASHKERNEL] = {"--crashkernel", "SIZE", 0, "test a reservation of SIZE, such as 96M"},
};

static bool is_named(const char *program, const char *name)
{
	return strcmp(program, name) == 0;
}

bool ctl_options_has(const struct ctl_options *options, enum ctl_option option)
{
	return options->values[option] != NULL;
}

const char *ctl_options_name(enum ctl_option option)
{
	return rows[option].name;
}

// What getopt_long() shall know, with a row of zeros last.
static void fill_long(struct option *list)
{
	for (int i = 0; i < CTL_OPTION_COUNT; i++) {
		if (strncmp(rows[i].name, "--", 2) != 0)
			continue;
		*list++ = (struct option){
			.name = rows[i].name + 2,
			.has_arg = !rows[i].argument          ? no_argument
		                   : *rows[i].argument == '[' ? optional_argument
		                                              : required_argument,
			.val = VALUE_FIRST + i,
		};
	}
	*list = (struct option){0};
}

static struct error *take_letter(int c, const char *program, struct ctl_options *ret)
{
	for (int i = 0; i < CTL_OPTION_COUNT; i++) {
		if (rows[i].letter == c) {
			ret->values[i] = "";
			return NULL;
		}
	}
	return error_new(ERROR_UNSUPPORTED, "%s -%c is not supported yet", program, c);
}

// Options stand before the command, and for convenience behind it too.
struct error *ctl_options_parse(int argc, char **argv, const char *program, struct ctl_options *ret)
{
	const char *letters = is_named(program, "mkdumprd") ? "fqhVk:I:Kd" : "hqVcuUdD";
	struct option list[CTL_OPTION_COUNT + 1];

	*ret = (struct ctl_options){0};
	fill_long(list);
	for (int c = getopt_long(argc, argv, letters, list, NULL); c != -1;
	     c = getopt_long(argc, argv, letters, list, NULL)) {
		struct error *err = NULL;

		if (c == '?')
			err = error_new(ERROR_USAGE, "see %s --help", program);
		else if (c >= VALUE_FIRST)
			ret->values[c - VALUE_FIRST] = optarg ? optarg : "";
		else if (is_named(program, "mkdumprd") && c == 'd')
			err = error_new(ERROR_UNSUPPORTED, "%s -%c is not supported yet", program, c);
		else
			err = take_letter(c, program, ret);
		if (err)
			return err;
	}
	return NULL;
}

void ctl_options_print(uint64_t set)
{
	for (int i = 0; i < CTL_OPTION_COUNT; i++) {
		const char *argument = rows[i].argument ? rows[i].argument : "";
		int count;

		if (!(set & UINT64_C(1) << i))
			continue;
		count = printf("  %s%s%s", rows[i].name, *argument && *argument != '[' ? " " : "", argument);
		printf("%*s%s\n", count + 1 < NAME_COLUMNS ? NAME_COLUMNS - count : 2, "", rows[i].help);
	}
}
