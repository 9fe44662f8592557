// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/copy_report.h"

#include <inttypes.h>

#include "base/json.h"

uint64_t copy_report_memory_bytes(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/status", "re");
	uint64_t kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "RssAnon: %" SCNu64 " kB", &kib) == 1)
			return kib * 1024;
	}
	return 0;
}

// Names of classes in the report; they do not change.
static const char *const class_names[PAGE_CLASS_COUNT] = {
	[PAGE_KERNEL] = "kernel", [PAGE_FREE] = "free",
	[PAGE_CACHE] = "cache",   [PAGE_CACHE_PRIVATE] = "cache_private",
	[PAGE_USER] = "user",     [PAGE_OFFLINE] = "offline",
};

static void put_request(struct json *json, const struct arguments *args, const struct copy_report *report)
{
	const struct copy_options *options = &args->copy;
	bool is_unfiltered = report->stats->warnings & COPY_WARN_NO_FILTER;

	json_open_array(json, "input");
	for (size_t i = 0; i < args->input_count; i++)
		json_text(json, NULL, args->inputs[i]);
	json_close(json);
	json_text(json, "output", args->output);
	json_text(json, "format", options->format == COPY_ELF ? "elf" : "kdump");
	json_bool(json, "is_flattened", args->is_flattened);
	json_bool(json, "is_dry_run", options->is_dry_run);
	json_text(json, "method", compressor_text(options->compressor));
	json_number(json, "threads", options->thread_count);
	json_number(json, "level_asked", options->dump_level);
	json_number(json, "level_used",
	            is_unfiltered ? report->stats->dump_level & FILTER_ZERO : report->stats->dump_level);
	json_number(json, "level_of_input", report->core->dump_level);
	json_open_array(json, "keep_processes");
	for (size_t i = 0; i < args->keep_count; i++)
		json_text(json, NULL, args->keep_names[i]);
	json_close(json);
	json_number(json, "page_bytes", vmcore_page_bytes(report->core));
}

static void put_pages(struct json *json, const struct copy_stats *stats, unsigned int dump_level)
{
	const struct filter_counts *counts = &stats->counts;

	json_open_object(json, "pages");
	json_number(json, "total", counts->total);
	json_number(json, "kept", counts->kept);
	json_number(json, "written", stats->pages_written);
	json_number(json, "zero", counts->zero);
	json_number(json, "unreadable", stats->pages_unreadable);
	json_number(json, "unclassified", stats->pages_unclassified);
	json_number(json, "broken", counts->poisoned);
	json_number(json, "unused_struct_pages", counts->unused);
	json_number(json, "named", counts->named);
	json_close(json);
	json_open_object(json, "classes");
	for (unsigned int class = 0; class < PAGE_CLASS_COUNT; class ++) {
		bool is_dropped = filter_drops(class, dump_level);

		json_open_object(json, class_names[class]);
		json_number(json, "kept", is_dropped ? 0 : counts->classes[class]);
		json_number(json, "dropped", is_dropped ? counts->classes[class] : 0);
		json_close(json);
	}
	json_close(json);
}

static void put_warnings(struct json *json, const struct copy_report *report)
{
	char text[COPY_WARNING_BYTES];

	json_open_array(json, "warnings");
	for (unsigned int bit = copy_warning_next(report->stats, 0); bit; bit = copy_warning_next(report->stats, bit)) {
		copy_warning_describe(report->stats, bit, text, sizeof(text));
		json_open_object(json, NULL);
		json_text(json, "name", copy_warning_name(bit));
		json_text(json, "text", text);
		if (bit == COPY_WARN_NO_PAGEMAP && report->map_error)
			json_text(json, "reason", report->map_error->text);
		json_close(json);
	}
	json_close(json);
}

struct error *copy_report_write(const struct arguments *args, const struct copy_report *report, FILE *out)
{
	const struct copy_stats *stats = report->stats;
	struct json json;

	json_init(&json, out);
	json_open_object(&json, NULL);
	json_text(&json, "version", PACKAGE_VERSION);
	put_request(&json, args, report);
	json_bool(&json, "is_whole", !report->failure);
	json_bool(&json, "is_partial", report->failure && stats->is_partial);
	json_text(&json, "error", report->failure ? report->failure->text : NULL);
	json_number(&json, "exit_status", (uint64_t)error_exit_code(report->failure));
	put_pages(&json, stats, args->copy.dump_level);
	json_number(&json, "bytes_written", stats->bytes_written);
	json_number(&json, "elapsed_ms", stats->elapsed_ms);
	json_number(&json, "filter_us", stats->filter_us);
	json_number(&json, "memory_bound_bytes", copy_memory_bytes(&args->copy, vmcore_max_pfn(report->core)));
	if (report->memory_peak_bytes)
		json_number(&json, "memory_peak_bytes", report->memory_peak_bytes);
	put_warnings(&json, report);
	json_close(&json);
	return json_finish(&json);
}
