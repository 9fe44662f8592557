// SPDX-License-Identifier: GPL-2.0-or-later
// kdumpctl: makes the system ready to save a dump. Also called kdumptool and mkdumprd, for scripts that know SUSE's
// names.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/crashkernel.h"
#include "boot/hang.h"
#include "boot/initrd.h"
#include "boot/kexec.h"
#include "boot/plan.h"
#include "boot/reservation.h"
#include "boot/text.h"
#include "cmd/ctl_crashkernel.h"
#include "cmd/ctl_check.h"
#include "cmd/ctl_dumps.h"
#include "cmd/ctl_early.h"
#include "cmd/ctl_estimate.h"
#include "cmd/ctl_options.h"
#include "cmd/ctl_partition.h"

// Everybody who changes what is loaded or the image holds this file.
#define LOCK_PATH "/run/lock/kdump"

// Everybody who tells of dumps, which may take long, holds this one.
#define DUMPS_LOCK_PATH "/run/lock/kdump-dumps"

// Set in kdump.service, and to "early" in kdump-early.service.
#define BOOT_VARIABLE "KDUMPCTL_BOOT"

// Bits of KDUMP_VERBOSE: SUSE tells the command line to syslog (1) or standard output (4); for a service both are one.
enum { VERBOSE_COMMAND_LINE = 1 | 4 };

// What the subcommands work on.
struct control {
	struct host host;
	const char *program; // Name that we were called by, for messages.
	struct ctl_options options;
	const char *word; // Behind the command; NULL for none.
};

// A subcommand. Without a function it is planned but not there yet.
struct command {
	const char *name;
	struct error *(*run)(struct control *control, int *exit_ret);
	const char *help;
	unsigned int takes; // Bits of enum ctl_options_given.
};

static struct error *lock(const struct control *control, const char *path, int *fd_ret)
{
	_cleanup_close_ int fd = -1;
	struct error *err = host_mkdirs(&control->host, "/run/lock");

	if (!err)
		err = host_open(&control->host, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd);
	if (err)
		return error_wrap(err, "lock");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return error_os(errno, "lock %s", path);
		if (!control->options.is_quiet)
			fprintf(stderr, "%s: waiting for another kdumpctl\n", control->program);
		while (flock(fd, LOCK_EX) < 0) {
			if (errno != EINTR)
				return error_os(errno, "lock %s", path);
		}
	}
	*fd_ret = take_fd(&fd);
	return NULL;
}

static struct error *load_config(const struct control *control, struct config *ret)
{
	struct error *err = config_load(&control->host, control->options.config_path, ret);

	if (err)
		return err;
	for (size_t i = 0; i < ret->warnings.count && !control->options.is_quiet; i++)
		fprintf(stderr, "%s: warning: %s\n", control->program, ret->warnings.list[i]);
	return NULL;
}

// What is not as it was asked for.
static void print_warnings(const struct control *control, const struct plan *plan)
{
	for (size_t i = 0; i < plan->reason_count && !control->options.is_quiet; i++)
		if (strcmp(plan->reasons[i].key, PLAN_WARNING) == 0)
			fprintf(stderr, "%s: warning: %s\n", control->program, plan->reasons[i].reason);
}

static struct error *make_plan(const struct control *control, struct plan *ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = load_config(control, &config);

	if (!err)
		err = plan_make(&control->host, &config, ret);
	if (!err)
		print_warnings(control, ret);
	return err;
}

static struct error *run_plan(struct control *control, int *exit_ret)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *text = NULL;
	struct error *err = make_plan(control, &plan);

	(void)exit_ret;
	if (!err)
		err = plan_format(&plan, &text);
	if (err)
		return err;
	return fputs(text, stdout) < 0 || fflush(stdout) < 0 ? error_os(errno, "write the plan") : NULL;
}

// Makes the image if it must be. The words tell what was done.
static struct error *refresh_initrd(const struct control *control, const struct plan *plan, char **words_ret)
{
	_cleanup_free_ char *cause = NULL;
	_cleanup_text_ struct text words = {0};
	struct error *err = initrd_check(&control->host, plan, &cause);

