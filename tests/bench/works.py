# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured: one row for each work that both programs can do."""

import dataclasses
import os
import re

# Vmcores. The first three are memory of guests, the others come from simulated.py.
CORES = {
    "small": "memory of a guest of 1.5 GiB that has read files, listed folders and run some programs; two thirds of its pages "
             "are zero",
    "reference": "memory of a guest of 1.5 GiB like the one that the goals come from: four fifths of its pages are zero, a quarter "
                 "of the others is random",
    "large": "memory of an idle guest of 128 GiB",
    "users": "128 GiB, simulated, 2 GiB of struct pages; no free page: memory of processes and page cache in runs of up to "
             "32 pages",
    "mixed": "128 GiB, simulated, 2 GiB of struct pages; no free page: kernel, slab, page tables, processes, page cache in "
             "runs of up to 32 pages",
}
SIMULATED_GIB, SIMULATED_DISTINCT = 128, 1000

EXCLUDING = re.compile(r"Excluding unnecessary pages\s*\]?\s*:\s*([0-9.]+) seconds")
# What Fedora and RHEL run (kdump-utils, kdump.sh), and openSUSE with its own options.
DISTRIBUTION = ("-l", f"--num-threads={os.cpu_count()}")
RAW = ("--compress=none",)
SAME_CODECS = ("lzo", "snappy")


@dataclasses.dataclass
class Work:
    """One row; wanted is the ratio that is to be reached with 1 and with 2 threads, 0 where there is no goal."""

    group: str
    name: str
    core: str                 # one of CORES
    theirs: tuple             # options of makedumpfile
    ours: tuple               # options of kdump-copy
    wanted: tuple = (0, 0)
    same_pages: bool = True   # both dumps must hold the same pages
    size_limit: float = 0.0   # ours may be so many times as large; 0: not looked at
    place: str = "memory"     # or "disk"
    parts: int = 1            # files that are written at once
    passes: int = 0           # a dry run of makedumpfile that is over after so many passes over struct pages
    is_fastest: bool = True   # makedumpfile may choose its number of threads
    codec: str = ""           # the library that both call for all pages

    @property
    def is_dry(self):
        """Whether nothing is written."""
        return "--dry-run" in self.ours

    @property
    def key(self):
        """Name in lists of results."""
        return f"{self.group}: {self.name}, {self.core}"


def goal(wanted, threads):
    """The goal of a row with so many threads; 0: none."""
    return {"1": wanted[0], "2": wanted[1]}.get(str(threads), 0)


def excluding(text):
    """Seconds that makedumpfile says it filtered, over all of its passes."""
    found = [float(value) for value in EXCLUDING.findall(text)]
    if not found:
        raise ValueError("makedumpfile did not print how long it filtered:\n" + text[-500:])
    return sum(found)


def _filters():
    dry = ("-d", "31", "--dry-run")
    return [Work("filter alone", name, core, dry, dry, wanted, False, passes=2, is_fastest=False)
            for name, core, wanted in (("mostly free", "large", (20, 20)),
                                       ("every struct page read, users", "users", (5, 10)),
                                       ("every struct page read, mixed", "mixed", (5, 10)))]


def _level31():
    same = {"small": (1.1, 2.0), "large": (1.25, 2.4)}
    codecs = (("raw", (), RAW, {"small": (1.5, 1.5), "large": (2, 2)}, 0),
              ("lzo", ("-l",), ("-l",), same, 0),
              ("snappy", ("-p",), ("-p",), same, 0),
              ("zstd", ("-z",), ("-z",), same, 0),
              ("zlib", ("-c",), ("-c",), {"small": (2.5, 4.5), "large": (1.9, 3.8)}, 1.05))
    rows = [Work("level 31", name, core, ("-d", "31", *theirs), ("-d", "31", *ours), wanted[core], size_limit=limit,
                 codec=name if name in SAME_CODECS else "")
            for core in ("small", "large") for name, theirs, ours, wanted, limit in codecs]
    # -z makes some pages a little larger; with a level it does not.
    return rows + [Work("level 31", "zstd:1 against zstd", core, ("-d", "31", "-z"), ("-d", "31", "--compress=zstd:1"), codec="zstd")
                   for core in ("small", "large")]


def _defaults():
    rows = []
    for core in ("small", "large"):
        rows.append(Work("level 31", "zstd-fast against zstd", core, ("-d", "31", "-z"),
                         ("-d", "31", "--compress=zstd-fast"), (1.5, 2.8)))
        # Theirs takes long on the large one.
        for name in ("zstd-fast", "auto") if core == "small" else ("auto",):
            rows.append(Work("distributions' default", f"{name} against {' '.join(DISTRIBUTION)}", core,
                             ("-d", "31", *DISTRIBUTION), ("-d", "31", f"--compress={name}"), (0, 5), is_fastest=False))
    return rows


