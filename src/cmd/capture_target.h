// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What kdump-capture knows while it runs, and what it does on one target.
 *
 * Does not choose the target and does not end the machine (kdump-capture.c).
 */
#ifndef CMD_CAPTURE_TARGET_H
#define CMD_CAPTURE_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/plan.h"
#include "capture/dumpdir.h"
#include "capture/log.h"
#include "capture/notify.h"
#include "capture/remote.h"
#include "capture/system.h"
#include "capture/target.h"

/** What the kernel log may take: it is read in a fraction of a second, and nothing in it is worth losing the dump for. */
enum { CAPTURE_LOG_MS = 60000 };

/** Of the command line. */
struct capture_options {
	const char *plan_path;
	const char *vmcore_path;
	const char *directory; /**< NULL: mount the plan's target. */
	bool is_init; /**< We are the first process of a capture system. */
	bool is_system; /**< The capture system is ours: as its first process, or as a unit beside others. */
	bool is_failed; /**< Another process was to save the memory, and has failed. */
	bool is_power; /**< Do the last action. */
};

/** What the process that works tells the one that waits for it. */
struct capture_outcome {
	_Atomic bool
		is_sealed; /**< The dump is whole and has its name: what happens then is no failure of the capture. */
	const char *_Atomic
		doing; /**< What the work is at, for when it ends in the middle: static text, which both processes have. */
	char reason[ERROR_TEXT_BYTES]; /**< Why it failed. */
};

/** Another target of a dump that is split. */
struct capture_part {
	struct target_request target;
	size_t number; /**< In KDUMP_TARGET, from 1. */
	int fd; /**< Root directory of its file system; -1: it is not there. */
	struct dumpdir dir;
};

/** All there is. Processes that are made inherit it; only the outcome is seen by both. */
struct capture {
	const struct capture_options *options;
	struct plan plan;
	char *plan_text;
	struct log log;
	uint64_t end_ms; /**< Deadline of what is tried now, a time of clock_now_ms(); 0: none. */
	struct target_request target; /**< What is tried now. */
	int status; /**< Exit code, when all has failed. */
	struct capture_outcome *outcome;
	struct dumpdir dir;
	/** Where the dump is, if it is not in a directory here: that on a server, as it is called now, or the device of a partition. */
	char place_path[REMOTE_PATH_BYTES];
	char hash[65]; /**< SHA-256 of the memory, where it was uploaded; empty: nobody knows yet. */
	int target_fd;
	char boot_id[SYSTEM_BOOT_ID_BYTES];
	time_t time;
	const struct notify_state *notices; /**< NULL: nobody is told. */
	pid_t watchdog_pid; /**< Who feeds the watchdogs; 0: nobody. */
	bool is_log_only; /**< Nothing but the log was to be saved. */
	struct capture_part parts[PLAN_PARTS_MAX]; /**< Those behind the target that is tried. */
	size_t part_count;
	bool is_split; /**< The memory is in several files, one on each of them. */
	const char *contents; /**< What vmcore is, for README.txt; NULL: there is none that is whole. */
};

/**
 * All of the work on the target that is tried now. What it opens is closed before the target is unmounted.
 *
 * @param[in,out] capture See there.
 * @return NULL: the dump is sealed; else what failed.
 */
struct error *capture_to_target(struct capture *capture) must_check;

/**
 * Run programs of the administrator's. They are told where the directory is now: it gets another name when it is sealed.
 *
 * @param[in,out] capture See there.
 * @param[in] commands Of its plan.
 * @param[in] stage Word for the environment.
 * @param[in] status Exit code so far.
 * @return As hooks_run().
 */
int capture_run_hooks(struct capture *capture, char *const *commands, const char *stage, int status);

/** Show the end of a log on the console: what a person there wants to see first. @param[in,out] log The console. @param[in] fd The crashed kernel's log, as text. @param[in] most_bytes How much of it. */
void capture_show_tail(const struct log *log, int fd, size_t most_bytes);

#endif
