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
PACKAGE = "lttng-modules-dkms"
# It does not compile against 6.1.192, which has another trace_hrtimer_start() than 6.1 had.
LEFT_OUT = "lttng-probe-timer"
# With what they need; others need more of the kernel.
MODULES = ("lttng-ring-buffer-metadata-mmap-client", "lttng-ring-buffer-client-mmap-discard", "lttng-ring-buffer-client-mmap-overwrite",
           "lttng-probe-sched", "lttng-probe-irq", "lttng-probe-signal")
# Those whose structures are looked at.
TYPED = ("lttng-lib-ring-buffer", "lttng-tracer")
COMMAND_LINE = "console=ttyS0 loglevel=7 panic=0 no_timer_check mitigations=off"
MEMORY_MIB, CPUS = 256, 2
READY, READ, PANICKED = "ready", r"^@read\b", r"end Kernel panic"
STOPPED = ("lab", "full")
# What records to a disk, in a guest of its own.
SESSION_PACKAGES = ("lttng-tools", "kmod")
LEVEL_31 = "traces of level 31"


@dataclasses.dataclass
class Setup:
    """A kernel, and whose modules it has."""

    series: str
    suite: str = "trixie"
    # lttng-tools of the guest's suite know how to talk to them.
    has_tools: bool = True


@dataclasses.dataclass
class Modules:
    """LTTng's modules, compiled for a kernel, in a tree as modprobe wants it."""

    version: str      # 2.13.18
    kernel: debian.Kernel
    path: pathlib.Path

    def files(self):
        """All of them."""
        return sorted((self.path / "lib/modules" / self.kernel.release).glob("*.ko"))


def modules(of, suite_name):
    """The modules of a suite for a kernel; they have debugging information, and no types."""
    suite = archive.Suite(suite_name, "amd64")
    version = re.search(r"Candidate: (\S+)", suite.apt("apt-cache", "policy", PACKAGE)[1])[1]

    def build(made):
        work = pathlib.Path(f"{made}.build")
        work.mkdir()
        suite.download(PACKAGE, version, work)
        run(["dpkg", "-x", next(work.glob("*.deb")), work / "tree"])
        source = next((work / "tree/usr/src").iterdir())
        kbuild = source / "src/probes/Kbuild"
        kbuild.write_text("".join(line for line in kbuild.read_text().splitlines(True) if LEFT_OUT not in line))
        run(["make", "-s", f"-j{os.cpu_count()}", "-C", debian.headers(of), f"M={source}", "CONFIG_LTTNG=m", "modules"], timeout_s=1800)
        tree = made / "lib/modules" / of.release
        tree.mkdir(parents=True)
        for path in source.glob("src/**/*.ko"):
            shutil.copy(path, tree)
        run(["depmod", "-b", made, of.release])
        shutil.rmtree(work)
    number = version.split("-", maxsplit=1)[0]
    name = f"lttng-modules-{number}-{of.release}-{cache.digest(version, LEFT_OUT, of.path.name, 'tree')}"
    return Modules(number, of, cache.artefact(name, build))


def _module(path, has_types, vmlinux, target):
    if has_types and path.stem in TYPED:
        shutil.copy(path, target)
        run(["env", "LLVM_OBJCOPY=objcopy", "pahole", "-J", "--btf_base", vmlinux, target])
        path = target
    # As dkms does; types stay.
    run(["strip", "--strip-debug", "-o", target, path])


def _initramfs(made, program, has_types, target):
    kernel = made.kernel
    tree = target.with_suffix(".tree")
    (tree / "modules").mkdir(parents=True)
    shutil.copy(program, tree / "init")
    for number, name in enumerate((*image.BOOT_MODULES, "qemu_fw_cfg")):
        for path in kernel.modules.glob(f"kernel/**/{name}.ko*"):
            data = path.read_bytes()
            (tree / f"modules/0{number:02}-{name}.ko").write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
    for number, path in enumerate(archive.module_files(debian.Kernel(kernel.series, kernel.release, made.path), MODULES)):
        _module(path, has_types, kernel.vmlinux, tree / f"modules/1{number:02}-{path.name}")
    shell('cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 >"$2"', tree, target)
    shutil.rmtree(tree)


def _machine(folder, kernel, disk):
    return ["qemu-system-x86_64", "-machine", "pc", "-nodefaults", "-display", "none", "-no-reboot", "-accel", "tcg,thread=multi",
            "-cpu", CPU, "-m", f"{MEMORY_MIB}M", "-smp", str(CPUS), "-kernel", kernel.vmlinuz, "-initrd", folder / "initramfs",
            "-append", COMMAND_LINE, "-device", "vmcoreinfo", "-drive", disk, "-device", "virtio-blk-pci,drive=disk",
            *Machine.streams(folder)]


