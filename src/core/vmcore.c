// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/vmcore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "core/arch.h"
#include "core/elfcore.h"

static const struct core_format *const formats[] = {
	&elfcore_format,
};

enum {
	// mmap offsets must be multiples of our own page size; 64 KiB is one on every machine.
	MAP_ALIGN_BYTES = 64 << 10,
	// read() of /proc/vmcore costs the kernel a mapping for each page, so a large window would be wasted.
	READ_WINDOW_BYTES = 256 << 10,
};

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

// Loads may overlap: the kernel image has one of its own beside the memory it lies in (Linux kernel/kexec_file.c,
// crash_prepare_elf64_headers()). The bytes are the same, so what an earlier region holds is left out of later ones.
static struct error *make_regions(struct vmcore *core)
{
	_cleanup_free_ struct vmcore_load *sorted = malloc((core->load_count + 1) * sizeof(*sorted));
	uint64_t covered = 0;

	core->regions = calloc(core->load_count + 1, sizeof(*core->regions));
	if (!sorted || !core->regions)
		return error_new(ERROR_NOMEM, "no memory for %zu regions", core->load_count);
	memcpy(sorted, core->loads, core->load_count * sizeof(*sorted));
	qsort(sorted, core->load_count, sizeof(*sorted), compare_loads);
	for (size_t i = 0; i < core->load_count; i++) {
		struct vmcore_load load = sorted[i];
		uint64_t room = load.offset_bytes < core->file_bytes ? core->file_bytes - load.offset_bytes : 0;
		uint64_t skip = load.paddr < covered ? covered - load.paddr : 0;

		if (load.file_bytes > room) {
			core->missing_bytes += load.file_bytes - room;
			load.file_bytes = room;
		}
		if (skip >= load.file_bytes)
			continue;
		covered = load.paddr + load.file_bytes;
		append_region(core, (struct vmcore_region){load.paddr + skip, covered, load.offset_bytes + skip});
	}
	if (!core->region_count)
		return error_new(ERROR_BAD_DATA, "holds no memory (file ends at offset %#jx)",
		                 (uintmax_t)core->file_bytes);
	return NULL;
}

static bool try_map(const struct vmcore *core)
{
	uint64_t at = core->regions[0].offset_bytes & ~(uint64_t)(MAP_ALIGN_BYTES - 1);
	void *map = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, core->fd, (off_t)at);

	if (map == MAP_FAILED)
		return false;
	munmap(map, 1);
	return true;
}

static const struct core_format *find_format(const uint8_t *head, size_t size_bytes)
{
	for (size_t i = 0; i < array_size(formats); i++) {
		if (formats[i]->probe(head, size_bytes))
			return formats[i];
	}
	return NULL;
}

static struct error *open_format(struct vmcore *core)
{
	uint8_t head[64];
	struct statfs fs;
	struct stat st;
	struct error *err;
	size_t got;

	if (fstat(core->fd, &st) < 0)
		return error_os(errno, "stat");
	core->file_bytes = (uint64_t)st.st_size;
	core->is_paged = fstatfs(core->fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC;
	err = io_pread(core->fd, head, sizeof(head), 0, &got);
	if (err)
		return err;
	core->format = find_format(head, got);
	if (!core->format)
		return error_new(ERROR_UNSUPPORTED, "not a dump in a format that can be read (ELF)");
	err = core->format->open(core);
	if (err)
		return err;
	err = make_regions(core);
	if (err)
		return err;
	core->can_map = try_map(core);
	return vmcoreinfo_init(&core->info,
	                       core->notes ? (const char *)core->notes + core->vmcoreinfo_offset_bytes : "",
	                       core->vmcoreinfo_bytes);
}

struct error *vmcore_open(const char *path, struct vmcore **ret)
{
	_cleanup_(vmcore_closep) struct vmcore *core = calloc(1, sizeof(*core));
	struct error *err;

