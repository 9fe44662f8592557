// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/age_crypto.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>

static const char x25519_info[] = "age-encryption.org/v1/X25519";

static_assert(AGE_KEY_BYTES == crypto_scalarmult_BYTES, "X25519");
static_assert(AGE_KEY_BYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "ChaCha20");
static_assert(AGE_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "Poly1305");
static_assert(AGE_MAC_BYTES == crypto_auth_hmacsha256_BYTES, "HMAC with SHA-256");
static_assert(AGE_KEY_BYTES == crypto_auth_hmacsha256_BYTES, "a key is one block of HKDF");

void age_crypto_derive(const uint8_t *secret, size_t secret_bytes, const uint8_t *salt, size_t salt_bytes,
                       const char *info, uint8_t ret[static AGE_KEY_BYTES])
{
	static const uint8_t first_block = 1, nothing = 0;
	uint8_t extracted[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, salt_bytes ? salt : &nothing, salt_bytes);
	crypto_auth_hmacsha256_update(&state, secret, secret_bytes);
	crypto_auth_hmacsha256_final(&state, extracted);
	// A key is one block of the expansion.
	crypto_auth_hmacsha256_init(&state, extracted, sizeof(extracted));
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)info, strlen(info));
	crypto_auth_hmacsha256_update(&state, &first_block, 1);
	crypto_auth_hmacsha256_final(&state, ret);
	sodium_memzero(extracted, sizeof(extracted));
	sodium_memzero(&state, sizeof(state));
}

struct error *age_crypto_test(const struct age_recipient *recipient)
{
	static const uint8_t scalar[AGE_KEY_BYTES] = {8, [AGE_KEY_BYTES - 1] = 64};
	uint8_t shared[AGE_KEY_BYTES];

	if (crypto_scalarmult(shared, scalar, recipient->key) != 0)
		return error_new(ERROR_BAD_DATA,
		                 "nothing can be encrypted to it: it is no point that a secret key makes");
	return NULL;
}

struct error *age_crypto_random(void *buf, size_t size_bytes)
{
	// Up to 256 bytes come as a whole, or not at all (getrandom(2)).
	ssize_t got = getrandom(buf, size_bytes, GRND_NONBLOCK);

	if (got < 0 && errno == EAGAIN)
		return error_os(errno, "the kernel has no random numbers yet");
	if (got != (ssize_t)size_bytes)
		return error_os(got < 0 ? errno : EIO, "random numbers");
	// It chooses what is fastest on this CPU. It asks for random numbers too, and would wait for them.
	if (sodium_init() < 0)
		return error_new(ERROR_UNSUPPORTED, "libsodium cannot be used here");
	return NULL;
}

// The key for the file key of one recipient.
static bool derive_wrapping(const uint8_t secret[static AGE_KEY_BYTES], const uint8_t *point, const uint8_t *share,
                            const uint8_t *recipient, uint8_t ret[static AGE_KEY_BYTES])
{
	uint8_t shared[AGE_KEY_BYTES], salt[2 * AGE_KEY_BYTES];
	bool is_fine = crypto_scalarmult(shared, secret, point) == 0;

	memcpy(salt, share, AGE_KEY_BYTES);
	memcpy(salt + AGE_KEY_BYTES, recipient, AGE_KEY_BYTES);
	age_crypto_derive(shared, sizeof(shared), salt, sizeof(salt), x25519_info, ret);
	sodium_memzero(shared, sizeof(shared));
	return is_fine;
}

// Each key encrypts one text.
static const uint8_t zero_nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

struct error *age_crypto_wrap(const struct age_recipient *recipient, const uint8_t file_key[static AGE_FILE_KEY_BYTES],
                              struct age_stanza *ret)
{
	uint8_t secret[AGE_KEY_BYTES], key[AGE_KEY_BYTES];
	struct error *err = age_crypto_random(secret, sizeof(secret));

	if (err)
		return err;
	crypto_scalarmult_base(ret->share, secret);
	if (derive_wrapping(secret, recipient->key, ret->share, recipient->key, key))
		crypto_aead_chacha20poly1305_ietf_encrypt(ret->body, NULL, file_key, AGE_FILE_KEY_BYTES, NULL, 0, NULL,
		                                          zero_nonce, key);
	else
		err = error_new(ERROR_BAD_DATA, "nothing can be encrypted to a recipient");
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(key, sizeof(key));
	return err;
}

bool age_crypto_unwrap(const struct age_identity *identity, const struct age_stanza *stanza,
                       uint8_t ret[static AGE_FILE_KEY_BYTES])
{
	uint8_t recipient[AGE_KEY_BYTES], key[AGE_KEY_BYTES];
	bool is_ours;

	crypto_scalarmult_base(recipient, identity->key);
	is_ours = derive_wrapping(identity->key, stanza->share, stanza->share, recipient, key) &&
	          crypto_aead_chacha20poly1305_ietf_decrypt(ret, NULL, NULL, stanza->body, sizeof(stanza->body), NULL,
	                                                    0, zero_nonce, key) == 0;
	sodium_memzero(key, sizeof(key));
	return is_ours;
}

void age_crypto_mac(const uint8_t file_key[static AGE_FILE_KEY_BYTES], const char *text, size_t size_bytes,
                    uint8_t ret[static AGE_MAC_BYTES])
{
	uint8_t key[AGE_KEY_BYTES];

	age_crypto_derive(file_key, AGE_FILE_KEY_BYTES, NULL, 0, "header", key);
	crypto_auth_hmacsha256(ret, (const uint8_t *)text, size_bytes, key);
	sodium_memzero(key, sizeof(key));
}

bool age_crypto_is_same(const uint8_t a[static AGE_MAC_BYTES], const uint8_t b[static AGE_MAC_BYTES])
{
	return sodium_memcmp(a, b, AGE_MAC_BYTES) == 0;
}

void age_crypto_start(const uint8_t file_key[static AGE_FILE_KEY_BYTES], const uint8_t nonce[static AGE_NONCE_BYTES],
                      struct age_crypto_stream *ret)
{
	age_crypto_derive(file_key, AGE_FILE_KEY_BYTES, nonce, AGE_NONCE_BYTES, "payload", ret->key);
	ret->counter = 0;
}

// Eleven bytes of counter, the highest first, of which 64 bits are more than any disk needs, and the mark of the last chunk.
static void make_nonce(const struct age_crypto_stream *stream, bool is_last, uint8_t ret[static sizeof(zero_nonce)])
{
	memset(ret, 0, sizeof(zero_nonce));
	for (size_t i = 0; i < 8; i++)
		ret[10 - i] = (uint8_t)(stream->counter >> 8 * i);
	ret[11] = is_last;
}

void age_crypto_seal(struct age_crypto_stream *stream, const uint8_t *plain, size_t size_bytes, bool is_last,
                     uint8_t *ret)
{
	uint8_t nonce[sizeof(zero_nonce)];

	make_nonce(stream, is_last, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(ret, NULL, plain, size_bytes, NULL, 0, NULL, nonce, stream->key);
	stream->counter++;
}

bool age_crypto_open(struct age_crypto_stream *stream, const uint8_t *sealed, size_t size_bytes, bool is_last,
                     uint8_t *ret)
{
	uint8_t nonce[sizeof(zero_nonce)];

	make_nonce(stream, is_last, nonce);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(ret, NULL, NULL, sealed, size_bytes, NULL, 0, nonce,
	                                              stream->key) != 0)
		return false;
	stream->counter++;
	return true;
}

void age_crypto_forget(void *secret, size_t size_bytes)
{
	sodium_memzero(secret, size_bytes);
}
