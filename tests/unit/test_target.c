// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/target.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "capture/blockdev.h"
#include "capture/log.h"
#include "capture/raw.h"
#include "test.h"

static void options(void)
{
	static const struct {
		const char *options;
		unsigned long flags;
		const char *data;
	} cases[] = {
		{"", 0, ""},
		{"defaults", 0, ""},
		{"rw,noatime,subvol=@/x,x-systemd.automount,nofail", MS_NOATIME, "subvol=@/x"},
		{"ro,errors=remount-ro,,data=ordered", 0, "errors=remount-ro,data=ordered"},
		{"sync,nodev", MS_SYNCHRONOUS | MS_NODEV, ""},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct target_options got;

		check_ok(target_options_parse(cases[i].options, &got));
		check(got.flags == cases[i].flags);
		check_text(got.data, cases[i].data);
		free(got.data);
	}
}

static void identifiers(void)
{
	const struct blockdev dev = {.name = "vda1", .uuid = "ABCD-1234", .label = "Dumps", .partuuid = "0001-01"};
	const struct blockdev blank = {.name = "vdb"};

	check(blockdev_matches(&dev, "UUID=abcd-1234"));
	check(!blockdev_matches(&dev, "UUID=abcd-12345"));
	check(blockdev_matches(&dev, "PARTUUID=0001-01"));
	check(blockdev_matches(&dev, "LABEL=Dumps"));
	check(!blockdev_matches(&dev, "LABEL=dumps"));
	check(!blockdev_matches(&dev, "/dev/vda1"));
	check(!blockdev_matches(&blank, "UUID="));
	check(!blockdev_matches(&blank, "LABEL="));
}

static char directory[] = "/tmp/test-target.XXXXXX";

static void remove_directory(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	check(chdir("/") == 0 && system(command) == 0);
}

static void run(const char *command)
{
	check(system(command) == 0);
}

// Devices are read as they are: file systems made by their own programs, in files that stand for devices.
static void probing(void)
{
	_cleanup_blockdev_scan_ struct blockdev_scan scan = {0}, nowhere = {0};
	struct blockdev *devs;
	size_t count;

	if (system("command -v mkfs.ext4 >/dev/null") != 0)
		_exit(TEST_SKIPPED);
	check(mkdtemp(directory) && chdir(directory) == 0);
	run("mkdir -p sys/vda sys/vdb sys/sda sys/loop0 sys/ram0 dev && echo 1 >sys/sda/removable");
	run("truncate -s 8M dev/vda dev/sda && : >dev/vdb");
	run("mkfs.ext4 -q -U 11111111-2222-3333-4444-555555555555 -L one dev/vda");
	run("mkfs.ext4 -q -U 11111111-2222-3333-4444-555555555555 -L two dev/sda");
	check_ok(blockdev_scan_open(&scan, "sys", "dev"));
	check_ok(blockdev_scan(&scan, &devs, &count));
	check(count == 3);
	check_text(devs[0].name, "sda");
	check_text(devs[0].label, "two");
	check(devs[0].is_removable && !devs[1].is_removable);
	check_text(devs[1].uuid, "11111111-2222-3333-4444-555555555555");
	check_text(devs[1].fstype, "ext4");
	check_text(devs[2].name, "vdb");
	check_text(devs[2].uuid, "");
	check(!devs[0].is_silent && !devs[1].is_silent && !devs[2].is_silent);
	free(devs);
	// What has changed since, is seen: another content, a disk that went, one that came.
	run("mkfs.ext4 -q -F -L three dev/sda && rm -r sys/vdb && mkdir sys/vdc && cp dev/vda dev/vdc");
	check_ok(blockdev_scan(&scan, &devs, &count));
	check(count == 3);
	check_text(devs[0].label, "three");
	check_text(devs[2].name, "vdc");
	check_text(devs[2].label, "one");
	free(devs);
	remove_directory();
	check_ok(blockdev_scan_open(&nowhere, "/nonexistent", "/dev"));
	check_error(blockdev_scan(&nowhere, &devs, &count), ERROR_OS, "nonexistent");
}

// A byte-by-byte copy: same content, zeros become holes, sizes that are no multiple of anything.
static void raw(void)
{
	_cleanup_(sink_destroyp) struct sink *sink = NULL, *full = NULL;
	struct raw_progress progress;
	struct stat info;
	int in, out;

	check(mkdtemp(directory) && chdir(directory) == 0);
	run("{ head -c 5000 /dev/urandom; head -c 3000000 /dev/zero; head -c 777 /dev/urandom; } >in");
	in = open("in", O_RDONLY);
	out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(in >= 0 && out >= 0);
	check_ok(sink_file_create(out, &sink));
	check_ok(raw_copy(in, sink, NULL, NULL, &progress));
	check(progress.done_bytes == 3005777 && progress.total_bytes == 3005777 && progress.unreadable_bytes == 0);
	check(progress.written_bytes < 16384);
	check(fstat(out, &info) == 0 && info.st_size == 3005777);
	run("cmp in out");
	check_ok(sink_file_create(open("/dev/full", O_WRONLY), &full));
	check_error(raw_copy(in, full, NULL, NULL, &progress), ERROR_NOSPC, "No space");
	remove_directory();
}

static const struct test tests[] = {
	TEST(options),
	TEST(identifiers),
	TEST(probing),
	TEST(raw),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
