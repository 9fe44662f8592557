// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_import.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "boot/changes.h"
#include "boot/import.h"
#include "cmd/ctl_settings.h"

static const struct {
	const char *word, *path, *file;
} kinds[] = {
	[IMPORT_RHEL] = {"rhel", "/etc/kdump.conf", "kdump.conf"},
	[IMPORT_DEBIAN] = {"debian", "/etc/default/kdump-tools", "kdump-tools"},
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

// Which file, in the root that we work on.
static struct error *find_path(const struct ctl *ctl, char **ret)
{
	_cleanup_free_ char *here = NULL;

	if (!ctl->word_count) {
		for (size_t i = 0; i < array_size(kinds); i++) {
			if (host_exists(&ctl->host, kinds[i].path)) {
				*ret = strdup(kinds[i].path);
				return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for a path");
			}
		}
		return error_new(ERROR_USAGE, "neither %s nor %s is there; name the file", kinds[0].path,
		                 kinds[1].path);
	}
	if (*ctl->words[0] == '/') {
		*ret = strdup(ctl->words[0]);
		return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for a path");
	}
	here = strcmp(ctl->host.root, "/") == 0 ? getcwd(NULL, 0) : strdup("");
	if (!here || asprintf(ret, "%s/%s", strcmp(here, "/") == 0 ? "" : here, ctl->words[0]) < 0)
		return error_new(ERROR_NOMEM, "no memory for a path");
	return NULL;
}

static struct error *find_kind(const struct ctl *ctl, const char *path, enum import_from *ret)
{
	const char *word = ctl->options.values[CTL_OPTION_FROM];

	for (size_t i = 0; i < array_size(kinds); i++) {
		if (word ? strcmp(word, kinds[i].word) == 0 : strcmp(base_name(path), kinds[i].file) == 0) {
			*ret = (enum import_from)i;
			return NULL;
		}
	}
	if (word)
		return error_new(ERROR_USAGE, "--from=%s: allowed is rhel or debian", word);
	return error_new(ERROR_USAGE,
	                 "%s: its name does not tell whose configuration it is; add --from=rhel or --from=debian",
	                 path);
}

static struct error *print(const struct imported *import)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = import_format(import, &text);

	if (err)
		return err;
	fputs(text, stdout);
	return ctl_flush("the configuration");
}

// Where dumps go is one decision: of what was configured before nothing may be left in it.
static struct error *write_all(const struct ctl *ctl, const struct imported *import)
{
	static const enum config_key places[] = {KEY_TARGET, KEY_SAVEDIR, KEY_FALLBACK};
	struct ctl_settings settings = {.has_secret = import->has_secret};
	_cleanup_free_ char *kept = NULL;
	struct error *err;

	for (int key = 0; key < KEY_COUNT; key++)
		settings.values[key] = import->values[key].text;
	for (size_t i = 0; i < array_size(places); i++)
		if (!settings.values[places[i]])
			settings.values[places[i]] = config_key_info(places[i])->default_text;
	err = ctl_settings_write(ctl, &settings, &kept);
	if (!err)
		err = ctl_settings_verify(ctl, &settings);
	if (!err && !ctl->is_quiet)
		printf("%s has the settings of %s%s%s\n", ctl->config_path, import->name,
		       kept ? "; what it was is " : "", kept ? kept : "");
	return err ? err : ctl_flush("what was done");
}

struct error *ctl_import(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_imported_ struct imported import = {0};
	_cleanup_free_ char *path = NULL, *text = NULL;
	enum import_from from = IMPORT_RHEL;
	struct error *err = find_path(ctl, &path);

	(void)exit_ret;
	if (!err)
		err = find_kind(ctl, path, &from);
	if (!err)
		err = changes_read(&ctl->host, path, &text);
	if (!err && !text)
		err = error_new(ERROR_USAGE, "%s is not there", path);
	if (!err)
		err = import_read(from, text, path, &import);
	for (size_t i = 0; !err && i < import.notes.count && !ctl->is_quiet; i++)
		fprintf(stderr, "%s: %s\n", ctl->program, import.notes.list[i]);
	if (err)
		return err;
	return ctl_options_has(&ctl->options, CTL_OPTION_WRITE) ? write_all(ctl, &import) : print(&import);
}
