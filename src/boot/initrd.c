// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "boot/inputs.h"
#include "boot/text.h"
#include "boot/words.h"

// The minimal form takes a second or two, the full one ten; under emulation minutes.
enum { DRACUT_TIMEOUT_MS = 20 * 60 * 1000 };
enum { DRACUT_OUTPUT_BYTES = 64 * 1024 };
enum { INPUTS_MAX_BYTES = 1024 * 1024 };

// gzip and not zstd, although that is smaller: the kernel unpacks gzip with a window of 32 KiB, zstd with one of up
// to 8 MiB, in a reservation where 2 MiB of image stand against 128 MiB in all; and every kernel can
// (CONFIG_RD_GZIP).
static const char compression[] = "--gzip";

// Working directory: in /run, where only root writes, so a fixed name is safe under the lock.
#define WORK_DIR "/run/kdump/build"
#define PLAN_FILE WORK_DIR "/plan"
// Beside it, with the number of the target.
#define SECRETS_NAME "secrets."
#define CONF_FILE WORK_DIR "/dracut.conf"
#define CONF_DIR WORK_DIR "/conf.d"
#define STATE_DIR "/var/lib/kdump"
#define INPUTS_PATH INITRD_PATH ".inputs"
#define NEW_NAME "initrd.new"
#define NEW_PATH STATE_DIR "/" NEW_NAME

static const char not_known[] = "what it was made from was not known";

static struct error *because(const char *text, char **cause_ret)
{
	*cause_ret = strdup(text);
	return *cause_ret ? NULL : error_new(ERROR_NOMEM, "no memory for a text");
}

struct error *initrd_check(const struct host *host, const struct plan *plan, char **cause_ret)
{
	_cleanup_free_ char *old = NULL, *new = NULL;
	struct error *err = inputs_list(host, plan, &new);

	if (err)
		return err;
	if (!host_exists(host, INITRD_PATH))
		return because("there was none", cause_ret);
	err = host_read(host, INPUTS_PATH, INPUTS_MAX_BYTES, &old, NULL);
	if (err) {
		error_free(err);
		return because(not_known, cause_ret);
	}
	err = inputs_add_known(host, old, &new);
	if (!err)
		err = inputs_add_image(host, INITRD_PATH, &new);
	return err ? err : inputs_compare(old, new, cause_ret);
}

// The secrets are not in the plan's text: those that were there are taken for what they are.
static void drop_secrets(char *inputs)
{
	for (char *line = inputs; line && *line;) {
		char *next = strchrnul(line, '\n');

		next += *next == '\n';
		if (strncmp(line, "secret ", 7) == 0)
			memmove(line, next, strlen(next) + 1);
		else
			line = next;
	}
}

static struct error *parse_plan(const char *inputs, struct plan *ret)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *plan = NULL;
	struct error *err;

	for (const char *line = inputs; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, "plan ", 5) == 0)
			text_add(&text, "%.*s\n", (int)strcspn(line + 5, "\n"), line + 5);
	err = text_take(&text, &plan);
	return err ? err : plan_parse(plan, INPUTS_PATH, ret);
}

struct error *initrd_recorded(const struct host *host, struct plan *plan_ret, char **cause_ret)
{
	_cleanup_free_ char *old = NULL, *new = NULL;
	_cleanup_plan_ struct plan plan = {0};
	struct error *err;

	if (!host_exists(host, INITRD_PATH))
		return because("there was none", cause_ret);
	err = host_read(host, INPUTS_PATH, INPUTS_MAX_BYTES, &old, NULL);
	if (!err)
		err = parse_plan(old, &plan);
	if (err) {
		error_free(err);
		return because(not_known, cause_ret);
	}
	err = inputs_list(host, &plan, &new);
	if (!err)
		err = inputs_add_known(host, old, &new);
	if (!err)
		err = inputs_add_image(host, INITRD_PATH, &new);
	// A file of it is gone.
	if (err && err->code != ERROR_NOMEM) {
		_cleanup_error_ struct error *gone = err;

		return because(gone->text, cause_ret);
	}
	drop_secrets(old);
	if (!err)
		err = inputs_compare(old, new, cause_ret);
	if (err || *cause_ret)
		return err;
	*plan_ret = plan;
	plan = (struct plan){0};
	return NULL;
}

