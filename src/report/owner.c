// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/owner.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/symbols.h"

enum {
	NAME_BYTES = 64,
	PATH_DEPTH = 12, // Names of a path that are told, from the last one on.
	STACK_BYTES_MAX = 1 << 18,
	IMAGE_BYTES_MAX = 1 << 30,
	// Tables of all processes: 2 GiB of them.
	TABLES_MAX = 1 << 19,
	MAPPING_FLAGS = 3, // Linux include/linux/page-flags.h: PAGE_MAPPING_FLAGS
	MAPPING_ANON = 1,
	MAPPING_KSM = 3,
};

const char *owner_kind_name(enum owner_kind kind)
{
	static const char *const names[OWNER_KINDS] = {
		[OWNER_UNKNOWN] = "unknown",
		[OWNER_FREE] = "free",
		[OWNER_OFFLINE] = "offline",
		[OWNER_SLAB] = "slab",
		[OWNER_FILE] = "file",
		[OWNER_SHARED] = "page-cache",
		[OWNER_ANON] = "anonymous",
		[OWNER_HUGETLB] = "hugetlb",
		[OWNER_PAGE_TABLE] = "page-table",
		[OWNER_IMAGE] = "kernel-image",
		[OWNER_MODULE] = "module",
		[OWNER_PER_CPU] = "per-cpu",
		[OWNER_STACK] = "stack",
		[OWNER_STRUCT_PAGES] = "struct-pages",
		[OWNER_CRASH_KERNEL] = "crash-kernel",
	};

	return names[kind];
}

static void set(struct owner_found *ret, enum owner_kind kind, const char *fmt, ...) printf_format(3, 4);

static void set(struct owner_found *ret, enum owner_kind kind, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	ret->kind = kind;
	vsnprintf(ret->text, sizeof(ret->text), fmt, args);
	va_end(args);
	kernel_plain(ret->text);
}

static bool read_text(const struct owner *owner, uint64_t vaddr, char *text, size_t room_bytes)
{
	struct error *err = vmemory_text(owner->machine->kernel->memory, vaddr, text, room_bytes);

	error_free(err);
	return !err;
}

static bool translate(const struct owner *owner, uint64_t vaddr, uint64_t *paddr_ret, uint64_t *run_ret)
{
	struct kernel *kernel = owner->machine->kernel;
	struct error *err = xlat_translate(&kernel->xlat, &kernel->reader, vaddr, paddr_ret, run_ret);

	error_free(err);
	return !err;
}

static uint64_t page_mask(const struct owner *owner)
{
	return ~(vmcore_page_bytes(owner->machine->kernel->core) - 1);
}

// Whether one of the pages of a range of virtual addresses is that of a physical address; if so, where that is.
static bool range_has(const struct owner *owner, uint64_t vaddr, uint64_t size_bytes, uint64_t paddr,
                      uint64_t *vaddr_ret)
{
	uint64_t page_bytes = ~page_mask(owner) + 1, end = vaddr + size_bytes;

	while (vaddr < end) {
		uint64_t there, run;

		if (!translate(owner, vaddr, &there, &run)) {
			vaddr = (vaddr & page_mask(owner)) + page_bytes;
			continue;
		}
		run = run < end - vaddr ? run : end - vaddr;
		if (paddr >= (there & page_mask(owner)) && paddr <= ((there + run - 1) | ~page_mask(owner))) {
			*vaddr_ret = vaddr + (paddr - there);
			return true;
		}
		vaddr += run;
	}
	return false;
}

static void find_slab(const struct owner *owner, uint64_t paddr, const struct pageinfo_page *page,
                      struct owner_found *ret)
{
	struct pageinfo *info = owner->info;
	uint64_t cache, name, size = 0, base = page->head_pfn << vmcore_page_shift(owner->machine->kernel->core);
	char text[NAME_BYTES];

	if ((!pageinfo_get(info, page->head_vaddr, PAGEINFO_SLAB_SLAB_CACHE, &cache) &&
	     !pageinfo_get(info, page->head_vaddr, PAGEINFO_PAGE_SLAB_CACHE, &cache)) ||
	    !pageinfo_get(info, cache, PAGEINFO_CACHE_NAME, &name) || !read_text(owner, name, text, sizeof(text))) {
		set(ret, OWNER_SLAB, "%s", "");
		return;
	}
	pageinfo_get(info, cache, PAGEINFO_CACHE_SIZE, &size);
	if (size && paddr >= base)
		set(ret, OWNER_SLAB, "%s, object %" PRIu64 " of its slab, %" PRIu64 " bytes into it", text,
		    (paddr - base) / size, (paddr - base) % size);
	else
		set(ret, OWNER_SLAB, "%s", text);
}

