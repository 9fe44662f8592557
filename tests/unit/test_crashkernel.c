// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/crashkernel.h"

#include "test.h"

static bool same(const char *a, const char *b)
{
	_cleanup_words_ struct words words_a = {0}, words_b = {0};

	words_split(&words_a, a);
	words_split(&words_b, b);
	check_ok(words_check(&words_a));
	check_ok(words_check(&words_b));
	check(crashkernel_same(&words_a, &words_b) == crashkernel_same(&words_b, &words_a));
	return crashkernel_same(&words_a, &words_b);
}

static void values_that_a_kernel_understands(void)
{
	static const char *const good[] = {
		"128M",       "128m",
		"0x8000000",  "134217728",
		"1G",         "128M@16M",
		"256M,high",  "72M,low",
		"64M,cma",    "1G-4G:192M,4G-64G:256M,64G-:512M",
		"384M-:128M", "384M-2G:64M,2G-:128M@16M",
		"0",
	};
	static const char *const bad[] = {
		"",
		"M",
		"128MB",
		"128M,",
		"128M,mid",
		"128M ",
		"-1",
		"1G-",
		"1G-2G",
		"1G-2G:",
		"2G-1G:128M",
		"1G-4G:192M,",
		"1G-4G:192M,256M",
		"128M@",
		"128M@x",
		"128M,high@1",
		"auto",
		"128M;x",
		"$(x)",
		"99999999999999999999",
		"1G-4G:192M@1Mx",
		"99999999E",
	};

	for (size_t i = 0; i < array_size(good); i++)
		check(crashkernel_is_valid(good[i]));
	for (size_t i = 0; i < array_size(bad); i++)
		check(!crashkernel_is_valid(bad[i]));
}

static void neither_order_nor_unit_counts(void)
{
	check(same("crashkernel=128M", "crashkernel=131072K"));
	check(same("crashkernel=128M", "quiet crashkernel=134217728 ro"));
	check(same("crashkernel=72M,low crashkernel=1G,high", "crashkernel=1024M,high crashkernel=72M,low"));
	check(same("crashkernel=1G-4G:192M,4G-:256M", "crashkernel=1024M-4096M:192M,4G-:262144K"));
	check(same("crashkernel=1M crashkernel=2M", "crashkernel=2M"));
	check(same("quiet", ""));
	check(same("crashkernel=nonsense", "crashkernel=nonsense"));
}

static void what_differs(void)
{
	check(!same("crashkernel=128M", "crashkernel=129M"));
	check(!same("crashkernel=128M", ""));
	check(!same("crashkernel=128M", "crashkernel=128M,high"));
	check(!same("crashkernel=128M", "crashkernel=128M@16M"));
	check(!same("crashkernel=72M,low crashkernel=256M,high", "crashkernel=256M,high"));
	check(!same("crashkernel=1G-4G:192M", "crashkernel=1G-:192M"));
	check(!same("crashkernel=nonsense", "crashkernel=other"));
	check(!same("crashkernel=nonsense", ""));
	check(!same("xcrashkernel=128M", "crashkernel=128M"));
}

static void wanted(const char *setting, bool is_auto, const char *first, const char *second)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_words_ struct words words = {0};
	bool got_auto = !is_auto;

	check_ok(config_parse(setting, "f", &config));
	check_ok(config_check(&config));
	check_ok(crashkernel_wanted(&config, 160, &got_auto, &words));
	check(got_auto == is_auto);
	check_text(words.list[0], first);
	check(words.count == (second ? 2 : 1));
	check_text(words.list[1], second);
}

static void what_the_configuration_wants(void)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_words_ struct words words = {0};
	bool is_auto;

	wanted("", true, "crashkernel=160M", NULL);
	wanted("KDUMP_CRASHKERNEL=\"auto\"", true, "crashkernel=160M", NULL);
	wanted("KDUMP_CRASHKERNEL=\"\"", true, "crashkernel=160M", NULL);
	wanted("KDUMP_CRASHKERNEL=\"crashkernel=72M,low quiet crashkernel=1G,high\"", false, "crashkernel=72M,low",
	       "crashkernel=1G,high");
	check_ok(config_parse("KDUMP_CRASHKERNEL=128M", "f", &config));
	check_ok(config_check(&config));
	check_error(crashkernel_wanted(&config, 160, &is_auto, &words), ERROR_CONFIG,
	            "f:1: KDUMP_CRASHKERNEL: \"128M\" is wrong");
}

static uint64_t bytes_of(const char *text)
{
	_cleanup_words_ struct words words = {0};

	words_split(&words, text);
	return crashkernel_bytes(&words);
}

static void plain_sizes_are_known(void)
{
	check(bytes_of("quiet crashkernel=128M") == 128 << 20);
	check(bytes_of("crashkernel=131072K x") == 128 << 20);
	check(bytes_of("quiet") == 0);
	check(bytes_of("crashkernel=1M crashkernel=2M") == 0);
	check(bytes_of("crashkernel=128M,high") == 0);
	check(bytes_of("crashkernel=1G-:128M") == 0);
	check(bytes_of("crashkernel=128M@16M") == 0);
	check(bytes_of("crashkernel=") == 0);
}

static const struct test tests[] = {
	TEST(values_that_a_kernel_understands), TEST(neither_order_nor_unit_counts), TEST(what_differs),
	TEST(what_the_configuration_wants),     TEST(plain_sizes_are_known),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
