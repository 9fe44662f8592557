// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/page.h"

#include "fakecore.h"
#include "test.h"

enum { PAGE_BYTES = 64 };

static const uint64_t odd = UINT64_C(0xffff888012345671), even = UINT64_C(0xffff888012345670);

// What kernels say of struct page; include/linux/mm_types.h and page-flags.h of the version. tests/model has more of them.
static const char lines_61[] =
	"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page._refcount)=52\nOFFSET(page.mapping)=24\n"
	"OFFSET(page.lru)=8\nOFFSET(page._mapcount)=48\nOFFSET(page.private)=40\n"
	"OFFSET(page.compound_dtor)=16\nOFFSET(page.compound_order)=17\nOFFSET(page.compound_head)=8\n"
	"LENGTH(zone.free_area)=11\nNUMBER(PG_lru)=4\nNUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\n"
	"NUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\nNUMBER(PG_hwpoison)=22\nNUMBER(PG_head_mask)=65536\n"
	"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(HUGETLB_PAGE_DTOR)=2\n"
	"NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n";
static const char lines_612[] =
	"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page._refcount)=52\nOFFSET(page.mapping)=24\n"
	"OFFSET(page.lru)=8\nOFFSET(page._mapcount)=48\nOFFSET(page.private)=40\n"
	"OFFSET(page.compound_head)=8\nLENGTH(zone.free_area)=11\nNUMBER(PG_lru)=4\nNUMBER(PG_private)=13\n"
	"NUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\nNUMBER(PG_hwpoison)=22\n"
	"NUMBER(PG_head_mask)=65536\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\n"
	"NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-251658240\nNUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-184549376\n"
	"NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-201326592\n";

// Fields of a pair of struct pages; the offsets are the same in both kernels.
struct fields {
	uint64_t flags, head, mapping, private;
	int32_t mapcount;
	uint64_t tail_flags;
	uint8_t dtor, order;
};

enum {
	LRU = 1 << 4,
	SLAB = 1 << 9,
	SWAPCACHE = 1 << 10,
	PRIVATE = 1 << 13,
	HEAD = 1 << 16,
	SWAPBACKED = 1 << 19,
	POISON = 1 << 22
};

static void put(uint8_t pages[2 * PAGE_BYTES], const struct fields *fields)
{
	memset(pages, 0, 2 * PAGE_BYTES);
	memcpy(pages, &fields->flags, 8);
	memcpy(pages + 8, &fields->head, 8);
	memcpy(pages + 24, &fields->mapping, 8);
	memcpy(pages + 40, &fields->private, 8);
	memcpy(pages + 48, &fields->mapcount, 4);
	memcpy(pages + PAGE_BYTES, &fields->tail_flags, 8);
	pages[PAGE_BYTES + 8] = 1;
	if (fields->order) {
		pages[PAGE_BYTES + 16] = fields->dtor;
		pages[PAGE_BYTES + 17] = fields->order;
	}
}

struct row {
	const char *name;
	struct fields fields;
	uint64_t pfn;
	struct page_view view;
};

