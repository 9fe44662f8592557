// SPDX-License-Identifier: GPL-2.0-or-later
// error, io, host, bitmap.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/bitmap.h"
#include "base/host.h"
#include "base/io.h"
#include "test.h"

static void errors_wrap_and_are_caught(void)
{
	struct error *err = error_wrap(error_wrap(error_os(ENOENT, "open %s", "x"), "page %d", 3), "dump");

	check_text(err->text, "dump: page 3: open x: No such file or directory");
	check(err->code == ERROR_OS && err->errnum == ENOENT);
	check(!error_catch(&err, ERROR_FAULT) && err);
	check(error_catch(&err, ERROR_OS) && !err);
	check(!error_catch(&err, ERROR_OS));
	check(!error_wrap(NULL, "nothing"));
}

static void errors_have_codes(void)
{
	static const struct {
		int errnum;
		enum error_code code;
		int exit_code;
	} rows[] = {{ENOSPC, ERROR_NOSPC, EXIT_NOSPC},
	            {EDQUOT, ERROR_NOSPC, EXIT_NOSPC},
	            {ENOMEM, ERROR_NOMEM, EXIT_FAILED},
	            {EIO, ERROR_OS, EXIT_FAILED}};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct error *err = error_os(rows[i].errnum, "x");

		check(err->code == rows[i].code && error_exit_code(err) == rows[i].exit_code);
		error_free(err);
	}
	check(error_exit_code(NULL) == EXIT_OK);
}

static void long_texts_are_cut(void)
{
	char text[3 * ERROR_TEXT_BYTES];
	struct error *err;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err = error_wrap(error_new(ERROR_CONFIG, "%s", text), "%s", text);
	check(strlen(err->text) == ERROR_TEXT_BYTES - 1);
	check_text(err->text + strlen(err->text) - 3, "…");
	error_free(err);
}

static void make_root(char path[static 32])
{
	strcpy(path, "/tmp/test_base.XXXXXX");
	check(mkdtemp(path));
}

static void remove_root(const char *path)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", path);
	check(system(command) == 0);
}

static void replace_is_all_or_nothing(void)
{
	_cleanup_host_ struct host host = {.root_fd = -1};
	_cleanup_free_ char *text = NULL;
	char **names;
	char root[32];
	struct stat st;

	make_root(root);
	check_ok(host_init(&host, root));
	check_ok(host_replace(&host, "/a/b/file", "one", 3, 0600));
	check_ok(host_replace(&host, "/a/b/file", "two", 3, 0640));
	check_ok(host_read(&host, "/a/b/file", 100, &text, NULL));
	check_text(text, "two");
	check_ok(host_stat(&host, "/a/b/file", &st));
	check((st.st_mode & 07777) == 0640);
	check_ok(host_list(&host, "/a/b", &names));
	check_text(names[0], "file");
	check(!names[1]);
	host_names_free(names);
	check_error(host_replace(&host, "/a/b/file/under", "x", 1, 0600), ERROR_OS, "/a/b/file");
	remove_root(root);
}

// A link or ".." in a fake root leads to a place in that root, never out of it.
static void nothing_leaves_the_root(void)
{
	_cleanup_host_ struct host host = {.root_fd = -1};
	_cleanup_free_ char *text = NULL;
	char root[32], link[64];

	make_root(root);
	check_ok(host_init(&host, root));
	check_ok(host_replace(&host, "/etc/hostname", "inside", 6, 0600));
	snprintf(link, sizeof(link), "%s/link", root);
	check(symlink("/etc/hostname", link) == 0);
	check_ok(host_read(&host, "/link", 100, &text, NULL));
	check_text(text, "inside");
	free(text);
	text = NULL;
	check_ok(host_read(&host, "/../../../etc/hostname", 100, &text, NULL));
	check_text(text, "inside");
	remove_root(root);
}

// While something is renamed, the kernel may not resolve ".." at once (EAGAIN); a look at /sys must not fail for it.
static void renames_elsewhere_do_no_harm(void)
{
	_cleanup_host_ struct host host = {.root_fd = -1};
	char root[32], link[64], one[64], two[64];
	struct stat st;
	pid_t pid;

	make_root(root);
	check_ok(host_init(&host, root));
	check_ok(host_replace(&host, "/a/b/file", "x", 1, 0600));
	check_ok(host_replace(&host, "/one", "x", 1, 0600));
	snprintf(link, sizeof(link), "%s/link", root);
	snprintf(one, sizeof(one), "%s/one", root);
	snprintf(two, sizeof(two), "%s/two", root);
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
	remove_root(root);
}

