// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bech32.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
	CHECKSUM_CHARS = 6,
	// Longest text: nothing that is decoded here comes near it.
	TEXT_CHARS = 200,
};

// One step of the checksum, a BCH code over GF(32).
static uint32_t add_to_sum(uint32_t sum, unsigned int value)
{
	static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (size_t i = 0; i < array_size(generator); i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

static uint32_t sum_of_prefix(const char *prefix, size_t size)
{
	uint32_t sum = 1;

	// The checksum is that of the text in lower case.
	for (size_t i = 0; i < size; i++)
		sum = add_to_sum(sum, (unsigned int)tolower((unsigned char)prefix[i]) >> 5);
	sum = add_to_sum(sum, 0);
	for (size_t i = 0; i < size; i++)
		sum = add_to_sum(sum, (unsigned int)tolower((unsigned char)prefix[i]) & 31);
	return sum;
}

// Five bits of a character, or -1.
static int value_of(char c)
{
	static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	const char *at = c ? strchr(letters, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - letters) : -1;
}

static bool is_mixed(const char *text)
{
	bool has_upper = false, has_lower = false;

	for (const char *at = text; *at; at++) {
		has_upper |= *at >= 'A' && *at <= 'Z';
		has_lower |= *at >= 'a' && *at <= 'z';
	}
	return has_upper && has_lower;
}

// Bits to bytes. What is left at the end must be less than a character, and zeros.
static struct error *join(const uint8_t *values, size_t count, uint8_t *buf, size_t size_bytes)
{
	unsigned int bits = 0, held = 0;
	size_t done = 0;

	if (count * 5 / 8 != size_bytes)
		return error_new(ERROR_BAD_DATA, "it holds %zu bytes, not %zu", count * 5 / 8, size_bytes);
	for (size_t i = 0; i < count; i++) {
		held = (held << 5 | values[i]) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			buf[done++] = (uint8_t)(held >> bits);
		}
	}
	if (bits >= 5 || (held & ((1u << bits) - 1)))
		return error_new(ERROR_BAD_DATA, "its last character is not as it must be");
	return NULL;
}

struct error *bech32_decode(const char *text, const char *prefix, uint8_t *buf, size_t size_bytes)
{
	const char *last = strrchr(text, '1');
	size_t prefix_size = strlen(prefix), count = last ? strlen(last + 1) : 0;
	uint8_t values[TEXT_CHARS], bytes[TEXT_CHARS];
	uint32_t sum = sum_of_prefix(prefix, prefix_size);
	struct error *err;

	if (is_mixed(text))
		return error_new(ERROR_BAD_DATA, "it has upper and lower case letters");
	if (!last || (size_t)(last - text) != prefix_size || strncmp(text, prefix, prefix_size) != 0)
		return error_new(ERROR_BAD_DATA, "it does not begin with %s1", prefix);
	if (count < CHECKSUM_CHARS || count > TEXT_CHARS)
		return error_new(ERROR_BAD_DATA, "it is too %s", count < CHECKSUM_CHARS ? "short" : "long");
	for (size_t i = 0; i < count; i++) {
		int value = value_of(last[1 + i]);

		if (value < 0)
			return error_new(ERROR_BAD_DATA, "character %zu is none that it may have", prefix_size + 2 + i);
		values[i] = (uint8_t)value;
		sum = add_to_sum(sum, values[i]);
	}
	if (sum != 1)
		return error_new(ERROR_BAD_DATA, "its checksum is wrong: a character is not right, or missing");
	if (size_bytes > sizeof(bytes))
		return error_new(ERROR_BAD_DATA, "it is too short");
	err = join(values, count - CHECKSUM_CHARS, bytes, size_bytes);
	if (!err)
		memcpy(buf, bytes, size_bytes);
	explicit_bzero(values, sizeof(values));
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}
