// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/bootloader.h"

#include <errno.h>

#include "fake.h"
#include "test.h"

static const char *const gone[] = {"crashkernel", "fadump", NULL};
static const char *const one[] = {"crashkernel=128M", NULL};
static const char *const two[] = {"crashkernel=72M,low", "crashkernel=256M,high", NULL};
static const char *const none[] = {NULL};

static void find(struct fake *fake, const char *wanted, const struct bootloader **ret)
{
	check_ok(bootloader_find(&fake->host, ret));
	check_text((*ret)->name, wanted);
}

static struct error *run(struct fake *fake, const struct bootloader *loader, const char *const *add, const char *kernel)
{
	struct bootloader_task task = {.change = {gone, add}, .kernel = kernel};
	struct error *err = bootloader_run(&fake->host, loader, &task, false);

	bootloader_task_deinit(&task);
	return err;
}

static void check_file(struct fake *fake, const char *path, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	check_ok(changes_read(&fake->host, path, &text));
	check_text(text, wanted);
}

static void check_view(struct fake *fake, const struct bootloader *loader, const char *const *wanted)
{
	struct bootloader_view view = {0};
	size_t count = 0;

	check_ok(loader->view(&fake->host, gone, &view));
	for (; wanted[count]; count++)
		check_text(view.values.list[count], wanted[count]);
	check(view.values.count == count && view.where.count == count);
	bootloader_view_deinit(&view);
}

static void make_debian(struct fake *fake)
{
	fake_init(fake);
	fake_file(fake, "/etc/default/grub",
	          "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet crashkernel=1M\"\nGRUB_CMDLINE_LINUX=\"\"\n");
	fake_file(fake, "/etc/default/grub.d/kdump-tools.cfg",
	          "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=384M-:128M\"\n");
	fake_file(fake, "/etc/default/grub.d/not-read", "GRUB_CMDLINE_LINUX=\"crashkernel=2M\"\n");
	fake_file(fake, "/usr/sbin/update-grub", "");
	fake_file(fake, "/usr/sbin/grub-mkconfig", "for x in ${sysconfdir}/default/grub.d/*.cfg ; do\n");
}

static void grub_with_drop_ins(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_debian(&fake);
	find(&fake, "GRUB", &loader);
	check_view(&fake, loader, (const char *const[]){"crashkernel=1M crashkernel=384M-:128M", NULL});
	check_ok(run(&fake, loader, two, BOOTLOADER_ALL));
	check(fake.run_count == 1);
	check_text(fake.runs[0], "update-grub");
	check_file(&fake, "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"\"\n");
	check_file(&fake, "/etc/default/grub.d/kdump-tools.cfg",
	           "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT\"\n");
	check_view(&fake, loader, (const char *const[]){"crashkernel=72M,low crashkernel=256M,high", NULL});
	check_ok(run(&fake, loader, none, BOOTLOADER_ALL));
	check_file(&fake, "/etc/default/grub.d/kdump.cfg", NULL);
	check_view(&fake, loader, (const char *const[]){"", NULL});
	check_error(run(&fake, loader, one, "/boot/vmlinuz-1"), ERROR_UNSUPPORTED, "--kernel=ALL");
}

static void a_program_that_fails_leaves_files_as_they_were(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_debian(&fake);
	fake.statuses[0] = 3;
	fake.outputs[0] = "grub-probe: error: no disk\n";
	find(&fake, "GRUB", &loader);
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_OS,
	            "update-grub failed with status 3: grub-probe: error: no disk");
	check_view(&fake, loader, (const char *const[]){"crashkernel=1M crashkernel=384M-:128M", NULL});
	check_file(&fake, "/etc/default/grub.d/kdump.cfg", NULL);
}

static void a_menu_without_them_is_an_error(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_debian(&fake);
	fake_file(&fake, "/boot/grub/grub.cfg", "linux /vmlinuz quiet\n");
	find(&fake, "GRUB", &loader);
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_OS,
	            "/boot/grub/grub.cfg was made, but crashkernel=128M is not in it");
	check_file(&fake, "/etc/default/grub.d/kdump.cfg", NULL);
}

