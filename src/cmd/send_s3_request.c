// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/send_s3_request.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sha256.h"

enum { TRIES_MAX = 8, PAUSE_FIRST_MS = 250, PAUSE_MAX_MS = 8000 };

static void prepare(struct send_transfer *transfer, const struct send_s3_request *request)
{
	const char *token = transfer->link->settings->token;
	uint8_t digest[SHA256_DIGEST_BYTES];
	char text[2 * SHA256_DIGEST_BYTES + 1];
	struct sha256 sha;

	sha256_init(&sha);
	if (request->body_bytes)
		sha256_update(&sha, request->body, request->body_bytes);
	sha256_final(&sha, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	send_transfer_header(transfer, "x-amz-content-sha256: %s", text);
	if (token)
		send_transfer_header(transfer, "x-amz-security-token: %s", token);
	if (strcmp(request->method, "PUT") == 0) {
		send_transfer_body(transfer, request->body, request->body_bytes);
	} else if (strcmp(request->method, "POST") == 0) {
		send_transfer_header(transfer, "Content-Type: application/xml");
		curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
		curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, request->body_bytes ? request->body : "");
	} else if (strcmp(request->method, "HEAD") == 0) {
		curl_easy_setopt(transfer->easy, CURLOPT_NOBODY, 1L);
	} else {
		curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, request->method);
	}
}

static struct error *try_once(struct send_link *link, const struct send_s3_request *request,
                              struct send_transfer *transfer, bool *is_transient)
{
	struct error *err = send_transfer_init(transfer, link, request->path, request->query);
	char code[64];

	*is_transient = false;
	if (err)
		return err;
	prepare(transfer, request);
	err = send_transfer_run(transfer);
	send_transfer_element(transfer, "Code", code, sizeof(code));
	if (err) {
		*is_transient = send_transfer_is_transient(transfer) || strcmp(code, "RequestTimeout") == 0;
		return err;
	}
	// What takes long is begun with a success, to keep the connection, and may fail afterwards.
	if (strcmp(request->method, "POST") == 0 && *code) {
		*is_transient = true;
		return error_new(ERROR_OS, "the store cannot do it: %s", code);
	}
	return NULL;
}

// Whether the client is there still, after the pause.
static bool pause_ms(uint64_t time_ms)
{
	struct pollfd client = {.fd = STDIN_FILENO};

	return poll(&client, 1, (int)time_ms) <= 0;
}

struct error *send_s3_request_run(struct send_link *link, const struct send_s3_request *request,
                                  struct send_transfer *transfer)
{
	uint64_t last_ms = clock_now_ms(), wait_ms = PAUSE_FIRST_MS;

	for (unsigned int tries = 1;; tries++) {
		bool is_transient;
		struct error *err = try_once(link, request, transfer, &is_transient);

		if (transfer->moved_ms > last_ms)
			last_ms = transfer->moved_ms;
		if (!err)
			return NULL;
		if (!is_transient || tries == TRIES_MAX ||
		    clock_now_ms() + wait_ms > last_ms + link->settings->stall_ms || !pause_ms(wait_ms))
			return error_wrap(err, "%s %s", request->method, request->path);
		send_link_note("%s %s: %s; once more", request->method, request->path, err->text);
		error_free(err);
		send_transfer_deinit(transfer);
		wait_ms = wait_ms * 2 < PAUSE_MAX_MS ? wait_ms * 2 : PAUSE_MAX_MS;
	}
}
