// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/network.h"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/notify.h"
#include "test.h"

static const char *const links[] = {"eth0 52:54:00:0a:0b:ff 9000", "ring5 vlan 5 eth0 1500", NULL};
static const char *const addresses[] = {"eth0 192.0.2.2/24", "eth0 fe80::2/64", "ring5 203.0.113.2/24", NULL};
static const char *const routes[] = {"192.0.2.1 eth0 - 192.0.2.2", "198.51.100.7 eth0 192.0.2.254 192.0.2.2",
                                     "fe80::1 eth0 - fe80::2", "203.0.113.1 ring5 - -", NULL};

static void a_plan(void)
{
	struct plan plan = {.network_links = (char **)links,
	                    .network_addresses = (char **)addresses,
	                    .notify_routes = (char **)routes};
	_cleanup_network_ struct network network;
	struct sockaddr_storage to;
	char text[INET6_ADDRSTRLEN];

	check_ok(network_parse(&plan, &network));
	check(network.link_count == 2 && network.own_count == 3 && network.route_count == 4);
	check(network.links[0].mtu == 9000 && memcmp(network.links[0].mac, "\x52\x54\x00\x0a\x0b\xff", 6) == 0);
	check(network.links[0].kind == NETWORK_CARD && network.links[1].vlan_id == 5 && network.links[1].below == 0);
	check(network.own[2].link == 1 && network.own[2].prefix_bits == 24);
	check(network.routes[1].gateway.family == AF_INET && !network.routes[0].gateway.family);
	check(!network.routes[3].source.family && network.routes[3].link == 1);
	network.links[0].index = 77;
	check(network_target(&network, &network.routes[1], 7410, &to) == sizeof(struct sockaddr_in));
	check_text(inet_ntop(AF_INET, &((struct sockaddr_in *)&to)->sin_addr, text, sizeof(text)), "198.51.100.7");
	check(((struct sockaddr_in *)&to)->sin_port == htons(7410));
	// Of a link-local address the card counts.
	check(network_target(&network, &network.routes[2], 1, &to) == sizeof(struct sockaddr_in6));
	check(((struct sockaddr_in6 *)&to)->sin6_scope_id == 77);
}

static void nobody(void)
{
	struct plan plan = {0};
	_cleanup_network_ struct network network;

	check_ok(network_parse(&plan, &network));
	check(!network.link_count && !network.own_count && !network.route_count);
}

static void refuse_link(const char *word)
{
	const char *const words[] = {"eth0 52:54:00:0a:0b:ff 1500", "ring5 vlan 5 eth0 1500", word, NULL};
	struct plan plan = {.network_links = (char **)words};
	_cleanup_network_ struct network network;

	check_error(network_parse(&plan, &network), ERROR_BAD_DATA, "network.links");
}

static void bad_links(void)
{
	refuse_link("");
	refuse_link("eth1");
	refuse_link("eth1 52:54:00:0a:0b 1500");
	refuse_link("eth1 52:54:00:0a:0b:ff:00 1500");
	refuse_link("eth1 52:54:00:0a:0b:ff -1");
	refuse_link("eth1 52:54:00:0a:0b:ff 99999999");
	refuse_link("sixteen-letters- 52:54:00:0a:0b:ff 1500");
	refuse_link("ring vlan 0 eth0 1500");
	refuse_link("ring vlan 4095 eth0 1500");
	refuse_link("ring vlan 5 eth1 1500");
	// A VLAN in a VLAN is more than a card and a VLAN on it.
	refuse_link("ring vlan 6 ring5 1500");
	refuse_link("ring vlan 6 eth0");
	refuse_link("bond0 bond 52:54:00:0a:0b:ff eth0 1 0 0 1500");
	refuse_link("bond0 bond 52:54:00:0a:0b:ff eth0 1 0 0 256 1500");
	refuse_link("bond0 bond 52:54:00:0a:0b:ff eth0,eth1 1 0 0 0 1500");
	refuse_link("bond0 bond 52:54:00:0a:0b:ff eth0,eth0 1 0 0 0 1500");
	refuse_link("bond0 bond 52:54:00:0a:0b:ff bond0 1 0 0 0 1500");
	refuse_link("bond0 bond - eth0 1 0 0 0 1500");
	refuse_link("br0 bridge 52:54:00:0a:0b:ff eth0 2 1500");
	refuse_link("br0 bridge 52:54:00:0a:0b:ff , 0 1500");
	refuse_link("team0 team 52:54:00:0a:0b:ff eth0 0 1500");
}

