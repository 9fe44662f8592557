// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/imagelist.h"

#include "fake.h"
#include "fakearchive.h"
#include "test.h"

static void make(struct fake *fake, const struct fakearchive *archive, struct imagelist *list)
{
	static const char *const texts[] = {"etc/*.conf", NULL};

	check_ok(host_replace(&fake->host, "/i", archive->buf, archive->size_bytes, 0600));
	check_ok(imagelist_read(&fake->host, "/i", texts, list));
}

// The name that a path leads to; NULL: nothing is there.
static const char *find(const struct imagelist *list, const char *path)
{
	const struct imagelist_file *file = NULL;

	check_ok(imagelist_find(list, path, &file));
	return file ? file->name : NULL;
}

static void files_and_texts(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_fakearchive_ struct fakearchive archive = {0};
	_cleanup_imagelist_ struct imagelist list = {0};
	const struct imagelist_file *file = NULL;

	fake_init(&fake);
	fakearchive_dir(&archive, ".");
	fakearchive_file(&archive, "init", 0755, "program");
	fakearchive_file(&archive, "etc/b.conf", 0644, "text");
	fakearchive_file(&archive, "etc/c/b.conf", 0644, "text");
	fakearchive_end(&archive);
	fakearchive_file(&archive, "init", 0700, "another program");
	fakearchive_end(&archive);
	make(&fake, &archive, &list);
	check(list.count == 4);
	check_ok(imagelist_find(&list, "/init", &file));
	check(file && file->mode == (S_IFREG | 0700) && file->size_bytes == 15 && !file->text);
	check_ok(imagelist_find(&list, "//etc/./b.conf", &file));
	check(file && file->mode == (S_IFREG | 0644) && file->links == 1);
	check_text(file->text, "text");
	check_ok(imagelist_find(&list, "/etc/c/b.conf", &file));
	check(file && !file->text);
	check_text(find(&list, "/etc/b"), NULL);
	check_text(find(&list, "/"), "");
}

// As dracut makes them where /lib is /usr/lib, and others.
static void links_are_followed_inside(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_fakearchive_ struct fakearchive archive = {0};
	_cleanup_imagelist_ struct imagelist list = {0};

	fake_init(&fake);
	fakearchive_link(&archive, "lib", "usr/lib");
	fakearchive_link(&archive, "usr/lib/modules/now", "../modules/6.1");
	fakearchive_file(&archive, "usr/lib/modules/6.1/a.ko", 0644, "x");
	fakearchive_link(&archive, "abs", "/lib/modules");
	fakearchive_link(&archive, "up", "../../..//abs/./now/a.ko");
	fakearchive_link(&archive, "one", "two");
	fakearchive_link(&archive, "two", "/one");
	fakearchive_link(&archive, "none", "nothing");
	fakearchive_link(&archive, "empty", "");
	fakearchive_link(&archive, "longer", "longer/longer");
	fakearchive_end(&archive);
	make(&fake, &archive, &list);
	check_text(find(&list, "/lib/modules/6.1/a.ko"), "usr/lib/modules/6.1/a.ko");
	check_text(find(&list, "/lib/modules/now/a.ko"), "usr/lib/modules/6.1/a.ko");
	check_text(find(&list, "/abs/6.1/a.ko"), "usr/lib/modules/6.1/a.ko");
	check_text(find(&list, "/up"), "usr/lib/modules/6.1/a.ko");
	check_text(find(&list, "/one"), NULL);
	check_text(find(&list, "/two/a"), NULL);
	check_text(find(&list, "/none"), NULL);
	check_text(find(&list, "/longer/x"), NULL);
	check_text(find(&list, "/lib/modules/6.1/b.ko"), NULL);
}

static void what_cannot_be_read_is_named(void)
{
	static const char *const none[] = {NULL};
	_cleanup_fake_ struct fake fake;
	_cleanup_imagelist_ struct imagelist list = {0};

	fake_init(&fake);
	check_error(imagelist_read(&fake.host, "/i", none, &list), ERROR_OS, "/i: No such file");
	fake_file(&fake, "/i", "text");
	check_error(imagelist_read(&fake.host, "/i", none, &list), ERROR_BAD_DATA, "/i: it is neither");
	check(!list.count);
}

static const struct test tests[] = {
	TEST(files_and_texts),
	TEST(links_are_followed_inside),
	TEST(what_cannot_be_read_is_named),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
