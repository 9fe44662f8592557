// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/btf.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/imagesearch.h"

// include/uapi/linux/btf.h
enum {
	BTF_MAGIC = 0xeb9f,
	HEADER_BYTES = 24,
	TYPE_BYTES = 12,
};

enum kind {
	KIND_INT = 1,
	KIND_PTR = 2,
	KIND_ARRAY = 3,
	KIND_STRUCT = 4,
	KIND_UNION = 5,
	KIND_ENUM = 6,
	KIND_FWD = 7,
	KIND_TYPEDEF = 8,
	KIND_VOLATILE = 9,
	KIND_CONST = 10,
	KIND_RESTRICT = 11,
	KIND_FUNC = 12,
	KIND_FUNC_PROTO = 13,
	KIND_VAR = 14,
	KIND_DATASEC = 15,
	KIND_FLOAT = 16,
	KIND_DECL_TAG = 17,
	KIND_TYPE_TAG = 18,
	KIND_ENUM64 = 19,
};

enum {
	WINDOW_BYTES = 4096,
	// One position is kept for so many types: to find a type by its number, at most so many are skipped.
	INDEX_STEP = 256,
	// Longest name that is looked for; the longest of the kernel's members has about 50 bytes.
	NAME_MAX_BYTES = 128,
	// Anonymous structures inside of each other; pahole prints at most 5 levels for any type of the kernel.
	NESTING_MAX = 16,
	// const, volatile, typedef and arrays in a row.
	CHAIN_MAX = 64,
	POINTER_BYTES = 8,
	// Types, or names, of a kernel: 10 MiB.
	SECTION_MAX_BYTES = 64 << 20,
	// Types and members looked at. A kernel has 120,000 types; a limit for those that refer to each other without end.
	STEPS_MAX = 16 << 20,
};

struct btf {
	const struct xlat *xlat;
	struct vmreader *reader;
	bool is_big_endian;
	uint64_t vaddr;
	uint64_t types_vaddr, types_bytes;
	uint64_t strings_vaddr, strings_bytes;
	uint64_t steps_left;
	uint32_t *index; // Position of type 1 + n * INDEX_STEP.
	size_t index_count, index_room;
	uint64_t window_vaddr;
	size_t window_bytes;
	uint8_t window[WINDOW_BYTES];
};

// A type's fixed part, and where it is.
struct type {
	uint64_t at; // Position in the type section.
	uint32_t name; // Offset of its name.
	enum kind kind;
	bool kind_flag;
	uint32_t count; // Members, enumerators …
	uint32_t value; // Size, or number of another type.
	uint64_t bytes; // With what follows it.
};

// What is known of a query while the sections are read.
struct search {
	struct btf_query *query;
	uint32_t type_name, member_name; // Offsets of the names; 0: not there.
	uint64_t type_at; // Position of the type.
	bool has_type;
};

static struct error *get(struct btf *btf, uint64_t vaddr, void *buf, size_t size_bytes)
{
	uint8_t *out = buf;

