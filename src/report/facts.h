// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Symbols and members of structures that one part of what is told at a desk needs, by a table of its own.
 *
 * Not for the report of the capture kernel, which has less memory and time: what that needs is in report/kernel.h.
 */
#ifndef REPORT_FACTS_H
#define REPORT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Query of facts_init() for a member. */
#define FACTS_MEMBER(type_, member_)                                                                                   \
	{                                                                                                              \
		.type = (type_), .member = (member_)                                                                   \
	}
/** The same for an enumerator of an enumeration. */
#define FACTS_ENUMERATOR(type_, name_)                                                                                 \
	{                                                                                                              \
		.type = (type_), .member = (name_), .is_enumerator = true                                              \
	}

/** What was found. Numbers are those of the tables. */
struct facts {
	struct kernel *kernel;
	const char *const *names; /**< Of the symbols; borrowed. */
	uint64_t *symbols; /**< Their addresses; 0: not there. */
	struct btf_query *members;
	char types_why[KERNEL_WHY_BYTES]; /**< Why types are not known; "": they are. */
};

/**
 * Look all of it up, in one pass over the symbols and one over the types. What is not there is no error.
 *
 * @param[out] ret facts_deinit() it.
 * @param[in,out] kernel Borrowed.
 * @param[in] names Names of symbols; borrowed.
 * @param[in] name_count Their number.
 * @param[in] members What to look for in the types; copied.
 * @param[in] member_count Their number.
 * @return NULL; ERROR_NOMEM.
 */
struct error *facts_init(struct facts *ret, struct kernel *kernel, const char *const *names, size_t name_count,
                         const struct btf_query *members, size_t member_count) must_check;

/** Free. @param[in] facts May be zeroed. */
void facts_deinit(struct facts *facts);

#define _cleanup_facts_ _cleanup_(facts_deinit)

/** Whether a member is there. @param[in] facts See there. @param[in] which Its number. @return See there. */
bool facts_has(const struct facts *facts, unsigned int which);

/**
 * That all of some members are there.
 *
 * @param[in] facts See there.
 * @param[in] which Their numbers.
 * @param[in] count How many.
 * @return NULL; ERROR_UNSUPPORTED: the text names the first that is not, or says why there are no types.
 */
struct error *facts_need(const struct facts *facts, const unsigned int *which, size_t count) must_check;

/** Size of a member or a type. @param[in] facts See there. @param[in] which Its number. @return Bytes; 0: it is not there. */
uint64_t facts_bytes(const struct facts *facts, unsigned int which);

/** Address of a member. @param[in] facts See there. @param[in] vaddr Of the structure. @param[in] which A member that is there. @return See there. */
uint64_t facts_at(const struct facts *facts, uint64_t vaddr, unsigned int which);

/**
 * Read a member that is a number or an address.
 *
 * @param[in] facts See there.
 * @param[in] vaddr Of the structure.
 * @param[in] which Its number.
 * @param[out] ret Its value.
 * @return NULL; ERROR_UNSUPPORTED (it is not there, or is no number); as vmemory_uint().
 */
struct error *facts_get(const struct facts *facts, uint64_t vaddr, unsigned int which, uint64_t *ret) must_check;

/** Address of a symbol. @param[in] facts See there. @param[in] which Its number. @param[out] ret See there. @return NULL; ERROR_UNSUPPORTED: it is not there; the text names it. */
struct error *facts_symbol(const struct facts *facts, unsigned int which, uint64_t *ret) must_check;

/** Read a variable. @param[in] facts See there. @param[in] which Number of its symbol. @param[in] size_bytes Its size. @param[out] ret Its value. @return NULL; as facts_symbol(), vmemory_uint(). */
struct error *facts_variable(const struct facts *facts, unsigned int which, size_t size_bytes,
                             uint64_t *ret) must_check;

/** A number of the kernel's that may be below 0. @param[in] raw Its bytes. @param[in] size_bytes 4 or 8. @return See there. */
int64_t facts_signed(uint64_t raw, size_t size_bytes);

#endif
