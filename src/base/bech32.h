// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Bech32: bytes as text that a person can copy, with a checksum.
 *
 * Only decodes. Does not know the later form, Bech32m, and not the limit of 90 characters, which age does not keep either.
 * Source: BIP 173; C2SP age, "The X25519 recipient type".
 */
#ifndef BASE_BECH32_H
#define BASE_BECH32_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/**
 * Decode a text.
 *
 * @param[in] text All of it upper case, or all lower case.
 * @param[in] prefix What must stand before the last "1", in the case of the text.
 * @param[out] buf The bytes; untouched on error.
 * @param[in] size_bytes Their number: a text that holds another one is wrong.
 * @return NULL; ERROR_BAD_DATA (the text says what is wrong, and nothing of what was to be decoded).
 */
struct error *bech32_decode(const char *text, const char *prefix, uint8_t *buf, size_t size_bytes) must_check;

#endif
