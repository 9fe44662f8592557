// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/copy_part.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"

// Order of the names in struct new_utsname (Linux include/uapi/linux/utsname.h).
enum {
	UTS_SYSNAME,
	UTS_RELEASE = 2,
	UTS_MACHINE = 4,
	UTS_NAMES = 6,
};

// Bitmaps are bytes, lowest bit first, on every machine.
static struct error *write_bitmap(struct copy_part *part, uint64_t offset_bytes, const uint64_t *words, uint64_t bits)
{
	uint64_t bytes = (bits + 7) / 8;
	uint64_t buf[512];

	for (uint64_t at = 0; at < bytes; at += sizeof(buf)) {
		uint64_t size = bytes - at < sizeof(buf) ? bytes - at : sizeof(buf);
		struct error *err;

		for (uint64_t i = 0; i < (size + 7) / 8; i++)
			buf[i] = htole64(words[at / 8 + i]);
		err = copy_write(part->copy, part->sink, offset_bytes + at, buf, size);
		if (err)
			return err;
	}
	return NULL;
}

struct error *copy_part_bitmaps(struct copy_part *part, const uint64_t *set, uint64_t base_pfn, uint64_t end_pfn)
{
	_cleanup_free_ uint64_t *scratch = malloc(SCAN_JOB_PAGES / 8);
	struct error *err = NULL;

	if (!scratch)
		return error_new(ERROR_NOMEM, "no memory for a part of a bitmap");
	err = write_bitmap(part, part->layout.bitmap2_offset + base_pfn / 8, set, end_pfn - base_pfn);
	// The first bitmap is made piece by piece; there is no room for two of them.
	for (uint64_t pfn = base_pfn; !err && pfn < end_pfn; pfn += SCAN_JOB_PAGES) {
		uint64_t frames = end_pfn - pfn < SCAN_JOB_PAGES ? end_pfn - pfn : SCAN_JOB_PAGES;

		scan_frame_set(part->copy->core, VMCORE_FRAMES_RAM, pfn, pfn + frames, scratch);
		err = write_bitmap(part, part->layout.bitmap1_offset + pfn / 8, scratch, frames);
	}
	return err;
}

// struct uts_namespace is a reference count and then the names. Since Linux kernel commit ca4a9241cc5e ("kernel: ... export
// uts_namespace.name offset") (in v5.11) VMCOREINFO tells the offset; before, the word "Linux" shows it.
static void find_utsname(const struct copy *copy, char names[static UTS_NAMES][FMT_KDUMP_UTS_BYTES])
{
	const struct vmcoreinfo *info = &copy->core->info;
	_cleanup_vmreader_ struct vmreader reader = {0};
	uint8_t raw[16 + 6 * FMT_KDUMP_UTS_BYTES];
	uint64_t vaddr, offset = 0;
	const uint8_t *start = NULL;

	vmreader_init(&reader, copy->core, VMREADER_WINDOW_TABLE_BYTES);
	if (copy->scan.xlat.core && vmcoreinfo_symbol(info, "init_uts_ns", &vaddr)) {
		struct error *err = xlat_read(&copy->scan.xlat, &reader, vaddr, raw, sizeof(raw));

		if (!err && vmcoreinfo_offset(info, "uts_namespace.name", &offset) && offset <= 16)
			start = raw + offset;
		else if (!err)
			start = memmem(raw, 16 + sizeof("Linux"), "Linux", sizeof("Linux"));
		error_free(err);
	}
	if (start) {
		memcpy(names, start, 6 * FMT_KDUMP_UTS_BYTES);
	} else {
		snprintf(names[UTS_SYSNAME], FMT_KDUMP_UTS_BYTES, "Linux");
		vmcoreinfo_string(info, "OSRELEASE", names[UTS_RELEASE], FMT_KDUMP_UTS_BYTES);
	}
	for (unsigned int i = 0; i < UTS_NAMES; i++)
		names[i][FMT_KDUMP_UTS_BYTES - 1] = '\0';
	// Readers choose the machine by this name; a crashed kernel may have been told to report another (setarch).
	snprintf(names[UTS_MACHINE], FMT_KDUMP_UTS_BYTES, "%s", copy->core->arch->uname_machine);
}

static uint64_t crash_time(const struct vmcoreinfo *info)
{
	char value[32];

	return vmcoreinfo_string(info, "CRASHTIME", value, sizeof(value)) ? strtoull(value, NULL, 10) : 0;
}

