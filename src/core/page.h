// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * One struct page of the crashed kernel: what the page is used for.
 *
 * Does not find struct pages (core/memmap.h) and does not decide what is kept (dump/filter.h).
 */
#ifndef CORE_PAGE_H
#define CORE_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** What a page is used for. */
enum page_class {
	PAGE_KERNEL, /**< Anything that is not one of the others: kept at every level. */
	PAGE_FREE, /**< Free in the buddy allocator, or not yet accepted from the hypervisor. */
	PAGE_CACHE, /**< Page cache without private data. */
	PAGE_CACHE_PRIVATE, /**< Page cache with private data (buffers of a file system). */
	PAGE_USER, /**< Anonymous memory of processes, hugetlb pages. */
	PAGE_OFFLINE, /**< Given back to the hypervisor (balloon, virtio-mem). */
	PAGE_CLASS_COUNT,
};

/** One page as its struct page tells it. */
struct page_view {
	enum page_class class;
	unsigned int order; /**< Of the block that starts here: 2^order pages share the class. */
	bool is_tail; /**< Inside a compound page: its head has the class; here it is PAGE_KERNEL. */
	bool is_compound; /**< Head of a compound page. */
	bool is_slab; /**< Of the slab allocator: struct slab overlays its struct page. */
	bool is_poisoned; /**< This one page is broken memory (hwpoison): touching it may stop the machine. */
};

/** Where things are in struct page. Read-only after page_layout_create(); may be shared by threads. */
struct page_layout;

/**
 * Learn the layout: from VMCOREINFO, and where it is silent from BTF.
 *
 * @param[in] core The dump.
 * @param[in] xlat Borrowed during the call; NULL: VMCOREINFO only.
 * @param[in,out] reader Owned by the calling thread; NULL with @p xlat.
 * @param[out] ret The layout; page_layout_destroy() it.
 * @return NULL; ERROR_UNSUPPORTED (the text names what is not known); ERROR_NOMEM.
 */
struct error *page_layout_create(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader,
                                 struct page_layout **ret) must_check;

/** Free. @param[in] layout May be NULL. */
void page_layout_destroy(struct page_layout *layout);

/** Guard form of page_layout_destroy(). @param[in] layout Address of the variable. */
static inline void page_layout_destroyp(struct page_layout **layout)
{
	page_layout_destroy(*layout);
}

/** Size of struct page. @param[in] layout The layout. @return Bytes. */
uint64_t page_layout_bytes(const struct page_layout *layout);

/** Whether the layout tells free pages from others. @param[in] layout The layout. @return See there. */
bool page_layout_knows_free(const struct page_layout *layout);

/**
 * Tell what a page is.
 *
 * @param[in] layout The layout.
 * @param[in] page Its struct page, and behind it those of the next pages.
 * @param[in] page_count struct pages that may be read at @p page, at least 1.
 * @param[in] pfn Its page frame number: a block that is not aligned to its order is not believed.
 * @return What it is. Never fails: what is not understood is PAGE_KERNEL, order 0.
 */
struct page_view page_view(const struct page_layout *layout, const uint8_t *page, uint64_t page_count, uint64_t pfn);

/** Pages in a word of struct page_word. */
enum { PAGE_WORD_PAGES = 64 };

/** What some neighbours are: of each page one bit is set, in one of these, that of the first one lowest. */
struct page_word {
	uint64_t classes[PAGE_CLASS_COUNT]; /**< Single pages: page_view() says this class, and else at most is_slab. */
	uint64_t tails; /**< Of compound pages: page_view() says is_tail, and nothing else. */
	uint64_t views; /**< All others: only page_view() tells. */
};

/**
 * Tell what several pages are, faster than one by one.
 *
 * @param[in] layout The layout.
 * @param[in] page Their struct pages.
 * @param[in] count How many, at most PAGE_WORD_PAGES.
 * @param[out] ret See there.
 */
void page_word(const struct page_layout *layout, const uint8_t *page, unsigned int count, struct page_word *ret);

/**
 * Find how far pages of a word are the same.
 *
 * @param[in] word The word.
 * @param[in] start Bit of the first page.
 * @param[in] end Bit behind the last one; no page before it has a bit in views.
 * @param[out] class_ret What they are; PAGE_CLASS_COUNT for tails.
 * @return Bit behind the last one that is as the first.
 */
unsigned int page_word_run(const struct page_word *word, unsigned int start, unsigned int end,
                           enum page_class *class_ret);

#endif
