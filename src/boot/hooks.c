// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"

enum {
	// A script's first line is read by the kernel up to this (include/uapi/linux/binfmts.h: BINPRM_BUF_SIZE).
	SHEBANG_BYTES = 256,
	// An interpreter that is a script itself, and so on; the kernel follows 5.
	DEPTH_MAX = 5,
};

static const char shell[] = "/bin/sh";

struct finder {
	const struct host *host;
	struct hooks *hooks;
};

static struct error *find_program(const struct finder *finder, const char *name, char **ret)
{
	static const char *const directories[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
	                                          "/usr/bin",        "/sbin",          "/bin"};

	*ret = NULL;
	if (*name == '/') {
		*ret = host_exists(finder->host, name) ? strdup(name) : NULL;
		return NULL;
	}
	for (size_t i = 0; i < array_size(directories) && !*ret; i++) {
		char *path;

		if (asprintf(&path, "%s/%s", directories[i], name) < 0)
			return error_new(ERROR_NOMEM, "no memory for a path");
		if (host_exists(finder->host, path))
			*ret = path;
		else
			free(path);
	}
	return NULL;
}

// What a script's first line names; "env PROGRAM" names two. "" if it is no script.
static struct error *read_shebang(const struct finder *finder, const char *path, char line[SHEBANG_BYTES])
{
	_cleanup_close_ int fd = -1;
	size_t got = 0;
	struct error *err = host_open(finder->host, path, O_RDONLY, 0, &fd);

	if (!err)
		err = io_read(fd, line, SHEBANG_BYTES - 1, &got);
	line[got] = '\0';
	if (!err && strncmp(line, "#!", 2) == 0)
		memmove(line, line + 2, strlen(line + 2) + 1);
	else
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	return err;
}

// A file and, of a script, what runs it.
static struct error *add_file(struct finder *finder, const char *path, unsigned int depth)
{
	struct hooks *hooks = finder->hooks;
	_cleanup_words_ struct words words = {0};
	char line[SHEBANG_BYTES];
	struct error *err;
	struct stat info;

	if (words_has(&hooks->files, path))
		return NULL;
	if (depth > DEPTH_MAX)
		return error_new(ERROR_CONFIG, "%s: scripts that run scripts without end", path);
	err = host_stat(finder->host, path, &info);
	if (err)
		return err;
	if (!S_ISREG(info.st_mode) || !(info.st_mode & 0111))
		return error_new(ERROR_CONFIG, "%s is no program that can be run", path);
	words_add(&hooks->files, path);
	words_addf(&hooks->reasons, "%s: %" PRIdMAX " KiB, and its libraries", path,
	           (intmax_t)(info.st_size + 1023) / 1024);
	err = read_shebang(finder, path, line);
	if (err)
		return err;
	words_split(&words, line);
	for (size_t i = 0; i < words.count && i < 2 && !err; i++) {
		_cleanup_free_ char *program = NULL;

		// The second word is a program's name if the first is env, else an option.
		if (i && (!strstr(words.list[0], "/env") || *words.list[1] == '-'))
			break;
		err = find_program(finder, words.list[i], &program);
		if (!err && !program)
			err = error_new(ERROR_CONFIG, "%s needs %s, which is not there", path, words.list[i]);
		if (!err)
			err = add_file(finder, program, depth + 1);
	}
	return err ? err : words_check(&words);
}

// A program by its name or path.
static struct error *add_program(struct finder *finder, const char *name, char **path_ret)
{
	struct error *err = find_program(finder, name, path_ret);

	if (!err && !*path_ret)
		err = error_new(ERROR_CONFIG, "there is no program %s", name);
	return err ? err : add_file(finder, *path_ret, 0);
}

// SUSE's keys are read by a shell; most need none.
static bool needs_shell(const char *text)
{
	return strpbrk(text, "|&;<>()$`\\\"'*?[]#~=%!{}\n");
}

// The shell, and all words that are programs by their paths, or would be run first.
static struct error *add_shell_text(struct finder *finder, const char *text, struct words *commands)
{
	_cleanup_words_ struct words words = {0};
	struct error *err = add_file(finder, shell, 0);

