# SPDX-License-Identifier: GPL-2.0-or-later
"""What the laboratory takes from Debian: kernels, a guest tree, newer readers.

Only apt and mmdebstrap are used.  Package versions are resolved when the run
starts, from the package lists of the machine.
"""

import pathlib
import re
import shutil

from . import cache
from .command import LabError, output, run, shell

# The kernels under test, by the meta package that follows their updates.
KERNELS = {
    "6.1": "linux-image-cloud-amd64",
    "6.12": "linux-image-6.12-cloud-amd64",
    "6.1-generic": "linux-image-amd64",
}
# Their symbols are 860 MB to fetch: add_symbols() where they are wanted.
LARGE = ("6.1-generic",)

GUEST_PACKAGES = (
    "systemd-sysv", "udev", "kmod", "dracut-core", "kexec-tools", "e2fsprogs",
    "util-linux", "iproute2", "btrfs-progs", "xz-utils", "zstd", "cpio", "libblkid1", "libconfig9", "zlib1g",
    "liblzo2-2", "libsnappy1v5", "libzstd1", "libcurl4", "openssh-client",
    # With these it has all that the product's package asks for.
    "libdeflate0", "libdw1", "libisal2", "libkdumpfile10", "libsodium23",
)

# For targets that are more than a disk.
STORAGE_PACKAGES = ("lvm2", "thin-provisioning-tools", "mdadm", "cryptsetup-bin", "xfsprogs", "multipath-tools", "kpartx", "procps", "open-iscsi", "keyutils")

# crash 8.0.2 of Debian 12 loses tasks on 6.1.192, and its makedumpfile 1.7.2
# takes no page of 6.12 for free.  The suite after Debian 13 has crash 9 and
# makedumpfile 1.7.8; they run in a tree of their own.
TOOLS_SUITE = "forky"
TOOLS_PACKAGES = ("crash", "makedumpfile")
# crash reads dumps of its own machine only, and is emulated for others; drgn reads those of any. Few scenarios need it: it is in a tree of its own.
DRGN_PACKAGES = ("python3-drgn",)
# What receives dumps over the network; it runs in a tree of its own, so that this machine serves nobody.
SERVER_PACKAGES = {"ssh": ("openssh-server",), "files": ("nfs-ganesha", "nfs-ganesha-vfs", "samba"), "iscsi": ("tgt",)}
MIRROR = "http://deb.debian.org/debian"
# The Release file of a testing suite is valid for a week only, and mirrors
# that are frozen for reproducible runs serve older ones.  Signatures are
# still checked.
TOOLS_APT = 'Acquire::Check-Valid-Until "false"'


class Kernel:
    """One Debian kernel, unpacked in the cache."""

    def __init__(self, series, release, path):
        self.series = series    # "6.1"
        self.release = release  # as uname -r prints it
        self.path = path

    @property
    def vmlinuz(self):
        """The bootable image."""
        return self.path / "vmlinuz"

    @property
    def modules(self):
        """The tree that belongs at /lib/modules/RELEASE."""
        return self.path / "modules"

    @property
    def config(self):
        """The build configuration."""
        return self.path / "config"

    @property
    def vmlinux(self):
        """The image with debugging information, as crash wants it."""
        return self.path / "vmlinux"


def _depends(package):
    text = output(["apt-cache", "depends", package], ok=None)
    found = re.search(r"Depends: (linux-image-\S+)", text)
    return found.group(1) if found else None


def _resolve(meta):
    package = _depends(meta)
    if package is None:
        run(["apt-get", "-q", "update"], timeout_s=300)
        package = _depends(meta)
    if package is None:
        raise LabError(f"{meta}: not in the package lists of this machine")
    return package


def _versions(*packages):
    """The version that apt would install, for each package."""
    text = output(["apt-cache", "policy", *packages])
    return re.findall(r"Candidate: (\S+)", text)


def _download(package, version, folder):
    """Fetch one package file; refreshes the lists once if it is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download",
            f"{package}={version}"]
    if run(argv, cwd=folder, timeout_s=1800, ok=None)[0] != 0:
        run(["apt-get", "-q", "update"], timeout_s=300)
        run(argv, cwd=folder, timeout_s=1800)
    return next(folder.glob("*.deb"))


def _unpack_kernel(package, version, made):
    release = package.removeprefix("linux-image-")
    made.mkdir()
    deb = _download(package, version, made / "deb")
    tree = made / "tree"
    run(["dpkg", "-x", deb, tree])
    (tree / f"boot/vmlinuz-{release}").rename(made / "vmlinuz")
    (tree / f"boot/config-{release}").rename(made / "config")
    (tree / f"lib/modules/{release}").rename(made / "modules")
    shutil.rmtree(made / "deb")
    shutil.rmtree(tree)


def _unpack_vmlinux(package, version, made):
    folder = pathlib.Path(f"{made}.deb")
    deb = _download(f"{package}-dbg", version, folder)
    shell('dpkg --fsys-tarfile "$1" | tar -xO --wildcards '
          '"./usr/lib/debug/boot/vmlinux-*" >"$2"', deb, made, timeout_s=900)
    if made.stat().st_size == 0:
        raise LabError(f"{package}-dbg: holds no vmlinux")


def kernel(series, has_symbols=True):
    """The newest kernel of a series, with the vmlinux of its debug package if that is wanted and not LARGE."""
    package = _resolve(KERNELS[series])
    version = _versions(package)[0]
    path = cache.artefact(f"{package}_{version}", lambda made: _unpack_kernel(package, version, made))
    made = Kernel(series, package.removeprefix("linux-image-"), path)
    if has_symbols and series not in LARGE:
        add_symbols(made)
    return made


def add_symbols(of):
    """Put the vmlinux of a kernel's debug package beside it."""
    if of.vmlinux.exists():
        return
    package, version = of.path.name.split("_", 1)
    vmlinux = cache.artefact(f"{of.path.name}.vmlinux", lambda made: _unpack_vmlinux(package, version, made))
    if not of.vmlinux.exists():
        of.vmlinux.hardlink_to(vmlinux)


