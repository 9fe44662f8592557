// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Tells the other nodes of a cluster that this one is dumping, so that they take over at once and do not fence it: fence_kdump's
 * notices, from the first link on until the machine restarts. It sets up the network for them, and for servers that get dumps.
 *
 * Does not find out who is told (boot/ways.h).
 * Source: ClusterLabs fence-agents, agents/kdump/message.h and fence_kdump_send.c.
 */
#ifndef CAPTURE_NOTIFY_H
#define CAPTURE_NOTIFY_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/plan.h"
#include "capture/log.h"

/** What became of notices. Times are of clock_now_ms(). */
struct notify_state {
	uint64_t start_ms; /**< When we were started. */
	int first_fd; /**< In the caller's process: can be read when the first notice went out. */
	_Atomic uint64_t network_ms; /**< When the drivers were loaded; 0: not yet. */
	_Atomic uint64_t first_ms; /**< When the first notice went out; 0: none did. */
	_Atomic uint64_t sent; /**< Notices so far, to all addresses together. */
	_Atomic uint64_t failed; /**< Notices that the kernel did not take. */
};

/**
 * Start to send in a process of its own, which ends with the machine or with the caller. It loads the cards' drivers and sets up the
 * network first: only for the first process of a capture system.
 *
 * @param[in] plan The plan; nothing is done if it names nobody and no server.
 * @param[in] log For the console.
 * @param[out] state_ret What becomes of notices; NULL if nobody is told. Never freed.
 * @return NULL; ERROR_OS; ERROR_NOMEM; ERROR_BAD_DATA.
 */
struct error *notify_start(const struct plan *plan, struct log *log, const struct notify_state **state_ret) must_check;

/**
 * Let the first notice go out before the rest of the work, but never hold it up for more than three seconds after the start.
 *
 * @param[in] state Of notify_start(); may be NULL.
 * @param[in] end_ms When not to wait any more, a time of clock_now_ms(); 0: no such time.
 */
void notify_wait(const struct notify_state *state, uint64_t end_ms);

/** Tell the log what became of notices so far. @param[in] state Of notify_start(); may be NULL. @param[in,out] log The log. */
void notify_report(const struct notify_state *state, struct log *log);

#endif
