// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What digests of blocks of 64 bytes have in common (SHA-256: FIPS 180-4, 5.1.1 and 5.2.1; MD5: RFC 1321, 3.1 to 3.3): cutting
 * bytes into blocks, and the padding of the last one.
 *
 * Does not know what is made of a block.
 */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/** Size of a block, in bytes. */
enum { BLOCKS_BYTES = 64 };

/** Takes one block of BLOCKS_BYTES bytes into the state of a digest. */
typedef void blocks_take(uint32_t *state, const uint8_t *block);

/** Bytes so far. Zeroed when a digest starts; owned by one thread. */
struct blocks {
	uint64_t size_bytes;
	uint8_t last[BLOCKS_BYTES]; /**< The last block, not yet full. */
};

/** Add bytes. @param[in,out] blocks The blocks. @param[in,out] state Of the digest. @param[in] take The digest. @param[in] buf Bytes. @param[in] size_bytes Their number. */
void blocks_add(struct blocks *blocks, uint32_t *state, blocks_take *take, const void *buf, size_t size_bytes);

/** Add the padding: one bit that is 1, zeros up to 8 bytes before the end of a block, the number of bits. @param[in,out] blocks The blocks. @param[in,out] state Of the digest. @param[in] take The digest. @param[in] size_bits blocks->size_bytes * 8, in the digest's order of bytes. */
void blocks_end(struct blocks *blocks, uint32_t *state, blocks_take *take, uint64_t size_bits);

#endif
