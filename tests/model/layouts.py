# SPDX-License-Identifier: GPL-2.0-or-later
"""How kernels of different versions write a struct page, and what their VMCOREINFO says of it.

Written from the kernel's headers (include/linux/mm_types.h, page-flags.h, kernel/crash_core.c or vmcore_info.c of the
version), not from the code under test. Only the fields that a dump tool may look at are filled; the others hold garbage
that would mislead a careless reader.
"""
import struct

PAGE_STRUCT_BYTES = 64
ODD_POINTER = 0xffff888012345671     # What slab and page-table pages keep where others have "mapping": looks anonymous.
FILE_MAPPING = 0xffff888023456780
ANON_MAPPING = 0xffff888034567891    # PAGE_MAPPING_ANON
KSM_MAPPING = 0xffff888045678903     # PAGE_MAPPING_ANON | PAGE_MAPPING_MOVABLE
MOVABLE_MAPPING = 0xffff888056789002
MAX_ORDER = 10


def u32(value):
    """Two's complement in 32 bits."""
    return value & 0xffffffff


class Layout:
    """struct page of one group of kernel versions. Subclasses change what changed."""
    release = "6.1.0"
    pgd_name = "init_top_pgt"        # The x86-64 lines of VMCOREINFO use the name behind swapper_pg_dir.
    flags, lru, mapping, private, mapcount, refcount = 0, 8, 24, 40, 48, 52
    head_name, head_offset = "compound_head", 8
    # include/linux/page-flags.h of v6.1
    bits = {"lru": 4, "slab": 9, "swapcache": 10, "reserved": 12, "private": 13, "head": 16, "swapbacked": 19,
            "hwpoison": 22, "uptodate": 2}
    # Values of _mapcount (page_type): before v6.12 bits are cleared in -1.
    types = {"free": -129, "offline": -257, "table": -513}
    type_bits = 0                    # Low bits of page_type that the owner of the page may use,
    typed_owners = None              # and which classes do; None: all.
    hugetlb_dtor = 2
    section_numbers = True
    # Alignment that a compound head keeps: since v7.1 tails hold a mask instead of an address.
    tail_is_mask = False

    def numbers(self):
        """NUMBER() lines."""
        lines = {f"PG_{name}": self.bits[name] for name in ("lru", "private", "swapcache", "swapbacked", "hwpoison")}
        if "slab" in self.bits:
            lines["PG_slab"] = self.bits["slab"]
        lines["PG_head_mask"] = 1 << self.bits["head"]
        lines["NR_FREE_PAGES"] = 0
        lines["PAGE_BUDDY_MAPCOUNT_VALUE"] = self.types["free"]
        for kind, name in (("offline", "OFFLINE"), ("slab", "SLAB"), ("hugetlb", "HUGETLB"), ("unaccepted", "UNACCEPTED")):
            if kind in self.types:
                lines[f"PAGE_{name}_MAPCOUNT_VALUE"] = self.types[kind]
        if self.hugetlb_dtor is not None:
            lines["HUGETLB_PAGE_DTOR"] = self.hugetlb_dtor
        return lines

    def offsets(self):
        """OFFSET() lines."""
        lines = {"page.flags": self.flags, "page._refcount": self.refcount, "page.mapping": self.mapping,
                 "page.lru": self.lru, "page._mapcount": self.mapcount, "page.private": self.private,
                 f"page.{self.head_name}": self.head_offset}
        lines.update(self.compound_offsets())
        return lines

    def compound_offsets(self):
        """OFFSET() lines of the fields of a second struct page."""
        return {"page.compound_dtor": 16, "page.compound_order": 17}

    def put_compound(self, tail, order, is_hugetlb):
        """Write what the second struct page says of its block."""
        tail[16] = self.hugetlb_dtor if is_hugetlb else 1
        tail[17] = order

    def page_type(self, kind, salt):
        """Value of _mapcount for a class."""
        value = self.types.get(kind)
        if value is None:
            return u32(-1)
        bits = self.type_bits if self.typed_owners is None or kind in self.typed_owners else 0
        return u32(value) & ~bits | salt & bits

    def _flags(self, kind):
        names = {"reserved": ["reserved"], "slab": ["slab"], "cache": ["lru", "uptodate"],
                 "cache-private": ["lru", "private", "uptodate"], "swapped-shmem": ["swapcache", "swapbacked"],
                 "anon": ["lru", "swapbacked", "uptodate"], "ksm": ["lru", "swapbacked", "uptodate"],
                 "hugetlb": ["uptodate"], "hwpoison": ["hwpoison"]}.get(kind, [])
        return sum(1 << self.bits[name] for name in names if name in self.bits)

    def _mapping(self, kind):
        return {"slab": ODD_POINTER, "table": ODD_POINTER, "cache": FILE_MAPPING, "cache-private": FILE_MAPPING,
                "swapped-shmem": FILE_MAPPING, "anon": ANON_MAPPING, "ksm": KSM_MAPPING,
                "movable": MOVABLE_MAPPING}.get(kind, 0)

    def _head(self, kind, order, pfn):
        page = bytearray(PAGE_STRUCT_BYTES)
        is_buddy = kind in ("free", "bad-free", "odd-free")
        has_type = kind in self.types or is_buddy
        flags = self._flags(kind) | 0x5 << 52      # Zone and node live in the upper bits.
        if order and not is_buddy and kind != "unaccepted":
            flags |= 1 << self.bits["head"]
        mapping = self._mapping(kind)
        if kind == "table" and not has_type:
            mapping = 0
        struct.pack_into("<Q", page, self.flags, flags)
        struct.pack_into("<QQ", page, self.lru, 0xffffea0000001008, 0xffffea0000002008)
        struct.pack_into("<Q", page, self.mapping, mapping)
        private = order if is_buddy else 0xffff8880deadbee0 if kind == "cache-private" else 0
        struct.pack_into("<Q", page, self.private, private)
        struct.pack_into("<I", page, self.mapcount, self.page_type("free" if is_buddy else kind, pfn * 7919))
        struct.pack_into("<I", page, self.refcount, 0 if is_buddy else 1 + order)
        return page

    def block(self, kind, order, pfn, page_vaddr):
        """struct pages of one block. page_vaddr: of the first."""
        if kind == "bad-free":
            return [self._head(kind, 40 if pfn & 1 else MAX_ORDER + 1, pfn)]
        if kind == "odd-free":
            return [self._head(kind, MAX_ORDER, pfn)]
        pages = [self._head(kind, order, pfn)]
        is_compound = order > 0 and kind not in ("free", "unaccepted")
        for index in range(1, 1 << order):
            tail = self._head("kernel", 0, pfn + index)
            struct.pack_into("<I", tail, self.refcount, 0)
            if is_compound:
                link = (~((PAGE_STRUCT_BYTES << order) - 1) & (1 << 64) - 1) if self.tail_is_mask else page_vaddr
                if index == 1:
                    self.put_compound(tail, order, kind == "hugetlb")
                elif kind == "anon":               # TAIL_MAPPING and friends: never to be believed.
                    struct.pack_into("<Q", tail, self.mapping, 0xdead000000000400 | index & 1)
                struct.pack_into("<Q", tail, self.head_offset, link | 1)
            pages.append(tail)
        return pages


