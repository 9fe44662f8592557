// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What OpenSSH's client needs to reach a server when nobody is there to answer: the server's host keys, our keys, the program.
 *
 * Does not connect.
 */
#ifndef BOOT_SSH_H
#define BOOT_SSH_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/text.h"
#include "boot/words.h"

/** Host key of an option "hostkey=…": any will do. */
#define SSH_ANY_HOST_KEY "*"

/** Where keys of servers are looked for, root's first. */
#define SSH_KNOWN_HOSTS "/root/.ssh/known_hosts"
/** See above. */
#define SSH_SYSTEM_KNOWN_HOSTS "/etc/ssh/ssh_known_hosts"

/** The key of its own that kdump has, if it has one: that of RHEL. */
#define SSH_OWN_IDENTITY "/root/.ssh/kdump_id_rsa"

/** Whether two words are a public key as files of OpenSSH have it. @param[in] type "ssh-ed25519". @param[in] key Base64. */
bool ssh_is_key(const char *type, const char *key);

/**
 * Find them: KDUMP_HOST_KEY, else the known_hosts files of root and of the system; KDUMP_SSH_IDENTITY, else root's usual ones.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] server The server as the administrator calls it.
 * @param[in] port Its port; "" for the usual one.
 * @param[in,out] options Words ",hostkey=TYPE KEY" and ",identity=FILE", as the plan has them.
 * @param[in,out] files What the image must hold.
 * @return NULL; ERROR_CONFIG (no program, no host key, no key that needs no passphrase); ERROR_OS; ERROR_NOMEM.
 */
struct error *ssh_find(const struct host *host, const struct config *config, const char *server, const char *port,
                       struct text *options, struct words *files) must_check;

#endif
