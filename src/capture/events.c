// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/events.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

// The kernel's own announcements, not those of udev.
enum { DEVICE_GROUP = 1 };

static int open_socket(int protocol, uint32_t groups)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int events_of_devices(void)
{
	return open_socket(NETLINK_KOBJECT_UEVENT, DEVICE_GROUP);
}

int events_of_routes(void)
{
	return open_socket(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
}

void events_wait(int fd, uint64_t timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	char waste[2048];

	if (poll(&pollfd, fd >= 0 ? 1 : 0, (int)timeout_ms) > 0)
		while (recv(fd, waste, sizeof(waste), 0) > 0)
			;
}
