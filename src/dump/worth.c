// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/worth.h"

#include <stdbool.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/endian.h"
#include "core/arch.h"
#include "core/btf.h"

enum {
	// A kernel is 20 to 100 MiB, in a few pieces of memory, with gaps of a few MiB.
	IMAGE_MAX_BYTES = 512 << 20,
	IMAGE_GAP_BYTES = 16 << 20,
	IMAGE_STEP_BYTES = 64 << 10,
	IMAGE_PIECES_MAX = 64,
	IMAGE_PIECE_MIN_BYTES = 64 << 10,
	// A kernel has 100 to 300 slab caches. What does not fit is taken for data of the kernel.
	CACHES = 1024,
	CACHE_PROBES = 8,
	// struct kmem_cache: its name is a pointer within the first words, behind the word of flags.
	CACHE_WORDS = 32,
	NAME_BYTES = 32,
	WORD_BYTES = 8,
};

// A slab cache by its address.
struct worth_cache {
	uint64_t vaddr;
	bool is_files;
};

// A walk over the frames of a window.
struct walk {
	struct worth_map *map;
	const uint64_t *set;
	uint64_t base_pfn, end_pfn;
	struct memmap_run run; // struct pages that are contiguous in virtual memory …
	uint64_t piece_start, piece_end; // … frames whose struct pages can be looked at now …
	const uint8_t *piece; // … and where the first one is.
	uint64_t group_end; // Frames up to here are in one free block or compound page …
	enum worth group_worth; // … that is worth this.
};

// Room that the image gave back belongs to others by now, and modules change what may be done with it page by page: more
// pieces than there is room for, of which none says anything.
static void drop_small(struct worth_map *map)
{
	size_t kept = 0;

	for (size_t i = 0; i < map->image_count; i++) {
		const struct worth_image *piece = &map->image[i];

		if (piece->worth == WORTH_CODE || piece->paddr_end - piece->paddr_start >= IMAGE_PIECE_MIN_BYTES)
			map->image[kept++] = *piece;
	}
	map->image_count = kept;
}

static bool add_image(struct worth_map *map, uint64_t vaddr, uint64_t paddr, uint64_t size_bytes, enum worth worth)
{
	struct worth_image *last = map->image_count ? &map->image[map->image_count - 1] : NULL;

	if (last && last->paddr_end == paddr && last->worth == worth &&
	    last->vaddr + (last->paddr_end - last->paddr_start) == vaddr) {
		last->paddr_end += size_bytes;
	} else {
		if (map->image_count == IMAGE_PIECES_MAX)
			drop_small(map);
		if (map->image_count == IMAGE_PIECES_MAX)
			return false;
		map->image[map->image_count++] = (struct worth_image){paddr, paddr + size_bytes, vaddr, worth};
	}
	return true;
}

// The image begins with the code, at _stext. Parts of it were given back when the kernel had started, and are not mapped.
static struct error *find_image(struct worth_map *map)
{
	static const enum worth worths[] = {
		[XLAT_DATA] = WORTH_KERNEL, [XLAT_CODE] = WORTH_CODE, [XLAT_CONSTANTS] = WORTH_CONSTANTS};
	const struct vmcore *core = map->scan->core;
	uint64_t vaddr, end;

	map->image = calloc(IMAGE_PIECES_MAX, sizeof(*map->image));
	if (!map->image)
		return error_new(ERROR_NOMEM, "no memory for the place of the kernel's image");
	if (!map->scan->xlat.core || !vmcoreinfo_symbol(&core->info, "_stext", &vaddr))
		return NULL;
	vaddr &= ~(vmcore_page_bytes(core) - 1);
	map->code_vaddr = map->code_vaddr_end = vaddr;
	end = vaddr + IMAGE_GAP_BYTES;
	for (uint64_t last = vaddr + IMAGE_MAX_BYTES; vaddr < end && vaddr < last;) {
		uint64_t paddr, run_bytes = vmcore_page_bytes(core);
		enum xlat_use use = XLAT_DATA;
		struct error *err = xlat_translate_use(&map->scan->xlat, &map->tables, vaddr, &paddr, &run_bytes, &use);

		if (error_catch(&err, ERROR_FAULT) || error_catch(&err, ERROR_BAD_DATA)) {
			vaddr = (vaddr / IMAGE_STEP_BYTES + 1) * IMAGE_STEP_BYTES;
			continue;
		}
		if (err)
			return err;
		if (!add_image(map, vaddr, paddr, run_bytes, worths[use]))
			break;
		vaddr += run_bytes;
		if (use == XLAT_CODE)
			map->code_vaddr_end = vaddr;
		end = vaddr + IMAGE_GAP_BYTES;
	}
	return NULL;
}

