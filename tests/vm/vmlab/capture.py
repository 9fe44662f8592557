# SPDX-License-Identifier: GPL-2.0-or-later
"""One crash: boot, start kdump as an administrator does, panic, see the end."""

import dataclasses
import pathlib
import re
import shlex
import shutil

from . import faults, image, network, servers, storage, usual
from .command import LabError
from .guest import Guest
from .planted import Planted

UUID = "c0ffee00-1234-4321-8765-0123456789ab"
SECOND_UUID = "c0ffee00-1234-4321-8765-0123456789ac"
SAVEDIR = "/crash"
# The disk before anything was written, and what was.
PRISTINE, WRITES = "pristine.img", "writes.log"
PANIC = r"Kernel panic - not syncing"
SAVED = r"(kdump|save): dump saved"
CAPTURE_KERNEL = r"Linux version \d"

# Fed by the first kernel until it crashes; that it fires is only told, by QEMU.
WATCHDOG_S = 30
WATCHDOG = f"""modprobe i6300esb heartbeat={WATCHDOG_S}
until [ -e /dev/watchdog0 ]; do sleep 0.1; done
setsid sh -c 'while :; do echo >&9; sleep 5; done' 9>/dev/watchdog0 </dev/null >/dev/null 2>&1 &"""

# Kernel text is patched with int3 while other CPUs run; with several emulated
# CPUs one of them may, once in a few boots, meet a breakpoint that was removed
# already; and on a loaded machine the emulated timer may tick too late for the
# check that a booting kernel makes.  Neither has to do with what is tested.
EMULATOR_FAULT = r"Oops: int3|int3: 0000|IO-APIC \+ timer doesn't work"
BOOT_ATTEMPTS = 3
DUMP_BEGUN_BYTES = 4 << 20


@dataclasses.dataclass
class Setup:
    """What is to happen; config overrides keys of /etc/sysconfig/kdump."""

    series: str
    config: dict = dataclasses.field(default_factory=dict)
    memory_mib: int = 512
    crashkernel: str = "128M"
    cpus: int = 1
    cpu: str = ""
    disk_mib: int = 1024
    bus: str = "virtio"       # of disks: see guest.BUSES
    partition: str = ""       # the file system in the disk's one partition; "": the disk itself holds ext4
    storage: str = ""         # what the first disks hold: see storage.KINDS; "": they are plain
    found_in: str = SAVEDIR   # where dumps are, counted from the partition's root
    has_crash: bool = False   # crash reads the dump of a kernel whose symbols are large
    has_second: bool = False  # a second disk, with a file system of SECOND_UUID
    trouble: str = ""         # of the first disk, in the capture kernel: see _make_trouble()
    watchdog: bool = False    # with one that runs when the machine panics
    pvpanic: bool = False     # with the device that tells the host of a panic
    network: bool = False     # with a card, and another node on its network
    cards: int = 1            # 2: with a bridge on a bond of two cards
    server: str = ""          # which gets the dump over that network: see servers.KINDS
    hung: str = ""            # what makes it panic: "nmi", an interrupt from the host that nobody wants; "task", one that waits for ever
    kind: str = ""            # what a module does to make it panic: see kinds.KINDS
    efi: bool = False         # with UEFI, which has variables
    ramoops: bool = False     # with memory that outlives a reset
    usual: bool = False       # not our capture, but one of dracut and makedumpfile
    service: bool = False     # start kdump.service instead of kdumpctl start
    before_start: str = ""    # a script in the guest, before kdump is started
    before_panic: str = ""    # a script in the guest, after kdump was started
    ends: tuple = ()          # where trouble is made: how the machine may end
    says: tuple = ()          # words that must be on the console
    types: str = ""           # text for the shell that the capture system starts on its console
    is_saved: bool = True     # where trouble is made: the dump must be whole nevertheless
    end_limit_s: int = 300    # from the panic to the machine's end


@dataclasses.dataclass
class Notices:
    """What the other node got."""

    status: int               # of the fence agent
    agent: str                # what it printed
    first_s: float            # panic to the end of the agent, at the first notice
    all: list                 # that were on the wire: seconds since the panic, where, from where, bytes


