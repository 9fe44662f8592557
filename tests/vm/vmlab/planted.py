# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages that plant.c put in the guest: where, with what, and which level
takes which of them away."""

import re
import struct
import zlib

MASK = (1 << 64) - 1

# The bits of a dump level that take a class away; any one of them suffices.
# Without a bit: kernel memory, there at every level.
ZERO, CACHE, CACHE_PRIVATE, USER, FREE = 1, 2, 4, 8, 16
# The processes that plant.c starts, and the pages of each; classes are PROCESS_WHAT.
PROCESSES = ("planta", "plantb")
_OF_PROCESSES = {"anon": USER, "hidden": USER, "huge": USER, "file": CACHE | CACHE_PRIVATE}
ALWAYS = 32    # Not a bit of a level: gone at all of them.
TAKEN_BY = {
    "hugetlb": USER,
    "thp": USER,
    "anon": USER,
    # A page of zeros of a process; the file keeps one page for all of them, so
    # readers see zeros at every level that keeps user pages.
    "zero": USER,
    "tmpfs": CACHE | CACHE_PRIVATE,
    "clean": CACHE | CACHE_PRIVATE,
    "dirty": CACHE_PRIVATE,
    "free": FREE,
    **{f"{process}_{what}": bits for process in PROCESSES
       for what, bits in _OF_PROCESSES.items()},
    # What came back from swap before anybody mapped it.
    "swapped": CACHE | CACHE_PRIVATE,
    # What a balloon took: not read, since the host may have nothing there.
    "offline": ALWAYS,
}
# Classes whose frames the kernel named: their index says nothing about their content.
BY_KERNEL = ("swapped", "offline")
KERNEL = ("slab", "pipe")

# Pages of these classes are moved in batches between lists: some of them may be
# on a per-CPU list at the panic, which no filter recognises.  The share that has
# to be taken away at least.
AT_LEAST = {"free": 0.75}

FEW = 64       # plant.c: pages of each small class.


def _words(seed):
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def content(name, index, page_bytes):
    """The page that plant.c wrote for a class and an index."""
    if name == "zero":
        return bytes(page_bytes)
    state = 5381
    for char in name.encode():
        state = (state * 33 + char) & MASK
    state = (state * 1000003 + index) & MASK
    words = _words(state)
    count = page_bytes // 8
    page = struct.pack(f"<{count}Q", *(next(words) for _ in range(count)))
    return f"KDUMPLANT {name} {index}".encode().ljust(32, b"\0") + page[32:]


def content_sum(page):
    """The sum that the pages program prints."""
    return zlib.adler32(page) << 32 | zlib.crc32(page)


class Planted:
    """The report of one run of plant."""

    def __init__(self, text):
        self._sums = {}     # (class, index, page size): sum; the generator is slow here.
        self.frames = {}    # class: {index: page frame number or None}
        self.missing = re.findall(r"^none (\w+): (.*)$", text, re.MULTILINE)
        for name, index, pfn in re.findall(r"^page (\w+) (\d+) (\d+|\?)\s*$", text,
                                           re.MULTILINE):
            self.frames.setdefault(name, {})[int(index)] = (
                None if pfn == "?" else int(pfn))

    def _sum(self, name, index, page_bytes):
        key = name, index, page_bytes
        if key not in self._sums:
            self._sums[key] = content_sum(content(*key))
        return self._sums[key]

    def _confirm_by_kernel(self, name, memory, page_bytes):
        frames = self.frames[name]
        found = {pfn: memory[pfn] for pfn in frames.values() if pfn in memory}
        if name == "swapped":      # Also pages of programs that are not ours were written out.
            ours = {self._sum(name, index, page_bytes) for index in range(FEW)}
            found = {pfn: total for pfn, total in found.items() if total in ours}
        return found

    def confirm(self, memory, page_bytes=4096):
        """{class: {page frame number: sum}} of pages that are still as planted.

        memory is the guest's memory or an unfiltered dump of it.  A page that
        moved or was used again between the report and the panic is left out.
        """
        confirmed = {}
        for name, frames in self.frames.items():
            if name not in TAKEN_BY:
                continue
            if name in BY_KERNEL:
                confirmed[name] = self._confirm_by_kernel(name, memory, page_bytes)
                continue
            kept = confirmed.setdefault(name, {})
            for index, pfn in frames.items():
                if pfn is None:
                    continue
                # Of many pages, every eighth is checked.
                if len(frames) > 1000 and index % 8:
                    continue
                expected = self._sum(name, index, page_bytes)
                if memory.get(pfn) == expected:
                    kept[pfn] = expected
        return confirmed


def is_taken(name, level, process=""):
    """Whether pages of a class are left out where those of a process are kept."""
    is_kept = process and name.startswith(f"{process}_")
    return bool((level | ALWAYS) & TAKEN_BY[name]) and not is_kept


def check_level(confirmed, dump, level, process=""):
    """[(class, error or "", count)] for the classes with known frames."""
    results = []
    for name, pages in confirmed.items():
        if name not in TAKEN_BY:
            continue
        there = sum(1 for pfn in pages if pfn in dump)
        wrong = sum(1 for pfn, total in pages.items()
                    if pfn in dump and dump[pfn] != total)
        error = ""
        if not pages:
            error = "no planted page was left to look at"
        elif wrong:
            error = f"{wrong} of {len(pages)} pages have a wrong content"
        elif is_taken(name, level, process):
            allowed = len(pages) * (1 - AT_LEAST.get(name, 1.0))
            if there > allowed:
                error = f"{there} of {len(pages)} pages are still there"
        elif there < len(pages):
            error = f"{len(pages) - there} of {len(pages)} pages are missing"
        results.append((name, error, len(pages)))
    return results


def check_kernel(planted, found):
    """[(class, error or "", count)] for kernel memory: each index must be found.

    found is what the pages program found of the marker in a dump.
    """
    names = {text for _, _, text in found}
    results = []
    for name in KERNEL:
        wanted = planted.frames.get(name, {})
        lost = [index for index in wanted if f"KDUMPLANT {name} {index}" not in names]
        error = ""
        if not wanted:
            error = "nothing of this class was planted"
        elif lost:
            error = f"{len(lost)} of {len(wanted)} objects are missing"
        results.append((name, error, len(wanted)))
    return results
