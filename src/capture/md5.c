// SPDX-License-Identifier: GPL-2.0-or-later
// Names A…D, F…I, T, X as in RFC 1321, section 3.4, in small letters.
#include "capture/md5.h"

#include <endian.h>
#include <string.h>

// RFC 1321, 3.4: the integer part of 2^32 times abs(sin(i)), i = 1…64 in radians.
static const uint32_t t[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

// RFC 1321, 3.4: how far each of the four steps of a round rotates.
static const uint8_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static inline uint32_t rotl(uint32_t x, unsigned int n)
{
	return x << n | x >> (32 - n);
}

static void compress_block(uint32_t *state, const uint8_t *block)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t x[16];

	for (unsigned int i = 0; i < 16; i++) {
		memcpy(&x[i], block + 4 * i, 4);
		x[i] = le32toh(x[i]);
	}
	for (unsigned int i = 0; i < 64; i++) {
		unsigned int round = i / 16, word = i;
		uint32_t f, next;

		switch (round) {
		case 0:
			f = (b & c) | (~b & d);
			break;
		case 1:
			f = (b & d) | (c & ~d);
			word = 5 * i + 1;
			break;
		case 2:
			f = b ^ c ^ d;
			word = 3 * i + 5;
			break;
		default:
			f = c ^ (b | ~d);
			word = 7 * i;
			break;
		}
		next = b + rotl(a + f + x[word % 16] + t[i], shifts[round][i % 4]);
		a = d;
		d = c;
		c = b;
		b = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

void md5_init(struct md5 *ret)
{
	// RFC 1321, 3.3.
	static const uint32_t initial[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

	memcpy(ret->state, initial, sizeof(initial));
	ret->blocks = (struct blocks){0};
}

void md5_update(struct md5 *md5, const void *buf, size_t size_bytes)
{
	blocks_add(&md5->blocks, md5->state, compress_block, buf, size_bytes);
}

void md5_final(struct md5 *md5, uint8_t digest_ret[MD5_DIGEST_BYTES])
{
	blocks_end(&md5->blocks, md5->state, compress_block, htole64(md5->blocks.size_bytes * 8));
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t word = htole32(md5->state[i]);

		memcpy(digest_ret + 4 * i, &word, 4);
	}
}
