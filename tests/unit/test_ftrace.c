// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace.h"

#include "faketrace.h"
#include "report/ftrace_print.h"
#include "report/ftrace_reader.h"
#include "report/ftrace_text.h"
#include "report/tracedat.h"
#include "test.h"

// The machine, and tracing in it.
struct opened {
	struct faketrace made;
	struct machine *machine;
	struct ftrace *ftrace;
};

static void open_trace(struct opened *opened)
{
	fakecore_open(&opened->made.fake);
	check_ok(machine_open(opened->made.fake.core, 1000, &opened->machine));
	check_ok(ftrace_open(opened->machine, &opened->ftrace));
}

static void close_trace(struct opened *opened)
{
	ftrace_close(opened->ftrace);
	machine_close(opened->machine);
	fakecore_deinit(&opened->made.fake);
}

// CPU 0 of the main buffer: a reader page of which one record was read; a ring of four pages, of which the third is the head and
// the first is written; five events were overwritten. CPU 1 has one page for both.
static void make_main(struct faketrace *made)
{
	unsigned int number = faketrace_instance(made, NULL, 0);
	struct faketrace_page reader = faketrace_page(made, 1000), other = faketrace_page(made, 1050), pages[4];
	uint64_t ring = made->rings[number][0];

	faketrace_mark(&reader, 0, 77, "read\n");
	faketrace_put(made, reader.vaddr + 24, reader.used, 4);
	faketrace_mark(&reader, 10, 77, "one\n");
	for (unsigned int i = 0; i < 4; i++) {
		static const char *const texts[] = {"five\n", "old\n", "three\n", "four\n"};
		static const uint64_t times[] = {5000, 1, 3000, 4000};

		pages[i] = faketrace_page(made, times[i]);
		faketrace_mark(&pages[i], i == 2 ? 100 : 0, 500, texts[i]);
	}
	// Behind the page that is written there is an old one, which is not told of.
	faketrace_ring(made, ring, &reader, pages, 4, 2, 0);
	faketrace_put(made, ring + 64, 10, 8);
	faketrace_put(made, ring + 72, 5, 8);
	faketrace_put(made, ring + 88, 1, 8);
	faketrace_mark(&other, 0, 0, "other cpu\n");
	faketrace_ring(made, made->rings[number][1], &other, &other, 1, 0, 0);
	faketrace_put(made, made->rings[number][1] + 32, other.vaddr, 8);
	faketrace_put(made, made->rings[number][1] + 64, 1, 8);
}

// A buffer without anything.
static void make_empty(struct faketrace *made, unsigned int number)
{
	for (unsigned int cpu = 0; cpu < FAKETRACE_CPUS; cpu++) {
		struct faketrace_page reader = faketrace_page(made, 0);

		faketrace_ring(made, made->rings[number][cpu], &reader, &reader, 1, 0, 0);
	}
}

static void make_usual(struct opened *opened)
{
	faketrace_make(&opened->made);
	make_main(&opened->made);
	make_empty(&opened->made, faketrace_instance(&opened->made, "empty", 1));
	open_trace(opened);
}

static char *message_of(struct opened *opened, const struct ftrace_reader_event *event)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ftrace_text_message(opened->ftrace, event, out);
	fclose(out);
	return text;
}

static void check_event(struct opened *opened, struct ftrace_reader *reader, uint64_t timestamp, uint32_t cpu,
                        const char *task, const char *message)
{
	struct ftrace_reader_event event;
	char *text;

	check(ftrace_reader_next(reader, &event));
	check(event.timestamp == timestamp && event.cpu == cpu);
	check_text(event.task, task);
	check_text(event.format->name, "print");
	text = message_of(opened, &event);
	check_text(text, message);
	free(text);
	check(event.lost == (strcmp(message, "mark_write: three") == 0 ? 5 : 0));
}

