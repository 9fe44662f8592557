// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/age.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/io.h"
#include "dump/age_crypto.h"
#include "dump/age_header.h"
#include "dump/age_reader.h"
#include "dump/rearrange.h"
#include "dump/sink.h"
#include "test.h"

// Of age-keygen 1.1.1; the bytes were decoded by a few lines of Python, not by ours.
static const char recipient_text[] = "age1hlknda8t77x0gm3f733tj58xf43ksvz0ce62csgy3s0w3fve9pcsckwy6w";
static const char identity_text[] = "# created: 2026-11-21T23:37:59Z\n"
				    "# public key: age1hlknda8t77x0gm3f733tj58xf43ksvz0ce62csgy3s0w3fve9pcsckwy6w\n"
				    "AGE-SECRET-KEY-1RU3F84HQQYXQMG59ETK7ZA0473L2T7H0NUMHGYKNNKHXL0QXWCAS4D8ZPX\n";
static const uint8_t recipient_bytes[AGE_KEY_BYTES] = {
	0xbf, 0xed, 0x36, 0xf4, 0xeb, 0xf7, 0x8c, 0xf4, 0x6e, 0x29, 0xf4, 0x62, 0xb9, 0x50, 0xe6, 0x4d,
	0x63, 0x68, 0x30, 0x4f, 0xc6, 0x74, 0xac, 0x41, 0x04, 0x8c, 0x1e, 0xe8, 0xa5, 0x99, 0x28, 0x71,
};
static const uint8_t identity_bytes[AGE_KEY_BYTES] = {
	0x1f, 0x22, 0x93, 0xd6, 0xe0, 0x01, 0x0c, 0x0d, 0xa2, 0x85, 0xca, 0xed, 0xe1, 0x75, 0xf5, 0xf4,
	0x7e, 0xa5, 0xfa, 0xef, 0x9f, 0x37, 0x74, 0x12, 0xd3, 0x9d, 0xae, 0x6f, 0xbc, 0x06, 0x76, 0x3b,
};

// What age 1.1.1 made of "what age wrote\n", for another recipient and this one.
static const char written_header[] = "age-encryption.org/v1\n"
				     "-> X25519 I+QBGDWvc4Wpa5CYEzh3vox00SzfIiU7QahDfAoKAhA\n"
				     "cLUBHnsgnfel4/pyeGNpYC0Cvk5jc5JomQNiDK5q5IM\n"
				     "-> X25519 bLfM+/OiXCvnReEKKP4Ru7syhIxVUxHMznzhY3K7kRw\n"
				     "ZhRfrJPZq4gpmGFoBpeybEfSjq1kss2pUCb2siklbwE\n"
				     "--- FMZQcRJnZ11LJnncyrN91G442qSGPesUbJdvWp0cnWg\n";
static void keys(void)
{
	struct age_recipient recipient, *recipients;
	struct age_identity *identities;
	char *const texts[] = {(char *)recipient_text, (char *)recipient_text, NULL};
	char *const bad[] = {(char *)recipient_text, (char *)"age1yubikey1qqqq", NULL};
	char *many[AGE_RECIPIENTS_MAX + 2] = {NULL};
	size_t count = 0;

	check_ok(age_recipient_parse(recipient_text, &recipient));
	check(memcmp(recipient.key, recipient_bytes, AGE_KEY_BYTES) == 0);
	check_error(age_recipient_parse("ssh-ed25519", &recipient), ERROR_BAD_DATA, "begin with age1");
	check_ok(age_recipients_parse(texts, &recipients, &count));
	check(count == 2 && memcmp(recipients[1].key, recipient_bytes, AGE_KEY_BYTES) == 0);
	free(recipients);
	check_error(age_recipients_parse(bad, &recipients, &count), ERROR_BAD_DATA, "age1yubikey1qqqq is no recipient");
	for (size_t i = 0; i <= AGE_RECIPIENTS_MAX; i++)
		many[i] = (char *)recipient_text;
	check_error(age_recipients_parse(many, &recipients, &count), ERROR_BAD_DATA, "more than 64");

	check_ok(age_identities_parse(identity_text, &identities, &count));
	check(count == 1 && memcmp(identities->key, identity_bytes, AGE_KEY_BYTES) == 0);
	age_identities_free(identities, count);
	check_error(age_identities_parse("# nothing\n\n", &identities, &count), ERROR_BAD_DATA, "there is no identity");
	check_error(age_identities_parse("\n#\nAGE-SECRET-KEY-1Q", &identities, &count), ERROR_BAD_DATA, "line 3");
	check_error(age_identities_parse(recipient_text, &identities, &count), ERROR_BAD_DATA, "line 1");
}