static struct error *write_header(struct copy_part *part, uint32_t compression, bool is_complete)
{
	const struct vmcore *core = part->copy->core;
	const struct fmt_kdump_layout *layout = &part->layout;
	struct fmt_kdump_header header = {
		.signature = {'K', 'D', 'U', 'M', 'P', ' ', ' ', ' '},
		.header_version = FMT_KDUMP_VERSION,
		.timestamp_sec = crash_time(&core->info),
		.status = compression | (is_complete ? 0 : FMT_KDUMP_STATUS_INCOMPLETE) |
	                  (part->copy->pages_unused ? FMT_KDUMP_STATUS_NO_MEMMAP : 0),
		.block_size = (uint32_t)layout->block_bytes,
		.sub_hdr_size = (uint32_t)layout->sub_blocks,
		.bitmap_blocks = (uint32_t)(2 * layout->bitmap_blocks),
		.max_mapnr = layout->max_pfn > UINT32_MAX ? UINT32_MAX : (uint32_t)layout->max_pfn,
		.nr_cpus = copy_cpu_count(core),
	};

	find_utsname(part->copy, header.utsname);
	return copy_write(part->copy, part->sink, 0, &header, sizeof(header));
}

static struct error *write_sub_header(struct copy_part *part)
{
	const struct vmcore *core = part->copy->core;
	const struct fmt_kdump_layout *layout = &part->layout;
	struct fmt_kdump_sub_header sub = {
		.dump_level = part->copy->dump_level | core->dump_level,
		.offset_vmcoreinfo = core->vmcoreinfo_bytes ? layout->note_offset + core->vmcoreinfo_offset_bytes : 0,
		.size_vmcoreinfo = core->vmcoreinfo_bytes,
		.offset_note = core->notes_bytes ? layout->note_offset : 0,
		.size_note = core->notes_bytes,
		.max_mapnr_64 = layout->max_pfn,
	};
	int64_t phys_base = 0;
	struct error *err;

	if (part->is_split) {
		sub.split = 1;
		sub.start_pfn_64 = part->pfn_start;
		sub.end_pfn_64 = part->pfn_end;
		// The old fields hold what fits.
		sub.start_pfn = part->pfn_start > UINT32_MAX ? UINT32_MAX : part->pfn_start;
		sub.end_pfn = part->pfn_end > UINT32_MAX ? UINT32_MAX : part->pfn_end;
	}
	vmcoreinfo_number(&core->info, core->arch->phys_base_number, &phys_base);
	sub.phys_base = (uint64_t)phys_base;
	err = copy_write(part->copy, part->sink, layout->block_bytes, &sub, sizeof(sub));
	if (!err && core->notes_bytes)
		err = copy_write(part->copy, part->sink, layout->note_offset, core->notes, core->notes_bytes);
	return err;
}

static struct error *write_zero_page(struct copy_part *part)
{
	_cleanup_free_ uint8_t *zeros = calloc(1, part->layout.block_bytes);

	if (!zeros)
		return error_new(ERROR_NOMEM, "no memory for a page");
	return copy_write(part->copy, part->sink, part->layout.zero_page_offset, zeros, part->layout.block_bytes);
}

struct error *copy_part_start(struct copy_part *part, uint32_t compression)
{
	struct copy *copy = part->copy;
	const struct fmt_kdump_layout *layout = &part->layout;
	struct error *err;

	part->layout = fmt_kdump_layout(copy->page_bytes, copy->max_pfn, copy->core->notes_bytes, part->desc_room);
	atomic_store(&part->next_data, layout->data_offset);
	err = sink_reserve(part->sink, 0, layout->bitmap1_offset);
	if (!err)
		err = sink_reserve(part->sink, layout->desc_offset, layout->data_offset - layout->desc_offset);
	if (!err)
		err = write_zero_page(part);
	if (!err)
		err = write_sub_header(part);
	if (!err && part->sink->can_rewrite)
		err = write_header(part, compression, false);
	return err;
}

struct error *copy_part_end(struct copy_part *part, uint32_t compression)
{
	bool is_complete = copy_is_complete(part->copy);
	struct error *err = NULL;

	if (is_complete || !part->sink->can_rewrite)
		err = write_header(part, compression, is_complete);
	if (err)
		return err;
	err = sink_finish(part->sink, atomic_load(&part->next_data));
	// What the target did not take after all may be any page.
	if (err && part->sink->can_rewrite)
		error_free(write_header(part, compression, false));
	return err;
}
