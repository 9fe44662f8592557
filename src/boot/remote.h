// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A place for dumps on a server: from a URL, or from what is mounted over the network, to what the capture side needs to reach it.
 *
 * Asks for the server's address; does not connect to it, and does not know over which card it is reached (ways.h).
 */
#ifndef BOOT_REMOTE_H
#define BOOT_REMOTE_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/destination.h"
#include "boot/mounts.h"

/** The program that uploads. */
#define REMOTE_SENDER KDUMP_LIBDIR "/kdump-send"

/** Whether a text is a URL of something else than a file. @param[in] text Of the configuration. */
bool remote_is_url(const char *text);

/**
 * The place that a URL names: nfs, cifs, ssh, sftp; http, https, ftp, ftps and s3, to which kdump-send uploads.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] key Which of its keys has the URL.
 * @param[in] url The URL; messages do not repeat its password.
 * @param[out] place Filled, its device but zeroed: there is none. destination_deinit() it, also after an error.
 * @return NULL; ERROR_CONFIG (no such server, no key, not as a URL is written); ERROR_UNSUPPORTED; ERROR_OS; ERROR_NOMEM.
 */
struct error *remote_find(const struct host *host, const struct config *config, enum config_key key, const char *url,
                          struct destination *place) must_check;

/** A server that OpenSSH reaches. remote_ssh_deinit() it. */
struct remote_ssh {
	char *user; /**< "root" if the URL names nobody. */
	char *host; /**< Without brackets. */
	char *port; /**< "22" if the URL has none. */
};

/**
 * The server of a URL.
 *
 * @param[in] url Any text.
 * @param[out] ret The server; remote_ssh_deinit() it.
 * @return NULL; ERROR_CONFIG (neither ssh nor sftp, or not as a URL is written); ERROR_NOMEM.
 */
struct error *remote_ssh(const char *url, struct remote_ssh *ret) must_check;

/** Free what remote_ssh() made. @param[in] ssh Filled, or zeroed. */
void remote_ssh_deinit(struct remote_ssh *ssh);

/**
 * The place that is mounted from a server now.
 *
 * @param[in] config The configuration.
 * @param[in] key Which of its keys has the directory.
 * @param[in] mount What is mounted.
 * @param[in] path Directory in it, absolute.
 * @param[out] place As remote_find().
 * @return NULL; ERROR_UNSUPPORTED (no file system of a server, or one that asks for a ticket of Kerberos); ERROR_CONFIG; ERROR_NOMEM.
 */
struct error *remote_from_mount(const struct config *config, enum config_key key, const struct mount *mount,
                                const char *path, struct destination *place) must_check;

#endif
