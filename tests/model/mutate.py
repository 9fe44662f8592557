# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged dumps: whatever the input holds, kdump-copy ends by itself, with one of its exit codes, and what it wrote
with exit code 0 can be read.

The damage is a function of a number: a failing mutant can be made again with "run --mutant NUMBER".
"""
import os
import random
import struct

import expect
import layouts

KINDS = ("truncate", "header", "notes", "tables", "memmap", "variables", "vmcoreinfo", "many")
WILD = (0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
        (1 << 64) - 4096, 0xffff888000000000, 0xffffffff80000000)


def _wild_number(rng, data, offset, size):
    """Overwrite one aligned integer."""
    width = rng.choice((1, 2, 4, 8, 8))
    at = offset + rng.randrange(0, max(1, size - width + 1)) // width * width
    value = rng.choice(WILD) if rng.random() < 0.6 else rng.getrandbits(64)
    data[at:at + width] = struct.pack("<Q", value & (1 << 64) - 1)[:width]


def _number_in_text(rng, data, offset, size):
    """Replace the value of one line of VMCOREINFO, in place."""
    lines = []
    start = data.find(b"OSRELEASE=", offset, offset + size)
    end = data.find(b"\0", start)
    at = start
    while at < end:
        stop = data.find(b"\n", at, end)
        stop = end if stop < 0 else stop
        equals = data.find(b"=", at, stop)
        if equals > 0 and stop - equals > 1:
            lines.append((equals + 1, stop))
        at = stop + 1
    first, stop = rng.choice(lines)
    room = stop - first
    value = rng.choice([b"-1", b"0", b"1", b"9" * 30, b"f" * 30, b"x", b"", b"63", b"64", b"4096", b"-9223372036854775808"])
    data[first:stop] = value[:room].ljust(room, rng.choice([b" ", b"0", b"\n", b"\xff"]))


def damage(number, pristine, places):
    """(description, bytes) of a mutant."""
    rng = random.Random(number)
    kind = KINDS[number % len(KINDS)]
    data = bytearray(pristine)
    if kind == "truncate":
        cut = rng.choice([rng.randrange(0, 8192), rng.randrange(0, len(data)), rng.randrange(0, len(data)) & -4096])
        return f"truncated at {cut}", bytes(data[:cut])
    if kind == "vmcoreinfo":
        for _ in range(rng.choice((1, 1, 2, 5))):
            _number_in_text(rng, data, *places["notes"][0])
        return kind, bytes(data)
    names = ("header", "notes", "tables", "memmap", "variables") if kind == "many" else (kind,)
    for name in names:
        for _ in range(rng.choice((1, 2, 8, 64))):
            offset, size = rng.choice(places[name])
            if rng.random() < 0.7:
                _wild_number(rng, data, offset, size)
            elif rng.random() < 0.5:
                at = offset + rng.randrange(size)
                data[at] ^= 1 << rng.randrange(8)
            else:
                start = offset + rng.randrange(size)
                stop = min(offset + size, start + rng.randrange(1, 256))
                data[start:stop] = rng.randbytes(stop - start)
    return kind, bytes(data)


def _values(notes_offset, notes):
    """(offset, bytes) of each value of VMCOREINFO, but for the page size: another one gives page frames other numbers."""
    at, end = notes.index(b"OSRELEASE="), len(notes.rstrip(b"\0"))
    for line in notes[at:end].split(b"\n"):
        equals = line.find(b"=") + 1
        if equals and len(line) > equals and not line.startswith(b"PAGESIZE="):
            yield notes_offset + at + equals, len(line) - equals
        at += len(line) + 1


def describe(machine, places, pristine, path):
    """Write what corrupt.c must know of a dump: where its parts are, and what the spec says of each page frame."""
    where, layout, shift = places["where"], machine.layout, machine.spec.page_shift
    rows = []

    def add(name, paddr, size, start, end):
        if paddr >> shift in where:
            rows.append((name, where[paddr >> shift] + (paddr & (1 << shift) - 1), size, start, end))
    for name, key in (("table", "tables"), ("memmap", "memmap"), ("variable", "variables")):
        rows += [(name, offset, size, 0, 0) for offset, size in places[key]]
    offset, size = places["notes"][0]
    rows += [("value", at, count, 0, 0) for at, count in _values(offset, pristine[offset:offset + size])]
    for name, words in (("section", machine.section_words), ("leaf", machine.leaves)):
        for paddr, start, end in words:
            add(name, paddr, 8, start, end)
    for pfn in machine.frames:
        if pfn in machine.struct_pages:
            add("page", machine.struct_pages[pfn], layouts.PAGE_STRUCT_BYTES, pfn, pfn + 1)
    kept = set(expect.kept(machine.spec, 31))
    for block in machine.spec.blocks:
        order = 0 if block.kind in ("bad-free", "odd-free") else block.order
        rows.append(("class", order, int(block.start not in kept), block.start, block.end))
    rows += [("ram", 0, 0, start >> shift, (end + (1 << shift) - 1) >> shift)
             for start, end in machine.spec.ram]
    rows += [("flags", layout.flags, 8, 0, 0), ("mapping", layout.mapping, 8, 0, 0), ("mapcount", layout.mapcount, 4, 0, 0),
             ("private", layout.private, 8, 0, 0), ("head", layout.head_offset, 8, 0, 0)]
    with open(path, "w", encoding="ascii") as out:
        out.writelines(" ".join(map(str, row)) + "\n" for row in rows)


def write(path, data):
    """Write sparsely: most of a mutant is zeros."""
    with open(path, "wb") as out:
        for at in range(0, len(data), 65536):
            part = data[at:at + 65536]
            if part.strip(b"\0"):
                out.seek(at)
                out.write(part)
        out.truncate(len(data))
    return os.path.getsize(path)