@dataclasses.dataclass
class Crash:
    """What happened."""

    folder: pathlib.Path
    disk: pathlib.Path
    second: pathlib.Path      # None: there is one disk only
    ram: pathlib.Path
    planted: Planted
    ended: str                # reboot, poweroff or halt
    start_output: str
    start_s: float            # kdumpctl start
    initramfs_bytes: int
    kernel_s: float           # panic to the capture kernel's first line
    end_s: float              # panic to the end of the machine
    console: str              # from the panic on
    saved_s: float            # panic to the line that says that the dump is whole; None: there is none
    before: str               # what before_panic printed
    server: object = None     # see servers.py
    notices: Notices = None
    watchdog_fired: bool = False
    host_was_told: bool = False   # by pvpanic, before the machine's end

    def disks(self):
        """All disks of a target that has several."""
        return [self.disk, *sorted(self.folder.glob("more*.img"))]

    def names(self, disk=None, folder=SAVEDIR):
        """What is in the dump directory's parent."""
        return image.listing(disk or self.disk, folder)

    def dump_directory(self, disk=None, folder=SAVEDIR):
        """The one finished dump, copied to the host."""
        if self.server and not self.server.has_disk and not disk:
            return self.server.dump_directory()
        names = self.names(disk, folder)
        if len(names) != 1 or names[0].endswith(".incomplete"):
            raise LabError(f"{folder} holds {names or 'nothing'}, not one finished "
                           "dump; console since the panic:\n"
                           + "\n".join(self.console.splitlines()[-40:]))
        return image.extract(disk or self.disk, f"{folder.rstrip('/')}/{names[0]}", self.folder / ("second" if disk else "dump"))


def _configure(guest, config):
    lines = ["f=/etc/sysconfig/kdump", "touch $f"]
    for key, value in config.items():
        line = shlex.quote(f'{key}="{value}"')
        lines.append(f"sed -i '/^{key}=/d' $f; printf '%s\\n' {line} >>$f")
    guest.sh("\n".join(lines))


def _booted(lab, folder, setup, disks, peer=None):
    """A guest that is up; tries again where only the emulator failed."""
    options = {"cpu": setup.cpu} if setup.cpu else {}
    for attempt in range(1, BOOT_ATTEMPTS + 1):
        guest = Guest(folder, lab.kernels[setup.series], lab.initrds[setup.series],
                      lab.root, memory_mib=setup.memory_mib, cpus=setup.cpus,
                      crashkernel=setup.crashkernel, disks=disks, bus=setup.bus, network=peer,
                      firmware=folder.parent / "variables" if setup.efi else None,
                      append=f"memmap=1M${RAMOOPS:#x}" if setup.ramoops else "",
                      devices=(*["pvpanic-pci"] * setup.pvpanic, *["i6300esb"] * setup.watchdog), **options)
        with guest:
            try:
                guest.boot()
            except LabError:
                if attempt == BOOT_ATTEMPTS or not guest.console.find(EMULATOR_FAULT):
                    raise
                continue
            yield guest
            return


def _start(guest, setup):
    """Start kdump; return (output, seconds, initramfs size)."""
    if setup.usual:
        return guest.sh(usual.load_command(guest.kernel, UUID, setup.network))[1], 0, usual.initramfs(guest.kernel).stat().st_size
    command = "kdumpctl start"
    if setup.service:
        command = ("systemctl start kdump.service || { journalctl -b -u kdump.service "
                   "--no-pager; exit 1; }")
    began = guest.console.now()
    text = guest.sh(command, timeout_s=1200)[1]
    seconds = guest.console.now() - began
    loaded = guest.sh("cat /sys/kernel/kexec_crash_loaded")[1]
    if loaded != "1":
        raise LabError(f"{command}: exit 0, but no capture kernel is loaded\n{text}")
    guest.sh("kdumpctl status")
    size = guest.sh("set -- $(ls -S /var/lib/kdump/initrd* 2>/dev/null); "
                    "stat -L -c %s \"$1\"")[1]
    return text, seconds, int(size)


