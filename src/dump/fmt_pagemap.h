// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The page map, byte by byte: a small file beside a dump that says of each page frame why it is in the dump, or is not.
 *
 * Does not read or write files (pagemap.h, pagemap_reader.h). All numbers are little-endian, on every machine.
 *
 *     0                   struct fmt_pagemap_header
 *     index_offset        struct fmt_pagemap_entry for each block of FMT_PAGEMAP_BLOCK_FRAMES page frames
 *     anywhere behind     the runs of a block, where its entry says
 *     anywhere behind     cells: 2 bits for each page that is kept, where the entry of its block says
 *
 * The runs of a block say what its frames are: codes, each for some frames that follow one another. A run is one to four
 * bytes: bits 0–3 of the first are the code, bits 4–6 the lowest bits of the number of frames less one; bit 7 says that
 * another byte follows, which brings 7 bits more. Runs of a block add up to the frames of the block, or to the end of memory.
 *
 * What became of a page that is kept is known only when it is copied. Its cell says so: the n-th page of a block that is kept
 * has cell number fmt_pagemap_entry.cell + n. Cells are counted from the start of the file, four in a byte, lowest bits
 * first. Bytes that are beyond the end of the file are zeros.
 *
 * To explain one page frame a reader needs the header, one entry, one block, and one byte of cells.
 */
#ifndef DUMP_FMT_PAGEMAP_H
#define DUMP_FMT_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Values of header fields, and sizes. */
enum {
	FMT_PAGEMAP_VERSION = 1,
	FMT_PAGEMAP_BLOCK_FRAMES = 1 << 18,
	/** Longest runs of a block: one of n bytes has at least n frames. */
	FMT_PAGEMAP_BLOCK_BYTES = FMT_PAGEMAP_BLOCK_FRAMES,
	FMT_PAGEMAP_CELLS_PER_BYTE = 4,
};

/** What a page frame is: codes of runs. */
enum fmt_pagemap_code {
	FMT_PAGEMAP_NONE = 0, /**< No memory. */
	FMT_PAGEMAP_KERNEL = 1, /**< In use by the kernel, or not known to be anything else. */
	FMT_PAGEMAP_FREE = 2,
	FMT_PAGEMAP_CACHE = 3, /**< Page cache without private data. */
	FMT_PAGEMAP_CACHE_PRIVATE = 4,
	FMT_PAGEMAP_USER = 5, /**< Memory of processes. */
	FMT_PAGEMAP_OFFLINE = 6, /**< Given back to the hypervisor. */
	FMT_PAGEMAP_POISONED = 7, /**< Broken memory, never touched. */
	FMT_PAGEMAP_UNKNOWN = 8, /**< Its struct page could not be read or understood: kept. */
	FMT_PAGEMAP_MISSING = 9, /**< Memory that was not in the input. */
	FMT_PAGEMAP_STRUCT_PAGES = 10, /**< struct pages of pages that are left out themselves. */
	FMT_PAGEMAP_PROCESS = 11, /**< Would be left out, and is kept for a process that was asked for. */
	FMT_PAGEMAP_CODES = 16, /**< Codes there can be; those that are not named are not in use. */
};

/** What became of a page that is kept: cells. */
enum fmt_pagemap_state {
	FMT_PAGEMAP_PENDING = 0, /**< Not copied: the copy was cut short, or only tried. */
	FMT_PAGEMAP_WRITTEN = 1,
	FMT_PAGEMAP_ZERO = 2, /**< It holds only zeros; the dump has no bytes of its own for it. */
	FMT_PAGEMAP_UNREADABLE = 3, /**< It could not be read. */
};

/** How far the map is: fmt_pagemap_header.status. */
enum fmt_pagemap_status {
	FMT_PAGEMAP_PARTIAL = 0, /**< Being written, or cut short. Blocks without an entry were not looked at. */
	FMT_PAGEMAP_COMPLETE = 1, /**< Blocks without an entry have no memory. */
	FMT_PAGEMAP_DRY_RUN = 2, /**< As complete, but no page was copied. */
};

/** Header, at the start of the file. */
struct fmt_pagemap_header {
	char magic[8]; /**< "KDUMPMAP" */
	uint32_t version;
	uint32_t status; /**< enum fmt_pagemap_status */
	uint32_t page_bytes;
	uint32_t block_frames; /**< FMT_PAGEMAP_BLOCK_FRAMES */
	uint64_t max_pfn; /**< One past the last frame of memory. */
	uint64_t index_offset;
	uint64_t crash_time; /**< CRASHTIME of VMCOREINFO, seconds since 1970; 0: not known. Dump and map must agree. */
	uint32_t dump_level; /**< What was asked for, and what the input lacked already. */
	uint32_t dropped_codes; /**< Bit n: frames with code n are not in the dump. */
	uint8_t padding[8];
};

/** Entry of one block. All zeros: see enum fmt_pagemap_status. */
struct fmt_pagemap_entry {
	uint64_t offset; /**< Of its runs, in the file. */
	uint64_t cell; /**< Number of the cell of its first page that is kept. */
	uint32_t size_bytes; /**< Of its runs. */
	uint32_t kept; /**< Pages of it that are kept: its cells. */
};

/** A run in memory. */
struct fmt_pagemap_run {
	enum fmt_pagemap_code code;
	uint32_t frames;
};

/** Longest run, in bytes. */
enum { FMT_PAGEMAP_RUN_BYTES = 4 };

/** A header ready to be written. @param[in] header In the machine's byte order. @return In the file's. */
struct fmt_pagemap_header fmt_pagemap_store_header(const struct fmt_pagemap_header *header);

/** An entry ready to be written. @param[in] entry In the machine's byte order. @return In the file's. */
struct fmt_pagemap_entry fmt_pagemap_store_entry(const struct fmt_pagemap_entry *entry);

/**
 * Understand a header.
 *
 * @param[in] raw As it is in the file.
 * @param[out] ret In the machine's byte order.
 * @return NULL; ERROR_BAD_DATA (no page map, or values that cannot be); ERROR_UNSUPPORTED (another version).
 */
struct error *fmt_pagemap_load_header(const struct fmt_pagemap_header *raw, struct fmt_pagemap_header *ret) must_check;

/** Understand an entry; its numbers are not checked. @param[in] raw As it is in the file. @return In the machine's byte order. */
struct fmt_pagemap_entry fmt_pagemap_load_entry(const struct fmt_pagemap_entry *raw);

/** Write a run. @param[out] at Room for FMT_PAGEMAP_RUN_BYTES. @param[in] run 1…FMT_PAGEMAP_BLOCK_FRAMES frames. @return Bytes written. */
size_t fmt_pagemap_put_run(uint8_t *at, struct fmt_pagemap_run run);

/**
 * Read a run.
 *
 * @param[in,out] at Bytes of a block; moved behind the run.
 * @param[in] end One past the last byte.
 * @param[out] ret The run.
 * @return false: there is no whole run, or one of impossible length; nothing is changed.
 */
bool fmt_pagemap_get_run(const uint8_t **at, const uint8_t *end, struct fmt_pagemap_run *ret);

#endif
