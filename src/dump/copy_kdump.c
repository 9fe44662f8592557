// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/workers.h"
#include "core/arch.h"
#include "dump/copy_job.h"
#include "dump/copy_unit.h"

// Order of the names in struct new_utsname (Linux include/uapi/linux/utsname.h).
enum {
	UTS_SYSNAME,
	UTS_RELEASE = 2,
	UTS_MACHINE = 4,
	UTS_NAMES = 6,
};

// First frame of each unit: the frames whose rank in the set is a multiple of a unit.
static void find_units(struct kdump_copy *kdump)
{
	size_t words = bitmap_words(kdump->end_pfn - kdump->base_pfn);
	uint64_t rank = 0, unit = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t word = kdump->set[i];
		uint64_t count = (uint64_t)__builtin_popcountll(word);

		for (; word && unit * COPY_UNIT_PAGES < rank + count; unit++) {
			uint64_t skip = unit * COPY_UNIT_PAGES - rank, bits = word;

			while (skip--)
				bits &= bits - 1;
			kdump->unit_pfns[unit] = kdump->base_pfn + i * 64 + (uint64_t)__builtin_ctzll(bits);
		}
		rank += count;
	}
}

// Bitmaps are bytes, lowest bit first, on every machine.
static struct error *write_bitmap(struct copy *copy, uint64_t offset_bytes, const uint64_t *words, uint64_t bits)
{
	uint64_t bytes = (bits + 7) / 8;
	uint64_t buf[512];

