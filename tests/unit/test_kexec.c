// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/hang.h"
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

static void panics_on_hangs(void)
{
	static const char *const words[] = {"nmi", "oops", NULL};
	_cleanup_fake_ struct fake fake;
	_cleanup_config_ struct config config = {0}, wrong = {0}, blind = {0};
	_cleanup_words_ struct words parsed = {0}, none = {0};
	static const char *const paths[] = {"/proc/sys/kernel/unknown_nmi_panic", "/proc/sys/kernel/panic_on_io_nmi",
	                                    "/proc/sys/kernel/panic_on_oops"};

	fake_init(&fake);
	check_ok(config_parse("KDUMP_PANIC_ON=\"nmi oops nmi\"", "f", &config));
	check_ok(config_check(&config));
	for (size_t i = 0; i < array_size(paths); i++) {
		check_error(hang_parse(&fake.host, &config, &none), ERROR_UNSUPPORTED,
		            "this kernel has no /proc/sys/kernel/");
		words_deinit(&none);
		fake_file(&fake, paths[i], "0\n");
	}
	fake_file(&fake, "/proc/sys/kernel/softlockup_panic", "0\n");
	check_ok(hang_parse(&fake.host, &config, &parsed));
	check(parsed.count == 2 && strcmp(parsed.list[0], words[0]) == 0 && strcmp(parsed.list[1], words[1]) == 0);
	check_ok(hang_set(&fake.host, NULL));
	check_ok(hang_set(&fake.host, parsed.list));
	for (size_t i = 0; i <= array_size(paths); i++) {
		_cleanup_free_ char *value = NULL;
		bool is_asked = i < array_size(paths);

		check_ok(host_read(&fake.host, is_asked ? paths[i] : "/proc/sys/kernel/softlockup_panic", 10, &value,
		                   NULL));
		check(strcmp(value, is_asked ? "1\n" : "0\n") == 0);
	}
	fake_file(&fake, "/proc/sys/kernel/soft_watchdog", "0\n");
	check_ok(config_parse("KDUMP_PANIC_ON=softlockup", "f", &blind));
	check_error(hang_parse(&fake.host, &blind, &none), ERROR_UNSUPPORTED, "soft_watchdog is 0");
	fake_file(&fake, "/proc/sys/kernel/soft_watchdog", "1\n");
	check_ok(hang_parse(&fake.host, &blind, &none));
	check_ok(config_parse("KDUMP_PANIC_ON=hang", "f", &wrong));
	check_error(hang_parse(&fake.host, &wrong, &none), ERROR_CONFIG, "f:1: KDUMP_PANIC_ON: 'hang' is none of");
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
	TEST(panics_on_hangs),
	TEST(unload),
	TEST(loaded),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
