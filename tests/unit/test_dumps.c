// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/dumps.h"

#include "base/host.h"
#include "capture/dumpdir.h"
#include "capture/seal.h"
#include "fake.h"
#include "test.h"

#define WHOLE "db1-2026-01-02T03-04-05Z-0a1b2c3d"
#define CUT "db1-2026-01-02T03-04-06Z-0a1b2c3d"

static int open_root(const struct fake *fake)
{
	int fd = open(fake->root, O_RDONLY | O_DIRECTORY);

	check(fd >= 0);
	return fd;
}

static void make_dump(int root, const char *name, bool is_sealed)
{
	struct dumpdir dir = DUMPDIR_NONE;
	uint64_t size_bytes;

	check_ok(dumpdir_create(root, "/", name, &dir));
	check_ok(dumpdir_write(&dir, "vmcore", "memory"));
	check_ok(dumpdir_write(
		&dir, "vmcore-dmesg.txt",
		"<6>a user said: Kernel panic - not syncing: of mine\n<0>Kernel panic - not syncing: bad\x1b[2J news\n"
		"<0>Call trace:\n"));
	if (is_sealed) {
		check_ok(seal_manifest(&dir, NULL, 0, &size_bytes));
		check_ok(seal_rename(&dir));
	}
	dumpdir_deinit(&dir);
}

static void look(int root, const char *name, enum dumps_state state, const char *problem)
{
	_cleanup_dumps_ struct dumps_about about = {0};

	check_ok(dumps_look(root, name, &about));
	check(about.state == state);
	check_text(about.panic, "bad?[2J news");
	check((!problem && !about.problem) || (about.problem && problem && strstr(about.problem, problem)));
}

static void states(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_close_ int root = -1;

	fake_init(&fake);
	root = open_root(&fake);
	make_dump(root, WHOLE, true);
	look(root, WHOLE, DUMPS_WHOLE, NULL);
	// A hook may leave more files there.
	fake_file(&fake, "/" WHOLE "/hooks.log", "more\n");
	look(root, WHOLE, DUMPS_WHOLE, NULL);
	// The last attempt counts.
	fake_file(&fake, "/" WHOLE "/capture.log",
	          "[ 3.2] pages: 9 in all, 7 saved, of them 1 zero; unreadable: 2\n"
	          "[ 4.2] pages: 9 in all, 5 saved, of them 1 zero; unreadable: 16\n");
	look(root, WHOLE, DUMPS_WHOLE, "16 pages could not be read and are missing");
	fake_file(&fake, "/" WHOLE "/capture.log", "pages: 9 in all, 7 saved, of them 1 zero; unreadable: 0\n");
	look(root, WHOLE, DUMPS_WHOLE, NULL);
	fake_file(&fake, "/" WHOLE "/vmcore", "memorY");
	look(root, WHOLE, DUMPS_DAMAGED, "vmcore is not what the manifest says");
	check(unlinkat(root, WHOLE "/vmcore", 0) == 0);
	look(root, WHOLE, DUMPS_DAMAGED, "vmcore: No such file");
	check(symlinkat("/etc/passwd", root, WHOLE "/vmcore") == 0);
	look(root, WHOLE, DUMPS_DAMAGED, "vmcore: ");
	fake_file(&fake, "/" WHOLE "/" SEAL_MANIFEST, "../../etc/passwd\n");
	look(root, WHOLE, DUMPS_DAMAGED, "its manifest is not one");
	fake_file(&fake, "/" WHOLE "/" SEAL_MANIFEST, "");
	look(root, WHOLE, DUMPS_DAMAGED, "its manifest is empty");
	check(unlinkat(root, WHOLE "/" SEAL_MANIFEST, 0) == 0);
	look(root, WHOLE, DUMPS_UNCHECKED, "no manifest");
}