static struct error *parse(const char *text)
{
	struct age_header header = {0};
	struct error *err = age_header_parse(text, strlen(text), &header);

	age_header_deinit(&header);
	return err;
}

#define FIRST_LINE "age-encryption.org/v1\n"
#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define END "--- " KEY "\n"

static void headers(void)
{
	struct age_header header;

	check_ok(age_header_parse(written_header, strlen(written_header), &header));
	check(header.count == 2 && header.other_count == 0 && header.size_bytes == strlen(written_header));
	check(header.signed_bytes == header.size_bytes - 45 && header.stanzas[0].share[0] == 0x23);
	age_header_deinit(&header);
	// Types that are not known count, whatever is in them; bodies of any length.
	check_ok(parse(FIRST_LINE "-> scrypt bBjlhJVYZeE4aqUdmtRHfw 18\n" KEY "\n" END));
	check_ok(parse(FIRST_LINE "-> X25519x " KEY "\n\n" END));
	check_ok(parse(FIRST_LINE
	               "-> x-grease ! ~\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n" END));
	check_error(parse("age-encryption.org/v2\n"), ERROR_UNSUPPORTED, "version 1");
	check_error(parse(""), ERROR_UNSUPPORTED, "version 1");
	check_error(parse(FIRST_LINE), ERROR_BAD_DATA, "does not end");
	check_error(parse(FIRST_LINE END), ERROR_BAD_DATA, "no recipient");
	check_error(parse(FIRST_LINE "-> X25519 " KEY), ERROR_BAD_DATA, "does not end");
	check_error(parse(FIRST_LINE "-> X25519 " KEY "\n"), ERROR_BAD_DATA, "line 2 of the age header: the file ends");
	check_error(parse(FIRST_LINE "-> X25519 " KEY "\n" KEY "\n"), ERROR_BAD_DATA,
	            "line 3 of the age header: the header");
	check_error(parse(FIRST_LINE "-> X25519\n" KEY "\n" END), ERROR_BAD_DATA, "share");
	check_error(parse(FIRST_LINE "-> X25519 " KEY "A\n" KEY "\n" END), ERROR_BAD_DATA, "share");
	check_error(parse(FIRST_LINE "-> X25519 " KEY " x\n" KEY "\n" END), ERROR_BAD_DATA, "share");
	// Bits that are left over are zeros.
	check_error(parse(FIRST_LINE "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n" KEY "\n" END),
	            ERROR_BAD_DATA, "share");
	check_error(parse(FIRST_LINE "-> X25519 " KEY "\nAAAA\n" END), ERROR_BAD_DATA, "no file key");
	check_error(parse(FIRST_LINE "-> X25519 " KEY "\n" KEY "=\n" END), ERROR_BAD_DATA, "no base64");
	check_error(parse(FIRST_LINE "->  X25519 " KEY "\n" KEY "\n" END), ERROR_BAD_DATA, "words");
	check_error(parse(FIRST_LINE "-> x \n\n" END), ERROR_BAD_DATA, "words");
	check_error(parse(FIRST_LINE "-> \n\n" END), ERROR_BAD_DATA, "words");
	check_error(parse(FIRST_LINE "-> x\n\n---" KEY "\n"), ERROR_BAD_DATA, "authentication code");
	check_error(parse(FIRST_LINE "-> x\n\n--- " KEY " \n"), ERROR_BAD_DATA, "authentication code");
	check_error(parse(FIRST_LINE "-> x\n\nmore\n"), ERROR_BAD_DATA, "neither");
}

