// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_hotplug.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "boot/hotplug.h"
#include "boot/loaded.h"
#include "cmd/ctl_load.h"

enum {
	QUIET_MS = 1000,
	MOST_MS = 10000,
	START_TIMEOUT_MS = 30000,
	OUTPUT_BYTES = 1024,
};

#define UNIT "kdump-hotplug.service"
// sd_booted(3).
#define SYSTEMD_MARK "/run/systemd/system"

static struct error *reload(void *context)
{
	return ctl_load_again(context);
}

static struct error *serve(const struct ctl *ctl)
{
	struct ctl own = *ctl;
	struct hotplug_work work = {.run = reload, .context = &own, .quiet_ms = QUIET_MS, .most_ms = MOST_MS};

	return hotplug_serve(&ctl->host, &work);
}

// udev kills what its rules leave behind. What is still there of a service that has nothing to do any more may be ended.
static struct error *start_unit(const struct ctl *ctl)
{
	static const char *const argv[] = {"systemctl", "--no-block", "restart", UNIT, NULL};
	struct host_command command = {.argv = argv, .timeout_ms = START_TIMEOUT_MS, .output_max_bytes = OUTPUT_BYTES};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = host_run(&ctl->host, &command, &result);

	if (!err && result.status)
		err = error_new(ERROR_OS, "systemctl cannot start " UNIT ": %s", result.output);
	return err;
}

// Without systemd: a process that nobody waits for.
static struct error *start_process(const struct ctl *ctl)
{
	pid_t pid = fork();
	int null_fd;

	if (pid < 0)
		return error_os(errno, "make a process");
	if (pid > 0)
		return NULL;
	setsid();
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3 && null_fd >= 0; fd++)
		dup2(null_fd, fd);
	{
		_cleanup_error_ struct error *err = serve(ctl);

		_exit(error_exit_code(err));
	}
}

struct error *ctl_hotplug(const struct ctl *ctl, int *exit_ret)
{
	bool is_meant = false, is_first = false;
	struct error *err;

	(void)exit_ret;
	if (ctl_options_has(&ctl->options, CTL_OPTION_SERVE))
		return serve(ctl);
	err = loaded_is_meant(&ctl->host, &is_meant);
	if (!err && is_meant)
		err = hotplug_request(&ctl->host, &is_first);
	if (err || !is_first)
		return err;
	return host_exists(&ctl->host, SYSTEMD_MARK) ? start_unit(ctl) : start_process(ctl);
}
