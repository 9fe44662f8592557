# SPDX-License-Identifier: GPL-2.0-or-later
"""What every scenario shares: the product, the kernels, the disks, the readers."""

import os
import pathlib

from . import archive, built, debian, direct, image, usual
from .command import LabError, run, shell
from .readers import ForeignTools, Pages, Tools

HERE = pathlib.Path(__file__).resolve().parent.parent
SOURCE = HERE.parent.parent


class Lab:
    """Made once per run; read-only afterwards, so scenarios may share it."""

    def __init__(self, work, stage=None, series=tuple(debian.KERNELS), keep=False,
                 sanitized=(), direct_kernels=(), has_network=False, server_trees=(), has_usual=False, has_storage=False,
                 has_symbols=False,
                 say=lambda text: None):
        self.work = pathlib.Path(work)
        self.keep = keep
        # Copiers built with sanitizers, each in a folder that is named for them.
        self.sanitized = sanitized
        if not stage:
            say("building and installing the product")
        self.stage = pathlib.Path(stage).resolve() if stage else self._build_product()
        say("fetching what the cache does not hold: kernels " + ", ".join([*series, *direct_kernels]))
        self.kernels = {name: (built if name in built.KERNELS else debian).kernel(name) for name in series}
        self.direct_kernels = {name: (built if name in built.KERNELS else archive).kernel(name) for name in direct_kernels}
        say("fetching what the cache does not hold: crash, a guest system")
        self.tools = Tools(debian.tools_tree())
        self.drgn = Tools(debian.drgn_tree()) if has_symbols else None
        self._compile("pages", "-lkdumpfile", "-lz")
        self.pages = Pages(self.work / "pages")
        self.programs = {machine: direct.compile_programs(HERE, self.work, machine)
                         for machine in {built.machine_of(name) for name in direct_kernels}}
        self.foreign_tools = {machine: ForeignTools(debian.foreign_tools_tree(machine))
                              for machine in self.programs if machine != "amd64"}
        if series:
            self._make_disks(say, has_usual, debian.STORAGE_PACKAGES if has_storage else ())
        # The agent of the cluster's other node, for guests that have a network.
        self.servers = {kind: debian.servers_tree(kind) for kind in server_trees}
        self.fence_kdump = debian.fence_agents_tree() / "usr/sbin/fence_kdump" if has_network else None

    def _make_disks(self, say, has_usual, packages):
        guest = debian.guest_tar(packages)
        self._compile("plant", "-static")
        self._compile("rate", "-static")
        image.lone_initrd(self.work / "rate", self.work / "rate.img")
        say("making the guest's disks")
        self.root = self.work / "root.img"
        files = [self.work / "plant", self.work / "rate.img"]
        for kernel in self.kernels.values() if has_usual else ():
            say(f"making a usual capture initramfs for {kernel.release}")
            files.append(usual.initramfs(kernel))
        image.root_image(guest, self.kernels.values(), self.stage, files, self.root)
        self.initrds = {}
        for name, kernel in self.kernels.items():
            self.initrds[name] = self.work / f"boot-{name}.img"
            image.tiny_initrd(kernel, self.initrds[name])

    def _compile(self, name, *libraries):
        run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", self.work / name,
             HERE / f"{name}.c", *libraries])

    def _build_product(self):
        """Build a copy of the source tree and install it into a folder."""
        build, stage = self.work / "build", self.work / "stage"
        build.mkdir()
        stage.mkdir()
        # Not git, which a fresh machine need not have; without what was built there.
        shell('tar -c -C "$1" --exclude-vcs --exclude=./build . | tar -x -C "$2"\n'
              'cd "$2"\n[ ! -e Makefile ] || make -s distclean', SOURCE, build)
        shell('cd "$1"\nautoreconf -fi\n'
              './configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var\n'
              'make -j"$(nproc)"\nmake install DESTDIR="$2"',
              build, stage, timeout_s=900)
        return stage

    def program(self, name):
        """A program of the installed product, to be run on the host."""
        path = self.stage / "usr/bin" / name
        if not os.access(path, os.X_OK):
            raise LabError(f"{path}: the product did not install it")
        return path
