// SPDX-License-Identifier: GPL-2.0-or-later
// Whether dumps are of the same crash.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "report/crashdiff.h"

enum { DUMPS_MAX = 1024, COLUMN = 44 };

struct compare {
	bool is_json;
	char **paths; // Borrowed.
	struct crashdiff *crashes;
	size_t count;
	struct json json;
};

static struct error *parse(int argc, char **argv, struct compare *compare)
{
	bool is_end = false;

	compare->paths = argv + 1;
	for (int i = 1; i < argc; i++) {
		if (is_end || argv[i][0] != '-' || !argv[i][1])
			compare->paths[compare->count++] = argv[i];
		else if (strcmp(argv[i], "--json") == 0)
			compare->is_json = true;
		else if (strcmp(argv[i], "--") == 0)
			is_end = true;
		else
			return error_new(ERROR_USAGE, "unknown option %s", argv[i]);
	}
	if (compare->count < 2 || compare->count > DUMPS_MAX)
		return error_new(ERROR_USAGE, "compare: two dumps at least, and %d at most", DUMPS_MAX);
	return NULL;
}

static struct error *read_all(struct compare *compare)
{
	struct error *err = NULL;

	compare->crashes = calloc(compare->count, sizeof(*compare->crashes));
	if (!compare->crashes)
		return error_new(ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < compare->count && !err; i++) {
		_cleanup_inspect_dump_ struct inspect_dump dump = {.path = compare->paths[i]};

		err = inspect_dump_open_files(&dump);
		if (!err)
			err = crashdiff_init(&compare->crashes[i], dump.core);
	}
	return err;
}

static const char *or_unknown(const char *text)
{
	return text[0] ? text : "not known";
}

static void print_both(const char *title, const char *left, const char *right)
{
	bool is_same = strcmp(left, right) == 0;

	if (is_same)
		printf("  %-13s   %s\n", title, or_unknown(left));
	else
		printf("  %-13s < %s\n  %-13s > %s\n", title, or_unknown(left), "", or_unknown(right));
}

static void print_frames(void *context, size_t left, size_t right)
{
	const struct compare *compare = context;
	const struct crashdiff *a = &compare->crashes[0], *b = &compare->crashes[1];
	bool counts = (left != SIZE_MAX && left >= a->frame_first && left < a->frame_first + SIGNATURE_FUNCTIONS) ||
	              (right != SIZE_MAX && right >= b->frame_first && right < b->frame_first + SIGNATURE_FUNCTIONS);

	printf("  %c %-*s %c %s\n", counts ? '*' : ' ', COLUMN, left == SIZE_MAX ? "" : a->frames[left],
	       left == SIZE_MAX    ? '>'
	       : right == SIZE_MAX ? '<'
	                           : ' ',
	       right == SIZE_MAX ? "" : b->frames[right]);
}

static void print_module(void *context, const struct crashdiff_module *left, const struct crashdiff_module *right)
{
	bool *is_first = context;

	if (*is_first)
		puts("\nmodules");
	*is_first = false;
	if (left && right)
		printf("  ! %-24s %" PRIu64 " bytes %s %s, %" PRIu64 " bytes %s %s\n", left->name, left->size_bytes,
		       left->version, left->taints, right->size_bytes, right->version, right->taints);
	else
		printf("  %c %-24s %" PRIu64 " bytes %s %s\n", left ? '<' : '>', left ? left->name : right->name,
		       left ? left->size_bytes : right->size_bytes, left ? left->version : right->version,
		       left ? left->taints : right->taints);
}

struct words {
	char mark;
	bool *is_first;
};

static void print_word(void *context, const char *word, size_t size_bytes)
{
	struct words *words = context;

	if (*words->is_first)
		puts("\nkernel's command line");
	*words->is_first = false;
	printf("  %c %.*s\n", words->mark, (int)size_bytes, word);
}

static struct error *print_two(struct compare *compare)
{
	const struct crashdiff *a = &compare->crashes[0], *b = &compare->crashes[1];
	bool is_first_module = true, is_first_word = true;
	struct words left = {'<', &is_first_word}, right = {'>', &is_first_word};
	char uptimes[2][32];
	struct error *err;

	for (size_t i = 0; i < 2; i++)
		snprintf(uptimes[i], sizeof(uptimes[i]), "%" PRIu64 " s", compare->crashes[i].uptime_s);
	printf("%s\n\n", crashdiff_is_same(a, b)              ? "the same crash"
	                 : a->signature[0] && b->signature[0] ? "not the same crash"
	                                                      : "whether it is the same crash is not known");
	print_both("dump", compare->paths[0], compare->paths[1]);
	print_both("signature", a->signature, b->signature);
	print_both("cause", a->cause, b->cause);
	print_both("", a->cause_text, b->cause_text);
	print_both("host", a->host, b->host);
	print_both("kernel", a->release, b->release);
	print_both("", a->version, b->version);
	print_both("build id", a->build_id, b->build_id);
	print_both("tainted", a->taints[0] ? a->taints : "no", b->taints[0] ? b->taints : "no");
	print_both("uptime", uptimes[0], uptimes[1]);
	printf("\nstack (*: counts for the signature)\n");
	err = crashdiff_stacks(a, b, print_frames, compare);
	for (size_t i = 0; i < 2; i++)
		if (compare->crashes[i].trace_why[0])
			printf("  %c not complete: %s\n", i ? '>' : '<', compare->crashes[i].trace_why);
	crashdiff_modules(a, b, print_module, &is_first_module);
	crashdiff_words(a, b, print_word, &left);
	crashdiff_words(b, a, print_word, &right);
	return err;
}

