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
 * The head begins with the file header and the program header of the notes; those of memory follow: makedumpfile (elf_info.c,
 * get_elf64_phdr()) looks for them there, wherever the file header says they are. The section header that PN_XNUM needs, notes and
 * data may lie anywhere behind.
 */
enum {
	FMT_ELF_START_BYTES = 120,
	FMT_ELF_LOAD_BYTES = 56, /**< Of each program header. */
	FMT_ELF_SECTION_BYTES = 64,
};

/**
 * Make what the head begins with.
 *
 * @param[in] core Input: machine and notes.
 * @param[in] load_count PT_LOADs; 0xffff and more are written as the gABI says (PN_XNUM).
 * @param[in] section_offset Where the section header is in the file; not looked at if there is none.
 * @param[in] notes_offset Where the notes are in the file.
 * @param[in] is_incomplete Whether pages are missing that should be there.
 * @param[out] out Bytes.
 */
void fmt_elf_start(const struct vmcore *core, size_t load_count, uint64_t section_offset, uint64_t notes_offset,
                   bool is_incomplete, uint8_t out[static FMT_ELF_START_BYTES]);

/** Make the section header. @param[in] load_count PT_LOADs. @param[out] out Bytes. @return Whether the file needs it. */
bool fmt_elf_section(size_t load_count, uint8_t out[static FMT_ELF_SECTION_BYTES]);

/** Make one program header. @param[in] load What it tells. @param[out] out Bytes. */
void fmt_elf_load(const struct vmcore_load *load, uint8_t out[static FMT_ELF_LOAD_BYTES]);

#endif
