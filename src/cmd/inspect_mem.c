// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of memory in all: mem.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "report/coverage.h"
#include "report/meminfo.h"
#include "report/residents.h"
#include "report/slabs.h"
#include "report/vmareas.h"
#include "report/zones.h"

enum {
	KIB = 1024,
	// Caches and processes, where not all are asked for.
	LARGEST = 20,
};

// All parts of it; those that nobody asked for are empty.
struct parts {
	const struct inspect_dump *dump;
	uint64_t page_kib;
	struct coverage coverage;
	struct zones zones;
	struct meminfo info;
	struct vmareas areas;
	struct slabs slabs;
	struct residents residents;
	bool has_all, has_slabs, has_processes;
};

static struct error *gather(struct parts *parts)
{
	struct kernel *kernel = parts->dump->machine->kernel;
	unsigned int given = parts->dump->given & (INSPECT_DUMP_SLAB | INSPECT_DUMP_PROCESSES);
	struct error *err = NULL;

	parts->page_kib = vmcore_page_bytes(parts->dump->core) / KIB;
	parts->has_all = !given;
	parts->has_slabs = !given || given & INSPECT_DUMP_SLAB;
	parts->has_processes = !given || given & INSPECT_DUMP_PROCESSES;
	if (parts->has_all) {
		coverage_init(&parts->coverage, kernel);
		err = zones_init(&parts->zones, kernel);
		if (!err)
			err = meminfo_init(&parts->info, kernel, &parts->zones);
		if (!err)
			err = vmareas_init(&parts->areas, kernel);
	}
	if (!err && parts->has_slabs)
		err = slabs_init(&parts->slabs, kernel);
	if (!err && parts->has_processes)
		err = residents_init(&parts->residents, kernel, &parts->dump->machine->threads);
	if (!err && parts->has_processes)
		residents_sort(&parts->residents);
	return err;
}

static void put_why(const char *what, const char *why)
{
	if (why[0])
		printf("  not all known%s%s: %s\n", what[0] ? " of " : "", what, why);
}

static void put_coverage(const struct coverage *coverage)
{
	char left[COVERAGE_LEVEL_BYTES];

	coverage_level(coverage->level, left);
	printf("the dump\n  %-24s %10" PRIu64 " MiB\n", "memory of the machine", coverage->memory_bytes >> 20);
	printf("  %-24s %10" PRIu64 " MiB\n", "of it in the dump", coverage->dump_bytes >> 20);
	printf("  %-24s %s\n", "left out", left[0] ? left : "nothing, as far as the dump says");
	if (!coverage->why[0])
		printf("  %-24s %10" PRIu64 " MiB\n", "struct pages", coverage->struct_page_bytes >> 20);
	put_why("struct pages", coverage->why);
}

static void put_info(const struct meminfo *info)
{
	printf("\nmemory, as /proc/meminfo has it\n");
	for (size_t i = 0; i < info->count; i++) {
		const struct meminfo_row *row = &info->rows[i];

		if (row->is_known)
			printf("  %-16s %12" PRIu64 "%s\n", row->name, row->value, row->is_count ? "" : " kB");
		else
			printf("  %-16s %12s\n", row->name, "not known");
	}
	put_why("", info->why);
	if (info->huge_count)
		printf("\nhuge pages\n  %12s %9s %9s %9s %9s\n", "size/KiB", "total", "free", "reserved", "surplus");
	for (size_t i = 0; i < info->huge_count; i++)
		printf("  %12" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n",
		       info->huge[i].size_bytes / KIB, info->huge[i].total, info->huge[i].free, info->huge[i].reserved,
		       info->huge[i].surplus);
}

