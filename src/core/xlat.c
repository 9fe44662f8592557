// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/xlat.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "core/arch.h"

enum { ENTRY_BYTES = 8 };

struct error *xlat_init(struct xlat *ret, const struct vmcore *core)
{
	struct xlat xlat = {.core = core};
	struct error *err;

	if (core->is_page_size_guessed)
		return error_new(ERROR_BAD_DATA, "VMCOREINFO does not tell the page size");
	err = core->arch->xlat_init(&xlat, &core->info);
	if (!err)
		*ret = xlat;
	return err;
}

// Gives the table entry that maps an address, and how many bits of the address are its offset there.
static struct error *walk(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, uint64_t *entry_ret,
                          unsigned int *shift_ret)
{
	const struct arch *arch = xlat->core->arch;
	unsigned int shift = vmcore_page_shift(xlat->core) + (xlat->level_count - 1) * xlat->index_bits;
	unsigned int index_bits = xlat->top_index_bits;
	uint64_t table = xlat->root_paddr;

	// Tables say nothing of the upper bits: an address that was overwritten would be found at another's place.
	if (vaddr < xlat->vaddr_min)
		return error_new(ERROR_FAULT, "%#jx is no virtual address of the kernel", (uintmax_t)vaddr);
	for (unsigned int level = xlat->level_count; level-- > 0; shift -= index_bits) {
		uint64_t index = vaddr >> shift & ((UINT64_C(1) << index_bits) - 1);
		uint64_t entry;
		uint8_t raw[ENTRY_BYTES];
		struct error *err = vmreader_read(reader, table + index * ENTRY_BYTES, raw, sizeof(raw));

		if (err)
			return error_wrap(err, "page table of %#jx, level %u", (uintmax_t)vaddr, level + 1);
		entry = load_u64(raw, xlat->core->is_big_endian);
		index_bits = xlat->index_bits;
		switch (arch->pte(entry, level)) {
		case ARCH_PTE_ABSENT:
			return error_new(ERROR_FAULT, "virtual address %#jx is not mapped", (uintmax_t)vaddr);
		case ARCH_PTE_TABLE:
			table = xlat_entry_paddr(xlat, entry);
			break;
		case ARCH_PTE_PAGE:
			*entry_ret = entry;
			*shift_ret = shift;
			return NULL;
		}
	}
	return error_new(ERROR_BAD_DATA, "page tables of %#jx have no end", (uintmax_t)vaddr);
}

static struct error *translate(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, uint64_t *paddr_ret,
                               uint64_t *run_bytes_ret, uint64_t *entry_ret)
{
	unsigned int shift = 0;
	struct error *err = walk(xlat, reader, vaddr, entry_ret, &shift);
	uint64_t offset_mask = (UINT64_C(1) << shift) - 1;

	if (err)
		return err;
	// Bits of a large entry below its size are attributes (PAT), not address.
	*paddr_ret = (xlat_entry_paddr(xlat, *entry_ret) & ~offset_mask) + (vaddr & offset_mask);
	if (run_bytes_ret)
		*run_bytes_ret = offset_mask + 1 - (vaddr & offset_mask);
	return NULL;
}

struct error *xlat_translate(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, uint64_t *paddr_ret,
                             uint64_t *run_bytes_ret)
{
	uint64_t entry;

	return translate(xlat, reader, vaddr, paddr_ret, run_bytes_ret, &entry);
}

struct error *xlat_translate_use(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, uint64_t *paddr_ret,
                                 uint64_t *run_bytes_ret, enum xlat_use *use_ret)
{
	const struct arch *arch = xlat->core->arch;
	uint64_t entry = 0;
	struct error *err = translate(xlat, reader, vaddr, paddr_ret, run_bytes_ret, &entry);

	if (err)
		return err;
	if (!(entry & arch->no_execute_mask))
		*use_ret = XLAT_CODE;
	else
		*use_ret = (entry & arch->read_only_mask) == arch->read_only_value ? XLAT_CONSTANTS : XLAT_DATA;
	return NULL;
}

struct error *xlat_read(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, void *buf, size_t size_bytes)
{
	uint8_t *out = buf;