static void grub_without_drop_ins(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	fake_init(&fake);
	fake_file(&fake, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"rhgb\"\n");
	fake_file(&fake, "/etc/default/grub.d/x.cfg", "GRUB_CMDLINE_LINUX=\"crashkernel=9M\"\n");
	fake_file(&fake, "/usr/sbin/grub2-mkconfig", "#!/bin/sh\n");
	find(&fake, "GRUB", &loader);
	check_view(&fake, loader, (const char *const[]){"", NULL});
	check_ok(run(&fake, loader, one, BOOTLOADER_ALL));
	check_text(fake.runs[0], "grub2-mkconfig|-o|/boot/grub2/grub.cfg");
	check_file(&fake, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"rhgb crashkernel=128M\"\n");
}

static void make_entries(struct fake *fake, const char *directory)
{
	char path[128];

	fake_init(fake);
	snprintf(path, sizeof(path), "%s/a-6.1.conf", directory);
	fake_file(fake, path, "title A\nlinux /vmlinuz-6.1\noptions root=/dev/vda1 crashkernel=1M quiet\n");
	snprintf(path, sizeof(path), "%s/a-6.2.conf", directory);
	fake_file(fake, path, "title B\nlinux /vmlinuz-6.2\noptions root=/dev/vda1\n");
	fake_file(fake, "/etc/kernel/cmdline", "root=/dev/vda1\n");
}

static void entries_by_grubby(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_entries(&fake, "/boot/loader/entries");
	fake_file(&fake, "/usr/sbin/grubby", "");
	find(&fake, "boot loader entries", &loader);
	check_ok(run(&fake, loader, one, BOOTLOADER_ALL));
	check_text(fake.runs[0], "grubby|--update-kernel=ALL|--remove-args=crashkernel fadump|--args=crashkernel=128M");
	check_ok(run(&fake, loader, none, "/boot/vmlinuz-6.1"));
	check_text(fake.runs[1], "grubby|--update-kernel=/boot/vmlinuz-6.1|--remove-args=crashkernel fadump");
	// grubby cannot add two of one name.
	check_ok(run(&fake, loader, two, BOOTLOADER_ALL));
	check(fake.run_count == 2);
	check_view(&fake, loader,
	           (const char *const[]){"crashkernel=72M,low crashkernel=256M,high",
	                                 "crashkernel=72M,low crashkernel=256M,high", NULL});
}

static void entries_by_their_files(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_entries(&fake, "/boot/loader/entries");
	fake_file(&fake, "/etc/default/grub", "GRUB_ENABLE_BLSCFG=true\nGRUB_CMDLINE_LINUX=\"crashkernel=1M\"\n");
	fake_file(&fake, "/boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=a-6.2\n####");
	find(&fake, "boot loader entries", &loader);
	check_ok(run(&fake, loader, one, "/boot/vmlinuz-6.1"));
	check_view(&fake, loader, (const char *const[]){"crashkernel=128M", "", NULL});
	check_ok(run(&fake, loader, one, BOOTLOADER_DEFAULT));
	check_view(&fake, loader, (const char *const[]){"crashkernel=128M", "crashkernel=128M", NULL});
	check_file(&fake, "/etc/kernel/cmdline", "root=/dev/vda1\n");
	check_error(run(&fake, loader, one, "/boot/vmlinuz-6.3"), ERROR_UNSUPPORTED,
	            "no entry is that of the kernel /boot/vmlinuz-6.3");
	check_ok(run(&fake, loader, two, BOOTLOADER_ALL));
	check_file(&fake, "/etc/kernel/cmdline", "root=/dev/vda1 crashkernel=72M,low crashkernel=256M,high\n");
	check_file(&fake, "/etc/default/grub",
	           "GRUB_ENABLE_BLSCFG=true\nGRUB_CMDLINE_LINUX=\"crashkernel=72M,low crashkernel=256M,high\"\n");
	check_file(&fake, "/boot/loader/entries/a-6.1.conf",
	           "title A\nlinux /vmlinuz-6.1\noptions root=/dev/vda1 quiet crashkernel=72M,low "
	           "crashkernel=256M,high\n");
	check(fake.run_count == 0);
}

