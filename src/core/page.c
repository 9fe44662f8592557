// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/page.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/endian.h"
#include "core/btf.h"
#include "core/kallsyms.h"

// Where the order of a compound page is. Each source is told from the others by what VMCOREINFO or BTF name, never by the
// version of the kernel.
enum order_source {
	ORDER_NONE,
	ORDER_MEMBER, // A member of its own in the second struct page (page.compound_order, folio._folio_order).
	ORDER_FLAGS, // The low byte of the flags of the second struct page (since v6.6, folio._flags_1).
};

// How a hugetlb page is told from other compound pages.
enum hugetlb_source {
	HUGETLB_NONE,
	HUGETLB_DTOR, // Number of the destructor in the second struct page (before v6.6).
	HUGETLB_FLAG, // PG_hugetlb in the flags of the second struct page (v6.6 to v6.8).
	HUGETLB_TYPE, // Page type of the head (since v6.9).
};

// A value of the type word that shares its place with _mapcount.
struct page_type {
	bool is_known;
	uint32_t value;
	uint32_t mask;
};

struct page_layout {
	bool is_big_endian;
	uint64_t struct_bytes;
	uint64_t flags_offset;
	uint64_t mapping_offset;
	uint64_t mapcount_offset;
	uint64_t private_offset;
	uint64_t head_offset; // page.compound_head, or page.compound_info since v7.1; bit 0 marks a tail.
	bool has_head_offset;
	uint64_t lru_mask, private_mask, swapcache_mask, swapbacked_mask, slab_mask, hwpoison_mask, head_mask;
	struct page_type buddy, offline, slab, hugetlb, unaccepted;
	enum order_source order_source;
	uint64_t order_offset; // From the head's struct page.
	unsigned int order_bytes;
	enum hugetlb_source hugetlb_source;
	uint64_t dtor_offset; // From the head's struct page.
	unsigned int dtor_bytes;
	uint64_t hugetlb_dtor;
	uint64_t hugetlb_flag_mask;
	unsigned int max_free_order;
};

enum {
	PAGE_MAPPING_ANON = 1, // include/linux/page-flags.h: bit 0 of mapping; also set for KSM (3).
	PAGE_TAIL = 1, // Bit 0 of compound_head.
	BLOCK_ORDER_MAX = 63,
	// include/linux/mmzone.h: zones have 11 lists of free blocks unless the kernel was built otherwise.
	DEFAULT_FREE_ORDERS = 11,
};

static bool learn_flag(const struct vmcoreinfo *info, const char *name, uint64_t *mask_ret)
{
	int64_t bit;

	if (!vmcoreinfo_number(info, name, &bit) || bit < 0 || bit > 63)
		return false;
	*mask_ret = UINT64_C(1) << bit;
	return true;
}

// Since v6.11 a type is in the top byte of the word (one bit is cleared; since v6.12 it is a number) and the low 24 bits
// belong to the page's owner: VMCOREINFO's value has them all set, or all clear. Before, all bits count.
static struct page_type make_type(uint32_t value)
{
	uint32_t low = value & 0xffffff;
	uint32_t mask = low == 0 || low == 0xffffff ? UINT32_C(0xff000000) : UINT32_MAX;

	return (struct page_type){true, value & mask, mask};
}

static void learn_type(const struct vmcoreinfo *info, const char *name, struct page_type *ret)
{
	int64_t value;

	if (vmcoreinfo_number(info, name, &value))
		*ret = make_type((uint32_t)value);
}

static bool has_type(uint32_t word, const struct page_type *type)
{
	return type->is_known && (word & type->mask) == type->value;
}

