# SPDX-License-Identifier: GPL-2.0-or-later
"""Vmcores of machines that are larger than this one: page tables and tables of sections are whole, struct pages are few.

Each section of 128 MiB has 2 MiB of struct pages, one entry of the page tables; entries of many sections point to the same
2 MiB. Memory beyond the first is one window of the file that all PT_LOADs share. What is there of a machine is made by
tests/model, so are the layout of a struct page and VMCOREINFO.

The file belongs on a tmpfs: elsewhere the kernel reads ahead in its holes, some MiB for each page that is looked at.
"""
import dataclasses
import hashlib
import os
import pathlib
import random
import struct
import sys

MODEL = pathlib.Path(__file__).resolve().parent.parent / "model"
sys.path.append(str(MODEL))
# pylint: disable=wrong-import-position
import elfcore
import layouts
import machine
import spec as specs

LAYOUT = "6.1"
VMEMMAP = 0xffffea0000000000
# x86-64: pages and sections.
PAGE_BYTES = 1 << 12
SECTION_BITS = 27
SECTION_BYTES = 1 << SECTION_BITS
SECTION_PAGES = SECTION_BYTES // PAGE_BYTES
ROOT_BYTES = PAGE_BYTES // machine.SECTION_STRUCT_BYTES * SECTION_BYTES
ARRAY_BYTES = SECTION_PAGES * layouts.PAGE_STRUCT_BYTES
# Kernel image, page tables and sections; behind it the struct pages.
TABLES_BYTES = 64 << 20
SYSTEM_START = 32 << 20
LOADS_OFFSET = 1 << 20
WINDOW_BYTES = 1 << 40
BLOCK_ORDER = layouts.MAX_ORDER
ISLAND_BLOCK = 5
# Pages of a section that a dump of level 31 keeps; with content, so that it is not a dump of zero pages.
KEPT_PAGES = 2
MEMBERS = ("anon", "cache", "cache-private", "ksm", "swapped-shmem")
MIXED = (*MEMBERS, "kernel", "kernel", "slab", "table", "movable")


