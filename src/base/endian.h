// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Integers at any address, in a byte order that is known at run time.
 *
 * Does not check bounds: the caller has.
 */
#ifndef BASE_ENDIAN_H
#define BASE_ENDIAN_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** @param[in] p 2 bytes. @param[in] is_big Their byte order. @return The number. */
static inline uint16_t load_u16(const void *p, bool is_big)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return is_big ? be16toh(v) : le16toh(v);
}

/** @param[in] p 4 bytes. @param[in] is_big Their byte order. @return The number. */
static inline uint32_t load_u32(const void *p, bool is_big)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return is_big ? be32toh(v) : le32toh(v);
}

/** @param[in] p 8 bytes. @param[in] is_big Their byte order. @return The number. */
static inline uint64_t load_u64(const void *p, bool is_big)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return is_big ? be64toh(v) : le64toh(v);
}

#endif
