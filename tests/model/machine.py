# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory of a synthetic machine: content of each page, struct pages, VMCOREINFO. Page tables are in paging.py.

Does not write files (elfcore.py) and does not know what a dump tool should keep (expect.py).
"""
import hashlib
import struct

import layouts
import paging
from spec import SpecError, page_frames

SECTION_FLAGS = 0x1f                 # Present, has a map, online, early, and one more: all below the pointer.
SECTION_STRUCT_BYTES = 16
# Lines that describe structures which the machine does not have; tools want to see them all the same.
OTHER_LINES = {"SIZE(zone)": 1664, "SIZE(free_area)": 104, "SIZE(list_head)": 16, "SIZE(nodemask_t)": 128,
               "OFFSET(zone.free_area)": 192, "OFFSET(zone.vm_stat)": 1472, "OFFSET(zone.spanned_pages)": 120,
               "OFFSET(free_area.free_list)": 0, "OFFSET(list_head.next)": 0, "OFFSET(list_head.prev)": 8,
               "LENGTH(free_area.free_list)": 6}
# Fixed places in the kernel image.
PGD_OFFSET, VARIABLES_OFFSET, STATIC_SECTIONS_OFFSET = 0x10000, 0x20000, 0x100000


class Machine:
    """Built from a spec; page(pfn) gives the content of any page frame."""

    def __init__(self, spec):
        self.spec = spec
        self.layout = layouts.LAYOUTS[spec.layout]
        self.text_paddr = spec.text[0]
        self.page_shift, self.page_bytes = spec.page_shift, spec.page_bytes
        self.frames = page_frames(spec)
        self.written = {}            # pfn -> bytearray: pages with a meaning.
        self.generated = {}          # pfn -> bytes: pages made by their block's word.
        self.blocks = {}             # pfn -> block of the spec.
        self.free_system = [pfn for start, end in spec.system
                            for pfn in range(start >> self.page_shift, end >> self.page_shift)]
        self.tables = []             # Page frames of page tables, for the mutator.
        self.memmap_frames = []      # Page frames that hold struct pages.
        self.struct_pages = {}       # pfn -> physical address of its struct page.
        self.section_words = []      # (physical address, first pfn, last pfn + 1) of each section's word.
        self.leaves = []             # The same of page-table entries that map struct pages.
        self.variables = {}          # Name -> physical address of small structures.
        self.info = {}               # VMCOREINFO lines beyond the fixed ones.
        for block in spec.blocks:
            for pfn in range(block.start, block.end):
                if pfn in self.blocks:
                    raise SpecError(f"{spec.name}: page frame {pfn:#x} is in two blocks")
                self.blocks[pfn] = block
        pgd = self.text_paddr + PGD_OFFSET
        self.written[pgd >> self.page_shift] = bytearray(self.page_bytes)
        self.tables.append(pgd >> self.page_shift)
        self.paging = paging.PAGINGS[spec.machine](self, pgd)
        self.section_pages = 1 << (self.paging.section_bits - self.page_shift)
        self.next_variable = self.text_paddr + VARIABLES_OFFSET
        self._map_memory()
        self._build_memmap()
        self._build_names()

    # Content.

    def page(self, pfn):
        """Content of a page frame."""
        if pfn in self.written:
            return bytes(self.written[pfn])
        if pfn not in self.generated:
            self.generated[pfn] = self._generate(pfn)
        return self.generated[pfn]

    def _generate(self, pfn):
        block = self.blocks.get(pfn)
        if block is None or block.content == "text":
            return (b"%016x text of page\0" % pfn).ljust(32, b".") * (self.page_bytes // 32)
        if block.content == "random":
            return hashlib.shake_128(b"%d %d" % (block.seed, pfn)).digest(self.page_bytes)
        return bytes(self.page_bytes)

    def put(self, paddr, data):
        """Write bytes into physical memory."""
        while data:
            pfn, offset = paddr >> self.page_shift, paddr & (self.page_bytes - 1)
            part = min(len(data), self.page_bytes - offset)
            if pfn not in self.written:
                self.written[pfn] = bytearray(self.page(pfn))
            self.written[pfn][offset:offset + part] = data[:part]
            paddr, data = paddr + part, data[part:]

    def variable(self, name, data):
        """Place a variable in the kernel image. Returns its virtual address."""
        paddr = self.next_variable
        self.next_variable += len(data) + 15 & ~15
        self.put(paddr, data)
        self.variables[name] = paddr
        return self.paging.image_vaddr(paddr)

    def get(self, paddr, size):
        """Bytes of physical memory, inside a page."""
        offset = paddr & (self.page_bytes - 1)
        return self.page(paddr >> self.page_shift)[offset:offset + size]

    def new_table(self):
        """Take a page for a page table. Returns its physical address."""
        pfn = self.allocate()
        self.tables.append(pfn)
        return pfn << self.page_shift

    def allocate(self, count=1, align=1):
        """Take contiguous zeroed page frames from the system ranges. Returns the first."""
        free = self.free_system
        for index in range(len(free) - count + 1):
            if free[index] % align == 0 and free[index + count - 1] == free[index] + count - 1:
                first = free[index]
                del free[index:index + count]
                for pfn in range(first, first + count):
                    if pfn in self.blocks:
                        raise SpecError(f"{self.spec.name}: system page {pfn:#x} has a class")
                    self.written[pfn] = bytearray(self.page_bytes)
                return first
        raise SpecError(f"{self.spec.name}: no {count} system pages left")

    # What is mapped.

    def _map_memory(self):
        step, size = self.paging.leaf_bytes(self.spec.direct_pages), self.page_bytes
        for start, end in self.spec.ram:
            paddr, end = start & -size, end + size - 1 & -size
            if self.spec.direct_pages == "1g":
                paddr, end = start & -step, end + step - 1 & -step
            while paddr < end:
                count = step if paddr % step == 0 and paddr + step <= end else size
                self.paging.map(self.paging.direct_vaddr(paddr), paddr, count)
                paddr += count
        step = self.paging.leaf_bytes(self.paging.text_pages)
        for offset in range(0, self.spec.text[1], step):
            self.paging.map(self.paging.text_vaddr + offset, self.text_paddr + offset, step)

    # struct pages.

    def _struct_pages(self, pfn_start, pfn_end, vaddr):
        """The array for [pfn_start, pfn_end) whose first element is at vaddr."""
        size = layouts.PAGE_STRUCT_BYTES
        pages = bytearray(b"".join(self.layout.block("reserved", 0, 0, 0)) * (pfn_end - pfn_start))
        present = set(self.frames)
        plain = self.layout.block("kernel", 0, 0, 0)[0]
        for pfn in range(pfn_start, pfn_end):
            if pfn in present and pfn not in self.blocks:
                pages[(pfn - pfn_start) * size:(pfn - pfn_start + 1) * size] = plain
        for block in self.spec.blocks:
            step = 1 << block.order
            for pfn in range(max(block.start, pfn_start), min(block.end, pfn_end), step):
                at = (pfn - pfn_start) * size
                data = b"".join(self.layout.block(block.kind, block.order, pfn, vaddr + at))
                pages[at:at + len(data)] = data
        return bytes(pages)

    def _sections(self):
        hidden = self.spec.no_memmap
        return sorted({pfn // self.section_pages for pfn in self.frames
                       if not any(start <= pfn << self.page_shift < end for start, end in hidden)})

    def _build_memmap(self):
        build = {"extreme": self._sparse, "static": self._sparse, "flat": self._flat, "discontig": self._discontig}
        build[self.spec.model]()
        self.info.update(self.paging.info(self.layout.pgd_name))

    def _place_array(self, pfn_start, pfn_end, vaddr):
        """Put struct pages into memory, mapped at vaddr, or in the direct map if vaddr is 0. Returns their address."""
        size = (pfn_end - pfn_start) * layouts.PAGE_STRUCT_BYTES
        entries = []                 # (physical address, offset in the array, bytes)
        count = (size + self.page_bytes - 1) >> self.page_shift
        if not vaddr:
            first = self.allocate(count)
            backing = list(range(first, first + count))
            vaddr = self.paging.direct_vaddr(first << self.page_shift)
        elif self.paging.leaf_bytes(self.spec.vmemmap_pages) > self.page_bytes:
            block = self.paging.leaf_bytes(self.spec.vmemmap_pages)
            step = block >> self.page_shift
            first = self.allocate(count, step)
            backing = list(range(first, first + count))
            for index in range(0, count, step):
                entries.append((self.paging.map(vaddr + index * self.page_bytes, (first + index) << self.page_shift, block),
                                index * self.page_bytes, block))
        else:
            backing = [self.allocate() for _ in range(count)]
            backing.reverse()        # Nothing says that the array is contiguous in physical memory.
            for index, pfn in enumerate(backing):
                entries.append((self.paging.map(vaddr + index * self.page_bytes, pfn << self.page_shift, self.page_bytes), index * self.page_bytes,
                                self.page_bytes))
        self.leaves += [(paddr, pfn_start + at // layouts.PAGE_STRUCT_BYTES,
                         min(pfn_end, pfn_start + (at + count_bytes) // layouts.PAGE_STRUCT_BYTES))
                        for paddr, at, count_bytes in entries]
        for pfn in range(pfn_start, pfn_end):
            at = (pfn - pfn_start) * layouts.PAGE_STRUCT_BYTES
            self.struct_pages[pfn] = (backing[at >> self.page_shift] << self.page_shift) + (at & (self.page_bytes - 1))
        data = self._struct_pages(pfn_start, pfn_end, vaddr)
        for index, pfn in enumerate(backing):
            self.put(pfn << self.page_shift, data[index * self.page_bytes:(index + 1) * self.page_bytes])
        self.memmap_frames += backing
        return vaddr

    def _sparse(self):
        is_extreme = self.spec.model == "extreme"
        count = 1 << (self.paging.physmem_bits - self.paging.section_bits)
        per_root = self.page_bytes // SECTION_STRUCT_BYTES
        roots = count // per_root if is_extreme else count
        entries = {}
        for section in self._sections():
            start = section * self.section_pages
            vaddr = self.spec.vmemmap and self.spec.vmemmap + start * layouts.PAGE_STRUCT_BYTES
            vaddr = self._place_array(start, start + self.section_pages, vaddr)
            coded = vaddr - start * layouts.PAGE_STRUCT_BYTES | SECTION_FLAGS
            entries[section] = struct.pack("<QQ", coded & (1 << 64) - 1, self.paging.direct_vaddr(0x1000))
        if is_extreme:
            table = self._extreme_roots(entries, roots, per_root)
        else:
            paddr = self.text_paddr + STATIC_SECTIONS_OFFSET
            if len(entries) and (max(entries) + 1) * SECTION_STRUCT_BYTES > self.spec.text[1] - STATIC_SECTIONS_OFFSET:
                raise SpecError(f"{self.spec.name}: text is too small for a static mem_section")
            self.put(paddr, bytes(self.spec.text[1] - STATIC_SECTIONS_OFFSET))
            for section, entry in entries.items():
                self.put(paddr + section * SECTION_STRUCT_BYTES, entry)
                self._note_section(paddr + section * SECTION_STRUCT_BYTES, section)
            self.variables["mem_section"] = paddr
            table = self.paging.image_vaddr(paddr)
        self.info["SYMBOL(mem_section)"] = f"{table:x}"
        self.info["LENGTH(mem_section)"] = roots
        self.info["SIZE(mem_section)"] = SECTION_STRUCT_BYTES
        self.info["OFFSET(mem_section.section_mem_map)"] = 0
        if self.layout.section_numbers:
            self.info["NUMBER(SECTION_SIZE_BITS)"] = self.paging.section_bits
            self.info["NUMBER(MAX_PHYSMEM_BITS)"] = self.paging.physmem_bits

    def _note_section(self, paddr, section):
        self.section_words.append((paddr, section * self.section_pages, (section + 1) * self.section_pages))

    def _extreme_roots(self, entries, roots, per_root):
        first = self.allocate((roots * 8 + self.page_bytes - 1) >> self.page_shift)
        self.variables["mem_section"] = first << self.page_shift
        pages = {}
        for section, entry in entries.items():
            root = section // per_root
            if root not in pages:
                pages[root] = self.allocate()
                self.put((first << self.page_shift) + root * 8,
                         struct.pack("<Q", self.paging.direct_vaddr(pages[root] << self.page_shift)))
                self.variables[f"mem_section[{root}]"] = pages[root] << self.page_shift
            paddr = (pages[root] << self.page_shift) + section % per_root * SECTION_STRUCT_BYTES
            self.put(paddr, entry)
            self._note_section(paddr, section)
        return self.paging.direct_vaddr(first << self.page_shift)

    def _flat(self):
        vaddr = self._place_array(0, self.frames[-1] + 1, 0)
        self.info["SYMBOL(mem_map)"] = f"{self.variable('mem_map', struct.pack('<Q', vaddr)):x}"
        self.info["SYMBOL(contig_page_data)"] = f"{self.variable('contig_page_data', bytes(64)):x}"

    def _discontig(self):
        pointers = []
        for start, end in self.spec.nodes:
            start, end = start >> self.page_shift, end >> self.page_shift
            vaddr = self._place_array(start, end, 0)
            node = struct.pack("<QQQQ", 0x7777, vaddr, start, end - start) + bytes(32)
            place = self.allocate()
            self.put(place << self.page_shift, node)
            self.variables[f"pglist_data {len(pointers)}"] = place << self.page_shift
            pointers.append(self.paging.direct_vaddr(place << self.page_shift))
        table = struct.pack("<8Q", *(pointers + [0] * (8 - len(pointers))))
        self.info["SYMBOL(node_data)"] = f"{self.variable('node_data', table):x}"
        self.info["LENGTH(node_data)"] = 8
        self.info["OFFSET(pglist_data.node_mem_map)"] = 8
        self.info["OFFSET(pglist_data.node_start_pfn)"] = 16
        self.info["OFFSET(pglist_data.node_spanned_pages)"] = 24

    def _build_names(self):
        """init_uts_ns: where tools learn the release from memory."""
        names = ("Linux", "model", self.layout.release, "#1 SMP synthetic", self.paging.uname, "(none)")
        table = b"".join(name.encode().ljust(65, b"\0") for name in names)
        self.info["SYMBOL(init_uts_ns)"] = f"{self.variable('init_uts_ns', bytes(4) + table):x}"
        self.info["OFFSET(uts_namespace.name)"] = 4

    def vmcoreinfo(self):
        """Text of the note. Lines that the spec leaves out are not in it."""
        spec, layout = self.spec, self.layout
        lines = {"OSRELEASE": layout.release, "BUILD-ID": "00112233445566778899aabbccddeeff00112233",
                 "PAGESIZE": self.page_bytes}
        lines.update(self.info)
        lines["SIZE(page)"] = layouts.PAGE_STRUCT_BYTES
        lines.update({f"OFFSET({name})": value for name, value in layout.offsets().items()})
        lines["LENGTH(zone.free_area)"] = layouts.MAX_ORDER + 1
        lines.update(OTHER_LINES)
        lines["SIZE(pglist_data)"] = 64
        lines.update({f"NUMBER({name})": value for name, value in layout.numbers().items()})
        lines["KERNELOFFSET"] = f"{spec.kernel_offset:x}"
        lines["SYMBOL(_stext)"] = f"{self.paging.text_vaddr:x}"
        lines["CRASHTIME"] = 1700000000
        return "".join(f"{key}={value}\n" for key, value in lines.items() if key not in spec.without).encode()
