# SPDX-License-Identifier: GPL-2.0-or-later
"""What the crashed kernel itself said of its memory and its interrupts, in files of /proc, at the
moment before the panic (plant.c); and what kdump-inspect says of the dump."""

import json
import re

from .command import run
from .planted import PROCESSES

# Rows of /proc/meminfo that do not change while a machine runs as ours does.
STEADY = ("MemTotal", "SwapTotal", "CmaTotal", "CmaFree", "CommitLimit", "Percpu", "HardwareCorrupted", "HugePages_Total",
          "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp", "Hugepagesize", "Hugetlb", "DirectMap4k", "DirectMap2M",
          "DirectMap1G")
# What is said where a kernel has symbols of functions only.
NO_VARIABLES = "the kernel has no symbol contig_page_data"
# Between the report and the panic the kernel goes on: so much may have changed of the other rows, and of free pages; so many
# blocks of a higher order may have been split or joined; so many interrupts may have come; so many caches and processes may
# have changed.
CHANGE_KIB, CHANGE_PAGES, CHANGE_BLOCKS, CHANGE_COUNT, CHANGE_CACHES, CHANGE_PROCESSES = 1024, 256, 2, 2000, 16, 2


def read(planted, core):
    """{path: text}, from the pages of class "told" in a dump."""
    frames = planted.frames.get("told", {})
    text = b"".join(core.page(frames[index]) for index in sorted(frames)).rstrip(b"\0").decode("ascii", "replace")
    return dict(re.findall(r"^== (\S+)\n(.*?)(?=^== |\Z)", text, re.MULTILINE | re.DOTALL))


def _ask(lab, dump, *words):
    return run([lab.program("kdump-inspect"), *words, dump], timeout_s=120)[1]


def _meminfo(text, ours):
    wrong = []
    for name, value in re.findall(r"^([\w()]+): +(\d+)", text, re.MULTILINE):
        # Rows that are no counters, or of which no kernel here has anything.
        if name not in ours:
            wrong += [f"{name} is not told"] if name in STEADY else []
            continue
        limit = 0 if name in STEADY else CHANGE_KIB
        if ours[name] is None or abs(ours[name] - int(value)) > limit:
            wrong.append(f"{name}: ours {ours[name]}, the kernel's {value}")
    return wrong


def _free_blocks_changed(ours, theirs):
    """Whether the free blocks, a count for each order, differ by more than pages that were freed and taken meanwhile.

    One page that is freed may join a block of each order to one of the next: all counts change, up to any order. What changes
    little is how many blocks of an order could be taken from this order and those above: by one, at most."""
    pages = 0
    for order in reversed(range(len(ours))):
        pages += (ours[order] - theirs[order]) << order
        if abs(pages) >> order > (CHANGE_PAGES >> order) + (CHANGE_BLOCKS if order else 0):
            return True
    return False


def _zones(zoneinfo, buddyinfo, ours):
    wrong, theirs = [], {}
    for node, name, text in re.findall(r"^Node (\d+), zone +(\w+)\n(.*?)(?=^Node|\Z)", zoneinfo, re.MULTILINE | re.DOTALL):
        rows = {key: int(value) for key, value in re.findall(r"^ +(min|low|high|spanned|present|managed) +(\d+)$", text, re.MULTILINE)}
        if rows.get("present"):
            theirs[int(node), name] = rows
    found = {(zone["node"], zone["name"]): zone for zone in ours}
    if found.keys() != theirs.keys():
        return [f"ours {sorted(found)}, the kernel's {sorted(theirs)}"]
    for place, rows in theirs.items():
        wrong += [f"{place}: {key}: ours {found[place][key]}, the kernel's {value}"
                  for key, value in rows.items() if found[place][key] != value]
    for node, name, blocks in re.findall(r"^Node (\d+), zone +(\w+) +(.*)$", buddyinfo, re.MULTILINE):
        theirs = [int(word) for word in blocks.split()]
        blocks = found.get((int(node), name), {}).get("blocks", [])
        if len(blocks) != len(theirs) or _free_blocks_changed(blocks, theirs):
            wrong.append(f"{node} {name}: blocks: ours {blocks}, the kernel's {theirs}")
    return wrong


