// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/tracedat.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "report/ftrace_page.h"

// Numbers of options: trace-cmd lib/trace-cmd/include/private/trace-cmd-private.h.
enum { OPTION_DONE = 0, OPTION_CPUSTAT = 2, OPTION_BUFFER = 3, OPTION_TRACECLOCK = 4, OPTION_UNAME = 5 };

static const char flyrecord[] = "flyrecord", options_word[] = "options  ";

// A file that is being written.
struct writer {
	struct ftrace *ftrace;
	FILE *out;
	bool is_big_endian; // Of the kernel, and of all numbers.
	size_t page_bytes; // Of the largest sub-buffer; smaller ones have less in it.
	uint32_t cpu_count; // Of the buffer that has most.
	off_t *tables; // For each buffer, where the places of its CPUs' pages stand.
	off_t *offsets; // For each buffer, where the place of that table stands. The main one has none.
	uint8_t *page, *raw;
	struct tracedat_stats stats;
};

static void put_bytes(struct writer *writer, const void *bytes, size_t size_bytes)
{
	// Errors are looked at once, at the end: those of a stream stay.
	(void)!fwrite(bytes, 1, size_bytes, writer->out);
}

static void put_number(struct writer *writer, uint64_t number, size_t size_bytes)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < size_bytes; i++)
		bytes[writer->is_big_endian ? size_bytes - 1 - i : i] = (uint8_t)(number >> 8 * i);
	put_bytes(writer, bytes, size_bytes);
}

static void put_at(struct writer *writer, off_t at, uint64_t number)
{
	if (fseeko(writer->out, at, SEEK_SET) == 0)
		put_number(writer, number, 8);
}

// Text of unknown size: its size is put before it when it is written.
static off_t open_text(struct writer *writer, size_t size_bytes)
{
	put_number(writer, 0, size_bytes);
	return ftello(writer->out);
}

static struct error *close_text(struct writer *writer, off_t start, size_t size_bytes)
{
	off_t end = ftello(writer->out);
	uint64_t bytes = (uint64_t)(end - start);

	if (size_bytes == 4 && bytes > INT32_MAX)
		return error_new(ERROR_BAD_DATA, "a section of %ju bytes", (uintmax_t)bytes);
	if (fseeko(writer->out, start - (off_t)size_bytes, SEEK_SET) == 0)
		put_number(writer, bytes, size_bytes);
	return fseeko(writer->out, end, SEEK_SET) < 0 ? error_os(errno, "seek") : NULL;
}

static struct error *put_format(struct writer *writer, const struct ftrace_format *format)
{
	off_t start = open_text(writer, 8);

	ftrace_format_write(&writer->ftrace->formats, format, writer->out);
	return close_text(writer, start, 8);
}

static struct error *put_headers(struct writer *writer)
{
	static const char magic[] = "\x17\x08\x44"
				    "tracing6";
	struct error *err;
	off_t start;

	put_bytes(writer, magic, sizeof(magic));
	put_number(writer, writer->is_big_endian, 1);
	put_number(writer, 8, 1);
	put_number(writer, writer->page_bytes, 4);
	put_bytes(writer, "header_page", sizeof("header_page"));
	start = open_text(writer, 8);
	ftrace_format_write_header_page(&writer->ftrace->formats, writer->page_bytes, writer->out);
	err = close_text(writer, start, 8);
	if (err)
		return err;
	put_bytes(writer, "header_event", sizeof("header_event"));
	start = open_text(writer, 8);
	ftrace_format_write_header_event(writer->out);
	return close_text(writer, start, 8);
}

static bool is_internal(const struct ftrace_format *format)
{
	return strcmp(format->system, "ftrace") == 0;
}

static struct error *put_internal_formats(struct writer *writer)
{
	const struct ftrace_format_list *formats = &writer->ftrace->formats;
	struct error *err = NULL;
	uint32_t count = 0;

	for (size_t i = 0; i < formats->count; i++)
		count += is_internal(&formats->list[i]);
	put_number(writer, count, 4);
	for (size_t i = 0; i < formats->count && !err; i++)
		if (is_internal(&formats->list[i]))
			err = put_format(writer, &formats->list[i]);
	return err;
}

static int compare_formats(const void *left, const void *right)
{
	const struct ftrace_format *const *a = left, *const *b = right;
	int order = strcmp((*a)->system, (*b)->system);

	return order ? order : ((*a)->id > (*b)->id) - ((*a)->id < (*b)->id);
}

static struct error *put_systems(struct writer *writer, const struct ftrace_format **sorted, size_t count)
{
	uint32_t systems = 0;

