// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/send_transfer.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

enum {
	ANSWER_BYTES = 64 * 1024, // More than any that we read; what is behind is not looked at.
	UPLOAD_BUFFER_BYTES = 256 * 1024,
	POLL_MS = 1000,
};

static void copy_value(char *ret, size_t room_bytes, const char *from, size_t size_bytes)
{
	while (size_bytes && isspace((unsigned char)*from)) {
		from++;
		size_bytes--;
	}
	while (size_bytes && isspace((unsigned char)from[size_bytes - 1]))
		size_bytes--;
	if (size_bytes >= room_bytes)
		size_bytes = room_bytes - 1;
	memcpy(ret, from, size_bytes);
	ret[size_bytes] = '\0';
}

static bool has_name(const char *line, size_t size_bytes, const char *name)
{
	return size_bytes > strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

static void read_etag(struct send_transfer *transfer, const char *value, size_t size_bytes)
{
	size_t size;

	copy_value(transfer->etag, sizeof(transfer->etag), value, size_bytes);
	size = strlen(transfer->etag);
	if (size >= 2 && transfer->etag[0] == '"' && transfer->etag[size - 1] == '"') {
		memmove(transfer->etag, transfer->etag + 1, size - 2);
		transfer->etag[size - 2] = '\0';
	}
}

static void copy_line(struct send_transfer *transfer, const char *line, size_t size_bytes)
{
	copy_value(transfer->line, sizeof(transfer->line), line, size_bytes);
	send_link_scrub(transfer->link, transfer->line);
}

// A line of HTTP's header, or of FTP's control connection.
static size_t take_header(char *line, size_t size, size_t count, void *context)
{
	static const char etag[] = "etag:", encryption[] = "x-amz-server-side-encryption:";
	static const char customer[] = "x-amz-server-side-encryption-customer-algorithm:";
	struct send_transfer *transfer = context;
	size_t total = size * count;

	transfer->moved_bytes++;
	if (has_name(line, total, "HTTP/")) {
		transfer->etag[0] = '\0';
		transfer->is_encrypted = false;
		copy_line(transfer, line, total);
	} else if (strncmp(transfer->link->scheme, "ftp", 3) == 0) {
		// Others are libcurl's own, in the manner of HTTP.
		if (total && isdigit((unsigned char)*line))
			copy_line(transfer, line, total);
	} else if (has_name(line, total, etag)) {
		read_etag(transfer, line + strlen(etag), total - strlen(etag));
	} else if (has_name(line, total, customer)) {
		transfer->is_encrypted = true;
	} else if (has_name(line, total, encryption)) {
		transfer->is_encrypted = memmem(line, total, "kms", 3) != NULL;
	}
	return total;
}

static size_t take_answer(char *buf, size_t size, size_t count, void *context)
{
	struct send_transfer *transfer = context;
	size_t total = size * count, room = ANSWER_BYTES - transfer->answer.size_bytes;

	transfer->moved_bytes += total;
	// A NUL ends what is looked at, too.
	text_add(&transfer->answer, "%.*s", (int)(total < room ? total : room), buf);
	return total;
}

static size_t give_body(char *buf, size_t size, size_t count, void *context)
{
	struct send_transfer *transfer = context;
	size_t left = transfer->body_bytes - transfer->body_at, part = left < size * count ? left : size * count;

	if (!part && transfer->is_stream && !transfer->is_end) {
		transfer->is_paused = true;
		return CURL_READFUNC_PAUSE;
	}
	if (part)
		memcpy(buf, transfer->body + transfer->body_at, part);
	transfer->body_at += part;
	return part;
}

// A server may want to have it again: it closed a connection that was used before, or did not expect what we did.
static int seek_body(void *context, curl_off_t offset, int origin)
{
	struct send_transfer *transfer = context;

	if (transfer->is_stream || origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->body_bytes)
		return CURL_SEEKFUNC_CANTSEEK;
	transfer->body_at = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void set_who(CURL *easy, const struct send_link *link)
{
	const struct send_settings *settings = link->settings;

	if (settings->user)
		curl_easy_setopt(easy, CURLOPT_USERNAME, settings->user);
	if (settings->password)
		curl_easy_setopt(easy, CURLOPT_PASSWORD, settings->password);
	if (link->signer)
		curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, link->signer);
	else
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
}

static void set_network(CURL *easy, const struct send_link *link)
{
	const struct send_settings *settings = link->settings;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, link->scheme);
	// Neither the environment nor the server leads anywhere else.
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_RESOLVE, settings->resolve);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)settings->connect_timeout_s);
	// For what libcurl waits for by itself: the end of a connection of FTP.
	curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(settings->stall_ms + 999) / 1000);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (settings->ca)
		curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca);
	// One stream at a time gains nothing by HTTP/2, whose windows are another thing that can stand still.
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	// A path as it is: relative to where FTP starts, and not looked at for "..".
	curl_easy_setopt(easy, CURLOPT_FTP_FILEMETHOD, (long)CURLFTPMETHOD_NOCWD);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
}

