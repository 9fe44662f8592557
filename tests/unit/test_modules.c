// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/modules.h"

#include "boot/text.h"
#include "fake.h"
#include "test.h"

#define DIR "/lib/modules/6.1"

static void make_lists(struct fake *fake)
{
	fake_init(fake);
	fake_file(fake, DIR "/modules.dep",
	          "kernel/a.ko: kernel/b.ko kernel/c.ko\n"
	          "kernel/b.ko: kernel/c.ko\n"
	          "kernel/c.ko:\n"
	          "kernel/with-dash.ko.zst: kernel/b.ko kernel/c.ko\n"
	          "kernel/soft.ko.xz:\n"
	          "kernel/hash-one.ko.xz:\n"
	          "kernel/hash_two.ko.xz:\n"
	          "kernel/after.ko: kernel/soft.ko.xz\n"
	          "kernel/circle1.ko:\n"
	          "kernel/circle2.ko:\n"
	          "kernel/pci_driver.ko.gz:\n"
	          "kernel/disk.ko:\n"
	          "kernel/fs/ext4.ko:\n"
	          "kernel/fs/vfat.ko:\n"
	          "kernel/nls/nls_cp437.ko:\n"
	          "kernel/nls/nls_iso8859-1.ko:\n"
	          "kernel/dm-crypt.ko: kernel/dm-mod.ko\n"
	          "kernel/dm-mod.ko:\n"
	          "kernel/xts.ko:\n"
	          "kernel/cbc.ko:\n"
	          "kernel/aesni-intel.ko:\n"
	          "kernel/sha256-x.ko:\n"
	          "no line\n");
	fake_file(fake, DIR "/modules.alias",
	          "# comment\n"
	          "alias hash hash_one\n"
	          "alias crypto-hash hash_two\n"
	          "alias hash hash_two\n"
	          "alias pci:v0000ABCDd*sv* pci_driver\n"
	          "alias self self\n"
	          "alias there back\n"
	          "alias back there\n"
	          "alias any* anybody\n"
	          "alias far hash\n"
	          "alias\nalias x\n");
	fake_file(fake, DIR "/modules.softdep",
	          "softdep soft pre: hash nothing post: after\n"
	          "softdep circle1 pre: circle2\n"
	          "softdep circle2 pre: circle1\n");
	fake_file(fake, DIR "/modules.builtin", "kernel/fs/built-in.ko\nkernel/fs/xfs/xfs.ko\n");
	fake_file(fake, "/proc/sys/kernel/osrelease", "6.1\n");
}

static void check_list(const struct words *words, const char *wanted)
{
	_cleanup_text_ struct text text = {0};

	for (size_t i = 0; i < words->count; i++)
		text_add(&text, "%s%s", i ? " " : "", words->list[i]);
	check_text(text.buf ? text.buf : "", wanted);
}

static void check_add(const char *name, bool is_known, const char *wanted)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words words = {0};
	bool got_known = false;

	make_lists(&fake);
	check_ok(modules_open(&fake.host, "6.1", &modules));
	check_ok(modules_add(&modules, name, &words, &got_known));
	check(got_known == is_known);
	check_list(&words, wanted);
}

static void dependencies_come_first(void)
{
	check_add("a", true, "kernel/c.ko kernel/b.ko kernel/a.ko");
	check_add("c", true, "kernel/c.ko");
}

static void dashes_and_compression(void)
{
	check_add("with_dash", true, "kernel/c.ko kernel/b.ko kernel/with-dash.ko");
	check_add("with-dash", true, "kernel/c.ko kernel/b.ko kernel/with-dash.ko");
}

static void soft_dependencies(void)
{
	check_add("soft", true, "kernel/hash-one.ko kernel/hash_two.ko kernel/soft.ko kernel/after.ko");
}

static void aliases(void)
{
	check_add("hash", true, "kernel/hash-one.ko kernel/hash_two.ko");
	check_add("crypto_hash", true, "kernel/hash_two.ko");
	check_add("pci:v0000ABCDd00000001sv00000000", true, "kernel/pci_driver.ko");
	check_add("self", false, "");
	check_add("nothing", false, "");
	// Aliases that lead to each other, or to names that match an alias again.
	check_add("there", false, "");
	check_add("anything", false, "");
	check_add("far", false, "");
}

static void built_in_modules_are_left_out(void)
{
	check_add("built_in", true, "");
}

static void circles_end(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words words = {0};
	bool is_known;

	make_lists(&fake);
	check_ok(modules_open(&fake.host, "6.1", &modules));
	check_error(modules_add(&modules, "circle1", &words, &is_known), ERROR_BAD_DATA, "circle");
}

