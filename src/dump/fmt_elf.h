// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The head of an ELF dump: file header, program headers, notes.
 *
 * Does not write files and does not choose what is in the dump. Source: gABI chapters 4 and 5.
 */
#ifndef DUMP_FMT_ELF_H
#define DUMP_FMT_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/vmcore.h"

/** Flag of e_flags that marks a dump with missing pages (makedumpfile elf_info.h, DUMP_ELF_INCOMPLETE). */
enum { FMT_ELF_INCOMPLETE = 0x1 };

/**
 * The head begins with the file header, a section header, which PN_XNUM needs, and the program header of the notes; those of
 * memory follow. Notes and data may lie anywhere behind.
 */
enum {
	FMT_ELF_START_BYTES = 184,
	FMT_ELF_LOAD_BYTES = 56, /**< Of each program header. */
};

/**
 * Make what the head begins with.
 *
 * @param[in] core Input: machine and notes.
 * @param[in] load_count PT_LOADs; 0xffff and more are written as the gABI says (PN_XNUM).
 * @param[in] notes_offset Where the notes are in the file.
 * @param[in] is_incomplete Whether pages are missing that should be there.
 * @param[out] out Bytes.
 */
void fmt_elf_start(const struct vmcore *core, size_t load_count, uint64_t notes_offset, bool is_incomplete,
                   uint8_t out[static FMT_ELF_START_BYTES]);

/** Make one program header. @param[in] load What it tells. @param[out] out Bytes. */
void fmt_elf_load(const struct vmcore_load *load, uint8_t out[static FMT_ELF_LOAD_BYTES]);

#endif
