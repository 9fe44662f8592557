// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/btf_section.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/imagesearch.h"

// include/uapi/linux/btf.h
enum {
	BTF_MAGIC = 0xeb9f,
	POINTER_BYTES = 8,
	// Types, or names, of a kernel: 10 MiB.
	SECTION_MAX_BYTES = 64 << 20,
	// Types and members looked at. A kernel has 120,000 types; a limit for those that refer to each other without end.
	STEPS_MAX = 16 << 20,
};
struct error *btf_get(struct btf *btf, uint64_t vaddr, void *buf, size_t size_bytes)
{
	uint8_t *out = buf;

	while (size_bytes) {
		uint64_t skip = vaddr - btf->window_vaddr;
		size_t part;

		if (skip >= btf->window_bytes) {
			// Not beyond the page: what follows need not be mapped.
			size_t room = BTF_WINDOW_BYTES - (size_t)(vaddr % BTF_WINDOW_BYTES);
			struct error *err = xlat_read(btf->xlat, btf->reader, vaddr, btf->window, room);

			btf->window_vaddr = vaddr;
			btf->window_bytes = err ? 0 : room;
			if (err)
				return error_wrap(err, "BTF");
			skip = 0;
		}
		part = btf->window_bytes - (size_t)skip;
		part = part < size_bytes ? part : size_bytes;
		memcpy(out, btf->window + skip, part);
		out += part;
		vaddr += part;
		size_bytes -= part;
	}
	return NULL;
}

uint32_t btf_word(const struct btf *btf, const uint8_t *raw)
{
	return load_u32(raw, btf->is_big_endian);
}

// Bytes that follow the fixed part of a type.
static uint64_t trailer_bytes(enum btf_kind kind, uint32_t count)
{
	switch (kind) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return 12;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 12 * (uint64_t)count;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 8 * (uint64_t)count;
	default:
		return 0;
	}
}

struct btf_type btf_decode_type(const uint8_t raw[BTF_TYPE_BYTES], bool is_big_endian, uint64_t at)
{
	uint32_t info = load_u32(raw + 4, is_big_endian), count = info & 0xffff;
	enum btf_kind kind = (enum btf_kind)(info >> 24 & 0x1f);

	return (struct btf_type){.at = at,
	                         .name = load_u32(raw, is_big_endian),
	                         .kind = kind,
	                         .kind_flag = info >> 31,
	                         .count = count,
	                         .value = load_u32(raw + 8, is_big_endian),
	                         .bytes = BTF_TYPE_BYTES + trailer_bytes(kind, count)};
}

struct error *btf_step(struct btf *btf)
{
	if (!btf->steps_left)
		return error_new(ERROR_BAD_DATA, "BTF: types without end");
	btf->steps_left--;
	return NULL;
}

struct error *btf_read_type(struct btf *btf, uint64_t at, struct btf_type *ret)
{
	uint8_t raw[BTF_TYPE_BYTES];
	struct error *err = btf_step(btf);

	if (err)
		return err;
	if (at > btf->types_bytes || btf->types_bytes - at < BTF_TYPE_BYTES)
		return error_new(ERROR_BAD_DATA, "BTF: a type at %#jx", (uintmax_t)at);
	err = btf_get(btf, btf->types_vaddr + at, raw, sizeof(raw));
	if (err)
		return err;
	*ret = btf_decode_type(raw, btf->is_big_endian, at);
	if (!ret->kind || ret->kind > BTF_KIND_ENUM64 || ret->bytes > btf->types_bytes - at)
		return error_new(ERROR_BAD_DATA, "BTF: kind %u at %#jx", (unsigned int)ret->kind, (uintmax_t)at);
	return NULL;
}

struct error *btf_find_type(struct btf *btf, uint32_t number, struct btf_type *ret)
{
	uint64_t at;
	struct error *err;

	if (!number || (number - 1) / BTF_INDEX_STEP >= btf->index_count)
		return error_new(ERROR_BAD_DATA, "BTF: there is no type %u", number);
	at = btf->index[(number - 1) / BTF_INDEX_STEP];
	for (uint32_t left = (number - 1) % BTF_INDEX_STEP;; left--) {
		err = btf_read_type(btf, at, ret);
		if (err || !left)
			return err;
		at += ret->bytes;
	}
}

struct error *btf_add_to_index(struct btf *btf, uint64_t at)
{
	if (btf->index_count == btf->index_room) {
		size_t room = btf->index_room ? 2 * btf->index_room : 64;
		uint32_t *index = reallocarray(btf->index, room, sizeof(*index));

		if (!index)
			return error_new(ERROR_NOMEM, "out of memory");
		btf->index = index;
		btf->index_room = room;
	}
	btf->index[btf->index_count++] = (uint32_t)at;
	return NULL;
}

// Where the sections are, by the header. Types come first, then names.
struct error *btf_read_header(struct btf *btf, uint64_t vaddr, uint64_t room)
{
	uint32_t header, type_offset, type_bytes, string_offset, string_bytes;
	uint8_t raw[BTF_HEADER_BYTES];
	struct error *err = btf_get(btf, vaddr, raw, sizeof(raw));

