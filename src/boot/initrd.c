// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

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

// A file and what tells whether it is still the same.
static struct error *add_file(const struct host *host, const char *path, struct text *inputs)
{
	struct stat info;
	struct error *err = host_stat(host, path, &info);

	if (err)
		return err;
	text_add(inputs, "file %s %jd %jd.%09ld\n", path, (intmax_t)info.st_size, (intmax_t)info.st_mtim.tv_sec,
	         info.st_mtim.tv_nsec);
	return NULL;
}

static struct error *add_module(const struct host *host, const struct plan *plan, const char *module,
                                struct text *inputs)
{
	static const char *const suffixes[] = {"", ".xz", ".zst", ".gz"};

	for (size_t i = 0; i < array_size(suffixes); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "/lib/modules/%s/%s%s", plan->kernel_version, module, suffixes[i]) < 0) {
			path = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		if (host_exists(host, path))
			return add_file(host, path, inputs);
	}
	return error_new(ERROR_CONFIG,
	                 "the kernel module /lib/modules/%s/%s is listed in modules.dep but not there; run depmod",
	                 plan->kernel_version, module);
}

// What the full form takes from this system beside the plan: a file that is not there now makes it stale when it comes.
static const char *const full_files[] = {
	"/etc/lvm/lvm.conf",
	"/etc/lvm/lvmlocal.conf",
	"/etc/lvm/devices/system.devices",
	"/etc/mdadm.conf",
	"/etc/mdadm/mdadm.conf",
	"/etc/multipath.conf",
	"/etc/multipath/bindings",
	"/etc/multipath/wwids",
	"/etc/crypttab",
	"/etc/udev/udev.conf",
	"/lib/systemd/systemd",
	"/lib/systemd/systemd-udevd",
	"/usr/lib/systemd/systemd",
	"/usr/lib/systemd/systemd-udevd",
	"/usr/bin/udevadm",
	"/usr/sbin/lvm",
	"/sbin/lvm",
	"/usr/sbin/mdadm",
	"/sbin/mdadm",
	"/usr/sbin/multipathd",
	"/sbin/multipathd",
	"/usr/sbin/thin_check",
	"/usr/lib/dracut/dracut-functions.sh",
};

static struct error *add_full(const struct host *host, const struct plan *plan, struct text *inputs)
{
	_cleanup_free_ char *dep = NULL;
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(full_files) && !err; i++) {
		if (host_exists(host, full_files[i]))
			err = add_file(host, full_files[i], inputs);
		else
			text_add(inputs, "file %s none\n", full_files[i]);
	}
	if (!err && asprintf(&dep, "/lib/modules/%s/modules.dep", plan->kernel_version) < 0) {
		dep = NULL;
		err = error_new(ERROR_NOMEM, "no memory for a path");
	}
	return err ? err : add_file(host, dep, inputs);
}

static void add_secret(const char *secret, struct text *inputs)
{
	text_add(inputs, "secret ");
	for (; *secret; secret++)
		text_add(inputs, "%c", *secret == '\n' ? ' ' : *secret);
	text_add(inputs, "\n");
}

static const char not_known[] = "what it was made from was not known";

// Everything that the image is made from, as text. Comments of the plan do not change what it does.
static struct error *list_inputs(const struct host *host, const struct plan *plan, char **ret)
{
	char *const *const lists[] = {plan->modules, plan->watchdog_modules, plan->network_modules};
	_cleanup_text_ struct text inputs = {0};
	_cleanup_free_ char *plan_text = NULL;
	struct error *err = plan_format(plan, &plan_text);
	char *rest = plan_text, *line;

	text_add(&inputs, "suite %s\n", PACKAGE_VERSION);
	while (!err && (line = strsep(&rest, "\n"))) {
		line += strspn(line, "\t ");
		if (*line && *line != '#')
			text_add(&inputs, "plan %s\n", line);
	}
	if (!err)
		err = add_file(host, INITRD_CAPTURE_PATH, &inputs);
	if (!err)
		err = add_file(host, plan->kernel_image, &inputs);
	for (size_t i = 0; i < array_size(lists); i++)
		for (char *const *module = lists[i]; !err && *module; module++)
			err = add_module(host, plan, *module, &inputs);
	for (char *const *file = plan->hooks_files; !err && *file; file++)
		err = add_file(host, *file, &inputs);
	for (char *const *file = plan->target_files; !err && *file; file++)
		err = add_file(host, *file, &inputs);
	// The list is as secret as the image.
	for (char *const *secret = plan->secrets; !err && secret && *secret; secret++)
		add_secret(*secret, &inputs);
	if (!err && plan->form == PLAN_FULL)
		err = add_full(host, plan, &inputs);
	return err ? err : text_take(&inputs, ret);
}

// Adds the image itself: one that was cut off by a full disk or replaced by hand is not trusted.
static struct error *add_image(const struct host *host, const char *path, char **inputs)
{
	_cleanup_text_ struct text text = {0};
	struct stat info;
	struct error *err = host_stat(host, path, &info);

	if (err)
		return err;
	text_add(&text, "%simage %jd %jd.%09ld\n", *inputs, (intmax_t)info.st_size, (intmax_t)info.st_mtim.tv_sec,
	         info.st_mtim.tv_nsec);
	free(*inputs);
	*inputs = NULL;
	return text_take(&text, inputs);
}

// Words for a line that differs.
static void describe(const char *line, struct text *cause)
{
	if (strncmp(line, "plan ", 5) == 0)
		text_add(cause, "the plan changed: %s", line + 5);
	else if (strncmp(line, "file ", 5) == 0)
		text_add(cause, "%.*s changed", (int)strcspn(line + 5, " "), line + 5);
	else if (strncmp(line, "secret ", 7) == 0)
		text_add(cause, "a password changed");
	else if (strncmp(line, "image ", 6) == 0)
		text_add(cause, "the image was changed from outside");
	else
		text_add(cause, "kdump-suite was updated");
}

