// SPDX-License-Identifier: GPL-2.0-or-later
// kdumpctl: makes the system ready to save a dump. Also called kdumptool and mkdumprd, for scripts that know SUSE's
// names.
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/text.h"
#include "cmd/ctl_commands.h"

// Under --root no program may touch the running system; the text tells what would run, which tests compare.
static struct error *refuse_to_run(const struct host *host, const struct host_command *command, struct host_result *ret)
{
	_cleanup_text_ struct text text = {0};

	(void)host;
	(void)ret;
	for (const char *const *word = command->argv; *word; word++)
		text_add(&text, " %s", *word);
	return error_new(ERROR_UNSUPPORTED, "under --root no program is run; this one would be:%s",
	                 text.buf ? text.buf : "");
}

// Of what is behind the options.
static struct error *choose_command(struct ctl *ctl, int argc, char **argv, const struct ctl_command **ret)
{
	enum ctl_program program = ctl_commands_program(ctl->program);
	struct error *err;

	// YaST hands an empty word over.
	while (optind < argc && program == CTL_PROGRAM_KDUMPTOOL && !*argv[optind])
		optind++;
	if (program != CTL_PROGRAM_MKDUMPRD && optind >= argc)
		return error_new(ERROR_USAGE, "a command is missing, see %s --help", ctl->program);
	err = ctl_commands_find(program, program == CTL_PROGRAM_MKDUMPRD ? "mkdumprd" : argv[optind++], ret);
	if (err)
		return err;
	ctl->words = (const char *const *)argv + optind;
	ctl->word_count = (size_t)(argc - optind);
	return ctl_commands_check(ctl, *ret);
}

static struct error *run(int argc, char **argv, struct ctl *ctl, int *exit_ret)
{
	const struct ctl_command *command = NULL;
	const struct ctl_options *options = &ctl->options;
	const char *const *values = options->values;
	const char *root = "/";
	struct error *err = ctl_options_parse(argc, argv, ctl->program, &ctl->options);

	if (err)
		return err;
	if (ctl_options_has(options, CTL_OPTION_VERSION)) {
		puts("kdumpctl (" PACKAGE_STRING ")");
		return NULL;
	}
	if (!ctl_options_has(options, CTL_OPTION_HELP) || optind < argc ||
	    ctl_commands_program(ctl->program) == CTL_PROGRAM_MKDUMPRD)
		err = choose_command(ctl, argc, argv, &command);
	if (err)
		return err;
	if (ctl_options_has(options, CTL_OPTION_HELP)) {
		ctl_commands_help(ctl, command);
		return NULL;
	}
	ctl->config_path = values[CTL_OPTION_CONFIGFILE] ? values[CTL_OPTION_CONFIGFILE] : CONFIG_PATH;
	ctl->is_quiet = ctl_options_has(options, CTL_OPTION_QUIET);
	ctl->is_json = ctl_options_has(options, CTL_OPTION_JSON);
	if (values[CTL_OPTION_ROOT])
		root = values[CTL_OPTION_ROOT];
	err = host_init(&ctl->host, root);
	if (err)
		return err;
	if (strcmp(root, "/") != 0)
		ctl->host.run = refuse_to_run;
	err = command->run(ctl, exit_ret);
	host_deinit(&ctl->host);
	return err;
}

int main(int argc, char **argv)
{
	const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;
	struct ctl ctl = {
		.host = {.root_fd = -1},
		.program = slash     ? slash + 1
	                   : argv[0] ? argv[0]
	                             : "kdumpctl",
	};
	int exit_code = EXIT_OK;
	_cleanup_error_ struct error *err = run(argc, argv, &ctl, &exit_code);

	if (!err)
		return exit_code;
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", ctl.program, err->text);
	// SUSE's kdumptool has 1 for all but its boot loader.
	if (exit_code != EXIT_OK || ctl_commands_program(ctl.program) == CTL_PROGRAM_KDUMPTOOL)
		return exit_code != EXIT_OK ? exit_code : EXIT_FAILED;
	return error_exit_code(err);
}