def _command(folder, kernel):
    image.make_ext4(folder / "disk.img", 64)
    run(["qemu-img", "convert", "-O", "qcow2", folder / "disk.img", folder / "disk.qcow2"])
    return _machine(folder, kernel, f"file={folder}/disk.qcow2,if=none,id=disk,format=qcow2,cache=unsafe")


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
    _take_memory(machine, folder)
    return torn, seconds


def _take_memory(machine, folder):
    """Write the memory of a machine that has panicked to "vmcore"."""
    machine.qmp("stop")
    machine.qmp("dump-guest-memory", 120, paging=False, protocol=f"file:{folder}/qemu.core")
    loads = [tuple(int(word, 16) for word in load)
             for load in re.findall(r"^@load (\w+) (\w+) (\w+)\s*$", machine.console.text(), re.MULTILINE)]
    qemucore.rewrite(folder / "qemu.core", folder / "vmcore", loads)
    (folder / "qemu.core").unlink()


def crash(made, folder, has_types):
    """(vmcore, what the tracer gave out, what was on the disk before, packets that were cut there, seconds)."""
    for attempt in range(1, capture.BOOT_ATTEMPTS + 1):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", folder / "init", SOURCE / "lttng.c"])
        _initramfs(made, folder / "init", has_types, folder / "initramfs")
        try:
            with Machine(folder, _command(folder, made.kernel)) as machine:
                torn, seconds = _both_ends(machine, folder)
            break
        except LabError:
            # With several CPUs the emulator fails now and then, as it says there.
            console = (folder / "console.log").read_text(errors="replace")
            if attempt == capture.BOOT_ATTEMPTS or not re.search(capture.EMULATOR_FAULT, console):
                raise
    disk = folder / "disk.img"
    return folder / "vmcore", image.extract(disk, "/all", folder), image.extract(disk, "/part", folder), torn, seconds


def printed(*traces):
    """(events as babeltrace2 prints them, what it complains of, events that it says were discarded)."""
    _, text, err = run(["babeltrace2", "--no-delta", "--clock-gmt", *traces], timeout_s=300)
    discarded = [int(count) for count in re.findall(r"[Tt]racer discarded (\d+) event", err)]
    rest = re.sub(r"^WARNING: Tracer discarded .*\n", "", err, flags=re.MULTILINE)
    return text.splitlines(), rest.strip(), sum(discarded)


def _packets(path):
    """Sizes of the whole packets of a file: bytes 56 to 63 of a header."""
    data, sizes = path.read_bytes(), []
    while len(data) - sum(sizes) >= 84:
        size = struct.unpack_from("<Q", data, sum(sizes) + 56)[0] // 8
        if size > len(data) - sum(sizes):
            break
        sizes.append(size)
    return sizes


