// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/flatfile.h"

#include "core/corefile.h"
#include "fakedump.h"
#include "fakestream.h"
#include "test.h"

static struct error *open_stream(const struct fakestream *stream, struct corefile *ret)
{
	struct fakefile file = fakefile(stream->bytes, stream->used);
	struct error *err = corefile_open(file.path, ret);

	close(file.fd);
	return err;
}

static void check_bytes(const struct corefile *file, uint64_t offset, size_t size, const char *want, size_t want_size)
{
	char buf[64];
	size_t got;

	memset(buf, 'x', sizeof(buf));
	check_ok(corefile_pread(file, buf, size, offset, &got));
	check(got == want_size && memcmp(buf, want, want_size) == 0);
}

static void records(void)
{
	struct corefile file;
	struct fakestream stream;

	fakestream_start(&stream);
	fakestream_record(&stream, 8, "second");
	fakestream_record(&stream, 0, "first");
	fakestream_record(&stream, 14, "third");
	fakestream_end(&stream);
	check_ok(open_stream(&stream, &file));
	check(file.flat && file.size_bytes == 19 && !corefile_is_cut(&file));
	check_bytes(&file, 0, 19, "first\0\0\0secondthird", 19);
	check_bytes(&file, 3, 3, "st\0", 3);
	check_bytes(&file, 6, 2, "\0\0", 2);
	check_bytes(&file, 12, 40, "ndthird", 7);
	check_bytes(&file, 19, 1, "", 0);
	check_bytes(&file, UINT64_MAX - 3, 8, "", 0);
	check(corefile_next_data(&file, 2) == 2 && corefile_next_data(&file, 5) == 8);
	check(corefile_next_data(&file, 18) == 18 && corefile_next_data(&file, 19) == 19);
	corefile_close(&file);
}

static void empty(void)
{
	struct corefile file;
	struct fakestream stream;

	fakestream_start(&stream);
	fakestream_end(&stream);
	check_ok(open_stream(&stream, &file));
	check(file.size_bytes == 0 && corefile_next_data(&file, 0) == 0);
	check_bytes(&file, 0, 8, "", 0);
	corefile_close(&file);
}

static void overlaps(void)
{
	static const uint64_t offsets[] = {0, 3, 7};
	struct corefile file;
	struct fakestream stream;

	for (size_t i = 0; i < array_size(offsets); i++) {
		fakestream_start(&stream);
		fakestream_record(&stream, offsets[i], "overlap");
		fakestream_record(&stream, 4, "middle");
		fakestream_end(&stream);
		check_error(open_stream(&stream, &file), ERROR_BAD_DATA, "two records for offset");
	}
	fakestream_start(&stream);
	fakestream_record(&stream, 4, "twice");
	fakestream_record(&stream, 4, "twice");
	fakestream_end(&stream);
	check_error(open_stream(&stream, &file), ERROR_BAD_DATA, "two records for offset 0x4");
}

static void impossible(void)
{
	struct corefile file;
	struct fakestream stream;

	for (size_t i = 0; i < array_size(fakestream_impossible); i++) {
		fakestream_put_impossible(&stream, i);
		check_error(open_stream(&stream, &file), ERROR_BAD_DATA, "the record at 0x1014 says");
	}
	fakestream_start(&stream);
	stream.bytes[31] = 2;
	check_error(open_stream(&stream, &file), ERROR_UNSUPPORTED, "version 2");
}

// A stream that ends anywhere: what came is there, and what did not come is not taken for zeros.
static void cut(void)
{
	struct fakestream stream;
	size_t whole;

	fakestream_start(&stream);
	fakestream_record(&stream, 0, "first");
	fakestream_record(&stream, 9, "second");
	whole = stream.used;
	fakestream_end(&stream);
	for (size_t used = 16; used < stream.used; used++) {
		struct fakestream part = stream;
		struct corefile file;
		struct error *err;

		part.used = used;
		err = open_stream(&part, &file);
		if (used < 32) {
			check_error(err, ERROR_BAD_DATA, "ends at offset");
			continue;
		}
		check_ok(err);
		check(corefile_is_cut(&file));
		check(file.size_bytes == (used > whole - 6                 ? 9 + (used < whole ? used - (whole - 6) : 6)
		                          : used <= FAKESTREAM_HEADER + 16 ? 0
		                          : used < FAKESTREAM_HEADER + 21  ? used - FAKESTREAM_HEADER - 16
		                                                           : 5));
		if (used >= FAKESTREAM_HEADER + 21)
			check_bytes(&file, 0, 9, "first", 5);
		check(corefile_next_data(&file, 5) == (file.size_bytes > 5 ? 5 : file.size_bytes));
		corefile_close(&file);
	}
}

static void plain(void)
{
	struct fakefile plain_file = fakefile("no stream", 9);
	struct corefile file;
	char buf[16];

	check_ok(corefile_open(plain_file.path, &file));
	check(!file.flat && file.size_bytes == 9 && !corefile_is_cut(&file));
	check_bytes(&file, 3, 9, "stream", 6);
	check_bytes(&file, UINT64_MAX, 1, "", 0);
	check_ok(corefile_read(&file, buf, 9, 0, "text"));
	check_error(corefile_read(&file, buf, 9, 1, "text"), ERROR_BAD_DATA,
	            "ends at offset 0x9, inside the text at 0x1");
	corefile_close(&file);
	corefile_close(&file);
	close(plain_file.fd);
	check_error(corefile_open("/does/not/exist", &file), ERROR_OS, "/does/not/exist");
}

static const struct test tests[] = {
	TEST(records), TEST(empty), TEST(overlaps), TEST(impossible), TEST(cut), TEST(plain),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