	if (err)
		return err;
	header = btf_word(btf, raw + 4);
	type_offset = btf_word(btf, raw + 8);
	type_bytes = btf_word(btf, raw + 12);
	string_offset = btf_word(btf, raw + 16);
	string_bytes = btf_word(btf, raw + 20);
	if (load_u16(raw, btf->is_big_endian) != BTF_MAGIC || raw[2] != 1 || header < BTF_HEADER_BYTES ||
	    type_bytes > SECTION_MAX_BYTES || string_bytes > SECTION_MAX_BYTES ||
	    (uint64_t)header + type_offset + type_bytes > room ||
	    (uint64_t)header + string_offset + string_bytes > room)
		return error_new(ERROR_BAD_DATA, "BTF: bad header");
	btf->vaddr = vaddr;
	btf->types_vaddr = vaddr + header + type_offset;
	btf->types_bytes = type_bytes;
	btf->strings_vaddr = vaddr + header + string_offset;
	btf->strings_bytes = string_bytes;
	return NULL;
}

// Names begin with that of what has none, and end.
static bool is_section(void *context, uint64_t vaddr)
{
	struct btf *btf = context;
	struct error *err = btf_read_header(btf, vaddr, 2 * (uint64_t)SECTION_MAX_BYTES);
	uint8_t first = 1, last = 1;

	if (!err && btf->types_bytes && btf->strings_bytes)
		err = btf_get(btf, btf->strings_vaddr, &first, 1);
	if (!err && !first)
		err = btf_get(btf, btf->strings_vaddr + btf->strings_bytes - 1, &last, 1);
	error_free(err);
	return !err && !last;
}

struct btf *btf_new(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader)
{
	struct btf *btf = calloc(1, sizeof(*btf));

	if (!btf)
		return NULL;
	btf->xlat = xlat;
	btf->reader = reader;
	btf->is_big_endian = core->is_big_endian;
	btf->steps_left = STEPS_MAX;
	return btf;
}

struct error *btf_open_section(struct btf *btf, const struct vmcore *core, const struct kallsyms *syms)
{
	// struct btf_header up to type_off.
	static const uint8_t little[] = {0x9f, 0xeb, 1, 0, BTF_HEADER_BYTES, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t big[] = {0xeb, 0x9f, 1, 0, 0, 0, 0, BTF_HEADER_BYTES, 0, 0, 0, 0};
	struct kallsyms_query ends[] = {{.name = "__start_BTF"}, {.name = "__stop_BTF"}};
	struct error *err = kallsyms_lookup(syms, btf->reader, ends, array_size(ends));

	if (err)
		return err;
	if (ends[0].is_found && ends[1].is_found && ends[1].vaddr - ends[0].vaddr >= BTF_HEADER_BYTES)
		return btf_read_header(btf, ends[0].vaddr, ends[1].vaddr - ends[0].vaddr);
	// Kernels without CONFIG_KALLSYMS_ALL know their functions only.
	if (!imagesearch(core, btf->xlat, btf->reader, core->is_big_endian ? big : little, sizeof(big), is_section,
	                 btf))
		return error_new(ERROR_UNSUPPORTED, "the kernel carries no BTF");
	return NULL;
}

struct error *btf_find(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms *syms,
                       struct vmreader *reader, struct kallsyms_extent *ret)
{
	_cleanup_free_ struct btf *btf = btf_new(core, xlat, reader);
	struct error *err = btf ? btf_open_section(btf, core, syms) : error_new(ERROR_NOMEM, "out of memory");

	if (!err)
		*ret = (struct kallsyms_extent){btf->vaddr, btf->strings_vaddr + btf->strings_bytes};
	return err;
}

struct error *btf_size_of(struct btf *btf, uint32_t number, uint64_t *ret)
{
	uint64_t factor = 1;

	*ret = 0;
	for (unsigned int i = 0; number && i < BTF_CHAIN_MAX; i++) {
		uint8_t raw[12];
		struct btf_type type;
		struct error *err = btf_find_type(btf, number, &type);

		if (err)
			return err;
		switch (type.kind) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
			*ret = factor * type.value;
			return NULL;
		case BTF_KIND_PTR:
			*ret = factor * POINTER_BYTES;
			return NULL;
		case BTF_KIND_ARRAY: // Number of the element's type, of the index's type, elements.
			err = btf_get(btf, btf->types_vaddr + type.at + BTF_TYPE_BYTES, raw, sizeof(raw));
			if (err)
				return err;
			number = btf_word(btf, raw);
			factor *= btf_word(btf, raw + 8);
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			number = type.value;
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}

struct error *btf_strip(struct btf *btf, uint32_t number, struct btf_type *ret)
{
	struct error *err = btf_find_type(btf, number, ret);

	for (unsigned int i = 0; !err && i < BTF_CHAIN_MAX; i++) {
		if (ret->kind != BTF_KIND_TYPEDEF && ret->kind != BTF_KIND_CONST && ret->kind != BTF_KIND_VOLATILE &&
		    ret->kind != BTF_KIND_TYPE_TAG)
			break;
		err = btf_find_type(btf, ret->value, ret);
	}
	return err;
}
