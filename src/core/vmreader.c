// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/vmreader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	// mmap offsets must be multiples of our own page size; 64 KiB is one on every machine.
	MAP_ALIGN_BYTES = 64 << 10,
	// A window of a file costs nothing but what is looked at.
	PAGED_WINDOW_BYTES = 64 << 20,
	// Huge pages of files are mapped as such where whole ones are.
	HUGE_BYTES = 2 << 20,
	// read() of /proc/vmcore costs the kernel a mapping for each page: larger windows read no faster, and those of which one
	// page is wanted cost as much as they are larger (tests/vm/README.md). Not below the largest page of any machine.
	READ_WINDOW_BYTES = 64 << 10,
	// Looks that tell what a look costs.
	TRIAL_LOOKS = 32,
};

// As long as a page of any machine.
static const uint8_t zeros[64 << 10];

void vmreader_init(struct vmreader *ret, const struct vmcore *core, size_t window_bytes)
{
	bool is_expanded = core->format->read_page;

	*ret = (struct vmreader){
		.core = core,
		.window_bytes = is_expanded && !core->can_map ? VMREADER_WINDOW_TABLE_BYTES : window_bytes,
		// Descriptors and what they point to lie apart, so one window would go back and forth.
		.slot_count = is_expanded || window_bytes == VMREADER_WINDOW_TABLE_BYTES ? VMREADER_TABLE_SLOTS : 1,
		.is_reading = !core->can_map,
		.is_expanded = is_expanded,
	};
	if (window_bytes == VMREADER_WINDOW_DATA_BYTES && core->is_paged)
		ret->window_bytes = PAGED_WINDOW_BYTES;
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
	if (!reader->is_expanded)
		return;
	for (unsigned int i = 0; i < VMREADER_PAGE_SLOTS; i++) {
		free(reader->pages[i].bytes);
		reader->pages[i] = (struct vmreader_page){0};
	}
	reader->core->format->end_reader(reader);
	reader->state = NULL;
}

// Bytes of the file from an offset on, at most so many. Here and below, offsets count from the base of the file.
static size_t clip(const struct corefile *file, uint64_t at, size_t size_bytes)
{
	uint64_t end = file->base_bytes + file->size_bytes;
	uint64_t left = at < end ? end - at : 0;

	return left < size_bytes ? left : size_bytes;
}

static struct error *read_window(struct vmreader *reader, const struct corefile *file, struct vmreader_window *window,
                                 uint64_t offset, size_t need)
{
	size_t room = reader->window_bytes < READ_WINDOW_BYTES ? reader->window_bytes : READ_WINDOW_BYTES;
	struct error *err;

	if (!window->buffer)
		window->buffer = malloc(room);
	if (!window->buffer)
		return error_new(ERROR_NOMEM, "no memory for a window of %zu bytes", room);
	window->offset_bytes = offset;
	err = corefile_pread(file, window->buffer, clip(file, offset, room), offset - file->base_bytes,
	                     &window->size_bytes);
	// What cannot be read may be a page that nobody asked for.
	if (err && need < room) {
		error_free(err);
		err = corefile_pread(file, window->buffer, need, offset - file->base_bytes, &window->size_bytes);
	}
	if (!err)
		window->bytes = window->buffer;
	return err;
}

static bool map_window(struct vmreader *reader, const struct corefile *file, struct vmreader_window *window,
                       uint64_t offset, size_t need)
{
	uint64_t align = reader->window_bytes == PAGED_WINDOW_BYTES ? HUGE_BYTES : MAP_ALIGN_BYTES;
	uint64_t at = offset - offset % reader->window_bytes;
	void *map;

	// Windows lie at multiples of their size where that holds what is needed, so that neighbours are found in one.
	if (offset + need > at + reader->window_bytes)
		at = offset & ~(align - 1);
	window->size_bytes = clip(file, at, reader->window_bytes + align);
	map = mmap(NULL, window->size_bytes, PROT_READ, MAP_PRIVATE, file->fd, (off_t)(at - file->base_bytes));
	if (map == MAP_FAILED)
		return false;
	window->bytes = map;
	window->offset_bytes = at;
	return true;
}

