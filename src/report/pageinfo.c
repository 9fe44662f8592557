// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/pageinfo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/arch.h"
#include "core/btf_describe.h"
#include "core/tasks.h"

enum {
	// A block or a compound page has at most so many frames: 16 GiB, larger than any huge page.
	ORDER_MAX = 22,
	// page_view() looks at the second struct page of a compound page.
	PAGES_READ = 2,
	STRUCT_PAGE_MAX = 4096,
	CLASSES_READ_BYTES = 64 << 10,
	NODES_MAX = 1 << 10, // MAX_NUMNODES (Linux include/linux/numa.h)
	ZONES_MAX = 8, // MAX_NR_ZONES, 6 at most (Linux include/linux/mmzone.h)
};

static const char *const symbol_names[PAGEINFO_SYMBOL_COUNT] = {
	[PAGEINFO_END] = "_end",
	[PAGEINFO_PER_CPU_START] = "__per_cpu_start",
	[PAGEINFO_PER_CPU_END] = "__per_cpu_end",
	[PAGEINFO_PCPU_UNIT_SIZE] = "pcpu_unit_size",
	[PAGEINFO_CRASHK_RES] = "crashk_res",
	[PAGEINFO_CRASHK_LOW_RES] = "crashk_low_res",
	[PAGEINFO_NODE_DATA] = "node_data",
	[PAGEINFO_CONTIG_PAGE_DATA] = "contig_page_data",
	[PAGEINFO_INIT_STACK] = "init_stack",
	// Linux include/asm-generic/vmlinux.lds.h, INIT_TASK_DATA(): the first until v6.9, the second since.
	[PAGEINFO_END_INIT_TASK] = "__end_init_task",
	[PAGEINFO_END_INIT_STACK] = "__end_init_stack",
};

#define MEMBER(type_, member_)                                                                                         \
	{                                                                                                              \
		.type = (type_), .member = (member_)                                                                   \
	}

static const struct btf_query member_names[PAGEINFO_MEMBER_COUNT] = {
	[PAGEINFO_PAGE_FLAGS] = MEMBER("page", "flags"),
	[PAGEINFO_PAGE_MAPPING] = MEMBER("page", "mapping"),
	[PAGEINFO_PAGE_INDEX] = MEMBER("page", "index"),
	// Since Linux kernel commit acc53a0b4c156 ("mm: rename page->index to page->__folio_index") (in v6.16).
	[PAGEINFO_PAGE_FOLIO_INDEX] = MEMBER("page", "__folio_index"),
	[PAGEINFO_PAGE_REFCOUNT] = MEMBER("page", "_refcount"),
	[PAGEINFO_PAGE_MAPCOUNT] = MEMBER("page", "_mapcount"),
	// Until Linux kernel commit d122019bf061 ("mm: Split slab into its own type") (in v5.17).
	[PAGEINFO_PAGE_SLAB_CACHE] = MEMBER("page", "slab_cache"),
	[PAGEINFO_SLAB_SLAB_CACHE] = MEMBER("slab", "slab_cache"),
	[PAGEINFO_CACHE_NAME] = MEMBER("kmem_cache", "name"),
	[PAGEINFO_CACHE_SIZE] = MEMBER("kmem_cache", "size"),
	[PAGEINFO_MAPPING_HOST] = MEMBER("address_space", "host"),
	[PAGEINFO_INODE_INO] = MEMBER("inode", "i_ino"),
	[PAGEINFO_INODE_SB] = MEMBER("inode", "i_sb"),
	[PAGEINFO_INODE_DENTRY] = MEMBER("inode", "i_dentry"),
	[PAGEINFO_SB_ID] = MEMBER("super_block", "s_id"),
	[PAGEINFO_DENTRY_ALIAS] = MEMBER("dentry", "d_u"),
	[PAGEINFO_DENTRY_NAME] = MEMBER("dentry", "d_name"),
	[PAGEINFO_DENTRY_PARENT] = MEMBER("dentry", "d_parent"),
	[PAGEINFO_QSTR_NAME] = MEMBER("qstr", "name"),
	[PAGEINFO_RESOURCE_START] = MEMBER("resource", "start"),
	[PAGEINFO_RESOURCE_END] = MEMBER("resource", "end"),
	[PAGEINFO_PGLIST_ZONES] = MEMBER("pglist_data", "node_zones"),
	[PAGEINFO_ZONE] = {.type = "zone"},
	[PAGEINFO_ZONE_NAME] = MEMBER("zone", "name"),
	[PAGEINFO_ZONE_START] = MEMBER("zone", "zone_start_pfn"),
	[PAGEINFO_ZONE_SPANNED] = MEMBER("zone", "spanned_pages"),
};

