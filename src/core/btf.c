// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/btf.h"

#include <stdlib.h>
#include <string.h>

#include "core/btf_section.h"

// What is known of a query while the sections are read.
struct search {
	struct btf_query *query;
	uint32_t type_name, member_name; // Offsets of the names; 0: not there.
	uint64_t type_at; // Position of the type.
	bool has_type;
};

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

static unsigned int name_key(const char *name, size_t size_bytes)
{
	return (unsigned int)(size_bytes * 61 + (unsigned char)name[0] * 7 + (unsigned char)name[size_bytes - 1]) %
	       BTF_WANTED_BITS;
}

static void want(struct btf *btf, const char *name)
{
	size_t size = name ? strlen(name) : 0;
	unsigned int key = size ? name_key(name, size) : 0;

	if (size)
		btf->wanted[key / 8] |= (uint8_t)(1U << key % 8);
}

// A name, without its NUL. Most are told apart by their length and two characters.
static void look_at_name(struct btf *btf, struct search *searches, size_t count, const char *name, size_t size_bytes,
                         uint64_t offset)
{
	char text[BTF_NAME_MAX_BYTES + 1];
	unsigned int key;

	if (!size_bytes || size_bytes > BTF_NAME_MAX_BYTES)
		return;
	key = name_key(name, size_bytes);
	if (!(btf->wanted[key / 8] >> key % 8 & 1))
		return;
	memcpy(text, name, size_bytes);
	text[size_bytes] = '\0';
	match_name(searches, count, text, (uint32_t)offset);
}

// First pass: where the wanted names are in the string section. Each string is there once.
static struct error *read_strings(struct btf *btf, struct search *searches, size_t count)
{
	// The begin of a name that goes on in the next chunk, and one that is too long for what is looked for.
	char chunk[BTF_NAME_MAX_BYTES + 1 + BTF_WINDOW_BYTES];
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		want(btf, searches[i].query->type);
		want(btf, searches[i].query->member);
	}
	for (uint64_t at = 0; at < btf->strings_bytes;) {
		uint64_t left = btf->strings_bytes - at;
		size_t part = left < BTF_WINDOW_BYTES ? (size_t)left : BTF_WINDOW_BYTES, size = kept + part, start = 0;
		struct error *err = btf_get(btf, btf->strings_vaddr + at, chunk + kept, part);
		const char *end;

		if (err)
			return err;
		while ((end = memchr(chunk + start, '\0', size - start))) {
			size_t bytes = (size_t)(end - chunk) - start;

			look_at_name(btf, searches, count, chunk + start, bytes, at - kept + start);
			start += bytes + 1;
		}
		at += part;
		kept = size - start;
		// What is longer keeps too much for a name that is looked for, whatever follows.
		if (kept > BTF_NAME_MAX_BYTES) {
			start = size - (BTF_NAME_MAX_BYTES + 1);
			kept = BTF_NAME_MAX_BYTES + 1;
		}
		memmove(chunk, chunk + start, kept);
	}
	return NULL;
}

// Whether an enumeration has the wanted enumerator; if so the query is answered.
static struct error *find_enumerator(struct btf *btf, const struct btf_type *type, struct search *search)
{
	unsigned int bytes = type->kind == BTF_KIND_ENUM64 ? 12 : 8;

	for (uint32_t i = 0; i < type->count; i++) {
		uint8_t raw[12] = {0};
		struct error *err =
			btf_get(btf, btf->types_vaddr + type->at + BTF_TYPE_BYTES + (uint64_t)i * bytes, raw, bytes);
		uint32_t low;

		if (err)
			return err;
		if (btf_word(btf, raw) != search->member_name)
			continue;
		low = btf_word(btf, raw + 4);
		if (type->kind == BTF_KIND_ENUM64)
			search->query->value = (int64_t)((uint64_t)btf_word(btf, raw + 8) << 32 | low);
		else
			search->query->value = type->kind_flag ? (int64_t)(int32_t)low : (int64_t)low;
		search->query->size_bytes = type->value;
		search->query->is_found = true;
		return NULL;
	}
	return NULL;
}

static struct error *look_at_type(struct btf *btf, const struct btf_type *type, struct search *search)
{
	struct btf_query *query = search->query;
	bool is_enum = type->kind == BTF_KIND_ENUM || type->kind == BTF_KIND_ENUM64;
	bool is_struct = type->kind == BTF_KIND_STRUCT || type->kind == BTF_KIND_UNION;
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

// Most types are pointers, functions and their parameters.
static bool is_looked_for(const struct btf_type *type)
{
	return type->kind == BTF_KIND_STRUCT || type->kind == BTF_KIND_UNION || type->kind == BTF_KIND_ENUM ||
	       type->kind == BTF_KIND_ENUM64;
}

// Second pass: the index, and the types that have the wanted names.
static struct error *read_types(struct btf *btf, struct search *searches, size_t count)
{
	struct error *err = NULL;
	struct btf_type type;
	uint64_t number = 0;

