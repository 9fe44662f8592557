// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Over which cards, bonds, bridges, VLANs and gateways the nodes that get failover notices, and the servers that get dumps, are reached now.
 *
 * Does not send anything (capture/notify.h) and does not know which kernel modules a card needs.
 */
#ifndef BOOT_WAYS_H
#define BOOT_WAYS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/words.h"

/**
 * Addresses and their network. Words of words, as they stand in the plan. ways_deinit() it.
 *
 * A link is "NAME MAC MTU" or, behind what is below it, "NAME vlan ID LINK MTU", "NAME bond MAC LINK[,LINK]... MODE HASH LACP-RATE
 * FAIL-OVER-MAC MTU", "NAME bridge MAC LINK[,LINK]... STP MTU", numbers as in IFLA_BOND_*; an address "LINK ADDRESS/BITS"; a route
 * "ADDRESS LINK GATEWAY SOURCE" with "-" for a gateway or a source that it does not have.
 */
struct ways {
	struct words notices; /**< The route to each address that gets notices. Empty: there is nobody to tell. */
	struct words servers; /**< The route to each server. */
	struct words links;
	struct words addresses;
	struct words devices; /**< Directories of the cards below "/sys". */
	struct words reasons; /**< Of each notice's route, for a person; of addresses that get no notice, too. */
	struct words server_reasons; /**< Of each server's route. */
	struct words warnings; /**< Nodes that get none, and why. */
	struct words modules; /**< Kernel modules that links need which are no cards. */
};

/**
 * Find out.
 *
 * Of nodes all addresses count. One that cannot be reached is left out; a node of which none is left is a warning: without a
 * name, this machine itself, not reached, or only over a device that is none of the four kinds. Of servers each
 * one must be reached.
 *
 * @param[in] host The machine; routes and names are those of the system that this program runs on.
 * @param[in] nodes Names or addresses of those that get notices.
 * @param[in] servers Addresses as numbers.
 * @param[out] ret Result; ways_deinit() it.
 * @return NULL; ERROR_CONFIG (a server is not reached, or too many addresses); ERROR_UNSUPPORTED (a server is reached over
 *	   another kind of device); ERROR_OS; ERROR_NOMEM.
 */
struct error *ways_find(const struct host *host, const struct words *nodes, const struct words *servers,
                        struct ways *ret) must_check;

/** Free what it owns. @param[in] ways Filled, or zeroed. */
void ways_deinit(struct ways *ways);

#define _cleanup_ways_ _cleanup_(ways_deinit)

#endif