	if (!err && !cause && control->options.is_forced) {
		cause = strdup("asked for");
		err = cause ? NULL : error_new(ERROR_NOMEM, "no memory for a text");
	}
	if (!err && cause)
		err = initrd_build(&control->host, plan);
	if (err)
		return err;
	text_add(&words, cause ? "rebuilt: %s" : "fresh", cause);
	return text_take(&words, words_ret);
}

static struct error *image_size(const struct control *control, double *mib_ret)
{
	struct stat info;
	struct error *err = host_stat(&control->host, INITRD_PATH, &info);

	if (!err)
		*mib_ret = (double)info.st_size / 1024 / 1024;
	return err;
}

// What cannot be estimated is said by others.
static uint64_t proposed_mib(const struct control *control, const struct config *config)
{
	_cleanup_reservation_ struct reservation reservation = {0};
	_cleanup_error_ struct error *err = reservation_estimate(&control->host, config, &reservation);

	return err ? RESERVATION_USUAL_MIB : reservation.proposed_mib;
}

static struct error *check_reservation(const struct control *control, const struct config *config, uint64_t *bytes_ret)
{
	struct error *err = crashkernel_read(&control->host, bytes_ret);

	return !err && *bytes_ret == 0 ? crashkernel_missing(&control->host, config, proposed_mib(control, config))
	                               : err;
}

static struct error *load(const struct control *control, const struct plan *plan, uint64_t reserved_bytes)
{
	_cleanup_free_ char *words = NULL;
	enum kexec_method method;
	double mib = 0;
	struct error *err = refresh_initrd(control, plan, &words);

	if (!err)
		err = image_size(control, &mib);
	if (!err)
		err = kexec_load(&control->host, plan, &method);
	if (!err)
		err = hang_set(&control->host, plan->panic_on);
	if (err)
		return err;
	if (!control->options.is_quiet)
		printf("kdump: loaded %s with %s (%.1f MiB, %s) into %" PRIu64
		       " MiB%s; dumps go to %s %s, level %u, %s\n",
		       plan->kernel_version, plan->initrd, mib, words, reserved_bytes / 1024 / 1024,
		       method == KEXEC_LOAD ? " by kexec_load" : "", plan->target.device, plan->target.directory,
		       plan->dump_level, plan_format_name(plan->format));
	if (plan->verbose & VERBOSE_COMMAND_LINE)
		printf("kdump: command line: %s\n", plan->command_line);
	return NULL;
}

static struct error *arm(struct control *control, struct config *config)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_close_ int lock_fd = -1;
	uint64_t reserved_bytes = 0;
	struct error *err = lock(control, LOCK_PATH, &lock_fd);

	if (!err)
		err = load_config(control, config);
	if (!err)
		err = check_reservation(control, config, &reserved_bytes);
	if (!err)
		err = plan_make(&control->host, config, &plan);
	if (!err)
		print_warnings(control, &plan);
	return err ? err : load(control, &plan, reserved_bytes);
}

static struct error *take_from_partitions(const struct control *control, const struct config *config)
{
	_cleanup_close_ int lock_fd = -1;
	struct error *err = lock(control, DUMPS_LOCK_PATH, &lock_fd);

	return err ? err : ctl_partition(&control->host, config, control->options.is_quiet);
}

static bool has_raw_target(const struct config *config)
{
	return strstr(config_text(config, KEY_TARGET), "raw:") || strstr(config_text(config, KEY_FALLBACK), "raw:");
}

static struct error *start_early(const struct control *control)
{
	_cleanup_close_ int lock_fd = -1;
	struct error *err = lock(control, LOCK_PATH, &lock_fd);

	return err ? err : ctl_early(&control->host, control->options.is_quiet);
}

static struct error *run_start(struct control *control, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	const char *boot = getenv(BOOT_VARIABLE);
	struct error *late, *err;

	(void)exit_ret;
	if (boot && strcmp(boot, "early") == 0)
		return start_early(control);
	err = arm(control, &config);
	// Taking dumps out may take long: the machine is ready for the next crash first, also if one cannot be taken. While it
	// boots nobody waits for that, and the directory of dumps may not be mounted yet: then kdump-notify.service does it.
	if (err || !has_raw_target(&config) || boot)
		return err;
	late = take_from_partitions(control, &config);
	if (late)
		fprintf(stderr, "%s: %s\n", control->program, late->text);
	error_free(late);
	return NULL;
}

