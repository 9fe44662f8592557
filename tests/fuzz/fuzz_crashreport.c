// SPDX-License-Identifier: GPL-2.0-or-later
// A whole machine that crashed, with words of its memory overwritten: its report ends, and is text and JSON.
//
// An input is the form of the tables for unwinding, one byte; then changes: 3 bytes where, 8 bytes what.
#include "fakecrash.h"
#include "fuzz.h"
#include "report/crashreport.h"
#include "report/htmlreport.h"

enum {
	CHANGE_BYTES = 11,
	CHANGES_MAX = 64,
	FORMS = 4,
	FILE_MEMORY = 1 << 20, // Of the file; fakecore.h.
	// No line of a text has a character that is more than text.
	LEAST_PRINTABLE = 0x20,
	LAST_PRINTABLE = 0x7e,
};

// The dump of a form, made once; changes are taken back.
struct machine_file {
	struct fakecore fake;
	uint8_t *memory;
};

static struct machine_file *get_file(unsigned int form)
{
	static struct machine_file files[FORMS];
	struct machine_file *file = &files[form];
	uint8_t *map;

	if (file->memory)
		return file;
	fakecrash_make(&file->fake, form);
	fakecore_open(&file->fake);
	map = mmap(NULL, FILE_MEMORY + FAKECRASH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file->fake.fd, 0);
	fuzz_require(map != MAP_FAILED);
	file->memory = map + FILE_MEMORY;
	return file;
}

static size_t change(struct machine_file *file, const uint8_t *data, size_t size_bytes, uint64_t *places)
{
	size_t count = 0;

	for (; count < CHANGES_MAX && (count + 1) * CHANGE_BYTES <= size_bytes; count++) {
		const uint8_t *at = data + count * CHANGE_BYTES;

		places[count] = ((uint64_t)at[0] << 16 | (uint64_t)at[1] << 8 | at[2]) % (FAKECRASH_BYTES - 8);
		memcpy(file->memory + places[count], at + 3, 8);
	}
	return count;
}

static void require_plain(const char *text, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		fuzz_require(text[i] == '\n' || (text[i] >= LEAST_PRINTABLE && text[i] <= LAST_PRINTABLE));
}

// Whatever the dump holds, the page has the two scripts that it is made with, and ends.
static void write_page(const struct crashreport *report)
{
	struct htmlreport page = {.report = report, .dump_name = "x", .map_fd = -1, .map_why = ""};
	char *text = NULL;
	size_t size = 0, scripts = 0;
	FILE *out = open_memstream(&text, &size);

	fuzz_require(out);
	fuzz_end(htmlreport_write(&page, out), 0);
	fclose(out);
	for (const char *at = strstr(text, "<script"); at; at = strstr(at + 1, "<script"))
		scripts++;
	fuzz_require(scripts == 2 && size > 8 && strcmp(text + size - 8, "</html>\n") == 0);
	free(text);
}

static void write_all(const struct crashreport *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct json json;

	fuzz_require(out);
	crashreport_text(report, out);
	fflush(out);
	require_plain(text, size);
	json_init(&json, out);
	crashreport_json(report, &json);
	fuzz_end(json_finish(&json), 0);
	fclose(out);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	unsigned int form = size_bytes ? data[0] % FORMS : 0;
	struct machine_file *file = get_file(form);
	uint64_t places[CHANGES_MAX];
	size_t count = size_bytes ? change(file, data + 1, size_bytes - 1, places) : 0;
	struct crashreport *report = NULL;
	struct error *err = crashreport_make(file->fake.core, 1000, &report);

	fuzz_end(err, 0);
	if (report) {
		write_all(report);
		write_page(report);
	}
	crashreport_free(report);
	for (size_t i = 0; i < count; i++)
		memcpy(file->memory + places[i], file->fake.memory + places[i], 8);
	return 0;
}
