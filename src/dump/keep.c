// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "core/tasks.h"

enum {
	FIRST_ROOM = 64,
	// Page tables lie in memory, each once; some more for those that processes share (hugetlb).
	TABLES_SLACK = 1 << 12,
};

// The search for processes.
struct search {
	struct keep *keep;
	size_t room;
	bool *is_found; // One for each name.
	struct error *err;
};

static void note_damage(struct keep *keep, struct error *err)
{
	if (keep->damage)
		error_free(err);
	else
		keep->damage = err;
}

static int compare_processes(const void *a, const void *b)
{
	const struct keep_process *left = a, *right = b;

	return left->where < right->where ? -1 : left->where > right->where;
}

// Each once: threads share their memory.
static void make_unique(struct keep *keep)
{
	size_t count = 0;

	if (keep->process_count)
		qsort(keep->processes, keep->process_count, sizeof(*keep->processes), compare_processes);
	for (size_t i = 0; i < keep->process_count; i++) {
		if (!count || keep->processes[count - 1].where != keep->processes[i].where)
			keep->processes[count++] = keep->processes[i];
	}
	keep->process_count = count;
}

static void add_process(struct search *search, struct keep_process process)
{
	struct keep *keep = search->keep;

	if (keep->process_count && keep->processes[keep->process_count - 1].where == process.where)
		return;
	if (keep->process_count == KEEP_PROCESSES_MAX)
		make_unique(keep);
	if (keep->process_count == KEEP_PROCESSES_MAX) {
		note_damage(keep, error_new(ERROR_BAD_DATA, "more than %d processes", KEEP_PROCESSES_MAX));
		return;
	}
	if (keep->process_count == search->room) {
		size_t room = search->room ? 2 * search->room : FIRST_ROOM;
		struct keep_process *grown = reallocarray(keep->processes, room, sizeof(*grown));

		if (!grown) {
			if (!search->err)
				search->err = error_new(ERROR_NOMEM, "no memory for %zu processes", room);
			return;
		}
		keep->processes = grown;
		search->room = room;
	}
	keep->processes[keep->process_count++] = process;
}

static void take_task(void *context, const struct tasks_task *task)
{
	struct search *search = context;

	for (uint32_t i = 0; task->mm_vaddr && search->keep->names[i]; i++) {
		if (strncmp(task->name, search->keep->names[i], sizeof(task->name) - 1) != 0)
			continue;
		search->is_found[i] = true;
		add_process(search, (struct keep_process){task->mm_vaddr, task->pid, i});
	}
}

static void note_missing(struct keep *keep, const bool *is_found)
{
	size_t used = 0;

	for (size_t i = 0; keep->names[i]; i++) {
		if (!is_found[i] && used < sizeof(keep->missing))
			used += (size_t)snprintf(keep->missing + used, sizeof(keep->missing) - used, "%s%s",
			                         used ? ", " : "", keep->names[i]);
	}
}

static void note_process(struct keep *keep, const struct keep_process *process, struct error *err)
{
	if (err)
		note_damage(keep, error_wrap(err, "%s (pid %u)", keep->names[process->name], process->pid));
}

static void find_page_tables(struct keep *keep, const struct tasks *tasks, struct vmreader *reader)
{
	size_t count = 0;

	for (size_t i = 0; i < keep->process_count; i++) {
		struct keep_process process = keep->processes[i];
		struct error *err = tasks_page_table(tasks, reader, process.where, &process.where);

		if (err)
			note_process(keep, &process, err);
		else
			keep->processes[count++] = process;
	}
	keep->process_count = count;
}

struct error *keep_init(struct keep *ret, const struct scan *scan, const char *const *names)
{
	_cleanup_vmreader_ struct vmreader reader = {0};
	_cleanup_free_ bool *is_found = NULL;
	struct search search = {.keep = ret};
	size_t name_count = 0;
	struct tasks tasks;
	struct error *err;

	*ret = (struct keep){.scan = scan, .names = names};
	while (names[name_count])
		name_count++;
	search.is_found = is_found = calloc(name_count + 1, sizeof(*is_found));
	if (!is_found)
		return error_new(ERROR_NOMEM, "no memory for %zu names", name_count);
	vmreader_init(&reader, scan->core, VMREADER_WINDOW_TABLE_BYTES);
	ret->unknown = tasks_init(&tasks, scan->core, &scan->xlat, &reader);
	if (ret->unknown)
		return NULL;
	err = tasks_walk(&tasks, &reader, take_task, &search);
	if (err)
		note_damage(ret, err);
	make_unique(ret);
	find_page_tables(ret, &tasks, &reader);
	note_missing(ret, is_found);
	return search.err;
}

