// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_page.h"

#include "test.h"

// A page, word by word.
struct bytes {
	uint8_t bytes[4096];
	size_t used;
};

static void word(struct bytes *page, uint32_t value)
{
	memcpy(page->bytes + 16 + page->used, &value, 4);
	page->used += 4;
}

static struct ftrace_page start(struct bytes *page, uint64_t timestamp)
{
	uint64_t commit = page->used;
	struct ftrace_page ret;

	memcpy(page->bytes, &timestamp, 8);
	memcpy(page->bytes + 8, &commit, 8);
	ftrace_page_init(&ret, page->bytes, sizeof(page->bytes), false);
	return ret;
}

static void check_next(struct ftrace_page *page, uint64_t timestamp, size_t size_bytes, uint8_t first)
{
	struct ftrace_page_record record;

	check(ftrace_page_next(page, &record));
	check(record.timestamp == timestamp);
	check(record.size_bytes == size_bytes);
	check(record.data[0] == first);
}

static void check_end(struct ftrace_page *page, bool is_damaged)
{
	struct ftrace_page_record record;

	check(!ftrace_page_next(page, &record));
	check(page->is_damaged == is_damaged);
}

static void every_kind(void)
{
	struct bytes bytes = {0};
	struct ftrace_page page;

	word(&bytes, 10 << 5 | 1); // One word, 10 later.
	word(&bytes, 0x11);
	word(&bytes, 0 << 5 | 0); // Its length is in the first word, which it counts.
	word(&bytes, 12);
	word(&bytes, 0x22);
	word(&bytes, 0);
	word(&bytes, 5 << 5 | 30); // 5 + 1 << 27 later.
	word(&bytes, 1);
	word(&bytes, 1 << 5 | 29); // Discarded: two words.
	word(&bytes, 8);
	word(&bytes, 0x33);
	word(&bytes, 7 << 5 | 1);
	word(&bytes, 0x44);
	word(&bytes, 3 << 5 | 31); // Time 3 + 2 << 27.
	word(&bytes, 2);
	word(&bytes, 0 << 5 | 1);
	word(&bytes, 0x55);
	word(&bytes, 29); // The rest is empty.
	word(&bytes, 0x66);
	page = start(&bytes, 1000);
	check_next(&page, 1010, 4, 0x11);
	check_next(&page, 1010, 8, 0x22);
	// The time of what was discarded does not count: rb_update_read_stamp().
	check_next(&page, 1010 + 5 + (1 << 27) + 7, 4, 0x44);
	check_next(&page, 3 + (2 << 27), 4, 0x55);
	check_end(&page, false);
}

static void upper_bits_of_absolute_times(void)
{
	uint64_t upper = UINT64_C(3) << 59;
	struct bytes bytes = {0};
	struct ftrace_page page;

	word(&bytes, 8 << 5 | 31);
	word(&bytes, 1);
	word(&bytes, 0 << 5 | 1);
	word(&bytes, 0x11);
	word(&bytes, 2 << 5 | 31); // Before the last one: 59 bits have gone round.
	word(&bytes, 0);
	word(&bytes, 0 << 5 | 1);
	word(&bytes, 0x22);
	page = start(&bytes, upper + 100);
	check_next(&page, upper + 8 + (1 << 27), 4, 0x11);
	check_next(&page, upper + (UINT64_C(1) << 59) + 2, 4, 0x22);
	check_end(&page, false);
}

static void goes_on_behind_what_was_read(void)
{
	struct bytes bytes = {0};
	struct ftrace_page page;

	for (uint32_t i = 1; i <= 3; i++) {
		word(&bytes, i << 5 | 1);
		word(&bytes, i);
	}
	page = start(&bytes, 100);
	ftrace_page_skip(&page, 8);
	check(page.timestamp == 101);
	check_next(&page, 103, 4, 2);
	page = start(&bytes, 100);
	ftrace_page_skip(&page, 4096);
	check_end(&page, false);
}

static void records_that_do_not_fit(void)
{
	static const uint32_t heads[][2] = {
		{28, 0}, // 28 words, of which there is one.
		{0, 3}, // A length that does not even count itself.
		{0, 8}, // One word more than there is.
		{0, UINT32_MAX}, {1 << 5 | 29, UINT32_MAX - 3}, {1 << 5 | 29, 0},
	};

	for (size_t i = 0; i < array_size(heads); i++) {
		struct bytes bytes = {0};
		struct ftrace_page page;

		word(&bytes, 1 << 5 | 1);
		word(&bytes, 0x11);
		word(&bytes, heads[i][0]);
		word(&bytes, heads[i][1]);
		page = start(&bytes, 0);
		check_next(&page, 1, 4, 0x11);
		check_end(&page, true);
		check_end(&page, true);
	}
}

static void cut_heads(void)
{
	struct bytes bytes = {0};
	struct ftrace_page page;

	word(&bytes, 30); // Its second word is missing.
	page = start(&bytes, 0);
	check_end(&page, true);
	bytes.used = 3;
	page = start(&bytes, 0);
	check_end(&page, true);
}

static void more_than_a_page(void)
{
	struct bytes bytes = {.used = 4096};
	struct ftrace_page page = start(&bytes, 0);

	check(page.is_damaged);
	check(page.end == sizeof(bytes.bytes));
}

static void big_endian(void)
{
	static const uint8_t raw[32] = {0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0x08, 0, 0, 0x05, 0x77};
	struct ftrace_page page;

	ftrace_page_init(&page, raw, sizeof(raw), true);
	check_next(&page, 256 + 5, 4, 0x77);
	check_end(&page, false);
}

static const struct test tests[] = {
	TEST(every_kind),
	TEST(upper_bits_of_absolute_times),
	TEST(goes_on_behind_what_was_read),
	TEST(records_that_do_not_fit),
	TEST(cut_heads),
	TEST(more_than_a_page),
	TEST(big_endian),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
