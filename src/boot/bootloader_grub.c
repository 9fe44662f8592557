// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB with a grub.cfg that grub-mkconfig makes from /etc/default/grub. Debian's also reads /etc/default/grub.d/*.cfg after it.
#include "boot/bootloader.h"

#include <stdio.h>
#include <string.h>

#include "boot/grubdefault.h"
#include "boot/text.h"

#define DEFAULTS "/etc/default/grub"
#define DROP_IN_DIRECTORY "/etc/default/grub.d"
// Behind those of others: one that gives the variable a value of its own would take ours away.
#define DROP_IN_NAME "zz-kdump.cfg"
#define DROP_IN DROP_IN_DIRECTORY "/" DROP_IN_NAME
#define FIRMWARE_MENUS "/boot/efi/EFI"

enum { SCRIPT_MAX_BYTES = 1024 * 1024 };

// A way to make grub.cfg. update-grub is Debian's, for grub-mkconfig.
struct maker {
	const char *script; // grub-mkconfig.
	const char *menu; // What it makes.
	const char *argv[4];
};

static const struct maker makers[] = {
	{"/usr/sbin/grub-mkconfig", "/boot/grub/grub.cfg", {"update-grub", NULL}},
	{"/usr/sbin/grub2-mkconfig", "/boot/grub2/grub.cfg", {"grub2-mkconfig", "-o", "/boot/grub2/grub.cfg", NULL}},
	{"/usr/sbin/grub-mkconfig", "/boot/grub/grub.cfg", {"grub-mkconfig", "-o", "/boot/grub/grub.cfg", NULL}},
};

static const struct maker *find_maker(const struct host *host)
{
	for (size_t i = 0; i < array_size(makers); i++)
		if (bootloader_has_program(host, makers[i].argv[0]))
			return &makers[i];
	return NULL;
}

static bool is_there(const struct host *host)
{
	return host_exists(host, DEFAULTS) && find_maker(host);
}

// Not all read the directory, although it may be there: the script tells.
static bool is_drop_in_read(const struct host *host)
{
	const struct maker *maker = find_maker(host);
	_cleanup_free_ char *script = NULL;
	_cleanup_error_ struct error *err =
		maker ? host_read(host, maker->script, SCRIPT_MAX_BYTES, &script, NULL) : NULL;

	return !err && script && host_exists(host, DROP_IN_DIRECTORY) && strstr(script, "default/grub.d");
}

// The files that are read, in their order, but for ours.
static struct error *list_files(const struct host *host, struct words *ret)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = NULL;

	words_add(ret, DEFAULTS);
	if (is_drop_in_read(host))
		err = host_list(host, DROP_IN_DIRECTORY, &names);
	for (char **name = names; name && *name; name++) {
		const char *dot = strrchr(*name, '.');

		if (**name != '.' && dot && strcmp(dot, ".cfg") == 0 && strcmp(*name, DROP_IN_NAME) != 0)
			words_addf(ret, DROP_IN_DIRECTORY "/%s", *name);
	}
	return err ? err : words_check(ret);
}

static struct error *find_in(const struct host *host, const char *path, const char *const *names, struct words *found)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = changes_read(host, path, &text);

	return err || !text ? err : grubdefault_find(text, path, names, found);
}

static struct error *view(const struct host *host, const char *const *names, struct bootloader_view *view)
{
	_cleanup_words_ struct words files = {0}, found = {0};
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *whole = NULL;
	struct error *err = list_files(host, &files);
	struct parameters_line line = {0};

	for (size_t i = 0; i < files.count && !err; i++)
		err = find_in(host, files.list[i], names, &found);
	if (!err && is_drop_in_read(host))
		err = find_in(host, DROP_IN, names, &found);
	if (!err)
		err = words_check(&found);
	for (size_t i = 0; i < found.count; i++)
		text_add(&text, "%s ", found.list[i]);
	if (!err)
		err = text_take(&text, &whole);
	if (err)
		return err;
	line = (struct parameters_line){.text = whole, .size_bytes = strlen(whole)};
	return bootloader_note(view, DEFAULTS, &line, names);
}

static struct error *plan_file(const struct host *host, const char *path, const struct parameters_change *change,
                               struct bootloader_task *task)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct error *err = changes_read(host, path, &before);

	if (!err && before)
		err = grubdefault_edit(before, path, change, &after);
	return err || !before ? err : changes_add(&task->changes, path, before, after);
}

static struct error *plan_drop_in(const struct host *host, const struct parameters_change *change,
                                  struct bootloader_task *task)
{
	_cleanup_text_ struct text text = {0};
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct error *err = changes_read(host, DROP_IN, &before);

	if (err || !change->add || !*change->add)
		return err ? err : changes_add(&task->changes, DROP_IN, before, NULL);
	text_add(&text, "# Memory for the kernel that saves crash dumps. Written by kdumpctl; kdumptool commandline -d "
	                "removes it.\n" GRUBDEFAULT_VARIABLE "=\"$" GRUBDEFAULT_VARIABLE);
	for (const char *const *word = change->add; *word; word++)
		text_add(&text, " %s", *word);
	text_add(&text, "\"\n");
	err = text_take(&text, &after);
	return err ? err : changes_add(&task->changes, DROP_IN, before, after);
}

// What a person would have to do.
static struct error *refuse(const struct bootloader_task *task, const char *path, const char *why)
{
	_cleanup_text_ struct text text = {0};
	bool is_adding = task->change.add && *task->change.add;
	const char *const *words = is_adding ? task->change.add : task->change.remove;

