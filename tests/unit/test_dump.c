// SPDX-License-Identifier: GPL-2.0-or-later
// filter, compress, sinks.
#include <endian.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/io.h"
#include "dump/compress.h"
#include "dump/filter.h"
#include "dump/sink.h"
#include "test.h"

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_LZO
#include <lzo/lzo1x.h>
#endif
#ifdef HAVE_SNAPPY
#include <snappy-c.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

// Which bits of the level drop a class; makedumpfile(8), -d.
static void every_class_at_every_level(void)
{
	static const struct {
		enum page_class class;
		unsigned int bits;
	} rows[] = {{PAGE_KERNEL, 0}, {PAGE_FREE, 16}, {PAGE_CACHE, 2 | 4}, {PAGE_CACHE_PRIVATE, 4}, {PAGE_USER, 8}};

	for (unsigned int level = 0; level <= 31; level++) {
		for (size_t i = 0; i < array_size(rows); i++)
			check(filter_drops(rows[i].class, level) == ((level & rows[i].bits) != 0));
		check(filter_drops(PAGE_OFFLINE, level));
	}
}

// Decompression by the library of each method, into a page.
static bool decompress(uint32_t flag, const void *data, size_t size, uint8_t *page)
{
	switch (flag) {
#ifdef HAVE_ZLIB
	case 0x1: {
		uLongf got = 4096;

		return uncompress(page, &got, data, size) == Z_OK && got == 4096;
	}
#endif
#ifdef HAVE_LZO
	case 0x2: {
		lzo_uint got = 4096;

		return lzo1x_decompress_safe(data, size, page, &got, NULL) == LZO_E_OK && got == 4096;
	}
#endif
#ifdef HAVE_SNAPPY
	case 0x4: {
		size_t got = 4096;

		return snappy_uncompress(data, size, (char *)page, &got) == SNAPPY_OK && got == 4096;
	}
#endif
#ifdef HAVE_ZSTD
	case 0x20:
		return ZSTD_decompress(page, 4096, data, size) == 4096;
#endif
	default:
		return false;
	}
}

static void fill_page(uint8_t *page, unsigned int kind)
{
	uint32_t random = 12345 + kind;

	for (size_t i = 0; i < 4096; i++) {
		random = random * 1103515245 + 12345;
		page[i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)(random >> 16) : (uint8_t)((random >> 16) % kind);
	}
}

static void compressors_round_trip(void)
{
	static const char *const names[] = {"zlib", "lzo", "snappy", "zstd", "zstd-fast"};

	for (size_t i = 0; i < array_size(names); i++) {
		const struct compressor *compressor;
		struct error *err = compressor_find(names[i], &compressor);
		uint8_t page[4096], again[4096], *out;
		void *state;

		if (error_catch(&err, ERROR_UNSUPPORTED))
			continue;
		check_ok(err);
		check_ok(compressor->create(4096, &state));
		for (unsigned int kind = 0; kind < 64; kind++) {
			// Not a byte more than is announced: the buffer ends at the end of a page that is not there.
			size_t bound = compressor->bound(4096), room = (bound + 4095) / 4096 * 4096;
			uint8_t *map =
				mmap(NULL, room + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			size_t size;

			check(map != MAP_FAILED && mprotect(map + room, 4096, PROT_NONE) == 0);
			out = map + room - bound;
			fill_page(page, kind);
			size = compressor->compress(state, page, 4096, out);
			check(size < 4096);
			check(kind != 1 || size == 0);
			if (size) {
				check(decompress(compressor->flag, out, size, again));
				check(memcmp(page, again, 4096) == 0);
			}
			munmap(map, room + 4096);
		}
		compressor->destroy(state);
	}
}

static void unknown_compressors_are_named(void)
{
	const struct compressor *compressor;

	check_error(compressor_find("rot13", &compressor), ERROR_UNSUPPORTED,
	            "'rot13' is not built in; this program has:");
}

// The stream, taken apart by hand.
static void the_flattened_format(void)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);
	struct sink *sink;
	uint64_t words[8];
	char text[8];
	size_t got;

	check(fd >= 0);
	check_ok(sink_stream_create(fd, &sink));
	check_ok(sink_write(sink, 100, "abc", 3));
	check_ok(sink_write(sink, 7, "", 0));
	check_ok(sink_finish(sink, 4096));
	sink_destroy(sink);
	check_ok(io_pread(fd, words, 32, 0, &got));
	check(got == 32 && memcmp(words, "makedumpfile\0\0\0", 16) == 0 && be64toh(words[2]) == 1 &&
	      be64toh(words[3]) == 1);
	check_ok(io_pread(fd, words, 16, 4096, &got));
	check(be64toh(words[0]) == 100 && be64toh(words[1]) == 3);
	check_ok(io_pread(fd, text, 3, 4112, &got));
	check(memcmp(text, "abc", 3) == 0);
	// The file is 4096 bytes long, so its last byte is a record of its own; then the end.
	check_ok(io_pread(fd, words, 16, 4115, &got));
	check(be64toh(words[0]) == 4095 && be64toh(words[1]) == 1);
	check_ok(io_pread(fd, words, 32, 4132, &got));
	check(got == 16 && words[0] == UINT64_MAX && words[1] == UINT64_MAX);
	close(fd);
}

static void a_full_disk_is_no_space(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct sink *sink;

	check(fd >= 0);
	check_ok(sink_file_create(fd, &sink));
	check_error(sink_write(sink, 0, "x", 1), ERROR_NOSPC, "No space left");
	sink_destroy(sink);
	check_error(sink_stream_create(fd, &sink), ERROR_NOSPC, "No space left");
	close(fd);
}

static const struct test tests[] = {
	TEST(every_class_at_every_level), TEST(compressors_round_trip),  TEST(unknown_compressors_are_named),
	TEST(the_flattened_format),       TEST(a_full_disk_is_no_space),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