static void options_in_the_environment_of_grub(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	fake_init(&fake);
	fake_file(&fake, "/boot/loader/entries/a.conf", "linux /vmlinuz-1\noptions $kernelopts $tuned_params\n");
	fake_file(&fake, "/boot/grub2/grubenv",
	          "# GRUB Environment Block\nsaved_entry=a\nkernelopts=root=/dev/vda1 crashkernel=1M \n###");
	find(&fake, "boot loader entries", &loader);
	check_view(&fake, loader, (const char *const[]){"", "crashkernel=1M", NULL});
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_CONFIG, "a.conf:2: the options are a variable");
	fake_file(&fake, "/usr/sbin/grubby", "");
	check_ok(run(&fake, loader, one, BOOTLOADER_ALL));
	check(fake.run_count == 1);
}

static void entries_of_zipl(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_entries(&fake, "/boot/loader/entries");
	fake_file(&fake, "/etc/zipl.conf", "[defaultboot]\ntarget=/boot\n");
	fake_file(&fake, "/sbin/zipl", "");
	find(&fake, "boot loader entries", &loader);
	check_ok(run(&fake, loader, one, BOOTLOADER_ALL));
	check(fake.run_count == 1);
	check_text(fake.runs[0], "zipl");
}

static void entries_that_grub_does_not_read(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_entries(&fake, "/boot/loader/entries");
	fake_file(&fake, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
	fake_file(&fake, "/usr/sbin/update-grub", "");
	find(&fake, "GRUB", &loader);
}

static void systemd_boot(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;
	struct bootloader_task task = {.change = {gone, one}, .kernel = BOOTLOADER_ALL};

	make_entries(&fake, "/efi/loader/entries");
	fake_file(&fake, "/efi/loader/loader.conf", "timeout 3\ndefault a-*.1.conf\n");
	fake_file(&fake, "/efi/EFI/systemd/systemd-bootx64.efi", "");
	fake_file(&fake, "/efi/EFI/Linux/u.efi", "");
	find(&fake, "systemd-boot", &loader);
	check_ok(run(&fake, loader, one, BOOTLOADER_DEFAULT));
	check_view(&fake, loader, (const char *const[]){"crashkernel=128M", "", NULL});
	check_ok(bootloader_run(&fake.host, loader, &task, false));
	check(task.notes.count == 1 && strstr(task.notes.list[0], "/efi/EFI/Linux/u.efi is a unified kernel image"));
	bootloader_task_deinit(&task);
	check_view(&fake, loader, (const char *const[]){"crashkernel=128M", "crashkernel=128M", NULL});
	check_file(&fake, "/etc/kernel/cmdline", "root=/dev/vda1 crashkernel=128M\n");
	check(fake.run_count == 0);
}

// The one of the firmware has no kernel, and both have what is not this system.
static void systemd_boot_on_two_partitions(void)
{
	static const char memory_test[] = "title M\nefi /EFI/memtest/x.efi\n";
	static const char other[] = "linux /vmlinuz\nmachine-id 0123456789abcdef0123456789ABCDE0\noptions quiet\n";
	static const char unified[] = "uki /EFI/Linux/u.efi\n";
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_entries(&fake, "/boot/loader/entries");
	fake_file(&fake, "/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	fake_file(&fake, "/efi/loader/entries/memtest.conf", memory_test);
	fake_file(&fake, "/efi/loader/entries/shell.conf", "title S\nefi /shellx64.efi\noptions crashkernel=3M\n");
	fake_file(&fake, "/boot/loader/entries/other.conf", other);
	fake_file(&fake, "/boot/loader/entries/unified.conf", unified);
	fake_file(&fake, "/boot/loader/entries/z-6.3.conf",
	          "efi \\efi\\linux\\z.efi\nmachine-id 0123456789ABCDEF0123456789abcdef\noptions quiet\n");
	fake_file(&fake, "/efi/loader/loader.conf", "default a-*.1.conf\n");
	fake_file(&fake, "/efi/EFI/systemd/systemd-bootx64.efi", "");
	find(&fake, "systemd-boot", &loader);
	check_view(&fake, loader, (const char *const[]){"crashkernel=1M", "", "", NULL});
	check_ok(run(&fake, loader, one, BOOTLOADER_DEFAULT));
	check_view(&fake, loader, (const char *const[]){"crashkernel=128M", "", "", NULL});
	check_ok(run(&fake, loader, one, "/boot/vmlinuz-6.2"));
	check_view(&fake, loader, (const char *const[]){"crashkernel=128M", "crashkernel=128M", "", NULL});
	check_error(run(&fake, loader, one, "/boot/vmlinuz-6.9"), ERROR_UNSUPPORTED,
	            "in /efi/loader/entries, /boot/loader/entries no entry is that of the kernel");
	check_ok(run(&fake, loader, one, BOOTLOADER_ALL));
	check_view(&fake, loader,
	           (const char *const[]){"crashkernel=128M", "crashkernel=128M", "crashkernel=128M", NULL});
	check_file(&fake, "/efi/loader/entries/memtest.conf", memory_test);
	check_file(&fake, "/efi/loader/entries/shell.conf", "title S\nefi /shellx64.efi\noptions crashkernel=3M\n");
	check_file(&fake, "/boot/loader/entries/other.conf", other);
	check_file(&fake, "/boot/loader/entries/unified.conf", unified);
	check_file(&fake, "/etc/kernel/cmdline", "root=/dev/vda1 crashkernel=128M\n");
}

static void systemd_boot_without_a_kernel(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	fake_init(&fake);
	fake_file(&fake, "/efi/loader/entries/memtest.conf", "efi /EFI/memtest/x.efi\n");
	fake_file(&fake, "/efi/EFI/systemd/systemd-bootx64.efi", "");
	find(&fake, "systemd-boot", &loader);
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_UNSUPPORTED, "no entry starts a Linux");
	fake_file(&fake, "/efi/EFI/Linux/u.efi", "");
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_UNSUPPORTED, "u.efi is a unified kernel image");
}