def _content(folder):
    """All files of a tree."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("**/*")) if path.is_file()}


def _difference(ours, theirs):
    """How lists of lines differ; "" if they do not."""
    if ours == theirs and theirs:
        return ""
    first = next((pair for pair in zip(theirs, ours) if pair[0] != pair[1]), ("", ""))
    missing = collections.Counter(theirs)
    missing.subtract(ours)
    return f"{len(theirs)} events and {len(ours)}, {sum(map(abs, missing.values()))} differ; tracer: {first[0]}\nours: {first[1]}"


def _joined(part, rest, target, whole):
    """A trace of packets that were read at two times; of the first ones only the first whole, or so many."""
    shutil.copytree(rest, target)
    for path in part.glob("kept_*"):
        old = path.read_bytes()[:sum(_packets(path))]
        more = (rest / path.name).read_bytes()
        (target / path.name).write_bytes(old + (more if whole is None else more[:sum(_packets(rest / path.name)[:whole])]))
    return target


def _session_disk(made, folder):
    """A Debian with lttng-tools, whose first program records a session and panics."""
    kernel = made.kernel
    tree, disk = folder / "tree", folder / "disk.img"
    tree.mkdir()
    try:
        run(["tar", "-x", "-C", tree, "-f", debian.tar_of(SESSION_PACKAGES), "--exclude=./dev/*"])
        image.stage_kernel(tree, kernel)
        extra = tree / f"lib/modules/{kernel.release}/extra"
        extra.mkdir()
        for path in made.files():
            run(["strip", "--strip-debug", "-o", extra / path.name, path])
        run(["depmod", "-b", tree, kernel.release])
        shutil.copy(SOURCE / "lttng-session", tree / "usr/sbin/init")
        run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", tree / "lttng", SOURCE / "lttng.c"])
        image.make_ext4(disk, 2048, tree=tree)
    finally:
        shutil.rmtree(tree)
    return disk


def crash_session(made, folder):
    """(vmcore, the directory that the session was recorded to, markers that were logged, seconds)."""
    folder.mkdir(parents=True)
    disk = _session_disk(made, folder)
    image.tiny_initrd(made.kernel, folder / "initramfs")
    with Machine(folder, _machine(folder, made.kernel, f"file={disk},if=none,id=disk,format=raw,cache=unsafe")) as machine:
        _, seconds, found = machine.wait_console(r"^(@failed.*|.*end Kernel panic)", 300)
        marked = re.findall(r"^@marked (\d+)", machine.console.text(), re.MULTILINE)
        if found[1].startswith("@failed") or not marked:
            raise LabError(f"the guest's session: {found[1]}\n" + "\n".join(machine.console.tail()))
        _take_memory(machine, folder)
    # As the next boot would do: what the journal has.
    run(["e2fsck", "-fy", disk], ok=(0, 1), timeout_s=300)
    return folder / "vmcore", image.extract(disk, "/trace", folder), int(marked[-1]), seconds


class _Dump:
    """What kdump-inspect makes of a machine's memory."""

    def __init__(self, report, lab, name, folder):
        self._report, self._program, self._name, self._folder = report, lab.program("kdump-inspect"), name, folder

    def write(self, dump, target, *more):
        """A directory of traces; what is said of it."""
        command = [self._program, "trace", "--json", "--ctf", self._folder / target, *more, dump]
        return json.loads(output(["/usr/bin/time", "-o", self._folder / f"{target}.time", "-f", "%e s, %M KiB", *command]))

    def sessions(self, said, theirs):
        """Sessions that recorded nothing more: all events are those that the tracer gave out."""
        for session in STOPPED:
            wanted, _, lost = printed(theirs / session)
            events, complaint, discarded = printed(self._folder / LEVEL_31 / session)
            made = next(one for one in said["sessions"] if one["name"] == session)
            self._check(f"{session}: babeltrace2 prints the {len(wanted)} events that the tracer gave out", _difference(events, wanted))
            self._check(f"{session}: without a complaint", complaint)
            self._check(f"{session}: {lost} events were discarded", f"ours: {discarded}" if discarded != lost or (lost == 0) != (session == "lab") else "")
            self._check(f"{session}: packets that were not finished", "" if made["unfinished_packets"] and not made["damaged"] else f"{made}")
            self._report.note(f"{self._name}: {session}: {made['packets']} packets, {made['unfinished_packets']} unfinished, {made['bytes']} bytes")

    def live(self, said):
        """The one that went on: all that was logged last is there, in order."""
        made = next(one for one in said["sessions"] if one["name"] not in STOPPED)
        folder = self._folder / LEVEL_31 / made["directory"]
        events, complaint, _ = printed(folder)
        numbers = [int(number) for number in re.findall(r'msg = "marker (\d+)"', "\n".join(events))]
        self._check(f"the session that went on: {len(events)} events, {len(numbers)} markers to the last one",
                    "" if numbers[-60:] == list(range(240, 300)) and numbers == sorted(set(numbers)) else f"{numbers}")
        self._check("the session that went on: without a complaint", complaint)
        self._check("a directory of a name that is none", "" if re.fullmatch(r"[\w.-]+", made["directory"]) else made["directory"])

    def merged(self, dump, theirs, part, torn):
        """What a consumer wrote before, and what only the memory has."""
        before = _content(part)
        wanted, _, _ = printed(_joined(part / "lab", theirs / "lab", self._folder / "joined", None))
        said = self.write(dump, "merged", "--append-to", part / "lab")
        disk = said["disk"]
        self._merged_is("a trace on the disk and the memory", "merged", wanted, said, 0)
        self._check("packets that are not whole were left out", "" if torn and disk["cut_files"] == torn and disk["cut_bytes"] == 5000 * torn else f"{torn}: {disk}")
        self._check("the trace on the disk is as it was", "" if _content(part) == before else "it is not")
        more = _joined(part / "lab", theirs / "lab", self._folder / "more", 1)
        count = sum(bool(_packets(path)) for path in (theirs / "lab").glob("kept_*"))
        said = self.write(dump, "merged-more", "--append-to", more)
        self._merged_is("packets that both have", "merged-more", wanted, said, count)

    def _merged_is(self, what, target, wanted, said, doubles):
        events, complaint, _ = printed(self._folder / target / "disk", self._folder / target / "crash")
        made = next(one for one in said["sessions"] if one["directory"] == "crash")
        self._check(f"{what}: {len(wanted)} events", _difference(events, wanted) or complaint)
        self._check(f"{what}: {doubles} are there twice, none is missing between them",
                    "" if made["packets_on_disk"] >= doubles and bool(made["packets_on_disk"]) == bool(doubles) and not made["lost_packets"] else f"{made}")

    def refusals(self, dump, theirs):
        """What is there already, and a trace of another session."""
        code, text, _ = run([self._program, "trace", "--ctf", self._folder / LEVEL_31, dump], ok=None, merge=True)
        self._check("a directory that is there is not replaced", "" if code == 1 and "File exists" in text else f"exit {code}: {text}")
        other = self._folder / "other"
        shutil.copytree(theirs / "lab", other)
        for path in other.glob("*_*"):
            data = path.read_bytes()
            path.write_bytes(data.replace(data[4:20], bytes(16)) if data else data)
        code, text, _ = run([self._program, "trace", "--ctf", self._folder / "none", "--append-to", other, dump], ok=None, merge=True)
        self._check("a trace of another session is refused", "" if code == 2 and "of no session" in text and not (self._folder / "none").exists() else f"exit {code}: {text}")

    def _check(self, what, problem):
        self._report.check(f"{self._name}: {what}", problem)


