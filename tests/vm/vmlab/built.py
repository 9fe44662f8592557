# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels with options that no kernel of Debian has, built from its newest source package.

Few drivers, so that it takes minutes. With debugging information, so that crash reads its dumps.
"""

import dataclasses
import pathlib
import re
import shutil

from . import archive, cache
from .command import LabError, run, shell
from .debian import Kernel

HERE = pathlib.Path(__file__).resolve().parent.parent
NICE = ("nice", "-n", "10")
# Of a machine: what make must be told, and its image.
MACHINES = {"amd64": ((), "arch/x86/boot/bzImage"),
            "arm64": (("ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"), "arch/arm64/boot/Image")}


@dataclasses.dataclass
class Recipe:
    """How a kernel is made."""

    machine: str
    options: pathlib.Path     # The file with its options.

    def make(self, *words):
        """Command words."""
        return ["make", "-s", *MACHINES[self.machine][0], *words]

    @property
    def image(self):
        """Path of what boots, in the tree."""
        return pathlib.Path(MACHINES[self.machine][1])


KERNELS = {"handover": Recipe("amd64", HERE / "handover.config"),
           "newest-arm64-64k": Recipe("arm64", HERE / "pages64k.config")}


def _source(suite):
    """The newest package of sources, and its version."""
    text = suite.apt("apt-cache", "depends", "linux-source")[1]
    package = re.search(r"Depends: (linux-source-\S+)", text)[1]
    return package, re.search(r"Candidate: (\S+)", suite.apt("apt-cache", "policy", package)[1])[1]


def configure(tree, recipe):
    """Options of ours, and of all else nothing; those that came to nothing are an error."""
    run(recipe.make(f"KCONFIG_ALLCONFIG={recipe.options}", "allnoconfig"), cwd=tree, timeout_s=300)
    got = set((tree / ".config").read_text().splitlines())
    lost = [line for line in recipe.options.read_text().splitlines() if re.match(r"CONFIG_\S+=[ym]", line) and line not in got]
    if lost:
        raise LabError(f"this kernel has no {', '.join(lost)}")


def has_modules(tree):
    """Whether what is built is not all in the image."""
    return "CONFIG_MODULES=y" in (tree / ".config").read_text().splitlines()


def compile_tree(tree, recipe):
    """Build it."""
    shell('exec "$@" -j"$(nproc)"', *NICE, *recipe.make(recipe.image.name, *["modules"] * has_modules(tree)), cwd=tree,
          timeout_s=7200)


def install(tree, recipe, made):
    """Put what was built where a kernel of Debian has it."""
    made.mkdir()
    release = (tree / "include/config/kernel.release").read_text().strip()
    if has_modules(tree):
        run(recipe.make("modules_install", f"INSTALL_MOD_PATH={made}/tree"), cwd=tree, timeout_s=300)
        modules = made / "tree/lib/modules" / release
        (modules / "build").unlink(missing_ok=True)
        modules.rename(made / "modules")
        shutil.rmtree(made / "tree")
    shutil.copy(tree / recipe.image, made / "vmlinuz")
    shutil.copy(tree / ".config", made / "config")
    shutil.copy(tree / "vmlinux", made / "vmlinux")
    (made / "release").write_text(release, encoding="ascii")


def _build(suite, package, version, recipe, made):
    work = pathlib.Path(f"{made}.build")
    work.mkdir()
    suite.download(package, version, work)
    run(["dpkg", "-x", next(work.glob("*.deb")), work / "unpacked"])
    run(["tar", "-x", "-C", work, "-f", next(work.glob("unpacked/usr/src/*.tar.xz"))], timeout_s=600)
    tree = next(work.glob("linux-source-*/"))
    configure(tree, recipe)
    compile_tree(tree, recipe)
    install(tree, recipe, made)
    shutil.rmtree(work)


def name_of(name):
    """The artefact of a row of KERNELS, and how it is made."""
    suite, recipe = archive.Suite("sid", "amd64"), KERNELS[name]
    package, version = _source(suite)
    key = cache.digest(version, recipe.options.read_text())
    return f"{package}_{version}-{name}-{key}", lambda made: _build(suite, package, version, recipe, made)


def kernel(name):
    """A kernel of KERNELS."""
    artefact, build = name_of(name)
    if not (cache.directory() / artefact).exists():
        run([HERE.parent / "lib/install-deps", "kernel"], timeout_s=600)
    path = cache.artefact(artefact, build)
    return Kernel(name, (path / "release").read_text(), path)


def machine_of(name):
    """Debian's name of the machine of a kernel, of KERNELS or of an archive."""
    return KERNELS[name].machine if name in KERNELS else archive.machine_of(name)
