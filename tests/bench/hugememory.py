# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder in memory of huge pages.

In the capture kernel all of a window of /proc/vmcore is mapped at once. Of other files each 4 to 64 KiB that a program looks at
cost it a page fault, which is most of what would be measured; in huge pages there are hardly any.
"""

import contextlib
import os
import tempfile

from vmlab.command import run

CHUNK_BYTES = 16 << 20


@contextlib.contextmanager
def folder(place):
    """Its path, and whether its pages are huge: without the rights to mount, a folder in place."""
    with tempfile.TemporaryDirectory(prefix="kdump-cores.", dir=place) as path:
        is_huge = run(["mount", "-t", "tmpfs", "-o", "huge=always,size=100%", "none", path], ok=None)[0] == 0
        try:
            yield path, is_huge
        finally:
            if is_huge:
                run(["umount", path])


def copy(source, target):
    """Copy a file, but not its holes."""
    with open(source, "rb") as reader, open(target, "wb") as writer:
        size, at = os.fstat(reader.fileno()).st_size, 0
        writer.truncate(size)
        while at < size:
            try:
                at = os.lseek(reader.fileno(), at, os.SEEK_DATA)
            except OSError:  # Nothing but a hole.
                break
            end = os.lseek(reader.fileno(), at, os.SEEK_HOLE)
            while at < end:
                at += os.pwrite(writer.fileno(), os.pread(reader.fileno(), min(CHUNK_BYTES, end - at), at), at)