def _look(report, lab, name, made, folder, has_types):
    vmcore, theirs, part, torn, seconds = crash(made, folder, has_types)
    dumps = {"vmcore": vmcore, "level 31": copier.filtered(lab, vmcore, 31)}
    dump = _Dump(report, lab, name, folder)
    report.note(f"{name}: {seconds:.1f} s to the panic (emulated)")
    said = {what: dump.write(path, f"traces of {what}") for what, path in dumps.items()}
    wanted = "types of the modules" if has_types else f"version {made.version}"
    found = said["level 31"]
    report.check(f"{name}: structures by the {wanted}", "" if found["types"].startswith(wanted) else f"{found}")
    report.check(f"{name}: of level 31 the files are the same",
                 "" if _content(folder / "traces of vmcore") == _content(folder / LEVEL_31) else "they are not")
    report.check(f"{name}: nobody else may read them",
                 "" if (folder / LEVEL_31).stat().st_mode & 0o777 == 0o700 else f"{(folder / LEVEL_31).stat().st_mode:o}")
    dump.sessions(found, theirs)
    dump.live(found)
    dump.merged(dumps["level 31"], theirs, part, torn)
    dump.refusals(dumps["level 31"], theirs)
    report.note(f"{name}: {(folder / f'{LEVEL_31}.time').read_text().strip()}")


def _look_at_session(report, lab, name, compiled, folder):
    """A session that lttng-tools record: markers on the disk and in the memory are all there are, each once, in order."""
    vmcore, trace, marked, seconds = crash_session(compiled, folder)
    dump = _Dump(report, lab, name, folder)
    said = dump.write(copier.filtered(lab, vmcore, 31), "trace-and-crash", "--append-to", trace)
    disk, made = said["disk"], next(one for one in said["sessions"] if one["directory"] == "crash")
    numbers = {}
    for part, traces in {"both": ("disk", "crash"), "disk": ("disk",)}.items():
        events, complaint, discarded = printed(*(folder / "trace-and-crash" / one for one in traces))
        numbers[part] = [int(number) for number in re.findall(r'msg = "marker (\d+)"', "\n".join(events))]
        report.check(f"{name}: {part}: {len(events)} events without a complaint", complaint or ("" if not discarded else f"{discarded} discarded"))
    report.check(f"{name}: markers 0 to {marked - 1} are there, once and in order",
                 "" if numbers["both"] == list(range(marked)) else f"{len(numbers['both'])}: {numbers['both'][-20:]}")
    report.check(f"{name}: some of them on the disk, others in the memory",
                 "" if 0 < len(numbers["disk"]) < marked and disk["packets"] and made["packets"] and not made["lost_packets"] else f"{said}")
    report.note(f"{name}: {seconds:.1f} s to the panic (emulated); on the disk {disk['packets']} packets with {len(numbers['disk'])} markers, "
                f"{disk['cut_bytes']} bytes cut; in the memory {made['packets']} packets, {made['packets_on_disk']} more that are on the disk")


def carry_out(report, lab, folder, scenario):
    """A machine whose modules have types, one whose modules have none, and one where lttng-tools record to a disk."""
    made = modules(lab.kernels[scenario.setup.series], scenario.setup.suite)
    for has_types in (True, False):
        what = "with types" if has_types else "without types"
        _look(report, lab, f"{scenario.name}: {what}", made, folder / what.replace(" ", "-"), has_types)
    if scenario.setup.has_tools:
        _look_at_session(report, lab, f"{scenario.name}: lttng-tools", made, folder / "lttng-tools")
