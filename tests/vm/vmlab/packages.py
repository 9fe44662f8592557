# SPDX-License-Identifier: GPL-2.0-or-later
"""The product as a Debian package, and a system that a user has before installing it."""

import pathlib
import re

from . import debian
from .command import output, shell

SOURCE = pathlib.Path(__file__).resolve().parents[3]
# Of a fresh system: what any has, without what our package asks for.
SYSTEMD = ("systemd-sysv", "e2fsprogs", "iproute2", "dbus")
SYSVINIT = ("sysvinit-core", "initscripts", "insserv", "e2fsprogs", "iproute2", "inetutils-syslogd", "procps")


def build_deb(work):
    """Build the package from a copy of the source tree, as a user would; return its file."""
    tree = work / "package" / "source"
    tree.mkdir(parents=True)
    # Not git, which a fresh machine need not have; without what was built there.
    shell('tar -c -C "$1" --exclude-vcs --exclude=./build . | tar -x -C "$2"\n'
          'cd "$2"\n[ ! -e Makefile ] || make -s distclean\n'
          'DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -us -uc -b', SOURCE, tree, timeout_s=900)
    return find_deb(tree.parent)


def find_deb(folder):
    """The package in a folder, not that of its symbols."""
    return next(path for path in pathlib.Path(folder).glob("kdump-suite_*.deb"))


def depends(deb):
    """Names of the packages that it needs; of alternatives the first."""
    text = output(["dpkg-deb", "-f", deb, "Depends"])
    return tuple(sorted(re.split(r"[ (|:]", item.strip())[0] for item in text.split(",")))


def fresh_tar(deb, base=SYSTEMD):
    """A tar of a system that has what the package asks for, and neither it nor a kernel."""
    more = tuple(dict.fromkeys((*base, *depends(deb))))
    return debian.tar_of(more)
