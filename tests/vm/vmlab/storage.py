# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets that are more than a disk: how they are made, and found again in another boot.

The host has no device-mapper, so all of it happens in guests.
"""

import dataclasses

DISK = "/dev/disk/by-id/virtio-disk"
VOLUME = "/dev/kdumpvg/dumps"
ARRAY = "/dev/md/dumps"
PATHS = "/dev/mapper/mpatha"
EXT4 = "mkfs.ext4 -q -U {uuid} "
XFS = "mkfs.xfs -q -m uuid={uuid} "


@dataclasses.dataclass
class Storage:
    """A kind of target; {uuid} is that of its file system."""

    disks: int                # that it is made of, the first ones of the guest
    make: str                 # script
    device: str               # that holds the file system
    bring_up: str             # script of another boot, where udev has not done it
    check: str                # of the file system, before it is mounted
    bus: str = "virtio"       # of its disks: see guest.BUSES


CHECK_EXT4 = "! dumpe2fs -h {device} 2>/dev/null | grep needs_recovery && e2fsck -fn {device}"
CHECK_XFS = "xfs_repair -n {device}"
BRING_UP_LVM = "vgchange -q -ay kdumpvg; udevadm settle"
KINDS = {
    "lvm": Storage(1, f"pvcreate -q {DISK}0 && vgcreate -q kdumpvg {DISK}0 && lvcreate -q -Wn -l 90%FREE -n dumps kdumpvg && {EXT4}{VOLUME}",
                   VOLUME, BRING_UP_LVM, CHECK_EXT4),
    "lvm-two": Storage(2, f"pvcreate -q {DISK}0 {DISK}1 && vgcreate -q kdumpvg {DISK}0 {DISK}1 && "
                          f"lvcreate -q -Wn -l 90%FREE -n dumps kdumpvg && {EXT4}{VOLUME}",
                       VOLUME, BRING_UP_LVM, CHECK_EXT4),
    "lvm-thin": Storage(1, f"pvcreate -q {DISK}0 && vgcreate -q kdumpvg {DISK}0 && lvcreate -q -l 80%FREE -T kdumpvg/pool && "
                           f"lvcreate -q -V 2G -T kdumpvg/pool -n dumps && {XFS}{VOLUME}",
                        VOLUME, BRING_UP_LVM, CHECK_XFS),
    "md-raid1": Storage(2, f"mdadm --create {ARRAY} --run --quiet --assume-clean --homehost=any --level=1 --raid-devices=2 "
                           f"{DISK}0 {DISK}1 && udevadm settle && {EXT4}{ARRAY}",
                        ARRAY, "mdadm --assemble --scan --run; udevadm settle; [ -e /dev/md/dumps ] || ln -s ../md127 /dev/md/dumps", CHECK_EXT4),
    "multipath": Storage(1, f"printf 'defaults {{{{\\n user_friendly_names yes\\n find_multipaths yes\\n}}}}\\n' >/etc/multipath.conf; "
                            f"until [ $(ls /dev/disk/by-path/*scsi* | wc -l) -ge 2 ]; do udevadm settle; done; "
                            f"systemctl restart multipathd; until [ -b {PATHS} ]; do multipath; udevadm settle; done; "
                            f"[ $(dmsetup deps {PATHS} | grep -o '([0-9]*, [0-9]*)' | wc -l) = 2 ] && {EXT4}{PATHS}",
                         f"{DISK}0", "true", CHECK_EXT4, "multipath"),
    "btrfs": Storage(2, f"mkfs.btrfs -q -U {{uuid}} -d raid1 -m raid1 {DISK}0 {DISK}1 && btrfs device scan", f"{DISK}0", "btrfs device scan",
                     "btrfs check --readonly {device}"),
    "luks": Storage(1, f"echo first >/run/1; echo second >/run/2; "
                       f"cryptsetup luksFormat -q --pbkdf argon2id --pbkdf-memory 131072 --pbkdf-force-iterations 4 {DISK}0 /run/1 && "
                       f"cryptsetup luksAddKey -q --key-file /run/1 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 {DISK}0 /run/2 && "
                       f"cryptsetup open --key-file /run/2 {DISK}0 cr_dumps && {EXT4}/dev/mapper/cr_dumps",
                    "/dev/mapper/cr_dumps", "", CHECK_EXT4),
}

KINDS["twins"] = Storage(2, "true", "", "", "")

# An encrypted volume that is opened as a machine does when it starts, but for the key, which is in no keyring that outlives that.
HEADER_UUID = "c0ffee00-1234-4321-8765-0123456789ae"
OPEN = "echo first >/run/1; cryptsetup open --key-file /run/1 {options} " + f"{DISK}0 cr_dumps"


def _encrypted(kind, options):
    return Storage(1, "mount -t configfs none /sys/kernel/config; echo first >/run/1; "
                      f"cryptsetup luksFormat -q --type {kind} --uuid {HEADER_UUID} {DISK}0 /run/1 && "
                      f"{OPEN.format(options=options)} && {EXT4}/dev/mapper/cr_dumps",
                   "/dev/mapper/cr_dumps", OPEN.format(options=""), CHECK_EXT4)


KINDS["luks2"] = _encrypted("luks2 --pbkdf argon2id --pbkdf-memory 131072 --pbkdf-force-iterations 4", "")
KINDS["luks1"] = _encrypted("luks1 --pbkdf-force-iterations 1000 --cipher aes-cbc-essiv:sha256 --key-size 256", "")
# What link-volume-key= of crypttab does (cryptsetup 2.7; Debian 12 has 2.6): the key of the volume in the keyring of root.
LINK_KEY = f"""kdumpctl start >/run/refused 2>&1 && exit 1
grep 'link-volume-key=@u::%logon:cryptsetup:{HEADER_UUID}' /run/refused || {{ cat /run/refused; exit 1; }}
cryptsetup luksDump -q --dump-volume-key --volume-key-file /run/key --key-file /run/1 {DISK}0 >/run/dumped
keyctl padd logon cryptsetup:{HEADER_UUID} @u </run/key >/run/serial"""


def make(kind, uuid):
    """The script that makes it."""
    return "set -e; exec 3>&-; " + KINDS[kind].make.format(uuid=uuid) + "; udevadm trigger -w -s block; udevadm settle"


def read_script(kind, uuid, written):
    """A script that checks and mounts it, and writes what is in a directory to a disk."""
    storage = KINDS[kind]
    return (f"exec 3>&-; {storage.bring_up}; set -e; " + storage.check.format(device=storage.device)
            + f"; mount UUID={uuid} /mnt; cd /mnt/crash; tar -c . >{written}; cd /; umount /mnt")
