# SPDX-License-Identifier: GPL-2.0-or-later
"""What kdump-inspect says of a dump without debugging information, against what crash says with it."""

import html
import json
import re

from .command import run

# Saves the registers and then leaves the kernel: no table tells of its frame, crash finds it by the address of its call.
AFTER_THE_REGISTERS = "machine_kexec"
# What is asked of crash for mem and irq.
MEMORY_COMMANDS = ("kmem -s", "kmem -f", "kmem -z", "kmem -v", "irq -s", "irq -a")


def ask(lab, dump, *words):
    """What a command prints as JSON."""
    _, text, _ = run([lab.program("kdump-inspect"), words[0], "--json", *words[1:], dump], timeout_s=120)
    return json.loads(text)


def stacks_of_crash(text):
    """{address of the task: functions of its stack} of crash's bt."""
    found, frames = {}, None
    for line in text.splitlines():
        task = re.match(r"PID: \d+\s+TASK: (\S+)", line)
        # Between the frames are those of exceptions, whose function has no number.
        frame = re.match(r"\s*#\d+ \[\S+\] (\S+)(?: \(.*\))? at|\s*\[exception RIP: ([^+\]]+)", line)
        if task:
            frames = found.setdefault(task[1], [])
        elif frame and (frame[1] or frame[2]) != AFTER_THE_REGISTERS:
            frames.append(frame[1] or frame[2])
    return found


def _our_stacks(answer):
    return {stack["task"]: [frame["function"] for frame in stack["trace"]] for stack in answer["stacks"]}


def _tasks(text):
    """Lines of crash's ps, without shares: its are of all page frames, those of ps(1) and ours of MemTotal."""
    line = re.compile(r"(>?)\s*(\d+)\s+(\d+)\s+(\d+)\s+([0-9a-f]{16})\s+(\S\S)\s+[\d.]+\s+(\d+)\s+(\d+)\s+(.*)")
    return sorted(line.match(row).groups() for row in text.splitlines()[1:])


def _our_tasks(answer):
    return sorted((">" if task["active"] else "", str(task["pid"]), str(task["ppid"]), str(task["cpu"]), task["task"],
                   task["state"], str(task["size_kib"]), str(task["resident_kib"]), f"[{task['name']}]" if task["kernel"] else task["name"])
                  for task in answer["tasks"])


def _modules(text):
    return sorted(tuple(row.split()[:4]) for row in text.splitlines()[1:])


def _our_modules(answer):
    return sorted((module["struct"][2:], module["name"], module["code"][2:], str(module["size_bytes"]))
                  for module in answer["modules"])


def _slabs(text):
    """{address of a cache: what crash's kmem -s says of it}; its sizes of slabs are KiB with a k."""
    rows = (line.split(None, 6) for line in text.splitlines()[1:])
    return {row[0]: (row[6].strip(), *map(int, row[1:5]), int(row[5][:-1])) for row in rows if len(row) == 7}


