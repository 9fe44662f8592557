// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/zones.h"

#include <stdlib.h>

#include "report/facts.h"

enum symbol { NODE_DATA, CONTIG_PAGE_DATA, NR_NODE_IDS, SYMBOL_COUNT };

static const char *const symbols[SYMBOL_COUNT] = {
	[NODE_DATA] = "node_data",
	[CONTIG_PAGE_DATA] = "contig_page_data",
	[NR_NODE_IDS] = "nr_node_ids",
};

enum member {
	NODE_ZONES,
	NODE_ID,
	ZONE,
	ZONE_NAME,
	ZONE_SPANNED,
	ZONE_PRESENT,
	ZONE_MANAGED,
	ZONE_FREE_AREA,
	ZONE_VM_STAT,
	ZONE_WATERMARK,
	ZONE_BOOST,
	ZONE_PER_CPU_PAGESET,
	ZONE_PAGESET,
	FREE_AREA,
	FREE_AREA_NR_FREE,
	PAGESET_PCP,
	PCP_COUNT,
	NR_FREE_PAGES,
	MEMBER_COUNT,
};

static const struct btf_query members[MEMBER_COUNT] = {
	[NODE_ZONES] = FACTS_MEMBER("pglist_data", "node_zones"),
	[NODE_ID] = FACTS_MEMBER("pglist_data", "node_id"),
	[ZONE] = {.type = "zone"},
	[ZONE_NAME] = FACTS_MEMBER("zone", "name"),
	[ZONE_SPANNED] = FACTS_MEMBER("zone", "spanned_pages"),
	[ZONE_PRESENT] = FACTS_MEMBER("zone", "present_pages"),
	[ZONE_MANAGED] = FACTS_MEMBER("zone", "managed_pages"),
	[ZONE_FREE_AREA] = FACTS_MEMBER("zone", "free_area"),
	[ZONE_VM_STAT] = FACTS_MEMBER("zone", "vm_stat"),
	[ZONE_WATERMARK] = FACTS_MEMBER("zone", "_watermark"),
	[ZONE_BOOST] = FACTS_MEMBER("zone", "watermark_boost"),
	// Linux kernel commit 28f836b6777b ("mm/page_alloc: split per cpu page lists and zone stats") (in v5.14).
	[ZONE_PER_CPU_PAGESET] = FACTS_MEMBER("zone", "per_cpu_pageset"),
	[ZONE_PAGESET] = FACTS_MEMBER("zone", "pageset"),
	[FREE_AREA] = {.type = "free_area"},
	[FREE_AREA_NR_FREE] = FACTS_MEMBER("free_area", "nr_free"),
	[PAGESET_PCP] = FACTS_MEMBER("per_cpu_pageset", "pcp"),
	[PCP_COUNT] = FACTS_MEMBER("per_cpu_pages", "count"),
	[NR_FREE_PAGES] = FACTS_ENUMERATOR("zone_stat_item", "NR_FREE_PAGES"),
};

static void read_blocks(const struct facts *facts, uint64_t vaddr, struct zones *zones, struct zones_zone *zone,
                        struct error **first)
{
	uint64_t step = facts_bytes(facts, FREE_AREA), orders = step ? facts_bytes(facts, ZONE_FREE_AREA) / step : 0;

	for (uint64_t i = 0; i < orders && i < ZONES_ORDERS_MAX && !*first; i++) {
		*first = facts_get(facts, facts_at(facts, vaddr, ZONE_FREE_AREA) + i * step, FREE_AREA_NR_FREE,
		                   &zone->blocks[i]);
		if (zones->orders <= i)
			zones->orders = (unsigned int)i + 1;
	}
}

static void read_watermarks(const struct facts *facts, uint64_t vaddr, struct zones_zone *zone, struct error **first)
{
	static const unsigned int needed[] = {ZONE_WATERMARK};
	uint64_t boost = 0;

	if (*first)
		return;
	if (facts_has(facts, ZONE_BOOST))
		*first = facts_get(facts, vaddr, ZONE_BOOST, &boost);
	if (!*first)
		*first = facts_need(facts, needed, array_size(needed));
	for (unsigned int i = 0; i < ZONES_WATERMARKS && !*first; i++) {
		*first = vmemory_uint(facts->kernel->memory, facts_at(facts, vaddr, ZONE_WATERMARK) + 8 * (uint64_t)i,
		                      8, &zone->watermarks[i]);
		zone->watermarks[i] += boost;
	}
}

static struct error *read_per_cpu(const struct facts *facts, uint64_t vaddr, struct zones_zone *zone)
{
	struct kernel *kernel = facts->kernel;
	bool is_split = facts_has(facts, ZONE_PER_CPU_PAGESET);
	uint64_t pointer = 0, inner = is_split ? 0 : facts->members[PAGESET_PCP].offset_bytes;
	struct error *err = facts_get(facts, vaddr, is_split ? ZONE_PER_CPU_PAGESET : ZONE_PAGESET, &pointer);

