// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the struct page of a page frame says, for people: flags and type by name, counts, which block or compound page it is part of,
 * node and zone.
 *
 * Does not say whose the page is (report/owner.h), nor whether it is in the dump (dump/presence.h). Where the kernel has no types (BTF),
 * names and counts are not known, and the rest is.
 */
#ifndef REPORT_PAGEINFO_H
#define REPORT_PAGEINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/memmap.h"
#include "core/page.h"
#include "report/kernel.h"

/** Members of structures and symbols that only those need who look at single pages: names are in pageinfo.c, in this order. */
enum pageinfo_member {
	PAGEINFO_PAGE_FLAGS,
	PAGEINFO_PAGE_MAPPING,
	PAGEINFO_PAGE_INDEX,
	PAGEINFO_PAGE_FOLIO_INDEX,
	PAGEINFO_PAGE_REFCOUNT,
	PAGEINFO_PAGE_MAPCOUNT,
	PAGEINFO_PAGE_SLAB_CACHE,
	PAGEINFO_SLAB_SLAB_CACHE,
	PAGEINFO_CACHE_NAME,
	PAGEINFO_CACHE_SIZE,
	PAGEINFO_MAPPING_HOST,
	PAGEINFO_INODE_INO,
	PAGEINFO_INODE_SB,
	PAGEINFO_INODE_DENTRY,
	PAGEINFO_SB_ID,
	PAGEINFO_DENTRY_ALIAS,
	PAGEINFO_DENTRY_NAME,
	PAGEINFO_DENTRY_PARENT,
	PAGEINFO_QSTR_NAME,
	PAGEINFO_RESOURCE_START,
	PAGEINFO_RESOURCE_END,
	PAGEINFO_PGLIST_ZONES,
	PAGEINFO_ZONE,
	PAGEINFO_ZONE_NAME,
	PAGEINFO_ZONE_START,
	PAGEINFO_ZONE_SPANNED,
	PAGEINFO_MEMBER_COUNT,
};

/** See enum pageinfo_member. */
enum pageinfo_symbol {
	PAGEINFO_END,
	PAGEINFO_PER_CPU_START,
	PAGEINFO_PER_CPU_END,
	PAGEINFO_PCPU_UNIT_SIZE,
	PAGEINFO_CRASHK_RES,
	PAGEINFO_CRASHK_LOW_RES,
	PAGEINFO_NODE_DATA,
	PAGEINFO_CONTIG_PAGE_DATA,
	PAGEINFO_INIT_STACK,
	PAGEINFO_END_INIT_TASK,
	PAGEINFO_END_INIT_STACK,
	PAGEINFO_SYMBOL_COUNT,
};

/** Limits. */
enum {
	PAGEINFO_NAMES_MAX = 64, /**< Flags, and types. */
	PAGEINFO_NAME_BYTES = 32, /**< Room for a name of one, with its NUL. */
	PAGEINFO_TEXT_BYTES = 512, /**< Room for all flags of a page. */
};

/** A flag or a type, by its number. */
struct pageinfo_name {
	uint64_t number;
	char name[PAGEINFO_NAME_BYTES];
};

/** What single pages are looked at with. Owned by one thread. */
struct pageinfo {
	struct kernel *kernel; /**< Borrowed. */
	struct page_layout *layout;
	struct memmap map;
	struct btf_query members[PAGEINFO_MEMBER_COUNT];
	uint64_t symbols[PAGEINFO_SYMBOL_COUNT]; /**< 0: not there. */
	struct pageinfo_name flags[PAGEINFO_NAMES_MAX];
	size_t flag_count;
	struct pageinfo_name types[PAGEINFO_NAMES_MAX];
	size_t type_count;
	bool has_table_type; /**< table_type is known. */
	uint32_t table_type; /**< The type word of page tables, for kernels that do not name it. */
	char why[KERNEL_WHY_BYTES]; /**< Why struct pages cannot be looked at; "": they can. */
	char names_why[KERNEL_WHY_BYTES]; /**< Why names are not known; "": they are. */
};