// Where enumerators are put.
struct names {
	struct pageinfo_name *list;
	size_t *count;
	const char *prefix, *end; // What stands before each name; the name of the one that is none.
	bool is_ended;
};

// Further names of a number come behind the first; behind the one that counts them all others.
static void take_name(void *context, const struct btf_describe *row)
{
	struct names *names = context;
	size_t prefix = strlen(names->prefix);

	if (row->depth && names->end && strcmp(row->name, names->end) == 0)
		names->is_ended = true;
	if (!row->depth || names->is_ended || row->value < 0 || *names->count >= PAGEINFO_NAMES_MAX ||
	    strncmp(row->name, names->prefix, prefix) != 0)
		return;
	for (size_t i = 0; i < *names->count; i++)
		if (names->list[i].number == (uint64_t)row->value)
			return;
	names->list[*names->count].number = (uint64_t)row->value;
	snprintf(names->list[(*names->count)++].name, PAGEINFO_NAME_BYTES, "%.*s", PAGEINFO_NAME_BYTES - 1,
	         row->name + prefix);
}

static struct error *learn_names(struct pageinfo *info)
{
	struct kernel *kernel = info->kernel;
	struct names flags = {info->flags, &info->flag_count, "PG_", "__NR_PAGEFLAGS", false};
	struct names types = {info->types, &info->type_count, "PGTY_", NULL, false};
	struct error *err;

	if (!kernel->syms)
		return error_new(ERROR_UNSUPPORTED, "%s", kernel->symbols_why);
	// Types have names since Linux kernel commit 4ffca5a96678 ("mm: support only one page_type per page") (in v6.12).
	err = btf_describe(kernel->core, &kernel->xlat, kernel->syms, &kernel->reader, "pagetype", take_name, &types);
	error_free(err);
	return btf_describe(kernel->core, &kernel->xlat, kernel->syms, &kernel->reader, "pageflags", take_name, &flags);
}

static struct error *learn_members(struct pageinfo *info)
{
	struct error *err = kernel_find_symbols(info->kernel, symbol_names, PAGEINFO_SYMBOL_COUNT, info->symbols);

	return err ? err : kernel_find_members(info->kernel, info->members, PAGEINFO_MEMBER_COUNT);
}

static struct error *learn_layout(struct pageinfo *info)
{
	struct kernel *kernel = info->kernel;
	struct error *err = page_layout_create(kernel->core, &kernel->xlat, &kernel->reader, &info->layout);

	if (err)
		return err;
	return memmap_init(&info->map, kernel->core, &kernel->xlat, &kernel->reader, page_layout_bytes(info->layout));
}

// Tables of processes have a type since Linux v4.18, and numbers of types changed: the page table of a process shows which it is.
// All words of a table of the lowest level but one lead to such.
static void learn_table_type(struct pageinfo *info, uint64_t table, unsigned int level, unsigned int *left)
{
	const struct xlat *xlat = &info->kernel->xlat;
	const struct arch *arch = xlat->core->arch;
	unsigned int count = level + 1 == xlat->level_count ? arch->user_entries : 1U << xlat->index_bits;

	for (unsigned int i = 0; i < count && i < 1U << xlat->index_bits && !info->has_table_type && *left; i++) {
		uint8_t raw[8];
		struct error *err = vmreader_read(&info->kernel->reader, table + 8 * (uint64_t)i, raw, sizeof(raw));
		uint64_t entry = err ? 0 : load_u64(raw, xlat->core->is_big_endian), next;
		struct pageinfo_page page;

		error_free(err);
		if (!entry || arch->user_pte(&entry, level) != ARCH_PTE_TABLE)
			continue;
		(*left)--;
		next = xlat_entry_paddr(xlat, entry);
		if (level > 1) {
			learn_table_type(info, next, level - 1, left);
			continue;
		}
		err = pageinfo_find(info, next >> vmcore_page_shift(xlat->core), &page);
		if (!err && pageinfo_is_typed(&page) && page.view.class == PAGE_KERNEL) {
			info->has_table_type = true;
			info->table_type = page.type;
		}
		error_free(err);
	}
}

