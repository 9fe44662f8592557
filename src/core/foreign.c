// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/foreign.h"

#include <endian.h>
#include <libkdumpfile/kdumpfile.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/arch.h"
#include "core/elfcore.h"
#include "core/frameset.h"
#include "core/kdumpcore.h"
#include "core/vmreader.h"

enum {
	// Where the library does not say which pages there are, all are tried, 1 µs for each that is not: 1 TiB of them.
	TRIED_FRAMES_MAX = 1 << 28,
	// The kernel's VMCOREINFO is a page; some hypervisors join several.
	INFO_BYTES_MAX = 1 << 20,
	CPUS_MAX = 1 << 16,
	PRSTATUS_BYTES_MAX = 1 << 16,
	NOTE_HEADER_BYTES = 12,
	NOTE_PRSTATUS = 1, // NT_PRSTATUS
};

// The name of the note with its padding, and how its text begins.
static const char info_mark[] = "VMCOREINFO\0\0OSRELEASE=";
enum { INFO_NAME_BYTES = 11, INFO_NAME_ROOM = 12, INFO_MARK_BYTES = sizeof(info_mark) - 1 };

// vmcore.pages of this format.
struct foreign {
	kdump_ctx_t *ctx;
	pthread_mutex_t lock; // Guards ctx.
	struct frameset ram;
	struct frameset dumped;
	bool has_ram; // Else all that is dumped is all there is.
};

// What was found of VMCOREINFO.
struct info {
	char *text;
	size_t size_bytes;
};

// How files begin: libkdumpfile src/kdumpfile/lkcd.c, s390dump.c, sadump.c (0.5.1). What begins in another way is not given to
// the library, so that it need not stand damaged files of our own formats.
static bool foreign_probe(const uint8_t *head, size_t size_bytes)
{
	static const struct {
		const char *bytes; // 8 of them.
		size_t at;
	} magics[] = {
		{"\xed\x23\x8f\x61\x73\x01\x19\xa8", 0}, // LKCD, little-endian …
		{"\xa8\x19\x01\x73\x61\x8f\x23\xed", 0}, // … and big-endian
		{"\xa8\x19\x01\x73\x61\x8f\x23\xfd", 0}, // s390
		{"sadump\0", 0}, // sadump: a partition, or a disk of a set …
		{"sadump\0", 4096}, // … and a medium
	};

	for (size_t i = 0; i < array_size(magics); i++) {
		if (size_bytes >= magics[i].at + 8 && memcmp(head + magics[i].at, magics[i].bytes, 8) == 0)
			return true;
	}
	return false;
}

static struct error *foreign_error(struct foreign *foreign, kdump_status status, const char *what)
{
	const char *text = foreign->ctx ? kdump_get_err(foreign->ctx) : NULL;
	enum error_code code = ERROR_BAD_DATA;

	if (status == KDUMP_ERR_NOTIMPL)
		code = ERROR_UNSUPPORTED;
	else if (status == KDUMP_ERR_NODATA || status == KDUMP_ERR_EOF)
		code = ERROR_FAULT;
	else if (status == KDUMP_ERR_SYSTEM)
		code = ERROR_OS;
	return error_new(code, "%s: libkdumpfile: %s", what, text ? text : kdump_strerror(status));
}

static struct error *open_files(struct foreign *foreign, const struct vmcore *core)
{
	_cleanup_free_ int *fds = calloc(core->file_count, sizeof(*fds));
	struct error *err;
	kdump_status status;

	if (!fds)
		return error_new(ERROR_NOMEM, "no memory for %zu files", core->file_count);
	for (size_t i = 0; i < core->file_count; i++) {
		fds[i] = core->files[i].fd;
		if (core->files[i].flat)
			return error_new(ERROR_UNSUPPORTED,
			                 "flattened, and of a format that is read through libkdumpfile: make a file of "
			                 "it with -R first");
		err = foreign_check_lkcd(&core->files[i]);
		if (err)
			return err;
	}
	// A mapping of a file that is cut has zeros behind its end, and nothing but a signal behind the page of its end.
	status = kdump_set_number_attr(foreign->ctx, KDUMP_ATTR_FILE_MMAP_POLICY, KDUMP_MMAP_NEVER);
	if (status == KDUMP_OK)
		status = kdump_open_fdset(foreign->ctx, (unsigned int)core->file_count, fds);
	if (status == KDUMP_OK)
		return NULL;
	err = foreign_error(foreign, status, "headers");
	// There is no memory in the dump yet that could be missing from it.
	if (err->code == ERROR_FAULT)
		err->code = ERROR_BAD_DATA;
	return err;
}

