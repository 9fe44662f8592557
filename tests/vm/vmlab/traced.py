# SPDX-License-Identifier: GPL-2.0-or-later
"""Traces in a dump, against what the kernel itself printed of them before it crashed.

The kernel's own words are in files of the guest (guest/tracing.c); the other side is trace-cmd, which reads the file that
kdump-inspect made of the dump, and kdump-inspect's own text.
"""

import collections
import dataclasses
import json
import re
import struct

from . import copier, direct
from .command import LabError, output, run

# Where words differ that say the same: a word of the kernel's, the one of ours in its place, and why. Most of the formats
# that the kernel gives to trace-cmd say less than its own functions do.
NAME = r"[\w.]+(?: \[\w+\])?"
DIFFERENCES = (
    ("the kernel hashes pointers", r"(?:0x)?0{8}[0-9a-f]{8}", r"(?:0x)?[0-9a-f]{1,16}|\(nil\)"),
    ("the kernel tells the length of a function", rf"({NAME}\+0x[0-9a-f]+)/0x[0-9a-f]+", r"{0}"),
    ("the format has an address in place of a name", rf"{NAME}(?:\+0x[0-9a-f]+/0x[0-9a-f]+)?", r"(?:0x)?[0-9a-f]{16}"),
    ("trace-cmd puts /0x0 behind a name", rf"({NAME})", r"{0}/0x0"),
    ("the format has constants without values", r"[A-Z_|]+", r"\d+|0x[0-9a-f]+"),
    # What it says of any flags (trace-cmd 3.1.6).
    ("trace-cmd takes flags of timers for all of them", r"[DPI|]*", r"D\|P\|I"),
)
INSTANCES = ("main", "func", "mono", "part")


@dataclasses.dataclass(frozen=True)
class Event:
    """One line."""

    task: str
    pid: int
    cpu: int
    usec: int
    name: str      # Of the event; of the kernel's lines what stands in its place.
    text: str

    def key(self):
        """What must be the same to the letter."""
        return self.task, self.pid, self.cpu, self.usec


def _events(text, pattern):
    found = []
    for line in text.splitlines():
        match = re.match(pattern, line)
        if match:
            task, pid, cpu, seconds, fraction, rest = match.groups()
            usec = int(seconds) * 1000000 + (int(fraction) + 500) // 1000 if len(fraction) == 9 else int(seconds + fraction)
            name, _, words = rest.partition(": ")
            found.append(Event(task, int(pid), int(cpu), usec, name.rstrip(": "), words.strip()))
    return found


def kernel_events(said, instance):
    """What the guest's file "trace" had."""
    text = (said / f"{instance}-trace").read_text()
    return _events(text, r" *(\S.*)-(\d+) +\[(\d+)\] \S{4,5} +(\d+)\.(\d{6}): (.*)")


def reported_events(report):
    """What trace-cmd says of a file, by instance."""
    found, after_loss = collections.defaultdict(str), ""
    for line in report.splitlines():
        instance, colon, rest = line.partition(":")
        is_named = colon and instance in INSTANCES
        # What is said of lost events has the name of the instance, the line behind it has none.
        found[instance if is_named else after_loss or "main"] += (rest if is_named else line) + "\n"
        after_loss = (instance if is_named else "main") if line.endswith("EVENTS DROPPED]") else ""
    return {instance: _events(text, r" *(\S.*)-(\d+) +\[(\d+)\] +(\d+)\.(\d{6}): (.*)") for instance, text in found.items()}


def printed_events(text):
    """What kdump-inspect says, by instance."""
    found, instance = collections.defaultdict(str), ""
    for line in text.splitlines():
        match = re.match(r"# instance: (\S+)", line)
        if match:
            instance = match[1].strip("()")
        found[instance] += line + "\n"
    return {name: _events(part, r" *(\S.*)-(\d+) +\[(\d+)\] \S{4} +(\d+)\.(\d{9}): (.*)") for name, part in found.items()}


def _arguments(text):
    """{name: what it may be} of "name: value, name: value"."""
    found = {}
    for name, value in re.findall(r"(\w+): (0x[0-9a-f]+|[0-9a-f]+)\b", text):
        # Older kernels write hexadecimal numbers without a mark, newer ones decimal ones.
        found[name] = {int(value, 16)} | ({int(value)} if value.isdecimal() else set())
    return found


