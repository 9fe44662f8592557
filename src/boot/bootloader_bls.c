// SPDX-License-Identifier: GPL-2.0-or-later
// Entries in /boot/loader/entries that GRUB (GRUB_ENABLE_BLSCFG) or zipl read: Fedora, RHEL. grubby changes them, and keeps
// what new kernels get in step; without it the files are changed.
#include "boot/bootloader.h"

#include <string.h>

#include "boot/blsentry.h"
#include "boot/grubdefault.h"
#include "boot/text.h"

#define ENTRIES "/boot/loader/entries"
#define DEFAULTS "/etc/default/grub"
#define ZIPL_CONFIGURATION "/etc/zipl.conf"

enum { ENVIRONMENT_MAX_BYTES = 64 * 1024 };

static bool has_grubby(const struct host *host)
{
	return bootloader_has_program(host, "grubby");
}

// Entries may lie there without being read: GRUB says in its defaults whether it does.
static bool is_there(const struct host *host)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *err = NULL;

	if (!blsentry_is_there(host, ENTRIES))
		return false;
	if (has_grubby(host) || !host_exists(host, DEFAULTS))
		return true;
	err = changes_read(host, DEFAULTS, &text);
	return !err && text && grubdefault_is(text, "GRUB_ENABLE_BLSCFG", "true");
}

// The value of a line NAME=VALUE of GRUB's environment block.
static struct error *read_environment(const struct host *host, const char *name, char **ret)
{
	static const char *const paths[] = {"/boot/grub2/grubenv", "/boot/grub/grubenv"};
	struct error *err = NULL;

	*ret = NULL;
	for (size_t i = 0; i < array_size(paths) && !err && !*ret; i++) {
		_cleanup_free_ char *text = NULL;
		const char *end;

		if (!host_exists(host, paths[i]))
			continue;
		err = host_read(host, paths[i], ENVIRONMENT_MAX_BYTES, &text, NULL);
		for (const char *line = err ? "" : text; *line; line = *end ? end + 1 : end) {
			end = line + strcspn(line, "\n");
			if (strncmp(line, name, strlen(name)) != 0 || line[strlen(name)] != '=')
				continue;
			line += strlen(name) + 1;
			free(*ret);
			*ret = strndup(line, (size_t)(end - line));
			if (!*ret)
				return error_new(ERROR_NOMEM, "no memory for GRUB's environment");
		}
	}
	return err;
}

static struct error *view(const struct host *host, const char *const *names, struct bootloader_view *view)
{
	_cleanup_free_ char *options = NULL;
	struct parameters_line line = {0};
	struct error *err = blsentry_view(host, ENTRIES, names, view);

	// RHEL 8: what entries call $kernelopts.
	if (!err)
		err = read_environment(host, "kernelopts", &options);
	if (err || !options)
		return err;
	line = (struct parameters_line){.text = options, .size_bytes = strlen(options)};
	return bootloader_note(view, "kernelopts in GRUB's environment", &line, names);
}

// grubby takes the second of two parameters with one name for a new value of the first.
static bool is_for_grubby(const struct host *host, const struct parameters_change *change)
{
	for (const char *const *word = change->add; word && *word; word++)
		for (const char *const *other = change->add; other < word; other++)
			if (parameters_is_same(*word, *other))
				return false;
	return has_grubby(host);
}

static void join(const char *option, const char *const *words, struct text *text)
{
	text_add(text, "%s", option);
	for (const char *const *word = words; word && *word; word++)
		text_add(text, "%s%s", word == words ? "" : " ", *word);
}

static struct error *plan_grubby(struct bootloader_task *task)
{
	_cleanup_text_ struct text remove = {0}, add = {0}, kernel = {0};
	const char *argv[5] = {"grubby"};
	size_t count = 1;

	text_add(&kernel, "--update-kernel=%s", task->kernel);
	join("--remove-args=", task->change.remove, &remove);
	join("--args=", task->change.add, &add);
	if (!kernel.buf || !remove.buf || !add.buf || kernel.is_failed || remove.is_failed || add.is_failed)
		return error_new(ERROR_NOMEM, "no memory for a call of grubby");
	argv[count++] = kernel.buf;
	if (task->change.remove && *task->change.remove)
		argv[count++] = remove.buf;
	if (task->change.add && *task->change.add)
		argv[count++] = add.buf;
	bootloader_command(task, argv);
	return NULL;
}

static struct error *plan_files(const struct host *host, struct bootloader_task *task)
{
	static const char *const directories[] = {ENTRIES, NULL};
	_cleanup_free_ char *saved = NULL, *before = NULL, *after = NULL;
	struct error *err = read_environment(host, "saved_entry", &saved);

	if (!err)
		err = blsentry_plan(host, directories, saved, task);
	if (err || strcmp(task->kernel, BOOTLOADER_ALL) != 0)
		return err;
	// Where there is no /etc/kernel/cmdline, new kernels get what is there.
	err = changes_read(host, DEFAULTS, &before);
	if (!err && before)
		err = grubdefault_edit(before, DEFAULTS, &task->change, &after);
	return err || !before ? err : changes_add(&task->changes, DEFAULTS, before, after);
}

static struct error *plan(const struct host *host, struct bootloader_task *task)
{
	static const char *const zipl[] = {"zipl", NULL};
	struct error *err = is_for_grubby(host, &task->change) ? plan_grubby(task) : plan_files(host, task);

	// It reads the entries when it runs, not when the machine starts.
	if (!err && host_exists(host, ZIPL_CONFIGURATION) && bootloader_has_program(host, "zipl"))
		bootloader_command_again(task, zipl);
	return err;
}

const struct bootloader bootloader_bls = {
	.name = "boot loader entries",
	.is_there = is_there,
	.view = view,
	.plan = plan,
};
