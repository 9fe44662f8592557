// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/foreign.h"

#include <string.h>

#include "base/endian.h"

// The format was never published. libkdumpfile src/kdumpfile/sadump.c (0.5.1): struct sadump_part_header, sadump_disk_set_header,
// sadump_header. All is little-endian, and nothing is padded.
enum {
	SIGNATURE_BYTES = 8,
	MEDIUM_BYTES = 4096, // What a medium has in front.
	PART_BYTES = 168,
	PART_DISK_AT = 152, // Number of the disk in its set, from 1; 0: there is none.
	PART_USED_AT = 160,
	BLOCK_BYTES_MAX = 64 << 10,
	HEADER_BYTES = 96,
	HEADER_BLOCK_BYTES_AT = 40,
	HEADER_STATES_AT = 48, // In blocks, as the following.
	HEADER_RAM_AT = 52,
	HEADER_DUMPED_AT = 56,
	HEADER_CPUS_AT = 80,
};

static const char signature[SIGNATURE_BYTES] = "sadump\0";

static struct error *read_head(const struct corefile *file, void *buf, size_t size_bytes, uint64_t at)
{
	size_t got;
	struct error *err = corefile_pread(file, buf, size_bytes, at, &got);

	if (!err && got < size_bytes)
		err = error_new(ERROR_BAD_DATA, "sadump: the file ends at offset %#jx, inside the headers",
		                (uintmax_t)(at + got));
	return err;
}

// The header of a partition takes a block, which is filled up with numbers each of which follows from the one before.
static struct error *find_block_bytes(const struct corefile *file, uint64_t at, uint32_t *ret)
{
	uint8_t words[BLOCK_BYTES_MAX - PART_BYTES + 4];
	uint32_t size_bytes = PART_BYTES + 4;
	size_t got;
	struct error *err = corefile_pread(file, words, sizeof(words), at + PART_BYTES, &got);

	if (err)
		return err;
	for (size_t i = 4; i + 4 <= got; i += 4) {
		if (load_u32(words + i, false) != 11 * (load_u32(words + i - 4, false) + 7))
			break;
		size_bytes += 4;
	}
	if (size_bytes > BLOCK_BYTES_MAX || size_bytes & (size_bytes - 1))
		return error_new(ERROR_BAD_DATA, "sadump: blocks of %u bytes", size_bytes);
	*ret = size_bytes;
	return NULL;
}

// The first disk of a set, or the only one: what is in front of its pages.
static struct error *find_pages(const struct corefile *file, uint64_t at, uint32_t block_bytes, uint64_t *ret)
{
	uint8_t header[HEADER_BYTES];
	struct error *err = read_head(file, header, sizeof(header), at);
	uint64_t blocks;

	if (err)
		return err;
	if (memcmp(header, signature, SIGNATURE_BYTES) != 0 ||
	    load_u32(header + HEADER_BLOCK_BYTES_AT, false) != block_bytes)
		return error_new(ERROR_BAD_DATA, "sadump: no header of a dump with blocks of %u bytes at offset %#jx",
		                 block_bytes, (uintmax_t)at);
	blocks = UINT64_C(1) + load_u32(header + HEADER_STATES_AT, false) + load_u32(header + HEADER_RAM_AT, false) +
	         load_u32(header + HEADER_DUMPED_AT, false);
	*ret = at + blocks * block_bytes;
	// The library allocates what it is told, and divides by the number of CPUs.
	if (*ret > file->size_bytes || !load_u32(header + HEADER_CPUS_AT, false))
		return error_new(ERROR_BAD_DATA, "sadump: %u CPUs, and bitmaps up to offset %#jx of %#jx",
		                 load_u32(header + HEADER_CPUS_AT, false), (uintmax_t)*ret,
		                 (uintmax_t)file->size_bytes);
	return NULL;
}

