// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/import.h"

#include "boot/import_debian.h"
#include "boot/import_rhel.h"
#include "boot/sysconfig.h"
#include "boot/text.h"

// A mistake of ours must not become a file that stops the next start.
static struct error *check(const struct imported *import)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *text = NULL;
	struct error *err = import_format(import, &text);

	if (!err)
		err = config_parse(text, "the result", &config);
	if (!err)
		err = config_check(&config);
	return error_wrap(err, "%s cannot be taken over", import->name);
}

struct error *import_read(enum import_from from, const char *text, const char *name, struct imported *ret)
{
	struct imported import = {.name = name};
	struct error *err = from == IMPORT_RHEL ? import_rhel(text, &import) : import_debian(text, &import);

	if (!err && import.is_failed)
		err = error_new(ERROR_NOMEM, "no memory for the import");
	if (!err)
		err = words_check(&import.notes);
	if (!err)
		err = check(&import);
	if (err) {
		imported_deinit(&import);
		return err;
	}
	*ret = import;
	return NULL;
}

struct error *import_format(const struct imported *import, char **ret)
{
	_cleanup_text_ struct text text = {0};

	text_add(&text, "# From %s, by kdumpctl import. See kdump(5).\n", import->name);
	for (int key = 0; key < KEY_COUNT; key++) {
		_cleanup_free_ char *line = NULL;
		struct error *err;

		if (!import->values[key].text)
			continue;
		err = sysconfig_line(config_key_info(key)->name, import->values[key].text, &line);
		if (err)
			return err;
		text_add(&text, "\n# %s\n%s\n", import->values[key].origin, line);
	}
	if (import->notes.count)
		text_add(&text, "\n# What is not as it was, line by line:\n");
	for (size_t i = 0; i < import->notes.count; i++)
		text_add(&text, "# %s\n", import->notes.list[i]);
	return text_take(&text, ret);
}
