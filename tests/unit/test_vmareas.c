// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/vmareas.h"

#include "fakecrash.h"
#include "test.h"

// Where things are, from fakecore_image on.
enum {
	HEAD = FAKECRASH_FREE, // Of the only list.
	NODES_AT = FAKECRASH_FREE + 0x100, // Variables.
	COUNT_AT = FAKECRASH_FREE + 0x140,
	NODES = FAKECRASH_FREE + 0x1000, // struct vmap_node, 128 bytes each.
	AREA = FAKECRASH_FREE + 0x2000, // struct vmap_area, 64 bytes each.
	VM = FAKECRASH_FREE + 0x3000, // struct vm_struct, 64 bytes each.
	BUSY = 24,
	LIST = 8, // In struct rb_list.
};

static const struct fakecrash_struct structs[] = {
	{"vmap_area", 64, {{"list", 40, 16}, {"vm", 56, 8}}},
	{"vmap_node", 128, {{"busy", BUSY, 32}}},
	{"rb_list", 32, {{"head", LIST, 16}}},
	{"vm_struct", 64, {{"size", 16, 8}, {"nr_pages", 40, 4}, {"caller", 56, 8}}},
};

static void put(struct fakecore *fake, uint64_t at, uint64_t value, size_t size_bytes)
{
	fakecrash_put(fake, fakecore_image + at, value, size_bytes);
}

static void put_pointer(struct fakecore *fake, uint64_t at, uint64_t to)
{
	put(fake, at, fakecore_image + to, 8);
}

// Areas from one on behind each other; the last leads back.
static void put_list(struct fakecore *fake, uint64_t head, unsigned int first, unsigned int count)
{
	put_pointer(fake, head, count ? AREA + first * 64 + 40 : head);
	for (unsigned int i = first; i < first + count; i++)
		put_pointer(fake, AREA + i * 64 + 40, i + 1 < first + count ? AREA + (i + 1) * 64 + 40 : head);
}

// Two areas of one caller, one of another, and one that nobody described.
static void make(struct fakecore *fake, bool has_nodes)
{
	static const unsigned int callers[] = {1, 2, 1, 0}, pages[] = {1, 8, 3, 0};
	const struct fakesym symbols[] = {
		{'D', has_nodes ? "vmap_nodes" : "vmap_area_list", fakecore_image + (has_nodes ? NODES_AT : HEAD)},
		{'D', "nr_vmap_nodes", fakecore_image + COUNT_AT},
	};
	const struct fakecrash_more more = {.structs = structs,
	                                    .struct_count = array_size(structs),
	                                    .symbols = symbols,
	                                    .symbol_count = array_size(symbols)};

	fakecrash_make_more(fake, 3, &more);
	for (unsigned int i = 0; i < array_size(callers); i++) {
		if (callers[i])
			put_pointer(fake, AREA + i * 64 + 56, VM + i * 64);
		put(fake, VM + i * 64 + 16, (pages[i] + 1) * 4096, 8);
		put(fake, VM + i * 64 + 40, pages[i], 4);
		put(fake, VM + i * 64 + 56, fakecrash_function(callers[i]), 8);
	}
	put_pointer(fake, NODES_AT, NODES);
	put(fake, COUNT_AT, 3, 4);
	put_list(fake, HEAD, 0, array_size(callers));
	if (!has_nodes)
		return;
	put_list(fake, NODES + BUSY + LIST, 0, 1);
	put_list(fake, NODES + 128 + BUSY + LIST, 0, 0);
	put_list(fake, NODES + UINT64_C(2) * 128 + BUSY + LIST, 1, 3);
}

static void look(struct fakecore *fake, struct kernel **kernel, struct vmareas *areas)
{
	fakecore_open(fake);
	check_ok(kernel_open(fake->core, kernel));
	check_ok(vmareas_init(areas, *kernel));
}

static void end(struct fakecore *fake, struct kernel *kernel, struct vmareas *areas)
{
	vmareas_deinit(areas);
	kernel_close(kernel);
	fakecore_deinit(fake);
}

static void check_kind(bool has_nodes)
{
	struct vmareas areas;
	struct kernel *kernel;
	struct fakecore fake;

	make(&fake, has_nodes);
	look(&fake, &kernel, &areas);
	check_text(areas.why, "");
	check(areas.count == 2 && areas.areas == 3 && areas.bytes == 15 * 4096 && areas.pages == 12);
	check(areas.list[0].vaddr == fakecrash_function(2) && areas.list[0].bytes == 9 * 4096);
	check(areas.list[0].areas == 1 && areas.list[0].pages == 8);
	check(areas.list[1].vaddr == fakecrash_function(1) && areas.list[1].bytes == 6 * 4096);
	check(areas.list[1].areas == 2 && areas.list[1].pages == 4);
	end(&fake, kernel, &areas);
}

static void one_list(void)
{
	check_kind(false);
}

static void nodes(void)
{
	check_kind(true);
}

// What was found before is told.
static void hostile(void)
{
	struct vmareas areas;
	struct kernel *kernel;
	struct fakecore fake;

	make(&fake, false);
	put_pointer(&fake, AREA + UINT64_C(3) * 64 + 40, AREA + UINT64_C(3) * 64 + 40);
	look(&fake, &kernel, &areas);
	check_text(areas.why, "more than 1048576 areas of the kernel's memory");
	check(areas.areas == 3);
	end(&fake, kernel, &areas);
	make(&fake, true);
	put(&fake, AREA + 64 + 56, 0x1000, 8);
	look(&fake, &kernel, &areas);
	check(strstr(areas.why, "vm_struct.size: ") && areas.areas == 1);
	end(&fake, kernel, &areas);
}

static const struct test tests[] = {TEST(one_list), TEST(nodes), TEST(hostile)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
