// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Logs in to the iSCSI targets that have the disks of a dump's target, with open-iscsi's iscsistart(8): a program that ends when it is
 * done, and leaves the session to the kernel.
 *
 * Does not set up the network (network.h), and nobody makes a connection anew that is lost later: within half a minute the kernel gives
 * the session up, and iscsi_find_loss() tells.
 */
#ifndef CAPTURE_ISCSI_H
#define CAPTURE_ISCSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/plan.h"
#include "boot/words.h"
#include "capture/log.h"

/** Words of a session in the plan, as struct iscsi_sessions of boot/iscsi.h has them; behind these come parameters. */
enum iscsi_word {
	ISCSI_TARGET, /**< The number of the dump's target. */
	ISCSI_ADDRESS,
	ISCSI_PORT,
	ISCSI_GROUP,
	ISCSI_LUN,
	ISCSI_NAME,
	ISCSI_INITIATOR,
	ISCSI_AUTH,
	ISCSI_WORDS
};

/** Sessions of one target, any of which will do, and how long they may take. */
struct iscsi_request {
	const struct plan *plan;
	size_t number; /**< Of the target. */
	uint64_t limit_ms; /**< Until when what does not answer is tried again, a time of clock_now_ms(). */
	uint64_t end_ms; /**< Deadline of the capture; 0: none. */
};

/** Whether a target needs sessions. @param[in] plan The plan. @param[in] number Of the target. */
bool iscsi_is_needed(const struct plan *plan, size_t number);

/**
 * Take a session of the plan apart.
 *
 * @param[in] row Of the plan.
 * @param[out] ret ISCSI_WORDS words at least; words_deinit() it.
 * @return NULL; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *iscsi_parse(const char *row, struct words *ret) must_check;

/**
 * Make one of the sessions that lead to a target, and have the kernel look for its disk, but for no others of the same server. A session
 * that is there already is used as it is.
 *
 * @param[in] host The machine.
 * @param[in] request Which.
 * @param[in,out] log What is told; never a password.
 * @return NULL; ERROR_OS, ERROR_TIMEOUT (there is no session; the text says with whom, and why); ERROR_BAD_DATA (the plan); ERROR_NOMEM.
 */
struct error *iscsi_log_in(const struct host *host, const struct iscsi_request *request, struct log *log) must_check;

/** Looks after the sessions of a target that is in use. */
struct iscsi_watch {
	const struct host *host;
	const struct plan *plan;
	size_t number; /**< Of the target. */
	bool was_there; /**< One of its sessions was seen. */
};

/**
 * Whether a session that was there has been lost, for process_run_watched(). Nobody makes it again, and a file system on it does not
 * always tell who writes to it.
 *
 * @param[in,out] context A struct iscsi_watch.
 * @return NULL; else why the target is lost. Static.
 */
const char *iscsi_find_loss(void *context);

#endif
