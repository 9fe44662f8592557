# SPDX-License-Identifier: GPL-2.0-or-later
"""What the copier does where VMCOREINFO is poor, elsewhere, or gone."""

import mmap
import re

from . import copier
from .command import run

# What struct page and its flags look like; BTF tells the same.
LAYOUT = rb"^(OFFSET\(page\.(flags|mapping|_mapcount|private|compound_head)\)" \
         rb"|SIZE\(page\)|NUMBER\(PG_\w+\))="
# The note is in the headers, in front of the memory.
HEADERS_BYTES = 1 << 20
# How the kernel's note begins, in the file and in the memory.
MARK = b"VMCOREINFO\0\0OSRELEASE="
# How far from here the kernel of another start lies: as KASLR moves it on x86-64.
ANOTHER_START_BYTES = 2 << 20
# Keys that a vmlinux and the kernel that ran have both: some 60.
COMMON_LEAST = 40


def silent(report, name, lab, vmcore, wanted):
    """What VMCOREINFO leaves out is found in the dump's BTF: the same pages."""
    data = vmcore.read_bytes()[:HEADERS_BYTES]
    # A key that nobody asks for, of the same length.
    quiet, count = re.subn(LAYOUT, lambda found: b"#" + found[0][1:], data,
                           flags=re.MULTILINE)
    if count < 8:
        report.check(f"{name}: layout from BTF", f"VMCOREINFO has only {count} lines of it")
        return
    with open(vmcore, "r+b") as file:
        file.write(quiet)
    try:
        dump = copier.filtered(lab, vmcore, 31)
    finally:
        with open(vmcore, "r+b") as file:
            file.write(data)
    pages = lab.pages.list(dump)
    dump.unlink()
    report.check(f"{name}: without {count} lines of VMCOREINFO, from BTF: the same pages",
                 copier.difference(pages, wanted, False))


def missing_in_file(report, name, lab, qemu, wanted, raw):
    """A dump as QEMU writes it of a guest without -device vmcoreinfo; frames of firmware are in it, too."""
    data = qemu.read_bytes()[:HEADERS_BYTES]
    with open(qemu, "r+b") as file:
        file.seek(data.index(b"VMCOREINFO\0"))
        file.write(b"SILENCE")
    dump = copier.filtered(lab, qemu, 31)
    pages = lab.pages.list(dump)
    dump.unlink()
    qemu.unlink()
    wrong = [pfn for pfn in wanted if pages.get(pfn) != wanted[pfn]]
    more = pages.keys() & raw.keys() - wanted.keys()
    report.check(f"{name}: VMCOREINFO that is only in the memory is found: the same {len(wanted)} pages",
                 f"{len(wrong)} pages differ, {len(more)} more" if wrong or more else "")


def _text(data):
    """The lines of the note in the headers."""
    start = data.index(MARK) + 12
    size = int.from_bytes(data[start - 20:start - 16], "little")
    return data[start:start + size].decode()


def _values(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _from_vmlinux(report, name, lab, kernel, vmcore, own):
    """-g says what the kernel said of itself when it ran, but for where it was. Returns it with that added."""
    made = vmcore.parent / "vmcoreinfo"
    run([lab.program("kdump-copy"), "-g", made, "-x", kernel.vmlinux], timeout_s=120)
    ours = _values(made.read_text())
    made.unlink()
    moved = int(own.get("KERNELOFFSET", "0"), 16)
    for key in ours:
        if key.startswith("SYMBOL("):
            ours[key] = f"{int(ours[key], 16) + moved:x}"
    # The kernel tells where the array is, the file where the pointer to it is.
    common = (ours.keys() & own.keys()) - {"SYMBOL(mem_section)"}
    wrong = [f"{key}: {ours[key]}, not {own[key]}" for key in sorted(common) if ours[key] != own[key]]
    report.check(f"{name}: -g: {len(common)} lines as in VMCOREINFO",
                 "; ".join(wrong) if wrong else
                 "too few" if len(common) < COMMON_LEAST else "")
    ours["NUMBER(phys_base)"] = own["NUMBER(phys_base)"]
    return "".join(f"{key}={value}\n" for key, value in ours.items())


def given(report, name, lab, kernel, vmcore, wanted):
    """-i, where neither the file nor the memory has it: the same pages; that of another start is refused."""
    folder = vmcore.parent
    text = _text(vmcore.read_bytes()[:HEADERS_BYTES])
    texts = {"its own": text,
             "made from its vmlinux": _from_vmlinux(report, name, lab, kernel, vmcore, _values(text))}
    dumps = {title: folder / f"given.{number}" for number, title in enumerate(texts)}
    info = folder / "info"
    with open(vmcore, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        places = [found.start() for found in re.finditer(re.escape(MARK), memory)]
        for place in places:
            memory[place:place + 3] = b"---"
        try:
            # Those that the marks were in have changed.
            raw = lab.pages.list(vmcore)
            for title, dump in dumps.items():
                info.write_text(texts[title])
                run([lab.program("kdump-copy"), "-d", "31", "-i", info, vmcore, dump], timeout_s=300)
            # Any place may be where this start's kernel lies, 0 as well.
            info.write_text(re.sub(r"(?m)^(NUMBER\(phys_base\)=)(.*)$",
                                   lambda line: f"{line[1]}{int(line[2]) + ANOTHER_START_BYTES}", text))
            code, _, said = run([lab.program("kdump-copy"), "-i", info, "--dry-run", vmcore],
                                timeout_s=300, ok=None)
        finally:
            for place in places:
                memory[place:place + 3] = MARK[:3]
    info.unlink()
    for title, dump in dumps.items():
        report.check(f"{name}: VMCOREINFO, gone in {len(places)} places, {title}: the same pages",
                     copier.difference(lab.pages.list(dump), {pfn: raw[pfn] for pfn in wanted}, False))
        dump.unlink()
    report.check(f"{name}: VMCOREINFO of another start is refused",
                 "" if code == 6 and "another start" in said else f"exit {code}: {said[-500:]}")