// Sets of frames that lie whole in some struct pages that are contiguous in physical memory.
static void add_memmap(struct worth_map *map, uint64_t paddr_start, uint64_t paddr_end)
{
	unsigned int shift = vmcore_page_shift(map->scan->core);
	uint64_t first = ((paddr_start >> shift) + WORTH_MEMMAP_PAGES - 1) / WORTH_MEMMAP_PAGES;
	uint64_t end = (paddr_end >> shift) / WORTH_MEMMAP_PAGES;

	if (end > map->memmap_set_count)
		end = map->memmap_set_count;
	if (first < end)
		bitmap_fill(map->memmap_sets, first, end, true);
}

static struct error *find_memmap_run(struct worth_map *map, const struct memmap_run *run)
{
	uint64_t bytes = page_layout_bytes(map->scan->layout), page_bytes = vmcore_page_bytes(map->scan->core);
	uint64_t left = (run->pfn_end - run->pfn_start) * bytes, start = 0, stop = 0;
	uint64_t vaddr = run->page_vaddr;

	// What is left, and not the end: a pointer in damaged memory may be such that the array wraps around.
	while (left) {
		uint64_t paddr, there, skip = page_bytes - vaddr % page_bytes;
		struct error *err = xlat_translate(&map->scan->xlat, &map->tables, vaddr, &paddr, &there);

		if (error_catch(&err, ERROR_FAULT) || error_catch(&err, ERROR_BAD_DATA)) {
			there = skip < left ? skip : left;
		} else if (err) {
			return err;
		} else {
			there = there < left ? there : left;
			if (paddr != stop) {
				add_memmap(map, start, stop);
				start = paddr;
			}
			stop = paddr + there;
		}
		vaddr += there;
		left -= there;
	}
	add_memmap(map, start, stop);
	return NULL;
}

// The struct pages of some frames.
static struct error *find_memmap_job(struct worth_map *map, uint64_t pfn, uint64_t pfn_end)
{
	struct error *err = NULL;
	struct memmap_run run;

	for (; !err && pfn < pfn_end; pfn = run.pfn_end) {
		err = memmap_next_readable(&map->scan->map, &map->tables, pfn, pfn_end, &run);
		if (err || run.pfn_start >= run.pfn_end || run.pfn_start >= pfn_end)
			break;
		run.pfn_end = run.pfn_end < pfn_end ? run.pfn_end : pfn_end;
		err = find_memmap_run(map, &run);
	}
	return err;
}

static struct error *find_memmap(struct worth_map *map)
{
	uint64_t pfn = 0, max_pfn = vmcore_max_pfn(map->scan->core);
	struct vmcore_frames frames;
	struct error *err = NULL;

	map->memmap_set_count = (max_pfn + WORTH_MEMMAP_PAGES - 1) / WORTH_MEMMAP_PAGES;
	map->memmap_sets = calloc(bitmap_words(map->memmap_set_count) + 1, sizeof(*map->memmap_sets));
	if (!map->memmap_sets)
		return error_new(ERROR_NOMEM, "no memory for the place of struct pages");
	// Only where there is memory: an array in virtual memory goes on over holes, which may be larger than all memory.
	while (!err && map->scan->layout && vmcore_next_frames(map->scan->core, VMCORE_FRAMES_RAM, pfn, &frames)) {
		uint64_t start = (frames.pfn_start > pfn ? frames.pfn_start : pfn) / SCAN_JOB_PAGES * SCAN_JOB_PAGES;

		pfn = start + SCAN_JOB_PAGES;
		err = find_memmap_job(map, start, pfn < max_pfn ? pfn : max_pfn);
	}
	return err;
}