	if (!core)
		return error_new(ERROR_NOMEM, "no memory for a dump");
	core->name = path;
	core->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (core->fd < 0)
		return error_os(errno, "%s", path);
	err = open_format(core);
	if (err)
		return error_wrap(err, "%s", path);
	*ret = take_ptr(core);
	return NULL;
}

void vmcore_close(struct vmcore *core)
{
	if (!core)
		return;
	if (core->fd >= 0)
		close(core->fd);
	vmcoreinfo_deinit(&core->info);
	free(core->notes);
	free(core->regions);
	free(core->loads);
	free(core);
}

unsigned int vmcore_page_shift(const struct vmcore *core)
{
	return core->arch->page_shift;
}

uint64_t vmcore_page_bytes(const struct vmcore *core)
{
	return UINT64_C(1) << core->arch->page_shift;
}

uint64_t vmcore_max_pfn(const struct vmcore *core)
{
	uint64_t end = core->regions[core->region_count - 1].paddr_end;

	return (end + vmcore_page_bytes(core) - 1) >> vmcore_page_shift(core);
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

void vmreader_init(struct vmreader *ret, const struct vmcore *core, size_t window_bytes)
{
	*ret = (struct vmreader){
		.core = core,
		.window_bytes = window_bytes,
		.slot_count = window_bytes == VMREADER_WINDOW_TABLE_BYTES ? VMREADER_TABLE_SLOTS : 1,
		.is_reading = !core->can_map,
	};
}

static void drop_window(struct vmreader_window *window)
{
	if (window->bytes && window->bytes != window->buffer)
		munmap(window->bytes, window->size_bytes);
	window->bytes = NULL;
	window->size_bytes = 0;
}

void vmreader_deinit(struct vmreader *reader)
{
	for (unsigned int i = 0; i < reader->slot_count; i++) {
		drop_window(&reader->slots[i]);
		free(reader->slots[i].buffer);
		reader->slots[i].buffer = NULL;
	}
}

// Bytes of the file from an offset on, at most so many.
static size_t clip(const struct vmreader *reader, uint64_t at, size_t size_bytes)
{
	uint64_t left = at < reader->core->file_bytes ? reader->core->file_bytes - at : 0;

	return left < size_bytes ? left : size_bytes;
}

static struct error *read_window(struct vmreader *reader, struct vmreader_window *window, uint64_t offset)
{
	size_t room = reader->window_bytes < READ_WINDOW_BYTES ? reader->window_bytes : READ_WINDOW_BYTES;
	struct error *err;

	if (!window->buffer)
		window->buffer = malloc(room);
	if (!window->buffer)
		return error_new(ERROR_NOMEM, "no memory for a window of %zu bytes", room);
	window->offset_bytes = offset;
	err = io_pread(reader->core->fd, window->buffer, clip(reader, offset, room), offset, &window->size_bytes);
	if (!err)
		window->bytes = window->buffer;
	return err;
}

static bool map_window(struct vmreader *reader, struct vmreader_window *window, uint64_t offset, uint64_t need)
{
	uint64_t at = offset - offset % reader->window_bytes;
	void *map;

	// Windows lie at multiples of their size where that holds what is needed, so that neighbours are found in one.
	if (offset + need > at + reader->window_bytes)
		at = offset & ~(uint64_t)(MAP_ALIGN_BYTES - 1);
	window->size_bytes = clip(reader, at, reader->window_bytes + MAP_ALIGN_BYTES);
	map = mmap(NULL, window->size_bytes, PROT_READ, MAP_PRIVATE, reader->core->fd, (off_t)at);
	if (map == MAP_FAILED)
		return false;
	window->bytes = map;
	window->offset_bytes = at;
	return true;
}

// Gives up one window for one that holds the bytes from offset on.
static struct error *move_window(struct vmreader *reader, uint64_t offset, uint64_t need,
                                 const struct vmreader_window **ret)
{
	struct vmreader_window *window = &reader->slots[reader->next_slot];

	reader->next_slot = (reader->next_slot + 1) % reader->slot_count;
	drop_window(window);
	*ret = window;
	if (!reader->is_reading && map_window(reader, window, offset, need))
		return NULL;
	// From here on this reader reads: a kernel that refuses one mapping of /proc/vmcore refuses more.
	reader->is_reading = true;
	return read_window(reader, window, offset);
}

static bool holds(const struct vmreader_window *window, uint64_t offset, uint64_t need)
{
	return window->bytes && offset >= window->offset_bytes &&
	       offset + need <= window->offset_bytes + window->size_bytes;
}

static const struct vmreader_window *find_window(const struct vmreader *reader, uint64_t offset, uint64_t need)
{
	for (unsigned int i = 0; i < reader->slot_count; i++) {
		if (holds(&reader->slots[i], offset, need))
			return &reader->slots[i];
	}
	return NULL;
}

static struct error *find_region(struct vmreader *reader, uint64_t paddr)
{
	const struct vmcore_region *region = reader->region;

	if (region && paddr >= region->paddr_start && paddr < region->paddr_end)
		return NULL;
	region = vmcore_region_from(reader->core, paddr);
	if (!region || region->paddr_start > paddr)
		return error_new(ERROR_FAULT, "physical address %#jx is not in the dump", (uintmax_t)paddr);
	reader->region = region;
	return NULL;
}

struct error *vmreader_map(struct vmreader *reader, uint64_t paddr, size_t want_bytes, const uint8_t **ret,
                           size_t *got_ret)
{
	struct error *err = find_region(reader, paddr);
	const struct vmcore_region *region = reader->region;
	size_t most = reader->is_reading && reader->window_bytes > READ_WINDOW_BYTES ? READ_WINDOW_BYTES
	                                                                             : reader->window_bytes;
	const struct vmreader_window *window;
	uint64_t offset, there, need;

	if (err)
		return err;
	offset = region->offset_bytes + (paddr - region->paddr_start);
	there = region->paddr_end - paddr;
	need = want_bytes < there ? want_bytes : there;
	need = need < most ? need : most;
	window = find_window(reader, offset, need);
	if (!window) {
		err = move_window(reader, offset, need, &window);
		if (err)
			return error_wrap(err, "physical address %#jx", (uintmax_t)paddr);
	}
	if (offset >= window->offset_bytes + window->size_bytes)
		return error_new(ERROR_FAULT, "physical address %#jx: the file ends before offset %#jx",
		                 (uintmax_t)paddr, (uintmax_t)offset);
	need = window->offset_bytes + window->size_bytes - offset;
	*ret = window->bytes + (offset - window->offset_bytes);
	*got_ret = need < there ? need : there;
	return NULL;
}

bool vmreader_peek(struct vmreader *reader, uint64_t paddr, void *buf, size_t size_bytes)
{
	const struct vmcore_region *region;
	struct error *err;

	if (!reader->core->is_paged)
		return false;
	err = find_region(reader, paddr);
	if (error_catch(&err, ERROR_FAULT))
		return false;
	region = reader->region;
	return size_bytes <= region->paddr_end - paddr &&
	       pread(reader->core->fd, buf, size_bytes,
	             (off_t)(region->offset_bytes + (paddr - region->paddr_start))) == (ssize_t)size_bytes;
}

bool vmreader_holds(const struct vmreader *reader, uint64_t paddr, size_t size_bytes)
{
	const struct vmcore_region *region = reader->region;

	return region && paddr >= region->paddr_start && size_bytes <= region->paddr_end - region->paddr_start &&
	       paddr <= region->paddr_end - size_bytes &&
	       find_window(reader, region->offset_bytes + (paddr - region->paddr_start), size_bytes);
}

struct error *vmreader_read(struct vmreader *reader, uint64_t paddr, void *buf, size_t size_bytes)
{
	uint8_t *out = buf;

	while (size_bytes) {
		const uint8_t *bytes;
		struct error *err;
		size_t got;

		err = vmreader_map(reader, paddr, size_bytes, &bytes, &got);
		if (err)
			return err;
		if (got > size_bytes)
			got = size_bytes;
		memcpy(out, bytes, got);
		out += got;
		paddr += got;
		size_bytes -= got;
	}
	return NULL;
}