static void learn_orders(struct page_layout *layout, const struct vmcoreinfo *info)
{
	uint64_t order = 0, dtor = 0, huge_dtor = 0;
	bool has_member = vmcoreinfo_offset(info, "page.compound_order", &order) &&
	                  vmcoreinfo_offset(info, "page.compound_dtor", &dtor);
	bool has_folio = !has_member && vmcoreinfo_offset(info, "folio._folio_order", &order) &&
	                 vmcoreinfo_offset(info, "folio._folio_dtor", &dtor);
	int64_t number;

	if (has_member) {
		// Members of struct page: they lie in the second one. Those of struct folio count from the head.
		order += layout->struct_bytes;
		dtor += layout->struct_bytes;
	}
	if (has_member || has_folio) {
		// Since Linux kernel commit 99c6fc2aebf3 (in v4.16) both are one byte, before two; they are neighbours.
		unsigned int bytes = order == dtor + 1 ? 1 : 2;

		layout->order_source = ORDER_MEMBER;
		layout->order_offset = order;
		layout->order_bytes = layout->dtor_bytes = bytes;
		layout->dtor_offset = dtor;
	} else if (layout->has_head_offset) {
		layout->order_source = ORDER_FLAGS;
		layout->order_offset = layout->struct_bytes + layout->flags_offset;
		layout->order_bytes = 8;
	}
	if (layout->hugetlb.is_known) {
		layout->hugetlb_source = HUGETLB_TYPE;
	} else if (learn_flag(info, "PG_hugetlb", &layout->hugetlb_flag_mask)) {
		layout->hugetlb_source = HUGETLB_FLAG;
	} else if ((has_member || has_folio) && vmcoreinfo_number(info, "HUGETLB_PAGE_DTOR", &number)) {
		huge_dtor = (uint64_t)number;
		layout->hugetlb_source = HUGETLB_DTOR;
		layout->hugetlb_dtor = huge_dtor;
	}
}

// Values that VMCOREINFO gives in one of three ways.
enum need_kind {
	NEED_OFFSET, // OFFSET(name)
	NEED_FLAG, // NUMBER(name) of a bit
	NEED_MASK, // NUMBER(name) of a mask
};

// What the layout is made of: its name in VMCOREINFO, and in BTF for kernels that leave it out there.
struct need {
	enum need_kind kind;
	bool is_optional; // Kernels before v2.6.28 have no PG_swapbacked; before v4.4 tails are not marked in a word.
	const char *name;
	const char *alias; // Another name of the same thing; only for members of struct page.
	const char *btf_member;
	uint64_t *ret;
};

enum { NEEDS = 10 };

static void list_needs(struct page_layout *layout, struct need needs[static NEEDS])
{
	const struct need list[NEEDS] = {
		{NEED_OFFSET, false, "page.flags", NULL, "flags", &layout->flags_offset},
		{NEED_OFFSET, false, "page.mapping", NULL, "mapping", &layout->mapping_offset},
		{NEED_OFFSET, false, "page._mapcount", NULL, "_mapcount", &layout->mapcount_offset},
		{NEED_OFFSET, false, "page.private", NULL, "private", &layout->private_offset},
		// Since v7.1 the word is called compound_info.
		{NEED_OFFSET, true, "page.compound_head", "page.compound_info", "compound_head", &layout->head_offset},
		{NEED_FLAG, false, "PG_lru", NULL, "PG_lru", &layout->lru_mask},
		{NEED_FLAG, false, "PG_private", NULL, "PG_private", &layout->private_mask},
		{NEED_FLAG, false, "PG_swapcache", NULL, "PG_swapcache", &layout->swapcache_mask},
		{NEED_FLAG, true, "PG_swapbacked", NULL, "PG_swapbacked", &layout->swapbacked_mask},
		{NEED_MASK, false, "PG_head_mask", NULL, "PG_head", &layout->head_mask},
	};

	memcpy(needs, list, sizeof(list));
}

static bool ask_vmcoreinfo(const struct vmcoreinfo *info, const struct need *need)
{
	int64_t number;

	switch (need->kind) {
	case NEED_OFFSET:
		return vmcoreinfo_offset(info, need->name, need->ret) ||
		       (need->alias && vmcoreinfo_offset(info, need->alias, need->ret));
	case NEED_FLAG:
		return learn_flag(info, need->name, need->ret);
	case NEED_MASK:
		if (!vmcoreinfo_number(info, need->name, &number))
			return false;
		*need->ret = (uint64_t)number;
		return true;
	}
	return false;
}

// Places of the questions to BTF: page types, struct page itself, then twice the needs, by name and by alias.
enum {
	ASK_TYPES = 0,
	ASK_TYPE_COUNT = 5,
	ASK_STRUCT = ASK_TYPES + ASK_TYPE_COUNT,
	ASK_NEEDS = ASK_STRUCT + 1,
	ASK_ALIASES = ASK_NEEDS + NEEDS,
	ASK_COUNT = ASK_ALIASES + NEEDS,
};

