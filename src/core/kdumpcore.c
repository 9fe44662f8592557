// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kdumpcore.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/arch.h"
#include "core/decompress.h"
#include "core/fmt_kdump.h"

enum {
	VERSION_MIN = 3, // The first that says where VMCOREINFO is.
	VERSION_NOTES = 4,
	VERSION_64BIT_PFNS = 6,
	UTS_MACHINE = 4,
	BITS_PER_BYTE = 8,
	// i386 and ARM: block_size is 12 bytes earlier.
	BLOCK_SIZE_OFFSET_32BIT = 416,
	// The kernel's is a page; a hypervisor may have joined several.
	VMCOREINFO_BYTES_MAX = 1 << 20,
	NOTE_NAME_BYTES = 12, // "VMCOREINFO", padded.
	NOTE_HEADER_BYTES = 12,
};

static const char signature[8] = {'K', 'D', 'U', 'M', 'P', ' ', ' ', ' '};

// The headers of one file, in the byte order of this machine, and with the fields that its version has.
struct headers {
	struct fmt_kdump_header main;
	struct fmt_kdump_sub_header sub;
	uint64_t max_pfn;
};

static bool kdumpcore_probe(const uint8_t *head, size_t size_bytes)
{
	return size_bytes >= sizeof(signature) && memcmp(head, signature, sizeof(signature)) == 0;
}

static void decode_main(struct fmt_kdump_header *header)
{
	uint64_t *wide[] = {&header->timestamp_sec, &header->timestamp_usec};
	uint32_t *narrow[] = {&header->header_version, &header->status,        &header->block_size,
	                      &header->sub_hdr_size,   &header->bitmap_blocks, &header->max_mapnr};

	for (size_t i = 0; i < array_size(wide); i++)
		*wide[i] = load_u64(wide[i], false);
	for (size_t i = 0; i < array_size(narrow); i++)
		*narrow[i] = load_u32(narrow[i], false);
}

static void decode_sub(struct fmt_kdump_sub_header *sub, uint32_t version)
{
	uint64_t *wide[] = {&sub->start_pfn,   &sub->end_pfn,      &sub->offset_vmcoreinfo,
	                    &sub->offset_note, &sub->size_note,    &sub->size_vmcoreinfo,
	                    &sub->end_pfn_64,  &sub->start_pfn_64, &sub->max_mapnr_64};

	if (version < VERSION_NOTES)
		sub->offset_note = sub->size_note = 0;
	if (version < VERSION_64BIT_PFNS) {
		sub->start_pfn_64 = sub->start_pfn;
		sub->end_pfn_64 = sub->end_pfn;
		sub->max_mapnr_64 = 0;
	}
	for (size_t i = 0; i < array_size(wide); i++)
		*wide[i] = load_u64(wide[i], false);
	sub->dump_level = load_u32(&sub->dump_level, false);
	sub->split = load_u32(&sub->split, false);
}

static struct error *check_machine(struct vmcore *core, const struct corefile *file,
                                   const struct fmt_kdump_header *header)
{
	uint32_t version = header->header_version, block_32bit = 0;
	const char *machine = header->utsname[UTS_MACHINE];
	struct error *err;

	if (version > UINT16_MAX)
		return error_new(ERROR_UNSUPPORTED, "a dump of a big-endian machine (header_version %#x at offset 0x8)",
		                 version);
	if (version < VERSION_MIN || version > FMT_KDUMP_VERSION)
		return error_new(ERROR_UNSUPPORTED, "header_version %u (offset 0x8); %d to %d can be read", version,
		                 VERSION_MIN, FMT_KDUMP_VERSION);
	core->arch = arch_find_uname(machine, strnlen(machine, FMT_KDUMP_UTS_BYTES));
	if (!core->arch)
		return error_new(ERROR_UNSUPPORTED, "machine '%.*s' (offset %#zx) is not supported",
		                 (int)strnlen(machine, FMT_KDUMP_UTS_BYTES), machine,
		                 offsetof(struct fmt_kdump_header, utsname) +
		                         (size_t)UTS_MACHINE * FMT_KDUMP_UTS_BYTES);
	if (arch_page_shift(core->arch, header->block_size, &core->page_shift))
		return decompress_check(header->status);
	err = corefile_read(file, &block_32bit, sizeof(block_32bit), BLOCK_SIZE_OFFSET_32BIT, "header");
	if (err)
		return err;
	if (arch_page_shift(core->arch, load_u32(&block_32bit, false), &core->page_shift))
		return error_new(ERROR_UNSUPPORTED, "a dump with the header of a 32-bit machine");
	return error_new(ERROR_BAD_DATA, "block_size %u at offset 0x1ac is no size of pages of %s", header->block_size,
	                 core->arch->name);
}

