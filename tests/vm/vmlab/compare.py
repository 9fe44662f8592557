# SPDX-License-Identifier: GPL-2.0-or-later
"""Our copy against makedumpfile's, page by page; every difference has a name."""

import struct

PAGE = 4096


def partial_frames(vmcore):
    """Frames of which the ELF file holds only a part: the ends of its segments."""
    with open(vmcore, "rb") as file:
        header = file.read(64)
        offset, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        table = file.read(size * count)
    frames = set()
    for number in range(count):
        kind, = struct.unpack_from("<I", table, number * size)
        paddr, filesz = struct.unpack_from("<QQ", table, number * size + 24)
        if kind != 1:
            continue
        for address in (paddr, paddr + filesz):
            if address % PAGE:
                frames.add(address // PAGE)
    return frames


class Differences:
    """Where two dumps of one vmcore differ.

    only_ours and only_theirs are frames that one of them holds; content are
    frames that both hold with different content.  explained maps the name of a
    known cause to its frames; what remains in the three sets has no cause.
    """

    def __init__(self, ours, theirs):
        self.only_ours = ours.keys() - theirs.keys()
        self.only_theirs = theirs.keys() - ours.keys()
        self.content = {pfn for pfn in ours.keys() & theirs.keys()
                        if ours[pfn] != theirs[pfn]}
        self.explained = {}

    def explain(self, name, frames, *sets):
        """Take the frames out of the sets and remember why they may differ."""
        for differing in sets:
            found = differing & frames
            if found:
                self.explained.setdefault(name, set()).update(found)
                differing -= found

    def text(self):
        """What has no explanation; empty when all has."""
        parts = []
        for title, frames in (("only in ours", self.only_ours),
                              ("only in makedumpfile's", self.only_theirs),
                              ("different content", self.content)):
            if frames:
                some = " ".join(f"{pfn:#x}" for pfn in sorted(frames)[:8])
                parts.append(f"{len(frames)} pages {title}: {some}")
        return "\n".join(parts)


def compare(ours, theirs, vmcore):
    """Compare two page lists; name the differences that are known."""
    differences = Differences(ours, theirs)
    # makedumpfile keeps or drops a frame of which the vmcore holds only a part,
    # as its mode (cyclic or not) has it; we keep it, filled with zeros.
    partial = partial_frames(vmcore)
    differences.explain("a frame of which the vmcore holds only a part", partial,
                        differences.only_ours, differences.only_theirs,
                        differences.content)
    return differences