static void systemd_boot_by_what_it_left(void)
{
	static const char info[] = "\6\0\0\0s\0y\0s\0t\0e\0m\0d\0-\0b\0o\0o\0t\0 \0002\0";
	static const char variable[] = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_debian(&fake);
	check_ok(host_replace(&fake.host, variable, info, sizeof(info), 0644));
	find(&fake, "systemd-boot", &loader);
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_UNSUPPORTED, "is the partition mounted?");
	fake_file(&fake, "/boot/EFI/Linux/u.efi", "");
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_UNSUPPORTED,
	            "/boot/EFI/Linux/u.efi is a unified kernel image");
	check_ok(host_replace(&fake.host, variable, "\6\0\0\0G\0R\0U\0B\0", 12, 0644));
	find(&fake, "GRUB", &loader);
}

static void zipl(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	fake_init(&fake);
	fake_file(&fake, "/etc/zipl.conf",
	          "[defaultboot]\ndefault = linux\n[linux]\n\tparameters = \"root=/dev/dasda1 crashkernel=1M\"\n[old]\n"
	          "parameters=root=/dev/dasda1  \nramdisk=/x\n");
	fake_file(&fake, "/sbin/zipl", "");
	find(&fake, "zipl", &loader);
	check_view(&fake, loader, (const char *const[]){"crashkernel=1M", "", NULL});
	check_ok(run(&fake, loader, one, BOOTLOADER_ALL));
	check_text(fake.runs[0], "zipl");
	check_file(
		&fake, "/etc/zipl.conf",
		"[defaultboot]\ndefault = linux\n[linux]\n\tparameters = \"root=/dev/dasda1 crashkernel=128M\"\n[old]\n"
		"parameters=root=/dev/dasda1 crashkernel=128M  \nramdisk=/x\n");
	fake_file(&fake, "/etc/zipl.conf", "[a]\nparmfile=/x\n");
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_CONFIG,
	            "/etc/zipl.conf:2: parameters in a file of their own");
	fake_file(&fake, "/etc/zipl.conf", "[a]\n");
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_CONFIG, "no line has parameters=");
}

