# SPDX-License-Identifier: GPL-2.0-or-later
"""Crashes of many kinds: a machine boots to an initramfs that does what it is told, its state is kept, and from there each kind
crashes it anew.  The kernel goes the whole way of a crash with kdump; instead of a capture kernel a few instructions run.
"""

import base64
import dataclasses
import lzma
import pathlib
import re
import shutil

from . import copier, debian, inspected, qemucore
from .command import LabError, run, shell
from .guest import CPU, Machine

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "guest"
MODULE = SOURCE / "crashkinds"

# Of the two machines that crash: addresses differ by themselves, by KASLR.
MEMORY_MIB = (160, 192)
PROCESSES = (0, 150)
PARAMETER = "/sys/module/crashkinds/parameters/kind"
READY, CAPTURED = "ready", r"^@captured"
SPINS = "@spins"
NMI = (SPINS, "nmi")
CALLS_PANIC = "oops_end"
UNKNOWN_NMI = "set kernel/unknown_nmi_panic 1\n"
COMMAND_LINE = ("console=ttyS0 loglevel=7 panic=0 no_timer_check mitigations=off crashkernel=16M slub_debug=FZPU "
                "rcupdate.rcu_cpu_stall_timeout=3")


@dataclasses.dataclass
class Kind:
    """A way to crash."""

    name: str
    cause: str                # As report.json has it.
    text: str                 # A regular expression that the cause's text matches.
    functions: tuple          # The first ones that the signature is made of; crashkinds_* are the module's.
    settings: str = ""        # What the guest is told before.
    order: str = ""           # How it crashes; "": by the module.
    host: tuple = ()          # A line on the console, at which the host gives QEMU's monitor a command.
    like: str = ""            # The kind whose signature it has.
    ends: str = CAPTURED      # What the console says when it is over.
    limit_s: int = 60         # Until the kernel noticed.


def _module(name):
    return f"write {PARAMETER} {name}\n"


KINDS = (
    Kind("null", "oops", "kernel NULL pointer dereference, address: 0000000000000010", ("crashkinds_null", "crashkinds_set")),
    Kind("wild", "oops", "BUG: unable to handle page fault for address", ("crashkinds_wild", "crashkinds_set")),
    Kind("gpf", "oops", "general protection fault, probably for non-canonical address", ("crashkinds_gpf", "crashkinds_set")),
    Kind("divide", "oops", "divide error: 0000", ("crashkinds_divide", "crashkinds_set")),
    Kind("opcode", "oops", "invalid opcode: 0000", ("crashkinds_opcode", "crashkinds_set")),
    Kind("bug", "bug", r"kernel BUG at .*crashkinds\.c:\d+!", ("crashkinds_bug", "crashkinds_set")),
    Kind("warn", "warning", "WARNING: .* crashkinds_warn", ("crashkinds_warn", "crashkinds_set"), "set kernel/panic_on_warn 1\n"),
    Kind("panic", "panic", "crashkinds gives up: 42", ("crashkinds_panic", "crashkinds_set")),
    Kind("call-null", "oops", "kernel NULL pointer dereference, address: 0000000000000000", (None, "crashkinds_call_null", "crashkinds_set")),
    Kind("call-wild", "oops", "BUG: unable to handle page fault", (None, "crashkinds_call_wild", "crashkinds_set")),
    Kind("overflow", "stack", "stack guard page was hit", ("crashkinds_overflow", "crashkinds_set")),
    Kind("smash", "stack", "stack-protector: Kernel stack is corrupted in: crashkinds_smash", ("crashkinds_smash",)),
    Kind("freed", "use-after-free", "0x6b6b6b6b6b6b6b", ("crashkinds_freed", "crashkinds_set")),
    Kind("soft", "soft-lockup", "soft lockup - CPU#0 stuck", ("crashkinds_soft", "crashkinds_set"),
         "set kernel/softlockup_panic 1\nset kernel/watchdog_thresh 1\n"),
    Kind("stall", "rcu-stall", "self-detected stall|detected stalls on", ("crashkinds_stall", "crashkinds_set"),
         "set kernel/soft_watchdog 0\nset kernel/panic_on_rcu_stall 1\n"),
    Kind("hard", "nmi", "NMI received for unknown reason", ("crashkinds_hard", "crashkinds_set"), UNKNOWN_NMI, host=NMI),
    Kind("softirq", "nmi", "NMI received for unknown reason", ("crashkinds_hard", "crashkinds_tasklet"), UNKNOWN_NMI, host=NMI),
    Kind("hung", "hung-task", r"task crashkinds-wait:\d+ blocked for more than", ("crashkinds_wait", "kthread"),
         "set kernel/hung_task_panic 1\nset kernel/hung_task_timeout_secs 2\n"),
    Kind("interrupt", "oops", "kernel NULL pointer dereference", ("crashkinds_null", "crashkinds_timer")),
    Kind("memory", "out-of-memory", "invoked oom-killer", ("out_of_memory",), "set vm/panic_on_oom 1\n", "eat\n"),
    Kind("init", "init-died", "Attempted to kill init", ("do_exit",), "", "exit\n"),
    # Nothing is loaded that would capture: the kernel goes round in panic() until the host makes a dump.
    Kind("outside", "oops", "kernel NULL pointer dereference", ("crashkinds_null", "crashkinds_set"), "unload\n", _module("null"),
         like="null", ends=r"end Kernel panic"),
    Kind("sysrq", "sysrq", "sysrq triggered crash", ("sysrq_handle_crash", "__handle_sysrq"), "", "write /proc/sysrq-trigger c\n"),
)


