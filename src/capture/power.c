// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/power.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "capture/process.h"

enum {
	SYNC_MS = 5000, // The dump was synced when it was sealed: what is left is not worth a longer wait.
	POWER_MS = 30000, // Drivers stop their devices in this time.
};

static const char *const names[] = {
	[PLAN_REBOOT] = "reboot",
	[PLAN_HALT] = "halt",
	[PLAN_POWEROFF] = "poweroff",
	[PLAN_SHELL] = "shell",
};

const char *power_name(enum plan_action action)
{
	return names[action];
}

struct last {
	const struct host *host;
	enum plan_action action;
	struct log *log;
};

static int sync_child(void *context)
{
	(void)context;
	sync();
	return 0;
}

static int power_child(void *context)
{
	static const enum host_power powers[] = {
		[PLAN_REBOOT] = HOST_REBOOT,
		[PLAN_HALT] = HOST_HALT,
		[PLAN_POWEROFF] = HOST_POWEROFF,
	};
	const struct last *last = context;
	struct error *err = host_power(last->host, powers[last->action]);

	if (err)
		log_console(last->log, "%s", err->text);
	error_free(err);
	return EXIT_FAILED;
}

static int shell_child(void *context)
{
	static const char *const argv[] = {"sh", NULL};
	static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "TERM=linux", NULL};

	(void)context;
	// A session of its own with the console as its terminal gives the human Ctrl-C.
	setsid();
	execve("/bin/sh", (char *const *)argv, (char *const *)env);
	return 127;
}

static void run_shell(struct log *log)
{
	struct process_result result = {0};
	struct error *err;

	log_console(log, "a shell, as the plan says; the machine reboots when it ends");
	err = process_run(shell_child, NULL, 0, &result);
	if (err)
		log_console(log, "shell: %s", err->text);
	else if (result.status == 127)
		log_console(log, "there is no shell in this image");
	error_free(err);
}

static void emergency(enum plan_action action, struct log *log)
{
	_cleanup_close_ int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	log_console(log, "no answer; using the kernel's emergency key");
	// "b" reboots and "o" powers off at once; there is none for halt, and a machine that stays down is what halt asks for.
	(void)!write(fd, action == PLAN_REBOOT ? "b" : "o", 1);
}

void power_run(const struct host *host, enum plan_action action, struct log *log)
{
	struct process_result result;
	struct last last = {.host = host, .action = action, .log = log};
	struct error *err;

	if (action == PLAN_SHELL) {
		run_shell(log);
		last.action = PLAN_REBOOT;
	}
	err = process_run(sync_child, NULL, clock_now_ms() + SYNC_MS, &result);
	log_console(log, "%s",
	            last.action == PLAN_HALT       ? "halting: the machine may be switched off"
	            : last.action == PLAN_POWEROFF ? "powering off"
	                                           : "rebooting");
	// A disk that takes no data any more would hold up an orderly end too.
	if (!err)
		err = process_run(power_child, &last, clock_now_ms() + POWER_MS, &result);
	error_free(err);
	emergency(last.action, log);
}
