// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * One request to a store in the manner of S3: signed, with the digest of its body, and tried again while that may help.
 *
 * Does not know what the request is good for.
 */
#ifndef CMD_SEND_S3_REQUEST_H
#define CMD_SEND_S3_REQUEST_H

#include "cmd/send_transfer.h"

/** A request. */
struct send_s3_request {
	const char *method; /**< PUT, POST, HEAD or DELETE. */
	const char *path; /**< As struct send_ops has it. */
	const char *query; /**< Sorted and escaped, each name with a "=", as the signature wants it; NULL: none. */
	const void *body; /**< For PUT and POST. */
	size_t body_bytes;
};

/**
 * Ask a store.
 *
 * A fault of the store or of the network is tried again, after pauses that grow, while the client is there: at most eight times,
 * and not beyond the settings' stall since a byte last moved.
 *
 * @param[in] link Store.
 * @param[in] request What for.
 * @param[out] transfer The last answer; send_transfer_deinit() it, in any case.
 * @return As send_transfer_run(); an error that the store tells in an answer of success is one, too.
 */
struct error *send_s3_request_run(struct send_link *link, const struct send_s3_request *request,
                                  struct send_transfer *transfer) must_check;

#endif
