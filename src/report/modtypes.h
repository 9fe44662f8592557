// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Structures of a module of the crashed kernel, from the types (BTF) that the kernel keeps of it.
 *
 * These refer to the kernel's own types and names by numbers beyond which their own begin. Only structures that the module defines itself
 * are found, with their members and those of structures without names inside, and without the sizes of members. Modules that were built where the kernel's
 * types were not at hand, as dkms often does, have none.
 * Source: Linux Documentation/bpf/btf.rst; kernel/bpf/btf.c: struct btf_module, struct btf.
 */
#ifndef REPORT_MODTYPES_H
#define REPORT_MODTYPES_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/btf.h"
#include "report/kernel.h"

/**
 * Look up structures of a module.
 *
 * @param[in,out] kernel The kernel.
 * @param[in] module Name of the module, as the kernel has it.
 * @param[in,out] queries What to look for; those that were found before are left as they are. Sizes of members are 0.
 * @param[in] count Their number.
 * @return NULL (also if some are not found); ERROR_UNSUPPORTED: the kernel has no types of this module, the text says why;
 *	   ERROR_BAD_DATA; ERROR_FAULT; ERROR_NOMEM.
 */
struct error *modtypes_find(struct kernel *kernel, const char *module, struct btf_query *queries,
                            size_t count) must_check;

#endif
