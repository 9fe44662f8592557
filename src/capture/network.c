// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_bonding.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include "boot/words.h"

// Each is a message and its answer: enough for a VLAN on a bridge of bonds.
enum { LOOKS = 6 };

static struct error *bad_word(const char *what, const char *word)
{
	return error_new(ERROR_BAD_DATA, "the plan's %s '%s' cannot be understood", what, word);
}

static bool parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return !errno && end != text && !*end && *ret <= max && *text != '-';
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
	int end = 0;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
	              &mac[5], &end) == 6 &&
	       !text[end];
}

static bool find_link(const struct network *network, const char *name, size_t *ret)
{
	for (*ret = 0; *ret < network->link_count; ++*ret)
		if (strcmp(network->links[*ret].name, name) == 0)
			return true;
	return false;
}

// "ID LINK"
static bool parse_vlan(struct network *network, struct network_link *link, char *const *word)
{
	unsigned long id;

	if (!parse_number(word[0], 4094, &id) || !id || !find_link(network, word[1], &link->below) ||
	    network->links[link->below].kind == NETWORK_VLAN)
		return false;
	link->vlan_id = (uint16_t)id;
	return true;
}

// "LINK[,LINK]..."; the device itself is the next in the list.
static bool parse_ports(struct network *network, char *names)
{
	char *name;

	while ((name = strsep(&names, ","))) {
		size_t port;

		if (!find_link(network, name, &port) || network->links[port].is_port)
			return false;
		network->links[port].is_port = true;
		network->links[port].master = network->link_count;
	}
	return true;
}

// "MAC LINK[,LINK]... MODE HASH LACP-RATE FAIL-OVER-MAC"
static bool parse_bond(struct network *network, struct network_link *link, char *const *word)
{
	uint8_t *const numbers[] = {&link->mode, &link->hash, &link->lacp_rate, &link->fail_over_mac};

	for (size_t i = 0; i < array_size(numbers); i++) {
		unsigned long number;

		if (!parse_number(word[2 + i], UINT8_MAX, &number))
			return false;
		*numbers[i] = (uint8_t)number;
	}
	return parse_mac(word[0], link->mac) && parse_ports(network, word[1]);
}

// "MAC LINK[,LINK]... STP"
static bool parse_bridge(struct network *network, struct network_link *link, char *const *word)
{
	unsigned long stp;

	if (!parse_number(word[2], 1, &stp))
		return false;
	link->has_stp = stp;
	return parse_mac(word[0], link->mac) && parse_ports(network, word[1]);
}

// "MAC"
static bool parse_card(struct network *network, struct network_link *link, char *const *word)
{
	(void)network;
	return parse_mac(word[0], link->mac);
}

// "NAME MAC MTU", or "NAME KIND … MTU"
static bool parse_link(struct network *network, const struct words *words)
{
	static const struct {
		const char *name;
		enum network_kind kind;
		size_t word_count; // Between the kind and the MTU.
		bool (*parse)(struct network *network, struct network_link *link, char *const *word);
	} kinds[] = {
		{"vlan", NETWORK_VLAN, 2, parse_vlan},
		{"bond", NETWORK_BOND, 6, parse_bond},
		{"bridge", NETWORK_BRIDGE, 3, parse_bridge},
	};
	struct network_link *link = &network->links[network->link_count];
	char *const *word = words->list;
	unsigned long mtu = 0;
	bool is_good = false;
	size_t kind = 0;

	if (words->count < 3 || network->link_count == NETWORK_LINKS_MAX || strlen(word[0]) >= sizeof(link->name))
		return false;
	*link = (struct network_link){0};
	memcpy(link->name, word[0], strlen(word[0]) + 1);
	while (kind < array_size(kinds) && strcmp(kinds[kind].name, word[1]) != 0)
		kind++;
	if (kind == array_size(kinds)) {
		is_good = words->count == 3 && parse_card(network, link, word + 1);
	} else {
		link->kind = kinds[kind].kind;
		is_good = words->count == kinds[kind].word_count + 3 && kinds[kind].parse(network, link, word + 2);
	}
	if (!is_good || !parse_number(word[words->count - 1], 65536, &mtu))
		return false;
	link->mtu = (unsigned int)mtu;
	network->link_count++;
	return true;
}

