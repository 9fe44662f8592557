# SPDX-License-Identifier: GPL-2.0-or-later
"""The numbers of a run as tables, and as a page with plots."""

import os

import plots
import works
from simulated import PATTERN_TEXT

MIB = 1 << 20
THREAD_GOAL_BYTES, MEMORY_GOAL_BYTES = 2 * MIB, 8 * MIB
REPEAT = "tests/bench/run --report BENCHMARKS.md"
ROWS_HEAD = ("| work | vmcore | makedumpfile s | kdump-copy s, 1 / 2 threads | ratio | spread (rounds) | goal | at most | met | "
             "CPU s, theirs, ours | size | memory MiB | pages |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|")
ABSENT = {"theirs": "not there: makedumpfile", "ours": "not there: kdump-copy", "failed": "**FAILED**"}
SAME = {True: "same", False: "**DIFFERENT**", None: ""}


CORES = {True: "a tmpfs of huge pages: as in the capture kernel, which maps all of a window of /proc/vmcore at once, hardly any\n"
               "  look at them costs a page fault",
         False: "a tmpfs of pages of 4 KiB: most looks at them cost a page fault, unlike in the capture kernel"}


def verdicts(row):
    """Whether each goal of a row is met: "yes", "no", or "–" where there is none."""
    found = []
    for threads, ratio in row["ratio"].items():
        goal = works.goal(row["wanted"], threads)
        found.append("–" if not goal else "yes" if ratio >= goal else "no")
    return found


def is_too_large(row):
    """Whether a dump is larger than its row allows."""
    return bool(row["size_limit"] and row["ours_bytes"] > row["size_limit"] * row["theirs_bytes"])


def most(row, threads):
    """The ratio if all but the codec and a look at zeros took no time; None where that was not measured."""
    return int(threads) * row["theirs_s"] / row["codec_s"] if row.get("codec_s") else None


def _memory(row):
    """Peaks, and against what was announced."""
    parts = []
    for threads, peak in row["memory_bytes"].items():
        bound = row["memory_bound_bytes"].get(threads)
        if threads != "theirs":
            text = f"{peak / MIB:.1f}" + (f" of {bound / MIB:.1f}" if bound else "")
            parts.append(f"**{text}**" if bound and peak > bound else text)
    return " / ".join(parts)


def _cpu(row):
    """CPU seconds: they show less of what others do than the time that passes."""
    theirs = f"{row['theirs_cpu_s']:.3f}, " if row["theirs_cpu_s"] else ""
    return theirs + " / ".join(f"{value:.3f}" for value in row["ours_cpu_s"].values())


def _rounds(row):
    """How many count, and of how many if not all do."""
    count = len(row["theirs_all_s"])
    return f"{count} of {row['rounds']}" if row["rounds"] > count else f"{count}"


def row_line(row):
    """One row of the table."""
    name = f"{row['group']}: {row['name']}"
    if "absent" in row:
        return f"| {name} | {row['core']} | {ABSENT[row['absent']]}: {row['reason']} | | | | | | | | | | |"
    ratios = " / ".join(f"{value:.2f}" for value in row["ratio"].values())
    spread = " / ".join(f"{low:.2f}…{high:.2f}" for low, high in row["ratio_middle"].values()) + f" ({_rounds(row)})"
    ours = " / ".join(f"{value:.3f}" for value in row["ours_s"].values())
    wanted = " / ".join(f"{value:g}" if value else "–" for value in row["wanted"])
    limits = " / ".join(f"{most(row, threads):.2f}" for threads in row["ratio"]) if row.get("codec_s") else ""
    size = f"{row['ours_bytes'] / row['theirs_bytes']:.2f}" if row["theirs_bytes"] and row["ours_bytes"] else ""
    if is_too_large(row):
        size = f"**{size}**"
    chosen = row.get("theirs_threads")
    theirs = f"{row['theirs_s']:.3f}" + (f" ({chosen} threads)" if chosen else "")
    return (f"| {name} | {row['core']} | {theirs} | {ours} | {ratios} | {spread} | {wanted} | {limits} | {' / '.join(verdicts(row))} "
            f"| {_cpu(row)} | {size} | {_memory(row)} | {SAME[row.get('same_pages')]} |")


def auto_verdicts(sink):
    """What the goal of auto says of one place: (threads, time against raw, size against raw, against the best fixed method)."""
    found = []
    for key, auto in sink["methods"].items():
        if not key.startswith("kdump-copy auto "):
            continue
        threads = key.rpartition(" ")[2]
        raw = sink["methods"].get(f"kdump-copy raw {threads}")
        fixed = {name: one for name, one in sink["methods"].items() if name.startswith("kdump-copy ") and
                 name.endswith(f" {threads}") and " auto " not in name}
        if not raw:
            continue
        best = min(fixed, key=lambda name: fixed[name]["seconds"])
        found.append((threads, auto["seconds"] / raw["seconds"], auto["bytes"] / raw["bytes"], best.split(" ")[1],
                      auto["seconds"] / fixed[best]["seconds"]))
    return found