#ifdef HAVE_SODIUM

static const uint8_t written_payload[] = {
	0x5f, 0x67, 0x88, 0xf5, 0xa0, 0x80, 0xed, 0x18, 0x36, 0x28, 0x75, 0xb0, 0x62, 0x91, 0xad, 0xd3,
	0xa9, 0xf5, 0x32, 0x65, 0xaa, 0xf3, 0x6b, 0xea, 0xfe, 0x3f, 0x39, 0x2a, 0x7a, 0xf0, 0x19, 0x48,
	0xe2, 0xf4, 0x96, 0x92, 0x41, 0x68, 0xed, 0x5b, 0xbc, 0x79, 0x12, 0xa4, 0x78, 0x99, 0xca,
};
static const char written_text[] = "what age wrote\n";

// A disk that is full some day: what fits of a write is there.
struct disk {
	struct sink sink;
	int fd;
	uint64_t room_bytes;
	bool is_finished, is_destroyed;
};

static struct error *disk_write(struct sink *sink, uint64_t offset_bytes, const struct iovec *parts, size_t count)
{
	struct disk *disk = (struct disk *)sink;

	for (size_t i = 0; i < count; i++) {
		uint64_t room = disk->room_bytes > offset_bytes ? disk->room_bytes - offset_bytes : 0;
		size_t size = parts[i].iov_len < room ? parts[i].iov_len : (size_t)room;

		check_ok(io_pwrite(disk->fd, parts[i].iov_base, size, offset_bytes));
		if (size < parts[i].iov_len)
			return error_new(ERROR_NOSPC, "the disk is full");
		offset_bytes += size;
	}
	return NULL;
}

static struct error *disk_finish(struct sink *sink, uint64_t file_bytes)
{
	struct disk *disk = (struct disk *)sink;
	struct stat info;

	check(fstat(disk->fd, &info) == 0 && (uint64_t)info.st_size == file_bytes);
	disk->is_finished = true;
	return NULL;
}

static void disk_destroy(struct sink *sink)
{
	((struct disk *)sink)->is_destroyed = true;
}

static const struct sink_ops disk_ops = {.write = disk_write, .finish = disk_finish, .destroy = disk_destroy};

static struct disk disk_of(uint64_t room_bytes)
{
	struct disk disk = {.sink.ops = &disk_ops, .fd = memfd_create("disk", MFD_CLOEXEC), .room_bytes = room_bytes};

	check(disk.fd >= 0);
	return disk;
}