	for (size_t i = 0; i < count; i++)
		systems += !i || strcmp(sorted[i]->system, sorted[i - 1]->system) != 0;
	put_number(writer, systems, 4);
	for (size_t start = 0, end; start < count; start = end) {
		for (end = start + 1; end < count && strcmp(sorted[end]->system, sorted[start]->system) == 0; end++)
			;
		put_bytes(writer, sorted[start]->system, strlen(sorted[start]->system) + 1);
		put_number(writer, end - start, 4);
		for (size_t i = start; i < end; i++) {
			struct error *err = put_format(writer, sorted[i]);

			if (err)
				return err;
		}
	}
	return NULL;
}

static struct error *put_formats(struct writer *writer)
{
	const struct ftrace_format_list *formats = &writer->ftrace->formats;
	_cleanup_free_ const struct ftrace_format **sorted = calloc(formats->count + 1, sizeof(void *));
	size_t count = 0;

	if (!sorted)
		return error_new(ERROR_NOMEM, "no memory for a list of events");
	for (size_t i = 0; i < formats->count; i++)
		if (!is_internal(&formats->list[i]))
			sorted[count++] = &formats->list[i];
	qsort(sorted, count, sizeof(void *), compare_formats);
	return put_systems(writer, sorted, count);
}

static void put_symbol(void *context, const struct symbols_place *place)
{
	struct writer *writer = context;

	fprintf(writer->out, "%016" PRIx64 " %c %s", place->vaddr, place->type, place->name);
	if (place->module)
		fprintf(writer->out, "\t[%s]", place->module->name);
	fputc('\n', writer->out);
}

static struct error *put_symbols(struct writer *writer)
{
	off_t start = open_text(writer, 4);

	// Without all names there are fewer names in the events.
	error_free(symbols_each(writer->ftrace->machine->symbols, NULL, put_symbol, writer));
	return close_text(writer, start, 4);
}

// As the kernel's file printk_formats has them.
static struct error *put_texts(struct writer *writer)
{
	const struct ftrace_names *names = &writer->ftrace->names;
	off_t start = open_text(writer, 4);

	for (size_t i = 0; i < names->text_count; i++) {
		fprintf(writer->out, "0x%" PRIx64 " : \"", names->texts[i].vaddr);
		for (const char *c = names->texts[i].text; *c; c++) {
			if (*c == '\n' || *c == '\t')
				fputs(*c == '\n' ? "\\n" : "\\t", writer->out);
			else if (*c == '\\' || *c == '"')
				fprintf(writer->out, "\\%c", *c);
			else
				fputc(*c, writer->out);
		}
		fputs("\"\n", writer->out);
	}
	return close_text(writer, start, 4);
}

static struct error *put_tasks(struct writer *writer)
{
	const struct ftrace_names *names = &writer->ftrace->names;
	off_t start = open_text(writer, 8);

	for (size_t i = 0; i < names->task_count; i++)
		fprintf(writer->out, "%u %s\n", names->tasks[i].pid, names->tasks[i].name);
	return close_text(writer, start, 8);
}

static bool has_pages(const struct ftrace_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->cpu_count; i++)
		if (buffer->cpus[i].page_count)
			return true;
	return false;
}

static bool is_written(const struct ftrace_buffer_list *buffers, size_t index)
{
	return !index || has_pages(&buffers->list[index]);
}

static void put_option(struct writer *writer, unsigned int number, const char *text)
{
	put_number(writer, number, 2);
	put_number(writer, strlen(text) + 1, 4);
	put_bytes(writer, text, strlen(text) + 1);
}

static void put_uname(struct writer *writer)
{
	struct kernel *kernel = writer->ftrace->machine->kernel;
	static const enum kernel_member parts[] = {KERNEL_UTSNAME_NODENAME, KERNEL_UTSNAME_RELEASE,
	                                           KERNEL_UTSNAME_VERSION, KERNEL_UTSNAME_MACHINE};
	char text[400] = "Linux";
	uint64_t names = 0;
	struct error *err = kernel_symbol(kernel, KERNEL_INIT_UTS_NS, &names);

	if (!err)
		err = kernel_need(kernel, (const enum kernel_member[]){KERNEL_UTS_NAME}, 1);
	if (!err)
		err = kernel_need(kernel, parts, array_size(parts));
	for (size_t i = 0; i < array_size(parts) && !err; i++) {
		char part[66];
		size_t size = strlen(text);

		err = vmemory_text(kernel->memory,
		                   kernel_at(kernel, kernel_at(kernel, names, KERNEL_UTS_NAME), parts[i]), part,
		                   sizeof(part));
		if (!err)
			snprintf(text + size, sizeof(text) - size, " %s", part);
	}
	if (!err)
		put_option(writer, OPTION_UNAME, text);
	error_free(err);
}

