// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/slabs.h"

#include <stdlib.h>

#include "report/facts.h"

enum symbol { SLAB_CACHES, NR_NODE_IDS, SYMBOL_COUNT };

static const char *const symbols[SYMBOL_COUNT] = {
	[SLAB_CACHES] = "slab_caches",
	[NR_NODE_IDS] = "nr_node_ids",
};

enum member {
	CACHE_LIST,
	CACHE_NAME,
	CACHE_OBJECT_SIZE,
	CACHE_SIZE,
	CACHE_OFFSET,
	CACHE_OO,
	CACHE_RANDOM,
	CACHE_NODE,
	CACHE_PER_NODE,
	CACHE_CPU_SLAB,
	CACHE_CPU_SHEAVES,
	CACHE_SHEAF_CAPACITY,
	PER_NODE,
	PER_NODE_NODE,
	PER_NODE_BARN,
	NODE_NR_PARTIAL,
	NODE_PARTIAL,
	NODE_NR_SLABS,
	NODE_TOTAL,
	NODE_BARN,
	CPU_FREELIST,
	CPU_SLAB,
	CPU_PAGE,
	CPU_PARTIAL,
	SHEAVES_MAIN,
	SHEAVES_SPARE,
	SHEAVES_RCU,
	SHEAF_SIZE,
	BARN_NR_FULL,
	// What a slab says of itself, in a structure of its own, or, until Linux v5.17, in struct page.
	SLAB_INUSE,
	SLAB_OBJECTS,
	SLAB_LIST,
	SLAB_NEXT,
	PAGE_INUSE,
	PAGE_OBJECTS,
	PAGE_LIST,
	PAGE_NEXT,
	MEMBER_COUNT,
	TO_PAGE = PAGE_INUSE - SLAB_INUSE,
};

static const struct btf_query members[MEMBER_COUNT] = {
	[CACHE_LIST] = FACTS_MEMBER("kmem_cache", "list"),
	[CACHE_NAME] = FACTS_MEMBER("kmem_cache", "name"),
	[CACHE_OBJECT_SIZE] = FACTS_MEMBER("kmem_cache", "object_size"),
	[CACHE_SIZE] = FACTS_MEMBER("kmem_cache", "size"),
	[CACHE_OFFSET] = FACTS_MEMBER("kmem_cache", "offset"),
	[CACHE_OO] = FACTS_MEMBER("kmem_cache", "oo"),
	[CACHE_RANDOM] = FACTS_MEMBER("kmem_cache", "random"),
	[CACHE_NODE] = FACTS_MEMBER("kmem_cache", "node"),
	[CACHE_PER_NODE] = FACTS_MEMBER("kmem_cache", "per_node"),
	[CACHE_CPU_SLAB] = FACTS_MEMBER("kmem_cache", "cpu_slab"),
	[CACHE_CPU_SHEAVES] = FACTS_MEMBER("kmem_cache", "cpu_sheaves"),
	[CACHE_SHEAF_CAPACITY] = FACTS_MEMBER("kmem_cache", "sheaf_capacity"),
	[PER_NODE] = {.type = "kmem_cache_per_node_ptrs"},
	[PER_NODE_NODE] = FACTS_MEMBER("kmem_cache_per_node_ptrs", "node"),
	[PER_NODE_BARN] = FACTS_MEMBER("kmem_cache_per_node_ptrs", "barn"),
	[NODE_NR_PARTIAL] = FACTS_MEMBER("kmem_cache_node", "nr_partial"),
	[NODE_PARTIAL] = FACTS_MEMBER("kmem_cache_node", "partial"),
	[NODE_NR_SLABS] = FACTS_MEMBER("kmem_cache_node", "nr_slabs"),
	[NODE_TOTAL] = FACTS_MEMBER("kmem_cache_node", "total_objects"),
	[NODE_BARN] = FACTS_MEMBER("kmem_cache_node", "barn"),
	[CPU_FREELIST] = FACTS_MEMBER("kmem_cache_cpu", "freelist"),
	[CPU_SLAB] = FACTS_MEMBER("kmem_cache_cpu", "slab"),
	[CPU_PAGE] = FACTS_MEMBER("kmem_cache_cpu", "page"),
	[CPU_PARTIAL] = FACTS_MEMBER("kmem_cache_cpu", "partial"),
	[SHEAVES_MAIN] = FACTS_MEMBER("slub_percpu_sheaves", "main"),
	[SHEAVES_SPARE] = FACTS_MEMBER("slub_percpu_sheaves", "spare"),
	[SHEAVES_RCU] = FACTS_MEMBER("slub_percpu_sheaves", "rcu_free"),
	[SHEAF_SIZE] = FACTS_MEMBER("slab_sheaf", "size"),
	[BARN_NR_FULL] = FACTS_MEMBER("node_barn", "nr_full"),
	[SLAB_INUSE] = FACTS_MEMBER("slab", "inuse"),
	[SLAB_OBJECTS] = FACTS_MEMBER("slab", "objects"),
	[SLAB_LIST] = FACTS_MEMBER("slab", "slab_list"),
	[SLAB_NEXT] = FACTS_MEMBER("slab", "next"),
	[PAGE_INUSE] = FACTS_MEMBER("page", "inuse"),
	[PAGE_OBJECTS] = FACTS_MEMBER("page", "objects"),
	[PAGE_LIST] = FACTS_MEMBER("page", "slab_list"),
	[PAGE_NEXT] = FACTS_MEMBER("page", "next"),
};

