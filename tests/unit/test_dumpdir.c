// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"
#include "capture/dumpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "capture/process.h"
#include "capture/retention.h"
#include "capture/seal.h"
#include "test.h"

static char directory[] = "/tmp/test-dumpdir.XXXXXX";

static int make_root(void)
{
	int fd;

	check(mkdtemp(directory) != NULL);
	fd = open(directory, O_RDONLY | O_DIRECTORY);
	check(fd >= 0);
	return fd;
}

static void remove_root(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	check(system(command) == 0);
}

static void names(void)
{
	char name[DUMPDIR_NAME_BYTES], host[300];
	time_t when = 1795228510; // 2026-11-21 02:35:10 UTC

	dumpdir_name("db1.example.com", when, "0123abcd", name);
	check_text(name, "db1.example.com-2026-11-21T02-35-10Z-0123abcd");
	dumpdir_name("", when, "0123abcd", name);
	check_text(name, "localhost-2026-11-21T02-35-10Z-0123abcd");
	dumpdir_name("../a b/\n", 0, "0123abcd", name);
	check_text(name, "_._a_b__-1970-01-01T00-00-00Z-0123abcd");
	memset(host, 'x', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	dumpdir_name(host, when, "0123abcd", name);
	check(strlen(name) < 255 - strlen(DUMPDIR_INCOMPLETE));
}

static void create(void)
{
	struct dumpdir dir = DUMPDIR_NONE;
	int root = make_root();
	struct stat info;

	check_ok(dumpdir_create(root, "/var//crash/", "dump", &dir));
	check(fstatat(root, "var/crash/dump" DUMPDIR_INCOMPLETE, &info, 0) == 0);
	check((info.st_mode & 07777) == 0700);
	check_ok(dumpdir_write(&dir, "README.txt", "text"));
	check(fstatat(dir.fd, "README.txt", &info, 0) == 0 && info.st_size == 4 && (info.st_mode & 07777) == 0600);
	check_error(dumpdir_write(&dir, "README.txt", "text"), ERROR_OS, "exists");
	dumpdir_deinit(&dir);
	check_error(dumpdir_create(root, "/var/crash", "dump", &dir), ERROR_OS, "exists");
	remove_root();
}

// What lies on the target was perhaps put there to lead a process with all rights astray.
static void planted(void)
{
	struct dumpdir dir = DUMPDIR_NONE;
	int root = make_root();

	check(symlinkat("/etc", root, "var") == 0);
	check_error(dumpdir_create(root, "/var/crash", "dump", &dir), ERROR_OS, "/var/crash on the target");
	check_error(dumpdir_create(root, "/a/../..", "dump", &dir), ERROR_BAD_DATA, "..");
	check(symlinkat("/tmp", root, "dump" DUMPDIR_INCOMPLETE) == 0);
	check_error(dumpdir_create(root, "/", "dump", &dir), ERROR_OS, "exists");
	check_ok(dumpdir_create(root, "/", "other", &dir));
	check(symlinkat("/etc/passwd", dir.fd, "vmcore") == 0);
	check_error(dumpdir_write(&dir, "vmcore", "text"), ERROR_OS, "vmcore");
	dumpdir_deinit(&dir);
	remove_root();
}

// The manifest is checked by someone else's program.
static void seal(void)
{
	struct dumpdir dir = DUMPDIR_NONE;
	int root = make_root();
	uint64_t size_bytes;
	char command[256];
	struct stat info;

	check_ok(dumpdir_create(root, "/", "dump", &dir));
	check_ok(dumpdir_write(&dir, "plan", "a plan\n"));
	check_ok(dumpdir_write(&dir, "empty", ""));
	check_ok(seal_manifest(&dir, NULL, 0, &size_bytes));
	check(size_bytes >= 512);
	check_ok(seal_rename(&dir));
	check(fstatat(root, "dump", &info, 0) == 0);
	check(fstatat(root, "dump" DUMPDIR_INCOMPLETE, &info, 0) < 0);
	snprintf(command, sizeof(command),
	         "cd %s/dump && sha256sum --quiet --strict -c " SEAL_MANIFEST " && test $(wc -l <" SEAL_MANIFEST
	         ") = 2",
	         directory);
	check(system(command) == 0);
	dumpdir_deinit(&dir);
	remove_root();
}

static void seal_never_replaces(void)
{
	struct dumpdir dir = DUMPDIR_NONE;
	int root = make_root();

	check_ok(dumpdir_create(root, "/", "dump", &dir));
	check(mkdirat(root, "dump", 0700) == 0);
	check_error(seal_rename(&dir), ERROR_OS, "exists");
	dumpdir_deinit(&dir);
	remove_root();
}

static void seal_deadline(void)
{
	struct dumpdir dir = DUMPDIR_NONE;
	int root = make_root();
	uint64_t size_bytes;

	check_ok(dumpdir_create(root, "/", "dump", &dir));
	check_ok(dumpdir_write(&dir, "plan", "a plan\n"));
	check_error(seal_manifest(&dir, NULL, clock_now_ms(), &size_bytes), ERROR_TIMEOUT, "manifest");
	dumpdir_deinit(&dir);
	remove_root();
}

static void make_dump(int root, const char *name)
{
	int fd;

	check(mkdirat(root, name, 0700) == 0);
	fd = openat(root, name, O_RDONLY | O_DIRECTORY);
	check(fd >= 0 && mknodat(fd, "vmcore", S_IFREG | 0600, 0) == 0);
	close(fd);
}

static bool is_there(int root, const char *name)
{
	struct stat info;

	return fstatat(root, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

static void keep(const struct dumpdir *dir, const struct plan *plan)
{
	struct log log;

	log_init(&log, -1);
	// 2026-01-04T00:00:00Z
	check_ok(retention_run(dir, plan, 1767484800, &log));
}

static void keep_old(const struct dumpdir *dir, int count)
{
	keep(dir, &(struct plan){.keep_old_dumps = count});
}

// Only dumps of the same host are counted; the oldest go first, whatever the order of their ids.
static void retention(void)
{
	static const char *const others[] = {
		"db-2026-01-01T00-00-00Z-00000000",
		"db1-2-2026-01-01T00-00-00Z-00000000",
		"db1-2026-01-01T00-00-00Z-0000000g",
		"db1-2026-01-01T00-00-00Z-00000000.old",
		"db1",
		"precious",
	};
	struct dumpdir dir = DUMPDIR_NONE;
	int root = make_root();

	for (size_t i = 0; i < array_size(others); i++)
		make_dump(root, others[i]);
	make_dump(root, "db1-2026-01-01T00-00-00Z-ffffffff");
	make_dump(root, "db1-2026-01-02T00-00-00Z-eeeeeeee" DUMPDIR_INCOMPLETE);
	make_dump(root, "db1-2026-01-03T00-00-00Z-00000000");
	check_ok(dumpdir_create(root, "/", "db1-2026-01-04T00-00-00Z-11111111", &dir));
	check_ok(seal_rename(&dir));
	keep_old(&dir, 0);
	keep_old(&dir, 3);
	check(is_there(root, "db1-2026-01-01T00-00-00Z-ffffffff"));
	keep_old(&dir, 2);
	check(!is_there(root, "db1-2026-01-01T00-00-00Z-ffffffff"));
	check(is_there(root, "db1-2026-01-02T00-00-00Z-eeeeeeee" DUMPDIR_INCOMPLETE));
	keep_old(&dir, -1);
	check(!is_there(root, "db1-2026-01-02T00-00-00Z-eeeeeeee" DUMPDIR_INCOMPLETE));
	check(!is_there(root, "db1-2026-01-03T00-00-00Z-00000000"));
	check(is_there(root, "db1-2026-01-04T00-00-00Z-11111111"));
	for (size_t i = 0; i < array_size(others); i++)
		check(is_there(root, others[i]));
	dumpdir_deinit(&dir);
	remove_root();
}

static void fill(int root, const char *name, size_t size_bytes)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	check(asprintf(&path, "%s/vmcore", name) > 0);
	fd = openat(root, path, O_WRONLY);
	check(fd >= 0 && fallocate(fd, 0, 0, (off_t)size_bytes) == 0);
	close(fd);
}

// Limits hold for all dumps together, the new one among them, which stays in any case.
static void retention_limits(void)
{
	static const char *const old[] = {
		("db1-2026-01-01T00-00-00Z-00000000" DUMPDIR_INCOMPLETE),
		"db1-2026-01-02T23-59-59Z-00000000",
		"db1-2026-01-03T00-00-00Z-00000000",
		"db1-2026-01-03T12-00-00Z-00000000",
	};
	struct dumpdir dir = DUMPDIR_NONE;
	int root = make_root();

	for (size_t i = 0; i < array_size(old); i++) {
		make_dump(root, old[i]);
		fill(root, old[i], 1 << 20);
	}
	check_ok(dumpdir_create(root, "/", "db1-2026-01-04T00-00-00Z-11111111", &dir));
	check_ok(seal_rename(&dir));
	check(mknodat(dir.fd, "vmcore", S_IFREG | 0600, 0) == 0);
	fill(root, dir.name, 1 << 20);
	keep(&dir, &(struct plan){.keep_max_bytes = 6 << 20, .keep_max_s = 30 * 86400, .keep_min_free_bytes = 1});
	check(is_there(root, old[0]) && is_there(root, old[1]) && is_there(root, old[2]) && is_there(root, old[3]));
	keep(&dir, &(struct plan){.keep_max_bytes = (4 << 20) + 65536});
	check(!is_there(root, old[0]) && is_there(root, old[1]));
	// A day, to the second.
	keep(&dir, &(struct plan){.keep_max_s = 86400});
	check(!is_there(root, old[1]) && is_there(root, old[2]) && is_there(root, old[3]));
	keep(&dir, &(struct plan){.keep_max_bytes = 1});
	check(!is_there(root, old[2]) && !is_there(root, old[3]) && is_there(root, dir.name));
	make_dump(root, old[3]);
	keep(&dir, &(struct plan){.keep_min_free_bytes = UINT64_MAX});
	check(!is_there(root, old[3]) && is_there(root, dir.name));
	dumpdir_deinit(&dir);
	remove_root();
}

// Something that is no file is not ours to remove; nor is what a link leads to.
static void parts_of_dumps_that_are_gone(void)
{
	static const char *const names[] = {"db1-2026-01-01T00-00-00Z-00000001.part2",
	                                    "db1-2026-01-01T00-00-00Z-00000002.part2",
	                                    "db1-2026-01-01T00-00-00Z-00000003.part12.incomplete",
	                                    "db2-2026-01-01T00-00-00Z-00000004.part2", "db1-x.part2"};
	static const bool stays[] = {true, false, false, true, true};
	char root[] = "/tmp/test_dumpdir.XXXXXX", path[300];
	struct dumpdir dir = DUMPDIR_NONE;
	struct log log;

	check(mkdtemp(root) != NULL);
	snprintf(path, sizeof(path), "%s/dumps", root);
	check(mkdir(path, 0700) == 0);
	dir.parent_fd = open(root, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < array_size(names); i++)
		check(mkdirat(dir.parent_fd, names[i], 0700) == 0);
	check(mkdirat(dir.parent_fd, "dumps/db1-2026-01-01T00-00-00Z-00000001.incomplete", 0700) == 0);
	log_init(&log, -1);
	dir.fd = openat(dir.parent_fd, "dumps", O_RDONLY | O_DIRECTORY);
	check_ok(retention_remove_parts(&dir, "db1-2026-01-02T00-00-00Z-00000009", (int[]){dir.parent_fd, dir.fd}, 2,
	                                &log));
	for (size_t i = 0; i < array_size(names); i++)
		check((faccessat(dir.parent_fd, names[i], F_OK, 0) == 0) == stays[i]);
	log_deinit(&log);
	dumpdir_deinit(&dir);
	snprintf(path, sizeof(path), "rm -r %s", root);
	check(system(path) == 0);
}

static void retention_careful(void)
{
	struct dumpdir dir = DUMPDIR_NONE;
	int root = make_root();

	make_dump(root, "precious");
	check(symlinkat("precious", root, "db1-2026-01-01T00-00-00Z-00000000") == 0);
	make_dump(root, "db1-2026-01-02T00-00-00Z-00000000");
	check(mkdirat(root, "db1-2026-01-02T00-00-00Z-00000000/deep", 0700) == 0);
	check_ok(dumpdir_create(root, "/", "db1-2026-01-04T00-00-00Z-11111111", &dir));
	keep_old(&dir, -1);
	check(is_there(root, "precious/vmcore"));
	check(is_there(root, "db1-2026-01-02T00-00-00Z-00000000" DUMPDIR_INCOMPLETE "/deep"));
	dumpdir_deinit(&dir);
	remove_root();
}

static const struct test tests[] = {
	TEST(names),
	TEST(create),
	TEST(planted),
	TEST(seal),
	TEST(seal_never_replaces),
	TEST(seal_deadline),
	TEST(retention),
	TEST(retention_limits),
	TEST(retention_careful),
	TEST(parts_of_dumps_that_are_gone),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
