// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/btf_describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/btf_section.h"

// A description while it is made.
struct description {
	struct btf *btf;
	void (*each)(void *context, const struct btf_describe *row);
	void *context;
};

static struct error *read_name(struct btf *btf, uint32_t offset, char text[BTF_DESCRIBE_NAME_BYTES])
{
	for (size_t i = 0; i + 1 < BTF_DESCRIBE_NAME_BYTES; i++) {
		struct error *err;
		char c;

		if (offset + i >= btf->strings_bytes)
			return error_new(ERROR_BAD_DATA, "BTF: a name at %u", offset);
		err = btf_get(btf, btf->strings_vaddr + offset + i, &c, 1);
		if (err)
			return err;
		text[i] = c == '\0' || (c >= ' ' && c <= '~') ? c : '?';
		text[i + 1] = '\0';
		if (!c)
			return NULL;
	}
	return NULL;
}

static const char *word_of(enum btf_kind kind)
{
	switch (kind) {
	case BTF_KIND_STRUCT:
		return "struct ";
	case BTF_KIND_UNION:
		return "union ";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum ";
	default:
		return "";
	}
}

// As C has it, about: pointers and dimensions stand behind the name of what they lead to.
static struct error *describe_type(struct btf *btf, uint32_t number, char text[BTF_DESCRIBE_TYPE_BYTES])
{
	char behind[64] = "", name[BTF_DESCRIBE_NAME_BYTES] = "";
	struct btf_type type = {.kind = BTF_KIND_INT};
	struct error *err = NULL;
	const char *word;

	for (unsigned int i = 0; !err && number && i < BTF_CHAIN_MAX; i++) {
		size_t used = strlen(behind);
		uint8_t raw[12];

		err = btf_find_type(btf, number, &type);
		if (err)
			break;
		if (type.kind == BTF_KIND_PTR) {
			snprintf(behind + used, sizeof(behind) - used, "*");
			number = type.value;
		} else if (type.kind == BTF_KIND_ARRAY) {
			err = btf_get(btf, btf->types_vaddr + type.at + BTF_TYPE_BYTES, raw, sizeof(raw));
			if (err)
				break;
			snprintf(behind + used, sizeof(behind) - used, "[%" PRIu32 "]", btf_word(btf, raw + 8));
			number = btf_word(btf, raw);
		} else if (type.kind == BTF_KIND_CONST || type.kind == BTF_KIND_VOLATILE ||
		           type.kind == BTF_KIND_RESTRICT || type.kind == BTF_KIND_TYPE_TAG) {
			number = type.value;
		} else {
			break;
		}
	}
	if (!err && number)
		err = read_name(btf, type.name, name);
	word = number ? word_of(type.kind) : "";
	if (!number)
		strcpy(name, "void");
	else if (type.kind == BTF_KIND_FUNC_PROTO)
		strcpy(name, "function");
	else if (type.kind == BTF_KIND_FWD)
		word = "struct ";
	snprintf(text, BTF_DESCRIBE_TYPE_BYTES, "%s%s%s%s", word, name[0] ? name : "{...}", behind[0] ? " " : "",
	         behind);
	return err;
}

static struct error *describe_enumerators(struct description *description, const struct btf_type *type)
{
	struct btf *btf = description->btf;
	unsigned int bytes = type->kind == BTF_KIND_ENUM64 ? 12 : 8;
	struct error *err = NULL;

	for (uint32_t i = 0; !err && i < type->count; i++) {
		struct btf_describe row = {.depth = 1};
		uint8_t raw[12] = {0};
		uint32_t low;

		err = btf_get(btf, btf->types_vaddr + type->at + BTF_TYPE_BYTES + (uint64_t)i * bytes, raw, bytes);
		if (err)
			break;
		low = btf_word(btf, raw + 4);
		row.value = type->kind_flag ? (int64_t)(int32_t)low : (int64_t)low;
		if (type->kind == BTF_KIND_ENUM64)
			row.value = (int64_t)((uint64_t)btf_word(btf, raw + 8) << 32 | low);
		err = read_name(btf, btf_word(btf, raw), row.name);
		if (!err)
			description->each(description->context, &row);
	}
	return err;
}