	words_addf(commands, HOOKS_SHELL "%s", text);
	words_split(&words, text);
	for (size_t i = 0; i < words.count && !err; i++) {
		_cleanup_free_ char *program = NULL;
		struct stat info;

		words.list[i][strcspn(words.list[i], ";|&<>()`\"'")] = '\0';
		if (!*words.list[i] || (i && *words.list[i] != '/'))
			continue;
		err = find_program(finder, words.list[i], &program);
		if (err || !program)
			continue;
		err = host_stat(finder->host, program, &info);
		if (!err && S_ISREG(info.st_mode) && info.st_mode & 0111)
			err = add_file(finder, program, 0);
	}
	return err ? err : words_check(&words);
}

static struct error *add_command(struct finder *finder, const char *text, struct words *commands)
{
	_cleanup_free_ char *program = NULL;
	_cleanup_words_ struct words words = {0};
	struct error *err;

	if (needs_shell(text))
		return add_shell_text(finder, text, commands);
	words_split(&words, text);
	if (!words.count)
		return words_check(&words);
	err = add_program(finder, words.list[0], &program);
	if (!err)
		words_addf(commands, "%s%s", program, text + strspn(text, " \t") + strlen(words.list[0]));
	return err;
}

static struct error *add_key(struct finder *finder, const struct config *config, enum config_key key,
                             struct words *commands)
{
	return error_wrap(add_command(finder, config_text(config, key), commands), "%s: %s", config_where(config, key),
	                  config_key_info(key)->name);
}

// Names in their order; what cannot be run, as a note or a copy of an editor, is told and passed over.
static struct error *add_directory(struct finder *finder, const char *directory, struct words *commands)
{
	_cleanup_(host_names_freep) char **names = NULL;
	struct error *err = host_list(finder->host, directory, &names);

	for (char **name = names; !err && *name; name++) {
		_cleanup_free_ char *path = NULL;
		struct stat info;

		if (asprintf(&path, "%s/%s", directory, *name) < 0) {
			path = NULL;
			return error_new(ERROR_NOMEM, "no memory for a path");
		}
		err = host_stat(finder->host, path, &info);
		// A link to nowhere.
		if (error_catch_os(&err, ENOENT))
			info.st_mode = 0;
		if (err)
			break;
		if (!S_ISREG(info.st_mode) || !(info.st_mode & 0111) || strpbrk(*name, " \t\"\\~")) {
			words_addf(&finder->hooks->reasons, "not %s, which is no program, or has an odd name", path);
			continue;
		}
		err = add_file(finder, path, 0);
		words_add(commands, path);
	}
	return err;
}

static struct error *add_required(struct finder *finder, const struct config *config)
{
	_cleanup_words_ struct words words = {0};
	struct error *err = NULL;

	words_split(&words, config_text(config, KEY_REQUIRED_PROGRAMS));
	for (size_t i = 0; i < words.count && !err; i++) {
		_cleanup_free_ char *program = NULL;

		err = add_program(finder, words.list[i], &program);
	}
	return error_wrap(err ? err : words_check(&words), "%s: KDUMP_REQUIRED_PROGRAMS",
	                  config_where(config, KEY_REQUIRED_PROGRAMS));
}

struct error *hooks_find(const struct host *host, const struct config *config, struct hooks *ret)
{
	_cleanup_hooks_ struct hooks hooks = {0};
	struct finder finder = {.host = host, .hooks = &hooks};
	struct error *err = add_key(&finder, config, KEY_PRESCRIPT, &hooks.pre);

	if (!err)
		err = add_directory(&finder, HOOKS_DIRECTORY "pre.d", &hooks.pre);
	if (!err)
		err = add_key(&finder, config, KEY_TRANSFER, &hooks.transfer);
	if (!err)
		err = add_key(&finder, config, KEY_POSTSCRIPT, &hooks.post);
	if (!err)
		err = add_directory(&finder, HOOKS_DIRECTORY "post.d", &hooks.post);
	if (!err)
		err = add_directory(&finder, HOOKS_DIRECTORY "emergency.d", &hooks.emergency);
	if (!err)
		err = add_required(&finder, config);
	if (!err)
		err = words_check(&hooks.reasons);
	if (err)
		return err;
	*ret = hooks;
	hooks = (struct hooks){0};
	return NULL;
}

void hooks_deinit(struct hooks *hooks)
{
	words_deinit(&hooks->pre);
	words_deinit(&hooks->post);
	words_deinit(&hooks->emergency);
	words_deinit(&hooks->transfer);
	words_deinit(&hooks->files);
	words_deinit(&hooks->reasons);
	*hooks = (struct hooks){0};
}
