# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels of any suite and machine of Debian, by an apt configuration of their own: the
machine's lists, sources and packages are not touched.
"""

import pathlib
import re
import shutil
import time

from . import cache
from .command import LabError, run, shell
from .debian import MIRROR, TOOLS_APT, Kernel

# Suite, machine, and the package that follows the newest kernel there.
KERNELS = {
    "5.10-amd64": ("bullseye", "amd64", "linux-image-cloud-amd64"),
    "6.1-amd64": ("bookworm", "amd64", "linux-image-cloud-amd64"),
    "6.12-amd64": ("trixie", "amd64", "linux-image-cloud-amd64"),
    "newest-amd64": ("sid", "amd64", "linux-image-cloud-amd64"),
    "5.10-arm64": ("bullseye", "arm64", "linux-image-cloud-arm64"),
    "6.1-arm64": ("bookworm", "arm64", "linux-image-cloud-arm64"),
    "6.12-arm64": ("trixie", "arm64", "linux-image-cloud-arm64"),
    "6.12-arm64-16k": ("trixie", "arm64", "linux-image-arm64-16k"),
    "newest-arm64": ("sid", "arm64", "linux-image-cloud-arm64"),
    "newest-arm64-16k": ("sid", "arm64", "linux-image-arm64-16k"),
}
# What adds a section to a program of another machine.
OBJCOPY = {"arm64": "aarch64-linux-gnu-objcopy"}
LISTS_MAX_AGE_S = 7 * 24 * 3600
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Since 7.0 a kernel is several packages; all are named for its version.
PARTS = re.compile(r"^\s*Depends: (linux-(?:image|binary|modules|base)-\d\S+)$", re.MULTILINE)


def machine_of(name):
    """Debian's name of the machine of a kernel."""
    return KERNELS[name][1]


class Suite:
    """A suite of Debian for one machine."""

    def __init__(self, suite, machine):
        self._folder = cache.directory() / f"apt-{suite}-{machine}"
        self._conf = self._folder / "apt.conf"
        (self._folder / "lists/partial").mkdir(parents=True, exist_ok=True)
        (self._folder / "archives/partial").mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        (self._folder / "sources.list").write_text(
            f"deb [signed-by={KEYRING}] {MIRROR} {suite} main\n", encoding="ascii")
        self._conf.write_text(
            f'Dir::Etc::sourcelist "{self._folder}/sources.list";\n'
            'Dir::Etc::sourceparts "/dev/null";\n'
            f'Dir::State::lists "{self._folder}/lists";\n'
            f'Dir::State::status "{self._folder}/status";\n'
            f'Dir::Cache "{self._folder}";\n'
            f'APT::Architecture "{machine}";\nAPT::Architectures {{ "{machine}"; }};\n'
            f'{TOOLS_APT};\nAcquire::Languages "none";\nAPT::Sandbox::User "root";\n',
            encoding="ascii")
        stamp = self._folder / "updated"
        if not stamp.exists() or time.time() - stamp.stat().st_mtime > LISTS_MAX_AGE_S:
            self.update(required=not stamp.exists())
            stamp.touch()

    def apt(self, *argv, **options):
        """Run a program of apt with this configuration; return what run() returns."""
        return run(["env", f"APT_CONFIG={self._conf}", *argv], **options)

    def update(self, required=True):
        """Fetch the lists."""
        self.apt("apt-get", "-q", "update", timeout_s=300, ok=(0,) if required else None)

    def parts(self, package):
        """The packages that make a kernel, by their version: [(name, version)]."""
        found, ahead = [], [package]
        while ahead:
            name = ahead.pop()
            more = PARTS.findall(self.apt("apt-cache", "depends", name)[1])
            ahead += [part for part in more if part not in found and part not in ahead]
            if name != package:
                found.append(name)
        if not found:
            raise LabError(f"{package}: its kernel is not in the lists")
        text = self.apt("apt-cache", "policy", *sorted(found))[1]
        return list(zip(sorted(found), re.findall(r"Candidate: (\S+)", text)))

    def download(self, package, version, folder):
        """Fetch one package; refreshes the lists once if it is gone."""
        argv = ("apt-get", "-q", "download", f"{package}={version}")
        if self.apt(*argv, cwd=folder, timeout_s=1800, ok=None)[0] != 0:
            self.update()
            self.apt(*argv, cwd=folder, timeout_s=1800)


