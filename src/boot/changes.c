// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/changes.h"

#include <errno.h>
#include <string.h>

// Configurations of boot loaders are a few KiB; what is larger is something else by mistake.
enum { FILE_MAX_BYTES = 1024 * 1024, NEW_FILE_MODE = 0644 };

struct error *changes_read(const struct host *host, const char *path, char **ret)
{
	return changes_read_most(host, path, FILE_MAX_BYTES, ret);
}

struct error *changes_read_most(const struct host *host, const char *path, size_t max_bytes, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size_bytes = 0;
	struct error *err = host_read(host, path, max_bytes, &text, &size_bytes);

	if (err && err->code == ERROR_OS && (err->errnum == ENOENT || err->errnum == ENOTDIR)) {
		error_free(err);
		*ret = NULL;
		return NULL;
	}
	if (!err && strlen(text) != size_bytes)
		err = error_new(ERROR_BAD_DATA, "%s: there is a NUL byte in it, it is no text", path);
	if (!err)
		*ret = take_ptr(text);
	return err;
}

static void file_deinit(struct changes_file *file)
{
	free(file->path);
	free(file->before);
	free(file->after);
}

struct error *changes_add(struct changes *changes, const char *path, const char *before, const char *after)
{
	struct changes_file file = {0}, *grown;

	if ((!before && !after) || (before && after && strcmp(before, after) == 0))
		return NULL;
	grown = realloc(changes->list, (changes->count + 1) * sizeof(*grown));
	if (grown)
		changes->list = grown;
	file.path = strdup(path);
	file.before = before ? strdup(before) : NULL;
	file.after = after ? strdup(after) : NULL;
	if (!grown || !file.path || (before && !file.before) || (after && !file.after)) {
		file_deinit(&file);
		return error_new(ERROR_NOMEM, "no memory for a change of %s", path);
	}
	changes->list[changes->count++] = file;
	return NULL;
}

static void split_lines(const char *text, struct words *lines)
{
	for (const char *at = text ? text : ""; *at;) {
		int size = (int)strcspn(at, "\n");

		words_addf(lines, "%.*s", size, at);
		at += size + (at[size] == '\n');
	}
}

// Lines that are the same at both ends are left out, and where as many stay, those that are the same in between.
static void tell_file(const struct changes_file *file, struct words *ret)
{
	_cleanup_words_ struct words before = {0}, after = {0};
	size_t first = 0, last = 0;
	bool is_even;

	split_lines(file->before, &before);
	split_lines(file->after, &after);
	ret->is_failed |= before.is_failed || after.is_failed;
	while (first < before.count && first < after.count && strcmp(before.list[first], after.list[first]) == 0)
		first++;
	while (last + first < before.count && last + first < after.count &&
	       strcmp(before.list[before.count - 1 - last], after.list[after.count - 1 - last]) == 0)
		last++;
	is_even = before.count == after.count;
	words_addf(ret, "%s%s", file->path, !file->before ? " (new)" : !file->after ? " (removed)" : "");
	for (size_t i = first; i + last < before.count; i++)
		if (!is_even || strcmp(before.list[i], after.list[i]) != 0)
			words_addf(ret, "-%s", before.list[i]);
	for (size_t i = first; i + last < after.count; i++)
		if (!is_even || strcmp(before.list[i], after.list[i]) != 0)
			words_addf(ret, "+%s", after.list[i]);
}

void changes_tell(const struct changes *changes, struct words *ret)
{
	for (size_t i = 0; i < changes->count; i++)
		tell_file(&changes->list[i], ret);
}

static struct error *put(const struct host *host, const struct changes_file *file, const char *from, const char *to)
{
	if (!to)
		return host_remove(host, file->path);
	return from ? host_rewrite(host, file->path, to, strlen(to))
	            : host_replace(host, file->path, to, strlen(to), NEW_FILE_MODE);
}

struct error *changes_undo(const struct host *host, struct changes *changes)
{
	struct error *first = NULL;

	for (size_t i = changes->count; i-- > 0;) {
		struct changes_file *file = &changes->list[i];
		struct error *err = file->is_made ? put(host, file, file->after, file->before) : NULL;

		file->is_made = false;
		if (first)
			error_free(err);
		else
			first = err;
	}
	return first;
}

// An error may come when the file is there already: the directory could not be synced.
static bool is_as_wanted(const struct host *host, const struct changes_file *file)
{
	_cleanup_free_ char *now = NULL;
	_cleanup_error_ struct error *err = changes_read(host, file->path, &now);

	return !err && (now && file->after ? strcmp(now, file->after) == 0 : !now && !file->after);
}

struct error *changes_make(const struct host *host, struct changes *changes)
{
	struct error *err = NULL, *late;

	for (size_t i = 0; i < changes->count && !err; i++) {
		err = put(host, &changes->list[i], changes->list[i].before, changes->list[i].after);
		changes->list[i].is_made = !err || is_as_wanted(host, &changes->list[i]);
	}
	if (!err)
		return NULL;
	late = changes_undo(host, changes);
	if (late)
		err = error_wrap(err, "%s; before that", late->text);
	error_free(late);
	return err;
}

void changes_deinit(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		file_deinit(&changes->list[i]);
	free(changes->list);
	*changes = (struct changes){0};
}
