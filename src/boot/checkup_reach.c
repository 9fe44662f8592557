// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/checkup_reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

enum {
	// A target has one server, and disks of it a portal for each path.
	PEERS_MAX = 64,
	PORT_BYTES = 8,
};

// Somebody who listens, or not.
struct peer {
	char address[NI_MAXHOST], port[PORT_BYTES];
	char *name; // Of the target.
	bool is_only; // There is no other one.
	int fd;
	int errnum; // Of the connection; -1: it is not known yet.
};

struct peers {
	struct peer list[PEERS_MAX];
	size_t count;
};

// The value of a word "key=value" between commas; false: it is not there, or too long.
static bool find_value(const char *options, const char *key, char *ret, size_t room_bytes)
{
	size_t size = strlen(key);

	for (const char *at = options; *at; at += strcspn(at, ","), at += *at == ',') {
		size_t value_size = strcspn(at, ",");

		if (strncmp(at, key, size) != 0 || at[size] != '=')
			continue;
		value_size -= size + 1;
		if (value_size >= room_bytes)
			return false;
		memcpy(ret, at + size + 1, value_size);
		ret[value_size] = '\0';
		return true;
	}
	return false;
}

static bool copy_part(char *ret, size_t room_bytes, const char *text, size_t size)
{
	if (!size || size >= room_bytes)
		return false;
	memcpy(ret, text, size);
	ret[size] = '\0';
	return true;
}

// Of an address of IPv6 the options have no word: "https://[ADDRESS]:PORT/…".
static bool take_url(const char *url, struct peer *peer)
{
	static const struct {
		const char *scheme, *port;
	} ports[] = {{"http://", "80"}, {"https://", "443"}, {"ftp://", "21"}, {"ftps://", "990"}};
	const char *open = strchr(url, '['), *end = open ? strchr(open, ']') : NULL;

	if (!end || !copy_part(peer->address, sizeof(peer->address), open + 1, (size_t)(end - open) - 1))
		return false;
	if (end[1] == ':')
		return copy_part(peer->port, sizeof(peer->port), end + 2, strcspn(end + 2, "/"));
	for (size_t i = 0; i < array_size(ports); i++)
		if (strncasecmp(url, ports[i].scheme, strlen(ports[i].scheme)) == 0)
			return copy_part(peer->port, sizeof(peer->port), ports[i].port, strlen(ports[i].port));
	return false;
}

// "resolve=NAME:PORT:ADDRESS", as curl has it.
static bool take_sender(const struct plan_target *place, struct peer *peer)
{
	char word[2 * NI_MAXHOST];
	const char *port, *address;

	if (!find_value(place->options, "resolve", word, sizeof(word)))
		return take_url(place->device, peer);
	port = strchr(word, ':');
	address = port ? strchr(port + 1, ':') : NULL;
	return address && copy_part(peer->port, sizeof(peer->port), port + 1, (size_t)(address - port) - 1) &&
	       copy_part(peer->address, sizeof(peer->address), address + 1, strlen(address + 1));
}

// Where a target that is mounted, or reached by ssh, has its server.
static bool take_target(const struct plan_target *place, struct peer *peer)
{
	static const struct {
		const char *fstype, *key, *port;
	} kinds[] = {{PLAN_SFTP, "address", "22"}, {"nfs", "addr", "2049"}, {PLAN_CIFS, "ip", "445"}};
	char protocol[PORT_BYTES] = "";

	if (strcmp(place->fstype, PLAN_SEND) == 0)
		return take_sender(place, peer);
	// Nobody answers to a datagram that asks for nothing.
	if (find_value(place->options, "proto", protocol, sizeof(protocol)) && strncmp(protocol, "udp", 3) == 0)
		return false;
	for (size_t i = 0; i < array_size(kinds); i++) {
		if (strcmp(place->fstype, kinds[i].fstype) != 0)
			continue;
		if (!find_value(place->options, "port", peer->port, sizeof(peer->port)))
			snprintf(peer->port, sizeof(peer->port), "%s", kinds[i].port);
		return find_value(place->options, kinds[i].key, peer->address, sizeof(peer->address));
	}
	return false;
}

// The name is copied; what is there already is not asked twice.
static void add_peer(struct peers *peers, const struct peer *peer, const char *name, struct findings *findings)
{
	struct peer *at = &peers->list[peers->count];

	for (size_t i = 0; i < peers->count; i++)
		if (strcmp(peers->list[i].address, peer->address) == 0 && strcmp(peers->list[i].port, peer->port) == 0)
			return;
	if (peers->count == PEERS_MAX)
		return;
	*at = *peer;
	at->fd = -1;
	at->errnum = -1;
	at->name = strdup(name);
	findings->is_failed |= !at->name;
	peers->count += at->name != NULL;
}

