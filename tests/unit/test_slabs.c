// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/slabs.h"

#include "fakecrash.h"
#include "test.h"

// Where things are, from fakecore_image on.
enum {
	CACHES = FAKECRASH_FREE, // The list's head.
	CACHE = FAKECRASH_FREE + 0x1000, // struct kmem_cache, 0x400 each.
	CACHE_BYTES = 0x400,
	NODE = FAKECRASH_FREE + 0x3000, // struct kmem_cache_node, 0x100 each.
	SLAB = FAKECRASH_FREE + 0x4000, // struct slab, 64 bytes each.
	NAME = FAKECRASH_FREE + 0x5000,
	BARN = FAKECRASH_FREE + 0x5800,
	SHEAF = FAKECRASH_FREE + 0x5c00,
	OBJECTS = FAKECRASH_FREE + 0x6000, // A slab of 8 KiB, aligned to it.
	PER_CPU = 0xa00, // What the only CPU has.
	// Of the caches: 32 objects of 256 bytes, the next free one is named 128 bytes inside.
	TOTAL = 32,
	OBJECT_BYTES = 256,
	NEXT_OFFSET = 128,
};

static const uint64_t random_word = UINT64_C(0x1122334455667788);

#define LIST_AND_NAME                                                                                                  \
	{"name", 96, 8},                                                                                               \
	{                                                                                                              \
		"list", 104, 16                                                                                        \
	}
#define SIZES                                                                                                          \
	{"size", 24, 4}, {"object_size", 28, 4}, {"offset", 40, 4}, {"oo", 52, 4}, LIST_AND_NAME,                      \
	{                                                                                                              \
		"random", 184, 8                                                                                       \
	}

static const struct fakecrash_struct structs[] = {
	{"kmem_cache", 0x300, {{"cpu_slab", 0, 8}, SIZES, {"node", 216, 512}}},
	{"kmem_cache_node",
         64,
         {{"nr_partial", 8, 8}, {"partial", 16, 16}, {"nr_slabs", 32, 8}, {"total_objects", 40, 8}}},
	{"kmem_cache_cpu", 32, {{"freelist", 0, 8}, {"slab", 16, 8}, {"partial", 24, 8}}},
	{"slab", 64, {{"slab_list", 16, 16}, {"next", 16, 8}, {"inuse", 40, 2}, {"objects", 42, 2}}},
};

// As Linux v7.2 has them.
static const struct fakecrash_struct sheaf_structs[] = {
	{"kmem_cache", 0x300, {{"cpu_sheaves", 0, 8}, SIZES, {"sheaf_capacity", 44, 4}, {"per_node", 216, 512}}},
	{"kmem_cache_per_node_ptrs", 16, {{"barn", 0, 8}, {"node", 8, 8}}},
	{"kmem_cache_node",
         64,
         {{"nr_partial", 8, 8}, {"partial", 16, 16}, {"nr_slabs", 32, 8}, {"total_objects", 40, 8}}},
	{"slub_percpu_sheaves", 32, {{"main", 8, 8}, {"spare", 16, 8}, {"rcu_free", 24, 8}}},
	{"slab_sheaf", 64, {{"size", 24, 4}}},
	{"node_barn", 64, {{"nr_full", 40, 4}}},
	{"slab", 64, {{"slab_list", 16, 16}, {"next", 16, 8}, {"inuse", 40, 2}, {"objects", 42, 2}}},
};

// Without CONFIG_SLUB_DEBUG, and before Linux v5.17: struct page.
static const struct fakecrash_struct page_structs[] = {
	{"kmem_cache", 0x300, {{"cpu_slab", 0, 8}, SIZES, {"node", 216, 512}}},
	{"kmem_cache_node", 64, {{"nr_partial", 8, 8}, {"partial", 16, 16}}},
	{"kmem_cache_cpu", 32, {{"freelist", 0, 8}, {"page", 16, 8}}},
	{"page", 64, {{"slab_list", 16, 16}, {"next", 16, 8}, {"inuse", 40, 2}, {"objects", 42, 2}}},
};

static void put(struct fakecore *fake, uint64_t at, uint64_t value, size_t size_bytes)
{
	fakecrash_put(fake, fakecore_image + at, value, size_bytes);
}

static void put_pointer(struct fakecore *fake, uint64_t at, uint64_t to)
{
	put(fake, at, fakecore_image + to, 8);
}

static void put_slab(struct fakecore *fake, unsigned int number, unsigned int inuse)
{
	put(fake, SLAB + 64 * number + 40, inuse, 2);
	// The last bit says that a CPU holds it.
	put(fake, SLAB + 64 * number + 42, TOTAL | 0x8000, 2);
}