static uint8_t *content(size_t size_bytes)
{
	uint8_t *bytes = malloc(size_bytes + 1);

	check(bytes);
	for (size_t i = 0; i < size_bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	return bytes;
}

static struct sink *encrypt(struct disk *disk)
{
	struct age_recipient recipient;
	struct sink *sink;

	check_ok(age_recipient_parse(recipient_text, &recipient));
	check_ok(sink_age_create(&disk->sink, &recipient, 1, &sink));
	return sink;
}

// Decrypts all of a file. got_ret: bytes that came, on error too.
static struct error *decrypt(int fd, uint8_t *buf, size_t room_bytes, size_t *got_ret)
{
	struct age_identity *identities;
	struct age_reader *reader = NULL;
	struct error *err;
	size_t count;

	*got_ret = 0;
	check_ok(age_identities_parse(identity_text, &identities, &count));
	err = age_reader_open(fd, identities, count, &reader);
	if (!err)
		err = age_reader_read(reader, buf, room_bytes, got_ret);
	age_reader_close(reader);
	age_identities_free(identities, count);
	return err;
}

// RFC 5869, A.1 and A.3, the first 32 bytes.
static void derive(void)
{
	static const uint8_t first[AGE_KEY_BYTES] = {0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a, 0x90, 0x43, 0x4f,
	                                             0x64, 0xd0, 0x36, 0x2f, 0x2a, 0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a,
	                                             0x5a, 0x4c, 0x5d, 0xb0, 0x2d, 0x56, 0xec, 0xc4, 0xc5, 0xbf};
	static const uint8_t third[AGE_KEY_BYTES] = {0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80,
	                                             0x2a, 0x06, 0x3c, 0x5a, 0x31, 0xb8, 0xa1, 0x1f, 0x5c, 0x5e, 0xe1,
	                                             0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f, 0x3c, 0x73, 0x8d, 0x2d};
	static const uint8_t salt[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	uint8_t secret[22], key[AGE_KEY_BYTES];

	memset(secret, 0x0b, sizeof(secret));
	age_crypto_derive(secret, sizeof(secret), salt, sizeof(salt), "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", key);
	check(memcmp(key, first, sizeof(key)) == 0);
	age_crypto_derive(secret, sizeof(secret), NULL, 0, "", key);
	check(memcmp(key, third, sizeof(key)) == 0);
}

// Points of a low order: what would be encrypted to them is encrypted to everybody.
static void low_order(void)
{
	struct age_recipient recipient = {.key = {0}};
	struct disk disk = disk_of(UINT64_MAX);
	struct sink *sink;

	check_error(age_crypto_test(&recipient), ERROR_BAD_DATA, "nothing can be encrypted");
	recipient.key[0] = 1;
	check_error(age_crypto_test(&recipient), ERROR_BAD_DATA, "nothing can be encrypted");
	check_error(sink_age_create(&disk.sink, &recipient, 1, &sink), ERROR_BAD_DATA, "nothing can be encrypted");
	check_error(sink_age_create(&disk.sink, &recipient, 0, &sink), ERROR_BAD_DATA, "nobody");
	memcpy(recipient.key, recipient_bytes, AGE_KEY_BYTES);
	check_ok(age_crypto_test(&recipient));
	check(!disk.is_destroyed);
	close(disk.fd);
}

static void chunks(void)
{
	static const size_t sizes[] = {0,
	                               1,
	                               AGE_CHUNK_BYTES - 1,
	                               AGE_CHUNK_BYTES,
	                               AGE_CHUNK_BYTES + 1,
	                               2 * AGE_CHUNK_BYTES,
	                               3 * AGE_CHUNK_BYTES + 17};

	for (size_t i = 0; i < array_size(sizes); i++) {
		size_t size = sizes[i], got, step = i % 2 ? 1000 : 100000;
		uint8_t *bytes = content(size), *back = malloc(size + 1);
		struct disk disk = disk_of(UINT64_MAX);
		struct sink *sink = encrypt(&disk);
		struct stat info;

		for (size_t at = 0; at < size; at += step)
			check_ok(sink_write(sink, at, bytes + at, size - at < step ? size - at : step));
		check_error(sink_write(sink, size + 1, bytes, 1), ERROR_UNSUPPORTED, "in order");
		check_ok(sink_finish(sink, size));
		sink_destroy(sink);
		check(disk.is_finished && disk.is_destroyed);
		// Header, nonce, and a tag for each chunk; of nothing, one chunk too.
		check(fstat(disk.fd, &info) == 0);
		check((size_t)info.st_size == 22 + 54 + 44 + 48 + 16 + size + 16 * (size ? (size + 65535) / 65536 : 1));
		check_ok(decrypt(disk.fd, back, size + 1, &got));
		check(got == size && memcmp(bytes, back, size) == 0);
		free(bytes);
		free(back);
		close(disk.fd);
	}
}

// What a disk holds that was full at some byte: as much as there are whole chunks, and it never passes for whole.
static void full_disk(void)
{
	enum { SIZE = 3 * AGE_CHUNK_BYTES + 100, HEADER = 22 + 54 + 44 + 48 + 16, SEALED = AGE_CHUNK_BYTES + 16 };
	uint8_t *bytes = content(SIZE), *back = malloc(SIZE);

	for (uint64_t room = 0; room < HEADER + 3 * SEALED + 116; room += room % SEALED < 300 ? 61 : 9973) {
		size_t whole = room < HEADER ? 0 : (room - HEADER) / SEALED, got;
		struct disk disk = disk_of(room);
		struct age_recipient recipient;
		struct sink *sink = NULL;
		struct error *err;

		check_ok(age_recipient_parse(recipient_text, &recipient));
		err = sink_age_create(&disk.sink, &recipient, 1, &sink);
		if (!err)
			err = sink_write(sink, 0, bytes, SIZE);
		if (!err)
			err = sink_finish(sink, SIZE);
		check_error(err, ERROR_NOSPC, "full");
		// Nothing is written behind what is missing.
		if (sink && whole < 3)
			check_error(sink_write(sink, SIZE, bytes, 1), ERROR_CANCELED, "missing");
		if (sink)
			check_error(sink_finish(sink, SIZE), ERROR_CANCELED, "missing");
		sink_destroy(sink);
		err = decrypt(disk.fd, back, SIZE, &got);
		check(err && (room < HEADER || err->code == ERROR_BAD_DATA));
		error_free(err);
		check(got == whole * AGE_CHUNK_BYTES && memcmp(bytes, back, got) == 0);
		close(disk.fd);
	}
	free(bytes);
	free(back);
}

// Not one bit of a file can be changed, no byte can be missing at its end, and none be added.
static void damaged(void)
{
	enum { SIZE = 300 };
	uint8_t *bytes = content(SIZE), back[SIZE + 1];
	struct disk disk = disk_of(UINT64_MAX);
	struct sink *sink = encrypt(&disk);
	struct error *err;
	struct stat info;
	size_t got;

	check_ok(sink_write(sink, 0, bytes, SIZE));
	check_ok(sink_finish(sink, SIZE));
	sink_destroy(sink);
	check(fstat(disk.fd, &info) == 0);
	for (uint64_t at = 0; at < (uint64_t)info.st_size; at++) {
		uint8_t byte, changed;

		check_ok(io_pread(disk.fd, &byte, 1, at, &got));
		changed = byte ^ (uint8_t)(1 << at % 8);
		check_ok(io_pwrite(disk.fd, &changed, 1, at));
		err = decrypt(disk.fd, back, sizeof(back), &got);
		check(err && got == 0);
		error_free(err);
		check_ok(io_pwrite(disk.fd, &byte, 1, at));
	}
	check_ok(io_pwrite(disk.fd, "x", 1, (uint64_t)info.st_size));
	err = decrypt(disk.fd, back, sizeof(back), &got);
	check(err && got == 0);
	error_free(err);
	for (off_t size = info.st_size - 1; size >= 0; size--) {
		check(ftruncate(disk.fd, size) == 0);
		err = decrypt(disk.fd, back, sizeof(back), &got);
		check(err && got == 0);
		error_free(err);
	}
	close(disk.fd);
	free(bytes);
}

// A file whose last chunk is missing, and one with a chunk behind the last, have whole chunks only.
static void wrong_end(void)
{
	enum { SEALED = AGE_CHUNK_BYTES + 16 };
	uint8_t *bytes = content(2 * AGE_CHUNK_BYTES), *back = malloc(3 * AGE_CHUNK_BYTES);
	struct disk disk = disk_of(UINT64_MAX);
	struct sink *sink = encrypt(&disk);
	struct stat info;
	size_t got;

	check_ok(sink_write(sink, 0, bytes, (size_t)2 * AGE_CHUNK_BYTES));
	check_ok(sink_finish(sink, (uint64_t)2 * AGE_CHUNK_BYTES));
	sink_destroy(sink);
	check(fstat(disk.fd, &info) == 0);
	check_ok(io_pread(disk.fd, back, SEALED, (uint64_t)info.st_size - SEALED, &got));
	check_ok(io_pwrite(disk.fd, back, SEALED, (uint64_t)info.st_size));
	check_error(decrypt(disk.fd, back, (size_t)3 * AGE_CHUNK_BYTES, &got), ERROR_BAD_DATA, "more behind the end");
	check(got == AGE_CHUNK_BYTES);
	check(ftruncate(disk.fd, info.st_size - SEALED) == 0);
	check_error(decrypt(disk.fd, back, (size_t)3 * AGE_CHUNK_BYTES, &got), ERROR_BAD_DATA, "cut");
	check(got == AGE_CHUNK_BYTES && memcmp(bytes, back, got) == 0);
	close(disk.fd);
	free(bytes);
	free(back);
}

static void written_by_age(void)
{
	int fd = memfd_create("age", MFD_CLOEXEC);
	struct age_identity other = {.key = {1}};
	struct age_reader *reader;
	uint8_t back[64];
	size_t got;

	check_ok(io_write(fd, written_header, strlen(written_header)));
	check_ok(io_write(fd, written_payload, sizeof(written_payload)));
	check_ok(decrypt(fd, back, sizeof(back), &got));
	check(got == strlen(written_text) && memcmp(back, written_text, got) == 0);
	check_error(age_reader_open(fd, &other, 1, &reader), ERROR_CONFIG, "encrypted to 2 recipients");
	close(fd);
}

// A dump: a stream, encrypted. The place that is written twice is that of its header.
static void stream(void)
{
	uint8_t *bytes = content(200000), *back = calloc(1, 300000);
	struct disk disk = disk_of(UINT64_MAX);
	struct age_identity *identities;
	struct sink *age = encrypt(&disk), *sink, *file;
	struct rearrange_stats stats;
	struct age_reader *reader;
	int fd = memfd_create("out", MFD_CLOEXEC);
	size_t count, got;

	check_ok(sink_stream_create_upon(age, &sink));
	check(sink->can_rewrite);
	check_ok(sink_write(sink, 0, "incomplete", 10));
	check_ok(sink_write(sink, 100000, bytes, 200000));
	check_ok(sink_write(sink, 0, "complete!!", 10));
	check_ok(sink_finish(sink, 300000));
	sink_destroy(sink);
	check(disk.is_finished && disk.is_destroyed);
	check_ok(age_identities_parse(identity_text, &identities, &count));
	check_ok(age_reader_open(disk.fd, identities, count, &reader));
	check_ok(sink_file_create(fd, &file));
	check_ok(rearrange_run_from(age_reader_read, reader, file, &stats));
	sink_destroy(file);
	check(stats.file_bytes == 300000);
	check_ok(io_pread(fd, back, 300000, 0, &got));
	check(got == 300000 && memcmp(back, "complete!!", 10) == 0 && memcmp(back + 100000, bytes, 200000) == 0);
	for (size_t i = 10; i < 100000; i++)
		check(back[i] == 0);
	age_reader_close(reader);
	age_identities_free(identities, count);
	close(fd);
	close(disk.fd);
	free(bytes);
	free(back);
}

#else

static void missing(void)
{
	struct age_recipient recipient = {.key = {0}};
	struct sink *sink = NULL;

	check(!age_is_there());
	check_error(sink_age_create(NULL, &recipient, 1, &sink), ERROR_UNSUPPORTED, "no libsodium");
	check_error(age_crypto_test(&recipient), ERROR_UNSUPPORTED, "no libsodium");
}

#endif

static const struct test tests[] = {
	TEST(keys),    TEST(headers),
#ifdef HAVE_SODIUM
	TEST(derive),  TEST(low_order), TEST(chunks),         TEST(full_disk),
	TEST(damaged), TEST(wrong_end), TEST(written_by_age), TEST(stream),
#else
	TEST(missing),
#endif
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