static struct error *run_stop(struct control *control, int *exit_ret)
{
	_cleanup_close_ int lock_fd = -1;
	bool is_loaded = false;
	struct error *err = lock(control, LOCK_PATH, &lock_fd);

	(void)exit_ret;
	if (!err)
		err = kexec_is_loaded(&control->host, &is_loaded);
	if (!err && is_loaded)
		err = kexec_unload(&control->host);
	if (!err && !control->options.is_quiet)
		puts(is_loaded ? "kdump: unloaded" : "kdump: nothing was loaded");
	return err;
}

static struct error *run_status(struct control *control, int *exit_ret)
{
	_cleanup_error_ struct error *reason = NULL;
	uint64_t reserved_bytes = 0;
	bool is_loaded = false;
	struct error *err = kexec_is_loaded(&control->host, &is_loaded);

	if (!err && is_loaded) {
		puts("Kdump is operational");
		return NULL;
	}
	*exit_ret = EXIT_CONFIG;
	reason = err ? err : check_reservation(control, NULL, &reserved_bytes);
	printf("Kdump is not operational\nkdump: %s\n",
	       reason ? reason->text : "no capture kernel is loaded: run kdumpctl start, or systemctl start kdump");
	return NULL;
}

static struct error *run_rebuild(struct control *control, int *exit_ret)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_free_ char *words = NULL;
	_cleanup_close_ int lock_fd = -1;
	double mib = 0;
	struct error *err = lock(control, LOCK_PATH, &lock_fd);

	(void)exit_ret;
	if (!err)
		err = make_plan(control, &plan);
	if (!err)
		err = refresh_initrd(control, &plan, &words);
	if (!err)
		err = image_size(control, &mib);
	if (!err && !control->options.is_quiet)
		printf("kdump: %s (%.1f MiB, %s)\n", INITRD_PATH, mib, words);
	return err;
}

static struct error *run_rebuild_always(struct control *control, int *exit_ret)
{
	control->options.is_forced = true;
	return run_rebuild(control, exit_ret);
}

static struct error *run_showmem(struct control *control, int *exit_ret)
{
	uint64_t reserved_bytes = 0;
	struct error *err = crashkernel_read(&control->host, &reserved_bytes);

	(void)exit_ret;
	if (!err)
		printf("Reserved %" PRIu64 "MB memory for crash kernel\n", reserved_bytes / 1024 / 1024);
	return err;
}

static struct error *tell_dumps(const struct control *control, bool is_new_only)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_close_ int lock_fd = -1;
	_cleanup_error_ struct error *late = NULL;
	struct error *err = is_new_only ? lock(control, DUMPS_LOCK_PATH, &lock_fd) : NULL;

	if (!err)
		err = load_config(control, &config);
	if (!err && is_new_only)
		late = ctl_partition(&control->host, &config, false);
	if (!err)
		err = ctl_dumps(&control->host, &config, is_new_only);
	if (err)
		return err;
	return take_ptr(late);
}

static struct error *run_dumps(struct control *control, int *exit_ret)
{
	(void)exit_ret;
	return tell_dumps(control, false);
}

static struct error *run_new_dumps(struct control *control, int *exit_ret)
{
	(void)exit_ret;
	return tell_dumps(control, true);
}

static struct error *run_check(struct control *control, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	bool is_bad = false;
	struct error *err = config_load(&control->host, control->options.config_path, &config);

	if (!err)
		err = ctl_check(&control->host, &config, control->options.is_json, &is_bad);
	if (!err && is_bad)
		*exit_ret = EXIT_CONFIG;
	return err;
}

static struct error *run_estimate(struct control *control, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = load_config(control, &config);

	(void)exit_ret;
	return err ? err : ctl_estimate(&control->host, &config, control->options.is_json);
}

static struct error *run_calibrate(struct control *control, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = load_config(control, &config);

	(void)exit_ret;
	return err ? err : ctl_estimate_calibrate(&control->host, &config);
}

static struct error *run_default(struct control *control, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err;

	(void)exit_ret;
	if (control->word && strcmp(control->word, "fadump") == 0)
		return error_new(ERROR_UNSUPPORTED, "firmware-assisted dump is not supported yet");
	if (control->word && strcmp(control->word, "kdump") != 0)
		return error_new(ERROR_USAGE, "get-default-crashkernel %s: allowed is kdump, or nothing",
		                 control->word);
	err = load_config(control, &config);
	return err ? err : ctl_estimate_default(&control->host, &config);
}

