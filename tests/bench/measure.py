# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of a program: seconds, CPU seconds, bytes, peak memory."""

import contextlib
import dataclasses
import hashlib
import mmap
import os
import pathlib
import pty
import re
import select
import subprocess
import time

from vmlab.command import LabError, run

# How often memory is looked at, in runs that do not count.
LOOK_MS = 1
BLOCK_BYTES = 2 << 20                # Linux mm/page_reporting.c: no smaller pieces are given to the host.
MADV_POPULATE_WRITE = 23             # Linux include/uapi/asm-generic/mman-common.h; not in Python's mmap.
_written = {}                        # words of a run -> bytes that it wrote the last time


class TooLong(Exception):
    """A run took longer than anybody is interested in."""


@dataclasses.dataclass
class Sample:
    """What one run took."""

    seconds: float
    cpu_s: float = 0.0
    output_bytes: int = 0
    text: str = ""            # standard output and error
    memory_bytes: int = 0     # peak of anonymous memory, if it was looked at


def _anonymous_bytes(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"RssAnon:\s+(\d+) kB", text)
    return int(found[1]) << 10 if found else 0


def _wait(child, is_watched, limit_s):
    """Wait for the end of a child; the peak of its anonymous memory if that is watched."""
    peak, start = 0, time.perf_counter()
    ended = select.poll()
    pidfd = os.pidfd_open(child.pid)
    ended.register(pidfd, select.POLLIN)
    try:
        while True:
            left_ms = max(0, int((start + limit_s - time.perf_counter()) * 1000)) if limit_s else None
            if ended.poll(LOOK_MS if is_watched else left_ms):
                return peak
            if is_watched:
                peak = max(peak, _anonymous_bytes(child.pid))
            if limit_s and time.perf_counter() > start + limit_s:
                raise TooLong
    except BaseException:            # Whoever breaks off the measurement does not want it to go on.
        child.kill()
        child.wait()
        raise
    finally:
        os.close(pidfd)


def _collect(child, argv, log):
    """CPU seconds and messages of a child that has ended; LabError if it failed."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(errors="replace")
    if child.returncode:
        raise LabError(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{text[-800:]}")
    return usage.ru_utime + usage.ru_stime, text


def _key(argv):
    return tuple(str(word) for word in argv if not str(word).startswith("--stats="))


@contextlib.contextmanager
def _ready(size):
    """Make free memory that is this machine's, and that the kernel takes first, for a run that wrote size bytes the last time.

    What was free for a while may be the host's again: to get it back takes longer than what is measured. So memory is used and
    given back, but for a page of each block of the size that is given to the host: the kernel prefers what is left of such blocks.
    """
    size = size * 5 // 4 // BLOCK_BYTES * BLOCK_BYTES        # Some blocks join all the same.
    if not size:
        yield
        return
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        memory.madvise(MADV_POPULATE_WRITE)
        for start in range(0, size, BLOCK_BYTES):
            memory.madvise(mmap.MADV_DONTNEED, start + mmap.PAGESIZE, BLOCK_BYTES - mmap.PAGESIZE)
        yield


def _flush(paths):
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)


# pylint: disable-next=too-many-arguments
def timed(argv, targets, log, *, is_flushed=False, is_watched=False, limit_s=None):
    """Run argv, which makes the files targets; they are left there. With is_flushed the run ends when they are on the disk."""
    for path in targets:
        path.unlink(missing_ok=True)
    if is_flushed:
        os.sync()
    with _ready(_written.get(_key(argv), 0)), open(log, "wb") as out:
        start = time.perf_counter()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        peak = _wait(child, is_watched, limit_s)
        if is_flushed:
            _flush(path for path in targets if path.exists())
        seconds = time.perf_counter() - start
    cpu_s, text = _collect(child, argv, log)
    size = sum(os.stat(path).st_blocks * 512 if len(targets) > 1 else os.stat(path).st_size
               for path in targets if path.exists())
    _written[_key(argv)] = size
    return Sample(seconds, cpu_s, size, text, peak)


def streamed(argv, reader, log, *, is_watched=False):
    """Run argv with its standard output into a reader that prints how many bytes it got; ends with the reader."""
    with open(log, "wb") as errors:
        start = time.perf_counter()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        with subprocess.Popen(reader, stdin=child.stdout, stdout=subprocess.PIPE) as sink:
            child.stdout.close()
            peak = _wait(child, is_watched, None)
            count = sink.communicate()[0]
        seconds = time.perf_counter() - start
    cpu_s, text = _collect(child, argv, log)
    return Sample(seconds, cpu_s, int(count), text, peak)


def printed(argv, pattern, count):
    """What argv prints until it has printed so many matches of a pattern; it is not needed any longer then.

    On a terminal, or else it would keep its lines back."""
    ours, theirs = pty.openpty()
    start, text = time.perf_counter(), ""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        try:
            while len(pattern.findall(text)) < count:
                text += os.read(ours, 1 << 16).decode(errors="replace")
        except OSError as err:       # EIO: the other end was closed.
            raise LabError(f"{' '.join(map(str, argv))} ended early\n{text[-800:]}") from err
        finally:
            child.kill()
            os.close(ours)
    return Sample(time.perf_counter() - start, text=text)


def pages(reader, dump):
    """What an independent reader finds in a dump: text that is the same for the same pages."""
    listed = f"{dump}.pages"
    run(["sh", "-euc", 'exec "$1" list "$2" >"$3"', "sh", reader, dump, listed], timeout_s=1800)
    with open(listed, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    os.unlink(listed)
    return digest
