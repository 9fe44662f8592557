// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/crashdiff.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/symbols.h"

static struct error *read_frames(struct crashdiff *crash, const struct crashreport *report)
{
	struct backtrace_tools tools = machine_tools(report->machine);
	const struct backtrace *trace = &report->trace;

	memcpy(crash->trace_why, trace->why, sizeof(crash->trace_why));
	crash->frame_first = signature_first(&tools, trace, report->cause.kind);
	crash->frames = calloc(trace->count + 1, sizeof(*crash->frames));
	if (!crash->frames)
		return error_new(ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < trace->count; i++) {
		struct symbols_place place;

		backtrace_place(&tools, &trace->frames[i], &place);
		// Offsets differ from kernel to kernel, and say nothing.
		snprintf(crash->frames[i], sizeof(crash->frames[i]), "%s%s%s%s", place.name[0] ? place.name : "?",
		         place.module ? " [" : "", place.module ? place.module->name : "", place.module ? "]" : "");
		kernel_plain(crash->frames[i]);
	}
	crash->frame_count = trace->count;
	return NULL;
}

static int compare_modules(const void *a, const void *b)
{
	const struct crashdiff_module *left = a, *right = b;

	return strcmp(left->name, right->name);
}

// Members of struct module that hold addresses of texts.
enum { MODULE_VERSION, MODULE_SRCVERSION, MODULE_VERSIONS };

// What a kernel does not tell stays "".
static void find_versions(struct kernel *kernel, struct btf_query queries[MODULE_VERSIONS])
{
	queries[MODULE_VERSION] = (struct btf_query){.type = "module", .member = "version"};
	queries[MODULE_SRCVERSION] = (struct btf_query){.type = "module", .member = "srcversion"};
	error_free(kernel_find_members(kernel, queries, MODULE_VERSIONS));
}

static void read_versions(struct kernel *kernel, const struct btf_query queries[MODULE_VERSIONS], uint64_t vaddr,
                          char text[CRASHDIFF_VERSION_BYTES])
{
	for (size_t i = 0; i < MODULE_VERSIONS; i++) {
		size_t used = strlen(text), room = CRASHDIFF_VERSION_BYTES - used;
		uint64_t at = 0;
		struct error *err = NULL;

		if (queries[i].is_found)
			err = vmemory_uint(kernel->memory, vaddr + queries[i].offset_bytes, 8, &at);
		if (err || !at || room < 2) {
			error_free(err);
			continue;
		}
		if (used)
			text[used++] = ' ';
		err = vmemory_text(kernel->memory, at, text + used, CRASHDIFF_VERSION_BYTES - used);
		if (err)
			text[used] = '\0';
		error_free(err);
	}
}

static struct error *read_modules(struct crashdiff *crash, const struct crashreport *report)
{
	const struct modlist *modules = &report->machine->modules;
	struct btf_query queries[MODULE_VERSIONS];

	memcpy(crash->modules_why, modules->why, sizeof(crash->modules_why));
	crash->modules = calloc(modules->count + 1, sizeof(*crash->modules));
	if (!crash->modules)
		return error_new(ERROR_NOMEM, "out of memory");
	find_versions(report->machine->kernel, queries);
	for (size_t i = 0; i < modules->count; i++) {
		struct crashdiff_module *module = &crash->modules[i];

		snprintf(module->name, sizeof(module->name), "%s", modules->list[i].name);
		module->size_bytes = modules->list[i].size_bytes;
		overview_taint_letters(&report->overview, modules->list[i].taints, module->taints);
		read_versions(report->machine->kernel, queries, modules->list[i].vaddr, module->version);
	}
	crash->module_count = modules->count;
	if (crash->module_count)
		qsort(crash->modules, crash->module_count, sizeof(*crash->modules), compare_modules);
	return NULL;
}

static void read_machine(struct crashdiff *crash, const struct crashreport *report)
{
	const struct overview *overview = &report->overview;

	memcpy(crash->host, overview->host, sizeof(crash->host));
	memcpy(crash->release, overview->release, sizeof(crash->release));
	memcpy(crash->version, overview->version, sizeof(crash->version));
	overview_taint_letters(overview, overview->taints, crash->taints);
	crash->crash_time_s = overview->crash_time_s;
	crash->uptime_s = overview->uptime_s ? overview->uptime_s : report->cause.last_us / 1000000;
	error_free(overview_command_line(report->machine->kernel, crash->command_line));
}

struct error *crashdiff_init(struct crashdiff *ret, const struct vmcore *core)
{
	_cleanup_(crashreport_freep) struct crashreport *report = NULL;
	struct error *err;