# Where memory outlives a reset: several records, of a size that does not divide it.
RAMOOPS = 0x10000000
MODPROBE_RAMOOPS = f"modprobe ramoops mem_address={RAMOOPS:#x} mem_size=0xff800 record_size=0x1000"


# A task that waits for a file system that nobody thaws.
HANG = f"""mount UUID={UUID} /mnt && fsfreeze -f /mnt
echo 2 >/proc/sys/kernel/hung_task_timeout_secs
echo >/mnt/hung"""


def _panic(guest, hung="", kind=""):
    """Plant pages and panic; return (what was planted, console position, time)."""
    position = guest.console.position()
    begin = guest.send("mkdir -p /plant/tmpfs && mount -t tmpfs none /plant/tmpfs &&"
                       " echo 100000 >/proc/sys/vm/percpu_pagelist_high_fraction;"
                       " echo 4 >/proc/sys/vm/nr_hugepages;"
                       " echo madvise >/sys/kernel/mm/transparent_hugepage/enabled;"
                       f" /usr/lib/kdump-lab/plant {'--no-panic ' * bool(hung or kind)}/plant /plant/tmpfs{' &' * bool(hung or kind)}")
    if hung or kind:
        guest.waited(guest.agent, r"^planted\s*$", 120, begin)
    if hung == "task":
        guest.send(HANG)
    if hung == "nmi":
        # In the interrupt the kernel cannot write to its console: the capture kernel comes next.
        panicked = guest.console.now()
        guest.qmp("inject-nmi")
    elif kind:
        # A fault is no panic where a capture kernel is loaded.
        panicked = guest.console.now()
        guest.send(f"echo {kind} >/sys/module/crashkinds/parameters/kind")
    else:
        _, panicked, _ = guest.wait_console(PANIC, 120, position)
    text = guest.agent.text(begin)
    if not re.search(r"^planted\s*$", text, re.MULTILINE):
        raise LabError(f"plant: it did not finish its report:\n{text[-500:]}")
    return Planted(text), position, panicked


def rates(lab, folder, setup):
    """Panic into a capture kernel whose only program is rate.c; return its lines, split."""
    folder.mkdir(parents=True, exist_ok=True)
    disk = folder / "target.img"
    image.make_ext4(disk, 8)
    for guest in _booted(lab, folder, setup, [disk]):
        guest.sh("kexec -p -s /boot/vmlinuz-$(uname -r) --initrd=/usr/lib/kdump-lab/rate.img "
                 "--append='console=ttyS0,115200 nr_cpus=1 irqpoll reset_devices panic=10'")
        position = guest.console.position()
        guest.send("echo c >/proc/sysrq-trigger")
        _, _, found = guest.wait_console(r"^@(done|failed.*)", setup.end_limit_s, position)
        if found[1] != "done":
            raise LabError(f"rate: {found[1]}")
        return [line.split()[1:] for line in guest.console.text(position).splitlines()
                if line.startswith("@rate ")]
    raise LabError("not reached")


def _make_trouble(guest, trouble, position):
    """Whatever happens to disks after a crash."""
    if trouble in ("stall", "removal"):
        guest.wait_console("MiB free on the target", 120, position)
    if trouble in ("hang", "stall"):       # From now on each byte takes a second.
        guest.qmp("block_set_io_throttle", device="disk0", bps=1, bps_rd=0, bps_wr=0, iops=0, iops_rd=0, iops_wr=0)
    elif trouble == "read":
        guest.wait_console(faults.COPIED, 120, position)
        faults.fail_reads(guest, guest.folder / "second.img")
    elif trouble == "damage":
        faults.damage_memory(guest.ram, guest.console.text(0), guest.folder.name)
    elif trouble == "removal":
        guest.qmp("device_del", id="disk0")
    elif trouble == "path":
        guest.qmp("device_del", id="disk0-a")
    elif trouble not in ("", "full", "errors", "power", "gone", "portal", "silent", "dies", "cable", "unplugged"):
        raise LabError(f"{trouble}: no such trouble")