struct error *send_transfer_init(struct send_transfer *transfer, struct send_link *link, const char *path,
                                 const char *query)
{
	*transfer = (struct send_transfer){
		.link = link, .easy = curl_easy_init(), .url = send_link_url(link, path, query), .length_bytes = -1};
	if (!transfer->easy || !transfer->url)
		return error_new(ERROR_NOMEM, "no memory for a transfer");
	curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->url);
	curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, transfer->message);
	curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(transfer->easy, CURLOPT_READDATA, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_SEEKFUNCTION, seek_body);
	curl_easy_setopt(transfer->easy, CURLOPT_SEEKDATA, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
	set_network(transfer->easy, link);
	set_who(transfer->easy, link);
	return NULL;
}

static void stop(struct send_transfer *transfer)
{
	if (transfer->is_running)
		curl_multi_remove_handle(transfer->link->multi, transfer->easy);
	transfer->is_running = false;
}

void send_transfer_deinit(struct send_transfer *transfer)
{
	stop(transfer);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	free(transfer->url);
	text_deinit(&transfer->answer);
	*transfer = (struct send_transfer){0};
}

void send_transfer_header(struct send_transfer *transfer, const char *fmt, ...)
{
	struct curl_slist *longer = NULL;
	char *header = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&header, fmt, args) >= 0) {
		longer = curl_slist_append(transfer->headers, header);
		free(header);
	}
	va_end(args);
	if (longer)
		transfer->headers = longer;
	else
		transfer->has_no_memory = true;
}

void send_transfer_body(struct send_transfer *transfer, const void *buf, size_t size_bytes)
{
	transfer->body = buf;
	transfer->body_bytes = size_bytes;
	curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(transfer->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size_bytes);
}

void send_transfer_stream(struct send_transfer *transfer)
{
	transfer->is_stream = true;
	curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD, 1L);
	// A stream cannot be sent twice, as must be what goes to a connection that the server has closed meanwhile.
	curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
}

static struct error *start(struct send_transfer *transfer)
{
	if (transfer->has_no_memory)
		return error_new(ERROR_NOMEM, "no memory for a transfer");
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	if (curl_multi_add_handle(transfer->link->multi, transfer->easy) != CURLM_OK)
		return error_new(ERROR_NOMEM, "no memory for a transfer");
	transfer->is_running = true;
	return NULL;
}

static void look_for_end(struct send_transfer *transfer)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(transfer->link->multi, &left))) {
		if (message->msg != CURLMSG_DONE || message->easy_handle != transfer->easy)
			continue;
		transfer->is_done = true;
		transfer->code = message->data.result;
	}
}

static bool has_moved(struct send_transfer *transfer, uint64_t *seen)
{
	curl_off_t up = 0;
	uint64_t sum;

	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	sum = transfer->moved_bytes + (uint64_t)up;
	if (sum == *seen)
		return false;
	*seen = sum;
	return true;
}

// Until it is done or, if the client is to say more first, the last piece was taken. NULL does not mean that it went well.
static struct error *drive(struct send_transfer *transfer)
{
	uint64_t wait_ms = transfer->link->settings->stall_ms, start_ms = clock_now_ms(), seen = 0;
	int running;

	has_moved(transfer, &seen);
	if (transfer->is_paused) {
		transfer->is_paused = false;
		curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	}
	for (;;) {
		uint64_t now_ms, passed_ms;

		if (curl_multi_perform(transfer->link->multi, &running) != CURLM_OK)
			return error_new(ERROR_NOMEM, "libcurl cannot go on");
		look_for_end(transfer);
		if (transfer->is_done)
			return NULL;
		if (transfer->is_stream && !transfer->is_end && transfer->body_at == transfer->body_bytes)
			return NULL;
		now_ms = clock_now_ms();
		if (has_moved(transfer, &seen))
			start_ms = transfer->moved_ms = now_ms;
		passed_ms = now_ms - start_ms;
		if (passed_ms >= wait_ms) {
			transfer->is_stalled = true;
			return NULL;
		}
		curl_multi_poll(transfer->link->multi, NULL, 0,
		                wait_ms - passed_ms < POLL_MS ? (int)(wait_ms - passed_ms) : POLL_MS, NULL);
	}
}

void send_transfer_element(const struct send_transfer *transfer, const char *name, char *ret, size_t room_bytes)
{
	const char *at = transfer->answer.buf, *end;
	size_t size = strlen(name);

	*ret = '\0';
	while (at && (at = strchr(at, '<'))) {
		at++;
		if (strncmp(at, name, size) != 0 || at[size] != '>')
			continue;
		at += size + 1;
		end = strchr(at, '<');
		if (end)
			copy_value(ret, room_bytes, at, (size_t)(end - at));
		break;
	}
	send_link_scrub(transfer->link, ret);
}

