// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Questions to the kernel about its network, and orders to it: one message of rtnetlink at a time.
 *
 * Does not know what any message means. Written here because libmnl comes without a static library, and kdump-capture is linked
 * statically.
 * Source: Linux include/uapi/linux/netlink.h; rtnetlink(7).
 */
#ifndef BASE_NETLINK_H
#define BASE_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** A socket. For one thread. netlink_close() it. */
struct netlink {
	int fd; /**< -1: not open. */
	uint32_t sequence;
};

/** Most bytes of a message that we send; ours have less than 200. */
enum { NETLINK_MESSAGE_BYTES = 1024 };

/** A message while it is made. */
struct netlink_message {
	union {
		struct nlmsghdr header;
		uint8_t raw[NETLINK_MESSAGE_BYTES];
	};
};

/** What a message says: attributes behind its fixed part. Lives as long as the bytes it was taken from. */
struct netlink_attributes {
	const uint8_t *start;
	size_t size_bytes;
};

/** A message from the kernel. @param[in] context Of the caller. @param[in] type RTM_*. @param[in] fixed Its fixed part. @param[in] attributes What follows that. */
typedef void netlink_handler(void *context, uint16_t type, const void *fixed, struct netlink_attributes attributes);

/**
 * Open a socket.
 *
 * @param[out] ret The socket; its fd must be -1 before.
 * @param[in] groups Events that are wanted, RTMGRP_*; 0: none, for questions and orders.
 * @return NULL; ERROR_OS.
 */
struct error *netlink_open(struct netlink *ret, uint32_t groups) must_check;

/** Close. @param[in] netlink May be one with fd -1. */
void netlink_close(struct netlink *netlink);

#define _cleanup_netlink_ _cleanup_(netlink_close)

/**
 * Begin a message.
 *
 * @param[out] message The message.
 * @param[in] type RTM_*.
 * @param[in] flags NLM_F_*, without NLM_F_REQUEST and NLM_F_ACK.
 * @param[in] fixed Its fixed part, such as struct ifinfomsg.
 * @param[in] size_bytes Of @p fixed.
 */
void netlink_begin(struct netlink_message *message, uint16_t type, uint16_t flags, const void *fixed,
                   size_t size_bytes);

/** Add an attribute; one that there is no room for makes netlink_run() fail. @param[in,out] message The message. @param[in] type Its number. @param[in] value Its bytes. @param[in] size_bytes Their number. */
void netlink_add(struct netlink_message *message, uint16_t type, const void *value, size_t size_bytes);

/** Begin an attribute that holds others. @param[in,out] message The message. @param[in] type Its number. @return For netlink_nest_end(). */
size_t netlink_nest(struct netlink_message *message, uint16_t type);

/** End it. @param[in,out] message The message. @param[in] nest Of netlink_nest(). */
void netlink_nest_end(struct netlink_message *message, size_t nest);

/**
 * Send a message and take its answers, up to the last.
 *
 * @param[in,out] netlink Without groups.
 * @param[in] message The message.
 * @param[in] handler Called for each answer; may be NULL.
 * @param[in] context For @p handler.
 * @return NULL; ERROR_OS (also what the kernel said against it: EEXIST …); ERROR_BAD_DATA (too long).
 */
struct error *netlink_run(struct netlink *netlink, struct netlink_message *message, netlink_handler *handler,
                          void *context) must_check;

/** Throw away the events that are there, without waiting for others: who was told that something has changed looks at it as it is. @param[in,out] netlink With groups. @return NULL; ERROR_OS (ENOBUFS: some were lost); ERROR_NOMEM. */
struct error *netlink_drain(struct netlink *netlink) must_check;

/**
 * Find an attribute.
 *
 * @param[in] attributes Where.
 * @param[in] type Its number.
 * @param[in] least_bytes A shorter one is none.
 * @param[out] size_ret Its size; may be NULL.
 * @return Its value, not aligned; NULL if there is none.
 */
const void *netlink_find(struct netlink_attributes attributes, uint16_t type, size_t least_bytes, size_t *size_ret);

/** A number in an attribute, in the machine's order. @param[in] attributes Where. @param[in] type Its number. @param[in] other If there is none. @return See there. */
uint32_t netlink_u32(struct netlink_attributes attributes, uint16_t type, uint32_t other);

/** Attributes inside of an attribute. @param[in] attributes Where. @param[in] type Its number. @return Empty if there is none. */
struct netlink_attributes netlink_inside(struct netlink_attributes attributes, uint16_t type);

#endif
