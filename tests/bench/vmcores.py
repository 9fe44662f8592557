# SPDX-License-Identifier: GPL-2.0-or-later
"""Vmcores to measure with: the memory of a booted guest, with an ELF header in front.

A crash would give the same memory; leaving it out makes a guest of 128 GiB possible, whose
memory is a sparse file of some GiB.
"""

import os
import pathlib
import re
import shutil
import struct
import tempfile

from vmlab import cache, debian, image
from vmlab.command import LabError, run
from vmlab.guest import Guest

HEADER_BYTES = 1 << 20
HEADER_VERSION = 3
GIB = 1 << 30
# Memory of QEMU's machine "pc": where the file stops to be mapped at its own offset.
LOW_BYTES = 3 * GIB
LOW_LIMIT = 3 * GIB + GIB // 2
# With nokaslr and page tables of four levels (Linux Documentation/x86/x86_64/mm.rst).
PAGE_OFFSET = 0xffff888000000000
PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, PRSTATUS_BYTES = 1, 336
# Linux, struct elf_prstatus and user_regs_struct of x86-64; "": not told.
PRSTATUS_REGISTERS_AT = 112
PRSTATUS_REGISTERS = ("R15", "R14", "R13", "R12", "RBP", "RBX", "R11", "R10", "R9", "R8", "RAX", "RCX", "RDX", "RSI", "RDI", "", "RIP", "",
                      "RFL", "RSP", "")

# What a small machine does: programs, files in the page cache, slab.
WORKLOAD = """
find /usr /lib -type f -exec cat {} + >/dev/null
mkdir -p /run/load && mount -t tmpfs none /run/load
find /usr -xdev | xargs ls -ld >/run/load/list
python3 -c 'pass' 2>/dev/null || :
for i in 1 2 3 4 5 6; do setsid tail -f /run/load/list >/dev/null 2>&1 </dev/null & done
head -c 24000000 /dev/urandom >/run/load/random
sync
"""

# What leaves a fifth of the pages of a small machine not zero, and a quarter of those random.
REFERENCE_WORKLOAD = """
find /usr/bin /usr/lib -type f -exec cat {} + 2>/dev/null | head -c 115000000 >/dev/null
mkdir -p /run/load && mount -t tmpfs none /run/load
head -c 82000000 /dev/urandom >/run/load/random
sync
"""


def _offset(paddr, memory_bytes):
    """Where a physical address is in the memory file; None: not in it."""
    low = LOW_BYTES if memory_bytes > LOW_LIMIT else memory_bytes
    if paddr < low:
        return paddr
    if 4 * GIB <= paddr < 4 * GIB + memory_bytes - low:
        return paddr - 4 * GIB + low
    return None


def _note(name, kind, descriptor):
    name += b"\0"
    pad = lambda data: data + bytes(-len(data) % 4)
    return struct.pack("<III", len(name), len(descriptor), kind) + pad(name) + pad(descriptor)


def _prstatus(registers):
    """The note of the one CPU, from what the monitor tells of it."""
    values = {name: int(value, 16) for name, value in re.findall(r"\b(R\w\w?|RFL)\s*=([0-9a-f]{8,16})\b", registers)}
    note = bytearray(PRSTATUS_BYTES)
    for number, name in enumerate(PRSTATUS_REGISTERS):
        struct.pack_into("<Q", note, PRSTATUS_REGISTERS_AT + 8 * number, values.get(name, 0))
    return bytes(note)


def _header(memory, memory_bytes, iomem, note_place, registers):
    """ELF header, program headers and notes: HEADER_BYTES in all."""
    paddr, size = note_place
    with open(memory, "rb") as file:
        file.seek(_offset(paddr, memory_bytes))
        vmcoreinfo = file.read(size)
    if b"VMCOREINFO" not in vmcoreinfo[:32]:
        raise LabError(f"no VMCOREINFO note at {paddr:#x}")
    notes = _note(b"CORE", NT_PRSTATUS, _prstatus(registers)) + vmcoreinfo
    count = len(iomem) + 1
    notes_at = 64 + 56 * count
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0,
                         64, 56, count, 0, 0, 0)
    header += struct.pack("<IIQQQQQQ", PT_NOTE, 0, notes_at, 0, 0, len(notes), len(notes), 4)
    for first, end in iomem:
        header += struct.pack("<IIQQQQQQ", PT_LOAD, 7,
                              HEADER_BYTES + _offset(first, memory_bytes),
                              PAGE_OFFSET + first, first, end - first, end - first, 4096)
    header += notes
    return header + bytes(HEADER_BYTES - len(header))


