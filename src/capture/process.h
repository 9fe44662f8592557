// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A part of the work in a child process with a deadline, so that neither its crash nor its hang is ours.
 *
 * Does not run other programs (base/host.h does) and does not say what a part does.
 */
#ifndef CAPTURE_PROCESS_H
#define CAPTURE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

/** How a part ended. */
struct process_result {
	int status; /**< Exit status of the child, or 128 + the signal's number. */
	uint64_t peak_bytes; /**< Most memory the child held at a time (its resident set). */
};

/** What tells that a child is not stuck. Either part may be NULL. */
struct process_watch {
	const _Atomic uint64_t *steps; /**< In memory of process_share(); the child counts there. */
	uint64_t stall_ms; /**< So long it may stand still. */
	const char *(*find_loss)(
		void *context); /**< Asked twice a second. NULL: all is well; else why the child cannot succeed any more. */
	void *context; /**< For that. */
};

/** Time until a deadline. @param[in] end_ms A time of clock_now_ms(); 0: none. @return Milliseconds, 0 when it is over, UINT64_MAX without one. */
uint64_t process_left_ms(uint64_t end_ms);

/** The earlier of two deadlines. @param[in] end_ms A time of clock_now_ms(); 0: none. @param[in] limit_ms Another. @return See there. */
uint64_t process_earlier_ms(uint64_t end_ms, uint64_t limit_ms);

/**
 * Memory that a child and its parent see both, filled with zeros. Never freed before the program ends.
 *
 * @param[in] size_bytes Its size.
 * @param[out] ret First byte.
 * @return NULL; ERROR_NOMEM; ERROR_OS.
 */
struct error *process_share(size_t size_bytes, void **ret) must_check;

/**
 * Start a function in a child process, in a group of its own, and go on. It ends with us at the latest.
 *
 * @param[in] fn Runs in the child; its result is the exit status.
 * @param[in] context For @p fn.
 * @param[out] pid_ret The child; may be NULL.
 * @return NULL; ERROR_OS, ERROR_NOMEM (no process could be made).
 */
struct error *process_start(int (*fn)(void *context), void *context, pid_t *pid_ret) must_check;

/**
 * Wait for a process of process_start(), which goes on if it takes too long.
 *
 * @param[in] pid The child.
 * @param[in] end_ms As process_run().
 * @param[out] ret How it ended; untouched where it has not; may be NULL.
 * @return Whether it has ended.
 */
bool process_wait(pid_t pid, uint64_t end_ms, struct process_result *ret);

/** Ask a process of process_start() to end, with SIGTERM, and wait for it. @param[in] pid The child. @param[in] timeout_ms Then it is killed. */
void process_stop(pid_t pid, uint64_t timeout_ms);

/**
 * Run a function in a child process and wait for its end.
 *
 * Other children that end meanwhile are reaped: as PID 1 we inherit all orphans. When the deadline passes, the child and its
 * process group are killed; one that does not even die (a lost disk) is left behind after a few seconds.
 *
 * @param[in] fn Runs in the child; its result is the exit status.
 * @param[in] context For @p fn.
 * @param[in] end_ms Deadline, a time of clock_now_ms(); 0: none.
 * @param[out] ret How it ended; untouched on error.
 * @return NULL (also if @p fn failed); ERROR_TIMEOUT; ERROR_OS, ERROR_NOMEM (no process could be made).
 */
struct error *process_run(int (*fn)(void *context), void *context, uint64_t end_ms,
                          struct process_result *ret) must_check;

/**
 * As process_run(), for a child whose devices may hang.
 *
 * @param[in] fn See there.
 * @param[in] context See there.
 * @param[in] end_ms See there.
 * @param[in] watch Its progress; NULL: it is not watched.
 * @param[out] ret See there.
 * @return As there; ERROR_OS: it stood still, or cannot succeed, and was killed.
 */
struct error *process_run_watched(int (*fn)(void *context), void *context, uint64_t end_ms,
                                  const struct process_watch *watch, struct process_result *ret) must_check;

#endif
