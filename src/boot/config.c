// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "boot/assignment.h"
#include "boot/text.h"

// A configuration is a few KiB; what is larger is something else by mistake.
enum { CONFIG_MAX_BYTES = 1024 * 1024 };

// One line that is being read.
struct line {
	const char *file;
	unsigned int number;
	char *text;
};

static struct error *line_error(const struct line *line, const char *key, const char *what)
{
	return error_new(ERROR_CONFIG, "%s:%u: %s%s%s", line->file, line->number, key ? key : "", key ? ": " : "",
	                 what);
}

static int find_key(const char *name)
{
	for (int i = 0; i < KEY_COUNT; i++) {
		if (strcmp(config_key_info(i)->name, name) == 0)
			return i;
	}
	return -1;
}

static bool is_command(const char *name)
{
	int key = find_key(name);

	return key >= 0 && config_key_info(key)->type == CONFIG_COMMAND;
}

static void warn_unknown(struct config *config, const struct line *line, const char *name)
{
	const char *names[KEY_COUNT + 1] = {NULL};
	const char *nearest;

	for (int i = 0; i < KEY_COUNT; i++)
		names[i] = config_key_info(i)->name;
	nearest = text_nearest(name, names);
	words_addf(&config->warnings, "%s:%u: unknown key %s%s%s%s", line->file, line->number, name,
	           nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static struct error *assign(struct config *config, const struct line *line, const char *name, const char *text)
{
	int key = find_key(name);
	struct config_value value = {.is_set = true};

	if (key < 0) {
		warn_unknown(config, line, name);
		return NULL;
	}
	value.text = strdup(text);
	if (asprintf(&value.where, "%s:%u", line->file, line->number) < 0)
		value.where = NULL;
	if (!value.text || !value.where) {
		free(value.text);
		free(value.where);
		return error_new(ERROR_NOMEM, "no memory for the configuration");
	}
	free(config->values[key].text);
	free(config->values[key].where);
	config->values[key] = value;
	return NULL;
}

static struct error *parse_value(struct config *config, const struct line *line)
{
	struct assignment assignment;
	const char *wrong = assignment_parse(line->text, &assignment);
	_cleanup_free_ char *name = NULL, *value = NULL;

	if (!assignment.name)
		return line_error(line, NULL, wrong);
	name = strndup(assignment.name, assignment.name_bytes);
	value = wrong ? NULL : assignment_text(&assignment);
	if (!name || (!wrong && !value))
		return error_new(ERROR_NOMEM, "no memory for the configuration");
	if (wrong)
		return line_error(line, name, wrong);
	if (assignment.has_expansion && !is_command(name))
		words_addf(&config->warnings,
		           "%s:%u: %s: $ and ` are taken as they are, the file is read and not executed", line->file,
		           line->number, name);
	return assign(config, line, name, value);
}

static struct error *parse_line(struct config *config, struct line *line)
{
	size_t size = strlen(line->text);
	const char *at;

	while (size && strchr(" \t\r", line->text[size - 1]))
		line->text[--size] = '\0';
	at = line->text + strspn(line->text, " \t");
	if (!*at || *at == '#')
		return NULL;
	if (line->text[size - 1] == '\\')
		return line_error(line, NULL, "a line cannot be continued with a backslash");
	return parse_value(config, line);
}

struct error *config_parse(const char *text, const char *name, struct config *config)
{
	_cleanup_free_ char *copy = strdup(text);
	struct line line = {.file = name};
	struct error *err = NULL;
	char *rest = copy;

	if (!copy)
		return error_new(ERROR_NOMEM, "no memory for the configuration");
	while (!err && (line.text = strsep(&rest, "\n"))) {
		line.number++;
		err = parse_line(config, &line);
	}
	return err;
}

static struct error *value_error(const struct config_key_info *info, const struct config_value *value,
                                 const char *allowed)
{
	return error_new(ERROR_CONFIG, "%s: %s: \"%s\" is wrong, allowed is %s", value->where, info->name, value->text,
	                 allowed);
}

static struct error *check_bool(const struct config_key_info *info, struct config_value *value)
{
	static const char *const words[] = {"no", "yes", "false", "true", "0", "1", "off", "on"};

	for (size_t i = 0; i < array_size(words); i++) {
		if (strcasecmp(value->text, words[i]) == 0) {
			value->number = i % 2;
			return NULL;
		}
	}
	return value_error(info, value, "yes or no, true or false, 1 or 0, on or off");
}

static struct error *check_int(const struct config_key_info *info, struct config_value *value)
{
	bool is_number = isdigit((unsigned char)value->text[*value->text == '-']);
	char allowed[80], *end;
	intmax_t number;

	errno = 0;
	number = strtoimax(value->text, &end, 10);
	snprintf(allowed, sizeof(allowed), "a number from %jd to %jd", (intmax_t)info->first, (intmax_t)info->last);
	if (!is_number || *end || errno || number < info->first || number > info->last)
		return value_error(info, value, allowed);
	value->number = number;
	return NULL;
}

static struct error *check_choice(const struct config_key_info *info, struct config_value *value)
{
	char allowed[200] = "empty";

	for (int i = 0; info->choices[i]; i++) {
		if (strcasecmp(value->text, info->choices[i]) == 0) {
			value->number = i;
			return NULL;
		}
		if (*info->choices[i]) {
			strncat(allowed, ", ", sizeof(allowed) - strlen(allowed) - 1);
			strncat(allowed, info->choices[i], sizeof(allowed) - strlen(allowed) - 1);
		}
	}
	return value_error(info, value, allowed);
}

static struct error *check_type(const struct config_key_info *info, struct config_value *value)
{
	switch (info->type) {
	case CONFIG_BOOL:
		return check_bool(info, value);
	case CONFIG_INT:
		return check_int(info, value);
	case CONFIG_CHOICE:
		return check_choice(info, value);
	case CONFIG_STRING:
	case CONFIG_COMMAND:
		break;
	}
	return NULL;
}

static struct error *default_value(const struct config_key_info *info, struct config_value *value)
{
	value->text = strdup(info->default_text);
	value->where = strdup("default");
	return value->text && value->where ? NULL : error_new(ERROR_NOMEM, "no memory for the configuration");
}

// Whether a value of the right type means the same as the default: 1 is true, "0x" is nothing else.
static bool is_default(const struct config_key_info *info, const struct config_value *value)
{
	struct config_value standard = {.text = (char *)info->default_text, .where = (char *)""};
	_cleanup_error_ struct error *err = check_type(info, &standard);

	if (info->type == CONFIG_STRING || info->type == CONFIG_COMMAND)
		return strcmp(value->text, info->default_text) == 0;
	return !err && value->number == standard.number;
}

static struct error *check_value(struct config *config, enum config_key key)
{
	const struct config_key_info *info = config_key_info(key);
	struct config_value *value = &config->values[key];
	struct error *err = value->is_set ? NULL : default_value(info, value);

	if (!err)
		err = check_type(info, value);
	if (err || is_default(info, value))
		return err;
	if (info->state == CONFIG_WITHOUT_EFFECT)
		words_addf(&config->warnings, "%s: %s has no effect: %s", value->where, info->name, info->note);
	return NULL;
}

struct error *config_check(struct config *config)
{
	struct error *err = NULL;

	for (int key = 0; key < KEY_COUNT && !err; key++)
		err = check_value(config, key);
	return err ? err : words_check(&config->warnings);
}

// "scheme://user:password@host…"
static bool is_secret_url(const char *url)
{
	const char *host = url ? strstr(url, "://") : NULL, *colon = host ? strchr(host + 3, ':') : NULL;
	// A password may hold "/" and "@" as people write it; better one file too many with mode 0600.
	const char *at = host ? strrchr(host, '@') : NULL;

	return colon && at && colon < at;
}

static bool has_password(const struct config *config)
{
	static const enum config_key urls[] = {KEY_SAVEDIR, KEY_FALLBACK, KEY_S3_ENDPOINT};
	const char *password = config->values[KEY_SMTP_PASSWORD].text;

	for (size_t i = 0; i < array_size(urls); i++)
		if (is_secret_url(config->values[urls[i]].text))
			return true;
	return password && *password;
}

static struct error *tighten(const struct host *host, const char *path, struct config *all)
{
	_cleanup_close_ int fd = -1;
	struct error *err = host_open(host, path, O_RDONLY, 0, &fd);
	struct stat info;

	if (err)
		return err;
	if (fstat(fd, &info) < 0)
		return error_os(errno, "%s", path);
	if ((info.st_mode & 077) == 0)
		return NULL;
	if (fchmod(fd, 0600) < 0)
		words_addf(&all->warnings, "%s holds a password, others can read it, and its mode cannot be changed",
		           path);
	else
		words_addf(&all->warnings, "%s holds a password and others could read it; its mode is 0600 now", path);
	return NULL;
}

static struct error *load_file(const struct host *host, const char *path, struct config *config)
{
	_cleanup_config_ struct config alone = {0};
	_cleanup_free_ char *text = NULL;
	size_t size_bytes;
	struct error *err = host_read(host, path, CONFIG_MAX_BYTES, &text, &size_bytes);

	if (err)
		return err;
	if (strlen(text) != size_bytes)
		return error_new(ERROR_CONFIG, "%s: there is a NUL byte in it, it is no text", path);
	err = config_parse(text, path, config);
	if (err)
		return err;
	// Once more by itself: this file may hold the password that a later one overrides.
	err = config_parse(text, path, &alone);
	if (!err && has_password(&alone))
		err = tighten(host, path, config);
	return err;
}

static struct error *load_drop_ins(const struct host *host, const char *path, struct config *config)
{
	_cleanup_(host_names_freep) char **names = NULL;
	_cleanup_free_ char *dir = NULL;
	struct error *err;

	if (asprintf(&dir, "%s.d", path) < 0) {
		dir = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	err = host_list(host, dir, &names);
	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *file = NULL;
		size_t size = strlen(*name);

		if (**name == '.' || size < 6 || strcmp(*name + size - 5, ".conf") != 0)
			continue;
		if (asprintf(&file, "%s/%s", dir, *name) < 0) {
			file = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		err = load_file(host, file, config);
	}
	return err;
}

struct error *config_load(const struct host *host, const char *path, struct config *ret)
{
	_cleanup_config_ struct config config = {0};
	struct error *err = load_file(host, path, &config);

	if (err && err->code == ERROR_OS && err->errnum == ENOENT && strcmp(path, CONFIG_PATH) == 0) {
		error_free(err);
		err = NULL;
		words_addf(&config.warnings, "%s does not exist; all values are defaults", path);
	}
	if (!err)
		err = load_drop_ins(host, path, &config);
	if (!err)
		err = config_check(&config);
	if (err)
		return err;
	*ret = config;
	config = (struct config){0};
	return NULL;
}

const char *config_text(const struct config *config, enum config_key key)
{
	return config->values[key].text;
}

int64_t config_number(const struct config *config, enum config_key key)
{
	return config->values[key].number;
}

const char *config_where(const struct config *config, enum config_key key)
{
	return config->values[key].where;
}

void config_deinit(struct config *config)
{
	for (int i = 0; i < KEY_COUNT; i++) {
		free(config->values[i].text);
		free(config->values[i].where);
	}
	words_deinit(&config->warnings);
	*config = (struct config){0};
}