// The path of a file in its file system, as far as the names of directories can be read.
static void read_path(const struct owner *owner, uint64_t inode, char *path, size_t room_bytes)
{
	struct pageinfo *info = owner->info;
	char names[PATH_DEPTH][NAME_BYTES];
	uint64_t dentry, name;
	size_t depth = 0, used = 0;

	path[0] = '\0';
	if (!pageinfo_get(info, inode, PAGEINFO_INODE_DENTRY, &dentry) || !dentry ||
	    !pageinfo_has(info, PAGEINFO_DENTRY_ALIAS) || !pageinfo_has(info, PAGEINFO_DENTRY_NAME) ||
	    !pageinfo_has(info, PAGEINFO_QSTR_NAME))
		return;
	dentry -= info->members[PAGEINFO_DENTRY_ALIAS].offset_bytes;
	while (depth < PATH_DEPTH) {
		uint64_t parent;

		if (!pageinfo_get(info, dentry + info->members[PAGEINFO_DENTRY_NAME].offset_bytes, PAGEINFO_QSTR_NAME,
		                  &name) ||
		    !pageinfo_get(info, dentry, PAGEINFO_DENTRY_PARENT, &parent) || parent == dentry ||
		    !read_text(owner, name, names[depth], NAME_BYTES))
			break;
		depth++;
		dentry = parent;
	}
	while (depth-- > 0 && used < room_bytes)
		used += (size_t)snprintf(path + used, room_bytes - used, "/%s", names[depth]);
}

static void find_file(const struct owner *owner, const struct pageinfo_page *page, struct owner_found *ret)
{
	struct pageinfo *info = owner->info;
	uint64_t inode = 0, sb = 0, number = 0;
	char device[NAME_BYTES] = "?", path[OWNER_TEXT_BYTES / 2];

	if (!page->mapping || page->mapping & MAPPING_FLAGS ||
	    !pageinfo_get(info, page->mapping, PAGEINFO_MAPPING_HOST, &inode) || !inode ||
	    !pageinfo_get(info, inode, PAGEINFO_INODE_INO, &number)) {
		set(ret, OWNER_SHARED, "%s", page->mapping ? "" : "of no file: in swap, or taken away from it");
		return;
	}
	if (pageinfo_get(info, inode, PAGEINFO_INODE_SB, &sb) && pageinfo_has(info, PAGEINFO_SB_ID))
		read_text(owner, sb + info->members[PAGEINFO_SB_ID].offset_bytes, device, sizeof(device));
	read_path(owner, inode, path, sizeof(path));
	set(ret, OWNER_FILE, "inode %" PRIu64 " of %s%s%s, page %" PRIu64, number, device, path[0] ? ": " : "", path,
	    page->index);
}

static bool find_image(const struct owner *owner, uint64_t paddr, uint64_t vaddr, struct owner_found *ret)
{
	struct kernel *kernel = owner->machine->kernel;
	uint64_t start = kernel->symbols[KERNEL_STEXT], end = owner->info->symbols[PAGEINFO_END], there, last = 0;
	char text[SYMBOLS_TEXT_BYTES], last_text[SYMBOLS_TEXT_BYTES];
	struct symbols_place place;

	if (!start || end <= start || end - start > IMAGE_BYTES_MAX || !translate(owner, start, &there, NULL))
		return false;
	// The image lies in one piece, at both kinds of addresses.
	if (paddr - (there & page_mask(owner)) >= end - (start & page_mask(owner)))
		return false;
	if (!vaddr || vaddr - start >= end - start) {
		vaddr = (start & page_mask(owner)) + (paddr - (there & page_mask(owner)));
		last = vaddr == (vaddr & page_mask(owner)) ? vaddr | ~page_mask(owner) : 0;
	}
	symbols_find(owner->machine->symbols, vaddr, &place);
	symbols_format(&place, vaddr, text);
	if (last) {
		symbols_find(owner->machine->symbols, last, &place);
		symbols_format(&place, last, last_text);
	}
	set(ret, OWNER_IMAGE, "%.*s%s%.*s", 140, text, last ? " to " : "", 140, last ? last_text : "");
	return true;
}

