// SPDX-License-Identifier: GPL-2.0-or-later
// The text form of a plan. One table drives writing and reading, so that they cannot differ.
#include "boot/plan.h"

#include <inttypes.h>
#include <libconfig.h>
#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "boot/text.h"
#include "boot/words.h"

// A plan is a few KiB; libconfig builds a tree of what it reads.
enum { PLAN_MAX_BYTES = 256 * 1024 };
// Longest time of a plan, as that of the configuration (config_keys.c).
enum { WEEK_MS = 7 * 24 * 3600 * 1000 };

// "form" … match the order of the enums in plan.h.
static const char *const forms[] = {"minimal", "full", NULL};
static const char *const formats[] = {"auto", "none", "zlib", "lzo", "snappy", "zstd", "elf", "raw", NULL};
static const char *const actions[] = {"reboot", "halt", "poweroff", "shell", NULL};

enum field_type {
	FIELD_STRING, // char *
	FIELD_WORDS, // char **, NULL-terminated
	FIELD_ENUM, // enum, stored as its name
	FIELD_UINT, // unsigned int
	FIELD_INT, // int
	FIELD_U64, // uint64_t
	FIELD_BOOL, // bool
};

// A setting of the plan. "group.name" stands in the group; all settings of a group are neighbours.
struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	const char *const *names; // FIELD_ENUM
	int64_t first, last; // Numbers: the range, both ends allowed.
};

#define AT(member) offsetof(struct plan, member)

