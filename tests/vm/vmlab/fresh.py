# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole way of a new user: a fresh Debian, our package, a crash, the next boot, and the package is purged.

And a reservation that changes by a restart without the firmware.
"""

import dataclasses
import re
import shutil

from . import capture, checks, image, packages
from .command import run
from .guest import Guest

def _by_hand(**values):
    """What an administrator does who edits the file."""
    return "; ".join(f"sed -i 's|^{key}=.*|{key}=\"{value}\"|' /etc/sysconfig/kdump; grep -qx '{key}=\"{value}\"' /etc/sysconfig/kdump"
                     for key, value in values.items())


# As an installer, which has all answers; and by hand.
SETUP = (_by_hand(KDUMP_SAVEDIR=capture.SAVEDIR)
         + f"; kdumpctl setup --target=UUID={capture.UUID} --level=31 --final-action=reboot --notify= --yes")
BY_HAND = _by_hand(KDUMP_TARGET=f"UUID={capture.UUID}", KDUMP_SAVEDIR=capture.SAVEDIR)
EVENTS = 1000
# Printed behind the last service: whether a crash would still be captured.
AT_THE_END = """#!/bin/sh
echo "<2>lab: loaded at the end: $(cat /sys/kernel/kexec_crash_loaded)" >/dev/kmsg
"""
# What the restarted system must have reserved; the machine boots with less.
RESERVED_MIB = 160
BY_HAND_LARGER = f"{BY_HAND}; " + _by_hand(KDUMP_CRASHKERNEL=f"crashkernel={RESERVED_MIB}M")
ENTRY = """title Debian
version {release}
linux /boot/vmlinuz-{release}
initrd /boot/initrd.img-{release}
options root=/dev/vda rw crashkernel=128M
"""
LEFT = ("find / -xdev -name '*kdump*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/usr/lib/kdump-lab*' -not -name 'libkdumpfile*' "
        "-not -path '/usr/share/doc/libkdumpfile*' -not -path '/var/log/*' -not -path '/usr/share/lintian/*' "
        "-not -path '/usr/share/bash-completion/*' -not -path '/run/log/*' -not -name 'kdump-suite.deb'")


@dataclasses.dataclass
class Setup:
    """What is fresh."""

    series: str
    init: str                 # see INITS
    has_loader: bool = False  # an entry of a boot loader, and the initramfs that it names


@dataclasses.dataclass
class Init:
    """How an administrator does things."""

    packages: tuple
    up: str                   # waits until the system is up
    armed: str                # prints nothing if nothing is enabled or loaded
    enable: str               # and starts
    restart: str
    boot_log: str             # prints what was said while it started
    told: str                 # prints what was said of dumps
    poweroff: str
    disable: str


# The last file of each runlevel's start, which is where the agent waits.
INITS = {
    "systemd": Init(
        packages.SYSTEMD,
        "systemctl is-system-running --wait || :",
        "find /etc/systemd/system -name 'kdump*'; systemctl is-active kdump | grep -vx inactive || :; "
        "grep -vx 0 /sys/kernel/kexec_crash_loaded || :",
        "systemctl enable --now kdump", "systemctl restart kdump",
        "journalctl -b -o short-monotonic --no-hostname -u kdump.service -u kdump-early.service --no-pager",
        "timeout 300 sh -c 'while [ $(systemctl show -P ActiveState kdump-notify.service) = active ]; do sleep 0.2; done'; "
        "journalctl -b -o cat -u kdump-notify.service --no-pager",
        "systemctl poweroff", "systemctl disable kdump"),
    "sysvinit": Init(
        packages.SYSVINIT,
        "timeout 300 sh -c 'while pgrep -f ^/bin/sh./etc/init.d/rc >/dev/null; do sleep 0.2; done'",
        "find /etc/rc?.d -name 'S*kdump'; grep -vx 0 /sys/kernel/kexec_crash_loaded || :",
        "update-rc.d kdump enable && service kdump start", "service kdump restart",
        "cat /var/log/syslog | grep kdump",
        f"timeout 300 sh -c 'until grep -q {capture.SAVEDIR} /var/log/syslog; do sleep 0.2; done'; grep ' kdump: ' /var/log/syslog",
        "poweroff", "update-rc.d kdump disable"),
}


def _add_loader(tree, kernel, initrd):
    """A boot loader's entry, which nobody reads: QEMU loads the kernel itself. And the initramfs, where its package would put it."""
    shutil.copy(initrd, tree / f"boot/initrd.img-{kernel.release}")
    entry = tree / "boot/loader/entries/debian.conf"
    entry.parent.mkdir(parents=True)
    entry.write_text(ENTRY.format(release=kernel.release), encoding="ascii")


