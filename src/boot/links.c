// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/links.h"

#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "boot/text.h"

enum {
	MAC_BYTES = 6,
	MAC_TEXT_BYTES = 3 * MAC_BYTES,
	// Cards of a machine with thousands of containers are too many to keep; those of a cluster node are few.
	LINKS_MAX = 4096,
	KIND_BYTES = 16,
	// A VLAN on a bridge of bonds of cards is 4; the kernel itself allows 8 (net/core/dev.c: MAX_NEST_DEV).
	NESTING_MAX = 8,
};

// A network device of the running system.
struct link {
	int index;
	char name[IF_NAMESIZE];
	char kind[KIND_BYTES]; // "vlan", "bond" …; "" for a card.
	bool has_mac;
	uint8_t mac[MAC_BYTES]; // The card's own, which is still its own after a reset.
	unsigned int mtu;
	int parent; // Of a VLAN.
	int master; // The bond or bridge that it is a port of; 0: none.
	uint16_t vlan_id;
	uint32_t stp; // Of a bridge.
	uint8_t mode, hash, lacp_rate, fail_over_mac; // Of a bond: IFLA_BOND_*.
	bool is_used;
};

// What links_use() works on.
struct user {
	struct links *links;
	const struct host *host;
};

static uint8_t small_number(struct netlink_attributes attributes, uint16_t type)
{
	const uint8_t *value = netlink_find(attributes, type, 1, NULL);

	return value ? *value : 0;
}

// The same number is another thing in each kind.
static void take_kind(struct link *link, struct netlink_attributes data)
{
	if (strcmp(link->kind, "vlan") == 0) {
		const void *id = netlink_find(data, IFLA_VLAN_ID, sizeof(link->vlan_id), NULL);

		if (id)
			memcpy(&link->vlan_id, id, sizeof(link->vlan_id));
	} else if (strcmp(link->kind, "bond") == 0) {
		link->mode = small_number(data, IFLA_BOND_MODE);
		link->hash = small_number(data, IFLA_BOND_XMIT_HASH_POLICY);
		link->lacp_rate = small_number(data, IFLA_BOND_AD_LACP_RATE);
		link->fail_over_mac = small_number(data, IFLA_BOND_FAIL_OVER_MAC);
	} else if (strcmp(link->kind, "bridge") == 0) {
		link->stp = netlink_u32(data, IFLA_BR_STP_STATE, 0);
	}
}

void links_take(void *context, uint16_t type, const void *fixed, struct netlink_attributes attributes)
{
	const struct ifinfomsg *info = fixed;
	struct links *links = context;
	struct netlink_attributes about = netlink_inside(attributes, IFLA_LINKINFO);
	const char *name = netlink_find(attributes, IFLA_IFNAME, 1, NULL);
	const char *kind = netlink_find(about, IFLA_INFO_KIND, 1, NULL);
	const void *mac = netlink_find(attributes, IFLA_PERM_ADDRESS, MAC_BYTES, NULL);
	struct link *grown, *link;

	if (type != RTM_NEWLINK || !name || links->count == LINKS_MAX)
		return;
	grown = realloc(links->list, (links->count + 1) * sizeof(*grown));
	if (!grown) {
		links->is_failed = true;
		return;
	}
	links->list = grown;
	link = &grown[links->count++];
	*link = (struct link){.index = info->ifi_index,
	                      .mtu = netlink_u32(attributes, IFLA_MTU, 0),
	                      .parent = (int)netlink_u32(attributes, IFLA_LINK, 0),
	                      .master = (int)netlink_u32(attributes, IFLA_MASTER, 0)};
	snprintf(link->name, sizeof(link->name), "%s", name);
	snprintf(link->kind, sizeof(link->kind), "%s", kind ? kind : "");
	if (!mac)
		mac = netlink_find(attributes, IFLA_ADDRESS, MAC_BYTES, NULL);
	link->has_mac = mac;
	if (mac)
		memcpy(link->mac, mac, MAC_BYTES);
	take_kind(link, netlink_inside(about, IFLA_INFO_DATA));
}

struct error *links_list(struct netlink *netlink, struct links *ret)
{
	struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
	struct netlink_message message;
	struct error *err;

	netlink_begin(&message, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	err = netlink_run(netlink, &message, links_take, ret);
	if (!err && ret->is_failed)
		err = error_new(ERROR_NOMEM, "no memory for the list of network devices");
	return err;
}

static const char *mac_text(const struct link *link, char ret[MAC_TEXT_BYTES])
{
	const uint8_t *mac = link->mac;

	snprintf(ret, MAC_TEXT_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return ret;
}

static struct error *use_link(struct user *user, struct link *link, unsigned int depth);

static struct link *find_link(const struct links *links, int index)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->list[i].index == index)
			return &links->list[i];
	return NULL;
}

const char *links_name(const struct links *links, int index)
{
	const struct link *link = find_link(links, index);

	return link ? link->name : NULL;
}

