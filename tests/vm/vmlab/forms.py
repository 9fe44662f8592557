# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps in every form that the copier writes, opened by crash: cut short, split, without struct pages."""

import os
import re

from . import checks, debuggers
from .command import LabError, run, shell
from .copier import filtered
from .inspected import MEMORY_COMMANDS
from .readers import CRASH_COMMANDS

# What is asked of a dump that was cut short.
STACKS = ("sys", "bt", "bt -a", "foreach bt", "ps", "log")
# All that is asked of the unfiltered vmcore, which is what the others are compared with.
COMMANDS = tuple(dict.fromkeys((*CRASH_COMMANDS, *STACKS, *MEMORY_COMMANDS, "p/x vmemmap_base", *debuggers.CRASH_COMMANDS)))
FORMS = {"zlib": ("-c",), "lzo": ("-l",), "snappy": ("-p",), "zstd": ("-z",), "auto": ("--compress=auto",), "ELF": ("-E",)}
FLATTENED = "flattened"
# What is left of the bytes of a whole dump. Of so small a machine, idle, half of the pages are the kernel's data and the code that it
# was in; without compression these alone, the headers and what the kernel happens to use are half of the bytes.
CUT = {"raw": (0.55, ("--compress=none",)), "lzo": (0.5, ("-l",)), "zstd": (0.5, ("-z",))}
NO_SPACE = 4
PAGE_STRUCT_BYTES, PAGE, LARGE_PAGE = 64, 4096, 2 << 20
# An ELF file, which is not begun where there is no room for all of it, ends where the file system takes no larger one.
CUT_ELF = 0.55
# Takes files of so many blocks of 512 bytes only.
SMALL_FILES = ('blocks=$1 wanted=$2; shift 2\n'
               'trap "" XFSZ; ulimit -f "$blocks"\n'
               'status=0; "$@" "$wanted.whole" || status=$?\n'
               'mv "$wanted.whole.incomplete" "$wanted"\n'
               'exit $status')
# Copies into a file system of a size, and takes out what is there.
FULL_DISK = ('size=$1 place=$2 wanted=$3; shift 3\n'
             'mkdir -p "$place"\n'
             'mount -t tmpfs -o "size=$size" tmpfs "$place"\n'
             'status=0; "$@" "$place/dump" || status=$?\n'
             'mv "$place/dump.incomplete" "$wanted"\n'
             'exit $status')


def cut_short(report, name, lab, kernel, vmcore, reference):
    """The first part of a dump is enough for what crash is asked first."""
    for title, (share, options) in CUT.items():
        whole = filtered(lab, vmcore, 31, options)
        cut = vmcore.parent / f"cut.{title}"
        ended = run(["unshare", "--mount", "sh", "-euc", FULL_DISK, "sh", str(int(whole.stat().st_size * share)),
                     vmcore.parent / "small", cut, lab.program("kdump-copy"), "-q", "-d", "31", *options, vmcore],
                    timeout_s=300, ok=None, merge=True)
        whole.unlink()
        _opens(report, f"{name}: {title}", lab, kernel, cut, ended, reference)
    whole = filtered(lab, vmcore, 31, ("-E",))
    cut = vmcore.parent / "cut.ELF"
    ended = run(["sh", "-euc", SMALL_FILES, "sh", str(int(whole.stat().st_size * CUT_ELF / 512)), cut,
                 lab.program("kdump-copy"), "-q", "-d", "31", "-E", "--deadline", "3600", vmcore], timeout_s=300, ok=None, merge=True)
    whole.unlink()
    _opens(report, f"{name}: ELF", lab, kernel, cut, ended, reference)


def _opens(report, name, lab, kernel, cut, ended, reference):
    """A copy that ended so, for want of room, has what crash is asked first."""
    code, text, _ = ended
    if report.check(f"{name}: the disk is full", "" if code == NO_SPACE else f"exit {code}\n{text}"):
        seen = lab.tools.crash(kernel, cut, STACKS)
        for command in STACKS:
            report.check(f"{name}: crash {command} prints what it prints on the unfiltered vmcore",
                         checks.first_difference(seen.text(command), reference.text(command)))
    cut.unlink(missing_ok=True)


