// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/luks.h"

#include "fake.h"
#include "test.h"

enum { HEADER_BYTES = 16384, JSON_AT = 4096 };

static void make_header(unsigned char header[HEADER_BYTES], unsigned char version, const char *json)
{
	static const unsigned char magic[] = {'L', 'U', 'K', 'S', 0xba, 0xbe, 0};

	memset(header, 0, HEADER_BYTES);
	memcpy(header, magic, sizeof(magic));
	header[7] = version;
	memcpy(header + JSON_AT, json, strlen(json));
}

static void check_slots(const unsigned char *header, size_t size_bytes, const char *wanted, uint64_t most_mib)
{
	_cleanup_free_ char *slots = NULL;
	uint64_t mib = 1;

	check_ok(luks_keyslots(header, size_bytes, &slots, &mib));
	check_text(slots, wanted);
	check(mib == most_mib);
}

// As cryptsetup 2.6 writes it, shortened.
static const char json[] =
	"{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64,\"af\":{\"type\":\"luks1\",\"stripes\":4000,\"hash\":"
	"\"sha256\"},"
	"\"area\":{\"type\":\"raw\",\"offset\":\"32768\"},\"kdf\":{\"type\":\"argon2id\",\"time\":4,\"memory\":1048576,"
	"\"cpus\":4,\"salt\":\"a\\\"}\"}},\"1\" : { \"kdf\": "
	"{\"type\":\"pbkdf2\",\"hash\":\"sha256\",\"iterations\":1000}},"
	"\"7\":{\"kdf\":{\"type\":\"argon2i\",\"memory\":65536}}},\"tokens\":{},\"segments\":{\"0\":{\"memory\":1}}}";

static void luks2(void)
{
	unsigned char header[HEADER_BYTES];

	make_header(header, 2, json);
	check_slots(header, sizeof(header), "keyslot 0 argon2id 1024 MiB, keyslot 1 pbkdf2, keyslot 7 argon2i 64 MiB",
	            1024);
	make_header(header, 2, "{\"keyslots\":{}}");
	check_slots(header, sizeof(header), "", 0);
}

static void luks1(void)
{
	unsigned char header[HEADER_BYTES];

	make_header(header, 1, "");
	memcpy(header + 208, "\x00\xac\x71\xf3", 4);
	memcpy(header + 208 + 48, "\x00\x00\xde\xad", 4);
	memcpy(header + 208 + 7 * 48, "\x00\xac\x71\xf3", 4);
	check_slots(header, sizeof(header), "keyslot 0 pbkdf2, keyslot 7 pbkdf2", 0);
}

// Cut off anywhere, and with each byte broken.
static void broken_headers(void)
{
	unsigned char header[HEADER_BYTES];

	for (size_t i = 0; i < sizeof(json) - 1; i++) {
		_cleanup_free_ char *slots = NULL, *cut_slots = NULL;
		uint64_t mib;

		make_header(header, 2, json);
		check_ok(luks_keyslots(header, JSON_AT + i, &cut_slots, &mib));
		header[JSON_AT + i] = "\"{}[],:"[i % 7];
		check_ok(luks_keyslots(header, sizeof(header), &slots, &mib));
	}
	make_header(header, 3, json);
	check_slots(header, sizeof(header), "", 0);
	check_slots((const unsigned char *)"", 0, "", 0);
}

static void refused_with_numbers(void)
{
	_cleanup_fake_ struct fake fake;
	unsigned char header[HEADER_BYTES];

	fake_init(&fake);
	make_header(header, 2, json);
	check_ok(host_replace(&fake.host, "/dev/vda2", header, sizeof(header), 0600));
	fake_file(&fake, "/sys/kernel/kexec_crash_size", "134217728\n");
	check_error(luks_refuse(&fake.host, "/dev/dm-0 is encrypted", "vda2"), ERROR_UNSUPPORTED,
	            "after a crash (keyslot 0 argon2id 1024 MiB, keyslot 1 pbkdf2, keyslot 7 argon2i 64 MiB; to open "
	            "it takes up "
	            "to 1024 MiB, the reservation of the capture kernel has 128 MiB)");
	check_error(luks_refuse(&fake.host, "/dev/dm-0 is encrypted", NULL), ERROR_UNSUPPORTED,
	            "after a crash, and no key");
}

static const struct test tests[] = {
	TEST(luks2),
	TEST(luks1),
	TEST(broken_headers),
	TEST(refused_with_numbers),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
