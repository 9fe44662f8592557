// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The kdump-compressed format, byte by byte: headers, bitmaps, page descriptors.
 *
 * Does not write files and does not compress. Numbers are in the byte order of this machine, which is that of the dumps it
 * writes. Source: makedumpfile diskdump_mod.h and IMPLEMENTATION (1.7.9); crash diskdump.h (9.0).
 */
#ifndef CORE_FMT_KDUMP_H
#define CORE_FMT_KDUMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Values of header fields. */
enum {
	FMT_KDUMP_VERSION = 6,
	FMT_KDUMP_UTS_BYTES = 65, /**< __NEW_UTS_LEN + 1 */
	FMT_KDUMP_STATUS_INCOMPLETE = 0x8, /**< DUMP_DH_COMPRESSED_INCOMPLETE */
	FMT_KDUMP_STATUS_NO_MEMMAP = 0x10, /**< DUMP_DH_EXCLUDED_VMEMMAP: struct pages were left out. */
	/** Methods: flags of page_desc and of the header's status, DUMP_DH_COMPRESSED_*. */
	FMT_KDUMP_ZLIB = 0x1,
	FMT_KDUMP_LZO = 0x2,
	FMT_KDUMP_SNAPPY = 0x4,
	FMT_KDUMP_ZSTD = 0x20,
};

/** Main header, in the first block. 64-bit layout. */
struct fmt_kdump_header {
	char signature[8]; /**< "KDUMP   " */
	uint32_t header_version;
	char utsname[6][FMT_KDUMP_UTS_BYTES]; /**< sysname nodename release version machine domainname */
	uint8_t padding[6];
	uint64_t timestamp_sec; /**< Of the crash. */
	uint64_t timestamp_usec;
	uint32_t status; /**< Compression flag, FMT_KDUMP_STATUS_*. */
	uint32_t block_size; /**< Page size. */
	uint32_t sub_hdr_size; /**< Blocks of the sub header and the notes. */
	uint32_t bitmap_blocks; /**< Blocks of both bitmaps. */
	uint32_t max_mapnr; /**< Cut at 32 bits; the sub header has it whole. */
	uint32_t total_ram_blocks;
	uint32_t device_blocks;
	uint32_t written_blocks;
	uint32_t current_cpu;
	uint32_t nr_cpus;
};

/** Sub header, at the start of the second block. 64-bit layout. */
struct fmt_kdump_sub_header {
	uint64_t phys_base;
	uint32_t dump_level;
	uint32_t split;
	uint64_t start_pfn;
	uint64_t end_pfn;
	uint64_t offset_vmcoreinfo; /**< Of the descriptor of the note, in the file. */
	uint64_t size_vmcoreinfo;
	uint64_t offset_note;
	uint64_t size_note;
	uint64_t offset_eraseinfo;
	uint64_t size_eraseinfo;
	uint64_t start_pfn_64;
	uint64_t end_pfn_64;
	uint64_t max_mapnr_64;
};

/** Descriptor of one page; the n-th belongs to the n-th set bit of the second bitmap. */
struct fmt_kdump_page_desc {
	uint64_t offset; /**< Of the bytes of the page, in the file; 0: not written. */
	uint32_t size; /**< Of those bytes; the page size if they are not compressed. */
	uint32_t flags; /**< Flag of the compressor, 0 for none. */
	uint64_t page_flags;
};

/** Where the parts of a dump are. All offsets are in the file. */
struct fmt_kdump_layout {
	uint64_t block_bytes;
	uint64_t max_pfn;
	uint64_t sub_blocks; /**< Of sub header and notes. */
	uint64_t bitmap_blocks; /**< Of one bitmap. */
	uint64_t note_offset;
	uint64_t bitmap1_offset;
	uint64_t bitmap2_offset;
	uint64_t desc_offset;
	uint64_t zero_page_offset; /**< Shared by all pages of zeros. */
	uint64_t data_offset;
};

/**
 * Lay out a dump.
 *
 * @param[in] block_bytes Page size of the dump.
 * @param[in] max_pfn One past the last page frame.
 * @param[in] notes_bytes Size of the notes.
 * @param[in] page_count Pages that get a descriptor.
 * @return The layout.
 */
struct fmt_kdump_layout fmt_kdump_layout(uint64_t block_bytes, uint64_t max_pfn, uint64_t notes_bytes,
                                         uint64_t page_count);

#endif
