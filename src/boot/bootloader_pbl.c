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

static bool is_in(const char *word, const char *const *list, const char *const *end)
{
	for (; list && list != end && *list; list++)
		if (parameters_is_same(word, *list))
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
		if (parameters_is_same(*word, *first))
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

// Whether one word of a text has the name; *ret: whether each that has is one of a list.
static bool find_option(const struct words *words, const char *name, const char *const *list, bool *are_wanted_ret)
{
	bool is_there = false;

	*are_wanted_ret = true;
	for (size_t i = 0; i < words->count; i++) {
		bool is_wanted = false;

		if (!parameters_is_same(words->list[i], name))
			continue;
		is_there = true;
		for (const char *const *word = list; word && *word; word++)
			is_wanted |= strcmp(*word, words->list[i]) == 0;
		*are_wanted_ret &= is_wanted;
	}
	return is_there;
}

// For a boot loader that it has no script for, it says so and succeeds (pbl: run_script(), 1.8). Of several parameters of one name
// it tells one (include/library: lib_get_option()).
static struct error *check_option(const struct host *host, const char *word, const char *const *list)
{
	_cleanup_free_ char *name = strndup(word, strcspn(word, "=")), *text = NULL;
	const char *const argv[] = {"pbl", "--get-option", name, NULL};
	_cleanup_words_ struct words words = {0};
	bool is_there, are_wanted;
	struct error *err = name ? bootloader_ask(host, argv, &text) : error_new(ERROR_NOMEM, "no memory for a name");

	if (err)
		return err;
	words_split(&words, text);
	is_there = find_option(&words, name, list, &are_wanted);
	err = words_check(&words);
	if (!err && (!are_wanted || is_there != is_in(name, list, NULL)))
		err = error_new(
			ERROR_OS,
			"pbl has succeeded, but pbl --get-option %s prints \"%s\": it may not know this boot loader; "
			"what it has changed stays",
			name, text_last_line(text));
	return err;
}

static struct error *check(const struct host *host, const struct bootloader_task *task)
{
	struct error *err = NULL;

	for (const char *const *word = task->change.add; word && *word && !err; word++)
		if (!is_in(*word, task->change.add, word))
			err = check_option(host, *word, task->change.add);
	for (const char *const *name = task->change.remove; name && *name && !err; name++)
		if (!is_in(*name, task->change.add, NULL))
			err = check_option(host, *name, task->change.add);
	return err;
}

const struct bootloader bootloader_pbl = {
	.name = "pbl",
	.is_there = is_there,
	.view = view,
	.plan = plan,
	.check = check,
};
