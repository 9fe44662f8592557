// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Block devices of the running system: from a name or a tag to the device and its file system.
 *
 * Does not decide where a dump goes (destination.h), what it stands on (stack.h) or which modules it needs (modules.h).
 */
#ifndef BOOT_DEVICE_H
#define BOOT_DEVICE_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"

/** A block device. device_deinit() it. */
struct device {
	char *name; /**< Kernel's name, "vda1". */
	char *number; /**< "MAJOR:MINOR". */
	char *sysfs; /**< Real path of its directory, "/sys/devices/…/block/vda/vda1". */
};

/** What is on a device. device_content_deinit() it. */
struct device_content {
	char *uuid; /**< UUID of the file system; NULL if it has none. */
	char *fstype; /**< Its type as libblkid calls it; NULL if it is not known. */
	char *partuuid; /**< Of the partition; NULL: it is none, or its table has no names. */
	char *holds; /**< What libblkid knows of that is on it, for a person: a file system, a member of something, a table; NULL: nothing. */
};

/** Free what a device owns. @param[in] device Filled, or zeroed. */
void device_deinit(struct device *device);

/** Free what a content owns. @param[in] content Filled, or zeroed. */
void device_content_deinit(struct device_content *content);

#define _cleanup_device_ _cleanup_(device_deinit)
#define _cleanup_device_content_ _cleanup_(device_content_deinit)

/**
 * The device with a number.
 *
 * @param[in] host The machine.
 * @param[in] number "MAJOR:MINOR".
 * @param[out] ret The device; device_deinit() it.
 * @return NULL; ERROR_OS (ENOENT: no such device); ERROR_BAD_DATA (sysfs is not understood); ERROR_NOMEM.
 */
struct error *device_by_number(const struct host *host, const char *number, struct device *ret) must_check;

/**
 * The device that a person names.
 *
 * @param[in] host The machine.
 * @param[in] name "/dev/…", "UUID=…", "LABEL=…", "PARTUUID=…" or "PARTLABEL=…".
 * @param[out] ret The device; device_deinit() it.
 * @return NULL; ERROR_CONFIG (there is no such device; the text names those that exist, or it is no such form);
 *	   ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *device_by_name(const struct host *host, const char *name, struct device *ret) must_check;

/**
 * Another device of the same name, such as the copy of a disk.
 *
 * @param[in] host The machine.
 * @param[in] device One that has the name.
 * @param[in] name "UUID=…", "LABEL=…", "PARTUUID=…" or "PARTLABEL=…".
 * @param[out] ret The kernel's name of another one; NULL: there is none. free() it.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *device_other(const struct host *host, const struct device *device, const char *name,
                           char **ret) must_check;

/**
 * What is on a device: from udev's links, then from the device itself.
 *
 * @param[in] host The machine.
 * @param[in] device The device.
 * @param[out] ret What is known; device_content_deinit() it. A device that cannot be read is not an error.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *device_probe(const struct host *host, const struct device *device, struct device_content *ret) must_check;

/**
 * Text of a file in a device's directory, such as "dm/name".
 *
 * @param[in] host The machine.
 * @param[in] device The device.
 * @param[in] name Of the file, below the directory.
 * @return Without the end of its line; NULL if it is not there. free() it.
 */
char *device_attribute(const struct host *host, const struct device *device, const char *name);

#endif