static void events_in_their_order(void)
{
	struct opened opened;
	struct ftrace_reader *reader;
	struct ftrace_reader_event event;
	const struct ftrace_buffer *buffers;
	uint64_t last = 0;

	make_usual(&opened);
	buffers = opened.ftrace->buffers.list;
	check(opened.ftrace->buffers.count == 2);
	check_text(opened.ftrace->buffers.why, "");
	// The main one is the last of the kernel's list.
	check_text(buffers[0].name, "");
	check_text(buffers[0].clock, "local");
	check(buffers[0].is_ns && !buffers[1].is_ns);
	check_text(buffers[1].name, "empty");
	check(buffers[0].cpu_count == 2 && buffers[0].cpus[0].page_count == 4 && buffers[0].cpus[1].page_count == 1);
	check(buffers[0].cpus[0].entries == 10 && buffers[0].cpus[0].overrun == 5 && buffers[0].cpus[0].read == 1);
	check(buffers[1].cpus[0].page_count == 0 && !buffers[1].cpus[0].why[0]);
	check_ok(ftrace_reader_create(opened.ftrace, &buffers[0], 0, &reader));
	check_event(&opened, reader, 1010, 0, "odd ?[1m", "mark_write: one");
	check_event(&opened, reader, 1050, 1, "<idle>", "mark_write: other cpu");
	check_event(&opened, reader, 3100, 0, "worker", "mark_write: three");
	check_event(&opened, reader, 4000, 0, "worker", "mark_write: four");
	check_event(&opened, reader, 5000, 0, "worker", "mark_write: five");
	check(!ftrace_reader_next(reader, &event));
	check(!ftrace_reader_next(reader, &event));
	check(ftrace_reader_damaged(reader) == 0);
	ftrace_reader_destroy(reader);
	check(ftrace_reader_last(opened.ftrace, &buffers[0], &last) && last == 5000);
	check(!ftrace_reader_last(opened.ftrace, &buffers[1], &last));
	close_trace(&opened);
}

static void events_from_a_time_on(void)
{
	struct opened opened;
	struct ftrace_reader *reader;
	struct ftrace_reader_event event;

	make_usual(&opened);
	check_ok(ftrace_reader_create(opened.ftrace, &opened.ftrace->buffers.list[0], 3101, &reader));
	check_event(&opened, reader, 4000, 0, "worker", "mark_write: four");
	check_event(&opened, reader, 5000, 0, "worker", "mark_write: five");
	check(!ftrace_reader_next(reader, &event));
	ftrace_reader_destroy(reader);
	close_trace(&opened);
}

// A page of the ring that says more than there is, and one that is not in the dump.
static void damaged_pages(void)
{
	static const uint64_t much = 5000, far = UINT64_C(0xffffffffa0000000);
	struct opened opened;
	struct ftrace_reader *reader;
	struct ftrace_reader_event event;
	struct tracedat_stats stats;
	const struct ftrace_buffer_cpu *cpu;
	FILE *out = tmpfile();
	unsigned int count = 0;

	make_usual(&opened);
	cpu = &opened.ftrace->buffers.list[0].cpus[0];
	fakecore_poke(&opened.made.fake, cpu->pages[1] - fakecore_image + 8, &much, 8);
	cpu->pages[2] = far;
	check_ok(ftrace_reader_create(opened.ftrace, &opened.ftrace->buffers.list[0], 0, &reader));
	while (ftrace_reader_next(reader, &event))
		count++;
	check(ftrace_reader_damaged(reader) == 2);
	// The record of the first can be read, zeros behind it cannot.
	check(count == 4 && event.timestamp == 5000 && event.lost == FTRACE_READER_SOME);
	ftrace_reader_destroy(reader);
	check_ok(tracedat_write(opened.ftrace, out, &stats));
	check(stats.damaged_pages == 2 && stats.pages == 3);
	fclose(out);
	close_trace(&opened);
}