// Their symbols are no addresses, but offsets from the start of the area.
static void name_per_cpu(struct kernel *kernel, uint64_t offset, char text[SYMBOLS_TEXT_BYTES])
{
	struct kallsyms_symbol symbol;
	bool is_found = false;
	struct error *err =
		kernel->syms ? kallsyms_at(kernel->syms, &kernel->reader, offset, &symbol, &is_found) : NULL;

	if (!err && is_found)
		snprintf(text, SYMBOLS_TEXT_BYTES, "%.*s+%#" PRIx64, SYMBOLS_NAME_BYTES, symbol.name,
		         offset - symbol.vaddr);
	else
		snprintf(text, SYMBOLS_TEXT_BYTES, "offset %#" PRIx64, offset);
	error_free(err);
}

static bool find_per_cpu(const struct owner *owner, uint64_t paddr, uint64_t vaddr, struct owner_found *ret)
{
	struct kernel *kernel = owner->machine->kernel;
	struct pageinfo *info = owner->info;
	uint64_t start = info->symbols[PAGEINFO_PER_CPU_START], end = info->symbols[PAGEINFO_PER_CPU_END], unit = 0;
	uint64_t offsets = kernel->symbols[KERNEL_PER_CPU_OFFSET];
	struct error *err;

	if (!offsets || end <= start)
		return false;
	if (info->symbols[PAGEINFO_PCPU_UNIT_SIZE])
		error_free(vmemory_uint(kernel->memory, info->symbols[PAGEINFO_PCPU_UNIT_SIZE], 4, &unit));
	if (unit < end - start || unit > IMAGE_BYTES_MAX)
		unit = end - start;
	for (uint32_t cpu = 0; cpu < kernel->cpu_count; cpu++) {
		uint64_t offset = 0, there;
		char text[SYMBOLS_TEXT_BYTES];

		err = vmemory_uint(kernel->memory, offsets + 8 * (uint64_t)cpu, 8, &offset);
		error_free(err);
		if (err || !translate(owner, start + offset, &there, NULL) || paddr - there >= unit)
			continue;
		if (vaddr - (start + offset) >= unit)
			vaddr = start + offset + (paddr - there);
		if (vaddr - offset >= end) {
			set(ret, OWNER_PER_CPU, "of CPU %u, allocated at run time, or room for that", cpu);
			return true;
		}
		name_per_cpu(kernel, vaddr - offset, text);
		set(ret, OWNER_PER_CPU, "of CPU %u: %s", cpu, text);
		return true;
	}
	return false;
}

// All stacks are as large as that of the first task, which lies in the image. 0: not known.
static uint64_t stack_bytes(const struct pageinfo *info)
{
	uint64_t start = info->symbols[PAGEINFO_INIT_STACK], end = info->symbols[PAGEINFO_END_INIT_STACK];

	if (!end)
		end = info->symbols[PAGEINFO_END_INIT_TASK];
	return start && end > start && end - start <= STACK_BYTES_MAX ? end - start : 0;
}

static bool is_stack_of(const struct owner *owner, uint64_t task, uint64_t size_bytes, uint64_t paddr, uint64_t vaddr,
                        uint64_t *at_ret)
{
	uint64_t stack = 0;
	struct error *err = kernel_get(owner->machine->kernel, task, KERNEL_TASK_STACK, &stack);

	error_free(err);
	if (err || !stack)
		return false;
	if (vaddr - stack < size_bytes) {
		*at_ret = vaddr - stack;
		return true;
	}
	if (!range_has(owner, stack, size_bytes, paddr, at_ret))
		return false;
	*at_ret -= stack;
	return true;
}

static bool find_stack(const struct owner *owner, uint64_t paddr, uint64_t vaddr, struct owner_found *ret)
{
	const struct threads *threads = &owner->machine->threads;
	uint64_t size = stack_bytes(owner->info), at;

	if (!size)
		return false;
	for (size_t i = 0; i < threads->count; i++) {
		struct threads_task task = {0};
		struct error *err;

		if (!is_stack_of(owner, threads->list[i], size, paddr, vaddr, &at))
			continue;
		err = threads_read(threads, owner->machine->kernel, threads->list[i], &task);
		set(ret, OWNER_STACK, "of %s, PID %u, task %#" PRIx64 ", %" PRIu64 " bytes from its lower end",
		    err ? "?" : task.name, task.pid, threads->list[i], at);
		error_free(err);
		return true;
	}
	return false;
}