	for (uint64_t at = 0; at < bytes; at += sizeof(buf)) {
		uint64_t part = bytes - at < sizeof(buf) ? bytes - at : sizeof(buf);
		struct error *err;

		for (uint64_t i = 0; i < (part + 7) / 8; i++)
			buf[i] = htole64(words[at / 8 + i]);
		err = copy_write(copy, offset_bytes + at, buf, part);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *write_bitmaps(struct kdump_copy *kdump, uint64_t *scratch)
{
	uint64_t bits = kdump->end_pfn - kdump->base_pfn;
	struct error *err =
		write_bitmap(kdump->copy, kdump->layout.bitmap2_offset + kdump->base_pfn / 8, kdump->set, bits);

	// The first bitmap is made piece by piece; there is no room for two of them.
	for (uint64_t at = 0; !err && at < bits; at += SCAN_JOB_PAGES) {
		uint64_t part = bits - at < SCAN_JOB_PAGES ? bits - at : SCAN_JOB_PAGES;
		uint64_t pfn = kdump->base_pfn + at;

		scan_frame_set(kdump->copy->core, VMCORE_FRAMES_RAM, pfn, pfn + part, scratch);
		err = write_bitmap(kdump->copy, kdump->layout.bitmap1_offset + pfn / 8, scratch, part);
	}
	return err;
}

static struct error *copy_window(struct kdump_copy *kdump)
{
	_cleanup_free_ uint64_t *scratch = malloc(SCAN_JOB_PAGES / 8);
	struct workers_job job = {
		.start = copy_unit_start,
		.run = copy_unit,
		.finish = copy_unit_end,
		.context = kdump,
		.thread_count = kdump->copy->options->thread_count,
	};
	struct error *err;

	kdump->page_count = bitmap_count(kdump->set, 0, kdump->end_pfn - kdump->base_pfn);
	if (kdump->page_count > kdump->desc_room - kdump->base_rank)
		return error_new(ERROR_BAD_DATA,
		                 "the memory of the crashed kernel changes: more pages than were counted");
	job.job_count = (kdump->page_count + COPY_UNIT_PAGES - 1) / COPY_UNIT_PAGES;
	kdump->unit_pfns = calloc(job.job_count + 1, sizeof(*kdump->unit_pfns));
	if (!kdump->unit_pfns || !scratch) {
		err = error_new(ERROR_NOMEM, "no memory for %ju units", (uintmax_t)job.job_count);
	} else {
		find_units(kdump);
		err = write_bitmaps(kdump, scratch);
		if (!err)
			err = workers_run(&job);
	}
	free(kdump->unit_pfns);
	kdump->unit_pfns = NULL;
	kdump->base_rank += kdump->page_count;
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

static struct error *write_header(struct kdump_copy *kdump, bool is_complete)
{
	const struct vmcore *core = kdump->copy->core;
	const struct fmt_kdump_layout *layout = &kdump->layout;
	struct fmt_kdump_header header = {
		.signature = {'K', 'D', 'U', 'M', 'P', ' ', ' ', ' '},
		.header_version = FMT_KDUMP_VERSION,
		.timestamp_sec = crash_time(&core->info),
		.status = kdump->compressor->flag | (is_complete ? 0 : FMT_KDUMP_STATUS_INCOMPLETE),
		.block_size = (uint32_t)layout->block_bytes,
		.sub_hdr_size = (uint32_t)layout->sub_blocks,
		.bitmap_blocks = (uint32_t)(2 * layout->bitmap_blocks),
		.max_mapnr = layout->max_pfn > UINT32_MAX ? UINT32_MAX : (uint32_t)layout->max_pfn,
		.nr_cpus = copy_cpu_count(core),
	};

	find_utsname(kdump->copy, header.utsname);
	return copy_write(kdump->copy, 0, &header, sizeof(header));
}

static struct error *write_sub_header(struct kdump_copy *kdump)
{
	const struct vmcore *core = kdump->copy->core;
	const struct fmt_kdump_layout *layout = &kdump->layout;
	struct fmt_kdump_sub_header sub = {
		.dump_level = kdump->copy->options->dump_level | core->dump_level,
		.offset_vmcoreinfo = core->vmcoreinfo_bytes ? layout->note_offset + core->vmcoreinfo_offset_bytes : 0,
		.size_vmcoreinfo = core->vmcoreinfo_bytes,
		.offset_note = core->notes_bytes ? layout->note_offset : 0,
		.size_note = core->notes_bytes,
		.max_mapnr_64 = layout->max_pfn,
	};
	int64_t phys_base = 0;
	struct error *err;

	vmcoreinfo_number(&core->info, "phys_base", &phys_base);
	sub.phys_base = (uint64_t)phys_base;
	err = copy_write(kdump->copy, layout->block_bytes, &sub, sizeof(sub));
	if (!err && core->notes_bytes)
		err = copy_write(kdump->copy, layout->note_offset, core->notes, core->notes_bytes);
	return err;
}

static struct error *write_zero_page(struct kdump_copy *kdump)
{
	_cleanup_free_ uint8_t *zeros = calloc(1, kdump->layout.block_bytes);

	if (!zeros)
		return error_new(ERROR_NOMEM, "no memory for a page");
	return copy_write(kdump->copy, kdump->layout.zero_page_offset, zeros, kdump->layout.block_bytes);
}

// From here on the file is a dump from which pages are missing, whatever happens to the copier. What readers need to open
// it has its room before any page takes some.
static struct error *write_start(struct kdump_copy *kdump)
{
	const struct fmt_kdump_layout *layout = &kdump->layout;
	struct sink *sink = kdump->copy->sink;
	struct error *err = sink_reserve(sink, 0, layout->bitmap1_offset);

	if (!err)
		err = sink_reserve(sink, layout->desc_offset, layout->data_offset - layout->desc_offset);
	if (!err)
		err = write_zero_page(kdump);
	if (!err)
		err = write_sub_header(kdump);
	if (!err && sink->can_rewrite)
		err = write_header(kdump, false);
	kdump->copy->stats->is_partial = !err && sink->can_rewrite;
	return err;
}

static struct error *write_end(struct kdump_copy *kdump)
{
	bool is_complete = copy_is_complete(kdump->copy);
	struct error *err = NULL;

	if (is_complete || !kdump->copy->sink->can_rewrite)
		err = write_header(kdump, is_complete);
	return err ? err : sink_finish(kdump->copy->sink, atomic_load(&kdump->next_data));
}

static struct error *copy_windows(struct kdump_copy *kdump, bool is_scanned)
{
	struct copy *copy = kdump->copy;
	struct error *err = write_start(kdump);

	for (uint64_t pfn = 0; !err && pfn < copy->max_pfn; pfn += COPY_WINDOW_PAGES) {
		struct scan_result again = {0};

		// Its bits stay a gap in the file.
		if (copy_window_is_empty(copy, pfn))
			continue;
		kdump->base_pfn = pfn;
		kdump->end_pfn = copy_window_end(copy, pfn);
		if (!is_scanned)
			err = copy_scan_window(copy, pfn, kdump->set, &again);
		if (!err)
			err = copy_window(kdump);
	}
	if (!err)
		return write_end(kdump);
	// Put what there is where it outlives a power cut; the first error is the one that matters.
	if (copy->stats->is_partial)
		error_free(sink_finish(copy->sink, atomic_load(&kdump->next_data)));
	return err;
}

struct error *copy_kdump_run(struct copy *copy)
{
	_cleanup_free_ uint64_t *set = calloc(copy_window_words(copy), sizeof(*set));
	struct kdump_copy kdump = {.copy = copy, .compressor = copy->options->compressor, .set = set};
	struct scan_result result = {0};
	struct error *err = NULL;

	if (!set)
		return error_new(ERROR_NOMEM, "no memory for the set of pages");
	for (uint64_t pfn = 0; !err && pfn < copy->max_pfn; pfn += COPY_WINDOW_PAGES) {
		if (!copy_window_is_empty(copy, pfn))
			err = copy_scan_window(copy, pfn, set, &result);
	}
	copy_note_scan(copy, &result);
	if (err || copy->options->is_dry_run)
		return err;
	kdump.desc_room = result.counts.kept;
	// The second scan of a large machine may find some pages more: devices go on writing while the capture kernel runs.
	if (copy->max_pfn > COPY_WINDOW_PAGES)
		kdump.desc_room += kdump.desc_room / 64 + 65536;
	kdump.layout = fmt_kdump_layout(copy->page_bytes, copy->max_pfn, copy->core->notes_bytes, kdump.desc_room);
	atomic_store(&kdump.next_data, kdump.layout.data_offset);
	// One window is enough for most machines: then the set is still there.
	err = copy_windows(&kdump, copy->max_pfn <= COPY_WINDOW_PAGES);
	copy->stats->pages_written = atomic_load(&copy->pages_saved) - atomic_load(&copy->pages_unreadable);
	if (!err)
		copy->stats->is_partial = false;
	return err;
}