// A ring that never comes to the page that is written, and one without a head.
static void rings_without_an_end(void)
{
	struct opened opened = {0};
	unsigned int number;
	struct faketrace_page reader, pages[3];
	const struct ftrace_buffer_cpu *cpus;

	faketrace_make(&opened.made);
	number = faketrace_instance(&opened.made, NULL, 0);
	reader = faketrace_page(&opened.made, 1);
	for (unsigned int i = 0; i < 3; i++) {
		pages[i] = faketrace_page(&opened.made, 10 + i);
		faketrace_mark(&pages[i], 0, 1, "x");
	}
	faketrace_ring(&opened.made, opened.made.rings[number][0], &reader, pages, 3, 0, 0);
	faketrace_put(&opened.made, opened.made.rings[number][0] + 32, fakecore_image + FAKETRACE_TEXT, 8);
	faketrace_ring(&opened.made, opened.made.rings[number][1], &reader, pages, 3, 3, 0);
	// The head of the first is that of the second, since they share pages: it is taken away for both.
	open_trace(&opened);
	cpus = opened.ftrace->buffers.list[0].cpus;
	check(strstr(cpus[0].why, "no page of the ring is its head"));
	check(strstr(cpus[1].why, "no page of the ring is its head"));
	close_trace(&opened);
	memset(&opened, 0, sizeof(opened));
	faketrace_make(&opened.made);
	number = faketrace_instance(&opened.made, NULL, 0);
	reader = faketrace_page(&opened.made, 1);
	for (unsigned int i = 0; i < 3; i++) {
		pages[i] = faketrace_page(&opened.made, 10 + i);
		faketrace_mark(&pages[i], 0, 1, "x");
	}
	faketrace_ring(&opened.made, opened.made.rings[number][0], &reader, pages, 3, 0, 0);
	faketrace_put(&opened.made, opened.made.rings[number][0] + 32, fakecore_image + FAKETRACE_TEXT, 8);
	make_empty(&opened.made, faketrace_instance(&opened.made, "a", 0));
	open_trace(&opened);
	cpus = opened.ftrace->buffers.list[0].cpus;
	check(strstr(cpus[0].why, "does not lead to the page that is written"));
	// What was found is kept; CPU 1 has nothing but zeros.
	check(cpus[0].page_count == 4 && cpus[1].why[0]);
	close_trace(&opened);
}

// A list of instances that ends nowhere.
static void instances_in_a_circle(void)
{
	struct opened opened = {0};

	faketrace_make(&opened.made);
	make_empty(&opened.made, faketrace_instance(&opened.made, NULL, 0));
	faketrace_put(&opened.made, opened.made.arrays[0], opened.made.arrays[0], 8);
	open_trace(&opened);
	check(opened.ftrace->buffers.count == FTRACE_BUFFER_MAX);
	check_text(opened.ftrace->buffers.why, "only the first 1024 buffers");
	close_trace(&opened);
}

static void formats(void)
{
	static const char wanted[] =
		"name: switched\nID: 300\nformat:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
		"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
		"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
		"\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
		"\tfield:long state;\toffset:24;\tsize:8;\tsigned:1;\n"
		"\tfield:int prio;\toffset:32;\tsize:4;\tsigned:1;\n\n"
		"print fmt: \"next=%s state=%s%s prio=%d\", REC->comm, REC->state & 0x0f ? __print_flags(REC->state & "
		"0x0f, \"|\", { 0x1, \"S\" }, { 0x2, \"D\" }) : \"R\", REC->state & 0x10 ? \"+\" : \"\", REC->prio\n";
	struct opened opened;
	const struct ftrace_format *format;
	char *text = NULL;
	size_t size;
	FILE *out;

	make_usual(&opened);
	check(opened.ftrace->formats.count == 4 && !opened.ftrace->formats.unreadable);
	format = ftrace_format_find(&opened.ftrace->formats, FAKETRACE_SWITCH);
	check(format);
	check_text(format->system, "sched");
	out = open_memstream(&text, &size);
	ftrace_format_write(&opened.ftrace->formats, format, out);
	fclose(out);
	check_text(text, wanted);
	free(text);
	// A system call's fields are those of the call, not of its class.
	format = ftrace_format_find(&opened.ftrace->formats, FAKETRACE_ENTER);
	check(format && format->fields.count == 2);
	check_text(format->fields.list[1].name, "fd");
	check(!ftrace_format_find(&opened.ftrace->formats, 299));
	check(!ftrace_format_find(&opened.ftrace->formats, 1 << 20));
	close_trace(&opened);
}