def _level0():
    # What makedumpfile loses is that it compresses and writes pages of zeros: how much, depends on how many there are.
    methods = (("raw", (), (2.5, 3)), ("lzo", ("-l",), (1.4, 2.1)), ("snappy", ("-p",), (1.4, 2.1)),
               ("zstd", ("-z",), (1.4, 2.1)))
    return [Work("level 0", name, core, ("-d", "0", *option), ("-d", "0", *(option or RAW)), wanted,
                 codec=name if name in SAME_CODECS else "")
            for core in ("small", "reference") for name, option, wanted in methods]


def _unused(folder):
    """Struct pages of pages that are not in the dump; makedumpfile needs a folder for that."""
    rows = []
    for name, option in (("lzo", "-l"), ("zstd", "-z")):
        ours = ("-d", "31", "-e", option)
        rows.append(Work("unused struct pages excluded", f"{name} against -e", "large",
                         ("-d", "31", "-e", f"--work-dir={folder}", option), ours, (1.5, 3), False))
        rows.append(Work("unused struct pages excluded", f"{name} against the default", "large",
                         ("-d", "31", option), ours, (5, 9), False))
    return rows


def _disk():
    rows = [("raw", (), RAW), ("raw, --direct", (), (*RAW, "--direct")), ("lzo", ("-l",), ("-l",))]
    return [Work("to disk, level 31", name, core, ("-d", "31", *theirs), ("-d", "31", *ours), place="disk")
            for core in ("small", "large") for name, theirs, ours in rows]


def _split():
    return [Work("level 31, two files", name, "large", ("-d", "31", *option, "--split"),
                 ("-d", "31", *(option or RAW), "--split"), same_pages=False, parts=2, is_fastest=False)
            for name, option in (("raw", ()), ("lzo", ("-l",)))]


def table(folder):
    """All rows; folder: for temporary files of makedumpfile."""
    return [*_filters(), *_level31(), *_defaults(), *_level0(), *_unused(folder), *_split(), *_disk()]


OUR_METHODS = {"auto": ("--compress=auto",), "raw": RAW, "lzo": ("-l",), "snappy": ("-p",),
               "zstd-fast": ("--compress=zstd-fast",), "zstd": ("-z",), "zlib": ("-c",)}
THEIR_METHODS = {"raw": (), "lzo": ("-l",), "snappy": ("-p",), "zstd": ("-z",), "zlib": ("-c",)}


@dataclasses.dataclass
class Sink:
    """A place where a dump of level 31 goes, and the methods that are tried."""

    name: str
    place: str | None = None  # "memory" or "disk"; None: a stream
    rate: int = 0             # bytes a second that the reader of a stream takes; 0: all it can
    core: str = "small"
    ours: tuple = tuple(OUR_METHODS)
    theirs: tuple = tuple(THEIR_METHODS)

    @property
    def key(self):
        """Name in lists of results."""
        return f"{self.name}, {self.core} vmcore"


MEGA = 10 ** 6
SINKS = [Sink("tmpfs", "memory"), Sink("disk", "disk"), Sink("stream"), Sink("stream, 1000 MB/s", rate=1000 * MEGA),
         Sink("stream, 200 MB/s", rate=200 * MEGA), Sink("stream, 50 MB/s", rate=50 * MEGA),
         # Some percent of so short a time are noise; the large one shows them.
         *(Sink(name, place, rate, "large", ("auto", "raw"), ())
           for name, place, rate in (("tmpfs", "memory", 0), ("stream", None, 0),
                                     ("stream, 1000 MB/s", None, 1000 * MEGA)))]
# auto is never slower than raw by more than this, and never larger.
AUTO_SLOWER = 1.05

# Sizes of simulated machines, in GiB, and what is done with them. makedumpfile is left out where it takes minutes.
SCALE_GIB = (32, 128, 1024, 4096, 16384)
SCALE_DISTINCT = 128
# Largest size of each kind of run: (program, what) -> pattern -> GiB.
SCALE_MAX_GIB = {
    ("kdump-copy", "dry run, 1 thread"): {"free": 16384, "users": 1024},
    ("kdump-copy", "dry run"): {"free": 16384, "users": 16384},
    ("kdump-copy", "dump"): {"free": 16384, "users": 1024},
    ("makedumpfile", "dry run"): {"free": 4096, "users": 1024},
    ("makedumpfile", "dump"): {"free": 1024, "users": 128},
}