@dataclasses.dataclass
class Setup:
    """Kernels that crash in all these ways."""

    series: str


def _initramfs(kernel, program, module, target):
    tree = target.with_suffix(".tree")
    (tree / "modules").mkdir(parents=True)
    shutil.copy(program, tree / "init")
    shutil.copy(module, tree / "modules/9-crashkinds.ko")
    # With it QEMU's dump has VMCOREINFO.
    path = next(kernel.modules.glob("**/qemu_fw_cfg.ko*"))
    data = path.read_bytes()
    (tree / "modules/1-qemu_fw_cfg.ko").write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
    shell('cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 >"$2"', tree, target)
    shutil.rmtree(tree)


def _command(folder, kernel, initramfs, memory_mib):
    run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "state.qcow2", "64M"])
    return ["qemu-system-x86_64", "-machine", "pc", "-nodefaults", "-display", "none", "-no-reboot", "-accel", "tcg,thread=multi",
            "-cpu", CPU, "-m", f"{memory_mib}M", "-kernel", kernel.vmlinuz, "-initrd", initramfs, "-append", COMMAND_LINE,
            "-device", "vmcoreinfo", "-drive", f"file={folder}/state.qcow2,if=none,id=state,format=qcow2,cache=unsafe",
            *Machine.streams(folder)]


def _monitor(machine, line):
    """A command that QEMU has for humans only; what it prints is an error."""
    text = machine.qmp("human-monitor-command", 60, **{"command-line": line})
    if text.strip():
        raise LabError(f"QEMU: {line}: {text}")


class Crasher:
    """A machine that crashes as often as one likes, from the same state."""

    def __init__(self, machine, processes):
        self._machine = machine
        _, self.boot_s, found = machine.wait_console(rf"^@({READY}|failed.*)", 180)
        if found[1] != READY:
            raise LabError(f"the guest's init: {found[1]}")
        self._loads = [tuple(int(word, 16) for word in load)
                       for load in re.findall(r"^@load (\w+) (\w+) (\w+)\s*$", machine.console.text(), re.MULTILINE)]
        self._processes = processes
        machine.qmp("stop")
        _monitor(machine, "savevm ready")

    def crash(self, kind, folder):
        """Crash in a way; return (the vmcore, what was on the console, seconds)."""
        machine = self._machine
        _monitor(machine, "loadvm ready")
        position, began = machine.console.position(), machine.console.now()
        machine.qmp("cont")
        machine.console.send(f"fork {self._processes}\n{kind.settings}{kind.order or _module(kind.name)}")
        if kind.host:
            machine.wait_console(kind.host[0], kind.limit_s, position)
            _monitor(machine, kind.host[1])
        machine.wait_console(kind.ends, kind.limit_s, position)
        seconds = machine.console.now() - began
        machine.qmp("stop")
        folder.mkdir(parents=True)
        machine.qmp("dump-guest-memory", 120, paging=False, protocol=f"file:{folder}/qemu.core")
        qemucore.rewrite(folder / "qemu.core", folder / "vmcore", self._loads)
        (folder / "qemu.core").unlink()
        return folder / "vmcore", machine.console.text(position), seconds


