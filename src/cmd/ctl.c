// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"

struct error *ctl_lock(const struct ctl *ctl, const char *path, int *fd_ret)
{
	_cleanup_close_ int fd = -1;
	struct error *err = host_mkdirs(&ctl->host, "/run/lock");

	if (!err)
		err = host_open(&ctl->host, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &fd);
	if (err)
		return error_wrap(err, "lock");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return error_os(errno, "lock %s", path);
		if (!ctl->is_quiet)
			fprintf(stderr, "%s: waiting for another kdumpctl\n", ctl->program);
		while (flock(fd, LOCK_EX) < 0) {
			if (errno != EINTR)
				return error_os(errno, "lock %s", path);
		}
	}
	*fd_ret = take_fd(&fd);
	return NULL;
}

struct error *ctl_load_config(const struct ctl *ctl, struct config *ret)
{
	struct error *err = config_load(&ctl->host, ctl->config_path, ret);

	if (err)
		return err;
	for (size_t i = 0; i < ret->warnings.count && !ctl->is_quiet; i++)
		fprintf(stderr, "%s: warning: %s\n", ctl->program, ret->warnings.list[i]);
	return NULL;
}

struct error *ctl_make_plan(const struct ctl *ctl, const struct config *config, struct plan *ret)
{
	struct error *err = plan_make(&ctl->host, config, ret);

	for (size_t i = 0; !err && i < ret->reason_count && !ctl->is_quiet; i++)
		if (strcmp(ret->reasons[i].key, PLAN_WARNING) == 0)
			fprintf(stderr, "%s: warning: %s\n", ctl->program, ret->reasons[i].reason);
	return err;
}

struct error *ctl_flush(const char *what)
{
	return fflush(stdout) < 0 || ferror(stdout) ? error_os(errno, "write %s", what) : NULL;
}
