// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Per-thread views of a dump's physical memory.
 *
 * Does not translate virtual addresses (core/xlat.h).
 */
#ifndef CORE_VMREADER_H
#define CORE_VMREADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

/** Windows of vmreader_init(): large for data that is read in order, small for page tables and single structures. */
enum {
	/**
	 * Measured in the capture kernel (tests/vm/README.md): from 4 MiB on, reading in order gains little, while a window
	 * of which one page is wanted costs nearly three times as much at 16 MiB. It takes 8 KiB of page tables.
	 */
	VMREADER_WINDOW_DATA_BYTES = 4 << 20,
	/** Page tables lie scattered: most windows serve a few reads. */
	VMREADER_WINDOW_TABLE_BYTES = 64 << 10,
	/** Windows of a reader of tables: a walk has up to five levels, and what is read lies elsewhere. */
	VMREADER_TABLE_SLOTS = 8,
	/** Pages that a reader keeps where they must be expanded: two walks, and what they lead to. */
	VMREADER_PAGE_SLOTS = 16,
};

/** A page that was expanded. */
struct vmreader_page {
	uint64_t paddr;
	uint8_t *bytes; /**< Allocated at the first need. */
	bool is_valid;
};

/** Part of the file that can be looked at. */
struct vmreader_window {
	uint8_t *bytes; /**< NULL: none. */
	size_t size_bytes;
	uint64_t offset_bytes; /**< In the file, and its base_bytes. */
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
	bool is_expanded; /**< Memory does not lie in the file as it is: pages are expanded. */
	unsigned int next_page; /**< The page that is given up next. */
	struct vmreader_page pages[VMREADER_PAGE_SLOTS];
	void *state; /**< The format's own. */
	unsigned int looks; /**< vmreader_peek(): asked so often, while it is not known … */
	long faults; /**< … by page faults since the first time … */
	bool is_mapping_dear; /**< … whether that costs more than reading. */
};

/**
 * Make a reader. No memory is mapped or allocated until the first read.
 *
 * @param[out] ret The reader; vmreader_deinit() it before vmcore_close().
 * @param[in] core The dump.
 * @param[in] window_bytes VMREADER_WINDOW_DATA_BYTES: one window, a larger one of files whose pages come as they are looked
 *		      at; VMREADER_WINDOW_TABLE_BYTES: several.
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
 * @param[in] want_bytes Wanted. Less comes if the window is smaller, if memory is not in the dump from there on, and where
 *		      pages are expanded: then each is a view of its own.
 * @param[out] ret First byte; valid until the next call with this reader.
 * @param[out] got_ret Bytes that may be read from there, at least 1; may be more than wanted.
 * @return NULL; ERROR_FAULT (@p paddr is not in the dump, or the file ends before it); ERROR_BAD_DATA (its page cannot be
 *	   expanded); ERROR_UNSUPPORTED (the method is not built in); ERROR_OS; ERROR_NOMEM.
 */
struct error *vmreader_map(struct vmreader *reader, uint64_t paddr, size_t want_bytes, const uint8_t **ret,
                           size_t *got_ret) must_check;

/**
 * Copy a few bytes that lie alone, where reading them costs less than a page fault in a mapping: in most files, not in
 * /proc/vmcore and huge pages. The first calls leave it to the caller to map, and learn what that costs.
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

/**
 * For formats: look at bytes of a file, through the windows of a reader.
 *
 * @param[in,out] reader Reader.
 * @param[in] file One of the dump's files.
 * @param[in] offset_bytes In that file, below its size.
 * @param[in] need_bytes At most VMREADER_WINDOW_TABLE_BYTES.
 * @param[out] ret First byte; valid until the next call with this reader.
 * @param[out] got_ret Bytes that may be read from there, at most what is needed; less only where the file ends.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *vmreader_map_file(struct vmreader *reader, const struct corefile *file, uint64_t offset_bytes,
                                size_t need_bytes, const uint8_t **ret, size_t *got_ret) must_check;

#endif
