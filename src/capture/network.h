// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The network that the plan asks for, as far as its cards have a link: bonds, bridges, VLANs, addresses, routes.
 *
 * Does not load drivers, ask a server for an address, or wait.
 */
#ifndef CAPTURE_NETWORK_H
#define CAPTURE_NETWORK_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/netlink.h"
#include "boot/plan.h"
#include "capture/log.h"

/** What a plan may hold of each; more is refused. A node of a cluster has two rings. */
enum {
	NETWORK_LINKS_MAX = PLAN_LINKS_MAX,
	NETWORK_ADDRESSES_MAX = PLAN_ROUTES_MAX,
	NETWORK_ROUTES_MAX = PLAN_ROUTES_MAX
};

/** Kinds of devices. All but a card are made here, upon others. */
enum network_kind {
	NETWORK_CARD,
	NETWORK_VLAN,
	NETWORK_BOND,
	NETWORK_BRIDGE,
};

/** A device. What it is upon stands before it. */
struct network_link {
	enum network_kind kind;
	char name[IF_NAMESIZE]; /**< When the plan was made; a card may have another now. */
	uint8_t mac[6]; /**< Not of a VLAN, which has that of what it is upon. */
	uint16_t vlan_id; /**< Of a VLAN. */
	size_t below; /**< Of a VLAN: the index of what it is upon. */
	uint8_t mode, hash, lacp_rate, fail_over_mac; /**< Of a bond: IFLA_BOND_*. */
	bool has_stp; /**< Of a bridge. */
	bool is_port; /**< Of the bond or bridge @p master. */
	size_t master; /**< Its index. */
	unsigned int mtu;
	int index; /**< Its number now; 0: it is not there yet. */
	bool is_made; /**< It was ordered to be made. */
	bool is_joined; /**< It was ordered to be a port. */
	bool is_asked; /**< It was switched on. */
	bool was_without_carrier; /**< It was seen without one since. */
	bool is_up; /**< It has a link, its addresses and routes. */
};

/** An Internet address. */
struct network_address {
	int family; /**< AF_INET, AF_INET6. */
	uint8_t bytes[16]; /**< 4 or 16. */
};

/** One of our addresses. */
struct network_own {
	size_t link;
	struct network_address address;
	unsigned int prefix_bits;
};

/** The way to an address. */
struct network_route {
	size_t link;
	struct network_address to, gateway, source; /**< Without a gateway, or a source, their family is 0. */
};

/** The network. For one thread. network_close() it. */
struct network {
	struct netlink orders, events;
	struct network_link links[NETWORK_LINKS_MAX];
	struct network_own own[NETWORK_ADDRESSES_MAX];
	struct network_route routes[NETWORK_ROUTES_MAX];
	size_t link_count, own_count, route_count;
	size_t first_notice; /**< Routes from this one on are for notices; those before lead to servers. */
};

/**
 * Read what the plan says.
 *
 * @param[in] plan The plan.
 * @param[out] ret Its network, nothing of it done.
 * @return NULL; ERROR_BAD_DATA (the text has the word that is wrong).
 */
struct error *network_parse(const struct plan *plan, struct network *ret) must_check;

/** Ask the kernel for news of its devices. @param[in,out] network Parsed; its events.fd can be polled from now on. @return NULL; ERROR_OS. */
struct error *network_open(struct network *network) must_check;

/**
 * Look at the devices that there are, switch on what is new, and set up what has a link now.
 *
 * @param[in,out] network Opened.
 * @param[in] log What was done and what failed, on the console.
 * @return How many links came up now.
 */
size_t network_update(struct network *network, const struct log *log);

/** A socket address. @param[in] network Opened. @param[in] route One of its routes. @param[in] port UDP or TCP. @param[out] ret Filled. @return Its size. */
socklen_t network_target(const struct network *network, const struct network_route *route, unsigned int port,
                         struct sockaddr_storage *ret);

/** Close the sockets; what was set up stays. @param[in] network Parsed or opened. */
void network_close(struct network *network);

#define _cleanup_network_ _cleanup_(network_close)

#endif