static void rpm_ostree(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	fake_init(&fake);
	fake_file(&fake, "/run/ostree-booted", "");
	fake_file(&fake, "/usr/bin/rpm-ostree", "");
	fake.outputs[0] = "root=UUID=1 crashkernel=1M crashkernel=2M,high crashkernel=1M fadump=on ostree=/x\n";
	find(&fake, "rpm-ostree", &loader);
	check_ok(run(&fake, loader, two, BOOTLOADER_DEFAULT));
	check_text(fake.runs[0], "rpm-ostree|kargs");
	check_text(fake.runs[1],
	           "rpm-ostree|kargs|--delete=crashkernel=1M|--delete=crashkernel=2M,high|--delete=fadump=on|"
	           "--append=crashkernel=72M,low|--append=crashkernel=256M,high");
	// Nothing to delete: nothing to do.
	fake.outputs[2] = "root=UUID=1\n";
	check_ok(run(&fake, loader, none, BOOTLOADER_ALL));
	check(fake.run_count == 3);
	check_error(run(&fake, loader, one, "/boot/vmlinuz-1"), ERROR_UNSUPPORTED,
	            "--kernel=/boot/vmlinuz-1 is not possible");
}

static void pbl(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	fake_init(&fake);
	fake_file(&fake, "/usr/sbin/pbl", "");
	fake_file(&fake, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
	fake_file(&fake, "/usr/sbin/grub2-mkconfig", "");
	find(&fake, "pbl", &loader);
	check_ok(run(&fake, loader, two, BOOTLOADER_ALL));
	check_text(fake.runs[0],
	           "pbl|--add-option|crashkernel=72M,low crashkernel=256M,high|--del-option|fadump|--config");
	check_ok(run(&fake, loader, none, BOOTLOADER_ALL));
	check_text(fake.runs[1], "pbl|--del-option|crashkernel|--del-option|fadump|--config");
	fake.outputs[2] = "crashkernel=1M\n";
	check_view(&fake, loader, (const char *const[]){"crashkernel=1M", NULL});
	check_text(fake.runs[2], "pbl|--get-option|crashkernel");
}

static void a_program_that_is_not_there(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	make_debian(&fake);
	fake.errnum = ENOENT;
	find(&fake, "GRUB", &loader);
	check_error(run(&fake, loader, one, BOOTLOADER_ALL), ERROR_OS, "update-grub");
	check_file(&fake, "/etc/default/grub.d/kdump.cfg", NULL);
}

static void nothing_that_is_known(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;

	fake_init(&fake);
	check_error(bootloader_find(&fake.host, &loader), ERROR_UNSUPPORTED, "no boot loader is found");
}

static void a_dry_run_tells_and_changes_nothing(void)
{
	_cleanup_fake_ struct fake fake;
	const struct bootloader *loader = NULL;
	struct bootloader_task task = {.change = {gone, one}, .kernel = BOOTLOADER_ALL};
	_cleanup_words_ struct words told = {0};

	fake_init(&fake);
	fake_file(&fake, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"a\"\n");
	fake_file(&fake, "/usr/sbin/grub2-mkconfig", "");
	find(&fake, "GRUB", &loader);
	check_ok(bootloader_run(&fake.host, loader, &task, true));
	bootloader_tell(&task, &told);
	bootloader_task_deinit(&task);
	check(told.count == 4);
	check_text(told.list[0], "/etc/default/grub");
	check_text(told.list[1], "-GRUB_CMDLINE_LINUX=\"a\"");
	check_text(told.list[2], "+GRUB_CMDLINE_LINUX=\"a crashkernel=128M\"");
	check_text(told.list[3], "run grub2-mkconfig -o /boot/grub2/grub.cfg");
	check(fake.run_count == 0);
	check_file(&fake, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"a\"\n");
}

static const struct test tests[] = {
	TEST(grub_with_drop_ins),
	TEST(a_program_that_fails_leaves_files_as_they_were),
	TEST(a_menu_without_them_is_an_error),
	TEST(grub_without_drop_ins),
	TEST(entries_by_grubby),
	TEST(entries_by_their_files),
	TEST(options_in_the_environment_of_grub),
	TEST(entries_of_zipl),
	TEST(entries_that_grub_does_not_read),
	TEST(systemd_boot),
	TEST(systemd_boot_on_two_partitions),
	TEST(systemd_boot_without_a_kernel),
	TEST(systemd_boot_by_what_it_left),
	TEST(zipl),
	TEST(rpm_ostree),
	TEST(pbl),
	TEST(a_program_that_is_not_there),
	TEST(nothing_that_is_known),
	TEST(a_dry_run_tells_and_changes_nothing),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