static void write_questions(const struct need *needs, struct btf_query queries[static ASK_COUNT])
{
	static const char *const types[ASK_TYPE_COUNT] = {"PGTY_buddy", "PGTY_offline", "PGTY_slab", "PGTY_hugetlb",
	                                                  "PGTY_unaccepted"};

	for (size_t i = 0; i < ASK_TYPE_COUNT; i++)
		queries[ASK_TYPES + i] = (struct btf_query){.member = types[i], .is_enumerator = true};
	queries[ASK_STRUCT] = (struct btf_query){.type = "page"};
	for (size_t i = 0; i < NEEDS; i++) {
		const struct need *need = &needs[i];
		bool is_member = need->kind == NEED_OFFSET;
		const char *alias = need->alias ? strchr(need->alias, '.') + 1 : need->btf_member;

		queries[ASK_NEEDS + i] = queries[ASK_ALIASES + i] = (struct btf_query){
			.type = is_member ? "page" : NULL,
			.member = need->btf_member,
			.is_enumerator = !is_member,
		};
		queries[ASK_ALIASES + i].member = alias;
	}
}

static void take_answers(struct page_layout *layout, const struct need *needs, const struct btf_query *queries,
                         bool is_known[static NEEDS])
{
	struct page_type *const types[ASK_TYPE_COUNT] = {&layout->buddy, &layout->offline, &layout->slab,
	                                                 &layout->hugetlb, &layout->unaccepted};

	for (size_t i = 0; i < ASK_TYPE_COUNT; i++) {
		const struct btf_query *query = &queries[ASK_TYPES + i];

		if (!types[i]->is_known && query->is_found && query->value > 0 && query->value < 0xff)
			*types[i] = make_type((uint32_t)query->value << 24);
	}
	if (!layout->struct_bytes && queries[ASK_STRUCT].is_found)
		layout->struct_bytes = queries[ASK_STRUCT].size_bytes;
	for (size_t i = 0; i < NEEDS; i++) {
		const struct btf_query *query =
			&queries[queries[ASK_NEEDS + i].is_found ? ASK_NEEDS + i : ASK_ALIASES + i];

		if (is_known[i] || !query->is_found)
			continue;
		*needs[i].ret = needs[i].kind == NEED_OFFSET ? query->offset_bytes : UINT64_C(1) << (query->value & 63);
		is_known[i] = true;
	}
}

static struct error *ask_btf(struct page_layout *layout, const struct vmcore *core, const struct xlat *xlat,
                             struct vmreader *reader, const struct need *needs, bool is_known[static NEEDS])
{
	_cleanup_(kallsyms_destroyp) struct kallsyms *syms = NULL;
	struct btf_query queries[ASK_COUNT];
	struct error *err = kallsyms_create(core, xlat, reader, &syms);

	if (err)
		return err;
	write_questions(needs, queries);
	err = btf_lookup(core, xlat, syms, reader, queries, array_size(queries));
	if (!err)
		take_answers(layout, needs, queries, is_known);
	return err;
}

static struct error *find_needs(struct page_layout *layout, const struct vmcore *core, const struct xlat *xlat,
                                struct vmreader *reader)
{
	bool is_known[NEEDS], is_complete = layout->struct_bytes && layout->buddy.is_known;
	_cleanup_error_ struct error *btf_error = NULL;
	const char *btf_text;
	struct need needs[NEEDS];

	list_needs(layout, needs);
	for (size_t i = 0; i < NEEDS; i++) {
		is_known[i] = ask_vmcoreinfo(&core->info, &needs[i]);
		is_complete = is_complete && is_known[i];
	}
	// BTF costs a fraction of a second, so it is asked only if something is missing.
	if (!is_complete && xlat)
		btf_error = ask_btf(layout, core, xlat, reader, needs, is_known);
	btf_text = btf_error ? btf_error->text : "BTF does not have it";
	if (!layout->struct_bytes)
		return error_new(ERROR_UNSUPPORTED, "VMCOREINFO lacks SIZE(page), and %s", btf_text);
	for (size_t i = 0; i < NEEDS; i++) {
		if (!is_known[i] && !needs[i].is_optional)
			return error_new(ERROR_UNSUPPORTED, "VMCOREINFO lacks %s, and %s", needs[i].name, btf_text);
		if (needs[i].ret == &layout->head_offset)
			layout->has_head_offset = is_known[i];
	}
	return NULL;
}

