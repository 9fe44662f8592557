// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/foreign.h"

#include <string.h>

#include "base/endian.h"

// libkdumpfile src/kdumpfile/lkcd.c (0.5.1): struct dump_header_common, dump_header_v8, dump_page. Nothing is padded.
enum {
	HEAD_BYTES = 742,
	VERSION_AT = 8,
	PAGE_SIZE_AT = 20,
	BUFFER_SIZE_AT = 734, // Since version 9: where the first page is.
	VERSION_BUFFER_SIZE = 9,
	FIRST_PAGE_AT = 65536, // Before.
	PAGE_HEADER_BYTES = 16,
	PAGE_BYTES_MAX = 64 << 10,
	PAGE_RAW = 1,
	PAGE_COMPRESSED = 2,
	PAGE_END = 4,
};

// Bits of the version that say who modified the format.
static const uint32_t version_flags = UINT32_C(0xc0000000);

static struct error *check_pages(const struct corefile *file, bool is_big, uint32_t page_bytes, uint64_t at)
{
	for (;;) {
		uint8_t header[PAGE_HEADER_BYTES];
		uint32_t size, flags;
		size_t got;
		struct error *err = corefile_pread(file, header, sizeof(header), at, &got);

		if (err)
			return err;
		if (got < sizeof(header))
			return error_new(ERROR_BAD_DATA,
			                 "LKCD: the file ends at offset %#jx, without an end of the dump",
			                 (uintmax_t)(at + got));
		size = load_u32(header + 8, is_big);
		flags = load_u32(header + 12, is_big);
		if (flags & PAGE_END)
			return NULL;
		if (!(flags & (PAGE_RAW | PAGE_COMPRESSED)) || size == 0 || size > page_bytes)
			return error_new(ERROR_BAD_DATA, "LKCD: impossible page at offset %#jx: size %#x, flags %#x",
			                 (uintmax_t)at, size, flags);
		at += sizeof(header) + size;
	}
}

struct error *foreign_check_lkcd(const struct corefile *file)
{
	static const char magic[2][9] = {"\xed\x23\x8f\x61\x73\x01\x19\xa8", "\xa8\x19\x01\x73\x61\x8f\x23\xed"};
	uint64_t at = FIRST_PAGE_AT;
	uint8_t head[HEAD_BYTES];
	struct error *err;
	uint32_t version, page_bytes;
	bool is_big;
	size_t got;

	err = corefile_pread(file, head, sizeof(head), 0, &got);
	if (err || got < 8 || (memcmp(head, magic[0], 8) != 0 && memcmp(head, magic[1], 8) != 0))
		return err;
	if (got < sizeof(head))
		return error_new(ERROR_BAD_DATA, "LKCD: the file ends at offset %#zx, inside the header", got);
	is_big = memcmp(head, magic[1], 8) == 0;
	version = load_u32(head + VERSION_AT, is_big) & ~version_flags;
	if (version >= VERSION_BUFFER_SIZE)
		at = load_u64(head + BUFFER_SIZE_AT, is_big);
	page_bytes = load_u32(head + PAGE_SIZE_AT, is_big);
	// The library allocates what it is told.
	if (page_bytes > PAGE_BYTES_MAX)
		return error_new(ERROR_BAD_DATA, "LKCD: pages of %u bytes (offset %#x)", page_bytes, PAGE_SIZE_AT);
	return check_pages(file, is_big, page_bytes, at);
}
