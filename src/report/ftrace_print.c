// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_print.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

enum { WORD_BYTES = 64, SPEC_BYTES = 32, LINE_WIDTH_MAX = 256 };

// What an expression is: a number, or a text.
struct value {
	const char *text; // NULL: a number.
	uint64_t number;
	bool is_unsigned;
};

// A message while it is made.
struct print {
	struct ftrace *ftrace;
	const struct ftrace_reader_event *event;
	const char *at; // In the print format.
	bool is_refused;
	bool is_big_endian;
	unsigned int depth;
	char texts[FTRACE_PRINT_TEXTS_BYTES];
	size_t texts_used;
	char *out;
	size_t out_used;
};

static struct value expression(struct print *print);

static struct value refuse(struct print *print)
{
	print->is_refused = true;
	return (struct value){.text = NULL};
}

static bool accept(struct print *print, const char *token)
{
	while (isspace((unsigned char)*print->at))
		print->at++;
	if (strncmp(print->at, token, strlen(token)) != 0)
		return false;
	print->at += strlen(token);
	return true;
}

static void expect(struct print *print, const char *token)
{
	if (!accept(print, token))
		print->is_refused = true;
}

// Keep a text for as long as the message is made.
static struct value keep(struct print *print, const char *text, size_t size_bytes)
{
	char *kept = print->texts + print->texts_used;

	if (size_bytes >= sizeof(print->texts) - print->texts_used)
		return refuse(print);
	memcpy(kept, text, size_bytes);
	kept[size_bytes] = '\0';
	print->texts_used += size_bytes + 1;
	return (struct value){.text = kept};
}

static bool word(struct print *print, char ret[WORD_BYTES])
{
	size_t size = 0;

	accept(print, "");
	while (isalnum((unsigned char)print->at[size]) || print->at[size] == '_')
		size++;
	if (!size || size >= WORD_BYTES || isdigit((unsigned char)print->at[0]))
		return false;
	memcpy(ret, print->at, size);
	ret[size] = '\0';
	print->at += size;
	return true;
}

// Character behind a backslash.
static char escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	default:
		return c;
	}
}

// One or several strings behind each other.
static struct value literal(struct print *print)
{
	char text[FTRACE_PRINT_BYTES];
	size_t size = 0;

	while (accept(print, "\"")) {
		while (*print->at && *print->at != '"' && size + 1 < sizeof(text)) {
			if (*print->at == '\\' && print->at[1])
				text[size++] = escaped(*++print->at);
			else
				text[size++] = *print->at;
			print->at++;
		}
		if (*print->at != '"')
			return refuse(print);
		print->at++;
	}
	return keep(print, text, size);
}

const uint8_t *ftrace_print_bytes(const struct ftrace_format_field *field, const struct ftrace_reader_event *event,
                                  bool is_big_endian, size_t *size_ret)
{
	bool is_relative = strncmp(field->type, "__rel_loc", strlen("__rel_loc")) == 0;
	bool is_place = is_relative || strncmp(field->type, "__data_loc", strlen("__data_loc")) == 0;
	size_t start = field->offset, size = field->size_bytes;

	if (start > event->size_bytes)
		return NULL;
	if (is_place) {
		uint32_t place;

		if (event->size_bytes - start < 4)
			return NULL;
		place = load_u32(event->data + start, is_big_endian);
		start = (place & 0xffff) + (is_relative ? start + 4 : 0);
		size = place >> 16;
	} else if (!size) {
		// An array without a length is the rest of the record.
		size = event->size_bytes - start;
	}
	if (start > event->size_bytes || size > event->size_bytes - start)
		return NULL;
	*size_ret = size;
	return event->data + start;
}

static const struct ftrace_format_field *find_field(struct print *print, const char *name)
{
	const struct ftrace_format_field *field = ftrace_format_field(&print->event->format->fields, name);

	return field ? field : ftrace_format_field(&print->ftrace->formats.common, name);
}

static bool is_text(const struct ftrace_format_field *field)
{
	const char *array = strchr(field->type, '[');
	const char *name = strstr(field->type, "char");

	return array && name && name < array && !strchr(field->type, '*');
}

static struct value field_text(struct print *print, const struct ftrace_format_field *field)
{
	size_t size = 0;
	const uint8_t *bytes = ftrace_print_bytes(field, print->event, print->is_big_endian, &size);

	if (!bytes)
		return refuse(print);
	return keep(print, (const char *)bytes, strnlen((const char *)bytes, size));
}

// Behind "REC->".
static struct value field_value(struct print *print)
{
	const struct ftrace_format_field *field;
	struct value value = {0};
	char name[WORD_BYTES];

