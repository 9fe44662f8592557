# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb and crash as kdump-inspect starts them, on a real dump, against crash that was started by hand."""

import json
import os
import re

from .command import run

# What crash reads of the unfiltered vmcore, and gdb through us: constants, data, a module's code.
MEMORY = {"linux_banner": 16, "init_task": 64, "jiffies_64": 1, "virtblk_probe": 16}
CRASH_COMMANDS = tuple(f"rd {symbol} {count}" for symbol, count in MEMORY.items())
MARK = "=== "


def _gdb(lab, dump, options, commands):
    """{command: what gdb printed of it}."""
    arguments = []
    for command in commands:
        arguments += ["-ex", f"echo \\n{MARK}{command}\\n", "-ex", command]
    _, text, _ = run(["env", f"HOME={lab.work}", lab.program("kdump-inspect"), "gdb", *options, dump, "--", "-nx", "-batch",
                      *arguments], timeout_s=600, merge=True)
    return {piece.partition("\n")[0]: piece.partition("\n")[2] for piece in text.split(f"\n{MARK}")[1:]}


def _words(text):
    """Numbers of 8 bytes, of crash's rd or of gdb's x/gx."""
    return [int(word, 16) for line in text.splitlines() for word in re.findall(r"\b(?:0x)?([0-9a-f]{16})\b", line.partition(":")[2])]


def _same(ours, theirs):
    return "" if ours == theirs else f"{ours!r:.1500}\nis not\n{theirs!r:.1500}"


def gdb(report, name, lab, dump, crash):
    """Tasks, memory and stacks that gdb shows without debugging information."""
    reads = {symbol: f"x/{count}gx &{symbol}" for symbol, count in MEMORY.items()}
    said = _gdb(lab, dump, ["--no-vmlinux"], ["info threads", *reads.values(), "bt", "btpid 1", "thread 3", "dmesg", "x/gx 0x1000",
                                              "info symbol virtblk_probe"])
    tasks = crash.by_command["ps"].splitlines()[1:]
    threads = re.findall(r'^[* ] \d+ +Thread \d+ "(.*?)" \(.*task 0x([0-9a-f]{16})\)', said["info threads"], re.MULTILINE)
    theirs = sorted(re.search(r"\b([0-9a-f]{16})\b", line)[1] for line in tasks)
    report.check(f"{name}: info threads: {len(theirs)} tasks are crash's", _same(sorted(vaddr for _, vaddr in threads), theirs))
    names = sorted(line.split()[-1].strip("[]") for line in tasks)
    report.check(f"{name}: their names are", _same(sorted(title.split()[-1] for title, _ in threads), names))
    crashed = re.search(r"TASK: ([0-9a-f]{16})", crash.by_command["bt"])[1]
    report.check(f"{name}: the first thread is the task that crashed", _same(threads[:1] and threads[0][1], crashed))
    for symbol, command in reads.items():
        theirs = _words(crash.by_command[f"rd {symbol} {MEMORY[symbol]}"])
        report.check(f"{name}: {symbol}: {len(theirs)} words are crash's", _same(_words(said[command]), theirs) or not theirs)
    for command, arguments in ("bt", []), ("btpid 1", ["1"]):
        _, theirs, _ = run([lab.program("kdump-inspect"), "bt", dump, *arguments])
        report.check(f"{name}: {command} is kdump-inspect's", _same(said[command].strip("\n"), theirs.strip("\n")))
    theirs = crash.by_command["log"].strip("\n")
    report.check(f"{name}: dmesg is crash's log", _same(said["dmesg"].strip("\n").splitlines(), theirs.splitlines()))
    report.check(f"{name}: memory of programs is none of the kernel's", "" if "Cannot access memory" in said["x/gx 0x1000"]
                 else said["x/gx 0x1000"])
    report.check(f"{name}: a symbol tells its module", "" if "[virtio_blk]" in said["info symbol virtblk_probe"]
                 else said["info symbol virtblk_probe"])


def gdb_with_types(report, name, lab, kernel, dump, crash):
    """With debugging information gdb's own unwinder comes to where crash comes, and types are those of the dump."""
    crashed = re.search(r'TASK: ([0-9a-f]{16}).*COMMAND: "(.*)"', crash.by_command["bt"])
    comm = f"output (char*)((struct task_struct*)0x{crashed[1]})->comm"
    said = _gdb(lab, dump, ["--vmlinux", kernel.vmlinux], ["backtrace", comm, "output &runqueues", "output linux_banner"])
    frames = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?([^ ]+)", said["backtrace"], re.MULTILINE)
    # Functions that were inlined are frames of gdb's alone.
    theirs = re.findall(r"^ *#\d+ \[\S+\] ([^ .]+)\S*(?: \(.*\))? at", crash.by_command["bt"], re.MULTILINE)
    wanted = [frame for frame in theirs if frame.startswith(("panic", "sysrq", "ksys", "vfs", "do_sys"))]
    at = [frames.index(frame) if frame in frames else -1 for frame in wanted]
    report.check(f"{name}: backtrace has {' '.join(wanted)}", "" if wanted and -1 not in at and at == sorted(at) else said["backtrace"])
    report.check(f"{name}: comm is {crashed[2]}", "" if f'"{crashed[2]}"' in said[comm] else said[comm])
    report.check(f"{name}: the banner is the kernel's", "" if "Linux version" in said["output linux_banner"]
                 else said["output linux_banner"])


def crash_command(report, name, lab, kernel, dump, crash):
    """crash is started with the kernel that has the dump's build-id, and with no other."""
    folder = dump.parent / f"{dump.name}.debug"
    _, text, _ = run(["readelf", "-n", kernel.vmlinux])
    build = re.search(r"Build ID: ([0-9a-f]+)", text)[1]
    link = folder / ".build-id" / build[:2] / f"{build[2:]}.debug"
    link.parent.mkdir(parents=True)
    link.symlink_to(kernel.vmlinux)
    commands = folder / "commands"
    commands.write_text("bt\nquit\n", encoding="ascii")
    program = folder / "bin"
    program.mkdir()
    lab.tools.crash_program(dump.parent, kernel, program / "crash")
    start = ["env", f"HOME={folder}", f"PATH={program}:{os.environ['PATH']}", lab.program("kdump-inspect")]
    code, text, _ = run([*start[:1], f"KDUMP_DEBUG_PATH={folder}", *start[1:], "crash", dump, "--", "-s", "--no_crashrc", "-i",
                         commands], timeout_s=600, ok=None, merge=True)
    report.check(f"{name}: crash opens it by its build-id, and bt is the same", f"exit {code}" if code else
                 _same(text.strip(), crash.by_command["bt"].strip()))
    others = [other.vmlinux for other in lab.kernels.values() if other.release != kernel.release and other.vmlinux.exists()]
    # Where no other kernel is at hand, one of its modules has another build-id too.
    other = (others or sorted(kernel.path.glob("modules/**/virtio_blk.ko*")))[0]
    code, text, _ = run([*start, "crash", "--vmlinux", other, dump], ok=None, merge=True)
    report.check(f"{name}: {other.name} is refused", "" if code == 5 and f"{other}: it is" in text and build in text
                 else f"exit {code}: {text}")
    code, text, _ = run([*start, "crash", dump], ok=None, merge=True)
    release = json.loads(run([lab.program("kdump-inspect"), "summary", "--json", dump])[1])["release"]
    report.check(f"{name}: without one it says what brings it", "" if code == 5 and f"linux-image-{release}-dbg" in text
                 else f"exit {code}: {text}")
