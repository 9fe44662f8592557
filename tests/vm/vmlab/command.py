# SPDX-License-Identifier: GPL-2.0-or-later
"""Run host programs with a time limit, and say what failed and where."""

import os
import shlex
import subprocess


class LabError(Exception):
    """The laboratory could not do its work; the text says what and where."""


def run(argv, timeout_s=120, ok=(0,), cwd=None, stdin=None, merge=False):
    """Run argv; return (exit code, stdout, stderr) as text.

    Raises LabError when the exit code is not in ok (ok=None accepts any) or
    the limit is reached.  merge sends stderr into stdout, in order.
    """
    argv = [os.fspath(arg) for arg in argv]
    try:
        done = subprocess.run(
            argv, cwd=cwd, input=stdin, capture_output=not merge,
            stdout=subprocess.PIPE if merge else None,
            stderr=subprocess.STDOUT if merge else None,
            stdin=subprocess.DEVNULL if stdin is None else None,
            timeout=timeout_s, check=False, env=dict(os.environ, LC_ALL="C"))
    except subprocess.TimeoutExpired:
        raise LabError(f"{shlex.join(argv)}: no end after {timeout_s} s") from None
    except OSError as err:
        raise LabError(f"{argv[0]}: {err.strerror}") from None
    out = done.stdout.decode(errors="replace")
    err = "" if merge else done.stderr.decode(errors="replace")
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