// clang-format off
static const struct field fields[] = {
	{"form", FIELD_ENUM, AT(form), forms, 0, 0},
	{"hostname", FIELD_STRING, AT(hostname), NULL, 0, 0},
	{"kernel.version", FIELD_STRING, AT(kernel_version), NULL, 0, 0},
	{"kernel.image", FIELD_STRING, AT(kernel_image), NULL, 0, 0},
	{"kernel.initrd", FIELD_STRING, AT(initrd), NULL, 0, 0},
	{"kernel.command_line", FIELD_STRING, AT(command_line), NULL, 0, 0},
	{"kernel.kexec_options", FIELD_STRING, AT(kexec_options), NULL, 0, 0},
	{"kernel.panic_notifiers", FIELD_BOOL, AT(has_panic_notifiers), NULL, 0, 0},
	{"kernel.panic_on", FIELD_WORDS, AT(panic_on), NULL, 0, 0},
	{"kernel.modules", FIELD_WORDS, AT(modules), NULL, 0, 0},
	{"target.device", FIELD_STRING, AT(target.device), NULL, 0, 0},
	{"target.fstype", FIELD_STRING, AT(target.fstype), NULL, 0, 0},
	{"target.options", FIELD_STRING, AT(target.options), NULL, 0, 0},
	{"target.directory", FIELD_STRING, AT(target.directory), NULL, 0, 0},
	{"target.files", FIELD_WORDS, AT(target_files), NULL, 0, 0},
	{"target.parts", FIELD_UINT, AT(parts), NULL, 1, PLAN_PARTS_MAX},
	{"target.timeout_ms", FIELD_U64, AT(target_timeout_ms), NULL, 0, WEEK_MS},
	{"target.free_bytes", FIELD_U64, AT(free_disk_bytes), NULL, 0, INT64_C(1) << 60},
	{"target.keep_old_dumps", FIELD_INT, AT(keep_old_dumps), NULL, -1, INT32_MAX},
	{"target.keep_max_bytes", FIELD_U64, AT(keep_max_bytes), NULL, 0, INT64_C(1) << 60},
	{"target.keep_max_s", FIELD_U64, AT(keep_max_s), NULL, 0, UINT64_C(36500) * 24 * 3600},
	{"target.keep_min_free_bytes", FIELD_U64, AT(keep_min_free_bytes), NULL, 0, INT64_C(1) << 60},
	{"fallback.devices", FIELD_WORDS, AT(fallback.devices), NULL, 0, 0},
	{"fallback.fstypes", FIELD_WORDS, AT(fallback.fstypes), NULL, 0, 0},
	{"fallback.options", FIELD_WORDS, AT(fallback.options), NULL, 0, 0},
	{"fallback.directories", FIELD_WORDS, AT(fallback.directories), NULL, 0, 0},
	{"watchdog.modules", FIELD_WORDS, AT(watchdog_modules), NULL, 0, 0},
	{"network.modules", FIELD_WORDS, AT(network_modules), NULL, 0, 0},
	{"network.links", FIELD_WORDS, AT(network_links), NULL, 0, 0},
	{"network.addresses", FIELD_WORDS, AT(network_addresses), NULL, 0, 0},
	{"network.timeout_ms", FIELD_U64, AT(network_timeout_ms), NULL, 0, WEEK_MS},
	{"network.routes", FIELD_WORDS, AT(network_routes), NULL, 0, 0},
	{"iscsi.sessions", FIELD_WORDS, AT(iscsi_sessions), NULL, 0, 0},
	{"crypt.volumes", FIELD_WORDS, AT(crypt_volumes), NULL, 0, 0},
	{"notify.routes", FIELD_WORDS, AT(notify_routes), NULL, 0, 0},
	{"notify.port", FIELD_UINT, AT(notify_port), NULL, 1, UINT16_MAX},
	{"notify.interval_ms", FIELD_U64, AT(notify_interval_ms), NULL, 1000, WEEK_MS},
	{"dump.level", FIELD_UINT, AT(dump_level), NULL, 0, 31},
	{"dump.loop_count", FIELD_UINT, AT(loop_count), NULL, 0, 1000},
	{"dump.loop_s", FIELD_UINT, AT(loop_s), NULL, 1, 525600 * 60},
	{"dump.keep_processes", FIELD_WORDS, AT(keep_processes), NULL, 0, 0},
	{"dump.encrypt_to", FIELD_WORDS, AT(encrypt_to), NULL, 0, 0},
	{"dump.format", FIELD_ENUM, AT(format), formats, 0, 0},
	{"dump.threads", FIELD_UINT, AT(threads), NULL, 1, 8192},
	{"hooks.pre", FIELD_WORDS, AT(hooks_pre), NULL, 0, 0},
	{"hooks.transfer", FIELD_WORDS, AT(hooks_transfer), NULL, 0, 0},
	{"hooks.post", FIELD_WORDS, AT(hooks_post), NULL, 0, 0},
	{"hooks.emergency", FIELD_WORDS, AT(hooks_emergency), NULL, 0, 0},
	{"hooks.files", FIELD_WORDS, AT(hooks_files), NULL, 0, 0},
	{"hooks.timeout_ms", FIELD_U64, AT(hooks_timeout_ms), NULL, 1, WEEK_MS},
	{"action.final", FIELD_ENUM, AT(final_action), actions, 0, 0},
	{"action.failure", FIELD_ENUM, AT(failure_action), actions, 0, 0},
	{"action.deadline_ms", FIELD_U64, AT(deadline_ms), NULL, 0, WEEK_MS},
	{"full.dracut_modules", FIELD_WORDS, AT(full_modules), NULL, 0, 0},
	{"full.devices", FIELD_WORDS, AT(full_devices), NULL, 0, 0},
	{"full.retry_ms", FIELD_U64, AT(full_retry_ms), NULL, 0, WEEK_MS},
	{"verbose", FIELD_UINT, AT(verbose), NULL, 0, 31},
};
// clang-format on

#undef AT

const char *plan_form_name(enum plan_form form)
{
	return forms[form];
}

static const void *field_of(const struct plan *plan, const struct field *field)
{
	return (const char *)plan + field->offset;
}

static void add_quoted(struct text *text, const char *string)
{
	text_add(text, "\"");
	for (const unsigned char *at = (const unsigned char *)string; *at; at++) {
		if (*at == '"' || *at == '\\')
			text_add(text, "\\%c", *at);
		else if (*at < ' ' || *at == 0x7f)
			text_add(text, "\\x%02x", *at);
		else
			text_add(text, "%c", *at);
	}
	text_add(text, "\"");
}

static void add_words(struct text *text, const char *indent, char *const *words)
{
	text_add(text, "[");
	for (size_t i = 0; words && words[i]; i++) {
		text_add(text, "%s\n%s\t", i ? "," : "", indent);
		add_quoted(text, words[i]);
	}
	text_add(text, "%s%s]", words && *words ? "\n" : "", words && *words ? indent : "");
}

