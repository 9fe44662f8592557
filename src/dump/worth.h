// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * How much the pages of a dump are worth to who reads it: the order in which they are written.
 *
 * Does not choose pages (scan.h). A wrong answer here moves a page in the file and loses nothing, so what only helps is
 * guessed from the memory itself, without types.
 */
#ifndef DUMP_WORTH_H
#define DUMP_WORTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/kallsyms.h"
#include "dump/scan.h"

/** What pages are worth, best first. A dump that was cut short has the first ones. */
enum worth {
	WORTH_KERNEL, /**< Data of the kernel: its image, page tables, per-CPU areas, stacks, slab. */
	WORTH_CONSTANTS, /**< Its constants: debuggers ask some of them before all else. */
	WORTH_CODE, /**< Its code. */
	WORTH_SYMBOLS, /**< Tables of its symbols and types, most of its constants: debuggers bring their own. */
	WORTH_FILES, /**< Objects of file systems that stand for what is on a disk: inodes, dentries. Often most of the slab. */
	WORTH_MEMMAP, /**< struct pages: where memory went, but nothing that other data needs. */
	WORTH_CACHE,
	WORTH_USER,
	WORTH_FREE,
	WORTH_COUNT,
};

/** Most blocks of a window: page frames that share one answer, that of their best page. On small machines they are as small as a slab. */
enum { WORTH_BLOCKS_MAX = (1 << 20) + (1 << 16), WORTH_BLOCK_PAGES_MIN = 4 };

/** Page frames of struct pages that are looked at together: on most machines they are mapped by large pages. */
enum { WORTH_MEMMAP_PAGES = 512 };

/** A piece of the kernel's image that is contiguous in physical memory, and all of one kind. */
struct worth_image {
	uint64_t paddr_start, paddr_end;
	uint64_t vaddr; /**< Of its first byte. */
	enum worth worth;
};

/** Tables among the kernel's constants: of symbols, and of types. */
enum { WORTH_TABLES = 2 };

/** What is known in advance. Read-only after worth_init() but for its cache; for one thread. */
struct worth_map {
	const struct scan *scan;
	uint64_t block_pages; /**< Frames of a block, a power of two. */
	uint64_t *
		memmap_sets; /**< One bit for each WORTH_MEMMAP_PAGES of the machine: they hold struct pages only. 1 MiB for 16 TiB. */
	uint64_t memmap_set_count;
	struct worth_image *image; /**< Where the kernel is, from its code on. */
	size_t image_count;
	uint64_t code_vaddr; /**< Its code is in [code_vaddr, code_vaddr_end). */
	uint64_t code_vaddr_end;
	struct kallsyms_extent symbols[WORTH_TABLES]; /**< Of worth_find_symbols(). */
	struct worth_cache *caches; /**< Slab caches that were looked at. */
	unsigned int name_word; /**< Of struct kmem_cache, where the last name was found. */
	struct vmreader pages; /**< struct pages */
	struct vmreader tables; /**< page tables, and what is looked up by address */
};

/**
 * Find what is large and lies together: struct pages, and the kernel's code.
 *
 * @param[out] ret The map; worth_deinit() it, also after an error.
 * @param[in] scan Borrowed. With an unknown layout only the image is told from the rest.
 * @param[in] window_pages Frames of the largest window.
 * @return NULL; ERROR_NOMEM; ERROR_OS. What cannot be read is not known, and no error.
 */
struct error *worth_init(struct worth_map *ret, const struct scan *scan, uint64_t window_pages) must_check;

/**
 * Tell tables of symbols and types from other constants from now on; reading them takes some milliseconds.
 *
 * @param[in,out] map The map. What cannot be found stays a constant like others.
 */
void worth_find_symbols(struct worth_map *map);

/** Frames of a block. @param[in] window_pages Frames of the largest window. @return A power of two. */
uint64_t worth_block_pages(uint64_t window_pages);

/** Free. @param[in] map May be zeroed. */
void worth_deinit(struct worth_map *map);

#define _cleanup_worth_ _cleanup_(worth_deinit)

/** Anonymous memory of a map. @param[in] max_pfn Page frames of the machine. @return Bytes. */
uint64_t worth_memory_bytes(uint64_t max_pfn);

/**
 * Tell the worth of the blocks of a window.
 *
 * @param[in,out] map The map.
 * @param[in] set Frames that are saved.
 * @param[in] base_pfn Of bit 0 of the set, a multiple of a block.
 * @param[in] end_pfn One past the last frame.
 * @param[out] ret enum worth of each block with a saved frame; WORTH_COUNT of others.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *worth_window(struct worth_map *map, const uint64_t *set, uint64_t base_pfn, uint64_t end_pfn,
                           uint8_t *ret) must_check;

/**
 * Find a frame in the kernel's image.
 *
 * @param[in] map The map.
 * @param[in] pfn Frame.
 * @return The piece that it is in, or NULL.
 */
const struct worth_image *worth_find_image(const struct worth_map *map, uint64_t pfn);

#endif