static void names(void)
{
	struct opened opened;

	make_usual(&opened);
	check_text(ftrace_names_task(&opened.ftrace->names, 500), "worker");
	check_text(ftrace_names_task(&opened.ftrace->names, 0), "<idle>");
	check_text(ftrace_names_task(&opened.ftrace->names, 4711), "<...>");
	check(opened.ftrace->names.text_count == 1);
	check_text(opened.ftrace->names.texts[0].text, "half\t%d\n");
	close_trace(&opened);
}

// The message that a print format makes of one record; NULL: it is not understood.
static char *printed(struct opened *opened, const char *print_fmt, const void *data, size_t size_bytes, uint32_t like)
{
	struct ftrace_format format = *ftrace_format_find(&opened->ftrace->formats, like);
	struct ftrace_reader_event event = {.format = &format, .data = data, .size_bytes = size_bytes};
	char text[FTRACE_PRINT_BYTES];

	format.print_fmt = print_fmt ? (char *)print_fmt : format.print_fmt;
	return ftrace_print_message(opened->ftrace, &event, text) ? strdup(text) : NULL;
}

static void messages(void)
{
	static const struct {
		const char *print_fmt, *wanted;
	} cases[] = {
		{"\"%d %u %x %#llx\", REC->prio, REC->prio, REC->prio, REC->state", "-3 4294967293 fffffffd 0x13"},
		{"\"%5d|%-5d|%05d|%.2s|%*d\", 7, 7, 7, REC->comm, 4, 8", "    7|7    |00007|ne|   8"},
		{"\"%s\", REC->prio < 0 ? \"below\" : \"above\"", "below"},
		{"\"%d\", (u8)REC->prio", "253"},
		{"\"%d\", 2 + 3 * 4 - (10 >> 1) % 3", "12"},
		{"\"%d %d\", 1 / 0, !0 && ~0 == -1", "0 1"},
		{"\"a\" \"b\" \"%c%%\", 'c'", "abc%"},
		{"\"%pS %ps\", (void *)0xffffffff80100140, (void *)0xffffffff80100140",
	         "mark_write+0x40/0x100 mark_write"},
		{"\"%s\", __print_flags(0x7, \"|\", { 1, \"a\" }, { 2, \"b\" }, { 0, ((void *)0) })", "a|b|0x4"},
		{"\"%s\", __print_symbolic(9, { 1, \"a\" })", "0x9"},
		{"\"%c\", REC->comm[0]", "n"},
		{"\"%x\", TRACE_EVENT_FL_CUSTOM | 1", "41"},
		{"\"%lld\", -9223372036854775807LL - 1", "-9223372036854775808"},
		{"\"%d\", (int)(-9223372036854775807LL - 1) / -1", "0"},
		// What is not understood is refused, whatever else is there.
		{"\"%s\", some_function(REC->prio)", NULL},
		{"\"%pI4\", REC->comm", NULL},
		{"\"%d\", REC->missing", NULL},
		// No text is at this address.
		{"\"%s\", REC->prio", NULL},
		{"\"%d\", NO_ENUMERATOR", NULL},
		{"\"%d\", REC->comm", NULL},
		{"\"%d\"", NULL},
		{"\"%n\", REC->prio", NULL},
		{"\"unfinished", NULL},
		{"", NULL},
		{"\"%d\", REC->comm[99]", NULL},
	};
	uint8_t data[36] = {0};
	int64_t state = 0x13;
	int32_t prio = -3;
	struct opened opened;

	make_usual(&opened);
	strcpy((char *)data + 8, "next");
	memcpy(data + 24, &state, 8);
	memcpy(data + 32, &prio, 4);
	for (size_t i = 0; i < array_size(cases); i++) {
		char *text = printed(&opened, cases[i].print_fmt, data, sizeof(data), FAKETRACE_SWITCH);

		check_text(text, cases[i].wanted);
		free(text);
	}
	close_trace(&opened);
}