static void add_value(struct text *text, const char *indent, const struct plan *plan, const struct field *field)
{
	const void *value = field_of(plan, field);
	const char *string;

	switch (field->type) {
	case FIELD_STRING:
		string = *(char *const *)value;
		add_quoted(text, string ? string : "");
		break;
	case FIELD_WORDS:
		add_words(text, indent, *(char **const *)value);
		break;
	case FIELD_ENUM:
		add_quoted(text, field->names[*(const unsigned int *)value]);
		break;
	case FIELD_UINT:
		text_add(text, "%u", *(const unsigned int *)value);
		break;
	case FIELD_INT:
		text_add(text, "%d", *(const int *)value);
		break;
	case FIELD_U64:
		text_add(text, "%" PRIu64 "L", *(const uint64_t *)value);
		break;
	case FIELD_BOOL:
		text_add(text, "%s", *(const bool *)value ? "true" : "false");
		break;
	}
}

// A reason is one comment line, whatever is in the names that it quotes.
static void add_reasons(struct text *text, const char *indent, const struct plan *plan, const char *key)
{
	for (size_t i = 0; i < plan->reason_count; i++) {
		if (strcmp(plan->reasons[i].key, key) != 0)
			continue;
		text_add(text, "%s# ", indent);
		for (const unsigned char *at = (const unsigned char *)plan->reasons[i].reason; *at; at++)
			text_add(text, "%c", *at < ' ' ? ' ' : *at);
		text_add(text, "\n");
	}
}

static size_t group_size(const char *key)
{
	const char *dot = strchr(key, '.');

	return dot ? (size_t)(dot - key) : 0;
}

static size_t word_count(char *const *words)
{
	size_t count = 0;

	while (words && words[count])
		count++;
	return count;
}

size_t plan_target_count(const struct plan *plan)
{
	return 1 + word_count(plan->fallback.devices);
}

struct plan_target plan_target_at(const struct plan *plan, size_t index)
{
	const struct plan_fallback *fallback = &plan->fallback;

	if (!index)
		return plan->target;
	index--;
	return (struct plan_target){fallback->devices[index], fallback->fstypes[index], fallback->options[index],
	                            fallback->directories[index]};
}

bool plan_target_is_server(const struct plan_target *place)
{
	return strcmp(place->fstype, PLAN_SFTP) == 0 || strcmp(place->fstype, PLAN_SEND) == 0;
}

bool plan_target_is_raw(const struct plan_target *place)
{
	return strcmp(place->fstype, PLAN_RAW) == 0;
}

const char *plan_format_name(enum plan_format format)
{
	return formats[format];
}

struct error *plan_format(const struct plan *plan, char **text_ret)
{
	_cleanup_text_ struct text text = {0};
	const char *group = "";
	size_t open_size = 0;

	text_add(&text,
	         "# What the capture system does, and why. Written by kdumpctl; see kdump-plan(5).\nversion = %d;\n",
	         PLAN_VERSION);
	for (size_t i = 0; i < array_size(fields); i++) {
		const struct field *field = &fields[i];
		size_t size = group_size(field->key);
		const char *indent = size ? "\t" : "";

		if (size != open_size || strncmp(group, field->key, size) != 0) {
			text_add(&text, "%s", open_size ? "};\n" : "");
			if (size)
				text_add(&text, "%.*s = {\n", (int)size, field->key);
			group = field->key;
			open_size = size;
		}
		add_reasons(&text, indent, plan, field->key);
		text_add(&text, "%s%s = ", indent, field->key + (size ? size + 1 : 0));
		add_value(&text, indent, plan, field);
		text_add(&text, ";\n");
	}
	text_add(&text, "%s", open_size ? "};\n" : "");
	return text_take(&text, text_ret);
}

static void write_words(struct json *json, const char *name, char *const *words)
{
	json_open_array(json, name);
	for (size_t i = 0; words && words[i]; i++)
		json_text(json, NULL, words[i]);
	json_close(json);
}

