// SPDX-License-Identifier: GPL-2.0-or-later
// A text as keys of age; the same bytes as the header of a file, and as a file, for whose recipient there is the key.
#include "dump/age.h"
#include "dump/age_header.h"
#include "dump/age_reader.h"
#include "fuzz.h"

static void keys(const char *text)
{
	struct age_recipient recipient;
	struct age_identity *identities = NULL;
	size_t count = 0;
	struct error *err = age_identities_parse(text, &identities, &count);

	fuzz_require(err || count);
	fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA));
	age_identities_free(identities, count);
	fuzz_end(age_recipient_parse(text, &recipient), FUZZ_CODE(ERROR_BAD_DATA));
}

static void header(const uint8_t *data, size_t size_bytes)
{
	// In a block of exactly its size.
	_cleanup_free_ char *copy = malloc(size_bytes ? size_bytes : 1);
	_cleanup_(age_header_deinit) struct age_header header = {0};
	struct error *err;

	fuzz_require(copy);
	if (size_bytes)
		memcpy(copy, data, size_bytes);
	err = age_header_parse(copy, size_bytes, &header);
	if (!err) {
		fuzz_require(header.count + header.other_count > 0 && header.size_bytes <= size_bytes);
		fuzz_require(header.signed_bytes + 45 == header.size_bytes);
	}
	fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_UNSUPPORTED));
}

static void file(const uint8_t *data, size_t size_bytes)
{
	// The secret key of seed-file's recipient.
	static const char identity[] = "AGE-SECRET-KEY-1RU3F84HQQYXQMG59ETK7ZA0473L2T7H0NUMHGYKNNKHXL0QXWCAS4D8ZPX";
	static int fd = -1;
	struct age_identity *identities;
	struct age_reader *reader = NULL;
	uint8_t buf[4096];
	size_t count, got = 0;
	struct error *err;

	if (fd < 0)
		fd = memfd_create("age", MFD_CLOEXEC);
	fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, data, size_bytes, 0) == (ssize_t)size_bytes);
	fuzz_require(!age_identities_parse(identity, &identities, &count));
	err = age_reader_open(fd, identities, count, &reader);
	if (err) {
		fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_UNSUPPORTED) | FUZZ_CODE(ERROR_CONFIG));
	} else {
		fuzz_end(age_reader_read(reader, buf, sizeof(buf), &got), FUZZ_CODE(ERROR_BAD_DATA));
		fuzz_require(got < size_bytes);
	}
	age_reader_close(reader);
	age_identities_free(identities, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_input input = {data, size_bytes};
	_cleanup_free_ char *text = fuzz_text(&input);

	keys(text);
	header(data, size_bytes);
	file(data, size_bytes);
	return 0;
}
