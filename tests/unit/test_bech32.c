// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bech32.h"

#include "test.h"

// BIP 173, "Test vectors".
static void valid(void)
{
	static const uint8_t wanted[20] = {0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf,
	                                   0x84, 0x65, 0x3a, 0x56, 0xd7, 0xc6, 0x75, 0xbe, 0x77, 0xdf};
	uint8_t bytes[64] = {0};

	check_ok(bech32_decode("A12UEL5L", "A", bytes, 0));
	check_ok(bech32_decode("a12uel5l", "a", bytes, 0));
	check_ok(bech32_decode("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", bytes, sizeof(wanted)));
	check(memcmp(bytes, wanted, sizeof(wanted)) == 0);
	check_ok(bech32_decode(
		"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
		"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio", bytes, 0));
}

static void invalid(void)
{
	static const char good[] = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
	char text[260] = "";
	uint8_t bytes[64] = {7};

	check_error(bech32_decode("A1G7SGD8", "A", bytes, 0), ERROR_BAD_DATA, "checksum");
	check_error(bech32_decode("a12UEL5L", "a", bytes, 0), ERROR_BAD_DATA, "upper and lower");
	check_error(bech32_decode("A12UEL5L", "a", bytes, 0), ERROR_BAD_DATA, "begin with a1");
	check_error(bech32_decode("b12uel5l", "a", bytes, 0), ERROR_BAD_DATA, "begin with a1");
	check_error(bech32_decode("pzry9x0s0muk", "a", bytes, 0), ERROR_BAD_DATA, "begin with a1");
	check_error(bech32_decode("", "a", bytes, 0), ERROR_BAD_DATA, "begin with a1");
	check_error(bech32_decode("li1dgmt3", "li", bytes, 0), ERROR_BAD_DATA, "too short");
	check_error(bech32_decode("x1b4n0q5v", "x", bytes, 0), ERROR_BAD_DATA, "character 3 is none");
	check_error(bech32_decode(good, "abcdef", bytes, 19), ERROR_BAD_DATA, "20 bytes, not 19");
	check_error(bech32_decode(good, "abcdef", bytes, 32), ERROR_BAD_DATA, "20 bytes, not 32");
	// Bech32m (BIP 350) has another checksum.
	check_error(bech32_decode("a1lqfn3a", "a", bytes, 0), ERROR_BAD_DATA, "checksum");
	check(bytes[0] == 7);
	snprintf(text, sizeof(text), "%s%0230d", "age1", 0);
	check_error(bech32_decode(text, "age", bytes, 32), ERROR_BAD_DATA, "too long");
}

// Each character counts: of all texts that differ in one, none is taken.
static void damaged(void)
{
	static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	char text[] = "age1hlknda8t77x0gm3f733tj58xf43ksvz0ce62csgy3s0w3fve9pcsckwy6w";
	uint8_t bytes[32];

	check_ok(bech32_decode(text, "age", bytes, sizeof(bytes)));
	for (size_t i = 4; text[i]; i++) {
		char kept = text[i];

		for (const char *at = letters; *at; at++) {
			text[i] = *at;
			if (*at != kept)
				check_error(bech32_decode(text, "age", bytes, sizeof(bytes)), ERROR_BAD_DATA,
				            "checksum");
		}
		text[i] = kept;
	}
}

static const struct test tests[] = {
	TEST(valid),
	TEST(invalid),
	TEST(damaged),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