	for (const char *const *word = words; word && *word; word++)
		text_add(&text, " %s", *word);
	return error_new(ERROR_UNSUPPORTED, "%s %s, so nothing is changed; %s by hand:%s", path, why,
	                 is_adding ? "add these to its lines \"linux\"" : "take these off its lines \"linux\"",
	                 text.buf ? text.buf : "");
}

// What the firmware starts is a stub, which goes on with "configfile" to the menu, or as once on Fedora the menu itself. Whose it
// is cannot be seen: systems share the partition.
static struct error *check_firmware_menus(const struct host *host, const struct bootloader_task *task)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = NULL;

	if (!host_exists(host, "/sys/firmware/efi"))
		return NULL;
	err = host_list(host, FIRMWARE_MENUS, &names);
	for (char **name = names; !err && name && *name; name++) {
		_cleanup_free_ char *text = NULL;
		char path[512];

		snprintf(path, sizeof(path), FIRMWARE_MENUS "/%s/grub.cfg", *name);
		err = bootloader_read_menu(host, path, &text);
		if (!err && text && !strstr(text, "configfile"))
			err = refuse(task, path, "is a whole menu, perhaps the one that is started");
	}
	return err;
}

// Debian's update-grub is run by each new kernel. What we would run ourselves must not take the place of a menu made by hand.
static struct error *plan_menu(const struct host *host, const struct maker *maker, struct bootloader_task *task)
{
	struct error *err = bootloader_keep_menu(host, maker->menu, task);
	const char *text = task->menu.before, *mark;

	if (err || strcmp(maker->argv[0], "update-grub") == 0)
		return err;
	mark = text ? strstr(text, "automatically generated by ") : NULL;
	if (text && *text && (!mark || !memmem(mark, strcspn(mark, "\n"), "mkconfig", strlen("mkconfig"))))
		return refuse(task, maker->menu, "was not made by grub-mkconfig");
	return check_firmware_menus(host, task);
}

static struct error *plan(const struct host *host, struct bootloader_task *task)
{
	bool has_drop_in = is_drop_in_read(host);
	_cleanup_words_ struct words files = {0}, gone = {0};
	struct parameters_change removal;
	struct error *err = bootloader_all_only(&bootloader_grub, task);

	for (const char *const *word = task->change.remove; word && *word; word++)
		words_add(&gone, *word);
	for (const char *const *word = task->change.add; word && *word; word++)
		words_add(&gone, *word);
	removal = (struct parameters_change){.remove = (const char *const *)gone.list};
	if (!err)
		err = words_check(&gone);
	if (!err)
		err = plan_menu(host, find_maker(host), task);
	if (!err)
		err = list_files(host, &files);
	// What stands in files of others comes before ours, and would be a second value.
	for (size_t i = 0; i < files.count && !err; i++)
		err = plan_file(host, files.list[i], i || has_drop_in ? &removal : &task->change, task);
	if (!err && has_drop_in)
		err = plan_drop_in(host, &task->change, task);
	if (!err)
		bootloader_command(task, find_maker(host)->argv);
	return err;
}

// Whether a line begins a part of the menu that is not made from the defaults: other systems, and what stands in a file as it is.
static bool is_of_others(const char *line, size_t size)
{
	static const char begin[] = "### BEGIN ";

	return size > strlen(begin) && strncmp(line, begin, strlen(begin)) == 0 &&
	       (memmem(line, size, "os-prober", strlen("os-prober")) ||
	        memmem(line, size, "_custom", strlen("_custom")));
}

// linux, linux16, linuxefi; with Xen the kernel is a module.
static bool is_kernel_line(const char *line, size_t size)
{
	size_t blanks = strspn(line, " \t");

	line += blanks;
	return size > blanks &&
	       (strncmp(line, "linux", strlen("linux")) == 0 || strncmp(line, "module", strlen("module")) == 0);
}

static bool has_word(const struct words *words, const char *wanted)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->list[i], wanted) == 0)
			return true;
	return false;
}

// The parameters of some names that kernels have in the menu.
static struct error *find_in_menu(const char *text, const char *const *names, struct words *ret)
{
	bool is_skipped = false;

	for (const char *line = text; *line;) {
		size_t size = strcspn(line, "\n");
		struct parameters_line options = {.text = line, .size_bytes = size};

		if (is_of_others(line, size))
			is_skipped = true;
		else if (strncmp(line, "### END ", strlen("### END ")) == 0)
			is_skipped = false;
		else if (!is_skipped && is_kernel_line(line, size))
			parameters_find(&options, names, ret);
		line += size + (line[size] == '\n');
	}
	return words_check(ret);
}

// grub-mkconfig runs what is in /etc/grub.d, which may leave the parameters out, or have its own.
static struct error *check(const struct host *host, const struct bootloader_task *task)
{
	const char *path = find_maker(host)->menu;
	bool is_adding = task->change.add && *task->change.add;
	_cleanup_words_ struct words found = {0};
	_cleanup_free_ char *text = NULL;
	struct error *err = bootloader_read_menu(host, path, &text);

	if (!err && text)
		err = find_in_menu(text, is_adding ? task->change.add : task->change.remove, &found);
	if (err || !text)
		return err;
	for (const char *const *word = task->change.add; word && *word; word++)
		if (!has_word(&found, *word))
			return error_new(ERROR_OS, "%s was made, but %s is not in it", path, *word);
	if (!is_adding && found.count)
		return error_new(ERROR_OS, "%s was made, but %s is still in it", path, found.list[0]);
	return NULL;
}

const struct bootloader bootloader_grub = {
	.name = "GRUB",
	.is_there = is_there,
	.view = view,
	.plan = plan,
	.check = check,
};