static const struct row rows_61[] = {
	{"kernel", {.mapcount = -1}, 5, {.class = PAGE_KERNEL}},
	{"mapped kernel", {.mapcount = 3}, 5, {.class = PAGE_KERNEL}},
	{"free", {.mapcount = -129, .private = 3}, 8, {.class = PAGE_FREE, .order = 3}},
	{"free, largest", {.mapcount = -129, .private = 10}, 1024, {.class = PAGE_FREE, .order = 10}},
	{"free, no such order", {.mapcount = -129, .private = 11}, 2048, {.class = PAGE_KERNEL}},
	{"free, order of garbage", {.mapcount = -129, .private = UINT64_MAX}, 8, {.class = PAGE_KERNEL}},
	{"free, not aligned", {.mapcount = -129, .private = 3}, 9, {.class = PAGE_FREE}},
	{"slab that looks free", {.flags = SLAB, .mapcount = -129, .private = 1}, 8, {.class = PAGE_KERNEL}},
	{"slab that looks anonymous", {.flags = SLAB, .mapcount = -1, .mapping = 0x11}, 8, {.class = PAGE_KERNEL}},
	{"page table", {.mapcount = -513, .mapping = 0x11}, 8, {.class = PAGE_KERNEL}},
	{"cache", {.flags = LRU, .mapcount = -1, .mapping = 0x10}, 8, {.class = PAGE_CACHE}},
	{"cache, private", {.flags = LRU | PRIVATE, .mapcount = -1, .mapping = 0x10}, 8, {.class = PAGE_CACHE_PRIVATE}},
	{"swapped shmem", {.flags = SWAPCACHE | SWAPBACKED, .mapcount = -1}, 8, {.class = PAGE_CACHE}},
	{"PG_owner_priv_1 of others", {.flags = SWAPCACHE, .mapcount = -1}, 8, {.class = PAGE_KERNEL}},
	{"anonymous", {.flags = LRU | SWAPBACKED, .mapcount = 0, .mapping = 0x11}, 8, {.class = PAGE_USER}},
	{"ksm", {.flags = LRU, .mapcount = 0, .mapping = 0x13}, 8, {.class = PAGE_USER}},
	{"movable", {.mapcount = -1, .mapping = 0x12}, 8, {.class = PAGE_KERNEL}},
	{"offline", {.mapcount = -257}, 8, {.class = PAGE_OFFLINE}},
	{"poisoned", {.flags = POISON, .mapcount = -1}, 8, {.class = PAGE_KERNEL, .is_poisoned = true}},
	{"tail", {.head = 0x1001, .mapcount = -1, .mapping = 0x11}, 9, {.class = PAGE_KERNEL, .is_tail = true}},
	{"huge",
         {.flags = HEAD, .mapcount = -1, .dtor = 2, .order = 9},
         512,
         {.class = PAGE_USER, .order = 9, .is_compound = true}},
	{"transparent huge",
         {.flags = HEAD | LRU, .mapcount = -1, .mapping = 0x11, .dtor = 1, .order = 9},
         512,
         {.class = PAGE_USER, .order = 9, .is_compound = true}},
	{"compound kernel",
         {.flags = HEAD, .mapcount = -1, .dtor = 1, .order = 3},
         16,
         {.class = PAGE_KERNEL, .order = 3, .is_compound = true}},
	{"compound, not aligned",
         {.flags = HEAD | LRU, .mapcount = -1, .dtor = 1, .order = 9},
         8,
         {.class = PAGE_CACHE, .is_compound = true}},
	{"compound, order of garbage",
         {.flags = HEAD | LRU, .mapcount = -1, .dtor = 1, .order = 200},
         0,
         {.class = PAGE_CACHE, .is_compound = true}},
};

static const struct row rows_612[] = {
	{"kernel", {.mapcount = -1}, 5, {.class = PAGE_KERNEL}},
	{"free", {.mapcount = (int32_t)0xf0000000, .private = 4}, 16, {.class = PAGE_FREE, .order = 4}},
	{"free, low bits used", {.mapcount = (int32_t)0xf0123456, .private = 4}, 16, {.class = PAGE_FREE, .order = 4}},
	{"offline", {.mapcount = (int32_t)0xf1000001}, 16, {.class = PAGE_OFFLINE}},
	{"page table", {.mapcount = (int32_t)0xf2000000, .mapping = 0x11}, 16, {.class = PAGE_KERNEL}},
	{"slab", {.mapcount = (int32_t)0xf5000007, .mapping = 0x11}, 16, {.class = PAGE_KERNEL}},
	{"zsmalloc", {.mapcount = (int32_t)0xf6000040, .mapping = 0x11, .flags = PRIVATE}, 16, {.class = PAGE_KERNEL}},
	{"unknown type", {.mapcount = (int32_t)0xfb000000, .mapping = 0x11, .flags = LRU}, 16, {.class = PAGE_KERNEL}},
	{"anonymous, mapped", {.mapcount = 5, .mapping = 0x11, .flags = LRU}, 16, {.class = PAGE_USER}},
	{"huge",
         {.flags = HEAD, .mapcount = (int32_t)0xf4000000, .tail_flags = 0xabc00 | 9},
         512,
         {.class = PAGE_USER, .order = 9, .is_compound = true}},
	{"large folio of a file",
         {.flags = HEAD | LRU, .mapcount = -1, .mapping = 0x10, .tail_flags = 0x500 | 4},
         32,
         {.class = PAGE_CACHE, .order = 4, .is_compound = true}},
	{"compound slab",
         {.flags = HEAD, .mapcount = (int32_t)0xf5000000, .mapping = 0x11, .tail_flags = 3},
         32,
         {.class = PAGE_KERNEL, .order = 3, .is_compound = true}},
};