def theirs_cut_short(report, name, lab, kernel, vmcore, reference):
    """makedumpfile writes pages as they lie in memory: half of its bytes are not enough."""
    cut = vmcore.parent / "cut.theirs"
    lab.tools.makedumpfile(vmcore, 31, cut, "-l")
    # So that it is the cut that crash stumbles over.
    report.check(f"{name}: crash sys prints of all of makedumpfile's dump what it prints on the unfiltered vmcore",
                 checks.first_difference(lab.tools.crash(kernel, cut, ("sys",)).text("sys"), reference.text("sys")))
    os.truncate(cut, cut.stat().st_size // 2)
    try:
        seen = lab.tools.crash(kernel, cut, STACKS)
        lost = [command for command in STACKS if seen.text(command) != reference.text(command)]
        what = f"crash prints something else for: {', '.join(lost)}"
    except LabError as err:
        lost, what = ["all"], str(err).splitlines()[0]
    report.note(f"{name}: half of makedumpfile's dump: {what}")
    report.check(f"{name}: half of makedumpfile's dump is not enough", "" if lost else "crash prints all of it")
    cut.unlink()


def split(report, name, lab, kernel, vmcore, reference):
    """crash opens all parts as one dump."""
    parts = [vmcore.parent / f"part.{number}" for number in range(3)]
    run([lab.program("kdump-copy"), "-q", "-d", "31", "-l", "--split", vmcore, *parts], timeout_s=300)
    checks.crash_reads(report, f"{name}: three parts", lab, kernel, parts[0], reference, more_parts=parts[1:])
    for part in parts:
        part.unlink()


def _struct_pages(lab, kernel, vmcore, reference, frames):
    """Frames of the struct pages of all these frames, as crash translates their addresses."""
    base = int(re.search(r"= (0x[0-9a-f]+)", reference.by_command["p/x vmemmap_base"])[1], 16)
    places = sorted({pfn * PAGE_STRUCT_BYTES // LARGE_PAGE for pfn in frames})
    commands = tuple(f"vtop {base + place * LARGE_PAGE:x}" for place in places)
    found = set()
    for text in lab.tools.crash(kernel, vmcore, commands).by_command.values():
        paddr = int(re.search(r"^[0-9a-f]{16} +([0-9a-f]+)", text, re.MULTILINE)[1], 16)
        count = LARGE_PAGE // PAGE if "(2MB)" in text else 1
        found.update(range(paddr // PAGE, paddr // PAGE + count))
    return found


def without_struct_pages(report, name, lab, kernel, vmcore, reference, raw, plain):
    """-e leaves out what makedumpfile -e does, and beside that only struct pages; crash reads it.

    raw: pages of the unfiltered vmcore, plain: of level 31.
    """
    dump, theirs = filtered(lab, vmcore, 31, ("-e",)), vmcore.parent / "theirs.e"
    lab.tools.makedumpfile(vmcore, 31, theirs, "-e --work-dir .")
    ours, their_pages = lab.pages.list(dump), lab.pages.list(theirs)
    theirs.unlink()
    struct_pages = _struct_pages(lab, kernel, vmcore, reference, raw)
    extra = [pfn for pfn in ours if ours[pfn] != their_pages.get(pfn)]
    report.check(f"{name}: {len(ours)} of {len(plain)} pages, all of them makedumpfile's with its content",
                 f"{len(extra)} are not: {' '.join(map(hex, extra[:8]))}" if extra or len(ours) >= len(plain) else "")
    for title, frames in (("without -e", plain.keys()), ("of makedumpfile -e", their_pages.keys())):
        gone = frames - ours.keys()
        wrong = gone - struct_pages
        report.check(f"{name}: the {len(gone)} pages more {title} are struct pages",
                     f"{len(wrong)} are not: {' '.join(map(hex, sorted(wrong)[:8]))}" if wrong else "")
    seen = lab.tools.crash(kernel, dump, ("sys", "bt", "ps", "log"))
    for command in seen.by_command:
        report.check(f"{name}: crash {command} prints what it prints on the unfiltered vmcore",
                     checks.first_difference(seen.text(command), reference.text(command)))
    dump.unlink()


def made(lab, vmcore, title):
    """Level 31 in one of FORMS, or FLATTENED."""
    if title != FLATTENED:
        return filtered(lab, vmcore, 31, FORMS[title])
    dump = vmcore.parent / FLATTENED
    shell('exec "$1" -q -F -d 31 -c "$2" >"$3"', lab.program("kdump-copy"), vmcore, dump, timeout_s=300)
    return dump


def every_form(report, name, lab, kernel, vmcore, reference):
    """crash reads every format and method."""
    for title in (*FORMS, FLATTENED):
        dump = made(lab, vmcore, title)
        checks.crash_reads(report, f"{name}: {title}", lab, kernel, dump, reference)
        dump.unlink()