def _put_in_front(header, memory):
    """Insert the header into the file without copying what is there, where that is possible."""
    if run(["fallocate", "--insert-range", "-o", "0", "-l", str(HEADER_BYTES), memory],
           ok=None)[0] == 0:
        with open(memory, "r+b") as file:
            file.write(header)
        return
    whole = f"{memory}.whole"
    pathlib.Path(whole).write_bytes(header)
    run(["dd", f"if={memory}", f"of={whole}", "bs=1M", "seek=1", "conv=sparse,notrunc",
         "status=none"], timeout_s=3600)
    size = os.stat(memory).st_size + HEADER_BYTES
    os.truncate(whole, size)
    os.replace(whole, memory)


def _build(made, memory_gib_tenths, series, workload, is_panicked, say):
    made.mkdir()
    memory_mib = memory_gib_tenths * 1024 // 10
    say(f"booting a guest of {memory_mib} MiB (emulated)")
    kernel = debian.kernel(series)
    run(["gcc", "-O2", "-static", "-o", made / "plant",
         pathlib.Path(image.__file__).resolve().parent.parent / "plant.c"])
    image.root_image(debian.guest_tar(), [kernel], None, [made / "plant"], made / "root.img")
    image.tiny_initrd(kernel, made / "boot.img")
    (made / "guest").mkdir()
    # Names of sockets are short.
    with tempfile.TemporaryDirectory() as short:
        (pathlib.Path(short) / "guest").symlink_to(made / "guest")
        _run_guest(made, Guest(pathlib.Path(short) / "guest", kernel, made / "boot.img", made / "root.img",
                               memory_mib=memory_mib, crashkernel="0M", append="nokaslr"), memory_mib, workload, is_panicked)
    shutil.rmtree(made / "guest")
    for name in ("root.img", "boot.img", "plant"):
        (made / name).unlink()


def _run_guest(made, machine, memory_mib, workload, is_panicked):
    """What it leaves is made / "vmcore"."""
    with machine as guest:
        guest.boot(timeout_s=900)
        guest.sh(workload, timeout_s=600)
        place = guest.sh("cat /sys/kernel/vmcoreinfo")[1].split()
        iomem = guest.sh("cat /proc/iomem")[1]
        if is_panicked:
            guest.send("echo c >/proc/sysrq-trigger")
            guest.wait_console("end Kernel panic|Rebooting in", 120)
        guest.qmp("stop")
        registers = guest.qmp("human-monitor-command", **{"command-line": "info registers"})
        # Whole pages: a page that is there in part is dropped by makedumpfile where it filters
        # in several cycles, and kept where it does not.
        ranges = [(-(-int(first, 16) // 4096) * 4096, (int(last, 16) + 1) // 4096 * 4096)
                  for first, last in re.findall(
                      r"^([0-9a-f]+)-([0-9a-f]+) : System RAM", iomem, re.MULTILINE)]
        size = memory_mib << 20
        (made / "guest/ram").rename(made / "vmcore")
    _put_in_front(_header_of(made / "vmcore", size, ranges, place, registers), made / "vmcore")


def _header_of(memory, memory_bytes, ranges, place, registers):
    return _header(memory, memory_bytes, ranges, (int(place[0], 16), int(place[1], 16)), registers)


def vmcore(memory_gib_tenths, series="6.1", workload=WORKLOAD, is_panicked=False, say=lambda text: None):
    """A vmcore of a guest of so many tenths of a GiB that did something, and may have panicked; kept in the cache."""
    release = debian.kernel(series).release
    recipe = cache.digest(release, workload, HEADER_VERSION)
    name = f"bench-{release}-{memory_gib_tenths}{'-panicked' * is_panicked}-{recipe}"
    return cache.artefact(
        name, lambda made: _build(made, memory_gib_tenths, series, workload, is_panicked, say)) / "vmcore"


def makedumpfile():
    """Command words that run makedumpfile of a later suite, without chroot's cost."""
    tree = debian.tools_tree()
    libraries = ":".join(str(tree / folder) for folder in
                         ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))
    loader = next(iter(sorted(tree.glob("usr/lib*/ld-linux-x86-64.so.2"))))
    return [str(loader), "--library-path", libraries, str(tree / "usr/bin/makedumpfile")]
