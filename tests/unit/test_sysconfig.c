// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/sysconfig.h"

#include "test.h"

static void one_line_changes(void)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{"", "A=\"x\"\n"},
		{"# c\nA=\"\"\nB=1\n", "# c\nA=\"x\"\nB=1\n"},
		{"A=1\nA=2", "A=1\nA=\"x\""},
		{"export A=1 # c\n", "A=\"x\"\n"},
		{"AB=1\n#A=2", "AB=1\n#A=2\nA=\"x\"\n"},
		{"A=\"not closed\nB=1\n", "A=\"x\"\nB=1\n"},
		{"\n\n", "\n\nA=\"x\"\n"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		_cleanup_free_ char *got = NULL, *again = NULL;

		check_ok(sysconfig_set(rows[i].before, "A", "x", &got));
		check_text(got, rows[i].after);
		check_ok(sysconfig_set(got, "A", "x", &again));
		check_text(again, got);
	}
}

static void what_a_shell_would_take_apart(void)
{
	_cleanup_free_ char *line = NULL;

	check_ok(sysconfig_line("A", "a \"b\" $c `d` \\ 'e' #f", &line));
	check_text(line, "A=\"a \\\"b\\\" \\$c \\`d\\` \\\\ 'e' #f\"");
	check_error(sysconfig_line("A", "a\nB=1", &line), ERROR_CONFIG, "A: a value is one line");
}

static const struct test tests[] = {TEST(one_line_changes), TEST(what_a_shell_would_take_apart)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
