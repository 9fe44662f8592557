// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The block devices that are there now, and which of them is meant by "UUID=…", "PARTUUID=…" or "LABEL=…".
 *
 * Does not wait and does not mount. Reads the devices themselves through libblkid: no cache, no udev.
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
	bool is_removable;
};

/**
 * Whether a device is meant.
 *
 * @param[in] dev Device.
 * @param[in] spec "UUID=…", "PARTUUID=…" (both without regard to case) or "LABEL=…".
 * @return true if it is.
 */
bool blockdev_matches(const struct blockdev *dev, const char *spec);

/**
 * Look at all block devices.
 *
 * @param[in] sys_class_block "/sys/class/block", or another directory in tests.
 * @param[in] dev_dir "/dev".
 * @param[out] ret Devices, sorted by name; free() them. NULL if there are none.
 * @param[out] count_ret Their number.
 * @return NULL; ERROR_OS; ERROR_NOMEM. A device that cannot be read is listed without identifiers.
 */
struct error *blockdev_list(const char *sys_class_block, const char *dev_dir, struct blockdev **ret,
                            size_t *count_ret) must_check;

#endif
