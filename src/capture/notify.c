// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/notify.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "capture/loader.h"
#include "capture/network.h"
#include "capture/process.h"

// agents/kdump/message.h: FENCE_KDUMP_MAGIC, FENCE_KDUMP_MSG_V1.
enum { NOTICE_MAGIC = 0x1B302A40, NOTICE_VERSION = 1 };

// Both in the order of the machine, as fence_kdump sends and expects it.
struct notice_packet {
	uint32_t magic;
	uint32_t version;
};
static_assert(sizeof(struct notice_packet) == 8, "the packet of fence_kdump");

enum {
	// The first notices may be lost while switches and neighbours learn where we are: some more follow soon, at 1, 3 and 7 s.
	SOON_MS = 1000,
	HIGHEST_PRIORITY = -20,
	HEAD_START_MS = 3000,
};

struct sender {
	const struct plan *plan;
	struct log *log;
	struct notify_state *state;
	struct network network;
	int sockets[2]; // IPv4, IPv6.
	int first_fd; // For a byte when the first notice was sent.
};

// A card that is there from now on waits for nobody: addresses are ours, and routers need not be asked.
static void hurry_ipv6(void)
{
	static const char *const files[] = {
		"/proc/sys/net/ipv6/conf/default/accept_dad",
		"/proc/sys/net/ipv6/conf/default/accept_ra",
		"/proc/sys/net/ipv6/conf/default/dad_transmits",
	};

	for (size_t i = 0; i < array_size(files); i++) {
		_cleanup_close_ int fd = open(files[i], O_WRONLY | O_CLOEXEC);

		if (fd >= 0)
			error_free(io_write(fd, "0\n", 2));
	}
}

// To each address whose link is up, or to those of links that came up since the last time.
static void send_all(struct sender *sender)
{
	static const struct notice_packet packet = {NOTICE_MAGIC, NOTICE_VERSION};
	struct network *network = &sender->network;
	struct notify_state *state = sender->state;

	for (size_t i = network->first_notice; i < network->route_count; i++) {
		const struct network_route *route = &network->routes[i];
		struct sockaddr_storage to;
		socklen_t size;

		if (!network->links[route->link].is_up)
			continue;
		size = network_target(network, route, sender->plan->notify_port, &to);
		if (sendto(sender->sockets[route->to.family == AF_INET6], &packet, sizeof(packet), MSG_DONTWAIT,
		           (struct sockaddr *)&to, size) != sizeof(packet)) {
			if (!state->failed)
				log_console(sender->log, "failover notice: %s", strerror(errno));
			state->failed++;
			continue;
		}
		if (!state->first_ms) {
			state->first_ms = clock_now_ms();
			log_console(sender->log, "first failover notice sent");
			error_free(io_write(sender->first_fd, "", 1));
		}
		state->sent++;
	}
}

static __attribute__((noreturn)) void send_forever(struct sender *sender)
{
	uint64_t interval_ms = sender->plan->notify_interval_ms, pause_ms = SOON_MS, next_ms = UINT64_MAX;
	struct pollfd events = {.fd = sender->network.events.fd, .events = POLLIN};

	for (;;) {
		uint64_t now_ms;

		// Lost events are no loss: the devices are looked at as they are.
		if (network_update(&sender->network, sender->log)) {
			pause_ms = SOON_MS;
			next_ms = 0;
		}
		now_ms = clock_now_ms();
		if (now_ms >= next_ms) {
			send_all(sender);
			next_ms = now_ms + (pause_ms < interval_ms ? pause_ms : interval_ms);
			pause_ms = pause_ms < interval_ms ? 2 * pause_ms : interval_ms;
		}
		// A second at most: news that got lost cost no more than that.
		poll(&events, 1, next_ms > now_ms + SOON_MS ? SOON_MS : (int)(next_ms - now_ms));
		error_free(netlink_drain(&sender->network.events));
	}
}

static int notify_child(void *context)
{
	struct sender *sender = context;
	struct error *err = network_open(&sender->network);

	// Before the rest of the work, which goes on at the same time.
	setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
	sender->sockets[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	hurry_ipv6();
	loader_run(&(struct loader_request){.root = "",
	                                    .kernel_version = sender->plan->kernel_version,
	                                    .modules = sender->plan->network_modules},
	           sender->log);
	sender->state->network_ms = clock_now_ms();
	// It may be missing in the kernel, or have come with a module.
	sender->sockets[1] = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (err) {
		log_console(sender->log, "failover notice: %s", err->text);
		error_free(err);
		return EXIT_FAILED;
	}
	send_forever(sender);
}

static bool is_empty(char *const *list)
{
	return !list || !*list;
}

struct error *notify_start(const struct plan *plan, struct log *log, const struct notify_state **state_ret)
{
	_cleanup_close_ int first_fd = -1, sender_fd = -1;
	struct sender *sender;
	void *state = NULL;
	struct error *err;
	int ends[2];

	*state_ret = NULL;
	if (is_empty(plan->notify_routes) && is_empty(plan->network_routes))
		return NULL;
	sender = calloc(1, sizeof(*sender));
	if (!sender)
		return error_new(ERROR_NOMEM, "no memory for failover notices");
	err = network_parse(plan, &sender->network);
	if (!err)
		err = process_share(sizeof(*sender->state), &state);
	sender->plan = plan;
	sender->log = log;
	sender->state = state;
	if (!err && pipe2(ends, O_CLOEXEC) < 0)
		err = error_os(errno, "no pipe for failover notices");
	if (!err) {
		first_fd = ends[0];
		sender->first_fd = sender_fd = ends[1];
		sender->state->start_ms = clock_now_ms();
		err = process_start(notify_child, sender, NULL);
	}
	if (!err) {
		sender->state->first_fd = first_fd;
		first_fd = -1;
		if (!is_empty(plan->notify_routes))
			*state_ret = sender->state;
	}
	free(sender);
	return err;
}

void notify_wait(const struct notify_state *state, uint64_t end_ms)
{
	uint64_t left_ms;

	if (!state)
		return;
	left_ms = process_left_ms(process_earlier_ms(end_ms, state->start_ms + HEAD_START_MS));
	// It can be read too when the sender has ended.
	poll(&(struct pollfd){.fd = state->first_fd, .events = POLLIN}, 1, (int)left_ms);
}

void notify_report(const struct notify_state *state, struct log *log)
{
	uint64_t first_ms = state ? state->first_ms : 0;

	if (!state)
		return;
	if (!first_ms) {
		log_print(log, "failover notices: none was sent yet; %s",
		          state->network_ms ? "no link" : "the card's driver is not loaded");
		return;
	}
	log_print(log,
	          "failover notices: the first after %" PRIu64 " ms (%" PRIu64 " ms for drivers), %" PRIu64
	          " so far, %" PRIu64 " failed",
	          first_ms - state->start_ms, state->network_ms - state->start_ms, state->sent, state->failed);
}