// For each target that has some, by its number; those of an earlier image are gone.
static struct error *write_secrets(const struct host *host, const struct plan *plan)
{
	_cleanup_close_ int dir_fd = -1;
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_open(host, WORK_DIR, O_RDONLY | O_DIRECTORY, 0, &dir_fd);

	if (!err)
		err = host_list(host, WORK_DIR, &names);
	for (char **name = names; !err && *name; name++)
		if (strncmp(*name, SECRETS_NAME, strlen(SECRETS_NAME)) == 0)
			unlinkat(dir_fd, *name, 0);
	for (size_t i = 0; !err && plan->secrets && plan->secrets[i]; i++) {
		char path[64];

		snprintf(path, sizeof(path), WORK_DIR "/" SECRETS_NAME "%zu", i);
		if (*plan->secrets[i])
			err = host_replace(host, path, plan->secrets[i], strlen(plan->secrets[i]), 0600);
	}
	return err;
}

// dracut reads its configuration as shell. Only paths that we chose stand in it.
static struct error *write_configuration(const struct host *host, const struct plan *plan)
{
	// The settings of distributions come first, in /usr/lib/dracut/dracut.conf.d; what they add is taken out again.
	// clang-format off
	static const char dracut_conf[] =
		"kdump_plan=" PLAN_FILE "\n"
		"kdump_capture=" INITRD_CAPTURE_PATH "\n"
		"add_dracutmodules=\n"
		"force_add_dracutmodules=\n"
		"omit_dracutmodules=\n"
		"add_drivers=\n"
		"force_drivers=\n"
		"filesystems=\n"
		"unset install_items install_optional_items\n"
		"early_microcode=no\n"
		"uefi=no\n"
		"use_fstab=no\n";
	// clang-format on
	_cleanup_free_ char *text = NULL;
	struct error *err = plan_format(plan, &text);

	if (!err)
		err = host_replace(host, PLAN_FILE, text, strlen(text), 0600);
	if (!err)
		err = write_secrets(host, plan);
	// dracut takes only a regular file for --conf, else it reads /etc/dracut.conf.
	if (!err)
		err = host_replace(host, CONF_FILE, "", 0, 0600);
	if (!err)
		err = host_replace(host, CONF_DIR "/zz-kdump.conf", dracut_conf, strlen(dracut_conf), 0600);
	return err;
}

// dracut ends with 0 also when it did not find our module.
static struct error *check_result(struct host_result *result)
{
	if (result->status != 0)
		return error_new(ERROR_OS, "dracut failed with status %d: %s", result->status,
		                 text_last_line(result->output));
	if (result->output && (strstr(result->output, "cannot be found or installed") ||
	                       strstr(result->output, "ERROR:") || strstr(result->output, "FAILED:")))
		return error_new(ERROR_OS, "dracut did not put everything in the image: %s",
		                 text_last_line(result->output));
	return NULL;
}

// The plan says everything: dracut looks at nothing of this system.
static void add_minimal(struct words *argv)
{
	static const char *const words[] = {"--no-hostonly",
	                                    "--no-hostonly-cmdline",
	                                    "--no-early-microcode",
	                                    "--no-kernel",
	                                    compression,
	                                    "--modules",
	                                    "kdump"};

	for (size_t i = 0; i < array_size(words); i++)
		words_add(argv, words[i]);
}

