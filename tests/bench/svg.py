# SPDX-License-Identifier: GPL-2.0-or-later
"""Plots as SVG text, readable on light and dark pages: panels with axes, and marks in them.

Knows nothing of what is plotted.
"""

import dataclasses
import html
import math

# Text, faint text, grid; then the series. Blue and orange are told apart by all kinds of colour vision.
STYLE = """
svg { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
.page { fill: #fcfcfb; } .frame { fill: none; stroke: #b9b8b3; } .grid { stroke: #e4e3df; }
text { fill: #22211e; } .faint { fill: #6a6963; } .title { font-size: 14px; font-weight: 600; }
.ours { fill: #2463c4; stroke: #2463c4; } .theirs { fill: #c75b12; stroke: #c75b12; } .goal { fill: none; stroke: #6a6963; }
.hollow { fill: #fcfcfb; } .line { fill: none; stroke-width: 2; } .dashed { stroke-dasharray: 5 4; }
.mark { stroke-width: 1.6; }
.whisker { stroke-width: 1; opacity: .55; } .reference { stroke: #6a6963; stroke-dasharray: 2 3; }
@media (prefers-color-scheme: dark) {
.page { fill: #1a1a19; } .frame { stroke: #5b5a56; } .grid { stroke: #33322f; }
text { fill: #edece8; } .faint { fill: #a3a29b; }
.ours { fill: #7fb2ff; stroke: #7fb2ff; } .theirs { fill: #ff9d5c; stroke: #ff9d5c; } .goal { stroke: #a3a29b; }
.hollow { fill: #1a1a19; } .reference { stroke: #a3a29b; }
}
"""
MARK_RADIUS = 4.5


@dataclasses.dataclass
class Axis:
    """Values from low to high, in pixels from start to end; ticks are (value, text)."""

    low: float
    high: float
    ticks: list
    is_log: bool = False

    def place(self, value, start, end):
        """Pixels of a value; what is outside comes to the border."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return start + (at - low) / (high - low) * (end - start)


def _number(value):
    return f"{value:g}"


def log_axis(values, unit="", text=_number):
    """An axis that holds all values, with ticks at 1, 2 and 5."""
    low, high = min(values), max(values)
    steps = [mantissa * 10.0 ** power for power in range(-4, 8) for mantissa in (1, 2, 5)]
    below = max(step for step in steps if step <= low)
    above = min(step for step in steps if step >= high and step > below)
    ticks = [step for step in steps if below <= step <= above]
    if len(ticks) > 9:
        ticks = [step for step in ticks if f"{step:e}"[0] == "1"]
    return Axis(below, above, [(step, text(step) + unit) for step in ticks], True)


def linear_axis(high, unit=""):
    """An axis from zero on."""
    step = 10.0 ** math.floor(math.log10(high or 1))
    for part in (0.2, 0.25, 0.5, 1, 2):
        if high / (step * part) <= 6:
            step *= part
            break
    count = math.ceil(high / step - 1e-9) or 1
    return Axis(0, step * count, [(step * index, f"{step * index:g}{unit}") for index in range(count + 1)])


class Panel:
    """A rectangle with two axes; y may be None for rows of names."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, left, top, width, height, x, y):
        self.left, self.top, self.right, self.bottom = left, top, left + width, top + height
        self.x, self.y = x, y
        self.parts = []

    def at(self, x, y):
        """Pixels of a point; without a y axis y is pixels from the top."""
        down = self.y.place(y, self.bottom, self.top) if self.y else self.top + y
        return self.x.place(x, self.left, self.right), down

    def add(self, text):
        """Put something that is SVG already on top."""
        self.parts.append(text)

    def axes(self, title, x_title="", y_title=""):
        """Frame, grid, ticks and titles."""
        for value, text in self.x.ticks:
            at = self.x.place(value, self.left, self.right)
            self.add(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{self.top}" y2="{self.bottom}"/>')
            self.text(at, self.bottom + 16, text, "faint", "middle")
        for value, text in self.y.ticks if self.y else ():
            at = self.y.place(value, self.bottom, self.top)
            self.add(f'<line class="grid" x1="{self.left}" x2="{self.right}" y1="{at:.1f}" y2="{at:.1f}"/>')
            self.text(self.left - 6, at + 4, text, "faint", "end")
        self.add(f'<rect class="frame" x="{self.left}" y="{self.top}" width="{self.right - self.left}" '
                 f'height="{self.bottom - self.top}"/>')
        self.text(self.left, self.top - (24 if y_title else 8), title, "title")
        self.text((self.left + self.right) / 2, self.bottom + 34, x_title, "faint", "middle")
        if y_title:
            self.text(self.left, self.top - 8, y_title, "faint")

    # pylint: disable-next=too-many-arguments
    def text(self, x, y, text, kind="", anchor="start"):
        """Text at pixels."""
        if text:
            self.add(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>')

    def mark(self, x, y, kind, title=""):
        """A point of a series; the title shows where the pointer is."""
        left, down = self.at(x, y)
        hint = f"<title>{html.escape(title)}</title>" if title else ""
        self.add(f'<circle class="mark {kind}" cx="{left:.1f}" cy="{down:.1f}" r="{MARK_RADIUS}">{hint}</circle>')

    def line(self, points, kind):
        """A line through points."""
        places = " ".join("{:.1f},{:.1f}".format(*self.at(*point)) for point in points)
        self.add(f'<polyline class="line {kind}" style="fill:none" points="{places}"/>')

    def span(self, x_low, x_high, y, kind):
        """A thin line along x: how far values spread."""
        left, down = self.at(x_low, y)
        right, _ = self.at(x_high, y)
        self.add(f'<line class="whisker {kind}" x1="{left:.1f}" x2="{right:.1f}" y1="{down:.1f}" y2="{down:.1f}"/>')

    def upright(self, x, y, height, kind):
        """A short upright stroke around y, in pixels: a goal."""
        left, down = self.at(x, y)
        self.add(f'<line class="{kind}" stroke-width="2" x1="{left:.1f}" x2="{left:.1f}" y1="{down - height / 2:.1f}" '
                 f'y2="{down + height / 2:.1f}"/>')

    # pylint: disable-next=too-many-arguments
    def bar(self, x, y, height, kind, title=""):
        """A bar from the left to x; y is its middle."""
        right, down = self.at(x, y)
        self.add(f'<rect class="{kind}" style="stroke:none" x="{self.left}" y="{down - height / 2:.1f}" '
                 f'width="{max(right - self.left, 1):.1f}" height="{height}" rx="2"><title>{html.escape(title)}</title></rect>')


def legend(panel, left, top, entries):
    """Marks and what they mean, in one line; entries: (class, text, "mark", "line" or "stroke")."""
    for kind, text, shape in entries:
        if shape == "line":
            panel.add(f'<line class="line {kind}" x1="{left - 8}" x2="{left + 8}" y1="{top}" y2="{top}"/>')
        elif shape == "stroke":
            panel.add(f'<line class="{kind}" stroke-width="2" x1="{left}" x2="{left}" y1="{top - 7}" y2="{top + 7}"/>')
        else:
            panel.add(f'<circle class="mark {kind}" cx="{left}" cy="{top}" r="{MARK_RADIUS}"/>')
        panel.text(left + 13, top + 4, text)
        left += 34 + 6.6 * len(text)


def document(width, height, title, panels):
    """A whole file."""
    body = "\n".join(part for panel in panels for part in panel.parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img">\n<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n'
            f'<rect class="page" width="{width}" height="{height}"/>\n{body}\n</svg>\n')