	for (uint32_t cpu = 0; cpu < kernel->cpu_count && !err; cpu++) {
		uint64_t copy = 0, count = 0;

		if (!kernel_cpu_is_in(kernel, KERNEL_CPU_POSSIBLE_MASK, cpu))
			continue;
		err = kernel_cpu_copy(kernel, pointer, cpu, &copy);
		if (!err)
			err = facts_get(facts, copy + inner, PCP_COUNT, &count);
		zone->per_cpu += (uint32_t)count;
	}
	return err;
}

// What cannot be read of a zone costs only that.
static struct error *read_zone(const struct facts *facts, uint64_t vaddr, struct zones *zones, struct zones_zone *zone)
{
	static const unsigned int needed[] = {ZONE_VM_STAT, NR_FREE_PAGES};
	uint64_t name = 0;
	struct error *first = facts_get(facts, vaddr, ZONE_NAME, &name), *err;

	if (!first)
		first = vmemory_text(facts->kernel->memory, name, zone->name, sizeof(zone->name));
	if (!first)
		first = facts_get(facts, vaddr, ZONE_SPANNED, &zone->spanned);
	if (!first)
		first = facts_get(facts, vaddr, ZONE_MANAGED, &zone->managed);
	if (!first)
		first = facts_need(facts, needed, array_size(needed));
	if (!first)
		first = vmemory_uint(facts->kernel->memory,
		                     facts_at(facts, vaddr, ZONE_VM_STAT) +
		                             8 * (uint64_t)facts->members[NR_FREE_PAGES].value,
		                     8, &zone->free);
	// Counters of which CPUs keep parts may be below 0.
	if ((int64_t)zone->free < 0)
		zone->free = 0;
	read_blocks(facts, vaddr, zones, zone, &first);
	read_watermarks(facts, vaddr, zone, &first);
	err = read_per_cpu(facts, vaddr, zone);
	if (!first)
		return err;
	error_free(err);
	return first;
}

static struct error *add_zone(struct zones *zones, struct zones_zone **ret)
{
	struct zones_zone *list = reallocarray(zones->list, zones->count + 1, sizeof(*list));

	if (!list)
		return error_new(ERROR_NOMEM, "no memory for the list of zones");
	zones->list = list;
	*ret = &list[zones->count++];
	**ret = (struct zones_zone){0};
	return NULL;
}

static struct error *read_node(const struct facts *facts, uint64_t vaddr, struct zones *zones)
{
	uint64_t step = facts_bytes(facts, ZONE), count = step ? facts_bytes(facts, NODE_ZONES) / step : 0, node = 0;
	struct error *first = facts_get(facts, vaddr, NODE_ID, &node);

	// enum zone_type has six at most.
	for (uint64_t i = 0; i < count && i < 16; i++) {
		uint64_t at = facts_at(facts, vaddr, NODE_ZONES) + i * step, present = 0;
		struct error *err = facts_get(facts, at, ZONE_PRESENT, &present);
		struct zones_zone *zone = NULL;

		if (!err && present) {
			err = add_zone(zones, &zone);
			if (err) {
				error_free(first);
				return err;
			}
			zone->node = (uint32_t)node;
			zone->present = present;
			err = read_zone(facts, at, zones, zone);
		}
		if (first)
			error_free(err);
		else
			first = error_wrap(err, "node %u", (unsigned int)node);
	}
	return first;
}

static struct error *read_nodes(const struct facts *facts, struct zones *zones)
{
	static const unsigned int needed[] = {NODE_ZONES, ZONE};
	uint64_t nodes = 0, count = 1;
	struct error *first = facts_need(facts, needed, array_size(needed));

	if (first)
		return first;
	// Kernels for machines without nodes have just the one.
	if (!facts->symbols[NODE_DATA]) {
		first = facts_symbol(facts, CONTIG_PAGE_DATA, &nodes);
		return first ? first : read_node(facts, nodes, zones);
	}
	nodes = facts->symbols[NODE_DATA];
	if (facts->symbols[NR_NODE_IDS])
		first = facts_variable(facts, NR_NODE_IDS, 4, &count);
	for (uint64_t i = 0; i < count && i < ZONES_NODES_MAX; i++) {
		uint64_t node = 0;
		struct error *err = vmemory_uint(facts->kernel->memory, nodes + 8 * i, 8, &node);

		if (!err && node)
			err = read_node(facts, node, zones);
		if (first)
			error_free(err);
		else
			first = err;
	}
	return first;
}

struct error *zones_init(struct zones *ret, struct kernel *kernel)
{
	_cleanup_facts_ struct facts facts;
	struct error *err = facts_init(&facts, kernel, symbols, SYMBOL_COUNT, members, MEMBER_COUNT);

	*ret = (struct zones){0};
	if (!err)
		err = read_nodes(&facts, ret);
	if (err && err->code == ERROR_NOMEM)
		return err;
	kernel_explain(ret->why, err);
	return NULL;
}

void zones_deinit(struct zones *zones)
{
	free(zones->list);
}

uint64_t zones_listed(const struct zones *zones, const struct zones_zone *zone)
{
	uint64_t pages = 0;

	for (unsigned int i = 0; i < zones->orders && i < ZONES_ORDERS_MAX; i++)
		pages += zone->blocks[i] << i;
	return pages;
}
