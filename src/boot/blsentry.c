// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/blsentry.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "boot/text.h"

#define MACHINE_ID "/etc/machine-id"

// The value of a line that has some key; NULL if it has another one.
static const char *value_of(const char *line, const char *key)
{
	size_t size = strlen(key);

	line += strspn(line, " \t");
	if (strncmp(line, key, size) != 0 || !strchr(" \t\r\n", line[size]))
		return NULL;
	return line + size + strspn(line + size, " \t");
}

static const char *line_end(const char *line)
{
	return line + strcspn(line, "\r\n");
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

// A key's last value, which is not terminated.
static const char *find_value(const char *text, const char *key, size_t *size_ret)
{
	const char *found = NULL;

	*size_ret = 0;
	for (const char *line = text; *line; line = next_line(line)) {
		const char *value = value_of(line, key);
		size_t size;

		if (!value)
			continue;
		found = value;
		size = (size_t)(line_end(line) > value ? line_end(line) - value : 0);
		while (size && strchr(" \t", value[size - 1]))
			size--;
		*size_ret = size;
	}
	return found;
}

struct error *blsentry_value(const char *text, const char *key, char **ret)
{
	size_t size;
	const char *found = find_value(text, key, &size);

	*ret = found ? strndup(found, size) : NULL;
	return found && !*ret ? error_new(ERROR_NOMEM, "no memory for a boot loader entry") : NULL;
}

// Of this machine; NULL if it has none, so that each entry may be its own.
static struct error *read_machine(const struct host *host, char **ret)
{
	struct error *err = changes_read(host, MACHINE_ID, ret);

	if (!err && *ret)
		(*ret)[strspn(*ret, "0123456789abcdefABCDEF")] = '\0';
	// "uninitialized": the first boot.
	if (!err && *ret && strlen(*ret) != 32) {
		free(*ret);
		*ret = NULL;
	}
	return err;
}

// The directory of unified kernel images; a path of EFI may have "\\" and letters of any case.
static bool is_unified(const char *path, size_t size)
{
	static const char directory[] = "/EFI/Linux/";

	if (!path || size < strlen(directory))
		return false;
	for (size_t i = 0; i < strlen(directory); i++)
		if (strncasecmp(path[i] == '\\' ? "/" : path + i, directory + i, 1) != 0)
			return false;
	return true;
}

// Memory tests and shells take other options, and another system on the same disk has its own. What a unified kernel image is given
// takes the place of the command line inside, so that it gets no options where there are none.
static bool is_for_us(const char *text, const char *machine)
{
	size_t size;
	const char *value = find_value(text, "machine-id", &size);

	if (value && machine && (size != strlen(machine) || strncasecmp(value, machine, size) != 0))
		return false;
	if (find_value(text, "linux", &size))
		return true;
	if (!find_value(text, "options", &size))
		return false;
	value = find_value(text, "efi", &size);
	return is_unified(value, size) || find_value(text, "uki", &size);
}

static struct error *edit_line(const char *line, const char *value, const struct parameters_change *change,
                               struct text *whole)
{
	size_t value_bytes = (size_t)(line_end(value) - value);
	struct parameters_line options = {.text = value, .size_bytes = value_bytes};
	_cleanup_free_ char *edited = NULL;
	struct error *err = parameters_edit(&options, change, &edited);

	if (err)
		return err;
	text_add(whole, "%.*s%s%s", (int)(value - line), line,
	         *edited && value > line && !strchr(" \t", value[-1]) ? " " : "", edited);
	text_add(whole, "%.*s", (int)(next_line(line) - line_end(value)), line_end(value));
	return NULL;
}

static void add_line(const struct parameters_change *change, struct text *whole)
{
	bool has_end = !whole->size_bytes || whole->buf[whole->size_bytes - 1] == '\n';

	text_add(whole, "%soptions", has_end ? "" : "\n");
	for (const char *const *word = change->add; *word; word++)
		text_add(whole, " %s", *word);
	text_add(whole, "\n");
}

// The rest of the options may be variables of GRUB's too, but this one is all of them.
static bool is_variable(const char *value)
{
	return memmem(value, (size_t)(line_end(value) - value), "$kernelopts", strlen("$kernelopts"));
}

static const char *find_last(const char *text)
{
	const char *last = NULL;

	for (const char *line = text; *line; line = next_line(line))
		if (value_of(line, "options"))
			last = line;
	return last;
}

// Names that go from all lines but the last: what comes there must not stay here.
static struct error *list_gone(const struct parameters_change *change, struct words *ret)
{
	for (const char *const *word = change->remove; word && *word; word++)
		words_add(ret, *word);
	for (const char *const *word = change->add; word && *word; word++)
		words_add(ret, *word);
	return words_check(ret);
}

struct error *blsentry_edit(const char *text, const char *name, const struct parameters_change *change, char **ret)
{
	_cleanup_words_ struct words gone = {0};
	_cleanup_text_ struct text whole = {0};
	const char *last = find_last(text);
	struct error *err = list_gone(change, &gone);
	struct parameters_change removal = {.remove = (const char *const *)gone.list};
	unsigned int number = 0;

	for (const char *line = text; *line && !err; line = next_line(line)) {
		const char *value = value_of(line, "options");

		number++;
		if (value && is_variable(value))
			err = error_new(ERROR_CONFIG,
			                "the options are a variable of GRUB's, which only grubby can change");
		else if (value)
			err = edit_line(line, value, line == last ? change : &removal, &whole);
		else
			text_add(&whole, "%.*s", (int)(next_line(line) - line), line);
		if (err && err->code == ERROR_BAD_DATA)
			err->code = ERROR_CONFIG;
		err = error_wrap(err, "%s:%u", name, number);
	}
	if (err)
		return err;
	if (!last && change->add && *change->add)
		add_line(change, &whole);
	return text_take(&whole, ret);
}

static bool is_entry(const char *name)
{
	const char *dot = strrchr(name, '.');

	return *name != '.' && dot && strcmp(dot, ".conf") == 0;
}

bool blsentry_is_there(const struct host *host, const char *directory)
{
	_cleanup_(host_names_freep) char **names = NULL;
	_cleanup_error_ struct error *err = host_list(host, directory, &names);

	for (char **name = names; !err && name && *name; name++)
		if (is_entry(*name))
			return true;
	return false;
}

static struct error *list_entries(const struct host *host, const char *directory, struct words *ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(host, directory, &names);

	for (char **name = names; !err && *name; name++)
		if (is_entry(*name))
			words_addf(ret, "%s/%s", directory, *name);
	return err ? err : words_check(ret);
}

// A file has one command line, but its lines may be several.
static struct error *view_file(const struct host *host, const char *path, const char *machine, const char *const *names,
                               struct bootloader_view *view)
{
	_cleanup_free_ char *text = NULL, *whole = NULL;
	_cleanup_text_ struct text options = {0};
	struct parameters_line line = {0};
	struct error *err = changes_read(host, path, &text);

	if (err || !text || !is_for_us(text, machine))
		return err;
	for (const char *at = text; *at; at = next_line(at)) {
		const char *value = value_of(at, "options");

		if (value)
			text_add(&options, "%.*s ", (int)(line_end(value) - value), value);
	}
	err = text_take(&options, &whole);
	if (err)
		return err;
	line = (struct parameters_line){.text = whole, .size_bytes = strlen(whole)};
	return bootloader_note(view, path, &line, names);
}

struct error *blsentry_view(const struct host *host, const char *directory, const char *const *names,
                            struct bootloader_view *view)
{
	_cleanup_words_ struct words entries = {0};
	_cleanup_free_ char *machine = NULL;
	struct error *err = read_machine(host, &machine);

	if (!err)
		err = list_entries(host, directory, &entries);
	for (size_t i = 0; i < entries.count && !err; i++)
		err = view_file(host, entries.list[i], machine, names, view);
	return err;
}

// "/boot/vmlinuz-1" is "/vmlinuz-1" where /boot is a file system.
static bool is_kernel(const char *linux_path, const char *asked)
{
	size_t size = strlen(asked), linux_size = strlen(linux_path);

	return size >= linux_size && *linux_path == '/' && strcmp(asked + size - linux_size, linux_path) == 0;
}

static struct error *is_asked(const char *path, const char *text, const char *standard, const char *kernel, bool *ret)
{
	_cleanup_free_ char *image = NULL, *name = NULL;
	struct error *err;

	*ret = true;
	if (strcmp(kernel, BOOTLOADER_ALL) == 0)
		return NULL;
	if (strcmp(kernel, BOOTLOADER_DEFAULT) == 0) {
		const char *file = strrchr(path, '/') + 1;

		name = strndup(file, strlen(file) - strlen(".conf"));
		if (!name)
			return error_new(ERROR_NOMEM, "no memory for a name");
		*ret = standard && (fnmatch(standard, file, 0) == 0 || fnmatch(standard, name, 0) == 0);
		return NULL;
	}
	err = blsentry_value(text, "linux", &image);
	*ret = !err && image && is_kernel(image, kernel);
	return err;
}

struct error *blsentry_plan_cmdline(const struct host *host, struct bootloader_task *task)
{
	_cleanup_free_ char *before = NULL, *edited = NULL, *after = NULL;
	struct parameters_line line = {0};
	bool is_for_all = strcmp(task->kernel, BOOTLOADER_ALL) == 0;
	struct error *err = is_for_all ? changes_read(host, BLSENTRY_CMDLINE, &before) : NULL;
	size_t size;

	if (err || !before)
		return err;
	// The newline at its end stays where it is.
	size = strlen(before);
	while (size && strchr(" \t\r\n", before[size - 1]))
		size--;
	line = (struct parameters_line){.text = before, .size_bytes = size};
	err = error_wrap(parameters_edit(&line, &task->change, &edited), BLSENTRY_CMDLINE);
	if (!err && asprintf(&after, "%s%s", edited, before + size) < 0) {
		after = NULL;
		err = error_new(ERROR_NOMEM, "no memory for %s", BLSENTRY_CMDLINE);
	}
	return err ? err : changes_add(&task->changes, BLSENTRY_CMDLINE, before, after);
}

static struct error *plan_entry(const struct host *host, const char *path, const char *machine, const char *standard,
                                struct bootloader_task *task, bool *is_any)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	bool is_wanted = false;
	struct error *err = changes_read(host, path, &before);

	if (!err && before && is_for_us(before, machine))
		err = is_asked(path, before, standard, task->kernel, &is_wanted);
	if (err || !is_wanted)
		return err;
	*is_any = true;
	err = blsentry_edit(before, path, &task->change, &after);
	return err ? err : changes_add(&task->changes, path, before, after);
}

