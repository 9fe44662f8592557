// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_print.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/ftrace_expression.h"

enum { SPEC_BYTES = 32, LINE_WIDTH_MAX = 256 };

// A message while it is made.
struct print {
	struct ftrace_expression in;
	char *out;
	size_t out_used;
};

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
	char text[SYMBOLS_TEXT_BYTES], kind = *print->in.at;
	struct symbols_place place;

	if (kind && strchr("sSfFB", kind)) {
		print->in.at++;
		symbols_find(print->in.ftrace->machine->symbols, vaddr, &place);
		symbols_format(&place, vaddr, text);
		if (place.name[0] && (kind == 's' || kind == 'f'))
			snprintf(text, sizeof(text), "%s%s%s%s", place.name, place.module ? " [" : "",
			         place.module ? place.module->name : "", place.module ? "]" : "");
		put(print, text);
		return;
	}
	if (kind == 'x' || kind == 'K')
		print->in.at++;
	else if (isalnum((unsigned char)kind))
		print->in.is_refused = true;
	snprintf(text, sizeof(text), "%016" PRIx64, vaddr);
	put(print, text);
}

// How many bits a number has by the letters before its conversion: h, hh, l, ll, z, j, t.
static unsigned int length_bits(struct print *print)
{
	unsigned int bits = 32;

	for (; *print->in.at && strchr("hlLzjtq", *print->in.at); print->in.at++)
		bits = *print->in.at == 'h' ? bits / 2 : 64;
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

static struct ftrace_expression_value argument(struct print *print, const char **rest)
{
	const char *format = print->in.at;
	struct ftrace_expression_value value;

	print->in.at = *rest;
	if (!ftrace_expression_accept(&print->in, ","))
		print->in.is_refused = true;
	value = ftrace_expression_read(&print->in);
	*rest = print->in.at;
	print->in.at = format;
	return value;
}

// Width or precision: digits, or a star. -1: none.
static int measure(struct print *print, const char **rest)
{
	int number = -1;

	if (*print->in.at == '*') {
		struct ftrace_expression_value value;

		print->in.at++;
		value = argument(print, rest);
		number = value.text ? 0 : (int)value.number;
	} else if (isdigit((unsigned char)*print->in.at)) {
		number = (int)strtoul(print->in.at, (char **)&print->in.at, 10);
	}
	return number < 0 ? -1 : number < LINE_WIDTH_MAX ? number : LINE_WIDTH_MAX;
}

// A text of the kernel's, by its address: of its code, so that it is still there.
static struct ftrace_expression_value text_at(struct print *print, uint64_t vaddr)
{
	char text[FTRACE_NAMES_TEXT_BYTES];
	struct error *err = vmemory_text(print->in.ftrace->machine->kernel->memory, vaddr, text, sizeof(text));

	if (err) {
		error_free(err);
		return ftrace_expression_refuse(&print->in);
	}
	return ftrace_expression_keep(&print->in, text, strlen(text));
}

// One conversion, behind its "%". rest: of the arguments.
static void convert(struct print *print, const char **rest)
{
	char spec[SPEC_BYTES] = "%";
	size_t size = 1;
	int width, precision = -1;
	unsigned int bits;
	struct ftrace_expression_value value;
	char conversion;

	for (; *print->in.at && strchr("-+ #0", *print->in.at) && size < 6; print->in.at++)
		spec[size++] = *print->in.at;
	spec[size] = '\0';
	width = measure(print, rest);
	width = width < 0 ? 0 : width;
	if (*print->in.at == '.') {
		print->in.at++;
		precision = measure(print, rest);
		precision = precision < 0 ? 0 : precision;
	}
	bits = length_bits(print);
	conversion = *print->in.at;
	if (!conversion || !strchr("diuxXopsc", conversion)) {
		print->in.is_refused = true;
		return;
	}
	print->in.at++;
	value = argument(print, rest);
	if (conversion == 's' && !value.text && !print->in.is_refused)
		value = text_at(print, value.number);
	if (print->in.is_refused || !value.text != (conversion != 's'))
		print->in.is_refused = true;
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
	struct print print = {.in = {.ftrace = ftrace,
	                             .event = event,
	                             .at = event->format->print_fmt,
	                             .is_big_endian = ftrace->machine->kernel->core->is_big_endian},
	                      .out = text};
	const char *rest;
	struct ftrace_expression_value format;

	text[0] = '\0';
	ftrace_expression_accept(&print.in, "");
	format = *print.in.at == '"' ? ftrace_expression_literal(&print.in) : ftrace_expression_refuse(&print.in);
	rest = print.in.at;
	print.in.at = format.text;
	while (!print.in.is_refused && *print.in.at) {
		char c = *print.in.at++;

		bool is_plain = c != '%' || *print.in.at == '%';

		print.in.at += c == '%' && is_plain;
		if (is_plain)
			put(&print, (const char[]){c, '\0'});
		else
			convert(&print, &rest);
	}
	return !print.in.is_refused;
}
