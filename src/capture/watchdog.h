// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Feeds the hardware watchdogs while the dump is taken, so that they do not reset the machine in the midst of it.
 *
 * Does not watch the capture itself: its deadlines do.
 */
#ifndef CAPTURE_WATCHDOG_H
#define CAPTURE_WATCHDOG_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/plan.h"
#include "capture/log.h"

/**
 * Start to feed in a process of its own, which ends with the machine. It loads the drivers first.
 *
 * @param[in] plan The plan; nothing is done if it names no watchdog.
 * @param[in] log For the console.
 * @param[out] pid_ret The process; 0: there is none.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *watchdog_start(const struct plan *plan, struct log *log, pid_t *pid_ret) must_check;

/** Stop the watchdogs, for a machine that is to stay down. @param[in] pid Of watchdog_start(); may be 0. */
void watchdog_stop(pid_t pid);

#endif
