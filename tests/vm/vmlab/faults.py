# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong during a capture: disks that fail, programs that make trouble, power that is cut."""

import mmap
import random
import re
import shutil
import struct

from . import image
from .command import LabError, output, run
from .elf import Elf


def hook(text):
    """A script that makes a program of the administrator, which runs before the memory is saved."""
    return ("mkdir -p /etc/kdump/pre.d\ncat >/etc/kdump/pre.d/50-trouble <<'END'\n#!/bin/sh\n"
            "x=0123456789abcdef x=$x$x$x$x x=$x$x$x$x x=$x$x$x$x\n"
            f"{text}\nEND\nchmod 755 /etc/kdump/pre.d/*")


def hook_behind(text):
    """The same, of what goes on while the memory is saved; it needs setsid."""
    return hook(f"export KDUMP_DIRECTORY\nsetsid /bin/sh -c '{text}' </dev/null >/dev/null 2>&1 &")


def _kill_readers(more):
    """Kill who reads the crashed memory, as soon as something of the dump is there."""
    return ('while :; do [ ! -s "$KDUMP_DIRECTORY/vmcore" ] || for p in /proc/[0-9]*; do for f in $p/fd/*; do '
            f'[ $f -ef /proc/vmcore ] && kill -9 ${{p#/proc/}} && {more}; done; done; done')


KILL_ONCE = hook_behind(_kill_readers("exit"))
KILL_ALWAYS = hook_behind(_kill_readers("break"))
# Files of the capture system are memory that nobody can free.
EAT_MEMORY = hook("while echo $x$x$x$x; do :; done >/fill")
FILL_DISK = hook('while echo $x$x$x$x; do :; done >"$KDUMP_DIRECTORY/fill"')
# Under /proc/vmcore lies a copy of it on another disk, some of whose sectors cannot be read: see fail_reads().
COPIED, BAD_SERIAL = "the memory is on another disk", "bad"
FAIL_READS = hook(f"""disk() {{
	for f in /sys/block/*/serial; do
		read -r s <$f || :   # It has no end of line.
		[ "$s" != $1 ] || {{ f=${{f%/serial}}; echo ${{f##*/}}; }}
	done
}}
set -e
mkdir /copy
mount -t ext4 /dev/$(disk disk1) /copy
dd if=/proc/vmcore of=/copy/vmcore bs=1M
umount /copy
echo '{COPIED}' >/dev/kmsg
while [ ! "$(disk {BAD_SERIAL})" ]; do :; done
echo 0 >/sys/block/$(disk {BAD_SERIAL})/queue/read_ahead_kb
mount -t ext4 -o ro /dev/$(disk {BAD_SERIAL}) /copy
mount --bind /copy/vmcore /proc/vmcore""")
SECOND_PANIC = hook("echo c >/proc/sysrq-trigger")


# Of the pages above the lowest ones, which the capture kernel uses too.
DAMAGED_PAGES, FIRST_DAMAGED = 2000, 16 << 20


def damage_memory(ram, console, seed):
    """Overwrite pages of the crashed memory, all over, but for those that were reserved; return how many."""
    reserved = re.search(r"Reserving (\d+)MB of memory at (\d+)MB for crashkernel", console)
    size, start = (int(number) << 20 for number in reserved.groups())
    dice, count = random.Random(seed), 0
    with open(ram, "r+b") as file:
        for page in dice.sample(range(FIRST_DAMAGED >> 12, file.seek(0, 2) >> 12), DAMAGED_PAGES):
            if not start <= page << 12 < start + size:
                file.seek(page << 12)
                file.write(dice.randbytes(4096))
                count += 1
    return count


def failing_writes(disk, size_mib):
    """QEMU's options of a disk that fails to write nearly everywhere but where ext4 has its metadata: at the start, around the middle."""
    config = disk.with_suffix(".errors")
    ranges = ((2, 7), (9, 14))     # In sixteenths of the disk: in no gap is room for a dump.
    config.write_text("".join(f'[inject-error]\nevent = "none"\niotype = "write"\nerrno = "5"\nsector = "{sector}"\n'
                              for first, last in ranges
                              for sector in range(first * size_mib * 128, last * size_mib * 128, 128)), encoding="ascii")
    return {"driver": "blkdebug", "config": str(config), "image": {"driver": "file", "filename": str(disk)}}


# Pages that are kept, and such as are left out, that cannot be read.
BAD_KEPT, BAD_DROPPED = ("pipe", 8), ("anon", 8)


