// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/ways.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/netlink.h"
#include "boot/links.h"
#include "boot/plan.h"

// "ADDRESS LINK GATEWAY SOURCE"
enum { ROUTE_WORDS = 4 };

// The way to an address.
struct route {
	unsigned char type; // RTN_*
	int link;
	char gateway[INET6_ADDRSTRLEN], source[INET6_ADDRSTRLEN];
};

struct finder {
	const struct host *host;
	struct ways *ways;
	struct netlink netlink;
	struct links links;
	bool is_failed; // Memory was exhausted.
};

static void take_route(void *context, uint16_t type, const void *fixed, struct netlink_attributes attributes)
{
	const struct rtmsg *info = fixed;
	struct route *route = context;
	size_t bytes = info->rtm_family == AF_INET ? 4 : 16;
	const void *gateway = netlink_find(attributes, RTA_GATEWAY, bytes, NULL);
	const void *source = netlink_find(attributes, RTA_PREFSRC, bytes, NULL);

	if (type != RTM_NEWROUTE)
		return;
	route->type = info->rtm_type;
	route->link = (int)netlink_u32(attributes, RTA_OIF, 0);
	if (gateway)
		inet_ntop(info->rtm_family, gateway, route->gateway, sizeof(route->gateway));
	if (source)
		inet_ntop(info->rtm_family, source, route->source, sizeof(route->source));
}

static struct error *find_route(struct finder *finder, const struct sockaddr *to, struct route *ret)
{
	const struct sockaddr_in *to4 = (const void *)to;
	const struct sockaddr_in6 *to6 = (const void *)to;
	bool is_4 = to->sa_family == AF_INET;
	struct rtmsg fixed = {.rtm_family = (unsigned char)to->sa_family, .rtm_dst_len = is_4 ? 32 : 128};
	struct netlink_message message;

	*ret = (struct route){.gateway = "-", .source = "-"};
	netlink_begin(&message, RTM_GETROUTE, 0, &fixed, sizeof(fixed));
	if (is_4)
		netlink_add(&message, RTA_DST, &to4->sin_addr, sizeof(to4->sin_addr));
	else
		netlink_add(&message, RTA_DST, &to6->sin6_addr, sizeof(to6->sin6_addr));
	if (!is_4 && to6->sin6_scope_id)
		netlink_add(&message, RTA_OIF, &to6->sin6_scope_id, sizeof(to6->sin6_scope_id));
	return netlink_run(&finder->netlink, &message, take_route, ret);
}

// Why there is no way is an error that the caller may pass over. Of an address as the user wrote it the name is the same.
static struct error *add_address(struct finder *finder, const char *name, const char *text, const struct sockaddr *to,
                                 struct words *routes, struct words *reasons)
{
	struct route route;
	const char *link;
	struct error *err = find_route(finder, to, &route);

	if (err && err->code == ERROR_OS) {
		int errnum = err->errnum;

		error_free(err);
		return error_new(ERROR_CONFIG, "%s: there is no way to it: %s", name, strerror(errnum));
	}
	if (err)
		return err;
	if (route.type == RTN_LOCAL)
		return error_new(ERROR_CONFIG, "%s is this machine", name);
	link = links_name(&finder->links, route.link);
	if (route.type != RTN_UNICAST || !link)
		return error_new(ERROR_CONFIG, "%s: there is no way to it", name);
	err = links_use(&finder->links, finder->host, route.link);
	if (err)
		return error_wrap(err, "%s", name);
	words_addf(routes, "%s %s %s %s", text, link, route.gateway, route.source);
	words_addf(reasons, "%s: over %s%s%s", name, link, strcmp(route.gateway, "-") == 0 ? "" : " and ",
	           strcmp(route.gateway, "-") == 0 ? "" : route.gateway);
	return NULL;
}

static struct error *add_node(struct finder *finder, const char *node)
{
	static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found = NULL;
	int status = getaddrinfo(node, NULL, &hints, &found);
	_cleanup_error_ struct error *first = NULL;
	bool is_added = false;

	if (status != 0)
		return error_new(ERROR_CONFIG, "%s: %s; write it into /etc/hosts, or its address here", node,
		                 gai_strerror(status));
	for (const struct addrinfo *at = found; at; at = at->ai_next) {
		char text[NI_MAXHOST], name[2 * NI_MAXHOST];
		struct error *err = NULL;

		// Without the card of a link-local address, which stands in the route.
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		text[strcspn(text, "%")] = '\0';
		snprintf(name, sizeof(name), "%s%s%s%s", node, strcmp(node, text) == 0 ? "" : " (",
		         strcmp(node, text) == 0 ? "" : text, strcmp(node, text) == 0 ? "" : ")");
		err = add_address(finder, name, text, at->ai_addr, &finder->ways->notices, &finder->ways->reasons);
		is_added = is_added || !err;
		if (err)
			words_addf(&finder->ways->reasons, "none: %s", err->text);
		if (!first)
			first = take_ptr(err);
		error_free(err);
	}
	freeaddrinfo(found);
	return is_added ? NULL : first ? take_ptr(first) : error_new(ERROR_CONFIG, "%s: it has no address", node);
}

// On the link that the way begins with, whichever one it is on here.
static void add_own(struct finder *finder, const char *link, const char *address, unsigned int bits)
{
	_cleanup_free_ char *word = NULL;

	if (asprintf(&word, "%s %s/%u", link, address, bits) < 0) {
		word = NULL;
		finder->is_failed = true;
	} else if (!words_has(&finder->ways->addresses, word)) {
		words_add(&finder->ways->addresses, word);
	}
}