def _only(paths, what):
    paths = list(paths)
    if len(paths) != 1:
        raise LabError(f"a kernel's packages hold {len(paths)} {what}")
    return paths[0]


def _unpack(suite, parts, made):
    tree, debs = made / "tree", made / "debs"
    debs.mkdir(parents=True)
    for package, version in parts:
        suite.download(package, version, debs)
    for deb in debs.glob("*.deb"):
        run(["dpkg", "-x", deb, tree])
    modules = _only([*tree.glob("lib/modules/*"), *tree.glob("usr/lib/modules/*")], "module trees")
    _only([*tree.glob("boot/vmlinuz-*"), *modules.glob("vmlinuz")], "images").rename(made / "vmlinuz")
    # As modprobe wants it: -d DIR looks in DIR/lib/modules.
    (made / "lib/modules").mkdir(parents=True)
    modules.rename(made / "lib/modules" / modules.name)
    run(["depmod", "-b", made, modules.name])
    shutil.rmtree(debs)
    shutil.rmtree(tree)


def kernel(name):
    """The newest kernel of a row of KERNELS, unpacked."""
    suite_name, machine, package = KERNELS[name]
    suite = Suite(suite_name, machine)
    parts = suite.parts(package)
    key = cache.digest(machine, *(f"{part}_{version}" for part, version in parts))
    path = cache.artefact(f"kernel-{name}-{key}", lambda made: _unpack(suite, parts, made))
    release = _only((path / "lib/modules").iterdir(), "module trees").name
    return Kernel(name, release, path)


def _unpack_vmlinux(suite, release, version, made):
    debs = pathlib.Path(f"{made}.debs")
    debs.mkdir()
    made.mkdir()
    suite.download(f"linux-image-{release}-dbg", version, debs)
    # Since 7.0 the file under boot is a link.
    shell('dpkg --fsys-tarfile "$1" | tar -x -C "$2" --wildcards "*/vmlinux" "*/vmlinux-*"',
          next(debs.glob("*.deb")), made, timeout_s=900)
    shutil.rmtree(debs)
    big = max((path for path in made.glob("**/vmlinux*") if not path.is_symlink()),
              key=lambda path: path.stat().st_size)
    big.rename(made / "vmlinux.new")
    shutil.rmtree(made / "usr")
    (made / "vmlinux.new").rename(made / "vmlinux")


def with_symbols(of):
    """The same kernel, at a path that holds vmlinux for crash."""
    suite_name, machine, _ = KERNELS[of.series]
    suite, package = Suite(suite_name, machine), f"linux-image-{of.release}-dbg"
    found = re.search(r"Candidate: (\S+)", suite.apt("apt-cache", "policy", package)[1])
    if not found:
        raise LabError(f"{package}: not in the lists")
    path = cache.artefact(f"{package}_{found[1]}.vmlinux",
                          lambda made: _unpack_vmlinux(suite, of.release, found[1], made))
    return Kernel(of.series, of.release, path)


def _index(vmlinux, objcopy, made):
    made.mkdir()
    run(["gdb", "-nx", "-batch", "-ex", f"save gdb-index {made}", vmlinux], timeout_s=600)
    index = made / "vmlinux.gdb-index"
    run([objcopy, "--remove-section=.debug_line", f"--add-section=.gdb_index={index}", "--set-section-flags=.gdb_index=readonly",
         vmlinux, made / "vmlinux"], timeout_s=300)
    index.unlink()


def with_index(of):
    """The same kernel with symbols, as an emulated crash opens it in a third of the time.

    Its types have an index, which gdb would else make. It has no names of source files, among all of which gdb looks for each
    type that this kernel does not have, and crash asks for many.
    """
    path = cache.artefact(f"{of.path.name}.indexed", lambda made: _index(of.vmlinux, OBJCOPY[machine_of(of.series)], made))
    return Kernel(of.series, of.release, path)


def module_files(of, names):
    """Files of modules and of those they need, in the order to load; built-in ones have none."""
    files = {}
    for name in names:
        _, text, _ = run(["modprobe", "-d", of.path, "-S", of.release, "--show-depends", name],
                         ok=None)
        for path in re.findall(r"^insmod (\S+)", text, re.MULTILINE):
            files[pathlib.Path(path)] = True
    return list(files)