enum {
	// mm/slub.c: struct kmem_cache_order_objects.
	ORDER_SHIFT = 16,
	ORDER_MAX = 20,
	// struct slab: 15 bits are the number of objects, the next one is "frozen".
	OBJECTS_MASK = 0x7fff,
	// A list that was just being changed may be longer than its number says; what waits for a CPU is some dozens.
	PARTIAL_SLACK = 64,
	CPU_PARTIAL_MAX = 4096,
	SWAPPED_BYTES = 8,
};

// While caches are looked at.
struct search {
	const struct facts *facts;
	struct slabs *slabs;
	uint64_t nodes;
	unsigned int page; // TO_PAGE, or 0.
	uint64_t steps_left;
	struct error *first;
};

// A cache that is looked at.
struct look {
	struct search *search;
	struct slabs_cache *cache;
	uint64_t next_offset; // In a free object: where the next one is named.
	uint64_t random;
};

static struct error *step(struct search *search)
{
	if (!search->steps_left)
		return error_new(ERROR_BAD_DATA, "more than %d slabs and free objects", SLABS_STEPS_MAX);
	search->steps_left--;
	return NULL;
}

// Objects of a slab that are in no list of a CPU and not in use.
static struct error *read_slab(struct search *search, uint64_t slab, uint64_t *objects_ret, uint64_t *free_ret)
{
	const struct facts *facts = search->facts;
	struct vmemory *memory = facts->kernel->memory;
	const unsigned int needed[] = {SLAB_INUSE + search->page, SLAB_OBJECTS + search->page};
	uint64_t inuse = 0, objects = 0;
	struct error *err = facts_need(facts, needed, array_size(needed));

	if (!err)
		err = step(search);
	if (!err)
		err = vmemory_uint(memory, facts_at(facts, slab, needed[0]), 2, &inuse);
	if (!err)
		err = vmemory_uint(memory, facts_at(facts, slab, needed[1]), 2, &objects);
	objects &= OBJECTS_MASK;
	if (!err && inuse > objects)
		err = error_new(ERROR_BAD_DATA, "a slab of %ju objects has %ju in use", (uintmax_t)objects,
		                (uintmax_t)inuse);
	if (err)
		return err;
	*objects_ret = objects;
	*free_ret = objects - inuse;
	return NULL;
}

static uint64_t swap_bytes(uint64_t word)
{
	uint64_t swapped = 0;

	for (unsigned int i = 0; i < SWAPPED_BYTES; i++)
		swapped = swapped << 8 | (word >> 8 * i & 0xff);
	return swapped;
}

// freelist_dereference(): with CONFIG_SLAB_FREELIST_HARDENED, of which there are two kinds, the pointer is disguised.
static struct error *next_object(const struct look *look, uint64_t object, uint64_t *ret)
{
	uint64_t at = object + look->next_offset, word = 0, span = look->cache->slab_bytes;
	struct error *err = vmemory_uint(look->search->facts->kernel->memory, at, 8, &word);
	const uint64_t kinds[] = {word, word ^ look->random ^ swap_bytes(at), word ^ look->random ^ at};

	if (err)
		return err;
	for (size_t i = 0; i < array_size(kinds); i++) {
		// The next one is in the same slab, whose bytes are aligned to its size.
		if (!kinds[i] || kinds[i] / span == object / span) {
			*ret = kinds[i];
			return NULL;
		}
	}
	return error_new(ERROR_BAD_DATA, "the list of free objects at %#jx leads out of its slab", (uintmax_t)object);
}

static struct error *count_freelist(const struct look *look, uint64_t object, uint64_t objects, uint64_t *ret)
{
	struct error *err = NULL;
	uint64_t count = 0;

