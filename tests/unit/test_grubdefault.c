// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/grubdefault.h"

#include "test.h"

static const char *const gone[] = {"crashkernel", NULL};
static const char *const one[] = {"crashkernel=128M", NULL};

static void edit(const char *text, const char *const *add, const char *wanted)
{
	struct parameters_change change = {gone, add};
	_cleanup_free_ char *once = NULL, *twice = NULL;

	check_ok(grubdefault_edit(text, "f", &change, &once));
	check_text(once, wanted);
	check_ok(grubdefault_edit(once, "f", &change, &twice));
	check_text(twice, once);
}

static void refused(const char *text, const char *words)
{
	struct parameters_change change = {gone, one};
	_cleanup_words_ struct words found = {0};
	char *ret = NULL;

	check_error(grubdefault_edit(text, "f", &change, &ret), ERROR_CONFIG, words);
	check_error(grubdefault_find(text, "f", gone, &found), ERROR_CONFIG, words);
}

static void all_else_stays(void)
{
	static const char debian[] = "# comment with \" and ' and `\n"
				     "GRUB_DEFAULT=0\n"
				     "GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\n"
				     "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
				     "GRUB_CMDLINE_LINUX=\"\"   # mine\n"
				     "\n"
				     "#GRUB_CMDLINE_LINUX=\"crashkernel=1\"\n"
				     "GRUB_INIT_TUNE=\"480 440 1\"";
	static const char after[] = "# comment with \" and ' and `\n"
				    "GRUB_DEFAULT=0\n"
				    "GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\n"
				    "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
				    "GRUB_CMDLINE_LINUX=\"crashkernel=128M\"   # mine\n"
				    "\n"
				    "#GRUB_CMDLINE_LINUX=\"crashkernel=1\"\n"
				    "GRUB_INIT_TUNE=\"480 440 1\"";

	edit(debian, one, after);
	edit(debian, NULL, debian);
}

static void values_as_a_shell_has_them(void)
{
	edit("GRUB_CMDLINE_LINUX=\n", one, "GRUB_CMDLINE_LINUX=crashkernel=128M\n");
	edit("GRUB_CMDLINE_LINUX=quiet\n", one, "GRUB_CMDLINE_LINUX=\"quiet crashkernel=128M\"\n");
	edit("export GRUB_CMDLINE_LINUX='a \"b c\"'\n", one,
	     "export GRUB_CMDLINE_LINUX='a \"b c\" crashkernel=128M'\n");
	edit("GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX a\"\r\n", one,
	     "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX a crashkernel=128M\"\r\n");
	edit("GRUB_CMDLINE_LINUX=\"a=\\\"b crashkernel=1\\\" \\$c\"\n", one,
	     "GRUB_CMDLINE_LINUX=\"a=\\\"b crashkernel=1\\\" \\$c crashkernel=128M\"\n");
	edit("GRUB_CMDLINE_LINUX_DEFAULT=\"crashkernel=1M "
	     "quiet\"\nGRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX=\"b\"\n",
	     one,
	     "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX=\"b "
	     "crashkernel=128M\"\n");
	edit("A=1", one, "A=1\nGRUB_CMDLINE_LINUX=\"crashkernel=128M\"\n");
	edit("", one, "GRUB_CMDLINE_LINUX=\"crashkernel=128M\"\n");
	edit("GRUB_CMDLINE_LINUX_XEN_REPLACE=\"crashkernel=1\"\n", NULL,
	     "GRUB_CMDLINE_LINUX_XEN_REPLACE=\"crashkernel=1\"\n");
	edit("X=\"GRUB_CMDLINE_LINUX=crashkernel=1\"\n", NULL, "X=\"GRUB_CMDLINE_LINUX=crashkernel=1\"\n");
	edit("if true; then X=1; fi\nGRUB_CMDLINE_LINUX=\"crashkernel=1\"\n", NULL,
	     "if true; then X=1; fi\nGRUB_CMDLINE_LINUX=\"\"\n");
	edit("f() {\n\tX=1\n}\nGRUB_CMDLINE_LINUX=\"crashkernel=1\"\n", NULL,
	     "f() {\n\tX=1\n}\nGRUB_CMDLINE_LINUX=\"\"\n");
}

static void what_is_not_understood_is_refused(void)
{
	refused("A=1\nGRUB_CMDLINE_LINUX=\"$(cat /x)\"\n", "f:2: the kernel command line is made by a command");
	refused("GRUB_CMDLINE_LINUX_DEFAULT=\"a `b`\"\n", "f:1: the kernel command line is made by a command");
	refused("GRUB_CMDLINE_LINUX=\"a\nb\"\n", "f:1: the quote is not closed");
	refused("GRUB_CMDLINE_LINUX=\"a\"'b'\n", "f:1: there is more text");
	refused("GRUB_CMDLINE_LINUX+=\" a\"\n", "f:1: this is no assignment");
	refused("\nif [ a ]; then\n\tGRUB_CMDLINE_LINUX=\"x\"\nfi\n", "f:3: whether this kernel command line counts");
	refused("[ a ] && GRUB_CMDLINE_LINUX=\"x\"\n", "f:1: this is no assignment");
	refused("A=1; GRUB_CMDLINE_LINUX=\"x\"\n", "f:1: ");
	refused("A=\"\nGRUB_CMDLINE_LINUX=x\n\"\n", "f:2: a kernel command line in the middle");
	refused("A=b\\\nGRUB_CMDLINE_LINUX=x\n", "f:2: a kernel command line in the middle");
	refused("A=1\nB='x\n", "f:2: a quote is not closed");
}

static void nothing_is_added_in_the_middle(void)
{
	struct parameters_change change = {gone, one};
	char *ret = NULL;

	check_error(grubdefault_edit("if true; then\n", "f", &change, &ret), ERROR_CONFIG,
	            "f:1: the file ends in the middle");
	check_error(grubdefault_edit("A=1\nB=b\\", "f", &change, &ret), ERROR_CONFIG,
	            "f:2: the file ends in the middle");
	edit("if true; then\n", NULL, "if true; then\n");
}

static void parameters_are_found(void)
{
	_cleanup_words_ struct words found = {0};

	check_ok(grubdefault_find("GRUB_CMDLINE_LINUX=\"a crashkernel=1M\"\n#GRUB_CMDLINE_LINUX=crashkernel=2M\n"
	                          "GRUB_CMDLINE_LINUX_DEFAULT='crashkernel=3M'\n",
	                          "f", gone, &found));
	check(found.count == 2);
	check_text(found.list[0], "crashkernel=1M");
	check_text(found.list[1], "crashkernel=3M");
	check(grubdefault_is("A=false\nA=\"true\" # x\n", "A", "true"));
	check(!grubdefault_is("A=true\nA=false\n", "A", "true"));
	check(!grubdefault_is("#A=true\nAA=true\n", "A", "true"));
}

static const struct test tests[] = {
	TEST(all_else_stays),
	TEST(values_as_a_shell_has_them),
	TEST(what_is_not_understood_is_refused),
	TEST(nothing_is_added_in_the_middle),
	TEST(parameters_are_found),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
