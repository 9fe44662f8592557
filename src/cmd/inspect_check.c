// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a dump is whole.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/workers.h"
#include "boot/words.h"
#include "capture/encrypt.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "core/decompress.h"
#include "core/kdumpcore_check.h"
#include "dump/dumpcheck.h"
#include "report/dumps.h"

// What was found. Problems make the dump one that is not whole; notes do not.
struct checked {
	struct inspect_dump dump;
	bool is_directory, is_encrypted, has_map, has_pages;
	char *directory; // Without slashes at its end, as report/dumps.h wants names.
	struct dumps_about about; // Of the directory.
	struct dumpcheck pages;
	struct words problems, notes;
};

static void checked_deinit(struct checked *checked)
{
	inspect_dump_deinit(&checked->dump);
	free(checked->directory);
	dumps_deinit(&checked->about);
	words_deinit(&checked->problems);
	words_deinit(&checked->notes);
}

static unsigned int cpu_count(void)
{
	cpu_set_t set;
	unsigned int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set) : 1;

	return count < WORKERS_MAX ? count : WORKERS_MAX;
}

// Whoever waits at a terminal sees how far it is.
static void show_progress(void *context, uint64_t done, uint64_t total)
{
	unsigned int *shown = context, percent = (unsigned int)(100 * done / (total ? total : 1));

	if (percent == *shown)
		return;
	*shown = percent;
	fprintf(stderr, "\r%3u %%", percent);
	if (done == total)
		fputs("\r     \r", stderr);
}

static struct error *look_at_directory(struct checked *checked)
{
	static const char *const encrypted[] = {"vmcore" ENCRYPT_FLAT_SUFFIX, "vmcore" ENCRYPT_SUFFIX};
	size_t size = strlen(checked->dump.path);
	struct stat info;
	struct error *err;
	int fd;