static void write_value(struct json *json, const char *name, const struct plan *plan, const struct field *field)
{
	const void *value = field_of(plan, field);
	const char *string;

	switch (field->type) {
	case FIELD_STRING:
		string = *(char *const *)value;
		json_text(json, name, string ? string : "");
		break;
	case FIELD_WORDS:
		write_words(json, name, *(char **const *)value);
		break;
	case FIELD_ENUM:
		json_text(json, name, field->names[*(const unsigned int *)value]);
		break;
	case FIELD_UINT:
		json_number(json, name, *(const unsigned int *)value);
		break;
	case FIELD_INT:
		json_signed(json, name, *(const int *)value);
		break;
	case FIELD_U64:
		json_number(json, name, *(const uint64_t *)value);
		break;
	case FIELD_BOOL:
		json_bool(json, name, *(const bool *)value);
		break;
	}
}

static void write_reasons(struct json *json, const struct plan *plan)
{
	json_open_array(json, "reasons");
	for (size_t i = 0; i < plan->reason_count; i++) {
		json_open_object(json, NULL);
		json_text(json, "key", plan->reasons[i].key);
		json_text(json, "reason", plan->reasons[i].reason);
		json_close(json);
	}
	json_close(json);
}

struct error *plan_write_json(const struct plan *plan, FILE *out)
{
	const char *group = "";
	size_t open_size = 0;
	struct json json;

	json_init(&json, out);
	json_open_object(&json, NULL);
	json_number(&json, "version", PLAN_VERSION);
	for (size_t i = 0; i < array_size(fields); i++) {
		const struct field *field = &fields[i];
		size_t size = group_size(field->key);

		if (size != open_size || strncmp(group, field->key, size) != 0) {
			char name[32];

			if (open_size)
				json_close(&json);
			snprintf(name, sizeof(name), "%.*s", (int)size, field->key);
			if (size)
				json_open_object(&json, name);
			group = field->key;
			open_size = size;
		}
		write_value(&json, field->key + (size ? size + 1 : 0), plan, field);
	}
	if (open_size)
		json_close(&json);
	write_reasons(&json, plan);
	json_close(&json);
	return json_finish(&json);
}

static struct error *setting_error(const char *name, const config_setting_t *setting, const char *key, const char *what)
{
	return error_new(ERROR_BAD_DATA, "%s:%u: %s: %s", name, (unsigned int)config_setting_source_line(setting), key,
	                 what);
}

static struct error *read_string(const char *name, const struct field *field, const config_setting_t *setting,
                                 char **ret)
{
	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return setting_error(name, setting, field->key, "must be a text");
	*ret = strdup(config_setting_get_string(setting));
	return *ret ? NULL : error_new(ERROR_NOMEM, "no memory for the plan");
}

static struct error *read_words(const char *name, const struct field *field, const config_setting_t *setting,
                                char ***ret)
{
	_cleanup_words_ struct words words = {0};

	if (config_setting_type(setting) != CONFIG_TYPE_ARRAY)
		return setting_error(name, setting, field->key, "must be an array of texts");
	for (unsigned int i = 0; i < (unsigned int)config_setting_length(setting); i++) {
		const char *word = config_setting_get_string_elem(setting, (int)i);

		if (!word)
			return setting_error(name, setting, field->key, "must be an array of texts");
		words_add(&words, word);
	}
	return words_take(&words, ret);
}

static struct error *read_enum(const char *name, const struct field *field, const config_setting_t *setting,
                               unsigned int *ret)
{
	const char *word = config_setting_type(setting) == CONFIG_TYPE_STRING ? config_setting_get_string(setting) : "";

	for (unsigned int i = 0; field->names[i]; i++) {
		if (strcmp(field->names[i], word) == 0) {
			*ret = i;
			return NULL;
		}
	}
	return setting_error(name, setting, field->key, "has a word that is not known");
}

static struct error *read_number(const char *name, const struct field *field, const config_setting_t *setting,
                                 void *value)
{
	int type = config_setting_type(setting);
	int64_t number = config_setting_get_int64(setting);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return setting_error(name, setting, field->key, "must be a number");
	if (number < field->first || number > field->last)
		return setting_error(name, setting, field->key, "is out of range");
	if (field->type == FIELD_UINT)
		*(unsigned int *)value = (unsigned int)number;
	else if (field->type == FIELD_INT)
		*(int *)value = (int)number;
	else
		*(uint64_t *)value = (uint64_t)number;
	return NULL;
}