struct table_search {
	struct pageinfo *info;
	const struct tasks *tasks;
	unsigned int tasks_left, tables_left;
};

static void look_at_task(void *context, const struct tasks_task *task)
{
	struct table_search *search = context;
	struct pageinfo *info = search->info;
	uint64_t root;
	struct error *err;

	if (!task->mm_vaddr || info->has_table_type || !search->tasks_left)
		return;
	search->tasks_left--;
	err = tasks_page_table(search->tasks, &info->kernel->reader, task->mm_vaddr, &root);
	if (!err)
		learn_table_type(info, root, info->kernel->xlat.level_count - 1, &search->tables_left);
	error_free(err);
}

static void find_table_type(struct pageinfo *info)
{
	struct kernel *kernel = info->kernel;
	struct tasks tasks;
	struct table_search search = {info, &tasks, 8, 64};
	struct error *err;

	if (info->type_count || info->why[0] || !kernel->core->arch->user_pte)
		return;
	err = tasks_init(&tasks, kernel->core, &kernel->xlat, &kernel->reader);
	if (!err)
		err = tasks_walk(&tasks, &kernel->reader, look_at_task, &search);
	error_free(err);
}

struct error *pageinfo_open(struct kernel *kernel, struct pageinfo **ret)
{
	struct pageinfo *info = calloc(1, sizeof(*info));
	struct error *err;

	if (!info)
		return error_new(ERROR_NOMEM, "out of memory");
	info->kernel = kernel;
	memcpy(info->members, member_names, sizeof(info->members));
	kernel_explain(info->why, learn_layout(info));
	err = learn_members(info);
	if (!err)
		err = learn_names(info);
	kernel_explain(info->names_why, err);
	find_table_type(info);
	*ret = info;
	return NULL;
}

void pageinfo_close(struct pageinfo *info)
{
	if (!info)
		return;
	page_layout_destroy(info->layout);
	free(info);
}

bool pageinfo_get(struct pageinfo *info, uint64_t vaddr, enum pageinfo_member which, uint64_t *ret)
{
	const struct btf_query *query = &info->members[which];
	struct error *err;

	if (!query->is_found)
		return false;
	err = vmemory_uint(info->kernel->memory, vaddr + query->offset_bytes, query->size_bytes, ret);
	error_free(err);
	return !err;
}

// The struct page of a frame, and the next one where there is one.
static struct error *read_struct(struct pageinfo *info, uint64_t pfn, uint64_t *vaddr_ret,
                                 uint8_t bytes[PAGES_READ * STRUCT_PAGE_MAX], uint64_t *count_ret)
{
	struct kernel *kernel = info->kernel;
	uint64_t size = page_layout_bytes(info->layout), next;
	struct memmap_run run = {0};
	struct error *err = memmap_next(&info->map, &kernel->reader, pfn, pfn + 1, &run, &next);

	if (err)
		return err;
	if (run.pfn_start != pfn || run.pfn_end <= pfn || size > STRUCT_PAGE_MAX)
		return error_new(ERROR_FAULT, "page frame %#jx has no struct page", (uintmax_t)pfn);
	*vaddr_ret = run.page_vaddr;
	*count_ret = run.pfn_end - pfn < PAGES_READ ? run.pfn_end - pfn : PAGES_READ;
	if (*count_ret > 1) {
		err = vmemory_read(kernel->memory, run.page_vaddr, bytes, *count_ret * size);
		if (!error_catch(&err, ERROR_FAULT))
			return err;
		*count_ret = 1;
	}
	return vmemory_read(kernel->memory, run.page_vaddr, bytes, size);
}

// A page inside of a free block, or of a compound page, says little: its head, at an address that is a multiple of the size, does.
static void find_head(struct pageinfo *info, struct pageinfo_page *page)
{
	uint64_t last = page->pfn;

	for (unsigned int order = 1; order <= ORDER_MAX; order++) {
		uint64_t head = page->pfn & ~((UINT64_C(1) << order) - 1), vaddr, count;
		uint8_t bytes[PAGES_READ * STRUCT_PAGE_MAX];
		struct page_view view;
		struct error *err;

		if (head == last)
			continue;
		last = head;
		err = read_struct(info, head, &vaddr, bytes, &count);
		if (err) {
			error_free(err);
			return;
		}
		view = page_view(info->layout, bytes, count, head);
		if (head + (UINT64_C(1) << view.order) <= page->pfn || view.is_tail ||
		    !(page->view.is_tail ? view.is_compound : view.class == PAGE_FREE))
			continue;
		page->head_pfn = head;
		page->head_vaddr = vaddr;
		page->order = view.order;
		page->is_inside = true;
		page->view.class = view.class;
		page->view.is_slab = view.is_slab;
		return;
	}
}

