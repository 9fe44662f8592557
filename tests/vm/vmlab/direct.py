# SPDX-License-Identifier: GPL-2.0-or-later
"""The quick way to a vmcore: boot a kernel with an initramfs that plants pages and panics;
QEMU writes the memory.  No root file system, no kexec, any kernel that Debian has.
"""

import dataclasses
import lzma
import pathlib
import re
import shutil

from . import archive, built, capture, image, qemucore
from .command import LabError, run, shell
from .elf import Elf
from .guest import CPU, Machine
from .planted import Planted

# What is needed for a disk, for swap, to give memory back, and to tell QEMU VMCOREINFO.
MODULES = ("virtio_pci", "virtio_mmio", "virtio_blk", "virtio_balloon", "qemu_fw_cfg", "ext4")
MEMORY_MIB = 512
BALLOON_MIB = 64
QEMU = {
    "amd64": ("qemu-system-x86_64", "-machine", "pc"),
    "arm64": ("qemu-system-aarch64", "-machine", "virt,gic-version=3"),
}
CONSOLE = {"amd64": "ttyS0", "arm64": "ttyAMA0"}
COMPILER = {"amd64": "gcc", "arm64": "aarch64-linux-gnu-gcc"}
PANICKED = r"end Kernel panic"
PROGRAMS = {"init": "guest/init.c", "plant": "plant.c", "tracing": "guest/tracing.c"}


@dataclasses.dataclass
class Setup:
    """What is booted."""

    kernel: str               # A row of archive.KERNELS or built.KERNELS.
    cpu: str = CPU
    page_bytes: int = 4096
    has_symbols: bool = False # drgn and crash read it too; its symbols are a download of 300 MB.
    program: str = "plant"    # What runs in the guest, and panics: one of PROGRAMS.
    cpus: int = 1
    # Nothing of the laboratory with a root file system is needed.
    series = None


@dataclasses.dataclass
class Snapshot:
    """The memory of the machine after its panic."""

    core: Elf
    qemu: pathlib.Path        # QEMU's own dump.
    planted: Planted
    console: str
    seconds: float            # From the start of QEMU to the panic.


def compile_programs(source, target, machine):
    """The programs of the initramfs, for a machine."""
    folder = target / f"direct-{machine}"
    folder.mkdir()
    for name, path in PROGRAMS.items():
        run([COMPILER[machine], "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", folder / name,
             source / path])
    return folder


def _initramfs(kernel, programs, program, target):
    tree = target.with_suffix(".tree")
    (tree / "modules").mkdir(parents=True)
    shutil.copy(programs / "init", tree / "init")
    shutil.copy(programs / program, tree / "plant")
    for number, path in enumerate(archive.module_files(kernel, MODULES)):
        data = path.read_bytes()
        if path.suffix == ".xz":
            data = lzma.decompress(data)
        (tree / "modules" / f"{number:03}-{path.name}").write_bytes(data)
    shell('cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 >"$2"', tree, target)
    shutil.rmtree(tree)


def _command(folder, kernel, setup):
    machine = built.machine_of(setup.kernel)
    image.make_ext4(folder / "disk.img", 64)
    shell('truncate -s 64M "$1" && mkswap -q -p "$2" "$1"', folder / "swap.img",
          str(setup.page_bytes))
    options = [*QEMU[machine], "-nodefaults", "-display", "none", "-no-reboot",
               "-accel", "tcg,thread=multi", "-cpu", setup.cpu, "-m", f"{MEMORY_MIB}M", "-smp", str(setup.cpus),
               "-kernel", kernel.vmlinuz, "-initrd", folder / "initramfs",
               "-append", f"console={CONSOLE[machine]} loglevel=7 panic=0 no_timer_check "
                          "mitigations=off" + " default_hugepagesz=2M" * (setup.page_bytes > 16384),
               "-device", "vmcoreinfo", "-device", "virtio-balloon-pci"]
    for name in ("disk", "swap"):
        options += ["-drive", f"file={folder}/{name}.img,if=none,id={name},format=raw,cache=unsafe",
                    "-device", f"virtio-blk-pci,drive={name}"]
    return [*options, *Machine.streams(folder)]


def _inflate(machine):
    """Take memory away, and wait until the guest has given it."""
    wanted = (MEMORY_MIB - BALLOON_MIB) << 20
    machine.qmp("balloon", value=wanted)
    machine.wait_answer("query-balloon", lambda answer: answer["actual"] <= wanted, 60)


def _until_panic(lab, folder, setup):
    """Boot and wait for the panic; return (core, console, seconds)."""
    folder.mkdir(parents=True, exist_ok=True)
    kernel = lab.direct_kernels[setup.kernel]
    _initramfs(kernel, lab.programs[built.machine_of(setup.kernel)], setup.program, folder / "initramfs")
    with Machine(folder, _command(folder, kernel, setup)) as machine:
        _, _, found = machine.wait_console(r"^@(balloon|failed.*)", 180)
        if found[1] != "balloon":
            raise LabError(f"the guest's init: {found[1]}")
        _inflate(machine)
        machine.console.send("\n")
        _, seconds, _ = machine.wait_console(PANICKED, 180)
        machine.qmp("stop")
        machine.qmp("dump-guest-memory", 120, paging=False, protocol=f"file:{folder}/qemu.core")
        text = machine.console.text()
    kcore = [tuple(int(word, 16) for word in load)
             for load in re.findall(r"^@load (\w+) (\w+) (\w+)\s*$", text, re.MULTILINE)]
    if not re.search(r"^planted\s*$", text, re.MULTILINE) or not kcore:
        raise LabError(f"{setup.program} did not finish its report:\n" + text[-1500:])
    qemucore.rewrite(folder / "qemu.core", folder / "vmcore", kcore)
    core = Elf(folder / "vmcore")
    if b"OSRELEASE=" + kernel.release.encode() not in core.notes:
        raise LabError("QEMU's dump has no VMCOREINFO of this kernel")
    return core, text, seconds


def snapshot(lab, folder, setup):
    """Boot, plant, panic; return what is left."""
    core, text, seconds = _until_panic(lab, folder, setup)
    return Snapshot(core, folder / "qemu.core", Planted(text), text, seconds)


def traced(lab, folder, setup):
    """Boot, trace, panic; return (vmcore, folder with what the kernel said of its traces, seconds)."""
    for attempt in range(1, capture.BOOT_ATTEMPTS + 1):
        try:
            core, _, seconds = _until_panic(lab, folder, setup)
            break
        except LabError:
            # With several CPUs the emulator fails now and then, as it says there.
            console = (folder / "console.log").read_text(errors="replace")
            if attempt == capture.BOOT_ATTEMPTS or not re.search(capture.EMULATOR_FAULT, console):
                raise
    return core.path, image.extract(folder / "disk.img", "/said", folder), seconds