// First line of the new inputs that is not the same in the old ones.
static struct error *compare(char *old, char *new, char **cause_ret)
{
	_cleanup_text_ struct text cause = {0};
	char *old_rest = old, *new_rest = new, *old_line, *new_line;

	if (strcmp(old, new) == 0) {
		*cause_ret = NULL;
		return NULL;
	}
	do {
		old_line = strsep(&old_rest, "\n");
		new_line = strsep(&new_rest, "\n");
	} while (old_line && new_line && strcmp(old_line, new_line) == 0);
	describe(new_line ? new_line : "", &cause);
	return text_take(&cause, cause_ret);
}

static struct error *because(const char *text, char **cause_ret)
{
	*cause_ret = strdup(text);
	return *cause_ret ? NULL : error_new(ERROR_NOMEM, "no memory for a text");
}

struct error *initrd_check(const struct host *host, const struct plan *plan, char **cause_ret)
{
	_cleanup_free_ char *old = NULL, *new = NULL;
	struct error *err = list_inputs(host, plan, &new);

	if (err)
		return err;
	if (!host_exists(host, INITRD_PATH))
		return because("there was none", cause_ret);
	err = add_image(host, INITRD_PATH, &new);
	if (err)
		return err;
	err = host_read(host, INPUTS_PATH, INPUTS_MAX_BYTES, &old, NULL);
	if (err) {
		error_free(err);
		return because(not_known, cause_ret);
	}
	return compare(old, new, cause_ret);
}

// Whether the file of a line, "… PATH SIZE TIME" or "… PATH none", is as the line says.
static struct error *is_as_told(const struct host *host, const char *line, const char *path, bool *is_same_ret)
{
	const char *end = line + strlen(line);
	bool is_none = end - line > 5 && strcmp(end - 5, " none") == 0;
	_cleanup_text_ struct text now = {0};
	_cleanup_free_ char *name = NULL;
	struct error *err;

	for (int words = is_none ? 1 : 2; words > 0 && end > path; words--)
		for (end--; end > path && *end != ' '; end--)
			;
	name = strndup(path, (size_t)(end - path));
	if (!name)
		return error_new(ERROR_NOMEM, "no memory for a path");
	if (is_none || !host_exists(host, name)) {
		*is_same_ret = is_none && !host_exists(host, name);
		return NULL;
	}
	err = add_file(host, name, &now);
	if (!err)
		*is_same_ret = now.buf && strncmp(now.buf + 5, path, strlen(path)) == 0;
	return err;
}

// One line of what the image was made from: of the plan's it collects the text.
static struct error *check_recorded(const struct host *host, const char *line, struct text *plan, bool *is_same_ret)
{
	_cleanup_free_ char *image = NULL;

	*is_same_ret = true;
	if (strncmp(line, "plan ", 5) == 0)
		text_add(plan, "%s\n", line + 5);
	else if (strncmp(line, "file ", 5) == 0)
		return is_as_told(host, line, line + 5, is_same_ret);
	else if (strncmp(line, "image ", 6) == 0) {
		if (asprintf(&image, INITRD_PATH " %s", line + 6) < 0) {
			image = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		return is_as_told(host, image, image, is_same_ret);
	} else
		*is_same_ret = strncmp(line, "secret ", 7) == 0 || strcmp(line, "suite " PACKAGE_VERSION) == 0;
	return NULL;
}

struct error *initrd_recorded(const struct host *host, struct plan *plan_ret, char **cause_ret)
{
	_cleanup_text_ struct text plan = {0}, cause = {0};
	_cleanup_free_ char *inputs = NULL, *text = NULL;
	bool is_same = true, has_image = false;
	char *rest, *line;
	struct error *err;

	if (!host_exists(host, INITRD_PATH))
		return because("there was none", cause_ret);
	err = host_read(host, INPUTS_PATH, INPUTS_MAX_BYTES, &inputs, NULL);
	if (err) {
		error_free(err);
		return because(not_known, cause_ret);
	}
	for (rest = inputs; !err && is_same && (line = strsep(&rest, "\n"));) {
		if (*line)
			err = check_recorded(host, line, &plan, &is_same);
		if (!is_same)
			describe(line, &cause);
		has_image = has_image || strncmp(line, "image ", 6) == 0;
	}
	if (!err && !is_same)
		return text_take(&cause, cause_ret);
	if (!err && !has_image)
		return because(not_known, cause_ret);
	if (!err)
		err = text_take(&plan, &text);
	if (!err)
		err = plan_parse(text, INPUTS_PATH, plan_ret);
	if (!err)
		*cause_ret = NULL;
	return err;
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
	};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = make_arguments(plan, &argv);

	command.argv = (const char *const *)argv.list;
	if (!err)
		err = host_run(host, &command, &result);
	if (err && err->code == ERROR_OS && err->errnum == ENOENT) {
		error_free(err);
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
	// Before dracut runs: what changes meanwhile makes the image stale.
	struct error *err = list_inputs(host, plan, &inputs);

	if (!err)
		err = host_mkdirs(host, STATE_DIR);
	if (!err)
		err = write_configuration(host, plan);
	if (!err)
		err = run_dracut(host, plan);
	if (!err)
		err = install(host);
	if (err)
		remove_new(host);
	if (!err)
		err = add_image(host, INITRD_PATH, &inputs);
	if (!err)
		err = host_replace(host, INPUTS_PATH, inputs, strlen(inputs), 0600);
	return error_wrap(err, "build " INITRD_PATH);
}
