# SPDX-License-Identifier: GPL-2.0-or-later
"""Run host programs with a time limit, and say what failed and where."""

import os
import shlex
import subprocess
import tempfile

OUTPUT_LIMIT = 32 << 20


class LabError(Exception):
    """The laboratory could not do its work; the text says what and where."""


def _head(file):
    file.seek(0)
    return file.read(OUTPUT_LIMIT).decode(errors="replace")


def run(argv, timeout_s=120, ok=(0,), cwd=None, merge=False):
    """Run argv; return (exit code, stdout, stderr) as text.

    Raises LabError when the exit code is not in ok (ok=None accepts any) or
    the limit is reached.  merge sends stderr into stdout, in order.
    """
    argv = [os.fspath(arg) for arg in argv]
    # Files, not pipes: a program that prints without end fills no memory.
    with tempfile.TemporaryFile() as out_file, tempfile.TemporaryFile() as err_file:
        try:
            done = subprocess.run(
                argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out_file,
                stderr=subprocess.STDOUT if merge else err_file,
                timeout=timeout_s, check=False, env=dict(os.environ, LC_ALL="C"))
        except subprocess.TimeoutExpired:
            raise LabError(f"{shlex.join(argv)}: no end after {timeout_s} s") from None
        except OSError as err:
            raise LabError(f"{argv[0]}: {err.strerror}") from None
        out, err = _head(out_file), _head(err_file)
    if ok is not None and done.returncode not in ok:
        tail = "\n".join((out + err).splitlines()[-15:])
        raise LabError(f"{shlex.join(argv)}: exit {done.returncode}\n{tail}")
    return done.returncode, out, err


def output(argv, **options):
    """The standard output of a program that must succeed."""
    return run(argv, **options)[1]


def shell(script, *args, **options):
    """Run a short shell script with positional arguments."""
    return run(["sh", "-euc", script, "sh", *args], **options)