	while (size_bytes) {
		uint64_t skip = vaddr - btf->window_vaddr;
		size_t part;

		if (skip >= btf->window_bytes) {
			// Not beyond the page: what follows need not be mapped.
			size_t room = WINDOW_BYTES - (size_t)(vaddr % WINDOW_BYTES);
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

static uint32_t word(const struct btf *btf, const uint8_t *raw)
{
	return load_u32(raw, btf->is_big_endian);
}

// Bytes that follow the fixed part of a type.
static uint64_t trailer_bytes(enum kind kind, uint32_t count)
{
	switch (kind) {
	case KIND_INT:
	case KIND_VAR:
	case KIND_DECL_TAG:
		return 4;
	case KIND_ARRAY:
		return 12;
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_DATASEC:
	case KIND_ENUM64:
		return 12 * (uint64_t)count;
	case KIND_ENUM:
	case KIND_FUNC_PROTO:
		return 8 * (uint64_t)count;
	default:
		return 0;
	}
}

static struct error *step(struct btf *btf)
{
	if (!btf->steps_left)
		return error_new(ERROR_BAD_DATA, "BTF: types without end");
	btf->steps_left--;
	return NULL;
}

static struct error *read_type(struct btf *btf, uint64_t at, struct type *ret)
{
	uint8_t raw[TYPE_BYTES];
	struct error *err = step(btf);
	uint32_t info;

	if (err)
		return err;
	if (at > btf->types_bytes || btf->types_bytes - at < TYPE_BYTES)
		return error_new(ERROR_BAD_DATA, "BTF: a type at %#jx", (uintmax_t)at);
	err = get(btf, btf->types_vaddr + at, raw, sizeof(raw));
	if (err)
		return err;
	info = word(btf, raw + 4);
	ret->at = at;
	ret->name = word(btf, raw);
	ret->kind = (enum kind)(info >> 24 & 0x1f);
	ret->kind_flag = info >> 31;
	ret->count = info & 0xffff;
	ret->value = word(btf, raw + 8);
	ret->bytes = TYPE_BYTES + trailer_bytes(ret->kind, ret->count);
	if (!ret->kind || ret->kind > KIND_ENUM64 || ret->bytes > btf->types_bytes - at)
		return error_new(ERROR_BAD_DATA, "BTF: kind %u at %#jx", (unsigned int)ret->kind, (uintmax_t)at);
	return NULL;
}

static struct error *find_type(struct btf *btf, uint32_t number, struct type *ret)
{
	uint64_t at;
	struct error *err;

	if (!number || (number - 1) / INDEX_STEP >= btf->index_count)
		return error_new(ERROR_BAD_DATA, "BTF: there is no type %u", number);
	at = btf->index[(number - 1) / INDEX_STEP];
	for (uint32_t left = (number - 1) % INDEX_STEP;; left--) {
		err = read_type(btf, at, ret);
		if (err || !left)
			return err;
		at += ret->bytes;
	}
}

// Where the sections are, by the header. Types come first, then names.
static struct error *read_header(struct btf *btf, uint64_t vaddr, uint64_t room)
{
	uint32_t header, type_offset, type_bytes, string_offset, string_bytes;
	uint8_t raw[HEADER_BYTES];
	struct error *err = get(btf, vaddr, raw, sizeof(raw));

	if (err)
		return err;
	header = word(btf, raw + 4);
	type_offset = word(btf, raw + 8);
	type_bytes = word(btf, raw + 12);
	string_offset = word(btf, raw + 16);
	string_bytes = word(btf, raw + 20);
	if (load_u16(raw, btf->is_big_endian) != BTF_MAGIC || raw[2] != 1 || header < HEADER_BYTES ||
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
	struct error *err = read_header(btf, vaddr, 2 * (uint64_t)SECTION_MAX_BYTES);
	uint8_t first = 1, last = 1;

	if (!err && btf->types_bytes && btf->strings_bytes)
		err = get(btf, btf->strings_vaddr, &first, 1);
	if (!err && !first)
		err = get(btf, btf->strings_vaddr + btf->strings_bytes - 1, &last, 1);
	error_free(err);
	return !err && !last;
}

static struct btf *btf_new(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader)
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

static struct error *open_section(struct btf *btf, const struct vmcore *core, const struct kallsyms *syms)
{
	// struct btf_header up to type_off.
	static const uint8_t little[] = {0x9f, 0xeb, 1, 0, HEADER_BYTES, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t big[] = {0xeb, 0x9f, 1, 0, 0, 0, 0, HEADER_BYTES, 0, 0, 0, 0};
	struct kallsyms_query ends[] = {{.name = "__start_BTF"}, {.name = "__stop_BTF"}};
	struct error *err = kallsyms_lookup(syms, btf->reader, ends, array_size(ends));

	if (err)
		return err;
	if (ends[0].is_found && ends[1].is_found && ends[1].vaddr - ends[0].vaddr >= HEADER_BYTES)
		return read_header(btf, ends[0].vaddr, ends[1].vaddr - ends[0].vaddr);
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
	struct error *err = btf ? open_section(btf, core, syms) : error_new(ERROR_NOMEM, "out of memory");

	if (!err)
		*ret = (struct kallsyms_extent){btf->vaddr, btf->strings_vaddr + btf->strings_bytes};
	return err;
}

static void match_name(struct search *searches, size_t count, const char *name, uint32_t offset)
{
	for (size_t i = 0; i < count; i++) {
		const struct btf_query *query = searches[i].query;

		if (!searches[i].type_name && query->type && !strcmp(query->type, name))
			searches[i].type_name = offset;
		if (!searches[i].member_name && query->member && !strcmp(query->member, name))
			searches[i].member_name = offset;
	}
}

// First pass: where the wanted names are in the string section. Each string is there once.
static struct error *read_strings(struct btf *btf, struct search *searches, size_t count)
{
	char name[NAME_MAX_BYTES + 1];
	uint64_t start = 0;
	size_t size = 0;

	for (uint64_t at = 0; at < btf->strings_bytes;) {
		uint8_t chunk[512];
		size_t part =
			btf->strings_bytes - at < sizeof(chunk) ? (size_t)(btf->strings_bytes - at) : sizeof(chunk);
		struct error *err = get(btf, btf->strings_vaddr + at, chunk, part);

		if (err)
			return err;
		for (size_t i = 0; i < part; i++) {
			if (size <= NAME_MAX_BYTES)
				name[size++] = (char)chunk[i];
			if (chunk[i])
				continue;
			if (size <= NAME_MAX_BYTES + 1 && !name[size - 1] && size > 1)
				match_name(searches, count, name, (uint32_t)start);
			size = 0;
			start = at + i + 1;
		}
		at += part;
	}
	return NULL;
}

static struct error *add_to_index(struct btf *btf, uint64_t at)
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

// Whether an enumeration has the wanted enumerator; if so the query is answered.
static struct error *find_enumerator(struct btf *btf, const struct type *type, struct search *search)
{
	unsigned int bytes = type->kind == KIND_ENUM64 ? 12 : 8;

	for (uint32_t i = 0; i < type->count; i++) {
		uint8_t raw[12] = {0};
		struct error *err =
			get(btf, btf->types_vaddr + type->at + TYPE_BYTES + (uint64_t)i * bytes, raw, bytes);
		uint32_t low;

		if (err)
			return err;
		if (word(btf, raw) != search->member_name)
			continue;
		low = word(btf, raw + 4);
		if (type->kind == KIND_ENUM64)
			search->query->value = (int64_t)((uint64_t)word(btf, raw + 8) << 32 | low);
		else
			search->query->value = type->kind_flag ? (int64_t)(int32_t)low : (int64_t)low;
		search->query->size_bytes = type->value;
		search->query->is_found = true;
		return NULL;
	}
	return NULL;
}

static struct error *look_at_type(struct btf *btf, const struct type *type, struct search *search)
{
	struct btf_query *query = search->query;
	bool is_enum = type->kind == KIND_ENUM || type->kind == KIND_ENUM64;
	bool is_struct = type->kind == KIND_STRUCT || type->kind == KIND_UNION;
	bool is_named = query->type && search->type_name && type->name == search->type_name;

	if (query->is_found || search->has_type)
		return NULL;
	if (query->is_enumerator)
		return is_enum && search->member_name && (is_named || !query->type) ? find_enumerator(btf, type, search)
		                                                                    : NULL;
	if (!is_named || !(is_struct || (is_enum && !query->member)))
		return NULL;
	search->type_at = type->at;
	search->has_type = true;
	if (!query->member) {
		query->size_bytes = type->value;
		query->is_found = true;
	}
	return NULL;
}

// Second pass: the index, and the types that have the wanted names.
static struct error *read_types(struct btf *btf, struct search *searches, size_t count)
{
	struct error *err = NULL;
	struct type type;
	uint64_t number = 0;

	for (uint64_t at = 0; !err && at < btf->types_bytes; at += type.bytes, number++) {
		err = read_type(btf, at, &type);
		if (!err && number % INDEX_STEP == 0)
			err = add_to_index(btf, at);
		for (size_t i = 0; !err && i < count; i++)
			err = look_at_type(btf, &type, &searches[i]);
		if (err)
			break;
	}
	return err;
}

// Size of a type by its number; 0 if it has none.
static struct error *size_of(struct btf *btf, uint32_t number, uint64_t *ret)
{
	uint64_t factor = 1;

	*ret = 0;
	for (unsigned int i = 0; number && i < CHAIN_MAX; i++) {
		uint8_t raw[12];
		struct type type;
		struct error *err = find_type(btf, number, &type);

		if (err)
			return err;
		switch (type.kind) {
		case KIND_INT:
		case KIND_STRUCT:
		case KIND_UNION:
		case KIND_ENUM:
		case KIND_ENUM64:
		case KIND_FLOAT:
			*ret = factor * type.value;
			return NULL;
		case KIND_PTR:
			*ret = factor * POINTER_BYTES;
			return NULL;
		case KIND_ARRAY: // Number of the element's type, of the index's type, elements.
			err = get(btf, btf->types_vaddr + type.at + TYPE_BYTES, raw, sizeof(raw));
			if (err)
				return err;
			number = word(btf, raw);
			factor *= word(btf, raw + 8);
			break;
		case KIND_TYPEDEF:
		case KIND_VOLATILE:
		case KIND_CONST:
		case KIND_RESTRICT:
		case KIND_TYPE_TAG:
			number = type.value;
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}

// The structure or union behind names and qualifiers; kind is another one if there is none.
static struct error *strip(struct btf *btf, uint32_t number, struct type *ret)
{
	struct error *err = find_type(btf, number, ret);

	for (unsigned int i = 0; !err && i < CHAIN_MAX; i++) {
		if (ret->kind != KIND_TYPEDEF && ret->kind != KIND_CONST && ret->kind != KIND_VOLATILE &&
		    ret->kind != KIND_TYPE_TAG)
			break;
		err = find_type(btf, ret->value, ret);
	}
	return err;
}

// Looks for a member in a structure, and in the anonymous ones inside of it.
static struct error *find_member(struct btf *btf, const struct type *type, uint64_t base_bits, unsigned int depth,
                                 struct search *search)
{
	for (uint32_t i = 0; i < type->count && !search->query->is_found; i++) {
		uint8_t raw[12];
		struct error *err = step(btf);
		uint32_t name, number, place;
		struct type inner;
		uint64_t bits;

		if (!err)
			err = get(btf, btf->types_vaddr + type->at + TYPE_BYTES + 12 * (uint64_t)i, raw, sizeof(raw));
		if (err)
			return err;
		name = word(btf, raw);
		number = word(btf, raw + 4);
		place = word(btf, raw + 8);
		// With kind_flag the upper 8 bits are the width of a bit-field.
		bits = base_bits + (type->kind_flag ? place & 0xffffff : place);
		if (name == search->member_name) {
			search->query->offset_bytes = bits / 8;
			search->query->is_found = true;
			return size_of(btf, number, &search->query->size_bytes);
		}
		if (name || depth >= NESTING_MAX)
			continue;
		err = strip(btf, number, &inner);
		if (!err && (inner.kind == KIND_STRUCT || inner.kind == KIND_UNION))
			err = find_member(btf, &inner, bits, depth + 1, search);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *find_members(struct btf *btf, struct search *searches, size_t count)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < count; i++) {
		struct type type;

		if (!searches[i].has_type || searches[i].query->is_found || !searches[i].member_name)
			continue;
		err = read_type(btf, searches[i].type_at, &type);
		if (!err)
			err = find_member(btf, &type, 0, 0, &searches[i]);
	}
	return err;
}

static struct error *lookup(struct btf *btf, const struct vmcore *core, const struct kallsyms *syms,
                            struct search *searches, size_t count)
{
	struct error *err = open_section(btf, core, syms);

	if (!err)
		err = read_strings(btf, searches, count);
	if (!err)
		err = read_types(btf, searches, count);
	if (!err)
		err = find_members(btf, searches, count);
	return err;
}

struct error *btf_lookup(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms *syms,
                         struct vmreader *reader, struct btf_query *queries, size_t count)
{
	_cleanup_free_ struct search *searches = calloc(count ? count : 1, sizeof(*searches));
	_cleanup_free_ struct btf *btf = btf_new(core, xlat, reader);
	struct error *err;

	if (!searches || !btf)
		return error_new(ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		queries[i].is_found = false;
		queries[i].offset_bytes = queries[i].size_bytes = 0;
		queries[i].value = 0;
		searches[i].query = &queries[i];
	}
	err = lookup(btf, core, syms, searches, count);
	free(btf->index);
	return err;
}
