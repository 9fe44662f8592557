// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_page.h"

#include "base/endian.h"

// Kinds of records: enum ring_buffer_type; smaller numbers are the length, in words.
enum {
	TYPE_LONG = 0,
	TYPE_PADDING = 29,
	TYPE_TIME_EXTEND = 30,
	TYPE_TIME_STAMP = 31,
	DELTA_BITS = 27,
	// Absolute times have 59 bits: Linux kernel commit 6695da58f944 ("ring-buffer: Have absolute time stamps handle large
	// numbers") (in v5.19).
	STAMP_BITS = 59,
};

// The head of a record.
struct head {
	unsigned int type;
	uint32_t delta;
};

void ftrace_page_init(struct ftrace_page *ret, const uint8_t *bytes, size_t size_bytes, bool is_big_endian)
{
	uint64_t written = load_u64(bytes + 8, is_big_endian) & FTRACE_PAGE_COMMIT_MASK;

	*ret = (struct ftrace_page){.bytes = bytes, .at = FTRACE_PAGE_HEADER_BYTES, .is_big_endian = is_big_endian};
	ret->timestamp = load_u64(bytes, is_big_endian);
	ret->end = size_bytes;
	if (written > size_bytes - FTRACE_PAGE_HEADER_BYTES)
		ret->is_damaged = true;
	else
		ret->end = FTRACE_PAGE_HEADER_BYTES + (size_t)written;
}

static struct head read_head(const struct ftrace_page *page)
{
	uint32_t word = load_u32(page->bytes + page->at, page->is_big_endian);

	if (page->is_big_endian)
		return (struct head){word >> DELTA_BITS, word & ((UINT32_C(1) << DELTA_BITS) - 1)};
	return (struct head){word & 31, word >> 5};
}

// rb_fix_abs_ts(): the upper bits are those of the time before, or one more.
static uint64_t whole_stamp(uint64_t stamp, uint64_t before)
{
	uint64_t upper = before & ~((UINT64_C(1) << STAMP_BITS) - 1);

	if (!upper)
		return stamp;
	stamp |= upper;
	return stamp < before ? stamp + (UINT64_C(1) << STAMP_BITS) : stamp;
}

static bool give_up(struct ftrace_page *page)
{
	page->is_damaged = true;
	page->at = page->end;
	return false;
}

bool ftrace_page_next(struct ftrace_page *page, struct ftrace_page_record *ret)
{
	while (page->at + 4 <= page->end) {
		struct head head = read_head(page);
		size_t left = page->end - page->at, start = page->at, skip = 4, size = (size_t)head.type * 4;
		uint32_t word = left >= 8 ? load_u32(page->bytes + page->at + 4, page->is_big_endian) : 0;

		if (head.type == TYPE_PADDING && !head.delta) {
			// The rest of the page is empty.
			page->at = page->end;
			return false;
		}
		if (head.type == TYPE_LONG || head.type >= TYPE_PADDING) {
			if (left < 8)
				return give_up(page);
			skip = 8;
			size = 0;
		}
		// The words of their length count the one it stands in.
		if (head.type == TYPE_LONG || head.type == TYPE_PADDING) {
			if (word < 4 || word > left - 4)
				return give_up(page);
			size = ((size_t)word - 4 + 3) / 4 * 4;
		}
		if (size > left - skip)
			return give_up(page);
		page->at += skip + size;
		if (head.type == TYPE_PADDING)
			continue;
		if (head.type == TYPE_TIME_STAMP) {
			page->timestamp = whole_stamp((uint64_t)word << DELTA_BITS | head.delta, page->timestamp);
			continue;
		}
		if (head.type == TYPE_TIME_EXTEND) {
			page->timestamp += (uint64_t)word << DELTA_BITS | head.delta;
			continue;
		}
		page->timestamp += head.delta;
		*ret = (struct ftrace_page_record){page->bytes + start + skip, size, start, page->timestamp};
		if (size >= 4)
			return true;
	}
	if (page->at != page->end)
		page->is_damaged = true;
	return false;
}

void ftrace_page_skip(struct ftrace_page *page, size_t read_bytes)
{
	size_t until =
		read_bytes < page->end - FTRACE_PAGE_HEADER_BYTES ? FTRACE_PAGE_HEADER_BYTES + read_bytes : page->end;
	size_t end = page->end;
	struct ftrace_page_record record;

	page->end = until;
	while (ftrace_page_next(page, &record))
		;
	page->end = end;
	page->at = until;
}