/** One page frame. */
struct pageinfo_page {
	uint64_t pfn;
	uint64_t vaddr; /**< Its struct page. */
	struct page_view
		view; /**< What it is by itself; of a tail, or inside a free block, class is that of the head. */
	uint64_t
		head_pfn; /**< First frame of the block or compound page that it is in; pfn: it is in none, or is the first. */
	uint64_t head_vaddr; /**< Struct page of that. */
	unsigned int order; /**< Of that: it has 2^order frames. */
	bool is_inside; /**< pfn is not the first. */
	uint64_t flags; /**< Of the page itself. */
	uint64_t mapping; /**< Of the head. */
	uint64_t index; /**< Of the page itself. */
	int32_t refcount; /**< Of the head. */
	uint32_t type; /**< The page's word that is _mapcount, or a type. */
	bool has_counts; /**< refcount and index are known. */
};

/**
 * Learn what is needed.
 *
 * @param[in,out] kernel Borrowed.
 * @param[out] ret pageinfo_close() it. What is not known is said in it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *pageinfo_open(struct kernel *kernel, struct pageinfo **ret) must_check;

/** Free. @param[in] info May be NULL. */
void pageinfo_close(struct pageinfo *info);

/** Guard form of pageinfo_close(). @param[in] info Address of the variable. */
static inline void pageinfo_closep(struct pageinfo **info)
{
	pageinfo_close(*info);
}

/**
 * Read the struct page of a frame.
 *
 * @param[in,out] info Opened.
 * @param[in] pfn The frame.
 * @param[out] ret What it says.
 * @return NULL; ERROR_UNSUPPORTED (info->why); ERROR_FAULT (there is none, or it is not in the dump); ERROR_BAD_DATA; ERROR_OS; ERROR_NOMEM.
 */
struct error *pageinfo_find(struct pageinfo *info, uint64_t pfn, struct pageinfo_page *ret) must_check;

/** Names of the flags that are set. @param[in] info Opened. @param[in] page Of pageinfo_find(). @param[out] text "uptodate|lru"; "": none, or not known. */
void pageinfo_flags(const struct pageinfo *info, const struct pageinfo_page *page, char text[PAGEINFO_TEXT_BYTES]);

/** Name of the type of a page. @param[in] info Opened. @param[in] page Of pageinfo_find(). @return "buddy", "table" …; NULL: it has none, or an unknown one. */
const char *pageinfo_type(const struct pageinfo *info, const struct pageinfo_page *page);

/** Whether the page has a type, known or not: its count of mappings has no meaning then. @param[in] page Of pageinfo_find(). @return See there. */
static inline bool pageinfo_is_typed(const struct pageinfo_page *page)
{
	return (int32_t)page->type < -1;
}

/** Node and zone of a frame, by the ranges of zones. @param[in,out] info Opened. @param[in] pfn The frame. @param[out] node_ret The node. @param[out] zone Name. @return false: not known. */
bool pageinfo_zone(struct pageinfo *info, uint64_t pfn, uint32_t *node_ret, char zone[PAGEINFO_NAME_BYTES]);

/** Takes frames of one class. @param[in] context Of the caller. @param[in] pfn First frame. @param[in] pfn_end One past the last. @param[in] class What they are. */
typedef void pageinfo_each(void *context, uint64_t pfn, uint64_t pfn_end, enum page_class class);

/** Tell what frames are, as a filter would see them. @param[in,out] info Opened. @param[in] pfn First frame. @param[in] pfn_end One past the last. @param[in] each Called in order; not for frames without a struct page that can be read. @param[in] context For @p each. */
void pageinfo_classes(struct pageinfo *info, uint64_t pfn, uint64_t pfn_end, pageinfo_each *each, void *context);

/** Whether a member is known. @param[in] info Opened. @param[in] which Which. @return See there. */
static inline bool pageinfo_has(const struct pageinfo *info, enum pageinfo_member which)
{
	return info->members[which].is_found;
}

/** Read a member that is a number or an address. @param[in,out] info Opened. @param[in] vaddr Of the structure. @param[in] which Which. @param[out] ret Its value. @return Whether it is known and could be read. */
bool pageinfo_get(struct pageinfo *info, uint64_t vaddr, enum pageinfo_member which, uint64_t *ret);

#endif
