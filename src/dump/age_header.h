// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The header of an age file: text that holds the file key once for each recipient.
 *
 * Knows its form only, no cryptography: what is in it is not authentic until age_crypto.h says so.
 * Source: C2SP age (age-encryption.org/v1), "Header".
 */
#ifndef DUMP_AGE_HEADER_H
#define DUMP_AGE_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/age.h"

/** Sizes. */
enum {
	AGE_BODY_BYTES = AGE_FILE_KEY_BYTES + AGE_TAG_BYTES,
	AGE_MAC_BYTES = 32,
	/** Longest header that is read: some 600 recipients. */
	AGE_HEADER_MAX_BYTES = 64 << 10,
};

/** The file key for one recipient of the type X25519. */
struct age_stanza {
	uint8_t share[AGE_KEY_BYTES]; /**< The other half of an exchange of keys. */
	uint8_t body[AGE_BODY_BYTES]; /**< The file key, encrypted. */
};

/** A header. */
struct age_header {
	struct age_stanza *stanzas; /**< Of the type X25519; owned. */
	size_t count;
	size_t other_count; /**< Of types that are not known here. */
	size_t signed_bytes; /**< From the start on, that the code authenticates. */
	uint8_t mac[AGE_MAC_BYTES];
	size_t size_bytes; /**< The payload begins here. */
};

/**
 * Write what the code authenticates.
 *
 * @param[in] stanzas For each recipient one.
 * @param[in] count Their number, at most AGE_RECIPIENTS_MAX.
 * @param[out] size_ret Bytes.
 * @return The text, with room for age_header_end(); free() it. NULL: no memory.
 */
char *age_header_start(const struct age_stanza *stanzas, size_t count, size_t *size_ret);

/** Add the authentication code. @param[in,out] text Of age_header_start(). @param[in,out] size_bytes Its size. @param[in] mac The code. */
void age_header_end(char *text, size_t *size_bytes, const uint8_t mac[static AGE_MAC_BYTES]);

/**
 * Read a header. Nothing of it is authenticated yet.
 *
 * @param[in] text First bytes of a file, not NUL-terminated.
 * @param[in] size_bytes Their number; of a file that is larger, AGE_HEADER_MAX_BYTES are enough.
 * @param[out] ret The header; age_header_deinit() it.
 * @return NULL; ERROR_UNSUPPORTED (not an age file, or another version); ERROR_BAD_DATA (the line and what is wrong); ERROR_NOMEM.
 */
struct error *age_header_parse(const char *text, size_t size_bytes, struct age_header *ret) must_check;

/** Free. @param[in] header Filled, or zeroed. */
void age_header_deinit(struct age_header *header);

#endif
