// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_reader.h"

#include <stdlib.h>

#include "report/ftrace_page.h"

// What one CPU wrote.
struct stream {
	const struct ftrace_buffer_cpu *cpu;
	uint32_t number;
	size_t next_page;
	uint8_t *bytes; // Of the page that is read.
	struct ftrace_page page;
	struct ftrace_page_record record; // The next one.
	uint64_t lost; // Before that.
};

struct ftrace_reader {
	struct ftrace *ftrace;
	const struct ftrace_buffer *buffer;
	const struct ftrace_format_field *type, *flags, *preempt_count, *pid;
	uint64_t first_timestamp;
	uint64_t damaged;
	struct stream *streams;
	size_t stream_count;
	struct stream **heap; // Those that have a record: that of the oldest first.
	size_t heap_count;
	bool is_started; // The first of the heap was given out.
};

static bool is_before(const struct stream *left, const struct stream *right)
{
	if (left->record.timestamp != right->record.timestamp)
		return left->record.timestamp < right->record.timestamp;
	return left->number < right->number;
}

static void sift_down(struct ftrace_reader *reader, size_t at)
{
	struct stream **heap = reader->heap;

	for (;;) {
		size_t child = 2 * at + 1;
		struct stream *moved = heap[at];

		if (child >= reader->heap_count)
			return;
		if (child + 1 < reader->heap_count && is_before(heap[child + 1], heap[child]))
			child++;
		if (!is_before(heap[child], moved))
			return;
		heap[at] = heap[child];
		heap[child] = moved;
		at = child;
	}
}

static struct error *read_bytes(struct ftrace *ftrace, uint64_t vaddr, uint8_t *bytes, size_t size_bytes)
{
	struct kernel *kernel = ftrace->machine->kernel;

	return xlat_read(&kernel->xlat, &kernel->reader, vaddr, bytes, size_bytes);
}

static void note_lost(struct stream *stream, size_t index)
{
	const struct ftrace_buffer_cpu *cpu = stream->cpu;

	// Of a page that cannot be read nobody knows how many there were.
	if (stream->lost != FTRACE_READER_SOME)
		stream->lost += (index == cpu->lost_page ? cpu->lost : 0) + (index ? 0 : cpu->first_lost);
}

// The next page that has a record; false: there is none.
static bool next_page(struct ftrace_reader *reader, struct stream *stream)
{
	bool is_big = reader->ftrace->machine->kernel->core->is_big_endian;

	while (stream->next_page < stream->cpu->page_count) {
		size_t index = stream->next_page++;
		struct error *err = read_bytes(reader->ftrace, stream->cpu->pages[index], stream->bytes,
		                               reader->buffer->page_bytes);

		note_lost(stream, index);
		if (err) {
			error_free(err);
			reader->damaged++;
			stream->lost = FTRACE_READER_SOME;
			continue;
		}
		ftrace_page_init(&stream->page, stream->bytes, reader->buffer->page_bytes, is_big);
		if (!index)
			ftrace_page_skip(&stream->page, stream->cpu->read_bytes);
		if (ftrace_page_next(&stream->page, &stream->record))
			return true;
		reader->damaged += stream->page.is_damaged;
	}
	return false;
}

static bool next_record(struct ftrace_reader *reader, struct stream *stream)
{
	if (stream->page.bytes && ftrace_page_next(&stream->page, &stream->record))
		return true;
	if (stream->page.bytes && stream->page.is_damaged) {
		reader->damaged++;
		stream->lost = FTRACE_READER_SOME;
	}
	stream->page.bytes = NULL;
	return next_page(reader, stream);
}

// The last page that began before the time that is asked for.
static size_t first_page(struct ftrace_reader *reader, const struct ftrace_buffer_cpu *cpu)
{
	size_t index = reader->first_timestamp && cpu->page_count ? cpu->page_count - 1 : 0;

	for (; index; index--) {
		uint64_t began = 0;
		struct error *err = ftrace_kernel_pointer(&reader->ftrace->tables, cpu->pages[index], &began);

		error_free(err);
		if (!err && began <= reader->first_timestamp)
			break;
	}
	return index;
}

static struct error *start_stream(struct ftrace_reader *reader, uint32_t number)
{
	struct stream *stream = &reader->streams[reader->stream_count++];

	*stream = (struct stream){.cpu = &reader->buffer->cpus[number], .number = number};
	stream->bytes = malloc(reader->buffer->page_bytes);
	if (!stream->bytes)
		return error_new(ERROR_NOMEM, "no memory for a page of each CPU");
	stream->next_page = first_page(reader, stream->cpu);
	do {
		if (!next_record(reader, stream))
			return NULL;
		// What was lost before the time that is asked for does not matter.
		if (stream->record.timestamp < reader->first_timestamp)
			stream->lost = 0;
	} while (stream->record.timestamp < reader->first_timestamp);
	reader->heap[reader->heap_count++] = stream;
	return NULL;
}

