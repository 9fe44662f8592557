// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of types.
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "core/btf_describe.h"

struct printer {
	bool is_json, is_enum;
	struct json json;
};

static void print_text(const struct btf_describe *row, bool is_enum)
{
	if (!row->depth)
		printf("%s %s: %" PRIu64 " bytes\n", row->type, row->name, row->size_bytes);
	else if (is_enum)
		printf("  %-40s %" PRId64 "\n", row->name, row->value);
	else if (row->width_bits)
		printf("  %6" PRIu64 " bit %2" PRIu64 " +%-3u %*s%s %s\n", row->offset_bits / 8, row->offset_bits % 8,
		       row->width_bits, 2 * (int)row->depth - 2, "", row->type, row->name);
	else
		printf("  %6" PRIu64 " %10" PRIu64 "  %*s%s %s\n", row->offset_bits / 8, row->size_bytes,
		       2 * (int)row->depth - 2, "", row->type, row->name);
}

static void print_row(void *context, const struct btf_describe *row)
{
	struct printer *printer = context;

	if (!row->depth)
		printer->is_enum = row->type[0] == 'e';
	if (!printer->is_json) {
		print_text(row, printer->is_enum);
		return;
	}
	json_open_object(&printer->json, NULL);
	json_text(&printer->json, "name", row->name[0] ? row->name : NULL);
	json_number(&printer->json, "depth", row->depth);
	if (row->depth && printer->is_enum) {
		char value[24];

		snprintf(value, sizeof(value), "%" PRId64, row->value);
		json_text(&printer->json, "value", value);
	} else {
		json_text(&printer->json, "type", row->type);
		json_number(&printer->json, "offset_bits", row->offset_bits);
		json_number(&printer->json, "width_bits", row->width_bits);
		json_number(&printer->json, "size_bytes", row->size_bytes);
	}
	json_close(&printer->json);
}

struct error *inspect_commands_type(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct printer printer = {0};
	struct error *err = inspect_dump_open(argc, argv, 0, 1, &dump);
	struct kernel *kernel;

	if (!err && !dump.word_count)
		err = error_new(ERROR_USAGE, "type: the name of a type is missing");
	if (!err)
		err = inspect_dump_machine(&dump);
	if (err)
		return err;
	kernel = dump.machine->kernel;
	if (!kernel->syms)
		return error_new(ERROR_UNSUPPORTED, "%s: %s", dump.path, kernel->symbols_why);
	printer.is_json = dump.is_json;
	json_init(&printer.json, stdout);
	if (dump.is_json)
		json_open_array(&printer.json, NULL);
	err = btf_describe(dump.core, &kernel->xlat, kernel->syms, &kernel->reader, dump.words[0], print_row, &printer);
	if (!dump.is_json)
		return err;
	json_close(&printer.json);
	if (!err)
		return json_finish(&printer.json);
	error_free(json_finish(&printer.json));
	return err;
}
