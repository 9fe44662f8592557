// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/decompress.h"

#include "core/fmt_kdump.h"
#include "dump/compress.h"
#include "test.h"

enum { PAGE = 4096 };

static const struct {
	const char *name;
	uint32_t flag;
} methods[] = {
	{"zlib", FMT_KDUMP_ZLIB}, {"lzo", FMT_KDUMP_LZO}, {"snappy", FMT_KDUMP_SNAPPY}, {"zstd", FMT_KDUMP_ZSTD}};

static void fill(uint8_t *page)
{
	for (unsigned int i = 0; i < PAGE; i++)
		page[i] = (uint8_t)(i / 16 * 7 + (i % 64 == 0 ? (unsigned int)rand() : 0));
}

// Whatever is in a page: it comes out, or an error does, and nothing lies behind it.
static void damage(struct decompress *state, uint32_t flag, const uint8_t *in, size_t size)
{
	uint8_t *exact = malloc(size), *page = malloc(PAGE);

	check(exact && page);
	for (unsigned int round = 0; round < 2000; round++) {
		size_t part = round % 4 ? size : 1 + (size_t)rand() % size;

		memcpy(exact, in, size);
		for (unsigned int i = 0; i <= round % 3; i++)
			exact[(size_t)rand() % size] ^= (uint8_t)(1 << rand() % 8);
		error_free(decompress_page(state, flag, exact + (size - part), part, page, PAGE));
	}
	free(exact);
	free(page);
}

static void each(void)
{
	struct decompress state = {0};
	uint8_t page[PAGE], out[PAGE], in[2 * PAGE];

	srand(1);
	fill(page);
	for (size_t i = 0; i < array_size(methods); i++) {
		const struct compressor *compressor;
		struct error *err = compressor_find(methods[i].name, &compressor);
		void *writer = NULL;
		size_t size;

		check_text(decompress_name(methods[i].flag | FMT_KDUMP_STATUS_INCOMPLETE), methods[i].name);
		if (err) {
			error_free(err);
			check_error(decompress_check(methods[i].flag), ERROR_UNSUPPORTED, methods[i].name);
			check_error(decompress_page(&state, methods[i].flag, in, 10, out, PAGE), ERROR_UNSUPPORTED,
			            methods[i].name);
			continue;
		}
		check_ok(decompress_check(methods[i].flag));
		check_ok(compressor->create(PAGE, &writer));
		size = compressor->compress(writer, page, PAGE, in);
		check(size > 0 && size < PAGE);
		for (unsigned int again = 0; again < 2; again++) {
			memset(out, 0, PAGE);
			check_ok(decompress_page(&state, methods[i].flag, in, size, out, PAGE));
			check(memcmp(out, page, PAGE) == 0);
			// One that is too large, one that is too small.
			check_error(decompress_page(&state, methods[i].flag, in, size, out, PAGE / 2), ERROR_BAD_DATA,
			            methods[i].name);
			check_error(decompress_page(&state, methods[i].flag, in, size / 2, out, PAGE), ERROR_BAD_DATA,
			            methods[i].name);
		}
		damage(&state, methods[i].flag, in, size);
		compressor->destroy(writer);
	}
	decompress_deinit(&state);
	decompress_deinit(&state);
}

static void unknown(void)
{
	struct decompress state = {0};
	uint8_t page[PAGE];

	check_error(decompress_page(&state, 0x40, "x", 1, page, PAGE), ERROR_BAD_DATA, "flags 0x40");
	check_error(decompress_page(&state, 0, "x", 1, page, PAGE), ERROR_BAD_DATA, "flags 0");
	check_ok(decompress_check(0x18));
	check_text(decompress_name(0x18), "none");
}

static const struct test tests[] = {TEST(each), TEST(unknown)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