static struct error *open_disk(const struct corefile *file, uint64_t base, size_t count, struct foreign_sadump *sadump)
{
	uint8_t part[PART_BYTES], blocks[4];
	uint32_t block_bytes, disk;
	struct foreign_sadump_disk found = {.file = file, .size_bytes = UINT64_MAX};
	struct error *err = read_head(file, part, sizeof(part), base);

	if (!err)
		err = find_block_bytes(file, base, &block_bytes);
	if (err)
		return err;
	found.start_bytes = base + block_bytes;
	disk = base ? 0 : load_u32(part + PART_DISK_AT, false);
	if (disk > count)
		return error_new(
			ERROR_BAD_DATA,
			"sadump: %s is disk %u of a set, and there are %zu files: name all disks (--reassemble)",
			file->path, disk, count);
	if (count > 1 && !disk)
		return error_new(ERROR_BAD_DATA, "sadump: %s is a dump of its own, no disk of a set: name it alone",
		                 file->path);
	if (disk && sadump->disks[disk - 1].file)
		return error_new(ERROR_BAD_DATA, "sadump: %s and %s are both disk %u of the set: name each once",
		                 sadump->disks[disk - 1].file->path, file->path, disk);
	if (disk == 1) {
		err = read_head(file, blocks, sizeof(blocks), found.start_bytes);
		if (!err)
			found.start_bytes += (uint64_t)load_u32(blocks, false) * block_bytes;
	}
	if (!err && disk <= 1)
		err = find_pages(file, found.start_bytes, block_bytes, &found.start_bytes);
	if (err)
		return err;
	if (disk) {
		uint64_t used = load_u64(part + PART_USED_AT, false);

		found.size_bytes = used > found.start_bytes ? used - found.start_bytes : 0;
	}
	sadump->disks[disk ? disk - 1 : 0] = found;
	return NULL;
}

struct error *foreign_sadump_open(const struct vmcore *core, struct foreign_sadump *ret)
{
	struct foreign_sadump sadump = {.count = core->file_count};
	uint8_t head[MEDIUM_BYTES + SIGNATURE_BYTES];
	struct error *err = NULL;

	for (size_t i = 0; !err && i < core->file_count; i++) {
		uint64_t base = 0;
		size_t got;

		err = corefile_pread(&core->files[i], head, sizeof(head), 0, &got);
		if (err)
			break;
		// The header of the dump, which may lie there too, begins in the same way.
		if (got < SIGNATURE_BYTES)
			return NULL;
		if (memcmp(head, signature, SIGNATURE_BYTES) != 0)
			base = MEDIUM_BYTES;
		if (base && (got < sizeof(head) || memcmp(head + base, signature, SIGNATURE_BYTES) != 0))
			return NULL;
		if (core->file_count > FOREIGN_SADUMP_DISKS_MAX)
			return error_new(ERROR_UNSUPPORTED, "sadump: a set of %zu disks; at most %d", core->file_count,
			                 FOREIGN_SADUMP_DISKS_MAX);
		err = open_disk(&core->files[i], base, core->file_count, &sadump);
	}
	if (!err)
		*ret = sadump;
	return err;
}

struct error *foreign_sadump_read(const struct foreign_sadump *sadump, uint64_t at, uint8_t *page, size_t page_bytes)
{
	const struct foreign_sadump_disk *disk = sadump->disks;
	struct error *err;
	size_t got;

	for (; at >= disk->size_bytes; disk++) {
		at -= disk->size_bytes;
		if (disk + 1 == sadump->disks + sadump->count)
			return error_new(ERROR_FAULT, "sadump: a page behind the end of the last disk");
	}
	err = corefile_pread(disk->file, page, page_bytes, disk->start_bytes + at, &got);
	if (!err && got < page_bytes)
		err = error_new(ERROR_FAULT, "sadump: %s ends at offset %#jx, before a page", disk->file->path,
		                (uintmax_t)(disk->start_bytes + at + got));
	return err;
}