static struct error *find_machine(struct foreign *foreign, struct vmcore *core)
{
	kdump_num_t order = KDUMP_LITTLE_ENDIAN, page_bytes = 0;
	const char *name, *format;

	if (kdump_get_string_attr(foreign->ctx, KDUMP_ATTR_FILE_FORMAT, &format) != KDUMP_OK)
		format = "this dump";
	if (kdump_get_string_attr(foreign->ctx, KDUMP_ATTR_ARCH_NAME, &name) != KDUMP_OK)
		return error_new(ERROR_UNSUPPORTED, "%s does not say of what machine it is", format);
	core->arch = arch_find_uname(name, strlen(name));
	if (!core->arch)
		return error_new(ERROR_UNSUPPORTED, "%s of a machine that is not supported: %s", format, name);
	kdump_get_number_attr(foreign->ctx, KDUMP_ATTR_BYTE_ORDER, &order);
	core->is_big_endian = order == KDUMP_BIG_ENDIAN;
	if (kdump_get_number_attr(foreign->ctx, KDUMP_ATTR_PAGE_SIZE, &page_bytes) != KDUMP_OK ||
	    !arch_page_shift(core->arch, page_bytes, &core->page_shift))
		return error_new(ERROR_BAD_DATA, "%s with pages of %ju bytes, which %s does not have", format,
		                 (uintmax_t)page_bytes, core->arch->name);
	return NULL;
}

static struct error *find_max_pfn(struct foreign *foreign, struct vmcore *core)
{
	uint64_t limit = UINT64_C(1) << (core->arch->physical_bits - core->page_shift);
	kdump_num_t max_pfn = 0;
	kdump_status status = kdump_get_number_attr(foreign->ctx, "max_pfn", &max_pfn);

	if (status != KDUMP_OK)
		return foreign_error(foreign, status, "size of memory");
	if (max_pfn == 0 || max_pfn > limit)
		return error_new(ERROR_BAD_DATA, "memory up to page frame %#jx is none that a machine can have",
		                 (uintmax_t)max_pfn);
	core->max_pfn = max_pfn;
	return NULL;
}

// Copies one of the library's maps of pages into a set, if there is one.
static struct error *read_map(struct foreign *foreign, const char *key, uint64_t max_pfn, struct frameset *set,
                              bool *has_map_ret)
{
	kdump_attr_t map = {.type = KDUMP_BITMAP};
	kdump_addr_t pfn = 0;

	*has_map_ret = kdump_get_typed_attr(foreign->ctx, key, &map) == KDUMP_OK;
	while (*has_map_ret && kdump_bmp_find_set(map.val.bitmap, &pfn) == KDUMP_OK && pfn < max_pfn) {
		uint64_t index = pfn / FRAMESET_BLOCK_FRAMES, base = index * FRAMESET_BLOCK_FRAMES;
		uint64_t count = max_pfn - base < FRAMESET_BLOCK_FRAMES ? max_pfn - base : FRAMESET_BLOCK_FRAMES;
		uint8_t bytes[FRAMESET_BLOCK_BYTES] = {0};
		kdump_status status = kdump_bmp_get_bits(map.val.bitmap, base, base + count - 1, bytes);
		struct error *err;

		if (status != KDUMP_OK)
			return error_new(ERROR_BAD_DATA, "%s: libkdumpfile: %s", key, kdump_strerror(status));
		err = frameset_add(set, index, bytes, 0, (unsigned int)count);
		if (err)
			return err;
		pfn = base + FRAMESET_BLOCK_FRAMES;
	}
	frameset_finish(set);
	return NULL;
}

static kdump_status read_bytes(struct foreign *foreign, uint64_t paddr, void *buf, size_t size_bytes)
{
	size_t got = size_bytes;
	kdump_status status;

	pthread_mutex_lock(&foreign->lock);
	status = kdump_read(foreign->ctx, KDUMP_MACHPHYSADDR, paddr, buf, &got);
	pthread_mutex_unlock(&foreign->lock);
	return status;
}

// These formats have no notes, but the kernel keeps the note in its memory (Linux kernel/vmcore_info.c: vmcoreinfo_note).
static struct error *search_info(struct foreign *foreign, const struct vmcore *core, uint64_t pfn, const uint8_t *page,
                                 struct info *info)
{
	uint64_t bytes = vmcore_page_bytes(core), text_at;
	const uint8_t *mark = memmem(page, bytes, info_mark, INFO_MARK_BYTES);
	uint32_t size;

