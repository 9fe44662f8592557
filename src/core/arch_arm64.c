// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/arch.h"

#include <elf.h>
#include <limits.h>

#include "core/vmcoreinfo.h"
#include "core/xlat.h"

enum {
	PAGE_SHIFT_64K = 16,
	// arch/arm64/Kconfig: ARM64_VA_BITS is 36 to 52.
	VA_BITS_MIN = 36,
	VA_BITS_MAX = 52,
	// Arm ARM, D8.3 "Translation table descriptor formats": bits 1:0. 0b01 is reserved at the lowest level.
	DESC_VALID = 1 << 0,
	DESC_TABLE = 1 << 1, // A page at the lowest level; clear: a block.
};

// Arm ARM, D8.3: the kernel does not run what is there.
#define DESC_PXN (UINT64_C(1) << 53)

// Bits [end - 1, start].
static uint64_t bits(unsigned int start, unsigned int end)
{
	return (UINT64_C(1) << end) - (UINT64_C(1) << start);
}

// arch/arm64/include/asm/pgtable-hwdef.h: ARM64_HW_PGTABLE_LEVELS().
static unsigned int levels(unsigned int va_bits, unsigned int page_shift)
{
	return (va_bits - 4) / (page_shift - 3);
}

// arch/arm64/include/asm/pgtable-hwdef.h: PTE_ADDR_LOW and PTE_ADDR_HIGH. With pages of 64 KiB, address bits 51:48 are in
// 15:12, which are zero where addresses have 48 bits. With smaller pages 51:50 are in 9:8 if LPA2 is on (TCR_EL1.DS);
// else 9:8 are the shareability. VMCOREINFO does not tell, but 52-bit virtual addresses with these pages need LPA2, and
// the kernel turns it on only then (arch/arm64/mm/proc.S, __cpu_setup: ARM64_HAS_VA52, TCR_DS).
static void learn_descriptors(struct xlat *xlat, unsigned int page_shift, unsigned int va_bits_actual)
{
	if (page_shift == PAGE_SHIFT_64K) {
		xlat->paddr_mask = bits(page_shift, 48);
		xlat->paddr_high_mask = bits(12, 16);
		xlat->paddr_high_shift = 36;
	} else if (va_bits_actual == VA_BITS_MAX) {
		xlat->paddr_mask = bits(page_shift, 50);
		xlat->paddr_high_mask = bits(8, 10);
		xlat->paddr_high_shift = 42;
	} else {
		xlat->paddr_mask = bits(page_shift, 48);
	}
}

// arch/arm64/kernel/vmcore_info.c (crash_core.c before v6.9), arch_crash_save_vmcoreinfo().
static struct error *arm64_xlat_init(struct xlat *xlat, const struct vmcoreinfo *info)
{
	unsigned int page_shift = vmcore_page_shift(xlat->core), table_va_bits;
	int64_t va_bits, t1sz, actual, image_offset;
	uint64_t pgd_vaddr;