def _slabs(text, ours, page_bytes):
    wrong, changed = [], []
    theirs = {}
    for row in re.findall(r"^(\S+) +(\d+) +(\d+) +(\d+) +\d+ +(\d+) :.* : slabdata +\d+ +(\d+)", text, re.MULTILINE):
        theirs.setdefault(row[0], []).append(tuple(map(int, row[1:])))
    found = {}
    for cache in ours:
        found.setdefault(cache["name"], []).append((cache["active"], cache["objects"], cache["size_bytes"],
                                                    cache["slab_bytes"] // page_bytes, cache["slabs"]))
    if found.keys() != theirs.keys():
        wrong.append(f"only one has: {sorted(found.keys() ^ theirs.keys())}")
    for name in found.keys() & theirs.keys():
        one, other = sorted(found[name]), sorted(theirs[name])
        if [row[2:4] for row in one] != [row[2:4] for row in other]:
            wrong.append(f"{name}: ours {one}, the kernel's {other}")
        elif one != other:
            changed.append(f"{name}: ours {one}, the kernel's {other}")
    return wrong + (changed if len(changed) > CHANGE_CACHES else []), len(changed)


def _rows(text):
    """{what stands before the counts: (counts, what stands behind them)} of /proc/interrupts and the like."""
    lines = text.splitlines()
    cpus = len(lines[0].split()) if lines else 0
    rows = {}
    for line in lines[1:]:
        found = re.match(rf"\s*(\S+):((?:\s+\d+){{1,{cpus}}})(?:\s+(.*?))?\s*$", line)
        if found:
            rows[found[1]] = ([int(word) for word in found[2].split()], " ".join((found[3] or "").split()))
    return rows


def _interrupts(text, ours):
    theirs, ours = _rows(text), _rows(ours)
    wrong = [f"{name}: ours {ours.get(name)}, the kernel's {theirs.get(name)}" for name in theirs.keys() ^ ours.keys()]
    for name in theirs.keys() & ours.keys():
        counts = zip(ours[name][0], theirs[name][0])
        if ours[name][1] != theirs[name][1] or any(not 0 <= one - other <= CHANGE_COUNT for one, other in counts):
            wrong.append(f"{name}: ours {ours[name]}, the kernel's {theirs[name]}")
    return wrong


def _processes(told, ours):
    """The kernel's numbers are of page tables, ours of counters."""
    wrong, changed, count = [], [], 0
    found = {str(process["pid"]): process for process in ours}
    for path, text in told.items():
        pid = re.match(r"/proc/(\d+)/smaps_rollup", path)
        rows = dict(re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE))
        process = pid and found.get(pid[1])
        # Some have ended; who writes the report changes.
        if not process or not rows or process["name"] == "plant":
            continue
        count += 1
        # Their swapped pages are also those of shared memory, which no process has a counter for.
        told_of = [process[key] for key in ("resident_kib", "anonymous_kib")]
        theirs = [int(rows[key]) for key in ("Rss", "Anonymous")]
        if told_of != theirs:
            line = f"{pid[1]} {process['name']}: ours {told_of}, the kernel's {theirs}"
            # These only sleep.
            (wrong if process["name"] in PROCESSES else changed).append(line)
    return wrong + (changed if len(changed) > CHANGE_PROCESSES else []), changed, count


def same(report, name, lab, dump, told, page_bytes=4096):
    """kdump-inspect says of the dump what the kernel said."""
    def check(what, wrong):
        report.check(f"{name}: {what}", "\n".join(wrong[:12]))

    code, text, error = run([lab.program("kdump-inspect"), "mem", "--json", dump], timeout_s=120, ok=None)
    if code and NO_VARIABLES in error:
        report.skip(f"{name}: mem and irq", f"this kernel is without CONFIG_KALLSYMS_ALL: {error.strip()}")
        return
    memory = json.loads(text)
    check("mem: the rows are those of /proc/meminfo", _meminfo(told["/proc/meminfo"], memory["meminfo"]))
    check("mem: the zones are those of /proc/zoneinfo and /proc/buddyinfo",
          _zones(told["/proc/zoneinfo"], told["/proc/buddyinfo"], memory["zones"]))
    wrong, changed = _slabs(told["/proc/slabinfo"], memory["slab"], page_bytes)
    check(f"mem: {len(memory['slab'])} caches are those of /proc/slabinfo", wrong)
    report.note(f"{name}: {changed} caches changed before the panic")
    wrong, changes, count = _processes(told, memory["processes"])
    check(f"mem: {count} processes have the pages that their page tables have",
          # plant.c starts none where pages are larger.
          wrong if count or page_bytes != 4096 else ["there are none"])
    report.note(f"{name}: {len(changes)} processes changed before the panic")
    numbered, _, soft = _ask(lab, dump, "irq").partition("\nsoftirqs\n")
    check("irq: the rows are those of /proc/interrupts", _interrupts(told["/proc/interrupts"], numbered))
    check("irq: the softirqs are those of /proc/softirqs", _interrupts(told["/proc/softirqs"], soft))