static bool find_module(const struct owner *owner, uint64_t paddr, uint64_t vaddr, struct owner_found *ret)
{
	const struct modlist *modules = &owner->machine->modules;
	const struct modlist_module *module = vaddr ? modlist_find(modules, vaddr) : NULL;
	char text[SYMBOLS_TEXT_BYTES];
	struct symbols_place place;

	if (module) {
		symbols_find(owner->machine->symbols, vaddr, &place);
		symbols_format(&place, vaddr, text);
		set(ret, OWNER_MODULE, "%s%s%s", module->name, place.name[0] ? ": " : "", place.name[0] ? text : "");
		return true;
	}
	for (size_t i = 0; i < modules->count; i++) {
		module = &modules->list[i];
		for (size_t j = 0; j < module->range_count; j++) {
			const struct modlist_range *range = &module->ranges[j];
			uint64_t size = range->size_bytes < IMAGE_BYTES_MAX ? range->size_bytes : 0, at;

			if (!range_has(owner, range->vaddr, size, paddr, &at))
				continue;
			set(ret, OWNER_MODULE, "%s, at %#" PRIx64 "%s", module->name, at,
			    range->is_code ? " (code)" : "");
			return true;
		}
	}
	return false;
}

static bool find_struct_pages(const struct owner *owner, uint64_t paddr, struct owner_found *ret)
{
	struct pageinfo *info = owner->info;
	struct vmreader *reader = &owner->machine->kernel->reader;
	uint64_t page_bytes, pfn = 0, max_pfn = info->map.max_pfn;

	if (info->why[0])
		return false;
	page_bytes = page_layout_bytes(info->layout);
	while (pfn < max_pfn) {
		struct memmap_run run = {0};
		struct error *err = memmap_next_readable(&info->map, reader, pfn, max_pfn, &run);
		uint64_t at;

		error_free(err);
		if (err || run.pfn_end <= run.pfn_start || run.pfn_end <= pfn)
			return false;
		if (range_has(owner, run.page_vaddr, (run.pfn_end - run.pfn_start) * page_bytes, paddr, &at)) {
			uint64_t first = run.pfn_start + ((at & page_mask(owner)) - run.page_vaddr) / page_bytes;

			set(ret, OWNER_STRUCT_PAGES, "of page frames %#" PRIx64 " to %#" PRIx64, first,
			    first + (~page_mask(owner) + page_bytes) / page_bytes - 1);
			return true;
		}
		pfn = run.pfn_end;
	}
	return false;
}

static bool find_crash_kernel(const struct owner *owner, uint64_t paddr, struct owner_found *ret)
{
	static const enum pageinfo_symbol which[] = {PAGEINFO_CRASHK_RES, PAGEINFO_CRASHK_LOW_RES};
	struct pageinfo *info = owner->info;

	for (size_t i = 0; i < array_size(which); i++) {
		uint64_t resource = info->symbols[which[i]], start, end;

		if (!resource || !pageinfo_get(info, resource, PAGEINFO_RESOURCE_START, &start) ||
		    !pageinfo_get(info, resource, PAGEINFO_RESOURCE_END, &end) || !end || paddr < start || paddr > end)
			continue;
		set(ret, OWNER_CRASH_KERNEL, "crashkernel= from %#" PRIx64 " to %#" PRIx64, start, end);
		return true;
	}
	return false;
}

static bool find_by_struct_page(const struct owner *owner, uint64_t paddr, const struct pageinfo_page *page,
                                struct owner_found *ret)
{
	const char *type = pageinfo_type(owner->info, page);

