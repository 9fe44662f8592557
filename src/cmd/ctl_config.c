// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_config.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/sysconfig.h"
#include "boot/text.h"

#define HIDDEN "*"

static void add_masked(struct text *text, const char *value)
{
	for (const char *url = strstr(value, "://"); url; url = strstr(value, "://")) {
		size_t size = strcspn(url, " ");
		const char *at = memrchr(url, '@', size), *colon = memchr(url + 3, ':', size > 3 ? size - 3 : 0);
		const char *end = url + 3;

		if (colon && at && colon < at) {
			text_add(text, "%.*s:" HIDDEN, (int)(colon - value), value);
			end = at;
		} else {
			text_add(text, "%.*s", (int)(end - value), value);
		}
		value = end;
	}
	text_add(text, "%s", value);
}

struct error *ctl_config_mask(const char *value, char **ret)
{
	_cleanup_text_ struct text text = {0};

	add_masked(&text, value);
	return text_take(&text, ret);
}

static struct error *print_key(const struct config *config, enum config_key key)
{
	_cleanup_text_ struct text masked = {0};
	_cleanup_free_ char *line = NULL;
	const char *value = config_text(config, key);
	struct error *err;

	if (key == KEY_SMTP_PASSWORD && *value)
		value = HIDDEN;
	add_masked(&masked, value);
	if (masked.is_failed)
		return error_new(ERROR_NOMEM, "no memory for a text");
	err = sysconfig_line(config_key_info(key)->name, masked.buf, &line);
	if (!err)
		puts(line);
	return err;
}

struct error *ctl_config_dump(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = ctl_load_config(ctl, &config);

	(void)exit_ret;
	for (int key = 0; key < KEY_COUNT && !err; key++)
		if (config_key_info(key)->state == CONFIG_WORKS)
			err = print_key(&config, key);
	return err ? err : ctl_flush("the configuration");
}
