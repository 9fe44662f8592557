# SPDX-License-Identifier: GPL-2.0-or-later
"""An ELF dump: its program headers, its notes, and single pages of its memory."""

import re
import struct

from .command import LabError

EHDR_BYTES, PHDR_BYTES = 64, 56
PT_LOAD, PT_NOTE = 1, 4


class Elf:
    """Read at once; the memory stays in the file."""

    def __init__(self, path):
        self.path = path
        self.notes = b""
        self.loads = []    # (virtual address, physical address, bytes in the file, offset)
        with open(path, "rb") as file:
            header = file.read(EHDR_BYTES)
            if header[:6] != b"\x7fELF\x02\x01":
                raise LabError(f"{path}: no little-endian ELF file of 64 bits")
            self.machine, = struct.unpack_from("<H", header, 18)
            offset, = struct.unpack_from("<Q", header, 32)
            size, count = struct.unpack_from("<HH", header, 54)
            file.seek(offset)
            table = file.read(size * count)
            for number in range(count):
                kind, _, offset, vaddr, paddr, filesz, _, _ = struct.unpack_from(
                    "<IIQQQQQQ", table, number * size)
                if kind == PT_NOTE:
                    file.seek(offset)
                    self.notes += file.read(filesz)
                elif kind == PT_LOAD:
                    self.loads.append((vaddr, paddr, filesz, offset))
        found = re.search(rb"PAGESIZE=(\d+)\n", self.notes)
        self.page_bytes = int(found[1]) if found else 4096

    def page(self, pfn):
        """The content of a page frame that is wholly in the file."""
        start = pfn * self.page_bytes
        for _, paddr, size, offset in self.loads:
            if paddr <= start and start + self.page_bytes <= paddr + size:
                with open(self.path, "rb") as file:
                    file.seek(offset + start - paddr)
                    return file.read(self.page_bytes)
        raise LabError(f"{self.path}: page frame {pfn:#x} is not in it")

    def partial_frames(self):
        """Frames of which the file holds only a part: the ends of its segments."""
        return {address // self.page_bytes for _, paddr, size, _ in self.loads
                for address in (paddr, paddr + size) if address % self.page_bytes}
