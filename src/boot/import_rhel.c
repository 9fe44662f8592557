// SPDX-License-Identifier: GPL-2.0-or-later
// RHEL's and Fedora's /etc/kdump.conf: kdump.conf(5) and kdumpctl of kdump-utils, and what older versions of them had.
#include "boot/import_rhel.h"

#include <string.h>

#include "boot/import_makedumpfile.h"
#include "boot/text.h"

#define DEFAULT_PATH "/var/crash"

// What belongs together, although it stands on different lines.
struct rhel {
	struct imported *import;
	struct imported_line target; // The kind of target and its value; number 0: none.
	struct imported_line path;
	struct imported_line rootfs; // failure_action dump_to_rootfs.
	char *mount; // The device of dracut_args --mount; owned.
	struct imported_line blacklist; // The last line of it; number 0: none.
	struct words blacklisted;
};

struct directive {
	const char *name;
	void (*take)(struct rhel *rhel, const struct imported_line *line); // NULL: its note is all.
	enum config_key key; // If take is NULL and there is no note: the key that takes the value as it is.
	const char *note; // With a key: said beside it.
};

static void take_target(struct rhel *rhel, const struct imported_line *line)
{
	if (rhel->target.number)
		imported_note(rhel->import, line, "there is more than one target; that of line %u counts",
		              rhel->target.number);
	else
		rhel->target = *line;
}

// What "nfs" and "ssh" were before they had names of their own.
static void take_net(struct rhel *rhel, const struct imported_line *line)
{
	struct imported_line target = *line;

	target.word = strstr(line->value, ":/") ? "nfs" : "ssh";
	take_target(rhel, &target);
}

static void take_path(struct rhel *rhel, const struct imported_line *line)
{
	rhel->path = *line;
}

static void take_collector(struct rhel *rhel, const struct imported_line *line)
{
	size_t size = strcspn(line->value, " \t");
	const char *slash = memrchr(line->value, '/', size), *name = slash ? slash + 1 : line->value;
	size_t name_size = size - (size_t)(name - line->value);

	if (name_size == strlen("makedumpfile") && strncmp(name, "makedumpfile", name_size) == 0) {
		import_makedumpfile(rhel->import, line, line->value + size);
		return;
	}
	for (const char *const *copier = (const char *const[]){"scp", "cp", "cat", "dd", NULL}; *copier; copier++) {
		if (name_size == strlen(*copier) && strncmp(name, *copier, name_size) == 0) {
			imported_set(rhel->import, line, KEY_DUMPFORMAT, "raw");
			return;
		}
	}
	imported_note(
		rhel->import, line,
		"only makedumpfile, scp, cp, cat and dd have an equivalent; KDUMP_TRANSFER names a program in place "
		"of the copier, which gets the directory of the dump in its environment");
}

static void take_failure_action(struct rhel *rhel, const struct imported_line *line)
{
	if (strcmp(line->value, "dump_to_rootfs") == 0)
		rhel->rootfs = *line;
	else if (strcmp(line->value, "reboot") == 0 || strcmp(line->value, "halt") == 0 ||
	         strcmp(line->value, "poweroff") == 0 || strcmp(line->value, "shell") == 0)
		imported_set(rhel->import, line, KEY_FAILURE_ACTION, "%s", line->value);
	else
		imported_note(rhel->import, line, "\"%s\" is no action; KDUMP_FAILURE_ACTION stays as it is",
		              line->value);
}

static void take_final_action(struct rhel *rhel, const struct imported_line *line)
{
	if (strcmp(line->value, "reboot") == 0 || strcmp(line->value, "halt") == 0 ||
	    strcmp(line->value, "poweroff") == 0)
		imported_set(rhel->import, line, KEY_FINAL_ACTION, "%s", line->value);
	else
		imported_note(rhel->import, line, "\"%s\" is no action; KDUMP_FINAL_ACTION stays as it is",
		              line->value);
}

static void take_auto_reset(struct rhel *rhel, const struct imported_line *line)
{
	if (strcmp(line->value, "yes") == 0 || strcmp(line->value, "no") == 0)
		imported_set(rhel->import, line, KEY_UPDATE_BOOTLOADER, "%s",
		             strcmp(line->value, "yes") == 0 ? "true" : "false");
	else
		imported_note(rhel->import, line, "\"%s\" is neither yes nor no", line->value);
}

