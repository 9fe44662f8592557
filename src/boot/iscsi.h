// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Disks that are reached by iSCSI: what it takes to log in to their targets again after a crash.
 *
 * Does not log in (capture/iscsi.h) and does not know over which card a portal is reached (ways.h).
 */
#ifndef BOOT_ISCSI_H
#define BOOT_ISCSI_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/device.h"
#include "boot/words.h"

/** What a path in sysfs has where a disk belongs to a session. */
#define ISCSI_SESSION_MARK "/session"

/** Word of a session that needs a user and a password, which the image has as a secret of the target. */
#define ISCSI_CHAP "chap"

/** Marks the session in the secrets: "ADDRESS PORT NAME" follows, and lines "user=", "password=", "user_in=", "password_in=" behind it. */
#define ISCSI_SECRET_MARK "session="

/** Sessions, one for each disk; two disks of one session are two. Zeroed is empty; iscsi_sessions_deinit() it. */
struct iscsi_sessions {
	/**
	 * "ADDRESS PORT TPGT LUN NAME INITIATOR AUTH PARAMETER…": the portal, the tag of its group, the number of the disk, the names of
	 * the target and of this machine, ISCSI_CHAP or "-", and what iscsistart(8) is told with --param.
	 */
	struct words rows;
	struct words servers; /**< Addresses of the portals, as numbers, each once. */
	struct words reasons; /**< For a person; without passwords. */
	char *secret; /**< Lines for the image; NULL: no session has any. */
};

/**
 * Add the session of a disk, as the kernel has it now.
 *
 * The kernel's files are those of drivers/scsi/scsi_transport_iscsi.c, Linux v6.1; users and passwords are there for root only.
 *
 * @param[in] host The machine.
 * @param[in] device A disk or partition whose path has ISCSI_SESSION_MARK.
 * @param[in,out] sessions What is known so far.
 * @return NULL; ERROR_UNSUPPORTED (a card that speaks iSCSI itself, RDMA); ERROR_CONFIG (the kernel does not tell all that is
 *	   needed, or open-iscsi is not installed); ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *iscsi_add(const struct host *host, const struct device *device,
                        struct iscsi_sessions *sessions) must_check;

/** The program that logs in without a daemon. @param[in] host The machine. @return Static; NULL: it is not there. */
const char *iscsi_program(const struct host *host);

/** Free what it owns. @param[in] sessions Used, or zeroed. */
void iscsi_sessions_deinit(struct iscsi_sessions *sessions);

#endif
