// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/unified.h"

#include "fake.h"
#include "test.h"

#define IMAGE "/efi/EFI/Linux/debian-6.1.efi"
#define SECOND "/efi/EFI/Linux/debian-6.12.efi"
#define ADDON "/efi/loader/addons/kdump.addon.efi"
#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define STUB_INFO "/sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define STUB_FEATURES "/sys/firmware/efi/efivars/StubFeatures-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

enum { PE_BYTES = 1024, SECTIONS_AT = 64 + 24 + 240, TEXT_AT = 512 };

static const char *const gone[] = {"crashkernel", "fadump", NULL};
static const char *const one[] = {"crashkernel=128M", NULL};
static const char *const halves[] = {"crashkernel=256M,high", "crashkernel=72M,low", NULL};
static const char *const none[] = {NULL};

static void put(unsigned char *at, uint32_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

// An image with two sections, of which the second one is filled up with zeros in the file.
static void make_image(unsigned char bytes[PE_BYTES], const char *cmdline)
{
	unsigned char *section = bytes + SECTIONS_AT;

	memset(bytes, 0, PE_BYTES);
	memcpy(bytes, "MZ", 2);
	put(bytes + 60, 64, 4);
	memcpy(bytes + 64, "PE\0", 4);
	put(bytes + 64 + 6, cmdline ? 2 : 1, 2);
	put(bytes + 64 + 20, 240, 2);
	memcpy(section, ".text", 5);
	put(section + 8, 16, 4);
	put(section + 16, 16, 4);
	put(section + 20, 480, 4);
	if (!cmdline)
		return;
	memcpy(section + 40, ".cmdline", 8);
	put(section + 48, (uint32_t)strlen(cmdline), 4);
	put(section + 56, 512, 4);
	put(section + 60, TEXT_AT, 4);
	memcpy(bytes + TEXT_AT, cmdline, strlen(cmdline));
}

static void put_image(struct fake *fake, const char *path, const char *cmdline)
{
	unsigned char bytes[PE_BYTES];

	make_image(bytes, cmdline);
	check_ok(host_replace(&fake->host, path, bytes, sizeof(bytes), 0644));
}

static void make_machine(struct fake *fake)
{
	fake_init(fake);
	fake_file(fake, "/efi/EFI/systemd/systemd-bootx64.efi", "");
	fake_file(fake, "/usr/bin/ukify", "");
	put_image(fake, IMAGE, "root=/dev/vda1 quiet\n");
	put_image(fake, SECOND, NULL);
}

// What is asked of the boot loader; made: what ukify leaves.
static struct error *run(struct fake *fake, const char *const *add, const char *kernel, const char *path,
                         const char *made)
{
	struct bootloader_task task = {.change = {gone, add}, .kernel = kernel};
	const struct bootloader *loader = NULL;
	unsigned char bytes[PE_BYTES];
	struct error *err;

	check_ok(bootloader_find(&fake->host, &loader));
	check_text(loader->name, "systemd-boot");
	make_image(bytes, made);
	fake->makes = path;
	fake->made = (const char *)bytes;
	fake->made_bytes = sizeof(bytes);
	while (fake->run_count)
		free(fake->runs[--fake->run_count]);
	err = bootloader_run(&fake->host, loader, &task, false);
	bootloader_task_deinit(&task);
	return err;
}

static void check_view(struct fake *fake, const char *first, const char *second)
{
	const struct bootloader *loader = NULL;
	struct bootloader_view view = {0};

	check_ok(bootloader_find(&fake->host, &loader));
	check_ok(loader->view(&fake->host, gone, &view));
	check(view.values.count == 2);
	check_text(view.where.list[0], IMAGE);
	check_text(view.values.list[0], first);
	check_text(view.values.list[1], second);
	bootloader_view_deinit(&view);
}

static void command_lines(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *text = NULL, *no_text = NULL;

	make_machine(&fake);
	check_ok(unified_cmdline(&fake.host, IMAGE, &text));
	check_text(text, "root=/dev/vda1 quiet");
	check_ok(unified_cmdline(&fake.host, SECOND, &no_text));
	check(!no_text);
}

// Whatever somebody left there: no image, one that is cut anywhere, and one whose numbers lead elsewhere.
static void what_is_no_image(void)
{
	_cleanup_fake_ struct fake fake;
	unsigned char bytes[PE_BYTES];
	_cleanup_free_ char *text = NULL;

	fake_init(&fake);
	fake_file(&fake, IMAGE,
	          "no image at all, but a text that is longer than its header would be, so that it is read.");
	check_error(unified_cmdline(&fake.host, IMAGE, &text), ERROR_BAD_DATA, "debian-6.1.efi: it is no image of EFI");
	make_image(bytes, "quiet");
	for (size_t size = 0; size < TEXT_AT; size += 7) {
		check_ok(host_replace(&fake.host, IMAGE, bytes, size, 0644));
		check_error(unified_cmdline(&fake.host, IMAGE, &text), ERROR_BAD_DATA, "debian-6.1.efi: it ");
	}
	put(bytes + 60, 0xffffffff, 4);
	check_ok(host_replace(&fake.host, IMAGE, bytes, sizeof(bytes), 0644));
	check_error(unified_cmdline(&fake.host, IMAGE, &text), ERROR_BAD_DATA, "it ends within its headers");
	make_image(bytes, "quiet");
	put(bytes + SECTIONS_AT + 48, 0x7fffffff, 4);
	put(bytes + SECTIONS_AT + 56, 0x7fffffff, 4);
	check_ok(host_replace(&fake.host, IMAGE, bytes, sizeof(bytes), 0644));
	check_error(unified_cmdline(&fake.host, IMAGE, &text), ERROR_BAD_DATA, "a command line of 2147483647 bytes");
	check(!text);
}

static void an_addon_for_all(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	fake_file(&fake, "/etc/kernel/cmdline", "root=/dev/vda1\n");
	check_view(&fake, "", "");
	check_ok(run(&fake, halves, BOOTLOADER_ALL, ADDON, "crashkernel=256M,high crashkernel=72M,low"));
	check(fake.run_count == 3);
	check_text(fake.runs[0], "mkdir|-p|/efi/loader/addons");
	check_text(fake.runs[1],
	           "ukify|build|--cmdline=crashkernel=256M,high crashkernel=72M,low|--output=" ADDON ".new");
	check_text(fake.runs[2], "mv|-T|" ADDON ".new|" ADDON);
	check_view(&fake, "crashkernel=256M,high crashkernel=72M,low", "crashkernel=256M,high crashkernel=72M,low");
	// What is there already costs nothing.
	check_ok(run(&fake, halves, BOOTLOADER_ALL, NULL, NULL));
	check(fake.run_count == 0);
	check_ok(run(&fake, one, BOOTLOADER_ALL, ADDON, "crashkernel=128M"));
	check_view(&fake, "crashkernel=128M", "crashkernel=128M");
	check_error(run(&fake, halves, BOOTLOADER_ALL, ADDON, "crashkernel=1M"), ERROR_OS,
	            "the add-on has not what was asked for");
}

static void an_addon_goes(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	put_image(&fake, ADDON, "crashkernel=128M");
	// The run removes nothing here, which is seen.
	check_error(run(&fake, none, BOOTLOADER_ALL, NULL, NULL), ERROR_OS, "the add-on has not what was asked for");
	check(fake.run_count == 1);
	check_text(fake.runs[0], "rm|" ADDON);
}

static void an_addon_for_one(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	check_ok(run(&fake, one, IMAGE, IMAGE ".extra.d/kdump.addon.efi", "crashkernel=128M"));
	check_text(fake.runs[2], "mv|-T|" IMAGE ".extra.d/kdump.addon.efi.new|" IMAGE ".extra.d/kdump.addon.efi");
	check_view(&fake, "crashkernel=128M", "");
	check_error(run(&fake, one, "/boot/vmlinuz-6.1", NULL, NULL), ERROR_UNSUPPORTED,
	            "no unified kernel image in EFI/Linux is /boot/vmlinuz-6.1");
	check_error(run(&fake, one, BOOTLOADER_DEFAULT, NULL, NULL), ERROR_UNSUPPORTED,
	            "--kernel=ALL is for all of them");
	// Ours, of one image, comes behind that of all.
	check_error(run(&fake, halves, BOOTLOADER_ALL, NULL, NULL), ERROR_OS, "the add-on has not what was asked for");
	check_text(fake.runs[3], "rm|" IMAGE ".extra.d/kdump.addon.efi");
}

// The last one counts, but a half does not take the place of a whole, and nothing is taken out.
static void what_an_image_has_inside(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	put_image(&fake, IMAGE, "quiet crashkernel=1G");
	put_image(&fake, SECOND, "crashkernel=128M");
	check_error(run(&fake, halves, BOOTLOADER_ALL, NULL, NULL), ERROR_UNSUPPORTED,
	            IMAGE " has crashkernel=1G inside");
	check_error(run(&fake, none, BOOTLOADER_ALL, NULL, NULL), ERROR_UNSUPPORTED,
	            IMAGE " has crashkernel=1G inside");
	check(fake.run_count == 0);
	check_ok(run(&fake, one, BOOTLOADER_ALL, ADDON, "crashkernel=128M"));
	check_view(&fake, "crashkernel=1G crashkernel=128M", "crashkernel=128M crashkernel=128M");
	check_ok(run(&fake, one, SECOND, NULL, NULL));
	check(fake.run_count == 0);
	put_image(&fake, IMAGE ".extra.d/mine.addon.efi", "crashkernel=2G");
	check_error(run(&fake, one, BOOTLOADER_ALL, NULL, NULL), ERROR_UNSUPPORTED,
	            "has crashkernel=2G, which comes last");
}

static void what_would_not_be_read(void)
{
	static const char old[] = "\6\0\0\0\037\0\0\0\0\0\0", new[] = "\6\0\0\0\377\0\0\0\0\0\0",
			  is_on[] = "\6\0\0\0\1";
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	check_ok(host_replace(&fake.host, STUB_FEATURES, old, sizeof(old), 0644));
	check_error(run(&fake, one, BOOTLOADER_ALL, NULL, NULL), ERROR_UNSUPPORTED, "reads no add-ons");
	check_ok(host_replace(&fake.host, STUB_FEATURES, new, sizeof(new), 0644));
	check_ok(host_replace(&fake.host, SECURE_BOOT, is_on, 5, 0644));
	check_error(run(&fake, one, BOOTLOADER_ALL, NULL, NULL), ERROR_UNSUPPORTED,
	            "--cmdline='crashkernel=128M' --output=" ADDON);
	check_ok(host_remove(&fake.host, SECURE_BOOT));
	check_ok(host_remove(&fake.host, "/usr/bin/ukify"));
	check_error(run(&fake, one, BOOTLOADER_ALL, NULL, NULL), ERROR_UNSUPPORTED, "ukify(1) is not installed");
	fake_file(&fake, "/usr/lib/systemd/ukify", "");
	check_ok(run(&fake, one, BOOTLOADER_ALL, ADDON, "crashkernel=128M"));
	check(strncmp(fake.runs[1], "/usr/lib/systemd/ukify|build|", 29) == 0);
}

// What a program left that failed is not there afterwards; GRUB's files beside it are not what starts this system.
static void started_by_the_firmware(void)
{
	_cleanup_fake_ struct fake fake;

	make_machine(&fake);
	check_ok(host_remove(&fake.host, "/efi/EFI/systemd/systemd-bootx64.efi"));
	fake_file(&fake, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
	fake_file(&fake, "/usr/sbin/update-grub", "");
	fake_file(&fake, STUB_INFO, "x");
	fake.statuses[1] = 1;
	fake.outputs[1] = "no room\n";
	check_error(run(&fake, one, BOOTLOADER_ALL, NULL, NULL), ERROR_OS, "ukify failed with status 1: no room");
	check(fake.run_count == 3);
	check_text(fake.runs[2], "rm|-f|" ADDON ".new");
}

static const struct test tests[] = {
	TEST(command_lines),          TEST(what_is_no_image),        TEST(an_addon_for_all),
	TEST(an_addon_goes),          TEST(an_addon_for_one),        TEST(what_an_image_has_inside),
	TEST(what_would_not_be_read), TEST(started_by_the_firmware),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