static struct error *check_offsets(const struct page_layout *layout)
{
	const uint64_t offsets[] = {layout->flags_offset, layout->mapping_offset, layout->mapcount_offset,
	                            layout->private_offset, layout->has_head_offset ? layout->head_offset : 0};

	// 32 is the size of the smallest struct page there was, 4096 far above the largest.
	if (layout->struct_bytes < 32 || layout->struct_bytes > 4096)
		return error_new(ERROR_UNSUPPORTED, "struct page of %ju bytes", (uintmax_t)layout->struct_bytes);
	for (size_t i = 0; i < array_size(offsets); i++) {
		if (offsets[i] > layout->struct_bytes - 8)
			return error_new(ERROR_UNSUPPORTED, "a member of struct page at %ju, beyond its %ju bytes",
			                 (uintmax_t)offsets[i], (uintmax_t)layout->struct_bytes);
	}
	if (layout->order_offset > 2 * layout->struct_bytes - 8 || layout->dtor_offset > 2 * layout->struct_bytes - 8)
		return error_new(ERROR_UNSUPPORTED, "the order of compound pages at %ju",
		                 (uintmax_t)layout->order_offset);
	return NULL;
}

struct error *page_layout_create(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader,
                                 struct page_layout **ret)
{
	_cleanup_(page_layout_destroyp) struct page_layout *layout = calloc(1, sizeof(*layout));
	const struct vmcoreinfo *info = &core->info;
	uint64_t orders = DEFAULT_FREE_ORDERS;
	struct error *err;

	if (!layout)
		return error_new(ERROR_NOMEM, "no memory for the layout of struct page");
	layout->is_big_endian = core->is_big_endian;
	vmcoreinfo_size(info, "page", &layout->struct_bytes);
	learn_type(info, "PAGE_BUDDY_MAPCOUNT_VALUE", &layout->buddy);
	learn_type(info, "PAGE_OFFLINE_MAPCOUNT_VALUE", &layout->offline);
	learn_type(info, "PAGE_SLAB_MAPCOUNT_VALUE", &layout->slab);
	learn_type(info, "PAGE_HUGETLB_MAPCOUNT_VALUE", &layout->hugetlb);
	learn_type(info, "PAGE_UNACCEPTED_MAPCOUNT_VALUE", &layout->unaccepted);
	// Optional: a kernel without memory failure handling has no PG_hwpoison, one since v6.10 no PG_slab.
	learn_flag(info, "PG_slab", &layout->slab_mask);
	learn_flag(info, "PG_hwpoison", &layout->hwpoison_mask);
	vmcoreinfo_length(info, "zone.free_area", &orders);
	layout->max_free_order =
		orders > 0 && orders <= BLOCK_ORDER_MAX ? (unsigned int)orders - 1 : DEFAULT_FREE_ORDERS - 1;
	err = find_needs(layout, core, xlat, reader);
	if (err)
		return err;
	learn_orders(layout, info);
	err = check_offsets(layout);
	if (err)
		return err;
	*ret = take_ptr(layout);
	return NULL;
}

void page_layout_destroy(struct page_layout *layout)
{
	free(layout);
}

uint64_t page_layout_bytes(const struct page_layout *layout)
{
	return layout->struct_bytes;
}

bool page_layout_knows_free(const struct page_layout *layout)
{
	return layout->buddy.is_known;
}

static uint64_t load_number(const uint8_t *p, unsigned int bytes, bool is_big)
{
	switch (bytes) {
	case 1:
		return *p;
	case 2:
		return load_u16(p, is_big);
	default:
		return load_u64(p, is_big);
	}
}

// A block that cannot start where it claims to is one page: its order was overwritten, or was read while it changed.
static unsigned int believable_order(uint64_t order, unsigned int max, uint64_t pfn)
{
	if (order > max || pfn & ((UINT64_C(1) << order) - 1))
		return 0;
	return (unsigned int)order;
}

static unsigned int compound_order(const struct page_layout *layout, const uint8_t *page, uint64_t pfn)
{
	uint64_t order = 0;

	if (layout->order_source != ORDER_NONE)
		order = load_number(page + layout->order_offset, layout->order_bytes, layout->is_big_endian);
	if (layout->order_source == ORDER_FLAGS)
		order &= 0xff;
	return believable_order(order, BLOCK_ORDER_MAX, pfn);
}

