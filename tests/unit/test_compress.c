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

enum { ALIKE_KINDS = 3, ALIKE_TURNS = 6, ALIKE_PAGES = 2000 };

// Pages as a kernel has many of: structures with pointers that change, lines of text, a table of counters.
static void fill_alike(uint8_t *page, size_t page_bytes, unsigned int kind)
{
	size_t at = 0;

	memset(page, 0, page_bytes);
	while (at < page_bytes) {
		uint64_t words[8] = {0x17ffffc0000000 | (rand() % 4 ? 0x10 : 0x22002c),
		                     0xffffea0000000000 + (uint64_t)(rand() % 65536) * 64,
		                     0xffffea0000000000 + (uint64_t)(rand() % 65536) * 64,
		                     0xffff888000000000 + (uint64_t)(rand() % 4096) * 4096,
		                     (uint64_t)rand() % 16,
		                     0,
		                     0x1ffffffff};
		char line[80];
		size_t size = sizeof(words);
		const void *from = words;

		if (kind == 1) {
			size = (size_t)snprintf(line, sizeof(line),
			                        "<6>[%5d.%06d] eth%d: link is up, %d packets dropped\n", rand() % 100,
			                        rand() % 1000000, rand() % 4, rand() % 1000);
			from = line;
		} else if (kind == 2) {
			words[0] = (uint64_t)(rand() % 200) << 40 | (uint64_t)(rand() % 100);
			size = sizeof(words[0]);
		}
		if (size > page_bytes - at)
			size = page_bytes - at;
		memcpy(page + at, from, size);
		at += size;
	}
}

#ifdef HAVE_ZLIB
// What a page takes without those before it.
static size_t alone(const struct compressor *compressor, const uint8_t *page, uint8_t *out)
{
	void *state;
	size_t size;

	check_ok(compressor->create(PAGE_BYTES, &state));
	size = compressor->compress(state, page, PAGE_BYTES, out);
	compressor->destroy(state);
	return size;
}

// What zlib's fastest level makes of a page.
static size_t by_zlib(const uint8_t *page)
{
	uint8_t out[PAGE_BYTES * 2];
	uLongf size = sizeof(out);

	check(compress2(out, &size, page, PAGE_BYTES, Z_BEST_SPEED) == Z_OK);
	return size;
}

// Many pages that are alike may be compressed in less time; the dump must not grow by more than a little.
static void alike(void)
{
	const struct compressor *compressor;
	uint8_t *page = guarded(PAGE_BYTES), *back = guarded(PAGE_BYTES), *out;
	size_t all = 0, all_alone = 0, all_by_zlib = 0;
	void *state;

	check_ok(compressor_find("zlib", &compressor));
	check_ok(compressor->create(PAGE_BYTES, &state));
	out = guarded(compressor->bound(PAGE_BYTES));
	srand(1);
	for (unsigned int turn = 0; turn < ALIKE_TURNS; turn++) {
		unsigned int larger = 0;

		for (unsigned int i = 0; i < ALIKE_PAGES; i++) {
			size_t size, size_alone;

			fill_alike(page, PAGE_BYTES, turn % ALIKE_KINDS);
			size_alone = alone(compressor, page, out);
			size = compressor->compress(state, page, PAGE_BYTES, out);
			check(size && size_alone && size <= size_alone * 2);
			memset(back, 0xee, PAGE_BYTES);
			check(expand("zlib", out, size, back) && memcmp(page, back, PAGE_BYTES) == 0);
			larger += size != size_alone;
			all += size;
			all_alone += size_alone;
			all_by_zlib += by_zlib(page);
		}
#ifdef WITH_LIGHT_WAY
		// Each time that the kind changes, what was learnt from the one before is no longer of use.
		check(larger >= ALIKE_PAGES / 20);
#else
		check(larger == 0);
#endif
	}
	// Where ISA-L alone makes them larger than that, nothing is added but what it took to know.
	check(all * 1000 <= all_by_zlib * 1050 || all * 1000 <= all_alone * 1005);
	compressor->destroy(state);
}

static void larger_pages(void)
{
	const struct compressor *compressor;
	static uint8_t back[65536];
	void *state;

	check_ok(compressor_find("zlib", &compressor));
	srand(1);
	for (size_t page_bytes = 16384; page_bytes <= sizeof(back); page_bytes *= 4) {
		uint8_t *page = guarded(page_bytes), *out = guarded(compressor->bound(page_bytes));

		check_ok(compressor->create(page_bytes, &state));
		for (unsigned int i = 0; i < 200; i++) {
			uLongf got = page_bytes;
			size_t size;

			fill_alike(page, page_bytes, i / 20 % ALIKE_KINDS);
			size = compressor->compress(state, page, page_bytes, out);
			check(size && uncompress(back, &got, out, size) == Z_OK);
			check(got == page_bytes && memcmp(page, back, page_bytes) == 0);
		}
		compressor->destroy(state);
	}
}
#else
static void alike(void)
{
	test_skip("zlib is not built in");
}

static void larger_pages(void)
{
	test_skip("zlib is not built in");
}
#endif

#ifdef HAVE_ZSTD
// What level 1 makes of a page.
static size_t by_zstd(const uint8_t *page)
{
	uint8_t out[PAGE_BYTES * 2];
	size_t size = ZSTD_compress(out, sizeof(out), page, PAGE_BYTES, 1);

	check(!ZSTD_isError(size));
	return size;
}
#endif

// Some pages go by the lighter method, unless a level was asked for; the dump must not grow by more than a little.
static void guessed(void)
{
#ifdef HAVE_ZSTD
	const struct compressor *compressor;
	uint8_t *page = guarded(PAGE_BYTES), *back = guarded(PAGE_BYTES), *out;
	size_t all = 0, all_exact = 0;
	unsigned int larger = 0;
	void *state, *exact;

	check_ok(compressor_find("zstd", &compressor));
	check_ok(compressor->create(PAGE_BYTES, &state));
	check_ok(compressor->create(PAGE_BYTES, &exact));
	compressor->set_level(exact, 1);
	out = guarded(compressor->bound(PAGE_BYTES));
	srand(1);
	for (unsigned int i = 0; i < ALIKE_TURNS * ALIKE_PAGES; i++) {
		size_t size, size_exact;

		fill_alike(page, PAGE_BYTES, i / ALIKE_PAGES % ALIKE_KINDS);
		size_exact = compressor->compress(exact, page, PAGE_BYTES, out);
		check(size_exact == by_zstd(page));
		size = compressor->compress(state, page, PAGE_BYTES, out);
		memset(back, 0xee, PAGE_BYTES);
		check(expand("zstd", out, size, back) && memcmp(page, back, PAGE_BYTES) == 0);
		larger += size > size_exact;
		all += size;
		all_exact += size_exact;
	}
	check(larger >= ALIKE_PAGES / 20);
	check(all * 1000 <= all_exact * 1035);
	compressor->destroy(state);
	compressor->destroy(exact);
#else
	test_skip("zstd is not built in");
#endif
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

static const struct test tests[] = {TEST(round_trips), TEST(alike),  TEST(larger_pages), TEST(guessed),
                                    TEST(finding),     TEST(levels), TEST(levels_differ)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
