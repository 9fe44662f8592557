# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that read dumps and are not ours: crash, makedumpfile, libkdumpfile, drgn."""

import json
import pathlib
import re
import shutil
import struct

from .command import LabError, run

CRASH_COMMANDS = ("sys", "bt", "ps", "log", "kmem -i", "mod")
# crash 9.0.2 stops where it cannot read the modules of a kernel that is newer than itself.
NO_MODULES = "--no_modules"

# What crash prints about the file itself, which differs between two dumps of
# one machine and says nothing about what was found in them.
ABOUT_THE_FILE = re.compile(r"^\s*DUMPFILES?: .*(\n +\S+ *(\[.*\])?$)*|\[PARTIAL DUMP\]", re.MULTILINE)


class CrashOutput:
    """What one run of crash printed: by command, and beside the commands."""

    def __init__(self, code, banner, by_command):
        self.code = code
        self.banner = banner
        self.by_command = by_command

    def text(self, command):
        """A command's output without what names the file."""
        return ABOUT_THE_FILE.sub("", self.by_command[command]).strip()

    def warnings(self):
        """Warnings and errors of the whole run, one line each, in order."""
        whole = "\n".join([self.banner, *self.by_command.values()])
        return [line.strip() for line in whole.splitlines()
                if re.search(r"WARNING|^crash: |: error|invalid|cannot|seek error|"
                             r"read error|page excluded|mismatch", line)
                and not line.startswith("[")]


def arm64_option(notes):
    """What crash 9.0.2 has to be told of an arm64 machine with these notes; None if it does not read its memory.

    Where the kernel was built for more bits of virtual address than the CPU has, VMCOREINFO's PHYS_OFFSET belongs to the begin of
    memory that those bits give, and crash adds it to the one that the CPU's give. Page tables of 52 bits it does not walk.
    """
    found = {name: int(value, 0) for name, value in re.findall(r"^NUMBER\((VA_BITS|TCR_EL1_T1SZ|PHYS_OFFSET)\)=(\w+)$",
                                                               notes.decode(errors="replace"), re.MULTILINE)}
    built = found["VA_BITS"]
    bits = 64 - found["TCR_EL1_T1SZ"] if "TCR_EL1_T1SZ" in found else built
    if bits > 48:
        return None
    return f"-m phys_offset={(found['PHYS_OFFSET'] + (1 << built) - (1 << bits)) % (1 << 64):#x}" if built > bits else ""


class Refused(LabError):
    """A reader does not support such dumps; the text is its own."""


class _Crash:
    """What is the same wherever crash runs."""

    def _run_crash(self, folder, kernel, words, names):
        """Run it in a folder, with words before the kernel and names of files behind it; return what run() returns."""
        raise NotImplementedError

    def crash(self, kernel, dump, commands=CRASH_COMMANDS, option="", more_parts=()):
        """Run crash's commands on a dump, all parts of it; each command's output apart."""
        folder, name = dump.parent, dump.name
        outputs = folder / f"{name}.crash"
        # What an earlier run printed must not be taken for what this one did.
        shutil.rmtree(outputs, ignore_errors=True)
        outputs.mkdir()
        script = "".join(f"{command} > {outputs.name}/{number}\n"
                         for number, command in enumerate(commands)) + "quit\n"
        (outputs / "commands").write_text(script, encoding="ascii")
        code, banner, _ = self._run_crash(
            folder, kernel, ["--no_crashrc", *option.split(), "-i", f"{outputs.name}/commands"],
            [name, *(part.name for part in more_parts)])
        by_command = {}
        for number, command in enumerate(commands):
            path = outputs / str(number)
            if not path.exists():
                raise LabError(f"crash on {name}: no output of {command}:\n"
                               + "\n".join(banner.splitlines()[-15:]))
            by_command[command] = path.read_text(errors="replace")
        return CrashOutput(code, banner, by_command)


class ForeignTools(_Crash):
    """crash and makedumpfile for another machine: they read dumps of their own only, and run emulated."""

    def __init__(self, tree):
        self._tree = tree

    def _emulated(self, program, words, timeout_s, cwd=None):
        return run(["qemu-aarch64-static", "-L", self._tree, self._tree / "usr/bin" / program, *words],
                   timeout_s=timeout_s, ok=None, cwd=cwd, merge=True)

    def _run_crash(self, folder, kernel, words, names):
        # On a quiet machine it is a minute.
        return self._emulated("crash", [*words, kernel.vmlinux, *names], 900, folder)

    def makedumpfile(self, vmcore, level, target):
        """Filter a vmcore with makedumpfile."""
        code, text, _ = self._emulated("makedumpfile", ["--message-level", "5", "-d", str(level), vmcore, target], 600)
        found = re.search(r"^.*not supported.*$", text, re.MULTILINE)
        if code and found:
            raise Refused(found[0])
        if code:
            raise LabError(f"makedumpfile -d {level}: exit {code}\n{text.strip()[-800:]}")


