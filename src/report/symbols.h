// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Names of addresses and addresses of names, in the kernel and in its modules.
 *
 * Does not know source files and lines: these are in debugging information only.
 */
#ifndef REPORT_SYMBOLS_H
#define REPORT_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"
#include "report/modlist.h"

/** Sizes. */
enum {
	SYMBOLS_NAME_BYTES = 128, /**< Room for a name; longer ones are cut. */
	SYMBOLS_TEXT_BYTES = SYMBOLS_NAME_BYTES + MODLIST_NAME_BYTES + 32, /**< Room for symbols_format(). */
};

/** What is at an address. */
struct symbols_place {
	char name[SYMBOLS_NAME_BYTES]; /**< Of the symbol; "": none. */
	uint64_t vaddr; /**< Where it begins. */
	uint64_t offset_bytes; /**< Of the address, from there. */
	uint64_t size_bytes; /**< Of it; 0: not known. */
	char type; /**< Its letter as nm(1) has it. */
	const struct modlist_module *module; /**< NULL: it is the kernel's. */
};

/** Names that were looked up lately are kept: threads sleep in the same few functions. */
struct symbols;

/**
 * Make it.
 *
 * @param[in] kernel Borrowed.
 * @param[in] modules Borrowed.
 * @param[out] ret symbols_destroy() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *symbols_create(struct kernel *kernel, const struct modlist *modules, struct symbols **ret) must_check;

/** Free. @param[in] symbols May be NULL. */
void symbols_destroy(struct symbols *symbols);

/** Guard form of symbols_destroy(). @param[in] symbols Address of the variable. */
static inline void symbols_destroyp(struct symbols **symbols)
{
	symbols_destroy(*symbols);
}

/** The modules. @param[in] symbols See there. @return Borrowed. */
const struct modlist *symbols_modules(const struct symbols *symbols);

/**
 * What is at an address. That nothing is known of it is no error: see name and module.
 *
 * @param[in,out] symbols See there.
 * @param[in] vaddr Any address.
 * @param[out] ret Borrows the module.
 */
void symbols_find(struct symbols *symbols, uint64_t vaddr, struct symbols_place *ret);

/** Whether an address is that of code: of the kernel, or of a module that is there. @param[in] symbols See there. @param[in] vaddr Any address. @return See there. */
bool symbols_is_text(const struct symbols *symbols, uint64_t vaddr);

/** Write "name+0x12/0x34 [module]", or the address where nothing is known. @param[in] place What was found. @param[in] vaddr The address. @param[out] text The text. */
void symbols_format(const struct symbols_place *place, uint64_t vaddr, char text[SYMBOLS_TEXT_BYTES]);

/**
 * Tell of all symbols of a name, in the kernel and then in its modules.
 *
 * @param[in,out] symbols See there.
 * @param[in] name The name; NULL: all names.
 * @param[in] each Called for each.
 * @param[in] context For @p each.
 * @return NULL; as kallsyms_each().
 */
struct error *symbols_each(struct symbols *symbols, const char *name,
                           void (*each)(void *context, const struct symbols_place *place), void *context) must_check;

#endif
