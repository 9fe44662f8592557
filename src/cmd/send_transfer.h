// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * One transfer by libcurl: a request and its answer, its body being there as a whole or coming piece by piece.
 *
 * Does not know what the kinds of servers make of it, and tries nothing twice. No transfer lasts longer than the settings' stall
 * without a byte being moved.
 */
#ifndef CMD_SEND_TRANSFER_H
#define CMD_SEND_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/text.h"
#include "cmd/send_link.h"

/** A transfer. Before it is run its user may set more options of @p easy. */
struct send_transfer {
	struct send_link *link;
	CURL *easy;
	char *url;
	struct curl_slist *headers; /**< Owned. */
	bool has_no_memory; /**< Some could not be added. */

	const uint8_t *body; /**< The whole of it, or the last piece; not owned. */
	size_t body_bytes, body_at;
	bool is_stream; /**< It comes in pieces … */
	bool is_end; /**< … and this was the last. */
	bool is_paused; /**< libcurl waits for the next one. */

	bool is_running, is_done;
	bool is_stalled;
	CURLcode code; /**< When it is done. */
	uint64_t moved_bytes, moved_ms; /**< How much went to and fro, and when that last changed; 0: never. */

	long status; /**< Of HTTP or FTP; 0: none came. */
	char line[256]; /**< Where it came in. */
	char etag[128]; /**< Without quotes; empty: none. */
	bool is_encrypted; /**< By a key of the store, so that the ETag says nothing of the content. */
	int64_t length_bytes; /**< That the server says the file has; -1: it does not say. */
	struct text answer; /**< Body of the answer, up to a limit. */
	char message[CURL_ERROR_SIZE];
};

/**
 * Prepare a transfer.
 *
 * @param[out] transfer send_transfer_deinit() it, in any case.
 * @param[in] link Server.
 * @param[in] path File; see send_link_url().
 * @param[in] query Or NULL.
 * @return NULL; ERROR_NOMEM.
 */
struct error *send_transfer_init(struct send_transfer *transfer, struct send_link *link, const char *path,
                                 const char *query) must_check;

/** End, also in the middle. @param[in] transfer Initialised, or zeroed. */
void send_transfer_deinit(struct send_transfer *transfer);

#define _cleanup_transfer_ _cleanup_(send_transfer_deinit)

/** Add a header. @param[in,out] transfer Not yet run. @param[in] fmt "NAME: VALUE", as printf. */
void send_transfer_header(struct send_transfer *transfer, const char *fmt, ...) printf_format(2, 3);

/** Upload bytes. @param[in,out] transfer Not yet run. @param[in] buf Stays until it was. @param[in] size_bytes Its size. */
void send_transfer_body(struct send_transfer *transfer, const void *buf, size_t size_bytes);

/** Upload what send_transfer_push() is given. @param[in,out] transfer Not yet run. */
void send_transfer_stream(struct send_transfer *transfer);

/**
 * Upload a piece of a stream.
 *
 * @param[in,out] transfer A stream.
 * @param[in] buf Not needed any more afterwards.
 * @param[in] size_bytes Its size.
 * @return NULL; else what made the transfer end, as send_transfer_run().
 */
struct error *send_transfer_push(struct send_transfer *transfer, const void *buf, size_t size_bytes) must_check;

/**
 * Run a transfer, or the rest of a stream, to its end.
 *
 * @param[in,out] transfer The answer is in it.
 * @return NULL: there is an answer, of HTTP one of success (2xx); ERROR_TIMEOUT; ERROR_NOSPC: so says the server; ERROR_OS, with
 *	   ENOENT and EACCES as errnum if that is what the server says, else 0; ERROR_NOMEM.
 */
struct error *send_transfer_run(struct send_transfer *transfer) must_check;

/** Whether it is worth it to try again. @param[in] transfer Which failed. @return true: something in the server or on the way. */
bool send_transfer_is_transient(const struct send_transfer *transfer);

/**
 * The text of an element of an answer in XML.
 *
 * @param[in] transfer Which was run.
 * @param[in] name Of the element, without attributes.
 * @param[out] ret Its text, cut to fit and scrubbed; "" if there is none.
 * @param[in] room_bytes Of @p ret.
 */
void send_transfer_element(const struct send_transfer *transfer, const char *name, char *ret, size_t room_bytes);

#endif