// Two caches: the first has slabs in all places where there may be some, the second nothing.
static void make(struct fakecore *fake, const struct fakecrash_struct *made, size_t count)
{
	const struct fakesym symbols[] = {{'D', "slab_caches", fakecore_image + CACHES}};
	const struct fakecrash_more more = {
		.structs = made, .struct_count = count, .symbols = symbols, .symbol_count = array_size(symbols)};

	fakecrash_make_more(fake, 3, &more);
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t cache = CACHE + i * CACHE_BYTES, node = NODE + i * 0x100;

		put_pointer(fake, i ? CACHE + 104 : CACHES, cache + 104);
		put(fake, cache, PER_CPU + i * 32, 8);
		put(fake, cache + 24, OBJECT_BYTES, 4);
		put(fake, cache + 28, OBJECT_BYTES - 6, 4);
		put(fake, cache + 40, NEXT_OFFSET, 4);
		put(fake, cache + 52, 1 << 16 | TOTAL, 4);
		put_pointer(fake, cache + 96, NAME + i * 32);
		put(fake, cache + 184, random_word, 8);
		put_pointer(fake, cache + 216, node);
		put_pointer(fake, node + 16, node + 16);
	}
	put_pointer(fake, CACHE + CACHE_BYTES + 104, CACHES);
	strcpy((char *)fake->memory + NAME, "dent\x1bry");
	strcpy((char *)fake->memory + NAME + 32, "empty");
	// Four slabs: a CPU's, two that wait for it, one of the node's; of the last two nobody uses some objects.
	put(fake, NODE + 8, 1, 8);
	put(fake, NODE + 32, 5, 8);
	put(fake, NODE + 40, 5 * TOTAL, 8);
	put_pointer(fake, NODE + 16, SLAB + 3 * 64 + 16);
	put_pointer(fake, SLAB + 3 * 64 + 16, NODE + 16);
	put_slab(fake, 0, TOTAL);
	put_slab(fake, 1, TOTAL - 3);
	put_slab(fake, 2, TOTAL - 4);
	put_slab(fake, 3, TOTAL - 7);
	put_pointer(fake, FAKECRASH_PER_CPU + PER_CPU + 16, SLAB);
	put_pointer(fake, FAKECRASH_PER_CPU + PER_CPU + 24, SLAB + 64);
	put_pointer(fake, SLAB + 64 + 16, SLAB + 2 * 64);
	put_pointer(fake, FAKECRASH_PER_CPU + PER_CPU, OBJECTS);
}

static uint64_t swap(uint64_t word)
{
	return __builtin_bswap64(word);
}

// Two free objects of the CPU's slab; kind: 0 plain, 1 and 2 disguised as the kernel does since v5.7 and did before.
static void put_freelist(struct fakecore *fake, unsigned int kind)
{
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t at = fakecore_image + OBJECTS + i * 5 * OBJECT_BYTES + NEXT_OFFSET;
		uint64_t next = i ? 0 : fakecore_image + OBJECTS + 5 * OBJECT_BYTES;

		fakecrash_put(fake, at, kind == 0 ? next : next ^ random_word ^ (kind == 1 ? swap(at) : at), 8);
	}
}

static void look(struct fakecore *fake, struct kernel **kernel, struct slabs *slabs)
{
	fakecore_open(fake);
	check_ok(kernel_open(fake->core, kernel));
	check_ok(slabs_init(slabs, *kernel));
}

static void end(struct fakecore *fake, struct kernel *kernel, struct slabs *slabs)
{
	slabs_deinit(slabs);
	kernel_close(kernel);
	fakecore_deinit(fake);
}

static void counts(void)
{
	for (unsigned int kind = 0; kind < 3; kind++) {
		struct kernel *kernel;
		struct fakecore fake;
		struct slabs slabs;

		make(&fake, structs, array_size(structs));
		put_freelist(&fake, kind);
		look(&fake, &kernel, &slabs);
		check_text(slabs.why, "");
		check(slabs.count == 2 && !slabs.unreadable && slabs.bytes == 5 * 8192);
		// What goes to a terminal does not move its cursor.
		check_text(slabs.list[0].name, "dent?ry");
		check_text(slabs.list[1].name, "empty");
		check(slabs.list[0].slabs == 5 && slabs.list[0].slab_bytes == 8192);
		check(slabs.list[0].object_bytes == 250 && slabs.list[0].size_bytes == 256);
		check(slabs.list[0].total == UINT64_C(5) * TOTAL && slabs.list[0].free == 2 + 3 + 4 + 7);
		check(slabs.list[0].partial_free == 7 && !slabs.list[0].is_rough && !slabs.list[0].is_short);
		check(slabs.list[1].total == 0 && slabs.list[1].free == 0 && !slabs.list[1].is_rough);
		end(&fake, kernel, &slabs);
	}
}

