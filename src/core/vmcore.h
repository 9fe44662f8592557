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
#include "core/corefile.h"
#include "core/vmcoreinfo.h"

struct arch;
struct vmcore;
struct vmreader;

/** Page frames [pfn_start, pfn_end). */
struct vmcore_frames {
	uint64_t pfn_start;
	uint64_t pfn_end;
};

/** Sets of page frames that a dump tells of. */
enum vmcore_frame_set {
	VMCORE_FRAMES_PRESENT, /**< In the dump, in whole or in part. */
	VMCORE_FRAMES_RAM, /**< Memory of the machine: those, and those that were left out, if the dump says which. */
};

/**
 * A file format of dumps. One file and one const table each.
 *
 * To add a format: fill the fields of struct vmcore that open() names; vmcore_open() makes the rest from them. Where memory
 * lies in the file as it is, that is all. Where it lies in pages that must be expanded, the functions below open() give
 * them. Then add it to the formats in vmcore_set.c; or, if it brings a library of its own, as foreign.c does.
 */
struct core_format {
	const char *name;
	bool takes_set; /**< A dump may be several files; else files[0] is all. */
	/** Whether the first bytes of a file are of this format. */
	bool (*probe)(const uint8_t *head, size_t size_bytes);
	/**
	 * Fill arch, is_big_endian, is_incomplete, is_live, notes, the place of VMCOREINFO in them, and loads (which are the memory)
	 * or, with read_page, page_shift and max_pfn. Errors: ERROR_BAD_DATA with the offset, ERROR_UNSUPPORTED, ERROR_OS, ERROR_NOMEM.
	 */
	struct error *(*open)(struct vmcore *core);
	/** Free what open() keeps in vmcore.pages; also after an error. NULL without read_page. */
	void (*close)(struct vmcore *core);
	/** As vmcore_next_frames(). NULL without read_page. */
	bool (*next_frames)(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn,
	                    struct vmcore_frames *ret);
	/** Expand a page into a buffer of its size. Errors: as vmreader_map(). NULL: memory lies in the file as it is. */
	struct error *(*read_page)(struct vmreader *reader, uint64_t pfn, uint8_t *page);
	/** Free what read_page() keeps in vmreader.state. NULL without read_page. */
	void (*end_reader)(struct vmreader *reader);
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
	bool is_zeros; /**< Nothing of it is in the file: vmcore_fill(). */
};

/** An opened dump. Read-only after vmcore_open(); may be shared by threads. */
struct vmcore {
	struct corefile *files;
	size_t file_count;
	const struct core_format *format;
	const struct arch *arch;
	bool is_big_endian; /**< Byte order of the crashed kernel. */
	bool is_live; /**< The memory of the running system, which changes while it is read: /proc/kcore. */
	bool is_incomplete; /**< The dump says that pages are missing that it should hold. */
	bool can_map; /**< Whether mmap works on the files. */
	bool is_paged; /**< Mapped memory comes by page faults, as that of files; /proc/vmcore maps all at once. */
	unsigned int dump_level; /**< What was left out already, as far as the dump says so. */
	uint32_t compression; /**< FMT_KDUMP_ZLIB… that the pages are compressed with, as far as the dump says so. */
	unsigned int page_shift; /**< log2 of the page size; open() of formats that tell it sets it. */
	bool is_page_size_guessed; /**< Nothing tells the page size: it is the smallest that the machine can have. */
	uint64_t max_pfn; /**< One past the last frame of memory; open() sets it for formats with read_page. */
	uint64_t missing_bytes; /**< Memory that the headers announce beyond the end of the file. */
	uint64_t filled_bytes; /**< Memory that reads as zeros since vmcore_fill(). */
	struct vmcore_load *loads; /**< In file order; may overlap. None if the format has no virtual addresses. */
	size_t load_count;
	struct vmcore_region *regions; /**< Sorted by address, disjoint. None if pages must be expanded. */
	size_t region_count;
	void *pages; /**< Those pages, as the format keeps them. */
	uint8_t *notes; /**< All bytes of the PT_NOTE segment. */
	size_t notes_bytes;
	size_t vmcoreinfo_offset_bytes; /**< Of the VMCOREINFO descriptor, in notes. */
	size_t vmcoreinfo_bytes; /**< 0 if there is none. */
	struct vmcoreinfo info;
};

/**
 * Open a dump whose memory lies in the file as it is: /proc/vmcore, and other ELF files.
 *
 * It brings no code to expand pages into the program.
 *
 * @param[in] path File. Borrowed as the name for messages.
 * @param[out] ret The dump; vmcore_close() it.
 * @return NULL; ERROR_OS; ERROR_UNSUPPORTED (no known format, or machine); ERROR_BAD_DATA (text has the offset); ERROR_NOMEM.
 */