static struct page_layout *learn(struct fakecore *fake, const char *lines)
{
	struct page_layout *layout;

	fakecore_init(fake, 1 << 20);
	fakecore_info(fake, "%s", lines);
	fakecore_open(fake);
	check_ok(page_layout_create(fake->core, NULL, NULL, &layout));
	return layout;
}

static void check_rows(const char *lines, const struct row *rows, size_t count)
{
	struct fakecore fake;
	struct page_layout *layout = learn(&fake, lines);

	check(page_layout_bytes(layout) == PAGE_BYTES && page_layout_knows_free(layout));
	for (size_t i = 0; i < count; i++) {
		uint8_t pages[2 * PAGE_BYTES];
		struct page_view got;

		put(pages, &rows[i].fields);
		// 0x10 … 0x13 stand for pointers with these low bits.
		if (rows[i].fields.mapping) {
			uint64_t mapping = (rows[i].fields.mapping & 1 ? odd : even) | (rows[i].fields.mapping & 3);

			memcpy(pages + 24, &mapping, 8);
		}
		got = page_view(layout, pages, 2, rows[i].pfn);
		if (got.class != rows[i].view.class || got.order != rows[i].view.order ||
		    got.is_tail != rows[i].view.is_tail || got.is_compound != rows[i].view.is_compound ||
		    got.is_poisoned != rows[i].view.is_poisoned) {
			fprintf(stderr, "%s: class %d order %u tail %d compound %d\n", rows[i].name, (int)got.class,
			        got.order, got.is_tail, got.is_compound);
			check(false);
		}
	}
	page_layout_destroy(layout);
	fakecore_deinit(&fake);
}

static void linux_61(void)
{
	check_rows(lines_61, rows_61, array_size(rows_61));
}

static void linux_612(void)
{
	check_rows(lines_612, rows_612, array_size(rows_612));
}

// Whatever is in memory: no read behind the pages that are there, and no block that cannot be.
static void garbage(void)
{
	static const char *const kernels[] = {lines_61, lines_612};

	srand(1);
	for (size_t k = 0; k < array_size(kernels); k++) {
		struct fakecore fake;
		struct page_layout *layout = learn(&fake, kernels[k]);

		for (unsigned int i = 0; i < 200000; i++) {
			size_t count = 1 + i % 2;
			uint8_t *pages = calloc(count, PAGE_BYTES);
			uint64_t pfn = (uint64_t)rand();
			struct page_view view;

			check(pages);
			for (size_t at = 0; at < count * PAGE_BYTES; at += 4) {
				uint32_t word = rand() % 4   ? (uint32_t)rand() * 2654435761u
				                : rand() % 2 ? 0
				                             : UINT32_MAX;

				memcpy(pages + at, &word, 4);
			}
			view = page_view(layout, pages, count, pfn);
			check((unsigned int)view.class < PAGE_CLASS_COUNT && view.order < 64);
			check((pfn & ((UINT64_C(1) << view.order) - 1)) == 0);
			free(pages);
		}
		page_layout_destroy(layout);
		fakecore_deinit(&fake);
	}
}

// A struct page as there are many, or with words that are none's.
static void put_any(uint8_t page[PAGE_BYTES], const struct row *rows, size_t count)
{
	uint8_t pages[2 * PAGE_BYTES];

	put(pages, &rows[(size_t)rand() % count].fields);
	memcpy(page, pages, PAGE_BYTES);
	if (rand() % 8 == 0)
		page[rand() % PAGE_BYTES] = (uint8_t)rand();
	if (rand() % 8 == 0)
		page[8] |= 1;
}