// dracut finds out what the devices of the plan stand on, and how they are brought up; not those of the root file system.
static void add_full_form(const struct plan *plan, struct words *argv)
{
	static const char *const words[] = {
		"--hostonly", "--hostonly-cmdline", "--no-hostonly-default-device", "--no-early-microcode", compression,
		"--modules",  "kdump-full"};

	for (size_t i = 0; i < array_size(words); i++)
		words_add(argv, words[i]);
	for (char *const *device = plan->full_devices; *device; device++) {
		words_add(argv, "--add-device");
		words_add(argv, *device);
	}
}

static struct error *make_arguments(const struct plan *plan, struct words *argv)
{
	static const char *const words[] = {"dracut", "--force", "--quiet", "--conf", CONF_FILE, "--confdir", CONF_DIR};

	for (size_t i = 0; i < array_size(words); i++)
		words_add(argv, words[i]);
	if (plan->form == PLAN_FULL)
		add_full_form(plan, argv);
	else
		add_minimal(argv);
	words_add(argv, "--kver");
	words_add(argv, plan->kernel_version);
	words_add(argv, NEW_PATH);
	return words_check(argv);
}

static struct error *run_dracut(const struct host *host, const struct plan *plan)
{
	_cleanup_words_ struct words argv = {0};
	struct host_command command = {
		.timeout_ms = DRACUT_TIMEOUT_MS,
		.output_max_bytes = DRACUT_OUTPUT_BYTES,
		// Whoever builds next has the same directory.
		.is_tied = true,
	};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = make_arguments(plan, &argv);

	command.argv = (const char *const *)argv.list;
	if (!err)
		err = host_run(host, &command, &result);
	if (error_catch_os(&err, ENOENT)) {
		return error_os(ENOENT, "there is no program dracut; install the package dracut");
	}
	return err ? err : check_result(&result);
}

// Puts the new image in place, after it is on the disk.
static struct error *install(const struct host *host)
{
	_cleanup_close_ int dir_fd = -1, fd = -1;
	struct error *err = host_open(host, STATE_DIR, O_RDONLY | O_DIRECTORY, 0, &dir_fd);

	if (!err)
		err = host_open(host, NEW_PATH, O_RDONLY, 0, &fd);
	if (err)
		return err;
	if (fchmod(fd, 0600) < 0 || fsync(fd) < 0)
		return error_os(errno, NEW_PATH);
	if (renameat(dir_fd, NEW_NAME, dir_fd, "initrd") < 0)
		return error_os(errno, "rename to " INITRD_PATH);
	return fsync(dir_fd) < 0 ? error_os(errno, "fsync " STATE_DIR) : NULL;
}

// A build that failed leaves nothing behind.
static void remove_new(const struct host *host)
{
	_cleanup_close_ int dir_fd = -1;
	_cleanup_error_ struct error *err = host_open(host, STATE_DIR, O_RDONLY | O_DIRECTORY, 0, &dir_fd);

	if (!err)
		unlinkat(dir_fd, NEW_NAME, 0);
}

struct error *initrd_build(const struct host *host, const struct plan *plan)
{
	_cleanup_free_ char *inputs = NULL;
	struct timespec begun;
	// Before dracut runs: what changes meanwhile makes the image stale.
	struct error *err = inputs_list(host, plan, &inputs);

	// The clock that files are stamped by.
	clock_gettime(CLOCK_REALTIME_COARSE, &begun);
	if (!err)
		err = host_mkdirs(host, STATE_DIR);
	if (!err)
		err = write_configuration(host, plan);
	if (!err)
		err = run_dracut(host, plan);
	if (!err)
		err = inputs_add_programs(host, NEW_PATH, &begun, &inputs);
	if (!err)
		err = install(host);
	if (err)
		remove_new(host);
	if (!err)
		err = inputs_add_image(host, INITRD_PATH, &inputs);
	if (!err)
		err = host_replace(host, INPUTS_PATH, inputs, strlen(inputs), 0600);
	return error_wrap(err, "build " INITRD_PATH);
}
