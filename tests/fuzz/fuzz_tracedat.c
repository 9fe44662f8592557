// SPDX-License-Identifier: GPL-2.0-or-later
// A machine whose tracing was in use, with words of its memory overwritten: all its events are read, and the file for trace-cmd is
// written, and that ends.
//
// An input is changes: 3 bytes where, 8 bytes what.
#include "faketrace.h"
#include "fuzz.h"
#include "report/ftrace.h"
#include "report/ftrace_reader.h"
#include "report/ftrace_text.h"
#include "report/tracedat.h"

enum {
	CHANGE_BYTES = 11,
	CHANGES_MAX = 64,
	FILE_MEMORY = 1 << 20, // Of the file; fakecore.h.
	CHANGED = FAKETRACE_VARIABLES, // What there is to change, up to behind the pages.
	CHANGED_BYTES = FAKETRACE_PAGES + 16 * FAKETRACE_PAGE_BYTES - CHANGED,
	EVENTS_TOLD = 100,
};

// The dump, made once; changes are taken back.
struct trace_file {
	struct faketrace made;
	uint8_t *memory;
};

static void make(struct faketrace *made)
{
	faketrace_make(made);
	for (unsigned int number = 0; number < 2; number++) {
		faketrace_instance(made, number ? "other" : NULL, number);
		for (unsigned int cpu = 0; cpu < FAKETRACE_CPUS; cpu++) {
			struct faketrace_page reader = faketrace_page(made, 1000), pages[3];

			faketrace_mark(&reader, 5, 77, "reader\n");
			for (unsigned int i = 0; i < 3; i++) {
				pages[i] = faketrace_page(made, 2000 + i);
				faketrace_mark(&pages[i], 5, 500, "ring\n");
			}
			faketrace_ring(made, made->rings[number][cpu], &reader, pages, 3, 0, 2);
		}
	}
}

static struct trace_file *get_file(void)
{
	static struct trace_file file;
	uint8_t *map;

	if (file.memory)
		return &file;
	make(&file.made);
	fakecore_open(&file.made.fake);
	map = mmap(NULL, FILE_MEMORY + FAKETRACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file.made.fake.fd, 0);
	fuzz_require(map != MAP_FAILED);
	file.memory = map + FILE_MEMORY;
	return &file;
}

static void tell(struct ftrace *ftrace, const struct ftrace_buffer *buffer)
{
	struct ftrace_reader *reader = NULL;
	struct ftrace_reader_event event;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fuzz_require(out);
	fuzz_end(ftrace_reader_create(ftrace, buffer, 0, &reader), 0);
	for (unsigned int i = 0; i < EVENTS_TOLD && ftrace_reader_next(reader, &event); i++)
		ftrace_text_message(ftrace, &event, out);
	ftrace_reader_destroy(reader);
	fclose(out);
	for (size_t i = 0; i < size; i++)
		fuzz_require(text[i] >= ' ' && text[i] <= '~');
	free(text);
}

static void tell_all(struct ftrace *ftrace)
{
	struct tracedat_stats stats;
	FILE *out = tmpfile();

	fuzz_require(out);
	for (size_t i = 0; i < ftrace->buffers.count && i < 8; i++)
		tell(ftrace, &ftrace->buffers.list[i]);
	fuzz_end(tracedat_write(ftrace, out, &stats), FUZZ_CODE(ERROR_BAD_DATA));
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct trace_file *file = get_file();
	uint64_t places[CHANGES_MAX];
	struct machine *machine = NULL;
	struct ftrace *ftrace = NULL;
	size_t count = 0;

	for (; count < CHANGES_MAX && (count + 1) * CHANGE_BYTES <= size_bytes; count++) {
		const uint8_t *at = data + count * CHANGE_BYTES;

		places[count] = CHANGED + ((uint64_t)at[0] << 16 | (uint64_t)at[1] << 8 | at[2]) % (CHANGED_BYTES - 8);
		memcpy(file->memory + places[count], at + 3, 8);
	}
	fuzz_end(machine_open(file->made.fake.core, 1000, &machine), 0);
	fuzz_end(ftrace_open(machine, &ftrace),
	         FUZZ_CODE(ERROR_UNSUPPORTED) | FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_FAULT));
	if (ftrace)
		tell_all(ftrace);
	ftrace_close(ftrace);
	machine_close(machine);
	for (size_t i = 0; i < count; i++)
		memcpy(file->memory + places[i], file->made.fake.memory + places[i], 8);
	return 0;
}