static struct error *run_reset(struct control *control, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_close_ int lock_fd = -1;
	struct error *err = control->options.crashkernel.is_dry ? NULL : lock(control, LOCK_PATH, &lock_fd);

	(void)exit_ret;
	if (!err)
		err = load_config(control, &config);
	return err ? err : ctl_crashkernel_reset(&control->host, &config, &control->options.crashkernel);
}

static struct error *run_commandline(struct control *control, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_close_ int lock_fd = -1;
	const char *letters = control->options.crashkernel.letters;
	struct error *err = letters && strpbrk(letters, "uUdD") ? lock(control, LOCK_PATH, &lock_fd) : NULL;

	if (!err)
		err = load_config(control, &config);
	return err ? err
	           : ctl_crashkernel_commandline(&control->host, &config, &control->options.crashkernel, exit_ret);
}

static const struct command commands[] = {
	{"start", run_start, "make the plan, rebuild the capture initramfs if it is stale, load the capture kernel", 0},
	{"stop", run_stop, "unload the capture kernel", 0},
	{"restart", run_start, "same as start: what is loaded is replaced", 0},
	{"reload", run_start, "same as start: what is loaded is replaced", 0},
	{"status", run_status, "exit with 0 if a capture kernel is loaded, else with 3 and the reason", 0},
	{"plan", run_plan, "print what would be done after a crash, and why", 0},
	{"rebuild", run_rebuild_always, "build the capture initramfs, stale or not; load nothing", 0},
	{"dumps", run_dumps,
         "list the dumps on the targets, checked against their manifests, and why the machine crashed", 0},
	{"new-dumps", run_new_dumps, "the same of those since the last time, and tell " CTL_NOTIFY_DIRECTORY, 0},
	{"showmem", run_showmem, "print the size of the reservation", 0},
	{"estimate", run_estimate, "print how much memory a capture needs, and for what [--json]", CTL_OPTIONS_JSON},
	{"get-default-crashkernel", run_default, "print what is proposed to be reserved", CTL_OPTIONS_WORD},
	{"reset-crashkernel", run_reset,
         "write crashkernel= into the boot loader's configuration [--kernel=PATH|ALL|DEFAULT] [--dry-run] [--reboot]",
         CTL_OPTIONS_RESET},
	{"check", run_check, "print what would make a capture fail [--json]", CTL_OPTIONS_JSON},
	{"list", NULL, NULL, 0},
	{"propagate", NULL, NULL, 0},
	{"setup-crypttab", NULL, NULL, 0},
	{"test", NULL, NULL, 0},
};

// kdumptool(8) of SUSE.
static const struct command tool_commands[] = {
	{"calibrate", run_calibrate, "print how much memory a capture needs, for YaST", 0},
	{"commandline", run_commandline, "print crashkernel=..., compare (-c) or write it (-u, -U), remove it (-d, -D)",
         CTL_OPTIONS_LETTERS},
	{"dump_config", NULL, NULL, 0},
};

static bool is_named(const char *program, const char *name)
{
	return strcmp(program, name) == 0;
}

static struct error *find_command(const struct command *table, size_t count, const char *name,
                                  const struct command **ret)
{
	const char *names[array_size(commands) + 1] = {NULL};
	const char *nearest;

	for (size_t i = 0; i < count; i++) {
		names[i] = table[i].name;
		if (strcmp(table[i].name, name) == 0) {
			*ret = &table[i];
			return table[i].run ? NULL : error_new(ERROR_UNSUPPORTED, "%s is not supported yet", name);
		}
	}
	nearest = text_nearest(name, names);
	return error_new(ERROR_USAGE, "unknown command %s%s%s%s", name, nearest ? "; did you mean " : "",
	                 nearest ? nearest : "", nearest ? "?" : "");
}

