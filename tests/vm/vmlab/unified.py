# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine with UEFI that systemd-boot starts, from a unified kernel image and from an entry: reset-crashkernel changes what both
get, the next boots have it, and a crash is captured.

systemd-boot, its stub and ukify are those of Debian 13: the stub of Debian 12 reads no add-ons.
"""

import dataclasses
import re
import shutil

from . import archive, cache, capture, checks, debian, image
from .command import run
from .guest import Guest

SUITE = "trixie"
PACKAGES = ("systemd-boot-efi", "systemd-ukify")
# What ukify is written in.
GUEST_PACKAGES = ("python3-minimal", "python3-pefile")
STUBS = "usr/lib/systemd/boot/efi"
LAB = "/usr/lib/kdump-lab"
RESERVED_MIB = 160
IMAGE, ADDON, ENTRY = "/efi/EFI/Linux/debian.efi", "/efi/loader/addons/kdump.addon.efi", "/efi/loader/entries/debian.conf"
MOUNT = "mkdir -p /efi; mountpoint -q /efi || mount LABEL=ESP /efi"
# As the packages would, but for the place of the loader, which is where firmware looks that knows nothing of it.
INSTALL = f"""set -e
{MOUNT}
mkdir -p /efi/EFI/BOOT /efi/EFI/systemd /efi/EFI/Linux /efi/loader/entries
cp /{STUBS}/systemd-bootx64.efi /efi/EFI/BOOT/BOOTX64.EFI
cp /{STUBS}/systemd-bootx64.efi /efi/EFI/systemd/
cp /boot/vmlinuz-$(uname -r) /efi/linux
cp {LAB}/initrd.img /efi/initrd.img
printf 'default debian.efi\\n' >/efi/loader/loader.conf
sed 's/ *crashkernel=[^ ]*//' /proc/cmdline >/etc/kernel/cmdline
printf 'title Debian\\nlinux /linux\\ninitrd /initrd.img\\noptions %s\\n' "$(cat /etc/kernel/cmdline)" >{ENTRY}
ukify build --linux=/efi/linux --initrd=/efi/initrd.img --cmdline=@/etc/kernel/cmdline --output={IMAGE} 2>&1
umount /efi
"""
CONFIGURE = f"""set -e
{MOUNT}
mkdir -p /etc/kernel
echo root=/dev/vda >/etc/kernel/cmdline
touch /etc/sysconfig/kdump
sed -i '/^KDUMP_CRASHKERNEL=/d' /etc/sysconfig/kdump
echo 'KDUMP_CRASHKERNEL="crashkernel={RESERVED_MIB}M"' >>/etc/sysconfig/kdump
"""


@dataclasses.dataclass
class Setup:
    """Whose kernel."""

    series: str


def _unpack(suite, versions, made):
    debs = made / "debs"
    debs.mkdir(parents=True)
    for package, version in versions:
        suite.download(package, version, debs)
    for deb in debs.glob("*.deb"):
        run(["dpkg", "-x", deb, made])
    shutil.rmtree(debs)


def _programs():
    """systemd-boot and ukify."""
    suite = archive.Suite(SUITE, "amd64")
    versions = re.findall(r"Candidate: (\S+)", suite.apt("apt-cache", "policy", *PACKAGES)[1])
    pairs = list(zip(PACKAGES, versions))
    return cache.artefact(f"systemd-boot-{SUITE}-{cache.digest(*pairs)}", lambda made: _unpack(suite, pairs, made))


def _root(lab, folder, setup):
    """The guest's disk; what belongs elsewhere in it is put there by _PLACE."""
    programs, target = _programs(), folder / "root.img"
    initrd = folder / "initrd.img"
    shutil.copy(lab.initrds[setup.series], initrd)
    files = [programs / "usr/bin/ukify", *sorted((programs / STUBS).glob("*x64*")), initrd]
    image.root_image(debian.guest_tar(GUEST_PACKAGES), [lab.kernels[setup.series]], lab.stage, files, target)
    return target


PLACE = f"""set -e
mkdir -p /{STUBS} /etc/kernel
mv {LAB}/*.stub {LAB}/systemd-boot* /{STUBS}/
mv {LAB}/ukify /usr/bin/
"""