static void take_pre(struct rhel *rhel, const struct imported_line *line)
{
	imported_set(rhel->import, line, KEY_PRESCRIPT, "%s", line->value);
	imported_note(rhel->import, line, "if it fails, the memory is saved nevertheless");
}

static void take_post(struct rhel *rhel, const struct imported_line *line)
{
	imported_set(rhel->import, line, KEY_POSTSCRIPT, "%s", line->value);
	imported_note(
		rhel->import, line,
		"it runs before the programs in /etc/kdump/post.d, not behind them, and is told in its environment, "
		"not by $1, how the dump went: see kdump-capture(8)");
}

static void take_blacklist(struct rhel *rhel, const struct imported_line *line)
{
	rhel->blacklist = *line;
	words_split(&rhel->blacklisted, line->value);
}

// Modules that the capture kernel shall not load: its own parameter does that, whoever tries. Of several the last would count.
static void set_blacklist(struct rhel *rhel)
{
	_cleanup_text_ struct text list = {0};

	for (size_t i = 0; i < rhel->blacklisted.count; i++)
		text_add(&list, "%s%s", i ? "," : "", rhel->blacklisted.list[i]);
	rhel->import->is_failed |= rhel->blacklisted.is_failed || list.is_failed;
	if (list.buf)
		imported_append(rhel->import, &rhel->blacklist, KEY_COMMANDLINE_APPEND, "module_blacklist=%s",
		                list.buf);
}

// "options MODULE NAME=VALUE…": the kernel takes MODULE.NAME=VALUE.
static void take_options(struct rhel *rhel, const struct imported_line *line)
{
	_cleanup_words_ struct words words = {0};

	words_split(&words, line->value);
	for (size_t i = 1; i < words.count; i++)
		imported_note(
			rhel->import, line,
			"add %s.%s to KDUMP_COMMANDLINE_APPEND, if the driver is built into the kernel; of one that is "
			"loaded, options have no equivalent",
			words.list[0], words.list[i]);
	rhel->import->is_failed |= words.is_failed;
}

static bool is_number(const char *text)
{
	return *text && strlen(text) < 10 && !text[strspn(text, "0123456789")];
}

static void take_fence_args(struct rhel *rhel, const struct imported_line *line)
{
	_cleanup_words_ struct words words = {0};

	words_split(&words, line->value);
	rhel->import->is_failed |= words.is_failed;
	for (size_t i = 0; i < words.count; i++) {
		const char *word = words.list[i], *next = i + 1 < words.count ? words.list[i + 1] : "";

		if (strcmp(word, "-p") == 0 && is_number(next))
			imported_set(rhel->import, line, KEY_NOTIFY_PORT, "%s", next);
		else if (strcmp(word, "-i") == 0 && is_number(next))
			imported_set(rhel->import, line, KEY_NOTIFY_INTERVAL, "%s", next);
		else if (strcmp(word, "-f") == 0 && strcmp(next, "auto") != 0)
			imported_note(rhel->import, line, "-f %s: all addresses of a node are told", next);
		else if (strcmp(word, "-c") == 0 && strcmp(next, "0") != 0)
			imported_note(rhel->import, line, "-c %s: notices go on until the machine restarts", next);
		else if (strcmp(word, "-v") != 0 && strcmp(word, "-f") != 0 && strcmp(word, "-c") != 0)
			imported_note(rhel->import, line, "%s is not understood", word);
		i += strchr("pifc", word[1]) && strlen(word) == 2 ? 1 : 0;
	}
}

// --mount "DEVICE DIRECTORY TYPE OPTIONS" is a target too.
static void take_dracut_args(struct rhel *rhel, const struct imported_line *line)
{
	const char *mount = strstr(line->value, "--mount"), *start;

	if (!mount) {
		imported_note(rhel->import, line,
		              "drivers and programs that reach the target are found by themselves, and nothing else is "
		              "in the "
		              "image; KDUMP_REQUIRED_PROGRAMS adds programs");
		return;
	}
	start = mount + strlen("--mount");
	start += strspn(start, " \t=\"'");
	if (!rhel->target.number) { // Else the first one counts, which may point to this very text.
		imported_note(rhel->import, line, "of it only the device of --mount is taken over");
		rhel->mount = strndup(start, strcspn(start, " \t\"'"));
		if (!rhel->mount) {
			rhel->import->is_failed = true;
			return;
		}
	}
	take_target(rhel, &(struct imported_line){.number = line->number, .word = "--mount", .value = rhel->mount});
}

