// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/filter.h"

#include "test.h"

// makedumpfile(8), -d: the table of what each bit leaves out.
static bool drops(enum page_class class, unsigned int level)
{
	switch (class) {
	case PAGE_FREE:
		return level & 16;
	case PAGE_USER:
		return level & 8;
	case PAGE_CACHE:
		return level & (2 | 4);
	case PAGE_CACHE_PRIVATE:
		return level & 4;
	case PAGE_OFFLINE:
		return true;
	default:
		return false;
	}
}

static void all_levels(void)
{
	for (unsigned int level = 0; level <= FILTER_LEVEL_MAX; level++) {
		for (int class = 0; class < PAGE_CLASS_COUNT; class ++)
			check(filter_drops((enum page_class) class, level) == drops((enum page_class) class, level));
	}
}

static void names(void)
{
	for (int class = 0; class < PAGE_CLASS_COUNT; class ++) {
		const char *name = filter_class_name((enum page_class) class);

		check(name && *name);
		for (int other = 0; other < class; other++)
			check(strcmp(name, filter_class_name((enum page_class)other)) != 0);
	}
}

static const struct test tests[] = {TEST(all_levels), TEST(names)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