	if (!mark || mark - page < NOTE_HEADER_BYTES)
		return NULL;
	size = load_u32(mark - 8, core->is_big_endian);
	if (load_u32(mark - NOTE_HEADER_BYTES, core->is_big_endian) != INFO_NAME_BYTES || size == 0 ||
	    size > INFO_BYTES_MAX)
		return NULL;
	info->text = malloc(size);
	if (!info->text)
		return error_new(ERROR_NOMEM, "no memory for VMCOREINFO");
	text_at = pfn * bytes + (uint64_t)(mark - page) + INFO_NAME_ROOM;
	info->size_bytes = size;
	if (read_bytes(foreign, text_at, info->text, size) != KDUMP_OK) {
		free(info->text);
		*info = (struct info){0};
	}
	return NULL;
}

// Looks at one page: whether it is there, and whether VMCOREINFO is in it.
static struct error *look_at(struct foreign *foreign, const struct vmcore *core, uint64_t pfn, uint8_t *page,
                             struct info *info, bool *is_there_ret)
{
	uint64_t page_bytes = vmcore_page_bytes(core);
	kdump_status status = read_bytes(foreign, pfn * page_bytes, page, page_bytes);

	if (status == KDUMP_ERR_NOTIMPL)
		return foreign_error(foreign, status, "pages");
	// What is there and cannot be read is counted when it is copied.
	*is_there_ret = status != KDUMP_ERR_NODATA;
	if (status != KDUMP_OK || info->text)
		return NULL;
	return search_info(foreign, core, pfn, page, info);
}

// Which pages are there, if the library does not tell.
static struct error *try_frames(struct foreign *foreign, const struct vmcore *core, uint8_t *page, struct info *info)
{
	if (core->max_pfn > TRIED_FRAMES_MAX)
		return error_new(ERROR_UNSUPPORTED,
		                 "memory up to page frame %#jx, in a format that does not tell which pages are there",
		                 (uintmax_t)core->max_pfn);
	for (uint64_t base = 0; base < core->max_pfn; base += FRAMESET_BLOCK_FRAMES) {
		uint64_t left = core->max_pfn - base;
		unsigned int count = left < FRAMESET_BLOCK_FRAMES ? (unsigned int)left : FRAMESET_BLOCK_FRAMES;
		uint8_t bytes[FRAMESET_BLOCK_BYTES] = {0};
		struct error *err = NULL;

		for (unsigned int bit = 0; !err && bit < count; bit++) {
			bool is_there = false;

			err = look_at(foreign, core, base + bit, page, info, &is_there);
			bytes[bit / 8] |= (uint8_t)(is_there << bit % 8);
		}
		if (!err)
			err = frameset_add(&foreign->dumped, base / FRAMESET_BLOCK_FRAMES, bytes, 0, count);
		if (err)
			return err;
	}
	frameset_finish(&foreign->dumped);
	return NULL;
}

// Where VMCOREINFO is, if the library does not tell.
static struct error *search_frames(struct foreign *foreign, const struct vmcore *core, uint8_t *page, struct info *info)
{
	struct vmcore_frames run = {0};
	struct error *err = NULL;
	bool is_there;

	while (!err && !info->text && frameset_next(&foreign->dumped, run.pfn_end, &run)) {
		for (uint64_t pfn = run.pfn_start; !err && !info->text && pfn < run.pfn_end; pfn++)
			err = look_at(foreign, core, pfn, page, info, &is_there);
	}
	return err;
}

static struct error *find_pages(struct foreign *foreign, const struct vmcore *core, struct info *info)
{
	_cleanup_free_ uint8_t *page = malloc(vmcore_page_bytes(core));
	bool has_map = false;
	struct error *err;

	if (!page)
		return error_new(ERROR_NOMEM, "no memory for a page");
	if (kdump_vmcoreinfo_raw(foreign->ctx, &info->text) == KDUMP_OK)
		info->size_bytes = strlen(info->text);
	else
		info->text = NULL;
	err = read_map(foreign, KDUMP_ATTR_FILE_PAGEMAP, core->max_pfn, &foreign->dumped, &has_map);
	if (!err)
		err = read_map(foreign, KDUMP_ATTR_MEMORY_PAGEMAP, core->max_pfn, &foreign->ram, &foreign->has_ram);
	if (!err)
		err = has_map ? search_frames(foreign, core, page, info) : try_frames(foreign, core, page, info);
	if (!err && !foreign->dumped.frame_count)
		err = error_new(ERROR_BAD_DATA, "holds no memory");
	return err;
}

static uint32_t store_order(uint32_t value, bool is_big)
{
	return is_big ? htobe32(value) : htole32(value);
}

static uint64_t padded(uint64_t bytes)
{
	return (bytes + 3) & ~UINT64_C(3);
}

