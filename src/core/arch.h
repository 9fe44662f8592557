// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Machines: how their kernels lay out page tables, as data.
 *
 * Does not walk anything (core/xlat.h). The machine of a dump is known at run time only.
 */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct vmcoreinfo;
struct xlat;

/** Most sizes of pages of any machine. */
enum { ARCH_PAGE_SIZES_MAX = 3 };

/** Most levels of page tables of any machine. */
enum { ARCH_LEVELS_MAX = 5 };

/** What a page-table entry says. */
enum arch_pte {
	ARCH_PTE_ABSENT, /**< Nothing is mapped. */
	ARCH_PTE_TABLE, /**< Address of the next table. */
	ARCH_PTE_PAGE, /**< Address of a page, of the size of this level. */
};

/**
 * A machine. One const row each in the array in arch.c.
 *
 * Porting guide. For dumps to be opened and filtered:
 * 1. elf_machine, uname_machine, page shifts, physical_bits and default_section_size_bits from the kernel's headers.
 * 2. xlat_init(): root table, levels and how entries hold addresses, from VMCOREINFO. It cannot read memory.
 * 3. pte(): what an entry of a level means; entries have 8 bytes.
 * For the memory of processes to be found (kdump-copy --keep-process):
 * 4. user_entries and user_pte(). Without them (0, NULL) that is refused for the machine.
 * Then add the row, and page tables of the machine in tests/model/paging.py with a spec that uses them.
 */
struct arch {
	const char *name;
	uint16_t elf_machine; /**< EM_* */
	const char *uname_machine; /**< For the header of kdump-compressed files. */
	unsigned int page_shifts[ARCH_PAGE_SIZES_MAX]; /**< Of kernels there are, smallest first; 0 after the last. */
	unsigned int physical_bits; /**< Of the largest physical address the machine can have. */
	uint64_t
		no_execute_mask; /**< Bits of the entry that maps a page: one of them set means that the kernel cannot run what is there. */
	uint64_t read_only_mask, read_only_value; /**< Of that entry: the kernel cannot write what is there. */
	unsigned int function_align_bytes; /**< The kernel's functions begin at multiples of it; 1: anywhere. */
	unsigned int default_section_size_bits; /**< For kernels whose VMCOREINFO is silent. */
	unsigned int default_physmem_bits; /**< The same. */
	unsigned int direct_map_align_bits; /**< KASLR moves the direct map by multiples of 2 to this. */
	/** NUMBER() in VMCOREINFO that makedumpfile puts into the header of kdump-compressed files as phys_base. */
	const char *phys_base_number;
	/**
	 * Fill what struct xlat has behind its dump. Errors: ERROR_BAD_DATA with the name of the missing value, or that of
	 * one that cannot be.
	 */
	struct error *(*xlat_init)(struct xlat *xlat, const struct vmcoreinfo *info);
	/** Meaning of an entry; level 0 maps pages of the smallest size. */
	enum arch_pte (*pte)(uint64_t entry, unsigned int level);
	/** Entries of the root table of a process, from the first one on, that are for its own memory; all, if it has fewer. */
	unsigned int user_entries;
	/**
	 * As pte(), for tables of processes. There a page may be in memory although the processor is told that it is not; if
	 * its address is kept in another form then, the entry is changed to the usual one.
	 */
	enum arch_pte (*user_pte)(uint64_t *entry, unsigned int level);
};

/**
 * Find a machine.
 *
 * @param[in] elf_machine EM_* value of an ELF header.
 * @return A row of the table; static. NULL if the machine is not known.
 */
const struct arch *arch_find(uint16_t elf_machine);

/**
 * Find a machine by the name that uname(2) gives.
 *
 * @param[in] name Not ended by NUL.
 * @param[in] name_bytes Its length.
 * @return A row of the table; static. NULL if the machine is not known.
 */
const struct arch *arch_find_uname(const char *name, size_t name_bytes);

/**
 * Whether kernels of a machine can have pages of a size.
 *
 * @param[in] arch The machine.
 * @param[in] page_bytes Any number.
 * @param[out] page_shift_ret Its logarithm; untouched if not.
 * @return See there.
 */
bool arch_page_shift(const struct arch *arch, uint64_t page_bytes, unsigned int *page_shift_ret);

/** arm64, in arch_arm64.c. */
extern const struct arch arch_arm64;

/** x86-64, in arch_x86_64.c. */
extern const struct arch arch_x86_64;

#endif
