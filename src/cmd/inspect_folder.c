// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/inspect_folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/inspect_output.h"

static int open_directory(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Files in it, and where it may have some, directories of files.
static void remove_all(int dir_fd, const char *name, bool has_directories)
{
	_cleanup_close_ int fd = open_directory(dir_fd, name);
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0 && has_directories)
			remove_all(fd, entry->d_name, false);
	}
	if (dir)
		closedir(dir);
	else
		closep(&copy);
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

void inspect_folder_deinit(struct inspect_folder *folder)
{
	if (*folder->temporary)
		remove_all(folder->parent_fd, folder->temporary, true);
	closep(&folder->fd);
	closep(&folder->parent_fd);
}

struct error *inspect_folder_open(const char *path, struct inspect_folder *ret)
{
	_cleanup_free_ char *copy = strdup(path);
	char *slash, *name;

	if (!copy)
		return error_new(ERROR_NOMEM, "no memory for a path");
	for (size_t end = strlen(copy); end > 1 && copy[end - 1] == '/'; end--)
		copy[end - 1] = '\0';
	slash = strrchr(copy, '/');
	name = slash ? slash + 1 : copy;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    snprintf(ret->name, sizeof(ret->name), "%s", name) >= (int)sizeof(ret->name))
		return error_new(ERROR_USAGE, "%s is no name of a new directory", path);
	if (slash)
		*slash = '\0';
	ret->parent_fd = open(!slash ? "." : *copy ? copy : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->parent_fd < 0)
		return error_os(errno, "%s", slash ? copy : ".");
	if (faccessat(ret->parent_fd, ret->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return error_os(EEXIST, "%s", path);
	if (snprintf(ret->temporary, sizeof(ret->temporary), ".%.200s.%d.new", ret->name, (int)getpid()) < 0)
		return error_os(EINVAL, "%s", path);
	if (mkdirat(ret->parent_fd, ret->temporary, 0700) < 0) {
		*ret->temporary = '\0';
		return error_os(errno, "create a directory for %s", path);
	}
	ret->fd = open_directory(ret->parent_fd, ret->temporary);
	return ret->fd < 0 ? error_os(errno, "%s", path) : NULL;
}

struct error *inspect_folder_make(const struct inspect_folder *folder, const char *name, int *fd_ret)
{
	if (mkdirat(folder->fd, name, 0700) < 0)
		return error_os(errno, "create %s/%s", folder->name, name);
	*fd_ret = open_directory(folder->fd, name);
	return *fd_ret < 0 ? error_os(errno, "%s/%s", folder->name, name) : NULL;
}

struct error *inspect_folder_create(int dir_fd, const char *name, int *fd_ret)
{
	*fd_ret = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd_ret < 0 ? error_os(errno, "create %s", name) : NULL;
}

struct error *inspect_folder_finish(struct inspect_folder *folder)
{
	return inspect_output_rename(folder->parent_fd, folder->temporary, folder->name, false);
}

void inspect_folder_clean(const char *text, char name[INSPECT_FOLDER_NAME_BYTES])
{
	size_t size = 0;

	for (; text[size] && size + 1 < INSPECT_FOLDER_NAME_BYTES; size++) {
		unsigned char byte = (unsigned char)text[size];
		bool is_plain = (byte < 0x80 && isalnum(byte)) || byte == '-' || byte == '_' || (byte == '.' && size);

		name[size] = is_plain ? (char)byte : '_';
	}
	if (!size)
		name[size++] = '_';
	name[size] = '\0';
}
