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
#include "core/infosearch.h"
#include "core/kdumpcore.h"
#include "core/vmreader.h"

enum {
	// Where the library does not say which pages there are, all are tried, 1 µs for each that is not: 1 TiB of them.
	TRIED_FRAMES_MAX = 1 << 28,
	CPUS_MAX = 1 << 16,
	PRSTATUS_BYTES_MAX = 1 << 16,
	NOTE_PRSTATUS = 1, // NT_PRSTATUS
};

// vmcore.pages of this format.
struct foreign {
	kdump_ctx_t *ctx;
	pthread_mutex_t lock; // Guards ctx.
	struct frameset ram;
	struct frameset dumped;
	bool has_ram; // Else all that is dumped is all there is.
	struct foreign_sadump sadump;
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
	err = foreign_sadump_open(core, &foreign->sadump);
	if (err)
		return err;
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

// Looks whether a page is there.
static struct error *look_at(struct foreign *foreign, const struct vmcore *core, uint64_t pfn, uint8_t *page,
                             bool *is_there_ret)
{
	uint64_t page_bytes = vmcore_page_bytes(core);
	kdump_status status = read_bytes(foreign, pfn * page_bytes, page, page_bytes);

	// What is there and cannot be read is counted when it is copied.
	*is_there_ret = status != KDUMP_ERR_NODATA;
	return status == KDUMP_ERR_NOTIMPL ? foreign_error(foreign, status, "pages") : NULL;
}

// Which pages are there, if the library does not tell.
static struct error *try_frames(struct foreign *foreign, const struct vmcore *core, uint8_t *page)
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

			err = look_at(foreign, core, base + bit, page, &is_there);
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

static struct error *find_pages(struct foreign *foreign, const struct vmcore *core)
{
	_cleanup_free_ uint8_t *page = malloc(vmcore_page_bytes(core));
	bool has_map = false;
	struct error *err;

	if (!page)
		return error_new(ERROR_NOMEM, "no memory for a page");
	err = read_map(foreign, KDUMP_ATTR_FILE_PAGEMAP, core->max_pfn, &foreign->dumped, &has_map);
	if (!err)
		err = read_map(foreign, KDUMP_ATTR_MEMORY_PAGEMAP, core->max_pfn, &foreign->ram, &foreign->has_ram);
	if (!err)
		err = has_map ? NULL : try_frames(foreign, core, page);
	if (!err && !foreign->dumped.frame_count)
		err = error_new(ERROR_BAD_DATA, "holds no memory");
	return err;
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
		err = vmcore_add_note(core, "CORE", NOTE_PRSTATUS, kdump_blob_pin(attr.val.blob),
		                      kdump_blob_size(attr.val.blob), &at);
		kdump_blob_unpin(attr.val.blob);
	}
	return err;
}

// VMCOREINFO, where the file has it.
static struct error *add_info(struct foreign *foreign, struct vmcore *core)
{
	_cleanup_free_ char *text = NULL;
	struct error *err;

	if (kdump_vmcoreinfo_raw(foreign->ctx, &text) != KDUMP_OK) {
		text = NULL;
		return NULL;
	}
	err = vmcore_add_note(core, "VMCOREINFO", 0, text, strlen(text), &core->vmcoreinfo_offset_bytes);
	core->vmcoreinfo_bytes = err ? 0 : strlen(text);
	return err;
}

static struct error *foreign_open(struct vmcore *core)
{
	struct foreign *foreign = calloc(1, sizeof(*foreign));
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
		err = find_pages(foreign, core);
	if (!err)
		err = add_registers(foreign, core);
	if (!err)
		err = add_info(foreign, core);
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
	uint64_t rank;

	if (foreign->sadump.count) {
		if (!frameset_find(&foreign->dumped, pfn, &rank))
			return error_new(ERROR_FAULT, "page frame %#jx is not in the dump", (uintmax_t)pfn);
		return foreign_sadump_read(&foreign->sadump, rank * page_bytes, page, page_bytes);
	}
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

	return infosearch_open(formats, paths, path_count, ret);
}
