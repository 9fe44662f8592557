// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * An opened dump: which physical memory it holds, its notes, and per-thread readers of that memory.
 *
 * Does not translate virtual addresses (core/xlat.h) and does not know any file format (core/elfcore.h …).
 */
#ifndef CORE_VMCORE_H
#define CORE_VMCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcoreinfo.h"

struct arch;
struct vmcore;

/**
 * A file format of dumps. One file and one const table each; registered in the array in vmcore.c.
 *
 * To add a format: fill the fields of struct vmcore that open() names; vmcore_open() makes the rest from them.
 */
struct core_format {
	const char *name;
	/** Whether the first bytes of a file are of this format. */
	bool (*probe)(const uint8_t *head, size_t size_bytes);
	/** Fill arch, is_big_endian, loads, notes and the place of VMCOREINFO in them. Errors: ERROR_BAD_DATA with the offset, ERROR_UNSUPPORTED, ERROR_OS, ERROR_NOMEM. */
	struct error *(*open)(struct vmcore *core);
};

/** A program header of the dump: one range of physical memory and the virtual address it was given. */
struct vmcore_load {
	uint64_t paddr; /**< First byte. */
	uint64_t vaddr; /**< Virtual address of the first byte. */
	uint64_t file_bytes; /**< Bytes that are in the file. */
	uint64_t memory_bytes; /**< Bytes of memory; what is beyond file_bytes reads as zeros. */
	uint64_t offset_bytes; /**< Of the first byte, in the file. */
	uint32_t flags; /**< ELF p_flags. */
};

/** Physical memory that is in the file: [paddr_start, paddr_end). */
struct vmcore_region {
	uint64_t paddr_start;
	uint64_t paddr_end;
	uint64_t offset_bytes; /**< Of paddr_start, in the file. */
};

/** An opened dump. Read-only after vmcore_open(); may be shared by threads. */
struct vmcore {
	int fd;
	const char *name; /**< For messages; borrowed. */
	const struct core_format *format;
	const struct arch *arch;
	bool is_big_endian; /**< Byte order of the crashed kernel. */
	bool can_map; /**< Whether mmap works on the file. */
	bool is_paged; /**< Mapped memory comes by page faults, as that of files; /proc/vmcore maps all at once. */
	uint64_t file_bytes; /**< Size of the file. */
	uint64_t missing_bytes; /**< Memory that the headers announce beyond the end of the file. */
	struct vmcore_load *loads; /**< In file order; may overlap. */
	size_t load_count;
	struct vmcore_region *regions; /**< Sorted by address, disjoint. */
	size_t region_count;
	uint8_t *notes; /**< All bytes of the PT_NOTE segment. */
	size_t notes_bytes;
	size_t vmcoreinfo_offset_bytes; /**< Of the VMCOREINFO descriptor, in notes. */
	size_t vmcoreinfo_bytes; /**< 0 if there is none. */
	struct vmcoreinfo info;
};

/**
 * Open a dump.
 *
 * @param[in] path File, or /proc/vmcore. Borrowed as the name for messages.
 * @param[out] ret The dump; vmcore_close() it.
 * @return NULL; ERROR_OS; ERROR_UNSUPPORTED (no known format, or machine); ERROR_BAD_DATA (text has the offset); ERROR_NOMEM.
 */
struct error *vmcore_open(const char *path, struct vmcore **ret) must_check;

/** Close a dump; no reader of it may be left. @param[in] core May be NULL. */
void vmcore_close(struct vmcore *core);

/** Guard form of vmcore_close(). @param[in] core Address of the variable. */
static inline void vmcore_closep(struct vmcore **core)
{
	vmcore_close(*core);
}

/** Page size of the crashed kernel. @param[in] core The dump. @return Bytes, a power of two. */
uint64_t vmcore_page_bytes(const struct vmcore *core);

/** @param[in] core The dump. @return log2 of vmcore_page_bytes(). */
unsigned int vmcore_page_shift(const struct vmcore *core);

/** One past the last page frame that is in the dump, in whole or in part. @param[in] core The dump. @return A pfn. */
uint64_t vmcore_max_pfn(const struct vmcore *core);