def _root(folder, kernel, deb, init, initrd=None):
    """A disk with the system, its kernel, and the package as a file; with an initramfs also with a boot loader's entry."""
    tree, target = folder / "tree", folder / "root.img"
    tree.mkdir()
    run(["tar", "-x", "-C", tree, "-f", packages.fresh_tar(deb, init.packages), "--exclude=./dev/*"])
    image.stage_kernel(tree, kernel)
    agent = tree / "usr/lib/kdump-lab/agent"
    agent.parent.mkdir()
    shutil.copy(image.HERE / "guest/agent", agent)
    shutil.copy(deb, tree / "root/kdump-suite.deb")
    (tree / "etc/hostname").write_text("guest\n", encoding="ascii")
    (tree / "etc/fstab").write_text("/dev/vda / ext4 rw 0 1\n", encoding="ascii")
    inittab = tree / "etc/inittab"
    if inittab.exists():
        lines = [line for line in inittab.read_text().splitlines() if "getty" not in line]
        inittab.write_text("\n".join([*lines, f"lab:2345:respawn:/{agent.relative_to(tree)}", ""]))
    else:
        units = tree / "etc/systemd/system"
        shutil.copy(image.HERE / "guest/lab-agent.service", units)
        (units / "multi-user.target.wants/lab-agent.service").symlink_to("../lab-agent.service")
        hook = tree / "usr/lib/systemd/system-shutdown/lab"
        hook.parent.mkdir(parents=True, exist_ok=True)
        hook.write_text(AT_THE_END)
        hook.chmod(0o755)
    if initrd:
        _add_loader(tree, kernel, initrd)
    image.make_ext4(target, 2048, tree=tree)
    shutil.rmtree(tree)
    return target


class Computer:
    """A machine whose disk outlives its boots."""

    def __init__(self, lab, folder, setup, deb):
        self.folder, self.init = folder, INITS[setup.init]
        self.kernel, self.initrd = lab.kernels[setup.series], lab.initrds[setup.series]
        self.root = _root(folder, self.kernel, deb, self.init, self.initrd if setup.has_loader else None)
        self.target, self.boots = folder / "target.img", 0
        image.make_ext4(self.target, 1024, uuid=capture.UUID)

    def boot(self):
        """A guest that is up, as a context; its changes are kept if it ends by keep()."""
        self.boots += 1
        return Guest(self.folder / f"boot{self.boots}", self.kernel, self.initrd, self.root, memory_mib=768, crashkernel="128M",
                     disks=[self.target], append="systemd.unit=multi-user.target")

    def up(self, guest):
        """Wait until all is started."""
        guest.boot()
        guest.sh(self.init.up, timeout_s=300)

    def keep(self, guest, script):
        """End it by a script; return how it ended, in which time, and what was on the console."""
        guest.sh("sync")
        position, began = guest.console.position(), guest.console.now()
        guest.send(script)
        ended, at = guest.wait_end(300, position)
        kept = self.folder / f"root{self.boots}.img"
        guest.close()
        run(["qemu-img", "convert", "-O", "raw", self.folder / f"boot{self.boots}/root.qcow2", kept], timeout_s=300)
        self.root.unlink()
        self.root = kept
        return ended, at - began, guest.console.text(position)


def _boot_seconds(guest):
    _, text = guest.sh("systemd-analyze time 2>&1; systemd-analyze blame 2>/dev/null | grep kdump || :", ok=None)
    return " | ".join(line.strip() for line in text.splitlines() if "Startup finished" in line or "kdump" in line)


