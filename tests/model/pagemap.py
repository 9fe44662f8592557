# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads page maps, and compares them with what a spec says. Written from the description in src/dump/fmt_pagemap.h."""
import bisect
import re
import struct

from readers import require
from spec import page_frames

HEADER, ENTRY, BLOCK_FRAMES = "<8s4I3Q2I8x", "<QQII", 1 << 18
PARTIAL, COMPLETE, DRY_RUN = range(3)
PENDING, WRITTEN, ZERO, UNREADABLE = range(4)
NONE, KERNEL, FREE, CACHE, CACHE_PRIVATE, USER, OFFLINE, POISONED, UNKNOWN, MISSING, STRUCT_PAGES, PROCESS = range(12)
# Code of each class of a spec; what is not here is the kernel's.
CODES = {"free": FREE, "odd-free": FREE, "unaccepted": FREE, "cache": CACHE, "swapped-shmem": CACHE,
         "cache-private": CACHE_PRIVATE, "anon": USER, "ksm": USER, "hugetlb": USER, "hwpoison": POISONED, "offline": OFFLINE}
# Level bits that drop a code; the others are dropped at every level, or at none.
MASKS = {FREE: 16, CACHE: 2 | 4, CACHE_PRIVATE: 4, USER: 8}
ALWAYS = (NONE, OFFLINE, POISONED, MISSING, STRUCT_PAGES)


