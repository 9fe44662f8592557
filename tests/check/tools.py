# SPDX-License-Identifier: GPL-2.0-or-later
"""House rules that other programs check: as house.py, but a tool that is not there is a reason to skip."""
import concurrent.futures
import os
import re
import shutil
import subprocess

CPPCHECK = ["cppcheck", "--quiet", "--std=c11", "--language=c", "--enable=warning,performance,portability", "--inline-suppr",
            "--error-exitcode=1", "--template={file}:{line}: {id}: {message}",
            # Stubs of headers it does not see, and what it says about itself.
            "--suppress=missingInclude", "--suppress=missingIncludeSystem", "--suppress=unmatchedSuppression",
            # It does not know guards (cleanup attribute); the address sanitizer finds what leaks.
            "--suppress=unreadVariable", "--suppress=memleak", "--suppress=resourceLeak",
            # It does not know that read(2) fills a buffer; compilers and valgrind know better what is not initialised.
            "--suppress=legacyUninitvar",
            # It takes an error for a pointer into the structure that a function was given.
            "--suppress=returnDanglingLifetime",
            # %j with uintmax_t casts: it does not know the types behind PRI macros of the C library.
            "--suppress=invalidPrintfArgType_sint", "--suppress=invalidPrintfArgType_uint",
            "-D__GNUC__"]


def c_files(tree):
    """C files of product and tests."""
    return tree.match(r"(?:src|tests)/.*\.c")


def _flags(tree):
    flags = ["-std=gnu11", "-D_GNU_SOURCE", f"-I{tree.root}/tests/unit", "-iquote", f"{tree.root}/src"]
    config = tree.build / "config.h" if tree.build else None
    if config and config.exists():
        flags += ["-include", str(config)]
    packages = subprocess.run(["pkg-config", "--cflags", "blkid", "libconfig"], capture_output=True, text=True, check=False)
    flags += packages.stdout.split()
    flags += [f'-DKDUMP_{name}="/x"' for name in ("SYSCONFDIR", "LOCALSTATEDIR", "LIBDIR", "SBINDIR", "BINDIR")]
    return flags


def _each(function, names):
    """Lines of a function that is run for each name, on all CPUs."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [line for lines in pool.map(function, names) for line in lines]


def _run(argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def clang_format(tree):
    """Formatting as .clang-format says."""
    def one(name):
        _, text = _run(["clang-format", "--style=file", "--dry-run", str(tree.root / name)])
        lines = re.findall(r":(\d+):\d+: warning", text)
        return [f"{name}:{lines[0]}: not formatted ({len(lines)} places)"] if lines else []
    return _each(one, tree.match(r"(?:src|tests)/.*\.[ch]"))


def cppcheck(tree):
    """cppcheck, without a warning."""
    def one(name):
        _, text = _run([*CPPCHECK, f"-I{tree.root}/src", f"-I{tree.root}/tests/unit", str(tree.root / name)])
        return [line.replace(f"{tree.root}/", "") for line in text.splitlines() if line.strip()]
    return _each(one, c_files(tree))


def clang_tidy(tree):
    """clang-tidy, without a warning; what follows paths through functions takes minutes, and is of the full set."""
    less = [] if tree.is_full else ["--checks=-clang-analyzer-*"]

    def one(name):
        _, text = _run(["clang-tidy", "--quiet", *less, str(tree.root / name), "--", *_flags(tree)])
        return [line.replace(f"{tree.root}/", "") for line in text.splitlines()
                if re.search(r": (?:warning|error): ", line)]
    return sorted(set(_each(one, tree.match(r"src/.*\.c"))))


def shellcheck(tree):
    """shellcheck, without a warning."""
    names = [name for name in tree.files if name.endswith((".sh", ".sh.in")) or
             re.match(r"#!\s*/(?:usr/)?bin/(?:env )?(?:ba)?sh\b", tree.text(name)[:40])]
    def one(name):
        _, text = _run(["shellcheck", "-f", "gcc", "-x", "-P", "SCRIPTDIR", str(tree.root / name)])
        return [line.replace(f"{tree.root}/", "") for line in text.splitlines() if line.strip()]
    return _each(one, names)


def python(tree):
    """Python that compiles."""
    wrong = []
    for name in tree.files:
        if name.endswith(".py") or re.match(r"#!.*python3", tree.text(name)[:40]):
            try:
                compile(tree.text(name), name, "exec")
            except SyntaxError as error:
                wrong.append(f"{name}:{error.lineno}: {error.msg}")
    return wrong


# Name -> function, program that must be there.
CHECKS = {
    "lint/clang-format": (clang_format, "clang-format"),
    "lint/cppcheck": (cppcheck, "cppcheck"),
    "lint/clang-tidy": (clang_tidy, "clang-tidy"),
    "lint/shellcheck": (shellcheck, "shellcheck"),
    "lint/python": (python, "python3"),
}


def is_there(program):
    """Whether a program can be run."""
    return shutil.which(program) is not None
