// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/copy_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct error *copy_output_open(struct copy_output *output, const char *path, bool is_forced)
{
	struct stat st;

	output->path = path;
	output->temporary[0] = '\0';
	if (!path) {
		output->fd = STDOUT_FILENO;
		return NULL;
	}
	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode)) {
			output->fd = open(path, O_WRONLY | O_CLOEXEC);
			return output->fd < 0 ? error_os(errno, "%s", path) : NULL;
		}
		if (!is_forced)
			return error_new(ERROR_USAGE, "%s exists; -f overwrites it", path);
	}
	if (snprintf(output->temporary, sizeof(output->temporary), "%s.incomplete", path) >=
	    (int)sizeof(output->temporary)) {
		output->temporary[0] = '\0';
		return error_os(ENAMETOOLONG, "%s", path);
	}
	if (unlink(output->temporary) < 0 && errno != ENOENT)
		return error_os(errno, "%s", output->temporary);
	output->fd = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return output->fd < 0 ? error_os(errno, "%s", output->temporary) : NULL;
}

struct error *copy_output_stream(const struct copy_output *output, FILE **ret)
{
	// Of its own: the stream closes its descriptor.
	int fd = dup(output->fd);

	*ret = fd < 0 ? NULL : fdopen(fd, "w");
	return *ret ? NULL : error_os(errno, "%s", output->path ? output->path : "standard output");
}

struct error *copy_output_close(struct copy_output *output, struct error *err, bool is_partial)
{
	if (output->path && output->fd >= 0 && close(output->fd) < 0 && !err)
		err = error_os(errno, "close %s", output->temporary);
	if (!output->temporary[0])
		return err;
	if (!err && rename(output->temporary, output->path) < 0)
		err = error_os(errno, "rename to %s", output->path);
	if (err && is_partial)
		return error_wrap(err, "incomplete, what could be written is in %s", output->temporary);
	if (err)
		unlink(output->temporary);
	return err;
}