static void put_stat(struct writer *writer, uint32_t cpu, const struct ftrace_buffer_cpu *stat)
{
	char text[300];

	snprintf(text, sizeof(text),
	         "CPU: %u\nentries: %" PRIu64 "\noverrun: %" PRIu64 "\ncommit overrun: 0\nbytes: 0\n"
	         "oldest event ts: 0\nnow ts: 0\ndropped events: %" PRIu64 "\nread events: %" PRIu64 "\n",
	         cpu, stat->entries - stat->overrun - stat->read, stat->overrun, stat->dropped, stat->read);
	put_option(writer, OPTION_CPUSTAT, text);
}

static void put_options(struct writer *writer)
{
	const struct ftrace_buffer_list *buffers = &writer->ftrace->buffers;
	const struct ftrace_buffer *main = &buffers->list[0];
	char clock[FTRACE_BUFFER_CLOCK_BYTES + 3];

	put_bytes(writer, options_word, sizeof(options_word));
	for (uint32_t i = 0; i < main->cpu_count; i++)
		put_stat(writer, i, &main->cpus[i]);
	if (main->clock[0]) {
		snprintf(clock, sizeof(clock), "[%s]", main->clock);
		put_option(writer, OPTION_TRACECLOCK, clock);
	}
	put_uname(writer);
	for (size_t i = 1; i < buffers->count; i++) {
		const char *name = buffers->list[i].name;

		if (!is_written(buffers, i))
			continue;
		put_number(writer, OPTION_BUFFER, 2);
		put_number(writer, 8 + strlen(name) + 1, 4);
		writer->offsets[i] = ftello(writer->out);
		put_number(writer, 0, 8);
		put_bytes(writer, name, strlen(name) + 1);
	}
	put_number(writer, OPTION_DONE, 2);
}

// Where the pages of each CPU are; filled in when they are written.
static void put_tables(struct writer *writer)
{
	const struct ftrace_buffer_list *buffers = &writer->ftrace->buffers;

	for (size_t i = 0; i < buffers->count; i++) {
		off_t at = ftello(writer->out);

		if (!is_written(buffers, i))
			continue;
		put_bytes(writer, flyrecord, sizeof(flyrecord));
		writer->tables[i] = ftello(writer->out);
		for (uint32_t cpu = 0; cpu < writer->cpu_count; cpu++) {
			put_number(writer, 0, 8);
			put_number(writer, 0, 8);
		}
		if (!i)
			continue;
		put_at(writer, writer->offsets[i], (uint64_t)at);
		fseeko(writer->out, 0, SEEK_END);
	}
}

static void store_u64(const struct writer *writer, uint8_t *at, uint64_t number)
{
	number = writer->is_big_endian ? htobe64(number) : htole64(number);
	memcpy(at, &number, sizeof(number));
}

// A page for the file: without what was read before, zeros behind what was written. false: it is damaged.
static bool make_page(struct writer *writer, const struct ftrace_buffer *buffer, const struct ftrace_buffer_cpu *cpu,
                      size_t index, uint64_t lost)
{
	struct ftrace_page page;
	uint64_t commit;
	size_t size;

	ftrace_page_init(&page, writer->raw, buffer->page_bytes, writer->is_big_endian);
	if (page.is_damaged)
		return false;
	if (!index && cpu->read_bytes)
		ftrace_page_skip(&page, cpu->read_bytes);
	size = page.end - page.at;
	memset(writer->page, 0, writer->page_bytes);
	memcpy(writer->page + FTRACE_PAGE_HEADER_BYTES, writer->raw + page.at, size);
	commit = size;
	if (lost) {
		commit |= FTRACE_PAGE_MISSED;
		// Where there is no room for it, their number is not told.
		if (lost != UINT64_MAX && size + 8 <= writer->page_bytes - FTRACE_PAGE_HEADER_BYTES) {
			store_u64(writer, writer->page + FTRACE_PAGE_HEADER_BYTES + size, lost);
			commit |= FTRACE_PAGE_MISSED_STORED;
		}
	}
	store_u64(writer, writer->page, page.timestamp);
	store_u64(writer, writer->page + 8, commit);
	return true;
}

static struct error *put_cpu(struct writer *writer, const struct ftrace_buffer *buffer, uint32_t number, off_t table)
{
	const struct ftrace_buffer_cpu *cpu = &buffer->cpus[number];
	struct kernel *kernel = writer->ftrace->machine->kernel;
	uint64_t start, pages = 0, lost = 0;

