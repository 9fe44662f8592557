# SPDX-License-Identifier: GPL-2.0-or-later
"""Our copier on a real vmcore: its runs, also under tools that watch its memory."""

import os
import pathlib
import re
import sys

from . import checks, planted
from .command import run
from .planted import PROCESSES

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "model"))
import pagemap  # pylint: disable=wrong-import-position # noqa: E402

# valgrind's exit code for an error that it found; the copier has none as high.
VALGRIND_FOUND = 99
VALGRIND = ("valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=all",
            f"--error-exitcode={VALGRIND_FOUND}")
# Runs in which memory is watched: title and options.
WATCHED = {"default": (), "zlib": ("-c",), "ELF": ("-E",)}

# What the page map must say of planted pages.
REASONS = {"hugetlb": pagemap.USER, "thp": pagemap.USER, "anon": pagemap.USER, "zero": pagemap.USER,
           "tmpfs": pagemap.CACHE, "clean": pagemap.CACHE, "dirty": pagemap.CACHE_PRIVATE,
           "free": pagemap.FREE}


def filtered(lab, vmcore, level, options=()):
    """Filter a vmcore on the host; return the new dump."""
    target = vmcore.parent / f"ours.{level}{''.join(options)}"
    run([lab.program("kdump-copy"), "-d", str(level), *options, vmcore, target],
        timeout_s=300)
    return target


def _watched(report, name, lab, vmcore, argv, wanted):
    """Level 31 in some formats, without a finding and with the same pages."""
    for title, options in WATCHED.items():
        target = vmcore.parent / f"watched.{title}"
        code, text, _ = run([*argv, "--quiet", "-d", "31", *options, vmcore, target],
                            timeout_s=600, ok=None, merge=True)
        if report.check(f"{name}: {title} without a finding",
                        f"exit {code}\n{text[-2000:]}" if code or text else ""):
            report.check(f"{name}: {title} has the same pages",
                         difference(lab.pages.list(target), wanted, title == "ELF"))
        target.unlink(missing_ok=True)


def difference(pages, wanted, is_elf):
    """What is wrong with pages of a dump; empty if nothing is."""
    # An ELF dump leaves out pages of zeros: nothing is there to compare.
    frames = pages.keys() & wanted.keys() if is_elf else pages.keys() | wanted.keys()
    wrong = [pfn for pfn in frames if pages.get(pfn) != wanted.get(pfn)]
    return f"{len(wrong)} of {len(frames)} pages differ" if wrong or not frames else ""


def memory_is_clean(report, name, lab, vmcore, wanted):
    """valgrind, and the sanitizers of the builds that the caller has, find nothing."""
    _watched(report, f"{name}: valgrind", lab, vmcore,
             [*VALGRIND, lab.program("kdump-copy")], wanted)
    for program in lab.sanitized:
        _watched(report, f"{name}: {pathlib.Path(program).parent.name}", lab, vmcore,
                 [os.path.abspath(program)], wanted)
    if not lab.sanitized:
        report.skip(f"{name}: sanitizers", "no --sanitized PROGRAM was given")


def same_log(report, name, lab, vmcore):
    """The log that the copier takes from the vmcore is the one that the capture wrote."""
    text = vmcore.parent / "log.txt"
    run([lab.program("kdump-copy"), "--dump-dmesg", vmcore, text])
    wanted = (vmcore.parent / "vmcore-dmesg.txt").read_bytes()
    report.check(f"{name}: --dump-dmesg gives vmcore-dmesg.txt",
                 "" if text.read_bytes() == wanted else "the texts differ")
    text.unlink()


def planted_reasons(report, name, lab, vmcore, confirmed):
    """The page map knows why each planted page would be left out."""
    file = vmcore.parent / "reasons.pagemap"
    run([lab.program("kdump-copy"), "--dry-run", "-d", "31", f"--pagemap={file}", vmcore])
    codes = {pfn: code for pfn, code, _ in pagemap.PageMap(file.read_bytes()).frames()}
    file.unlink()
    for title, frames in confirmed.items():
        if title not in REASONS:
            continue
        wrong = sorted(pfn for pfn in frames if codes.get(pfn) != REASONS[title])
        allowed = len(frames) * (1 - planted.AT_LEAST.get(title, 1.0))
        some = " ".join(f"{pfn:#x}: {codes.get(pfn)}" for pfn in wrong[:6])
        report.check(f"{name}: the page map knows why {len(frames)} {title} pages are left out",
                     f"{len(wrong)} have another code: {some}" if len(wrong) > allowed else "")


def keeps_planted_process(report, name, lab, shot, raw):
    """Of two processes the pages of one are there at level 31."""
    dump = filtered(lab, shot.core.path, 31, (f"--keep-process={PROCESSES[0]}",))
    checks.planted_pages(report, f"{name}: a kept process", shot, lab.pages.list(dump), raw, 31, PROCESSES[0])
    dump.unlink()


def keeps_process(report, name, lab, kernel, crash, vmcore, raw, plain):
    """Beside the pages of level 31 there are just those that the process has mapped.

    crash tells which, but not those that nobody may touch: their addresses are inverted.
    """
    dump = filtered(lab, vmcore, 31, (f"--keep-process={PROCESSES[0]}",))
    pages = lab.pages.list(dump)
    checks.planted_pages(report, name, crash, pages, raw, 31, PROCESSES[0])
    # What a copy lacks it cannot give, and what it has it keeps.
    without, again = filtered(lab, vmcore, 31), dump.parent / "again"
    for source, wanted in ((dump, pages), (without, plain)):
        run([lab.program("kdump-copy"), "-q", "-f", "-d", "31",
             f"--keep-process={PROCESSES[0]}", source, again], timeout_s=300)
        report.check(f"{name}: a copy of {len(wanted)} pages has the same",
                     difference(lab.pages.list(again), wanted, False))
        source.unlink()
    again.unlink()
    seen = lab.tools.crash(kernel, vmcore, (f"foreach {PROCESSES[0]} vm -p",))
    mapped = {int(paddr, 16) >> 12 for paddr in
              re.findall(r"^[0-9a-f]+ +([0-9a-f]+)$", seen.by_command.popitem()[1], re.MULTILINE)}
    mapped |= set(crash.planted.frames[f"{PROCESSES[0]}_hidden"].values())
    added, wanted = pages.keys() - plain.keys(), (mapped & raw.keys()) - plain.keys()
    error = ""
    if added != wanted or len(added) < 512:
        some = " ".join(f"{pfn:#x}" for pfn in sorted(added ^ wanted)[:8])
        error = f"{len(added)} pages, {len(wanted)} are mapped: {some}"
    report.check(f"{name}: {len(added)} pages more than without, those that it has mapped",
                 error)
