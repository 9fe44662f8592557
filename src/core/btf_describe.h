// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A type of the crashed kernel, member by member, for a person to read.
 *
 * Does not read values. Layouts that programs need: core/btf.h.
 */
#ifndef CORE_BTF_DESCRIBE_H
#define CORE_BTF_DESCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/kallsyms.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** Room for a name, and for a type in words. */
enum { BTF_DESCRIBE_NAME_BYTES = 128, BTF_DESCRIBE_TYPE_BYTES = 192 };

/** The type itself, a member of it, or an enumerator. */
struct btf_describe {
	char name[BTF_DESCRIBE_NAME_BYTES]; /**< "": it has none. Printable. */
	char type[BTF_DESCRIBE_TYPE_BYTES]; /**< As C has it, about; of an enumerator "". */
	unsigned int depth; /**< 0: the type; 1: its members; deeper: those of anonymous ones inside. */
	uint64_t offset_bits; /**< From the begin of the type. */
	uint32_t width_bits; /**< Of a bit-field; 0: it is none. */
	uint64_t size_bytes; /**< 0: not known. */
	int64_t value; /**< Of an enumerator. */
};

/**
 * Tell of a type: of itself first, then of its members in their order.
 *
 * @param[in] core The dump.
 * @param[in] xlat Borrowed.
 * @param[in] syms Symbols.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] name Of a structure, union, enumeration, or of a typedef for one; without "struct".
 * @param[in] each Called for each row.
 * @param[in] context For @p each.
 * @return NULL; ERROR_BAD_DATA (also: there is no such type); as btf_find().
 */
struct error *btf_describe(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms *syms,
                           struct vmreader *reader, const char *name,
                           void (*each)(void *context, const struct btf_describe *row), void *context) must_check;

#endif
