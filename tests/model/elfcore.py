# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine as an ELF file with the shape of /proc/vmcore.

The kernel writes one program header for its image and one for each range of memory, whole pages behind ranges that do
not start or end on one (fs/proc/vmcore.c: merge and "rounddown(paddr, PAGE_SIZE)").
"""
import struct

EHDR_BYTES, PHDR_BYTES = 64, 56
PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS = 1
PRSTATUS_BYTES = 336


def note(name, kind, data):
    """One note, padded as the gABI says."""
    name += b"\0"
    return (struct.pack("<III", len(name), len(data), kind) + name.ljust(len(name) + 3 & ~3, b"\0")
            + data.ljust(len(data) + 3 & ~3, b"\0"))


def loads(machine):
    """(virtual, physical, bytes) of each PT_LOAD."""
    spec = machine.spec
    result = [(machine.paging.text_vaddr, spec.text[0], spec.text[1])]
    return result + [(machine.paging.direct_vaddr(start), start, end - start) for start, end in spec.ram]


def write(machine, path):
    """Write the file. Returns a dict of places: name -> list of (offset, bytes), for whoever wants to damage it; "where" is
    pfn -> offset."""
    page_shift, page_bytes = machine.spec.page_shift, machine.spec.page_bytes
    prstatus = bytearray(PRSTATUS_BYTES)
    struct.pack_into("<I", prstatus, 32, 4711)                       # pr_pid
    struct.pack_into("<Q", prstatus, 112 + 16 * 8, machine.paging.text_vaddr + 0x100)  # rip
    notes = note(b"CORE", NT_PRSTATUS, bytes(prstatus)) + note(b"CORE", NT_PRSTATUS, bytes(prstatus))
    notes += note(b"VMCOREINFO", 0, machine.vmcoreinfo())
    segments = loads(machine)
    phdr_count = len(segments) + 1
    note_offset = page_bytes
    offset = note_offset + (len(notes) + page_bytes - 1 & -page_bytes)
    phdrs = [struct.pack("<IIQQQQQQ", PT_NOTE, 0, note_offset, 0, 0, len(notes), len(notes), 0)]
    places = {}
    with open(path, "wb") as out:
        where = {}
        for vaddr, paddr, size in segments:
            first, end = paddr & -page_bytes, paddr + size + page_bytes - 1 & -page_bytes
            phdrs.append(struct.pack("<IIQQQQQQ", PT_LOAD, 7, offset + paddr - first, vaddr, paddr, size, size, 0))
            for pfn in range(first >> page_shift, end >> page_shift):
                data = machine.page(pfn)
                where[pfn] = offset
                if data.strip(b"\0"):
                    out.seek(offset)
                    out.write(data)
                offset += page_bytes
        out.truncate(offset)
        out.seek(0)
        out.write(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, machine.paging.elf_machine, 1, 0, EHDR_BYTES, 0, 0, EHDR_BYTES,
                              PHDR_BYTES, phdr_count, 0, 0, 0))
        out.write(b"".join(phdrs))
        out.seek(note_offset)
        out.write(notes)
    places["header"] = [(0, EHDR_BYTES + PHDR_BYTES * phdr_count)]
    places["notes"] = [(note_offset, len(notes))]
    places["tables"] = [(where[pfn], page_bytes) for pfn in machine.tables]
    places["memmap"] = [(where[pfn], page_bytes) for pfn in machine.memmap_frames]
    places["variables"] = [(where[paddr >> page_shift] + (paddr & (page_bytes - 1)), 64)
                           for paddr in machine.variables.values()]
    places["where"] = where
    return places
