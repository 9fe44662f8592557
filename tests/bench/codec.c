// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a codec alone takes for the pages of a dump, and one look at those of zeros: who uses it on one CPU cannot be faster.
 *
 * Usage: codec lzo|snappy|zstd DUMP     DUMP: kdump-compressed, without compression. Prints seconds.
 */
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <zstd.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "core/fmt_kdump.h"

enum {
	PAGE_MAX = 64 << 10,
	// The dump has one page of zeros for all of them; they are looked at here instead, a round through more than a cache holds.
	ZEROS_BYTES = 256 << 20,
	HUGE_PAGE_BYTES = 2 << 20,
};

static char out[2 * PAGE_MAX];
static char work[LZO1X_1_MEM_COMPRESS];
static ZSTD_CCtx *zstd;

static void die(const char *what)
{
	fprintf(stderr, "codec: %s\n", what);
	exit(1);
}

static void by_lzo(const char *page, size_t size)
{
	lzo_uint used = sizeof(out);

	lzo1x_1_compress((const unsigned char *)page, size, (unsigned char *)out, &used, work);
}

static void by_snappy(const char *page, size_t size)
{
	size_t used = sizeof(out);

	snappy_compress(page, size, out, &used);
}

static void by_zstd(const char *page, size_t size)
{
	ZSTD_compressCCtx(zstd, out, sizeof(out), page, size, 1);
}

static bool is_zero(const char *page, size_t size)
{
	return !page[0] && memcmp(page, page + 1, size - 1) == 0;
}

// Memory of its own, in huge pages as the vmcore is: the kernel gives one page for all that was never written.
static char *make_zeros(void)
{
	char *zeros = aligned_alloc(HUGE_PAGE_BYTES, ZEROS_BYTES);

	if (!zeros)
		die("no memory");
	madvise(zeros, ZEROS_BYTES, MADV_HUGEPAGE);
	memset(zeros, 1, ZEROS_BYTES);
	explicit_bzero(zeros, ZEROS_BYTES);
	return zeros;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double measure(const char *dump, void (*compress)(const char *, size_t))
{
	const struct fmt_kdump_header *header = (const void *)dump;
	size_t block = (size_t)header->block_size, bitmaps = (1 + (size_t)header->sub_hdr_size) * block;
	size_t half = (size_t)header->bitmap_blocks / 2 * block;
	const struct fmt_kdump_page_desc *descs = (const void *)(dump + bitmaps + 2 * half);
	const uint64_t *saved = (const void *)(dump + bitmaps + half);
	const char *zeros = make_zeros();
	uint64_t count = 0, zero_count = 0;
	double start;

	if (block > PAGE_MAX)
		die("pages are too large");
	for (size_t i = 0; i < half / sizeof(*saved); i++)
		count += (uint64_t)__builtin_popcountll(saved[i]);
	start = now_s();
	for (uint64_t i = 0; i < count; i++) {
		const char *page = dump + descs[i].offset;

		if (descs[i].size != block || descs[i].flags)
			die("the dump is compressed");
		if (!is_zero(page, block))
			compress(page, block);
		else if (!is_zero(zeros + zero_count++ % (ZEROS_BYTES / block) * block, block))
			die("memory is broken");
	}
	return now_s() - start;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*compress)(const char *, size_t);
	} codecs[] = {{"lzo", by_lzo}, {"snappy", by_snappy}, {"zstd", by_zstd}};
	struct stat st;
	const char *dump;
	int fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;

	zstd = ZSTD_createCCtx();
	if (fd < 0 || fstat(fd, &st) < 0 || !zstd || lzo_init() != LZO_E_OK)
		die("usage: codec lzo|snappy|zstd DUMP");
	dump = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (dump == MAP_FAILED || memcmp(dump, "KDUMP   ", 8) != 0)
		die("not a kdump-compressed file");
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		if (strcmp(argv[1], codecs[i].name) == 0) {
			printf("%.6f\n", measure(dump, codecs[i].compress));
			return 0;
		}
	}
	die("no such codec");
}
