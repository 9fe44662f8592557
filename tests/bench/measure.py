# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of a program: seconds, CPU seconds, peak memory."""

import dataclasses
import os
import pathlib
import re
import subprocess
import time

from vmlab.command import LabError, run


@dataclasses.dataclass
class Sample:
    """What one run took."""

    seconds: float
    cpu_s: float
    output_bytes: int
    text: str = ""            # standard output and error


def timed(argv, target):
    """Run argv, which makes the file target; it is left there."""
    pathlib.Path(target).unlink(missing_ok=True)
    log = f"{target}.log"
    with open(log, "wb") as out:
        start = time.perf_counter()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    text = pathlib.Path(log).read_text(errors="replace")
    os.unlink(log)
    if child.returncode:
        raise LabError(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{text[-800:]}")
    size = os.stat(target).st_size if os.path.exists(target) else 0
    return Sample(seconds, usage.ru_utime + usage.ru_stime, size, text)


def anonymous_peak(argv, target):
    """Bytes of anonymous memory that a run of argv takes at most, looked at all the time."""
    pathlib.Path(target).unlink(missing_ok=True)
    peak = 0
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as child:
        status = f"/proc/{child.pid}/status"
        while child.poll() is None:
            try:
                with open(status, encoding="ascii") as file:
                    found = re.search(r"RssAnon:\s+(\d+) kB", file.read())
            except (FileNotFoundError, ProcessLookupError):
                break
            if found:
                peak = max(peak, int(found[1]) << 10)
    if child.returncode:
        raise LabError(f"{' '.join(map(str, argv))}: exit {child.returncode}")
    return peak


def pages(reader, dump):
    """What an independent reader finds in a dump: bytes that are the same for the same pages."""
    listed = f"{dump}.pages"
    run(["sh", "-euc", 'exec "$1" list "$2" >"$3"', "sh", reader, dump, listed],
        timeout_s=1800)
    data = pathlib.Path(listed).read_bytes()
    os.unlink(listed)
    return data
