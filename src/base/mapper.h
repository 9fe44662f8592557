// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Devices of the kernel's device-mapper with one target, by its own calls (include/uapi/linux/dm-ioctl.h, version 4 since Linux 2.6).
 *
 * Does not wait for a device node, and knows nothing of what targets mean.
 */
#ifndef BASE_MAPPER_H
#define BASE_MAPPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/** Where the kernel is asked. */
#define MAPPER_CONTROL "/dev/mapper/control"

/**
 * The table of a device as dmsetup(8) prints it: "START SECTORS TYPE PARAMETERS". Parameters of crypt may have the key itself.
 *
 * @param[in] control_fd MAPPER_CONTROL, open.
 * @param[in] name Of the device.
 * @param[out] ret Text; mapper_wipe() it.
 * @return NULL; ERROR_OS (ENXIO: no such device); ERROR_UNSUPPORTED (it has several targets, or a very long table); ERROR_NOMEM.
 */
struct error *mapper_table(int control_fd, const char *name, char **ret) must_check;

/** Free a table, and leave nothing of it in memory. @param[in] table Address of the text; it may be NULL. */
void mapper_wipe(char **table);

/** Whether there is a device of a name. @param[in] control_fd As there. @param[in] name As there. */
bool mapper_exists(int control_fd, const char *name);

/** A device to make. */
struct mapper_device {
	const char *name, *uuid; /**< By which device-mapper knows it. */
	uint64_t sectors; /**< Its size, of 512 bytes each. */
	const char *type, *parameters; /**< Of its one target. */
};

/**
 * Make a device and start it. What cannot be started is removed again.
 *
 * @param[in] control_fd MAPPER_CONTROL, open.
 * @param[in] device What.
 * @return NULL; ERROR_OS (EBUSY: the name is taken); ERROR_UNSUPPORTED (a name or table that is too long).
 */
struct error *mapper_create(int control_fd, const struct mapper_device *device) must_check;

#endif
