# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's dump of a guest's memory, rewritten to the shape of /proc/vmcore.

QEMU places program headers behind section headers, where makedumpfile does not look,
memory at offsets that are no multiple of a page, and knows no virtual addresses.
"""

import os
import struct

from .command import LabError
from .elf import EHDR_BYTES, PHDR_BYTES, PT_LOAD, PT_NOTE, Elf

ALIGN_BYTES = 64 << 10     # The largest page of any machine.
NOT_KNOWN = (1 << 64) - 1


def _copy(source, target, offset_in, offset_out, size):
    while size:
        done = os.copy_file_range(source, target, size, offset_in, offset_out)
        if not done:
            raise LabError("QEMU's dump ends too early")
        offset_in, offset_out, size = offset_in + done, offset_out + done, size - done


def _virtual(kcore, first, size):
    """Of the program headers of /proc/kcore inside [first, first + size): those of the
    kernel's image, and the virtual address of first in the direct map."""
    inside = [load for load in kcore if first <= load[1] and load[1] + load[2] <= first + size]
    image, direct = [], NOT_KNOWN
    for vaddr, paddr, count in inside:
        # The image is mapped twice; its own addresses are the higher ones.
        if any(start <= paddr < start + more and other < vaddr for other, start, more in inside):
            image.append((vaddr, paddr, count))
        else:
            direct = vaddr - paddr + first
    return image, direct


def rewrite(source, target, kcore):
    """Write the file anew; kcore is a list of (virtual address, physical address, bytes)."""
    core = Elf(source)
    memory, images = [], []      # (virtual address, physical address, bytes, new offset)
    copies, end = [], ALIGN_BYTES
    for _, paddr, size, offset in core.loads:
        image, vaddr = _virtual(kcore, paddr, size)
        if vaddr == NOT_KNOWN:     # Firmware and the like: the kernel does not call it memory.
            continue
        place = end + paddr % ALIGN_BYTES
        end = place + size + ALIGN_BYTES - 1 & -ALIGN_BYTES
        memory.append((vaddr, paddr, size, place))
        images += [(high, start, count, place + start - paddr) for high, start, count in image]
        copies.append((offset, place, size))
    headers = EHDR_BYTES + PHDR_BYTES * (1 + len(images) + len(memory))
    if headers + len(core.notes) > ALIGN_BYTES:
        raise LabError("QEMU's dump has too many notes")
    with open(source, "rb") as old, open(target, "wb") as new:
        new.write(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, core.machine, 1, 0,
                              EHDR_BYTES, 0, 0, EHDR_BYTES, PHDR_BYTES,
                              1 + len(images) + len(memory), 0, 0, 0))
        new.write(struct.pack("<IIQQQQQQ", PT_NOTE, 0, headers, 0, 0, len(core.notes),
                              len(core.notes), 0))
        for vaddr, paddr, size, place in images + memory:
            new.write(struct.pack("<IIQQQQQQ", PT_LOAD, 7, place, vaddr & NOT_KNOWN, paddr, size,
                                  size, 0))
        new.write(core.notes)
        new.flush()
        for offset, place, size in copies:
            _copy(old.fileno(), new.fileno(), offset, place, size)
        new.truncate(end)
