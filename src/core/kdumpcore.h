// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * kdump-compressed dumps, whole or split over several files: what makedumpfile, QEMU and kdump-copy write.
 *
 * Reads header versions 3 to 6 of little-endian 64-bit machines, and no others. Does not write them (dump/copy.h).
 * Source: makedumpfile diskdump_mod.h and IMPLEMENTATION (1.7.9); crash diskdump.c (9.0).
 */
#ifndef CORE_KDUMPCORE_H
#define CORE_KDUMPCORE_H

#include <stddef.h>
#include <stdint.h>

#include "core/frameset.h"
#include "core/vmcore.h"
#include "core/vmreader.h"

/** One file, and the frames whose pages it holds. */
struct kdumpcore_part {
	const struct corefile *file;
	uint64_t pfn_start;
	uint64_t pfn_end;
	uint64_t ram_offset; /**< Of the first bitmap. */
	uint64_t dumped_offset; /**< Of the second, or of the only one. */
	uint64_t desc_offset; /**< Of the descriptor of the first frame in the range. */
	uint64_t first_rank; /**< Of that frame, in the whole dump. */
};

/** vmcore.pages of this format. Read-only after opening. */
struct kdumpcore {
	struct kdumpcore_part *parts; /**< In the order of their frames, without gaps. */
	size_t part_count;
	struct frameset dumped; /**< Second bitmap: frames that have a descriptor. */
	struct frameset ram; /**< First bitmap: frames that are memory. */
};

/** The format, for the array in vmcore_set.c. */
extern const struct core_format kdumpcore_format;

/**
 * core_format.read_page of this format (kdumpcore_page.c).
 *
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] pfn Frame.
 * @param[out] page Its bytes.
 * @return NULL; ERROR_FAULT (left out, never written, or beyond the end of the file); ERROR_BAD_DATA; ERROR_UNSUPPORTED;
 *	   ERROR_OS; ERROR_NOMEM.
 */
struct error *kdumpcore_read_page(struct vmreader *reader, uint64_t pfn, uint8_t *page) must_check;

/** core_format.end_reader of this format (kdumpcore_page.c). @param[in,out] reader The reader. */
void kdumpcore_end_reader(struct vmreader *reader);

#endif
