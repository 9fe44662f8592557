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

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

/** Flag of e_flags that marks a dump with missing pages (makedumpfile elf_info.h, DUMP_ELF_INCOMPLETE). */
enum { FMT_ELF_INCOMPLETE = 0x1 };

/**
 * Size of the head, rounded up to whole pages: data may start there.
 *
 * @param[in] load_count PT_LOADs.
 * @param[in] notes_bytes Size of the notes.
 * @param[in] page_bytes Page size.
 * @return Bytes.
 */
uint64_t fmt_elf_head_bytes(size_t load_count, uint64_t notes_bytes, uint64_t page_bytes);

/**
 * Make the head.
 *
 * @param[in] core Input: machine and notes.
 * @param[in] loads PT_LOADs.
 * @param[in] load_count Their number; 0xffff and more are written as the gABI says (PN_XNUM).
 * @param[in] is_incomplete Whether pages are missing that should be there.
 * @param[out] head_ret Bytes; free() them.
 * @param[out] size_ret Their number.
 * @return NULL; ERROR_NOMEM.
 */
struct error *fmt_elf_head(const struct vmcore *core, const struct vmcore_load *loads, size_t load_count,
                           bool is_incomplete, uint8_t **head_ret, size_t *size_ret) must_check;

#endif
