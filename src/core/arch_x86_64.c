// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/arch.h"

#include <elf.h>

#include "core/vmcoreinfo.h"
#include "core/xlat.h"

// arch/x86/include/asm/page_64_types.h: __START_KERNEL_map. The kernel image is mapped there, at phys_base.
static const uint64_t start_kernel_map = UINT64_C(0xffffffff80000000);

// arch/x86/include/asm/pgtable_types.h: bits 12…51 of an entry are an address (Intel SDM vol. 3, table 4-20). Bit 63 is NX,
// 62:59 protection keys, 58:52 ignored.
static const uint64_t physical_mask = UINT64_C(0x000ffffffffff000);

enum {
	INDEX_BITS = 9, // Of each level: 512 entries fill a page.
	PTE_PRESENT = 1 << 0,
	PTE_LARGE = 1 << 7, // In a PDPT or PD entry only; in a PTE the bit is PAT.
	// _PAGE_PROTNONE: entries that keep their address but are not present; the kernel has none in its own space.
	PTE_PROTNONE = 1 << 8,
	USER_ENTRIES = 256, // The lower half of the addresses (Linux Documentation/arch/x86/x86_64/mm.rst).
};

// Memory ends far below the middle of what entries can address: an address above it is inverted.
static const uint64_t inverted_bit = UINT64_C(1) << 51;

static struct error *x86_64_xlat_init(struct xlat *xlat, const struct vmcoreinfo *info)
{
	uint64_t pgd_vaddr;
	int64_t phys_base = 0, l5 = 0, sme_mask = 0;

	// Since v4.14 swapper_pg_dir is a macro for init_top_pgt; VMCOREINFO kept the old name.
	if (!vmcoreinfo_symbol(info, "swapper_pg_dir", &pgd_vaddr) &&
	    !vmcoreinfo_symbol(info, "init_level4_pgt", &pgd_vaddr) &&
	    !vmcoreinfo_symbol(info, "init_top_pgt", &pgd_vaddr))
		return error_new(ERROR_BAD_DATA, "VMCOREINFO lacks SYMBOL(swapper_pg_dir)");
	if (!vmcoreinfo_number(info, "phys_base", &phys_base)) {
		// Since Linux kernel commit 401721ecd1dc ("kexec: export the value of phys_base instead of symbol
		// address") (in v4.10) it is a NUMBER. Before that its value is known for kernels that were not relocated.
		phys_base = 0;
	}
	vmcoreinfo_number(info, "pgtable_l5_enabled", &l5);
	vmcoreinfo_number(info, "sme_mask", &sme_mask);
	xlat->root_paddr = pgd_vaddr - start_kernel_map + (uint64_t)phys_base;
	xlat->level_count = l5 == 1 ? 5 : 4;
	// Bits above those that select entries are copies of the uppermost (Intel SDM vol. 1, 3.3.7.1).
	xlat->vaddr_min = UINT64_MAX << (12 + INDEX_BITS * xlat->level_count - 1);
	xlat->index_bits = xlat->top_index_bits = INDEX_BITS;
	xlat->paddr_mask = physical_mask & ~(uint64_t)sme_mask;
	return NULL;
}

static enum arch_pte x86_64_pte(uint64_t entry, unsigned int level)
{
	if (!(entry & PTE_PRESENT))
		return ARCH_PTE_ABSENT;
	if (level == 0 || ((level == 1 || level == 2) && entry & PTE_LARGE))
		return ARCH_PTE_PAGE;
	return ARCH_PTE_TABLE;
}

// Not present, and yet in memory: a page that nobody may touch (PROT_NONE), or whose use is being watched (NUMA balancing); and a
// huge page that is being split, which keeps PTE_LARGE (arch/x86/include/asm/pgtable.h, pmd_present()). Entries of pages that were
// swapped out have neither bit (pgtable_64.h). Since Linux kernel commit 6b28baca9b1f ("x86/speculation/l1tf: Protect PROT_NONE
// PTEs against speculation") (in v4.19) such an entry has its address inverted; older kernels got the same later.
static enum arch_pte x86_64_user_pte(uint64_t *entry, unsigned int level)
{
	bool is_kept = level == 0 ? *entry & PTE_PROTNONE : level <= 2 && *entry & PTE_LARGE;

	if (*entry & PTE_PRESENT || !is_kept)
		return x86_64_pte(*entry, level);
	if (*entry & inverted_bit)
		*entry ^= physical_mask;
	return ARCH_PTE_PAGE;
}

const struct arch arch_x86_64 = {
	.name = "x86-64",
	.elf_machine = EM_X86_64,
	.uname_machine = "x86_64",
	.page_shifts = {12},
	// Intel SDM vol. 3, 4.1.4: MAXPHYADDR is 52 at most.
	.physical_bits = 52,
	.no_execute_mask = UINT64_C(1) << 63,
	.read_only_mask = 1 << 1, // R/W
	// arch/x86/include/asm/linkage.h (__ALIGN), Makefile (-falign-functions) since v6.2; gcc's -O2 does the same before.
	.function_align_bytes = 16,
	// arch/x86/include/asm/sparsemem.h
	.default_section_size_bits = 27,
	.default_physmem_bits = 46,
	.direct_map_align_bits = 30, // arch/x86/mm/kaslr.c: PUD_SIZE
	.phys_base_number = "phys_base",
	.xlat_init = x86_64_xlat_init,
	.pte = x86_64_pte,
	.user_entries = USER_ENTRIES,
	.user_pte = x86_64_user_pte,
};