def _make_network_trouble(guest, trouble, position, peer, server):
    """While the memory is saved: a server that says nothing any more or is gone, a cable that somebody pulls out."""
    if trouble not in ("silent", "dies", "cable"):
        return
    if server.has_disk:
        guest.wait_console("MiB free on the target", 120, position)
    else:
        server.wait_for_dump(DUMP_BEGUN_BYTES, 120)
    if trouble == "silent":
        server.stop()
    elif trouble == "dies":
        server.kill()
    elif trouble == "cable":
        peer.cut()


def _first_notice(guest, peer, agent, panicked):
    """The agent ends with the first notice."""
    status, ended = peer.wait(agent, 120)
    return Notices(status, peer.text("fence_kdump.log"), guest.console.since(ended) - panicked, [])


def crash(lab, folder, setup):
    """Carry out a setup and return what happened."""
    folder.mkdir(parents=True, exist_ok=True)
    if not setup.network and not setup.server:
        return _crash(lab, folder, setup, None)
    with network.Network(folder, lab.fence_kdump, setup.cards) as peer:
        return _crash(lab, folder, setup, peer)


# What is asked when the machine is up again: twice what is new, before and behind a mount.
TOLD = """mkdir -p /etc/kdump/notify.d
printf '#!/bin/sh\\necho "program: $KDUMP_STATE $KDUMP_DIRECTORY $KDUMP_PANIC" >&2; ls $KDUMP_DIRECTORY | wc -l >&2\\n' >/etc/kdump/notify.d/10-tell
chmod 755 /etc/kdump/notify.d/*
kdumpctl new-dumps 2>&1; echo again; kdumpctl new-dumps 2>&1; echo mounts; grep -c kdump-target /proc/mounts
mount {} /mnt; echo mounted; kdumpctl dumps 2>&1; umount /mnt"""


# The same where the dump is on a raw partition.
TAKEN = """kdumpctl start 2>&1; echo again; kdumpctl start 2>&1; kdumpctl new-dumps 2>&1; echo once; kdumpctl new-dumps 2>&1"""


