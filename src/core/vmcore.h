// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * An opened dump: which physical memory it holds, and its notes.
 *
 * Does not read that memory (core/vmreader.h), and does not know any file format (core/elfcore.h …).
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

#endif
