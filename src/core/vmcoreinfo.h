// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the crashed kernel says of itself: the KEY=VALUE lines of its VMCOREINFO note.
 *
 * Does not know what any key means and does not read memory.
 * Source: Linux Documentation/admin-guide/kdump/vmcoreinfo.rst.
 */
#ifndef CORE_VMCOREINFO_H
#define CORE_VMCOREINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/** The text of the note. Read-only after _init; may be shared by threads. */
struct vmcoreinfo {
	char *text; /**< Lines, NUL at the end; owned. */
	size_t size_bytes;
};

/**
 * Copy the text of a VMCOREINFO note.
 *
 * @param[out] ret Result; vmcoreinfo_deinit() it.
 * @param[in] text Bytes of the note's descriptor; need not end in NUL.
 * @param[in] size_bytes Their number.
 * @return NULL; ERROR_NOMEM.
 */
struct error *vmcoreinfo_init(struct vmcoreinfo *ret, const char *text, size_t size_bytes) must_check;

/** Free the text. @param[in] info May be zeroed. */
void vmcoreinfo_deinit(struct vmcoreinfo *info);

/**
 * Value of a line.
 *
 * @param[in] info The note.
 * @param[in] key As it stands before "=", e.g. "OSRELEASE" or "SYMBOL(mem_section)".
 * @param[out] size_ret Bytes of the value, without the end of the line.
 * @return First byte of the value, not NUL-terminated; NULL if there is no such line.
 */
const char *vmcoreinfo_find(const struct vmcoreinfo *info, const char *key, size_t *size_ret);

/**
 * Copy a value as a string, cut to the room there is.
 *
 * @param[in] info The note.
 * @param[in] key The key.
 * @param[out] buf Room for the value; "" if there is none.
 * @param[in] room_bytes Size of @p buf, at least 1.
 * @return Whether the line is there.
 */
bool vmcoreinfo_string(const struct vmcoreinfo *info, const char *key, char *buf, size_t room_bytes);

/** Address of a symbol: SYMBOL(name), hexadecimal. @param[in] info The note. @param[in] name Symbol. @param[out] ret Untouched if not there. @return Whether it is there. */
bool vmcoreinfo_symbol(const struct vmcoreinfo *info, const char *name, uint64_t *ret);

/** Size of a type in bytes: SIZE(name), decimal. @param[in] info The note. @param[in] name Type. @param[out] ret Untouched if not there. @return Whether it is there. */
bool vmcoreinfo_size(const struct vmcoreinfo *info, const char *name, uint64_t *ret);

/** Offset of a member in bytes: OFFSET(struct.member), decimal. @param[in] info The note. @param[in] name "struct.member". @param[out] ret Untouched if not there. @return Whether it is there. */
bool vmcoreinfo_offset(const struct vmcoreinfo *info, const char *name, uint64_t *ret);

/** Elements of an array: LENGTH(name), decimal. @param[in] info The note. @param[in] name Array. @param[out] ret Untouched if not there. @return Whether it is there. */
bool vmcoreinfo_length(const struct vmcoreinfo *info, const char *name, uint64_t *ret);

/** A number: NUMBER(name), decimal with sign, or hexadecimal with 0x (arm64). @param[in] info The note. @param[in] name Constant. @param[out] ret Untouched if not there. @return Whether it is there. */
bool vmcoreinfo_number(const struct vmcoreinfo *info, const char *name, int64_t *ret);

#endif
