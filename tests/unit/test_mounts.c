// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/mounts.h"

#include "fake.h"
#include "test.h"

static const char mountinfo[] = "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
				"23 22 0:21 / /proc rw shared:12 master:3 - proc proc rw\n"
				"30 22 0:40 / /net rw - autofs systemd-1 rw,fd=29\n"
				"26 22 254:2 / /srv rw - xfs /dev/vda2 rw\n"
				"27 26 254:3 /x\\040y /srv/a\\040b\\134c rw - ext4 /dev/vda3 rw\n"
				"28 22 254:4 / /srv rw - ext4 /dev/vda4 rw\n"
				"29 22 0:33 /@ /data rw - btrfs /dev/vda5 rw,subvol=/@\n";

static void check_point(const char *path, const char *number, const char *point)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_mount_ struct mount mount = {0};

	fake_init(&fake);
	fake_file(&fake, "/proc/self/mountinfo", mountinfo);
	check_ok(mounts_find_path(&fake.host, path, &mount));
	check_text(mount.number, number);
	check_text(mount.point, point);
}

static void longest_mount_point_holds_a_path(void)
{
	check_point("/", "254:1", "/");
	check_point("/srvx", "254:1", "/");
	check_point("/var/crash", "254:1", "/");
	// Mounted over: the later one counts.
	check_point("/srv", "254:4", "/srv");
	check_point("/srv/x", "254:4", "/srv");
	check_point("/srv/a b\\c/d", "254:3", "/srv/a b\\c");
	check_point("/net/server", "254:1", "/");
}

static void fields(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_mount_ struct mount mount = {0};

	fake_init(&fake);
	fake_file(&fake, "/proc/self/mountinfo", mountinfo);
	check_ok(mounts_find_path(&fake.host, "/srv/a b\\c", &mount));
	check_text(mount.root, "/x y");
	check_text(mount.fstype, "ext4");
	check_text(mount.source, "/dev/vda3");
	check_text(mount.options, "rw");
}

static void mount_of_a_device(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_mount_ struct mount by_number = {0}, by_name = {0}, none = {0};

	fake_init(&fake);
	fake_file(&fake, "/proc/self/mountinfo", mountinfo);
	check_ok(mounts_find_device(&fake.host, "254:2", "vda2", NULL, &by_number));
	check_text(by_number.point, "/srv");
	check_ok(mounts_find_device(&fake.host, "254:5", "vda5", NULL, &by_name));
	check_text(by_name.fstype, "btrfs");
	check_ok(mounts_find_device(&fake.host, "254:9", "vda9", NULL, &none));
	check(none.point == NULL);
}

// Of the subvolumes of one file system that one counts which shows the directory.
static void mount_of_a_subvolume(void)
{
	static const char subvolumes[] = "22 1 0:30 /@/root / rw - btrfs /dev/vda5 rw,subvol=/@/root\n"
					 "23 22 0:30 /@/var /var rw - btrfs /dev/vda5 rw,subvol=/@/var\n";
	_cleanup_fake_ struct fake fake;
	_cleanup_mount_ struct mount any = {0}, var = {0}, none = {0};

	fake_init(&fake);
	fake_file(&fake, "/proc/self/mountinfo", subvolumes);
	check_ok(mounts_find_device(&fake.host, "254:5", "vda5", NULL, &any));
	check_text(any.point, "/");
	check_ok(mounts_find_device(&fake.host, "254:5", "vda5", "/@/var/crash", &var));
	check_text(var.point, "/var");
	check_ok(mounts_find_device(&fake.host, "254:5", "vda5", "/@/varied/crash", &none));
	check(none.point == NULL);
}

static void damaged_mountinfo(void)
{
	static const char *const texts[] = {"x\n", "22 1 254:1 / / rw\n", "22 1 254:1 / - ext4\n", "", " - \n"};

	for (size_t i = 0; i < array_size(texts); i++) {
		_cleanup_fake_ struct fake fake;
		_cleanup_mount_ struct mount mount = {0};

		fake_init(&fake);
		fake_file(&fake, "/proc/self/mountinfo", texts[i]);
		check_error(mounts_find_path(&fake.host, "/", &mount), ERROR_BAD_DATA, "mountinfo");
	}
}

static void links_are_followed(void)
{
	static const struct {
		const char *path, *wanted;
	} rows[] = {
		{"/a/b", "/a/b"},           {"/", "/"},           {"//x//y/", "/x/y"}, {"/abs/rest", "/target/rest"},
		{"/rel/rest", "/d/e/rest"}, {"/up/../x", "/d/x"}, {"/x/./../y", "/y"}, {"/../..", "/"},
		{"/chain", "/target"},
	};
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *none = NULL;

	fake_init(&fake);
	fake_link(&fake, "/abs", "/target");
	fake_link(&fake, "/rel", "d/e");
	fake_link(&fake, "/up", "/d/e");
	fake_link(&fake, "/chain", "abs");
	fake_link(&fake, "/loop", "loop");
	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_free_ char *path = NULL;

		check_ok(mounts_resolve(&fake.host, rows[i].path, &path));
		check_text(path, rows[i].wanted);
	}
	check_error(mounts_resolve(&fake.host, "/loop/x", &none), ERROR_OS, "/loop");
}

static void below(void)
{
	check_text(mounts_below("/a/b", "/a"), "/b");
	check_text(mounts_below("/a", "/a"), "");
	check_text(mounts_below("/a", "/"), "/a");
	check_text(mounts_below("/ab", "/a"), NULL);
	check_text(mounts_below("/", "/a"), NULL);
}

static const struct test tests[] = {
	TEST(longest_mount_point_holds_a_path),
	TEST(fields),
	TEST(mount_of_a_device),
	TEST(mount_of_a_subvolume),
	TEST(damaged_mountinfo),
	TEST(links_are_followed),
	TEST(below),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
