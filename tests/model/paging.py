# SPDX-License-Identifier: GPL-2.0-or-later
"""Page tables of synthetic machines, and what VMCOREINFO says of them: one class a machine.

Written from the processors' manuals (Intel SDM volume 3, chapter 4; Arm ARM, D8 "The AArch64 Virtual Memory System
Architecture") and the kernel's headers, not from the code under test.
"""
import struct

ENTRY_BYTES = 8
# Words of a spec: how far above the lowest level an entry maps memory itself.
LEAVES = {"4k": 0, "page": 0, "2m": 1, "block": 1, "1g": 2}


def _bits(value, first, count):
    return value >> first & (1 << count) - 1


class Paging:
    """Builds tables in the memory of a machine. Subclasses know the entries."""
    elf_machine, uname = 0, ""
    index_bits = 9
    text_pages = "4k"                # How the image is mapped.

    def __init__(self, machine, pgd):
        self.machine, self.spec, self.pgd = machine, machine.spec, pgd

    def levels(self):
        """Levels of tables that are walked."""
        raise NotImplementedError

    def root_index(self, vaddr):
        """Entry of the root for an address."""
        raise NotImplementedError

    def table_entry(self, paddr):
        """Entry that leads to a table."""
        raise NotImplementedError

    def leaf_entry(self, paddr, leaf, vaddr):
        """Entry that maps memory."""
        raise NotImplementedError

    def table_of(self, entry):
        """Physical address of the table that an entry of ours leads to."""
        raise NotImplementedError

    def shift(self, level):
        """log2 of the bytes that an entry of a level maps; the lowest level is 0."""
        return self.spec.page_shift + self.index_bits * level

    def leaf_bytes(self, word):
        """Bytes that an entry maps which a spec names by a word."""
        return 1 << self.shift(LEAVES[word])

    def map(self, vaddr, paddr, page_bytes):
        """Map one page or block. Returns the physical address of its entry."""
        leaf = next(level for level in range(3) if 1 << self.shift(level) == page_bytes)
        table = self.pgd
        for level in range(self.levels() - 1, leaf - 1, -1):
            index = self.root_index(vaddr) if level == self.levels() - 1 else _bits(vaddr, self.shift(level), self.index_bits)
            at = table + index * ENTRY_BYTES
            if level == leaf:
                break
            entry, = struct.unpack("<Q", self.machine.get(at, ENTRY_BYTES))
            if not entry:
                entry = self.table_entry(self.machine.new_table())
                self.machine.put(at, struct.pack("<Q", entry))
            table = self.table_of(entry)
        self.machine.put(at, struct.pack("<Q", self.leaf_entry(paddr, leaf, vaddr)))
        return at


class X86(Paging):
    """x86-64: arch/x86/include/asm/pgtable_types.h."""
    elf_machine, uname = 62, "x86_64"
    text_pages = "2m"
    image_base, text_base = 0xffffffff80000000, 0xffffffff81000000    # __START_KERNEL_map; where the image is linked
    present, user, large, no_execute = 0x063, 0x004, 0x080, 1 << 63
    section_bits = 27

    def __init__(self, machine, pgd):
        super().__init__(machine, pgd)
        self.text_vaddr = self.text_base + self.spec.kernel_offset
        self.phys_base = self.spec.text[0] - (self.text_base - self.image_base) - self.spec.kernel_offset
        self.header_phys_base = self.phys_base
        self.physmem_bits = 52 if self.spec.levels == 5 else 46

    def levels(self):
        return self.spec.levels

    def root_index(self, vaddr):
        return _bits(vaddr, self.shift(self.levels() - 1), self.index_bits)

    def table_entry(self, paddr):
        return paddr | self.present | self.user

    def leaf_entry(self, paddr, leaf, vaddr):
        entry = paddr | self.present | self.no_execute | (self.large if leaf else 0)
        if leaf and vaddr >> 21 & 1:
            entry |= 1 << 12         # PAT of a large page: not a bit of its address.
        return entry

    def table_of(self, entry):
        return entry & 0x000ffffffffff000

    def image_vaddr(self, paddr):
        """Virtual address of a physical address inside the kernel image."""
        return paddr - self.phys_base + self.image_base

    def direct_vaddr(self, paddr):
        """Virtual address in the direct map."""
        return self.spec.page_offset + paddr

    def info(self, pgd_name):
        """Lines of VMCOREINFO."""
        root = f"{self.image_vaddr(self.pgd):x}"
        return {"SYMBOL(swapper_pg_dir)": root, f"SYMBOL({pgd_name})": root, "NUMBER(phys_base)": self.phys_base,
                "NUMBER(pgtable_l5_enabled)": int(self.spec.levels == 5), "NUMBER(KERNEL_IMAGE_SIZE)": 1 << 30,
                "NUMBER(sme_mask)": 0}


