// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/vmareas.h"

#include <stdlib.h>

#include "report/facts.h"

enum symbol { AREA_LIST, NODES, NR_NODES, SYMBOL_COUNT };

// One list, or, since Linux v6.9, several.
static const char *const symbols[SYMBOL_COUNT] = {
	[AREA_LIST] = "vmap_area_list",
	[NODES] = "vmap_nodes",
	[NR_NODES] = "nr_vmap_nodes",
};

enum member {
	AREA_LIST_NODE,
	AREA_VM,
	NODE,
	NODE_BUSY,
	RB_LIST_HEAD,
	VM_SIZE,
	VM_NR_PAGES,
	VM_CALLER,
	MEMBER_COUNT,
};

static const struct btf_query members[MEMBER_COUNT] = {
	[AREA_LIST_NODE] = FACTS_MEMBER("vmap_area", "list"),
	[AREA_VM] = FACTS_MEMBER("vmap_area", "vm"),
	[NODE] = {.type = "vmap_node"},
	[NODE_BUSY] = FACTS_MEMBER("vmap_node", "busy"),
	[RB_LIST_HEAD] = FACTS_MEMBER("rb_list", "head"),
	[VM_SIZE] = FACTS_MEMBER("vm_struct", "size"),
	[VM_NR_PAGES] = FACTS_MEMBER("vm_struct", "nr_pages"),
	[VM_CALLER] = FACTS_MEMBER("vm_struct", "caller"),
};

// Linux has one for each CPU at most (mm/vmalloc.c: vmap_init_nodes()).
enum { NODES_MAX = KERNEL_CPUS_MAX };

// While areas are found: one entry for each, its number of areas being 1.
struct search {
	const struct facts *facts;
	struct vmareas *areas;
	size_t room;
	size_t left;
};

static struct error *take_area(struct search *search, uint64_t vm)
{
	const struct facts *facts = search->facts;
	struct vmareas *areas = search->areas;
	struct vmareas_caller one = {.areas = 1};
	struct error *err = facts_get(facts, vm, VM_SIZE, &one.bytes);

	if (!err)
		err = facts_get(facts, vm, VM_NR_PAGES, &one.pages);
	if (!err)
		err = facts_get(facts, vm, VM_CALLER, &one.vaddr);
	if (err)
		return err;
	if (areas->count == search->room) {
		size_t room = search->room ? 2 * search->room : 256;
		struct vmareas_caller *list = reallocarray(areas->list, room, sizeof(*list));

		if (!list)
			return error_new(ERROR_NOMEM, "no memory for the list of areas");
		areas->list = list;
		search->room = room;
	}
	areas->list[areas->count++] = one;
	return NULL;
}

static struct error *walk_list(struct search *search, uint64_t head)
{
	const struct facts *facts = search->facts;
	struct vmemory *memory = facts->kernel->memory;
	static const unsigned int needed[] = {AREA_LIST_NODE};
	uint64_t at = 0, vm = 0;
	struct error *err = facts_need(facts, needed, array_size(needed));

	if (!err)
		err = vmemory_uint(memory, head, 8, &at);
	for (; !err && at != head; search->left--) {
		if (!search->left)
			return error_new(ERROR_BAD_DATA, "more than %d areas of the kernel's memory", VMAREAS_MAX);
		err = facts_get(facts, at - facts->members[AREA_LIST_NODE].offset_bytes, AREA_VM, &vm);
		if (!err && vm)
			err = take_area(search, vm);
		if (!err)
			err = vmemory_uint(memory, at, 8, &at);
	}
	return err;
}

static struct error *walk_nodes(struct search *search)
{
	const struct facts *facts = search->facts;
	static const unsigned int needed[] = {NODE, NODE_BUSY, RB_LIST_HEAD};
	uint64_t nodes = 0, count = 0, step = facts_bytes(facts, NODE);
	struct error *err = facts_need(facts, needed, array_size(needed));

	if (!err)
		err = facts_variable(facts, NODES, 8, &nodes);
	if (!err)
		err = facts_variable(facts, NR_NODES, 4, &count);
	for (uint64_t i = 0; i < count && i < NODES_MAX && !err; i++)
		err = walk_list(search, facts_at(facts, facts_at(facts, nodes + i * step, NODE_BUSY), RB_LIST_HEAD));
	return err;
}

static int by_caller(const void *a, const void *b)
{
	const struct vmareas_caller *first = a, *second = b;

	return first->vaddr < second->vaddr ? -1 : first->vaddr > second->vaddr;
}

static int by_bytes(const void *a, const void *b)
{
	const struct vmareas_caller *first = a, *second = b;

	if (first->bytes != second->bytes)
		return first->bytes > second->bytes ? -1 : 1;
	return by_caller(a, b);
}

static void merge(struct vmareas *areas)
{
	size_t callers = 0;

	if (areas->count)
		qsort(areas->list, areas->count, sizeof(*areas->list), by_caller);
	for (size_t i = 0; i < areas->count; i++) {
		const struct vmareas_caller one = areas->list[i];

		areas->areas += one.areas;
		areas->bytes += one.bytes;
		areas->pages += one.pages;
		if (callers && areas->list[callers - 1].vaddr == one.vaddr) {
			areas->list[callers - 1].areas += one.areas;
			areas->list[callers - 1].bytes += one.bytes;
			areas->list[callers - 1].pages += one.pages;
		} else {
			areas->list[callers++] = one;
		}
	}
	areas->count = callers;
	if (callers)
		qsort(areas->list, callers, sizeof(*areas->list), by_bytes);
}

struct error *vmareas_init(struct vmareas *ret, struct kernel *kernel)
{
	_cleanup_facts_ struct facts facts;
	struct search search = {.facts = &facts, .areas = ret, .left = VMAREAS_MAX};
	struct error *err = facts_init(&facts, kernel, symbols, SYMBOL_COUNT, members, MEMBER_COUNT);

	*ret = (struct vmareas){0};
	if (err)
		return err;
	if (facts.symbols[NODES])
		err = walk_nodes(&search);
	else if (facts.symbols[AREA_LIST])
		err = walk_list(&search, facts.symbols[AREA_LIST]);
	else
		err = error_new(ERROR_UNSUPPORTED, "%s",
		                kernel->symbols_why[0] ? kernel->symbols_why
		                                       : "the kernel has no symbol vmap_nodes or vmap_area_list");
	merge(ret);
	if (err && err->code == ERROR_NOMEM)
		return err;
	kernel_explain(ret->why, err);
	return NULL;
}

void vmareas_deinit(struct vmareas *areas)
{
	free(areas->list);
}