static void sheaves(void)
{
	struct kernel *kernel;
	struct fakecore fake;
	struct slabs slabs;

	make(&fake, sheaf_structs, array_size(sheaf_structs));
	// Nodes' pointers are pairs.
	for (uint64_t i = 0; i < 2; i++) {
		put(&fake, CACHE + i * CACHE_BYTES + 216, 0, 8);
		put_pointer(&fake, CACHE + i * CACHE_BYTES + 224, NODE + i * 0x100);
	}
	put_pointer(&fake, CACHE + 216, BARN);
	put(&fake, CACHE + 44, 28, 4);
	put(&fake, BARN + 40, 2, 4);
	put_pointer(&fake, FAKECRASH_PER_CPU + PER_CPU + 8, SHEAF);
	put_pointer(&fake, FAKECRASH_PER_CPU + PER_CPU + 16, SHEAF + 64);
	put(&fake, FAKECRASH_PER_CPU + PER_CPU + 24, 0, 8);
	put(&fake, SHEAF + 24, 11, 4);
	put(&fake, SHEAF + 64 + 24, 1, 4);
	// The second cache has none.
	put(&fake, CACHE + CACHE_BYTES, 0, 8);
	look(&fake, &kernel, &slabs);
	check_text(slabs.why, "");
	check(slabs.list[0].free == 7 + 2 * 28 + 11 + 1 && slabs.list[0].partial_free == 7);
	check(slabs.list[0].total == UINT64_C(5) * TOTAL);
	end(&fake, kernel, &slabs);
}

// What the kernel does not count is not invented.
static void without_counters(void)
{
	struct kernel *kernel;
	struct fakecore fake;
	struct slabs slabs;

	make(&fake, page_structs, array_size(page_structs));
	put_freelist(&fake, 1);
	look(&fake, &kernel, &slabs);
	check_text(slabs.why, "");
	check(slabs.list[0].is_short && slabs.list[0].slabs == 2 && slabs.list[0].total == UINT64_C(2) * TOTAL);
	check(slabs.list[0].free == 2 + 7);
	end(&fake, kernel, &slabs);
}

static void check_hostile(struct fakecore *fake, const char *words, size_t count)
{
	struct kernel *kernel;
	struct slabs slabs;

	look(fake, &kernel, &slabs);
	if (!strstr(slabs.why, words))
		fprintf(stderr, "it says \"%s\"\n", slabs.why);
	check(strstr(slabs.why, words));
	check(slabs.count == count);
	check(count == 0 || slabs.list[0].is_rough || slabs.unreadable || strstr(words, "no end"));
	end(fake, kernel, &slabs);
}

static void hostile(void)
{
	struct fakecore fake;

	// A free object that leads to itself, and one that leads away.
	make(&fake, structs, array_size(structs));
	put_pointer(&fake, OBJECTS + NEXT_OFFSET, OBJECTS);
	check_hostile(&fake, "cache dent?ry: the list of free objects of a CPU has no end", 2);
	make(&fake, structs, array_size(structs));
	put_pointer(&fake, OBJECTS + NEXT_OFFSET, SLAB);
	check_hostile(&fake, "leads out of its slab", 2);
	// Slabs in a circle.
	make(&fake, structs, array_size(structs));
	put_freelist(&fake, 0);
	put_pointer(&fake, SLAB + 3 * 64 + 16, SLAB + 3 * 64 + 16);
	check_hostile(&fake, "a list of 1 slabs has no end", 2);
	make(&fake, structs, array_size(structs));
	put_freelist(&fake, 0);
	put_pointer(&fake, SLAB + 2 * 64 + 16, SLAB + 64);
	check_hostile(&fake, "the list of slabs of a CPU has no end", 2);
	// More in use than there are.
	make(&fake, structs, array_size(structs));
	put_freelist(&fake, 0);
	put_slab(&fake, 3, TOTAL + 1);
	check_hostile(&fake, "a slab of 32 objects has 33 in use", 2);
	// A slab of far too many pages.
	make(&fake, structs, array_size(structs));
	put(&fake, CACHE + 52, 0x40 << 16, 4);
	check_hostile(&fake, "slabs of 2^64 pages", 1);
	// Nothing behind the first cache.
	make(&fake, structs, array_size(structs));
	put_freelist(&fake, 0);
	put(&fake, CACHE + 104, 0x1000, 8);
	check_hostile(&fake, "is no virtual address of the kernel", 1);
}

static void other_allocator(void)
{
	static const struct fakecrash_struct made[] = {{"kmem_cache", 0x300, {{"cpu_cache", 0, 8}, LIST_AND_NAME}}};
	struct fakecore fake;

	make(&fake, made, array_size(made));
	check_hostile(&fake, "the kernel's allocator is not SLUB", 0);
}

// Whatever it is, it ends, and says something that makes sense.
static void damaged(void)
{
	for (unsigned int seed = 0; seed < 100; seed++) {
		struct kernel *kernel;
		struct fakecore fake;
		struct slabs slabs;

		make(&fake, structs, array_size(structs));
		put_freelist(&fake, seed % 3);
		fakecrash_damage(&fake, CACHES, 0x2000, seed);
		fakecrash_damage(&fake, NODE, 0x1400, seed);
		look(&fake, &kernel, &slabs);
		for (size_t i = 0; i < slabs.count; i++)
			check(slabs.list[i].free <= slabs.list[i].total);
		end(&fake, kernel, &slabs);
	}
}

static const struct test tests[] = {
	TEST(counts), TEST(sheaves), TEST(without_counters), TEST(hostile), TEST(other_allocator), TEST(damaged),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
