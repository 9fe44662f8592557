// SPDX-License-Identifier: GPL-2.0-or-later
// Vectors: NIST, "SHA-2 Additional" and the examples of FIPS 180-2, appendix B.
#include "base/sha256.h"

#include "test.h"

static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

static void check_digest(struct sha256 *sha, const char *wanted)
{
	uint8_t digest[SHA256_DIGEST_BYTES];
	char text[2 * SHA256_DIGEST_BYTES + 1];

	sha256_final(sha, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	check_text(text, wanted);
}

static void nist_vectors(void)
{
	struct sha256 sha;

	sha256_init(&sha);
	check_digest(&sha, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_init(&sha);
	sha256_update(&sha, "abc", 3);
	check_digest(&sha, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_init(&sha);
	sha256_update(&sha, two_blocks, 56);
	check_digest(&sha, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	sha256_init(&sha);
	for (unsigned int i = 0; i < 1000000; i++)
		sha256_update(&sha, "a", 1);
	check_digest(&sha, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// However the bytes are cut, the digest is the same.
static void pieces(void)
{
	for (size_t cut = 0; cut <= 56; cut++) {
		struct sha256 sha;

		sha256_init(&sha);
		sha256_update(&sha, two_blocks, cut);
		sha256_update(&sha, two_blocks + cut, 56 - cut);
		check_digest(&sha, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	}
}

// NIST: 55, 56, 57, 64 zero bytes, around the place where the length still fits into the last block.
static void padding(void)
{
	static const struct {
		size_t size;
		const char *digest;
	} vectors[] = {
		{55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"},
		{56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"},
		{57, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"},
		{64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"},
	};
	static const uint8_t zeros[64];

	for (size_t i = 0; i < array_size(vectors); i++) {
		struct sha256 sha;

		sha256_init(&sha);
		sha256_update(&sha, zeros, vectors[i].size);
		check_digest(&sha, vectors[i].digest);
	}
}

static const struct test tests[] = {TEST(nist_vectors), TEST(pieces), TEST(padding)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