	if (stat(checked->dump.path, &info) < 0 || !S_ISDIR(info.st_mode))
		return NULL;
	checked->is_directory = true;
	while (size > 1 && checked->dump.path[size - 1] == '/')
		size--;
	checked->directory = strndup(checked->dump.path, size);
	if (!checked->directory)
		return error_new(ERROR_NOMEM, "out of memory");
	err = dumps_look(AT_FDCWD, checked->directory, &checked->about);
	if (err)
		return err;
	if (checked->about.state == DUMPS_UNCHECKED)
		words_addf(&checked->notes, "%s", checked->about.problem);
	else if (checked->about.state != DUMPS_WHOLE)
		words_addf(&checked->problems, "%s: %s", dumps_state_name(checked->about.state),
		           checked->about.problem);
	fd = open(checked->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; fd >= 0 && i < array_size(encrypted); i++)
		checked->is_encrypted |= faccessat(fd, encrypted[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	closep(&fd);
	return NULL;
}

static void look_at_files(struct checked *checked)
{
	const struct vmcore *core = checked->dump.core;

	if (core->is_incomplete)
		words_addf(&checked->problems,
		           "it is marked incomplete: pages could not be read, or the copy did not get to its end");
	if (core->missing_bytes)
		words_addf(&checked->problems,
		           "the file is cut: %" PRIu64 " bytes of memory that it announces are behind its end",
		           core->missing_bytes);
	for (size_t i = 0; i < core->file_count; i++)
		if (corefile_is_cut(&core->files[i]))
			words_addf(&checked->problems, "%s: a flattened stream without its end", core->files[i].path);
	if (!core->vmcoreinfo_bytes)
		words_addf(&checked->notes, "it has no VMCOREINFO: readers need the kernel's debugging information");
}

static struct error *look_at_tables(struct checked *checked)
{
	struct kdumpcore_check tables;
	struct error *err = kdumpcore_check(checked->dump.core, &tables);

	if (error_catch(&err, ERROR_BAD_DATA))
		return NULL; // Reading the pages tells it, page by page.
	if (err)
		return err;
	if (tables.overlaps)
		words_addf(&checked->problems, "%s: pages overlap at %" PRIu64 " places, the first at offset %#" PRIx64,
		           tables.overlap_path, tables.overlaps, tables.overlap_offset);
	if (tables.no_memory)
		words_addf(&checked->problems, "its bitmaps do not agree: %" PRIu64 " pages in the dump are no memory",
		           tables.no_memory);
	return NULL;
}

static void tell_pages(struct checked *checked)
{
	const struct dumpcheck *pages = &checked->pages;

	for (size_t i = 0; i < pages->problem_count; i++) {
		const struct dumpcheck_problem *problem = &pages->problems[i];

		words_addf(&checked->problems, "page frames %#" PRIx64 " to %#" PRIx64 ": %s%s%s%s", problem->pfn_start,
		           problem->pfn_end - 1, presence_state_name(problem->found),
		           problem->is_conflict ? ", against the page map" : "", problem->text[0] ? ": " : "",
		           problem->text);
	}
	if (pages->has_more)
		words_addf(&checked->problems, "further pages are left out here: the counts have all");
	if (pages->is_map_partial)
		words_addf(&checked->notes, "the page map is not finished");
	if (pages->counts[PRESENCE_UNREADABLE])
		words_addf(&checked->notes, "%" PRIu64 " pages could not be read when the dump was made",
		           pages->counts[PRESENCE_UNREADABLE]);
}

static struct error *look_at_pages(struct checked *checked)
{
	_cleanup_close_ int map_fd = -1;
	_cleanup_(pagemap_reader_destroyp) struct pagemap_reader *map = NULL;
	unsigned int shown = UINT32_MAX;
	struct dumpcheck_options options = {
		.thread_count = checked->dump.threads ? checked->dump.threads : cpu_count(),
		.progress = isatty(STDERR_FILENO) ? show_progress : NULL,
		.context = &shown,
	};
	struct error *err = inspect_dump_map(&checked->dump, &map_fd, &map);

	// The dump may be whole without its map; and a map that cannot be trusted is a reason to ask why.
	if (err && err->code != ERROR_NOMEM) {
		words_addf(&checked->problems, "%s", err->text);
		error_free(err);
		err = NULL;
	} else if (!err && !map) {
		words_addf(&checked->notes, "there is no page map");
	}
	if (err)
		return err;
	checked->has_map = map;
	options.map_fd = map_fd;
	err = dumpcheck_run(checked->dump.core, &options, &checked->pages);
	if (err)
		return err;
	checked->has_pages = true;
	tell_pages(checked);
	return NULL;
}

static struct error *check(struct checked *checked)
{
	struct error *err = look_at_directory(checked);

	if (err)
		return err;
	err = inspect_dump_open_files(&checked->dump);
	if (checked->is_encrypted && error_catch(&err, ERROR_UNSUPPORTED)) {
		words_addf(&checked->notes, "it is encrypted: its pages can be checked behind kdump-inspect decrypt");
		return NULL;
	}
	if (err && (err->code == ERROR_BAD_DATA || err->code == ERROR_FAULT)) {
		words_addf(&checked->problems, "%s", err->text);
		error_free(err);
		return NULL;
	}
	if (err)
		return err;
	look_at_files(checked);
	err = look_at_tables(checked);
	return err ? err : look_at_pages(checked);
}

static void print_text(const struct checked *checked)
{
	const struct vmcore *core = checked->dump.core;
	const uint64_t *counts = checked->pages.counts;

	printf("%s: %s\n", checked->dump.path, checked->problems.count ? "not whole" : "whole");
	if (core)
		printf("  %-10s %s%s%s, %zu %s\n", "format", core->format->name, core->compression ? ", " : "",
		       core->compression ? decompress_name(core->compression) : "", core->file_count,
		       core->file_count == 1 ? "file" : "files");
	if (checked->is_directory)
		printf("  %-10s %s\n", "manifest", dumps_state_name(checked->about.state));
	if (checked->has_pages)
		printf("  %-10s %" PRIu64 " read, %" PRIu64 " of them zeros; %" PRIu64 " lost, %" PRIu64
		       " damaged; %" PRIu64 " left out\n",
		       "pages", counts[PRESENCE_WRITTEN] + counts[PRESENCE_ZERO], counts[PRESENCE_ZERO],
		       counts[PRESENCE_LOST], counts[PRESENCE_DAMAGED], counts[PRESENCE_DROPPED]);
	if (checked->has_map)
		printf("  %-10s %s\n", "page map",
		       checked->pages.conflicts ? "does not agree with the dump" : "agrees with the dump");
	for (size_t i = 0; i < checked->notes.count; i++)
		printf("  %-10s %s\n", "note", checked->notes.list[i]);
	for (size_t i = 0; i < checked->problems.count; i++)
		printf("  %-10s %s\n", "problem", checked->problems.list[i]);
}

static void write_list(struct json *json, const char *name, const struct words *words)
{
	json_open_array(json, name);
	for (size_t i = 0; i < words->count; i++)
		json_text(json, NULL, words->list[i]);
	json_close(json);
}

static struct error *print_json(const struct checked *checked)
{
	const struct vmcore *core = checked->dump.core;
	struct json json;

	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_text(&json, "path", checked->dump.path);
	json_bool(&json, "is_whole", !checked->problems.count);
	json_bool(&json, "is_encrypted", checked->is_encrypted);
	json_text(&json, "format", core ? core->format->name : NULL);
	json_number(&json, "files", core ? core->file_count : 0);
	json_bool(&json, "is_marked_incomplete", core && core->is_incomplete);
	json_text(&json, "manifest", checked->is_directory ? dumps_state_name(checked->about.state) : NULL);
	json_bool(&json, "has_page_map", checked->has_map);
	if (checked->has_pages) {
		json_open_object(&json, "pages");
		for (unsigned int i = 0; i < PRESENCE_STATES; i++)
			if (i != PRESENCE_NO_MEMORY && i != PRESENCE_ABSENT)
				json_number(&json, presence_state_name(i), checked->pages.counts[i]);
		json_number(&json, "conflicts", checked->pages.conflicts);
		json_close(&json);
	}
	write_list(&json, "problems", &checked->problems);
	write_list(&json, "notes", &checked->notes);
	json_close(&json);
	return json_finish(&json);
}

struct error *inspect_commands_check(int argc, char **argv)
{
	_cleanup_(checked_deinit) struct checked checked = {0};
	struct error *err = inspect_dump_parse(argc, argv, INSPECT_DUMP_MAP | INSPECT_DUMP_THREADS, 0, &checked.dump);

	if (!err)
		err = check(&checked);
	if (!err)
		err = words_check(&checked.problems);
	if (!err)
		err = words_check(&checked.notes);
	if (err)
		return err;
	// Some of it may be what the dump has in place of a name.
	for (size_t i = 0; i < checked.problems.count; i++)
		kernel_plain(checked.problems.list[i]);
	if (checked.dump.is_json)
		err = print_json(&checked);
	else
		print_text(&checked);
	if (!err && checked.problems.count)
		err = error_new(ERROR_BAD_DATA, "%s: the dump is not whole", checked.dump.path);
	return err;
}
