// SPDX-License-Identifier: GPL-2.0-or-later
// A page of a trace buffer, and a print format over its records: records lie in the page, messages are plain text, all ends.
//
// An input is a print format, up to a NUL; then the page.
#include "faketrace.h"
#include "fuzz.h"
#include "report/ftrace.h"
#include "report/ftrace_page.h"
#include "report/ftrace_print.h"
#include "report/ftrace_text.h"

enum { RECORDS_PRINTED = 16 };

static struct ftrace *get_trace(void)
{
	static struct faketrace made;
	static struct machine *machine;
	static struct ftrace *ftrace;

	if (ftrace)
		return ftrace;
	faketrace_make(&made);
	faketrace_instance(&made, NULL, 0);
	fakecore_open(&made.fake);
	fuzz_require(!machine_open(made.fake.core, 1000, &machine));
	fuzz_require(!ftrace_open(machine, &ftrace));
	return ftrace;
}

static void require_plain(const char *text)
{
	for (; *text; text++)
		fuzz_require(*text >= ' ' && *text <= '~');
}

static void print_record(struct ftrace *ftrace, const char *print_fmt, const struct ftrace_page_record *record)
{
	struct ftrace_format format = *ftrace_format_find(&ftrace->formats, FAKETRACE_SWITCH);
	struct ftrace_reader_event event = {.format = &format, .data = record->data, .size_bytes = record->size_bytes};
	char text[FTRACE_PRINT_BYTES], *fields = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&fields, &size);

	fuzz_require(out);
	format.print_fmt = (char *)print_fmt;
	if (ftrace_print_message(ftrace, &event, text))
		require_plain(text);
	for (size_t i = 0; i < ftrace->formats.count; i++) {
		event.format = &ftrace->formats.list[i];
		ftrace_text_message(ftrace, &event, out);
		ftrace_text_fields(ftrace, &event, out);
	}
	fclose(out);
	require_plain(fields);
	free(fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	size_t format_bytes = size_bytes ? strnlen((const char *)data, size_bytes) : 0;
	size_t page_bytes = format_bytes < size_bytes ? size_bytes - format_bytes - 1 : 0;
	struct ftrace *ftrace = get_trace();
	_cleanup_free_ char *print_fmt = strndup(size_bytes ? (const char *)data : "", format_bytes);
	_cleanup_free_ uint8_t *bytes = malloc(page_bytes + FTRACE_PAGE_HEADER_BYTES);
	struct ftrace_page_record record;
	struct ftrace_page page;
	unsigned int count = 0;

	fuzz_require(print_fmt && bytes);
	// A header is always there; the rest is just as long as it is, so that a look behind it is seen.
	memset(bytes, 0, FTRACE_PAGE_HEADER_BYTES);
	if (page_bytes)
		memcpy(bytes, data + format_bytes + 1, page_bytes);
	if (page_bytes < FTRACE_PAGE_HEADER_BYTES)
		page_bytes = FTRACE_PAGE_HEADER_BYTES;
	for (size_t skip = 0; skip < 2; skip++) {
		ftrace_page_init(&page, bytes, page_bytes, skip);
		if (skip)
			ftrace_page_skip(&page, bytes[0]);
		while (ftrace_page_next(&page, &record)) {
			fuzz_require(record.data >= bytes && record.size_bytes >= 4);
			fuzz_require(record.size_bytes <= page_bytes &&
			             record.data + record.size_bytes <= bytes + page_bytes);
			if (count++ < RECORDS_PRINTED)
				print_record(ftrace, print_fmt, &record);
		}
	}
	return 0;
}