	for (uint64_t at = 0; !err && at < btf->types_bytes; at += type.bytes, number++) {
		err = btf_read_type(btf, at, &type);
		if (!err && number % BTF_INDEX_STEP == 0)
			err = btf_add_to_index(btf, at);
		for (size_t i = 0; !err && i < count && is_looked_for(&type); i++)
			err = look_at_type(btf, &type, &searches[i]);
		if (err)
			break;
	}
	return err;
}

// Looks for a member in a structure, and in the anonymous ones inside of it.
static struct error *find_member(struct btf *btf, const struct btf_type *type, uint64_t base_bits, unsigned int depth,
                                 struct search *search)
{
	for (uint32_t i = 0; i < type->count && !search->query->is_found; i++) {
		uint8_t raw[12];
		struct error *err = btf_step(btf);
		uint32_t name, number, place;
		struct btf_type inner;
		uint64_t bits;

		if (!err)
			err = btf_get(btf, btf->types_vaddr + type->at + BTF_TYPE_BYTES + 12 * (uint64_t)i, raw,
			              sizeof(raw));
		if (err)
			return err;
		name = btf_word(btf, raw);
		number = btf_word(btf, raw + 4);
		place = btf_word(btf, raw + 8);
		// With kind_flag the upper 8 bits are the width of a bit-field.
		bits = base_bits + (type->kind_flag ? place & 0xffffff : place);
		if (name == search->member_name) {
			search->query->offset_bytes = bits / 8;
			search->query->is_found = true;
			return btf_size_of(btf, number, &search->query->size_bytes);
		}
		if (name || depth >= BTF_NESTING_MAX)
			continue;
		err = btf_strip(btf, number, &inner);
		if (!err && (inner.kind == BTF_KIND_STRUCT || inner.kind == BTF_KIND_UNION))
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
		struct btf_type type;

		if (!searches[i].has_type || searches[i].query->is_found || !searches[i].member_name)
			continue;
		err = btf_read_type(btf, searches[i].type_at, &type);
		if (!err)
			err = find_member(btf, &type, 0, 0, &searches[i]);
	}
	return err;
}

// What is damaged costs what stands behind it: the rest is found.
static struct error *lookup(struct btf *btf, struct search *searches, size_t count)
{
	struct error *errors[3], *first = NULL;

	// Each needs what the one before found.
	errors[0] = read_strings(btf, searches, count);
	errors[1] = read_types(btf, searches, count);
	errors[2] = find_members(btf, searches, count);
	for (size_t i = 0; i < array_size(errors); i++) {
		if (first)
			error_free(errors[i]);
		else
			first = errors[i];
	}
	return first;
}

static struct error *run_lookup(struct btf *btf, struct btf_query *queries, size_t count)
{
	_cleanup_free_ struct search *searches = calloc(count ? count : 1, sizeof(*searches));
	struct error *err;

	if (!searches)
		return error_new(ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		searches[i].query = &queries[i];
	err = lookup(btf, searches, count);
	free(btf->index);
	btf->index = NULL;
	return err;
}

static void clear_answers(struct btf_query *queries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		queries[i].is_found = false;
		queries[i].offset_bytes = queries[i].size_bytes = 0;
		queries[i].value = 0;
	}
}

struct error *btf_lookup(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms *syms,
                         struct vmreader *reader, struct btf_query *queries, size_t count)
{
	_cleanup_free_ struct btf *btf = btf_new(core, xlat, reader);
	struct error *err;

	clear_answers(queries, count);
	err = btf ? btf_open_section(btf, core, syms) : error_new(ERROR_NOMEM, "out of memory");
	return err ? err : run_lookup(btf, queries, count);
}

struct error *btf_lookup_at(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms_extent *place,
                            struct vmreader *reader, struct btf_query *queries, size_t count)
{
	_cleanup_free_ struct btf *btf = btf_new(core, xlat, reader);
	struct error *err;

	clear_answers(queries, count);
	if (!btf)
		return error_new(ERROR_NOMEM, "out of memory");
	if (place->vaddr_end - place->vaddr < BTF_HEADER_BYTES)
		return error_new(ERROR_BAD_DATA, "BTF: no room for its header");
	err = btf_read_header(btf, place->vaddr, place->vaddr_end - place->vaddr);
	return err ? err : run_lookup(btf, queries, count);
}