class Linux4(Layout):
    """v4.9: orders are unsigned int in the second page, no PAGE_OFFLINE, PAGE_BUDDY_MAPCOUNT_VALUE -128."""
    release = "4.9.0"
    pgd_name = "init_level4_pgt"
    flags, mapping, mapcount, refcount, lru, private = 0, 8, 24, 28, 32, 48
    head_offset = 32
    bits = {"lru": 5, "slab": 7, "reserved": 10, "private": 11, "head": 14, "swapcache": 15, "swapbacked": 18,
            "hwpoison": 21, "uptodate": 3}
    types = {"free": -128}
    section_numbers = False

    def compound_offsets(self):
        return {"page.compound_dtor": 40, "page.compound_order": 44}

    def put_compound(self, tail, order, is_hugetlb):
        struct.pack_into("<II", tail, 40, self.hugetlb_dtor if is_hugetlb else 1, order)


class Linux64(Layout):
    """v6.3 to v6.5: the same bytes, but told as members of struct folio, which reaches over the second page."""
    release = "6.4.0"

    def compound_offsets(self):
        return {"folio._folio_dtor": PAGE_STRUCT_BYTES + 16, "folio._folio_order": PAGE_STRUCT_BYTES + 17}


class Linux66(Layout):
    """v6.6 to v6.8: the order is the low byte of _flags_1, hugetlb is a flag there."""
    release = "6.6.0"
    bits = dict(Layout.bits, head=6, lru=5, swapbacked=18)
    hugetlb_dtor = None
    hugetlb_bit = 9

    def numbers(self):
        return dict(super().numbers(), PG_hugetlb=self.hugetlb_bit)

    def compound_offsets(self):
        return {}

    def put_compound(self, tail, order, is_hugetlb):
        struct.pack_into("<Q", tail, self.flags, 0x5 << 52 | (1 << self.hugetlb_bit if is_hugetlb else 0) | order)


class Linux611(Linux66):
    """v6.11: every type is one bit cleared in the upper byte of page_type; its owner may use the low bits."""
    release = "6.11.0"
    bits = {name: bit for name, bit in Linux66.bits.items() if name != "slab"}
    types = {"free": ~0x40000000, "offline": ~0x20000000, "table": ~0x10000000, "hugetlb": ~0x04000000,
             "slab": ~0x02000000}
    type_bits = 0xffff
    typed_owners = ("table",)

    def numbers(self):
        numbers = super().numbers()
        del numbers["PG_hugetlb"]
        return numbers


class Linux612(Linux611):
    """v6.12: the upper byte is a number (PGTY_*), the low 24 bits belong to the owner."""
    release = "6.12.0"
    types = {kind: (value << 24) - (1 << 32) for kind, value in
             {"free": 0xf0, "offline": 0xf1, "table": 0xf2, "hugetlb": 0xf4, "slab": 0xf5}.items()}
    type_bits = 0xffffff
    typed_owners = None


class Linux71(Linux612):
    """v7.1: compound_info instead of compound_head; memory that was not accepted yet has a type (since v6.16)."""
    release = "7.1.0"
    head_name = "compound_info"
    types = dict(Linux612.types, unaccepted=(0xf7 << 24) - (1 << 32))
    tail_is_mask = True


LAYOUTS = {"4.9": Linux4(), "6.1": Layout(), "6.4": Linux64(), "6.6": Linux66(), "6.11": Linux611(), "6.12": Linux612(),
           "7.1": Linux71()}
