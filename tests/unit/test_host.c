// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "test.h"

static void setup(struct host *host, char folder[static 32])
{
	strcpy(folder, "/tmp/test_host.XXXXXX");
	check(mkdtemp(folder));
	check_ok(host_init(host, folder));
}

static void teardown(struct host *host, const char *folder)
{
	char command[64];

	host_deinit(host);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	check(system(command) == 0);
}

static void files(void)
{
	struct host host;
	struct stat st;
	char folder[32], *text;
	char **names;
	size_t size;

	setup(&host, folder);
	check(!host_exists(&host, "/etc/a"));
	check_ok(host_replace(&host, "/etc/deep/a", "hello", 5, 0640));
	check(host_exists(&host, "/etc/deep/a") && host_exists(&host, "/etc"));
	check_ok(host_read(&host, "/etc/deep/a", 100, &text, &size));
	check(size == 5);
	check_text(text, "hello");
	free(text);
	check_error(host_read(&host, "/etc/deep/a", 4, &text, NULL), ERROR_BAD_DATA,
	            "/etc/deep/a: larger than 4 bytes");
	check_error(host_read(&host, "/etc/b", 4, &text, NULL), ERROR_OS, "/etc/b");
	check_ok(host_stat(&host, "/etc/deep/a", &st));
	check(st.st_size == 5 && (st.st_mode & 0777) == 0640);
	check_ok(host_mkdirs(&host, "/etc/deep/c/d"));
	check_ok(host_mkdirs(&host, "/etc/deep/c/d"));
	check_ok(host_replace(&host, "/etc/deep/B", "", 0, 0600));
	check_ok(host_list(&host, "/etc/deep", &names));
	check_text(names[0], "B");
	check_text(names[1], "a");
	check_text(names[2], "c");
	check(!names[3]);
	host_names_free(names);
	check_ok(host_list(&host, "/nothing", &names));
	check(!names[0]);
	host_names_free(names);
	check_error(host_replace(&host, "/etc/deep/a/under", "x", 1, 0600), ERROR_OS, "/etc/deep/a");
	teardown(&host, folder);
}

// Links and dots lead to places inside of the root only.
static void escapes(void)
{
	char folder[32], path[128], *text;
	struct host host;

	setup(&host, folder);
	check_ok(host_replace(&host, "/etc/passwd", "inside", 6, 0600));
	snprintf(path, sizeof(path), "%s/absolute", folder);
	check(symlink("/etc/passwd", path) == 0);
	snprintf(path, sizeof(path), "%s/relative", folder);
	check(symlink("../../../../../../etc/passwd", path) == 0);
	snprintf(path, sizeof(path), "%s/dir", folder);
	check(symlink("/../../etc", path) == 0);
	snprintf(path, sizeof(path), "%s/loop", folder);
	check(symlink("loop", path) == 0);
	static const char *const paths[] = {"/absolute", "/relative", "/dir/passwd", "/../../../etc/passwd",
	                                    "/etc/../../../etc/passwd"};

	for (size_t i = 0; i < array_size(paths); i++) {
		check_ok(host_read(&host, paths[i], 100, &text, NULL));
		check_text(text, "inside");
		free(text);
	}
	check_error(host_read(&host, "/loop", 100, &text, NULL), ERROR_OS, "/loop");
	check_ok(host_readlink(&host, "/absolute", &text));
	check_text(text, "/etc/passwd");
	free(text);
	check_error(host_readlink(&host, "/etc/passwd", &text), ERROR_OS, "");
	teardown(&host, folder);
}

// While something is renamed, the kernel may not resolve ".." at once (EAGAIN); a look at /sys must not fail for it.
static void renames_elsewhere(void)
{
	char folder[32], link[64], one[64], two[64];
	struct host host;
	struct stat st;
	pid_t pid;

	setup(&host, folder);
	check_ok(host_replace(&host, "/a/b/file", "x", 1, 0600));
	check_ok(host_replace(&host, "/one", "x", 1, 0600));
	snprintf(link, sizeof(link), "%s/link", folder);
	snprintf(one, sizeof(one), "%s/one", folder);
	snprintf(two, sizeof(two), "%s/two", folder);
	check(symlink("a/b/../../a/b/../b/file", link) == 0);
	pid = fork();
	check(pid >= 0);
	while (pid == 0) {
		rename(one, two);
		rename(two, one);
		if (getppid() == 1)
			_exit(0);
	}
	for (int i = 0; i < 50000; i++)
		check_ok(host_stat(&host, "/link", &st));
	kill(pid, SIGKILL);
	check(waitpid(pid, NULL, 0) == pid);
	teardown(&host, folder);
}

