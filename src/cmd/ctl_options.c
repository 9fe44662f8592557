// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_options.h"

#include <getopt.h>
#include <string.h>

#include "boot/config.h"

enum option_value {
	OPTION_CONFIGFILE = 256,
	OPTION_ROOT,
	OPTION_QUIET,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_JSON,
	OPTION_KERNEL,
	OPTION_FADUMP,
	OPTION_DRY_RUN,
	OPTION_REBOOT, // From OPTION_KERNEL on: CTL_OPTIONS_RESET.
};

static const struct option options[] = {
	{"configfile", required_argument, NULL, OPTION_CONFIGFILE},
	{"root", required_argument, NULL, OPTION_ROOT},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"json", no_argument, NULL, OPTION_JSON},
	{"kernel", required_argument, NULL, OPTION_KERNEL},
	{"fadump", required_argument, NULL, OPTION_FADUMP},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"reboot", no_argument, NULL, OPTION_REBOOT},
	{NULL, 0, NULL, 0},
};

static bool is_named(const char *program, const char *name)
{
	return strcmp(program, name) == 0;
}

// Options of some subcommands. False: another one.
static bool take_option(int c, struct ctl_options *ret)
{
	struct ctl_crashkernel *crashkernel = &ret->crashkernel;

	if (c != OPTION_JSON && c < OPTION_KERNEL)
		return false;
	ret->given |= c == OPTION_JSON ? CTL_OPTIONS_JSON : CTL_OPTIONS_RESET;
	switch (c) {
	case OPTION_JSON:
		ret->is_json = true;
		break;
	case OPTION_KERNEL:
		crashkernel->kernel = optarg;
		break;
	case OPTION_FADUMP:
		crashkernel->fadump = optarg;
		break;
	case OPTION_DRY_RUN:
		crashkernel->is_dry = true;
		break;
	default:
		crashkernel->is_reboot = true;
		break;
	}
	return true;
}

static struct error *take_letter(int c, const char *program, struct ctl_options *ret)
{
	size_t count = strlen(ret->letters);

	if (is_named(program, "mkdumprd")) {
		if (c != 'f')
			return error_new(ERROR_UNSUPPORTED, "mkdumprd -%c is not supported yet", c);
		ret->is_forced = true;
		return NULL;
	}
	ret->given |= CTL_OPTIONS_LETTERS;
	ret->crashkernel.letters = ret->letters;
	if (count + 1 < sizeof(ret->letters) && !strchr(ret->letters, c))
		ret->letters[count] = (char)c;
	return NULL;
}

// Options stand before the command, and for convenience behind it too. mkdumprd and kdumptool have short ones.
struct error *ctl_options_parse(int argc, char **argv, const char *program, struct ctl_options *ret)
{
	const char *letters = is_named(program, "mkdumprd")    ? "fqhk:I:Kd"
	                      : is_named(program, "kdumptool") ? "hqVcuUdD"
	                                                       : "hqV";

	*ret = (struct ctl_options){.root = "/", .config_path = CONFIG_PATH};
	for (int c = getopt_long(argc, argv, letters, options, NULL); c != -1;
	     c = getopt_long(argc, argv, letters, options, NULL)) {
		struct error *err = NULL;

		switch (c) {
		case OPTION_CONFIGFILE:
			ret->config_path = optarg;
			break;
		case OPTION_ROOT:
			ret->root = optarg;
			break;
		case OPTION_QUIET:
		case 'q':
			ret->is_quiet = ret->crashkernel.is_quiet = true;
			break;
		case OPTION_HELP:
		case 'h':
			ret->is_help = true;
			break;
		case OPTION_VERSION:
		case 'V':
			ret->is_version = true;
			break;
		case '?':
			return error_new(ERROR_USAGE, "see %s --help", program);
		default:
			if (!take_option(c, ret))
				err = take_letter(c, program, ret);
			break;
		}
		if (err)
			return err;
	}
	return NULL;
}
