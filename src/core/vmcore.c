// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/vmcore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "base/endian.h"
#include "core/arch.h"
#include "core/elfcore.h"

enum {
	// mmap offsets must be multiples of our own page size; 64 KiB is one on every machine.
	MAP_ALIGN_BYTES = 64 << 10,
	// No window of a reader reaches from one file into the next: they lie at multiples of its size, which divides this.
	FILE_ALIGN_BYTES = 64 << 20,
	HEAD_BYTES = 4096 + 64, // Some formats have their name behind a block.
	NOTE_HEADER_BYTES = 12,
	// Memory is so many times as large as a file of what is left of it, at most: who says more wants to keep us busy.
	FILLED_TIMES_MAX = 1 << 20,
	// A CPU has well under 4 KiB of notes; this is enough for 64 Ki of them.
	NOTES_BYTES_MAX = 256 << 20,
};

static const struct core_format *const mapped_formats[] = {&elfcore_format, NULL};

static int compare_loads(const void *a, const void *b)
{
	const struct vmcore_load *left = a, *right = b;

	return left->paddr < right->paddr ? -1 : left->paddr > right->paddr;
}

static void append_region(struct vmcore *core, struct vmcore_region region)
{
	struct vmcore_region *last = core->region_count ? &core->regions[core->region_count - 1] : NULL;

	if (last && last->paddr_end == region.paddr_start &&
	    last->offset_bytes + (last->paddr_end - last->paddr_start) == region.offset_bytes)
		last->paddr_end = region.paddr_end;
	else
		core->regions[core->region_count++] = region;
}

static uint64_t end_frame(const struct vmcore *core)
{
	return (core->regions[core->region_count - 1].paddr_end + vmcore_page_bytes(core) - 1) >>
	       vmcore_page_shift(core);
}

// Loads may overlap: the kernel image has one of its own beside the memory it lies in (Linux kernel/kexec_file.c,
// crash_prepare_elf64_headers()). The bytes are the same, so what an earlier region holds is left out of later ones.
static struct error *make_regions(struct vmcore *core)
{
	_cleanup_free_ struct vmcore_load *sorted = malloc((core->load_count + 1) * sizeof(*sorted));
	uint64_t file_bytes = core->files[0].size_bytes, covered = 0;

	core->regions = calloc(core->load_count + 1, sizeof(*core->regions));
	if (!sorted || !core->regions)
		return error_new(ERROR_NOMEM, "no memory for %zu regions", core->load_count);
	memcpy(sorted, core->loads, core->load_count * sizeof(*sorted));
	qsort(sorted, core->load_count, sizeof(*sorted), compare_loads);
	for (size_t i = 0; i < core->load_count; i++) {
		struct vmcore_load load = sorted[i];
		uint64_t room = load.offset_bytes < file_bytes ? file_bytes - load.offset_bytes : 0;
		uint64_t skip = load.paddr < covered ? covered - load.paddr : 0;

		if (load.file_bytes > room) {
			core->missing_bytes += load.file_bytes - room;
			load.file_bytes = room;
		}
		if (skip >= load.file_bytes)
			continue;
		covered = load.paddr + load.file_bytes;
		append_region(core, (struct vmcore_region){.paddr_start = load.paddr + skip,
		                                           .paddr_end = covered,
		                                           .offset_bytes = load.offset_bytes + skip});
	}
	if (!core->region_count)
		return error_new(ERROR_BAD_DATA, "holds no memory (file ends at offset %#jx)", (uintmax_t)file_bytes);
	core->max_pfn = end_frame(core);
	return NULL;
}

// Memory of a flattened file does not lie where its headers say.
static bool try_map(const struct vmcore *core)
{
	uint64_t at = core->region_count ? core->regions[0].offset_bytes & ~(uint64_t)(MAP_ALIGN_BYTES - 1) : 0;
	void *map;

	for (size_t i = 0; i < core->file_count; i++) {
		if (core->files[i].flat)
			return false;
	}
	map = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, core->files[0].fd, (off_t)at);
	if (map == MAP_FAILED)
		return false;
	munmap(map, 1);
	return true;
}

// Notes are name and descriptor padded to 4 bytes each, also in 64-bit files: Linux has always done so, whatever the gABI
// says.
static uint64_t padded(uint64_t bytes)
{
	return (bytes + 3) & ~UINT64_C(3);
}