static bool is_first_of_group(const struct compare *compare, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (crashdiff_is_same(&compare->crashes[i], &compare->crashes[index]))
			return false;
	return true;
}

static void print_groups(const struct compare *compare)
{
	for (size_t i = 0; i < compare->count; i++) {
		const struct crashdiff *crash = &compare->crashes[i];

		if (!is_first_of_group(compare, i))
			continue;
		printf("%s%s  %s%s%s\n", i ? "\n" : "", crash->signature[0] ? crash->signature : "no signature",
		       crash->cause, crash->cause_text[0] ? ": " : "", crash->cause_text);
		for (size_t j = i; j < compare->count; j++)
			if (j == i || crashdiff_is_same(crash, &compare->crashes[j]))
				printf("  %s  %s  %s\n", compare->paths[j], or_unknown(compare->crashes[j].host),
				       or_unknown(compare->crashes[j].release));
	}
}

static void write_crash(struct compare *compare, size_t index)
{
	const struct crashdiff *crash = &compare->crashes[index];
	struct json *json = &compare->json;

	json_open_object(json, NULL);
	json_text(json, "path", compare->paths[index]);
	json_text(json, "signature", crash->signature[0] ? crash->signature : NULL);
	json_text(json, "cause", crash->cause);
	json_text(json, "cause_text", crash->cause_text[0] ? crash->cause_text : NULL);
	json_text(json, "host", crash->host[0] ? crash->host : NULL);
	json_text(json, "release", crash->release[0] ? crash->release : NULL);
	json_text(json, "version", crash->version[0] ? crash->version : NULL);
	json_text(json, "build_id", crash->build_id[0] ? crash->build_id : NULL);
	json_text(json, "tainted", crash->taints);
	json_signed(json, "crash_time_s", crash->crash_time_s);
	json_number(json, "uptime_s", crash->uptime_s);
	json_text(json, "cmdline", crash->command_line[0] ? crash->command_line : NULL);
	json_number(json, "trace_first", crash->frame_first);
	json_open_array(json, "trace");
	for (size_t i = 0; i < crash->frame_count; i++)
		json_text(json, NULL, crash->frames[i]);
	json_close(json);
	json_text(json, "trace_problem", crash->trace_why[0] ? crash->trace_why : NULL);
	json_close(json);
}

static void write_module(void *context, const struct crashdiff_module *left, const struct crashdiff_module *right)
{
	const char *name = left ? left->name : NULL;
	struct json *json = context;

	if (right)
		name = right->name;
	json_open_object(json, NULL);
	json_text(json, "name", name);
	json_text(json, "left_version", left ? left->version : NULL);
	json_text(json, "right_version", right ? right->version : NULL);
	json_text(json, "left_tainted", left ? left->taints : NULL);
	json_text(json, "right_tainted", right ? right->taints : NULL);
	json_number(json, "left_bytes", left ? left->size_bytes : 0);
	json_number(json, "right_bytes", right ? right->size_bytes : 0);
	json_close(json);
}

static void write_word(void *context, const char *word, size_t size_bytes)
{
	char text[OVERVIEW_COMMAND_LINE_BYTES];

	snprintf(text, sizeof(text), "%.*s", (int)size_bytes, word);
	json_text(context, NULL, text);
}

static bool is_one_crash(const struct compare *compare)
{
	for (size_t i = 1; i < compare->count; i++)
		if (!crashdiff_is_same(&compare->crashes[0], &compare->crashes[i]))
			return false;
	return true;
}

static struct error *write_all(struct compare *compare)
{
	const struct crashdiff *a = &compare->crashes[0], *b = &compare->crashes[1];
	struct json *json = &compare->json;

	json_init(json, stdout);
	json_open_object(json, NULL);
	json_bool(json, "is_same", is_one_crash(compare));
	json_open_array(json, "crashes");
	for (size_t i = 0; i < compare->count; i++)
		write_crash(compare, i);
	json_close(json);
	if (compare->count == 2) {
		json_open_array(json, "modules_differ");
		crashdiff_modules(a, b, write_module, json);
		json_close(json);
		json_open_array(json, "cmdline_left");
		crashdiff_words(a, b, write_word, json);
		json_close(json);
		json_open_array(json, "cmdline_right");
		crashdiff_words(b, a, write_word, json);
		json_close(json);
	}
	json_close(json);
	return json_finish(json);
}

static struct error *judge(const struct compare *compare)
{
	for (size_t i = 0; i < compare->count; i++)
		if (!compare->crashes[i].signature[0])
			return error_new(ERROR_BAD_DATA,
			                 "%s: its crash has no signature, by which it could be compared",
			                 compare->paths[i]);
	// EXIT_CONFIG is the one of its number: see kdump-inspect(1).
	return is_one_crash(compare) ? NULL : error_new(ERROR_CONFIG, "not all are the same crash");
}

struct error *inspect_commands_compare(int argc, char **argv)
{
	struct compare compare = {0};
	struct error *err = parse(argc, argv, &compare);

	if (!err)
		err = read_all(&compare);
	if (!err && compare.is_json)
		err = write_all(&compare);
	else if (!err && compare.count == 2)
		err = print_two(&compare);
	else if (!err)
		print_groups(&compare);
	if (!err)
		err = judge(&compare);
	for (size_t i = 0; compare.crashes && i < compare.count; i++)
		crashdiff_deinit(&compare.crashes[i]);
	free(compare.crashes);
	return err;
}