static void put_zones(const struct zones *zones, uint64_t page_kib)
{
	printf("\nzones, in pages of %" PRIu64 " KiB\n  %4s %-8s %11s %11s %11s %9s %9s %9s %9s\n", page_kib, "node",
	       "zone", "present", "managed", "free", "min", "low", "high", "per CPU");
	for (size_t i = 0; i < zones->count; i++) {
		const struct zones_zone *zone = &zones->list[i];

		printf("  %4u %-8s %11" PRIu64 " %11" PRIu64 " %11" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
		       " %9" PRIu64 "\n",
		       zone->node, zone->name, zone->present, zone->managed, zone->free, zone->watermarks[0],
		       zone->watermarks[1], zone->watermarks[2], zone->per_cpu);
	}
	printf("\nfree blocks of 2^n pages, as /proc/buddyinfo has them\n  %4s %-8s", "node", "zone");
	for (unsigned int i = 0; i < zones->orders; i++)
		printf(" %6u", i);
	for (size_t i = 0; i < zones->count; i++) {
		printf("\n  %4u %-8s", zones->list[i].node, zones->list[i].name);
		for (unsigned int order = 0; order < zones->orders; order++)
			printf(" %6" PRIu64, zones->list[i].blocks[order]);
	}
	putchar('\n');
	put_why("zones", zones->why);
}

// Who asked for areas of the kernel's memory.
static void name_caller(const struct parts *parts, uint64_t vaddr, char text[SYMBOLS_TEXT_BYTES])
{
	struct symbols_place place;

	symbols_find(parts->dump->machine->symbols, vaddr, &place);
	symbols_format(&place, vaddr, text);
}

static void put_areas(const struct parts *parts)
{
	const struct vmareas *areas = &parts->areas;
	size_t shown = areas->count < LARGEST ? areas->count : LARGEST;

	printf("\nvmalloc, %" PRIu64 " KiB of addresses in %" PRIu64 " areas%s\n  %9s %9s %8s  %s\n",
	       areas->bytes / KIB, areas->areas, shown < areas->count ? "; who has most:" : "", "KiB", "pages", "areas",
	       "asked for by");
	for (size_t i = 0; i < shown; i++) {
		char text[SYMBOLS_TEXT_BYTES];

		name_caller(parts, areas->list[i].vaddr, text);
		printf("  %9" PRIu64 " %9" PRIu64 " %8" PRIu64 "  %s\n", areas->list[i].bytes / KIB,
		       areas->list[i].pages, areas->list[i].areas, text);
	}
	put_why("vmalloc", areas->why);
}

static void put_slabs(const struct slabs *slabs, size_t most)
{
	size_t shown = slabs->count < most ? slabs->count : most;

	printf("slab, %" PRIu64 " KiB in %zu caches%s\n  %9s %10s %10s %8s %8s %8s  %s\n", slabs->bytes / KIB,
	       slabs->count, shown < slabs->count ? "; the largest:" : "", "KiB", "in use", "objects", "of bytes",
	       "slabs", "KiB each", "name");
	for (size_t i = 0; i < shown; i++) {
		const struct slabs_cache *cache = &slabs->list[i];

		printf("  %9" PRIu64 " %10" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %s%s%s\n",
		       slabs_bytes(cache) / KIB, cache->total - cache->free, cache->total, cache->object_bytes,
		       cache->slabs, cache->slab_bytes / KIB, cache->name,
		       cache->is_short ? " (without full slabs)" : "", cache->is_rough ? " (in use: at most)" : "");
	}
	if (slabs->unreadable)
		printf("  %zu caches cannot be read\n", slabs->unreadable);
	put_why("slab", slabs->why);
}

static void put_processes(const struct parts *parts, size_t most)
{
	const struct residents *residents = &parts->residents;
	size_t shown = residents->count < most ? residents->count : most;

	printf("processes, %zu%s\n  %8s %10s %10s %10s %10s %10s %9s  %s\n", residents->count,
	       shown < residents->count ? "; the largest, in KiB:" : ", in KiB", "PID", "resident", "anonymous",
	       "of files", "shared", "swap", "tables", "name");
	for (size_t i = 0; i < shown; i++) {
		const struct residents_space *space = &residents->list[i];

		if (!space->is_known) {
			printf("  %8u %63s  %s\n", space->pid, "not known", space->name);
			continue;
		}
		printf("  %8u %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %9" PRIu64 "  %s\n",
		       space->pid, residents_pages(space) * parts->page_kib,
		       space->pages[RESIDENTS_ANON] * parts->page_kib, space->pages[RESIDENTS_FILE] * parts->page_kib,
		       space->pages[RESIDENTS_SHMEM] * parts->page_kib, space->pages[RESIDENTS_SWAP] * parts->page_kib,
		       space->table_bytes / KIB, space->name);
	}
	put_why("processes", residents->why);
	put_why("tasks", parts->dump->machine->threads.why);
}