uint64_t worth_block_pages(uint64_t window_pages)
{
	uint64_t pages = WORTH_BLOCK_PAGES_MIN;

	while (window_pages / pages > WORTH_BLOCKS_MAX)
		pages *= 2;
	return pages;
}

struct error *worth_init(struct worth_map *ret, const struct scan *scan, uint64_t window_pages)
{
	struct error *err;

	*ret = (struct worth_map){.scan = scan, .block_pages = worth_block_pages(window_pages)};
	vmreader_init(&ret->pages, scan->core, VMREADER_WINDOW_DATA_BYTES);
	vmreader_init(&ret->tables, scan->core, VMREADER_WINDOW_TABLE_BYTES);
	ret->caches = calloc(CACHES, sizeof(*ret->caches));
	if (!ret->caches)
		return error_new(ERROR_NOMEM, "no memory for slab caches");
	err = find_image(ret);
	return err ? err : find_memmap(ret);
}

void worth_find_symbols(struct worth_map *map)
{
	_cleanup_(kallsyms_destroyp) struct kallsyms *syms = NULL;
	struct error *err = NULL;

	if (!map->scan->xlat.core)
		return;
	err = kallsyms_create(map->scan->core, &map->scan->xlat, &map->tables, &syms);
	if (!err) {
		map->symbols[0] = kallsyms_extent(syms);
		err = btf_find(map->scan->core, &map->scan->xlat, syms, &map->tables, &map->symbols[1]);
	}
	error_free(err);
}

void worth_deinit(struct worth_map *map)
{
	if (!map->scan)
		return;
	free(map->memmap_sets);
	free(map->image);
	free(map->caches);
	vmreader_deinit(&map->pages);
	vmreader_deinit(&map->tables);
	*map = (struct worth_map){0};
}

uint64_t worth_memory_bytes(uint64_t max_pfn)
{
	return max_pfn / WORTH_MEMMAP_PAGES / 8 + CACHES * sizeof(struct worth_cache) +
	       IMAGE_PIECES_MAX * sizeof(struct worth_image);
}

// Slab caches of objects that stand for what is on a disk, of which there are as many as memory is left for, or for what sysfs
// shows.
static bool is_files_name(const char *name)
{
	if (strncmp(name, "sock_inode", 10) == 0)
		return false;
	return strstr(name, "inode") || strstr(name, "extent") || strcmp(name, "dentry") == 0 ||
	       strcmp(name, "buffer_head") == 0 || strcmp(name, "kernfs_node_cache") == 0;
}

static bool is_name(const char *name)
{
	size_t length = strnlen(name, NAME_BYTES);

	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return length > 2 && length < NAME_BYTES;
}

// What lies here and there is read, where that is less than mapping it.
static bool read_object(struct worth_map *map, uint64_t vaddr, void *buf, size_t size_bytes)
{
	uint64_t paddr, run_bytes;
	struct error *err = xlat_translate(&map->scan->xlat, &map->tables, vaddr, &paddr, &run_bytes);

	if (!err && run_bytes >= size_bytes && vmreader_peek(&map->pages, paddr, buf, size_bytes))
		return true;
	if (!err)
		err = xlat_read(&map->scan->xlat, &map->tables, vaddr, buf, size_bytes);
	if (!err)
		return true;
	error_free(err);
	return false;
}