static bool is_hugetlb(const struct page_layout *layout, const uint8_t *page, uint64_t page_count, uint32_t mapcount)
{
	if (page_count < 2 && layout->hugetlb_source != HUGETLB_TYPE)
		return false;
	switch (layout->hugetlb_source) {
	case HUGETLB_NONE:
		break;
	case HUGETLB_TYPE:
		return has_type(mapcount, &layout->hugetlb);
	case HUGETLB_FLAG:
		return load_u64(page + layout->struct_bytes + layout->flags_offset, layout->is_big_endian) &
		       layout->hugetlb_flag_mask;
	case HUGETLB_DTOR:
		return load_number(page + layout->dtor_offset, layout->dtor_bytes, layout->is_big_endian) ==
		       layout->hugetlb_dtor;
	}
	return false;
}

// makedumpfile 1.7.9, __exclude_unnecessary_pages(): which pages are page cache.
static bool is_cache(const struct page_layout *layout, uint64_t flags)
{
	if (flags & layout->lru_mask)
		return true;
	return flags & layout->swapcache_mask && (!layout->swapbacked_mask || flags & layout->swapbacked_mask);
}

static enum page_class class_of(const struct page_layout *layout, const uint8_t *page, uint64_t flags,
                                uint32_t mapcount, bool is_huge)
{
	bool is_anon = load_u64(page + layout->mapping_offset, layout->is_big_endian) & PAGE_MAPPING_ANON;

	if (is_huge)
		return PAGE_USER;
	// A page with a type belongs to who gave it the type: its words need not mean what they mean in other pages. Types
	// share their word with _mapcount, which is never below -1.
	if ((int32_t)mapcount < -1)
		return PAGE_KERNEL;
	if (is_anon)
		return PAGE_USER;
	if (is_cache(layout, flags))
		return flags & layout->private_mask ? PAGE_CACHE_PRIVATE : PAGE_CACHE;
	return PAGE_KERNEL;
}

static struct page_view free_block(const struct page_layout *layout, const uint8_t *page, uint32_t mapcount,
                                   uint64_t pfn)
{
	uint64_t order = load_u64(page + layout->private_offset, layout->is_big_endian);

	// Unaccepted memory is always in blocks of the largest order (Linux mm/page_alloc.c, __free_unaccepted()).
	if (has_type(mapcount, &layout->unaccepted))
		order = layout->max_free_order;
	// Not an order of a free list: the word was overwritten, so nothing of this struct page is believed.
	if (order > layout->max_free_order)
		return (struct page_view){.class = PAGE_KERNEL};
	return (struct page_view){.class = PAGE_FREE, .order = believable_order(order, layout->max_free_order, pfn)};
}

struct page_view page_view(const struct page_layout *layout, const uint8_t *page, uint64_t page_count, uint64_t pfn)
{
	uint64_t flags = load_u64(page + layout->flags_offset, layout->is_big_endian);
	uint32_t mapcount = load_u32(page + layout->mapcount_offset, layout->is_big_endian);
	bool is_slab = flags & layout->slab_mask || has_type(mapcount, &layout->slab);
	struct page_view view = {.class = PAGE_KERNEL};
	bool is_huge;

	if (layout->has_head_offset && load_u64(page + layout->head_offset, layout->is_big_endian) & PAGE_TAIL) {
		view.is_tail = true;
	} else if (!is_slab && (has_type(mapcount, &layout->buddy) || has_type(mapcount, &layout->unaccepted))) {
		view = free_block(layout, page, mapcount, pfn);
	} else if (!is_slab && has_type(mapcount, &layout->offline)) {
		view.class = PAGE_OFFLINE;
	} else {
		// The second struct page of a compound page holds its order; the last one that can be read has none behind it.
		view.is_compound = flags & layout->head_mask && page_count > 1;
		view.order = view.is_compound ? compound_order(layout, page, pfn) : 0;
		is_huge = flags & layout->head_mask && is_hugetlb(layout, page, page_count, mapcount);
		view.class = is_slab ? PAGE_KERNEL : class_of(layout, page, flags, mapcount, is_huge);
	}
	view.is_slab = is_slab && !view.is_tail;
	view.is_poisoned = flags & layout->hwpoison_mask;
	return view;
}

