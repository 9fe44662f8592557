// SPDX-License-Identifier: GPL-2.0-or-later
// zipl on s390 without entries of the Boot Loader Specification: /etc/zipl.conf, zipl.conf(5) of s390-tools.
#include "boot/bootloader.h"

#include <string.h>

#include "boot/text.h"

#define CONFIGURATION "/etc/zipl.conf"

static bool is_there(const struct host *host)
{
	return host_exists(host, CONFIGURATION) && bootloader_has_program(host, "zipl");
}

// The value of a line "KEY = VALUE" with or without quotes; its bytes without them. False: another line.
static bool find_value(const char *line, const char *key, struct parameters_line *ret)
{
	const char *at = line + strspn(line, " \t");
	size_t size = strlen(key);
	char quote;

	if (strncmp(at, key, size) != 0)
		return false;
	at += size + strspn(at + size, " \t");
	if (*at != '=')
		return false;
	at += 1 + strspn(at + 1, " \t");
	quote = *at == '"' || *at == '\'' ? *at : '\0';
	at += quote != '\0';
	size = quote ? strcspn(at, quote == '"' ? "\"\n" : "'\n") : strcspn(at, "\n");
	while (!quote && size && strchr(" \t\r", at[size - 1]))
		size--;
	*ret = (struct parameters_line){.text = at, .size_bytes = size};
	return true;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static struct error *view(const struct host *host, const char *const *names, struct bootloader_view *view)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = changes_read(host, CONFIGURATION, &text);

	for (const char *line = text ? text : ""; *line && !err; line = next_line(line)) {
		struct parameters_line value;

		if (find_value(line, "parameters", &value))
			err = bootloader_note(view, CONFIGURATION, &value, names);
	}
	return err;
}

static struct error *edit(const char *text, const struct parameters_change *change, char **ret)
{
	_cleanup_text_ struct text whole = {0};
	unsigned int number = 0;
	bool is_any = false;

	for (const char *line = text; *line; line = next_line(line)) {
		struct parameters_line value;
		_cleanup_free_ char *edited = NULL;
		struct error *err;

		number++;
		if (find_value(line, "parmfile", &value))
			return error_new(ERROR_CONFIG,
			                 CONFIGURATION ":%u: parameters in a file of their own (parmfile) are not "
			                               "changed here",
			                 number);
		if (!find_value(line, "parameters", &value)) {
			text_add(&whole, "%.*s", (int)(next_line(line) - line), line);
			continue;
		}
		err = error_wrap(parameters_edit(&value, change, &edited), CONFIGURATION ":%u", number);
		if (err)
			return err;
		is_any = true;
		text_add(&whole, "%.*s%s", (int)(value.text - line), line, edited);
		text_add(&whole, "%.*s", (int)(next_line(line) - value.text - value.size_bytes),
		         value.text + value.size_bytes);
	}
	if (!is_any)
		return error_new(ERROR_CONFIG, CONFIGURATION ": no line has parameters=");
	return text_take(&whole, ret);
}

static struct error *plan(const struct host *host, struct bootloader_task *task)
{
	static const char *const zipl[] = {"zipl", NULL};
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct error *err = bootloader_all_only(&bootloader_zipl, task);

	if (!err)
		err = changes_read(host, CONFIGURATION, &before);
	if (!err)
		err = edit(before ? before : "", &task->change, &after);
	if (!err)
		err = changes_add(&task->changes, CONFIGURATION, before, after);
	if (!err)
		bootloader_command_again(task, zipl);
	return err;
}

const struct bootloader bootloader_zipl = {
	.name = "zipl",
	.is_there = is_there,
	.view = view,
	.plan = plan,
};
