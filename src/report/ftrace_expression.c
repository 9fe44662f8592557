// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_expression.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

enum { WORD_BYTES = 64 };

struct ftrace_expression_value ftrace_expression_refuse(struct ftrace_expression *in)
{
	in->is_refused = true;
	return (struct ftrace_expression_value){.text = NULL};
}

bool ftrace_expression_accept(struct ftrace_expression *in, const char *token)
{
	while (isspace((unsigned char)*in->at))
		in->at++;
	if (strncmp(in->at, token, strlen(token)) != 0)
		return false;
	in->at += strlen(token);
	return true;
}

static void expect(struct ftrace_expression *in, const char *token)
{
	if (!ftrace_expression_accept(in, token))
		in->is_refused = true;
}

// Keep a text for as long as the message is made.
struct ftrace_expression_value ftrace_expression_keep(struct ftrace_expression *in, const char *text, size_t size_bytes)
{
	char *kept = in->texts + in->texts_used;

	if (size_bytes >= sizeof(in->texts) - in->texts_used)
		return ftrace_expression_refuse(in);
	memcpy(kept, text, size_bytes);
	kept[size_bytes] = '\0';
	in->texts_used += size_bytes + 1;
	return (struct ftrace_expression_value){.text = kept};
}

static bool word(struct ftrace_expression *in, char ret[WORD_BYTES])
{
	size_t size = 0;

	ftrace_expression_accept(in, "");
	while (isalnum((unsigned char)in->at[size]) || in->at[size] == '_')
		size++;
	if (!size || size >= WORD_BYTES || isdigit((unsigned char)in->at[0]))
		return false;
	memcpy(ret, in->at, size);
	ret[size] = '\0';
	in->at += size;
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
struct ftrace_expression_value ftrace_expression_literal(struct ftrace_expression *in)
{
	char text[FTRACE_EXPRESSION_BYTES];
	size_t size = 0;

	while (ftrace_expression_accept(in, "\"")) {
		while (*in->at && *in->at != '"' && size + 1 < sizeof(text)) {
			if (*in->at == '\\' && in->at[1])
				text[size++] = escaped(*++in->at);
			else
				text[size++] = *in->at;
			in->at++;
		}
		if (*in->at != '"')
			return ftrace_expression_refuse(in);
		in->at++;
	}
	return ftrace_expression_keep(in, text, size);
}

const uint8_t *ftrace_expression_bytes(const struct ftrace_format_field *field, const struct ftrace_reader_event *event,
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

static const struct ftrace_format_field *find_field(struct ftrace_expression *in, const char *name)
{
	const struct ftrace_format_field *field = ftrace_format_field(&in->event->format->fields, name);

	return field ? field : ftrace_format_field(&in->ftrace->formats.common, name);
}

static bool is_text(const struct ftrace_format_field *field)
{
	const char *array = strchr(field->type, '[');
	const char *name = strstr(field->type, "char");

	return array && name && name < array && !strchr(field->type, '*');
}

static struct ftrace_expression_value field_text(struct ftrace_expression *in, const struct ftrace_format_field *field)
{
	size_t size = 0;
	const uint8_t *bytes = ftrace_expression_bytes(field, in->event, in->is_big_endian, &size);

	if (!bytes)
		return ftrace_expression_refuse(in);
	return ftrace_expression_keep(in, (const char *)bytes, strnlen((const char *)bytes, size));
}

// Behind "REC->".
static struct ftrace_expression_value field_value(struct ftrace_expression *in)
{
	const struct ftrace_format_field *field;
	struct ftrace_expression_value value = {0};
	char name[WORD_BYTES];

	if (!word(in, name))
		return ftrace_expression_refuse(in);
	field = find_field(in, name);
	if (!field)
		return ftrace_expression_refuse(in);
	value.is_unsigned = !field->is_signed;
	if (ftrace_expression_accept(in, "[")) {
		struct ftrace_format_field element = *field;
		uint64_t index = ftrace_expression_read(in).number;

		expect(in, "]");
		if (in->is_refused || !field->length || index >= field->length)
			return ftrace_expression_refuse(in);
		element.size_bytes = field->size_bytes / field->length;
		element.offset += (uint32_t)index * element.size_bytes;
		if (!ftrace_format_value(&element, in->event->data, in->event->size_bytes, in->is_big_endian,
		                         &value.number))
			return ftrace_expression_refuse(in);
		return value;
	}
	if (is_text(field))
		return field_text(in, field);
	if (strchr(field->type, '[') ||
	    !ftrace_format_value(field, in->event->data, in->event->size_bytes, in->is_big_endian, &value.number))
		return ftrace_expression_refuse(in);
	return value;
}

// __get_str(name) and its like.
static struct ftrace_expression_value dynamic_text(struct ftrace_expression *in)
{
	const struct ftrace_format_field *field;
	char name[WORD_BYTES];

	if (!word(in, name) || !ftrace_expression_accept(in, ")"))
		return ftrace_expression_refuse(in);
	field = find_field(in, name);
	return field ? field_text(in, field) : ftrace_expression_refuse(in);
}

static struct ftrace_expression_value dynamic_length(struct ftrace_expression *in)
{
	const struct ftrace_format_field *field;
	char name[WORD_BYTES];
	size_t size = 0;

	if (!word(in, name) || !ftrace_expression_accept(in, ")"))
		return ftrace_expression_refuse(in);
	field = find_field(in, name);
	if (!field || !ftrace_expression_bytes(field, in->event, in->is_big_endian, &size))
		return ftrace_expression_refuse(in);
	return (struct ftrace_expression_value){.number = size};
}

// trace_print_flags_seq(), trace_print_symbols_seq(): names of bits, or of a number.
static struct ftrace_expression_value print_names(struct ftrace_expression *in, bool is_flags)
{
	char text[FTRACE_EXPRESSION_BYTES] = "";
	uint64_t left = ftrace_expression_read(in).number;
	const char *between = "";
	bool is_found = false;
	size_t size = 0;

	if (is_flags) {
		expect(in, ",");
		between = ftrace_expression_read(in).text;
	}
	while (!in->is_refused && ftrace_expression_accept(in, ",")) {
		struct ftrace_expression_value number, name;

		expect(in, "{");
		number = ftrace_expression_read(in);
		expect(in, ",");
		name = ftrace_expression_read(in);
		expect(in, "}");
		// A list may end in a name that is NULL.
		if (!in->is_refused && !name.text && !name.number)
			continue;
		if (in->is_refused || !name.text || !between)
			return ftrace_expression_refuse(in);
		if (is_flags ? !left || (left & number.number) != number.number : is_found || left != number.number)
			continue;
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s", is_found ? between : "", name.text);
		if (size >= sizeof(text))
			return ftrace_expression_refuse(in);
		is_found = true;
		left = is_flags ? left & ~number.number : left;
	}
	expect(in, ")");
	if ((is_flags && left) || (!is_flags && !is_found))
		snprintf(text + size, sizeof(text) - size, "%s0x%" PRIx64, is_found ? between : "", left);
	return in->is_refused ? ftrace_expression_refuse(in) : ftrace_expression_keep(in, text, strlen(text));
}

static struct ftrace_expression_value call(struct ftrace_expression *in, const char *name)
{
	if (strcmp(name, "__get_str") == 0 || strcmp(name, "__get_rel_str") == 0)
		return dynamic_text(in);
	if (strcmp(name, "__get_dynamic_array_len") == 0 || strcmp(name, "__get_rel_dynamic_array_len") == 0)
		return dynamic_length(in);
	if (strcmp(name, "__print_flags") == 0)
		return print_names(in, true);
	if (strcmp(name, "__print_symbolic") == 0)
		return print_names(in, false);
	return ftrace_expression_refuse(in);
}

// The name of a type between brackets. Gives its bits in a number that an operand is cut to; 0: it is no such type.
static unsigned int cast_bits(struct ftrace_expression *in, bool *is_unsigned_ret)
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
	const char *start = in->at;
	unsigned int bits = 0;
	char name[WORD_BYTES];

	*is_unsigned_ret = false;
	while (word(in, name)) {
		unsigned int found = strcmp(name, "const") == 0 ? bits : 0;

		if (strcmp(name, "struct") == 0 || strcmp(name, "enum") == 0 || strcmp(name, "union") == 0)
			found = word(in, name) ? 32 : 0;
		for (size_t i = 0; i < array_size(types); i++)
			if (strcmp(name, types[i].name) == 0)
				found = types[i].bits;
		if (!found && strcmp(name, "const") != 0) {
			in->at = start;
			return 0;
		}
		*is_unsigned_ret |= name[0] == 'u' || strncmp(name, "__u", 3) == 0 || strcmp(name, "size_t") == 0;
		// "long int", "short unsigned int": the more special word counts.
		if (!bits || found != 32)
			bits = found;
	}
	while (bits && ftrace_expression_accept(in, "*"))
		bits = 64;
	if (bits && ftrace_expression_accept(in, ")"))
		return bits;
	in->at = start;
	return 0;
}

static struct ftrace_expression_value unary(struct ftrace_expression *in);

static struct ftrace_expression_value cast(struct ftrace_expression *in, unsigned int bits, bool is_unsigned)
{
	struct ftrace_expression_value value = unary(in);
	unsigned int shift = 64 - bits;

	value.is_unsigned = is_unsigned;
	if (!value.text)
		value.number = is_unsigned ? value.number << shift >> shift
		                           : (uint64_t)((int64_t)(value.number << shift) >> shift);
	return value;
}

static struct ftrace_expression_value number(struct ftrace_expression *in)
{
	struct ftrace_expression_value value = {0};
	char *end;

	value.number = strtoull(in->at, &end, 0);
	if (end == in->at)
		return ftrace_expression_refuse(in);
	for (in->at = end; *in->at && strchr("uUlL", *in->at); in->at++)
		value.is_unsigned |= *in->at == 'u' || *in->at == 'U';
	return value;
}

// An enumerator that the kernel left as it is.
static struct ftrace_expression_value constant(struct ftrace_expression *in, const char *name)
{
	struct ftrace *ftrace = in->ftrace;
	int64_t number = 0;

	if (!ftrace->constants.is_made)
		ftrace_constants_init(&ftrace->constants, &ftrace->tables, &ftrace->formats);
	if (!ftrace_constants_find(&ftrace->constants, name, &number))
		return ftrace_expression_refuse(in);
	return (struct ftrace_expression_value){.number = (uint64_t)number};
}

static struct ftrace_expression_value primary(struct ftrace_expression *in)
{
	char name[WORD_BYTES];

	ftrace_expression_accept(in, "");
	if (*in->at == '"')
		return ftrace_expression_literal(in);
	if (isdigit((unsigned char)*in->at))
		return number(in);
	if (in->at[0] == '\'' && in->at[1] && in->at[1] != '\\' && in->at[2] == '\'') {
		in->at += 3;
		return (struct ftrace_expression_value){.number = (uint64_t)(unsigned char)in->at[-2]};
	}
	if (ftrace_expression_accept(in, "(")) {
		struct ftrace_expression_value value = ftrace_expression_read(in);

		expect(in, ")");
		return value;
	}
	if (!word(in, name))
		return ftrace_expression_refuse(in);
	if (strcmp(name, "REC") == 0 && ftrace_expression_accept(in, "->"))
		return field_value(in);
	return ftrace_expression_accept(in, "(") ? call(in, name) : constant(in, name);
}

static struct ftrace_expression_value unary(struct ftrace_expression *in)
{
	struct ftrace_expression_value value;
	bool is_unsigned = false;
	unsigned int bits;
	char sign;

	// Each level is a frame of the stack.
	if (in->is_refused || ++in->depth > FTRACE_EXPRESSION_DEPTH_MAX)
		return ftrace_expression_refuse(in);
	ftrace_expression_accept(in, "");
	sign = *in->at;
	if (sign == '(') {
		const char *start = in->at++;

		bits = cast_bits(in, &is_unsigned);
		if (bits) {
			value = cast(in, bits, is_unsigned);
			in->depth--;
			return value;
		}
		in->at = start;
	}
	if (sign && strchr("!~-+", sign)) {
		in->at++;
		value = unary(in);
		if (value.text)
			value = ftrace_expression_refuse(in);
		if (sign == '!')
			value.number = !value.number;
		else if (sign == '~')
			value.number = ~value.number;
		else if (sign == '-')
			value.number = -value.number;
	} else {
		value = primary(in);
	}
	in->depth--;
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

static struct ftrace_expression_value binary(struct ftrace_expression *in, unsigned int least)
{
	struct ftrace_expression_value left;

	if (in->is_refused || ++in->depth > FTRACE_EXPRESSION_DEPTH_MAX)
		return ftrace_expression_refuse(in);
	left = unary(in);
	while (!in->is_refused) {
		const struct sign *sign = NULL;
		struct ftrace_expression_value right;

		ftrace_expression_accept(in, "");
		for (size_t i = 0; i < array_size(signs) && !sign; i++)
			if (strncmp(in->at, signs[i].text, strlen(signs[i].text)) == 0)
				sign = &signs[i];
		if (!sign || sign->strength < least)
			break;
		in->at += strlen(sign->text);
		right = binary(in, sign->strength + 1U);
		if (left.text || right.text)
			return ftrace_expression_refuse(in);
		left.is_unsigned |= right.is_unsigned;
		left.number = compute(sign->text, left.number, right.number, left.is_unsigned);
	}
	in->depth--;
	return left;
}

struct ftrace_expression_value ftrace_expression_read(struct ftrace_expression *in)
{
	struct ftrace_expression_value value, yes, no;

	if (in->is_refused || ++in->depth > FTRACE_EXPRESSION_DEPTH_MAX)
		return ftrace_expression_refuse(in);
	value = binary(in, 1);
	if (ftrace_expression_accept(in, "?")) {
		yes = ftrace_expression_read(in);
		expect(in, ":");
		no = ftrace_expression_read(in);
		value = value.text || value.number ? yes : no;
	}
	in->depth--;
	return value;
}
