// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Keys of age, as text: to whom a file is encrypted, and who can decrypt it.
 *
 * Does not encrypt (sink_age_create() in sink.h) and does not decrypt (age_reader.h).
 * Source: C2SP age (age-encryption.org/v1), "The X25519 recipient type".
 */
#ifndef DUMP_AGE_H
#define DUMP_AGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Sizes of the format. */
enum {
	AGE_KEY_BYTES = 32, /**< Of X25519, and all keys that are derived. */
	AGE_FILE_KEY_BYTES = 16,
	AGE_TAG_BYTES = 16, /**< What ChaCha20-Poly1305 adds. */
	AGE_NONCE_BYTES = 16, /**< Before the first chunk. */
	AGE_CHUNK_BYTES = 64 << 10, /**< Of what is encrypted; only the last chunk may be shorter. */
	/** Most recipients of a file that is written; their number is not secret. */
	AGE_RECIPIENTS_MAX = 64,
};

/** Who can read a file: a public key. */
struct age_recipient {
	uint8_t key[AGE_KEY_BYTES];
};

/** The secret key to it. age_identities_free() it, so that it does not stay in memory. */
struct age_identity {
	uint8_t key[AGE_KEY_BYTES];
};

/** Whether this build has libsodium, without which nothing can be encrypted or decrypted. @return See there. */
static inline bool age_is_there(void)
{
#ifdef HAVE_SODIUM
	return true;
#else
	return false;
#endif
}

/** The error where age_is_there() is not so. @return ERROR_UNSUPPORTED. */
struct error *age_missing(void) must_check;

/**
 * Read a recipient.
 *
 * @param[in] text "age1…", as age-keygen writes it. Keys of ssh and of plugins are not understood.
 * @param[out] ret The key.
 * @return NULL; ERROR_BAD_DATA (what is wrong, without the text).
 */
struct error *age_recipient_parse(const char *text, struct age_recipient *ret) must_check;

/**
 * Read a list of recipients.
 *
 * @param[in] texts NULL-terminated.
 * @param[out] ret Keys; free() them.
 * @param[out] count_ret Their number.
 * @return NULL; ERROR_BAD_DATA (with the text); ERROR_NOMEM.
 */
struct error *age_recipients_parse(char *const *texts, struct age_recipient **ret, size_t *count_ret) must_check;

/**
 * Read a file of identities, as age-keygen writes it: a line each, "AGE-SECRET-KEY-1…"; empty lines and such that begin
 * with # count for nothing.
 *
 * @param[in] text NUL-terminated.
 * @param[out] ret Keys; age_identities_free() them.
 * @param[out] count_ret Their number, at least 1.
 * @return NULL; ERROR_BAD_DATA (the line and what is wrong, without its text; or there is none); ERROR_NOMEM.
 */
struct error *age_identities_parse(const char *text, struct age_identity **ret, size_t *count_ret) must_check;

/** Overwrite and free secret keys. @param[in] identities May be NULL. @param[in] count Their number. */
void age_identities_free(struct age_identity *identities, size_t count);

#endif
