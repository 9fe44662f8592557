# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads dumps back: kdump-compressed, ELF, flattened. Strict: what readers in the field would refuse is an error here.

Written from the formats' descriptions (makedumpfile IMPLEMENTATION, diskdump_mod.h; gABI), and shares nothing with
the code under test. Decompression is done by the stock libraries.
"""
import ctypes
import ctypes.util
import functools
import struct
import zlib

PAGE_SIZES = (1 << 12, 1 << 14, 1 << 16)
PAGE_BYTES_MAX = PAGE_SIZES[-1]
FLAG_ZLIB, FLAG_LZO, FLAG_SNAPPY, FLAG_ZSTD = 0x1, 0x2, 0x4, 0x20
STATUS_INCOMPLETE = 0x8


class BadDump(Exception):
    """A dump that breaks the rules of its format."""


def require(condition, text):
    """BadDump unless the condition holds."""
    if not condition:
        raise BadDump(text)


@functools.lru_cache
def _library(name):
    path = ctypes.util.find_library(name)
    return ctypes.CDLL(path) if path else None


def _lzo(data):
    library = _library("lzo2")
    out, size = ctypes.create_string_buffer(PAGE_BYTES_MAX), ctypes.c_ulong(PAGE_BYTES_MAX)
    result = library.lzo1x_decompress_safe(data, ctypes.c_ulong(len(data)), out, ctypes.byref(size), None)
    require(result == 0, f"lzo: {result}")
    return out.raw[:size.value]


def _snappy(data):
    library = _library("snappy")
    out, size = ctypes.create_string_buffer(PAGE_BYTES_MAX), ctypes.c_size_t(PAGE_BYTES_MAX)
    result = library.snappy_uncompress(data, ctypes.c_size_t(len(data)), out, ctypes.byref(size))
    require(result == 0, f"snappy: {result}")
    return out.raw[:size.value]


def _zstd(data):
    library = _library("zstd")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(PAGE_BYTES_MAX)
    size = library.ZSTD_decompress(out, ctypes.c_size_t(PAGE_BYTES_MAX), data, ctypes.c_size_t(len(data)))
    require(size <= PAGE_BYTES_MAX, f"zstd: {size}")
    return out.raw[:size]


def _zlib(data):
    stream = zlib.decompressobj()
    out = stream.decompress(data, PAGE_BYTES_MAX + 1)
    require(stream.eof and not stream.unused_data, "zlib: not one whole stream")
    return out


DECOMPRESS = {FLAG_ZLIB: _zlib, FLAG_LZO: _lzo, FLAG_SNAPPY: _snappy, FLAG_ZSTD: _zstd}
LIBRARIES = {"lzo": "lzo2", "snappy": "snappy", "zstd": "zstd"}


def can_read(method):
    """Whether the library that decompresses a method is on this machine."""
    return method not in LIBRARIES or _library(LIBRARIES[method]) is not None


def unflatten(data):
    """Content of a flattened file; records must neither overlap nor repeat."""
    require(data[:16] == b"makedumpfile\0\0\0\0", "flattened: no signature")
    require(struct.unpack_from(">qq", data, 16) == (1, 1), "flattened: unknown type or version")
    require(not data[32:4096].strip(b"\0"), "flattened: header is not padded with zeros")
    records, at = [], 4096
    while True:
        require(at + 16 <= len(data), "flattened: no end record")
        offset, size = struct.unpack_from(">qq", data, at)
        at += 16
        if (offset, size) == (-1, -1):
            break
        require(offset >= 0 and 0 < size <= len(data) - at, f"flattened: bad record at {at - 16:#x}")
        records.append((offset, at, size))
        at += size
    require(at == len(data), "flattened: bytes behind the end record")
    records.sort()
    out = bytearray(max((offset + size for offset, _, size in records), default=0))
    end = 0
    for offset, start, size in records:
        require(offset >= end, f"flattened: two records for offset {offset:#x}")
        out[offset:offset + size] = data[start:start + size]
        end = offset + size
    return bytes(out)


def _bits(data, limit):
    """Numbers of the set bits below limit; a set bit beyond is an error."""
    found = []
    for index, byte in enumerate(data):
        bit = 0
        while byte:
            if byte & 1:
                found.append(index * 8 + bit)
            byte >>= 1
            bit += 1
    require(not found or found[-1] < limit, "bitmap: a bit beyond max_mapnr")
    return found


class KdumpFile:
    """A kdump-compressed file."""

    def __init__(self, data):
        self.data = data
        require(data[:8] == b"KDUMP   ", "kdump: no signature")
        version, = struct.unpack_from("<i", data, 8)
        require(version == 6, f"kdump: header_version {version}")
        self.machine = data[12 + 65 * 4:12 + 65 * 5].rstrip(b"\0").decode()
        self.release = data[12 + 65 * 2:12 + 65 * 3].rstrip(b"\0").decode()
        self.status, size, sub_blocks, bitmap_blocks, max_mapnr = struct.unpack_from("<IiiiI", data, 424)
        require(size in PAGE_SIZES, f"kdump: block_size {size}")
        self.page_bytes = size
        require(struct.unpack_from("<i", data, 460)[0] > 0, "kdump: nr_cpus is 0")
        sub = size
        self.phys_base, self.level, self.split = struct.unpack_from("<qii", data, sub)
        info_offset, info_size, note_offset, note_size = struct.unpack_from("<qqqq", data, sub + 32)
        mapnr64, = struct.unpack_from("<Q", data, sub + 96)
        require(mapnr64 == max_mapnr, "kdump: max_mapnr_64 differs")
        self.start, self.end = struct.unpack_from("<QQ", data, sub + 80) if self.split else (0, mapnr64)
        require(self.start <= self.end <= mapnr64, f"kdump: a part from {self.start:#x} to {self.end:#x}")
        require(not note_size or sub + 104 <= note_offset and note_offset + note_size <= sub + sub_blocks * size,
                "kdump: notes")
        require(not info_size or note_offset <= info_offset and info_offset + info_size <= note_offset + note_size,
                "kdump: vmcoreinfo is not in the notes")
        self.vmcoreinfo, self.notes = data[info_offset:info_offset + info_size], data[note_offset:note_offset + note_size]
        half = -(-(-(-max_mapnr // 8)) // size)
        require(bitmap_blocks == 2 * half, f"kdump: bitmap_blocks {bitmap_blocks}")
        first = (1 + sub_blocks) * size
        require(len(data) >= first + 2 * half * size, "kdump: the file ends in its bitmaps")
        self.ram = _bits(data[first:first + half * size], max_mapnr)
        self.dumped = _bits(data[first + half * size:first + 2 * half * size], max_mapnr)
        self.table = first + 2 * half * size
        require(set(self.dumped) <= set(self.ram), "kdump: a page that is no memory")
        # Bitmaps are those of the whole dump, descriptors those of this part.
        self.index = {pfn: rank for rank, pfn in enumerate(pfn for pfn in self.dumped if self.start <= pfn < self.end)}
        self.flags_seen = set()

    def pages(self):
        """(pfn, content) of each page of the dump."""
        cache = {}
        for pfn, rank in self.index.items():
            offset, size, flags, page_flags = struct.unpack_from("<QIIQ", self.data, self.table + rank * 24)
            require(page_flags == 0, f"pfn {pfn:#x}: page_flags")
            require(0 < size <= self.page_bytes and (flags or size == self.page_bytes), f"pfn {pfn:#x}: size {size}, flags {flags}")
            require(self.table + len(self.index) * 24 <= offset <= len(self.data) - size, f"pfn {pfn:#x}: {offset:#x}")
            if offset not in cache or flags:
                raw = self.data[offset:offset + size]
                self.flags_seen.add(flags)
                page = DECOMPRESS[flags](raw) if flags else raw
                require(len(page) == self.page_bytes, f"pfn {pfn:#x}: {len(page)} bytes")
                if not flags:
                    cache[offset] = page
            else:
                page = cache[offset]
            yield pfn, page


class ElfFile:
    """An ELF file of a filtered dump."""

    def __init__(self, data):
        self.data = data
        require(data[:7] == b"\x7fELF\x02\x01\x01", "ELF: ident")
        kind, machine, _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, _ = struct.unpack_from(
            "<HHIQQQIHHHHHH", data, 16)
        require(kind == 4 and phentsize == 56, "ELF: header")
        self.machine = machine
        if phnum == 0xffff:          # PN_XNUM: the count is sh_info of section 0.
            require(shnum == 1 and shentsize == 64, "ELF: PN_XNUM without a section header")
            phnum, = struct.unpack_from("<I", data, shoff + 44)
        self.loads, self.notes = [], b""
        for index in range(phnum):
            kind, _, offset, vaddr, paddr, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", data, phoff + index * 56)
            require(offset + filesz <= len(data), f"ELF: program header {index} ends behind the file")
            require(filesz <= memsz or kind == 4, f"ELF: program header {index}: p_filesz > p_memsz")
            if kind == 1:
                self.loads.append((vaddr, paddr, offset, filesz, memsz))
            elif kind == 4:
                self.notes += data[offset:offset + filesz]

    def spans(self):
        """(paddr, bytes, content or None) of each program header: None for what reads as zeros."""
        for _, paddr, offset, filesz, memsz in self.loads:
            if filesz:
                yield paddr, filesz, self.data[offset:offset + filesz]
            if memsz > filesz:
                yield paddr + filesz, memsz - filesz, None


def open_dump(data):
    """The reader for a file, by its first bytes."""
    if data[:12] == b"makedumpfile":
        data = unflatten(data)
    return ElfFile(data) if data[:4] == b"\x7fELF" else KdumpFile(data)


def elf_pages(dump, page_bytes):
    """pfn -> [bytes in the file, bytes that read as zeros, content]; content holds zeros where nothing is."""
    pages = {}
    for paddr, size, data in dump.spans():
        at = 0
        while at < size:
            pfn, offset = divmod(paddr + at, page_bytes)
            part = min(page_bytes - offset, size - at)
            entry = pages.setdefault(pfn, [0, 0, bytearray(page_bytes)])
            if data is None:
                entry[1] += part
            else:
                entry[0] += part
                entry[2][offset:offset + part] = data[at:at + part]
            at += part
    return pages
