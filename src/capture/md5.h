// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * MD5 (RFC 1321), which stores in the manner of S3 answer as a receipt.
 *
 * Not for secrets, and no proof against an attacker: against bits that turned on their way only. Of our own rather than of a
 * library: libcurl shows nobody the one it has, and which library of TLS it brings into the initramfs differs.
 */
#ifndef CAPTURE_MD5_H
#define CAPTURE_MD5_H

#include <stddef.h>
#include <stdint.h>

#include "base/blocks.h"

/** Size of the result, in bytes. */
enum { MD5_DIGEST_BYTES = 16 };

/** A running digest. Owned by one thread; needs no release. */
struct md5 {
	uint32_t state[4];
	struct blocks blocks;
};

/** Start. @param[out] ret The digest. */
void md5_init(struct md5 *ret);

/** Add bytes. @param[in,out] md5 The digest. @param[in] buf Bytes. @param[in] size_bytes Their number. */
void md5_update(struct md5 *md5, const void *buf, size_t size_bytes);

/** End; the state may not be used again before md5_init(). @param[in,out] md5 The digest. @param[out] digest_ret The result. */
void md5_final(struct md5 *md5, uint8_t digest_ret[MD5_DIGEST_BYTES]);

#endif