	if (!word(print, name))
		return refuse(print);
	field = find_field(print, name);
	if (!field)
		return refuse(print);
	value.is_unsigned = !field->is_signed;
	if (accept(print, "[")) {
		struct ftrace_format_field element = *field;
		uint64_t index = expression(print).number;

		expect(print, "]");
		if (print->is_refused || !field->length || index >= field->length)
			return refuse(print);
		element.size_bytes = field->size_bytes / field->length;
		element.offset += (uint32_t)index * element.size_bytes;
		if (!ftrace_format_value(&element, print->event->data, print->event->size_bytes, print->is_big_endian,
		                         &value.number))
			return refuse(print);
		return value;
	}
	if (is_text(field))
		return field_text(print, field);
	if (strchr(field->type, '[') || !ftrace_format_value(field, print->event->data, print->event->size_bytes,
	                                                     print->is_big_endian, &value.number))
		return refuse(print);
	return value;
}

// __get_str(name) and its like.
static struct value dynamic_text(struct print *print)
{
	const struct ftrace_format_field *field;
	char name[WORD_BYTES];

	if (!word(print, name) || !accept(print, ")"))
		return refuse(print);
	field = find_field(print, name);
	return field ? field_text(print, field) : refuse(print);
}

static struct value dynamic_length(struct print *print)
{
	const struct ftrace_format_field *field;
	char name[WORD_BYTES];
	size_t size = 0;

	if (!word(print, name) || !accept(print, ")"))
		return refuse(print);
	field = find_field(print, name);
	if (!field || !ftrace_print_bytes(field, print->event, print->is_big_endian, &size))
		return refuse(print);
	return (struct value){.number = size};
}

// trace_print_flags_seq(), trace_print_symbols_seq(): names of bits, or of a number.
static struct value print_names(struct print *print, bool is_flags)
{
	char text[FTRACE_PRINT_BYTES] = "";
	uint64_t left = expression(print).number;
	const char *between = "";
	bool is_found = false;
	size_t size = 0;

	if (is_flags) {
		expect(print, ",");
		between = expression(print).text;
	}
	while (!print->is_refused && accept(print, ",")) {
		struct value number, name;

		expect(print, "{");
		number = expression(print);
		expect(print, ",");
		name = expression(print);
		expect(print, "}");
		// A list may end in a name that is NULL.
		if (!print->is_refused && !name.text && !name.number)
			continue;
		if (print->is_refused || !name.text || !between)
			return refuse(print);
		if (is_flags ? !left || (left & number.number) != number.number : is_found || left != number.number)
			continue;
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s", is_found ? between : "", name.text);
		if (size >= sizeof(text))
			return refuse(print);
		is_found = true;
		left = is_flags ? left & ~number.number : left;
	}
	expect(print, ")");
	if ((is_flags && left) || (!is_flags && !is_found))
		snprintf(text + size, sizeof(text) - size, "%s0x%" PRIx64, is_found ? between : "", left);
	return print->is_refused ? refuse(print) : keep(print, text, strlen(text));
}

static struct value call(struct print *print, const char *name)
{
	if (strcmp(name, "__get_str") == 0 || strcmp(name, "__get_rel_str") == 0)
		return dynamic_text(print);
	if (strcmp(name, "__get_dynamic_array_len") == 0 || strcmp(name, "__get_rel_dynamic_array_len") == 0)
		return dynamic_length(print);
	if (strcmp(name, "__print_flags") == 0)
		return print_names(print, true);
	if (strcmp(name, "__print_symbolic") == 0)
		return print_names(print, false);
	return refuse(print);
}