def insert(module):
    """A script for a guest, in which the module is."""
    text = base64.b64encode(module.read_bytes()).decode()
    return f"base64 -d >/tmp/crashkinds.ko <<END\n{text}\nEND\ninsmod /tmp/crashkinds.ko; echo 1 >/proc/sys/kernel/panic_on_oops"


def _frames(trace):
    return [frame["function"] for frame in trace]


def _plain(names):
    """Without what a compiler adds, and without places that have no name, which crash shows in some traces."""
    return [name.split(".")[0] for name in names if name and name != "unknown or invalid address"]


def _of_crash(text):
    """The functions of crash's bt, (name, address). Between the frames are those of exceptions, and the next frame may be the same.

    What lies below the stack pointer of what was interrupted is no frame: the address where its last call came back to.
    """
    frames, exception, lowest = [], None, 0
    for line in text.splitlines():
        frame = re.match(r"\s*#\d+ \[(\S+)\] (\S+)(?: \(.*\))? at ([0-9a-f]+)", line)
        name = re.match(r"\s*\[exception RIP: ([^+\]]+)", line)
        place = re.match(r"\s*RIP: ([0-9a-f]+) +RSP: ([0-9a-f]+)", line)
        if frame and int(frame[1], 16) < lowest:
            continue
        if frame and frame[3] != exception and frame[2] != inspected.AFTER_THE_REGISTERS:
            frames.append(frame[2])
        elif name:
            frames.append(name[1])
        if place:
            exception, lowest = place[1], int(place[2], 16)
        elif frame:
            exception, lowest = None, 0
    return _plain(frames)


def _differs(ours, theirs, told):
    """How the functions of our trace are not those of crash's; "" if they are.

    Ours begins where the registers were saved, of a fault at its place; crash's goes on to what handled it.  crash leaves out a
    function whose last instruction is a call that does not return: then it must be in the trace that the kernel printed, or be
    what calls panic() behind that.  Of a dump from outside crash leaves out what panic() did then.
    """
    if theirs[:1] == ["panic"] and "panic" in ours:
        ours = ours[ours.index("panic"):]
    at = theirs.index(ours[0]) if ours and ours[0] in theirs else 0
    # A stack that overflowed has the same function again and again.
    if ours and theirs[-len(ours):] == ours:
        return ""
    for name in ours:
        if at < len(theirs) and theirs[at] == name:
            at += 1
        elif name not in told and name != CALLS_PANIC:
            break
    else:
        if at == len(theirs):
            return ""
    return f"ours:  {' '.join(ours)}\ncrash: {' '.join(theirs)}"


def _has(names, part):
    """Whether some names are in others, one behind the other."""
    return any(names[start:start + len(part)] == part for start in range(len(names)))