static struct error *describe_members(struct description *description, const struct btf_type *type, uint64_t base_bits,
                                      unsigned int depth)
{
	struct btf *btf = description->btf;
	struct error *err = NULL;

	for (uint32_t i = 0; !err && i < type->count; i++) {
		struct btf_describe row = {.depth = depth};
		struct btf_type inner;
		uint32_t number, place;
		uint8_t raw[12];

		err = btf_step(btf);
		if (!err)
			err = btf_get(btf, btf->types_vaddr + type->at + BTF_TYPE_BYTES + 12 * (uint64_t)i, raw,
			              sizeof(raw));
		if (err)
			break;
		number = btf_word(btf, raw + 4);
		place = btf_word(btf, raw + 8);
		row.offset_bits = base_bits + (type->kind_flag ? place & 0xffffff : place);
		row.width_bits = type->kind_flag ? place >> 24 : 0;
		err = read_name(btf, btf_word(btf, raw), row.name);
		if (!err)
			err = describe_type(btf, number, row.type);
		if (!err)
			err = btf_size_of(btf, number, &row.size_bytes);
		if (err)
			break;
		description->each(description->context, &row);
		if (row.name[0] || depth >= BTF_NESTING_MAX)
			continue;
		err = btf_strip(btf, number, &inner);
		if (!err && (inner.kind == BTF_KIND_STRUCT || inner.kind == BTF_KIND_UNION))
			err = describe_members(description, &inner, row.offset_bits, depth + 1);
	}
	return err;
}

static bool is_enum(const struct btf_type *type)
{
	return type->kind == BTF_KIND_ENUM || type->kind == BTF_KIND_ENUM64;
}

static bool is_struct(const struct btf_type *type)
{
	return type->kind == BTF_KIND_STRUCT || type->kind == BTF_KIND_UNION;
}

// Goes through all types, for the index, and keeps the first of the name; a typedef only as long as there is no other.
static struct error *search(struct btf *btf, const char *name, struct btf_type *ret, bool *is_found_ret)
{
	struct btf_type type = {0};
	struct error *err = NULL;
	uint64_t number = 0;

	*is_found_ret = false;
	for (uint64_t at = 0; !err && at < btf->types_bytes; at += type.bytes, number++) {
		char text[BTF_DESCRIBE_NAME_BYTES];

		err = btf_read_type(btf, at, &type);
		if (!err && number % BTF_INDEX_STEP == 0)
			err = btf_add_to_index(btf, at);
		if (err || !type.name || (*is_found_ret && ret->kind != BTF_KIND_TYPEDEF) ||
		    !(is_struct(&type) || is_enum(&type) || (type.kind == BTF_KIND_TYPEDEF && !*is_found_ret)))
			continue;
		err = read_name(btf, type.name, text);
		if (err || strcmp(text, name) != 0)
			continue;
		*ret = type;
		*is_found_ret = true;
	}
	return err;
}

static struct error *describe(struct description *description, const char *name)
{
	struct btf_describe row = {.depth = 0};
	struct btf_type type;
	bool is_found;
	struct error *err = search(description->btf, name, &type, &is_found);

	if (!err && !is_found)
		err = error_new(ERROR_BAD_DATA, "there is no type %s", name);
	if (!err && type.kind == BTF_KIND_TYPEDEF)
		err = btf_strip(description->btf, type.value, &type);
	if (err)
		return err;
	snprintf(row.name, sizeof(row.name), "%s", name);
	snprintf(row.type, sizeof(row.type), "%s", word_of(type.kind));
	row.type[strcspn(row.type, " ")] = '\0';
	row.size_bytes = is_struct(&type) || is_enum(&type) || type.kind == BTF_KIND_INT ? type.value : 0;
	description->each(description->context, &row);
	if (is_enum(&type))
		return describe_enumerators(description, &type);
	return is_struct(&type) ? describe_members(description, &type, 0, 1) : NULL;
}

struct error *btf_describe(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms *syms,
                           struct vmreader *reader, const char *name,
                           void (*each)(void *context, const struct btf_describe *row), void *context)
{
	_cleanup_free_ struct btf *btf = btf_new(core, xlat, reader);
	struct description description = {btf, each, context};
	struct error *err = btf ? btf_open_section(btf, core, syms) : error_new(ERROR_NOMEM, "out of memory");

	if (!err)
		err = describe(&description, name);
	if (btf)
		free(btf->index);
	return err;
}
