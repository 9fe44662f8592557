// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What age does with keys, by libsodium.
 *
 * Does not know files; private to sink_age.c and age_reader.c, but for age_crypto_test().
 * Source: C2SP age (age-encryption.org/v1), "The X25519 recipient type", "Header MAC", "Payload"; RFC 5869 (HKDF).
 */
#ifndef DUMP_AGE_CRYPTO_H
#define DUMP_AGE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/age.h"
#include "dump/age_header.h"

/** The payload of a file: chunks, each authenticated with its place. Overwrite it with age_crypto_forget(). */
struct age_crypto_stream {
	uint8_t key[AGE_KEY_BYTES];
	uint64_t counter; /**< Of the next chunk. */
};

#ifdef HAVE_SODIUM

/**
 * HKDF with SHA-256, for one key.
 *
 * @param[in] secret What the key is derived from.
 * @param[in] secret_bytes Its size.
 * @param[in] salt May be empty.
 * @param[in] salt_bytes Its size.
 * @param[in] info What the key is for.
 * @param[out] ret The key.
 */
void age_crypto_derive(const uint8_t *secret, size_t secret_bytes, const uint8_t *salt, size_t salt_bytes,
                       const char *info, uint8_t ret[static AGE_KEY_BYTES]);

/**
 * Whether something can be encrypted to a recipient: an attacker's point, or one of zeros, is none.
 *
 * @param[in] recipient The key.
 * @return NULL; ERROR_BAD_DATA.
 */
struct error *age_crypto_test(const struct age_recipient *recipient) must_check;

/**
 * Random bytes. Never waits: before the kernel has gathered what it needs, there are none. Must come before all else that a
 * process does here, but for age_crypto_test() in a system that has been up for long.
 *
 * @param[out] buf Bytes.
 * @param[in] size_bytes Their number, at most 256.
 * @return NULL; ERROR_OS (EAGAIN: not yet).
 */
struct error *age_crypto_random(void *buf, size_t size_bytes) must_check;

/**
 * Encrypt a file key to a recipient.
 *
 * @param[in] recipient To whom.
 * @param[in] file_key The key.
 * @param[out] ret For the header.
 * @return NULL; ERROR_BAD_DATA (as age_crypto_test()); ERROR_OS (no random bytes).
 */
struct error *age_crypto_wrap(const struct age_recipient *recipient, const uint8_t file_key[static AGE_FILE_KEY_BYTES],
                              struct age_stanza *ret) must_check;

/** Decrypt a file key. @param[in] identity The secret key. @param[in] stanza Of a header. @param[out] ret The file key. @return Whether it was encrypted to this one. */
bool age_crypto_unwrap(const struct age_identity *identity, const struct age_stanza *stanza,
                       uint8_t ret[static AGE_FILE_KEY_BYTES]);

/** The authentication code of a header. @param[in] file_key The key. @param[in] text The header. @param[in] size_bytes Up to its code. @param[out] ret The code. */
void age_crypto_mac(const uint8_t file_key[static AGE_FILE_KEY_BYTES], const char *text, size_t size_bytes,
                    uint8_t ret[static AGE_MAC_BYTES]);

/** Whether two codes are the same, in a time that does not depend on it. @param[in] a One. @param[in] b The other. @return See there. */
bool age_crypto_is_same(const uint8_t a[static AGE_MAC_BYTES], const uint8_t b[static AGE_MAC_BYTES]);

/** Begin a payload. @param[in] file_key The key. @param[in] nonce What stands before the first chunk. @param[out] ret The stream. */
void age_crypto_start(const uint8_t file_key[static AGE_FILE_KEY_BYTES], const uint8_t nonce[static AGE_NONCE_BYTES],
                      struct age_crypto_stream *ret);

/** Encrypt the next chunk. @param[in,out] stream The payload. @param[in] plain Bytes. @param[in] size_bytes Their number. @param[in] is_last No other follows. @param[out] ret AGE_TAG_BYTES more. */
void age_crypto_seal(struct age_crypto_stream *stream, const uint8_t *plain, size_t size_bytes, bool is_last,
                     uint8_t *ret);

/** Decrypt the next chunk. @param[in,out] stream The payload; goes on only if it is authentic. @param[in] sealed Bytes. @param[in] size_bytes Their number, at least AGE_TAG_BYTES. @param[in] is_last No other follows. @param[out] ret AGE_TAG_BYTES less. @return Whether it is authentic. */
bool age_crypto_open(struct age_crypto_stream *stream, const uint8_t *sealed, size_t size_bytes, bool is_last,
                     uint8_t *ret);

/** Overwrite what is secret. @param[in] secret Bytes. @param[in] size_bytes Their number. */
void age_crypto_forget(void *secret, size_t size_bytes);

#else

/** As above, where there is no libsodium. @param[in] recipient Not looked at. @return ERROR_UNSUPPORTED. */
static inline must_check struct error *age_crypto_test(const struct age_recipient *recipient)
{
	(void)recipient;
	return age_missing();
}

#endif

#endif