static struct error *read_headers(struct vmcore *core, const struct corefile *file, struct headers *ret)
{
	struct error *err = corefile_read(file, &ret->main, sizeof(ret->main), 0, "header");
	uint64_t limit;

	if (err)
		return err;
	if (!kdumpcore_probe((const uint8_t *)ret->main.signature, sizeof(signature)))
		return error_new(ERROR_BAD_DATA, "not a kdump-compressed file");
	decode_main(&ret->main);
	err = check_machine(core, file, &ret->main);
	if (!err)
		err = corefile_read(file, &ret->sub, sizeof(ret->sub), ret->main.block_size, "sub header");
	if (err)
		return err;
	decode_sub(&ret->sub, ret->main.header_version);
	ret->max_pfn = ret->sub.max_mapnr_64 ? ret->sub.max_mapnr_64 : ret->main.max_mapnr;
	limit = UINT64_C(1) << (core->arch->physical_bits - core->page_shift);
	if (ret->max_pfn == 0 || ret->max_pfn > limit)
		return error_new(ERROR_BAD_DATA, "max_mapnr %#jx is none that a machine can have",
		                 (uintmax_t)ret->max_pfn);
	return NULL;
}

// Where the parts of the file are, and which frames it is for.
static struct error *lay_out(const struct corefile *file, const struct headers *headers, struct kdumpcore_part *ret)
{
	uint64_t block = headers->main.block_size, blocks = headers->main.bitmap_blocks;
	uint64_t need = (headers->max_pfn + BITS_PER_BYTE * block - 1) / (BITS_PER_BYTE * block);
	struct kdumpcore_part part = {.file = file, .pfn_end = headers->max_pfn};

	if (headers->main.sub_hdr_size == 0 || blocks < need)
		return error_new(ERROR_BAD_DATA,
		                 "sub_hdr_size %u, bitmap_blocks %ju (offset 0x1b0), but max_mapnr is %#jx",
		                 headers->main.sub_hdr_size, (uintmax_t)blocks, (uintmax_t)headers->max_pfn);
	part.ram_offset = (1 + (uint64_t)headers->main.sub_hdr_size) * block;
	// Readers in the field tell by its size whether there is a second bitmap.
	part.dumped_offset = part.ram_offset + (blocks >= 2 * need ? blocks / 2 * block : 0);
	part.desc_offset = part.ram_offset + blocks * block;
	// A part without pages ends with its last bit, wherever in a block that is.
	if (part.dumped_offset + (headers->max_pfn + BITS_PER_BYTE - 1) / BITS_PER_BYTE > file->size_bytes)
		return error_new(ERROR_BAD_DATA, "the file ends at offset %#jx, inside the bitmaps at %#jx",
		                 (uintmax_t)file->size_bytes, (uintmax_t)part.ram_offset);
	if (headers->sub.split) {
		part.pfn_start = headers->sub.start_pfn_64;
		part.pfn_end = headers->sub.end_pfn_64;
	}
	if (part.pfn_start > part.pfn_end || part.pfn_end > headers->max_pfn)
		return error_new(ERROR_BAD_DATA, "a part for frames %#jx to %#jx of %#jx (sub header at %#jx)",
		                 (uintmax_t)part.pfn_start, (uintmax_t)part.pfn_end, (uintmax_t)headers->max_pfn,
		                 (uintmax_t)block);
	*ret = part;
	return NULL;
}

// Adds one bitmap of a part to a set: the bits that the part is for.
static struct error *read_bitmap(const struct kdumpcore_part *part, uint64_t bitmap_at, struct frameset *set)
{
	uint8_t bytes[FRAMESET_BLOCK_BYTES];
	uint64_t index = part->pfn_start / FRAMESET_BLOCK_FRAMES;

