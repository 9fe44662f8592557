// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/restart.h"

#include <errno.h>

#include "fake.h"
#include "test.h"

static const char *const gone[] = {"crashkernel", NULL}, *const wanted[] = {"crashkernel=128M", NULL};
static const struct parameters_change change = {gone, wanted};

static void make_machine(struct fake *fake)
{
	fake_init(fake);
	fake_file(fake, "/proc/sys/kernel/osrelease", "6.1\n");
	fake_file(fake, "/proc/sys/kernel/kexec_load_disabled", "0\n");
	fake_file(fake, "/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/vda crashkernel=1M ro\n");
	fake_file(fake, "/boot/vmlinuz-6.1", "kernel");
	fake_file(fake, "/boot/initrd.img-6.1", "image");
	check_ok(host_mkdirs(&fake->host, "/run/systemd/system"));
}

static struct error *run(struct fake *fake, const char *kernel)
{
	_cleanup_restart_ struct restart restart = {0};
	struct error *err = restart_find(&fake->host, kernel, &change, &restart);

	return err ? err : restart_run(&fake->host, &restart);
}

static void loads_and_goes_down(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	check_ok(run(&fake, NULL));
	check(fake.run_count == 2);
	check_text(fake.runs[0], "kexec|-l|-s|--initrd=/boot/initrd.img-6.1|--command-line=root=/dev/vda ro "
	                         "crashkernel=128M|/boot/vmlinuz-6.1");
	check_text(fake.runs[1], "systemctl|kexec");
}

// Of several systems, or in a directory of its own.
static void another_kernel_with_the_initramfs_beside_it(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	fake_file(&fake, "/boot/old/vmlinuz-6.1", "kernel");
	fake_file(&fake, "/boot/old/initramfs-6.1.img", "image");
	fake_file(&fake, "/usr/lib/modules/6.2/vmlinuz", "kernel");
	fake_file(&fake, "/usr/lib/modules/6.2/initrd", "image");
	check_ok(run(&fake, "/boot/old/vmlinuz-6.1"));
	check(strstr(fake.runs[0], "--initrd=/boot/old/initramfs-6.1.img|") != NULL);
	check_ok(run(&fake, "/usr/lib/modules/6.2/vmlinuz"));
	check(strstr(fake.runs[2], "--initrd=/usr/lib/modules/6.2/initrd|") != NULL);
	check_error(run(&fake, "/boot/vmlinuz-7"), ERROR_CONFIG, "/boot/vmlinuz-7: there is no such kernel");
	fake_file(&fake, "/boot/vmlinuz", "kernel");
	check_error(run(&fake, "/boot/vmlinuz"), ERROR_CONFIG, "no version can be seen");
	check(fake.run_count == 4);
}

static void the_older_call_where_there_is_no_other(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	fake.statuses[0] = 1;
	fake.outputs[0] = "kexec_file_load not available\n";
	check_ok(run(&fake, NULL));
	check(fake.run_count == 3 && strncmp(fake.runs[1], "kexec|-l|-c|", 12) == 0);
}

// A kernel that is locked down has that call only for what it can verify.
static void not_where_the_kernel_is_locked_down(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	fake_file(&fake, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	fake.statuses[0] = 1;
	fake.outputs[0] = "kexec_file_load not available\n";
	check_error(run(&fake, NULL), ERROR_OS, "the next kernel is not loaded: ");
	check(fake.run_count == 1);
}

static void failures_say_what_is_loaded(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	fake.statuses[0] = 1;
	fake.outputs[0] = "Cannot open /boot/vmlinuz-6.1\n";
	check_error(run(&fake, NULL), ERROR_OS,
	            "the next kernel is not loaded: kexec failed with status 1: Cannot open");
	fake.statuses[2] = 1;
	fake.outputs[2] = "no bus\n";
	check_error(
		run(&fake, NULL), ERROR_OS,
		"the next kernel is loaded, but the system does not go down: systemctl failed with status 1: no bus");
}

static const struct test tests[] = {
	TEST(loads_and_goes_down),
	TEST(another_kernel_with_the_initramfs_beside_it),
	TEST(the_older_call_where_there_is_no_other),
	TEST(not_where_the_kernel_is_locked_down),
	TEST(failures_say_what_is_loaded),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
