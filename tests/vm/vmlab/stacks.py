# SPDX-License-Identifier: GPL-2.0-or-later
"""What kdump-inspect says of a dump, stack by stack, against drgn and crash, which have the kernel's debugging information.

A difference passes only if its cause has a name here; it is counted, and appears in the note behind the check.
"""

from . import inspected
from .command import run

# What crash calls a state, as ps(1) does. A task that is being woken runs, for ps(1).
STATES = {"RU": "R", "WA": "R", "NE": "R", "IN": "S", "UN": "D", "ID": "I", "ST": "T", "TR": "t", "ZO": "Z", "DE": "X", "PA": "P"}
# drgn goes on where the first task of arm64 began, until Linux v5.13: in no function.
BEHIND_THE_END = "drgn goes on behind the end of the first task's stack"
# Of a CPU that was stopped from outside, long after panic(), crash leaves out what it did then.
BEGINS_AT_PANIC = "crash begins at panic(), kdump-inspect and drgn where the CPU was"
# drgn shows lines of a record behind the first one as they are, the kernel and crash indent them.
INDENTED = "lines that drgn does not indent"
# crash 9.0.2 is older than the form that tables for unwinding have since v7.1: below do_syscall_64() it takes for a frame what looks like one.
GUESSED = "crash guesses, and drgn says what kdump-inspect says"


class Differences:
    """Counts what is equal, what is not, and what has a cause."""

    def __init__(self):
        self.wrong, self.causes, self.equal = [], {}, 0

    def explain(self, cause, who):
        """One difference that has a cause."""
        self.causes.setdefault(cause, []).append(who)

    def note(self):
        """The causes, for the report."""
        return "; ".join(f"{len(whose)} times {cause}: {', '.join(whose)}" for cause, whose in self.causes.items()) or "no difference"


def _inside(task, ours):
    """The frames of drgn that are the kernel's, and why others were left out."""
    frames, causes = list(task["trace"]), []
    # On x86-64 drgn has where the program was as one frame more.
    if frames and ours["program_address"] and frames[-1][0] == int(ours["program_address"], 16):
        frames.pop()
    if task["pid"] == 0:
        known = [number for number, (_, names) in enumerate(frames) if names]
        end = known[-1] + 1 if known else 0
        if end < len(frames):
            causes.append(BEHIND_THE_END)
        frames = frames[:end]
    return frames, causes


def _same_stack(ours, frames):
    return len(ours["trace"]) == len(frames) and all(int(frame["address"], 16) == address and
                                                     (not names or frame["function"] in names)
                                                     for frame, (address, names) in zip(ours["trace"], frames))


def _by_drgn(stacks, said):
    """Differences of stacks from drgn's, and the tasks whose stacks are drgn's."""
    found, same = Differences(), set()
    for task in said["tasks"]:
        ours = stacks.get(task["task"])
        if not ours:
            found.wrong.append(f"{task['pid']} {task['name']}: not in ours")
            continue
        frames, causes = _inside(task, ours)
        if not _same_stack(ours, frames):
            found.wrong.append(f"{task['pid']} {task['name']}: ours {[frame['function'] for frame in ours['trace']]}, "
                               f"{ours['trace_problem']}; drgn's {frames}, {task['problem']}")
            continue
        found.equal += not causes
        same.add(task["task"])
        for cause in causes:
            found.explain(cause, f"{task['pid']} {task['name']}")
    found.wrong += [f"{stack['pid']} {stack['name']}: not in drgn's" for vaddr, stack in stacks.items()
                    if vaddr not in {task["task"] for task in said["tasks"]}]
    return found, same


def _our_stacks(lab, dump):
    return {stack["task"]: stack for stack in inspected.ask(lab, dump, "bt", "-a")["stacks"]}


def _difference(ours, theirs, who):
    wrong = [f"ours:  {row}" for row in ours if row not in theirs] + [f"{who}: {row}" for row in theirs if row not in ours]
    return "\n".join(wrong[:8]) if wrong else "" if ours == theirs else "another order"


def _log(report, name, ours, theirs):
    found = Differences()
    for number, (line, other) in enumerate(zip(ours, theirs)):
        if line != other and line.startswith(" ") and not other.startswith("[") and line.lstrip() == other.lstrip():
            found.explain(INDENTED, str(number + 1))
            ours[number] = other
    report.check(f"{name}: log: {len(theirs)} lines are drgn's", _difference(ours, theirs, "drgn"))
    report.note(f"{name}: log: {found.note()}")


def same_as_drgn(report, name, lab, dump, said):
    """The log, the tasks, the modules and all stacks are those that drgn finds; return the tasks whose stacks are."""
    stacks = _our_stacks(lab, dump)
    found, same = _by_drgn(stacks, said)
    report.check(f"{name}: bt -a: {len(same)} of {len(said['tasks'])} stacks are drgn's", "\n".join(found.wrong[:8]))
    report.note(f"{name}: {found.equal} stacks are the same to the end; {found.note()}")
    _, log, _ = run([lab.program("kdump-inspect"), "log", dump])
    _log(report, name, log.rstrip("\n").splitlines(), said["log"].rstrip("\n").splitlines())
    keys = ("task", "pid", "tgid", "ppid", "cpu", "name")
    ours = sorted((*(task[key] for key in keys), STATES.get(task["state"])) for task in inspected.ask(lab, dump, "ps")["tasks"])
    theirs = sorted((*(task[key] for key in keys), task["state"]) for task in said["tasks"])
    report.check(f"{name}: ps: {len(theirs)} tasks are drgn's", _difference(ours, theirs, "drgn"))
    _modules(report, name, lab, dump, said)
    return same


def _modules(report, name, lab, dump, said):
    code, text, error = run([lab.program("kdump-inspect"), "modules", "--json", dump], ok=None)
    if code and "no symbol modules" in text + error:
        report.skip(f"{name}: modules are drgn's", "this kernel has no symbols of variables")
        return
    ours = sorted([row["struct"], row["name"], row["code"]] for row in inspected.ask(lab, dump, "modules")["modules"])
    report.check(f"{name}: modules: {len(said['modules'])} are drgn's", _difference(ours, sorted(said["modules"]), "drgn"))


def same_as_crash(report, name, lab, dump, crash, confirmed, guesses):
    """All stacks are crash's, but for those where drgn, which unwinds by other means, confirmed what we say; guesses: of any function."""
    stacks, found = _our_stacks(lab, dump), Differences()
    theirs = inspected.stacks_of_crash(crash.by_command["foreach bt"])
    for vaddr, functions in theirs.items():
        ours = [frame["function"] for frame in stacks[vaddr]["trace"]] if vaddr in stacks else None
        if ours == functions:
            found.equal += 1
        elif vaddr in confirmed and functions and functions[0] == "panic" and functions == ours[-len(functions):]:
            found.explain(BEGINS_AT_PANIC, f"{stacks[vaddr]['pid']} {stacks[vaddr]['name']}")
        elif vaddr in confirmed and guesses:
            found.explain(GUESSED, f"{stacks[vaddr]['pid']} {stacks[vaddr]['name']}")
        else:
            found.wrong.append(f"{vaddr}: ours {ours}, crash's {functions}")
    report.check(f"{name}: bt -a: {found.equal} of {len(theirs)} stacks are crash's", "\n".join(found.wrong[:8]))
    report.note(f"{name}: {found.note()}")
