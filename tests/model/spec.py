# SPDX-License-Identifier: GPL-2.0-or-later
"""The text form of a synthetic machine: see README.md for the words it is made of.

Does not know any byte layout (layouts.py) and does not build anything (machine.py).
"""
from dataclasses import dataclass, field

# What a page can be in a spec. The value is the dump-level mask that drops it; None: dropped at every level; 0: never.
CLASSES = {
    "kernel": 0,
    "reserved": 0,
    "slab": 0,
    "table": 0,             # Page tables: a typed page whose "mapping" is somebody else's field.
    "movable": 0,           # Movable memory of a driver: mapping has bit 1 set, bit 0 clear.
    "bad-free": 0,          # Looks free, but no zone has blocks of its order: kept.
    "odd-free": 16,         # Looks free, but is not aligned to its order: only this page is dropped.
    "free": 16,
    "unaccepted": 16,
    "cache": 2 | 4,
    "swapped-shmem": 2 | 4,
    "cache-private": 4,
    "anon": 8,
    "ksm": 8,
    "hugetlb": 8,
    "hwpoison": None,
    "offline": None,
}


NUMBERS = ("page_shift", "levels", "va_bits", "va_actual", "phys_offset", "section_bits", "vmemmap", "page_offset",
           "kernel_offset")


class SpecError(Exception):
    """A spec that cannot be understood."""


@dataclass
class Block:
    """Page frames [start, end) of one class, in blocks of 2^order."""
    start: int
    end: int
    kind: str
    order: int = 0
    content: str = "text"
    seed: int = 0


@dataclass
class Spec:
    """One machine."""
    name: str
    machine: str = "x86_64"
    page_shift: int = 12
    layout: str = "6.1"
    levels: int = 4             # x86-64.
    va_bits: int = 48           # arm64: what the kernel was built for,
    va_actual: int = 48         # and what the CPU can do.
    phys_offset: int = 0        # arm64: physical address of the start of the direct map.
    section_bits: int = 0       # 0: what the machine has.
    model: str = "extreme"
    vmemmap: int = 0            # 0: struct pages lie in the direct map.
    vmemmap_pages: str = "2m"
    direct_pages: str = "2m"
    page_offset: int = 0xffff888000000000
    kernel_offset: int = 0
    text: tuple = (0x1000000, 0x400000)
    ram: list = field(default_factory=list)
    system: list = field(default_factory=list)
    nodes: list = field(default_factory=list)
    blocks: list = field(default_factory=list)
    no_memmap: list = field(default_factory=list)
    without: list = field(default_factory=list)
    keeps_all: bool = False     # The kernel says too little: nothing can be dropped.

    @property
    def page_bytes(self):
        """Page size."""
        return 1 << self.page_shift


def _range(text):
    start, sep, end = text.partition("-")
    if not sep:
        raise SpecError(f"{text}: a range is START-END")
    start, end = int(start, 0), int(end, 0)
    if start >= end:
        raise SpecError(f"{text}: the range is empty")
    return start, end


def _block(words):
    start, end = _range(words[0])
    block = Block(start, end, words[1])
    if block.kind not in CLASSES:
        raise SpecError(f"{block.kind}: unknown class")
    rest = words[2:]
    while rest:
        word = rest.pop(0)
        if word.isdigit():
            block.order = int(word)
        elif word in ("zero", "text"):
            block.content = word
        elif word == "random":
            block.content, block.seed = "random", int(rest.pop(0), 0)
        else:
            raise SpecError(f"{word}: unknown word")
    if block.kind not in ("bad-free", "odd-free") and (start | end) & ((1 << block.order) - 1):
        raise SpecError(f"{words[0]}: not aligned to order {block.order}")
    return block


def _line(spec, key, words):
    if key in ("machine", "layout", "model", "vmemmap_pages", "direct_pages"):
        setattr(spec, key, words[0])
    elif key in NUMBERS:
        setattr(spec, key, int(words[0], 0))
    elif key == "text":
        spec.text = (int(words[0], 0), int(words[1], 0))
    elif key in ("ram", "system"):
        getattr(spec, key).append(_range(words[0]))
    elif key == "node":
        spec.nodes.append(_range(words[0]))
    elif key == "no_memmap":
        spec.no_memmap.append(_range(words[0]))
    elif key == "keeps_all":
        spec.keeps_all = True
    elif key == "without":
        spec.without.append(" ".join(words))
    elif key == "pages":
        spec.blocks.append(_block(words))
    else:
        raise SpecError(f"{key}: unknown key")


def parse(path):
    """Read a spec file; SpecError names the line."""
    spec = Spec(path.stem)
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            try:
                _line(spec, words[0], words[1:])
            except (SpecError, IndexError, ValueError) as error:
                raise SpecError(f"{path}:{number}: {error}") from error
    spec.ram.sort()
    return spec


def page_frames(spec):
    """Page frames that the machine's memory touches, in order."""
    frames = set()
    for start, end in spec.ram:
        frames.update(range(start >> spec.page_shift, (end + spec.page_bytes - 1) >> spec.page_shift))
    return sorted(frames)