// Of an encrypted dump as much is told as can be without a key.
static void encrypted(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_dumps_ struct dumps_about about = {0};
	_cleanup_close_ int root = -1;
	struct dumpdir dir = DUMPDIR_NONE;
	uint64_t size_bytes;

	fake_init(&fake);
	root = open_root(&fake);
	check_ok(dumpdir_create(root, "/", WHOLE, &dir));
	check_ok(dumpdir_write(&dir, "vmcore.flat.age", "age-encryption.org/v1\n"));
	check_ok(dumpdir_write(&dir, "vmcore-dmesg.txt.age", "age-encryption.org/v1\n"));
	check_ok(seal_manifest(&dir, NULL, 0, &size_bytes));
	check_ok(seal_rename(&dir));
	dumpdir_deinit(&dir);
	check_ok(dumps_look(root, WHOLE, &about));
	check(about.state == DUMPS_WHOLE && about.is_encrypted && !about.panic && !about.problem);
	dumps_deinit(&about);
	// Who has decrypted it there can read more.
	fake_file(&fake, "/" WHOLE "/vmcore-dmesg.txt", "Kernel panic - not syncing: news\n");
	check_ok(dumps_look(root, WHOLE, &about));
	check(!about.is_encrypted);
	check_text(about.panic, "news");
}

static void incomplete(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_close_ int root = -1;

	fake_init(&fake);
	root = open_root(&fake);
	make_dump(root, CUT, false);
	look(root, CUT DUMPDIR_INCOMPLETE, DUMPS_INCOMPLETE, "the capture was cut off");
	fake_file(&fake, "/" CUT DUMPDIR_INCOMPLETE "/README.txt", "x\nNOT COMPLETE: the disk\x1b is full\n\n");
	look(root, CUT DUMPDIR_INCOMPLETE, DUMPS_INCOMPLETE, "the disk? is full");
	make_dump(root, WHOLE, true);
	check(renameat(root, WHOLE, root, WHOLE DUMPDIR_INCOMPLETE) == 0);
	look(root, WHOLE DUMPDIR_INCOMPLETE, DUMPS_INCOMPLETE, "all its files are whole");
}

// An oops that is a panic is captured before the kernel says so.
static void an_oops(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *panic = NULL;

	fake_init(&fake);
	fake_file(
		&fake, "/log",
		"[ 1.0] Oops: harmless\n[ 2.0] BUG: kernel NULL pointer dereference, address: 8\n[ 2.1] Oops: 0002\n");
	check_ok(host_open(&fake.host, "/log", O_RDONLY, 0, &fd));
	panic = dumps_find_panic(fd);
	check_text(panic, "BUG: kernel NULL pointer dereference, address: 8");
}

static void names(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_close_ int root = -1;
	_cleanup_(host_names_freep) char **list = NULL;

	fake_init(&fake);
	root = open_root(&fake);
	make_dump(root, WHOLE, true);
	make_dump(root, CUT, false);
	fake_file(&fake, "/lost+found/x", "");
	fake_file(&fake, "/db\x1b[2J-2026-01-02T03-04-05Z-0a1b2c3d/x", "");
	fake_file(&fake, "/-2026-01-02T03-04-05Z-0a1b2c3d/x", "");
	check_ok(dumps_list(root, &list));
	check_text(list[0], WHOLE);
	check_text(list[1], CUT DUMPDIR_INCOMPLETE);
	check(!list[2]);
}

static void names_of_parts(void)
{
	static const struct {
		const char *name;
		size_t size;
		unsigned int number;
	} rows[] = {
		{WHOLE ".part2", sizeof(WHOLE) - 1, 2},
		{WHOLE ".part16.incomplete", sizeof(WHOLE) - 1, 16},
		{"a.part2-" WHOLE ".part3", sizeof("a.part2-" WHOLE) - 1, 3},
		{WHOLE, 0, 0},
		{WHOLE ".part", 0, 0},
		{WHOLE ".part1", 0, 0},
		{WHOLE ".part02", 0, 0},
		{WHOLE ".part17", 0, 0},
		{WHOLE ".part99999999999999999999", 0, 0},
		{WHOLE ".part2x", 0, 0},
		{WHOLE ".incomplete.part2", 0, 0},
		{"x.part2", 0, 0},
		{".part2", 0, 0},
		{"", 0, 0},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		unsigned int number = 0;

		check(dumps_part_size(rows[i].name, &number) == rows[i].size);
		check(number == rows[i].number);
	}
}

static const struct test tests[] = {
	TEST(names_of_parts), TEST(states), TEST(encrypted), TEST(incomplete), TEST(names), TEST(an_oops),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