static void take_address(void *context, uint16_t type, const void *fixed, struct netlink_attributes attributes)
{
	const struct ifaddrmsg *info = fixed;
	struct finder *finder = context;
	const struct words *const lists[] = {&finder->ways->notices, &finder->ways->servers};
	size_t bytes = info->ifa_family == AF_INET ? 4 : 16;
	// With IPv4 IFA_ADDRESS is the other end of a point-to-point link.
	const void *address = netlink_find(attributes, IFA_LOCAL, bytes, NULL);
	char text[INET6_ADDRSTRLEN];

	if (!address)
		address = netlink_find(attributes, IFA_ADDRESS, bytes, NULL);
	if (type != RTM_NEWADDR || !address || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return;
	inet_ntop(info->ifa_family, address, text, sizeof(text));
	// Only those that packets come from: others may be a service's, which moves to another node as soon as that is told.
	for (size_t list = 0; list < array_size(lists); list++) {
		for (size_t i = 0; i < lists[list]->count; i++) {
			_cleanup_words_ struct words route = {0};

			words_split(&route, lists[list]->list[i]);
			if (route.count == ROUTE_WORDS && strcmp(route.list[ROUTE_WORDS - 1], text) == 0)
				add_own(finder, route.list[1], text, info->ifa_prefixlen);
		}
	}
}

static struct error *list_addresses(struct finder *finder)
{
	struct ifaddrmsg all = {.ifa_family = AF_UNSPEC};
	struct netlink_message message;

	netlink_begin(&message, RTM_GETADDR, NLM_F_DUMP, &all, sizeof(all));
	return netlink_run(&finder->netlink, &message, take_address, finder);
}

static struct error *add_nodes(struct finder *finder, const struct words *nodes)
{
	struct error *err = NULL;

	for (size_t i = 0; i < nodes->count && !err; i++) {
		err = add_node(finder, nodes->list[i]);
		// It may come back; and a machine that saves a dump without a notice is better than one that does neither.
		if (err && (err->code == ERROR_CONFIG || err->code == ERROR_UNSUPPORTED)) {
			words_add(&finder->ways->warnings, err->text);
			error_free(err);
			err = NULL;
		}
	}
	return err;
}

static struct error *add_server(struct finder *finder, const char *address)
{
	static const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *found = NULL;
	int status = getaddrinfo(address, NULL, &hints, &found);
	struct error *err;

	if (status != 0)
		return error_new(ERROR_CONFIG, "%s: %s", address, gai_strerror(status));
	if (strchr(address, '%')) {
		freeaddrinfo(found);
		return error_new(ERROR_CONFIG, "the server of a target: %s is an address of one link only", address);
	}
	err = add_address(finder, address, address, found->ai_addr, &finder->ways->servers,
	                  &finder->ways->server_reasons);
	freeaddrinfo(found);
	return error_wrap(err, "the server of a target");
}

static bool is_out_of_memory(const struct finder *finder)
{
	const struct ways *ways = finder->ways;

	return finder->is_failed || ways->notices.is_failed || ways->servers.is_failed || ways->links.is_failed ||
	       ways->modules.is_failed || ways->addresses.is_failed || ways->devices.is_failed ||
	       ways->reasons.is_failed || ways->server_reasons.is_failed || ways->warnings.is_failed;
}

static struct words take_words(struct words *words)
{
	struct words taken = *words;

	*words = (struct words){0};
	return taken;
}

static struct error *find(struct finder *finder, const struct words *nodes, const struct words *servers)
{
	struct ways *ways = finder->ways;
	struct error *err = netlink_open(&finder->netlink, 0);
	size_t count;

	if (!err)
		err = links_list(&finder->netlink, &finder->links);
	for (size_t i = 0; i < servers->count && !err; i++)
		err = add_server(finder, servers->list[i]);
	if (!err)
		err = add_nodes(finder, nodes);
	count = ways->notices.count + ways->servers.count;
	if (!err && (count > PLAN_ROUTES_MAX || finder->links.lines.count > PLAN_LINKS_MAX))
		err = error_new(ERROR_CONFIG, "%zu addresses over %zu links are too many, %d over %d are allowed",
		                count, finder->links.lines.count, PLAN_ROUTES_MAX, PLAN_LINKS_MAX);
	if (!err)
		err = list_addresses(finder);
	if (!err && is_out_of_memory(finder))
		err = error_new(ERROR_NOMEM, "no memory for network addresses");
	netlink_close(&finder->netlink);
	if (!err) {
		ways->links = take_words(&finder->links.lines);
		ways->devices = take_words(&finder->links.devices);
		ways->modules = take_words(&finder->links.modules);
	}
	links_deinit(&finder->links);
	return err;
}

struct error *ways_find(const struct host *host, const struct words *nodes, const struct words *servers,
                        struct ways *ret)
{
	_cleanup_ways_ struct ways ways = {0};
	struct finder finder = {.host = host, .ways = &ways, .netlink.fd = -1};
	struct error *err = nodes->count || servers->count ? find(&finder, nodes, servers) : NULL;

	if (err)
		return err;
	*ret = ways;
	ways = (struct ways){0};
	return NULL;
}

void ways_deinit(struct ways *ways)
{
	words_deinit(&ways->notices);
	words_deinit(&ways->servers);
	words_deinit(&ways->links);
	words_deinit(&ways->addresses);
	words_deinit(&ways->devices);
	words_deinit(&ways->modules);
	words_deinit(&ways->reasons);
	words_deinit(&ways->server_reasons);
	words_deinit(&ways->warnings);
	*ways = (struct ways){0};
}
