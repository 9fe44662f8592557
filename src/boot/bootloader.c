// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/bootloader.h"

#include <stdio.h>
#include <string.h>

#include "boot/text.h"

enum {
	// grub-mkconfig with os-prober looks at all disks.
	COMMAND_TIMEOUT_MS = 10 * 60 * 1000,
	OUTPUT_BYTES = 64 * 1024,
	MENU_MAX_BYTES = 16 * 1024 * 1024,
	// There may be passwords in it.
	MENU_MODE = 0600,
};

// The first one that is there counts. rpm-ostree and pbl come first: they configure the loaders behind them.
static const struct bootloader *const loaders[] = {
	&bootloader_ostree, &bootloader_pbl, &bootloader_systemd, &bootloader_bls, &bootloader_zipl, &bootloader_grub,
};

struct error *bootloader_find(const struct host *host, const struct bootloader **ret)
{
	for (size_t i = 0; i < array_size(loaders); i++) {
		if (loaders[i]->is_there(host)) {
			*ret = loaders[i];
			return NULL;
		}
	}
	return error_new(
		ERROR_UNSUPPORTED,
		"no boot loader is found here that can be configured (rpm-ostree, pbl, systemd-boot, boot loader "
		"entries, zipl, GRUB)");
}

bool bootloader_has_program(const struct host *host, const char *name)
{
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
	char path[128];

	for (size_t i = 0; i < array_size(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (host_exists(host, path))
			return true;
	}
	return false;
}

struct error *bootloader_all_only(const struct bootloader *loader, const struct bootloader_task *task)
{
	if (strcmp(task->kernel, BOOTLOADER_ALL) == 0)
		return NULL;
	return error_new(ERROR_UNSUPPORTED,
	                 "with %s all kernels have the same parameters: --kernel=%s is not possible, "
	                 "--kernel=ALL is",
	                 loader->name, task->kernel);
}

void bootloader_command(struct bootloader_task *task, const char *const *argv)
{
	for (const char *const *word = argv; *word; word++)
		words_add(&task->commands, *word);
	words_add(&task->commands, "");
}

void bootloader_command_again(struct bootloader_task *task, const char *const *argv)
{
	bootloader_command(task, argv);
	for (const char *const *word = argv; *word; word++)
		words_add(&task->undo, *word);
	words_add(&task->undo, "");
}

struct error *bootloader_note(struct bootloader_view *view, const char *where, const struct parameters_line *line,
                              const char *const *names)
{
	_cleanup_words_ struct words found = {0};
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *value = NULL;
	struct error *err;

	parameters_find(line, names, &found);
	for (size_t i = 0; i < found.count; i++)
		text_add(&text, "%s%s", i ? " " : "", found.list[i]);
	err = words_check(&found);
	if (!err)
		err = text_take(&text, &value);
	if (err)
		return err;
	words_add(&view->where, where);
	words_add(&view->values, value);
	err = words_check(&view->where);
	return err ? err : words_check(&view->values);
}

static struct error *run(const struct host *host, const char *const *argv, char **output_ret)
{
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct host_command command = {
		.argv = argv, .timeout_ms = COMMAND_TIMEOUT_MS, .output_max_bytes = OUTPUT_BYTES};
	struct error *err = host_run(host, &command, &result);

	if (!err && result.status)
		err = error_new(ERROR_OS, "%s failed with status %d: %s", argv[0], result.status,
		                text_last_line(result.output));
	if (!err && output_ret)
		*output_ret = take_ptr(result.output);
	return err;
}

struct error *bootloader_ask(const struct host *host, const char *const *argv, char **ret)
{
	struct error *err = run(host, argv, ret);

	if (!err && !*ret)
		err = error_new(ERROR_NOMEM, "no memory for the output of %s", argv[0]);
	return err;
}

static struct error *run_commands(const struct host *host, const struct words *commands)
{
	struct error *err = words_check(commands);
	const char *argv[32];
	size_t count = 0;

	for (size_t i = 0; i < commands->count && !err; i++) {
		const char *word = commands->list[i];

		if (*word && count + 1 < array_size(argv)) {
			argv[count++] = word;
			continue;
		}
		if (*word)
			return error_new(ERROR_UNSUPPORTED, "a call of %s has too many words", argv[0]);
		argv[count] = NULL;
		count = 0;
		err = run(host, argv, NULL);
	}
	return err;
}

struct error *bootloader_read_menu(const struct host *host, const char *path, char **ret)
{
	return changes_read_most(host, path, MENU_MAX_BYTES, ret);
}

struct error *bootloader_keep_menu(const struct host *host, const char *path, struct bootloader_task *task)
{
	struct error *err = bootloader_read_menu(host, path, &task->menu.before);

	if (err)
		return err;
	task->menu.path = strdup(path);
	return task->menu.path ? NULL : error_new(ERROR_NOMEM, "no memory for a path");
}

static struct error *put_menu_back(const struct host *host, const struct bootloader_menu *menu)
{
	_cleanup_free_ char *now = NULL;
	struct error *err = menu->path ? bootloader_read_menu(host, menu->path, &now) : NULL;

	if (err || (!now && !menu->before) || (now && menu->before && strcmp(now, menu->before) == 0))
		return err;
	if (!menu->before)
		return host_remove(host, menu->path);
	return now ? host_rewrite(host, menu->path, menu->before, strlen(menu->before))
	           : host_replace(host, menu->path, menu->before, strlen(menu->before), MENU_MODE);
}

// One behind the other; *first is what was before.
static void join_errors(struct error **first, struct error *more)
{
	if (*first && more) {
		*first = error_wrap(*first, "%s; and", more->text);
		error_free(more);
	} else if (more) {
		*first = more;
	}
}

// The menu goes first: it is what the machine starts from. Then what is made of the files.
static struct error *undo(const struct host *host, struct bootloader_task *task)
{
	struct error *err = put_menu_back(host, &task->menu);
	struct error *files = changes_undo(host, &task->changes);
	bool are_back = !files;

	join_errors(&err, files);
	if (are_back)
		join_errors(&err, run_commands(host, &task->undo));
	return err;
}

struct error *bootloader_run(const struct host *host, const struct bootloader *loader, struct bootloader_task *task,
                             bool is_dry)
{
	struct error *err = loader->plan(host, task), *late;

	if (!err)
		err = words_check(&task->notes);
	if (err || is_dry)
		return err;
	err = changes_make(host, &task->changes);
	if (err)
		return err;
	err = run_commands(host, &task->commands);
	if (!err && loader->check)
		err = loader->check(host, task);
	if (!err)
		return NULL;
	// What the program did not take over would be a surprise at its next run.
	late = undo(host, task);
	if (late)
		err = error_wrap(err, "%s; before that", late->text);
	error_free(late);
	return err;
}

void bootloader_tell(const struct bootloader_task *task, struct words *ret)
{
	_cleanup_text_ struct text text = {0};

	changes_tell(&task->changes, ret);
	for (size_t i = 0; i < task->commands.count; i++) {
		const char *word = task->commands.list[i], *quote = strpbrk(word, " \t") ? "\"" : "";

		if (*word) {
			text_add(&text, " %s%s%s", quote, word, quote);
			continue;
		}
		words_addf(ret, "run%s", text.buf ? text.buf : "");
		text_deinit(&text);
	}
	for (size_t i = 0; i < task->notes.count; i++)
		words_add(ret, task->notes.list[i]);
}

void bootloader_task_deinit(struct bootloader_task *task)
{
	changes_deinit(&task->changes);
	words_deinit(&task->commands);
	words_deinit(&task->undo);
	words_deinit(&task->notes);
	free(task->menu.path);
	free(task->menu.before);
}

void bootloader_view_deinit(struct bootloader_view *view)
{
	words_deinit(&view->where);
	words_deinit(&view->values);
}