class _Machine:
    """Its disks outlive its boots, but for the root, which is as new each time."""

    def __init__(self, lab, folder, setup):
        self.kernel, self.initrd = lab.kernels[setup.series], lab.initrds[setup.series]
        self.folder, self.root, self.boots = folder, _root(lab, folder, setup), 0
        self.esp, self.target = folder / "esp.img", folder / "target.img"
        run(["mkfs.vfat", "-C", "-n", "ESP", self.esp, str(256 << 10)])
        image.make_ext4(self.target, 1024, uuid=capture.UUID)

    def boot(self, by_firmware=True):
        """A guest that is up, as a context."""
        self.boots += 1
        return Guest(self.folder / f"boot{self.boots}", self.kernel, self.initrd, self.root, memory_mib=1024, disks=[self.esp, self.target],
                     firmware=self.folder / "variables", by_firmware=by_firmware, crashkernel="0")

    @staticmethod
    def up(guest):
        """Wait until it is; put the files in their places."""
        guest.boot(timeout_s=400)
        guest.sh(PLACE)

    @staticmethod
    def end(guest):
        """Shut it down."""
        guest.sh("umount /efi; sync", ok=None)
        position = guest.console.position()
        guest.send("systemctl poweroff")
        guest.wait_end(300, position)


def _change(report, name, guest):
    """Both the image and the entry get the reservation."""
    guest.sh(CONFIGURE)
    _, text = guest.sh("cat /proc/cmdline /sys/kernel/kexec_crash_size; ls /sys/firmware/efi/efivars | grep -E '^(Loader|Stub)Info'")
    report.check(f"{name}: systemd-boot has started a unified kernel image, without a reservation",
                 "" if "StubInfo" in text and "LoaderInfo" in text and "crashkernel=" not in text and "\n0\n" in text else text)
    code, text = guest.sh(f"kdumpctl reset-crashkernel --dry-run; ls {ADDON}", ok=None)
    report.check(f"{name}: --dry-run tells of the add-on and makes none",
                 "" if code and "run ukify build" in text and "+options" in text else text)
    code, text = guest.sh("kdumpctl reset-crashkernel", ok=None, timeout_s=300)
    report.check(f"{name}: reset-crashkernel changes both", text if code else "")
    _, text = guest.sh(f"ls -A /efi/loader/addons; grep -c crashkernel={RESERVED_MIB}M {ENTRY} /etc/kernel/cmdline; "
                       "ukify inspect " + ADDON + " --section=.cmdline:text; kdumpctl reset-crashkernel --dry-run", ok=None)
    wanted = ("kdump.addon.efi\n/", f"{ENTRY}:1", "cmdline:1", f"crashkernel={RESERVED_MIB}M")
    report.check(f"{name}: ukify reads the add-on, nothing else is left, and a second time nothing is to be done",
                 text if any(word not in text for word in wanted) or "ukify build" in text else "")


def _reserved(report, name, guest, what):
    _, text = guest.sh("cat /sys/kernel/kexec_crash_size /proc/cmdline")
    report.check(f"{name}: {what} has {RESERVED_MIB} MiB reserved", "" if text.startswith(f"{RESERVED_MIB << 20}\n") else text)


def _take_back(report, name, guest):
    """Both are as they were, but that the entry is what starts next."""
    guest.sh(CONFIGURE)
    code, text = guest.sh(f"cp -r /efi/loader /run/; kdumptool commandline -d; ls {ADDON}; grep crashkernel {ENTRY}", ok=None)
    report.check(f"{name}: kdumptool commandline -d takes it away", "" if code and "crashkernel=" not in text.replace(ADDON, "") else text)
    guest.sh(f"cp -r /run/loader /efi/; rm {ADDON}; printf 'default debian.conf\\n' >/efi/loader/loader.conf")


def carry_out(report, lab, folder, scenario):
    """Four boots."""
    name, setup = scenario.name, scenario.setup
    folder.mkdir(parents=True)
    machine = _Machine(lab, folder, setup)
    with machine.boot(by_firmware=False) as guest:
        machine.up(guest)
        guest.sh(INSTALL, timeout_s=600)
        machine.end(guest)
    with machine.boot() as guest:
        machine.up(guest)
        _change(report, name, guest)
        machine.end(guest)
    with machine.boot() as guest:
        machine.up(guest)
        _reserved(report, name, guest, "the image")
        _take_back(report, name, guest)
        machine.end(guest)
    with machine.boot() as guest:
        machine.up(guest)
        _reserved(report, name, guest, "the entry")
        guest.sh(f"printf 'KDUMP_TARGET=\"UUID={capture.UUID}\"\\nKDUMP_SAVEDIR=\"{capture.SAVEDIR}\"\\nKDUMP_FINAL_ACTION=\"poweroff\"\\n' "
                 ">/etc/sysconfig/kdump; kdumpctl start", timeout_s=600)
        position = guest.console.position()
        guest.send("echo c >/proc/sysrq-trigger")
        ended, _ = guest.wait_end(300, position)
        report.check(f"{name}: after a crash the machine ends as it should", "" if ended == "poweroff" else f"with {ended}")
    dump = image.one_dump(machine.target, capture.SAVEDIR, folder / "dump")
    checks.directory(report, name, dump)
    checks.crash_reads(report, name, lab, lab.kernels[setup.series], dump / "vmcore")
