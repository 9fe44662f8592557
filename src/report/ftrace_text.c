// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_text.h"

#include <inttypes.h>
#include <string.h>

#include "report/ftrace_expression.h"
#include "report/ftrace_print.h"

enum { VALUE_BYTES = 2048 };

static void plain(char *text, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		text[i] = bytes[i] < ' ' || bytes[i] > '~' ? '?' : (char)bytes[i];
	text[size] = '\0';
}

static size_t element_bytes(const struct ftrace_format_field *field)
{
	const char *array = strchr(field->type, '[');
	const char *type = field->type;

	if (field->length && field->size_bytes >= field->length && field->size_bytes % field->length == 0)
		return field->size_bytes / field->length;
	if (memmem(type, (size_t)(array - type), "long", 4) || memmem(type, (size_t)(array - type), "64", 2) ||
	    memchr(type, '*', (size_t)(array - type)))
		return 8;
	if (memmem(type, (size_t)(array - type), "8", 1) || memmem(type, (size_t)(array - type), "char", 4))
		return 1;
	return memmem(type, (size_t)(array - type), "16", 2) || memmem(type, (size_t)(array - type), "short", 5) ? 2
	                                                                                                         : 4;
}

static void format_number(const struct ftrace_format_field *field, uint64_t number, char *text, size_t room)
{
	if (strchr(field->type, '*'))
		snprintf(text, room, "0x%" PRIx64, number);
	else if (field->is_signed)
		snprintf(text, room, "%" PRId64, (int64_t)number);
	else
		snprintf(text, room, "%" PRIu64, number);
}

static void format_array(const struct ftrace_format_field *field, const uint8_t *bytes, size_t size, bool is_big,
                         char text[VALUE_BYTES])
{
	struct ftrace_format_field element = *field;
	size_t used = 1;

	element.size_bytes = (uint32_t)element_bytes(field);
	strcpy(text, "{");
	for (size_t i = 0; i < size / element.size_bytes; i++) {
		uint64_t number;

		element.offset = (uint32_t)(i * element.size_bytes);
		if (i >= FTRACE_TEXT_ELEMENTS_MAX || !ftrace_format_value(&element, bytes, size, is_big, &number)) {
			used += (size_t)snprintf(text + used, VALUE_BYTES - used, ", ...");
			break;
		}
		used += (size_t)snprintf(text + used, VALUE_BYTES - used, "%s0x%" PRIx64, i ? ", " : "",
		                         element.size_bytes < 8 ? number & ((UINT64_C(1) << 8 * element.size_bytes) - 1)
		                                                : number);
	}
	snprintf(text + used, VALUE_BYTES - used, "}");
}

// What a field holds. is_text_ret: in quotation marks.
static void format_value(struct ftrace *ftrace, const struct ftrace_reader_event *event,
                         const struct ftrace_format_field *field, char text[VALUE_BYTES], bool *is_text_ret)
{
	bool is_big = ftrace->machine->kernel->core->is_big_endian;
	const char *array = strchr(field->type, '[');
	uint64_t number = 0;
	size_t size = 0;
	const uint8_t *bytes;

	*is_text_ret = false;
	if (!array && ftrace_format_value(field, event->data, event->size_bytes, is_big, &number)) {
		format_number(field, number, text, VALUE_BYTES);
		return;
	}
	bytes = ftrace_expression_bytes(field, event, is_big, &size);
	if (!bytes) {
		strcpy(text, "?");
		return;
	}
	*is_text_ret = array && memmem(field->type, (size_t)(array - field->type), "char", 4);
	if (*is_text_ret)
		plain(text, bytes,
		      strnlen((const char *)bytes, size < FTRACE_TEXT_BYTES_MAX ? size : FTRACE_TEXT_BYTES_MAX));
	else if (array)
		format_array(field, bytes, size, is_big, text);
	else
		snprintf(text, VALUE_BYTES, "(%zu bytes)", size);
}

void ftrace_text_fields(struct ftrace *ftrace, const struct ftrace_reader_event *event, FILE *out)
{
	char text[VALUE_BYTES];
	bool is_text;

	if (!event->format) {
		fprintf(out, "%zu bytes of an event of unknown number %u", event->size_bytes, event->id);
		return;
	}
	for (size_t i = 0; i < event->format->fields.count; i++) {
		const struct ftrace_format_field *field = &event->format->fields.list[i];

		format_value(ftrace, event, field, text, &is_text);
		fprintf(out, is_text ? "%s%s=\"%s\"" : "%s%s=%s", i ? " " : "", field->name, text);
	}
}

void ftrace_text_json(struct ftrace *ftrace, const struct ftrace_reader_event *event, struct json *json)
{
	bool is_big = ftrace->machine->kernel->core->is_big_endian, is_text;
	char text[VALUE_BYTES];

	for (size_t i = 0; event->format && i < event->format->fields.count; i++) {
		const struct ftrace_format_field *field = &event->format->fields.list[i];
		uint64_t number = 0;
		bool is_number = !strchr(field->type, '[') && !strchr(field->type, '*') &&
		                 ftrace_format_value(field, event->data, event->size_bytes, is_big, &number);

		format_value(ftrace, event, field, text, &is_text);
		if (is_number && field->is_signed)
			json_signed(json, field->name, (int64_t)number);
		else if (is_number)
			json_number(json, field->name, number);
		else
			json_text(json, field->name, text);
	}
}

void ftrace_text_message(struct ftrace *ftrace, const struct ftrace_reader_event *event, FILE *out)
{
	char text[FTRACE_PRINT_BYTES];
	size_t size;

	if (!event->format || !ftrace_print_message(ftrace, event, text)) {
		ftrace_text_fields(ftrace, event, out);
		return;
	}
	// A marker ends with a newline.
	for (size = strlen(text); size && text[size - 1] == ' '; size--)
		text[size - 1] = '\0';
	fputs(text, out);
}

// trace_print_lat_fmt(): enum trace_flag_type of include/linux/trace_events.h.
void ftrace_text_flags(const struct ftrace_reader_event *event, char text[5])
{
	enum {
		IRQS_OFF = 1,
		BH_OFF = 2,
		NEED_RESCHED_LAZY = 2,
		NEED_RESCHED = 4,
		HARDIRQ = 8,
		SOFTIRQ = 16,
		PREEMPT = 32,
		NMI = 64
	};
	unsigned int flags = event->flags, depth = event->preempt_count & 0xf;

	text[0] = flags & IRQS_OFF ? 'd' : '.';
	text[1] = (flags & NEED_RESCHED) && (flags & PREEMPT) ? 'N'
	          : flags & NEED_RESCHED                      ? 'n'
	          : flags & PREEMPT                           ? 'p'
	                                                      : '.';
	text[2] = flags & NMI                              ? (flags & HARDIRQ ? 'Z' : 'z')
	          : (flags & HARDIRQ) && (flags & SOFTIRQ) ? 'H'
	          : flags & HARDIRQ                        ? 'h'
	          : flags & SOFTIRQ                        ? 's'
	                                                   : '.';
	text[3] = depth ? "0123456789abcdef"[depth] : '.';
	text[4] = '\0';
}
