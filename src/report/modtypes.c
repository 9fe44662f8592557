// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/modtypes.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/btf_section.h"
#include "report/modlist.h"

enum {
	BTF_MAGIC = 0xeb9f,
	// Types of a module: 0.4 MiB of the largest.
	DATA_MAX_BYTES = 16 << 20,
	POINTER_BYTES = 8,
	MEMBER_BYTES = 12,
};

enum symbol { SYMBOL_MODULES, SYMBOL_COUNT };
static const char *const symbol_names[SYMBOL_COUNT] = {"btf_modules"};

enum member { LIST, BTF, DATA, DATA_SIZE, START_ID, NAME, MEMBER_COUNT };
#define MEMBER(type_, member_)                                                                                         \
	{                                                                                                              \
		.type = (type_), .member = (member_)                                                                   \
	}
static const struct btf_query member_names[MEMBER_COUNT] = {
	[LIST] = MEMBER("btf_module", "list"),  [BTF] = MEMBER("btf_module", "btf"),
	[DATA] = MEMBER("btf", "data"),         [DATA_SIZE] = MEMBER("btf", "data_size"),
	[START_ID] = MEMBER("btf", "start_id"), [NAME] = MEMBER("btf", "name"),
};

// The types of one module.
struct section {
	struct kernel *kernel;
	bool is_big;
	uint8_t *data; // Owned.
	const uint8_t *types;
	const char *strings; // Ends in NUL.
	uint32_t type_bytes, string_bytes;
	uint64_t base_strings; // Address of the kernel's own names, which come first.
	uint64_t base_string_bytes;
	uint64_t start_id; // Number of the first type that is its own.
	uint32_t *places; // Of all types. Owned.
	size_t count;
};

static void section_deinit(struct section *section)
{
	free(section->data);
	free(section->places);
}

// Of the kernel's types only the place of their names is needed.
static struct error *find_base(struct section *section)
{
	struct kernel *kernel = section->kernel;
	uint64_t start = kernel->symbols[KERNEL_BTF_START], end = kernel->symbols[KERNEL_BTF_STOP];
	_cleanup_free_ struct btf *btf = btf_new(kernel->core, &kernel->xlat, &kernel->reader);
	struct error *err;

	if (!btf)
		return error_new(ERROR_NOMEM, "no memory for types");
	if (!start || end < start)
		return error_new(ERROR_UNSUPPORTED, "the kernel has no symbol __start_BTF");
	err = btf_read_header(btf, start, end - start);
	section->base_strings = btf->strings_vaddr;
	section->base_string_bytes = btf->strings_bytes;
	return err;
}

static struct error *check_header(struct section *section, size_t size)
{
	const uint8_t *data = section->data;
	uint64_t header = load_u32(data + 4, section->is_big), types = load_u32(data + 8, section->is_big);
	uint64_t type_bytes = load_u32(data + 12, section->is_big), strings = load_u32(data + 16, section->is_big);
	uint64_t string_bytes = load_u32(data + 20, section->is_big);

	if (load_u16(data, section->is_big) != BTF_MAGIC)
		return error_new(ERROR_BAD_DATA, "they do not begin as types do");
	if (header < BTF_HEADER_BYTES || header + types + type_bytes > size || !string_bytes ||
	    header + strings + string_bytes > size || data[header + strings + string_bytes - 1])
		return error_new(ERROR_BAD_DATA, "they are beyond their end");
	section->types = data + header + types;
	section->type_bytes = (uint32_t)type_bytes;
	section->strings = (const char *)data + header + strings;
	section->string_bytes = (uint32_t)string_bytes;
	return NULL;
}

static bool is_name(struct section *section, uint32_t name, const char *wanted)
{
	char text[BTF_NAME_MAX_BYTES];
	size_t size = strlen(wanted) + 1;
	struct error *err;

	if (name >= section->base_string_bytes) {
		uint64_t at = name - section->base_string_bytes;

		return at < section->string_bytes && strcmp(section->strings + at, wanted) == 0;
	}
	if (size > sizeof(text))
		return false;
	err = vmemory_read(section->kernel->memory, section->base_strings + name, text, size);
	if (err) {
		error_free(err);
		return false;
	}
	return memcmp(text, wanted, size) == 0;
}

static struct btf_type type_at(const struct section *section, uint64_t at)
{
	return btf_decode_type(section->types + at, section->is_big, at);
}

static bool find_member(struct section *section, const struct btf_type *type, uint64_t start_bits, unsigned int depth,
                        struct btf_query *query);

// A structure or union without a name in another: its members are those of the outer one.
static bool find_inside(struct section *section, uint32_t number, uint64_t start_bits, unsigned int depth,
                        struct btf_query *query)
{
	struct btf_type type;

	if (depth >= BTF_NESTING_MAX || number < section->start_id || number - section->start_id >= section->count)
		return false;
	type = type_at(section, section->places[number - section->start_id]);
	return (type.kind == BTF_KIND_STRUCT || type.kind == BTF_KIND_UNION) &&
	       find_member(section, &type, start_bits, depth + 1, query);
}

static bool find_member(struct section *section, const struct btf_type *type, uint64_t start_bits, unsigned int depth,
                        struct btf_query *query)
{
	for (uint32_t i = 0; i < type->count; i++) {
		const uint8_t *raw = section->types + type->at + BTF_TYPE_BYTES + MEMBER_BYTES * (size_t)i;
		uint32_t name = load_u32(raw, section->is_big), bits = load_u32(raw + 8, section->is_big);
		bool is_bitfield = type->kind_flag && bits >> 24;

		bits = type->kind_flag ? bits & 0xffffff : bits;
		if (!name && find_inside(section, load_u32(raw + 4, section->is_big), start_bits + bits, depth, query))
			return true;
		if (is_bitfield || !name || !is_name(section, name, query->member))
			continue;
		query->offset_bytes = (start_bits + bits) / 8;
		query->is_found = true;
		return true;
	}
	return false;
}