// Gives up one window for one that holds the bytes from offset on.
static struct error *move_window(struct vmreader *reader, const struct corefile *file, uint64_t offset, size_t need,
                                 const struct vmreader_window **ret)
{
	struct vmreader_window *window = &reader->slots[reader->next_slot];

	reader->next_slot = (reader->next_slot + 1) % reader->slot_count;
	drop_window(window);
	*ret = window;
	if (!reader->is_reading && map_window(reader, file, window, offset, need))
		return NULL;
	// From here on this reader reads: a kernel that refuses one mapping of /proc/vmcore refuses more.
	reader->is_reading = true;
	return read_window(reader, file, window, offset, need);
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

struct error *vmreader_map_file(struct vmreader *reader, const struct corefile *file, uint64_t offset_bytes,
                                size_t need_bytes, const uint8_t **ret, size_t *got_ret)
{
	uint64_t offset = file->base_bytes + offset_bytes;
	size_t need = clip(file, offset, need_bytes);
	const struct vmreader_window *window = find_window(reader, offset, need);
	struct error *err = window ? NULL : move_window(reader, file, offset, need, &window);

	if (err)
		return err;
	if (offset >= window->offset_bytes + window->size_bytes)
		return error_new(ERROR_FAULT, "the file ends before offset %#jx", (uintmax_t)offset_bytes);
	*ret = window->bytes + (offset - window->offset_bytes);
	*got_ret = window->offset_bytes + window->size_bytes - offset;
	*got_ret = *got_ret < need ? *got_ret : need;
	return NULL;
}

static struct error *expand(struct vmreader *reader, struct vmreader_page *page, uint64_t paddr)
{
	struct error *err;

	page->is_valid = false;
	if (!page->bytes)
		page->bytes = malloc(vmcore_page_bytes(reader->core));
	if (!page->bytes)
		return error_new(ERROR_NOMEM, "no memory for a page");
	err = reader->core->format->read_page(reader, paddr >> vmcore_page_shift(reader->core), page->bytes);
	if (err)
		return error_wrap(err, "physical address %#jx", (uintmax_t)paddr);
	page->paddr = paddr;
	page->is_valid = true;
	reader->next_page = (reader->next_page + 1) % VMREADER_PAGE_SLOTS;
	return NULL;
}

static struct error *map_page(struct vmreader *reader, uint64_t paddr, const uint8_t **ret, size_t *got_ret)
{
	uint64_t offset = paddr & (vmcore_page_bytes(reader->core) - 1);
	struct vmreader_page *page = &reader->pages[reader->next_page];
	struct error *err = NULL;
	unsigned int i;

	for (i = 0; i < VMREADER_PAGE_SLOTS; i++) {
		if (reader->pages[i].is_valid && reader->pages[i].paddr == paddr - offset)
			break;
	}
	if (i < VMREADER_PAGE_SLOTS)
		page = &reader->pages[i];
	else
		err = expand(reader, page, paddr - offset);
	if (err)
		return err;
	*ret = page->bytes + offset;
	*got_ret = vmcore_page_bytes(reader->core) - offset;
	return NULL;
}

struct error *vmreader_map(struct vmreader *reader, uint64_t paddr, size_t want_bytes, const uint8_t **ret,
                           size_t *got_ret)
{
	const struct vmcore_region *region;
	size_t most = reader->is_reading && reader->window_bytes > READ_WINDOW_BYTES ? READ_WINDOW_BYTES
	                                                                             : reader->window_bytes;
	const struct vmreader_window *window;
	uint64_t offset, there, need;
	struct error *err;

	if (reader->is_expanded)
		return map_page(reader, paddr, ret, got_ret);
	err = find_region(reader, paddr);
	if (err)
		return err;
	region = reader->region;
	offset = region->offset_bytes + (paddr - region->paddr_start);
	there = region->paddr_end - paddr;
	if (region->is_zeros) {
		*ret = zeros;
		*got_ret = there < sizeof(zeros) ? there : sizeof(zeros);
		return NULL;
	}
	need = want_bytes < there ? want_bytes : there;
	need = need < most ? need : most;
	window = find_window(reader, offset, need);
	if (!window) {
		err = move_window(reader, &reader->core->files[0], offset, need, &window);
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

static long page_faults(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_minflt : 0;
}

// Looks of which each costs a page fault are dearer than reading; in huge pages and in /proc/vmcore there are hardly any.
static bool is_mapping_dear(struct vmreader *reader)
{
	if (!reader->looks)
		reader->faults = page_faults();
	else if (reader->looks == TRIAL_LOOKS)
		reader->is_mapping_dear = page_faults() - reader->faults > TRIAL_LOOKS / 2;
	reader->looks += reader->looks <= TRIAL_LOOKS;
	return reader->is_mapping_dear;
}

bool vmreader_peek(struct vmreader *reader, uint64_t paddr, void *buf, size_t size_bytes)
{
	const struct vmcore_region *region;
	struct error *err;

	if (!reader->core->is_paged || !is_mapping_dear(reader))
		return false;
	err = find_region(reader, paddr);
	if (error_catch(&err, ERROR_FAULT))
		return false;
	region = reader->region;
	return !region->is_zeros && size_bytes <= region->paddr_end - paddr &&
	       pread(reader->core->files[0].fd, buf, size_bytes,
	             (off_t)(region->offset_bytes + (paddr - region->paddr_start))) == (ssize_t)size_bytes;
}

bool vmreader_holds(const struct vmreader *reader, uint64_t paddr, size_t size_bytes)
{
	const struct vmcore_region *region = reader->region;

	return region && paddr >= region->paddr_start && size_bytes <= region->paddr_end - region->paddr_start &&
	       paddr <= region->paddr_end - size_bytes &&
	       (region->is_zeros ||
	        find_window(reader, region->offset_bytes + (paddr - region->paddr_start), size_bytes));
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