class LargeMachine(machine.Machine):
    """Page tables and sections for size_bytes of memory, above struct pages of which there are distinct kinds."""

    def __init__(self, size_bytes, distinct):
        if size_bytes % ROOT_BYTES:
            raise specs.SpecError(f"the size must be a multiple of {ROOT_BYTES} bytes")
        self.size_bytes, self.distinct = size_bytes, distinct
        super().__init__(specs.Spec(
            "simulated", layout=LAYOUT, vmemmap=VMEMMAP, direct_pages="1g", ram=[(0, TABLES_BYTES)],
            system=[(SYSTEM_START, TABLES_BYTES)]))

    @property
    def low_bytes(self):
        """Memory that the machine itself uses; whole sections."""
        return -(-(TABLES_BYTES + (self.distinct + 1) * ARRAY_BYTES) // SECTION_BYTES) * SECTION_BYTES

    def array_paddr(self, index):
        """Where the struct pages of one kind are; the last kind describes the memory that the machine itself uses."""
        return TABLES_BYTES + index * ARRAY_BYTES

    def _map_memory(self):
        small = self.spec
        self.spec = dataclasses.replace(small, ram=[(0, self.size_bytes)])
        super()._map_memory()
        self.spec = small

    def _build_memmap(self):
        low = self.low_bytes // SECTION_BYTES
        for section in range(self.size_bytes // SECTION_BYTES):
            index = self.distinct if section < low else section % self.distinct
            self.paging.map(VMEMMAP + section * ARRAY_BYTES, self.array_paddr(index), ARRAY_BYTES)
        # The word of a section is the address of the array as if it began with page frame 0: here the same for all.
        entry = struct.pack("<QQ", VMEMMAP | machine.SECTION_FLAGS, self.paging.direct_vaddr(PAGE_BYTES))
        root = self.allocate() * PAGE_BYTES
        self.put(root, entry * (PAGE_BYTES // len(entry)))
        roots = 1 << self.paging.physmem_bits - SECTION_BITS
        roots //= PAGE_BYTES // machine.SECTION_STRUCT_BYTES
        table = self.allocate(-(-roots * 8 // PAGE_BYTES)) * PAGE_BYTES
        self.put(table, struct.pack("<Q", self.paging.direct_vaddr(root)) * (self.size_bytes // ROOT_BYTES))
        self.info |= {
            "SYMBOL(mem_section)": f"{self.paging.direct_vaddr(table):x}", "LENGTH(mem_section)": roots,
            "SIZE(mem_section)": machine.SECTION_STRUCT_BYTES, "OFFSET(mem_section.section_mem_map)": 0,
            "NUMBER(SECTION_SIZE_BITS)": SECTION_BITS, "NUMBER(MAX_PHYSMEM_BITS)": self.paging.physmem_bits}
        self.info |= self.paging.info(self.layout.pgd_name)


def _block(kind, order=0):
    return b"".join(layouts.LAYOUTS[LAYOUT].block(kind, order, 0, 0))


def _runs(random_source, kinds, pages, longest):
    """struct pages of classes in runs of different lengths, from a fixed seed."""
    parts, left = [], pages
    plain = {kind: _block(kind) for kind in kinds}
    while left:
        count = min(left, random_source.randint(1, longest))
        parts.append(plain[random_source.choice(kinds)] * count)
        left -= count
    return b"".join(parts)


def _island(random_source):
    """One block of the page allocator that is in use here and there."""
    parts, at = [_block("kernel") * KEPT_PAGES], KEPT_PAGES
    while at < 1 << BLOCK_ORDER:
        order = random_source.randint(0, 3)
        if random_source.random() < 0.5 and at % (1 << order) == 0 and at + (1 << order) <= 1 << BLOCK_ORDER:
            parts.append(_block("free", order))
            at += 1 << order
        else:
            parts.append(_block(random_source.choice(MEMBERS)))
            at += 1
    return b"".join(parts)


def _free_section(seed):
    free = _block("free", BLOCK_ORDER)
    blocks = SECTION_PAGES >> BLOCK_ORDER
    return free * ISLAND_BLOCK + _island(random.Random(seed)) + free * (blocks - ISLAND_BLOCK - 1)


def _users_section(seed):
    source, before = random.Random(seed), ISLAND_BLOCK << BLOCK_ORDER
    return (_runs(source, MEMBERS, before, 32) + _block("kernel") * KEPT_PAGES
            + _runs(source, MEMBERS, SECTION_PAGES - before - KEPT_PAGES, 32))


def _mixed_section(seed):
    return _runs(random.Random(seed), MIXED, SECTION_PAGES, 32)


PATTERNS = {"free": _free_section, "users": _users_section, "mixed": _mixed_section}
PATTERN_TEXT = {
    "free": "free blocks of order 10; in each 128 MiB one such block is in use here and there",
    "users": "no free page: memory of processes and page cache in runs of up to 32 pages",
    "mixed": "no free page: kernel, slab, page tables, processes, page cache in runs of up to 32 pages",
}


def _content(section, index):
    """A page that compresses to about a third."""
    salt = hashlib.shake_128(b"%d %d" % (section, index)).digest(1280)
    return salt + (b"section %08d page %d\0" % (section, index)).ljust(32, b".") * ((PAGE_BYTES - len(salt)) // 32)


def _loads(size_bytes, low_bytes):
    """(physical address, bytes, offset in the file) of each range of memory."""
    window_at = LOADS_OFFSET + low_bytes
    loads, start = [(0, low_bytes, LOADS_OFFSET)], low_bytes
    while start < size_bytes:
        end = min(size_bytes, (start // WINDOW_BYTES + 1) * WINDOW_BYTES)
        loads.append((start, end - start, window_at + start % WINDOW_BYTES))
        start = end
    return loads, window_at


def _headers(built, loads):
    text_paddr, text_bytes = built.spec.text
    rows = [(built.paging.text_vaddr, text_paddr, text_bytes, LOADS_OFFSET + text_paddr)]
    rows += [(built.paging.direct_vaddr(paddr), paddr, size, offset) for paddr, size, offset in loads]
    notes = elfcore.note(b"CORE", elfcore.NT_PRSTATUS, bytes(elfcore.PRSTATUS_BYTES))
    notes += elfcore.note(b"VMCOREINFO", 0, built.vmcoreinfo())
    count = len(rows) + 1
    notes_at = elfcore.EHDR_BYTES + elfcore.PHDR_BYTES * count
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, elfcore.EHDR_BYTES, 0, 0,
                       elfcore.EHDR_BYTES, elfcore.PHDR_BYTES, count, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", elfcore.PT_NOTE, 0, notes_at, 0, 0, len(notes), len(notes), 0)
    for vaddr, paddr, size, offset in rows:
        head += struct.pack("<IIQQQQQQ", elfcore.PT_LOAD, 7, offset, vaddr, paddr, size, size, 0)
    return head + notes


def write(path, pattern, size_bytes, distinct):
    """Write a vmcore; distinct: of how many sections the struct pages are in the file."""
    built = LargeMachine(size_bytes, distinct)
    loads, window_at = _loads(size_bytes, built.low_bytes)
    with open(path, "wb") as out:
        out.truncate(window_at + min(size_bytes, WINDOW_BYTES))
        out.write(_headers(built, loads))
        for pfn, page in built.written.items():
            os.pwrite(out.fileno(), page, LOADS_OFFSET + pfn * PAGE_BYTES)
        for index in range(distinct):
            os.pwrite(out.fileno(), PATTERNS[pattern](index), LOADS_OFFSET + built.array_paddr(index))
        os.pwrite(out.fileno(), _block("kernel") * SECTION_PAGES, LOADS_OFFSET + built.array_paddr(distinct))
        if pattern == "mixed":
            return
        for section in range(min(size_bytes, WINDOW_BYTES) // SECTION_BYTES):
            data = b"".join(_content(section, index) for index in range(KEPT_PAGES))
            place = section * SECTION_PAGES + (ISLAND_BLOCK << BLOCK_ORDER)
            os.pwrite(out.fileno(), data, window_at + place * PAGE_BYTES)
