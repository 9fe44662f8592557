# SPDX-License-Identifier: GPL-2.0-or-later
"""The plots of the report, each from the numbers of a run; a plot without numbers is left out."""

import svg
import works

ROW_HEIGHT, GROUP_HEIGHT = 22, 26
MIB = 1 << 20


def threads_text(count):
    """1 thread, 2 threads."""
    return f"{count} thread{'' if str(count) == '1' else 's'}"


def _present(result):
    return [row for row in result["rows"] if "absent" not in row]


def ratios(result):
    """How many times as fast, row by row, with the goals."""
    rows = _present(result)
    if not rows:
        return None
    values = [1.0] + [ratio for row in rows for ratio in row["ratio"].values()]
    values += [goal for row in rows for goal in row["wanted"] if goal]
    groups = list(dict.fromkeys(row["group"] for row in rows))
    height = ROW_HEIGHT * len(rows) + GROUP_HEIGHT * len(groups) + 8
    panel = svg.Panel(310, 66, 560, height, svg.log_axis(values, "×"), None)
    panel.axes("", "times as fast (log scale); right of 1 kdump-copy is faster")
    panel.text(12, 24, "Speed against makedumpfile at its fastest, medians of interleaved runs", "title")
    one, _ = panel.at(1, 0)
    panel.add(f'<line class="reference" x1="{one:.1f}" x2="{one:.1f}" y1="66" y2="{66 + height}"/>')
    svg.legend(panel, 320, 48, (("ours hollow", "1 thread", "mark"), ("ours", "2 threads", "mark"),
                                ("goal", "goal with 1 thread", "stroke"), ("goal", "with 2 threads (longer)", "stroke")))
    y = 4
    for group in groups:
        y += GROUP_HEIGHT
        panel.text(12, panel.top + y - 7, group, "title")
        for row in (row for row in rows if row["group"] == group):
            _ratio_row(panel, row, y + ROW_HEIGHT / 2)
            y += ROW_HEIGHT
    return svg.document(900, height + 116, "Speed against makedumpfile", [panel])


def _ratio_row(panel, row, y):
    panel.text(302, panel.top + y + 4, f"{row['name']}, {row['core']}", "", "end")
    for threads, ratio in row["ratio"].items():
        goal, kind = works.goal(row["wanted"], threads), "ours hollow" if threads == "1" else "ours"
        if goal:
            panel.upright(goal, y, 10 if threads == "1" else 18, "goal")
        panel.span(*row["ratio_middle"][threads], y, "ours")
        panel.mark(ratio, y, kind, f"{row['name']}, {threads_text(threads)}: {ratio:.2f}"
                                   + (f", goal {goal:g}" if goal else ""))


def sizes(result):
    """Time against size of the dump, level 31."""
    panels, names = [], ("raw", "lzo", "snappy", "zstd", "zlib", "zstd-fast against zstd")
    for index, core in enumerate(("small", "large")):
        rows = [row for row in _present(result)
                if row["group"] == "level 31" and row["core"] == core and row["name"] in names]
        if not rows:
            continue
        last = list(rows[0]["ours_s"])[-1]
        both = [(name.partition(" ")[0], "ours", row["ours_s"][last], row["ours_bytes"]) for row in rows
                for name in (row["name"],)]
        both += [(row["name"], "theirs hollow", row["theirs_s"], row["theirs_bytes"]) for row in rows
                 if "against" not in row["name"]]
        panel = svg.Panel(64 + 440 * index, 84, 360, 300, svg.log_axis([took for *_, took, _ in both], " s"),
                          svg.log_axis([size / 1e6 for *_, size in both], " MB"))
        panel.axes(f"Level 31 of the {core} vmcore", "seconds (log scale)", "size of the dump (log scale)")
        for name, kind, took, size in both:
            panel.mark(took, size / 1e6, kind, f"{name}: {took:.3f} s, {size / 1e6:.1f} MB")
            left, down = panel.at(took, size / 1e6)
            # The only two that lie on top of one another.
            down += {"lzo": 9, "snappy": -2}.get(name, 4)
            panel.text(left + (8 if "theirs" in kind else -8), down, name, "faint",
                       "start" if "theirs" in kind else "end")
        panels.append(panel)
    if not panels:
        return None
    svg.legend(panels[0], 74, 32, (("ours", "kdump-copy, 2 threads", "mark"),
                                   ("theirs hollow", "makedumpfile at its fastest", "mark")))
    return svg.document(900, 436, "Time against size", panels)


def _most_threads(sink):
    """Method -> program -> numbers, of kdump-copy with the most threads; and how many these are."""
    most = max((key.rpartition(" ")[2] for key in sink["methods"] if key.startswith("kdump-copy ")), key=int, default="")
    methods = {name: {} for name in works.OUR_METHODS}
    for key, found in sink["methods"].items():
        who, name, *threads = key.split(" ")
        if not threads or threads == [most]:
            methods[name][who] = found
    return {name: pair for name, pair in methods.items() if pair}, most


