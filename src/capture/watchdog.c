// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/watchdog.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "capture/loader.h"
#include "capture/process.h"

enum {
	WATCHDOGS_MAX = 8,
	HIGHEST_PRIORITY = -20,
	// Three times within the time of a watchdog, and at most so often.
	FEEDS_PER_TIME = 3,
	PAUSE_MAX_S = 10,
	STOP_MS = 2000,
};

struct feeder {
	const struct plan *plan;
	struct log *log;
	int fds[WATCHDOGS_MAX]; // -1: not open.
	unsigned int pause_s;
};

// Opening starts one that did not run. Then it guards the capture, and is stopped before a halt. Returns the time between feeds.
static unsigned int open_all(struct feeder *feeder)
{
	for (unsigned int i = 0; i < WATCHDOGS_MAX; i++) {
		char path[32] = "/dev/watchdog";
		unsigned int pause_s;
		int time_s = 0;

		// The last one is for drivers that know only this name, which else is that of the first one.
		if (i < WATCHDOGS_MAX - 1)
			snprintf(path, sizeof(path), "/dev/watchdog%u", i);
		if (feeder->fds[i] >= 0 || (i == WATCHDOGS_MAX - 1 && feeder->fds[0] >= 0))
			continue;
		feeder->fds[i] = open(path, O_WRONLY | O_CLOEXEC);
		if (feeder->fds[i] < 0)
			continue;
		if (ioctl(feeder->fds[i], WDIOC_GETTIMEOUT, &time_s) == 0 && time_s > 0) {
			pause_s = (unsigned int)time_s < FEEDS_PER_TIME ? 1 : (unsigned int)time_s / FEEDS_PER_TIME;
			feeder->pause_s = pause_s < feeder->pause_s ? pause_s : feeder->pause_s;
		}
		log_console(feeder->log, "%s is fed, its time is %d s", path, time_s);
	}
	return feeder->pause_s;
}

// Until the signal to stop, which is blocked but here.
static int feed_child(void *context)
{
	struct feeder *feeder = context;
	struct timespec pause = {0};
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
	loader_run(&(struct loader_request){.root = "",
	                                    .kernel_version = feeder->plan->kernel_version,
	                                    .modules = feeder->plan->watchdog_modules},
	           feeder->log);
	// Devices may come late: a board that starts, a driver that waits for it.
	do {
		pause.tv_sec = open_all(feeder);
		for (size_t i = 0; i < WATCHDOGS_MAX; i++)
			if (feeder->fds[i] >= 0)
				(void)!write(feeder->fds[i], "", 1);
	} while (sigtimedwait(&stop, NULL, &pause) < 0);
	// Documentation/watchdog/watchdog-api.rst: magic close.
	for (size_t i = 0; i < WATCHDOGS_MAX; i++)
		if (feeder->fds[i] >= 0 && (write(feeder->fds[i], "V", 1) != 1 || close(feeder->fds[i]) < 0))
			log_console(feeder->log, "a watchdog cannot be stopped");
	return EXIT_OK;
}

struct error *watchdog_start(const struct plan *plan, struct log *log, pid_t *pid_ret)
{
	struct feeder feeder = {.plan = plan, .log = log, .pause_s = PAUSE_MAX_S};

	for (size_t i = 0; i < WATCHDOGS_MAX; i++)
		feeder.fds[i] = -1;
	*pid_ret = 0;
	if (!plan->watchdog_modules || !*plan->watchdog_modules)
		return NULL;
	return process_start(feed_child, &feeder, pid_ret);
}

void watchdog_stop(pid_t pid)
{
	if (pid > 0)
		process_stop(pid, STOP_MS);
}