static void print_help(const struct control *control)
{
	bool is_tool = is_named(control->program, "kdumptool");
	const struct command *table = is_tool ? tool_commands : commands;
	size_t count = is_tool ? array_size(tool_commands) : array_size(commands);

	printf("usage: %s [--configfile FILE] [--quiet] %s\n\n", control->program,
	       is_named(control->program, "mkdumprd") ? "[-f]" : "COMMAND");
	for (size_t i = 0; i < count && !is_named(control->program, "mkdumprd"); i++) {
		if (table[i].run)
			printf("  %-23s %s\n", table[i].name, table[i].help);
	}
	puts("\n  --configfile FILE  read FILE in place of " CONFIG_PATH "\n"
	     "  --root DIR         take DIR for /; no program is run (for tests)\n"
	     "  --quiet            print errors only\n"
	     "  --help, --version\n\nSee kdumpctl(8), kdump(5).");
}

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

// What a subcommand would not look at must not pass for done. -d asks SUSE's calibrate for messages.
static struct error *check_given(const struct control *control, const struct command *command)
{
	unsigned int wrong = control->options.given & ~command->takes;
	const char *letters = control->options.crashkernel.letters;

	if (wrong == CTL_OPTIONS_LETTERS && strcmp(command->name, "calibrate") == 0 && strcmp(letters, "d") == 0)
		return NULL;
	if (wrong & CTL_OPTIONS_WORD)
		return error_new(ERROR_USAGE, "%s takes one command, not also %s", control->program, control->word);
	if (wrong)
		return error_new(ERROR_USAGE, "%s does not take %s", command->name,
		                 wrong & CTL_OPTIONS_JSON      ? "--json"
		                 : wrong & CTL_OPTIONS_LETTERS ? "options with one letter"
		                                               : "--kernel, --fadump, --dry-run or --reboot");
	return NULL;
}

static struct error *choose_command(struct control *control, int argc, char **argv, const struct command **ret)
{
	static const struct command mkdumprd = {"mkdumprd", run_rebuild, NULL, 0};
	bool is_tool = is_named(control->program, "kdumptool");
	const struct command *table = is_tool ? tool_commands : commands;
	struct error *err;

	if (is_named(control->program, "mkdumprd")) {
		*ret = &mkdumprd;
		return optind < argc ? error_new(ERROR_USAGE, "mkdumprd takes no words, only options") : NULL;
	}
	// YaST hands an empty word over.
	while (optind < argc && is_tool && !*argv[optind])
		optind++;
	if (optind >= argc)
		return error_new(ERROR_USAGE, "a command is missing, see %s --help", control->program);
	err = find_command(table, is_tool ? array_size(tool_commands) : array_size(commands), argv[optind], ret);
	if (err)
		return err;
	if (optind + 1 < argc) {
		control->word = argv[optind + 1];
		control->options.given |= CTL_OPTIONS_WORD;
	}
	if (optind + 2 < argc)
		return error_new(ERROR_USAGE, "%s is a word too many", argv[optind + 2]);
	return check_given(control, *ret);
}

static struct error *run(int argc, char **argv, struct control *control, int *exit_ret)
{
	const struct command *command = NULL;
	const struct ctl_options *options = &control->options;
	struct error *err = ctl_options_parse(argc, argv, control->program, &control->options);

	if (err)
		return err;
	if (options->is_help) {
		print_help(control);
		return NULL;
	}
	if (options->is_version) {
		puts("kdumpctl (" PACKAGE_STRING ")");
		return NULL;
	}
	err = choose_command(control, argc, argv, &command);
	if (!err)
		err = host_init(&control->host, options->root);
	if (err)
		return err;
	if (strcmp(options->root, "/") != 0)
		control->host.run = refuse_to_run;
	err = command->run(control, exit_ret);
	host_deinit(&control->host);
	return err;
}

int main(int argc, char **argv)
{
	const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;
	struct control control = {
		.host = {.root_fd = -1},
		.program = slash     ? slash + 1
	                   : argv[0] ? argv[0]
	                             : "kdumpctl",
	};
	int exit_code = EXIT_OK;
	_cleanup_error_ struct error *err = run(argc, argv, &control, &exit_code);

	if (!err)
		return exit_code;
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", control.program, err->text);
	// SUSE's kdumptool has 1 for all but its boot loader.
	if (exit_code != EXIT_OK || is_named(control.program, "kdumptool"))
		return exit_code != EXIT_OK ? exit_code : EXIT_FAILED;
	return error_exit_code(err);
}
