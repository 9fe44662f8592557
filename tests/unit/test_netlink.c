// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

#include "test.h"

static void find_loopback(void *context, uint16_t type, const void *fixed, struct netlink_attributes attributes)
{
	const struct ifinfomsg *info = fixed;
	const char *name = netlink_find(attributes, IFLA_IFNAME, 1, NULL);
	const uint8_t *mac = netlink_find(attributes, IFLA_ADDRESS, 6, NULL);

	check(type == RTM_NEWLINK && name);
	if (!(info->ifi_flags & IFF_LOOPBACK))
		return;
	check_text(name, "lo");
	check(mac && memcmp(mac, "\0\0\0\0\0\0", 6) == 0);
	check(netlink_u32(attributes, IFLA_MTU, 0) >= 1280);
	++*(int *)context;
}

// The loopback device is in every system.
static void the_kernel_answers(void)
{
	_cleanup_netlink_ struct netlink netlink = {.fd = -1};
	struct ifinfomsg fixed = {.ifi_family = AF_UNSPEC};
	struct netlink_message message;
	int count = 0;

	check_ok(netlink_open(&netlink, 0));
	for (int i = 1; i <= 3; i++) {
		netlink_begin(&message, RTM_GETLINK, NLM_F_DUMP, &fixed, sizeof(fixed));
		check_ok(netlink_run(&netlink, &message, find_loopback, &count));
		check(count == i);
	}
}

static void the_kernel_refuses(void)
{
	_cleanup_netlink_ struct netlink netlink = {.fd = -1};
	struct ifinfomsg fixed = {.ifi_index = 0x7fffffff};
	struct netlink_message message;
	struct error *err;

	check_ok(netlink_open(&netlink, 0));
	netlink_begin(&message, RTM_GETLINK, 0, &fixed, sizeof(fixed));
	err = netlink_run(&netlink, &message, NULL, NULL);
	check(err && err->code == ERROR_OS && err->errnum == ENODEV);
	error_free(err);
	// Without events there is nothing to take, and nothing is waited for.
	check_ok(netlink_drain(&netlink));
}

static void a_message_has_an_end(void)
{
	_cleanup_netlink_ struct netlink netlink = {.fd = -1};
	struct ifinfomsg fixed = {0};
	struct netlink_message message;
	uint8_t value[100] = {0};

	check_ok(netlink_open(&netlink, 0));
	netlink_begin(&message, RTM_GETLINK, 0, &fixed, sizeof(fixed));
	for (size_t i = 0; i < 100; i++) {
		netlink_add(&message, 1, value, sizeof(value));
		netlink_nest_end(&message, netlink_nest(&message, 2));
	}
	check_error(netlink_run(&netlink, &message, NULL, NULL), ERROR_BAD_DATA, "too long");
}

// Attribute 1 has 4 bytes, 2 holds another, 3 has none; then garbage.
static void attributes(void)
{
	static const uint8_t bytes[] = {8, 0, 1,   0,   0x78, 0x56, 0x34, 0x12, 12, 0, 2,   0x80, 7, 0,
	                                5, 0, 'a', 'b', 0,    0,    4,    0,    3,  0, 200, 0,    4, 0};
	struct netlink_attributes all = {bytes, sizeof(bytes)}, inside = netlink_inside(all, 2);
	uint32_t number = 0x12345678;
	size_t size = 0;

	check(memcmp(netlink_find(all, 1, 4, &size), bytes + 4, 4) == 0 && size == 4);
	check(!netlink_find(all, 1, 5, NULL));
	check(netlink_find(inside, 5, 3, &size) && size == 3 && !netlink_find(inside, 1, 0, NULL));
	check(netlink_find(all, 3, 0, &size) && size == 0);
	// What is longer than the message is none; neither is what is cut.
	check(!netlink_find(all, 4, 0, NULL) && !netlink_find(all, 9, 0, NULL));
	for (size_t cut = 0; cut < sizeof(bytes); cut++)
		check(!netlink_find((struct netlink_attributes){bytes, cut}, 9, 0, NULL));
	check(netlink_u32(all, 9, 42) == 42 && !netlink_inside(all, 9).start);
	memcpy(&number, bytes + 4, sizeof(number));
	check(netlink_u32(all, 1, 0) == number);
}

static const struct test tests[] = {
	TEST(the_kernel_answers),
	TEST(the_kernel_refuses),
	TEST(a_message_has_an_end),
	TEST(attributes),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
