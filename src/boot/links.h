// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The network devices of the running system, and those of them that a capture kernel must make again: a card, and the VLANs, bonds and
 * bridges upon it.
 *
 * Does not know addresses and routes (boot/ways.h).
 */
#ifndef BOOT_LINKS_H
#define BOOT_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "base/netlink.h"
#include "boot/words.h"

/** Devices. links_deinit() it. */
struct links {
	struct link *list;
	size_t count;
	bool is_failed; /**< Memory was exhausted while they were listed. */
	struct words
		lines; /**< Of those that links_use() took and what is below them, as in kdump-plan(5), lowest first. */
	struct words devices; /**< Directories of their cards below "/sys". */
	struct words modules; /**< Kernel modules that they need beside the drivers of their cards. */
};

/**
 * List the devices.
 *
 * @param[in,out] netlink Opened.
 * @param[out] ret Receives them.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *links_list(struct netlink *netlink, struct links *ret) must_check;

/**
 * Take one message of the kernel's list: the netlink_handler of links_list().
 *
 * @param[in,out] context The struct links.
 * @param[in] type RTM_NEWLINK, else it is passed over.
 * @param[in] fixed Its struct ifinfomsg.
 * @param[in] attributes IFLA_*.
 */
void links_take(void *context, uint16_t type, const void *fixed, struct netlink_attributes attributes);

/** Name of a device. @param[in] links Listed. @param[in] index Its number. @return Borrowed from @p links; NULL: there is none. */
const char *links_name(const struct links *links, int index);

/**
 * Note a device that a capture kernel needs, with all that is below it. Ports of a bond or bridge that lead to no card are left out.
 *
 * @param[in,out] links Listed.
 * @param[in] host The machine, for its sysfs.
 * @param[in] index Number of the device; it must be in the list.
 * @return NULL; ERROR_UNSUPPORTED (a device of another kind, with its name); ERROR_OS; ERROR_NOMEM.
 */
struct error *links_use(struct links *links, const struct host *host, int index) must_check;

/** Free what it owns. @param[in] links Filled, or zeroed. */
void links_deinit(struct links *links);

#endif
