// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Which server kdump-send uploads to, who it is there, and how a file is named.
 *
 * Does not transfer anything; see send_transfer.h.
 */
#ifndef CMD_SEND_LINK_H
#define CMD_SEND_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cmd/send_ops.h"

/** What the command line and the file of secrets say. */
struct send_settings {
	const char *url; /**< Without credentials. */
	const char *region; /**< Of S3. */
	const char *ca; /**< File of certificates that sign others; NULL: libcurl's own. */
	struct curl_slist *resolve; /**< HOST:PORT:ADDRESS, as CURLOPT_RESOLVE. */
	char *user, *password, *token; /**< NULL: none. */
	uint64_t stall_ms; /**< A transfer ends when nothing moved for so long. */
	uint32_t connect_timeout_s; /**< For one connection. */
	bool is_s3;
};

/** A server. One thread. */
struct send_link {
	const struct send_settings *settings;
	const struct send_ops *ops; /**< What this kind of server does. */
	void *multi; /**< libcurl's connections (CURLM). */
	char *scheme; /**< "http" … */
	char *origin; /**< SCHEME://HOST:PORT. */
	char *base; /**< Path of the URL, decoded, without the slash that begins it and those at its end. */
	char *signer; /**< What CURLOPT_AWS_SIGV4 wants; NULL: no signatures. */
};

/** The kinds of servers. */
extern const struct send_ops send_http_ops, send_s3_ops, send_ftp_ops;

/** Free what settings own. @param[in] settings Used, or zeroed. */
void send_settings_deinit(struct send_settings *settings);

/**
 * Add the secrets of a file: lines user=…, password=…, token=….
 *
 * @param[in,out] settings Where they go.
 * @param[in] path A file that only its owner can read.
 * @return NULL; ERROR_CONFIG: it is something else, or others can read it; ERROR_OS; ERROR_BAD_DATA: it is long.
 */
struct error *send_settings_read(struct send_settings *settings, const char *path) must_check;

/**
 * Understand the URL. Connects to nothing yet.
 *
 * @param[out] link send_link_close() it, in any case.
 * @param[in] settings Kept.
 * @return NULL; ERROR_USAGE: the URL cannot be used, or would carry a password in clear; ERROR_NOMEM.
 */
struct error *send_link_open(struct send_link *link, const struct send_settings *settings) must_check;

/** Close connections. @param[in] link Opened, or zeroed. */
void send_link_close(struct send_link *link);

/**
 * Name a file.
 *
 * @param[in] link Server.
 * @param[in] path As struct send_ops has it; NULL: the server itself.
 * @param[in] query What comes behind a "?"; NULL: nothing does.
 * @return A URL in which each byte that is not unreserved (RFC 3986, 2.3) is escaped; free() it. NULL: no memory.
 */
char *send_link_url(const struct send_link *link, const char *path, const char *query) must_check;

/** Name a file in a command of FTP. @param[in] link Server. @param[in] path As above. @return free() it. NULL: no memory. */
char *send_link_path(const struct send_link *link, const char *path) must_check;

/**
 * Make a text of a server's fit to be shown: no secrets, no control characters.
 *
 * @param[in] link Whose secrets.
 * @param[in,out] text Bytes are replaced one by one.
 */
void send_link_scrub(const struct send_link *link, char *text);

/** Say something on standard error that fails nothing. @param[in] fmt What, as printf; already scrubbed. */
void send_link_note(const char *fmt, ...) printf_format(1, 2);

#endif