// The name of a type between brackets. Gives its bits in a number that an operand is cut to; 0: it is no such type.
static unsigned int cast_bits(struct print *print, bool *is_unsigned_ret)
{
	static const struct {
		const char *name;
		unsigned int bits;
	} types[] = {
		{"u8", 8},       {"s8", 8},      {"__u8", 8},   {"__s8", 8},      {"char", 8},      {"bool", 8},
		{"u16", 16},     {"s16", 16},    {"__u16", 16}, {"__s16", 16},    {"short", 16},    {"u32", 32},
		{"s32", 32},     {"__u32", 32},  {"__s32", 32}, {"int", 32},      {"unsigned", 32}, {"signed", 32},
		{"pid_t", 32},   {"uid_t", 32},  {"gid_t", 32}, {"dev_t", 32},    {"gfp_t", 32},    {"umode_t", 16},
		{"u64", 64},     {"s64", 64},    {"__u64", 64}, {"__s64", 64},    {"long", 64},     {"size_t", 64},
		{"ssize_t", 64}, {"loff_t", 64}, {"ino_t", 64}, {"sector_t", 64}, {"void", 64},     {"uintptr_t", 64},
	};
	const char *start = print->at;
	unsigned int bits = 0;
	char name[WORD_BYTES];

	*is_unsigned_ret = false;
	while (word(print, name)) {
		unsigned int found = strcmp(name, "const") == 0 ? bits : 0;

		if (strcmp(name, "struct") == 0 || strcmp(name, "enum") == 0 || strcmp(name, "union") == 0)
			found = word(print, name) ? 32 : 0;
		for (size_t i = 0; i < array_size(types); i++)
			if (strcmp(name, types[i].name) == 0)
				found = types[i].bits;
		if (!found && strcmp(name, "const") != 0) {
			print->at = start;
			return 0;
		}
		*is_unsigned_ret |= name[0] == 'u' || strncmp(name, "__u", 3) == 0 || strcmp(name, "size_t") == 0;
		// "long int", "short unsigned int": the more special word counts.
		if (!bits || found != 32)
			bits = found;
	}
	while (bits && accept(print, "*"))
		bits = 64;
	if (bits && accept(print, ")"))
		return bits;
	print->at = start;
	return 0;
}

static struct value unary(struct print *print);

static struct value cast(struct print *print, unsigned int bits, bool is_unsigned)
{
	struct value value = unary(print);
	unsigned int shift = 64 - bits;

	value.is_unsigned = is_unsigned;
	if (!value.text)
		value.number = is_unsigned ? value.number << shift >> shift
		                           : (uint64_t)((int64_t)(value.number << shift) >> shift);
	return value;
}

static struct value number(struct print *print)
{
	struct value value = {0};
	char *end;

	value.number = strtoull(print->at, &end, 0);
	if (end == print->at)
		return refuse(print);
	for (print->at = end; *print->at && strchr("uUlL", *print->at); print->at++)
		value.is_unsigned |= *print->at == 'u' || *print->at == 'U';
	return value;
}

// An enumerator that the kernel left as it is.
static struct value constant(struct print *print, const char *name)
{
	struct ftrace *ftrace = print->ftrace;
	int64_t number = 0;

	if (!ftrace->constants.is_made)
		ftrace_constants_init(&ftrace->constants, &ftrace->tables, &ftrace->formats);
	if (!ftrace_constants_find(&ftrace->constants, name, &number))
		return refuse(print);
	return (struct value){.number = (uint64_t)number};
}

static struct value primary(struct print *print)
{
	char name[WORD_BYTES];

	accept(print, "");
	if (*print->at == '"')
		return literal(print);
	if (isdigit((unsigned char)*print->at))
		return number(print);
	if (print->at[0] == '\'' && print->at[1] && print->at[1] != '\\' && print->at[2] == '\'') {
		print->at += 3;
		return (struct value){.number = (uint64_t)(unsigned char)print->at[-2]};
	}
	if (accept(print, "(")) {
		struct value value = expression(print);

		expect(print, ")");
		return value;
	}
	if (!word(print, name))
		return refuse(print);
	if (strcmp(name, "REC") == 0 && accept(print, "->"))
		return field_value(print);
	return accept(print, "(") ? call(print, name) : constant(print, name);
}

static struct value unary(struct print *print)
{
	struct value value;
	bool is_unsigned = false;
	unsigned int bits;
	char sign;

	// Each level is a frame of the stack.
	if (print->is_refused || ++print->depth > FTRACE_PRINT_DEPTH_MAX)
		return refuse(print);
	accept(print, "");
	sign = *print->at;
	if (sign == '(') {
		const char *start = print->at++;

		bits = cast_bits(print, &is_unsigned);
		if (bits) {
			value = cast(print, bits, is_unsigned);
			print->depth--;
			return value;
		}
		print->at = start;
	}
	if (sign && strchr("!~-+", sign)) {
		print->at++;
		value = unary(print);
		if (value.text)
			value = refuse(print);
		if (sign == '!')
			value.number = !value.number;
		else if (sign == '~')
			value.number = ~value.number;
		else if (sign == '-')
			value.number = -value.number;
	} else {
		value = primary(print);
	}
	print->depth--;
	return value;
}

// Operators by how strongly they bind; longer ones before those that they start with.
struct sign {
	char text[3];
	uint8_t strength;
};

