# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured: one row for each work that both programs can do."""

import dataclasses
import re


@dataclasses.dataclass
class Work:
    """One row; wanted is the ratio that is to be reached with 1 and with 2 threads."""

    name: str
    core: str                 # "small" or "large"
    theirs: tuple             # options of makedumpfile
    ours: tuple               # options of kdump-copy
    wanted: tuple
    same_pages: bool = True   # both dumps must hold the same pages
    size_limit: float = 0.0   # ours may be so many times as large; 0: not looked at
    seconds: object = None    # seconds of makedumpfile from what it prints, if not its whole run


EXCLUDING = re.compile(r"Excluding unnecessary pages\s*\]?\s*:\s*([0-9.]+) seconds")


def excluding(text):
    """Seconds that makedumpfile says it filtered, over all of its passes."""
    found = [float(value) for value in EXCLUDING.findall(text)]
    if not found:
        raise ValueError("makedumpfile did not print how long it filtered:\n" + text[-500:])
    return sum(found)


def table():
    """All rows, the cheap ones first."""
    rows = [
        Work("filter, mostly free", "large", ("-d", "31", "--dry-run", "--message-level", "31"),
             ("-d", "31", "--dry-run"), (20, 20), False, seconds=excluding),
        Work("filter, every struct page", "large",
             ("-d", "2", "--dry-run", "--message-level", "31"), ("-d", "2", "--dry-run"),
             (5, 10), False, seconds=excluding),
    ]
    codecs = (("raw", (), (), {"small": (1.5, 1.5), "large": (2, 2)}, 0),
              ("lzo", ("-l",), ("-l",), {"small": (1.1, 2.0), "large": (1.25, 2.4)}, 0),
              ("snappy", ("-p",), ("-p",), {"small": (1.1, 2.0), "large": (1.25, 2.4)}, 0),
              ("zstd", ("-z",), ("-z",), {"small": (1.1, 2.0), "large": (1.25, 2.4)}, 0),
              ("zlib", ("-c",), ("-c",), {"small": (2.5, 4.5), "large": (1.9, 3.8)}, 1.05),
              ("zstd-fast against zstd", ("-z",), ("--compress", "zstd-fast"),
               {"small": (1.5, 2.8), "large": (1.5, 2.8)}, 0),
              ("zstd-fast against the default of distributions",
               ("-l", "--num-threads=2"), ("--compress", "zstd-fast"),
               {"small": (0, 5), "large": (0, 5)}, 0))
    for core in ("small", "large"):
        for name, theirs, ours, wanted, limit in codecs:
            rows.append(Work(f"level 31, {name}", core, ("-d", "31", *theirs),
                             ("-d", "31", *ours), wanted[core], size_limit=limit))
    for name, option, wanted in (("raw", (), (2.5, 3)), ("lzo", ("-l",), (1.4, 2.1)),
                                 ("zstd", ("-z",), (1.4, 2.1))):
        rows.append(Work(f"level 0, {name}", "small", ("-d", "0", *option),
                         ("-d", "0", *option), wanted))
    return rows