	while (object && !err) {
		if (++count > objects)
			return error_new(ERROR_BAD_DATA, "the list of free objects of a CPU has no end");
		err = step(look->search);
		if (!err)
			err = next_object(look, object, &object);
	}
	*ret = count;
	return err;
}

// Slabs that wait in a CPU's own list.
static struct error *count_cpu_partial(const struct look *look, uint64_t slab)
{
	struct search *search = look->search;
	struct slabs_cache *cache = look->cache;
	struct error *err = NULL;

	for (unsigned int i = 0; slab && !err; i++) {
		uint64_t objects = 0, left = 0;

		if (i == CPU_PARTIAL_MAX)
			return error_new(ERROR_BAD_DATA, "the list of slabs of a CPU has no end");
		err = read_slab(search, slab, &objects, &left);
		cache->free += left;
		if (cache->is_short) {
			cache->total += objects;
			cache->slabs++;
		}
		if (!err)
			err = facts_get(search->facts, slab, SLAB_NEXT + search->page, &slab);
	}
	return err;
}

static struct error *count_cpu(const struct look *look, uint64_t vaddr)
{
	const struct facts *facts = look->search->facts;
	struct slabs_cache *cache = look->cache;
	uint64_t slab = 0, freelist = 0, partial = 0, objects = 0, left = 0, listed = 0;
	struct error *err = facts_get(facts, vaddr, facts_has(facts, CPU_SLAB) ? CPU_SLAB : CPU_PAGE, &slab);

	if (!err)
		err = facts_get(facts, vaddr, CPU_FREELIST, &freelist);
	if (!err && slab) {
		err = read_slab(look->search, slab, &objects, &left);
		if (!err)
			err = count_freelist(look, freelist, objects, &listed);
		cache->free += left + listed;
		if (cache->is_short) {
			cache->total += objects;
			cache->slabs++;
		}
	}
	// CONFIG_SLUB_CPU_PARTIAL.
	if (!err && facts_has(facts, CPU_PARTIAL)) {
		err = facts_get(facts, vaddr, CPU_PARTIAL, &partial);
		if (!err)
			err = count_cpu_partial(look, partial);
	}
	return err;
}

// Objects that a CPU keeps at hand by their addresses (Linux kernel commit 2d517aa09bbc ("slab: add opt-in caching layer of percpu
// sheaves"), in v6.18).
static struct error *count_sheaves(const struct look *look, uint64_t vaddr)
{
	static const unsigned int sheaves[] = {SHEAVES_MAIN, SHEAVES_SPARE, SHEAVES_RCU};
	const struct facts *facts = look->search->facts;
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(sheaves) && !err; i++) {
		uint64_t sheaf = 0, size = 0;

		err = facts_get(facts, vaddr, sheaves[i], &sheaf);
		if (!err && sheaf)
			err = facts_get(facts, sheaf, SHEAF_SIZE, &size);
		look->cache->free += size;
	}
	return err;
}

static struct error *count_cpus(const struct look *look)
{
	const struct facts *facts = look->search->facts;
	struct kernel *kernel = facts->kernel;
	uint64_t slabs = 0, sheaves = 0;
	struct error *err = NULL;

	if (facts_has(facts, CACHE_CPU_SLAB))
		err = facts_get(facts, look->cache->vaddr, CACHE_CPU_SLAB, &slabs);
	if (!err && facts_has(facts, CACHE_CPU_SHEAVES))
		err = facts_get(facts, look->cache->vaddr, CACHE_CPU_SHEAVES, &sheaves);
	for (uint32_t cpu = 0; cpu < kernel->cpu_count && !err; cpu++) {
		uint64_t copy = 0;

		if (!slabs && !sheaves)
			break;
		if (!kernel_cpu_is_in(kernel, KERNEL_CPU_POSSIBLE_MASK, cpu))
			continue;
		err = step(look->search);
		if (!err && slabs) {
			err = kernel_cpu_copy(kernel, slabs, cpu, &copy);
			if (!err)
				err = count_cpu(look, copy);
		}
		if (!err && sheaves) {
			err = kernel_cpu_copy(kernel, sheaves, cpu, &copy);
			if (!err)
				err = count_sheaves(look, copy);
		}
	}
	return err;
}

static struct error *count_partial(const struct look *look, uint64_t node)
{
	struct search *search = look->search;
	const struct facts *facts = search->facts;
	const unsigned int needed[] = {NODE_PARTIAL, SLAB_LIST + search->page};
	uint64_t head = 0, at = 0, most = 0;
	struct error *err = facts_need(facts, needed, array_size(needed));

