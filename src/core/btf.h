// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Structure layouts and enumerators from the BTF in the crashed kernel's own memory.
 *
 * Does not copy the type section and does not know types of modules.
 * Source: Linux Documentation/bpf/btf.rst; include/uapi/linux/btf.h.
 */
#ifndef CORE_BTF_H
#define CORE_BTF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/kallsyms.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** A layout to look up and what was found. */
struct btf_query {
	const char *type; /**< Name of a structure, union, or enumeration; for enumerators NULL: any enumeration. */
	const char *
		member; /**< Name of a member (also of an anonymous one inside) or enumerator; NULL: the type itself. */
	bool is_enumerator; /**< Look for an enumerator: the value is its number. */
	bool is_found; /**< Filled in. */
	uint64_t offset_bytes; /**< Of the member, filled in. */
	uint64_t size_bytes; /**< Of the member (0 if unknown) or the type, filled in. */
	int64_t value; /**< Of the enumerator, filled in. */
};

/**
 * Where the kernel's types are: from its symbols, or, as kernels without CONFIG_KALLSYMS_ALL have symbols of their functions
 * only, by a search of its image.
 *
 * @param[in] core The dump.
 * @param[in] xlat Borrowed.
 * @param[in] syms Symbols, for __start_BTF and __stop_BTF.
 * @param[in,out] reader Owned by the calling thread.
 * @param[out] ret Where, from the header to the last name.
 * @return NULL; ERROR_UNSUPPORTED (the kernel carries no BTF); ERROR_BAD_DATA; ERROR_FAULT; ERROR_NOMEM.
 */
struct error *btf_find(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms *syms,
                       struct vmreader *reader, struct kallsyms_extent *ret) must_check;

/**
 * Look up layouts, in two passes over BTF, with memory that does not depend on its size.
 *
 * @param[in] core The dump.
 * @param[in] xlat Borrowed.
 * @param[in] syms Symbols, for __start_BTF and __stop_BTF.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in,out] queries What to look for, and the answers.
 * @param[in] count Their number.
 * @return NULL (also if some are not found); ERROR_UNSUPPORTED (the kernel carries no BTF); ERROR_BAD_DATA; ERROR_FAULT;
 *	   ERROR_NOMEM. Where it is damaged, what stands before that is found, and true.
 */
struct error *btf_lookup(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms *syms,
                         struct vmreader *reader, struct btf_query *queries, size_t count) must_check;

/**
 * As btf_lookup(), where it is known already where the types are.
 *
 * @param[in] core The dump.
 * @param[in] xlat Borrowed.
 * @param[in] place From __start_BTF to __stop_BTF, or of btf_find().
 * @param[in,out] reader Owned by the calling thread.
 * @param[in,out] queries What to look for, and the answers.
 * @param[in] count Their number.
 * @return As btf_lookup().
 */
struct error *btf_lookup_at(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms_extent *place,
                            struct vmreader *reader, struct btf_query *queries, size_t count) must_check;

#endif
