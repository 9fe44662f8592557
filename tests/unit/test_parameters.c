// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/parameters.h"

#include "test.h"

static const char *const gone[] = {"crashkernel", "fadump", NULL};
static const char *const none[] = {NULL};

static void edit(const char *line, char quote, const char *const *add, const char *wanted)
{
	struct parameters_line before = {line, strlen(line), quote}, after;
	struct parameters_change change = {gone, add};
	_cleanup_free_ char *once = NULL, *twice = NULL;

	check_ok(parameters_edit(&before, &change, &once));
	check_text(once, wanted);
	after = (struct parameters_line){once, strlen(once), quote};
	check_ok(parameters_edit(&after, &change, &twice));
	check_text(twice, once);
}

static void parameters_go(void)
{
	edit("quiet crashkernel=1M splash", '\0', none, "quiet splash");
	edit("crashkernel=1M quiet", '\0', none, "quiet");
	edit("quiet crashkernel=1M", '\0', none, "quiet");
	edit("crashkernel=1M,low fadump=on crashkernel=2M,high", '\0', none, "");
	edit("crashkernel fadump", '\0', none, "");
	edit("xcrashkernel=1 crashkernels=2 crashkernel.a=3", '\0', none,
	     "xcrashkernel=1 crashkernels=2 crashkernel.a=3");
	edit("  a\t b   c  ", '\0', none, "  a\t b   c  ");
	edit("", '\0', none, "");
	edit("   ", '\0', none, "");
}

static void quotes_keep_words_together(void)
{
	edit("dyndbg=\"file a crashkernel=1 +p\" crashkernel=1M", '\0', none, "dyndbg=\"file a crashkernel=1 +p\"");
	edit("dyndbg=\\\"a crashkernel=1\\\" crashkernel=1M x", '"', none, "dyndbg=\\\"a crashkernel=1\\\" x");
	edit("a=\"b crashkernel=1\" crashkernel=1M", '\'', none, "a=\"b crashkernel=1\"");
	edit("a=\\\" crashkernel=1M", '\0', none, "a=\\\" crashkernel=1M");
}

static void parameters_come(void)
{
	static const char *const one[] = {"crashkernel=128M", NULL};
	static const char *const two[] = {"crashkernel=1M,low", "crashkernel=2M,high", NULL};
	struct parameters_line open = {"a=\"b", 4, '\0'};
	struct parameters_change change = {gone, one};
	char *ret = NULL;

	edit("quiet", '\0', one, "quiet crashkernel=128M");
	edit("quiet ", '\0', one, "quiet crashkernel=128M");
	edit("", '"', one, "crashkernel=128M");
	edit("crashkernel=1M quiet", '\0', two, "quiet crashkernel=1M,low crashkernel=2M,high");
	check_error(parameters_edit(&open, &change, &ret), ERROR_BAD_DATA, "a quote is not closed");
}

static void parameters_are_found(void)
{
	static const char line[] = "crashkernel=1M,low quiet \"x crashkernel=9\" fadump crashkernel=2M,high";
	struct parameters_line all = {line, strlen(line), '\0'};
	_cleanup_words_ struct words found = {0};

	parameters_find(&all, gone, &found);
	check_ok(words_check(&found));
	check(found.count == 3);
	check_text(found.list[0], "crashkernel=1M,low");
	check_text(found.list[1], "fadump");
	check_text(found.list[2], "crashkernel=2M,high");
}

static const struct test tests[] = {
	TEST(parameters_go),
	TEST(quotes_keep_words_together),
	TEST(parameters_come),
	TEST(parameters_are_found),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