	if (page->view.is_slab) {
		find_slab(owner, paddr, page, ret);
		return true;
	}
	switch (page->view.class) {
	case PAGE_FREE:
		set(ret, OWNER_FREE, "in a block of 2^%u pages from page frame %#" PRIx64 " on", page->order,
		    page->head_pfn);
		return true;
	case PAGE_OFFLINE:
		set(ret, OWNER_OFFLINE, "given back to the hypervisor, or a virtual device");
		return true;
	case PAGE_CACHE:
	case PAGE_CACHE_PRIVATE:
		find_file(owner, page, ret);
		return true;
	case PAGE_USER:
		if ((page->mapping & MAPPING_FLAGS) == MAPPING_KSM)
			set(ret, OWNER_ANON, "shared by processes that have the same (KSM)");
		else if (page->mapping & MAPPING_ANON)
			set(ret, OWNER_ANON, "%s", "");
		else
			set(ret, OWNER_HUGETLB, "huge page of 2^%u pages", page->order);
		return true;
	case PAGE_KERNEL:
	case PAGE_CLASS_COUNT:
		break;
	}
	if (type && strcmp(type, "table") == 0) {
		set(ret, OWNER_PAGE_TABLE, "%s", "");
		return true;
	}
	return false;
}

// The image and the first areas of CPUs are reserved. What the kernel freed of them after the boot is not any more.
static bool may_be_reserved(const struct owner *owner, const struct pageinfo_page *page)
{
	const struct pageinfo *info = owner->info;

	for (size_t i = 0; page && i < info->flag_count; i++)
		if (strcmp(info->flags[i].name, "reserved") == 0)
			return page->flags >> (info->flags[i].number & 63) & 1;
	return true;
}

void owner_find(const struct owner *owner, uint64_t paddr, uint64_t vaddr, const struct pageinfo_page *page,
                struct owner_found *ret)
{
	*ret = (struct owner_found){.kind = OWNER_UNKNOWN};
	// The cheap ones first.
	if ((page && find_by_struct_page(owner, paddr, page, ret)) ||
	    (may_be_reserved(owner, page) &&
	     (find_image(owner, paddr, vaddr, ret) || find_per_cpu(owner, paddr, vaddr, ret))) ||
	    find_crash_kernel(owner, paddr, ret) || find_stack(owner, paddr, vaddr, ret) ||
	    find_struct_pages(owner, paddr, ret) || find_module(owner, paddr, vaddr, ret))
		return;
	if (page && page->has_counts && page->refcount == 0 && !pageinfo_is_typed(page))
		set(ret, OWNER_UNKNOWN,
		    "not in use (count 0): on a CPU's list of free pages, or part of something larger");
}

// One process, whose pages are compared with those that are looked for.
struct process_walk {
	struct owner_mapped *pages;
	size_t count;
	unsigned int page_shift;
	const struct threads_task *task;
};

static void take_page(void *context, uint64_t paddr, uint64_t size_bytes)
{
	const struct process_walk *walk = context;
	uint64_t first = paddr >> walk->page_shift, frames = size_bytes >> walk->page_shift;

	for (size_t i = 0; i < walk->count; i++) {
		struct owner_mapped *page = &walk->pages[i];
		size_t known = page->count < OWNER_PROCESSES_MAX ? page->count : OWNER_PROCESSES_MAX;

		if (page->pfn - first >= frames || (known && page->pids[known - 1] == walk->task->tgid))
			continue;
		if (page->count < OWNER_PROCESSES_MAX) {
			page->pids[page->count] = walk->task->tgid;
			snprintf(page->names[page->count], TASKS_NAME_BYTES, "%s", walk->task->name);
		}
		page->count++;
	}
}

struct error *owner_find_processes(const struct owner *owner, struct owner_mapped *pages, size_t count)
{
	struct kernel *kernel = owner->machine->kernel;
	const struct threads *threads = &owner->machine->threads;
	struct xlat_walk walk = {.page = take_page, .tables_left = TABLES_MAX};
	struct error *first = NULL;

	for (size_t i = 0; i < count; i++)
		pages[i].count = 0;
	for (size_t i = 0; i < threads->count; i++) {
		struct threads_task task;
		struct process_walk process = {pages, count, vmcore_page_shift(kernel->core), &task};
		uint64_t pgd, root;
		struct error *err = threads_read(threads, kernel, threads->list[i], &task);

		// Threads of a process have its tables.
		if (err || !task.mm_vaddr || task.pid != task.tgid) {
			error_free(err);
			continue;
		}
		walk.context = &process;
		err = kernel_get(kernel, task.mm_vaddr, KERNEL_MM_PGD, &pgd);
		if (!err)
			err = xlat_translate(&kernel->xlat, &kernel->reader, pgd, &root, NULL);
		if (!err)
			err = xlat_walk_process(&kernel->xlat, &kernel->reader, root, &walk);
		if (err && first)
			error_free(err);
		else if (err)
			first = err;
	}
	return first;
}
