// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void inspect_output_deinit(struct inspect_output *output)
{
	if (*output->temporary)
		unlinkat(output->dir_fd, output->temporary, 0);
	closep(&output->fd);
	closep(&output->dir_fd);
}

struct error *inspect_output_open(const char *path, bool is_forced, struct inspect_output *ret)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

	if (!dir)
		return error_new(ERROR_NOMEM, "no memory for a path");
	if (!*name || snprintf(ret->name, sizeof(ret->name), "%s", name) >= (int)sizeof(ret->name))
		return error_new(ERROR_USAGE, "%s is no name of a file", path);
	ret->is_forced = is_forced;
	ret->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->dir_fd < 0)
		return error_os(errno, "%s", dir);
	if (!is_forced && faccessat(ret->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return error_os(EEXIST, "%s", path);
	if (snprintf(ret->temporary, sizeof(ret->temporary), ".%.200s.%d.new", name, (int)getpid()) < 0)
		return error_os(EINVAL, "%s", path);
	ret->fd = openat(ret->dir_fd, ret->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (ret->fd < 0) {
		*ret->temporary = '\0';
		return error_os(errno, "create a file for %s", path);
	}
	return NULL;
}

struct error *inspect_output_rename(int dir_fd, char *temporary, const char *name, bool is_forced)
{
	int status = renameat2(dir_fd, temporary, dir_fd, name, is_forced ? 0 : RENAME_NOREPLACE);

	// Some file systems cannot tell; whether there is one was looked at before.
	if (status < 0 && !is_forced && (errno == EINVAL || errno == ENOSYS))
		status = renameat(dir_fd, temporary, dir_fd, name);
	if (status < 0)
		return error_os(errno, "rename to %s", name);
	*temporary = '\0';
	return fsync(dir_fd) < 0 ? error_os(errno, "fsync the directory of %s", name) : NULL;
}

struct error *inspect_output_finish(struct inspect_output *output)
{
	return inspect_output_rename(output->dir_fd, output->temporary, output->name, output->is_forced);
}