	head = facts_at(facts, node, NODE_PARTIAL);
	if (!err)
		err = facts_get(facts, node, NODE_NR_PARTIAL, &most);
	if (!err)
		err = vmemory_uint(facts->kernel->memory, head, 8, &at);
	for (uint64_t i = 0; !err && at != head; i++) {
		uint64_t objects = 0, left = 0;

		if (i > most + PARTIAL_SLACK)
			return error_new(ERROR_BAD_DATA, "a list of %ju slabs has no end", (uintmax_t)most);
		err = read_slab(search, at - facts->members[needed[1]].offset_bytes, &objects, &left);
		look->cache->free += left;
		look->cache->partial_free += left;
		if (look->cache->is_short) {
			look->cache->total += objects;
			look->cache->slabs++;
		}
		if (!err)
			err = vmemory_uint(facts->kernel->memory, at, 8, &at);
	}
	return err;
}

// Whole sheaves that a node keeps.
static struct error *count_barn(const struct look *look, uint64_t barn)
{
	const struct facts *facts = look->search->facts;
	uint64_t sheaves = 0, capacity = 0;
	struct error *err = facts_get(facts, barn, BARN_NR_FULL, &sheaves);

	if (!err)
		err = facts_get(facts, look->cache->vaddr, CACHE_SHEAF_CAPACITY, &capacity);
	look->cache->free += sheaves * capacity;
	return err;
}

static struct error *count_node(const struct look *look, uint64_t node, uint64_t barn)
{
	const struct facts *facts = look->search->facts;
	uint64_t slabs = 0, total = 0;
	struct error *err = NULL;

	if (!look->cache->is_short) {
		err = facts_get(facts, node, NODE_NR_SLABS, &slabs);
		if (!err)
			err = facts_get(facts, node, NODE_TOTAL, &total);
		look->cache->slabs += slabs;
		look->cache->total += total;
	}
	if (!err)
		err = count_partial(look, node);
	if (!err && !barn && facts_has(facts, NODE_BARN))
		err = facts_get(facts, node, NODE_BARN, &barn);
	return !err && barn ? count_barn(look, barn) : err;
}

static struct error *count_nodes(const struct look *look)
{
	const struct facts *facts = look->search->facts;
	struct vmemory *memory = facts->kernel->memory;
	static const unsigned int needed[] = {CACHE_NODE}, needed_pairs[] = {PER_NODE, PER_NODE_NODE, PER_NODE_BARN};
	bool has_pairs = facts_has(facts, CACHE_PER_NODE);
	uint64_t first = facts_at(facts, look->cache->vaddr, has_pairs ? CACHE_PER_NODE : CACHE_NODE);
	uint64_t step_bytes = has_pairs ? facts_bytes(facts, PER_NODE) : 8;
	struct error *err = has_pairs ? facts_need(facts, needed_pairs, array_size(needed_pairs))
	                              : facts_need(facts, needed, array_size(needed));

	for (uint64_t i = 0; i < look->search->nodes && !err; i++) {
		uint64_t at = first + i * step_bytes, node = 0, barn = 0;

		err = step(look->search);
		if (!err)
			err = vmemory_uint(memory, has_pairs ? facts_at(facts, at, PER_NODE_NODE) : at, 8, &node);
		if (!err && has_pairs)
			err = vmemory_uint(memory, facts_at(facts, at, PER_NODE_BARN), 8, &barn);
		if (!err && node)
			err = count_node(look, node, barn);
	}
	return err;
}

static struct error *read_cache(struct search *search, uint64_t vaddr, struct slabs_cache *cache, struct look *look)
{
	const struct facts *facts = search->facts;
	uint64_t name = 0, oo = 0;
	struct error *err = facts_get(facts, vaddr, CACHE_NAME, &name);

	*cache = (struct slabs_cache){.vaddr = vaddr};
	*look = (struct look){.search = search, .cache = cache};
	cache->is_short = !facts_has(facts, NODE_NR_SLABS) || !facts_has(facts, NODE_TOTAL);
	if (!err)
		err = vmemory_text(facts->kernel->memory, name, cache->name, sizeof(cache->name));
	if (!err)
		err = facts_get(facts, vaddr, CACHE_OBJECT_SIZE, &cache->object_bytes);
	if (!err)
		err = facts_get(facts, vaddr, CACHE_SIZE, &cache->size_bytes);
	if (!err)
		err = facts_get(facts, vaddr, CACHE_OO, &oo);
	if (!err)
		err = facts_get(facts, vaddr, CACHE_OFFSET, &look->next_offset);
	if (!err && facts_has(facts, CACHE_RANDOM))
		err = facts_get(facts, vaddr, CACHE_RANDOM, &look->random);
	if (!err && oo >> ORDER_SHIFT > ORDER_MAX)
		err = error_new(ERROR_BAD_DATA, "slabs of 2^%ju pages", (uintmax_t)(oo >> ORDER_SHIFT));
	if (!err)
		cache->slab_bytes = vmcore_page_bytes(facts->kernel->core) << (oo >> ORDER_SHIFT);
	return error_wrap(err, "cache at %#jx", (uintmax_t)vaddr);
}