def _same_call(kernel, ours):
    """Whether a system call is the same, which the kernel prints in words of its own; None: it is none."""
    text = f"{kernel.name}: {kernel.text}" if kernel.text else kernel.name
    match = re.match(r"sys_(\w+)\((.*)\)$", text)
    if match:
        theirs, mine = _arguments(match[2]), _arguments(re.sub(r"=", ": ", ours.text))
        return ours.name == f"sys_enter_{match[1]}" and all(theirs[name] & mine[name] for name in theirs.keys() & mine.keys())
    match = re.match(r"sys_(\w+) -> 0x([0-9a-f]+)$", text)
    return match and (ours.name, ours.text) == (f"sys_exit_{match[1]}", f"0x{match[2]}")


def _same(kernel, ours, counts):
    """Whether two events say the same; why their words differ is counted."""
    call = _same_call(kernel, ours)
    if call is not None:
        counts["a system call, in the kernel's own words"] += 1
        return call
    match = re.match(r"(\S+) <-(\S+)$", kernel.name)
    if match:
        counts["a function, in the kernel's own words"] += 1
        return ours.name == "function" and re.split(r" *<-+ *", ours.text) in ([match[1], match[2]], [match[1]])
    words, own = kernel.text, ours.text
    if kernel.name == "tracing_mark_write":
        return ours.name == "print" and own == f"tracing_mark_write: {words}"
    if kernel.name != ours.name:
        return False
    one, other = words.split(), own.split()
    return len(one) == len(other) and all(_same_word(*pair, counts) for pair in zip(one, other))


def _same_word(one, other, counts):
    """Whether a word says the same; those of "name=value" by their values."""
    if one == other:
        return True
    if one.partition("=")[0] == other.partition("=")[0]:
        one, other = one.partition("=")[2], other.partition("=")[2]
    one, other = one.strip("(),"), other.strip("(),")
    for name, theirs, ours in DIFFERENCES:
        match = re.fullmatch(theirs, one)
        if match and re.fullmatch(ours.format(*map(re.escape, match.groups())) if "{0}" in ours else ours, other):
            counts[name] += 1
            return True
    return False


def compare(kernel, ours):
    """(differences, counts of those that are explained)."""
    wrong, counts = [], collections.Counter()
    if [event.key() for event in kernel] != [event.key() for event in ours]:
        missing = collections.Counter(event.key() for event in kernel)
        missing.subtract(event.key() for event in ours)
        wrong = [f"{count:+d} {key}" for key, count in missing.items() if count]
        return [f"{len(kernel)} events and {len(ours)}", *wrong], counts
    for one, other in zip(kernel, ours):
        if not _same(one, other, counts):
            wrong.append(f"kernel: {one.name}: {one.text}\nours:   {other.name}: {other.text}")
    return wrong, counts


class TraceDat:
    """The headers of a file, as trace-cmd.dat.v6(5) describes them."""

    def __init__(self, path):
        self._data = path.read_bytes()
        self._at = len("...tracing6.") + 2 + 4
        if not self._data.startswith(b"\x17\x08\x44tracing6\0\0\x08"):
            raise LabError(f"{path}: no file of version 6, of a 64-bit machine")
        self.header_page, self.header_event = (self._named(name) for name in ("header_page", "header_event"))
        self.formats = {}
        for _ in range(self._number("<I")):
            self._format("ftrace")
        for _ in range(self._number("<I")):
            system = self._word()
            for _ in range(self._number("<I")):
                self._format(system)
        self.symbols, self.texts, self.tasks = self._text("<I"), self._text("<I"), self._text("<Q")

    def _number(self, form):
        self._at += struct.calcsize(form)
        return struct.unpack_from(form, self._data, self._at - struct.calcsize(form))[0]

    def _word(self):
        start, self._at = self._at, self._data.index(b"\0", self._at) + 1
        return self._data[start:self._at - 1].decode()

    def _text(self, form):
        size = self._number(form)
        self._at += size
        return self._data[self._at - size:self._at].decode()

    def _named(self, name):
        word = self._word()
        if word != name:
            raise LabError(f"trace.dat has {word} in place of {name}")
        return self._text("<Q")

    def _format(self, system):
        text = self._text("<Q")
        self.formats[f"{system}/{re.match('name: (.*)', text)[1]}"] = text


def _said_formats(said):
    parts = re.split(r"^@(\S+/\S+)\n", (said / "main-formats").read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2]))