class Tools(_Crash):
    """The tree of a later suite, entered with chroot in a mount namespace."""

    def __init__(self, tree):
        self._tree = tree

    def _inside(self, folder, kernel, script, timeout_s, *args):
        prepare = (
            'tree=$1 work=$2 kernel=$3 inner=$4; shift 4\n'
            'mount --bind "$work" "$tree/work"\n'
            '[ -z "$kernel" ] || mount --bind "$kernel" "$tree/mnt"\n'
            'mount -t proc proc "$tree/proc"\n'
            'exec chroot "$tree" sh -euc "cd /work; $inner" sh "$@"')
        return run(["unshare", "--mount", "sh", "-euc", prepare, "sh", self._tree,
                    folder, kernel or "", script, *args],
                   timeout_s=timeout_s, ok=None, merge=True)

    def _run_crash(self, folder, kernel, words, names):
        return self._inside(folder, kernel.path, 'exec crash "$@"', 300, *words, "/mnt/vmlinux", *names)

    def crash_program(self, folder, kernel, path):
        """A program that is crash, for files of a folder and a kernel: their names are what they are in its tree."""
        path.write_text("\n".join((
            "#!/bin/sh", "set -eu", f"tree='{self._tree}' folder='{folder.resolve()}' kernel='{kernel.path.resolve()}'",
            'for word; do', '\tshift', '\t[ ! -e "$word" ] || word=$(readlink -f "$word")', '\tcase $word in',
            '\t"$folder"/*) word=/work/${word#"$folder"/} ;;', '\t"$kernel"/*) word=/mnt/${word#"$kernel"/} ;;', '\tesac',
            '\tset -- "$@" "$word"', 'done',
            "exec unshare --mount sh -euc 'mount --bind \"$2\" \"$1/work\"; mount --bind \"$3\" \"$1/mnt\"",
            'mount -t proc proc "$1/proc"; tree=$1; shift 3; exec chroot "$tree" /usr/bin/crash "$@"\' sh "$tree" "$folder" "$kernel" "$@"',
            "")), encoding="ascii")
        path.chmod(0o755)

    def makedumpfile(self, vmcore, level, target, options=""):
        """Filter a vmcore with makedumpfile."""
        folder = vmcore.parent
        if target.parent != folder:
            raise LabError("makedumpfile: source and target must be in one folder")
        code, text, _ = self._inside(
            folder, None,
            f"exec makedumpfile --message-level 5 {options} -d {level} {vmcore.name} {target.name}", 300)
        if code != 0:
            raise LabError(f"makedumpfile -d {level}: exit {code}\n{text.strip()[-800:]}")

    def drgn(self, kernel, dump, script):
        """What a script makes of a dump with drgn, of which its name and that of the debugging information are told: JSON."""
        said = dump.parent / f"{dump.name}.said"
        shutil.copy(script, dump.parent)
        code, text, _ = self._inside(dump.parent, kernel.path, 'exec python3 "$1" "$2" /mnt/vmlinux >"$3"', 300,
                                     script.name, dump.name, said.name)
        (dump.parent / script.name).unlink()
        if code:
            raise LabError(f"drgn on {dump.name}: exit {code}\n{text.strip()[-1500:]}")
        return json.loads(said.read_text())

    def versions(self):
        """The versions of the readers, for the report."""
        code, text, _ = self._inside(
            pathlib.Path("/tmp"), None, "dpkg-query -W crash makedumpfile", 60)
        return text.split() if code == 0 else []


class Pages:
    """The pages program: what a dump holds, read with libkdumpfile."""

    def __init__(self, program):
        self._program = program

    def list(self, dump):
        """{page frame number: sum of its content} of every page in the file."""
        listed = pathlib.Path(f"{dump}.pages")
        run(["sh", "-euc", 'exec "$1" list "$2" >"$3"', "sh", self._program, dump, listed],
            timeout_s=300)
        data = listed.read_bytes()
        listed.unlink()
        return dict(struct.iter_unpack("<QQ", data))

    def find(self, text, dump):
        """[(page frame number, offset, text that begins there)]."""
        _, out, _ = run([self._program, "find", text, dump], timeout_s=300)
        found = []
        for line in out.replace("\0", "").splitlines():
            parts = line.split(" ", 2)
            if len(parts) == 3 and parts[0].isdigit():
                found.append((int(parts[0]), int(parts[1]), parts[2].strip()))
        return found
