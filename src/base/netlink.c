// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	// The kernel sends at most 32 KiB at once (net/netlink/af_netlink.c: netlink_dump()).
	REPLY_BYTES = 32 << 10,
	// It answers at once; a limit for one that does not.
	ANSWER_S = 5,
};

struct error *netlink_open(struct netlink *ret, uint32_t groups)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	struct timeval wait = {.tv_sec = ANSWER_S};

	ret->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (ret->fd < 0 || bind(ret->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(ret->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
		return error_os(errno, "netlink");
	return NULL;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->fd >= 0)
		close(netlink->fd);
	netlink->fd = -1;
}

void netlink_begin(struct netlink_message *message, uint16_t type, uint16_t flags, const void *fixed, size_t size_bytes)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = flags | NLM_F_REQUEST | NLM_F_ACK;
	message->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size_bytes);
	memcpy(message->raw + NLMSG_HDRLEN, fixed, size_bytes);
}

void netlink_add(struct netlink_message *message, uint16_t type, const void *value, size_t size_bytes)
{
	size_t at = NLMSG_ALIGN(message->header.nlmsg_len);
	struct nlattr attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + size_bytes), .nla_type = type};

	if (message->header.nlmsg_len > sizeof(message->raw) || size_bytes > sizeof(message->raw) ||
	    at + NLA_HDRLEN + NLA_ALIGN(size_bytes) > sizeof(message->raw)) {
		message->header.nlmsg_len = UINT32_MAX;
		return;
	}
	memcpy(message->raw + at, &attribute, sizeof(attribute));
	if (size_bytes)
		memcpy(message->raw + at + NLA_HDRLEN, value, size_bytes);
	message->header.nlmsg_len = (uint32_t)(at + NLA_HDRLEN + size_bytes);
}

size_t netlink_nest(struct netlink_message *message, uint16_t type)
{
	size_t at = NLMSG_ALIGN(message->header.nlmsg_len);

	netlink_add(message, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void netlink_nest_end(struct netlink_message *message, size_t nest)
{
	uint16_t size;

	if (message->header.nlmsg_len > sizeof(message->raw))
		return;
	size = (uint16_t)(message->header.nlmsg_len - nest);
	memcpy(message->raw + nest + offsetof(struct nlattr, nla_len), &size, sizeof(size));
}

// One datagram: messages in a row. Tells whether the last answer to a message was among them, and what the kernel said in it.
static bool take_datagram(const uint8_t *bytes, size_t size_bytes, uint32_t sequence, netlink_handler *handler,
                          void *context, int *errnum_ret)
{
	struct nlmsghdr header;

	for (size_t at = 0; at + sizeof(header) <= size_bytes; at += NLMSG_ALIGN(header.nlmsg_len)) {
		static const size_t fixed_bytes[] = {sizeof(struct ifinfomsg), sizeof(struct ifaddrmsg),
		                                     sizeof(struct rtmsg)};
		const uint8_t *fixed = bytes + at + NLMSG_HDRLEN;
		size_t group, fixed_room;

		memcpy(&header, bytes + at, sizeof(header));
		if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > size_bytes - at)
			break;
		if (header.nlmsg_seq != sequence)
			continue;
		if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
			int number = 0;

			if (header.nlmsg_len >= NLMSG_HDRLEN + sizeof(number))
				memcpy(&number, fixed, sizeof(number));
			*errnum_ret = -number;
			return true;
		}
		group = (header.nlmsg_type - RTM_BASE) / 4u;
		if (header.nlmsg_type < RTM_BASE || group >= array_size(fixed_bytes) || !handler)
			continue;
		fixed_room = NLMSG_ALIGN(fixed_bytes[group]);
		if (header.nlmsg_len >= NLMSG_HDRLEN + fixed_room)
			handler(context, header.nlmsg_type, fixed,
			        (struct netlink_attributes){fixed + fixed_room,
			                                    header.nlmsg_len - NLMSG_HDRLEN - fixed_room});
	}
	return false;
}

static struct error *receive(struct netlink *netlink, int flags, uint8_t *bytes, size_t *got_ret)
{
	struct sockaddr_nl from = {0};
	socklen_t from_bytes = sizeof(from);
	ssize_t got;

	do
		got = recvfrom(netlink->fd, bytes, REPLY_BYTES, flags, (struct sockaddr *)&from, &from_bytes);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_os(errno, "netlink");
	// Other processes can send to our socket; only the kernel has the number 0.
	*got_ret = from.nl_pid ? 0 : (size_t)got;
	return NULL;
}

struct error *netlink_run(struct netlink *netlink, struct netlink_message *message, netlink_handler *handler,
                          void *context)
{
	_cleanup_free_ uint8_t *bytes = malloc(REPLY_BYTES);
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct error *err = NULL;
	bool is_done = false;
	int errnum = 0;

	if (!bytes)
		return error_new(ERROR_NOMEM, "no memory for the kernel's answer");
	if (message->header.nlmsg_len > sizeof(message->raw))
		return error_new(ERROR_BAD_DATA, "netlink: the message is too long");
	message->header.nlmsg_seq = ++netlink->sequence;
	if (sendto(netlink->fd, message->raw, message->header.nlmsg_len, 0, (struct sockaddr *)&kernel,
	           sizeof(kernel)) < 0)
		return error_os(errno, "netlink");
	while (!err && !is_done) {
		size_t got = 0;

		err = receive(netlink, 0, bytes, &got);
		if (!err)
			is_done = take_datagram(bytes, got, netlink->sequence, handler, context, &errnum);
	}
	return err ? err : errnum ? error_os(errnum, "netlink") : NULL;
}

struct error *netlink_drain(struct netlink *netlink)
{
	_cleanup_free_ uint8_t *bytes = malloc(REPLY_BYTES);
	struct error *err = NULL;
	size_t got;

	if (!bytes)
		return error_new(ERROR_NOMEM, "no memory for the kernel's events");
	while (!err)
		err = receive(netlink, MSG_DONTWAIT, bytes, &got);
	if (err->errnum != EAGAIN)
		return err;
	error_free(err);
	return NULL;
}

const void *netlink_find(struct netlink_attributes attributes, uint16_t type, size_t least_bytes, size_t *size_ret)
{
	struct nlattr attribute;

	for (size_t at = 0; at + sizeof(attribute) <= attributes.size_bytes; at += NLA_ALIGN(attribute.nla_len)) {
		memcpy(&attribute, attributes.start + at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > attributes.size_bytes - at)
			return NULL;
		if ((attribute.nla_type & NLA_TYPE_MASK) != type || attribute.nla_len < NLA_HDRLEN + least_bytes)
			continue;
		if (size_ret)
			*size_ret = attribute.nla_len - NLA_HDRLEN;
		return attributes.start + at + NLA_HDRLEN;
	}
	return NULL;
}

uint32_t netlink_u32(struct netlink_attributes attributes, uint16_t type, uint32_t other)
{
	const void *value = netlink_find(attributes, type, sizeof(other), NULL);

	if (value)
		memcpy(&other, value, sizeof(other));
	return other;
}

struct netlink_attributes netlink_inside(struct netlink_attributes attributes, uint16_t type)
{
	struct netlink_attributes inside = {0};

	inside.start = netlink_find(attributes, type, 0, &inside.size_bytes);
	return inside;
}
