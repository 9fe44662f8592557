// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/checkup_modules.h"

#include <string.h>

#include "boot/words.h"

// Lists of names behind a parameter. The kernel itself obeys the first one; modprobe and dracut the others, of which only the full
// form has any.
static const struct parameter {
	const char *name;
	bool is_of_kernel;
} parameters[] = {{"module_blacklist=", true}, {"modprobe.blacklist=", false}, {"rd.driver.blacklist=", false}};

// Whether names of a module are the same: "-" is "_".
static bool is_same_module(const char *path, const char *name, size_t size)
{
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
	size_t i;

	for (i = 0; i < size && file[i]; i++)
		if (file[i] != name[i] && !(strchr("-_", file[i]) && strchr("-_", name[i])))
			return false;
	return size && i == size && file[i] == '.';
}

// A module of the plan by its name; NULL: it needs no such one.
static const char *find_module(const struct plan *plan, const char *name, size_t size)
{
	char *const *const lists[] = {plan->modules, plan->network_modules};

	for (size_t i = 0; i < array_size(lists); i++)
		for (char *const *module = lists[i]; module && *module; module++)
			if (is_same_module(*module, name, size))
				return *module;
	return NULL;
}

static void check_word(const struct plan *plan, const char *word, struct findings *findings)
{
	for (size_t i = 0; i < array_size(parameters); i++) {
		const char *name = word + strlen(parameters[i].name);

		if (strncmp(word, parameters[i].name, strlen(parameters[i].name)) != 0 ||
		    (!parameters[i].is_of_kernel && plan->form != PLAN_FULL))
			continue;
		for (size_t size; *name; name += size + (name[size] == ',')) {
			const char *module;

			size = strcspn(name, ",");
			module = find_module(plan, name, size);
			if (module)
				findings_add(findings, FINDING_ERROR, "modules",
				             "the target needs %s, which %s forbids the capture kernel too: "
				             "take it off the "
				             "command line, or give another one in KDUMP_COMMANDLINE",
				             module, word);
		}
	}
}

void checkup_modules(const struct plan *plan, struct findings *findings)
{
	_cleanup_words_ struct words words = {0};

	words_split(&words, plan->command_line);
	findings->is_failed |= words.is_failed;
	for (size_t i = 0; i < words.count; i++)
		check_word(plan, words.list[i], findings);
}

// "install" with another program than modprobe is how a module is forbidden to everybody.
static bool is_forbidden(const struct words *words)
{
	if (words->count == 2)
		return strcmp(words->list[0], "blacklist") == 0;
	return words->count > 2 && strcmp(words->list[0], "install") == 0 &&
	       (strcmp(words->list[2], "/bin/true") == 0 || strcmp(words->list[2], "/bin/false") == 0 ||
	        strcmp(words->list[2], "/usr/bin/true") == 0 || strcmp(words->list[2], "/usr/bin/false") == 0);
}

void checkup_modules_file(const struct plan *plan, const char *name, const char *text, struct findings *findings)
{
	if (plan->form != PLAN_FULL)
		return;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		_cleanup_free_ char *copy = strndup(line, strcspn(line, "\n"));
		_cleanup_words_ struct words words = {0};
		const char *module;

		if (copy)
			words_split(&words, copy);
		findings->is_failed |= !copy || words.is_failed;
		module = is_forbidden(&words) ? find_module(plan, words.list[1], strlen(words.list[1])) : NULL;
		if (module)
			findings_add(
				findings, FINDING_WARNING, "modules",
				"the target needs %s, which /%s of the capture initramfs forbids (%s): take that out "
				"of this system's modprobe.d, and run kdumpctl start",
				module, name, words.list[0]);
	}
}