struct error *vmcore_open(const char *path, struct vmcore **ret) must_check;

/**
 * Open a dump of any format that can be read, in one file or in several (makedumpfile --split).
 *
 * @param[in] paths Files, in any order; borrowed, and the array too.
 * @param[in] path_count At least 1.
 * @param[out] ret The dump; vmcore_close() it.
 * @return As vmcore_open(); ERROR_BAD_DATA also if the files are not all the parts of one dump.
 */
struct error *vmcore_open_set(const char *const *paths, size_t path_count, struct vmcore **ret) must_check;

/**
 * Open a dump of one of some formats: what vmcore_open() and vmcore_open_set() share.
 *
 * @param[in] formats NULL after the last.
 * @param[in] paths, path_count, ret As vmcore_open_set().
 * @return As vmcore_open_set().
 */
struct error *vmcore_open_formats(const struct core_format *const *formats, const char *const *paths, size_t path_count,
                                  struct vmcore **ret) must_check;

/**
 * For formats: read the notes, and find VMCOREINFO in them.
 *
 * @param[in,out] core notes, and the place and size of VMCOREINFO if it is there, are set.
 * @param[in] file Where.
 * @param[in] offset_bytes In the file.
 * @param[in] size_bytes Of the notes, at least 1.
 * @return NULL; ERROR_BAD_DATA (they are not whole in the file, or far too many); ERROR_OS; ERROR_NOMEM.
 */
struct error *vmcore_read_notes(struct vmcore *core, const struct corefile *file, uint64_t offset_bytes,
                                uint64_t size_bytes) must_check;

/**
 * Add a note at the end of those there are.
 *
 * @param[in,out] core An opened dump, or one that is being opened.
 * @param[in] name Name of the note.
 * @param[in] type Its number.
 * @param[in] desc Its bytes.
 * @param[in] desc_bytes Their number.
 * @param[out] desc_at_ret Where they are in core->notes.
 * @return NULL; ERROR_NOMEM.
 */
struct error *vmcore_add_note(struct vmcore *core, const char *name, uint32_t type, const void *desc, size_t desc_bytes,
                              size_t *desc_at_ret) must_check;

/** Take another VMCOREINFO, and the page size that it tells; the notes stay. @param[in,out] core An opened dump. @param[in] text Bytes of the note. @param[in] size_bytes Their number; 0: none. @return NULL; ERROR_NOMEM. */
struct error *vmcore_set_info(struct vmcore *core, const char *text, size_t size_bytes) must_check;

/**
 * Leave out memory of a dump whose memory lies in the file as it is.
 *
 * @param[in,out] core The dump, before the first reader.
 * @param[in] paddr_start First byte.
 * @param[in] paddr_end One past the last.
 * @return NULL; ERROR_NOMEM.
 */
struct error *vmcore_hide(struct vmcore *core, uint64_t paddr_start, uint64_t paddr_end) must_check;

/**
 * Let memory read as zeros that program headers announce without bytes for it, as an ELF file has it.
 *
 * Who filtered the file left out pages of zeros in this way, but others too: crash takes all of them for zeros. Nothing becomes
 * of a file from which pages are missing.
 *
 * @param[in,out] core The dump, before the first reader.
 * @return NULL; ERROR_BAD_DATA (more than a file of its size can be a dump of); ERROR_NOMEM.
 */
struct error *vmcore_fill(struct vmcore *core) must_check;

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

/** One past the last page frame of VMCORE_FRAMES_RAM. @param[in] core The dump. @return A pfn. */
uint64_t vmcore_max_pfn(const struct vmcore *core);

/**
 * Region that holds an address, or the next one behind it.
 *
 * @param[in] core The dump.
 * @param[in] paddr Address.
 * @return First region with paddr_end > @p paddr; NULL if there is none. Borrowed from @p core.
 */
const struct vmcore_region *vmcore_region_from(const struct vmcore *core, uint64_t paddr);

/** How many page frames a set has. @param[in] core The dump. @param[in] which The set. */
uint64_t vmcore_count_frames(const struct vmcore *core, enum vmcore_frame_set which);

/**
 * Next run of page frames of a set.
 *
 * @param[in] core The dump.
 * @param[in] which The set.
 * @param[in] pfn From here on.
 * @param[out] ret A run that starts at @p pfn or behind it; the next one may follow without a gap.
 * @return false: there is none.
 */
bool vmcore_next_frames(const struct vmcore *core, enum vmcore_frame_set which, uint64_t pfn,
                        struct vmcore_frames *ret);

#endif