void keep_deinit(struct keep *keep)
{
	free(keep->processes);
	error_free(keep->unknown);
	error_free(keep->damage);
	*keep = (struct keep){0};
}

// One window, and where the last frame was found.
struct window {
	const struct scan *scan;
	struct vmreader *reader;
	uint64_t pfn_start;
	uint64_t pfn_end;
	uint64_t *set;
	uint64_t added;
	struct vmcore_frames present;
	struct memmap_run run;
	uint8_t *page; // A struct page.
};

// Whether the machine may be made to read a frame. Frames of which nothing is known are in the set already.
static bool may_touch(struct window *window, uint64_t pfn)
{
	const struct scan *scan = window->scan;
	uint64_t bytes = page_layout_bytes(scan->layout), next;
	struct error *err = NULL;
	struct page_view view;

	if (pfn < window->run.pfn_start || pfn >= window->run.pfn_end)
		err = memmap_next(&scan->map, window->reader, pfn, pfn + 1, &window->run, &next);
	if (!err && (pfn < window->run.pfn_start || pfn >= window->run.pfn_end))
		return false;
	if (!err)
		err = xlat_read(&scan->xlat, window->reader,
		                window->run.page_vaddr + (pfn - window->run.pfn_start) * bytes, window->page, bytes);
	if (err) {
		error_free(err);
		return false;
	}
	view = page_view(scan->layout, window->page, 1, pfn);
	return !view.is_poisoned && view.class != PAGE_OFFLINE;
}

// First frame from here on that is in the dump; the end if there is none.
static uint64_t find_present(struct window *window, uint64_t pfn, uint64_t pfn_end)
{
	if (pfn < window->present.pfn_start || pfn >= window->present.pfn_end) {
		struct vmcore_frames run;

		if (!vmcore_next_frames(window->scan->core, VMCORE_FRAMES_PRESENT, pfn, &run))
			return pfn_end;
		window->present = run;
	}
	return window->present.pfn_start > pfn ? window->present.pfn_start : pfn;
}

static void add_page(void *context, uint64_t paddr, uint64_t size_bytes)
{
	struct window *window = context;
	unsigned int shift = vmcore_page_shift(window->scan->core);
	uint64_t first = paddr >> shift, end = (paddr + size_bytes) >> shift;
	uint64_t pfn = first > window->pfn_start ? first : window->pfn_start;
	uint64_t pfn_end = end < window->pfn_end ? end : window->pfn_end;
	bool is_looked_at = end - first == 1;

	while (pfn < pfn_end) {
		uint64_t bit = bitmap_find(window->set, pfn - window->pfn_start, pfn_end - window->pfn_start, false);
		uint64_t next = find_present(window, window->pfn_start + bit, pfn_end);

		if (next >= pfn_end)
			return;
		pfn = next + 1;
		if (bitmap_test(window->set, next - window->pfn_start))
			continue;
		// Of a hugetlb page that is broken somewhere only the first struct page says so.
		if (!is_looked_at && !may_touch(window, first))
			return;
		is_looked_at = true;
		if (may_touch(window, next)) {
			bitmap_fill(window->set, next - window->pfn_start, pfn - window->pfn_start, true);
			window->added++;
		}
	}
}

struct error *keep_window(struct keep *keep, uint64_t pfn_start, uint64_t pfn_end, uint64_t *set,
                          struct filter_counts *counts)
{
	_cleanup_vmreader_ struct vmreader reader = {0};
	struct window window = {
		.scan = keep->scan,
		.reader = &reader,
		.pfn_start = pfn_start,
		.pfn_end = pfn_end,
		.set = set,
	};
	struct xlat_walk walk = {.page = add_page, .context = &window};
	_cleanup_free_ uint8_t *page = NULL;

	if (!keep->process_count)
		return NULL;
	window.page = page = malloc(page_layout_bytes(keep->scan->layout));
	if (!page)
		return error_new(ERROR_NOMEM, "no memory for a struct page");
	vmreader_init(&reader, keep->scan->core, VMREADER_WINDOW_TABLE_BYTES);
	walk.tables_left = vmcore_max_pfn(keep->scan->core) + TABLES_SLACK;
	for (size_t i = 0; i < keep->process_count && walk.tables_left; i++)
		note_process(keep, &keep->processes[i],
		             xlat_walk_process(&keep->scan->xlat, &reader, keep->processes[i].where, &walk));
	counts->kept += window.added;
	counts->named += window.added;
	return NULL;
}