def sink_lines(sink):
    """A table of one place, and what it says of auto."""
    head = "| method | kdump-copy s, 1 / 2 threads | MB | makedumpfile s | MB |\n|---|---|---|---|---|"
    lines = [f"**{sink['sink']}**", "", head]
    for name in works.OUR_METHODS:
        if not any(key.split(" ")[1] == name for key in (*sink["methods"], *sink["absent"])):
            continue
        ours = [one for key, one in sink["methods"].items() if key.startswith(f"kdump-copy {name} ")]
        theirs = sink["methods"].get(f"makedumpfile {name}")
        missing = sink["absent"].get(f"makedumpfile {name}")
        lines.append(f"| {name} | " + (" / ".join(_spread(one) for one in ours) or "not there") + " | "
                     + (f"{ours[-1]['bytes'] / 1e6:.1f}" if ours else "") + " | "
                     + (_spread(theirs) if theirs else "not there" if missing else "") + " | "
                     + (f"{theirs['bytes'] / 1e6:.1f}" if theirs else "") + " |")
    lines.append("")
    for threads, slower, larger, best, against in auto_verdicts(sink):
        is_met = slower <= works.AUTO_SLOWER and larger <= 1
        text = (f"auto, {plots.threads_text(threads)}: {slower:.2f} times the time and {larger:.2f} times the size of raw "
                f"({'goal met' if is_met else '**goal not met**'})")
        lines.append(text + f"; {against:.2f} times the time of {best}, the fastest fixed method\n")
    return lines


def _spread(one):
    return f"{one['seconds']:.3f} [{min(one['all_s']):.3f}…{max(one['all_s']):.3f}]"


def _memory_goal(result):
    """Whether every run kept to the goal for memory: (highest part of the goal, name of that run, runs that did not)."""
    found = []
    for row in result["rows"]:
        if "absent" not in row:
            found += [(value, int(key), f"{row['group']}: {row['name']}, {row['core']}")
                      for key, value in row["memory_bytes"].items() if key != "theirs"]
    for point in result["scale"]:
        if point["who"] == "kdump-copy":
            found.append((point["memory_bytes"], point["threads"], f"{point['what']} of {point['gib']} GiB"))
    return max(((value / (MEMORY_GOAL_BYTES + THREAD_GOAL_BYTES * threads), value, threads, name)
                for value, threads, name in found), default=None)


def _growth(result):
    """Seconds for each TiB of a dry run, smallest and largest machine, as text."""
    lines = []
    for pattern in ("free", "users"):
        for threads in (1, 2):
            points = [point for point in result["scale"] if point["pattern"] == pattern and point["threads"] == threads
                      and point["who"] == "kdump-copy" and point["what"] == "dry run" and point["gib"] >= 1024]
            if len(points) > 1:
                per_tib = [f"{point['seconds'] * 1024 / point['gib']:.2f} ({point['gib'] // 1024} TiB)" for point in points]
                lines.append(f"- {pattern}, {plots.threads_text(threads)}: {', '.join(per_tib)} seconds for each TiB")
    return lines


def _scale_lines(result):
    lines = ["| memory | pages | program | what | threads | s | CPU s | anonymous memory at most, MiB |",
             "|---|---|---|---|---|---|---|---|"]
    for point in sorted(result["scale"], key=lambda one: (one["pattern"], one["gib"], one["who"], one["what"])):
        size = f"{point['gib']} GiB" if point["gib"] < 1024 else f"{point['gib'] // 1024} TiB"
        seconds = f"{point['seconds']:.2f}" + (f" (filtering {point['filter_s']:.2f})" if "filter_s" in point else "")
        lines.append(f"| {size} | {point['pattern']} | {point['who']} | {point['what']} | {point['threads'] or 'default'} "
                     f"| {seconds} | {point['cpu_s']:.2f} | {point['memory_bytes'] / MIB:.1f} |")
    return lines


def _head(result):
    machine, load = result["machine"], result["load"]
    kind = "virtual machine" if machine["is_virtual"] else "machine"
    return f"""# Benchmarks

Written by `{REPEAT}`, which measures everything again and needs {result['took_s'] / 60:.0f} minutes here.
`--from build/bench.json` writes the page again without measuring; `--part`, `--work` and `--core` measure less.

- {kind}: {machine['cpus']} CPUs ({machine['cpu']}), {machine['memory_gib']} GiB, Linux {machine['kernel']}, {machine['system']}
- {result['versions']['kdump-copy']}; {result['versions']['makedumpfile']}
- load average {load['load_average']:.1f} at the start; {load['others_percent']:.0f} % of the CPU time went to others meanwhile
  (the kernel's own threads, which write files to the disk, are among them)

"""