static void read_words(struct pageinfo *info, struct pageinfo_page *page)
{
	uint64_t word = 0, type = UINT32_MAX;
	bool has_index;

	pageinfo_get(info, page->vaddr, PAGEINFO_PAGE_FLAGS, &page->flags);
	pageinfo_get(info, page->head_vaddr, PAGEINFO_PAGE_MAPPING, &page->mapping);
	has_index = pageinfo_get(info, page->vaddr, PAGEINFO_PAGE_INDEX, &page->index) ||
	            pageinfo_get(info, page->vaddr, PAGEINFO_PAGE_FOLIO_INDEX, &page->index);
	page->has_counts = pageinfo_get(info, page->head_vaddr, PAGEINFO_PAGE_REFCOUNT, &word) && has_index;
	page->refcount = (int32_t)word;
	pageinfo_get(info, page->vaddr, PAGEINFO_PAGE_MAPCOUNT, &type);
	page->type = (uint32_t)type;
}

struct error *pageinfo_find(struct pageinfo *info, uint64_t pfn, struct pageinfo_page *ret)
{
	struct pageinfo_page page = {.pfn = pfn, .head_pfn = pfn};
	uint8_t bytes[PAGES_READ * STRUCT_PAGE_MAX];
	uint64_t count;
	struct error *err;

	if (info->why[0])
		return error_new(ERROR_UNSUPPORTED, "%s", info->why);
	err = read_struct(info, pfn, &page.vaddr, bytes, &count);
	if (err)
		return err;
	page.head_vaddr = page.vaddr;
	page.view = page_view(info->layout, bytes, count, pfn);
	page.order = page.view.order;
	if (page.view.class == PAGE_KERNEL && !page.view.is_compound && !page.view.is_slab)
		find_head(info, &page);
	read_words(info, &page);
	*ret = page;
	return NULL;
}

// Tells of frames whose struct pages were read. Blocks and compound pages are one step, which may go on behind them.
static uint64_t tell_classes(struct pageinfo *info, const uint8_t *bytes, uint64_t pfn, uint64_t pfn_end,
                             uint64_t limit, pageinfo_each *each, void *context)
{
	uint64_t size = page_layout_bytes(info->layout), first = pfn;

	while (pfn < pfn_end) {
		struct page_view view = page_view(info->layout, bytes + (pfn - first) * size, pfn_end - pfn, pfn);
		uint64_t end = view.order <= ORDER_MAX ? pfn + (UINT64_C(1) << view.order) : pfn + 1;

		// The order of a compound page is in the next struct page: the last one that was read is looked at again.
		if (pfn + 1 == pfn_end && pfn > first && pfn + 1 < limit)
			break;
		end = end < limit ? end : limit;
		each(context, pfn, end, view.class);
		pfn = end;
	}
	return pfn;
}

void pageinfo_classes(struct pageinfo *info, uint64_t pfn, uint64_t pfn_end, pageinfo_each *each, void *context)
{
	struct kernel *kernel = info->kernel;
	_cleanup_free_ uint8_t *bytes = malloc(CLASSES_READ_BYTES);
	uint64_t size = info->layout ? page_layout_bytes(info->layout) : 0;

	while (!info->why[0] && size && bytes && pfn < pfn_end) {
		struct memmap_run run = {0};
		uint64_t most = CLASSES_READ_BYTES / size;
		struct error *err = memmap_next_readable(&info->map, &kernel->reader, pfn, pfn_end, &run);

		if (err || run.pfn_end <= run.pfn_start || run.pfn_end <= pfn) {
			error_free(err);
			return;
		}
		run.pfn_end = run.pfn_end < pfn_end ? run.pfn_end : pfn_end;
		pfn = run.pfn_start > pfn ? run.pfn_start : pfn;
		while (pfn < run.pfn_end) {
			uint64_t count = run.pfn_end - pfn < most ? run.pfn_end - pfn : most;
			uint64_t vaddr = run.page_vaddr + (pfn - run.pfn_start) * size;

			err = vmemory_read(kernel->memory, vaddr, bytes, count * size);
			if (err && count > 1) {
				// Where a part is not in the dump, each is tried for itself.
				error_free(err);
				err = vmemory_read(kernel->memory, vaddr, bytes, size);
				count = 1;
			}
			pfn = err ? pfn + 1 : tell_classes(info, bytes, pfn, pfn + count, run.pfn_end, each, context);
			error_free(err);
		}
	}
}

