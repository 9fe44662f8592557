// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The BTF section of the crashed kernel, type by type: what btf.c and btf_describe.c share.
 *
 * Does not look for names. Source: Linux Documentation/bpf/btf.rst; include/uapi/linux/btf.h.
 */
#ifndef CORE_BTF_SECTION_H
#define CORE_BTF_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/btf.h"
#include "core/kallsyms.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** Kinds of types (include/uapi/linux/btf.h). */
enum btf_kind {
	BTF_KIND_INT = 1,
	BTF_KIND_PTR = 2,
	BTF_KIND_ARRAY = 3,
	BTF_KIND_STRUCT = 4,
	BTF_KIND_UNION = 5,
	BTF_KIND_ENUM = 6,
	BTF_KIND_FWD = 7,
	BTF_KIND_TYPEDEF = 8,
	BTF_KIND_VOLATILE = 9,
	BTF_KIND_CONST = 10,
	BTF_KIND_RESTRICT = 11,
	BTF_KIND_FUNC = 12,
	BTF_KIND_FUNC_PROTO = 13,
	BTF_KIND_VAR = 14,
	BTF_KIND_DATASEC = 15,
	BTF_KIND_FLOAT = 16,
	BTF_KIND_DECL_TAG = 17,
	BTF_KIND_TYPE_TAG = 18,
	BTF_KIND_ENUM64 = 19,
};

/** Sizes and limits. */
enum {
	BTF_HEADER_BYTES = 24, /**< Of the section's header. */
	BTF_TYPE_BYTES = 12, /**< Of the fixed part of a type. */
	BTF_WINDOW_BYTES = 4096,
	/** One position is kept for so many types: to find a type by its number, at most so many are skipped. */
	BTF_INDEX_STEP = 256,
	/** Longest name that is looked for; the longest of the kernel's members has about 50 bytes. */
	BTF_NAME_MAX_BYTES = 128,
	/** Anonymous structures inside of each other; pahole prints at most 5 levels for any type of the kernel. */
	BTF_NESTING_MAX = 16,
	BTF_CHAIN_MAX = 64, /**< const, volatile, typedef and arrays in a row. */
	BTF_WANTED_BITS = 8192,
};

/** A section that is read. */
struct btf {
	const struct xlat *xlat;
	struct vmreader *reader;
	bool is_big_endian;
	uint64_t vaddr;
	uint64_t types_vaddr, types_bytes;
	uint64_t strings_vaddr, strings_bytes;
	uint64_t steps_left;
	uint8_t wanted[BTF_WANTED_BITS / 8]; /**< Which names may be among those that are looked for. */
	uint32_t *index; /**< Position of type 1 + n * BTF_INDEX_STEP. free() it. */
	size_t index_count, index_room;
	uint64_t window_vaddr;
	size_t window_bytes;
	uint8_t window[BTF_WINDOW_BYTES];
};

/** A type's fixed part, and where it is. */
struct btf_type {
	uint64_t at; /**< Position in the type section. */
	uint32_t name; /**< Offset of its name. */
	enum btf_kind kind;
	bool kind_flag;
	uint32_t count; /**< Members, enumerators … */
	uint32_t value; /**< Size, or number of another type. */
	uint64_t bytes; /**< With what follows it. */
};

/** Make one, before it is opened. @param[in] core The dump. @param[in] xlat Borrowed. @param[in] reader Borrowed. @return free() it, and its index; NULL: no memory. */
struct btf *btf_new(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader);

/** Find it by the kernel's symbols, or by its shape. @param[in,out] btf New. @param[in] core The dump. @param[in] syms Symbols. @return NULL; as btf_find(). */
struct error *btf_open_section(struct btf *btf, const struct vmcore *core, const struct kallsyms *syms) must_check;

/** Open it where it is. @param[in,out] btf New. @param[in] vaddr Of its header. @param[in] room Bytes that it has at most. @return NULL; ERROR_BAD_DATA; as xlat_read(). */
struct error *btf_read_header(struct btf *btf, uint64_t vaddr, uint64_t room) must_check;

/** Copy bytes of it. @param[in,out] btf The section. @param[in] vaddr First byte. @param[out] buf Bytes. @param[in] size_bytes Their number. @return NULL; as xlat_read(). */
struct error *btf_get(struct btf *btf, uint64_t vaddr, void *buf, size_t size_bytes) must_check;

/** A type's fixed part. @param[in] raw Its bytes. @param[in] is_big_endian Their byte order. @param[in] at Its position. @return It; whether it makes sense was not looked at. */
struct btf_type btf_decode_type(const uint8_t raw[BTF_TYPE_BYTES], bool is_big_endian, uint64_t at);

/** A number of 32 bits in it. @param[in] btf The section. @param[in] raw Its bytes. @return See there. */
uint32_t btf_word(const struct btf *btf, const uint8_t *raw);

/** Count a step of the work: types that refer to each other without end end here. @param[in,out] btf The section. @return NULL; ERROR_BAD_DATA. */
struct error *btf_step(struct btf *btf) must_check;

/** Read the type at a position. @param[in,out] btf The section. @param[in] at Position. @param[out] ret It. @return NULL; ERROR_BAD_DATA; as xlat_read(). */
struct error *btf_read_type(struct btf *btf, uint64_t at, struct btf_type *ret) must_check;

/** Read the type of a number; the index must reach there. @param[in,out] btf The section. @param[in] number From 1. @param[out] ret It. @return As btf_read_type(). */
struct error *btf_find_type(struct btf *btf, uint32_t number, struct btf_type *ret) must_check;

/** Add a position to the index: that of each BTF_INDEX_STEP-th type. @param[in,out] btf The section. @param[in] at Position. @return NULL; ERROR_NOMEM. */
struct error *btf_add_to_index(struct btf *btf, uint64_t at) must_check;

/** Size of a type. @param[in,out] btf The section. @param[in] number Of the type. @param[out] ret Bytes; 0: it has none. @return As btf_read_type(). */
struct error *btf_size_of(struct btf *btf, uint32_t number, uint64_t *ret) must_check;

/** The structure or union behind names and qualifiers. @param[in,out] btf The section. @param[in] number Of a type. @param[out] ret It; of another kind if there is none. @return As btf_read_type(). */
struct error *btf_strip(struct btf *btf, uint32_t number, struct btf_type *ret) must_check;

#endif