	if (fseeko(writer->out, 0, SEEK_END) < 0)
		return error_os(errno, "seek");
	start = ((uint64_t)ftello(writer->out) + writer->page_bytes - 1) / writer->page_bytes * writer->page_bytes;
	if (fseeko(writer->out, (off_t)start, SEEK_SET) < 0)
		return error_os(errno, "seek");
	for (size_t i = 0; i < cpu->page_count && !ferror(writer->out); i++) {
		struct error *err =
			xlat_read(&kernel->xlat, &kernel->reader, cpu->pages[i], writer->raw, buffer->page_bytes);

		if (lost != UINT64_MAX)
			lost += (i == cpu->lost_page ? cpu->lost : 0) + (i ? 0 : cpu->first_lost);
		if (err || !make_page(writer, buffer, cpu, i, lost)) {
			error_free(err);
			writer->stats.damaged_pages++;
			lost = UINT64_MAX;
			continue;
		}
		put_bytes(writer, writer->page, writer->page_bytes);
		lost = 0;
		pages++;
	}
	writer->stats.pages += pages;
	put_at(writer, table, start);
	put_number(writer, pages * writer->page_bytes, 8);
	return NULL;
}

static struct error *put_pages(struct writer *writer)
{
	const struct ftrace_buffer_list *buffers = &writer->ftrace->buffers;
	struct error *err = NULL;

	for (size_t i = 0; i < buffers->count && !err; i++) {
		const struct ftrace_buffer *buffer = &buffers->list[i];

		if (!is_written(buffers, i))
			continue;
		writer->stats.buffers++;
		writer->stats.other_clocks += buffer->is_ns != buffers->list[0].is_ns;
		for (uint32_t cpu = 0; cpu < buffer->cpu_count && !err; cpu++)
			err = put_cpu(writer, buffer, cpu, writer->tables[i] + 16 * (off_t)cpu);
		// trace-cmd opens each CPU's pages, and wants to know where they would be.
		for (uint32_t cpu = buffer->cpu_count; cpu < writer->cpu_count && !err; cpu++)
			put_at(writer, writer->tables[i] + 16 * (off_t)cpu, writer->page_bytes);
	}
	return err;
}

static struct error *put_all(struct writer *writer)
{
	struct error *err = put_headers(writer);

	if (!err)
		err = put_internal_formats(writer);
	if (!err)
		err = put_formats(writer);
	if (!err)
		err = put_symbols(writer);
	if (!err)
		err = put_texts(writer);
	if (!err)
		err = put_tasks(writer);
	if (err)
		return err;
	put_number(writer, writer->cpu_count, 4);
	put_options(writer);
	put_tables(writer);
	return put_pages(writer);
}

static void measure(struct writer *writer)
{
	const struct ftrace_buffer_list *buffers = &writer->ftrace->buffers;

	writer->page_bytes = (size_t)vmcore_page_bytes(writer->ftrace->machine->kernel->core);
	writer->cpu_count = 1;
	for (size_t i = 0; i < buffers->count; i++) {
		const struct ftrace_buffer *buffer = &buffers->list[i];

		if (buffer->page_bytes > writer->page_bytes)
			writer->page_bytes = buffer->page_bytes;
		if (buffer->cpu_count > writer->cpu_count)
			writer->cpu_count = buffer->cpu_count;
	}
}

struct error *tracedat_write(struct ftrace *ftrace, FILE *out, struct tracedat_stats *ret)
{
	size_t count = ftrace->buffers.count;
	_cleanup_free_ off_t *tables = calloc(count + 1, sizeof(*tables)),
			     *offsets = calloc(count + 1, sizeof(*offsets));
	struct writer writer = {.ftrace = ftrace, .out = out, .tables = tables, .offsets = offsets};
	_cleanup_free_ uint8_t *page = NULL, *raw = NULL;
	struct error *err;

	if (!count)
		return error_new(ERROR_BAD_DATA, "no trace buffer can be read: %s", ftrace->buffers.why);
	writer.is_big_endian = ftrace->machine->kernel->core->is_big_endian;
	measure(&writer);
	page = writer.page = malloc(writer.page_bytes);
	raw = writer.raw = malloc(writer.page_bytes);
	if (!tables || !offsets || !page || !raw)
		return error_new(ERROR_NOMEM, "no memory for a page");
	errno = 0;
	err = put_all(&writer);
	if (!err && (fseeko(out, 0, SEEK_END) < 0 || fflush(out) != 0 || ferror(out)))
		err = error_os(errno ? errno : EIO, "write");
	if (err)
		return err;
	writer.stats.bytes = (uint64_t)ftello(out);
	*ret = writer.stats;
	return NULL;
}
