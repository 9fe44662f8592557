# SPDX-License-Identifier: GPL-2.0-or-later
"""House rules that need no tool but a compiler: each function takes a Tree and returns what is wrong, as lines of text.

The rules and their numbers are those of CONTRIBUTING.md. Each check has a bad snippet in bad.py that it must refuse.
"""
import re
import subprocess

LAYERS = ("base", "core", "dump", "boot", "capture", "report", "cmd")
FUNCTION_HARD_LINES, FUNCTION_LONG_LINES, FUNCTION_LONG_SHARE = 100, 60, 0.05
FILE_HARD_LINES = 700
LINE_COLUMNS = 132      # 120 is the rule; a documented one-line prototype may be longer.
# Writable objects that are allowed: file -> names.
WRITABLE = {"error": {"error_nomem"}}
# Files that may ask for the machine they are compiled for.
ARCH_CONDITIONALS = ()
ARCH_MACRO = re.compile(r"^\s*#\s*(?:if|elif|ifdef|ifndef)\b.*\b(?:__x86_64__|__i386__|__aarch64__|__arm__|__s390x?__|"
                        r"__powerpc(?:64)?__|__PPC(?:64)?__|__riscv|__loongarch)")


class Tree:
    """A source tree: its files, and a build of it."""

    def __init__(self, root, build=None, files=None):
        self.root, self.build = root, build
        self.is_full = False
        self.files = files if files is not None else self._tracked()

    def _tracked(self):
        done = subprocess.run(["git", "-C", self.root, "ls-files", "-co", "--exclude-standard"], capture_output=True,
                              text=True, check=True)
        return sorted(name for name in set(done.stdout.split("\n")) if name and (self.root / name).is_file())

    def match(self, *patterns):
        """Paths relative to the root that match one of the regular expressions."""
        return [name for name in self.files if any(re.fullmatch(pattern, name) for pattern in patterns)]

    def text(self, name):
        """Content of a file."""
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def sources(self):
        """C files of the product."""
        return self.match(r"src/.*\.[ch]")


def blank_comments(text):
    """The text with comments and literals blanked, lines kept."""
    def replace(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', replace, text, flags=re.S)


def layers(tree):
    """A file includes only its own layer and those before it."""
    wrong = []
    for name in tree.sources():
        layer = name.split("/")[1]
        if layer not in LAYERS:
            wrong.append(f"{name}: {layer} is no layer")
            continue
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match or match.group(1) == "config.h":
                continue
            other = match.group(1).split("/")[0]
            if other not in LAYERS or "/" not in match.group(1):
                wrong.append(f"{name}:{number}: \"{match.group(1)}\" does not start with a layer")
            elif LAYERS.index(other) > LAYERS.index(layer):
                wrong.append(f"{name}:{number}: {layer} includes {other}")
    return wrong


def _objects(tree):
    """(object's stem, section, symbol, is global) of each defined object and function in libkdump.a."""
    library = tree.build / "libkdump.a"
    done = subprocess.run(["objdump", "-t", library], capture_output=True, text=True, check=True)
    stem = ""
    for line in done.stdout.splitlines():
        header = re.match(r"(\S+)\.o:\s+file format", line)
        if header:
            stem = header.group(1).removeprefix("libkdump_a-")
            continue
        entry = re.match(r"[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
        if entry and entry.group(2) not in ("*UND*", "*ABS*") and "d" not in entry.group(1)[5:6]:
            yield stem, entry.group(2), entry.group(3), "g" in entry.group(1) or "u" in entry.group(1)


def _prefixes(tree, stem):
    """Names that the symbols of a file may start with: its own, those it is a part of, structures of its header."""
    parts = stem.split("_")
    allowed = {"_".join(parts[:count]) for count in range(1, len(parts) + 1)}
    for name in tree.match(rf"src/[^/]+/{re.escape(stem)}\.h"):
        allowed.update(re.findall(r"^(?:struct|enum|union) (\w+)(?: \{|;)", tree.text(name), flags=re.M))
    return allowed


def symbols(tree):
    """A symbol that others can see starts with the name of its file."""
    wrong = []
    for stem, _, symbol, is_global in _objects(tree):
        if is_global and not any(symbol == prefix or symbol.startswith(prefix) for prefix in _prefixes(tree, stem)):
            wrong.append(f"{stem}.c: {symbol}")
    return wrong


def writable(tree):
    """No object below cmd/ can be written to."""
    return [f"{stem}.c: {symbol} is in {section}" for stem, section, symbol, _ in _objects(tree)
            if re.match(r"\.(?:data|bss|tdata|tbss)\b|\*COM\*", section) and not section.startswith(".data.rel.ro")
            and not symbol.startswith(".") and symbol not in WRITABLE.get(stem, ())]


def headers_alone(tree):
    """Each header compiles by itself, and twice."""
    wrong = []
    for name in tree.match(r"src/.*\.h"):
        include = name.removeprefix("src/")
        done = subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-iquote",
                               tree.root / "src", "-xc", "-"], input=f'#include "{include}"\n#include "{include}"\n',
                              capture_output=True, text=True, check=False)
        if done.returncode:
            wrong.append(f"{name}: {done.stderr.strip().splitlines()[0]}")
    return wrong


def _declarations(text):
    """(line number, first line) of each declaration at the top level of a header."""
    depth, is_inside = 0, False
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: "\n" * match.group().count("\n"), blank_comments(text),
                  flags=re.M)
    for number, line in enumerate(text.splitlines(), 1):
        code = line.strip()
        if not code:
            continue
        if depth == 0 and not is_inside:
            yield number, code
        is_inside = True
        depth += code.count("{") - code.count("}")
        if depth == 0 and code[-1] in ";}":
            is_inside = False


