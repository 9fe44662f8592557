// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A frame for unit tests: a table of functions, each run in a process of its own.
 *
 * Does not count anything and knows no fixtures. A test program ends with
 *
 *     static const struct test tests[] = {TEST(one), TEST(two)};
 *     int main(int argc, char **argv) { return test_main(tests, array_size(tests), argc, argv); }
 *
 * and takes names of tests to run only these. Exit status: 0 all passed, 1 one failed, 77 all were skipped.
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Exit status of a test that cannot run here. */
enum { TEST_SKIPPED = 77 };

/** One test. */
struct test {
	const char *name;
	void (*run)(void);
};

/** Row of the table for a function. */
#define TEST(function)                                                                                                 \
	{                                                                                                              \
#function, function                                                                                    \
	}

/** End the test unless a condition holds. */
#define check(condition) test_check(condition, #condition, __FILE__, __LINE__)
/** End the test unless two texts are the same; NULL is a value too. */
#define check_text(got, wanted) test_check_text(got, wanted, #got, __FILE__, __LINE__)
/** End the test on an error, which is printed. */
#define check_ok(err) test_check_ok(err, #err, __FILE__, __LINE__)
/** End the test unless an error has a code and its text contains some words; frees it. */
#define check_error(err, code, words) test_check_error(err, code, words, #err, __FILE__, __LINE__)

static inline _Noreturn void test_fail(const char *file, int line)
{
	fprintf(stderr, "%s:%d: failed\n", file, line);
	fflush(stdout);
	_exit(1);
}

static inline void test_check(bool condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
	test_fail(file, line);
}

static inline void test_check_text(const char *got, const char *wanted, const char *text, const char *file, int line)
{
	if (got == wanted || (got && wanted && strcmp(got, wanted) == 0))
		return;
	fprintf(stderr, "%s:%d: %s is\n\t%s\nand must be\n\t%s\n", file, line, text, got ? got : "(null)",
	        wanted ? wanted : "(null)");
	test_fail(file, line);
}

static inline void test_check_ok(struct error *err, const char *text, const char *file, int line)
{
	if (!err)
		return;
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, text, err->text);
	test_fail(file, line);
}

static inline void test_check_error(struct error *err, enum error_code code, const char *words, const char *text,
                                    const char *file, int line)
{
	if (err && err->code == code && strstr(err->text, words)) {
		error_free(err);
		return;
	}
	fprintf(stderr, "%s:%d: %s: got %s (code %d), must have code %d and \"%s\"\n", file, line, text,
	        err ? err->text : "no error", err ? (int)err->code : -1, (int)code, words);
	test_fail(file, line);
}

/** Leave a test that cannot run here. @param[in] why For a person. */
static inline _Noreturn void test_skip(const char *why)
{
	fprintf(stderr, "skipped: %s\n", why);
	fflush(stdout);
	_exit(TEST_SKIPPED);
}

static inline int test_run_one(const struct test *test)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		test->run();
		fflush(NULL);
		// exit and not _exit: sanitizers look for leaks at the end.
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	if (WIFSIGNALED(status))
		fprintf(stderr, "ended by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/**
 * Run the tests that are named, or all.
 *
 * @param[in] tests The table.
 * @param[in] count Its rows.
 * @param[in] argc, argv Of main(): names, or none.
 * @return Exit status for main().
 */
static inline int test_main(const struct test *tests, size_t count, int argc, char **argv)
{
	size_t failed = 0, skipped = 0, run = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_named = argc < 2;
		int status;

		for (int j = 1; j < argc; j++)
			is_named |= strcmp(argv[j], tests[i].name) == 0;
		if (!is_named)
			continue;
		run++;
		status = test_run_one(&tests[i]);
		failed += status != 0 && status != TEST_SKIPPED;
		skipped += status == TEST_SKIPPED;
		printf("%s %s\n", status == 0 ? "ok" : status == TEST_SKIPPED ? "skip" : "FAIL", tests[i].name);
	}
	if (failed || !run)
		return 1;
	return skipped == run ? TEST_SKIPPED : 0;
}

#endif
