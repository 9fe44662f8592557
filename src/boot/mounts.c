// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/mounts.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

// A container host has thousands of mounts of some 200 bytes.
enum { MOUNTINFO_MAX_BYTES = 16 * 1024 * 1024 };
// As the kernel's MAXSYMLINKS.
enum { LINKS_MAX = 40 };

void mounts_deinit(struct mount *mount)
{
	free(mount->number);
	free(mount->root);
	free(mount->point);
	free(mount->fstype);
	free(mount->source);
	free(mount->options);
	*mount = (struct mount){0};
}

static bool is_octal(const char *at)
{
	return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' && at[2] <= '7';
}

// Blanks and backslashes are written as \ooo.
static char *unescape(const char *field)
{
	char *copy = strdup(field), *to = copy;

	if (!copy)
		return NULL;
	for (const char *from = field; *from; from++) {
		if (*from == '\\' && is_octal(from + 1)) {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return copy;
}

// ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE SUPER_OPTIONS
static struct error *parse_line(char *line, struct mount *ret)
{
	_cleanup_mount_ struct mount mount = {0};
	char *fields[9] = {NULL};
	char *dash = strstr(line, " - ");
	size_t count = 0;

	if (!dash)
		return error_new(ERROR_BAD_DATA, "/proc/self/mountinfo is not understood: %s", line);
	*dash = '\0';
	for (char *rest = line, *field; count < 6 && (field = strsep(&rest, " "));)
		fields[count++] = field;
	for (char *rest = dash + 3, *field; count >= 6 && count < 9 && (field = strsep(&rest, " "));)
		fields[count++] = field;
	if (count < 9)
		return error_new(ERROR_BAD_DATA, "/proc/self/mountinfo is not understood: %s", line);
	mount.number = unescape(fields[2]);
	mount.root = unescape(fields[3]);
	mount.point = unescape(fields[4]);
	mount.fstype = unescape(fields[6]);
	mount.source = unescape(fields[7]);
	mount.options = unescape(fields[8]);
	if (!mount.number || !mount.root || !mount.point || !mount.fstype || !mount.source || !mount.options)
		return error_new(ERROR_NOMEM, "no memory for the list of mounts");
	*ret = mount;
	mount = (struct mount){0};
	return NULL;
}

const char *mounts_below(const char *path, const char *dir)
{
	size_t size = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	if (strncmp(path, dir, size) != 0 || (path[size] && path[size] != '/'))
		return NULL;
	return path + size;
}

typedef bool (*mounts_test)(const struct mount *mount, const struct mount *best, const void *context);

// Goes over all mounts and keeps the last that passes the test.
static struct error *find(const struct host *host, mounts_test is_better, const void *context, struct mount *ret)
{
	_cleanup_mount_ struct mount best = {0};
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/proc/self/mountinfo", MOUNTINFO_MAX_BYTES, &text, NULL);
	char *rest = text, *line;

	while (!err && (line = strsep(&rest, "\n"))) {
		_cleanup_mount_ struct mount mount = {0};

		if (*line)
			err = parse_line(line, &mount);
		if (!err && mount.point && is_better(&mount, &best, context)) {
			struct mount old = best;

			best = mount;
			mount = old;
		}
	}
	if (err)
		return err;
	*ret = best;
	best = (struct mount){0};
	return NULL;
}

static struct error *visit_line(char *line, mounts_visitor visit, void *context)
{
	_cleanup_mount_ struct mount mount = {0};
	struct error *err = parse_line(line, &mount);

	return err ? err : visit(&mount, context);
}

struct error *mounts_walk(const struct host *host, mounts_visitor visit, void *context)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = host_read(host, "/proc/self/mountinfo", MOUNTINFO_MAX_BYTES, &text, NULL);
	char *rest = text, *line;

	while (!err && (line = strsep(&rest, "\n")))
		if (*line)
			err = visit_line(line, visit, context);
	return err;
}

static bool holds_path(const struct mount *mount, const struct mount *best, const void *context)
{
	// What an automount point will hold is not known before somebody looks.
	if (strcmp(mount->fstype, "autofs") == 0 || !mounts_below(context, mount->point))
		return false;
	return !best->point || strlen(mount->point) >= strlen(best->point);
}

struct error *mounts_find_path(const struct host *host, const char *path, struct mount *ret)
{
	struct mount found = {0};
	struct error *err = find(host, holds_path, path, &found);

	if (err)
		return err;
	if (!found.point)
		return error_new(ERROR_BAD_DATA, "/proc/self/mountinfo: nothing is mounted that holds %s", path);
	*ret = found;
	return NULL;
}

struct device_names {
	const char *number;
	const char *name;
	const char *path;
};

static bool has_device(const struct mount *mount, const struct mount *best, const void *context)
{
	const struct device_names *names = context;
	const char *source = mounts_below(mount->source, "/dev");

	if (best->point || (names->path && strcmp(mount->root, "/") != 0 && !mounts_below(names->path, mount->root)))
		return false;
	return strcmp(mount->number, names->number) == 0 || (source && *source && strcmp(source + 1, names->name) == 0);
}

struct error *mounts_find_device(const struct host *host, const char *number, const char *name, const char *path,
                                 struct mount *ret)
{
	struct device_names names = {number, name, path};

	return find(host, has_device, &names, ret);
}

// A path that is being resolved: what is done, and what is left.
struct resolving {
	char *done;
	char *rest;
	int links;
};

static void resolving_deinit(struct resolving *at)
{
	free(at->done);
	free(at->rest);
}

static struct error *step_link(struct resolving *at, const char *link)
{
	char *rest;

	if (++at->links > LINKS_MAX)
		return error_os(ELOOP, "%s", at->done);
	if (asprintf(&rest, "%s/%s", link, at->rest) < 0)
		return error_new(ERROR_NOMEM, "no memory for a path");
	free(at->rest);
	at->rest = rest;
	if (*link == '/')
		*at->done = '\0';
	return NULL;
}

// Takes one component off the rest and adds it to what is done.
static struct error *step(const struct host *host, struct resolving *at)
{
	char *start = at->rest + strspn(at->rest, "/"), *end = start + strcspn(start, "/");
	_cleanup_free_ char *name = strndup(start, (size_t)(end - start));
	_cleanup_free_ char *next = NULL, *link = NULL;
	struct error *err;

	if (!name)
		return error_new(ERROR_NOMEM, "no memory for a path");
	memmove(at->rest, end, strlen(end) + 1);
	if (!*name || strcmp(name, ".") == 0)
		return NULL;
	if (strcmp(name, "..") == 0) {
		char *slash = strrchr(at->done, '/');

		if (slash)
			*slash = '\0';
		return NULL;
	}
	if (asprintf(&next, "%s/%s", at->done, name) < 0) {
		next = NULL;
		return error_new(ERROR_NOMEM, "no memory for a path");
	}
	err = host_readlink(host, next, &link);
	if (!err)
		return step_link(at, link);
	// No link, or nothing there: the component stands for itself.
	if (err->code != ERROR_OS)
		return err;
	error_free(err);
	free(at->done);
	at->done = take_ptr(next);
	return NULL;
}

struct error *mounts_resolve(const struct host *host, const char *path, char **ret)
{
	_cleanup_(resolving_deinit) struct resolving at = {.done = strdup(""), .rest = strdup(path)};
	struct error *err = NULL;

	if (!at.done || !at.rest)
		return error_new(ERROR_NOMEM, "no memory for a path");
	while (!err && at.rest[strspn(at.rest, "/")])
		err = step(host, &at);
	if (err)
		return error_wrap(err, "%s", path);
	if (!*at.done) {
		free(at.done);
		at.done = strdup("/");
		if (!at.done)
			return error_new(ERROR_NOMEM, "no memory for a path");
	}
	*ret = take_ptr(at.done);
	return NULL;
}