class Arm64(Paging):
    """arm64: arch/arm64/include/asm/pgtable-hwdef.h, arch/arm64/kernel/vmcore_info.c."""
    elf_machine, uname = 183, "aarch64"
    text_base = 0xffff800080000000

    def __init__(self, machine, pgd):
        super().__init__(machine, pgd)
        self.index_bits = self.spec.page_shift - 3
        self.section_bits = self.spec.section_bits or (29 if self.spec.page_shift == 16 else 27)
        self.physmem_bits = 52 if self.spec.va_bits == 52 else 48
        self.text_vaddr = self.text_base + self.spec.kernel_offset
        self.image_offset = self.text_vaddr - self.spec.text[0]
        self.header_phys_base = self.spec.phys_offset
        # Pages below 64 KiB with addresses of 52 bits: FEAT_LPA2.
        self.is_lpa2 = self.spec.page_shift < 16 and self.spec.va_actual == 52
        # The root that was built for 52 bits is used from its end on 64 KiB pages, else as a table of the level below.
        self.root_va_bits = self.spec.va_bits if self.spec.page_shift == 16 else self.spec.va_actual

    def levels(self):
        return -(-(self.root_va_bits - self.spec.page_shift) // self.index_bits)

    def root_index(self, vaddr):
        shift = self.shift(self.levels() - 1)
        return _bits(vaddr, shift, self.root_va_bits - shift)

    def _address(self, paddr):
        if self.spec.page_shift == 16:
            return paddr & (1 << 48) - 1 | _bits(paddr, 48, 4) << 12
        if self.is_lpa2:
            return paddr & (1 << 50) - 1 | _bits(paddr, 50, 2) << 8
        return paddr

    def table_entry(self, paddr):
        # AF and UXNTable, both ignored in a walk by software.
        return self._address(paddr) | 1 << 60 | 1 << 10 | 0b11

    def leaf_entry(self, paddr, leaf, vaddr):
        entry = self._address(paddr) | 0b11 << 53 | 1 << 10 | (0b01 if leaf else 0b11)
        if not self.is_lpa2:
            entry |= 0b11 << 8       # SH: inner shareable.
        if leaf and vaddr >> 21 & 1:
            entry |= 1 << 16 if self.spec.page_shift < 16 else 0     # nT of a block: not a bit of its address.
        return entry

    def table_of(self, entry):
        # Tables of a model lie low: nothing above bit 47.
        return entry & (1 << 48) - (1 << self.spec.page_shift)

    def image_vaddr(self, paddr):
        """Virtual address of a physical address inside the kernel image."""
        return paddr + self.image_offset

    def direct_vaddr(self, paddr):
        """Virtual address in the direct map."""
        return self.spec.page_offset + paddr - self.spec.phys_offset

    def info(self, _):
        """Lines of VMCOREINFO."""
        return {"SYMBOL(swapper_pg_dir)": f"{self.image_vaddr(self.pgd):x}", "NUMBER(VA_BITS)": self.spec.va_bits,
                "NUMBER(kimage_voffset)": hex(self.image_offset), "NUMBER(PHYS_OFFSET)": hex(self.spec.phys_offset),
                "NUMBER(TCR_EL1_T1SZ)": hex(64 - self.spec.va_actual), "NUMBER(KERNELPACMASK)": "0x0"}


PAGINGS = {"x86_64": X86, "arm64": Arm64}
