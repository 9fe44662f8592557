# SPDX-License-Identifier: GPL-2.0-or-later
"""The two programs that are compared: their command lines, and what each of them refuses."""

import os
import re

from vmlab.command import output, run

LETTERS = {"-c": "zlib", "-l": "lzo", "-p": "snappy", "-z": "zstd"}
BUILT_IN = ("zlib",)


class Ours:
    """kdump-copy."""

    def __init__(self, path):
        self.words = [os.path.abspath(path)]
        self.version = output([*self.words, "--version"]).strip()
        self.has_stats = not self.refuses(["--stats=/dev/null"])

    def refuses(self, options):
        """Why it does not take these options; None if it does."""
        paths = ["in", "out", "out2"] if "--split" in options else ["in", "out"]
        code, _, text = run([*self.words, "--check-params", *options, *paths], ok=None)
        return re.sub(r"^\S*kdump-copy: ", "", text.strip()).splitlines()[0] if code else None

    def command(self, options, threads, paths, stats=None):
        """Words of a run."""
        extra = [f"--stats={stats}"] if stats and self.has_stats else []
        return [*self.words, "-q", "--num-threads", str(threads), *options, *extra, *map(str, paths)]


class Theirs:
    """makedumpfile."""

    def __init__(self, words):
        self.words = words
        text = output([*words, "-v"], ok=None)
        self.version = text.splitlines()[0]
        self.codecs = {name for name in LETTERS.values() if name in BUILT_IN or f"{name}\tenabled" in text}

    def refuses(self, options):
        """Why it would not do what these options say; it only warns of it and writes raw pages."""
        missing = [LETTERS[word] for word in options if word in LETTERS and LETTERS[word] not in self.codecs]
        return f"makedumpfile was built without {missing[0]}" if missing else None

    def command(self, options, threads, paths, is_timed=False):
        """Words of a run; threads: 0 is its own default. is_timed: it prints how long it filtered."""
        count = [f"--num-threads={threads}"] if threads else []
        return [*self.words, "--message-level", "31" if is_timed else "0", *count, *options, *map(str, paths)]