def _unpack_headers(packages, final, made):
    folder = pathlib.Path(f"{made}.debs")
    for package, version in packages:
        run(["dpkg", "-x", _download(package, version, folder / package), made])
    shutil.rmtree(folder)
    for path in (made / "usr/src").glob("*/Makefile"):
        path.write_text(path.read_text().replace("include /usr/src/", f"include {final}/usr/src/"))
    # With it modules get types, for which another program would be needed.
    for path in (made / "usr/src").glob("*/vmlinux"):
        path.unlink()


def headers(of):
    """What modules of a kernel are built against: its build directory."""
    package = f"linux-headers-{of.release}"
    found = re.findall(r"Depends: (linux-headers-\S+-common|linux-kbuild-\S+)", output(["apt-cache", "depends", package]))
    packages = list(zip((package, *found), _versions(package, *found)))
    name = f"{package}_{cache.digest(*(f'{part}_{version}' for part, version in packages))}"
    final = cache.directory() / name
    return cache.artefact(name, lambda made: _unpack_headers(packages, final, made)) / "usr/src" / package


def module(of, folder):
    """A module that is built against a kernel's headers, of the one source file of its name in a folder."""
    name = folder.name

    def build(made):
        work = pathlib.Path(f"{made}.build")
        shutil.copytree(folder, work)
        run(["make", "-s", "-C", headers(of), f"M={work}", f"KCFLAGS=-fmacro-prefix-map={work}/=", "modules"], timeout_s=300)
        # Without debugging information, which is all but a tenth of it.
        run(["strip", "--strip-debug", "-o", made, work / f"{name}.ko"])
        shutil.rmtree(work)
    recipe = cache.digest(of.release, *_versions(f"linux-headers-{of.release}"), *(path.read_text() for path in sorted(folder.iterdir())))
    return cache.artefact(f"{name}-{of.release}-{recipe}.ko", build)


def _mmdebstrap(suite, packages, target, *options):
    run(["mmdebstrap", "--quiet", "--variant=minbase", *options,
         "--include=" + ",".join(packages), suite, target], timeout_s=1800)


def guest_recipe(more=()):
    """What a guest's root file system is made of, as a short name."""
    return _recipe((*GUEST_PACKAGES, *more))


def _recipe(packages):
    return cache.digest(*packages, *_versions(*packages))


def guest_tar(more=()):
    """A tar of the guest's root file system, perhaps with more packages, without kernel and product."""
    return tar_of((*GUEST_PACKAGES, *more))


def tar_of(packages):
    """A tar of a root file system that has these packages."""
    name = f"guest-bookworm-{_recipe(packages)}.tar"

    def build(made):
        tar = f"{made}.tar"  # mmdebstrap takes the format from the name
        _mmdebstrap("bookworm", packages, tar)
        pathlib.Path(tar).rename(made)
    return cache.artefact(name, build)


def _package_tree(package):
    """What is in a package, unpacked: nothing that it needs, and no service of it."""
    version = _versions(package)[0]

    def build(made):
        folder = pathlib.Path(f"{made}.deb")
        run(["dpkg", "-x", _download(package, version, folder), made])
        shutil.rmtree(folder)
    return cache.artefact(f"{package}_{version}", build)


def fence_agents_tree():
    """The fence agents of Debian; that of kdump needs none of the others' libraries."""
    return _package_tree("fence-agents")


def promtool():
    """The program that checks what Prometheus is to read."""
    return _package_tree("prometheus") / "usr/bin/promtool"


def foreign_tools_tree(machine):
    """The same for another machine; its programs run with qemu-user."""
    recipe = cache.digest(TOOLS_SUITE, machine, *TOOLS_PACKAGES, MIRROR)

    def build(made):
        _mmdebstrap(TOOLS_SUITE, TOOLS_PACKAGES, made, "--format=directory",
                    "--variant=extract", f"--architectures={machine}", "--aptopt=" + TOOLS_APT)
        # The link that a package makes when it is configured.
        if not (made / "lib").exists():
            (made / "lib").symlink_to("usr/lib")
    return cache.artefact(f"tools-{TOOLS_SUITE}-{machine}-{recipe}", build)


def servers_tree(kind):
    """The root directory that holds some servers of this suite."""
    packages = SERVER_PACKAGES[kind]
    recipe = cache.digest(*packages, *_versions(*packages))

    def build(made):
        _mmdebstrap("bookworm", packages, made, "--format=directory")
        (made / "work").mkdir()
    return cache.artefact(f"servers-{kind}-bookworm-{recipe}", build)


def _tools_tree(kind, packages):
    recipe = cache.digest(TOOLS_SUITE, *packages, MIRROR)

    def build(made):
        _mmdebstrap(TOOLS_SUITE, packages, made, "--format=directory",
                    "--aptopt=" + TOOLS_APT,
                    f"--setup-hook=mkdir -p \"$1\"/work")
        (made / "work").mkdir(exist_ok=True)
    return cache.artefact(f"{kind}-{TOOLS_SUITE}-{recipe}", build)


def tools_tree():
    """The root directory that holds crash and makedumpfile of a later suite."""
    return _tools_tree("tools", TOOLS_PACKAGES)


def drgn_tree():
    """The root directory that holds drgn of that suite."""
    return _tools_tree("drgn", DRGN_PACKAGES)