static void large_files_are_refused(void)
{
	_cleanup_host_ struct host host = {.root_fd = -1};
	_cleanup_free_ char *text = NULL;
	char root[32], many[5000];

	memset(many, 'x', sizeof(many));
	make_root(root);
	check_ok(host_init(&host, root));
	check_ok(host_replace(&host, "/f", many, sizeof(many), 0600));
	check_error(host_read(&host, "/f", sizeof(many) - 1, &text, NULL), ERROR_BAD_DATA,
	            "/f: larger than 4999 bytes");
	check_ok(host_read(&host, "/f", sizeof(many), &text, NULL));
	check(strlen(text) == sizeof(many));
	remove_root(root);
}

static struct error *run_shell(const char *script, uint64_t timeout_ms, size_t max, struct host_result *ret)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	struct host_command command = {.argv = argv, .timeout_ms = timeout_ms, .output_max_bytes = max};
	_cleanup_host_ struct host host = {.root_fd = -1};
	struct error *err;

	check_ok(host_init(&host, "/"));
	err = host_run(&host, &command, ret);
	return err;
}

static void programs_give_status_and_output(void)
{
	struct host_result result = {0};

	check_ok(run_shell("echo out; echo err >&2; exit 3", 60000, 100, &result));
	check(result.status == 3);
	check_text(result.output, "out\nerr\n");
	host_result_deinit(&result);
	check_ok(run_shell("kill -9 $$", 60000, 100, &result));
	check(result.status == 128 + 9);
	host_result_deinit(&result);
}

static void output_is_cut_and_never_blocks(void)
{
	struct host_result result = {0};

	check_ok(run_shell("head -c 1000000 /dev/zero | tr '\\0' x", 60000, 10, &result));
	check_text(result.output, "xxxxxxxxxx");
	host_result_deinit(&result);
}

// A program that ignores its end, and what it started, are killed at the deadline.
static void programs_end_at_their_deadline(void)
{
	struct host_result result = {0};

	check_error(run_shell("trap '' TERM INT; sleep 1000", 100, 100, &result), ERROR_TIMEOUT,
	            "sh: no end after 100 ms");
	check_error(run_shell("sleep 1000 & wait", 100, 0, &result), ERROR_TIMEOUT, "no end after 100 ms");
}

static void missing_programs_are_errors(void)
{
	const char *argv[] = {"/nonexistent/program", NULL};
	struct host_command command = {.argv = argv};
	_cleanup_host_ struct host host = {.root_fd = -1};
	struct host_result result;

	check_ok(host_init(&host, "/"));
	check_error(host_run(&host, &command, &result), ERROR_OS, "/nonexistent/program: No such file");
}

static void input_reaches_the_program(void)
{
	const char *argv[] = {"cat", NULL};
	struct host_command command = {.argv = argv, .input = "hello", .timeout_ms = 60000, .output_max_bytes = 100};
	_cleanup_host_ struct host host = {.root_fd = -1};
	struct host_result result;

	check_ok(host_init(&host, "/"));
	check_ok(host_run(&host, &command, &result));
	check_text(result.output, "hello");
	host_result_deinit(&result);
}

// Every range of a small bitmap against a bit-by-bit count.
static void bitmap_ranges(void)
{
	for (unsigned int start = 0; start <= 200; start += 3) {
		for (unsigned int end = start; end <= 200; end++) {
			uint64_t map[4] = {0};

			bitmap_fill(map, start, end, true);
			for (unsigned int bit = 0; bit < 200; bit++)
				check(bitmap_test(map, bit) == (bit >= start && bit < end));
			check(bitmap_count(map, 0, 200) == end - start);
			check(bitmap_find(map, 0, 200, true) == (start < end ? start : 200));
			check(bitmap_find(map, start, 200, false) == end);
			bitmap_fill(map, start, end, false);
			check(!map[0] && !map[1] && !map[2] && !map[3]);
		}
	}
}

static const struct test tests[] = {
	TEST(errors_wrap_and_are_caught),
	TEST(errors_have_codes),
	TEST(long_texts_are_cut),
	TEST(replace_is_all_or_nothing),
	TEST(nothing_leaves_the_root),
	TEST(renames_elsewhere_do_no_harm),
	TEST(large_files_are_refused),
	TEST(programs_give_status_and_output),
	TEST(output_is_cut_and_never_blocks),
	TEST(programs_end_at_their_deadline),
	TEST(missing_programs_are_errors),
	TEST(input_reaches_the_program),
	TEST(bitmap_ranges),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