static struct error *run(const char *script, const char *input, uint64_t timeout_ms, size_t max,
                         struct host_result *ret)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	const struct host_command command = {
		.argv = argv, .input = input, .timeout_ms = timeout_ms, .output_max_bytes = max};
	struct host host;
	struct error *err;

	*ret = (struct host_result){0};
	check_ok(host_init(&host, "/"));
	err = host_run(&host, &command, ret);
	host_deinit(&host);
	return err;
}

static void programs(void)
{
	static const char *const nothing[] = {"/nonexistent/program", NULL};
	const struct host_command command = {.argv = nothing, .timeout_ms = 1000, .output_max_bytes = 10};
	struct host_result result;
	struct host host;

	check_ok(run("echo out; echo err >&2; exit 3", NULL, 0, 100, &result));
	check(result.status == 3);
	check_text(result.output, "out\nerr\n");
	host_result_deinit(&result);
	check_ok(run("cat", "some text", 0, 100, &result));
	check(result.status == 0);
	check_text(result.output, "some text");
	host_result_deinit(&result);
	check_ok(run("kill -9 $$", NULL, 0, 100, &result));
	check(result.status == 128 + SIGKILL);
	host_result_deinit(&result);
	check_ok(host_init(&host, "/"));
	check_error(host_run(&host, &command, &result), ERROR_OS, "/nonexistent/program");
	host_deinit(&host);
}

static void environment(void)
{
	struct host_result result;

	check(setenv("SECRET", "x", 1) == 0 && setenv("LD_PRELOAD", "", 1) == 0);
	check(open("/dev/null", O_RDONLY) >= 0);
	check_ok(run("echo ${SECRET-none} $LANG; ls /proc/self/fd | wc -l", NULL, 0, 100, &result));
	// 0, 1, 2, and the one ls reads with.
	check_text(result.output, "none C\n4\n");
	host_result_deinit(&result);
}

// What is beyond the limit is read and dropped: the program does not hang on a full pipe.
static void much_output(void)
{
	struct host_result result;

	check_ok(run("head -c 1000000 /dev/zero | tr '\\0' x; echo end >/dev/null; exit 5", NULL, 0, 10, &result));
	check(result.status == 5);
	check_text(result.output, "xxxxxxxxxx");
	host_result_deinit(&result);
}

static void deadline(void)
{
	struct host_result result = {0};
	char marker[] = "/tmp/test_host_marker.XXXXXX", script[256];
	int fd = mkstemp(marker);
	struct stat st;

	check(fd >= 0);
	// Also the children of the program are ended: none is left to write the file.
	snprintf(script, sizeof(script), "(trap '' TERM; sleep 60; echo late >%s) & sleep 60", marker);
	check_error(run(script, NULL, 300, 100, &result), ERROR_TIMEOUT, "sh: no end after 300 ms");
	host_result_deinit(&result);
	check(fstat(fd, &st) == 0 && st.st_size == 0);
	check(unlink(marker) == 0);
	close(fd);
}

// A child that outlives the program and holds its output is part of it: the deadline is for both.
static void daemons(void)
{
	struct host_result result = {0};

	check_error(run("sleep 1000 & echo done", NULL, 300, 100, &result), ERROR_TIMEOUT, "no end after 300 ms");
	host_result_deinit(&result);
}

// As systemd's RestrictSUIDSGID= does it, under which udev runs programs.
static void take_openat2_away(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = array_size(filter), .filter = filter};

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void without_openat2(void)
{
	struct host host, other;
	char folder[32];
	int fd = -1;

	setup(&other, folder);
	check_ok(host_init(&host, "/"));
	take_openat2_away();
	check_ok(host_open(&host, "/proc/self/status", O_RDONLY, 0, &fd));
	close(fd);
	check(host_exists(&host, "/proc"));
	// A root of a test is left by no link.
	check_error(host_open(&other, "/proc", O_RDONLY, 0, &fd), ERROR_OS, "not implemented");
	host_deinit(&host);
	teardown(&other, folder);
}

static const struct test tests[] = {
	TEST(files),       TEST(escapes),  TEST(renames_elsewhere), TEST(programs),        TEST(environment),
	TEST(much_output), TEST(deadline), TEST(daemons),           TEST(without_openat2),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
