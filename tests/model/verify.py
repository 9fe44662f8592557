# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares a dump with what its spec says must be in it."""
import expect
import readers
from readers import require
from spec import page_frames


def _same(machine, pfn, page):
    first, end = expect.valid_range(machine.spec, pfn)
    require(page[first:end] == machine.page(pfn)[first:end], f"pfn {pfn:#x}: wrong content")


def _brief(frames):
    frames = sorted(frames)
    return " ".join(f"{pfn:#x}" for pfn in frames[:6]) + (f" … {len(frames)} in all" if len(frames) > 6 else "")


def _sets(got, want):
    missing, extra = want - got, got - want
    require(not missing, f"missing: {_brief(missing)}")
    require(not extra, f"should not be there: {_brief(extra)}")


CPUS = 2


def kdump(machine, level, dump, cpus=CPUS, unused=frozenset()):
    """A kdump-compressed dump or a part of one, with notes of so many CPUs, without the frames of unused struct pages."""
    require(dump.level == level, f"dump_level {dump.level}")
    require(dump.machine == machine.paging.uname, f"machine {dump.machine}")
    require(dump.page_bytes == machine.spec.page_bytes, f"block_size {dump.page_bytes}")
    require(dump.release == machine.layout.release, f"release {dump.release}")
    require(dump.phys_base == machine.paging.header_phys_base, f"phys_base {dump.phys_base:#x}")
    require(dump.vmcoreinfo.rstrip(b"\0") == machine.vmcoreinfo(), "VMCOREINFO differs")
    require(dump.notes.count(b"CORE\0\0\0\0") == cpus, "notes of CPUs are missing")
    require(not dump.status & readers.STATUS_INCOMPLETE, "marked as incomplete")
    _sets(set(dump.ram), set(page_frames(machine.spec)))
    _sets(set(dump.dumped), set(expect.kept(machine.spec, level)) - unused)
    for pfn, page in dump.pages():
        _same(machine, pfn, page)


def elf(machine, level, dump, cpus=CPUS):
    """An ELF dump. A page that holds only zeros may be in the file, or read as zeros, or (level bit 1) be absent."""
    require(machine.vmcoreinfo() in dump.notes, "VMCOREINFO differs")
    require(dump.notes.count(b"CORE\0\0\0\0") == cpus, "notes of CPUs are missing")
    require(dump.machine == machine.paging.elf_machine, f"machine {dump.machine}")
    pages = readers.elf_pages(dump, machine.spec.page_bytes)
    kept = set(expect.kept(machine.spec, level))
    in_file = {pfn for pfn, entry in pages.items() if entry[0]}
    zero = {pfn for pfn in kept if not machine.page(pfn).strip(b"\0")}
    _sets(in_file - zero, kept - zero)
    if level & 1:
        wasted = len(in_file & zero)
        require(wasted == 0, f"{wasted} zero pages are in the file")
    for pfn in sorted(kept):
        if pfn in pages:
            _same(machine, pfn, bytes(pages[pfn][2]))
        else:
            require(level & 1 and pfn in zero, f"pfn {pfn:#x}: no program header")


def check(machine, level, data, compressor=None, cpus=CPUS):
    """BadDump unless the file holds exactly what it must. compressor: flag that at least one page must have."""
    dump = readers.open_dump(data)
    if isinstance(dump, readers.ElfFile):
        elf(machine, level, dump, cpus)
        return
    require(not dump.split, "kdump: split is set")
    kdump(machine, level, dump, cpus)
    allowed = {0} | ({compressor} if compressor else set())
    require(dump.flags_seen <= allowed, f"pages with flags {dump.flags_seen}")
    require(not compressor or compressor in dump.flags_seen, "no page is compressed")
    zero_bytes = sum(1 for _ in dump.dumped) * dump.page_bytes
    require(len(data) <= zero_bytes + 16 * (1 << 20), "the file is larger than its pages")
