// SPDX-License-Identifier: GPL-2.0-or-later
// The dumps below directories.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "report/dumptree.h"
#include "report/kernel.h"

struct options {
	bool is_json, is_verified, is_end;
};

static struct error *parse(int argc, char **argv, struct options *options, int *count_ret)
{
	*count_ret = 0;
	for (int i = 1; i < argc; i++) {
		if (options->is_end || argv[i][0] != '-' || !argv[i][1])
			argv[1 + (*count_ret)++] = argv[i];
		else if (strcmp(argv[i], "--json") == 0)
			options->is_json = true;
		else if (strcmp(argv[i], "--verify") == 0)
			options->is_verified = true;
		else if (strcmp(argv[i], "--") == 0)
			options->is_end = true;
		else
			return error_new(ERROR_USAGE, "unknown option %s", argv[i]);
	}
	return *count_ret ? NULL : error_new(ERROR_USAGE, "list: a directory is missing");
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static void print_dump(const struct dumptree_dump *dump)
{
	char when[32] = "-";
	time_t time_s = (time_t)dump->time_s;
	struct tm utc;
	_cleanup_free_ char *path = strdup(dump->path);

	// Names of directories are anybody's, too.
	if (path)
		kernel_plain(path);
	if (dump->time_s && gmtime_r(&time_s, &utc))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &utc);
	printf("%-19s  %-15s %-28s %-14s %-16s %9.1f  %-10s %s\n", when, or_dash(dump->host), or_dash(dump->release),
	       or_dash(dump->cause), or_dash(dump->signature), (double)dump->about.size_bytes / 1024 / 1024,
	       dumps_state_name(dump->about.state), path ? path : "?");
	if (dump->part)
		printf("%21spart %u of a dump that is split\n", "", dump->part);
	if (dump->about.problem)
		printf("%21s%s\n", "", dump->about.problem);
	if (dump->problem[0] && !dump->about.is_encrypted)
		printf("%21s%s\n", "", dump->problem);
	if (dump->about.is_encrypted)
		printf("%21sencrypted\n", "");
}

static void text_or_null(struct json *json, const char *name, const char *text)
{
	json_text(json, name, text[0] ? text : NULL);
}

static struct error *print_json(const struct dumptree *tree)
{
	struct json json;

	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_open_array(&json, "dumps");
	for (size_t i = 0; i < tree->count; i++) {
		const struct dumptree_dump *dump = &tree->list[i];

		json_open_object(&json, NULL);
		json_text(&json, "path", dump->path);
		json_number(&json, "crash_time_s", dump->time_s);
		text_or_null(&json, "host", dump->host);
		text_or_null(&json, "release", dump->release);
		text_or_null(&json, "cause", dump->cause);
		text_or_null(&json, "cause_text", dump->cause_text);
		text_or_null(&json, "signature", dump->signature);
		json_number(&json, "size_bytes", dump->about.size_bytes);
		json_text(&json, "state", dumps_state_name(dump->about.state));
		json_text(&json, "panic", dump->about.panic);
		json_bool(&json, "is_encrypted", dump->about.is_encrypted);
		json_bool(&json, "has_report", dump->has_report);
		json_number(&json, "part", dump->part);
		json_number(&json, "part_count", dump->about.part_count ? dump->about.part_count : 1);
		json_text(&json, "problem",
		          dump->about.problem ? dump->about.problem
		          : dump->problem[0]  ? dump->problem
		                              : NULL);
		json_close(&json);
	}
	json_close(&json);
	text_or_null(&json, "problem", tree->why);
	json_close(&json);
	return json_finish(&json);
}

static struct error *judge(const struct dumptree *tree)
{
	size_t damaged = 0;

	for (size_t i = 0; i < tree->count; i++)
		damaged += tree->list[i].about.state == DUMPS_DAMAGED;
	if (tree->why[0])
		return error_new(ERROR_OS, "there may be more dumps: %s", tree->why);
	return damaged ? error_new(ERROR_BAD_DATA, "%zu of %zu dumps are damaged", damaged, tree->count) : NULL;
}

struct error *inspect_commands_list(int argc, char **argv)
{
	_cleanup_dumptree_ struct dumptree tree = {0};
	struct options options = {0};
	int count;
	struct error *err = parse(argc, argv, &options, &count);

	for (int i = 0; i < count && !err; i++)
		err = dumptree_add(&tree, argv[1 + i], options.is_verified);
	if (err)
		return err;
	dumptree_sort(&tree);
	if (options.is_json) {
		err = print_json(&tree);
		return err ? err : judge(&tree);
	}
	if (tree.count)
		printf("%-19s  %-15s %-28s %-14s %-16s %9s  %-10s %s\n", "time (UTC)", "host", "kernel", "cause",
		       "signature", "size/MiB", "state", "directory");
	for (size_t i = 0; i < tree.count; i++)
		print_dump(&tree.list[i]);
	return judge(&tree);
}
