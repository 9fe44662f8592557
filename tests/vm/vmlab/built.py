# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels with options that no kernel of Debian has, built from its newest source package.

Few drivers, so that it takes minutes. With debugging information, so that crash reads its dumps.
"""

import pathlib
import re
import shutil

from . import archive, cache
from .command import LabError, run, shell
from .debian import Kernel

HERE = pathlib.Path(__file__).resolve().parent.parent
# The file with the options of each.
KERNELS = {"handover": HERE / "handover.config"}
NICE = ("nice", "-n", "10")


def _source(suite):
    """The newest package of sources, and its version."""
    text = suite.apt("apt-cache", "depends", "linux-source")[1]
    package = re.search(r"Depends: (linux-source-\S+)", text)[1]
    return package, re.search(r"Candidate: (\S+)", suite.apt("apt-cache", "policy", package)[1])[1]


def configure(tree, options):
    """Options of ours, and of all else nothing; those that came to nothing are an error."""
    run(["make", "-s", f"KCONFIG_ALLCONFIG={options}", "allnoconfig"], cwd=tree, timeout_s=300)
    got = set((tree / ".config").read_text().splitlines())
    lost = [line for line in options.read_text().splitlines() if re.match(r"CONFIG_\S+=[ym]", line) and line not in got]
    if lost:
        raise LabError(f"this kernel has no {', '.join(lost)}")


def compile_tree(tree):
    """Build it."""
    shell('exec "$@" make -s -j"$(nproc)" bzImage modules', *NICE, cwd=tree, timeout_s=7200)


def install(tree, made):
    """Put what was built where a kernel of Debian has it."""
    made.mkdir()
    run(["make", "-s", "modules_install", f"INSTALL_MOD_PATH={made}/tree"], cwd=tree, timeout_s=300)
    release = (tree / "include/config/kernel.release").read_text().strip()
    modules = made / "tree/lib/modules" / release
    (modules / "build").unlink(missing_ok=True)
    modules.rename(made / "modules")
    shutil.rmtree(made / "tree")
    shutil.copy(tree / "arch/x86/boot/bzImage", made / "vmlinuz")
    shutil.copy(tree / ".config", made / "config")
    shutil.copy(tree / "vmlinux", made / "vmlinux")
    (made / "release").write_text(release, encoding="ascii")


def _build(suite, package, version, options, made):
    work = pathlib.Path(f"{made}.build")
    work.mkdir()
    suite.download(package, version, work)
    run(["dpkg", "-x", next(work.glob("*.deb")), work / "unpacked"])
    run(["tar", "-x", "-C", work, "-f", next(work.glob("unpacked/usr/src/*.tar.xz"))], timeout_s=600)
    tree = next(work.glob("linux-source-*/"))
    configure(tree, options)
    compile_tree(tree)
    install(tree, made)
    shutil.rmtree(work)


def name_of(name):
    """The artefact of a row of KERNELS, and how it is made."""
    suite, options = archive.Suite("sid", "amd64"), KERNELS[name]
    package, version = _source(suite)
    key = cache.digest(version, options.read_text())
    return f"{package}_{version}-{name}-{key}", lambda made: _build(suite, package, version, options, made)


def kernel(name):
    """A kernel of KERNELS."""
    artefact, build = name_of(name)
    if not (cache.directory() / artefact).exists():
        run([HERE.parent / "lib/install-deps", "kernel"], timeout_s=600)
    path = cache.artefact(artefact, build)
    return Kernel(name, (path / "release").read_text(), path)