METHOD = """## How it is measured

- Both programs in turn, on the same vmcore: at least {small} rounds on the small vmcores and of filtering alone, {large} of the
  others; up to {most} until a row took {row_s:g} s, a method into a sink {method_s:g} s.
  A ratio is that of the medians; the spread is where the middle half of the ratios of single rounds lies. A goal within it is
  neither met nor missed: measure again on a quiet machine.
- Vmcores are in {cores}.
- Rounds (into a sink: runs) in which the hypervisor gave more than {stolen} % of the CPU time to others do not count; if too few are
  left, the least disturbed do.
- makedumpfile runs with the one of `--num-threads` 0, 1, 2 that is fastest for the work, tried once before (0 unless the table
  says otherwise); except against the distributions' default.
- "Filter alone" is the time that each program says it took: makedumpfile prints it for "Excluding unnecessary pages", over its
  passes; kdump-copy writes `filter_us` with `--stats`.
- Dumps go to {memory}. Rows "to disk" and the sink "disk" go to {disk}, with fsync counted for both. Streams are `-F` into a
  pipe, whose reader needs a share of the CPUs, too.
- Before a run that writes a file, as much memory is used and given back, in pieces that stay with the machine: else the work of
  the hypervisor would be measured, who takes large pieces of free memory for itself.
- Memory is the peak of RssAnon, looked at every millisecond in a run that does not count, beside the bound that kdump-copy
  announces, if it does.
- Where both programs call the same library in the same way, its time alone is measured beside them, for the same pages, from
  memory, with one thread, and with it one look at each page of zeros: `codec.c`. "At most" is the ratio of who took no time for
  anything else.
- Both dumps of a row must hold the same pages; libkdumpfile reads them. "Size" is how many times as large ours is.
- A row whose option a program does not have is "not there", and no result.
"""


def _plot(result, folder, page, name):
    draw, title = plots.ALL[name]
    text = draw(result)
    if text is None:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.svg").write_text(text, encoding="utf-8")
    return f"![{title}]({os.path.relpath(folder, page.parent)}/{name}.svg)\n\n"


def _rows(result):
    rows = [row for row in result["rows"] if "absent" not in row]
    met = [verdict for row in rows for verdict in verdicts(row) if verdict != "–"]
    lines = [ROWS_HEAD, *(row_line(row) for row in result["rows"]), "",
             f"{met.count('yes')} of {len(met)} goals met. Not met:", ""]
    for row in rows:
        for (threads, ratio), verdict in zip(row["ratio"].items(), verdicts(row)):
            if verdict == "no":
                goal, (low, high) = works.goal(row["wanted"], threads), row["ratio_middle"][threads]
                limit = most(row, threads)
                lines.append(f"- {row['group']}: {row['name']}, {row['core']}, {plots.threads_text(threads)}: {ratio:.2f} of "
                             f"{goal:g}" + (" (within the spread)" if low <= goal <= high else "")
                             + (f"; the codec and a look at zeros alone would be {limit:.2f}" if limit and limit < goal else ""))
        if is_too_large(row):
            lines.append(f"- {row['group']}: {row['name']}, {row['core']}: {row['ours_bytes'] / row['theirs_bytes']:.3f} times "
                         f"the size, at most {row['size_limit']:g} is allowed")
    return "\n".join(lines) + "\n\n"


def write(result, path, folder):
    """Write the page, and its plots into a folder."""
    machine = result["machine"]
    text = _head(result) + METHOD.format(**result["rounds"], memory=machine["memory_place"], disk=machine["disk_place"],
                                          cores=CORES[result["is_huge"]])
    text += "\nVmcores:\n\n" + "".join(f"- {name}: {what}\n" for name, what in works.CORES.items()) + "\n"
    if result["rows"]:
        text += "## Against makedumpfile\n\n" + _plot(result, folder, path, "ratios") + _rows(result)
        text += _plot(result, folder, path, "sizes")
    if result["sinks"]:
        text += ("## Methods into slow and fast places\n\nLevel 31; median [fastest…slowest].\n"
                 "Goal: auto is never slower than raw into the same place by more than 5 %, and never larger.\n\n")
        text += _plot(result, folder, path, "sinks")
        text += "\n".join(line for sink in result["sinks"] for line in sink_lines(sink)) + "\n"
    if result["scale"]:
        text += ("## Size of the machine\n\nSimulated: page tables and tables of sections are whole, struct pages of "
                 f"{works.SCALE_DISTINCT} sections ({works.SCALE_DISTINCT * 2} MiB) repeat; one run each.\n\n")
        text += "".join(f"- {name}: {PATTERN_TEXT[name]}\n" for name in ("free", "users")) + "\n"
        text += _plot(result, folder, path, "scale-time") + "\n".join(_growth(result)) + "\n\n"
        text += _plot(result, folder, path, "scale-memory") + "\n".join(_scale_lines(result)) + "\n\n"
    worst = _memory_goal(result)
    if worst:
        part, value, threads, name = worst
        text += (f"Memory: the goal is 8 MiB and 2 MiB a thread at any size; {'met' if part <= 1 else '**not met**'}. "
                 f"Nearest to it is {name} with {plots.threads_text(threads)}: {value / MIB:.1f} MiB, {100 * part:.0f} %.\n")
    path.write_text(text, encoding="utf-8")
