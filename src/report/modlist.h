// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The modules of the crashed kernel: where they are, and where each keeps its symbols and its tables for unwinding.
 *
 * Does not read those (report/symbols.h, report/orc.h).
 */
#ifndef REPORT_MODLIST_H
#define REPORT_MODLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Limits. */
enum {
	MODLIST_MAX =
		4096, /**< Most modules; a distribution's kernel has 5,000 in all, of which a machine loads 200. */
	MODLIST_RANGES_MAX =
		8, /**< Pieces of memory of a module (Linux include/linux/module.h: enum mod_mem_type, 7). */
	MODLIST_NAME_BYTES = 64, /**< Room for a name (MODULE_NAME_LEN, less on 64-bit machines). */
};

/** Addresses [vaddr, vaddr + size_bytes). */
struct modlist_range {
	uint64_t vaddr;
	uint64_t size_bytes;
	bool is_code; /**< There is code in it, maybe beside other things. */
};

/** A module. */
struct modlist_module {
	uint64_t vaddr; /**< Its struct module. */
	char name[MODLIST_NAME_BYTES];
	uint64_t taints; /**< Bits, as of the kernel's. */
	uint64_t size_bytes; /**< Of all that is kept in memory. */
	struct modlist_range
		ranges[MODLIST_RANGES_MAX]; /**< The first one has its code. Those of no size are left out. */
	size_t range_count;
	uint64_t kallsyms_vaddr; /**< struct mod_kallsyms; 0: not known. */
	uint64_t orc_vaddr; /**< Its struct orc_entry. */
	uint64_t orc_ip_vaddr; /**< Where they apply. */
	uint32_t orc_count; /**< 0: there are none, or they are not known. */
};

/** All of them, the last that was loaded first, as the kernel has them. */
struct modlist {
	struct modlist_module *list;
	size_t count;
	char why[KERNEL_WHY_BYTES]; /**< Why there may be others; "": these are all. */
};

/** Read the list. @param[in,out] kernel The kernel. @param[out] ret The list, as far as it can be read; modlist_deinit() it. */
void modlist_init(struct modlist *ret, struct kernel *kernel);

/** Free. @param[in] modules May be zeroed. */
void modlist_deinit(struct modlist *modules);

/** Whether an address is that of code of a module. @param[in] modules The list. @param[in] vaddr Any address. @return See there. */
bool modlist_is_code(const struct modlist *modules, uint64_t vaddr);

/** The module that an address lies in. @param[in] modules The list. @param[in] vaddr Any address. @return NULL: none. */
const struct modlist_module *modlist_find(const struct modlist *modules, uint64_t vaddr);

#endif
