// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Runs the administrator's programs, each with a time limit, and tells what they printed.
 *
 * Does not decide when (cmd/capture_target.c). What they may rely on: kdump-capture(8), HOOKS.
 */
#ifndef CAPTURE_HOOKS_H
#define CAPTURE_HOOKS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/plan.h"
#include "capture/log.h"

/** What a program is told, in its environment. */
struct hooks_about {
	const char *stage; /**< "pre", "transfer", "post", "emergency". */
	const char *vmcore; /**< The memory of the crashed kernel. */
	const char *directory; /**< Of the dump; "": there is none. */
	const char *target; /**< "UUID=…"; "": none was reached. */
	const char *hostname; /**< Of the system that crashed. */
	int status; /**< 0: all has gone well so far; else the exit code of what failed. */
};

/**
 * Run programs, one after the other. What fails is told, and the next one runs.
 *
 * @param[in] commands As in the plan; NULL-terminated.
 * @param[in] about What they are told.
 * @param[in] timeout_ms Of each; 0: as long as the capture may take.
 * @param[in] end_ms Deadline of the capture, as clock_now_ms(); 0: none. What would begin behind it does not run.
 * @param[in,out] log What they printed, and how they ended.
 * @return Exit status of the last one that failed, 128 + its signal, or 124 after its time; 0: none did.
 */
int hooks_run(char *const *commands, const struct hooks_about *about, uint64_t timeout_ms, uint64_t end_ms,
              struct log *log);

#endif
