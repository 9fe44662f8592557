# SPDX-License-Identifier: GPL-2.0-or-later
"""Buffers of LTTng-modules in a dump, against what the tracer itself gave out of them before the machine crashed.

The machine's state is kept when its two sessions record nothing more.  From there it goes on twice: once the tracer gives out
all that it has, as a consumer asks it to, which changes the buffers; once the machine panics.  babeltrace2 prints both.
"""

import collections
import dataclasses
import json
import lzma
import os
import pathlib
import re
import shutil
import struct

from . import archive, cache, capture, copier, debian, image, qemucore
from .command import LabError, output, run, shell
from .guest import CPU, Machine

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "guest"
PACKAGE = ("trixie", "lttng-modules-dkms")
# It does not compile against 6.1.192, which has another trace_hrtimer_start() than 6.1 had.
LEFT_OUT = "lttng-probe-timer"
# In the order to load; others need more of the kernel.
MODULES = ("lttng-wrapper", "lttng-clock", "lttng-uprobes", "lttng-kprobes", "lttng-kretprobes", "lttng-lib-ring-buffer", "lttng-counter",
           "lttng-statedump", "lttng-tracer", "lttng-ring-buffer-metadata-mmap-client", "lttng-ring-buffer-client-mmap-discard",
           "lttng-ring-buffer-client-mmap-overwrite", "lttng-probe-sched", "lttng-probe-irq", "lttng-probe-signal")
# Those whose structures are looked at.
TYPED = ("lttng-lib-ring-buffer", "lttng-tracer")
COMMAND_LINE = "console=ttyS0 loglevel=7 panic=0 no_timer_check mitigations=off"
MEMORY_MIB, CPUS = 256, 2
READY, READ, PANICKED = "ready", r"^@read\b", r"end Kernel panic"
STOPPED = ("lab", "full")
LIVE = "live/../\\x1b[2Jone"


@dataclasses.dataclass
class Setup:
    """A kernel."""

    series: str


def _modules(of):
    """LTTng's modules for a kernel, as dkms makes them: without debugging information and types; a directory."""
    suite = archive.Suite(PACKAGE[0], "amd64")
    version = re.search(r"Candidate: (\S+)", suite.apt("apt-cache", "policy", PACKAGE[1])[1])[1]

    def build(made):
        work = pathlib.Path(f"{made}.build")
        work.mkdir()
        suite.download(PACKAGE[1], version, work)
        run(["dpkg", "-x", next(work.glob("*.deb")), work / "tree"])
        source = next((work / "tree/usr/src").iterdir())
        kbuild = source / "src/probes/Kbuild"
        kbuild.write_text("".join(line for line in kbuild.read_text().splitlines(True) if LEFT_OUT not in line))
        run(["make", "-s", f"-j{os.cpu_count()}", "-C", debian.headers(of), f"M={source}", "CONFIG_LTTNG=m", "modules"], timeout_s=1800)
        made.mkdir()
        for path in source.glob("src/**/*.ko"):
            shutil.copy(path, made)
        shutil.rmtree(work)
    return cache.artefact(f"lttng-modules-{version.split('-')[0]}-{of.release}-{cache.digest(version, LEFT_OUT, of.path.name)}", build)


def _module(folder, name, has_types, vmlinux, target):
    path = folder / f"{name}.ko"
    if has_types and name in TYPED:
        shutil.copy(path, target)
        run(["env", "LLVM_OBJCOPY=objcopy", "pahole", "-J", "--btf_base", vmlinux, target])
        path = target
    # As dkms does; types stay.
    run(["strip", "--strip-debug", "-o", target, path])


def _initramfs(kernel, program, has_types, target):
    tree = target.with_suffix(".tree")
    (tree / "modules").mkdir(parents=True)
    shutil.copy(program, tree / "init")
    for number, name in enumerate((*image.BOOT_MODULES, "qemu_fw_cfg")):
        for path in kernel.modules.glob(f"kernel/**/{name}.ko*"):
            data = path.read_bytes()
            (tree / f"modules/0{number:02}-{name}.ko").write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
    folder = _modules(kernel)
    for number, name in enumerate(MODULES):
        _module(folder, name, has_types, kernel.vmlinux, tree / f"modules/1{number:02}-{name}.ko")
    shell('cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 >"$2"', tree, target)
    shutil.rmtree(tree)


def _command(folder, kernel):
    image.make_ext4(folder / "disk.img", 64)
    run(["qemu-img", "convert", "-O", "qcow2", folder / "disk.img", folder / "disk.qcow2"])
    return ["qemu-system-x86_64", "-machine", "pc", "-nodefaults", "-display", "none", "-no-reboot", "-accel", "tcg,thread=multi",
            "-cpu", CPU, "-m", f"{MEMORY_MIB}M", "-smp", str(CPUS), "-kernel", kernel.vmlinuz, "-initrd", folder / "initramfs",
            "-append", COMMAND_LINE, "-device", "vmcoreinfo",
            "-drive", f"file={folder}/disk.qcow2,if=none,id=disk,format=qcow2,cache=unsafe", "-device", "virtio-blk-pci,drive=disk",
            *Machine.streams(folder)]


def _monitor(machine, line):
    """A command that QEMU has for humans only; what it prints is an error."""
    text = machine.qmp("human-monitor-command", 60, **{"command-line": line})
    if text.strip():
        raise LabError(f"QEMU: {line}: {text}")


def _both_ends(machine, folder):
    """What the tracer gives out, and the memory of the panic."""
    _, _, found = machine.wait_console(rf"^@({READY}|failed.*)", 240)
    if found[1] != READY:
        raise LabError(f"the guest's init: {found[1]}")
    torn = len(re.findall(r"^@torn", machine.console.text(), re.MULTILINE))
    machine.qmp("stop")
    _monitor(machine, "savevm ready")
    machine.qmp("cont")
    machine.console.send("read\n")
    machine.wait_console(READ, 120)
    machine.qmp("stop")
    run(["qemu-img", "convert", "-U", "-O", "raw", folder / "disk.qcow2", folder / "disk.img"])
    _monitor(machine, "loadvm ready")
    position = machine.console.position()
    machine.qmp("cont")
    machine.console.send("crash\n")
    _, seconds, _ = machine.wait_console(PANICKED, 120, position)
    machine.qmp("stop")
    machine.qmp("dump-guest-memory", 120, paging=False, protocol=f"file:{folder}/qemu.core")
    loads = [tuple(int(word, 16) for word in load)
             for load in re.findall(r"^@load (\w+) (\w+) (\w+)\s*$", machine.console.text(), re.MULTILINE)]
    qemucore.rewrite(folder / "qemu.core", folder / "vmcore", loads)
    (folder / "qemu.core").unlink()
    return torn, seconds


def crash(kernel, folder, has_types):
    """(vmcore, what the tracer gave out, what was on the disk before, packets that were cut there, seconds)."""
    for attempt in range(1, capture.BOOT_ATTEMPTS + 1):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", folder / "init", SOURCE / "lttng.c"])
        _initramfs(kernel, folder / "init", has_types, folder / "initramfs")
        try:
            with Machine(folder, _command(folder, kernel)) as machine:
                torn, seconds = _both_ends(machine, folder)
            break
        except LabError:
            # With several CPUs the emulator fails now and then, as it says there.
            console = (folder / "console.log").read_text(errors="replace")
            if attempt == capture.BOOT_ATTEMPTS or not re.search(capture.EMULATOR_FAULT, console):
                raise
    disk = folder / "disk.img"
    return folder / "vmcore", image.extract(disk, "/all", folder), image.extract(disk, "/part", folder), torn, seconds
