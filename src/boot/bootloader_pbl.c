// SPDX-License-Identifier: GPL-2.0-or-later
// SUSE's pbl (perl-Bootloader, update-bootloader): one program for GRUB, systemd-boot and others. It takes several parameters of
// one name in one word, as SUSE's own kdumptool hands them over.
#include "boot/bootloader.h"

#include <string.h>

#include "boot/text.h"

static bool is_there(const struct host *host)
{
	return bootloader_has_program(host, "pbl");
}

static struct error *view(const struct host *host, const char *const *names, struct bootloader_view *view)
{
	_cleanup_text_ struct text all = {0};
	_cleanup_free_ char *whole = NULL;
	struct error *err = NULL;
	struct parameters_line line = {0};

	for (const char *const *name = names; *name && !err; name++) {
		const char *const argv[] = {"pbl", "--get-option", *name, NULL};
		_cleanup_free_ char *text = NULL;

		err = bootloader_ask(host, argv, &text);
		if (!err)
			text_add(&all, "%s ", text);
	}
	if (!err)
		err = text_take(&all, &whole);
	if (err)
		return err;
	line = (struct parameters_line){.text = whole, .size_bytes = strlen(whole)};
	return bootloader_note(view, "pbl --get-option", &line, names);
}

static bool is_name_of(const char *word, const char *other)
{
	size_t size = strcspn(word, "=");

	return strcspn(other, "=") == size && strncmp(word, other, size) == 0;
}

static bool is_in(const char *word, const char *const *list, const char *const *end)
{
	for (; list && list != end && *list; list++)
		if (is_name_of(word, *list))
			return true;
	return false;
}

// All parameters that have the name of one, in one word.
static struct error *add_option(const char *const *list, const char *const *first, struct words *argv)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *whole = NULL;
	struct error *err;

	if (is_in(*first, list, first))
		return NULL;
	for (const char *const *word = first; *word; word++)
		if (is_name_of(*word, *first))
			text_add(&text, "%s%s", word == first ? "" : " ", *word);
	err = text_take(&text, &whole);
	if (err)
		return err;
	words_add(argv, "--add-option");
	words_add(argv, whole);
	return NULL;
}

static struct error *plan(const struct host *host, struct bootloader_task *task)
{
	_cleanup_words_ struct words argv = {0};
	struct error *err = bootloader_all_only(&bootloader_pbl, task);

	(void)host;
	words_add(&argv, "pbl");
	for (const char *const *word = task->change.add; word && *word && !err; word++)
		err = add_option(task->change.add, word, &argv);
	for (const char *const *name = task->change.remove; name && *name; name++) {
		if (is_in(*name, task->change.add, NULL))
			continue;
		words_add(&argv, "--del-option");
		words_add(&argv, *name);
	}
	words_add(&argv, "--config");
	if (!err)
		err = words_check(&argv);
	if (!err)
		bootloader_command(task, (const char *const *)argv.list);
	return err;
}

const struct bootloader bootloader_pbl = {
	.name = "pbl",
	.is_there = is_there,
	.view = view,
	.plan = plan,
};
