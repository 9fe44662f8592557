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

#endif
