// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/crashkernel.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "boot/cmdline.h"
#include "boot/text.h"
#include "boot/words.h"

struct error *crashkernel_read(const struct host *host, uint64_t *size_bytes_ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/sys/kernel/kexec_crash_size", 64, &text, NULL);
	char *end;

	if (err && err->code == ERROR_OS && err->errnum == ENOENT) {
		error_free(err);
		return error_new(ERROR_UNSUPPORTED,
		                 "this kernel cannot load a capture kernel (no /sys/kernel/kexec_crash_size; "
		                 "it needs CONFIG_KEXEC_FILE or CONFIG_KEXEC, and CONFIG_CRASH_DUMP)");
	}
	if (err)
		return err;
	*size_bytes_ret = strtoumax(text, &end, 10);
	if (end == text)
		return error_new(ERROR_BAD_DATA, "/sys/kernel/kexec_crash_size: \"%s\" is no number", text);
	return NULL;
}

// The items of KDUMP_CRASHKERNEL that are parameters, or what we propose.
static struct error *proposal(const struct config *config, const char *default_text, char **ret)
{
	_cleanup_words_ struct words words = {0};
	_cleanup_text_ struct text text = {0};

	words_split(&words, config ? config_text(config, KEY_CRASHKERNEL) : "");
	for (size_t i = 0; i < words.count; i++) {
		if (strncmp(words.list[i], "crashkernel=", 12) == 0)
			text_add(&text, "%s%s", text.size_bytes ? " " : "", words.list[i]);
	}
	if (!text.size_bytes)
		text_add(&text, "%s", default_text);
	return text_take(&text, ret);
}

static bool has_program(const struct host *host, const char *name)
{
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
	char path[128];

	for (size_t i = 0; i < array_size(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (host_exists(host, path))
			return true;
	}
	return false;
}

// Where the command line of the next boot is written, and what carries it out.
static void add_instruction(const struct host *host, const char *what, struct text *text)
{
	bool is_grub2 = host_exists(host, "/boot/grub2");

	if (host_exists(host, "/etc/default/grub") && has_program(host, "update-grub"))
		text_add(text, "add %s to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, run update-grub, and reboot",
		         what);
	else if (has_program(host, "grubby"))
		text_add(text, "run grubby --update-kernel=ALL --args=\"%s\", and reboot", what);
	else if (host_exists(host, "/etc/default/grub"))
		text_add(text,
		         "add %s to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, run %s -o /boot/%s/grub.cfg, and "
		         "reboot",
		         what, is_grub2 ? "grub2-mkconfig" : "grub-mkconfig", is_grub2 ? "grub2" : "grub");
	else if (host_exists(host, "/etc/kernel/cmdline"))
		text_add(text, "add %s to /etc/kernel/cmdline, run kernel-install add-all, and reboot", what);
	else
		text_add(text, "add %s to the kernel command line in the boot loader's configuration, and reboot",
		         what);
}

struct error *crashkernel_missing(const struct host *host, const struct config *config, const char *default_text)
{
	_cleanup_free_ char *asked = NULL, *what = NULL, *instruction = NULL;
	_cleanup_text_ struct text text = {0};
	struct error *err = cmdline_running(host, "crashkernel", &asked);

	if (!err)
		err = proposal(config, default_text, &what);
	if (err)
		return err;
	if (asked)
		return error_new(
			ERROR_CONFIG,
			"no memory is reserved for the capture kernel although this boot has crashkernel=%s: it does "
			"not fit this machine's memory (dmesg tells more), or it was given back in "
			"/sys/kernel/kexec_crash_size; change it to %s where the boot loader has it, and reboot",
			asked, what);
	add_instruction(host, what, &text);
	err = text_take(&text, &instruction);
	return err ? err : error_new(ERROR_CONFIG, "no memory is reserved for the capture kernel: %s", instruction);
}