	while (index * FRAMESET_BLOCK_FRAMES < part->pfn_end) {
		uint64_t base = index * FRAMESET_BLOCK_FRAMES, at = bitmap_at + index * FRAMESET_BLOCK_BYTES;
		uint64_t data = corefile_next_data(part->file, at);
		uint64_t first = part->pfn_start > base ? part->pfn_start - base : 0;
		uint64_t last =
			part->pfn_end - base < FRAMESET_BLOCK_FRAMES ? part->pfn_end - base : FRAMESET_BLOCK_FRAMES;
		uint64_t used = (last + BITS_PER_BYTE - 1) / BITS_PER_BYTE;
		struct error *err;

		// A machine with memory at far addresses has more holes than bits.
		if (data - at >= sizeof(bytes)) {
			index += (data - at) / sizeof(bytes);
			continue;
		}
		memset(bytes + used, 0, sizeof(bytes) - used);
		err = corefile_read(part->file, bytes, used, at, "bitmap");
		if (!err)
			err = frameset_add(set, index, bytes, (unsigned int)first, (unsigned int)last);
		if (err)
			return err;
		index++;
	}
	return NULL;
}

static struct error *read_bitmaps(struct kdumpcore *kdump)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < kdump->part_count; i++) {
		const struct kdumpcore_part *part = &kdump->parts[i];

		err = read_bitmap(part, part->ram_offset, &kdump->ram);
		if (!err)
			err = read_bitmap(part, part->dumped_offset, &kdump->dumped);
		err = error_wrap(err, "%s", part->file->path);
	}
	if (err)
		return err;
	frameset_finish(&kdump->ram);
	frameset_finish(&kdump->dumped);
	for (size_t i = 0; i < kdump->part_count; i++)
		frameset_find(&kdump->dumped, kdump->parts[i].pfn_start, &kdump->parts[i].first_rank);
	if (!kdump->dumped.frame_count)
		return error_new(ERROR_BAD_DATA, "holds no memory: its bitmap is empty");
	return NULL;
}

// Version 3 has the text, but not the notes it came in.
static struct error *make_note(struct vmcore *core, const struct corefile *file, uint64_t offset, uint64_t size)
{
	uint8_t *note;
	uint32_t header[] = {sizeof("VMCOREINFO"), (uint32_t)size, 0};

	if (size > VMCOREINFO_BYTES_MAX)
		return error_new(ERROR_BAD_DATA, "VMCOREINFO at offset %#jx has %#jx bytes", (uintmax_t)offset,
		                 (uintmax_t)size);
	note = realloc(core->notes, core->notes_bytes + NOTE_HEADER_BYTES + NOTE_NAME_BYTES + size + 3);
	if (!note)
		return error_new(ERROR_NOMEM, "no memory for %ju bytes of VMCOREINFO", (uintmax_t)size);
	core->notes = note;
	note += core->notes_bytes;
	memset(note, 0, NOTE_HEADER_BYTES + NOTE_NAME_BYTES + size + 3);
	for (size_t i = 0; i < array_size(header); i++)
		header[i] = htole32(header[i]);
	memcpy(note, header, sizeof(header));
	memcpy(note + NOTE_HEADER_BYTES, "VMCOREINFO", sizeof("VMCOREINFO"));
	core->vmcoreinfo_offset_bytes = core->notes_bytes + NOTE_HEADER_BYTES + NOTE_NAME_BYTES;
	core->vmcoreinfo_bytes = size;
	core->notes_bytes = core->vmcoreinfo_offset_bytes + (size + 3) / 4 * 4;
	return corefile_read(file, core->notes + core->vmcoreinfo_offset_bytes, size, offset, "VMCOREINFO");
}

static struct error *read_notes(struct vmcore *core, const struct corefile *file, const struct headers *headers)
{
	struct error *err = NULL;

	if (headers->sub.size_note)
		err = vmcore_read_notes(core, file, headers->sub.offset_note, headers->sub.size_note);
	// The notes may end in what is no note; padded to the next one, as the format wants it.
	if (!err && !core->vmcoreinfo_bytes && headers->sub.size_vmcoreinfo && core->notes_bytes % 4 == 0)
		err = make_note(core, file, headers->sub.offset_vmcoreinfo, headers->sub.size_vmcoreinfo);
	return err;
}

static int compare_parts(const void *a, const void *b)
{
	const struct kdumpcore_part *left = a, *right = b;

	if (left->pfn_start != right->pfn_start)
		return left->pfn_start < right->pfn_start ? -1 : 1;
	return left->pfn_end < right->pfn_end ? -1 : left->pfn_end > right->pfn_end;
}

static struct error *check_ranges(struct kdumpcore *kdump, uint64_t max_pfn)
{
	uint64_t end = 0;