void pageinfo_flags(const struct pageinfo *info, const struct pageinfo_page *page, char text[PAGEINFO_TEXT_BYTES])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < info->flag_count; i++) {
		const struct pageinfo_name *flag = &info->flags[i];
		size_t room = PAGEINFO_TEXT_BYTES - used;

		if (flag->number >= 64 || !(page->flags >> flag->number & 1) || strlen(flag->name) + 2 > room)
			continue;
		used += (size_t)snprintf(text + used, room, "%s%s", used ? "|" : "", flag->name);
	}
}

const char *pageinfo_type(const struct pageinfo *info, const struct pageinfo_page *page)
{
	if (!pageinfo_is_typed(page))
		return NULL;
	for (size_t i = 0; i < info->type_count; i++)
		if (info->types[i].number == page->type >> 24)
			return info->types[i].name;
	if (info->has_table_type && page->type == info->table_type)
		return "table";
	switch (page->view.class) {
	case PAGE_FREE:
		return page->is_inside ? NULL : "buddy";
	case PAGE_OFFLINE:
		return "offline";
	case PAGE_KERNEL:
	case PAGE_CACHE:
	case PAGE_CACHE_PRIVATE:
	case PAGE_USER:
	case PAGE_CLASS_COUNT:
		break;
	}
	return NULL;
}

static bool is_in_zone(struct pageinfo *info, uint64_t zone, uint64_t pfn, char name[PAGEINFO_NAME_BYTES])
{
	uint64_t start, spanned, at;
	struct error *err;

	if (!pageinfo_get(info, zone, PAGEINFO_ZONE_START, &start) ||
	    !pageinfo_get(info, zone, PAGEINFO_ZONE_SPANNED, &spanned) || pfn - start >= spanned ||
	    !pageinfo_get(info, zone, PAGEINFO_ZONE_NAME, &at))
		return false;
	err = vmemory_text(info->kernel->memory, at, name, PAGEINFO_NAME_BYTES);
	if (err)
		snprintf(name, PAGEINFO_NAME_BYTES, "?");
	error_free(err);
	return true;
}

bool pageinfo_zone(struct pageinfo *info, uint64_t pfn, uint32_t *node_ret, char zone[PAGEINFO_NAME_BYTES])
{
	uint64_t count = 1, zones = info->members[PAGEINFO_PGLIST_ZONES].offset_bytes;
	uint64_t zone_bytes = info->members[PAGEINFO_ZONE].size_bytes;

	if (!pageinfo_has(info, PAGEINFO_PGLIST_ZONES) || !zone_bytes)
		return false;
	if (info->symbols[PAGEINFO_NODE_DATA])
		count = NODES_MAX;
	for (uint32_t node = 0; node < count; node++) {
		uint64_t pgdat = info->symbols[PAGEINFO_CONTIG_PAGE_DATA];
		struct error *err = NULL;

		if (info->symbols[PAGEINFO_NODE_DATA])
			err = vmemory_uint(info->kernel->memory, info->symbols[PAGEINFO_NODE_DATA] + 8 * (uint64_t)node,
			                   8, &pgdat);
		// The array has one pointer for each node that can be; what is behind it is none.
		error_free(err);
		if (err || (pgdat && pgdat < info->kernel->xlat.vaddr_min))
			return false;
		for (uint64_t i = 0;
		     pgdat && i < ZONES_MAX && (i + 1) * zone_bytes <= info->members[PAGEINFO_PGLIST_ZONES].size_bytes;
		     i++) {
			*node_ret = node;
			if (is_in_zone(info, pgdat + zones + i * zone_bytes, pfn, zone))
				return true;
		}
	}
	return false;
}