static struct error *read_bool(const char *name, const struct field *field, const config_setting_t *setting, bool *ret)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return setting_error(name, setting, field->key, "must be true or false");
	*ret = config_setting_get_bool(setting);
	return NULL;
}

static struct error *read_field(const char *name, const struct field *field, const config_setting_t *setting,
                                struct plan *plan)
{
	void *value = (char *)plan + field->offset;

	switch (field->type) {
	case FIELD_STRING:
		return read_string(name, field, setting, value);
	case FIELD_WORDS:
		return read_words(name, field, setting, value);
	case FIELD_ENUM:
		return read_enum(name, field, setting, value);
	case FIELD_BOOL:
		return read_bool(name, field, setting, value);
	default:
		return read_number(name, field, setting, value);
	}
}

// libconfig reads other files at such a line; a plan is one file.
static bool has_include(const char *text)
{
	for (const char *at = strstr(text, "@include"); at; at = strstr(at + 1, "@include")) {
		const char *start = at;

		while (start > text && (start[-1] == ' ' || start[-1] == '\t'))
			start--;
		if (start == text || start[-1] == '\n' || start[-1] == '\r')
			return true;
	}
	return false;
}

static struct error *check_fallback(const char *name, const struct plan_fallback *fallback)
{
	size_t count = word_count(fallback->devices);

	if (word_count(fallback->fstypes) != count || word_count(fallback->options) != count ||
	    word_count(fallback->directories) != count)
		return error_new(ERROR_BAD_DATA, "%s:1: fallback: the lists are not of one length", name);
	return NULL;
}

static struct error *read_fields(const char *name, const config_t *tree, struct plan *plan)
{
	const config_setting_t *version = config_lookup(tree, "version");
	struct error *err = NULL;

	if (!version || config_setting_type(version) != CONFIG_TYPE_INT)
		return error_new(ERROR_BAD_DATA, "%s:1: version: is missing", name);
	if (config_setting_get_int(version) != PLAN_VERSION)
		return error_new(ERROR_UNSUPPORTED, "%s:%u: version %d of the plan is not known here, only %d", name,
		                 (unsigned int)config_setting_source_line(version), config_setting_get_int(version),
		                 PLAN_VERSION);
	for (size_t i = 0; i < array_size(fields) && !err; i++) {
		const config_setting_t *setting = config_lookup(tree, fields[i].key);

		if (!setting)
			return error_new(ERROR_BAD_DATA, "%s:1: %s: is missing", name, fields[i].key);
		err = read_field(name, &fields[i], setting, plan);
	}
	if (!err)
		err = check_fallback(name, &plan->fallback);
	if (!err && plan->parts > plan_target_count(plan))
		err = error_new(ERROR_BAD_DATA, "%s:1: target.parts: there are not so many targets", name);
	return err;
}

struct error *plan_parse(const char *text, const char *name, struct plan *ret)
{
	_cleanup_plan_ struct plan plan = {0};
	_cleanup_(config_destroy) config_t tree;
	struct error *err;

	config_init(&tree);
	if (strlen(text) > PLAN_MAX_BYTES)
		return error_new(ERROR_BAD_DATA, "%s:1: is larger than a plan can be", name);
	if (has_include(text))
		return error_new(ERROR_BAD_DATA, "%s:1: a plan includes no other file", name);
	if (!config_read_string(&tree, text))
		return error_new(ERROR_BAD_DATA, "%s:%d: %s", name, config_error_line(&tree), config_error_text(&tree));
	err = read_fields(name, &tree, &plan);
	if (err)
		return err;
	*ret = plan;
	plan = (struct plan){0};
	return NULL;
}

void plan_deinit(struct plan *plan)
{
	for (size_t i = 0; i < array_size(fields); i++) {
		void *value = (char *)plan + fields[i].offset;

		if (fields[i].type == FIELD_STRING)
			free(*(char **)value);
		else if (fields[i].type == FIELD_WORDS)
			host_names_free(*(char ***)value);
	}
	host_names_free(plan->secrets);
	for (size_t i = 0; i < plan->reason_count; i++) {
		free(plan->reasons[i].key);
		free(plan->reasons[i].reason);
	}
	free(plan->reasons);
	*plan = (struct plan){0};
}
