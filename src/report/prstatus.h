// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Notes of registers (NT_PRSTATUS) in a dump's own file: where they are.
 *
 * Does not know which registers they are, and does not look into the kernel's memory, where the notes of a crash are too (report/cpulist.h).
 *
 * Source: elf(5); Linux include/linux/elfcore.h.
 */
#ifndef REPORT_PRSTATUS_H
#define REPORT_PRSTATUS_H

#include <stddef.h>
#include <stdint.h>

#include "core/vmcore.h"

/** Bytes. */
enum {
	PRSTATUS_HEADER_BYTES = 12, /**< Of a note: sizes of its name and of its content, and its kind. */
	PRSTATUS_REGISTERS = 112, /**< Where pr_reg is: struct elf_prstatus begins with struct elf_prstatus_common. */
};

/** The size of a name or content with what fills it up. @param[in] size_bytes It. */
static inline uint64_t prstatus_align(uint64_t size_bytes)
{
	return (size_bytes + 3) & ~(uint64_t)3;
}

/** Least size of a content. @param[in] word_count Registers, of 8 bytes. */
static inline size_t prstatus_bytes(size_t word_count)
{
	return PRSTATUS_REGISTERS + 8 * word_count;
}

/**
 * Registers of a note. The notes are in the order of the CPUs that had any.
 *
 * @param[in] core The dump.
 * @param[in] number Of the note.
 * @param[in] word_count Registers that it must have at least, of 8 bytes.
 * @param[out] count_ret How many there are before it; all, if it is not there.
 * @return They, in the dump's byte order, as long as the dump is open; NULL: there are less notes.
 */
const uint8_t *prstatus_find(const struct vmcore *core, uint32_t number, size_t word_count, uint32_t *count_ret);

/** How many notes of registers there are. @param[in] core The dump. */
uint32_t prstatus_count(const struct vmcore *core);

#endif
