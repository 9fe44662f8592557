// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A small kdump-compressed dump in memory, made field by field, and files to hold such things.
 *
 * Does not compress; its pages are raw and hold their own frame number in every word.
 */
#ifndef FAKEDUMP_H
#define FAKEDUMP_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "core/fmt_kdump.h"
#include "test.h"

/** Layout: header, sub header with notes, two bitmaps of a block each, descriptors, pages. */
enum {
	FAKEDUMP_BLOCK = 4096,
	FAKEDUMP_SUB = FAKEDUMP_BLOCK,
	FAKEDUMP_NOTES = FAKEDUMP_SUB + 104,
	FAKEDUMP_RAM = 2 * FAKEDUMP_BLOCK,
	FAKEDUMP_DUMPED = 3 * FAKEDUMP_BLOCK,
	FAKEDUMP_DESCS = 4 * FAKEDUMP_BLOCK,
	FAKEDUMP_DATA = 5 * FAKEDUMP_BLOCK,
	FAKEDUMP_FRAMES = 64, /**< max_mapnr: all are memory, those divisible by 3 are in the dump. */
	FAKEDUMP_PAGES = (FAKEDUMP_FRAMES + 2) / 3,
	FAKEDUMP_BYTES = FAKEDUMP_DATA + FAKEDUMP_PAGES * FAKEDUMP_BLOCK,
};

/** The bytes; change them, then fakedump_file(). */
struct fakedump {
	uint8_t bytes[FAKEDUMP_BYTES];
};

static inline struct fmt_kdump_header *fakedump_header(struct fakedump *dump)
{
	return (struct fmt_kdump_header *)dump->bytes;
}

static inline struct fmt_kdump_sub_header *fakedump_sub(struct fakedump *dump)
{
	return (struct fmt_kdump_sub_header *)(dump->bytes + FAKEDUMP_SUB);
}

static inline struct fmt_kdump_page_desc *fakedump_desc(struct fakedump *dump, unsigned int rank)
{
	return (struct fmt_kdump_page_desc *)(dump->bytes + FAKEDUMP_DESCS) + rank;
}

static inline void fakedump_fill_page(uint8_t *page, uint64_t pfn)
{
	for (unsigned int i = 0; i < FAKEDUMP_BLOCK; i += 8)
		memcpy(page + i, &pfn, 8);
}

static inline void fakedump_init(struct fakedump *dump)
{
	static const char info[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\n";
	const uint32_t note[3] = {11, sizeof(info) - 1, 0};
	struct fmt_kdump_header *header;
	struct fmt_kdump_sub_header *sub;

	memset(dump, 0, sizeof(*dump));
	header = fakedump_header(dump);
	sub = fakedump_sub(dump);
	memcpy(header->signature, "KDUMP   ", 8);
	header->header_version = 6;
	memcpy(header->utsname[4], "x86_64", 6);
	header->timestamp_sec = 1700000000;
	header->block_size = FAKEDUMP_BLOCK;
	header->sub_hdr_size = 1;
	header->bitmap_blocks = 2;
	header->max_mapnr = FAKEDUMP_FRAMES;
	header->nr_cpus = 1;
	sub->dump_level = 31;
	sub->max_mapnr_64 = FAKEDUMP_FRAMES;
	sub->offset_note = FAKEDUMP_NOTES;
	sub->size_note = sizeof(note) + 12 + sizeof(info) - 1 + 1;
	sub->offset_vmcoreinfo = FAKEDUMP_NOTES + sizeof(note) + 12;
	sub->size_vmcoreinfo = sizeof(info) - 1;
	memcpy(dump->bytes + FAKEDUMP_NOTES, note, sizeof(note));
	memcpy(dump->bytes + FAKEDUMP_NOTES + sizeof(note), "VMCOREINFO", 11);
	memcpy(dump->bytes + FAKEDUMP_NOTES + sizeof(note) + 12, info, sizeof(info) - 1);
	memset(dump->bytes + FAKEDUMP_RAM, 0xff, FAKEDUMP_FRAMES / 8);
	for (unsigned int pfn = 0, rank = 0; pfn < FAKEDUMP_FRAMES; pfn += 3, rank++) {
		dump->bytes[FAKEDUMP_DUMPED + pfn / 8] |= (uint8_t)(1 << pfn % 8);
		*fakedump_desc(dump, rank) = (struct fmt_kdump_page_desc){
			.offset = FAKEDUMP_DATA + (uint64_t)rank * FAKEDUMP_BLOCK,
			.size = FAKEDUMP_BLOCK,
		};
		fakedump_fill_page(dump->bytes + FAKEDUMP_DATA + (size_t)rank * FAKEDUMP_BLOCK, pfn);
	}
}

/** A file in memory. Its descriptor stays open; the path leads to it. */
struct fakefile {
	int fd;
	char path[64];
};

static inline struct fakefile fakefile(const void *bytes, size_t size_bytes)
{
	struct fakefile file = {.fd = memfd_create("dump", MFD_CLOEXEC)};

	check(file.fd >= 0);
	check_ok(io_pwrite(file.fd, bytes, size_bytes, 0));
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

#endif
