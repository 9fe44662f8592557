# SPDX-License-Identifier: GPL-2.0-or-later
"""kdump-copy --mem-usage on the running guest, against what its kernel says itself."""

import re

PAGE_KIB = 4
# Run in the guest; the system goes on working between the three.
SCRIPT = "cat /proc/iomem; cat /proc/meminfo; kdump-copy --mem-usage /proc/kcore"
# Share and number of pages by which a count may differ: pages on lists of CPUs, and
# what changes in between.
SHARE, PAGES = 0.1, 1024


def _frames(text):
    """System RAM without the reservation, in whole pages; /proc/kcore lists no others."""
    total = 0
    for start, last, name in re.findall(r"^ *([0-9a-f]+)-([0-9a-f]+) : (.*)$", text, re.MULTILINE):
        first, end = -(-int(start, 16) // 4096), (int(last, 16) + 1) // 4096
        if name == "System RAM":
            total += end - first
        elif name == "Crash kernel":
            total -= end - first
    return total


def check(report, name, text):
    """The counts are the kernel's own."""
    meminfo = {key: int(value) // PAGE_KIB
               for key, value in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}
    usage = {key: int(value) for key, value in
             re.findall(r"^([A-Z_]+|[^\t\n]+:)\t+(\d+)", text, re.MULTILINE)}
    found, wanted = usage.get("Total pages on system:"), _frames(text)
    report.check(f"{name}: --mem-usage counts {wanted} pages of memory",
                 "" if found == wanted else f"it counts {found}:\n{text[-1500:]}")
    rows = {"free": (usage.get("FREE"), meminfo["MemFree"]),
            "process": (usage.get("USER"), meminfo["AnonPages"]),
            "cache": (usage.get("NON_PRI_CACHE", 0) + usage.get("PRI_CACHE", 0),
                      meminfo["Cached"] + meminfo["Buffers"])}
    for title, (ours, kernels) in rows.items():
        limit = kernels * SHARE + PAGES
        error = "" if ours and abs(ours - kernels) <= limit else f"it counts {ours}, /proc/meminfo {kernels}"
        report.check(f"{name}: --mem-usage counts {title} pages as the kernel does ({ours})", error)
