// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/facts.h"

#include <stdlib.h>
#include <string.h>

static struct error *find_symbols(struct facts *facts, size_t count)
{
	struct error *err = count ? kernel_find_symbols(facts->kernel, facts->names, count, facts->symbols) : NULL;

	if (!err || err->code == ERROR_NOMEM)
		return err;
	// Where the table is damaged, names are missing, which is said of each.
	error_free(err);
	return NULL;
}

struct error *facts_init(struct facts *ret, struct kernel *kernel, const char *const *names, size_t name_count,
                         const struct btf_query *members, size_t member_count)
{
	struct error *err;

	*ret = (struct facts){.kernel = kernel, .names = names};
	ret->symbols = calloc(name_count + 1, sizeof(*ret->symbols));
	ret->members = calloc(member_count + 1, sizeof(*ret->members));
	if (!ret->symbols || !ret->members)
		return error_new(ERROR_NOMEM, "out of memory");
	memcpy(ret->members, members, member_count * sizeof(*members));
	err = find_symbols(ret, name_count);
	if (!err)
		kernel_explain(ret->types_why, kernel_find_members(kernel, ret->members, member_count));
	return err;
}

void facts_deinit(struct facts *facts)
{
	free(facts->symbols);
	free(facts->members);
}

bool facts_has(const struct facts *facts, unsigned int which)
{
	return facts->members[which].is_found;
}

struct error *facts_need(const struct facts *facts, const unsigned int *which, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct btf_query *query = &facts->members[which[i]];

		if (query->is_found)
			continue;
		if (facts->types_why[0])
			return error_new(ERROR_UNSUPPORTED, "%s", facts->types_why);
		return error_new(ERROR_UNSUPPORTED, "the kernel's types have no %s%s%s", query->type ? query->type : "",
		                 query->type && query->member ? "." : "", query->member ? query->member : "");
	}
	return NULL;
}

uint64_t facts_bytes(const struct facts *facts, unsigned int which)
{
	return facts->members[which].is_found ? facts->members[which].size_bytes : 0;
}

uint64_t facts_at(const struct facts *facts, uint64_t vaddr, unsigned int which)
{
	return vaddr + facts->members[which].offset_bytes;
}

struct error *facts_get(const struct facts *facts, uint64_t vaddr, unsigned int which, uint64_t *ret)
{
	const struct btf_query *query = &facts->members[which];
	struct error *err = facts_need(facts, &which, 1);

	if (!err)
		err = vmemory_uint(facts->kernel->memory, vaddr + query->offset_bytes, query->size_bytes, ret);
	return error_wrap(err, "%s.%s", query->type, query->member);
}

struct error *facts_symbol(const struct facts *facts, unsigned int which, uint64_t *ret)
{
	if (!facts->symbols[which] && facts->kernel->symbols_why[0])
		return error_new(ERROR_UNSUPPORTED, "%s", facts->kernel->symbols_why);
	if (!facts->symbols[which])
		return error_new(ERROR_UNSUPPORTED, "the kernel has no symbol %s", facts->names[which]);
	*ret = facts->symbols[which];
	return NULL;
}

struct error *facts_variable(const struct facts *facts, unsigned int which, size_t size_bytes, uint64_t *ret)
{
	uint64_t vaddr = 0;
	struct error *err = facts_symbol(facts, which, &vaddr);

	if (err)
		return err;
	return error_wrap(vmemory_uint(facts->kernel->memory, vaddr, size_bytes, ret), "%s", facts->names[which]);
}

int64_t facts_signed(uint64_t raw, size_t size_bytes)
{
	return size_bytes == 4 ? (int64_t)(int32_t)(uint32_t)raw : (int64_t)raw;
}