static void a_stack(void)
{
	static const char *const stack[] = {"eth0 52:54:00:0a:0b:fe 1500",
	                                    "eth1 52:54:00:0a:0b:ff 1500",
	                                    "bond0 bond 52:54:00:0a:0b:fe eth0,eth1 4 2 1 0 9000",
	                                    "br0 bridge 52:54:00:0a:0b:fe bond0 0 1500",
	                                    "br0.5 vlan 5 br0 1500",
	                                    NULL};
	struct plan plan = {.network_links = (char **)stack};
	_cleanup_network_ struct network network;
	const struct network_link *link = network.links;

	check_ok(network_parse(&plan, &network));
	check(network.link_count == 5 && link[2].kind == NETWORK_BOND && link[3].kind == NETWORK_BRIDGE);
	check(link[0].is_port && link[0].master == 2 && link[1].is_port && link[1].master == 2);
	check(link[2].is_port && link[2].master == 3 && !link[3].is_port && !link[4].is_port);
	check(link[2].mode == 4 && link[2].hash == 2 && link[2].lacp_rate == 1 && !link[2].fail_over_mac);
	check(link[2].mtu == 9000 && memcmp(link[2].mac, link[0].mac, sizeof(link[0].mac)) == 0);
	check(link[4].kind == NETWORK_VLAN && link[4].below == 3);
}

static void refuse(const char *address, const char *route)
{
	const char *const own[] = {address, NULL};
	const char *const to[] = {route, NULL};
	struct plan plan = {.network_links = (char **)links};
	_cleanup_network_ struct network network;

	plan.network_addresses = address ? (char **)own : NULL;
	plan.notify_routes = route ? (char **)to : NULL;
	check_error(network_parse(&plan, &network), ERROR_BAD_DATA, "cannot be understood");
}

static void bad_addresses(void)
{
	static const char *const own[] = {"eth0 192.0.2.2", "eth0 192.0.2.2/33", "eth0 192.0.2/24",    "eth0 ::1/129",
	                                  "eth0 ::1/-1",    "eth1 192.0.2.2/24", "eth0 192.0.2.2/24 x"};
	static const char *const to[] = {"192.0.2.1 eth0 -",     "192.0.2.1 eth1 - -",
	                                 "name eth0 - -",        "192.0.2.1 eth0 fe80::1 -",
	                                 "::1 eth0 - 192.0.2.2", "192.0.2.1 eth0 gateway -"};

	for (size_t i = 0; i < array_size(own); i++)
		refuse(own[i], NULL);
	for (size_t i = 0; i < array_size(to); i++)
		refuse(NULL, to[i]);
}

static void too_many(void)
{
	char *many[NETWORK_ADDRESSES_MAX + 2] = {NULL};
	struct plan plan = {.network_links = (char **)links, .network_addresses = many};
	_cleanup_network_ struct network network;

	for (size_t i = 0; i < NETWORK_ADDRESSES_MAX; i++)
		many[i] = (char *)addresses[0];
	check_ok(network_parse(&plan, &network));
	many[NETWORK_ADDRESSES_MAX] = (char *)addresses[0];
	check_error(network_parse(&plan, &network), ERROR_BAD_DATA, "network.addresses");
}

static bool is_told(int fd)
{
	return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 1;
}

static void head_start(void)
{
	struct notify_state state = {.start_ms = clock_now_ms()};
	uint64_t start_ms = state.start_ms;
	int ends[2];

	notify_wait(NULL, 0);
	check(pipe(ends) == 0);
	state.first_fd = ends[0];
	// There is no link: neither longer than the deadline of all, nor than three seconds.
	notify_wait(&state, start_ms + 1);
	state.start_ms -= 3000;
	notify_wait(&state, 0);
	check(clock_now_ms() - start_ms < 3000);
	state.start_ms = start_ms;
	if (fork() == 0) {
		poll(NULL, 0, 50);
		_exit(write(ends[1], "", 1) == 1 ? 0 : 1);
	}
	notify_wait(&state, 0);
	check(is_told(ends[0]));
	// A sender that died is not waited for.
	check(read(ends[0], &(char){0}, 1) == 1 && !is_told(ends[0]));
	close(ends[1]);
	state.start_ms = UINT64_MAX / 2;
	notify_wait(&state, 0);
	close(ends[0]);
}

static const struct test tests[] = {
	TEST(a_plan),        TEST(nobody),   TEST(bad_links),  TEST(a_stack),
	TEST(bad_addresses), TEST(too_many), TEST(head_start),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
