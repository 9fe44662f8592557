// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/text.h"
#include "boot/words.h"

#include "base/host.h"
#include "test.h"

static void text_grows(void)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *ret = NULL;

	for (int i = 0; i < 1000; i++)
		text_add(&text, "%03d%s", i, "");
	check(text.size_bytes == 3000);
	check_ok(text_take(&text, &ret));
	check(strlen(ret) == 3000 && strncmp(ret + 2997, "999", 3) == 0);
	check(text.buf == NULL && text.size_bytes == 0);
}

static void empty_results_are_no_null(void)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_words_ struct words words = {0};
	_cleanup_free_ char *ret = NULL;
	_cleanup_(host_names_freep) char **list = NULL;

	check_ok(text_take(&text, &ret));
	check_text(ret, "");
	check_ok(words_take(&words, &list));
	check(list && !list[0]);
}

static void quotes_keep_blanks_together(void)
{
	static const char *const wanted[] = {"a", "dyndbg=\"file x +p; y\"", "b"};
	_cleanup_words_ struct words words = {0};

	words_split(&words, " a\tdyndbg=\"file x +p; y\" b\n");
	check(words.count == 3);
	for (size_t i = 0; i < words.count; i++)
		check_text(words.list[i], wanted[i]);
	check(words_has(&words, "b") && !words_has(&words, "x"));
	words_deinit(&words);
	words_split(&words, "");
	check(words.count == 0 && words.list == NULL);
}

static void nearest_name(void)
{
	static const char *const names[] = {"start", "status", "stop", "KDUMP_SAVEDIR", NULL};

	check_text(text_nearest("statsu", names), "status");
	check_text(text_nearest("STOP", names), "stop");
	check_text(text_nearest("KDUMP_SAVE_DIR", names), "KDUMP_SAVEDIR");
	check_text(text_nearest("frobnicate", names), NULL);
	check_text(text_nearest("", names), NULL);
	check_text(text_nearest("0123456789012345678901234567890123456789012345678901234567890123456789", names), NULL);
}

static const struct test tests[] = {
	TEST(text_grows),
	TEST(empty_results_are_no_null),
	TEST(quotes_keep_blanks_together),
	TEST(nearest_name),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
