// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The file system that receives the dump: wait for it, mount it, let it go.
 *
 * Does not write to it; see dumpdir.h.
 */
#ifndef CAPTURE_TARGET_H
#define CAPTURE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/plan.h"
#include "capture/blockdev.h"
#include "capture/log.h"

/** A place for a dump, and how long it may take. */
struct target_request {
	struct plan_target place;
	size_t number; /**< Of targets that are tried in turn: each has a mount point of its own, since one may hang. */
	uint64_t timeout_ms; /**< Until its device must have appeared, or its server have answered. */
	bool is_stacked; /**< Other programs put its device together: what cannot be mounted now may be whole in a moment. */
	bool is_multipath; /**< Its device may be one of several paths, and is better not taken alone. */
	uint64_t end_ms; /**< Deadline of the capture, as clock_now_ms(); 0: none. */
	const struct plan *plan; /**< Has the sessions of disks that are reached by iSCSI. */
};

/** Whether it is reached over the network. @param[in] place Of the plan. */
bool target_is_server(const struct plan_target *place);

/** Room for the path of a device. */
enum { TARGET_PATH_BYTES = BLOCKDEV_NAME_BYTES + 8 };

/**
 * Wait until the device of a target that is a partition without a file system is there. Devices are looked at as in target_mount(),
 * and sessions made as there.
 *
 * @param[in] request What and how long.
 * @param[in,out] log What is told.
 * @param[out] path Of the device, in /dev.
 * @return NULL; ERROR_TIMEOUT, ERROR_NOMEM as target_mount(); errors of iscsi_log_in(); ERROR_BAD_DATA: it holds something that libblkid
 *	   knows, now.
 */
struct error *target_find_raw(const struct target_request *request, struct log *log,
                              char path[TARGET_PATH_BYTES]) must_check;

/**
 * Wait until the target's device is there, or its server answers, and mount it.
 *
 * What the plan reaches by iSCSI is logged in to before that (iscsi.h). Devices are looked at whenever the kernel announces one, and once a second. One that another device stands on is left alone. Of
 * several that match, the first one that is not removable is taken, and all are told.
 *
 * @param[in] request What and how long.
 * @param[in,out] log What is told.
 * @param[out] fd_ret Root directory of the file system; close() it before target_unmount().
 * @return NULL; ERROR_TIMEOUT (it did not appear; the text says what was looked for, how long, and what was there instead);
 *	   ERROR_OS (mount failed; the text has device, type and options); errors of iscsi_log_in(); ERROR_NOMEM.
 */
struct error *target_mount(const struct target_request *request, struct log *log, int *fd_ret) must_check;

/** The root of what another process has mounted with target_mount(). @param[in] request As there. @param[out] fd_ret As there. @return NULL; ERROR_OS. */
struct error *target_open(const struct target_request *request, int *fd_ret) must_check;

/**
 * Put everything on the disk and unmount.
 *
 * @param[in] request As it was mounted.
 * @param[in] fd A descriptor on the file system, for syncfs(2); closed here.
 * @return NULL; ERROR_OS: it is detached then, and what was synced before is safe.
 */
struct error *target_unmount(const struct target_request *request, int fd) must_check;

/** Flags and the file system's own words of mount options. */
struct target_options {
	unsigned long flags; /**< MS_… */
	char *data; /**< Words that the kernel's file system reads; "" for none. free() it. */
};

/**
 * Split mount options as fstab has them. Words for programs ("defaults", "nofail", "x-…") are left out, "ro" too.
 *
 * @param[in] options Words with commas between them.
 * @param[out] ret Result.
 * @return NULL; ERROR_NOMEM.
 */
struct error *target_options_parse(const char *options, struct target_options *ret) must_check;

#endif