static const struct sign signs[] = {
	{"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<=", 7}, {">=", 7}, {"<<", 8}, {">>", 8}, {"|", 3},
	{"^", 4},  {"&", 5},  {"<", 7},  {">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10},
};

static uint64_t divide(uint64_t left, uint64_t right, bool is_unsigned, bool is_rest)
{
	// Also in the half of a choice that the kernel does not take.
	if (!right || (!is_unsigned && (int64_t)right == -1))
		return is_rest ? 0 : (right ? -left : 0);
	if (is_unsigned)
		return is_rest ? left % right : left / right;
	return (uint64_t)(is_rest ? (int64_t)left % (int64_t)right : (int64_t)left / (int64_t)right);
}

static uint64_t compute(const char *text, uint64_t left, uint64_t right, bool is_unsigned)
{
	int64_t a = (int64_t)left, b = (int64_t)right;
	bool is_less = is_unsigned ? left < right : a < b, is_equal = left == right;

	switch (text[0]) {
	case '|':
		return text[1] ? left || right : left | right;
	case '&':
		return text[1] ? left && right : left & right;
	case '^':
		return left ^ right;
	case '=':
		return is_equal;
	case '!':
		return !is_equal;
	case '<':
		if (text[1] == '<')
			return right < 64 ? left << right : 0;
		return is_less || (text[1] && is_equal);
	case '>':
		if (text[1] == '>')
			return right >= 64 ? 0 : is_unsigned ? left >> right : (uint64_t)(a >> right);
		return text[1] ? !is_less : !is_less && !is_equal;
	case '+':
		return left + right;
	case '-':
		return left - right;
	case '*':
		return left * right;
	default:
		return divide(left, right, is_unsigned, text[0] == '%');
	}
}

static struct value binary(struct print *print, unsigned int least)
{
	struct value left;

	if (print->is_refused || ++print->depth > FTRACE_PRINT_DEPTH_MAX)
		return refuse(print);
	left = unary(print);
	while (!print->is_refused) {
		const struct sign *sign = NULL;
		struct value right;

		accept(print, "");
		for (size_t i = 0; i < array_size(signs) && !sign; i++)
			if (strncmp(print->at, signs[i].text, strlen(signs[i].text)) == 0)
				sign = &signs[i];
		if (!sign || sign->strength < least)
			break;
		print->at += strlen(sign->text);
		right = binary(print, sign->strength + 1U);
		if (left.text || right.text)
			return refuse(print);
		left.is_unsigned |= right.is_unsigned;
		left.number = compute(sign->text, left.number, right.number, left.is_unsigned);
	}
	print->depth--;
	return left;
}

static struct value expression(struct print *print)
{
	struct value value, yes, no;

	if (print->is_refused || ++print->depth > FTRACE_PRINT_DEPTH_MAX)
		return refuse(print);
	value = binary(print, 1);
	if (accept(print, "?")) {
		yes = expression(print);
		expect(print, ":");
		no = expression(print);
		value = value.text || value.number ? yes : no;
	}
	print->depth--;
	return value;
}

// A piece of the message, as a terminal may see it.
static void put(struct print *print, const char *text)
{
	for (; *text && print->out_used + 1 < FTRACE_PRINT_BYTES; text++)
		print->out[print->out_used++] = *text == '\n' || *text == '\t' ? ' '
		                                : *text < ' ' || *text > '~'   ? '?'
		                                                               : *text;
	print->out[print->out_used] = '\0';
}

// %ps, %pS and their like, and addresses themselves. The rest of %p has further letters, for what is behind the address.
static void put_pointer(struct print *print, uint64_t vaddr)
{
	char text[SYMBOLS_TEXT_BYTES], kind = *print->at;
	struct symbols_place place;

	if (kind && strchr("sSfFB", kind)) {
		print->at++;
		symbols_find(print->ftrace->machine->symbols, vaddr, &place);
		symbols_format(&place, vaddr, text);
		if (place.name[0] && (kind == 's' || kind == 'f'))
			snprintf(text, sizeof(text), "%s%s%s%s", place.name, place.module ? " [" : "",
			         place.module ? place.module->name : "", place.module ? "]" : "");
		put(print, text);
		return;
	}
	if (kind == 'x' || kind == 'K')
		print->at++;
	else if (isalnum((unsigned char)kind))
		print->is_refused = true;
	snprintf(text, sizeof(text), "%016" PRIx64, vaddr);
	put(print, text);
}

// How many bits a number has by the letters before its conversion: h, hh, l, ll, z, j, t.
static unsigned int length_bits(struct print *print)
{
	unsigned int bits = 32;

	for (; *print->at && strchr("hlLzjtq", *print->at); print->at++)
		bits = *print->at == 'h' ? bits / 2 : 64;
	return bits;
}

static void put_number(struct print *print, char spec[SPEC_BYTES], int width, int precision, char conversion,
                       unsigned int bits, uint64_t number)
{
	char text[2 * LINE_WIDTH_MAX];
	size_t size = strlen(spec);
	unsigned int shift = 64 - (bits < 8 ? 8 : bits);
	bool is_signed = conversion == 'd' || conversion == 'i';

	number = is_signed ? (uint64_t)((int64_t)(number << shift) >> shift) : number << shift >> shift;
	snprintf(spec + size, SPEC_BYTES - size, "*.*j%c", conversion);
	// The format is made here, of flags, two stars and a letter that was looked at.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (is_signed)
		snprintf(text, sizeof(text), spec, width, precision, (intmax_t)number);
	else
		snprintf(text, sizeof(text), spec, width, precision, (uintmax_t)number);
#pragma GCC diagnostic pop
	put(print, text);
}

static void put_text(struct print *print, bool is_left, int width, int precision, const char *text)
{
	char padded[FTRACE_PRINT_BYTES];

	snprintf(padded, sizeof(padded), "%*.*s", is_left ? -width : width,
	         precision < 0 ? FTRACE_PRINT_BYTES : precision, text);
	put(print, padded);
}

static struct value argument(struct print *print, const char **rest)
{
	const char *format = print->at;
	struct value value;

	print->at = *rest;
	expect(print, ",");
	value = expression(print);
	*rest = print->at;
	print->at = format;
	return value;
}

// Width or precision: digits, or a star. -1: none.
static int measure(struct print *print, const char **rest)
{
	int number = -1;

	if (*print->at == '*') {
		struct value value;

		print->at++;
		value = argument(print, rest);
		number = value.text ? 0 : (int)value.number;
	} else if (isdigit((unsigned char)*print->at)) {
		number = (int)strtoul(print->at, (char **)&print->at, 10);
	}
	return number < 0 ? -1 : number < LINE_WIDTH_MAX ? number : LINE_WIDTH_MAX;
}

// A text of the kernel's, by its address: of its code, so that it is still there.
static struct value text_at(struct print *print, uint64_t vaddr)
{
	char text[FTRACE_NAMES_TEXT_BYTES];
	struct error *err = vmemory_text(print->ftrace->machine->kernel->memory, vaddr, text, sizeof(text));

	if (err) {
		error_free(err);
		return refuse(print);
	}
	return keep(print, text, strlen(text));
}

// One conversion, behind its "%". rest: of the arguments.
static void convert(struct print *print, const char **rest)
{
	char spec[SPEC_BYTES] = "%";
	size_t size = 1;
	int width, precision = -1;
	unsigned int bits;
	struct value value;
	char conversion;

	for (; *print->at && strchr("-+ #0", *print->at) && size < 6; print->at++)
		spec[size++] = *print->at;
	spec[size] = '\0';
	width = measure(print, rest);
	width = width < 0 ? 0 : width;
	if (*print->at == '.') {
		print->at++;
		precision = measure(print, rest);
		precision = precision < 0 ? 0 : precision;
	}
	bits = length_bits(print);
	conversion = *print->at;
	if (!conversion || !strchr("diuxXopsc", conversion)) {
		print->is_refused = true;
		return;
	}
	print->at++;
	value = argument(print, rest);
	if (conversion == 's' && !value.text && !print->is_refused)
		value = text_at(print, value.number);
	if (print->is_refused || !value.text != (conversion != 's'))
		print->is_refused = true;
	else if (conversion == 's')
		put_text(print, strchr(spec, '-'), width, precision, value.text);
	else if (conversion == 'c')
		put(print, (const char[]){(char)value.number, '\0'});
	else if (conversion == 'p')
		put_pointer(print, value.number);
	else
		put_number(print, spec, width, precision, conversion, bits, value.number);
}

bool ftrace_print_message(struct ftrace *ftrace, const struct ftrace_reader_event *event, char text[FTRACE_PRINT_BYTES])
{
	struct print print = {.ftrace = ftrace,
	                      .event = event,
	                      .at = event->format->print_fmt,
	                      .is_big_endian = ftrace->machine->kernel->core->is_big_endian,
	                      .out = text};
	const char *rest;
	struct value format;

	text[0] = '\0';
	accept(&print, "");
	format = *print.at == '"' ? literal(&print) : refuse(&print);
	rest = print.at;
	print.at = format.text;
	while (!print.is_refused && *print.at) {
		char c = *print.at++;

		bool is_plain = c != '%' || *print.at == '%';

		print.at += c == '%' && is_plain;
		if (is_plain)
			put(&print, (const char[]){c, '\0'});
		else
			convert(&print, &rest);
	}
	return !print.is_refused;
}
