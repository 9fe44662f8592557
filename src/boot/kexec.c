// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/kexec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "boot/handover.h"
#include "boot/text.h"
#include "boot/words.h"

// Loading reads two files and computes their hash; minutes mean that a disk hangs.
enum { KEXEC_TIMEOUT_MS = 120 * 1000 };
enum { KEXEC_OUTPUT_BYTES = 4096 };

struct error *kexec_is_loaded(const struct host *host, bool *is_loaded_ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/sys/kernel/kexec_crash_loaded", 64, &text, NULL);

	if (error_catch_os(&err, ENOENT))
		return error_new(ERROR_UNSUPPORTED,
		                 "this kernel cannot load a capture kernel (no /sys/kernel/kexec_crash_loaded)");
	if (!err)
		*is_loaded_ret = *text == '1';
	return err;
}

static struct error *run(const struct host *host, const char *const *argv, struct host_result *ret)
{
	struct host_command command = {
		.argv = argv,
		.timeout_ms = KEXEC_TIMEOUT_MS,
		.output_max_bytes = KEXEC_OUTPUT_BYTES,
	};
	struct error *err = host_run(host, &command, ret);

	if (error_catch_os(&err, ENOENT)) {
		return error_os(ENOENT, "there is no program kexec; install the package kexec-tools");
	}
	return err;
}

// kexec-tools has no exit code of its own for a missing system call; these are its words for ENOSYS
// (kexec/kexec.c: do_kexec_file_load, my_load) and the C library's.
static bool lacks_file_load(const char *output)
{
	static const char *const words[] = {"kexec_file_load not available", "Function not implemented", "ENOSYS",
	                                    "not supported on this platform"};

	for (size_t i = 0; output && i < array_size(words); i++) {
		if (strstr(output, words[i]))
			return true;
	}
	return false;
}

// Why kexec failed, from what the system forbids, else from its own words.
static struct error *failed(const struct host *host, struct host_result *result)
{
	_cleanup_free_ char *disabled = NULL, *lockdown = NULL;
	_cleanup_error_ struct error *ignored =
		host_read(host, "/proc/sys/kernel/kexec_load_disabled", 64, &disabled, NULL);
	_cleanup_error_ struct error *ignored_too =
		host_read(host, "/sys/kernel/security/lockdown", 256, &lockdown, NULL);

	if (!ignored && *disabled == '1')
		return error_new(ERROR_UNSUPPORTED,
		                 "loading and unloading are switched off until the next boot: the sysctl "
		                 "kernel.kexec_load_disabled is 1");
	if (!ignored_too && strstr(lockdown, "[none]") == NULL)
		return error_new(
			ERROR_OS,
			"kexec failed with status %d: %s; the kernel is locked down and loads signed kernels only",
			result->status, text_last_line(result->output));
	return error_new(ERROR_OS, "kexec failed with status %d: %s", result->status, text_last_line(result->output));
}

static struct error *load_words(const struct plan *plan, const char *method, struct words *argv)
{
	words_add(argv, "kexec");
	words_add(argv, "-p");
	if (method)
		words_add(argv, method);
	words_split(argv, plan->kexec_options);
	words_addf(argv, "--initrd=%s", plan->initrd);
	words_addf(argv, "--command-line=%s", plan->command_line);
	words_add(argv, plan->kernel_image);
	return words_check(argv);
}

// KEXEC_OPTIONS may choose the system call.
static bool chooses_method(const char *options)
{
	static const char *const choices[] = {
		"-s", "-c", "-a", "--kexec-file-syscall", "--kexec-syscall", "--kexec-syscall-auto"};
	_cleanup_words_ struct words words = {0};

	words_split(&words, options);
	for (size_t i = 0; i < array_size(choices); i++) {
		if (words_has(&words, choices[i]))
			return true;
	}
	return false;
}

static struct error *load_with(const struct host *host, const struct plan *plan, const char *method,
                               struct host_result *ret)
{
	_cleanup_words_ struct words argv = {0};
	struct error *err = load_words(plan, method, &argv);

	return err ? err : run(host, (const char *const *)argv.list, ret);
}

// Left as it is otherwise: some machines set it themselves, since they could not be captured without.
static struct error *set_panic_notifiers(const struct host *host)
{
	static const char path[] = "/sys/module/kernel/parameters/crash_kexec_post_notifiers";
	_cleanup_close_ int fd = -1;
	struct error *err = host_open(host, path, O_WRONLY, 0, &fd);

	if (!err)
		err = io_write(fd, "Y\n", 2);
	if (error_catch_os(&err, ENOENT))
		return error_new(ERROR_UNSUPPORTED, "KDUMP_PANIC_NOTIFIERS: this kernel has no %s", path);
	return error_wrap(err, "KDUMP_PANIC_NOTIFIERS");
}

// Without its key the capture kernel would not reach the target: what is loaded is of no use.
static struct error *check_keys(const struct host *host, const struct plan *plan)
{
	struct error *err = handover_check(host, plan);

	if (err)
		error_free(kexec_unload(host));
	return err;
}

struct error *kexec_load(const struct host *host, const struct plan *plan, enum kexec_method *method_ret)
{
	_cleanup_(host_result_deinit) struct host_result result = {0};
	bool is_chosen = chooses_method(plan->kexec_options);
	struct error *err = plan->has_panic_notifiers ? set_panic_notifiers(host) : NULL;
	enum kexec_method method = KEXEC_FILE;

	if (!err)
		err = handover_prepare(host, plan);
	if (!err)
		err = load_with(host, plan, is_chosen ? NULL : "-s", &result);

	if (!err && result.status != 0 && !is_chosen && lacks_file_load(result.output)) {
		host_result_deinit(&result);
		method = KEXEC_LOAD;
		err = load_with(host, plan, "-c", &result);
	}
	if (!err && result.status != 0)
		err = failed(host, &result);
	if (!err)
		err = check_keys(host, plan);
	if (!err)
		*method_ret = method;
	return err;
}

static struct error *load_next_with(const struct host *host, const char *kernel, const char *initrd,
                                    const char *command_line, const char *method, struct host_result *ret)
{
	_cleanup_words_ struct words argv = {0};
	struct error *err;

	words_add(&argv, "kexec");
	words_add(&argv, "-l");
	words_add(&argv, method);
	words_addf(&argv, "--initrd=%s", initrd);
	words_addf(&argv, "--command-line=%s", command_line);
	words_add(&argv, kernel);
	err = words_check(&argv);
	return err ? err : run(host, (const char *const *)argv.list, ret);
}

struct error *kexec_load_next(const struct host *host, const char *kernel, const char *initrd, const char *command_line,
                              bool is_file_only)
{
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = load_next_with(host, kernel, initrd, command_line, "-s", &result);

	if (!err && result.status != 0 && !is_file_only && lacks_file_load(result.output)) {
		host_result_deinit(&result);
		err = load_next_with(host, kernel, initrd, command_line, "-c", &result);
	}
	return !err && result.status != 0 ? failed(host, &result) : err;
}

struct error *kexec_unload(const struct host *host)
{
	static const char *const file_argv[] = {"kexec", "-p", "-u", "-s", NULL};
	static const char *const load_argv[] = {"kexec", "-p", "-u", "-c", NULL};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = run(host, file_argv, &result);

	if (!err && result.status != 0) {
		host_result_deinit(&result);
		err = run(host, load_argv, &result);
	}
	if (!err && result.status != 0)
		err = failed(host, &result);
	if (!err)
		handover_forget(host);
	return err;
}