// One bit of each page for each question, those of the first page lowest.
struct answers {
	uint64_t special, tails, anon, cache, private;
};

// No branch: pages are in any order, and this is where the time goes on a machine whose memory is in use.
static inline struct answers ask_pages(const struct page_layout *layout, const uint8_t *page, unsigned int count,
                                       bool is_big)
{
	const uint64_t special_mask = layout->head_mask | layout->hwpoison_mask | layout->slab_mask;
	const uint64_t swap_mask = layout->swapcache_mask | layout->swapbacked_mask;
	const uint64_t lru_mask = layout->lru_mask, private_mask = layout->private_mask;
	const uint64_t tail_bit = layout->has_head_offset ? PAGE_TAIL : 0;
	const uint8_t *flags = page + layout->flags_offset, *mapping = page + layout->mapping_offset;
	const uint8_t *mapcount = page + layout->mapcount_offset, *head = page + layout->head_offset;
	struct answers ret = {0};

	for (uint64_t at = count * layout->struct_bytes; at > 0;) {
		uint64_t bits;

		at -= layout->struct_bytes;
		// Of the next word: without it most of the time is waiting for memory.
		__builtin_prefetch(page + count * layout->struct_bytes + at);
		bits = load_u64(flags + at, is_big);
		ret.special = ret.special << 1 |
		              (((bits & special_mask) != 0) | ((int32_t)load_u32(mapcount + at, is_big) < -1));
		ret.tails = ret.tails << 1 | (load_u64(head + at, is_big) & tail_bit);
		ret.anon = ret.anon << 1 | (load_u64(mapping + at, is_big) & PAGE_MAPPING_ANON);
		// As is_cache().
		ret.cache = ret.cache << 1 | (((bits & lru_mask) != 0) | ((bits & swap_mask) == swap_mask));
		ret.private = ret.private << 1 | ((bits & private_mask) != 0);
	}
	return ret;
}

// Puts a page into the mask that it belongs to, which has a type, or one of the flags that make it special.
static void place_special(const struct page_layout *layout, const uint8_t *page, uint64_t bit, struct page_word *word)
{
	uint64_t flags = load_u64(page + layout->flags_offset, layout->is_big_endian);
	uint32_t type = load_u32(page + layout->mapcount_offset, layout->is_big_endian);

	if (word->tails & bit && !(flags & layout->hwpoison_mask))
		return;
	word->tails &= ~bit;
	if (flags & (layout->head_mask | layout->hwpoison_mask))
		word->views |= bit;
	else if (flags & layout->slab_mask || has_type(type, &layout->slab))
		word->classes[PAGE_KERNEL] |= bit;
	else if (has_type(type, &layout->buddy) || has_type(type, &layout->unaccepted))
		word->views |= bit;
	else
		word->classes[has_type(type, &layout->offline) ? PAGE_OFFLINE : PAGE_KERNEL] |= bit;
}

void page_word(const struct page_layout *layout, const uint8_t *page, unsigned int count, struct page_word *ret)
{
	struct answers is =
		layout->is_big_endian ? ask_pages(layout, page, count, true) : ask_pages(layout, page, count, false);
	uint64_t single = bitmap_mask(0, count) & ~is.tails & ~is.special;

	*ret = (struct page_word){.tails = is.tails};
	for (uint64_t left = is.special; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		place_special(layout, page + i * layout->struct_bytes, UINT64_C(1) << i, ret);
	}
	ret->classes[PAGE_USER] = single & is.anon;
	single &= ~is.anon;
	ret->classes[PAGE_CACHE] = single & is.cache & ~is.private;
	ret->classes[PAGE_CACHE_PRIVATE] = single & is.cache & is.private;
	ret->classes[PAGE_KERNEL] |= single & ~is.cache;
}

unsigned int page_word_run(const struct page_word *word, unsigned int start, unsigned int end,
                           enum page_class *class_ret)
{
	unsigned int i = 0;

	while (i < PAGE_CLASS_COUNT && !bitmap_test(&word->classes[i], start))
		i++;
	*class_ret = (enum page_class)i;
	return (unsigned int)bitmap_find(i < PAGE_CLASS_COUNT ? &word->classes[i] : &word->tails, start, end, false);
}
