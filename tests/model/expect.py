# SPDX-License-Identifier: GPL-2.0-or-later
"""What a dump must hold, from the spec alone: no struct page and no VMCOREINFO is looked at here."""
from layouts import PAGE_STRUCT_BYTES
from spec import CLASSES, page_frames


def kept(spec, level):
    """Page frames that are in a dump of a level, zero pages included."""
    dropped = set()
    for block in spec.blocks if not spec.keeps_all else ():
        mask = CLASSES[block.kind]
        if mask is None or mask & level:
            dropped.update(range(block.start, block.end))
    return [pfn for pfn in page_frames(spec) if pfn not in dropped]


def valid_range(spec, pfn):
    """[first, end) of the bytes of a page frame that are memory: fewer than a page at the ends of odd ranges."""
    shift, size = spec.page_shift, spec.page_bytes
    first, end = size, 0
    for start, stop in spec.ram:
        if start < (pfn + 1) << shift and stop > pfn << shift:
            first = min(first, max(0, start - (pfn << shift)))
            end = max(end, min(size, stop - (pfn << shift)))
    return first, end


def unused_struct_pages(machine, level):
    """Page frames of struct pages which describe only memory that is not in a dump of a level (makedumpfile -e).

    Where struct pages lie is known from how the machine was built.
    """
    dropped = set(page_frames(machine.spec)) - set(kept(machine.spec, level))
    described = {}
    for pfn, paddr in machine.struct_pages.items():
        described.setdefault(paddr >> machine.page_shift, []).append(pfn)
    size = machine.page_bytes // PAGE_STRUCT_BYTES
    return {frame for frame, pfns in described.items() if len(pfns) == size and dropped.issuperset(pfns)}