static bool parse_address(const char *text, struct network_address *ret)
{
	*ret = (struct network_address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	return inet_pton(ret->family, text, ret->bytes) == 1;
}

// "LINK ADDRESS/BITS"
static bool parse_own(struct network *network, const struct words *words)
{
	struct network_own *own = &network->own[network->own_count];
	unsigned long bits;
	char *slash;

	if (words->count != 2 || network->own_count == NETWORK_ADDRESSES_MAX ||
	    !find_link(network, words->list[0], &own->link))
		return false;
	slash = strchr(words->list[1], '/');
	if (!slash || !parse_number(slash + 1, 128, &bits))
		return false;
	*slash = '\0';
	if (!parse_address(words->list[1], &own->address) || (own->address.family == AF_INET && bits > 32))
		return false;
	own->prefix_bits = (unsigned int)bits;
	network->own_count++;
	return true;
}

// "ADDRESS LINK GATEWAY SOURCE"
static bool parse_route(struct network *network, const struct words *words)
{
	struct network_route *route = &network->routes[network->route_count];
	struct network_address *parts[] = {&route->gateway, &route->source};

	if (words->count != 4 || network->route_count == NETWORK_ROUTES_MAX ||
	    !parse_address(words->list[0], &route->to) || !find_link(network, words->list[1], &route->link))
		return false;
	for (size_t i = 0; i < array_size(parts); i++) {
		const char *text = words->list[2 + i];

		*parts[i] = (struct network_address){0};
		if (strcmp(text, "-") != 0 && (!parse_address(text, parts[i]) || parts[i]->family != route->to.family))
			return false;
	}
	network->route_count++;
	return true;
}

static struct error *parse_all(struct network *network, char *const *texts, const char *what,
                               bool (*parse)(struct network *network, const struct words *words))
{
	for (; texts && *texts; texts++) {
		_cleanup_words_ struct words words = {0};
		struct error *err;

		words_split(&words, *texts);
		err = words_check(&words);
		if (!err && !parse(network, &words))
			err = bad_word(what, *texts);
		if (err)
			return err;
	}
	return NULL;
}

struct error *network_parse(const struct plan *plan, struct network *ret)
{
	struct error *err;

	*ret = (struct network){.orders.fd = -1, .events.fd = -1};
	err = parse_all(ret, plan->network_links, "network.links", parse_link);
	if (!err)
		err = parse_all(ret, plan->network_addresses, "network.addresses", parse_own);
	if (!err)
		err = parse_all(ret, plan->network_routes, "network.routes", parse_route);
	ret->first_notice = ret->route_count;
	return err ? err : parse_all(ret, plan->notify_routes, "notify.routes", parse_route);
}

struct error *network_open(struct network *network)
{
	struct error *err = netlink_open(&network->orders, 0);

	return err ? err : netlink_open(&network->events, RTMGRP_LINK);
}

void network_close(struct network *network)
{
	netlink_close(&network->orders);
	netlink_close(&network->events);
}

// Tells on the console what the kernel refused, but for what is there already.
static bool order(struct network *network, struct netlink_message *message, const struct network_link *link,
                  const char *what, const struct log *log)
{
	struct error *err = netlink_run(&network->orders, message, NULL, NULL);
	bool is_done = !err || err->errnum == EEXIST;

	if (!is_done)
		log_console(log, "network: %s: %s: %s", link->name, what, err->text);
	error_free(err);
	return is_done;
}

static void switch_on(struct network *network, struct network_link *link, const struct log *log)
{
	struct ifinfomsg fixed = {.ifi_index = link->index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct netlink_message message;

	if (link->is_asked)
		return;
	if (link->mtu) {
		struct ifinfomsg same = {.ifi_index = link->index};

		netlink_begin(&message, RTM_NEWLINK, 0, &same, sizeof(same));
		netlink_add(&message, IFLA_MTU, &link->mtu, sizeof(link->mtu));
		order(network, &message, link, "its MTU", log);
	}
	netlink_begin(&message, RTM_NEWLINK, 0, &fixed, sizeof(fixed));
	// Once: a card that cannot be switched on now will not be later, and each try would be told.
	link->is_asked = true;
	order(network, &message, link, "to switch it on", log);
}

static void add_small(struct netlink_message *message, uint16_t type, uint8_t value)
{
	netlink_add(message, type, &value, sizeof(value));
}

// What the kernel refuses of a mode that has no such option is left out.
static void describe_bond(struct netlink_message *message, const struct network_link *link)
{
	const uint32_t look_each_ms = 100;

	add_small(message, IFLA_BOND_MODE, link->mode);
	netlink_add(message, IFLA_BOND_MIIMON, &look_each_ms, sizeof(look_each_ms));
	if (link->mode == BOND_MODE_8023AD)
		add_small(message, IFLA_BOND_AD_LACP_RATE, link->lacp_rate);
	if (link->mode == BOND_MODE_8023AD || link->mode == BOND_MODE_XOR || link->mode == BOND_MODE_TLB)
		add_small(message, IFLA_BOND_XMIT_HASH_POLICY, link->hash);
	if (link->mode == BOND_MODE_ACTIVEBACKUP && link->fail_over_mac)
		add_small(message, IFLA_BOND_FAIL_OVER_MAC, link->fail_over_mac);
}

// Without the protocol against loops a bridge need not listen before it forwards.
static void describe_bridge(struct netlink_message *message, const struct network_link *link)
{
	const uint32_t stp = link->has_stp, forward_delay = 0;

	netlink_add(message, IFLA_BR_STP_STATE, &stp, sizeof(stp));
	if (!stp)
		netlink_add(message, IFLA_BR_FORWARD_DELAY, &forward_delay, sizeof(forward_delay));
}

static void make(struct network *network, struct network_link *link, const struct log *log)
{
	static const char *const kinds[] = {
		[NETWORK_VLAN] = "vlan", [NETWORK_BOND] = "bond", [NETWORK_BRIDGE] = "bridge"};
	const char *kind = kinds[link->kind];
	struct ifinfomsg fixed = {0};
	struct netlink_message message;
	size_t about, data;

	link->is_made = true;
	// The module of bonds makes one by itself, of the name that most bonds have: that is changed.
	netlink_begin(&message, RTM_NEWLINK, NLM_F_CREATE | (link->kind == NETWORK_BOND ? 0 : NLM_F_EXCL), &fixed,
	              sizeof(fixed));
	netlink_add(&message, IFLA_IFNAME, link->name, strlen(link->name) + 1);
	if (link->kind == NETWORK_VLAN)
		netlink_add(&message, IFLA_LINK, &network->links[link->below].index, sizeof(int));
	else if (link->kind == NETWORK_BRIDGE || !link->fail_over_mac)
		netlink_add(&message, IFLA_ADDRESS, link->mac, sizeof(link->mac));
	about = netlink_nest(&message, IFLA_LINKINFO);
	netlink_add(&message, IFLA_INFO_KIND, kind, strlen(kind) + 1);
	data = netlink_nest(&message, IFLA_INFO_DATA);
	if (link->kind == NETWORK_VLAN)
		netlink_add(&message, IFLA_VLAN_ID, &link->vlan_id, sizeof(link->vlan_id));
	else if (link->kind == NETWORK_BOND)
		describe_bond(&message, link);
	else
		describe_bridge(&message, link);
	netlink_nest_end(&message, data);
	netlink_nest_end(&message, about);
	order(network, &message, link, "to make it", log);
}

// A bond takes a port only while that is switched off, and switches it on itself.
static void join(struct network *network, struct network_link *port, const struct log *log)
{
	const struct network_link *master = &network->links[port->master];
	struct ifinfomsg fixed = {.ifi_index = port->index};
	struct netlink_message message;

	netlink_begin(&message, RTM_NEWLINK, 0, &fixed, sizeof(fixed));
	netlink_add(&message, IFLA_MASTER, &master->index, sizeof(master->index));
	port->is_joined = true;
	port->is_asked = master->kind == NETWORK_BOND;
	order(network, &message, port, "to be a port", log);
}

static size_t address_bytes(const struct network_address *address)
{
	return address->family == AF_INET ? 4 : 16;
}

static void add_own(struct network *network, const struct network_own *own, const struct log *log)
{
	const struct network_link *link = &network->links[own->link];
	struct ifaddrmsg fixed = {.ifa_family = (unsigned char)own->address.family,
	                          .ifa_prefixlen = (unsigned char)own->prefix_bits,
	                          .ifa_index = (unsigned int)link->index};
	// It is of this machine, not of a service that moves, so that nobody else has it: it need not be looked for.
	uint32_t flags = IFA_F_PERMANENT | (own->address.family == AF_INET6 ? IFA_F_NODAD : 0);
	struct netlink_message message;

	netlink_begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &fixed, sizeof(fixed));
	netlink_add(&message, IFA_LOCAL, own->address.bytes, address_bytes(&own->address));
	netlink_add(&message, IFA_ADDRESS, own->address.bytes, address_bytes(&own->address));
	netlink_add(&message, IFA_FLAGS, &flags, sizeof(flags));
	order(network, &message, link, "its address", log);
}

static void add_route(struct network *network, const struct network_route *route, const struct log *log)
{
	const struct network_link *link = &network->links[route->link];
	struct rtmsg fixed = {
		.rtm_family = (unsigned char)route->to.family,
		.rtm_dst_len = (unsigned char)(8 * address_bytes(&route->to)),
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = route->gateway.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
		// The gateway may lie outside of the networks of our addresses.
		.rtm_flags = route->gateway.family ? RTNH_F_ONLINK : 0,
	};
	struct netlink_message message;

	netlink_begin(&message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &fixed, sizeof(fixed));
	netlink_add(&message, RTA_DST, route->to.bytes, address_bytes(&route->to));
	netlink_add(&message, RTA_OIF, &link->index, sizeof(link->index));
	if (route->gateway.family)
		netlink_add(&message, RTA_GATEWAY, route->gateway.bytes, address_bytes(&route->to));
	if (route->source.family)
		netlink_add(&message, RTA_PREFSRC, route->source.bytes, address_bytes(&route->to));
	order(network, &message, link, "a route", log);
}

static void set_up(struct network *network, size_t index, const struct log *log)
{
	network->links[index].is_up = true;
	for (size_t i = 0; i < network->link_count; i++)
		if (network->links[i].kind == NETWORK_VLAN && network->links[i].below == index)
			make(network, &network->links[i], log);
	for (size_t i = 0; i < network->own_count; i++)
		if (network->own[i].link == index)
			add_own(network, &network->own[i], log);
	for (size_t i = 0; i < network->route_count; i++)
		if (network->routes[i].link == index)
			add_route(network, &network->routes[i], log);
}

// IFF_RUNNING may be told a second late (net/core/link_watch.c: linkwatch_schedule_work()). A link that had its carrier when it was
// switched on takes packets at once (net/sched/sch_generic.c: dev_activate()); one that got it later, only when it is told.
static bool has_link(struct network_link *link, unsigned int flags)
{
	if (!(flags & IFF_UP))
		return false;
	if (!(flags & IFF_LOWER_UP))
		link->was_without_carrier = true;
	return flags & IFF_RUNNING || (flags & IFF_LOWER_UP && !link->was_without_carrier);
}

// What the kernel tells of a device.
struct seen {
	struct network *network;
	bool has_link[NETWORK_LINKS_MAX];
};

// kind: "" of a card, also of one that is a port.
static bool is_it(const struct network_link *link, const char *name, const char *kind,
                  struct netlink_attributes attributes)
{
	const void *mac = netlink_find(attributes, IFLA_PERM_ADDRESS, sizeof(link->mac), NULL);

	if (link->kind != NETWORK_CARD)
		return link->is_made && *kind && strcmp(name, link->name) == 0;
	if (!mac)
		mac = netlink_find(attributes, IFLA_ADDRESS, sizeof(link->mac), NULL);
	return !*kind && mac && memcmp(mac, link->mac, sizeof(link->mac)) == 0;
}

static void look(void *context, uint16_t type, const void *fixed, struct netlink_attributes attributes)
{
	const struct ifinfomsg *info = fixed;
	struct seen *seen = context;
	const char *name = netlink_find(attributes, IFLA_IFNAME, 1, NULL);
	const char *kind = netlink_find(netlink_inside(attributes, IFLA_LINKINFO), IFLA_INFO_KIND, 1, NULL);

	if (type != RTM_NEWLINK || !name)
		return;
	for (size_t i = 0; i < seen->network->link_count; i++) {
		struct network_link *link = &seen->network->links[i];

		if (!is_it(link, name, kind ? kind : "", attributes))
			continue;
		link->index = info->ifi_index;
		seen->has_link[i] = has_link(link, info->ifi_flags);
		return;
	}
}

// Whether it is a port now. The first one that is there has its bond or bridge made.
static bool prepare_port(struct network *network, struct network_link *port, const struct log *log)
{
	struct network_link *master = &network->links[port->master];

	if (!master->is_made)
		make(network, master, log);
	else if (master->index && !port->is_joined)
		join(network, port, log);
	return port->is_joined;
}

static size_t update_once(struct network *network, const struct log *log)
{
	struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
	struct seen seen = {.network = network};
	struct netlink_message message;
	struct error *err;
	size_t count = 0;

	netlink_begin(&message, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	err = netlink_run(&network->orders, &message, look, &seen);
	if (err)
		log_console(log, "network: %s", err->text);
	error_free(err);
	for (size_t i = 0; i < network->link_count; i++) {
		struct network_link *link = &network->links[i];

		if (!link->index)
			continue;
		if (link->is_port && !prepare_port(network, link, log))
			continue;
		switch_on(network, link, log);
		if (!seen.has_link[i] || link->is_up)
			continue;
		set_up(network, i, log);
		count++;
	}
	return count;
}

size_t network_update(struct network *network, const struct log *log)
{
	size_t count = 0, more;

	// A device may have its link as soon as it is switched on, what is upon it is there at the next look; what comes later is
	// an event.
	for (size_t i = 0; i < LOOKS; i++) {
		more = update_once(network, log);
		count += more;
	}
	return count;
}

socklen_t network_target(const struct network *network, const struct network_route *route, unsigned int port,
                         struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (route->to.family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, route->to.bytes, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	memcpy(&in6->sin6_addr, route->to.bytes, sizeof(in6->sin6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		in6->sin6_scope_id = (uint32_t)network->links[route->link].index;
	return sizeof(*in6);
}
