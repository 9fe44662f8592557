// SPDX-License-Identifier: GPL-2.0-or-later
// Devices as the kernel lists them, and which of them a capture kernel must make again.
#include "boot/links.h"

#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include "fake.h"
#include "test.h"

// Numbers of devices.
enum { ETH0 = 2, ETH1, BOND, BRIDGE, TAP, VLAN, TUNNEL, VLAN_2, ETH2, LONELY };

static void add_card(struct fake *fake, const char *name)
{
	char path[100], target[100];

	snprintf(path, sizeof(path), "/sys/devices/pci0/%s/device", name);
	fake_file(fake, path, "");
	snprintf(path, sizeof(path), "/sys/class/net/%s", name);
	snprintf(target, sizeof(target), "../../devices/pci0/%s", name);
	fake_link(fake, path, target);
}

// A message as the kernel has it of a device.
struct device {
	int index;
	const char *name, *kind; // kind: NULL of a card.
	uint8_t mac;
	int parent, master;
	uint8_t mode;
};

static void add_data(struct netlink_message *message, const struct device *device)
{
	const uint16_t vlan_id = 5;
	const uint32_t stp = 1;
	const uint8_t hash = 2, rate = 1;
	size_t data = netlink_nest(message, IFLA_INFO_DATA);

	if (strcmp(device->kind, "vlan") == 0) {
		netlink_add(message, IFLA_VLAN_ID, &vlan_id, sizeof(vlan_id));
	} else if (strcmp(device->kind, "bond") == 0) {
		netlink_add(message, IFLA_BOND_MODE, &device->mode, 1);
		netlink_add(message, IFLA_BOND_XMIT_HASH_POLICY, &hash, 1);
		netlink_add(message, IFLA_BOND_AD_LACP_RATE, &rate, 1);
	} else if (strcmp(device->kind, "bridge") == 0) {
		netlink_add(message, IFLA_BR_STP_STATE, &stp, sizeof(stp));
	}
	netlink_nest_end(message, data);
}

static void take(struct links *links, const struct device *device)
{
	struct ifinfomsg fixed = {.ifi_index = device->index};
	const uint8_t mac[6] = {0x52, 0x54, 0, 0, 0, device->mac}, shared[6] = {0x52, 0x54, 0, 0, 0, 0xff};
	const uint32_t mtu = 1500;
	struct netlink_message message;
	size_t about;

	netlink_begin(&message, RTM_NEWLINK, 0, &fixed, sizeof(fixed));
	netlink_add(&message, IFLA_IFNAME, device->name, strlen(device->name) + 1);
	netlink_add(&message, IFLA_MTU, &mtu, sizeof(mtu));
	// Ports of a bond all have its address; their own is beside it.
	netlink_add(&message, IFLA_ADDRESS, device->master == BOND ? shared : mac, sizeof(mac));
	if (!device->kind)
		netlink_add(&message, IFLA_PERM_ADDRESS, mac, sizeof(mac));
	if (device->parent)
		netlink_add(&message, IFLA_LINK, &device->parent, sizeof(device->parent));
	if (device->master)
		netlink_add(&message, IFLA_MASTER, &device->master, sizeof(device->master));
	about = netlink_nest(&message, IFLA_LINKINFO);
	if (device->kind) {
		netlink_add(&message, IFLA_INFO_KIND, device->kind, strlen(device->kind) + 1);
		add_data(&message, device);
	} else if (device->master) {
		netlink_add(&message, IFLA_INFO_SLAVE_KIND, "bond", sizeof("bond"));
	}
	netlink_nest_end(&message, about);
	links_take(links, RTM_NEWLINK, &fixed,
	           (struct netlink_attributes){message.raw + NLMSG_SPACE(sizeof(fixed)),
	                                       message.header.nlmsg_len - NLMSG_SPACE(sizeof(fixed))});
}

