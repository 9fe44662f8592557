// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/kexec.h"

#include <errno.h>

#include "fake.h"
#include "test.h"

static const struct plan plan = {
	.kernel_image = (char *)"/boot/vmlinuz",
	.initrd = (char *)"/initrd",
	.command_line = (char *)"console=ttyS0 panic=10",
	.kexec_options = (char *)"",
};

static void by_file(void)
{
	_cleanup_fake_ struct fake fake;
	enum kexec_method method;

	fake_init(&fake);
	check_ok(kexec_load(&fake.host, &plan, &method));
	check(method == KEXEC_FILE && fake.run_count == 1);
	check_text(fake.runs[0], "kexec|-p|-s|--initrd=/initrd|--command-line=console=ttyS0 panic=10|/boot/vmlinuz");
}

static void by_the_old_call_where_the_new_one_is_missing(void)
{
	_cleanup_fake_ struct fake fake;
	enum kexec_method method;

	fake_init(&fake);
	fake.statuses[0] = 255;
	fake.outputs[0] = "kexec_file_load failed: Function not implemented\n";
	check_ok(kexec_load(&fake.host, &plan, &method));
	check(method == KEXEC_LOAD && fake.run_count == 2);
	check_text(fake.runs[1], "kexec|-p|-c|--initrd=/initrd|--command-line=console=ttyS0 panic=10|/boot/vmlinuz");
}

static void other_failures_are_not_tried_again(void)
{
	_cleanup_fake_ struct fake fake;
	enum kexec_method method;

	fake_init(&fake);
	fake.statuses[0] = 255;
	fake.outputs[0] = "warning\nCannot open /initrd\n";
	check_error(kexec_load(&fake.host, &plan, &method), ERROR_OS,
	            "kexec failed with status 255: Cannot open /initrd");
	check(fake.run_count == 1);
	fake.statuses[1] = 1;
	fake_file(&fake, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	check_error(kexec_load(&fake.host, &plan, &method), ERROR_OS, "signed kernels");
	fake.statuses[2] = 1;
	fake_file(&fake, "/proc/sys/kernel/kexec_load_disabled", "1\n");
	check_error(kexec_load(&fake.host, &plan, &method), ERROR_UNSUPPORTED, "kernel.kexec_load_disabled");
	fake.errnum = ENOENT;
	check_error(kexec_load(&fake.host, &plan, &method), ERROR_OS, "install the package kexec-tools");
}

static void options_choose_the_call(void)
{
	_cleanup_fake_ struct fake fake;
	struct plan chosen = plan;
	enum kexec_method method;

	fake_init(&fake);
	chosen.kexec_options = (char *)"-c --debug";
	check_ok(kexec_load(&fake.host, &chosen, &method));
	check_text(fake.runs[0],
	           "kexec|-p|-c|--debug|--initrd=/initrd|--command-line=console=ttyS0 panic=10|/boot/vmlinuz");
}

static void panic_notifiers_are_asked_for_first(void)
{
	static const char path[] = "/sys/module/kernel/parameters/crash_kexec_post_notifiers";
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *text = NULL;
	struct plan wanted = plan;
	enum kexec_method method;

	fake_init(&fake);
	wanted.has_panic_notifiers = true;
	check_error(kexec_load(&fake.host, &wanted, &method), ERROR_UNSUPPORTED,
	            "KDUMP_PANIC_NOTIFIERS: this kernel has no");
	check(fake.run_count == 0);
	fake_file(&fake, path, "N\n");
	check_ok(kexec_load(&fake.host, &plan, &method));
	check_ok(host_read(&fake.host, path, 10, &text, NULL));
	check_text(text, "N\n");
	free(take_ptr(text));
	check_ok(kexec_load(&fake.host, &wanted, &method));
	check_ok(host_read(&fake.host, path, 10, &text, NULL));
	check_text(text, "Y\n");
	check(fake.run_count == 2);
}

static void unload(void)
{
	_cleanup_fake_ struct fake fake;

	fake_init(&fake);
	fake.statuses[0] = 255;
	check_ok(kexec_unload(&fake.host));
	check_text(fake.runs[0], "kexec|-p|-u|-s");
	check_text(fake.runs[1], "kexec|-p|-u|-c");
}

static void loaded(void)
{
	_cleanup_fake_ struct fake fake;
	bool is_loaded = false;

	fake_init(&fake);
	check_error(kexec_is_loaded(&fake.host, &is_loaded), ERROR_UNSUPPORTED, "kexec_crash_loaded");
	fake_file(&fake, "/sys/kernel/kexec_crash_loaded", "1\n");
	check_ok(kexec_is_loaded(&fake.host, &is_loaded));
	check(is_loaded);
	fake_file(&fake, "/sys/kernel/kexec_crash_loaded", "0\n");
	check_ok(kexec_is_loaded(&fake.host, &is_loaded));
	check(!is_loaded);
}

static const struct test tests[] = {
	TEST(by_file),
	TEST(by_the_old_call_where_the_new_one_is_missing),
	TEST(other_failures_are_not_tried_again),
	TEST(options_choose_the_call),
	TEST(panic_notifiers_are_asked_for_first),
	TEST(unload),
	TEST(loaded),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
