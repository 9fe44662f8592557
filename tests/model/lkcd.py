# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine as dumps of formats that are read through libkdumpfile: LKCD, and an s390 dump without pages.

Source of the formats: libkdumpfile 0.5.1, src/kdumpfile/lkcd.c and s390dump.c.
"""
import struct
import zlib

import expect

# Both are of machines with pages of this size.
PAGE_SHIFT = 12
PAGE_BYTES = 1 << PAGE_SHIFT

LKCD_MAGIC, S390_MAGIC = 0xa8190173618f23ed, 0xa8190173618f23fd
VERSION = 9
COMPRESS_GZIP = 2
PAGE_RAW, PAGE_COMPRESSED, PAGE_END = 1, 2, 4
DATA_OFFSET = 65536
UTSNAME = ("Linux", "model", "6.12.0", "#1", "x86_64", "(none)")
S390_HEADER_BYTES, S390_ARCH_64BIT = 4096, 2


def content(machine, pfn):
    """A page as the kernel that writes the dump sees it: what is no memory reads as zeros."""
    first, end = expect.valid_range(machine.spec, pfn)
    return bytes(first) + machine.page(pfn)[first:end] + bytes(PAGE_BYTES - end)


def write(machine, path):
    """Write an LKCD dump of version 9, every other page compressed if that makes it smaller. Returns where the pages' headers are."""
    frames, places = sorted(machine.frames), []
    memory = (frames[-1] + 1) << PAGE_SHIFT
    header = struct.pack("<QIIIIQQQ", LKCD_MAGIC, VERSION, 0, 0, PAGE_BYTES, memory, 0, memory)
    header += struct.pack("<I256sQQ", len(frames), b"model", 1700000000, 0)
    header += b"".join(name.encode().ljust(65, b"\0") for name in UTSNAME)
    header += struct.pack("<QIIIQ", 0, COMPRESS_GZIP, 0, 0, DATA_OFFSET)
    with open(path, "wb") as out:
        out.write(header.ljust(DATA_OFFSET, b"\0"))
        for number, pfn in enumerate(frames):
            data, kind = content(machine, pfn), PAGE_RAW
            if number % 2 and len(zlib.compress(data)) < PAGE_BYTES:
                data, kind = zlib.compress(data), PAGE_COMPRESSED
            places.append(out.tell())
            out.write(struct.pack("<QII", pfn << PAGE_SHIFT, len(data), kind) + data)
        places.append(out.tell())
        out.write(struct.pack("<QII", 0, 0, PAGE_END))
    return places


def write_s390(path):
    """Write an s390 dump of a machine with one page."""
    header = struct.pack(">QIIIIQQQI4xQQIII", S390_MAGIC, 5, S390_HEADER_BYTES, 4, PAGE_BYTES, PAGE_BYTES, 0, PAGE_BYTES, 1,
                         1, 0, S390_ARCH_64BIT, 0, S390_ARCH_64BIT)
    with open(path, "wb") as out:
        out.write(header.ljust(S390_HEADER_BYTES, b"\0") + bytes(PAGE_BYTES) + struct.pack(">8sQ", b"DUMP_END", 1))