	qsort(kdump->parts, kdump->part_count, sizeof(*kdump->parts), compare_parts);
	for (size_t i = 0; i < kdump->part_count && kdump->parts[i].pfn_start <= end; i++) {
		if (kdump->parts[i].pfn_start < end)
			return error_new(ERROR_BAD_DATA, "%s and %s both have page frame %#jx",
			                 kdump->parts[i - 1].file->path, kdump->parts[i].file->path,
			                 (uintmax_t)kdump->parts[i].pfn_start);
		end = kdump->parts[i].pfn_end;
	}
	for (size_t i = 0; i < kdump->part_count; i++) {
		if (kdump->parts[i].pfn_start > end) {
			max_pfn = kdump->parts[i].pfn_start;
			break;
		}
	}
	if (end < max_pfn)
		return error_new(ERROR_BAD_DATA, "a part of a split dump is missing: page frames %#jx to %#jx",
		                 (uintmax_t)end, (uintmax_t)max_pfn);
	return NULL;
}

static struct error *check_same(const struct vmcore *core, const struct headers *first, const struct headers *other,
                                const struct corefile *file)
{
	if (!first->sub.split || !other->sub.split)
		return error_new(ERROR_BAD_DATA, "%s is not a part of a split dump",
		                 (first->sub.split ? file : &core->files[0])->path);
	if (memcmp(first->main.utsname, other->main.utsname, sizeof(first->main.utsname)) != 0 ||
	    first->main.timestamp_sec != other->main.timestamp_sec ||
	    first->main.timestamp_usec != other->main.timestamp_usec || first->max_pfn != other->max_pfn)
		return error_new(ERROR_BAD_DATA, "%s and %s are not parts of one dump", core->files[0].path,
		                 file->path);
	return NULL;
}

static struct error *read_parts(struct vmcore *core, struct kdumpcore *kdump, struct headers *first)
{
	for (size_t i = 0; i < core->file_count; i++) {
		struct headers headers = {0};
		const struct corefile *file = &core->files[i];
		struct error *err = read_headers(core, file, i ? &headers : first);

		if (!err)
			err = lay_out(file, i ? &headers : first, &kdump->parts[i]);
		if (err)
			return core->file_count > 1 ? error_wrap(err, "%s", file->path) : err;
		if (i) {
			err = check_same(core, first, &headers, file);
			if (err)
				return err;
		}
		core->is_incomplete |= (i ? &headers : first)->main.status & FMT_KDUMP_STATUS_INCOMPLETE;
		kdump->part_count++;
	}
	return NULL;
}

static struct error *kdumpcore_open(struct vmcore *core)
{
	struct kdumpcore *kdump = calloc(1, sizeof(*kdump));
	struct headers first = {0};
	struct error *err;

	core->pages = kdump;
	if (kdump)
		kdump->parts = calloc(core->file_count, sizeof(*kdump->parts));
	if (!kdump || !kdump->parts)
		return error_new(ERROR_NOMEM, "no memory for a dump");
	err = read_parts(core, kdump, &first);
	if (!err)
		err = check_ranges(kdump, first.max_pfn);
	if (!err)
		err = read_bitmaps(kdump);
	if (!err)
		err = read_notes(core, &core->files[0], &first);
	core->max_pfn = first.max_pfn;
	core->dump_level = first.sub.dump_level & 31;
	core->compression = first.main.status & (FMT_KDUMP_ZLIB | FMT_KDUMP_LZO | FMT_KDUMP_SNAPPY | FMT_KDUMP_ZSTD);
	return err;
}

static void kdumpcore_close(struct vmcore *core)
{
	struct kdumpcore *kdump = core->pages;

	if (!kdump)
		return;
	frameset_deinit(&kdump->dumped);
	frameset_deinit(&kdump->ram);
	free(kdump->parts);
	free(kdump);
}

// The first bitmap should hold the second; where it does not, what is dumped is memory all the same.
static bool kdumpcore_next_frames(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn,
                                  struct vmcore_frames *ret)
{
	const struct kdumpcore *kdump = core->pages;
	struct vmcore_frames ram;
	bool has_dumped = frameset_next(&kdump->dumped, pfn, ret);

	if (which == VMCORE_FRAMES_PRESENT || !frameset_next(&kdump->ram, pfn, &ram))
		return has_dumped;
	if (!has_dumped || ram.pfn_start <= ret->pfn_start)
		*ret = ram;
	return true;
}

const struct core_format kdumpcore_format = {
	.name = "kdump-compressed",
	.takes_set = true,
	.probe = kdumpcore_probe,
	.open = kdumpcore_open,
	.close = kdumpcore_close,
	.next_frames = kdumpcore_next_frames,
	.read_page = kdumpcore_read_page,
	.end_reader = kdumpcore_end_reader,
};
