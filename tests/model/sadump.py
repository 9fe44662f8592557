# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine as a dump of Fujitsu's stand-alone dump facility: on a partition, on a set of disks, or copied from there to a medium.

Source of the format, which was never published: libkdumpfile 0.5.1, src/kdumpfile/sadump.c.
"""
import struct

import lkcd

BLOCK_BYTES = lkcd.PAGE_BYTES
SIGNATURE = b"sadump\0\0"
SYSTEM, SET = b"system of 16 bit", b"a set of 16 byte"
TIME = struct.pack("<HBBBBBxIhBx", 2023, 11, 14, 22, 13, 20, 0, 0, 0)
FIRST_MAGIC = 0x20110001
# struct sadump_smram_cpu_state: its size, and where ia32_efer is, in which this bit is long mode.
CPU_BYTES, EFER_AT, EFER_LONG_MODE = 1024, 992, 1 << 10
HEADER_VERSION = 1


def _volume(disk):
    return b"volume number %02d" % disk


def partition(disk, used_bytes):
    """The block in front of each disk; what follows its fields is numbers each of which follows from the one before."""
    block = SIGNATURE + struct.pack("<4I64s", 1, 0, 0, 0, b"") + SYSTEM + SET + _volume(disk) + TIME
    block += struct.pack("<I4xQ", disk, used_bytes)
    magic = FIRST_MAGIC
    while len(block) < BLOCK_BYTES:
        block += struct.pack("<I", magic)
        magic = 11 * (magic + 7) & 0xffffffff
    return block


def _bitmap(frames, count):
    bits = bytearray(-(-count // (8 * BLOCK_BYTES)) * BLOCK_BYTES)
    for pfn in frames:
        bits[pfn // 8] |= 0x80 >> pfn % 8
    return bytes(bits)


def headers(all_frames, frames):
    """Header, states of CPUs, and both bitmaps; of the frames that there are, some are dumped."""
    count = max(all_frames) + 1
    ram, dumped = _bitmap(all_frames, count), _bitmap(frames, count)
    header = SIGNATURE + struct.pack("<I4x", HEADER_VERSION) + TIME
    header += struct.pack("<13I4x", 0, 0, BLOCK_BYTES, 0, 1, len(ram) // BLOCK_BYTES, len(dumped) // BLOCK_BYTES, count, len(all_frames),
                          0, 0, 0, 1)
    header += struct.pack("<4Q", count, len(all_frames), 0, 0)
    state = bytearray(CPU_BYTES)
    struct.pack_into("<Q", state, EFER_AT, EFER_LONG_MODE)
    cpus = struct.pack("<IQQ", CPU_BYTES, 0, 0) + state
    return header.ljust(BLOCK_BYTES, b"\0") + cpus.ljust(BLOCK_BYTES, b"\0") + ram + dumped


def write(machine, path, is_medium=False):
    """Write the dump of one partition, or of a medium."""
    frames = sorted(machine.frames)
    head, data = headers(machine.frames, frames), b"".join(lkcd.content(machine, pfn) for pfn in frames)
    front = (SYSTEM + SET + TIME + bytes([1, 0, 0, 1])).ljust(BLOCK_BYTES, b"\0") if is_medium else b""
    used_bytes = len(front) + BLOCK_BYTES + len(head) + len(data)
    with open(path, "wb") as out:
        out.write(front + partition(0, used_bytes) + head + data)


def write_set(machine, paths):
    """Write the dump of a set of disks: of the pages, each has its share."""
    frames = sorted(machine.frames)
    pages, share = [lkcd.content(machine, pfn) for pfn in frames], -(-len(frames) // len(paths))
    volumes = b"".join(_volume(disk) + struct.pack("<QII", 1 << 30, 0, 0) for disk in range(1, len(paths) + 1))
    head = struct.pack("<IIQ", 1, len(paths), len(paths) << 30) + volumes
    for disk, path in enumerate(paths, 1):
        data = b"".join(pages[(disk - 1) * share:disk * share])
        rest = (head.ljust(BLOCK_BYTES, b"\0") + headers(machine.frames, frames) if disk == 1 else b"") + data
        with open(path, "wb") as out:
            out.write(partition(disk, BLOCK_BYTES + len(rest)) + rest)
