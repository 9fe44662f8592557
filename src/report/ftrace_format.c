// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_format.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "report/ftrace_page.h"

enum { ID_COUNT = 65536, SYSTEM_BYTES = 128 };

static void free_fields(struct ftrace_format_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		free(fields->list[i].name);
		free(fields->list[i].type);
	}
	free(fields->list);
	*fields = (struct ftrace_format_fields){0};
}

static void free_format(struct ftrace_format *format)
{
	free(format->system);
	free(format->name);
	free(format->print_fmt);
	free_fields(&format->fields);
}

static struct error *read_field(struct ftrace_kernel *tables, uint64_t vaddr, struct ftrace_format_field *field)
{
	uint64_t offset = 0, size = 0, is_signed = 0, length = 0;
	struct error *err = ftrace_kernel_get(tables, vaddr, FTRACE_KERNEL_FIELD_OFFSET, &offset);

	if (!err)
		err = ftrace_kernel_get(tables, vaddr, FTRACE_KERNEL_FIELD_SIZE, &size);
	// A bit of a word, in newer kernels, and the first one.
	if (!err)
		err = ftrace_kernel_get(tables, vaddr, FTRACE_KERNEL_FIELD_IS_SIGNED, &is_signed);
	field->has_length = ftrace_kernel_has(tables, FTRACE_KERNEL_FIELD_LEN);
	if (!err && field->has_length)
		err = ftrace_kernel_get(tables, vaddr, FTRACE_KERNEL_FIELD_LEN, &length);
	if (!err)
		err = ftrace_kernel_text(tables, vaddr, FTRACE_KERNEL_FIELD_NAME, FTRACE_FORMAT_NAME_BYTES,
		                         &field->name);
	if (!err)
		err = ftrace_kernel_text(tables, vaddr, FTRACE_KERNEL_FIELD_TYPE, FTRACE_FORMAT_NAME_BYTES,
		                         &field->type);
	field->offset = (uint32_t)offset;
	field->size_bytes = (uint32_t)size;
	field->length = (uint32_t)length;
	field->is_signed = is_signed & 1;
	return err;
}

// Fields are added at the front: the last of the list is the first of the record.
static struct error *read_fields(struct ftrace_kernel *tables, uint64_t head, struct ftrace_format_fields *fields)
{
	uint64_t link = 0;
	struct error *err = ftrace_kernel_pointer(tables, head + 8, &link);

	while (!err && link != head) {
		struct ftrace_format_field *list;

		if (fields->count >= FTRACE_FORMAT_FIELDS_MAX)
			return error_new(ERROR_BAD_DATA, "there are too many fields");
		list = reallocarray(fields->list, fields->count + 1, sizeof(*list));
		if (!list)
			return error_new(ERROR_NOMEM, "no memory for a list of fields");
		fields->list = list;
		list[fields->count] = (struct ftrace_format_field){0};
		err = read_field(tables, link - ftrace_kernel_at(tables, 0, FTRACE_KERNEL_FIELD_LINK),
		                 &list[fields->count++]);
		if (!err)
			err = ftrace_kernel_pointer(tables, link + 8, &link);
	}
	return err;
}

static struct error *read_name(struct ftrace_kernel *tables, uint64_t call, char **ret)
{
	uint64_t flags = 0, tracepoint = 0;
	uint64_t custom = (uint64_t)tables->members[FTRACE_KERNEL_FL_CUSTOM].value;
	struct error *err = ftrace_kernel_get(tables, call, FTRACE_KERNEL_CALL_FLAGS, &flags);

	if (err)
		return err;
	if (flags & custom || !(flags & (uint64_t)tables->members[FTRACE_KERNEL_FL_TRACEPOINT].value))
		return ftrace_kernel_text(tables, call, FTRACE_KERNEL_CALL_NAME, FTRACE_FORMAT_NAME_BYTES, ret);
	err = ftrace_kernel_get(tables, call, FTRACE_KERNEL_CALL_TP, &tracepoint);
	if (!err)
		err = ftrace_kernel_text(tables, tracepoint, FTRACE_KERNEL_TRACEPOINT_NAME, FTRACE_FORMAT_NAME_BYTES,
		                         ret);
	return err;
}

// Where the fields of an event are: those of a system call's arguments are not its class'.
static struct error *find_fields(struct ftrace_kernel *tables, uint64_t call, uint64_t class, uint64_t *ret)
{
	uint64_t get = 0, data = 0;
	struct error *err = ftrace_kernel_get(tables, class, FTRACE_KERNEL_CLASS_GET_FIELDS, &get);

	if (err)
		return err;
	*ret = ftrace_kernel_at(tables, class, FTRACE_KERNEL_CLASS_FIELDS);
	if (!get)
		return NULL;
	if (get != tables->symbols[FTRACE_KERNEL_GET_ENTER_FIELDS])
		return error_new(ERROR_UNSUPPORTED, "its fields are told by a function of its own");
	err = ftrace_kernel_get(tables, call, FTRACE_KERNEL_CALL_DATA, &data);
	*ret = ftrace_kernel_at(tables, data, FTRACE_KERNEL_SYSCALL_ENTER_FIELDS);
	return err;
}

