// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The block devices that are there now, and which of them is meant by "UUID=…", "PARTUUID=…" or "LABEL=…".
 *
 * Does not wait for devices to appear and does not mount. Reads the devices themselves through libblkid: no cache, no udev.
 */
#ifndef CAPTURE_BLOCKDEV_H
#define CAPTURE_BLOCKDEV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Sizes of texts, with their NUL, in bytes. Longer identifiers do not exist in any format that libblkid knows. */
enum {
	BLOCKDEV_NAME_BYTES = 64,
	BLOCKDEV_ID_BYTES = 300,
};

/** One block device with a content that is known. Fields that it has not are "". */
struct blockdev {
	char name[BLOCKDEV_NAME_BYTES]; /**< In /dev and /sys/class/block. */
	char uuid[BLOCKDEV_ID_BYTES];
	char label[BLOCKDEV_ID_BYTES];
	char partuuid[BLOCKDEV_ID_BYTES];
	char fstype[BLOCKDEV_NAME_BYTES];
	char table[BLOCKDEV_NAME_BYTES]; /**< Kind of a partition table. */
	bool is_ambivalent; /**< It has marks of several formats. */
	bool is_removable;
	bool is_held; /**< Another device stands on it, such as a volume or the disk of which it is a path. */
	bool is_silent; /**< It has not answered: what is on it is not known. */
};

/**
 * Whether a device is meant.
 *
 * @param[in] dev Device.
 * @param[in] spec "UUID=…", "PARTUUID=…" (both without regard to case) or "LABEL=…".
 * @return true if it is.
 */
bool blockdev_matches(const struct blockdev *dev, const char *spec);

/** Looks at devices, again and again. For one process. blockdev_scan_close() it. */
struct blockdev_scan {
	const char *sys_class_block, *dev_dir; /**< Borrowed. */
	struct blockdev_slot *slots; /**< One for each device that was ever seen; other processes see them, too. */
	size_t count;
};

/**
 * Get ready to look.
 *
 * @param[out] ret The scan.
 * @param[in] sys_class_block Usually "/sys/class/block".
 * @param[in] dev_dir Usually "/dev".
 * @return NULL; ERROR_NOMEM; ERROR_OS.
 */
struct error *blockdev_scan_open(struct blockdev_scan *ret, const char *sys_class_block,
                                 const char *dev_dir) must_check;

/**
 * Look at all block devices that are there now.
 *
 * A process of its own reads them one after the other. If one does not answer within some seconds, it is left to that process, and
 * another one goes on; the device is told as silent until its answer comes, and is not asked a second time before.
 *
 * @param[in,out] scan The scan.
 * @param[out] ret Devices in the order of their names; free() it.
 * @param[out] count_ret Their number.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *blockdev_scan(struct blockdev_scan *scan, struct blockdev **ret, size_t *count_ret) must_check;

/** End. Processes that wait for a device are left behind. @param[in] scan Opened, or zeroed. */
void blockdev_scan_close(struct blockdev_scan *scan);

#define _cleanup_blockdev_scan_ _cleanup_(blockdev_scan_close)

#endif