static void put_text(const struct parts *parts)
{
	size_t most = parts->has_all ? LARGEST : SIZE_MAX;

	if (parts->has_all) {
		put_coverage(&parts->coverage);
		put_info(&parts->info);
		put_zones(&parts->zones, parts->page_kib);
		put_areas(parts);
		putchar('\n');
	}
	if (parts->has_slabs)
		put_slabs(&parts->slabs, most);
	if (parts->has_slabs && parts->has_processes)
		putchar('\n');
	if (parts->has_processes)
		put_processes(parts, most);
}

static void json_why(struct json *json, const char *why)
{
	json_text(json, "problem", why[0] ? why : NULL);
}

static void json_coverage(const struct coverage *coverage, struct json *json)
{
	json_open_object(json, "dump");
	json_number(json, "memory_bytes", coverage->memory_bytes);
	json_number(json, "dump_bytes", coverage->dump_bytes);
	json_number(json, "level", coverage->level);
	json_number(json, "described_bytes", coverage->described_bytes);
	json_number(json, "struct_page_bytes", coverage->struct_page_bytes);
	json_why(json, coverage->why);
	json_close(json);
}

static void json_info(const struct meminfo *info, struct json *json)
{
	json_open_object(json, "meminfo");
	for (size_t i = 0; i < info->count; i++) {
		if (info->rows[i].is_known)
			json_number(json, info->rows[i].name, info->rows[i].value);
		else
			json_text(json, info->rows[i].name, NULL);
	}
	json_close(json);
	json_text(json, "meminfo_problem", info->why[0] ? info->why : NULL);
	json_open_array(json, "huge_pages");
	for (size_t i = 0; i < info->huge_count; i++) {
		json_open_object(json, NULL);
		json_number(json, "size_bytes", info->huge[i].size_bytes);
		json_number(json, "total", info->huge[i].total);
		json_number(json, "free", info->huge[i].free);
		json_number(json, "reserved", info->huge[i].reserved);
		json_number(json, "surplus", info->huge[i].surplus);
		json_close(json);
	}
	json_close(json);
}

static void json_zones(const struct zones *zones, struct json *json)
{
	static const char *const watermarks[ZONES_WATERMARKS] = {"min", "low", "high"};

	json_open_array(json, "zones");
	for (size_t i = 0; i < zones->count; i++) {
		const struct zones_zone *zone = &zones->list[i];

		json_open_object(json, NULL);
		json_number(json, "node", zone->node);
		json_text(json, "name", zone->name);
		json_number(json, "spanned", zone->spanned);
		json_number(json, "present", zone->present);
		json_number(json, "managed", zone->managed);
		json_number(json, "free", zone->free);
		json_number(json, "listed", zones_listed(zones, zone));
		json_number(json, "per_cpu", zone->per_cpu);
		for (unsigned int w = 0; w < ZONES_WATERMARKS; w++)
			json_number(json, watermarks[w], zone->watermarks[w]);
		json_open_array(json, "blocks");
		for (unsigned int order = 0; order < zones->orders; order++)
			json_number(json, NULL, zone->blocks[order]);
		json_close(json);
		json_close(json);
	}
	json_close(json);
	json_text(json, "zones_problem", zones->why[0] ? zones->why : NULL);
}

static void json_areas(const struct parts *parts, struct json *json)
{
	const struct vmareas *areas = &parts->areas;

	json_open_array(json, "vmalloc");
	for (size_t i = 0; i < areas->count; i++) {
		char text[SYMBOLS_TEXT_BYTES];

		name_caller(parts, areas->list[i].vaddr, text);
		json_open_object(json, NULL);
		json_text(json, "caller", text);
		json_number(json, "areas", areas->list[i].areas);
		json_number(json, "bytes", areas->list[i].bytes);
		json_number(json, "pages", areas->list[i].pages);
		json_close(json);
	}
	json_close(json);
	json_text(json, "vmalloc_problem", areas->why[0] ? areas->why : NULL);
}