static void take_rebuild(struct rhel *rhel, const struct imported_line *line)
{
	if (strcmp(line->value, "0") != 0)
		imported_note(
			rhel->import, line,
			"the image is rebuilt when something that is in it changed; kdumpctl rebuild does it at once");
}

static const char devices_note[] = "a device is waited for two minutes, and KDUMP_DEADLINE bounds the capture";

static const struct directive directives[] = {
	{"raw", take_target, 0, NULL},
	{"nfs", take_target, 0, NULL},
	{"ssh", take_target, 0, NULL},
	{"net", take_net, 0, NULL},
	{"ext2", take_target, 0, NULL},
	{"ext3", take_target, 0, NULL},
	{"ext4", take_target, 0, NULL},
	{"xfs", take_target, 0, NULL},
	{"btrfs", take_target, 0, NULL},
	{"vfat", take_target, 0, NULL},
	{"minix", NULL, KEY_COUNT,
         "minix is not supported; name an ext, xfs, btrfs or vfat file system in KDUMP_TARGET"},
	{"virtiofs", NULL, KEY_COUNT,
         "virtiofs is not supported; name a disk in KDUMP_TARGET, or a server in KDUMP_SAVEDIR"},
	{"path", take_path, 0, NULL},
	{"sshkey", NULL, KEY_SSH_IDENTITY, NULL},
	{"core_collector", take_collector, 0, NULL},
	{"kdump_pre", take_pre, 0, NULL},
	{"kdump_post", take_post, 0, NULL},
	{"kdump_emergency", NULL, KEY_COUNT, "put it into /etc/kdump/emergency.d"},
	{"extra_bins", NULL, KEY_REQUIRED_PROGRAMS, NULL},
	{"extra_modules", NULL, KEY_COUNT,
         "modules that reach the target are found by themselves; others cannot be added"},
	{"failure_action", take_failure_action, 0, NULL},
	{"default", take_failure_action, 0, NULL},
	{"final_action", take_final_action, 0, NULL},
	{"auto_reset_crashkernel", take_auto_reset, 0, NULL},
	{"force_rebuild", take_rebuild, 0, NULL},
	{"force_no_rebuild", take_rebuild, 0, NULL},
	{"override_resettable", NULL, KEY_COUNT, "it has no effect: devices are not judged by that"},
	{"dracut_args", take_dracut_args, 0, NULL},
	{"fence_kdump_nodes", NULL, KEY_NOTIFY_NODES, NULL},
	{"fence_kdump_args", take_fence_args, 0, NULL},
	{"blacklist", take_blacklist, 0, NULL},
	{"options", take_options, 0, NULL},
	{"link_delay", NULL, KEY_COUNT, "KDUMP_NET_TIMEOUT says how long a server is waited for"},
	{"disk_timeout", NULL, KEY_COUNT, devices_note},
	{"debug_mem_level", NULL, KEY_COUNT, "capture.log beside the dump tells how much memory was available"},
	{"vmcore_creation_status", NULL, KEY_COUNT, "kdumpctl list tells which dumps are whole"},
};

static void take_directive(struct rhel *rhel, const struct imported_line *line)
{
	for (size_t i = 0; i < array_size(directives); i++) {
		const struct directive *directive = &directives[i];

		if (strcmp(directive->name, line->word) != 0)
			continue;
		if (directive->take)
			directive->take(rhel, line);
		else if (directive->note)
			imported_note(rhel->import, line, "%s", directive->note);
		else
			imported_set(rhel->import, line, directive->key, "%s", line->value);
		return;
	}
	imported_note(rhel->import, line, "this directive is not understood");
}

