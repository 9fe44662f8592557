// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of addresses: sym, read.
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"

enum {
	WORD_BYTES = 8,
	WORDS_PER_LINE = 2,
	// Of one command; whoever wants more wants the dump itself.
	WORDS_MAX = 1 << 20,
};

struct symbol_printer {
	const struct inspect_dump *dump;
	struct json json;
	size_t count;
};

static void print_symbol(void *context, const struct symbols_place *place)
{
	struct symbol_printer *printer = context;
	char text[24];

	printer->count++;
	snprintf(text, sizeof(text), "%016" PRIx64, place->vaddr + place->offset_bytes);
	if (!printer->dump->is_json) {
		// It is whatever the dump has there, which must not get at a terminal.
		printf("%s (%c) %s", text, isalpha((unsigned char)place->type) ? place->type : '?',
		       place->name[0] ? place->name : "?");
		if (place->offset_bytes)
			printf("+%#" PRIx64, place->offset_bytes);
		if (place->module)
			printf(" [%s]", place->module->name);
		putchar('\n');
		return;
	}
	json_open_object(&printer->json, NULL);
	json_text(&printer->json, "address", text);
	json_text(&printer->json, "name", place->name[0] ? place->name : NULL);
	json_number(&printer->json, "offset", place->offset_bytes);
	json_number(&printer->json, "size_bytes", place->size_bytes);
	json_text(&printer->json, "module", place->module ? place->module->name : NULL);
	json_close(&printer->json);
}

static struct error *find_symbols(struct symbol_printer *printer, const char *word)
{
	struct symbols *symbols = printer->dump->machine->symbols;
	struct symbols_place place;
	uint64_t vaddr;
	struct error *err = symbols_each(symbols, word, print_symbol, printer);

	if (err || printer->count)
		return err;
	err = inspect_dump_address(printer->dump, word, &vaddr);
	if (err)
		return err;
	symbols_find(symbols, vaddr, &place);
	if (!place.name[0])
		return error_new(ERROR_BAD_DATA, "no symbol is at %#" PRIx64 "%s%s", vaddr,
		                 place.module ? ", which is in module " : "", place.module ? place.module->name : "");
	print_symbol(printer, &place);
	return NULL;
}

struct error *inspect_commands_sym(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct symbol_printer printer = {.dump = &dump};
	struct error *err = inspect_dump_open(argc, argv, 0, 1, &dump);

	if (!err && !dump.word_count)
		err = error_new(ERROR_USAGE, "sym: an address or a name is missing");
	if (!err)
		err = inspect_dump_machine(&dump);
	if (err)
		return err;
	if (!dump.is_json)
		return find_symbols(&printer, dump.words[0]);
	json_init(&printer.json, stdout);
	json_open_array(&printer.json, NULL);
	err = find_symbols(&printer, dump.words[0]);
	json_close(&printer.json);
	if (!err)
		return json_finish(&printer.json);
	error_free(json_finish(&printer.json));
	return err;
}

static void print_line(uint64_t vaddr, const uint64_t *words, size_t count)
{
	printf("%016" PRIx64 ": ", vaddr);
	for (size_t i = 0; i < WORDS_PER_LINE; i++) {
		if (i < count)
			printf(" %016" PRIx64, words[i]);
		else
			printf(" %16s", "");
	}
	printf("   ");
	for (size_t i = 0; i < count * WORD_BYTES; i++) {
		unsigned char c = (unsigned char)(words[i / WORD_BYTES] >> i % WORD_BYTES * 8);

		putchar(c >= ' ' && c < 0x7f ? c : '.');
	}
	putchar('\n');
}

static struct error *read_words(const struct inspect_dump *dump, uint64_t vaddr, uint64_t count, struct json *json)
{
	struct error *err = NULL;

	while (count && !err) {
		uint64_t words[WORDS_PER_LINE] = {0};
		size_t got = 0;

		while (got < WORDS_PER_LINE && got < count && !err) {
			err = vmemory_uint(dump->machine->kernel->memory, vaddr + got * WORD_BYTES, WORD_BYTES,
			                   &words[got]);
			got += !err;
		}
		if (got && !dump->is_json)
			print_line(vaddr, words, got);
		for (size_t i = 0; i < got && dump->is_json; i++) {
			char text[24];

			snprintf(text, sizeof(text), "%#" PRIx64, words[i]);
			json_text(json, NULL, text);
		}
		vaddr += got * WORD_BYTES;
		count -= got;
	}
	return err;
}

struct error *inspect_commands_read(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	uint64_t vaddr = 0, count = 1;
	struct error *err = inspect_dump_open(argc, argv, 0, 2, &dump);
	struct json json;

	if (!err && !dump.word_count)
		err = error_new(ERROR_USAGE, "read: an address is missing");
	if (!err && dump.word_count > 1)
		err = inspect_dump_number(dump.words[1], "read: number of words", WORDS_MAX, &count);
	if (!err)
		err = inspect_dump_machine(&dump);
	if (!err)
		err = inspect_dump_address(&dump, dump.words[0], &vaddr);
	if (err)
		return err;
	json_init(&json, stdout);
	if (!dump.is_json)
		return read_words(&dump, vaddr, count, &json);
	json_open_array(&json, NULL);
	err = read_words(&dump, vaddr, count, &json);
	json_close(&json);
	if (!err)
		return json_finish(&json);
	error_free(json_finish(&json));
	return err;
}
