// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What a block device stands on: logical volumes, RAID arrays, paths, down to the disks that drivers alone bring up.
 *
 * Does not bring anything up: that is dracut's work in the full form of the capture initramfs.
 */
#ifndef BOOT_STACK_H
#define BOOT_STACK_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/crypt.h"
#include "boot/device.h"
#include "boot/iscsi.h"
#include "boot/words.h"

/** What some devices stand on. Zeroed is empty; stack_deinit() it. */
struct stack {
	struct words reasons; /**< What is stacked, for a person; empty: plain disks and partitions only. */
	struct words dracut_modules; /**< dracut's modules that bring it up, "lvm" …, each once. */
	struct words devices; /**< What dracut is told to bring up, "/dev/mapper/system-root" … */
	struct words disks; /**< Directories in /sys of the disks and partitions at the bottom. */
	struct iscsi_sessions
		sessions; /**< Of those that are reached by iSCSI. Several are paths to one disk, and nothing else is stacked then. */
	struct crypt_volumes
		volumes; /**< Encrypted ones, which lie on a plain disk each, and on which nothing is stacked. */
};

/**
 * Add a device and all that is below it.
 *
 * @param[in] host The machine.
 * @param[in] device The device.
 * @param[in,out] stack What is known so far.
 * @return NULL; ERROR_UNSUPPORTED (something in it cannot be brought up after a crash; the text says what, and what to do
 *	   instead); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *stack_add(const struct host *host, const struct device *device, struct stack *stack) must_check;

/**
 * Add the devices of a btrfs, if there are several.
 *
 * @param[in] host The machine.
 * @param[in] uuid Of the file system.
 * @param[in] subject The device that was named, "/dev/vda2".
 * @param[in,out] stack What is known so far; one of the devices is there already.
 * @return As stack_add().
 */
struct error *stack_add_btrfs(const struct host *host, const char *uuid, const char *subject,
                              struct stack *stack) must_check;

/** Free what a stack owns. @param[in] stack Filled, or zeroed. */
void stack_deinit(struct stack *stack);

#define _cleanup_stack_ _cleanup_(stack_deinit)

#endif