static struct error *read_format(struct ftrace_kernel *tables, uint64_t call, struct ftrace_format *format)
{
	uint64_t class = 0, id = 0, fields = 0, print_fmt = 0;
	struct error *err = ftrace_kernel_get(tables, call, FTRACE_KERNEL_CALL_CLASS, &class);

	if (!err)
		err = ftrace_kernel_text(tables, class, FTRACE_KERNEL_CLASS_SYSTEM, SYSTEM_BYTES, &format->system);
	if (!err)
		err = read_name(tables, call, &format->name);
	if (!err)
		err = ftrace_kernel_get(tables, ftrace_kernel_at(tables, call, FTRACE_KERNEL_CALL_EVENT),
		                        FTRACE_KERNEL_EVENT_TYPE, &id);
	if (!err)
		err = ftrace_kernel_get(tables, call, FTRACE_KERNEL_CALL_PRINT_FMT, &print_fmt);
	// Some have newlines in them.
	if (!err)
		err = ftrace_kernel_lines_at(tables, print_fmt, FTRACE_FORMAT_PRINT_BYTES, &format->print_fmt);
	if (!err)
		err = find_fields(tables, call, class, &fields);
	if (!err)
		err = read_fields(tables, fields, &format->fields);
	if (!err && id >= ID_COUNT)
		err = error_new(ERROR_BAD_DATA, "event number %ju", (uintmax_t)id);
	format->id = (uint32_t)id;
	return err;
}

static struct error *add_format(struct ftrace_format_list *formats, struct ftrace_format *format, size_t *room)
{
	if (formats->count == *room) {
		size_t more = *room ? *room * 2 : 1024;
		struct ftrace_format *list = reallocarray(formats->list, more, sizeof(*list));

		if (!list)
			return error_new(ERROR_NOMEM, "no memory for a list of events");
		formats->list = list;
		*room = more;
	}
	formats->list[formats->count++] = *format;
	if (!formats->by_id[format->id])
		formats->by_id[format->id] = (uint32_t)formats->count;
	*format = (struct ftrace_format){0};
	return NULL;
}

// Bytes that a format takes, so that many long ones do not take all memory.
static size_t weigh(const struct ftrace_format *format)
{
	size_t bytes = sizeof(*format) + (format->print_fmt ? strlen(format->print_fmt) : 0);

	for (size_t i = 0; i < format->fields.count; i++) {
		const struct ftrace_format_field *field = &format->fields.list[i];

		bytes += sizeof(*field) + (field->name ? strlen(field->name) : 0) +
		         (field->type ? strlen(field->type) : 0);
	}
	return bytes;
}

static struct error *walk(struct ftrace_format_list *formats, struct ftrace_kernel *tables)
{
	uint64_t head = tables->symbols[FTRACE_KERNEL_EVENTS], link = 0;
	struct error *err = ftrace_kernel_pointer(tables, head, &link);
	size_t room = 0, bytes = 0;

	for (size_t i = 0; !err && link != head; i++) {
		struct ftrace_format format = {0};

		if (i >= FTRACE_FORMAT_MAX || bytes > FTRACE_FORMAT_TEXT_BYTES)
			return error_new(ERROR_BAD_DATA, "only the first %zu events", i);
		err = read_format(tables, link - ftrace_kernel_at(tables, 0, FTRACE_KERNEL_CALL_LIST), &format);
		bytes += weigh(&format);
		if (!err)
			err = add_format(formats, &format, &room);
		else if (err->code != ERROR_NOMEM) {
			error_free(err);
			err = NULL;
			formats->unreadable++;
		}
		free_format(&format);
		if (!err)
			err = ftrace_kernel_pointer(tables, link, &link);
	}
	return err;
}

struct error *ftrace_format_list_init(struct ftrace_format_list *ret, struct ftrace_kernel *tables)
{
	static const enum ftrace_kernel_member needed[] = {FTRACE_KERNEL_CALL_LIST,     FTRACE_KERNEL_CALL_EVENT,
	                                                   FTRACE_KERNEL_CLASS_FIELDS,  FTRACE_KERNEL_FIELD_LINK,
	                                                   FTRACE_KERNEL_FL_TRACEPOINT, FTRACE_KERNEL_TRACEPOINT_NAME,
	                                                   FTRACE_KERNEL_CLASS_SYSTEM,  FTRACE_KERNEL_CALL_PRINT_FMT,
	                                                   FTRACE_KERNEL_FIELD_OFFSET,  FTRACE_KERNEL_FIELD_IS_SIGNED};
	uint64_t head = 0, common = 0;
	struct error *err;

