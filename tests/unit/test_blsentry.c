// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/blsentry.h"

#include "test.h"

static const char *const gone[] = {"crashkernel", NULL};
static const char *const one[] = {"crashkernel=128M", NULL};

static void edit(const char *text, const char *const *add, const char *wanted)
{
	struct parameters_change change = {gone, add};
	_cleanup_free_ char *once = NULL, *twice = NULL;

	check_ok(blsentry_edit(text, "f", &change, &once));
	check_text(once, wanted);
	check_ok(blsentry_edit(once, "f", &change, &twice));
	check_text(twice, once);
}

static void options_change(void)
{
	edit("title x\nversion 1\noptions root=/dev/sda1 crashkernel=1M quiet\nlinux /a\n", one,
	     "title x\nversion 1\noptions root=/dev/sda1 quiet crashkernel=128M\nlinux /a\n");
	edit("options\tcrashkernel=1M a\r\noptions    b\r\n", one, "options\ta\r\noptions    b crashkernel=128M\r\n");
	edit("options a $tuned_params\n", one, "options a $tuned_params crashkernel=128M\n");
	edit("title x", one, "title x\noptions crashkernel=128M\n");
	edit("options", one, "options crashkernel=128M");
	edit("options\n", one, "options crashkernel=128M\n");
	edit("# options crashkernel=1\noptionsx crashkernel=1\n", NULL,
	     "# options crashkernel=1\noptionsx crashkernel=1\n");
	edit("options a crashkernel=1M\n\n", NULL, "options a\n\n");
}

static void variables_of_grub_are_refused(void)
{
	struct parameters_change change = {gone, one};
	char *ret = NULL;

	check_error(blsentry_edit("a b\noptions $kernelopts x\n", "f", &change, &ret), ERROR_CONFIG,
	            "f:2: the options are a variable");
	check_error(blsentry_edit("options a=\"b\n", "f", &change, &ret), ERROR_CONFIG, "f:1: a quote is not closed");
}

static void values_are_found(void)
{
	_cleanup_free_ char *image = NULL, *none = NULL;

	check_ok(blsentry_value("linux /a\nlinuxx /c\nlinux   /b  \r\n", "linux", &image));
	check_text(image, "/b");
	check_ok(blsentry_value("linuxx /c\n", "linux", &none));
	check_text(none, NULL);
}

static const struct test tests[] = {
	TEST(options_change),
	TEST(variables_of_grub_are_refused),
	TEST(values_are_found),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
