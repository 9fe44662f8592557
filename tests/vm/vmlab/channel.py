# SPDX-License-Identifier: GPL-2.0-or-later
"""A stream of text lines from a guest: time-stamped, logged, waited for."""

import re
import socket
import threading
import time

from .command import LabError


class Timeout(LabError):
    """A line that was waited for did not come."""


class Closed(LabError):
    """The stream ended before the awaited line."""


class Channel:
    """Reads a socket in a thread of its own; any thread may wait for a line."""

    def __init__(self, path, log=None):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._log = open(log, "w", encoding="utf-8") if log else None
        self._start = time.monotonic()
        self._changed = threading.Condition()
        self._closed = False
        self.lines = []  # (seconds since the channel was opened, text)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _add(self, raw):
        text = raw.decode(errors="replace").rstrip("\r")
        now = time.monotonic() - self._start
        if self._log:
            self._log.write(f"[{now:9.3f}] {text}\n")
            self._log.flush()
        with self._changed:
            self.lines.append((now, text))
            self._changed.notify_all()

    def _read(self):
        rest = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            for raw in whole:
                self._add(raw)
        if rest:
            self._add(rest)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def send(self, text):
        """Write text to the other side."""
        self._socket.sendall(text.encode())

    def position(self):
        """How many lines have come: where a later wait should begin."""
        with self._changed:
            return len(self.lines)

    def wait(self, pattern, timeout_s, start=0):
        """Wait for a line; return (index, time, match)."""
        wanted = re.compile(pattern)
        deadline = time.monotonic() + timeout_s
        index = start
        with self._changed:
            while True:
                while index < len(self.lines):
                    stamp, text = self.lines[index]
                    found = wanted.search(text)
                    if found:
                        return index, stamp, found
                    index += 1
                if self._closed:
                    raise Closed(f"ended while waiting for /{pattern}/")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout(f"no line /{pattern}/ within {timeout_s} s")
                self._changed.wait(left)

    def find(self, pattern, start=0):
        """(time, match) of the first line there is, or None; never waits."""
        wanted = re.compile(pattern)
        with self._changed:
            for stamp, text in self.lines[start:]:
                found = wanted.search(text)
                if found:
                    return stamp, found
        return None

    def now(self):
        """Seconds on this channel's clock."""
        return time.monotonic() - self._start

    def since(self, moment):
        """A time of time.monotonic() on this channel's clock."""
        return moment - self._start

    def tail(self, count=25):
        """The last lines, for a failure report."""
        with self._changed:
            return [f"[{stamp:9.3f}] {text}" for stamp, text in self.lines[-count:]]

    def text(self, start=0):
        """All lines so far, as one string."""
        with self._changed:
            return "\n".join(text for _, text in self.lines[start:])

    def close(self):
        """End the stream and its thread."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(5)
        self._socket.close()
        if self._log:
            self._log.close()
