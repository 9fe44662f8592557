# SPDX-License-Identifier: GPL-2.0-or-later
"""One line per check, and the count of them at the end."""

import threading


class Report:
    """Collects checks; may be used by several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0

    def _line(self, text):
        print(text, flush=True)

    def check(self, name, error=""):
        """A check that passed (no error text) or failed; returns whether it passed."""
        with self._lock:
            if error:
                self.failed += 1
                first, *more = str(error).splitlines()
                self._line(f"FAIL {name}: {first}")
                for line in more:
                    self._line(f"     | {line}")
            else:
                self.passed += 1
                self._line(f"ok   {name}")
        return not error

    def skip(self, name, reason):
        """A check that could not be made, and why."""
        with self._lock:
            self.skipped += 1
            self._line(f"SKIP {name}: {reason}")

    def note(self, text):
        """A measured value or another fact that is not a check."""
        with self._lock:
            self._line(f"     {text}")

    def finish(self):
        """Print the count; return the exit code."""
        self._line(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not self.passed else 0