static void deep_expressions(void)
{
	static char format[100000];
	uint8_t data[36] = {0};
	struct opened opened;
	char *text;

	make_usual(&opened);
	strcpy(format, "\"%d\", ");
	memset(format + 6, '(', sizeof(format) - 7);
	text = printed(&opened, format, data, sizeof(data), FAKETRACE_SWITCH);
	check(!text);
	memset(format + 6, '-', sizeof(format) - 7);
	text = printed(&opened, format, data, sizeof(data), FAKETRACE_SWITCH);
	check(!text);
	close_trace(&opened);
}

static void texts_in_records(void)
{
	uint8_t data[32] = {FAKETRACE_OPENED & 0xff, FAKETRACE_OPENED >> 8};
	uint32_t place = 8 << 16 | 16, how = 2;
	struct opened opened;
	char *text;

	make_usual(&opened);
	memcpy(data + 8, &place, 4);
	memcpy(data + 12, &how, 4);
	strcpy((char *)data + 16, "a\x1b"
	                          "b");
	text = printed(&opened, NULL, data, 24, FAKETRACE_OPENED);
	check_text(text, "name=\"a?b\" how=write");
	free(text);
	// It does not end inside of the record.
	text = printed(&opened, NULL, data, 20, FAKETRACE_OPENED);
	check_text(text, NULL);
	close_trace(&opened);
}

static uint64_t get(const uint8_t *bytes, size_t size_bytes)
{
	uint64_t number = 0;

	memcpy(&number, bytes, size_bytes);
	return number;
}

// The file as trace-cmd.dat.v6(5) describes it; trace-cmd itself reads one in tests/vm.
static void file_for_trace_cmd(void)
{
	static uint8_t file[1 << 16];
	struct tracedat_stats stats;
	struct opened opened;
	FILE *out = tmpfile();
	size_t size, at;
	const uint8_t *page, *table;

	make_usual(&opened);
	check_ok(tracedat_write(opened.ftrace, out, &stats));
	rewind(out);
	size = fread(file, 1, sizeof(file), out);
	check(size < sizeof(file) && size == stats.bytes && stats.buffers == 1 && stats.pages == 5);
	check(memcmp(file, "\x17\x08\x44tracing6\0\0\x08\0\x10\0\0header_page", 29) == 0);
	table = memmem(file, size, "flyrecord", 10);
	check(table);
	at = get(table + 10, 8);
	check(at % 4096 == 0 && get(table + 18, 8) == 4 * 4096 && at + 4 * 4096 <= size);
	page = file + at;
	// Without what was read: the time is that of the last of it.
	check(get(page, 8) == 1000 && get(page + 8, 8) == 28 && page[20] == FAKETRACE_PRINT);
	// Lost before the second: their number behind the data, and two marks.
	page += 4096;
	check(get(page, 8) == 3000 && get(page + 8, 8) == (28 | UINT64_C(3) << 30) && get(page + 16 + 28, 8) == 5);
	check(get(table + 26, 8) % 4096 == 0 && get(table + 34, 8) == 4096);
	check(memmem(file, size, "0xffffffff80", 12) && memmem(file, size, " : \"half\\t%d\\n\"\n", 16));
	check(memmem(file, size, "500 worker\n", 11) && memmem(file, size, " t mark_write\n", 14));
	fclose(out);
	close_trace(&opened);
}

static void without_tracing(void)
{
	struct machine *machine;
	struct fakecore fake;
	struct ftrace *ftrace;

	fakecrash_make(&fake, 0);
	fakecore_open(&fake);
	check_ok(machine_open(fake.core, 1000, &machine));
	check_error(ftrace_open(machine, &ftrace), ERROR_UNSUPPORTED, "no symbol ftrace_trace_arrays");
	machine_close(machine);
	fakecore_deinit(&fake);
}

static const struct test tests[] = {
	TEST(events_in_their_order),
	TEST(events_from_a_time_on),
	TEST(damaged_pages),
	TEST(rings_without_an_end),
	TEST(instances_in_a_circle),
	TEST(formats),
	TEST(names),
	TEST(messages),
	TEST(deep_expressions),
	TEST(texts_in_records),
	TEST(file_for_trace_cmd),
	TEST(without_tracing),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