def _check_headers(report, name, said, file):
    """All but the events: to the letter what the kernel says in its own files."""
    dat, live = TraceDat(file), _said_formats(said)
    wrong = [event for event, text in live.items() if dat.formats.get(event) != text]
    report.check(f"{name}: the formats of all {len(live)} events are those of the kernel's files",
                 f"{len(wrong)} differ: {wrong[:5]}" if wrong or len(live) < 1000 else "")
    for what in ("header_page", "header_event"):
        # "overwrite" is a place for marks, and no field: newer kernels give it another type.
        ours, text = (re.sub(r"(int|char) overwrite;(.*)signed:[01];", r"overwrite;\2", words)
                      for words in (getattr(dat, what), (said / f"main-{what}").read_text()))
        report.check(f"{name}: {what} is the kernel's", "" if ours == text else ours)
    texts = set((said / "main-printk_formats").read_text().splitlines())
    report.check(f"{name}: and the {len(texts)} texts of trace_printk()",
                 "" if texts == set(dat.texts.splitlines()) else f"{texts ^ set(dat.texts.splitlines())}")
    tasks = set((said / "main-saved_cmdlines").read_text().splitlines())
    report.check(f"{name}: and the names of tasks", f"{tasks - set(dat.tasks.splitlines())}" if tasks - set(dat.tasks.splitlines()) else "")


def _check_events(report, name, said, instance, who, ours):
    kernel = kernel_events(said, instance)
    wrong, counts = compare(kernel, ours)
    report.check(f"{name}: {instance}: {who} tells the {len(kernel)} events that the kernel did",
                 "\n".join([f"{len(wrong)} differ", *wrong[:5]]) if wrong or not kernel else "")
    for why, count in counts.items():
        report.note(f"{name}: {instance}: {who}: {count} words differ: {why}")


def carry_out(report, lab, folder, scenario):
    """A machine that traces, panics; what its kernel printed of the traces before, and what is in its memory."""
    name = scenario.name
    vmcore, said, seconds = direct.traced(lab, folder, scenario.setup)
    program, dumps = lab.program("kdump-inspect"), {"vmcore": vmcore, "level 31": copier.filtered(lab, vmcore, 31)}
    report.note(f"{name}: {lab.direct_kernels[scenario.setup.kernel].release}: {seconds:.1f} s to the panic (emulated)")
    files = {what: folder / f"{what}.dat" for what in dumps}
    for what, dump in dumps.items():
        text = output(["/usr/bin/time", "-f", "%e s, %M KiB", program, "trace", "-o", files[what], dump], merge=True)
        report.note(f"{name}: {what}: {text.strip()}")
    report.check(f"{name}: of level 31 the file is the same", "" if len({file.read_bytes() for file in files.values()}) == 1 else "it is not")
    report.check(f"{name}: nobody else may read it", "" if files["vmcore"].stat().st_mode & 0o777 == 0o600 else f"{files['vmcore'].stat().st_mode:o}")
    code, text, _ = run([program, "trace", "-o", files["vmcore"], vmcore], ok=None, merge=True)
    report.check(f"{name}: a file that is there is not replaced", "" if code == 1 and "File exists" in text else f"exit {code}: {text}")
    run([program, "trace", "--force", "-o", files["vmcore"], vmcore])
    _check_headers(report, name, said, files["level 31"])
    # Its plugins print some events in words of their own.
    code, text, err = run(["trace-cmd", "report", "-N", files["level 31"]], ok=None)
    report.check(f"{name}: trace-cmd reads the file without a word", f"exit {code}: {err}" if code or err else "")
    reported = reported_events(text)
    printed = printed_events(output([program, "trace", dumps["level 31"]]))
    for instance in INSTANCES:
        _check_events(report, name, said, instance, "trace-cmd", reported.get(instance, []))
        _check_events(report, name, said, instance, "kdump-inspect", printed.get(instance, []))
    report.check(f"{name}: events that were overwritten are told of", "" if re.search(r"func: CPU:\d+ \[.*EVENTS DROPPED", text) else text[-2000:])
    code, text, _ = run([program, "trace", "--event", "sched_swich", vmcore], ok=None, merge=True)
    report.check(f"{name}: an event that is none is refused", "" if code == 2 and "did you mean sched_switch?" in text else f"exit {code}: {text}")
    told = json.loads(output([program, "trace", "--json", "--instance", "mono", "--event", "lab:opened", dumps["level 31"]]))["events"]
    opened = [event for event in kernel_events(said, "mono") if event.name == "opened"]
    report.check(f"{name}: the names of {len(opened)} files, as JSON", "" if [event["fields"]["name"] for event in told] == [
        re.search('name="(.*)"', event.text)[1] for event in opened] and opened else f"{told[:3]}")
