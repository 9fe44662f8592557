# SPDX-License-Identifier: GPL-2.0-or-later
"""What the crashed kernel itself said of each of its page frames, in /proc/kpageflags,
at the moment before the panic; and which dump level takes which of them away."""

import struct

from .planted import ALWAYS, CACHE, CACHE_PRIVATE, FREE, USER

# include/uapi/linux/kernel-page-flags.h, include/linux/kernel-page-flags.h
LRU, SLAB, BUDDY, ANON, SWAPCACHE, SWAPBACKED = (1 << bit for bit in (5, 7, 10, 12, 13, 14))
HEAD, TAIL, HUGE, HWPOISON, NOPAGE, OFFLINE = (1 << bit for bit in (15, 16, 17, 19, 20, 23))
PRIVATE = 1 << 35

# Of so many frames the kernel changed its mind between the report and the panic, or
# between two looks at one page while it reported.
UNSTEADY = 64


def read(planted, core):
    """The words by page frame number, from the pages of class "flags" in a dump."""
    frames = planted.frames.get("flags", {})
    data = b"".join(core.page(frames[index]) for index in sorted(frames))
    return struct.unpack(f"<{len(data) // 8}Q", data)


def _taken_by(word):
    if word & HWPOISON or word & OFFLINE:
        return ALWAYS
    if word & SLAB:
        return 0
    if word & BUDDY:
        return FREE
    if word & (ANON | HUGE):
        return USER
    if word & LRU or word & SWAPCACHE and word & SWAPBACKED:
        return CACHE_PRIVATE if word & PRIVATE else CACHE | CACHE_PRIVATE
    return 0


def classes(words):
    """[bits that take the page away] by page frame number; None: not known to the kernel."""
    result, head = [], 0
    for word in words:
        if word & NOPAGE:
            result.append(None)
            continue
        # A page inside a compound one shares the fate of the first.
        if not word & TAIL:
            head = word
        result.append(_taken_by(head if word & TAIL else word))
    return result


def kernel_tails(words):
    """Page frames inside compound pages of the kernel, slabs among them, but the first of each."""
    taken_by = classes(words)
    return frozenset(pfn for pfn, word in enumerate(words)
                     if taken_by[pfn] == 0 and word & TAIL)


def offline(words):
    """Page frames that a balloon took, and the like."""
    return frozenset(pfn for pfn, word in enumerate(words) if word & OFFLINE)


def differences(taken_by, dump, memory, level):
    """({(expected, there)}: [page frames]}): where a dump differs from what the kernel said.

    memory: page frames of the machine. Those that the kernel does not know are kept.
    """
    wrong = {}
    for pfn in memory:
        bits = taken_by[pfn] if pfn < len(taken_by) else None
        is_wanted = not (bits or 0) & (level | ALWAYS)
        if is_wanted != (pfn in dump):
            wrong.setdefault((bits, not is_wanted), []).append(pfn)
    return wrong