// The name is the first pointer to a text in struct kmem_cache; where exactly differs between kernels.
static bool look_at_cache(struct worth_map *map, uint64_t vaddr)
{
	uint8_t raw[CACHE_WORDS * WORD_BYTES];
	bool is_there = read_object(map, vaddr, raw, sizeof(raw));

	// Where the last one had its name, first.
	for (unsigned int n = 0; is_there && n < CACHE_WORDS; n++) {
		unsigned int i = n ? n : map->name_word;
		uint64_t text = load_u64(raw + i * WORD_BYTES, map->scan->core->is_big_endian);
		char name[NAME_BYTES] = "";

		if (!(text >> 63) || !read_object(map, text, name, sizeof(name)) || !is_name(name))
			continue;
		map->name_word = i;
		return is_files_name(name);
	}
	return false;
}

static bool is_files_cache(struct worth_map *map, uint64_t vaddr)
{
	uint64_t hash = (vaddr >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
	bool is_files;

	// Addresses of the kernel are in the upper half; objects are aligned to words.
	if (!(vaddr >> 63) || vaddr % WORD_BYTES)
		return false;
	for (unsigned int i = 0; i < CACHE_PROBES; i++) {
		struct worth_cache *cache = &map->caches[(hash + i) % CACHES];

		if (cache->vaddr == vaddr)
			return cache->is_files;
		if (cache->vaddr)
			continue;
		is_files = look_at_cache(map, vaddr);
		*cache = (struct worth_cache){vaddr, is_files};
		return is_files;
	}
	return false;
}

// struct slab overlays struct page. slab_cache is its second word since Linux kernel commit 130d4df57390 ("mm/sl[au]b: rearrange
// struct slab fields to allow larger rcu_head") (in v6.2), the fourth before.
static enum worth slab_worth(struct worth_map *map, const uint8_t *page)
{
	bool is_big = map->scan->core->is_big_endian;

	return is_files_cache(map, load_u64(page + 1 * WORD_BYTES, is_big)) ||
	                       is_files_cache(map, load_u64(page + 3 * WORD_BYTES, is_big))
	               ? WORTH_FILES
	               : WORTH_KERNEL;
}

static enum worth class_worth(enum page_class class)
{
	switch (class) {
	case PAGE_CACHE:
	case PAGE_CACHE_PRIVATE:
		return WORTH_CACHE;
	case PAGE_USER:
		return WORTH_USER;
	case PAGE_FREE:
	case PAGE_OFFLINE:
		return WORTH_FREE;
	case PAGE_KERNEL:
	case PAGE_CLASS_COUNT:
		break;
	}
	return WORTH_KERNEL;
}

// Makes the struct page of a frame one that can be looked at.
static struct error *find_piece(struct walk *walk, uint64_t pfn)
{
	struct worth_map *map = walk->map;
	uint64_t bytes = page_layout_bytes(map->scan->layout), next, vaddr, paddr, there, want;
	struct error *err = NULL;
	size_t got;

	if (pfn < walk->run.pfn_start || pfn >= walk->run.pfn_end)
		err = memmap_next(&map->scan->map, &map->tables, pfn, walk->end_pfn, &walk->run, &next);
	if (err)
		return err;
	if (pfn < walk->run.pfn_start || pfn >= walk->run.pfn_end)
		return error_new(ERROR_FAULT, "frame %#jx has no struct page", (uintmax_t)pfn);
	vaddr = walk->run.page_vaddr + (pfn - walk->run.pfn_start) * bytes;
	want = (walk->run.pfn_end - pfn) * bytes;
	err = xlat_translate(&map->scan->xlat, &map->tables, vaddr, &paddr, &there);
	if (err)
		return err;
	want = want < there ? want : there;
	want = want < VMREADER_WINDOW_DATA_BYTES ? want : VMREADER_WINDOW_DATA_BYTES;
	err = vmreader_map(&map->pages, paddr, want, &walk->piece, &got);
	if (err)
		return err;
	walk->piece_start = pfn;
	walk->piece_end = pfn + (got < want ? got : want) / bytes;
	if (walk->piece_end == pfn)
		return error_new(ERROR_FAULT, "the struct page of frame %#jx lies on two pages", (uintmax_t)pfn);
	return NULL;
}

const struct worth_image *worth_find_image(const struct worth_map *map, uint64_t pfn)
{
	uint64_t paddr = pfn << vmcore_page_shift(map->scan->core);

	for (size_t i = 0; i < map->image_count; i++)
		if (paddr >= map->image[i].paddr_start && paddr < map->image[i].paddr_end)
			return &map->image[i];
	return NULL;
}

// Of a frame in the image.
static enum worth image_worth(const struct worth_map *map, const struct worth_image *image, uint64_t pfn)
{
	uint64_t page_bytes = vmcore_page_bytes(map->scan->core);
	uint64_t vaddr = image->vaddr + (pfn * page_bytes - image->paddr_start);

	// Whole pages only: beside a table lie other constants.
	for (size_t i = 0; image->worth == WORTH_CONSTANTS && i < WORTH_TABLES; i++)
		if (vaddr >= map->symbols[i].vaddr && vaddr < map->symbols[i].vaddr_end &&
		    map->symbols[i].vaddr_end - vaddr >= page_bytes)
			return WORTH_SYMBOLS;
	return image->worth;
}

static enum worth frame_worth(struct walk *walk, uint64_t pfn)
{
	const struct page_layout *layout = walk->map->scan->layout;
	const uint8_t *page = walk->piece + (pfn - walk->piece_start) * page_layout_bytes(layout);
	struct page_view view = page_view(layout, page, walk->piece_end - pfn, pfn);

	walk->group_worth = view.is_slab ? slab_worth(walk->map, page) : class_worth(view.class);
	walk->group_end = pfn + (UINT64_C(1) << view.order);
	return walk->group_worth;
}

// The best of the saved frames [at, end) of the window.
static struct error *block_worth(struct walk *walk, uint64_t at, uint64_t end, enum worth *ret)
{
	*ret = WORTH_FREE;
	for (at = bitmap_find(walk->set, at, end, true); at < end && *ret != WORTH_KERNEL;
	     at = bitmap_find(walk->set, at + 1, end, true)) {
		uint64_t pfn = walk->base_pfn + at;
		enum worth worth = pfn < walk->group_end ? walk->group_worth : WORTH_CODE;
		const struct worth_image *image = worth_find_image(walk->map, pfn);

		if (image)
			worth = image_worth(walk->map, image, pfn);
		else if (!walk->map->scan->layout)
			worth = WORTH_USER; // Nothing is known of it: what is known comes first.
		else if (pfn >= walk->group_end) {
			struct error *err = NULL;

			if (pfn < walk->piece_start || pfn >= walk->piece_end)
				err = find_piece(walk, pfn);
			worth = err ? WORTH_KERNEL : frame_worth(walk, pfn);
			if (!error_catch(&err, ERROR_FAULT) && !error_catch(&err, ERROR_BAD_DATA) && err)
				return err;
		}
		if (worth < *ret)
			*ret = worth;
	}
	return NULL;
}

struct error *worth_window(struct worth_map *map, const uint64_t *set, uint64_t base_pfn, uint64_t end_pfn,
                           uint8_t *ret)
{
	struct walk walk = {.map = map, .set = set, .base_pfn = base_pfn, .end_pfn = end_pfn};
	uint64_t frames = end_pfn - base_pfn;

	memset(ret, WORTH_COUNT, (frames + map->block_pages - 1) / map->block_pages);
	for (uint64_t at = bitmap_find(set, 0, frames, true); at < frames; at = bitmap_find(set, at, frames, true)) {
		uint64_t start = at - at % map->block_pages;
		uint64_t end = start + map->block_pages < frames ? start + map->block_pages : frames;
		enum worth worth = WORTH_MEMMAP;
		struct error *err;

		if (!bitmap_test(map->memmap_sets, (base_pfn + at) / WORTH_MEMMAP_PAGES)) {
			err = block_worth(&walk, at, end, &worth);
			if (err)
				return err;
		}
		ret[start / map->block_pages] = (uint8_t)worth;
		at = end;
	}
	return NULL;
}
