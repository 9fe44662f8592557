// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A small flat machine in a fakecore: its struct pages, with a page of each kind that the copier treats in its own way.
 */
#ifndef FAKEMACHINE_H
#define FAKEMACHINE_H

#include "core/page.h"
#include "fakecore.h"

enum {
	FAKEMACHINE_MEMORY_BYTES = 8 << 20,
	FAKEMACHINE_PAGES = FAKEMACHINE_MEMORY_BYTES / 4096,
	FAKEMACHINE_PAGE_STRUCTS = 0x100000, // Where the struct pages lie.
	FAKEMACHINE_STRUCT_BYTES = 64,
	FAKEMACHINE_MEM_MAP = 0x180000, // The variable mem_map.
	FAKEMACHINE_FREE_PFN = 0x300, // A free block of 2^6 pages.
	FAKEMACHINE_FREE_ORDER = 6,
	FAKEMACHINE_USER_PFN = 0x400,
	FAKEMACHINE_POISONED_PFN = 0x401,
	FAKEMACHINE_ZERO_PFN = 0x402,
	FAKEMACHINE_BUDDY = -129,
	FAKEMACHINE_FLAG_HWPOISON = 22,
};

/** The struct page of a frame. */
static inline uint8_t *fakemachine_page(struct fakecore *fake, uint64_t pfn)
{
	return fake->memory + FAKEMACHINE_PAGE_STRUCTS + pfn * FAKEMACHINE_STRUCT_BYTES;
}

/** A number in memory. */
static inline void fakemachine_put_u64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void fakemachine_put_u32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

/** Page frames with a struct page and content of their own; is_known: the dump tells what a struct page is. Change it, then fakecore_open(). */
static inline void fakemachine_make(struct fakecore *fake, bool is_known)
{
	// Offsets are those of v6.1.
	fakecore_init(fake, FAKEMACHINE_MEMORY_BYTES);
	for (uint64_t pfn = 0; pfn < FAKEMACHINE_PAGES; pfn++)
		fakemachine_put_u32(fakemachine_page(fake, pfn) + 48, UINT32_MAX);
	for (size_t i = 0x200000; i < FAKEMACHINE_MEMORY_BYTES; i++)
		fake->memory[i] = (uint8_t)(i * 31 + i / 4096 * 7);
	fakemachine_put_u64(fake->memory + FAKEMACHINE_MEM_MAP, fakecore_image + FAKEMACHINE_PAGE_STRUCTS);
	fakemachine_put_u32(fakemachine_page(fake, FAKEMACHINE_FREE_PFN) + 48, (uint32_t)FAKEMACHINE_BUDDY);
	fakemachine_put_u64(fakemachine_page(fake, FAKEMACHINE_FREE_PFN) + 40, FAKEMACHINE_FREE_ORDER);
	fakemachine_put_u64(fakemachine_page(fake, FAKEMACHINE_USER_PFN) + 24, 0xffff888000000001);
	fakemachine_put_u64(fakemachine_page(fake, FAKEMACHINE_POISONED_PFN), UINT64_C(1) << FAKEMACHINE_FLAG_HWPOISON);
	memset(fake->memory + FAKEMACHINE_ZERO_PFN * 4096, 0, 4096);
	fakecore_info(fake, "SYMBOL(mem_map)=%jx\n", (uintmax_t)(fakecore_image + FAKEMACHINE_MEM_MAP));
	if (is_known)
		fakecore_info(fake, "SIZE(page)=64\n");
	fakecore_info(fake, "OFFSET(page.flags)=0\nOFFSET(page.compound_head)=8\nOFFSET(page.mapping)=24\n"
	                    "OFFSET(page.private)=40\nOFFSET(page._mapcount)=48\nOFFSET(page.compound_dtor)=16\n"
	                    "OFFSET(page.compound_order)=17\nNUMBER(PG_lru)=4\nNUMBER(PG_private)=13\n"
	                    "NUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\n"
	                    "NUMBER(PG_hwpoison)=22\nNUMBER(PG_head_mask)=65536\nNUMBER(HUGETLB_PAGE_DTOR)=2\n"
	                    "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n");
}

/** Made and opened. */
static inline void fakemachine_init(struct fakecore *fake, bool is_known)
{
	fakemachine_make(fake, is_known);
	fakecore_open(fake);
}

#endif