static int errnum_of(const struct send_transfer *transfer)
{
	bool is_ftp = strncmp(transfer->link->scheme, "ftp", 3) == 0;

	if (transfer->code == CURLE_REMOTE_DISK_FULL)
		return ENOSPC;
	if (transfer->code == CURLE_REMOTE_FILE_NOT_FOUND)
		return ENOENT;
	if (transfer->code == CURLE_LOGIN_DENIED)
		return EACCES;
	switch (transfer->status) {
	case 401:
	case 403:
		return is_ftp ? 0 : EACCES;
	case 404:
	case 410:
		return is_ftp ? 0 : ENOENT;
	case 452: // RFC 959, 4.2: insufficient storage space in system.
	case 552: // Exceeded storage allocation.
		return is_ftp ? ENOSPC : 0;
	case 507: // RFC 4918, 11.5.
		return is_ftp ? 0 : ENOSPC;
	default:
		return 0;
	}
}

// What the server says: its line, where it points to, and what a store says in XML.
static void describe(const struct send_transfer *transfer, char *ret, size_t room_bytes)
{
	char code[128] = "", message[400] = "", *target = NULL;

	send_transfer_element(transfer, "Code", code, sizeof(code));
	send_transfer_element(transfer, "Message", message, sizeof(message));
	curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &target);
	snprintf(ret, room_bytes, "%.250s%s%s%s%s%s%.200s", *transfer->line ? transfer->line : "no answer",
	         *code ? ": " : "", code, *message ? ": " : "", message,
	         target ? "; redirects are not followed, this one is to " : "", target ? target : "");
	send_link_scrub(transfer->link, ret);
}

static struct error *explain(struct send_transfer *transfer)
{
	bool is_http_answer = transfer->code == CURLE_OK;
	int errnum = errnum_of(transfer);
	char text[900];

	if (is_http_answer) {
		describe(transfer, text, sizeof(text));
		return errnum ? error_os(errnum, "%s", text) : error_new(ERROR_OS, "%s", text);
	}
	snprintf(text, sizeof(text), "%s%s%s",
	         *transfer->message ? transfer->message : curl_easy_strerror(transfer->code),
	         *transfer->line ? "; the last answer: " : "", transfer->line);
	send_link_scrub(transfer->link, text);
	if (errnum)
		return error_os(errnum, "%s", text);
	return error_new(transfer->code == CURLE_OPERATION_TIMEDOUT ? ERROR_TIMEOUT : ERROR_OS, "%s", text);
}

static struct error *finish(struct send_transfer *transfer)
{
	const struct send_settings *settings = transfer->link->settings;
	curl_off_t length = -1;

	stop(transfer);
	if (transfer->is_stalled)
		return error_new(ERROR_TIMEOUT, "nothing moved for %ju seconds%s%s",
		                 (uintmax_t)settings->stall_ms / 1000, *transfer->line ? "; the last answer: " : "",
		                 transfer->line);
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->status);
	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	transfer->length_bytes = length;
	if (transfer->code != CURLE_OK)
		return explain(transfer);
	if (strncmp(transfer->link->scheme, "http", 4) == 0 && (transfer->status < 200 || transfer->status > 299))
		return explain(transfer);
	if (transfer->is_stream && (!transfer->is_end || transfer->body_at < transfer->body_bytes))
		return error_new(ERROR_OS, "the server ended the upload before its end");
	return transfer->answer.is_failed ? error_new(ERROR_NOMEM, "no memory for an answer") : NULL;
}

struct error *send_transfer_push(struct send_transfer *transfer, const void *buf, size_t size_bytes)
{
	struct error *err = NULL;

	if (!size_bytes)
		return NULL;
	transfer->body = buf;
	transfer->body_bytes = size_bytes;
	transfer->body_at = 0;
	if (!transfer->is_running)
		err = start(transfer);
	if (!err)
		err = drive(transfer);
	if (!err && (transfer->is_done || transfer->is_stalled))
		err = finish(transfer);
	return err;
}

struct error *send_transfer_run(struct send_transfer *transfer)
{
	struct error *err = NULL;

	if (transfer->is_stream) {
		transfer->is_end = true;
		transfer->body_bytes = transfer->body_at = 0;
	}
	if (!transfer->is_running)
		err = start(transfer);
	if (!err)
		err = drive(transfer);
	return err ? err : finish(transfer);
}

bool send_transfer_is_transient(const struct send_transfer *transfer)
{
	if (transfer->is_stalled)
		return false;
	switch (transfer->code) {
	case CURLE_OK:
		// Too slow, too many, a fault inside, gateways, and S3's "slow down".
		return transfer->status == 408 || transfer->status == 429 || transfer->status == 500 ||
		       (transfer->status >= 502 && transfer->status <= 504);
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return true;
	default:
		return false;
	}
}