// Takes quotes off, which only the shell of some versions did.
static char *unquote(char *value)
{
	size_t size = strlen(value);

	if (size >= 2 && (*value == '"' || *value == '\'') && value[size - 1] == *value) {
		value[size - 1] = '\0';
		return value + 1;
	}
	return value;
}

// "DIRECTIVE VALUE # comment". Returns false for a line without a directive.
static bool parse_line(char *text, struct imported_line *line)
{
	size_t size;

	for (char *mark = strchr(text, '#'); mark; mark = strchr(mark + 1, '#'))
		if (mark == text || strchr(" \t", mark[-1])) {
			*mark = '\0';
			break;
		}
	size = strlen(text);
	while (size && strchr(" \t\r", text[size - 1]))
		text[--size] = '\0';
	text += strspn(text, " \t");
	if (!*text)
		return false;
	line->word = text;
	text += strcspn(text, " \t");
	if (*text)
		*text++ = '\0';
	text += strspn(text, " \t");
	line->value = unquote(text);
	return true;
}

static const char *path_of(const struct rhel *rhel)
{
	return rhel->path.number ? rhel->path.value : DEFAULT_PATH;
}

// Directories are counted from the root of the target.
static void set_directory(struct rhel *rhel)
{
	const char *path = path_of(rhel);

	if (rhel->path.number || rhel->target.number)
		imported_set(rhel->import, rhel->path.number ? &rhel->path : &rhel->target, KEY_SAVEDIR, "%s%s",
		             *path == '/' ? "" : "/", path);
}

static void set_server(struct rhel *rhel, const char *scheme)
{
	_cleanup_free_ char *server = NULL, *path = NULL, *url = NULL;

	if (strcmp(scheme, "ssh") == 0)
		url = imported_url("ssh", rhel->target.value, path_of(rhel), "");
	else if (imported_split_nfs(rhel->target.value, &server, &path))
		url = server && path ? imported_url("nfs", server, path, path_of(rhel)) : NULL;
	else {
		imported_note(rhel->import, &rhel->target, "\"%s\" is no HOST:/PATH", rhel->target.value);
		return;
	}
	if (!url)
		rhel->import->is_failed = true;
	else
		imported_set(rhel->import, &rhel->target, KEY_SAVEDIR, "%s", url);
}

static void set_target(struct rhel *rhel)
{
	const char *kind = rhel->target.word;

	if (rhel->target.number && (strcmp(kind, "nfs") == 0 || strcmp(kind, "ssh") == 0)) {
		set_server(rhel, kind);
		return;
	}
	if (rhel->target.number && strcmp(kind, "raw") == 0) {
		imported_set(rhel->import, &rhel->target, KEY_TARGET, "raw:%s", rhel->target.value);
		imported_note(
			rhel->import, &rhel->target,
			"it must be a partition of a plain disk that holds nothing; the next start puts dumps from "
			"there "
			"into KDUMP_SAVEDIR");
	} else if (rhel->target.number) {
		imported_set(rhel->import, &rhel->target, KEY_TARGET, "%s", rhel->target.value);
	}
	set_directory(rhel);
}

// The root file system behind the target.
static void set_fallback(struct rhel *rhel)
{
	const char *path = path_of(rhel);

	if (!rhel->rootfs.number)
		return;
	if (rhel->target.number)
		imported_set(rhel->import, &rhel->rootfs, KEY_FALLBACK, "%s%s", *path == '/' ? "" : "/", path);
	else
		imported_note(rhel->import, &rhel->rootfs,
		              "without another target, the dump goes to the root file system anyway");
}

struct error *import_rhel(const char *text, struct imported *import)
{
	_cleanup_free_ char *copy = strdup(text);
	struct rhel rhel = {.import = import};
	char *rest = copy, *row;

	if (!copy)
		return error_new(ERROR_NOMEM, "no memory for the import");
	for (unsigned int number = 1; (row = strsep(&rest, "\n")); number++) {
		struct imported_line line = {.number = number};

		if (!parse_line(row, &line))
			continue;
		if (*line.value)
			take_directive(&rhel, &line);
		else
			imported_note(import, &line, "its value is missing");
	}
	set_target(&rhel);
	set_fallback(&rhel);
	set_blacklist(&rhel);
	words_deinit(&rhel.blacklisted);
	free(rhel.mount);
	return NULL;
}