static void find_vmcoreinfo(struct vmcore *core)
{
	static const char name[] = "VMCOREINFO";
	size_t at = 0;

	while (at + NOTE_HEADER_BYTES <= core->notes_bytes) {
		const uint8_t *note = core->notes + at;
		uint64_t name_bytes = load_u32(note, core->is_big_endian);
		uint64_t desc_bytes = load_u32(note + 4, core->is_big_endian);
		uint64_t desc_at = at + NOTE_HEADER_BYTES + padded(name_bytes);

		if (desc_at + desc_bytes > core->notes_bytes)
			return;
		if (name_bytes == sizeof(name) && memcmp(note + NOTE_HEADER_BYTES, name, sizeof(name)) == 0) {
			core->vmcoreinfo_offset_bytes = desc_at;
			core->vmcoreinfo_bytes = desc_bytes;
			return;
		}
		at = desc_at + padded(desc_bytes);
	}
}

// What vmreader_peek() needs to know; a flattened file is neither.
static bool is_paged(const struct vmcore *core)
{
	const struct corefile *file = &core->files[0];
	struct statfs fs;

	return !core->format->read_page && !file->flat && (fstatfs(file->fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC);
}

struct error *vmcore_read_notes(struct vmcore *core, const struct corefile *file, uint64_t offset_bytes,
                                uint64_t size_bytes)
{
	struct error *err;

	if (size_bytes > NOTES_BYTES_MAX || offset_bytes > file->size_bytes ||
	    size_bytes > file->size_bytes - offset_bytes)
		return error_new(ERROR_BAD_DATA,
		                 "the notes at offset %#jx, %#jx bytes, reach beyond the file (%#jx bytes)",
		                 (uintmax_t)offset_bytes, (uintmax_t)size_bytes, (uintmax_t)file->size_bytes);
	core->notes = malloc(size_bytes);
	if (!core->notes)
		return error_new(ERROR_NOMEM, "no memory for %ju bytes of notes", (uintmax_t)size_bytes);
	core->notes_bytes = size_bytes;
	err = corefile_read(file, core->notes, size_bytes, offset_bytes, "notes");
	if (!err)
		find_vmcoreinfo(core);
	return err;
}

static uint32_t store_order(uint32_t value, bool is_big)
{
	return is_big ? htobe32(value) : htole32(value);
}

struct error *vmcore_add_note(struct vmcore *core, const char *name, uint32_t type, const void *desc, size_t desc_bytes,
                              size_t *desc_at_ret)
{
	size_t name_bytes = strlen(name) + 1, name_at = core->notes_bytes + NOTE_HEADER_BYTES;
	size_t desc_at = name_at + padded(name_bytes), end = desc_at + padded(desc_bytes);
	uint32_t header[3] = {store_order((uint32_t)name_bytes, core->is_big_endian),
	                      store_order((uint32_t)desc_bytes, core->is_big_endian),
	                      store_order(type, core->is_big_endian)};
	uint8_t *grown = realloc(core->notes, end);

	if (!grown)
		return error_new(ERROR_NOMEM, "no memory for %zu bytes of notes", end);
	memset(grown + core->notes_bytes, 0, end - core->notes_bytes);
	memcpy(grown + core->notes_bytes, header, sizeof(header));
	memcpy(grown + name_at, name, name_bytes);
	memcpy(grown + desc_at, desc, desc_bytes);
	core->notes = grown;
	core->notes_bytes = end;
	*desc_at_ret = desc_at;
	return NULL;
}

static struct error *open_files(struct vmcore *core, const char *const *paths, size_t path_count)
{
	uint64_t base = 0;

	core->files = calloc(path_count, sizeof(*core->files));
	if (!core->files)
		return error_new(ERROR_NOMEM, "no memory for %zu files", path_count);
	while (core->file_count < path_count) {
		struct corefile *file = &core->files[core->file_count];
		struct error *err = corefile_open(paths[core->file_count], file);

		if (err)
			return err;
		core->file_count++;
		file->base_bytes = base;
		if (file->size_bytes > (uint64_t)INT64_MAX - FILE_ALIGN_BYTES - base)
			return error_new(ERROR_BAD_DATA, "%s: %#jx bytes are too many", file->path,
			                 (uintmax_t)file->size_bytes);
		base += (file->size_bytes / FILE_ALIGN_BYTES + 1) * FILE_ALIGN_BYTES;
		core->is_incomplete |= corefile_is_cut(file);
	}
	return NULL;
}

static struct error *find_format(const struct vmcore *core, const struct core_format *const *formats,
                                 const struct core_format **ret)
{
	char known[128] = "";
	uint8_t head[HEAD_BYTES];
	size_t got;
	struct error *err = corefile_pread(&core->files[0], head, sizeof(head), 0, &got);

	if (err)
		return err;
	for (size_t i = 0; formats[i]; i++) {
		size_t used = strlen(known);

		if (formats[i]->probe(head, got)) {
			*ret = formats[i];
			return NULL;
		}
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", formats[i]->name);
	}
	return error_new(ERROR_UNSUPPORTED, "not a dump in a format that can be read (%s)", known);
}

// The header of a kdump-compressed file tells the size of pages, and of a machine with one size it is known. Else VMCOREINFO
// tells; where it does not, the dump can only be copied whole, for which the smallest size is right.
static void learn_page_size(struct vmcore *core)
{
	const struct arch *arch = core->arch;
	char value[32];

	if (core->page_shift && !core->is_page_size_guessed)
		return;
	core->page_shift = arch->page_shifts[0];
	if (!arch->page_shifts[1])
		return;
	vmcoreinfo_string(&core->info, "PAGESIZE", value, sizeof(value));
	core->is_page_size_guessed = !arch_page_shift(arch, strtoull(value, NULL, 10), &core->page_shift);
}

struct error *vmcore_set_info(struct vmcore *core, const char *text, size_t size_bytes)
{
	struct vmcoreinfo info;
	struct error *err = vmcoreinfo_init(&info, text, size_bytes);

	if (err)
		return err;
	vmcoreinfo_deinit(&core->info);
	core->info = info;
	learn_page_size(core);
	return NULL;
}

static struct error *open_format(struct vmcore *core, const struct core_format *const *formats)
{
	bool is_cut = core->is_incomplete;
	struct error *err = find_format(core, formats, &core->format);

	if (err)
		return err;
	if (core->file_count > 1 && !core->format->takes_set)
		return error_new(ERROR_BAD_DATA, "an %s dump is one file, not a part of %zu", core->format->name,
		                 core->file_count);
	err = core->format->open(core);
	if (!err)
		err = vmcore_set_info(core,
		                      core->notes ? (const char *)core->notes + core->vmcoreinfo_offset_bytes : "",
		                      core->vmcoreinfo_bytes);
	if (!err && !core->format->read_page)
		err = make_regions(core);
	if (err)
		return err;
	core->is_incomplete |= is_cut;
	core->can_map = try_map(core);
	core->is_paged = is_paged(core);
	return NULL;
}

struct error *vmcore_open_formats(const struct core_format *const *formats, const char *const *paths, size_t path_count,
                                  struct vmcore **ret)
{
	_cleanup_(vmcore_closep) struct vmcore *core = calloc(1, sizeof(*core));
	struct error *err;

	if (!core)
		return error_new(ERROR_NOMEM, "no memory for a dump");
	err = open_files(core, paths, path_count);
	if (err)
		return err;
	err = open_format(core, formats);
	if (err)
		return path_count == 1 ? error_wrap(err, "%s", paths[0]) : err;
	*ret = take_ptr(core);
	return NULL;
}

struct error *vmcore_open(const char *path, struct vmcore **ret)
{
	return vmcore_open_formats(mapped_formats, &path, 1, ret);
}

struct error *vmcore_hide(struct vmcore *core, uint64_t paddr_start, uint64_t paddr_end)
{
	struct vmcore_region *regions = calloc(2 * core->region_count + 1, sizeof(*regions));
	size_t count = 0;

	if (!regions)
		return error_new(ERROR_NOMEM, "no memory for %zu regions", core->region_count);
	for (size_t i = 0; i < core->region_count; i++) {
		struct vmcore_region before = core->regions[i], behind = core->regions[i];

		before.paddr_end = before.paddr_end < paddr_start ? before.paddr_end : paddr_start;
		if (behind.paddr_start < paddr_end) {
			behind.offset_bytes += paddr_end - behind.paddr_start;
			behind.paddr_start = paddr_end;
		}
		if (before.paddr_start < before.paddr_end)
			regions[count++] = before;
		if (behind.paddr_start < behind.paddr_end)
			regions[count++] = behind;
	}
	free(core->regions);
	core->regions = regions;
	core->region_count = count;
	return NULL;
}

static int compare_regions(const void *a, const void *b)
{
	const struct vmcore_region *left = a, *right = b;

	return left->paddr_start < right->paddr_start ? -1 : left->paddr_start > right->paddr_start;
}

// What program headers announce without bytes for it, and no other one has bytes for: regions behind those there are.
static size_t find_gaps(const struct vmcore *core, const struct vmcore_load *sorted, struct vmcore_region *regions)
{
	size_t count = core->region_count;
	uint64_t at = 0;

	for (size_t i = 0; i < core->load_count; i++) {
		uint64_t start = sorted[i].paddr + sorted[i].file_bytes, end = sorted[i].paddr + sorted[i].memory_bytes;

		at = at > start ? at : start;
		while (at < end) {
			const struct vmcore_region *next = vmcore_region_from(core, at);
			uint64_t stop = next && next->paddr_start < end ? next->paddr_start : end;

			if (at < stop)
				regions[count++] =
					(struct vmcore_region){.paddr_start = at, .paddr_end = stop, .is_zeros = true};
			at = stop < end ? next->paddr_end : end;
		}
	}
	return count;
}

static int compare_gaps(const void *a, const void *b)
{
	const struct vmcore_load *left = a, *right = b;
	uint64_t left_start = left->paddr + left->file_bytes, right_start = right->paddr + right->file_bytes;

	return left_start < right_start ? -1 : left_start > right_start;
}

struct error *vmcore_fill(struct vmcore *core)
{
	_cleanup_free_ struct vmcore_load *sorted = NULL;
	struct vmcore_region *regions;
	size_t count;

	if (core->format->read_page || core->is_live || core->is_incomplete || core->missing_bytes)
		return NULL;
	sorted = malloc((core->load_count + 1) * sizeof(*sorted));
	// A region of zeros ends with its program header, or where another region begins.
	regions = calloc(2 * core->region_count + core->load_count + 1, sizeof(*regions));
	if (!sorted || !regions) {
		free(regions);
		return error_new(ERROR_NOMEM, "no memory for %zu regions", core->load_count);
	}
	memcpy(sorted, core->loads, core->load_count * sizeof(*sorted));
	qsort(sorted, core->load_count, sizeof(*sorted), compare_gaps);
	memcpy(regions, core->regions, core->region_count * sizeof(*regions));
	count = find_gaps(core, sorted, regions);
	for (size_t i = core->region_count; i < count; i++)
		core->filled_bytes += regions[i].paddr_end - regions[i].paddr_start;
	qsort(regions, count, sizeof(*regions), compare_regions);
	free(core->regions);
	core->regions = regions;
	core->region_count = count;
	core->max_pfn = end_frame(core);
	for (size_t i = 0; i < core->load_count; i++)
		core->loads[i].file_bytes = core->loads[i].memory_bytes;
	if (core->filled_bytes / FILLED_TIMES_MAX > core->files[0].size_bytes)
		return error_new(ERROR_BAD_DATA,
		                 "the program headers announce %#jx bytes of memory without content: too many for a "
		                 "file of %ju bytes",
		                 (uintmax_t)core->filled_bytes, (uintmax_t)core->files[0].size_bytes);
	return NULL;
}

void vmcore_close(struct vmcore *core)
{
	if (!core)
		return;
	if (core->format && core->format->close)
		core->format->close(core);
	for (size_t i = 0; i < core->file_count; i++)
		corefile_close(&core->files[i]);
	free(core->files);
	vmcoreinfo_deinit(&core->info);
	free(core->notes);
	free(core->regions);
	free(core->loads);
	free(core);
}

unsigned int vmcore_page_shift(const struct vmcore *core)
{
	return core->page_shift;
}

uint64_t vmcore_page_bytes(const struct vmcore *core)
{
	return UINT64_C(1) << core->page_shift;
}

uint64_t vmcore_max_pfn(const struct vmcore *core)
{
	return core->max_pfn;
}

const struct vmcore_region *vmcore_region_from(const struct vmcore *core, uint64_t paddr)
{
	size_t low = 0, high = core->region_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (core->regions[mid].paddr_end > paddr)
			high = mid;
		else
			low = mid + 1;
	}
	return low < core->region_count ? &core->regions[low] : NULL;
}

bool vmcore_next_frames(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn, struct vmcore_frames *ret)
{
	unsigned int shift = vmcore_page_shift(core);
	const struct vmcore_region *region;
	uint64_t first;

	if (core->format->next_frames)
		return core->format->next_frames(core, which, pfn, ret);
	if (pfn >= core->max_pfn)
		return false;
	region = vmcore_region_from(core, pfn << shift);
	if (!region)
		return false;
	first = region->paddr_start >> shift;
	*ret = (struct vmcore_frames){
		first > pfn ? first : pfn,
		(region->paddr_end + vmcore_page_bytes(core) - 1) >> shift,
	};
	return true;
}

uint64_t vmcore_count_frames(const struct vmcore *core, enum vmcore_frame_set which)
{
	struct vmcore_frames frames = {0};
	uint64_t count = 0;

	for (uint64_t pfn = 0; vmcore_next_frames(core, which, pfn, &frames); pfn = frames.pfn_end) {
		if (frames.pfn_end <= frames.pfn_start)
			break;
		count += frames.pfn_end - frames.pfn_start;
	}
	return count;
}
