# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks of the guest: its root file system, its first initramfs, dump targets.

Nothing is mounted: images are made with mkfs, and those with ext4 read with debugfs.
"""

import lzma
import os
import pathlib
import re
import shutil

from .command import LabError, output, run, shell

HERE = pathlib.Path(__file__).resolve().parent.parent

# Units that a guest of a few minutes does not need.
MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "getty.target",
    "systemd-timesyncd.service", "systemd-update-utmp.service",
    "systemd-journal-catalog-update.service", "ldconfig.service",
    "systemd-hwdb-update.service", "systemd-binfmt.service", "dev-hugepages.mount",
    "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
    "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
    "modprobe@.service", "systemd-random-seed.service", "systemd-pstore.service",
)

BOOT_MODULES = (
    "virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
    "virtio_pci", "virtio_blk",
    # Built in where the kernel is made for clouds.
    "crc16", "mbcache", "jbd2", "crc32c_generic", "ext4",
)


def tiny_initrd(kernel, target):
    """An initramfs that only finds the root disk."""
    tree = pathlib.Path(f"{target}.tree")
    for folder in ("bin", "dev", "root"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(output(["sh", "-c", "command -v busybox"]).strip(), tree / "bin/busybox")
    shutil.copy(HERE / "guest/tiny-init", tree / "init")
    for name in BOOT_MODULES:
        for path in kernel.modules.glob(f"kernel/**/{name}.ko*"):
            data = path.read_bytes()
            if path.suffix == ".xz":
                data = lzma.decompress(data)
            (tree / f"{name}.ko").write_bytes(data)
    shell('cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 >"$2"', tree, target)
    shutil.rmtree(tree)


def lone_initrd(program, target):
    """An initramfs that is one static program."""
    tree = pathlib.Path(f"{target}.tree")
    tree.mkdir()
    shutil.copy(program, tree / "init")
    shell('cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 >"$2"', tree, target)
    shutil.rmtree(tree)


def _stage_lab(tree, files):
    """Put the agent and files of the laboratory in the tree."""
    lab = tree / "usr/lib/kdump-lab"
    lab.mkdir(parents=True)
    shutil.copy(HERE / "guest/agent", lab / "agent")
    for file in files:
        shutil.copy(file, lab / file.name)
    units = tree / "etc/systemd/system"
    for name in ("lab-agent.service", "lab.target"):
        shutil.copy(HERE / "guest" / name, units / name)
    for name in MASKED:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")


def stage_kernel(tree, kernel):
    """Install a kernel as its package would."""
    boot = tree / "boot"
    boot.mkdir(exist_ok=True)
    shutil.copy(kernel.vmlinuz, boot / f"vmlinuz-{kernel.release}")
    shutil.copy(kernel.config, boot / f"config-{kernel.release}")
    modules = tree / "lib/modules" / kernel.release
    modules.parent.mkdir(parents=True, exist_ok=True)
    run(["cp", "-a", kernel.modules, modules])
    run(["depmod", "-b", tree, kernel.release])


def _stage_libraries(tree, program):
    """Libraries that the guest lacks; it is of the same release as the host."""
    for path in re.findall(r"=> (/\S+)", output(["ldd", program])):
        if not (tree / path[1:]).exists():
            shutil.copy(path, tree / path[1:])


def root_image(guest_tar, kernels, stage, files, target):
    """The guest's root disk: Debian, the kernels, the installed product."""
    tree = pathlib.Path(f"{target}.tree")
    tree.mkdir()
    try:
        run(["tar", "-x", "-C", tree, "-f", guest_tar, "--exclude=./dev/*"])
        for kernel in kernels:
            stage_kernel(tree, kernel)
        if stage is not None:
            run(["cp", "-a", f"{stage}/.", tree])
            for program in ("usr/bin/kdump-copy", "usr/sbin/kdumpctl"):
                _stage_libraries(tree, stage / program)
        _stage_lab(tree, files)
        (tree / "etc/hostname").write_text("guest\n", encoding="ascii")
        (tree / "etc/fstab").write_text("/dev/vda / ext4 rw 0 1\n", encoding="ascii")
        (tree / "etc/machine-id").write_text("5eed" * 8 + "\n", encoding="ascii")
        make_ext4(target, 2048, tree=tree)
    finally:
        shutil.rmtree(tree)


def make_ext4(target, size_mib, uuid=None, tree=None):
    """A sparse ext4 image, empty or filled from a tree."""
    argv = ["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^orphan_file,^metadata_csum_seed"]
    if uuid:
        argv += ["-U", uuid]
    if tree:
        argv += ["-d", tree]
    run([*argv, target, f"{size_mib}M"], timeout_s=300)