static void find_in_type(struct section *section, const struct btf_type *type, struct btf_query *queries, size_t count)
{
	// All queries of a type stand together, so that a name is compared once for most.
	const char *compared = NULL;
	bool is_same = false;

	for (size_t i = 0; i < count; i++) {
		if (queries[i].is_found)
			continue;
		if (!compared || strcmp(compared, queries[i].type) != 0) {
			compared = queries[i].type;
			is_same = is_name(section, type->name, compared);
		}
		if (!is_same)
			continue;
		if (queries[i].member) {
			find_member(section, type, 0, 0, &queries[i]);
		} else {
			queries[i].size_bytes = type->value;
			queries[i].is_found = true;
		}
	}
}

// Finds where each type is, and that none is beyond the end.
static struct error *walk(struct section *section)
{
	uint64_t at = 0;

	section->places = calloc(section->type_bytes / BTF_TYPE_BYTES + 1, sizeof(*section->places));
	if (!section->places)
		return error_new(ERROR_NOMEM, "no memory for types");
	while (at < section->type_bytes) {
		struct btf_type type;

		if (section->type_bytes - at < BTF_TYPE_BYTES)
			return error_new(ERROR_BAD_DATA, "they end within a type");
		type = type_at(section, at);
		if (!type.kind || type.kind > BTF_KIND_ENUM64 || type.bytes > section->type_bytes - at)
			return error_new(ERROR_BAD_DATA, "kind %u at %#jx", (unsigned int)type.kind, (uintmax_t)at);
		section->places[section->count++] = (uint32_t)at;
		at += type.bytes;
	}
	return NULL;
}

static void find_all(struct section *section, struct btf_query *queries, size_t count)
{
	for (size_t i = 0; i < section->count; i++) {
		struct btf_type type = type_at(section, section->places[i]);

		if (type.kind == BTF_KIND_STRUCT)
			find_in_type(section, &type, queries, count);
	}
}

static struct error *read_section(struct kernel *kernel, uint64_t vaddr, uint64_t size, uint64_t start_id,
                                  struct btf_query *queries, size_t count)
{
	_cleanup_(section_deinit) struct section section = {
		.kernel = kernel, .is_big = kernel->core->is_big_endian, .start_id = start_id};
	struct error *err;

	if (size < BTF_HEADER_BYTES || size > DATA_MAX_BYTES)
		return error_new(ERROR_BAD_DATA, "%ju bytes of types", (uintmax_t)size);
	section.data = malloc(size);
	if (!section.data)
		return error_new(ERROR_NOMEM, "no memory for types");
	err = vmemory_read(kernel->memory, vaddr, section.data, size);
	if (!err)
		err = check_header(&section, size);
	if (!err)
		err = find_base(&section);
	if (!err)
		err = walk(&section);
	if (!err)
		find_all(&section, queries, count);
	return err;
}

static struct error *get(struct kernel *kernel, uint64_t vaddr, const struct btf_query *query, uint64_t *ret)
{
	// Numbers have 4 bytes.
	size_t size = query->size_bytes == 4 ? 4 : POINTER_BYTES;

	return vmemory_uint(kernel->memory, vaddr + query->offset_bytes, size, ret);
}

// Whether it is that of a module, and then what it says.
static struct error *look_at(struct kernel *kernel, const struct btf_query *members, uint64_t vaddr, const char *module,
                             struct btf_query *queries, size_t count, bool *is_found)
{
	char name[MODLIST_NAME_BYTES];
	uint64_t btf = 0, data = 0, size = 0, start_id = 0;
	struct error *err = get(kernel, vaddr, &members[BTF], &btf);

	if (!err)
		err = vmemory_text(kernel->memory, btf + members[NAME].offset_bytes, name, sizeof(name));
	if (err || strcmp(name, module) != 0)
		return err;
	*is_found = true;
	err = get(kernel, btf, &members[DATA], &data);
	if (!err)
		err = get(kernel, btf, &members[DATA_SIZE], &size);
	if (!err)
		err = get(kernel, btf, &members[START_ID], &start_id);
	return err ? err : read_section(kernel, data, size, start_id, queries, count);
}

struct error *modtypes_find(struct kernel *kernel, const char *module, struct btf_query *queries, size_t count)
{
	struct btf_query members[MEMBER_COUNT];
	uint64_t head = 0, node = 0;
	bool is_found = false;
	struct error *err = kernel_find_symbols(kernel, symbol_names, SYMBOL_COUNT, &head);

	memcpy(members, member_names, sizeof(members));
	if (!err)
		err = kernel_find_members(kernel, members, MEMBER_COUNT);
	for (size_t i = 0; i < MEMBER_COUNT && !err; i++)
		if (!members[i].is_found || !head)
			return error_new(ERROR_UNSUPPORTED, "the kernel keeps no types of modules");
	if (!err)
		err = vmemory_uint(kernel->memory, head, POINTER_BYTES, &node);
	for (size_t steps = 0; !err && node != head && !is_found; steps++) {
		if (steps >= MODLIST_MAX)
			return error_new(ERROR_BAD_DATA, "the list of types of modules has no end");
		err = look_at(kernel, members, node - members[LIST].offset_bytes, module, queries, count, &is_found);
		if (!err)
			err = vmemory_uint(kernel->memory, node, POINTER_BYTES, &node);
	}
	if (!err && !is_found)
		err = error_new(ERROR_UNSUPPORTED, "it was built without them");
	return error_wrap(err, "types of module %s", module);
}