static const struct device devices[] = {
	{ETH0, "eth0", NULL, 0xe0, 0, BOND, 0},      {ETH1, "eth1", NULL, 0xe1, 0, BOND, 0},
	{BOND, "bond0", "bond", 0xff, 0, BRIDGE, 4}, {BRIDGE, "br0", "bridge", 0xff, 0, 0, 0},
	{TAP, "vm0", "tun", 0x10, 0, BRIDGE, 0},     {VLAN, "br0.5", "vlan", 0xff, BRIDGE, 0, 0},
	{TUNNEL, "tun0", "wireguard", 0, 0, 0, 0},   {VLAN_2, "br0.5.5", "vlan", 0xff, VLAN, 0, 0},
	{ETH2, "eth2", NULL, 0xe2, 0, 0, 0},         {LONELY, "br1", "bridge", 0x11, 0, 0, 0},
};

static void init(struct fake *fake, struct links *links)
{
	static const char *const cards[] = {"eth0", "eth1", "eth2"};

	fake_init(fake);
	*links = (struct links){0};
	for (size_t i = 0; i < array_size(cards); i++)
		add_card(fake, cards[i]);
	for (size_t i = 0; i < array_size(devices); i++)
		take(links, &devices[i]);
	check(links->count == array_size(devices) && !links->is_failed);
}

static void a_stack(void)
{
	static const char *const lines[] = {"eth0 52:54:00:00:00:e0 1500", "eth1 52:54:00:00:00:e1 1500",
	                                    "bond0 bond 52:54:00:00:00:ff eth0,eth1 4 2 1 0 1500",
	                                    "br0 bridge 52:54:00:00:00:ff bond0 1 1500", "br0.5 vlan 5 br0 1500"};
	static const char *const modules[] = {"bonding", "bridge", "8021q"};
	_cleanup_fake_ struct fake fake;
	_cleanup_(links_deinit) struct links links;

	init(&fake, &links);
	check_text(links_name(&links, VLAN), "br0.5");
	check(!links_name(&links, 77));
	check_ok(links_use(&links, &fake.host, VLAN));
	check(links.lines.count == array_size(lines));
	for (size_t i = 0; i < links.lines.count; i++)
		check_text(links.lines.list[i], lines[i]);
	check(links.modules.count == array_size(modules));
	for (size_t i = 0; i < links.modules.count; i++)
		check_text(links.modules.list[i], modules[i]);
	check(links.devices.count == 2);
	check_text(links.devices.list[1], "/sys/devices/pci0/eth1");
	// Once each.
	check_ok(links_use(&links, &fake.host, BRIDGE));
	check_ok(links_use(&links, &fake.host, ETH0));
	check(links.lines.count == array_size(lines) && links.devices.count == 2);
	check_ok(links_use(&links, &fake.host, ETH2));
	check(links.lines.count == array_size(lines) + 1 && links.modules.count == array_size(modules));
}

static void not_for_us(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_(links_deinit) struct links links;

	init(&fake, &links);
	check_error(links_use(&links, &fake.host, TUNNEL), ERROR_UNSUPPORTED, "tun0 is no network card");
	check_error(links_use(&links, &fake.host, TUNNEL), ERROR_UNSUPPORTED, "wireguard");
	check_error(links_use(&links, &fake.host, VLAN_2), ERROR_UNSUPPORTED, "a VLAN in a VLAN");
	check_error(links_use(&links, &fake.host, LONELY), ERROR_UNSUPPORTED, "br1 is a bridge without a network card");
	check(!links.lines.count);
}

// What the kernel never makes, and a bound against it.
static void a_circle(void)
{
	static const struct device circle[] = {{2, "br0", "bridge", 1, 0, 3, 0}, {3, "br1", "bridge", 2, 0, 2, 0}};
	_cleanup_fake_ struct fake fake;
	_cleanup_(links_deinit) struct links links = {0};

	fake_init(&fake);
	take(&links, &circle[0]);
	take(&links, &circle[1]);
	check_error(links_use(&links, &fake.host, 2), ERROR_UNSUPPORTED, "without a network card");
}

static const struct test tests[] = {TEST(a_stack), TEST(not_for_us), TEST(a_circle)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