def _install(report, name, computer):
    """The first boot: installed, configured, started."""
    init = computer.init
    with computer.boot() as guest:
        computer.up(guest)
        code, text = guest.sh("dpkg -i /root/kdump-suite.deb", ok=None, timeout_s=300)
        report.check(f"{name}: dpkg installs the package on a system that has what it depends on", text if code else "")
        _, text = guest.sh(init.armed)
        report.check(f"{name}: nothing is armed by that", text)
        code, text = guest.sh(SETUP if init is INITS["systemd"] else f"{BY_HAND}; {init.enable}", ok=None, timeout_s=600)
        report.check(f"{name}: it is configured, enabled and started", text if code else "")
        code, text = guest.sh("kdumpctl status; kdumpctl check", ok=None)
        report.check(f"{name}: kdumpctl status and check are content", text if code or "Kdump is operational" not in text else "")
        report.note(f"{name}: a start with a fresh image: " + _seconds(guest, "kdumpctl --quiet start")
                    + "; early: " + _seconds(guest, "KDUMPCTL_BOOT=early kdumpctl --quiet start") + " (emulated)")
        code, text = guest.sh(init.restart, ok=None)
        report.check(f"{name}: {init.restart}", text if code else "")
        for what, script in (("an update of the package", "dpkg -i /root/kdump-suite.deb"),
                             ("a kernel's package", "run-parts --arg=$(uname -r) /etc/kernel/postinst.d")):
            code, text = guest.sh(f"rm /var/lib/kdump/initrd.inputs; {script} && test -e /var/lib/kdump/initrd.inputs && kdumpctl status",
                                  ok=None, timeout_s=300)
            report.check(f"{name}: {what} makes the image anew when it must, and loads it", text if code else "")
        if init is INITS["systemd"]:
            _storm(report, name, guest)
            _, text = guest.sh("for unit in kdump-early kdump kdump-notify; do systemd-analyze security --no-pager $unit.service | tail -n 1; done")
            report.note(f"{name}: " + "; ".join(re.findall(r"exposure level for (\S+: \S+)", text)))
        _, _, console = computer.keep(guest, init.poweroff)
        if init is INITS["systemd"]:
            report.check(f"{name}: a crash while the machine goes down would be captured",
                         "" if "lab: loaded at the end: 1" in console else "it was unloaded, or nobody looked")


def _restart(report, name, computer, guest):
    """The reservation changes; QEMU ends with a reset, so that a system that comes up again in it has not been through the firmware."""
    _, before = guest.sh("cat /proc/sys/kernel/random/boot_id /sys/kernel/kexec_crash_size")
    code, text = guest.sh("kdumpctl reset-crashkernel --dry-run --reboot=kexec; grep -c crashkernel=128M /boot/loader/entries/*", ok=None)
    wanted = ("crashkernel=160M", "run kexec -l -s --initrd=/boot/initrd.img-", "\n1")
    report.check(f"{name}: --dry-run tells what would be done, and does nothing",
                 text if code or any(word not in text for word in wanted) else "")
    # Until the agent comes up again: what was asked of it has no answer.
    began, position = guest.console.now(), guest.send("kdumpctl reset-crashkernel --reboot=kexec >/dev/kmsg 2>&1")
    guest.boot(timeout_s=600, start=position)
    guest.sh(computer.init.up, timeout_s=300)
    report.note(f"{name}: from the command to the system that is up again {guest.console.now() - began:.1f} s (emulated)")
    _, after = guest.sh("cat /proc/sys/kernel/random/boot_id /sys/kernel/kexec_crash_size")
    report.check(f"{name}: it is another boot, in the same virtual machine, which was not reset",
                 "" if after.split()[0] != before.split()[0] and not guest.monitor.find(r'"event": "(RESET|SHUTDOWN)"') else "no")
    report.check(f"{name}: {RESERVED_MIB} MiB are reserved, and were 128 MiB",
                 "" if (before.split()[1], after.split()[1]) == (str(128 << 20), str(RESERVED_MIB << 20)) else f"{before} {after}")
    _, text = guest.sh("cat /proc/cmdline; cat /boot/loader/entries/debian.conf")
    report.check(f"{name}: by the command line and by the boot loader's entry",
                 "" if text.count(f"crashkernel={RESERVED_MIB}M") == 2 and "crashkernel=128M" not in text else text)
    code, text = guest.sh("kdumpctl status", ok=None)
    report.check(f"{name}: the restarted system is ready for a crash", text if code else "")


def restart_by_kexec(report, lab, folder, scenario):
    """Install, and change the reservation by reset-crashkernel --reboot=kexec; then a crash is captured."""
    name, setup = scenario.name, scenario.setup
    folder.mkdir(parents=True)
    computer = Computer(lab, folder, setup, packages.build_deb(folder))
    with computer.boot() as guest:
        computer.up(guest)
        guest.sh(f"dpkg -i /root/kdump-suite.deb; {BY_HAND_LARGER}; {computer.init.enable}", timeout_s=600)
        _restart(report, name, computer, guest)
        ended, _, _ = computer.keep(guest, "kdumpctl test --crash --yes")
        report.check(f"{name}: after a crash the machine starts again", "" if ended == "reboot" else f"it ended with {ended}")
    dump = image.one_dump(computer.target, capture.SAVEDIR, folder / "dump")
    checks.directory(report, name, dump)
    checks.crash_reads(report, name, lab, lab.kernels[setup.series], dump / "vmcore")


