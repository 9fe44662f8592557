// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/rearrange.h"

#include <sys/stat.h>

#include "fakedump.h"
#include "fakestream.h"
#include "test.h"

enum { OUT_BYTES = 64 };

// What a stream makes.
struct made {
	struct error *err;
	struct rearrange_stats stats;
	uint64_t file_bytes;
	char bytes[OUT_BYTES];
};

static struct made make(const struct fakestream *stream, size_t size_bytes)
{
	struct made made = {0};
	struct fakefile out = fakefile("", 0);
	struct sink *sink;
	struct stat st;
	int ends[2];
	size_t got;

	// A pipe: nothing may be read twice.
	check(pipe(ends) == 0);
	check_ok(io_write(ends[1], stream->bytes, size_bytes));
	close(ends[1]);
	check_ok(sink_file_create(out.fd, &sink));
	made.err = rearrange_run(ends[0], sink, &made.stats);
	sink_destroy(sink);
	close(ends[0]);
	check(fstat(out.fd, &st) == 0);
	made.file_bytes = (uint64_t)st.st_size;
	check_ok(io_pread(out.fd, made.bytes, sizeof(made.bytes), 0, &got));
	close(out.fd);
	return made;
}

static void records(void)
{
	struct fakestream stream;
	struct made made;

	fakestream_start(&stream);
	fakestream_record(&stream, 8, "second");
	fakestream_record(&stream, 0, "first");
	fakestream_record(&stream, 14, "third");
	fakestream_end(&stream);
	made = make(&stream, stream.used);
	check_ok(made.err);
	check(made.file_bytes == 19 && memcmp(made.bytes, "first\0\0\0secondthird", 19) == 0);
	check(made.stats.record_count == 3 && made.stats.bytes_written == 16 && made.stats.file_bytes == 19);
}

// As makedumpfile does; and what follows the end is not looked at.
static void later_record_counts(void)
{
	struct fakestream stream;
	struct made made;

	fakestream_start(&stream);
	fakestream_record(&stream, 0, "abcdef");
	fakestream_record(&stream, 2, "XY");
	fakestream_end(&stream);
	fakestream_record(&stream, 0, "behind the end");
	made = make(&stream, stream.used);
	check_ok(made.err);
	check(made.file_bytes == 6 && memcmp(made.bytes, "abXYef", 6) == 0);
}

static void empty(void)
{
	struct fakestream stream;
	struct made made;

	fakestream_start(&stream);
	fakestream_end(&stream);
	made = make(&stream, stream.used);
	check_ok(made.err);
	check(made.file_bytes == 0 && made.stats.record_count == 0);
}

// Wherever the stream ends too early: an error, and what came is there.
static void cut(void)
{
	static const char want[] = "first\0\0\0\0second";
	struct fakestream stream;

	fakestream_start(&stream);
	fakestream_record(&stream, 0, "first");
	fakestream_record(&stream, 9, "second");
	fakestream_end(&stream);
	for (size_t used = 0; used < stream.used; used++) {
		struct made made = make(&stream, used);

		check_error(made.err, used < 16 ? ERROR_UNSUPPORTED : ERROR_BAD_DATA,
		            used < 16   ? "not in"
		            : used < 32 ? "inside the header"
		                        : "was cut");
		check(made.file_bytes == made.stats.file_bytes && made.file_bytes <= sizeof(want) - 1);
		check(made.file_bytes == 0 ||
		      memcmp(made.bytes, "first", made.file_bytes < 5 ? made.file_bytes : 5) == 0);
	}
}

static void impossible(void)
{
	struct fakestream stream;
	struct made made;

	for (size_t i = 0; i < array_size(fakestream_impossible); i++) {
		fakestream_put_impossible(&stream, i);
		made = make(&stream, stream.used);
		check_error(made.err, ERROR_BAD_DATA, "the record at 0x1014 says");
		check(made.file_bytes == 4 && memcmp(made.bytes, "good", 4) == 0);
	}
	// A size that is not there is not allocated, nor made a file of.
	fakestream_start(&stream);
	fakestream_u64(&stream, 0);
	fakestream_u64(&stream, UINT64_C(1) << 62);
	made = make(&stream, stream.used);
	check_error(made.err, ERROR_BAD_DATA, "was cut: it ends at offset 0x1010");
	check(made.file_bytes == 0);
	fakestream_start(&stream);
	stream.bytes[31] = 2;
	made = make(&stream, stream.used);
	check_error(made.err, ERROR_UNSUPPORTED, "version 2");
}

static const struct test tests[] = {
	TEST(records), TEST(later_record_counts), TEST(empty), TEST(cut), TEST(impossible),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
