// SPDX-License-Identifier: GPL-2.0-or-later
// rpm-ostree: a deployment has its kernel parameters; a change makes a new deployment, which the next boot starts.
#include "boot/bootloader.h"

#include <string.h>

static const char *const ask[] = {"rpm-ostree", "kargs", NULL};

static bool is_there(const struct host *host)
{
	return host_exists(host, "/run/ostree-booted") && bootloader_has_program(host, "rpm-ostree");
}

static struct error *view(const struct host *host, const char *const *names, struct bootloader_view *view)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = bootloader_ask(host, ask, &text);
	struct parameters_line line = {0};

	if (err)
		return err;
	line = (struct parameters_line){.text = text, .size_bytes = strlen(text)};
	return bootloader_note(view, "rpm-ostree kargs", &line, names);
}

// Only what is there can be deleted, and only with its value: a name alone is refused where there are several.
static struct error *find_gone(const struct host *host, const struct parameters_change *change, struct words *argv)
{
	_cleanup_words_ struct words found = {0};
	_cleanup_free_ char *text = NULL;
	struct error *err = bootloader_ask(host, ask, &text);
	struct parameters_line line = {0};

	if (err)
		return err;
	line = (struct parameters_line){.text = text, .size_bytes = strlen(text)};
	parameters_find(&line, change->remove, &found);
	parameters_find(&line, change->add, &found);
	for (size_t i = 0; i < found.count; i++) {
		bool is_new = true;

		for (size_t j = 0; j < i; j++)
			is_new &= strcmp(found.list[i], found.list[j]) != 0;
		if (is_new)
			words_addf(argv, "--delete=%s", found.list[i]);
	}
	return words_check(&found);
}

static struct error *plan(const struct host *host, struct bootloader_task *task)
{
	_cleanup_words_ struct words argv = {0};
	struct error *err = NULL;

	// The next boot starts the new deployment, and that is all that can be changed.
	if (strcmp(task->kernel, BOOTLOADER_DEFAULT) != 0)
		err = bootloader_all_only(&bootloader_ostree, task);
	words_add(&argv, ask[0]);
	words_add(&argv, ask[1]);
	if (!err)
		err = find_gone(host, &task->change, &argv);
	for (const char *const *word = task->change.add; word && *word; word++)
		words_addf(&argv, "--append=%s", *word);
	if (!err)
		err = words_check(&argv);
	if (!err && argv.count > 2)
		bootloader_command(task, (const char *const *)argv.list);
	return err;
}

const struct bootloader bootloader_ostree = {
	.name = "rpm-ostree",
	.is_there = is_there,
	.view = view,
	.plan = plan,
};