// Adds a note at the end of those there are. Gives where its descriptor is.
static struct error *add_note(struct vmcore *core, const char *name, uint32_t type, const void *desc, size_t desc_bytes,
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

// Registers of the CPUs, where the library has them as the note that they were.
static struct error *add_registers(struct foreign *foreign, struct vmcore *core)
{
	kdump_num_t count = 0;
	struct error *err = NULL;

	if (kdump_get_number_attr(foreign->ctx, KDUMP_ATTR_NUM_CPUS, &count) != KDUMP_OK || count > CPUS_MAX)
		return NULL;
	for (unsigned int cpu = 0; !err && cpu < count; cpu++) {
		kdump_attr_t attr = {.type = KDUMP_BLOB};
		char key[32];
		size_t at;

		snprintf(key, sizeof(key), "cpu.%u.PRSTATUS", cpu);
		if (kdump_get_typed_attr(foreign->ctx, key, &attr) != KDUMP_OK ||
		    kdump_blob_size(attr.val.blob) > PRSTATUS_BYTES_MAX)
			continue;
		err = add_note(core, "CORE", NOTE_PRSTATUS, kdump_blob_pin(attr.val.blob),
		               kdump_blob_size(attr.val.blob), &at);
		kdump_blob_unpin(attr.val.blob);
	}
	return err;
}

static struct error *foreign_open(struct vmcore *core)
{
	struct foreign *foreign = calloc(1, sizeof(*foreign));
	struct info info = {0};
	struct error *err;

	core->pages = foreign;
	if (!foreign)
		return error_new(ERROR_NOMEM, "no memory for a dump");
	pthread_mutex_init(&foreign->lock, NULL);
	foreign->ctx = kdump_new();
	if (!foreign->ctx)
		return error_new(ERROR_NOMEM, "no memory for a dump");
	err = open_files(foreign, core);
	if (!err)
		err = find_machine(foreign, core);
	if (!err)
		err = find_max_pfn(foreign, core);
	if (!err)
		err = find_pages(foreign, core, &info);
	if (!err)
		err = add_registers(foreign, core);
	if (!err && info.text) {
		err = add_note(core, "VMCOREINFO", 0, info.text, info.size_bytes, &core->vmcoreinfo_offset_bytes);
		core->vmcoreinfo_bytes = err ? 0 : info.size_bytes;
	}
	free(info.text);
	return err;
}

// Before libkdumpfile commit 97c716a ("Run attribute cleanup hooks before deallocating attributes") (in 0.5.2) freeing a dump looks
// at what was freed; such a library keeps what it has to the end of the program.
static void foreign_close(struct vmcore *core)
{
	struct foreign *foreign = core->pages;

	if (!foreign)
		return;
#ifdef HAVE_LIBKDUMPFILE_FREE
	if (foreign->ctx)
		kdump_free(foreign->ctx);
#endif
	pthread_mutex_destroy(&foreign->lock);
	frameset_deinit(&foreign->dumped);
	frameset_deinit(&foreign->ram);
	free(foreign);
}

static bool foreign_next_frames(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn,
                                struct vmcore_frames *ret)
{
	const struct foreign *foreign = core->pages;
	struct vmcore_frames ram;
	bool has_dumped = frameset_next(&foreign->dumped, pfn, ret);

	if (which == VMCORE_FRAMES_PRESENT || !foreign->has_ram || !frameset_next(&foreign->ram, pfn, &ram))
		return has_dumped;
	if (!has_dumped || ram.pfn_start <= ret->pfn_start)
		*ret = ram;
	return true;
}

static struct error *foreign_read_page(struct vmreader *reader, uint64_t pfn, uint8_t *page)
{
	struct foreign *foreign = reader->core->pages;
	uint64_t page_bytes = vmcore_page_bytes(reader->core);
	size_t got = page_bytes;
	struct error *err = NULL;
	kdump_status status;

	// The text of an error belongs to the last call.
	pthread_mutex_lock(&foreign->lock);
	status = kdump_read(foreign->ctx, KDUMP_MACHPHYSADDR, pfn * page_bytes, page, &got);
	if (status != KDUMP_OK)
		err = foreign_error(foreign, status, "page");
	pthread_mutex_unlock(&foreign->lock);
	return err;
}

static void foreign_end_reader(struct vmreader *reader)
{
	// The library's caches belong to the dump.
	(void)reader;
}

static const struct core_format foreign_format = {
	.name = "through libkdumpfile LKCD, sadump, s390",
	.takes_set = true,
	.probe = foreign_probe,
	.open = foreign_open,
	.close = foreign_close,
	.next_frames = foreign_next_frames,
	.read_page = foreign_read_page,
	.end_reader = foreign_end_reader,
};

struct error *foreign_open_set(const char *const *paths, size_t path_count, struct vmcore **ret)
{
	static const struct core_format *const formats[] = {&elfcore_format, &kdumpcore_format, &foreign_format, NULL};

	return vmcore_open_formats(formats, paths, path_count, ret);
}
