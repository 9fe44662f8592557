# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine that measures, and how much of it somebody else used meanwhile."""

import os
import pathlib
import platform
import re
import resource

from vmlab.command import output


def _first(path, pattern):
    found = re.search(pattern, pathlib.Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "unknown"


def _file_system(folder):
    return output(["df", "--output=fstype", folder]).split()[-1]


def describe(memory, disk):
    """What a reader of the numbers must know of the machine."""
    return {
        "cpu": re.sub(r"\s+", " ", _first("/proc/cpuinfo", r"^model name\s*:\s*(.+)$")),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(_first("/proc/meminfo", r"^MemTotal:\s+(\d+)")) / 2**20, 1),
        "kernel": platform.release(),
        "system": _first("/etc/os-release", r'^PRETTY_NAME="(.+)"$'),
        "is_virtual": "hypervisor" in _first("/proc/cpuinfo", r"^flags\s*:\s*(.+)$").split(),
        "memory_place": _file_system(memory),
        "disk_place": _file_system(disk),
    }


class Load:
    """CPU time that was used by others between two moments."""

    def __init__(self):
        self.at_start = os.getloadavg()[0]
        self._wall, self._busy, self._stolen, self._own = self._now()

    @staticmethod
    def _now():
        # proc(5): user nice system idle iowait irq softirq steal.
        words = pathlib.Path("/proc/stat").read_text(encoding="ascii").split()[1:9]
        ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in words]
        own = sum(usage.ru_utime + usage.ru_stime for usage in
                  (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))
        return sum(ticks), sum(ticks) - ticks[3] - ticks[4], ticks[7], own

    def result(self):
        """Load average at the start, and percent of all CPU time that went to others (the kernel's own threads too)."""
        wall, busy, _, own = self._now()
        others = (busy - self._busy) - (own - self._own)
        return {"load_average": self.at_start,
                "others_percent": max(0.0, 100 * others / max(wall - self._wall, 1e-9))}

    def stolen_percent(self):
        """Percent of all CPU time in which a CPU had to do something, and the hypervisor did not let it."""
        wall, _, stolen, _ = self._now()
        return 100 * (stolen - self._stolen) / max(wall - self._wall, 1e-9)