static void check_word(const struct page_layout *layout, const uint8_t *pages, unsigned int count)
{
	struct page_word word;

	page_word(layout, pages, count, &word);
	for (unsigned int i = 0; i < PAGE_WORD_PAGES; i++) {
		struct page_view view = {.class = PAGE_CLASS_COUNT};
		enum page_class class;
		unsigned int bits = (word.tails >> i & 1) + (word.views >> i & 1);

		for (size_t k = 0; k < PAGE_CLASS_COUNT; k++)
			bits += word.classes[k] >> i & 1;
		check(bits == (i < count));
		if (i >= count)
			continue;
		view = page_view(layout, pages + (size_t)i * PAGE_BYTES, count - i, 0);
		if (word.views >> i & 1) {
			uint64_t flags;
			int32_t type;

			memcpy(&flags, pages + (size_t)i * PAGE_BYTES, sizeof(flags));
			memcpy(&type, pages + (size_t)i * PAGE_BYTES + 48, sizeof(type));
			check(flags & HEAD || view.is_poisoned || type < -1);
			continue;
		}
		check(!view.order && !view.is_compound && !view.is_poisoned);
		check(view.is_tail == (word.tails >> i & 1));
		check(page_word_run(&word, i, i + 1, &class) == i + 1);
		check(view.is_tail ? class == PAGE_CLASS_COUNT : class == view.class);
	}
}

// A word says of each page what a look at it alone does.
static void words(void)
{
	static const struct {
		const char *lines;
		const struct row *rows;
		size_t count;
	} kernels[] = {{lines_61, rows_61, array_size(rows_61)}, {lines_612, rows_612, array_size(rows_612)}};

	srand(2);
	for (size_t k = 0; k < array_size(kernels); k++) {
		struct fakecore fake;
		struct page_layout *layout = learn(&fake, kernels[k].lines);

		for (unsigned int i = 0; i < 20000; i++) {
			unsigned int count = i % 4 ? 1 + (unsigned int)rand() % PAGE_WORD_PAGES : PAGE_WORD_PAGES;
			uint8_t *pages = calloc(count, PAGE_BYTES);

			check(pages);
			for (unsigned int at = 0; at < count; at++)
				put_any(pages + (size_t)at * PAGE_BYTES, kernels[k].rows, kernels[k].count);
			check_word(layout, pages, count);
			free(pages);
		}
		page_layout_destroy(layout);
		fakecore_deinit(&fake);
	}
}

static void runs_end_where_pages_differ(void)
{
	const struct page_word word = {.classes = {[PAGE_KERNEL] = 0x0f, [PAGE_USER] = 0xf0}, .tails = 0xf00};
	enum page_class class;

	check(page_word_run(&word, 1, 12, &class) == 4 && class == PAGE_KERNEL);
	check(page_word_run(&word, 4, 6, &class) == 6 && class == PAGE_USER);
	check(page_word_run(&word, 8, 12, &class) == 12 && class == PAGE_CLASS_COUNT);
}

static void missing(void)
{
	static const char *const keys[] = {"OFFSET(page.flags)", "OFFSET(page.mapping)", "OFFSET(page._mapcount)",
	                                   "SIZE(page)",         "NUMBER(PG_lru)",       "NUMBER(PG_private)"};

	for (size_t i = 0; i < array_size(keys); i++) {
		struct page_layout *layout;
		struct fakecore fake;
		char lines[sizeof(lines_61)];

		memcpy(lines, lines_61, sizeof(lines_61));
		*strstr(lines, keys[i]) = 'X';
		fakecore_init(&fake, 1 << 20);
		fakecore_info(&fake, "%s", lines);
		fakecore_open(&fake);
		check_error(page_layout_create(fake.core, NULL, NULL, &layout), ERROR_UNSUPPORTED, "VMCOREINFO lacks");
		fakecore_deinit(&fake);
	}
}

static const struct test tests[] = {
	TEST(linux_61), TEST(linux_612), TEST(garbage), TEST(words), TEST(runs_end_where_pages_differ), TEST(missing)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