	if (!vmcoreinfo_symbol(info, "swapper_pg_dir", &pgd_vaddr))
		return error_new(ERROR_BAD_DATA, "VMCOREINFO lacks SYMBOL(swapper_pg_dir)");
	if (!vmcoreinfo_number(info, "kimage_voffset", &image_offset))
		return error_new(ERROR_BAD_DATA, "VMCOREINFO lacks NUMBER(kimage_voffset)");
	if (!vmcoreinfo_number(info, "VA_BITS", &va_bits))
		return error_new(ERROR_BAD_DATA, "VMCOREINFO lacks NUMBER(VA_BITS)");
	// What the CPU had switched on: a kernel built for 52 bits falls back where the CPU has fewer. Since Linux kernel
	// commit bbdbc11804ff ("arm64/crash_core: Export TCR_EL1.T1SZ in vmcoreinfo") (in v5.9).
	actual = va_bits;
	if (vmcoreinfo_number(info, "TCR_EL1_T1SZ", &t1sz))
		actual = t1sz > 0 && t1sz < 64 ? 64 - t1sz : 0;
	if (va_bits < VA_BITS_MIN || va_bits > VA_BITS_MAX || actual < VA_BITS_MIN || actual > va_bits)
		return error_new(ERROR_BAD_DATA, "VMCOREINFO: impossible virtual addresses (%jd of %jd bits)",
		                 (intmax_t)actual, (intmax_t)va_bits);
	// Tables are those of VA_BITS: with pages of 64 KiB a root of 1,024 entries, of which a CPU with fewer bits uses the
	// last. But where fewer bits take fewer levels, the root is a table of the next level (arch/arm64/include/asm/
	// pgtable.h, pgd_to_folded_p4d() and p4d_to_folded_pud()).
	table_va_bits = (unsigned int)va_bits;
	if (levels((unsigned int)actual, page_shift) != levels(table_va_bits, page_shift))
		table_va_bits = (unsigned int)actual;
	// TTBR1_EL1 is for addresses whose upper bits are all set (arch/arm64/include/asm/memory.h: _PAGE_OFFSET()).
	xlat->vaddr_min = UINT64_MAX << actual;
	xlat->root_paddr = pgd_vaddr - (uint64_t)image_offset;
	xlat->level_count = levels(table_va_bits, page_shift);
	xlat->index_bits = page_shift - 3;
	xlat->top_index_bits = table_va_bits - page_shift - (xlat->level_count - 1) * xlat->index_bits;
	learn_descriptors(xlat, page_shift, (unsigned int)actual);
	return NULL;
}

static enum arch_pte arm64_pte(uint64_t entry, unsigned int level)
{
	if (!(entry & DESC_VALID) || (level == 0 && !(entry & DESC_TABLE)))
		return ARCH_PTE_ABSENT;
	return level == 0 || !(entry & DESC_TABLE) ? ARCH_PTE_PAGE : ARCH_PTE_TABLE;
}

// Not valid, and yet in memory: a page that nobody may touch, or whose use is being watched; a huge page that is being split. Which
// bit the kernel marks them with changed (PTE_PROT_NONE, 58, and since v6.11 PTE_PRESENT_INVALID, 11; both are part of the place in
// the swap area for the other), but what a process maps is always PXN, and no swap area is so large that this bit is in use.
static enum arch_pte arm64_user_pte(uint64_t *entry, unsigned int level)
{
	return !(*entry & DESC_VALID) && *entry & DESC_PXN ? ARCH_PTE_PAGE : arm64_pte(*entry, level);
}

const struct arch arch_arm64 = {
	.name = "arm64",
	.elf_machine = EM_AARCH64,
	.uname_machine = "aarch64",
	.page_shifts = {12, 14, PAGE_SHIFT_64K},
	// Arm ARM, FEAT_LPA and FEAT_LPA2.
	.physical_bits = 52,
	.no_execute_mask = DESC_PXN,
	.read_only_mask = 1 << 7, // AP[2]
	.read_only_value = 1 << 7,
	.function_align_bytes = 1,
	// arch/arm64/include/asm/sparsemem.h before Linux kernel commit f0b13ee23241 ("arm64/sparsemem: reduce
	// SECTION_SIZE_BITS"), which is in v5.12 as is the line of VMCOREINFO.
	.default_section_size_bits = 30,
	.default_physmem_bits = 48,
	// arch/arm64/include/asm/kernel-pgtable.h: ARM64_MEMSTART_ALIGN; PMD_SHIFT of 64 KiB pages is the least.
	.direct_map_align_bits = 29,
	.phys_base_number = "PHYS_OFFSET",
	.xlat_init = arm64_xlat_init,
	.pte = arm64_pte,
	.user_entries = UINT_MAX, // TTBR0_EL1 is theirs alone.
	.user_pte = arm64_user_pte,
};