	*ret = (struct crashdiff){0};
	err = crashreport_make(core, MACHINE_TASKS, &report);
	if (err)
		return err;
	memcpy(ret->signature, report->signature, sizeof(ret->signature));
	snprintf(ret->cause, sizeof(ret->cause), "%s", cause_word(report->cause.kind));
	memcpy(ret->cause_text, report->cause.text, sizeof(ret->cause_text));
	kernel_plain(ret->cause_text);
	if (!vmcoreinfo_string(&core->info, "BUILD-ID", ret->build_id, sizeof(ret->build_id)))
		ret->build_id[0] = '\0';
	kernel_plain(ret->build_id);
	if (!report->machine) {
		memcpy(ret->trace_why, report->machine_why, sizeof(ret->trace_why));
		return NULL;
	}
	read_machine(ret, report);
	err = read_frames(ret, report);
	if (!err)
		err = read_modules(ret, report);
	if (err)
		crashdiff_deinit(ret);
	return err;
}

void crashdiff_deinit(struct crashdiff *crash)
{
	free(crash->frames);
	free(crash->modules);
	*crash = (struct crashdiff){0};
}

bool crashdiff_is_same(const struct crashdiff *a, const struct crashdiff *b)
{
	return a->signature[0] && strcmp(a->signature, b->signature) == 0;
}

static bool is_same_frame(const char *a, const char *b)
{
	size_t size = signature_name_bytes(a);

	return size == signature_name_bytes(b) && strncmp(a, b, size) == 0;
}

struct error *crashdiff_stacks(const struct crashdiff *a, const struct crashdiff *b,
                               void (*each)(void *context, size_t left, size_t right), void *context)
{
	size_t width = b->frame_count + 1, i = 0, j = 0;
	// How many functions the rests have in common, from each pair of frames on.
	_cleanup_free_ uint16_t *common = calloc((a->frame_count + 1) * width, sizeof(*common));

	static_assert(BACKTRACE_FRAMES_MAX <= UINT16_MAX, "a count of frames fits");
	if (!common)
		return error_new(ERROR_NOMEM, "out of memory");
	for (size_t left = a->frame_count; left-- > 0;) {
		for (size_t right = b->frame_count; right-- > 0;) {
			uint16_t *here = &common[left * width + right];
			uint16_t below = here[width], beside = here[1];

			if (is_same_frame(a->frames[left], b->frames[right]))
				*here = (uint16_t)(here[width + 1] + 1);
			else
				*here = below > beside ? below : beside;
		}
	}
	while (i < a->frame_count || j < b->frame_count) {
		if (i < a->frame_count && j < b->frame_count && is_same_frame(a->frames[i], b->frames[j]))
			each(context, i++, j++);
		else if (j == b->frame_count ||
		         (i < a->frame_count && common[(i + 1) * width + j] >= common[i * width + j + 1]))
			each(context, i++, SIZE_MAX);
		else
			each(context, SIZE_MAX, j++);
	}
	return NULL;
}

void crashdiff_modules(const struct crashdiff *a, const struct crashdiff *b,
                       void (*each)(void *context, const struct crashdiff_module *left,
                                    const struct crashdiff_module *right),
                       void *context)
{
	bool is_one_kernel = a->build_id[0] && strcmp(a->build_id, b->build_id) == 0;
	size_t i = 0, j = 0;

	while (i < a->module_count || j < b->module_count) {
		int order = i == a->module_count   ? 1
		            : j == b->module_count ? -1
		                                   : strcmp(a->modules[i].name, b->modules[j].name);

		if (order < 0) {
			each(context, &a->modules[i++], NULL);
		} else if (order > 0) {
			each(context, NULL, &b->modules[j++]);
		} else {
			if ((a->modules[i].size_bytes != b->modules[j].size_bytes && is_one_kernel) ||
			    strcmp(a->modules[i].version, b->modules[j].version) != 0 ||
			    strcmp(a->modules[i].taints, b->modules[j].taints) != 0)
				each(context, &a->modules[i], &b->modules[j]);
			i++;
			j++;
		}
	}
}

static bool has_word(const char *line, const char *word, size_t size)
{
	while (*line) {
		size_t there;

		line += strspn(line, " ");
		there = strcspn(line, " ");
		if (there == size && strncmp(line, word, size) == 0)
			return true;
		line += there;
	}
	return false;
}

void crashdiff_words(const struct crashdiff *a, const struct crashdiff *b,
                     void (*each)(void *context, const char *word, size_t size_bytes), void *context)
{
	for (const char *word = a->command_line; *word;) {
		size_t size;

		word += strspn(word, " ");
		size = strcspn(word, " ");
		if (size && !has_word(b->command_line, word, size))
			each(context, word, size);
		word += size;
	}
}
