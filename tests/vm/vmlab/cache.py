# SPDX-License-Identifier: GPL-2.0-or-later
"""Downloads and built trees that are kept between runs.

Nothing in the cache is required to exist.  Each artefact is one file or
directory whose name carries everything it was made from (versions, or a hash
of the recipe); it is built under a temporary name and renamed when complete,
so that a run which is interrupted leaves nothing that looks finished.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import tempfile


def directory():
    """Where artefacts are kept; made on first use."""
    named = os.environ.get("KDUMP_TEST_CACHE")
    if named:
        path = pathlib.Path(named)
    else:
        home = os.environ.get("XDG_CACHE_HOME")
        base = pathlib.Path(home) if home else pathlib.Path.home() / ".cache"
        path = base / "kdump-suite"
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(*parts):
    """A short name for a recipe: the hash of its text."""
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def artefact(name, build):
    """The path of the artefact; build(temporary path) makes it when missing.

    Two runs at once build it once: the second waits for the first.
    """
    final = directory() / name
    if final.exists():
        return final
    with open(directory() / f".{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.exists():
            return final
        work = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}.", dir=directory()))
        try:
            made = work / "artefact"
            build(made)
            made.rename(final)
        finally:
            _remove(work)
    return final