static struct error *use_card(struct user *user, struct link *card)
{
	_cleanup_free_ char *path = NULL, *device = NULL, *target = NULL;
	const char *tail;
	struct error *err;

	if (asprintf(&path, "/sys/class/net/%s", card->name) < 0 || asprintf(&device, "%s/device", path) < 0)
		return error_new(ERROR_NOMEM, "no memory for a path");
	if (!host_exists(user->host, device) || !card->has_mac)
		return error_new(ERROR_UNSUPPORTED,
		                 "%s is no network card, VLAN, bond or bridge (%s); that is not supported", card->name,
		                 *card->kind ? card->kind : "nothing is below it");
	err = host_readlink(user->host, path, &target);
	if (err)
		return err;
	tail = strstr(target, "/devices/");
	words_addf(&user->links->devices, "/sys%s", tail ? tail : "");
	words_addf(&user->links->lines, "%s %s %u", card->name, mac_text(card, (char[MAC_TEXT_BYTES]){0}), card->mtu);
	return NULL;
}

static struct error *use_vlan(struct user *user, struct link *link, unsigned int depth)
{
	struct link *below = find_link(user->links, link->parent);
	struct error *err;

	if (!below)
		return error_new(ERROR_UNSUPPORTED, "%s: the card below it is not of this system", link->name);
	if (strcmp(below->kind, "vlan") == 0)
		return error_new(ERROR_UNSUPPORTED, "%s: a VLAN in a VLAN is not supported", link->name);
	err = use_link(user, below, depth + 1);
	if (!err)
		words_addf(&user->links->lines, "%s vlan %u %s %u", link->name, link->vlan_id, below->name, link->mtu);
	return err;
}

// Ports that lead nowhere, such as those of virtual machines, are left out.
static struct error *use_ports(struct user *user, struct link *link, unsigned int depth, struct text *ports)
{
	const char *separator = "";

	for (size_t i = 0; i < user->links->count; i++) {
		struct link *port = &user->links->list[i];
		struct error *err;

		if (port->master != link->index)
			continue;
		err = use_link(user, port, depth + 1);
		if (err && err->code != ERROR_UNSUPPORTED)
			return err;
		if (!err) {
			text_add(ports, "%s%s", separator, port->name);
			separator = ",";
		}
		error_free(err);
	}
	return NULL;
}

static struct error *use_ports_of(struct user *user, struct link *link, unsigned int depth)
{
	_cleanup_text_ struct text ports = {0};
	_cleanup_free_ char *names = NULL;
	char mac[MAC_TEXT_BYTES];
	struct error *err = use_ports(user, link, depth, &ports);

	if (!err)
		err = text_take(&ports, &names);
	if (err)
		return err;
	if (!*names || !link->has_mac)
		return error_new(ERROR_UNSUPPORTED, "%s is a %s without a network card", link->name, link->kind);
	if (strcmp(link->kind, "bridge") == 0)
		words_addf(&user->links->lines, "%s bridge %s %s %u %u", link->name, mac_text(link, mac), names,
		           link->stp ? 1 : 0, link->mtu);
	else
		words_addf(&user->links->lines, "%s bond %s %s %u %u %u %u %u", link->name, mac_text(link, mac), names,
		           link->mode, link->hash, link->lacp_rate, link->fail_over_mac, link->mtu);
	return NULL;
}

// The link and what is below it go into the plan once each, the lowest first.
static struct error *use_link(struct user *user, struct link *link, unsigned int depth)
{
	static const struct {
		const char *kind, *module;
		struct error *(*use)(struct user *user, struct link *link, unsigned int depth);
	} kinds[] = {
		{"vlan", "8021q", use_vlan}, {"bond", "bonding", use_ports_of}, {"bridge", "bridge", use_ports_of}};
	struct error *err = NULL;
	size_t i = 0;

	if (link->is_used)
		return NULL;
	if (depth > NESTING_MAX)
		return error_new(ERROR_UNSUPPORTED, "%s: too many devices are below each other", link->name);
	while (i < array_size(kinds) && strcmp(kinds[i].kind, link->kind) != 0)
		i++;
	err = i < array_size(kinds) ? kinds[i].use(user, link, depth) : use_card(user, link);
	if (err)
		return err;
	link->is_used = true;
	if (i < array_size(kinds) && !words_has(&user->links->modules, kinds[i].module))
		words_add(&user->links->modules, kinds[i].module);
	return NULL;
}

struct error *links_use(struct links *links, const struct host *host, int index)
{
	struct user user = {.links = links, .host = host};
	struct link *link = find_link(links, index);
	struct error *err = link ? use_link(&user, link, 0)
	                         : error_new(ERROR_UNSUPPORTED, "network device %d is not of this system", index);

	if (!err && (links->lines.is_failed || links->devices.is_failed || links->modules.is_failed))
		err = error_new(ERROR_NOMEM, "no memory for network devices");
	return err;
}

void links_deinit(struct links *links)
{
	free(links->list);
	words_deinit(&links->lines);
	words_deinit(&links->devices);
	words_deinit(&links->modules);
	*links = (struct links){0};
}
