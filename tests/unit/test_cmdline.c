// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/cmdline.h"

#include "fake.h"
#include "test.h"

static void make(const char *running, const char *settings, const char *wanted)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *line = NULL, *reason = NULL;

	fake_init(&fake);
	fake_file(&fake, "/proc/cmdline", running);
	check_ok(config_parse(settings, "f", &config));
	check_ok(config_check(&config));
	check_ok(cmdline_make(&fake.host, &config, "nr_cpus=1", &line, &reason));
	check(*reason);
	// What is added is not repeated here; the golden plans have it.
	if (strstr(line, "reset_devices"))
		*strstr(line, "reset_devices") = '\0';
	check_text(line, wanted);
}

static void harmful_words_are_left_out(void)
{
	make("BOOT_IMAGE=/x root=/dev/vda ro crashkernel=128M quiet console=ttyS0 rd.luks=1 systemd.unit=x.target "
	     "mem=1G\n",
	     "", "console=ttyS0 ");
	make("console=tty0 console=ttyS0 dyndbg=\"file a +p\" rootless=1 memory=2 module_blacklist=kvm\n", "",
	     "console=tty0 console=ttyS0 dyndbg=\"file a +p\" rootless=1 memory=2 module_blacklist=kvm ");
	make("crashkernel=72M,low crashkernel=256M,high hugepagesz=1G hugepages=4 panic_on_warn nr_cpus=4\n", "", "");
}

static void configured(void)
{
	make("console=ttyS0 root=x\n", "KDUMP_COMMANDLINE=\"a root=b\"", "a root=b");
	make("console=ttyS0 root=x\n", "KDUMP_COMMANDLINE=a\nKDUMP_COMMANDLINE_APPEND=b", "a b");
}

static void too_long(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *line = NULL, *reason = NULL, *text = NULL;

	fake_init(&fake);
	fake_file(&fake, "/proc/cmdline", "a\n");
	check(asprintf(&text, "KDUMP_COMMANDLINE_APPEND=%02000d", 1) > 0);
	check_ok(config_parse(text, "f", &config));
	check_ok(config_check(&config));
	check_error(cmdline_make(&fake.host, &config, "nr_cpus=1", &line, &reason), ERROR_CONFIG,
	            "f:1: KDUMP_COMMANDLINE_APPEND");
}

static void one_parameter(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *value = NULL, *bare = NULL, *none = NULL;

	fake_init(&fake);
	fake_file(&fake, "/proc/cmdline", "crashkernel=1M xcrashkernel=3 crashkernel=2M quiet\n");
	check_ok(cmdline_running(&fake.host, "crashkernel", &value));
	check_text(value, "2M");
	check_ok(cmdline_running(&fake.host, "quiet", &bare));
	check_text(bare, "");
	check_ok(cmdline_running(&fake.host, "crash", &none));
	check_text(none, NULL);
}

static const struct test tests[] = {
	TEST(harmful_words_are_left_out),
	TEST(configured),
	TEST(too_long),
	TEST(one_parameter),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