def next_boot(lab, folder, setup, disks, script):
    """Boot again and run a script, for which there is one disk more; return that, and what kdumpctl tells of dumps."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "written"
    with open(written, "wb") as file:
        file.truncate(1 << 30)
    for guest in _booted(lab, folder, Setup(setup.series), [*disks, written]):
        told = ""
        if setup.partition and setup.config["KDUMP_TARGET"]:
            _configure(guest, {"KDUMP_SAVEDIR": SAVEDIR, **setup.config})
            told = guest.sh(TAKEN if setup.partition == image.RAW else TOLD.format(setup.config["KDUMP_TARGET"]), timeout_s=1200)[1]
        guest.sh(script)
        guest.sh("sync")
        return written, told
    raise LabError("not reached")


def refusal(lab, folder, setup):
    """What kdumpctl start says against a target."""
    folder.mkdir(parents=True, exist_ok=True)
    disks = [folder / f"target{number}.img" for number in range(storage.KINDS[setup.storage].disks)]
    for disk in disks:
        if setup.partition:
            image.make_partitioned(disk, setup.disk_mib, setup.partition, UUID)
        else:
            _blank(disk, setup.disk_mib)
    for guest in _booted(lab, folder, setup, disks):
        _configure(guest, {"KDUMP_TARGET": f"UUID={UUID}", "KDUMP_SAVEDIR": SAVEDIR, **setup.config})
        guest.sh(storage.make(setup.storage, UUID))
        code, text = guest.sh("kdumpctl start", ok=None)
        return text if code else f"it was not refused: {text}"
    raise LabError("not reached")


def _blank(path, size_mib):
    with open(path, "wb") as file:
        file.truncate(size_mib << 20)


def _type(guest, text, position):
    """A human at the console of the capture system."""
    guest.wait_console("a shell, as the plan says", 120, position)
    guest.console.send(text)


def told_by_pstore(lab, folder, setup, crash):
    """Boot again, with the same firmware and memory; return what kdumpctl tells of dumps, and what pstore has."""
    folder.mkdir(parents=True, exist_ok=True)
    if setup.ramoops:
        shutil.copy(crash.ram, folder / "ram")
    for guest in _booted(lab, folder, setup, [crash.disk]):
        return guest.sh(f"{MODPROBE_RAMOOPS if setup.ramoops else 'modprobe efi_pstore'}; mount -t pstore none /sys/fs/pstore 2>&1; "
                        "ls -1 /sys/fs/pstore; kdumpctl new-dumps 2>&1; cat /sys/fs/pstore/dmesg*", ok=None)[1]
    raise LabError("not reached")


def _crash(lab, folder, setup, peer):
    disk = folder / "target.img"
    if setup.partition:
        image.make_partitioned(disk, setup.disk_mib, setup.partition, UUID)
    elif setup.storage:
        _blank(disk, setup.disk_mib)
    else:
        image.make_ext4(disk, setup.disk_mib, uuid=UUID)
    config = {"KDUMP_TARGET": f"UUID={UUID}", "KDUMP_SAVEDIR": SAVEDIR,
              "KDUMP_DUMPLEVEL": "31", **setup.config}
    second = folder / "second.img" if setup.has_second else None
    if second:
        image.make_ext4(second, 512, uuid=SECOND_UUID)
    attached = [disk]
    for number in range(1, storage.KINDS[setup.storage].disks if setup.storage else 1):
        attached.append(folder / f"more{number}.img")
        _blank(attached[-1], setup.disk_mib)
    if setup.bus == "multipath":
        attached = [{"driver": "file", "filename": str(disk)}]
    elif setup.trouble == "errors":
        attached = [faults.failing_writes(disk, setup.disk_mib)]
    elif setup.trouble == "power":
        shutil.copy(disk, folder / PRISTINE)
        attached = [faults.logged(disk, folder / WRITES)]
    if setup.server and servers.KINDS[setup.server].has_disk:
        attached = []
    for guest in _booted(lab, folder, setup, [*attached, second] if second else attached, peer):
        if setup.pvpanic:
            guest.sh("modprobe pvpanic-pci")
        server = None
        if peer:
            guest.sh(peer.in_guest)
        if setup.server:
            server = servers.KINDS[setup.server](peer, lab.servers)
            config = {**config, "KDUMP_TARGET": "", "KDUMP_SAVEDIR": server.savedir, **server.prepare(guest), **setup.config}
        if setup.network:
            peer.listener()
        if not setup.usual:
            _configure(guest, config)
        if setup.watchdog:
            guest.sh(WATCHDOG)
        if setup.storage:
            guest.sh(storage.make(setup.storage, UUID))
        if setup.before_start:
            guest.sh(setup.before_start)
        text, seconds, size = _start(guest, setup)
        before = guest.sh(setup.before_panic)[1] if setup.before_panic else ""
        guest.sh("sync")
        agent = peer.agent(network.GUEST, 300) if setup.network else None
        if setup.trouble == "gone":
            server.kill()
        elif setup.trouble == "portal":
            server.lose_portal()
        elif setup.trouble == "unplugged":
            guest.qmp("set_link", name="net0", up=False)
        planted, position, panicked = _panic(guest, setup.hung, setup.kind)
        after = guest.console.position()
        _, kernel_at, _ = guest.wait_console(CAPTURE_KERNEL, 120, position)
        _make_trouble(guest, setup.trouble, after)
        _make_network_trouble(guest, setup.trouble, after, peer, server)
        if setup.types:
            _type(guest, setup.types, after)
        notices = _first_notice(guest, peer, agent, panicked) if setup.network else None
        ended, end_at = guest.wait_end(setup.end_limit_s, after)
        if setup.network:
            notices.all = [(guest.console.since(when) - panicked, *rest) for when, *rest in peer.notices()]
        if server:
            server.collect()
        saved = guest.console.find(SAVED, position)
        return Crash(folder, disk, second, guest.ram, planted, ended, text, seconds, size,
                     kernel_at - panicked, end_at - panicked,
                     guest.console.text(position), saved[0] - panicked if saved else None, before, server, notices,
                     bool(guest.monitor.find('"event": "WATCHDOG"')),
                     bool(guest.monitor.find('"event": "GUEST_CRASHLOADED"')))
    raise LabError("not reached")