/**
 * Region that holds an address, or the next one behind it.
 *
 * @param[in] core The dump.
 * @param[in] paddr Address.
 * @return First region with paddr_end > @p paddr; NULL if there is none. Borrowed from @p core.
 */
const struct vmcore_region *vmcore_region_from(const struct vmcore *core, uint64_t paddr);

/** Windows of vmreader_init(): large for data that is read in order, small for page tables and single structures. */
enum {
	/** 4 MiB costs 8 KiB of page tables in the capture kernel and keeps the calls rare: one for 1,024 pages. */
	VMREADER_WINDOW_DATA_BYTES = 4 << 20,
	/** Page tables lie scattered: most windows serve a few reads. */
	VMREADER_WINDOW_TABLE_BYTES = 64 << 10,
	/** Windows of a reader of tables: a walk has up to five levels, and what is read lies elsewhere. */
	VMREADER_TABLE_SLOTS = 8,
};

/** Part of the file that can be looked at. */
struct vmreader_window {
	uint8_t *bytes; /**< NULL: none. */
	size_t size_bytes;
	uint64_t offset_bytes; /**< In the file. */
	uint8_t *buffer; /**< For windows that are read instead of mapped; allocated at the first need. */
};

/** One view of a dump's physical memory. Owned by one thread; a thread may have several. */
struct vmreader {
	const struct vmcore *core;
	size_t window_bytes;
	const struct vmcore_region *region; /**< Region of the last access, or NULL. */
	unsigned int slot_count; /**< Windows that are used. */
	unsigned int next_slot; /**< The one that is given up next. */
	struct vmreader_window slots[VMREADER_TABLE_SLOTS];
	bool is_reading; /**< mmap did not work: windows are read. */
};

/**
 * Make a reader. No memory is mapped or allocated until the first read.
 *
 * @param[out] ret The reader; vmreader_deinit() it before vmcore_close().
 * @param[in] core The dump.
 * @param[in] window_bytes VMREADER_WINDOW_DATA_BYTES: one window; VMREADER_WINDOW_TABLE_BYTES: several.
 */
void vmreader_init(struct vmreader *ret, const struct vmcore *core, size_t window_bytes);

/** Unmap and free. @param[in] reader May be zeroed. */
void vmreader_deinit(struct vmreader *reader);

#define _cleanup_vmreader_ _cleanup_(vmreader_deinit)

/**
 * Look at physical memory where it lies.
 *
 * @param[in,out] reader Reader.
 * @param[in] paddr First byte.
 * @param[in] want_bytes Wanted, at most the window; less comes only if memory is not in the dump from there on.
 * @param[out] ret First byte; valid until the next call with this reader.
 * @param[out] got_ret Bytes that may be read from there, at least 1; may be more than wanted.
 * @return NULL; ERROR_FAULT (@p paddr is not in the dump, or the file ends before it); ERROR_OS; ERROR_NOMEM.
 */
struct error *vmreader_map(struct vmreader *reader, uint64_t paddr, size_t want_bytes, const uint8_t **ret,
                           size_t *got_ret) must_check;

/**
 * Copy a few bytes that lie alone. Of a file, reading them costs less than a page fault in a mapping.
 *
 * @param[in,out] reader Reader.
 * @param[in] paddr First byte.
 * @param[out] buf Bytes.
 * @param[in] size_bytes Their number.
 * @return Whether they could be read; false too where mapping is as good.
 */
bool vmreader_peek(struct vmreader *reader, uint64_t paddr, void *buf, size_t size_bytes);

/** Whether looking at memory leaves in place what was looked at before. @param[in] reader Reader of one window. @param[in] paddr First byte. @param[in] size_bytes Bytes. @return See there. */
bool vmreader_holds(const struct vmreader *reader, uint64_t paddr, size_t size_bytes);

/**
 * Copy physical memory.
 *
 * @param[in,out] reader Reader.
 * @param[in] paddr First byte.
 * @param[out] buf Bytes.
 * @param[in] size_bytes Their number; all come, or an error.
 * @return As vmreader_map().
 */
struct error *vmreader_read(struct vmreader *reader, uint64_t paddr, void *buf, size_t size_bytes) must_check;

#endif