static void json_slabs(const struct slabs *slabs, struct json *json)
{
	json_open_array(json, "slab");
	for (size_t i = 0; i < slabs->count; i++) {
		const struct slabs_cache *cache = &slabs->list[i];
		char vaddr[24];

		snprintf(vaddr, sizeof(vaddr), "%016" PRIx64, cache->vaddr);
		json_open_object(json, NULL);
		json_text(json, "name", cache->name);
		json_text(json, "cache", vaddr);
		json_number(json, "object_bytes", cache->object_bytes);
		json_number(json, "size_bytes", cache->size_bytes);
		json_number(json, "objects", cache->total);
		json_number(json, "in_use", cache->total - cache->free);
		json_number(json, "active", cache->total - cache->partial_free);
		json_number(json, "slabs", cache->slabs);
		json_number(json, "slab_bytes", cache->slab_bytes);
		json_number(json, "bytes", slabs_bytes(cache));
		json_bool(json, "full_slabs_counted", !cache->is_short);
		json_bool(json, "exact", !cache->is_rough);
		json_close(json);
	}
	json_close(json);
	json_number(json, "slab_unreadable", slabs->unreadable);
	json_text(json, "slab_problem", slabs->why[0] ? slabs->why : NULL);
}

static void json_processes(const struct parts *parts, struct json *json)
{
	static const char *const names[RESIDENTS_KINDS] = {
		[RESIDENTS_FILE] = "file_kib",
		[RESIDENTS_ANON] = "anonymous_kib",
		[RESIDENTS_SHMEM] = "shared_kib",
		[RESIDENTS_SWAP] = "swap_kib",
	};
	const struct residents *residents = &parts->residents;
	const char *why = residents->why[0] ? residents->why : parts->dump->machine->threads.why;

	json_open_array(json, "processes");
	for (size_t i = 0; i < residents->count; i++) {
		const struct residents_space *space = &residents->list[i];

		json_open_object(json, NULL);
		json_number(json, "pid", space->pid);
		json_text(json, "name", space->name);
		json_number(json, "tasks", space->threads);
		json_number(json, "size_kib", space->total_pages * parts->page_kib);
		json_bool(json, "known", space->is_known);
		json_number(json, "resident_kib", residents_pages(space) * parts->page_kib);
		for (unsigned int kind = 0; kind < RESIDENTS_KINDS; kind++)
			json_number(json, names[kind], space->pages[kind] * parts->page_kib);
		json_number(json, "page_tables_kib", space->table_bytes / KIB);
		json_close(json);
	}
	json_close(json);
	json_text(json, "processes_problem", why[0] ? why : NULL);
}

static struct error *put_json(const struct parts *parts)
{
	struct json json;

	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_number(&json, "page_bytes", parts->page_kib * KIB);
	if (parts->has_all) {
		json_coverage(&parts->coverage, &json);
		json_info(&parts->info, &json);
		json_zones(&parts->zones, &json);
		json_areas(parts, &json);
	}
	if (parts->has_slabs)
		json_slabs(&parts->slabs, &json);
	if (parts->has_processes)
		json_processes(parts, &json);
	json_close(&json);
	return json_finish(&json);
}

// What is not known, of the parts that were asked for.
static struct error *complain(const struct parts *parts)
{
	const char *const whys[] = {parts->coverage.why,
	                            parts->zones.why,
	                            parts->info.why,
	                            parts->areas.why,
	                            parts->slabs.why,
	                            parts->residents.why,
	                            parts->dump->machine->threads.why};
	size_t last = array_size(whys) - !parts->has_processes;

	for (size_t i = 0; i < last; i++)
		if (whys[i][0])
			return error_new(ERROR_BAD_DATA, "not all is known: %s", whys[i]);
	return NULL;
}

struct error *inspect_commands_mem(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump;
	struct parts parts = {.dump = &dump};
	struct error *err = inspect_dump_open(argc, argv, INSPECT_DUMP_SLAB | INSPECT_DUMP_PROCESSES, 0, &dump);

	if (!err)
		err = inspect_dump_machine(&dump);
	if (!err)
		err = gather(&parts);
	if (!err && dump.is_json)
		err = put_json(&parts);
	else if (!err)
		put_text(&parts);
	if (!err)
		err = complain(&parts);
	zones_deinit(&parts.zones);
	vmareas_deinit(&parts.areas);
	slabs_deinit(&parts.slabs);
	residents_deinit(&parts.residents);
	return err;
}
