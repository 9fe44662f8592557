# SPDX-License-Identifier: GPL-2.0-or-later
"""Our copy against makedumpfile's, page by page; every difference has a name."""

from . import pageflags
from .elf import Elf


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


def compare(ours, theirs, vmcore, level, words=()):
    """Compare two page lists; name the differences that are known.

    words: the kernel's /proc/kpageflags, if that was kept.
    """
    core = Elf(vmcore)
    differences = Differences(ours, theirs)
    # Since 7.1 the word that marks them is called compound_info. makedumpfile 1.7.8 knows
    # compound_head only, and takes them for user memory by a word that is not "mapping".
    if b"OFFSET(page.compound_info)" in core.notes:
        differences.explain("a page inside a slab or a like block, which makedumpfile takes "
                            "for user memory", pageflags.kernel_tails(words),
                            differences.only_ours)
    # At these levels makedumpfile looks at struct pages only if there may be broken memory.
    if level < 2 and b"NUMBER(PG_hwpoison)" not in core.notes:
        differences.explain("memory that the host took back, for which makedumpfile does not "
                            "look at this level", pageflags.offline(words),
                            differences.only_theirs)
    # makedumpfile keeps or drops a frame of which the vmcore holds only a part,
    # as its mode (cyclic or not) has it; we keep it, filled with zeros.
    partial = core.partial_frames()
    differences.explain("a frame of which the vmcore holds only a part", partial,
                        differences.only_ours, differences.only_theirs,
                        differences.content)
    return differences
