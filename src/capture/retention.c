// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What dumpdir_name() puts behind the host's name: 0 is a digit, x a hexadecimal digit.
static const char form[] = "-0000-00-00T00-00-00Z-xxxxxxxx";

enum { FORM_SIZE = sizeof(form) - 1 };

struct dumps {
	char **names;
	size_t count;
};

static void dumps_deinit(struct dumps *dumps)
{
	for (size_t i = 0; i < dumps->count; i++)
		free(dumps->names[i]);
	free(dumps->names);
}

static bool has_form(const char *text)
{
	for (size_t i = 0; i < FORM_SIZE; i++) {
		bool is_digit = text[i] >= '0' && text[i] <= '9';
		bool is_fine = form[i] == '0'   ? is_digit
		               : form[i] == 'x' ? is_digit || (text[i] >= 'a' && text[i] <= 'f')
		                                : text[i] == form[i];

		if (!is_fine)
			return false;
	}
	return true;
}

// Whether a name is that of another dump of the same host. Its host's part has the same length then.
static bool is_old_dump(const char *name, const char *new_name)
{
	size_t host_size = strlen(new_name) - FORM_SIZE;
	const char *rest = name + host_size + FORM_SIZE;

	if (strlen(name) < host_size + FORM_SIZE || strncmp(name, new_name, host_size) != 0 ||
	    !has_form(name + host_size))
		return false;
	return (!*rest || strcmp(rest, DUMPDIR_INCOMPLETE) == 0) && strcmp(name, new_name) != 0;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

static struct error *list(const struct dumpdir *dir, struct dumps *ret)
{
	int fd = openat(dir->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		closep(&fd);
		return error_os(errno, "read the directory of dumps");
	}
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
		char **grown;

		if (!is_old_dump(entry->d_name, dir->name))
			continue;
		grown = reallocarray(ret->names, ret->count + 1, sizeof(*grown));
		if (!grown)
			return error_new(ERROR_NOMEM, "no memory for the list of dumps");
		ret->names = grown;
		grown[ret->count] = strdup(entry->d_name);
		if (!grown[ret->count])
			return error_new(ERROR_NOMEM, "no memory for the list of dumps");
		ret->count++;
	}
	if (ret->count)
		qsort(ret->names, ret->count, sizeof(*ret->names), newest_first);
	return NULL;
}

static struct error *remove_files(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_closedir_ DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		int errnum = errno;

		closep(&fd);
		return error_os(errnum, "%s", name);
	}
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0)
			return error_os(errno, "remove %s/%s", name, entry->d_name);
	}
	return NULL;
}

static struct error *remove_dump(int parent_fd, const char *name)
{
	char incomplete[DUMPDIR_NAME_BYTES + sizeof(DUMPDIR_INCOMPLETE)];
	struct error *err;

	snprintf(incomplete, sizeof(incomplete), "%s", name);
	if (strlen(name) < sizeof(DUMPDIR_INCOMPLETE) ||
	    strcmp(name + strlen(name) - strlen(DUMPDIR_INCOMPLETE), DUMPDIR_INCOMPLETE) != 0) {
		strcat(incomplete, DUMPDIR_INCOMPLETE);
		if (renameat(parent_fd, name, parent_fd, incomplete) < 0 || fsync(parent_fd) < 0)
			return error_os(errno, "rename %s", name);
	}
	err = remove_files(parent_fd, incomplete);
	if (!err && unlinkat(parent_fd, incomplete, AT_REMOVEDIR) < 0)
		err = error_os(errno, "remove %s", incomplete);
	return err;
}

struct error *retention_run(const struct dumpdir *dir, int keep_old, struct log *log)
{
	_cleanup_(dumps_deinit) struct dumps dumps = {0};
	size_t keep = keep_old > 0 ? (size_t)keep_old : 0;
	struct error *err;

	if (keep_old == 0 || strlen(dir->name) < FORM_SIZE)
		return NULL;
	err = list(dir, &dumps);
	for (size_t i = keep; i < dumps.count && !err; i++) {
		struct error *late = remove_dump(dir->parent_fd, dumps.names[i]);

		log_console(log, "%s old dump %s%s%s", late ? "cannot remove" : "removed", dumps.names[i],
		            late ? ": " : "", late ? late->text : "");
		error_free(late);
	}
	return err;
}

struct error *retention_count(const struct dumpdir *dir, time_t from, time_t to, size_t *count_ret)
{
	_cleanup_(dumps_deinit) struct dumps dumps = {.count = 0};
	char first[DUMPDIR_NAME_BYTES], last[DUMPDIR_NAME_BYTES];
	size_t host_size = strlen(dir->name) - FORM_SIZE;
	struct error *err = list(dir, &dumps);

	// Names are in the order of their times.
	dumpdir_name("", from, "00000000", first);
	dumpdir_name("", to, "ffffffff", last);
	*count_ret = 0;
	for (size_t i = 0; !err && i < dumps.count; i++) {
		const char *when = dumps.names[i] + host_size;

		// The new one is not sealed yet.
		if (strncmp(dumps.names[i], dir->name, strlen(dir->name)) == 0)
			continue;
		if (strncmp(when, first + strlen(first) - FORM_SIZE, FORM_SIZE) >= 0 &&
		    strncmp(when, last + strlen(last) - FORM_SIZE, FORM_SIZE) <= 0)
			++*count_ret;
	}
	return err;
}