def _our_slabs(memory):
    return {cache["cache"]: (cache["name"], cache["object_bytes"], cache["in_use"], cache["objects"], cache["slabs"],
                             cache["slab_bytes"] // 1024) for cache in memory["slab"]}


def _zones(lists, zones):
    """{name: (pages, counter, watermarks, free blocks by order)} of zones with pages, of crash's kmem -f and kmem -z."""
    rows = {}
    for part in lists.split("ZONE  NAME")[1:]:
        lines = part.splitlines()
        name, blocks = lines[1].split()[1], {}
        for order, count in re.findall(r"^ +(\d+) +\d+k +\S+ +(\d+) +\d+$", part, re.MULTILINE):
            blocks[int(order)] = blocks.get(int(order), 0) + int(count)
        found = re.search(rf'NAME: "{name}"\n  SIZE: (\d+) .*MIN/LOW/HIGH: (\S+)\n  VM_STAT:\n +NR_FREE_PAGES: (\d+)', zones)
        if found:
            rows[name] = (int(found[1]), int(found[3]), found[2], [blocks[order] for order in sorted(blocks)])
    return rows


def _our_zones(memory):
    return {zone["name"]: (zone["spanned"], zone["free"], f"{zone['min']}/{zone['low']}/{zone['high']}", zone["blocks"])
            for zone in memory["zones"]}


def _totals(text):
    """Rows of crash's kmem -i that are those of /proc/meminfo, in KiB. COMMITTED is only what no CPU keeps: mostly 0."""
    names = {"TOTAL MEM": "MemTotal", "FREE": "MemFree", "BUFFERS": "Buffers", "CACHED": "Cached", "SLAB": "Slab",
             "TOTAL SWAP": "SwapTotal", "COMMIT LIMIT": "CommitLimit"}
    rows = dict(re.findall(r"^ *([A-Z]+(?: [A-Z]+)?) +(\d+) ", text, re.MULTILINE))
    return {names[name]: 4 * int(pages) for name, pages in rows.items() if name in names}


def _interrupts(counts, places):
    """Rows of crash's irq -s and irq -a, of one CPU."""
    where = dict(re.findall(r"^ *(\d+) \S+ +(\S+)$", places, re.MULTILINE))
    return {int(number): (int(count), chip, name, where.get(number))
            for number, count, chip, name in re.findall(r"^ *(\d+): +(\d+) +(\S+) +(.*?) *$", counts, re.MULTILINE)}


def _our_interrupts(answer):
    return {row["number"]: (row["counts"][0], f"{row['chip']}-{row['flow']}", row["actions"], row["effective_affinity"])
            for row in answer["interrupts"] if row["shown"]}


def _memory_as_crash(report, name, lab, dump, crash):
    """mem and irq are crash's."""
    memory = ask(lab, dump, "mem")
    theirs = _slabs(crash.by_command["kmem -s"])
    report.check(f"{name}: mem: {len(theirs)} caches are crash's", _difference(_our_slabs(memory), theirs))
    theirs = _zones(crash.by_command["kmem -f"], crash.by_command["kmem -z"])
    report.check(f"{name}: mem: zones {', '.join(theirs)} are crash's", _difference(_our_zones(memory), theirs))
    theirs = _totals(crash.by_command["kmem -i"])
    report.check(f"{name}: mem: {', '.join(theirs)} are crash's",
                 _difference({row: memory["meminfo"][row] for row in theirs}, theirs))
    theirs = [int(line.split()[-1]) for line in crash.by_command["kmem -v"].splitlines()[1:]]
    ours = [sum(row[key] for row in memory["vmalloc"]) for key in ("areas", "bytes")]
    report.check(f"{name}: mem: {len(theirs)} areas of vmalloc are crash's", _difference(ours, [len(theirs), sum(theirs)]))
    theirs = _interrupts(crash.by_command["irq -s"], crash.by_command["irq -a"])
    report.check(f"{name}: irq: {len(theirs)} interrupts are crash's",
                 _difference(_our_interrupts(ask(lab, dump, "irq")), theirs))


def _difference(ours, theirs):
    """The first differences of two lists or tables; "" if there are none."""
    if ours == theirs:
        return ""
    if isinstance(ours, dict):
        ours, theirs = sorted(ours.items()), sorted(theirs.items())
    wrong = [f"ours:  {row}" for row in ours if row not in theirs] + [f"crash: {row}" for row in theirs if row not in ours]
    return f"{len(wrong)} rows, or their order:\n" + "\n".join(wrong[:8])


def told_as_crash(report, name, lab, dump, crash):
    """The log, the tasks and, if crash was asked for them, the modules are those of crash on the unfiltered vmcore."""
    _, log, _ = run([lab.program("kdump-inspect"), "log", dump])
    theirs = crash.by_command["log"].rstrip("\n").splitlines()
    report.check(f"{name}: log: {len(theirs)} lines are crash's", _difference(log.rstrip("\n").splitlines(), theirs))
    theirs = _tasks(crash.by_command["ps"])
    report.check(f"{name}: ps: {len(theirs)} tasks are crash's", _difference(_our_tasks(ask(lab, dump, "ps")), theirs))
    theirs = _modules(crash.by_command.get("mod", ""))
    if theirs:
        report.check(f"{name}: modules: {len(theirs)} are crash's",
                     _difference(_our_modules(ask(lab, dump, "modules")), theirs))


def same_as_crash(report, name, lab, dump, crash):
    """That, and all stacks, memory and interrupts."""
    told_as_crash(report, name, lab, dump, crash)
    theirs = stacks_of_crash(crash.by_command["bt"])
    report.check(f"{name}: bt is crash's", _difference(_our_stacks(ask(lab, dump, "bt")), theirs))
    theirs = stacks_of_crash(crash.by_command["foreach bt"])
    report.check(f"{name}: bt -a: {len(theirs)} stacks are crash's",
                 _difference(_our_stacks(ask(lab, dump, "bt", "-a")), theirs))
    _memory_as_crash(report, name, lab, dump, crash)


def page_of(report, name, lab, dump, words):
    """The page is made, and has what the summary has. How it behaves in a browser is tests/html's."""
    path = dump.parent / "page.html"
    code, text, error = run([lab.program("kdump-inspect"), "html", "-o", path, dump], timeout_s=300, ok=None)
    page = html.unescape(path.read_text()) if path.exists() else ""
    lost = [word for word in words if word not in page]
    report.check(f"{name}: html makes a page with {words}", f"exit {code}, no {lost}: {text} {error}" if code or lost else "")
    report.note(f"{name}: page of {len(page) >> 10} KiB")
    path.unlink(missing_ok=True)


def report_without_types(report, name, lab, folder, cause):
    """That of a kernel that carries no types has the cause, and says why there is no more."""
    made = json.loads((folder / "report.json").read_text())
    report.check(f"{name}: report.json has the cause, {cause}", "" if made["cause"] == cause else f"{made['cause']}")
    report.check(f"{name}: report.json is what kdump-inspect says of the vmcore",
                 _difference(made, ask(lab, folder / "vmcore", "summary")))
    text = (folder / "report.txt").read_text()
    report.check(f"{name}: report.txt says why there is no more", "" if "the kernel carries no BTF" in text else text)


def report_of(report, name, lab, folder, cause, function):
    """The report that the capture kernel made is that of the dump, and says what happened."""
    made = json.loads((folder / "report.json").read_text())
    first = [frame["function"] for frame in made["crashed"]["trace"]]
    report.check(f"{name}: report.json has the cause, {cause}, and {function}",
                 "" if made["cause"] == cause and any(one.split(".")[0] == function for one in first) else f"{made['cause']}: {first}")
    report.check(f"{name}: report.json is what kdump-inspect says of the vmcore",
                 _difference(made, ask(lab, folder / "vmcore", "summary")))
    text = (folder / "report.txt").read_text()
    lost = [word for word in (made["signature"] or "not known", function, made["host"], made["release"]) if word not in text]
    report.check(f"{name}: report.txt has the same", f"no {lost}" if lost else "")
    measured = re.findall(r"report: (made in .*)", (folder / "capture.log").read_text())
    report.check(f"{name}: capture.log says what the report took", "" if measured else "it does not")
    report.note(f"{name}: report {' '.join(measured)} (emulated)")
    page_of(report, name, lab, folder, [made["panic"] or made["cause_text"] or "", function, made["host"], made["release"]])


def whole_stacks(report, name, lab, dump):
    """Kernels for which there is no crash: every stack ends where the kernel was entered, or where it began."""
    summary = ask(lab, dump, "summary")
    broken = [f"{stack['pid']} {stack['name']}: {stack['trace_problem']}" for stack in ask(lab, dump, "bt", "-a")["stacks"]
              if stack["trace_problem"] and stack["state"] not in ("ZO", "DE")]
    report.check(f"{name}: all {summary['tasks']} stacks have an end", "\n".join(broken[:8]))
    crashed = [frame["function"] for frame in summary["crashed"]["trace"]]
    report.check(f"{name}: the stack that crashed has panic()", "" if "panic" in crashed else f"{crashed}")
    report.note(f"{name}: {summary['cause']}: {summary['cause_text']}; {' '.join(map(str, crashed))}")
