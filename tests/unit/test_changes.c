// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/changes.h"

#include <errno.h>
#include <sys/syscall.h>

#include "fake.h"
#include "test.h"

// How many directories can still be synced; then one fails. Below 0: all can.
static int directories_left = -1;

// In the place of libc's.
int fsync(int fd)
{
	struct stat info;

	if (directories_left >= 0 && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) && directories_left-- == 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static void check_file(const struct fake *fake, const char *path, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	check_ok(changes_read(&fake->host, path, &text));
	check_text(text, wanted);
}

static void all_are_made_and_undone(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_changes_ struct changes changes = {0};

	fake_init(&fake);
	fake_file(&fake, "/a", "one\n");
	fake_file(&fake, "/b", "two\n");
	check_ok(changes_add(&changes, "/a", "one\n", "1\n"));
	check_ok(changes_add(&changes, "/b", "two\n", NULL));
	check_ok(changes_add(&changes, "/new/c", NULL, "three\n"));
	check_ok(changes_add(&changes, "/d", "same", "same"));
	check_ok(changes_add(&changes, "/d", NULL, NULL));
	check(changes.count == 3);
	check_file(&fake, "/a", "one\n");
	check_ok(changes_make(&fake.host, &changes));
	check_file(&fake, "/a", "1\n");
	check_file(&fake, "/b", NULL);
	check_file(&fake, "/new/c", "three\n");
	check_ok(changes_undo(&fake.host, &changes));
	check_file(&fake, "/a", "one\n");
	check_file(&fake, "/b", "two\n");
	check_file(&fake, "/new/c", NULL);
}

static void a_failure_undoes_the_others(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_changes_ struct changes changes = {0};

	fake_init(&fake);
	fake_file(&fake, "/a", "one\n");
	check_ok(host_mkdirs(&fake.host, "/dir"));
	check_ok(changes_add(&changes, "/a", "one\n", "1\n"));
	check_ok(changes_add(&changes, "/dir", "x", "y"));
	check_error(changes_make(&fake.host, &changes), ERROR_OS, "/dir: it is no file");
	check_file(&fake, "/a", "one\n");
}

// It is there already when the directory cannot be synced.
static void what_fails_late_is_undone_too(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_changes_ struct changes changes = {0};

	fake_init(&fake);
	fake_file(&fake, "/a", "one\n");
	fake_file(&fake, "/b", "two\n");
	check_ok(changes_add(&changes, "/a", "one\n", "1\n"));
	check_ok(changes_add(&changes, "/b", "two\n", "2\n"));
	directories_left = 1;
	check_error(changes_make(&fake.host, &changes), ERROR_OS, "fsync the directory of b");
	check_file(&fake, "/a", "one\n");
	check_file(&fake, "/b", "two\n");
}

static void mode_owner_and_links_stay(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_changes_ struct changes changes = {0};
	struct stat info, link_info;
	char path[256];

	fake_init(&fake);
	fake_file(&fake, "/real/a", "one\n");
	fake_link(&fake, "/link", "real/a");
	fake_link(&fake, "/deep/link", "/link");
	snprintf(path, sizeof(path), "%s/real/a", fake.root);
	check(chmod(path, 0640) == 0);
	if (getuid() == 0)
		check(chown(path, 1234, 4321) == 0);
	check_ok(changes_add(&changes, "/deep/link", "one\n", "1\n"));
	check_ok(changes_make(&fake.host, &changes));
	check(stat(path, &info) == 0);
	check((info.st_mode & 07777) == 0640);
	if (getuid() == 0)
		check(info.st_uid == 1234 && info.st_gid == 4321);
	check_file(&fake, "/real/a", "1\n");
	snprintf(path, sizeof(path), "%s/link", fake.root);
	check(lstat(path, &link_info) == 0 && S_ISLNK(link_info.st_mode));
}

static void no_text_and_no_way_out(void)
{
	_cleanup_fake_ struct fake fake;
	char *text = NULL;

	fake_init(&fake);
	check_ok(host_replace(&fake.host, "/nul", "a\0b", 3, 0644));
	check_error(changes_read(&fake.host, "/nul", &text), ERROR_BAD_DATA, "/nul: there is a NUL byte");
	fake_link(&fake, "/out", "../../../../../../etc/hostname");
	check_ok(host_mkdirs(&fake.host, "/etc"));
	check_error(host_rewrite(&fake.host, "/out", "x", 1), ERROR_OS, "");
	fake_link(&fake, "/round", "round");
	check_error(host_rewrite(&fake.host, "/round", "x", 1), ERROR_OS, "/round");
}

static void what_changes_is_told(void)
{
	_cleanup_changes_ struct changes changes = {0};
	_cleanup_words_ struct words told = {0};

	check_ok(changes_add(&changes, "/a", "1\n2\n3\n4\n", "1\nb\n3\nd\n"));
	check_ok(changes_add(&changes, "/b", "1\n2\n", "1\nx\n2\n"));
	check_ok(changes_add(&changes, "/c", NULL, "n\n"));
	changes_tell(&changes, &told);
	check(told.count == 9);
	check_text(told.list[0], "/a");
	check_text(told.list[1], "-2");
	check_text(told.list[2], "-4");
	check_text(told.list[3], "+b");
	check_text(told.list[4], "+d");
	check_text(told.list[5], "/b");
	check_text(told.list[6], "+x");
	check_text(told.list[7], "/c (new)");
	check_text(told.list[8], "+n");
}

static const struct test tests[] = {
	TEST(all_are_made_and_undone),   TEST(a_failure_undoes_the_others), TEST(what_fails_late_is_undone_too),
	TEST(mode_owner_and_links_stay), TEST(no_text_and_no_way_out),      TEST(what_changes_is_told),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
