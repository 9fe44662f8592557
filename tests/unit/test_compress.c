// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/compress.h"

#include <sys/mman.h>
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

#include "test.h"

enum { PAGE_BYTES = 4096 };

// Decompresses with the stock library; false if the method is not built in.
static bool expand(const char *name, const void *in, size_t size, uint8_t *out)
{
#ifdef HAVE_ZLIB
	if (strcmp(name, "zlib") == 0) {
		uLongf got = PAGE_BYTES;

		check(uncompress(out, &got, in, size) == Z_OK && got == PAGE_BYTES);
		return true;
	}
#endif
#ifdef HAVE_LZO
	if (strcmp(name, "lzo") == 0) {
		lzo_uint got = PAGE_BYTES;

		check(lzo1x_decompress_safe(in, size, out, &got, NULL) == LZO_E_OK && got == PAGE_BYTES);
		return true;
	}
#endif
#ifdef HAVE_SNAPPY
	if (strcmp(name, "snappy") == 0) {
		size_t got = PAGE_BYTES;

		check(snappy_uncompress(in, size, (char *)out, &got) == SNAPPY_OK && got == PAGE_BYTES);
		return true;
	}
#endif
#ifdef HAVE_ZSTD
	if (strncmp(name, "zstd", 4) == 0) {
		check(ZSTD_decompress(out, PAGE_BYTES, in, size) == PAGE_BYTES);
		return true;
	}
#endif
	return false;
}

// A buffer whose end is the end of a mapping: who writes or reads behind it is ended.
static uint8_t *guarded(size_t size)
{
	size_t room = (size + 4095) / 4096 * 4096;
	uint8_t *map = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(map != MAP_FAILED && mprotect(map + room, 4096, PROT_NONE) == 0);
	return map + room - size;
}

static void fill(uint8_t *page, unsigned int kind)
{
	for (size_t i = 0; i < PAGE_BYTES; i++) {
		// Random up to a part that grows with kind, then regular.
		if (i < kind * PAGE_BYTES / 32)
			page[i] = (uint8_t)rand();
		else
			page[i] = kind % 2 ? 0 : (uint8_t)(i / 16);
	}
}

static void round_trips(void)
{
	static const char *const names[] = {"zlib", "lzo", "snappy", "zstd", "zstd-fast"};
	uint8_t *page = guarded(PAGE_BYTES), *back = guarded(PAGE_BYTES);
	unsigned int built_in = 0;

	srand(1);
	for (size_t n = 0; n < array_size(names); n++) {
		const struct compressor *compressor;
		struct error *err = compressor_find(names[n], &compressor);
		void *state;
		uint8_t *out;

		if (err) {
			check_error(err, ERROR_UNSUPPORTED, names[n]);
			continue;
		}
		built_in++;
		check_text(compressor->name, names[n]);
		check_ok(compressor->create(PAGE_BYTES, &state));
		out = guarded(compressor->bound(PAGE_BYTES));
		for (unsigned int kind = 0; kind <= 32; kind++) {
			size_t size;

			fill(page, kind);
			size = compressor->compress(state, page, PAGE_BYTES, out);
			// Pages that are regular from the start must shrink; the others may.
			check(size < PAGE_BYTES && (size > 0 || kind > 1));
			if (size) {
				memset(back, 0xee, PAGE_BYTES);
				check(expand(names[n], out, size, back) && memcmp(page, back, PAGE_BYTES) == 0);
			}
		}
		compressor->destroy(state);
	}
	if (!built_in)
		test_skip("no compressor is built in");
}

static void finding(void)
{
	const struct compressor *compressor;
	void *state;
	uint8_t byte[1] = {0};

	check_ok(compressor_find("none", &compressor));
	check(compressor->flag == 0);
	check_ok(compressor->create(PAGE_BYTES, &state));
	check(compressor->compress(state, byte, 1, byte) == 0);
	compressor->destroy(state);
	check_error(compressor_find("lz4", &compressor), ERROR_UNSUPPORTED, "'lz4' is not built in; this program has:");
	check_error(compressor_find("", &compressor), ERROR_UNSUPPORTED, "");
	check(compressor_default());
}

static void levels(void)
{
	const struct compressor *compressor;
	bool has_level = true;
	int level = 77;

	check_ok(compressor_parse("none", &compressor, &level, &has_level));
	check(!has_level && level == 77);
	check_error(compressor_parse("none:1", &compressor, &level, &has_level), ERROR_USAGE, "none has no levels");
	check_error(compressor_parse("lz4:1", &compressor, &level, &has_level), ERROR_UNSUPPORTED, "not built in");
#ifdef HAVE_ZSTD
	check_ok(compressor_parse("zstd:-3", &compressor, &level, &has_level));
	check(has_level && level == -3);
	check_error(compressor_parse("zstd:13", &compressor, &level, &has_level), ERROR_USAGE, "levels of zstd are");
	check_error(compressor_parse("zstd:", &compressor, &level, &has_level), ERROR_USAGE, "levels of zstd are");
	check_error(compressor_parse("zstd:1x", &compressor, &level, &has_level), ERROR_USAGE, "levels of zstd are");
#endif
}

// A level that is asked for is the one that is used: each makes less of a page than the one before.
static void levels_differ(void)
{
#ifdef HAVE_ZSTD
	static const int order[] = {-7, -1, 3, 12};
	size_t last = PAGE_BYTES;
	const struct compressor *compressor;
	uint8_t page[PAGE_BYTES], *out;
	void *state;

	check_ok(compressor_find("zstd", &compressor));
	for (size_t i = 0; i < PAGE_BYTES; i++)
		page[i] = (uint8_t)("0123456789abcdef"[(i * 7919 + i / 61) % 16]);
	out = guarded(compressor->bound(PAGE_BYTES));
	for (size_t i = 0; i < array_size(order); i++) {
		size_t size;

		check_ok(compressor->create(PAGE_BYTES, &state));
		compressor->set_level(state, order[i]);
		size = compressor->compress(state, page, PAGE_BYTES, out);
		compressor->destroy(state);
		check(size && size <= last);
		check(i == 0 || order[i] != 12 || size < last);
		last = size;
	}
#else
	test_skip("zstd is not built in");
#endif
}

static const struct test tests[] = {TEST(round_trips), TEST(finding), TEST(levels), TEST(levels_differ)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
