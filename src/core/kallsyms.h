// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Names and addresses of the crashed kernel's symbols, from the compressed table in its own memory.
 *
 * Does not know symbols of modules and keeps no copy of the table.
 */
#ifndef CORE_KALLSYMS_H
#define CORE_KALLSYMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmreader.h"
#include "core/xlat.h"

struct kallsyms;

/** Room for a name; KSYM_NAME_LEN of include/linux/kallsyms.h is 512 since v6.1. Longer ones are cut. */
enum { KALLSYMS_NAME_BYTES = 512 };

/**
 * Find the symbol table: by the kallsyms_* lines of VMCOREINFO (since v6.0), else by a search of the kernel image.
 *
 * @param[in] core The dump; borrowed.
 * @param[in] xlat Borrowed.
 * @param[in,out] reader Owned by the calling thread.
 * @param[out] ret The table; kallsyms_destroy() it.
 * @return NULL; ERROR_BAD_DATA (there is none, or it does not verify); ERROR_FAULT; ERROR_NOMEM.
 */
struct error *kallsyms_create(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader,
                              struct kallsyms **ret) must_check;

/** Number of symbols. @param[in] syms The table. @return See there. */
uint64_t kallsyms_count(const struct kallsyms *syms);

/** A range of virtual addresses. */
struct kallsyms_extent {
	uint64_t vaddr, vaddr_end;
};

/** Where the table is, all parts of it. @param[in] syms The table. @return See there; what the dump says may be any range. */
struct kallsyms_extent kallsyms_extent(const struct kallsyms *syms);

/** Free. @param[in] syms May be NULL. */
void kallsyms_destroy(struct kallsyms *syms);

/** Guard form of kallsyms_destroy(). @param[in] syms Address of the variable. */
static inline void kallsyms_destroyp(struct kallsyms **syms)
{
	kallsyms_destroy(*syms);
}

/** A name to look up and what was found. */
struct kallsyms_query {
	const char *name;
	uint64_t vaddr; /**< Filled in. */
	bool is_found; /**< Filled in. */
	char type; /**< Its letter as nm(1) has it, filled in. */
};

/**
 * Look up names, all in one pass over the table.
 *
 * Of several symbols with one name the first counts, and a data symbol before any other.
 *
 * @param[in] syms The table.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in,out] queries What to look for, and the answers.
 * @param[in] count Their number.
 * @return NULL (also if names are not found); ERROR_FAULT; ERROR_BAD_DATA.
 */
struct error *kallsyms_lookup(const struct kallsyms *syms, struct vmreader *reader, struct kallsyms_query *queries,
                              size_t count) must_check;

/** A symbol by its address. */
struct kallsyms_symbol {
	uint64_t vaddr; /**< Where it begins. */
	uint64_t vaddr_end; /**< Where the next one begins that begins elsewhere; its own address if there is none. */
	char type; /**< Its letter as nm(1) has it. */
	char name[KALLSYMS_NAME_BYTES];
};

/**
 * Find the symbol that an address lies in, or behind: the last one that does not begin behind it; of several that begin at one place
 * one that is none of the linker's marks, a global one if there is one, the last of them.
 *
 * @param[in] syms The table.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] vaddr Any address.
 * @param[out] ret The symbol.
 * @param[out] is_found_ret Whether there is one.
 * @return NULL; ERROR_FAULT; ERROR_BAD_DATA.
 */
struct error *kallsyms_at(const struct kallsyms *syms, struct vmreader *reader, uint64_t vaddr,
                          struct kallsyms_symbol *ret, bool *is_found_ret) must_check;

/**
 * Tell of all symbols that have a name, in the order of the table.
 *
 * @param[in] syms The table.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] name What to look for; NULL: all names.
 * @param[in] each Called for each; only name, type and vaddr are set.
 * @param[in] context For @p each.
 * @return NULL; ERROR_FAULT; ERROR_BAD_DATA.
 */
struct error *kallsyms_each(const struct kallsyms *syms, struct vmreader *reader, const char *name,
                            void (*each)(void *context, const struct kallsyms_symbol *symbol),
                            void *context) must_check;

#endif
