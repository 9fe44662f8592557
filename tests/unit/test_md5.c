// SPDX-License-Identifier: GPL-2.0-or-later
// Vectors: RFC 1321, appendix A.5; the others are md5sum(1)'s.
#include "capture/md5.h"

#include "test.h"

static void check_digest(struct md5 *md5, const char *wanted)
{
	uint8_t digest[MD5_DIGEST_BYTES];
	char text[2 * MD5_DIGEST_BYTES + 1];

	md5_final(md5, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	check_text(text, wanted);
}

static void rfc_vectors(void)
{
	static const char *const vectors[][2] = {
		{"", "d41d8cd98f00b204e9800998ecf8427e"},
		{"a", "0cc175b9c0f1b6a831c399e269772661"},
		{"abc", "900150983cd24fb0d6963f7d28e17f72"},
		{"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
		{"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
		{"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
	         "57edf4a22be3c955ac49da2e2107b67a"},
	};

	for (size_t i = 0; i < array_size(vectors); i++) {
		struct md5 md5;

		md5_init(&md5);
		md5_update(&md5, vectors[i][0], strlen(vectors[i][0]));
		check_digest(&md5, vectors[i][1]);
	}
}

// However the bytes are cut, the digest is the same.
static void pieces(void)
{
	char bytes[200];

	memset(bytes, 'x', sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
		struct md5 md5;

		md5_init(&md5);
		md5_update(&md5, bytes, cut);
		md5_update(&md5, bytes + cut, sizeof(bytes) - cut);
		check_digest(&md5, "30a83621ce5422fbdfdd539777458c78");
	}
}

// 55, 56, 57, 64 bytes, around the place where the length still fits into the last block.
static void padding(void)
{
	static const struct {
		size_t size;
		const char *digest;
	} vectors[] = {
		{55, "c9ea3314b91c9fd4e38f9432064fd1f2"},
		{56, "e3c4dd21a9171fd39d208efa09bf7883"},
		{57, "ab9d8ef2ffa9145d6c325cefa41d5d4e"},
		{64, "3b5d3c7d207e37dceeedd301e35e2e58"},
	};
	static const uint8_t zeros[64];

	for (size_t i = 0; i < array_size(vectors); i++) {
		struct md5 md5;

		md5_init(&md5);
		md5_update(&md5, zeros, vectors[i].size);
		check_digest(&md5, vectors[i].digest);
	}
}

static const struct test tests[] = {TEST(rfc_vectors), TEST(pieces), TEST(padding)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