def documented(tree):
    """Each declaration of a header has a comment directly above, each header says what it is and what it is not."""
    wrong = []
    for name in tree.match(r"src/.*\.h"):
        text = tree.text(name)
        lines = text.splitlines()
        head = re.search(r"/\*\*\n \* @file\n \*\n(.*?)\*/", text, flags=re.S)
        if not head or not re.search(r"\b(?:not|no|never|nothing)\b", head.group(1), flags=re.I):
            wrong.append(f"{name}: the comment at its head does not say what it is not")
        for number, code in _declarations(text):
            if re.fullmatch(r"(?:struct|union|enum) \w+;", code) or number < 2:
                continue
            above = lines[number - 2].strip()
            start = number - 2
            while start > 0 and not lines[start].lstrip().startswith("/*"):
                start -= 1
            is_file = start + 1 < number - 1 and lines[start + 1].strip() == "* @file"
            if not above.endswith("*/") or not lines[start].lstrip().startswith("/**") or is_file:
                wrong.append(f"{name}:{number}: {code}")
    return wrong


def _functions(text):
    """(name, first line, lines) of each function of a C file: its braces stand alone in column 0."""
    lines = blank_comments(text).splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.rstrip() == "}" and start:
            head = next((lines[above] for above in range(start - 2, -1, -1)
                         if lines[above][:1].strip() and "(" in lines[above]), "?")
            name = re.search(r"(\w+)\s*\(", head)
            yield name.group(1) if name else "?", start, number - start + 1
            start = None


def lengths(tree):
    """Functions up to 100 lines, at most 5 % of them over 60; files up to 700."""
    wrong, total, long = [], 0, []
    for name in tree.match(r"src/.*\.[ch]", r"tests/unit/.*\.[ch]"):
        text = tree.text(name)
        count = len(text.splitlines())
        if count > FILE_HARD_LINES:
            wrong.append(f"{name}: {count} lines")
        for function, line, size in _functions(text):
            total += 1
            if size > FUNCTION_LONG_LINES:
                long.append(f"{name}:{line}: {function}() has {size} lines")
            if size > FUNCTION_HARD_LINES:
                wrong.append(long[-1])
    if len(long) > FUNCTION_LONG_SHARE * total:
        wrong += [f"{len(long)} of {total} functions have more than {FUNCTION_LONG_LINES} lines:"] + long
    return wrong


def columns(tree):
    """Lines end somewhere."""
    return [f"{name}:{number}: {len(line.expandtabs(8))} columns"
            for name in tree.match(r"src/.*\.c", r"tests/unit/.*\.c")
            for number, line in enumerate(tree.text(name).splitlines(), 1) if len(line.expandtabs(8)) > LINE_COLUMNS]


def macros(tree):
    """No macro returns or jumps."""
    wrong = []
    for name in tree.match(r"src/.*\.[ch]", r"tests/.*\.[ch]"):
        text = blank_comments(tree.text(name))
        for match in re.finditer(r"^\s*#\s*define\s+(\w+)((?:[^\n]*\\\n)*[^\n]*)", text, flags=re.M):
            if re.search(r"\b(?:return|goto|longjmp)\b", match.group(2)):
                line = text.count("\n", 0, match.start()) + 1
                wrong.append(f"{name}:{line}: {match.group(1)}")
    return wrong


def arch_conditionals(tree):
    """The machine of a dump is run-time data."""
    return [f"{name}:{number}: {line.strip()}" for name in tree.sources() if name not in ARCH_CONDITIONALS
            for number, line in enumerate(tree.text(name).splitlines(), 1) if ARCH_MACRO.match(line)]


def licences(tree):
    """Each source file names its licence in its first lines."""
    wrong = []
    for name in tree.files:
        if re.search(r"\.(?:c|h|py|sh|am|ac|m4)$", name):
            text = tree.text(name)
        elif (tree.root / name).stat().st_mode & 0o111:
            text = tree.text(name)
            if not text.startswith("#!"):
                continue
        else:
            continue
        if not any("SPDX-License-Identifier: GPL-2.0-or-later" in line for line in text.splitlines()[:3]):
            wrong.append(name)
    return wrong


def blanks(tree):
    """No blanks at the end of a line, one newline at the end of a file."""
    wrong = []
    for name in tree.files:
        if re.match(r"tests/roots/|tests/fuzz/corpus/|COPYING$", name):
            continue             # Golden output is what it is, and so is an input.
        data = (tree.root / name).read_bytes()
        if b"\0" in data or not data:
            continue
        for number, line in enumerate(data.split(b"\n"), 1):
            if line != line.rstrip():
                wrong.append(f"{name}:{number}: blanks at the end of the line")
        if not data.endswith(b"\n") or data.endswith(b"\n\n"):
            wrong.append(f"{name}: must end in one newline")
    return wrong


# Name -> function, whether it needs a build.
CHECKS = {
    "layers": (layers, False),
    "symbols": (symbols, True),
    "writable-objects": (writable, True),
    "headers-alone": (headers_alone, False),
    "documented": (documented, False),
    "lengths": (lengths, False),
    "columns": (columns, False),
    "macros": (macros, False),
    "arch-conditionals": (arch_conditionals, False),
    "licences": (licences, False),
    "blanks": (blanks, False),
}