static void file_systems(void)
{
	static const struct {
		const char *fstype;
		const char *wanted;
	} rows[] = {
		{"ext4", "kernel/fs/ext4.ko"},
		{"ext3", "kernel/fs/ext4.ko"},
		{"ext2", "kernel/fs/ext4.ko"},
		{"xfs", ""},
		{"vfat", "kernel/fs/vfat.ko kernel/nls/nls_cp437.ko kernel/nls/nls_iso8859-1.ko"},
	};
	_cleanup_fake_ struct fake fake;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words none = {0};

	make_lists(&fake);
	check_ok(modules_open(&fake.host, "6.1", &modules));
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_words_ struct words words = {0};

		check_ok(modules_add_filesystem(&modules, rows[i].fstype, &words));
		check_list(&words, rows[i].wanted);
	}
	check_error(modules_add_filesystem(&modules, "btrfs", &none), ERROR_CONFIG, "kernel 6.1 has no module for");
}

#define BUS "/sys/devices/pci0/0000:00:01.0"

static void drivers_from_the_bus_down(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words words = {0}, drivers = {0};

	make_lists(&fake);
	fake_link(&fake, BUS "/driver/module", "../../module/pci_driver");
	fake_link(&fake, BUS "/host0/driver/module", "../../module/disk");
	check_ok(modules_open(&fake.host, "6.1", &modules));
	check_ok(modules_add_device(&fake.host, &modules, BUS "/host0/block/sda/sda1", &words, &drivers));
	check_list(&words, "kernel/pci_driver.ko kernel/disk.ko");
	check_list(&drivers, "pci_driver disk");
}

static void driver_that_the_kernel_lacks(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words words = {0}, drivers = {0};

	make_lists(&fake);
	fake_link(&fake, BUS "/driver/module", "../../module/vendor_raid");
	check_ok(modules_open(&fake.host, "6.1", &modules));
	check_error(modules_add_device(&fake.host, &modules, BUS "/block/sda", &words, &drivers), ERROR_CONFIG,
	            "kernel 6.1 has no module vendor_raid, which " BUS " needs");
}

// Here the driver is built in; the capture kernel has it as a module.
static void another_kernel_is_asked_by_modalias(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words same = {0}, other = {0}, drivers = {0};

	make_lists(&fake);
	fake_file(&fake, BUS "/modalias", "pci:v0000ABCDd00000001sv00000000\n");
	check_ok(modules_open(&fake.host, "6.1", &modules));
	check_ok(modules_add_device(&fake.host, &modules, BUS "/block/sda", &same, &drivers));
	check_list(&same, "");
	fake_file(&fake, "/proc/sys/kernel/osrelease", "6.1-other\n");
	check_ok(modules_add_device(&fake.host, &modules, BUS "/block/sda", &other, &drivers));
	check_list(&other, "kernel/pci_driver.ko");
}

static void kernel_without_lists(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_modules_ struct modules modules = {0};

	make_lists(&fake);
	check_error(modules_open(&fake.host, "5.0", &modules), ERROR_CONFIG, "/lib/modules/5.0/modules.dep");
}

static void check_crypt(const char *cipher, const char *wanted)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words ordered = {0};

	make_lists(&fake);
	// Linux v6.1 crypto/proc.c.
	fake_file(&fake, "/proc/crypto",
	          "name         : __xts(aes)\ndriver       : cryptd\nmodule       : aesni_intel\n\n"
	          "name         : xts(ecb(aes-generic))\nmodule       : a\n\n"
	          "name         : sha256\nmodule       : sha256_x\n\n"
	          "name         : aes\nmodule       : kernel\n\n"
	          "name         : cbc(des)\nmodule       : b\n");
	check_ok(modules_open(&fake.host, "6.1", &modules));
	check_ok(modules_add_crypt(&fake.host, &modules, cipher, &ordered));
	check_list(&ordered, wanted);
}

static void what_a_cipher_needs(void)
{
	check_crypt("aes-xts-plain64", "kernel/aesni-intel.ko kernel/xts.ko kernel/dm-mod.ko kernel/dm-crypt.ko");
	check_crypt("aes-cbc-essiv:sha256", "kernel/sha256-x.ko kernel/cbc.ko kernel/dm-mod.ko kernel/dm-crypt.ko");
	check_crypt("capi:xts(aes)-plain64", "kernel/aesni-intel.ko kernel/xts.ko kernel/dm-mod.ko kernel/dm-crypt.ko");
	check_crypt("", "kernel/dm-mod.ko kernel/dm-crypt.ko");
}

static const struct test tests[] = {
	TEST(dependencies_come_first),
	TEST(dashes_and_compression),
	TEST(soft_dependencies),
	TEST(aliases),
	TEST(built_in_modules_are_left_out),
	TEST(circles_end),
	TEST(file_systems),
	TEST(what_a_cipher_needs),
	TEST(drivers_from_the_bus_down),
	TEST(driver_that_the_kernel_lacks),
	TEST(another_kernel_is_asked_by_modalias),
	TEST(kernel_without_lists),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
