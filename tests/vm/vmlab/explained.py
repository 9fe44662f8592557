# SPDX-License-Identifier: GPL-2.0-or-later
"""What kdump-inspect explain says of pages: against the pages that plant.c put there, and against crash's vtop and kmem."""

import json
import re

from . import planted
from .command import run

# Words on one command line.
AT_ONCE = 60
# Pages of each class that are asked for.
PAGES_OF_CLASS = 120
# Classes of planted pages, and whose they are.
CLASSES = {"hugetlb": ("user", {"hugetlb", "anonymous"}), "thp": ("user", {"anonymous"}), "anon": ("user", {"anonymous"}),
           "zero": ("user", {"anonymous"}), "tmpfs": ("cache", {"file"}), "clean": ("cache", {"file"}),
           "dirty": ("private-cache", {"file"}), "free": ("free", {"free"}), "offline": ("offline", {"offline"}),
           **{f"{process}_{what}": ("user", {"anonymous"}) for process in planted.PROCESSES for what in ("anon", "hidden", "huge")}}
# Frames that crash is asked for one by one, all over the memory.
FRAMES = 60
SOME = 12


def _explain(lab, dump, words):
    """Answers to words, by the words."""
    answers = {}
    for at in range(0, len(words), AT_ONCE):
        _, text, _ = run([lab.program("kdump-inspect"), "explain", "--json", dump, *words[at:at + AT_ONCE]], timeout_s=120)
        answers.update((answer["word"], answer) for answer in json.loads(text))
    return answers


def _wrong_pages(answers, title, pages, is_guess):
    """Of planted pages of a class those of which something wrong is said."""
    wanted, owners = CLASSES[title]
    process = next((name for name in planted.PROCESSES if title.startswith(f"{name}_")), None)
    wrong = []
    for pfn in pages:
        answer = answers[f"pfn:{pfn}"]
        names = [mapped["name"] for mapped in answer["owner"].get("processes", [])]
        if process and names != [process]:
            wrong.append(f"{pfn:#x}: mapped by {names}")
        found = answer["state"], answer["class"], answer["is_guess"], answer["owner"]["kind"] in owners
        if found != ("dropped", wanted, is_guess, True):
            wrong.append(f"{pfn:#x}: {found}, {answer['owner']}")
    return wrong


