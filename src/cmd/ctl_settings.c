// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "boot/changes.h"
#include "boot/sysconfig.h"

enum { OLD_MAX = 100, MODE_OWNER = 0600, MODE_USUAL = 0644 };

// Before it is there, and in the mode of the file: it may hold a password.
static struct error *keep_old(const struct ctl *ctl, const char *text, mode_t mode, char **ret)
{
	for (int i = 0; i < OLD_MAX; i++) {
		_cleanup_free_ char *path = NULL;
		struct error *err;

		if ((i == 0 ? asprintf(&path, "%s.old", ctl->config_path)
		            : asprintf(&path, "%s.old.%d", ctl->config_path, i)) < 0) {
			path = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		if (host_exists(&ctl->host, path))
			continue;
		err = host_replace(&ctl->host, path, text, strlen(text), mode);
		if (!err)
			*ret = take_ptr(path);
		return err;
	}
	return error_new(ERROR_CONFIG, "%s.old and %d more are there: remove some of them", ctl->config_path,
	                 OLD_MAX - 1);
}

// A default that is not there is left out: the file has what was decided.
static bool is_needed(const struct config *before, int key, const char *value)
{
	return value && (before->values[key].is_set || strcmp(value, config_key_info(key)->default_text) != 0);
}

static struct error *edit(const struct ctl *ctl, const struct ctl_settings *settings, const char *before, char **ret)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *text = strdup(before);
	struct error *err = text ? config_parse(before, ctl->config_path, &config)
	                         : error_new(ERROR_NOMEM, "no memory for the configuration");

	for (int key = 0; key < KEY_COUNT && !err; key++) {
		char *changed = NULL;

		if (!is_needed(&config, key, settings->values[key]))
			continue;
		err = sysconfig_set(text, config_key_info(key)->name, settings->values[key], &changed);
		if (err)
			return err;
		free(text);
		text = changed;
	}
	if (!err)
		*ret = take_ptr(text);
	return err;
}

static struct error *check(const struct ctl *ctl, const char *text)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = config_parse(text, ctl->config_path, &config);

	if (!err)
		err = config_check(&config);
	return error_wrap(err, "nothing is written, since it could not be read again");
}

struct error *ctl_settings_preview(const struct ctl *ctl, const struct ctl_settings *settings, struct config *ret)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	_cleanup_config_ struct config config = {0};
	struct error *err = changes_read(&ctl->host, ctl->config_path, &before);

	if (!err)
		err = edit(ctl, settings, before ? before : "", &after);
	if (!err)
		err = config_parse(after, ctl->config_path, &config);
	if (!err)
		err = config_check(&config);
	if (err)
		return err;
	*ret = config;
	config = (struct config){0};
	return NULL;
}

struct error *ctl_settings_write(const struct ctl *ctl, const struct ctl_settings *settings, char **kept_ret)
{
	const struct host *host = &ctl->host;
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct stat info = {.st_mode = MODE_USUAL};
	struct error *err = changes_read(host, ctl->config_path, &before);

	*kept_ret = NULL;
	if (!err)
		err = edit(ctl, settings, before ? before : "", &after);
	if (!err)
		err = check(ctl, after);
	if (err || (before && strcmp(before, after) == 0))
		return err;
	if (before)
		err = host_stat(host, ctl->config_path, &info);
	if (!err && before)
		err = keep_old(ctl, before, info.st_mode & 07777, kept_ret);
	if (err)
		return err;
	// Never a moment in which others can read the password.
	if (!before || (settings->has_secret && info.st_mode & 077))
		return host_replace(host, ctl->config_path, after, strlen(after),
		                    settings->has_secret ? MODE_OWNER : MODE_USUAL);
	return host_rewrite(host, ctl->config_path, after, strlen(after));
}

struct error *ctl_settings_verify(const struct ctl *ctl, const struct ctl_settings *settings)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = config_load(&ctl->host, ctl->config_path, &config);

	for (int key = 0; key < KEY_COUNT && !err; key++) {
		const char *value = settings->values[key];

		if (value && strcmp(config_text(&config, key), value) != 0)
			fprintf(stderr, "%s: warning: %s has another value of %s, which counts\n", ctl->program,
			        config_where(&config, key), config_key_info(key)->name);
	}
	return err;
}