def _planted(memory, elf, name, most):
    """Of planted pages in a vmcore their frames, and all places where each lies: those of the kernel's image lie in two segments."""
    found, at = {}, 0
    while (at := memory.find(f"KDUMPLANT {name} ".encode(), at)) >= 0:
        for _, paddr, size, offset in elf.loads:
            if offset <= at < offset + size and (at - offset) % elf.page_bytes == 0:
                found.setdefault((paddr + at - offset) // elf.page_bytes, []).append(at)
        at += 1
    return dict(list(found.items())[:most])


def fail_reads(guest, disk):
    """Attach a disk anew, on which a vmcore lies, so that some pages of that cannot be read; their frames go to a file."""
    copy = guest.folder / "copied"
    run(["debugfs", "-R", f"dump /vmcore {copy}", disk], timeout_s=300)
    elf = Elf(copy)
    with open(copy, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        places = {pfn: found for name, most in (BAD_KEPT, BAD_DROPPED) for pfn, found in _planted(memory, elf, name, most).items()}
    frames, bad = list(places), [at for found in places.values() for at in found]
    if len(frames) != BAD_KEPT[1] + BAD_DROPPED[1]:
        raise LabError(f"{len(frames)} planted pages are in the copy of the vmcore")
    commands = guest.folder / "bmap"
    commands.write_text("".join(f"bmap /vmcore {at // elf.page_bytes}\n" for at in bad))
    blocks = re.findall(r"^(\d+)$", output(["debugfs", "-f", commands, disk]), re.MULTILINE)
    if len(blocks) != len(bad) or f"Block size: {elf.page_bytes}" not in re.sub(" +", " ", output(["dumpe2fs", "-h", disk])):
        raise LabError(f"{disk}: pages are not blocks there, or are not found")
    errors = [{"event": "none", "iotype": "read", "errno": 5, "sector": int(block) * (elf.page_bytes // 512), "once": False} for block in blocks]
    (guest.folder / "frames").write_text("".join(f"{pfn}\n" for pfn in frames))
    copy.unlink()
    guest.qmp("blockdev-add", **{"node-name": "bad", "driver": "blkdebug", "inject-error": errors, "read-only": True,
                                 "image": {"driver": "file", "filename": str(disk), "locking": "off", "read-only": True}})
    guest.qmp("device_add", driver="virtio-blk-pci", drive="bad", id="bad", serial=BAD_SERIAL, **{"share-rw": True})


def logged(disk, log):
    """QEMU's options of a disk whose writes and flushes are written down."""
    with open(log, "wb") as file:
        file.truncate(0)
    return {"driver": "blklogwrites", "log-sector-size": 512, "file": {"driver": "file", "filename": str(disk)},
            "log": {"driver": "file", "filename": str(log)}}


class PowerCuts:
    """The disks that may be found when the power is cut with the write cache lost.

    What was flushed is there, and any of the writes since then. The log is that of dm-log-writes: drivers/md/dm-log-writes.c.
    """

    MAGIC = 0x6A736677736872
    FLUSH, FUA = 1, 2
    SUBSETS = 3

    def __init__(self, pristine, log, seed):
        self._log = open(log, "rb")      # pylint: disable=consider-using-with
        magic, _, self._count, self._sector = struct.unpack("<QQQI", self._log.read(28))
        if magic != self.MAGIC:
            raise LabError(f"{log}: no log of writes")
        self._durable = pristine
        self._pending = []
        self._random = random.Random(seed)

    def _entries(self):
        """(flags, offset on the disk, data), in bytes."""
        offset = self._sector
        for _ in range(self._count):
            self._log.seek(offset)
            sector, sectors, flags, size = struct.unpack("<QQQQ", self._log.read(32))
            offset += self._sector
            yield flags, sector * 512, (offset, sectors * self._sector if not size else size)
            offset += sectors * self._sector

    def _apply(self, disk, writes):
        with open(disk, "r+b") as file:
            for at, (offset, size) in writes:
                self._log.seek(offset)
                file.seek(at)
                file.write(self._log.read(size))

    def disks(self, target):
        """Make one disk after the other at the target; yield how it came to be."""
        number = flushes = 0
        for number, (flags, at, data) in enumerate(self._entries()):
            if flags & self.FLUSH:
                yield from self._cut(target, f"before flush {flushes}")
                self._apply(self._durable, self._pending)
                self._pending = []
                flushes += 1
            if data[1] and flags & self.FUA:
                self._apply(self._durable, [(at, data)])
            if data[1]:
                self._pending.append((at, data))
        yield from self._cut(target, f"at the end, after {number + 1} writes and {flushes} flushes")

    def _cut(self, target, what):
        choices = [("nothing", []), ("all", self._pending)]
        if len(self._pending) > 1:
            choices += [("some", [one for one in self._pending if self._random.random() < share])
                        for share in (0.2, 0.5, 0.9)[:self.SUBSETS]]
        for name, writes in choices:
            run(["cp", "--sparse=always", self._durable, target])
            self._apply(target, writes)
            yield f"{what}, {name} of {len(self._pending)} writes kept"


def found_after_cut(disk, folder, target):
    """What a cut left, as the next boot finds it: (names of dumps, what is wrong)."""
    code, text, _ = run(["e2fsck", "-fy", disk], ok=None, merge=True)
    if code >= 4:
        return [], f"e2fsck: exit {code}\n{text[-500:]}"
    try:
        names = image.listing(disk, folder)
    except LabError:
        return [], ""
    wrong = ""
    for name in names:
        if name.endswith(".incomplete"):
            continue
        shutil.rmtree(target, ignore_errors=True)
        dump = image.extract(disk, f"{folder}/{name}", target)
        code, text, err = run(["sha256sum", "--quiet", "--check", "manifest.sha256"], cwd=dump, ok=None)
        if code:
            wrong = f"{name}: {text}{err}"
    return names, wrong
