// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/restart.h"

#include <fnmatch.h>
#include <string.h>

#include "boot/kernelimage.h"
#include "boot/kexec.h"
#include "boot/text.h"

enum { CMDLINE_MAX_BYTES = 64 * 1024, DOWN_TIMEOUT_MS = 60 * 1000, DOWN_OUTPUT_BYTES = 4096 };

// systemd-stub(7) sets it where a unified kernel image was started.
#define STUB_VARIABLE "/sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

// systemd calls "kexec -e" as its last act where something is loaded (systemd-shutdown).
static const char *const systemd_down[] = {"systemctl", "kexec", NULL};
// Debian's kexec-tools has a script for runlevel 6 that does it behind all others (/etc/init.d/kexec).
static const char *const sysvinit_down[] = {"shutdown", "-r", "now", NULL};

#define SYSVINIT_SCRIPTS "/etc/rc6.d"

static struct error *find_down(const struct host *host, const char *const **ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err;

	if (host_exists(host, "/run/systemd/system")) {
		*ret = systemd_down;
		return NULL;
	}
	err = host_list(host, SYSVINIT_SCRIPTS, &names);
	for (char **name = names; !err && *name; name++) {
		if (fnmatch("[KS][0-9][0-9]kexec", *name, 0) == 0) {
			*ret = sysvinit_down;
			return NULL;
		}
	}
	return err ? err
	           : error_new(ERROR_UNSUPPORTED, "systemd is not there, and no script kexec in " SYSVINIT_SCRIPTS
	                                          " that would start the loaded kernel when the system is down");
}

// What makes it impossible, whatever is loaded.
static struct error *check_machine(const struct host *host, struct restart *restart)
{
	_cleanup_free_ char *disabled = NULL, *lockdown = NULL;
	_cleanup_error_ struct error *unknown =
		host_read(host, "/proc/sys/kernel/kexec_load_disabled", 64, &disabled, NULL);
	_cleanup_error_ struct error *unlocked = host_read(host, "/sys/kernel/security/lockdown", 256, &lockdown, NULL);

	if (unknown)
		return error_new(ERROR_UNSUPPORTED, "this kernel has no kexec");
	if (*disabled != '0')
		return error_new(ERROR_UNSUPPORTED, "loading is switched off until the next boot: the sysctl "
		                                    "kernel.kexec_load_disabled is set");
	if (host_exists(host, STUB_VARIABLE))
		return error_new(ERROR_UNSUPPORTED,
		                 "this system was started from a unified kernel image, which has its command line in "
		                 "it and is started by the firmware only");
	restart->is_locked = !unlocked && !strstr(lockdown, "[none]");
	return NULL;
}

static struct error *find_files(const struct host *host, const char *kernel, struct restart *restart)
{
	_cleanup_free_ char *version = NULL;
	struct error *err = NULL;

	if (kernel) {
		version = kernelimage_version(kernel);
		restart->kernel = strdup(kernel);
		if (!version || !restart->kernel)
			return error_new(ERROR_NOMEM, "no memory for a path");
		if (!host_exists(host, kernel) || !*version)
			return error_new(ERROR_CONFIG, "%s: %s", kernel,
			                 *version ? "there is no such kernel" : "no version can be seen in the name");
	} else {
		err = host_read(host, "/proc/sys/kernel/osrelease", 256, &version, NULL);
		if (!err) {
			version[strcspn(version, "\n")] = '\0';
			err = kernelimage_find(host, version, &restart->kernel);
		}
	}
	return err ? err : kernelimage_initrd(host, restart->kernel, version, &restart->initrd);
}

// BOOT_IMAGE is GRUB's, initrd that of systemd-boot.
static struct error *make_line(const struct host *host, const struct parameters_change *change, char **ret)
{
	static const char *const loaders[] = {"BOOT_IMAGE", "initrd", "kexec_jump_back_entry", NULL};
	const char *const none[] = {NULL};
	const struct parameters_change without = {loaders, none};
	_cleanup_free_ char *running = NULL, *cleaned = NULL;
	struct error *err = host_read(host, "/proc/cmdline", CMDLINE_MAX_BYTES, &running, NULL);
	struct parameters_line line;

	if (err)
		return err;
	line = (struct parameters_line){.text = running, .size_bytes = strcspn(running, "\n")};
	err = parameters_edit(&line, &without, &cleaned);
	if (err)
		return err;
	line = (struct parameters_line){.text = cleaned, .size_bytes = strlen(cleaned)};
	return parameters_edit(&line, change, ret);
}

struct error *restart_find(const struct host *host, const char *kernel, const struct parameters_change *change,
                           struct restart *ret)
{
	_cleanup_restart_ struct restart restart = {0};
	struct error *err = check_machine(host, &restart);

	*ret = (struct restart){0};
	if (!err)
		err = find_down(host, &restart.down);
	if (!err)
		err = find_files(host, kernel, &restart);
	if (!err)
		err = make_line(host, change, &restart.command_line);
	if (err)
		return error_wrap(err, "no restart by kexec");
	*ret = restart;
	restart = (struct restart){0};
	return NULL;
}

void restart_tell(const struct restart *restart, struct words *ret)
{
	_cleanup_text_ struct text text = {0};

	words_addf(ret, "run kexec -l -s --initrd=%s \"--command-line=%s\" %s", restart->initrd, restart->command_line,
	           restart->kernel);
	for (const char *const *word = restart->down; *word; word++)
		text_add(&text, " %s", *word);
	ret->is_failed |= text.is_failed;
	words_addf(ret, "run%s", text.buf ? text.buf : "");
}

struct error *restart_run(const struct host *host, const struct restart *restart)
{
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct host_command command = {
		.argv = restart->down, .timeout_ms = DOWN_TIMEOUT_MS, .output_max_bytes = DOWN_OUTPUT_BYTES};
	struct error *err =
		kexec_load_next(host, restart->kernel, restart->initrd, restart->command_line, restart->is_locked);

	if (err)
		return error_wrap(err, "the next kernel is not loaded");
	err = host_run(host, &command, &result);
	if (!err && result.status)
		err = error_new(ERROR_OS, "%s failed with status %d: %s", restart->down[0], result.status,
		                text_last_line(result.output));
	return error_wrap(err, "the next kernel is loaded, but the system does not go down");
}

void restart_deinit(struct restart *restart)
{
	free(restart->kernel);
	free(restart->initrd);
	free(restart->command_line);
	*restart = (struct restart){0};
}