def _storm(report, name, guest):
    """Very many events of a CPU, each of which would be a reason to load again."""
    guest.sh(f"for i in $(seq {EVENTS}); do echo online >/sys/devices/system/cpu/cpu0/uevent; done; udevadm settle --timeout=600; "
             "timeout 300 sh -c 'while [ $(systemctl show -P ActiveState kdump-hotplug.service) = activating ]; do sleep 0.2; done'",
             timeout_s=1000)
    _, text = guest.sh("journalctl -b -o cat -u kdump-hotplug.service --no-pager; kdumpctl status", ok=None)
    reloads = len(re.findall(r"^kdump: ", text, re.MULTILINE))
    report.check(f"{name}: {EVENTS} events are few reloads, and it stays ready",
                 "" if 0 < reloads <= EVENTS // 50 and "Kdump is operational" in text else f"{reloads}: {text}")
    report.note(f"{name}: {EVENTS} events of a CPU, {reloads} reloads")


def _seconds(guest, command):
    _, text = guest.sh(f"TIMEFORMAT=%3R; time {command}")
    return f"{float(text.split()[-1]):.2f} s"


def _crash(report, name, computer):
    """The second boot: it comes up ready, and crashes."""
    with computer.boot() as guest:
        computer.up(guest)
        code, text = guest.sh("kdumpctl status", ok=None)
        report.check(f"{name}: the next boot is ready by itself", text if code else "")
        if computer.init is INITS["systemd"]:
            _, text = guest.sh(computer.init.boot_log)
            early = re.search(r"^\[\s*([0-9.]+)\].*kdumpctl\[\d+\]: kdump: loaded .* as it was", text, re.MULTILINE)
            report.check(f"{name}: it was loaded early, from the image that was there", "" if early else text)
            report.check(f"{name}: nothing was built while it started", "" if re.search(r"already loaded, unchanged", text) else text)
            _, basic = guest.sh("systemctl show -P ActiveEnterTimestampMonotonic basic.target")
            if early:
                at, services = float(early[1]), int(basic) / 1e6
                report.check(f"{name}: before services are started", "" if at <= services else f"at {at} s, they at {services:.1f} s")
                report.note(f"{name}: loaded {at:.1f} s after the kernel's start, services from {services:.1f} s on (emulated)")
            report.note(f"{name}: with kdump: {_boot_seconds(guest)}")
        ended, seconds, _ = computer.keep(guest, "kdumpctl test --crash --yes")
        report.check(f"{name}: after the crash the machine starts again", "" if ended == "reboot" else f"it ended with {ended}")
        report.note(f"{name}: from the crash to the restart {seconds:.1f} s (emulated)")


def _told(report, name, computer):
    """The third boot: it tells of the dump; the package is removed."""
    init = computer.init
    with computer.boot() as guest:
        computer.up(guest)
        _, text = guest.sh(init.told, timeout_s=400)
        lines = [line for line in text.splitlines() if capture.SAVEDIR in line and "whole" in line]
        report.check(f"{name}: one line of its log tells of the dump", "" if len(lines) == 1 and "sysrq" in lines[0] else text)
        report.check(f"{name}: another one tells that the test has left it", "" if re.search(r"test of .*: dump guest-", text) else text)
        _, text = guest.sh("kdumpctl estimate", ok=None)
        report.check(f"{name}: what that capture took is known", "" if "the last capture took" in text else text)
        code, text = guest.sh("kdumpctl status", ok=None)
        report.check(f"{name}: and it is ready again", text if code else "")
        _, text = guest.sh("dpkg -r kdump-suite >/dev/null 2>&1; cat /sys/kernel/kexec_crash_loaded")
        report.check(f"{name}: removing the package unloads", "" if text == "0" else text)
        guest.sh("dpkg -P kdump-suite", timeout_s=300)
        _, text = guest.sh(LEFT)
        report.check(f"{name}: purging it leaves nothing", text)
        _, text = guest.sh(init.armed)
        report.check(f"{name}: and nothing enabled", text)
        computer.keep(guest, init.poweroff)


def _without(report, name, computer):
    """The fourth boot, without us."""
    with computer.boot() as guest:
        computer.up(guest)
        report.note(f"{name}: without kdump: {_boot_seconds(guest)}")


def carry_out(report, lab, folder, scenario):
    """The whole way; then the dump is looked at, as any other."""
    name, setup = scenario.name, scenario.setup
    folder.mkdir(parents=True)
    computer = Computer(lab, folder, setup, packages.build_deb(folder))
    _install(report, name, computer)
    _crash(report, name, computer)
    dump = image.one_dump(computer.target, capture.SAVEDIR, folder / "dump")
    checks.directory(report, name, dump)
    checks.crash_reads(report, name, lab, lab.kernels[setup.series], dump / "vmcore")
    _told(report, name, computer)
    if setup.init == "systemd":
        _without(report, name, computer)
    report.check(f"{name}: the dump is still there", "" if image.listing(computer.target, capture.SAVEDIR) == [dump.name] else "it is not")
