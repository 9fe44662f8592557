// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/checkup_kernel.h"

#include <string.h>

#include "boot/device.h"
#include "boot/mounts.h"
#include "boot/words.h"

// What makes a kernel panic that could have gone on, or wait for ever (Documentation/admin-guide/kernel-parameters.txt, v6.12).
static const struct parameter {
	const char *name, *value, *harm; // Value NULL: any but 0.
} parameters[] = {
	{"panic_on_warn", NULL, "makes a mere warning of the capture kernel the end of the capture"},
	{"panic_on_taint", NULL, "makes a module of the capture kernel the end of the capture"},
	{"softlockup_panic", NULL, "makes a slow disk the end of the capture"},
	{"hardlockup_panic", NULL, "makes a slow driver the end of the capture"},
	{"hung_task_panic", NULL, "makes a slow disk the end of the capture"},
	{"kdb", NULL, "waits at the console for somebody who types"},
	{"kgdbwait", NULL, "waits for a debugger"},
	{"crashkernel", NULL, "takes memory of the capture kernel for another one"},
	{"module.sig_enforce", NULL, "keeps modules without a signature from the target"},
};

// As the command line has them since v5.8 (fs/proc/proc_sysctl.c: process_sysctl_arg()).
static const char sysctl_prefix[] = "sysctl.kernel.";

// The value of a word that is this parameter, "" for one alone; NULL: it is another. "-" is "_".
static const char *value_of(const char *word, const char *name)
{
	if (strncmp(word, sysctl_prefix, strlen(sysctl_prefix)) == 0)
		word += strlen(sysctl_prefix);
	for (; *name; word++, name++)
		if (*word != *name && !(*word == '-' && *name == '_'))
			return NULL;
	return *word == '=' ? word + 1 : !*word ? word : NULL;
}

static void check_word(const char *word, struct findings *findings)
{
	const char *panic = value_of(word, "panic");

	for (size_t i = 0; i < array_size(parameters); i++) {
		const char *value = value_of(word, parameters[i].name);

		if (value && strcmp(value, "0") != 0)
			findings_add(
				findings, FINDING_WARNING, "parameters",
				"%s on the command line of the capture kernel %s: take it out of KDUMP_COMMANDLINE or "
				"KDUMP_COMMANDLINE_APPEND, or off the running kernel's",
				word, parameters[i].harm);
	}
	if (panic && strcmp(panic, "0") == 0)
		findings_add(
			findings, FINDING_WARNING, "parameters",
			"%s on the command line of the capture kernel: a machine whose capture kernel panics stays "
			"down",
			word);
}

static void check_parameters(const struct plan *plan, struct findings *findings)
{
	_cleanup_words_ struct words words = {0};

	words_split(&words, plan->command_line);
	findings->is_failed |= words.is_failed;
	for (size_t i = 0; i < words.count; i++) {
		const char *name = words.list[i];

		// Of two values the last one counts; "panic" is the only one that we write ourselves.
		if (value_of(name, "panic")) {
			bool is_last = true;

			for (size_t j = i + 1; j < words.count; j++)
				is_last &= !value_of(words.list[j], "panic");
			if (!is_last)
				continue;
		}
		check_word(name, findings);
	}
}

// What the crashed kernel does between an oops and the start of the other one: all of its trace goes to the console: hours
// where that is a serial one (kernel/trace/trace.c: trace_die_panic_handler(), v6.12).
static void check_trace(const struct host *host, struct findings *findings)
{
	_cleanup_free_ char *value = NULL;
	_cleanup_error_ struct error *err = host_read(host, "/proc/sys/kernel/ftrace_dump_on_oops", 4096, &value, NULL);

	if (!err && *value && *value != '0' && *value != '\n')
		findings_add(findings, FINDING_WARNING, "sysctls",
		             "kernel.ftrace_dump_on_oops is set: at an oops all of the trace is written to the console "
		             "before the capture starts; set it to 0, the trace is in the dump");
}

// A kernel that is locked down refuses kexec_load(), and of kexec_file_load() what is not signed (kernel/kexec.c,
// security/lockdown/lockdown.c, v5.4).
static void check_lockdown(const struct host *host, const struct plan *plan, struct findings *findings)
{
	static const char *const old_calls[] = {"-c", "--kexec-syscall"};
	_cleanup_words_ struct words words = {0};
	_cleanup_free_ char *mode = NULL;
	_cleanup_error_ struct error *err = host_read(host, "/sys/kernel/security/lockdown", 256, &mode, NULL);

	if (err || strstr(mode, "[none]"))
		return;
	words_split(&words, plan->kexec_options);
	findings->is_failed |= words.is_failed;
	for (size_t i = 0; i < array_size(old_calls); i++)
		if (words_has(&words, old_calls[i]))
			findings_add(findings, FINDING_ERROR, "lockdown",
			             "the kernel is locked down (Secure Boot) and takes a capture kernel by "
			             "kexec_file_load only: "
			             "take %s out of KEXEC_OPTIONS",
			             old_calls[i]);
	if (strstr(mode, "[confidentiality]"))
		findings_add(findings, FINDING_WARNING, "lockdown",
		             "the kernel is locked down for confidentiality: what it lets programs see of itself is "
		             "less, and a "
		             "capture kernel that is not signed is refused");
}

static void check_read_only(const struct host *host, const struct plan *plan, struct findings *findings)
{
	for (size_t i = 0; i < plan_target_count(plan); i++) {
		struct plan_target place = plan_target_at(plan, i);
		_cleanup_device_ struct device device = {0};
		_cleanup_mount_ struct mount mount = {0};
		_cleanup_error_ struct error *err = NULL;

		if (!strchr(place.device, '=') || plan_target_is_raw(&place))
			continue;
		err = device_by_name(host, place.device, &device);
		if (!err)
			err = mounts_find_device(host, device.number, device.name, NULL, &mount);
		// Options of the file system, not of the mount: a mount may be read-only on purpose.
		if (!err && mount.point && (strcmp(mount.options, "ro") == 0 || strncmp(mount.options, "ro,", 3) == 0))
			findings_add(findings, FINDING_WARNING, "read-only",
			             "the file system of %s (%s) is read-only now, perhaps since the kernel found "
			             "errors in it: a "
			             "capture mounts it for writing; look at dmesg, and have it checked",
			             place.device, mount.point);
	}
}

void checkup_kernel(const struct host *host, const struct plan *plan, struct findings *findings)
{
	check_parameters(plan, findings);
	check_trace(host, findings);
	check_lockdown(host, plan, findings);
	check_read_only(host, plan, findings);
}