def planted_pages(report, name, lab, vmcore, confirmed):
    """Of each planted page that level 31 leaves out it is said why, and whose it is; without the page map as a guess."""
    folder = vmcore.parent / "explained"
    folder.mkdir()
    dump = folder / "vmcore"
    run([lab.program("kdump-copy"), "-q", "-c", "-d", "31", f"--pagemap={folder / 'vmcore.pagemap'}", vmcore, dump], timeout_s=300)
    _, text, _ = run([lab.program("kdump-inspect"), "check", "--json", folder], timeout_s=300)
    found = json.loads(text)
    report.check(f"{name}: check: the dump is whole, and what its page map says", "" if found["is_whole"] and found["has_page_map"] else text)
    some = {title: sorted(pages)[::max(1, len(pages) // PAGES_OF_CLASS)] for title, pages in confirmed.items() if title in CLASSES}
    words = [f"pfn:{pfn}" for pages in some.values() for pfn in pages]
    for is_guess in (False, True):
        if is_guess:
            (folder / "vmcore.pagemap").unlink()
        answers = _explain(lab, dump, words)
        for title, pages in some.items():
            wrong = _wrong_pages(answers, title, pages, is_guess)
            allowed = len(pages) * (1 - planted.AT_LEAST.get(title, 1.0))
            report.check(f"{name}: why {len(pages)} {title} pages are not there, {'a guess' if is_guess else 'by the page map'}",
                         "\n".join(wrong[:6]) if len(wrong) > allowed or not pages else "")
    dump.unlink()
    folder.rmdir()


def _addresses(reference):
    """Addresses of which crash told already: tasks, their stacks, code, modules; and those of processes with their PID."""
    tasks = re.findall(r"^PID: \d+ +TASK: (\w+)", reference.by_command["foreach bt"], re.MULTILINE)
    frames = re.findall(r"^ *#\d+ \[(\w+)\] \S+(?: \(.*\))? at (\w+)", reference.by_command["foreach bt"], re.MULTILINE)
    modules = re.findall(r"^(\w{16}) +\S+ +(\w{16}) ", reference.by_command["mod"], re.MULTILINE)
    kernel = [*tasks[::max(1, len(tasks) // SOME)], *(word for pair in frames[::max(1, len(frames) // SOME)] for word in pair),
              *(word for pair in modules[::max(1, len(modules) // SOME)] for word in pair)]
    stacks = []
    for task in re.split(r"^PID: ", reference.by_command["foreach bt"], flags=re.MULTILINE)[1:]:
        user = re.search(r"^    RIP: \w+  RSP: 0*(\w+)", task, re.MULTILINE)
        # Processes that were forked have the same addresses, and crash's answers are known by theirs.
        if user and user[1] not in (address for _, address in stacks):
            stacks.append((task.split()[0], user[1]))
    return list(dict.fromkeys(kernel)), stacks[:SOME]


def _row(text):
    """PAGE, PHYSICAL, CNT, FLAGS of crash's table of pages."""
    found = re.findall(r"^([0-9a-f]{16}) +([0-9a-f]+) +(?:[0-9a-f]+ +)?[0-9a-f]+ +(-?\d+) ([0-9a-f]+)(?: ([\w,]+))?$", text, re.MULTILINE)
    return found[-1] if found else None


def _compare_page(answer, text):
    """What differs of a struct page."""
    row = _row(text)
    if not row:
        return "crash has no page" if answer["struct_page"]["problem"] is None else ""
    page = answer["struct_page"]
    if page["problem"]:
        return page["problem"]
    flags = {word for word in page["flag_names"].split("|") if word}
    wanted = [int(row[0], 16), int(row[1], 16), int(row[3], 16), set(row[4].split(",")) - {""}]
    found = [int(page["address"], 16), answer["pfn"] << 12, int(page["flags"], 16), flags]
    # crash counts the page itself, we the compound page that it is part of.
    if page["head_pfn"] == answer["pfn"]:
        wanted.append(int(row[2]))
        found.append(page["count"])
    return "" if found == wanted else f"ours: {found}, crash: {wanted}"


def _compare_path(answer, text):
    """What differs of the way through the page tables."""
    physical = re.search(r"^[0-9a-f]+ +([0-9a-f]+) *$", text, re.MULTILINE)
    if not physical:
        return "" if "paddr" not in answer else f"crash does not know it:\n{text}"
    top = re.findall(r"PAGE DIRECTORY: (\w+)", text)
    entries = [int(entry, 16) for entry in top + re.findall(r"P[G4UMT][DE]: \w+ => (\w+)", text)]
    found = [int(step["entry"], 16) for step in answer["page_tables"]], int(answer.get("paddr", "0"), 16)
    wanted = entries, int(physical[1], 16)
    return "" if found == wanted else f"ours: {found}, crash: {wanted}"


def _compare_owner(answer, text):
    """What differs of the owner, where crash tells one."""
    slab = re.search(r"^CACHE .*\n(?:kmem: .*\n)*\S+ .* (\S+)\n", text)
    task = re.search(r"^ +PID: (\d+)\n", text, re.MULTILINE)
    owner = answer["owner"]
    if slab:
        return "" if owner["kind"] == "slab" and owner["text"].startswith(f"{slab[1]},") else f"crash: slab {slab[1]}; ours: {owner}"
    if task and "VMAP_AREA" in text:
        return "" if owner["kind"] == "stack" and f" PID {task[1]}," in owner["text"] else f"crash: stack of {task[1]}; ours: {owner}"
    module = re.search(r"^[0-9a-f]{16} \(.\) .*\[(\w+)\]$", text, re.MULTILINE)
    if module:
        return "" if owner["kind"] == "module" and owner["text"].startswith(module[1]) else f"crash: {module[0]}; ours: {owner}"
    return ""


def same_as_crash(report, name, lab, kernel, vmcore, reference):
    """Translations, struct pages and owners are those of crash's vtop and kmem."""
    addresses, stacks = _addresses(reference)
    last = max(lab.pages.list(vmcore))
    frames = list(range(1, last, max(1, last // FRAMES)))
    commands = [f"{command} {word}" for word in addresses for command in ("vtop", "kmem")]
    commands += [f"kmem {pfn << 12:#x}" for pfn in frames]
    for pid, address in stacks:
        commands += [f"set {pid}", f"vtop {address}"]
    crash = lab.tools.crash(kernel, vmcore, commands).by_command
    answers = _explain(lab, vmcore, addresses + [f"pfn:{pfn}" for pfn in frames] + [f"{pid}:{address}" for pid, address in stacks])
    wrong = {"page tables": [], "struct pages": [], "owners": []}
    for word, key in [(word, word) for word in addresses] + [(f"{pid}:{address}", address) for pid, address in stacks]:
        wrong["page tables"].append((word, _compare_path(answers[word], crash[f"vtop {key}"])))
    for word, key in [(word, word) for word in addresses] + [(f"pfn:{pfn}", f"{pfn << 12:#x}") for pfn in frames]:
        wrong["struct pages"].append((word, _compare_page(answers[word], crash[f"kmem {key}"])))
        wrong["owners"].append((word, _compare_owner(answers[word], crash[f"kmem {key}"])))
    for title, rows in wrong.items():
        bad = [f"{word}: {error}" for word, error in rows if error]
        report.check(f"{name}: explain: {title} of {len(rows)} addresses are crash's",
                     f"{len(bad)} are not\n" + "\n".join(bad[:6]) if bad or not rows else "")


def all_of_it(report, name, lab, kernel, vmcore, reference, confirmed):
    """Both."""
    same_as_crash(report, name, lab, kernel, vmcore, reference)
    planted_pages(report, f"{name}: explain", lab, vmcore, confirmed)