struct error *ftrace_reader_create(struct ftrace *ftrace, const struct ftrace_buffer *buffer, uint64_t first_timestamp,
                                   struct ftrace_reader **ret)
{
	const struct ftrace_format_fields *common = &ftrace->formats.common;
	_cleanup_(ftrace_reader_destroyp) struct ftrace_reader *reader = calloc(1, sizeof(*reader));
	struct error *err = NULL;

	if (!reader)
		return error_new(ERROR_NOMEM, "out of memory");
	*reader = (struct ftrace_reader){.ftrace = ftrace, .buffer = buffer, .first_timestamp = first_timestamp};
	reader->type = ftrace_format_field(common, "common_type");
	reader->flags = ftrace_format_field(common, "common_flags");
	reader->preempt_count = ftrace_format_field(common, "common_preempt_count");
	reader->pid = ftrace_format_field(common, "common_pid");
	reader->streams = calloc(buffer->cpu_count + 1, sizeof(*reader->streams));
	reader->heap = calloc(buffer->cpu_count + 1, sizeof(struct stream *));
	if (!reader->streams || !reader->heap)
		return error_new(ERROR_NOMEM, "no memory for %u CPUs", buffer->cpu_count);
	for (uint32_t i = 0; i < buffer->cpu_count && !err; i++)
		if (buffer->cpus[i].page_count)
			err = start_stream(reader, i);
	if (err)
		return err;
	for (size_t i = reader->heap_count; i-- > 0;)
		sift_down(reader, i);
	*ret = take_ptr(reader);
	return NULL;
}

void ftrace_reader_destroy(struct ftrace_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->stream_count; i++)
		free(reader->streams[i].bytes);
	free(reader->streams);
	free(reader->heap);
	free(reader);
}

static uint64_t common(const struct ftrace_reader *reader, const struct ftrace_format_field *field,
                       const struct ftrace_page_record *record)
{
	bool is_big = reader->ftrace->machine->kernel->core->is_big_endian;
	uint64_t value = 0;

	return field && ftrace_format_value(field, record->data, record->size_bytes, is_big, &value) ? value : 0;
}

bool ftrace_reader_next(struct ftrace_reader *reader, struct ftrace_reader_event *ret)
{
	struct stream *stream = reader->heap[0];
	const struct ftrace_page_record *record;

	if (reader->is_started && reader->heap_count) {
		if (!next_record(reader, stream))
			reader->heap[0] = reader->heap[--reader->heap_count];
		sift_down(reader, 0);
	}
	reader->is_started = true;
	if (!reader->heap_count)
		return false;
	stream = reader->heap[0];
	record = &stream->record;
	*ret = (struct ftrace_reader_event){
		.buffer = reader->buffer,
		.data = record->data,
		.size_bytes = record->size_bytes,
		.timestamp = record->timestamp,
		.lost = stream->lost,
		.cpu = stream->number,
		.pid = (uint32_t)common(reader, reader->pid, record),
		.id = (uint32_t)common(reader, reader->type, record),
		.flags = (uint8_t)common(reader, reader->flags, record),
		.preempt_count = (uint8_t)common(reader, reader->preempt_count, record),
	};
	ret->format = ftrace_format_find(&reader->ftrace->formats, ret->id);
	ret->task = ftrace_names_task(&reader->ftrace->names, ret->pid);
	stream->lost = 0;
	return true;
}

uint64_t ftrace_reader_damaged(const struct ftrace_reader *reader)
{
	return reader->damaged;
}

bool ftrace_reader_last(struct ftrace *ftrace, const struct ftrace_buffer *buffer, uint64_t *ret)
{
	bool is_big = ftrace->machine->kernel->core->is_big_endian, is_found = false;
	_cleanup_free_ uint8_t *bytes = malloc(buffer->page_bytes ? buffer->page_bytes : 1);

	for (uint32_t i = 0; bytes && i < buffer->cpu_count; i++) {
		const struct ftrace_buffer_cpu *cpu = &buffer->cpus[i];
		struct ftrace_page_record record;
		struct ftrace_page page;
		struct error *err;

		if (!cpu->page_count)
			continue;
		err = read_bytes(ftrace, cpu->pages[cpu->page_count - 1], bytes, buffer->page_bytes);
		error_free(err);
		if (err)
			continue;
		ftrace_page_init(&page, bytes, buffer->page_bytes, is_big);
		while (ftrace_page_next(&page, &record))
			;
		if (!is_found || page.timestamp > *ret)
			*ret = page.timestamp;
		is_found = true;
	}
	return is_found;
}
