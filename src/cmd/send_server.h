// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A server of SFTP, version 3 (draft-ietf-secsh-filexfer-02), that can do no more than receive files: bytes in, bytes out.
 *
 * Does not read or write descriptors and does not know where the files go; that is struct send_ops. The peer is hostile.
 */
#ifndef CMD_SEND_SERVER_H
#define CMD_SEND_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cmd/send_ops.h"
#include "cmd/send_wire.h"

/** Bounds of what a client can send and gets. */
enum {
	SEND_SERVER_PACKET_BYTES = 512 * 1024, /**< Longest packet that is taken, without its length. */
	SEND_SERVER_PATH_BYTES = 1024, /**< Longest path: that of a key in S3. */
};

/** A server. Owned by one thread. */
struct send_server {
	const struct send_ops *ops;
	struct send_link *link; /**< For @p ops. */
	bool is_begun; /**< The client has said what it speaks. */
	bool is_open; /**< A handle was given out. */
	uint32_t handle; /**< The last one that was. */
	struct send_upload *upload; /**< NULL while there is none, and after it failed. */
	struct error *failure; /**< Why there is none behind the handle. */
	uint64_t written_bytes; /**< Of the open file. */
	struct send_wire_reply reply; /**< To the last packet. */
};

/** Begin. @param[out] server send_server_deinit() it. @param[in] ops Kind of server. @param[in] link For @p ops. */
void send_server_init(struct send_server *server, const struct send_ops *ops, struct send_link *link);

/** End; gives up a file that is open. @param[in] server Initialised. */
void send_server_deinit(struct send_server *server);

/**
 * The length of the packet that begins with some bytes.
 *
 * @param[in] buf What came.
 * @param[in] size_bytes Its size.
 * @param[out] total_ret With the 4 bytes of the length itself; 0: these have not come yet.
 * @return NULL; ERROR_USAGE: no client that keeps to the protocol sends this.
 */
struct error *send_server_length(const uint8_t *buf, size_t size_bytes, size_t *total_ret) must_check;

/**
 * Do what a packet asks for. Whether that went well is in the reply.
 *
 * @param[in,out] server The reply is in it.
 * @param[in] packet Whole, with its length, as send_server_length() told.
 * @param[in] size_bytes Its size.
 * @return NULL; ERROR_USAGE: the packet is none; there is no reply and no way to go on.
 */
struct error *send_server_take(struct send_server *server, const uint8_t *packet, size_t size_bytes) must_check;

#endif
