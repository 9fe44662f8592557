# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to write a dump that are not formats: split over files, without struct pages, page by page with another method,
past the page cache. Does not run the copier (run)."""
import expect
import pagemap
import readers
import verify
from readers import require

STATUS_NO_MEMMAP = 0x10
METHODS = {0, readers.FLAG_LZO, readers.FLAG_ZSTD}


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _parts(machine, level, paths, unused=frozenset()):
    """Each file has a share of the pages, all together have all of them, once."""
    dumps = [readers.KdumpFile(_read(path)) for path in paths]
    end = 0
    for dump in dumps:
        require(dump.split == 1 and dump.start == end, f"a part begins at {dump.start:#x}, the last one ended at {end:#x}")
        end = dump.end
        verify.kdump(machine, level, dump, unused=unused)
    require(end >= dumps[0].dumped[-1] + 1, f"the last part ends at {end:#x}")
    require(sum(len(dump.index) for dump in dumps) == len(dumps[0].dumped), "a page is in no part, or in two")


def split(machine, level, paths):
    """--split: paths are in the order of the command line."""
    _parts(machine, level, paths)


def split_unused(machine, level, paths):
    """--split -e."""
    _parts(machine, level, paths, expect.unused_struct_pages(machine, level))


def unused(machine, level, paths):
    """-e, with a page map."""
    left_out = expect.unused_struct_pages(machine, level)
    dump = readers.open_dump(_read(paths[0]))
    require(bool(dump.status & STATUS_NO_MEMMAP) == bool(left_out), f"status {dump.status:#x}, {len(left_out)} left out")
    verify.kdump(machine, level, dump, unused=left_out)
    pagemap.check(machine, level, _read(paths[0] + ".map"), True, unused=left_out)


def auto(machine, level, paths):
    """--compress=auto: each page by one of some methods."""
    dump = readers.open_dump(_read(paths[0]))
    require(not dump.split, "kdump: split is set")
    verify.kdump(machine, level, dump)
    require(dump.flags_seen <= METHODS, f"pages with flags {dump.flags_seen}")


def direct(machine, level, paths):
    """--direct: nothing differs but how it was written."""
    verify.check(machine, level, _read(paths[0]), readers.FLAG_ZLIB)


# Name -> options, number of files, levels, check. {out}: name of the dump.
WAYS = {
    "split": (["-c", "--split"], 2, (0, 31), split),
    "split-3": (["--compress=none", "--split"], 3, (1, 31), split),
    "unused": (["--compress=none", "-e", "--pagemap={out}.map"], 1, (0, 15, 16, 31), unused),
    "split-unused": (["-c", "-e", "--split"], 2, (31,), split_unused),
    "auto": (["--compress=auto"], 1, (0, 31), auto),
    "direct": (["-c", "--direct"], 1, (0, 31), direct),
}
# A machine that has struct pages of dropped memory only, at the highest level: else the check would say nothing.
HAS_UNUSED = "extreme-6.12"