def sinks(result):
    """Each method into each kind of place."""
    panels, last, most = [], None, ""
    for index, sink in enumerate(result["sinks"]):
        methods, most = _most_threads(sink)
        height = 34 * len(methods) + 6
        top, left = 70 + (height + 84) * (index // 2), 84 + 440 * (index % 2)
        axis = svg.linear_axis(max(found["seconds"] for pair in methods.values() for found in pair.values()), " s")
        panel = svg.Panel(left, top, 340, height, axis, None)
        panel.axes(sink["sink"])
        for place, (name, pair) in enumerate(methods.items()):
            y = 34 * place + 20
            panel.text(left - 8, top + y + 4, name, "", "end")
            for who, kind, shift in (("kdump-copy", "ours", -7), ("makedumpfile", "theirs", 7)):
                if who in pair:
                    panel.bar(pair[who]["seconds"], y + shift, 11, kind,
                              f"{who} {name}: {pair[who]['seconds']:.3f} s, {pair[who]['bytes'] / 1e6:.1f} MB")
        panels.append(panel)
        last = top + height
    if not panels:
        return None
    svg.legend(panels[0], 94, 26, (("ours", f"kdump-copy, {threads_text(most)}", "mark"),
                                   ("theirs", "makedumpfile at its fastest", "mark")))
    return svg.document(900, last + 50, "Methods into slow and fast places, level 31", panels)


def _scale_series(result, pattern):
    """(program, what, threads) -> points in the order of sizes."""
    series = {}
    for point in result["scale"]:
        if point["pattern"] == pattern:
            series.setdefault((point["who"], point["what"], point["threads"]), []).append(point)
    return series


def _kind(who, what, threads):
    kind = "ours" if who == "kdump-copy" else "theirs"
    return kind + (" dashed" if what == "dump" else ""), kind + (" hollow" if threads == 1 else "")


def _scale_panels(result, value, axis, titles):
    panels = []
    for index, pattern in enumerate(("free", "users")):
        series = _scale_series(result, pattern)
        if not series:
            continue
        sizes_axis = svg.log_axis([point["gib"] for points in series.values() for point in points])
        gib = sorted({point["gib"] for points in series.values() for point in points})
        sizes_axis.ticks = [(size, f"{size} GiB" if size < 1024 else f"{size // 1024} TiB") for size in gib]
        panel = svg.Panel(64 + 440 * index, 96, 360, 300, sizes_axis, axis)
        panel.axes({"free": "mostly free", "users": "no free page"}[pattern], "memory of the machine (log scale)", titles)
        for key, points in series.items():
            line, mark = _kind(*key)
            panel.line([(point["gib"], value(point)) for point in points], line)
            for point in points:
                panel.mark(point["gib"], value(point), mark,
                           f"{key[0]} {key[1]}, {point['gib']} GiB: {point['seconds']:.2f} s, "
                           f"{point['memory_bytes'] / MIB:.1f} MiB")
        panels.append(panel)
    return panels


LEGEND = (("ours", "kdump-copy dry run, 2 threads", "mark"), ("ours hollow", "1 thread", "mark"),
          ("ours dashed", "dump with lzo", "line"), ("theirs", "makedumpfile", "mark"),
          ("theirs dashed", "its dump with lzo", "line"))


def scale_time(result):
    """Time against the size of the machine."""
    if not result["scale"]:
        return None
    axis = svg.log_axis([max(point["seconds"], 1e-3) for point in result["scale"]], " s")
    panels = _scale_panels(result, lambda point: max(point["seconds"], 1e-3), axis, "seconds (log scale)")
    svg.legend(panels[0], 74, 28, LEGEND)
    return svg.document(900, 448, "Time against the size of the machine, level 31", panels)


def scale_memory(result):
    """Peak of anonymous memory against the size of the machine."""
    if not result["scale"]:
        return None
    highest = max(point["memory_bytes"] for point in result["scale"]) / MIB
    panels = _scale_panels(result, lambda point: point["memory_bytes"] / MIB, svg.linear_axis(max(highest, 14), " MiB"),
                           "peak of anonymous memory")
    for panel in panels:
        left, down = panel.at(panel.x.low, 12)
        panel.add(f'<line class="reference" x1="{left:.1f}" x2="{panel.right}" y1="{down:.1f}" y2="{down:.1f}"/>')
        panel.text(panel.right - 6, down - 6, "goal with 2 threads: 12 MiB", "faint", "end")
    svg.legend(panels[0], 74, 28, LEGEND)
    return svg.document(900, 448, "Memory against the size of the machine, level 31", panels)


ALL = {"ratios": (ratios, "Speed against makedumpfile, with the goals"),
       "sizes": (sizes, "Time against size of the dump"),
       "sinks": (sinks, "Methods into slow and fast places"),
       "scale-time": (scale_time, "Time against the size of the machine"),
       "scale-memory": (scale_memory, "Memory against the size of the machine")}
