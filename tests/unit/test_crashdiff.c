// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between crashes; how they are read from dumps is checked with real ones (tests/vm).
#include "report/crashdiff.h"

#include "test.h"

struct row {
	size_t left, right;
};

struct rows {
	struct row list[16];
	size_t count;
};

static void take_row(void *context, size_t left, size_t right)
{
	struct rows *rows = context;

	check(rows->count < array_size(rows->list));
	rows->list[rows->count++] = (struct row){left, right};
}

static void set_frames(struct crashdiff *crash, const char *const *names)
{
	*crash = (struct crashdiff){0};
	crash->frames = calloc(16, sizeof(*crash->frames));
	check(crash->frames);
	for (; names[crash->frame_count]; crash->frame_count++)
		snprintf(crash->frames[crash->frame_count], sizeof(*crash->frames), "%s", names[crash->frame_count]);
}

static void stacks(void)
{
	static const char *const left[] = {"panic", "die.cold", "common", "only_left", "vfs_write", NULL};
	static const char *const right[] = {"panic",     "die",  "only_right", "common.constprop.0",
	                                    "vfs_write", "more", NULL};
	static const struct row wanted[] = {{0, 0},        {1, 1}, {SIZE_MAX, 2}, {2, 3},
	                                    {3, SIZE_MAX}, {4, 4}, {SIZE_MAX, 5}};
	struct crashdiff a, b, none = {0};
	struct rows rows = {0};

	set_frames(&a, left);
	set_frames(&b, right);
	check_ok(crashdiff_stacks(&a, &b, take_row, &rows));
	check(rows.count == array_size(wanted));
	for (size_t i = 0; i < rows.count; i++)
		check(rows.list[i].left == wanted[i].left && rows.list[i].right == wanted[i].right);
	rows.count = 0;
	check_ok(crashdiff_stacks(&none, &b, take_row, &rows));
	check(rows.count == 6 && rows.list[5].left == SIZE_MAX && rows.list[5].right == 5);
	crashdiff_deinit(&a);
	crashdiff_deinit(&b);
}

static void take_module(void *context, const struct crashdiff_module *left, const struct crashdiff_module *right)
{
	char *text = context;

	strcat(text, left ? left->name : "-");
	strcat(text, right ? right->name : "-");
	strcat(text, " ");
}

static void modules(void)
{
	struct crashdiff_module left[] = {{.name = "a"},
	                                  {.name = "b", .size_bytes = 1},
	                                  {.name = "c", .taints = "O"},
	                                  {.name = "e", .version = "1"}};
	struct crashdiff_module right[] = {
		{.name = "b", .size_bytes = 2}, {.name = "c"}, {.name = "d"}, {.name = "e", .version = "2"}};
	struct crashdiff a = {.modules = left, .module_count = 4, .build_id = "12"};
	struct crashdiff b = {.modules = right, .module_count = 4, .build_id = "12"};
	char text[100] = "";

	crashdiff_modules(&a, &b, take_module, text);
	check_text(text, "a- bb cc -d ee ");
	// Of another kernel modules have other sizes.
	b.build_id[0] = '2';
	text[0] = '\0';
	crashdiff_modules(&a, &b, take_module, text);
	check_text(text, "a- cc -d ee ");
}

static void take_word(void *context, const char *word, size_t size_bytes)
{
	char *text = context;

	strncat(text, word, size_bytes);
	strcat(text, "|");
}

static void words(void)
{
	struct crashdiff a = {.command_line = " root=/dev/sda  quiet splash=1"},
			 b = {.command_line = "splash=10 quiet"};
	char text[100] = "";

	crashdiff_words(&a, &b, take_word, text);
	check_text(text, "root=/dev/sda|splash=1|");
	text[0] = '\0';
	crashdiff_words(&b, &a, take_word, text);
	check_text(text, "splash=10|");
}

static void same(void)
{
	struct crashdiff a = {.signature = "12"}, b = {.signature = "12"};

	check(crashdiff_is_same(&a, &b));
	b.signature[1] = '3';
	check(!crashdiff_is_same(&a, &b));
	// What is not known is not the same.
	a.signature[0] = b.signature[0] = '\0';
	check(!crashdiff_is_same(&a, &b));
}

static const struct test tests[] = {
	TEST(stacks),
	TEST(modules),
	TEST(words),
	TEST(same),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
