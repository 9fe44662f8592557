// SPDX-License-Identifier: GPL-2.0-or-later
// Both halves: what the plan has (boot/crypt.h, boot/handover.h), and what is made of it (capture/crypt.h).
#include "capture/crypt.h"

#include "boot/crypt.h"
#include "boot/handover.h"
#include "fake.h"
#include "test.h"

#define UUID "c0ffee00-1234-4321-8765-012345678900"
// Not the key of anything: 32 bytes.
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void check_row(const char *table, const char *wanted)
{
	_cleanup_free_ char *row = NULL;

	check_ok(crypt_make_row(table, UUID, &row));
	check_text(row, wanted);
}

static void rows(void)
{
	char *row = NULL;

	check_row("0 8192 crypt aes-xts-plain64 :64:logon:cryptsetup:" UUID "-d0 0 254:2 32768",
	          UUID " 64 8192 0 32768 aes-xts-plain64");
	// Options are kept, their number is not; of a key only its size is.
	check_row("0 8192 crypt aes-cbc-essiv:sha256 " KEY " 7 254:2 4096 2 allow_discards sector_size:4096",
	          UUID " 32 8192 7 4096 aes-cbc-essiv:sha256 allow_discards sector_size:4096");
	check_error(crypt_make_row("0 8192 linear 254:2 0 0 0 0 0", UUID, &row), ERROR_UNSUPPORTED,
	            "not simply encrypted (device-mapper: linear)");
	check_error(crypt_make_row("", UUID, &row), ERROR_UNSUPPORTED, "an empty table");
	check_error(crypt_make_row("0 8 crypt a :64:logon:x 0 1:2 3 1 integrity:28:aead", UUID, &row),
	            ERROR_UNSUPPORTED, "integrity:28:aead");
	check_error(crypt_make_row("8 8 crypt a :64:logon:x 0 1:2 3", UUID, &row), ERROR_BAD_DATA, "not understood");
	check_error(crypt_make_row("0 8 crypt a 0x 0 1:2 3", UUID, &row), ERROR_BAD_DATA, "not understood");
	check_error(crypt_make_row("0 8 crypt a :257:logon:x 0 1:2 3", UUID, &row), ERROR_BAD_DATA, "not understood");
	check_error(crypt_make_row("0 -8 crypt a :64:logon:x 0 1:2 3", UUID, &row), ERROR_BAD_DATA, "not understood");
	check(!row);
}

static void check_parameters(const char *row, const char *wanted)
{
	_cleanup_words_ struct words volume = {0};
	_cleanup_free_ char *parameters = NULL;

	check_ok(crypt_parse(row, &volume));
	check_ok(crypt_parameters(&volume, "254:18", &parameters));
	check_text(parameters, wanted);
}

// Documentation/admin-guide/device-mapper/dm-crypt.rst.
static void parameters(void)
{
	struct words volume = {0};

	check_parameters("0 " UUID " 64 8192 0 32768 aes-xts-plain64",
	                 "aes-xts-plain64 :64:user:cryptsetup:" UUID " 0 254:18 32768");
	check_parameters("0 " UUID " 64 8192 5 0 aes-xts-plain64 allow_discards sector_size:4096",
	                 "aes-xts-plain64 :64:user:cryptsetup:" UUID " 5 254:18 0 2 allow_discards sector_size:4096");
	check_error(crypt_parse("0 " UUID " 64 8192 0 32768", &volume), ERROR_BAD_DATA, "of 6 words");
	check_error(crypt_parse("0 " UUID " 64 many 0 32768 aes", &volume), ERROR_BAD_DATA, "\"many\" for a number");
}

static void of_a_target(void)
{
	char first[] = "1 a 64 8 0 0 x", second[] = "12 b 64 8 0 0 x", *rows[] = {first, second, NULL};
	struct plan plan = {.crypt_volumes = rows};

	check(!crypt_find(&plan, 0));
	check(crypt_find(&plan, 1) == first);
	check(crypt_find(&plan, 12) == second);
}

static void names(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *name = NULL;

	fake_init(&fake);
	fake_file(&fake, "/sys/block/dm-0/dm/uuid", "LVM-abc\n");
	fake_file(&fake, "/sys/block/dm-1/dm/uuid", "CRYPT-LUKS2-c0ffee001234432187650123456789000-longer\n");
	fake_file(&fake, "/sys/block/dm-2/dm/uuid", "CRYPT-LUKS1-C0FFEE00123443218765012345678900-mine\n");
	fake_file(&fake, "/sys/block/dm-2/dm/name", "mine\n");
	check_ok(crypt_find_name(&fake.host, UUID, &name));
	check_text(name, "mine");
	check_error(crypt_find_name(&fake.host, "c0ffee00", &name), ERROR_CONFIG, "is not open");
}

// Names of others stay, and those of volumes that are not targets any more go: their keys may be gone.
static void old_names(void)
{
	_cleanup_fake_ struct fake fake;
	struct plan plan = {0};

	fake_init(&fake);
	check_ok(host_mkdirs(&fake.host, CRYPT_CONFIGFS "/kdump-" UUID));
	check_ok(host_mkdirs(&fake.host, CRYPT_CONFIGFS "/of-somebody"));
	check_ok(handover_prepare(&fake.host, &plan));
	check(!host_exists(&fake.host, CRYPT_CONFIGFS "/kdump-" UUID));
	check(host_exists(&fake.host, CRYPT_CONFIGFS "/of-somebody"));
	// A kernel that has no such thing.
	fake_deinit(&fake);
	fake_init(&fake);
	check_ok(handover_prepare(&fake.host, &plan));
	handover_forget(&fake.host);
}

static const struct test tests[] = {
	TEST(rows), TEST(parameters), TEST(of_a_target), TEST(names), TEST(old_names),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