// "NUMBER ADDRESS PORT …": the number of the target first.
static void add_sessions(const struct plan *plan, struct peers *peers, struct findings *findings)
{
	for (char *const *row = plan->iscsi_sessions; row && *row; row++) {
		const char *address = *row + strcspn(*row, " "), *port;
		struct peer peer = {.fd = -1};
		size_t number = strtoul(*row, NULL, 10);

		address += *address == ' ';
		port = address + strcspn(address, " ");
		if (!copy_part(peer.address, sizeof(peer.address), address, (size_t)(port - address)) || !*port ||
		    !copy_part(peer.port, sizeof(peer.port), port + 1, strcspn(port + 1, " ")) ||
		    number >= plan_target_count(plan))
			continue;
		add_peer(peers, &peer, plan_target_at(plan, number).device, findings);
	}
}

static void begin(struct peer *peer)
{
	static const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found = NULL;

	if (getaddrinfo(peer->address, peer->port, &hints, &found) != 0) {
		peer->errnum = EADDRNOTAVAIL;
		return;
	}
	peer->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (peer->fd >= 0 && connect(peer->fd, found->ai_addr, found->ai_addrlen) == 0)
		peer->errnum = 0;
	else if (peer->fd < 0 || errno != EINPROGRESS)
		peer->errnum = errno;
	freeaddrinfo(found);
}

static void take_answer(struct peer *peer)
{
	socklen_t size = sizeof(peer->errnum);

	if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &peer->errnum, &size) < 0)
		peer->errnum = errno;
}

// Until all have answered, or it is too late.
static void wait_for(struct peers *peers, uint64_t timeout_ms)
{
	uint64_t end_ms = clock_now_ms() + timeout_ms, now_ms;

	while ((now_ms = clock_now_ms()) < end_ms) {
		struct pollfd fds[PEERS_MAX];
		struct peer *asked[PEERS_MAX];
		nfds_t count = 0;

		for (size_t i = 0; i < peers->count; i++) {
			if (peers->list[i].errnum >= 0)
				continue;
			asked[count] = &peers->list[i];
			fds[count++] = (struct pollfd){.fd = peers->list[i].fd, .events = POLLOUT};
		}
		if (!count || (poll(fds, count, (int)(end_ms - now_ms)) < 0 && errno != EINTR))
			return;
		for (nfds_t i = 0; i < count; i++)
			if (fds[i].revents)
				take_answer(asked[i]);
	}
}

static void tell(const struct peer *peer, struct findings *findings)
{
	enum finding_severity severity = peer->is_only ? FINDING_ERROR : FINDING_WARNING;

	if (peer->errnum < 0 || peer->errnum == ETIMEDOUT)
		findings_add(findings, severity, "server",
		             "%s: %s does not answer on port %s: see whether it runs, and whether something between it "
		             "and here drops what is sent to it",
		             peer->name, peer->address, peer->port);
	else if (peer->errnum == ECONNREFUSED)
		findings_add(findings, severity, "server",
		             "%s: nobody takes connections at %s, port %s: start the server there, or correct the port",
		             peer->name, peer->address, peer->port);
	else if (peer->errnum)
		findings_add(findings, severity, "server",
		             "%s: %s, port %s, cannot be reached: %s; see to the network, and to the address",
		             peer->name, peer->address, peer->port, strerror(peer->errnum));
}

void checkup_reach(const struct plan *plan, uint64_t timeout_ms, struct findings *findings)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	size_t count = plan_target_count(plan);

	findings->is_failed |= !peers;
	for (size_t i = 0; peers && i < count; i++) {
		struct plan_target place = plan_target_at(plan, i);
		struct peer peer = {.is_only = count == 1, .fd = -1};

		if (take_target(&place, &peer))
			add_peer(peers, &peer, place.device, findings);
	}
	if (!peers)
		return;
	add_sessions(plan, peers, findings);
	for (size_t i = 0; i < peers->count; i++)
		begin(&peers->list[i]);
	wait_for(peers, timeout_ms);
	for (size_t i = 0; i < peers->count; i++) {
		struct peer *peer = &peers->list[i];

		tell(peer, findings);
		if (peer->fd >= 0)
			close(peer->fd);
		free(peer->name);
	}
	free(peers);
}