def same_as_crash(report, name, lab, kernel, dump, made):
    """The stack is that of crash, with debugging information."""
    pid = made["crashed"].get("trace_of_pid")
    command = f"bt {pid}" if pid else "bt"
    output = lab.tools.crash(kernel, dump, (command, "sys", "log"))
    theirs, ours = _of_crash(output.by_command[command]), _plain(_frames(made["crashed"]["trace"]))
    told = _plain(re.findall(r"^\[[ .\d]+\]  ([\w.]+)\+0x", output.by_command["log"], re.MULTILINE))
    panic = re.search(r"PANIC: (.*)", output.by_command["sys"])
    report.note(f"{name}: PANIC of crash: {panic[1] if panic else 'none'}; bt: {' '.join(theirs)}")
    if made["crashed"]["trace_problem"]:
        report.skip(f"{name}: frames are crash's", f"{made['crashed']['trace_problem']}, over which crash goes")
        return
    difference = _differs(ours, theirs, told)
    # Where a pointer to nowhere was called crash finds no exception, and takes what lies on the stack for its frame, now and then.
    if difference and not made["crashed"]["trace"][0]["function"] and _has(told, ours):
        report.check(f"{name}: {len(ours)} frames are those that the kernel told; crash guesses")
    else:
        report.check(f"{name}: {len(ours)} frames are crash's", difference)


def look(report, name, lab, kind, dump):
    """What the report says of a dump; returns it."""
    made = inspected.ask(lab, dump, "summary")
    report.check(f"{name}: the cause is {kind.cause}",
                 "" if made["cause"] == kind.cause and re.search(kind.text, made["cause_text"] or "")
                 else f"{made['cause']}: {made['cause_text']} (panic: {made['panic']})")
    top = tuple(function and function.split(".")[0] for function in made["signature_functions"][:len(kind.functions)])
    report.check(f"{name}: the signature begins with {' '.join(map(str, kind.functions))}",
                 "" if top == kind.functions else f"{made['signature_functions']} of {_frames(made['crashed']['trace'])}")
    wrong = [frame for frame in made["crashed"]["trace"]
             if (frame["module"] == MODULE.name) != (frame["function"] or "").startswith(MODULE.name)]
    report.check(f"{name}: functions of the module are its", f"{wrong}" if wrong else "")
    report.note(f"{name}: {made['signature']} {made['cause']}: {made['cause_text']}; {' '.join(map(str, _frames(made['crashed']['trace'])))}")
    return made


def _compare(report, name, signatures):
    """Each kind has one signature in all machines, and no other kind has it."""
    owners, likes = {}, {kind.name: kind.like or kind.name for kind in KINDS}
    for kind, found in signatures.items():
        report.check(f"{name}: {kind}: two crashes have one signature",
                     "" if len(found) == len(MEMORY_MIB) and len(set(found)) == 1 and found[0] else f"{found}")
        for signature in set(found):
            owners.setdefault(signature, set()).add(likes[kind])
    shared = {signature: kinds for signature, kinds in owners.items() if len(kinds) > 1}
    wanted = len(set(likes.values()))
    report.check(f"{name}: {wanted} kinds have different signatures",
                 f"{shared}" if shared else f"{owners}" if len(owners) != wanted else "")


def carry_out(report, lab, folder, scenario):
    """All kinds, each on both machines."""
    name, kernel, signatures = scenario.name, lab.kernels[scenario.setup.series], {}
    folder.mkdir(parents=True, exist_ok=True)
    program, initramfs = folder / "init", folder / "initramfs"
    run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", program, SOURCE / "kinds.c"])
    _initramfs(kernel, program, debian.module(kernel, MODULE), initramfs)
    for number, memory_mib in enumerate(MEMORY_MIB):
        place = folder / f"machine{number}"
        place.mkdir()
        with Machine(place, _command(place, kernel, initramfs, memory_mib)) as machine:
            crasher = Crasher(machine, PROCESSES[number])
            report.note(f"{name}: machine {number}: {crasher.boot_s:.1f} s to boot (emulated)")
            for kind in KINDS:
                vmcore, _, seconds = crasher.crash(kind, place / kind.name)
                dump = copier.filtered(lab, vmcore, 31)
                vmcore.unlink()
                made = look(report, f"{name}: {kind.name}", lab, kind, dump)
                report.note(f"{name}: {kind.name}: {seconds:.1f} s to the end of the crash (emulated)")
                if not number:
                    same_as_crash(report, f"{name}: {kind.name}", lab, kernel, dump, made)
                signatures.setdefault(kind.name, []).append(made["signature"])
    _compare(report, name, signatures)