def overlay(base, target):
    """A throw-away copy-on-write layer over a root disk."""
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
         os.fspath(base), os.fspath(target)])


OVMF = pathlib.Path("/usr/share/OVMF")


def firmware(variables):
    """QEMU's options of UEFI, which keeps its variables in a file."""
    if not variables.exists():
        shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
            "-drive", f"if=pflash,format=raw,file={variables}"]


LABEL = "crashdump"
PARTUUID = "c0ffee00-1234-4321-8765-0123456789ad"
PARTITION_START = 1 << 20
RAW = "raw"
# How to make file systems of a target, with the UUID of the file system where it can be chosen, and what finds errors in them.
FILE_SYSTEMS = {
    "xfs": (["mkfs.xfs", "-q", "-L", LABEL, "-m"], "uuid={uuid}", ["xfs_repair", "-n", "-f"]),
    "btrfs": (["mkfs.btrfs", "-q", "-L", LABEL, "-U"], "{uuid}", ["btrfs", "check", "-q"]),
    "vfat": (["mkfs.vfat", "-n", LABEL.upper(), "-i"], "c0ffee00", ["fsck.vfat", "-n"]),
    "ext4": (["mkfs.ext4", "-q", "-F", "-L", LABEL, "-U"], "{uuid}", ["e2fsck", "-fn"]),
}


def make_partitioned(target, size_mib, file_system, uuid):
    """A sparse image with one partition (GPT), which holds an empty file system, or bytes of which nobody knows anything (RAW)."""
    part = pathlib.Path(f"{target}.part")
    with open(part, "wb") as file:
        file.truncate((size_mib << 20) - 2 * PARTITION_START)
        if file_system == RAW:
            for _ in range(size_mib - 2 * (PARTITION_START >> 20)):
                file.write(b"old\n" * (1 << 18))
    if file_system != RAW:
        argv, identity, _ = FILE_SYSTEMS[file_system]
        run([*argv, identity.format(uuid=uuid), part], timeout_s=300)
    with open(target, "wb") as file:
        file.truncate(size_mib << 20)
    shell('printf "label: gpt\\nstart=%s, size=%s, uuid=%s\\n" "$2" "$3" "$4" | sfdisk -q "$1"', target,
          str(PARTITION_START >> 9), str(part.stat().st_size >> 9), PARTUUID)
    run(["dd", f"if={part}", f"of={target}", "bs=1M", f"seek={PARTITION_START >> 20}", "conv=notrunc,sparse",
         "status=none"])
    part.unlink()


def check_partition_clean(disk, file_system):
    """What the file system's own checker has against the one partition; empty when it is clean."""
    part = pathlib.Path(f"{disk}.part")
    run(["dd", f"if={disk}", f"of={part}", "bs=1M", f"skip={PARTITION_START >> 20}", "conv=sparse", "status=none"])
    code, text, err = run([*FILE_SYSTEMS[file_system][2], part], ok=None)
    part.unlink()
    return "" if code == 0 else (text + err).strip()


def check_clean(disk):
    """What e2fsck has against the file system; empty when it is clean.

    A journal that must be replayed is not clean: the capture unmounts.
    """
    header = output(["dumpe2fs", "-h", disk])
    if "needs_recovery" in header:
        return "the journal needs recovery: it was not unmounted"
    code, text, err = run(["e2fsck", "-fn", disk], ok=None)
    return "" if code == 0 else (text + err).strip()


def listing(disk, folder):
    """The names in a directory of the image."""
    text = output(["debugfs", "-R", f"ls -p {folder}", disk])
    names = [line.split("/")[5] for line in text.splitlines() if line.count("/") >= 6]
    return sorted(name for name in names if name not in ("", ".", "..", "lost+found"))


def extract(disk, folder, target):
    """Copy a directory of the image to the host."""
    target.mkdir(parents=True, exist_ok=True)
    _, text, err = run(["debugfs", "-R", f"rdump {folder} {target}", disk], timeout_s=300)
    copy = target / pathlib.PurePath(folder).name
    if not copy.is_dir():
        raise LabError(f"{disk}: cannot read {folder}: {text}{err}")
    return copy


def one_dump(disk, folder, target):
    """The one finished dump in a directory of the image, copied to the host."""
    names = listing(disk, folder)
    if len(names) != 1 or names[0].endswith(".incomplete"):
        raise LabError(f"{folder} holds {names or 'nothing'}, not one finished dump")
    return extract(disk, f"{folder}/{names[0]}", target)