	*ret = (struct ftrace_format_list){0};
	err = ftrace_kernel_need(tables, needed, array_size(needed));
	if (!err)
		err = ftrace_kernel_symbol(tables, FTRACE_KERNEL_EVENTS, &head);
	if (!err)
		err = ftrace_kernel_symbol(tables, FTRACE_KERNEL_COMMON_FIELDS, &common);
	if (!err)
		err = read_fields(tables, common, &ret->common);
	if (err)
		return error_wrap(err, "formats of events");
	ret->by_id = calloc(ID_COUNT, sizeof(*ret->by_id));
	if (!ret->by_id)
		return error_new(ERROR_NOMEM, "no memory for numbers of events");
	err = walk(ret, tables);
	if (err && err->code == ERROR_NOMEM)
		return err;
	kernel_explain(ret->why, err);
	return NULL;
}

void ftrace_format_list_deinit(struct ftrace_format_list *formats)
{
	for (size_t i = 0; i < formats->count; i++)
		free_format(&formats->list[i]);
	free(formats->list);
	free_fields(&formats->common);
	free(formats->by_id);
}

const struct ftrace_format *ftrace_format_find(const struct ftrace_format_list *formats, uint32_t id)
{
	if (id >= ID_COUNT || !formats->by_id || !formats->by_id[id])
		return NULL;
	return &formats->list[formats->by_id[id] - 1];
}

const struct ftrace_format_field *ftrace_format_field(const struct ftrace_format_fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (strcmp(fields->list[i].name, name) == 0)
			return &fields->list[i];
	return NULL;
}

bool ftrace_format_value(const struct ftrace_format_field *field, const uint8_t *data, size_t size_bytes,
                         bool is_big_endian, uint64_t *ret)
{
	const uint8_t *at = data + field->offset;

	if (field->offset > size_bytes || field->size_bytes > size_bytes - field->offset)
		return false;
	switch (field->size_bytes) {
	case 1:
		*ret = field->is_signed ? (uint64_t)(int8_t)*at : *at;
		return true;
	case 2:
		*ret = load_u16(at, is_big_endian);
		*ret = field->is_signed ? (uint64_t)(int16_t)*ret : *ret;
		return true;
	case 4:
		*ret = load_u32(at, is_big_endian);
		*ret = field->is_signed ? (uint64_t)(int32_t)*ret : *ret;
		return true;
	case 8:
		*ret = load_u64(at, is_big_endian);
		return true;
	default:
		return false;
	}
}

static void write_fields(const struct ftrace_format_fields *fields, FILE *out)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct ftrace_format_field *field = &fields->list[i];
		const char *array = strchr(field->type, '[');

		// Arrays whose place is told in the record are not written as arrays.
		if (strncmp(field->type, "__data_loc", strlen("__data_loc")) == 0)
			array = NULL;
		if (!array)
			fprintf(out, "\tfield:%s %s;", field->type, field->name);
		else if (!field->has_length)
			fprintf(out, "\tfield:%.*s %s%s;", (int)(array - field->type), field->type, field->name, array);
		else if (field->length)
			fprintf(out, "\tfield:%.*s %s[%u];", (int)(array - field->type), field->type, field->name,
			        field->length);
		else
			fprintf(out, "\tfield:%.*s %s[];", (int)(array - field->type), field->type, field->name);
		fprintf(out, "\toffset:%u;\tsize:%u;\tsigned:%d;\n", field->offset, field->size_bytes,
		        field->is_signed);
	}
}

void ftrace_format_write(const struct ftrace_format_list *formats, const struct ftrace_format *format, FILE *out)
{
	fprintf(out, "name: %s\nID: %u\nformat:\n", format->name, format->id);
	write_fields(&formats->common, out);
	fputc('\n', out);
	write_fields(&format->fields, out);
	fprintf(out, "\nprint fmt: %s\n", format->print_fmt);
}

// Whether char has a sign: since Linux v6.2 on no machine. Each array of them says so.
static bool is_char_signed(const struct ftrace_format_list *formats)
{
	for (size_t i = 0; i < formats->count; i++) {
		const struct ftrace_format_fields *fields = &formats->list[i].fields;

		for (size_t k = 0; k < fields->count; k++)
			if (strncmp(fields->list[k].type, "char[", strlen("char[")) == 0)
				return fields->list[k].is_signed;
	}
	return false;
}

void ftrace_format_write_header_page(const struct ftrace_format_list *formats, size_t page_bytes, FILE *out)
{
	fprintf(out,
	        "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	        "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	        "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	        "\tfield: char data;\toffset:%d;\tsize:%zu;\tsigned:%d;\n",
	        FTRACE_PAGE_HEADER_BYTES, page_bytes - FTRACE_PAGE_HEADER_BYTES, is_char_signed(formats));
}

void ftrace_format_write_header_event(FILE *out)
{
	fputs("# compressed entry header\n"
	      "\ttype_len    :    5 bits\n"
	      "\ttime_delta  :   27 bits\n"
	      "\tarray       :   32 bits\n"
	      "\n"
	      "\tpadding     : type == 29\n"
	      "\ttime_extend : type == 30\n"
	      "\ttime_stamp : type == 31\n"
	      "\tdata max type_len  == 28\n",
	      out);
}
