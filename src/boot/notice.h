// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which addresses get failover notices, and over which cards, VLANs and gateways they are reached now.
 *
 * Does not send anything (capture/notify.h) and does not know which kernel modules a card needs.
 */
#ifndef BOOT_NOTICE_H
#define BOOT_NOTICE_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/words.h"

/**
 * Notices and their network. Words of words, as they stand in the plan. notice_deinit() it.
 *
 * A link is "NAME MAC MTU" or, behind its card, "NAME vlan ID CARD MTU"; an address "LINK ADDRESS/BITS"; a route
 * "ADDRESS LINK GATEWAY SOURCE" with "-" for a gateway or a source that it does not have.
 */
struct notice {
	struct words routes; /**< One for each address that gets notices. Empty: there is nobody to tell. */
	struct words links;
	struct words addresses;
	struct words devices; /**< Directories of the cards below "/sys". */
	struct words reasons; /**< Of each route, for a person; of addresses that get no notice, too. */
	struct words warnings; /**< Nodes that get none, and why. */
	bool has_vlan;
};

/**
 * Find out.
 *
 * All addresses of each node count. One that cannot be reached is left out; a node of which none is left is a warning: without a
 * name, this machine itself, not reached, or only over a device that needs more than a card and a VLAN on it.
 *
 * @param[in] host The machine; routes and names are those of the system that this program runs on.
 * @param[in] config The configuration.
 * @param[out] ret Result; notice_deinit() it.
 * @return NULL; ERROR_CONFIG (too many addresses); ERROR_OS; ERROR_NOMEM.
 */
struct error *notice_find(const struct host *host, const struct config *config, struct notice *ret) must_check;

/** Free what it owns. @param[in] notice Filled, or zeroed. */
void notice_deinit(struct notice *notice);

#define _cleanup_notice_ _cleanup_(notice_deinit)

#endif
