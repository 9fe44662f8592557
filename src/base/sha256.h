// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * SHA-256 (FIPS 180-4), for the manifest of a dump directory, and for what an initramfs was made from.
 *
 * Not for secrets: no care is taken about timing.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/blocks.h"

/** Size of the result, in bytes. */
enum { SHA256_DIGEST_BYTES = 32 };

/** A running digest. Owned by one thread; needs no release. */
struct sha256 {
	uint32_t state[8];
	struct blocks blocks;
};

/** Start. @param[out] ret The digest. */
void sha256_init(struct sha256 *ret);

/** Add bytes. @param[in,out] sha The digest. @param[in] buf Bytes. @param[in] size_bytes Their number. */
void sha256_update(struct sha256 *sha, const void *buf, size_t size_bytes);

/** End; the state may not be used again before sha256_init(). @param[in,out] sha The digest. @param[out] digest_ret The result. */
void sha256_final(struct sha256 *sha, uint8_t digest_ret[SHA256_DIGEST_BYTES]);

#endif