	while (size_bytes) {
		uint64_t paddr, run_bytes;
		struct error *err = xlat_translate(xlat, reader, vaddr, &paddr, &run_bytes);
		size_t part;

		if (err)
			return err;
		part = size_bytes < run_bytes ? size_bytes : (size_t)run_bytes;
		err = vmreader_read(reader, paddr, out, part);
		if (err)
			return error_wrap(err, "virtual address %#jx", (uintmax_t)vaddr);
		out += part;
		vaddr += part;
		size_bytes -= part;
	}
	return NULL;
}

struct error *xlat_read_uint(const struct xlat *xlat, struct vmreader *reader, uint64_t vaddr, unsigned int size_bytes,
                             uint64_t *ret)
{
	bool is_big = xlat->core->is_big_endian;
	uint8_t raw[8] = {0};
	struct error *err = xlat_read(xlat, reader, vaddr, raw, size_bytes);

	if (err)
		return err;
	switch (size_bytes) {
	case 1:
		*ret = raw[0];
		break;
	case 2:
		*ret = load_u16(raw, is_big);
		break;
	case 4:
		*ret = load_u32(raw, is_big);
		break;
	default:
		*ret = load_u64(raw, is_big);
		break;
	}
	return NULL;
}

// A walk, and room for a table of each level that it is in.
struct walker {
	const struct xlat *xlat;
	struct vmreader *reader;
	struct xlat_walk *walk;
	struct error *first; // Of the tables that could not be read.
	uint8_t *tables[ARCH_LEVELS_MAX];
};

static struct error *walk_table(struct walker *walker, uint64_t table, unsigned int level, unsigned int shift,
                                size_t entry_count)
{
	const struct xlat *xlat = walker->xlat;
	const struct arch *arch = xlat->core->arch;
	struct xlat_walk *walk = walker->walk;
	struct error *err;

	if (!walk->tables_left)
		return error_new(ERROR_BAD_DATA, "page tables without end");
	walk->tables_left--;
	err = vmreader_read(walker->reader, table, walker->tables[level], entry_count * ENTRY_BYTES);
	if (err) {
		err = error_wrap(err, "page table, level %u", level + 1);
		if (walker->first)
			error_free(err);
		else
			walker->first = err;
		return NULL;
	}
	for (size_t i = 0; !err && i < entry_count; i++) {
		uint64_t entry = load_u64(walker->tables[level] + i * ENTRY_BYTES, xlat->core->is_big_endian);
		enum arch_pte kind = entry ? arch->user_pte(&entry, level) : ARCH_PTE_ABSENT;
		uint64_t paddr = xlat_entry_paddr(xlat, entry);

		if (kind == ARCH_PTE_PAGE) {
			uint64_t bytes = UINT64_C(1) << shift;

			walk->page(walk->context, paddr & ~(bytes - 1), bytes);
		} else if (kind == ARCH_PTE_TABLE && level > 0) {
			err = walk_table(walker, paddr, level - 1, shift - xlat->index_bits,
			                 (size_t)1 << xlat->index_bits);
		}
	}
	return err;
}

struct error *xlat_walk_process(const struct xlat *xlat, struct vmreader *reader, uint64_t root_paddr,
                                struct xlat_walk *walk)
{
	const struct arch *arch = xlat->core->arch;
	struct walker walker = {.xlat = xlat, .reader = reader, .walk = walk};
	unsigned int shift = vmcore_page_shift(xlat->core) + (xlat->level_count - 1) * xlat->index_bits;
	unsigned int root_entries = 1U << xlat->top_index_bits;
	struct error *err = NULL;

	root_entries = root_entries < arch->user_entries ? root_entries : arch->user_entries;
	if (!arch->user_pte)
		return error_new(ERROR_UNSUPPORTED, "page tables of processes on %s", arch->name);
	for (unsigned int level = 0; !err && level < xlat->level_count; level++) {
		walker.tables[level] = malloc(ENTRY_BYTES << xlat->index_bits);
		if (!walker.tables[level])
			err = error_new(ERROR_NOMEM, "no memory for a page table");
	}
	if (!err)
		err = walk_table(&walker, root_paddr, xlat->level_count - 1, shift, root_entries);
	for (unsigned int level = 0; level < xlat->level_count; level++)
		free(walker.tables[level]);
	if (!err)
		return walker.first;
	error_free(walker.first);
	return err;
}
