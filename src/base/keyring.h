// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Keys that the kernel keeps: keyrings(7), by its own calls.
 *
 * Does not read a key back, and knows nothing of what keys are for.
 */
#ifndef BASE_KEYRING_H
#define BASE_KEYRING_H

#include <stddef.h>

#include "base/error.h"

/** Types of keys: one that no program can read, one that programs can. */
#define KEYRING_LOGON "logon"
/** See above. */
#define KEYRING_USER "user"

/**
 * Give this process an empty session keyring of its own, which programs that it starts have, too. It is gone with the last of them.
 *
 * @return NULL; ERROR_UNSUPPORTED (the kernel keeps no keys); ERROR_OS.
 */
struct error *keyring_join(void) must_check;

/**
 * Put a key of the user's keyring (@u) into the session keyring as well, where the kernel looks when this process needs it: services
 * have session keyrings that do not lead to the user's.
 *
 * @param[in] type Of the key.
 * @param[in] description Its name.
 * @return NULL; ERROR_OS (ENOKEY: there is none; EKEYEXPIRED, EKEYREVOKED).
 */
struct error *keyring_take(const char *type, const char *description) must_check;

/**
 * Put a new key into the session keyring, in place of one of the same name.
 *
 * @param[in] type Of the key.
 * @param[in] description Its name; of KEYRING_LOGON keys with a colon in it.
 * @param[in] bytes The key; wiping it is left to the caller.
 * @param[in] size_bytes Its size.
 * @return NULL; ERROR_OS.
 */
struct error *keyring_add(const char *type, const char *description, const void *bytes, size_t size_bytes) must_check;

#endif
