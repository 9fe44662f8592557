// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/io.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "test.h"

static int temporary(void)
{
	int fd = memfd_create("io", MFD_CLOEXEC);

	check(fd >= 0);
	return fd;
}

static void whole(void)
{
	char buf[16] = {0};
	size_t got;
	int fd = temporary();

	check_ok(io_write(fd, "0123456789", 10));
	check_ok(io_pwrite(fd, "ab", 2, 3));
	check_ok(io_pread(fd, buf, sizeof(buf), 1, &got));
	check(got == 9 && memcmp(buf, "12ab56789", 9) == 0);
	check_ok(io_pread(fd, buf, 4, 100, &got));
	check(got == 0);
	check(lseek(fd, 0, SEEK_SET) == 0);
	check_ok(io_read(fd, buf, 4, &got));
	check(got == 4 && memcmp(buf, "012a", 4) == 0);
	close(fd);
	check_error(io_read(-1, buf, 1, &got), ERROR_OS, "");
	check_error(io_write(-1, buf, 1), ERROR_OS, "");
}

// A pipe gives and takes less than is asked for.
static void pieces(void)
{
	static char in[300000], out[300000];
	int fds[2];
	size_t got;
	pid_t pid;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 7);
	check(pipe(fds) == 0);
	pid = fork();
	check(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		error_free(io_write(fds[1], in, sizeof(in)));
		_exit(0);
	}
	close(fds[1]);
	check_ok(io_read(fds[0], out, sizeof(out), &got));
	check(got == sizeof(in) && memcmp(in, out, sizeof(in)) == 0);
	check_ok(io_read(fds[0], out, 1, &got));
	check(got == 0);
	close(fds[0]);
}

static void all_of_a_file(void)
{
	int fd = temporary();
	char *text;
	size_t size;

	check_ok(io_read_all(fd, 10, &text, &size));
	check(size == 0 && !*text);
	free(text);
	check_ok(io_write(fd, "abc", 3));
	check(lseek(fd, 0, SEEK_SET) == 0);
	check_ok(io_read_all(fd, 3, &text, NULL));
	check_text(text, "abc");
	free(text);
	check(lseek(fd, 0, SEEK_SET) == 0);
	check_error(io_read_all(fd, 2, &text, &size), ERROR_BAD_DATA, "");
	close(fd);
}

static void full_disk(void)
{
	struct rlimit limit = {4096, 4096};
	char buf[8192] = {0};
	int fd = open("/dev/full", O_WRONLY);

	check(fd >= 0);
	check_error(io_write(fd, buf, 10), ERROR_NOSPC, "");
	close(fd);
	fd = temporary();
	signal(SIGXFSZ, SIG_IGN);
	check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	check_error(io_pwrite(fd, buf, sizeof(buf), 0), ERROR_NOSPC, "");
	close(fd);
}

static void replacing(void)
{
	char folder[] = "/tmp/test_io.XXXXXX", path[256], buf[16] = {0};
	struct stat st;
	int dir, fd;
	size_t got;

	check(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	check(dir >= 0);
	check_ok(io_replace_at(dir, "a", "one", 3, 0600));
	check_ok(io_replace_at(dir, "a", "three", 5, 0640));
	check(fstatat(dir, "a", &st, 0) == 0 && st.st_size == 5 && (st.st_mode & 0777) == 0640);
	// A link is replaced; what it points to stays.
	check(symlinkat("a", dir, "link") == 0);
	check_ok(io_replace_at(dir, "link", "x", 1, 0600));
	check(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode));
	fd = openat(dir, "a", O_RDONLY);
	check_ok(io_read(fd, buf, sizeof(buf), &got));
	check(got == 5 && memcmp(buf, "three", 5) == 0);
	close(fd);
	check(mkdirat(dir, "dir", 0700) == 0);
	error_free(io_replace_at(dir, "dir", "x", 1, 0600));
	check(fstatat(dir, "dir", &st, 0) == 0 && S_ISDIR(st.st_mode));
	// Nothing temporary is left: these names are all.
	snprintf(path, sizeof(path), "rmdir %s/dir; rm %s/a %s/link && rmdir %s", folder, folder, folder, folder);
	close(dir);
	check(system(path) == 0);
}

// user.x is text, system.posix_acl_access is made as acl(5) and linux/posix_acl_xattr.h say: version 2, then tag, bits and number.
static void attributes_stay(void)
{
	static const uint8_t acl[] = {2, 0,  0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
	                              0, 99, 0,   0,   0,   4,   0,  0, 0,   255, 255, 255, 255, 16, 0,
	                              4, 0,  255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
	char folder[] = "/var/tmp/test_io.XXXXXX", buf[64];
	bool has_acl, has_user;
	struct stat st;
	int dir, fd;

	check(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	check_ok(io_replace_at(dir, "a", "one", 3, 0600));
	fd = openat(dir, "a", O_RDWR);
	has_user = fsetxattr(fd, "user.x", "text", 4, 0) == 0;
	has_acl = fsetxattr(fd, "system.posix_acl_access", acl, sizeof(acl), 0) == 0;
	check(fstat(fd, &st) == 0);
	close(fd);
	check_ok(io_replace_like_at(dir, "a", "two", 3, &st));
	fd = openat(dir, "a", O_RDONLY);
	check(read(fd, buf, sizeof(buf)) == 3 && memcmp(buf, "two", 3) == 0);
	if (has_user)
		check(fgetxattr(fd, "user.x", buf, sizeof(buf)) == 4 && memcmp(buf, "text", 4) == 0);
	else
		puts("skipped: no user.* attributes in /var/tmp");
	if (has_acl)
		check(fgetxattr(fd, "system.posix_acl_access", buf, sizeof(buf)) == sizeof(acl) &&
		      memcmp(buf, acl, sizeof(acl)) == 0);
	else
		puts("skipped: no access control lists in /var/tmp");
	close(fd);
	check(unlinkat(dir, "a", 0) == 0);
	close(dir);
	check(rmdir(folder) == 0);
}

static const struct test tests[] = {TEST(whole),     TEST(pieces),    TEST(all_of_a_file),
                                    TEST(full_disk), TEST(replacing), TEST(attributes_stay)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