static struct error *none_is_asked(const char *const *directories, const char *kernel)
{
	_cleanup_text_ struct text text = {0};

	for (const char *const *directory = directories; *directory; directory++)
		text_add(&text, "%s%s", directory == directories ? "" : ", ", *directory);
	if (strcmp(kernel, BOOTLOADER_ALL) == 0)
		return error_new(ERROR_UNSUPPORTED, "in %s no entry starts a Linux of this machine",
		                 text.buf ? text.buf : "");
	return error_new(ERROR_UNSUPPORTED, "in %s no entry is that of the kernel %s; --kernel=ALL changes all of them",
	                 text.buf ? text.buf : "", kernel);
}

struct error *blsentry_plan(const struct host *host, const char *const *directories, const char *standard,
                            struct bootloader_task *task)
{
	_cleanup_words_ struct words entries = {0};
	_cleanup_free_ char *machine = NULL;
	struct error *err = read_machine(host, &machine);
	bool is_any = false;

	for (const char *const *directory = directories; *directory && !err; directory++)
		err = list_entries(host, *directory, &entries);
	for (size_t i = 0; i < entries.count && !err; i++)
		err = plan_entry(host, entries.list[i], machine, standard, task, &is_any);
	if (!err && !is_any)
		err = none_is_asked(directories, task->kernel);
	return err ? err : blsentry_plan_cmdline(host, task);
}