class PageMap:
    """A page map: header fields, codes of all frames, and states of those that are kept."""

    def __init__(self, data, wanted_page_bytes=4096):
        require(len(data) >= struct.calcsize(HEADER), "page map: too short")
        (magic, version, self.status, page_bytes, block, self.max_pfn, self.index, self.crash_time, self.level,
         self.dropped) = struct.unpack_from(HEADER, data)
        require(magic == b"KDUMPMAP" and version == 1 and page_bytes == wanted_page_bytes and block == BLOCK_FRAMES,
                f"page map: header {data[:64].hex()}")
        self.data = data

    def _runs(self, offset, size):
        at, end = offset, offset + size
        while at < end:
            byte = self.data[at]
            code, frames, shift = byte & 15, byte >> 4 & 7, 3
            while byte & 0x80:
                at += 1
                require(at < end, "page map: a run is cut short")
                byte = self.data[at]
                frames |= (byte & 0x7f) << shift
                shift += 7
            at += 1
            yield code, frames + 1

    def state(self, cell):
        """State of a frame that is kept."""
        byte = self.data[cell // 4] if cell // 4 < len(self.data) else 0
        return byte >> cell % 4 * 2 & 3

    def runs(self):
        """(pfn, pfn behind it, code, cell of the first state or None) of each run of each block that has an entry."""
        for number in range((self.max_pfn + BLOCK_FRAMES - 1) // BLOCK_FRAMES):
            at = self.index + number * struct.calcsize(ENTRY)
            offset, cell, size, kept = struct.unpack_from(ENTRY, self.data, at) if at < len(self.data) else (0, 0, 0, 0)
            if not offset:
                continue
            pfn, first = number * BLOCK_FRAMES, cell
            require(offset + size <= len(self.data), f"page map: block {number} ends behind the file")
            for code, frames in self._runs(offset, size):
                has_states = not self.dropped >> code & 1
                yield pfn, pfn + frames, code, cell if has_states else None
                pfn += frames
                cell += frames if has_states else 0
            require(pfn == min((number + 1) * BLOCK_FRAMES, self.max_pfn), f"page map: block {number} ends at {pfn:#x}")
            require(cell == first + kept, f"page map: block {number} keeps {cell - first} pages, not {kept}")

    def frames(self):
        """(pfn, code, state or None) of each frame of each block that has an entry."""
        for start, end, code, cell in self.runs():
            for pfn in range(start, end):
                yield pfn, code, None if cell is None else self.state(cell + pfn - start)


def _codes(spec):
    """Code of each page frame that is memory."""
    codes = dict.fromkeys(page_frames(spec), UNKNOWN if spec.keeps_all else KERNEL)
    if spec.keeps_all:
        return codes
    for block in spec.blocks:
        codes.update((pfn, CODES.get(block.kind, KERNEL)) for pfn in range(block.start, block.end) if pfn in codes)
    for start, end in spec.no_memmap:
        codes.update((pfn, UNKNOWN) for pfn in range(start >> spec.page_shift, end >> spec.page_shift) if pfn in codes)
    return codes


def check_stats(machine, level, stats):
    """BadDump unless statistics (--stats) of a kdump-compressed dump are those of a machine and a level."""
    codes = _codes(machine.spec)
    kept = [pfn for pfn, code in codes.items() if code not in ALWAYS and not MASKS.get(code, 0) & level]
    broken = sum(1 for code in codes.values() if code == POISONED)
    wanted = {"total": len(codes), "kept": len(kept), "written": len(kept), "unreadable": 0, "broken": broken,
              "unused_struct_pages": 0,
              "zero": sum(1 for pfn in kept if not machine.page(pfn).strip(b"\0"))}
    if not machine.spec.keeps_all:
        wanted["unclassified"] = sum(1 for code in codes.values() if code == UNKNOWN)
    for name, value in wanted.items():
        require(stats["pages"][name] == value, f"statistics: {name} is {stats['pages'][name]}, must be {value}")
    names = {"free": FREE, "cache": CACHE, "cache_private": CACHE_PRIVATE, "user": USER, "offline": OFFLINE}
    for name, code in names.items():
        count = sum(1 for other in codes.values() if other == code)
        is_dropped = code in ALWAYS or MASKS.get(code, 0) & level
        entry = {"kept": 0, "dropped": count} if is_dropped else {"kept": count, "dropped": 0}
        require(stats["classes"][name] == entry, f"statistics: {name} is {stats['classes'][name]}, must be {entry}")
    sums = [sum(entry[which] for entry in stats["classes"].values()) for which in ("kept", "dropped")]
    require(sums == [len(kept) + broken, len(codes) - len(kept) - broken], f"statistics: classes sum up to {sums}")
    require(stats["level_asked"] == level and stats["is_whole"] and stats["exit_status"] == 0 and stats["error"] is None,
            "statistics: not those of this copy")
    require(0 < stats["filter_us"] <= (stats["elapsed_ms"] + 1) * 1000,
            f"statistics: filtering took {stats['filter_us']} us of {stats['elapsed_ms']} ms")
    names = [entry["name"] for entry in stats["warnings"]]
    require(("no-filter" in names) == machine.spec.keeps_all, f"statistics: warnings {names}")
    require(stats["level_used"] == (level & 1 if machine.spec.keeps_all else level), "statistics: level_used")


def check_usage(machine, table):
    """BadDump unless a table (--mem-usage) counts the pages of a machine."""
    codes = _codes(machine.spec)
    kept = [pfn for pfn, code in codes.items() if code in (KERNEL, UNKNOWN)]
    zero = sum(1 for pfn in kept if not machine.page(pfn).strip(b"\0"))
    wanted = {"ZERO": zero, "KERN_DATA": len(kept) - zero, "Total pages on system:": len(codes),
              "Total size on system:": len(codes) * machine.page_bytes,
              "page size:": machine.page_bytes}
    for name, code in (("NON_PRI_CACHE", CACHE), ("PRI_CACHE", CACHE_PRIVATE), ("USER", USER), ("FREE", FREE)):
        wanted[name] = sum(1 for other in codes.values() if other == code)
    found = dict(re.findall(r"^([A-Z_]+|[^\t\n]+:)\t+(\d+)", table, flags=re.MULTILINE))
    require(found == {name: str(value) for name, value in wanted.items()}, f"usage: {found}, must be {wanted}")


def _wanted_state(machine, pfn, status, finds_zeros):
    if status == DRY_RUN:
        return PENDING
    return ZERO if finds_zeros and not machine.page(pfn).strip(b"\0") else WRITTEN


def check(machine, level, data, finds_zeros, status=COMPLETE, unused=frozenset()):
    """BadDump unless a map is that of a dump of a level.

    finds_zeros: zero pages have a state of their own; unused: frames of struct pages that are left out.
    """
    read = PageMap(data, machine.spec.page_bytes)
    require(read.status == status, f"page map: status {read.status}")
    require(read.level == level, f"page map: dump level {read.level}")
    require(read.max_pfn == max(page_frames(machine.spec)) + 1, f"page map: max_pfn {read.max_pfn:#x}")
    dropped = sum(1 << code for code in range(12) if code in ALWAYS or MASKS.get(code, 0) & level)
    require(read.dropped == dropped, f"page map: dropped codes {read.dropped:#x}, must be {dropped:#x}")
    codes = _codes(machine.spec)
    codes.update(dict.fromkeys(unused, STRUCT_PAGES))
    memory, told = sorted(codes), 0
    for start, end, code, cell in read.runs():
        first, last = bisect.bisect_left(memory, start), bisect.bisect_left(memory, end)
        told += last - first
        require(code == NONE or last - first == end - start,
                f"page map: pfn {start:#x} to {end:#x} have code {code}, and some are no memory")
        for pfn in memory[first:last]:
            require(code == codes[pfn], f"page map: pfn {pfn:#x} has code {code}, must have {codes[pfn]}")
            if cell is not None:
                state, expected = read.state(cell + pfn - start), _wanted_state(machine, pfn, status, finds_zeros)
                require(state == expected, f"page map: pfn {pfn:#x} (code {code}) has state {state}, must have {expected}")
    require(told == len(codes), f"page map: says nothing of {len(codes) - told} frames")