static void note(struct search *search, struct error *err)
{
	if (search->first)
		error_free(err);
	else
		search->first = err;
}

static struct error *take_cache(struct search *search, uint64_t vaddr)
{
	struct slabs *slabs = search->slabs;
	struct slabs_cache cache;
	struct look look;
	struct error *err = read_cache(search, vaddr, &cache, &look);

	if (err) {
		note(search, err);
		slabs->unreadable++;
		return NULL;
	}
	err = count_nodes(&look);
	if (!err)
		err = count_cpus(&look);
	cache.is_rough = !!err;
	note(search, error_wrap(err, "cache %s", cache.name));
	// CPUs count what they free later than others count it.
	if (cache.free > cache.total)
		cache.free = cache.total;
	if (slabs->count == 0 || (slabs->count >= 64 && (slabs->count & (slabs->count - 1)) == 0)) {
		size_t room = slabs->count ? 2 * slabs->count : 64;
		struct slabs_cache *list = reallocarray(slabs->list, room, sizeof(*list));

		if (!list)
			return error_new(ERROR_NOMEM, "no memory for the list of caches");
		slabs->list = list;
	}
	slabs->list[slabs->count++] = cache;
	slabs->bytes += slabs_bytes(&cache);
	return NULL;
}

static struct error *read_caches(struct search *search)
{
	static const unsigned int needed[] = {CACHE_LIST, CACHE_NAME};
	const struct facts *facts = search->facts;
	struct vmemory *memory = facts->kernel->memory;
	uint64_t head = 0, at = 0;
	struct error *err = facts_need(facts, needed, array_size(needed));

	if (!err && !facts_has(facts, CACHE_CPU_SLAB) && !facts_has(facts, CACHE_CPU_SHEAVES))
		err = error_new(ERROR_UNSUPPORTED, "the kernel's allocator is not SLUB");
	if (!err)
		err = facts_symbol(facts, SLAB_CACHES, &head);
	if (!err)
		err = vmemory_uint(memory, head, 8, &at);
	for (size_t left = SLABS_MAX; !err && at != head; left--) {
		if (!left)
			return error_new(ERROR_BAD_DATA, "the list of caches has no end");
		err = take_cache(search, at - facts->members[CACHE_LIST].offset_bytes);
		if (!err)
			err = vmemory_uint(memory, at, 8, &at);
	}
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct slabs_cache *first = a, *second = b;
	uint64_t bytes[] = {slabs_bytes(first), slabs_bytes(second)};

	if (bytes[0] != bytes[1])
		return bytes[0] > bytes[1] ? -1 : 1;
	return first->vaddr < second->vaddr ? -1 : first->vaddr > second->vaddr;
}

struct error *slabs_init(struct slabs *ret, struct kernel *kernel)
{
	_cleanup_facts_ struct facts facts;
	struct search search = {.facts = &facts, .slabs = ret, .nodes = 1, .steps_left = SLABS_STEPS_MAX};
	struct error *err = facts_init(&facts, kernel, symbols, SYMBOL_COUNT, members, MEMBER_COUNT);

	*ret = (struct slabs){0};
	if (err)
		return err;
	search.page = facts_has(&facts, SLAB_INUSE) ? 0 : TO_PAGE;
	if (facts.symbols[NR_NODE_IDS])
		note(&search, facts_variable(&facts, NR_NODE_IDS, 4, &search.nodes));
	if (search.nodes > 1024)
		search.nodes = 1024;
	err = read_caches(&search);
	if (err && err->code == ERROR_NOMEM) {
		error_free(search.first);
		return err;
	}
	// That there may be others counts for more.
	if (err) {
		error_free(search.first);
		search.first = err;
	}
	kernel_explain(ret->why, search.first);
	if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare);
	return NULL;
}

void slabs_deinit(struct slabs *slabs)
{
	free(slabs->list);
}

uint64_t slabs_bytes(const struct slabs_cache *cache)
{
	return cache->slabs * cache->slab_bytes;
}
