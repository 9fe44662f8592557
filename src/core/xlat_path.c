// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/xlat_path.h"

#include "base/endian.h"

enum { ENTRY_BYTES = 8 };

static struct error *check_range(const struct xlat *xlat, uint64_t process_paddr, uint64_t vaddr)
{
	const struct arch *arch = xlat->core->arch;
	unsigned int bits = vmcore_page_shift(xlat->core) + (xlat->level_count - 1) * xlat->index_bits;

	if (!process_paddr && vaddr < xlat->vaddr_min)
		return error_new(ERROR_FAULT, "%#jx is no virtual address of the kernel", (uintmax_t)vaddr);
	if (process_paddr && !arch->user_pte)
		return error_new(ERROR_UNSUPPORTED, "page tables of processes on %s", arch->name);
	if (process_paddr &&
	    (vaddr >> bits >= arch->user_entries || vaddr >> bits >= UINT64_C(1) << xlat->top_index_bits))
		return error_new(ERROR_FAULT, "%#jx is no virtual address of a process", (uintmax_t)vaddr);
	return NULL;
}

static enum arch_pte meaning(const struct arch *arch, bool is_process, uint64_t *entry, unsigned int level)
{
	if (!is_process)
		return arch->pte(*entry, level);
	return *entry ? arch->user_pte(entry, level) : ARCH_PTE_ABSENT;
}

static void arrive(const struct xlat *xlat, uint64_t entry, unsigned int shift, uint64_t vaddr, struct xlat_path *path)
{
	const struct arch *arch = xlat->core->arch;
	uint64_t mask = (UINT64_C(1) << shift) - 1;

	path->is_mapped = true;
	path->page_bytes = mask + 1;
	path->paddr = (xlat_entry_paddr(xlat, entry) & ~mask) + (vaddr & mask);
	if (!(entry & arch->no_execute_mask))
		path->use = XLAT_CODE;
	else
		path->use = (entry & arch->read_only_mask) == arch->read_only_value ? XLAT_CONSTANTS : XLAT_DATA;
}

struct error *xlat_path_find(const struct xlat *xlat, struct vmreader *reader, uint64_t process_paddr, uint64_t vaddr,
                             struct xlat_path *ret)
{
	unsigned int shift = vmcore_page_shift(xlat->core) + (xlat->level_count - 1) * xlat->index_bits;
	uint64_t table = process_paddr ? process_paddr : xlat->root_paddr;
	unsigned int index_bits = xlat->top_index_bits;
	struct error *err;

	*ret = (struct xlat_path){0};
	err = check_range(xlat, process_paddr, vaddr);
	if (err)
		return err;
	for (unsigned int level = xlat->level_count; level-- > 0; shift -= xlat->index_bits) {
		uint64_t at = table + (vaddr >> shift & ((UINT64_C(1) << index_bits) - 1)) * ENTRY_BYTES, entry;
		uint8_t raw[ENTRY_BYTES];

		err = vmreader_read(reader, at, raw, sizeof(raw));
		if (err)
			return error_wrap(err, "page table of level %u, at %#jx", level + 1, (uintmax_t)at);
		entry = load_u64(raw, xlat->core->is_big_endian);
		ret->steps[ret->count++] = (struct xlat_path_step){level + 1, at, entry};
		index_bits = xlat->index_bits;
		switch (meaning(xlat->core->arch, process_paddr, &entry, level)) {
		case ARCH_PTE_ABSENT:
			return NULL;
		case ARCH_PTE_TABLE:
			table = xlat_entry_paddr(xlat, entry);
			break;
		case ARCH_PTE_PAGE:
			arrive(xlat, entry, shift, vaddr, ret);
			return NULL;
		}
	}
	return error_new(ERROR_BAD_DATA, "page tables of %#jx have no end", (uintmax_t)vaddr);
}
