# SPDX-License-Identifier: GPL-2.0-or-later
"""A capture as distributions have it, to be compared with: dracut with systemd, makedumpfile, fence_kdump_send.

Better than what they ship: only the modules and programs that this guest needs, no names of devices, no
network manager.
"""

import pathlib
import shutil

from . import cache, debian, image, network
from .command import run

HERE = pathlib.Path(__file__).resolve().parent.parent
MODULE = HERE / "guest/90dracut-systemd"


def _build(kernel, made):
    tree = pathlib.Path(f"{made}.tree")
    tree.mkdir()
    try:
        run(["tar", "-x", "-C", tree, "-f", debian.guest_tar(("makedumpfile",)), "--exclude=./dev/*"])
        image.stage_kernel(tree, kernel)
        shutil.copytree(MODULE, tree / "usr/lib/dracut/modules.d" / MODULE.name)
        shutil.copy(debian.fence_agents_tree() / "usr/libexec/fence-agents/fence_kdump_send", tree / "usr/sbin")
        script = ('mount --bind /dev "$1/dev"; mount -t proc proc "$1/proc"; mount -t sysfs sysfs "$1/sys"\n'
                  'exec chroot "$1" dracut --force --conf /dev/null --confdir /run --no-hostonly --no-hostonly-cmdline '
                  f'--zstd --kver "$2" -m "base {MODULE.name[2:]}" /made.img')
        run(["unshare", "--mount", "sh", "-euc", script, "sh", tree, kernel.release], timeout_s=600)
        (tree / "made.img").rename(made)
    finally:
        shutil.rmtree(tree)


def initramfs(kernel):
    """The image for a kernel."""
    recipe = cache.digest(kernel.path.name, debian.guest_recipe(("makedumpfile",)),
                          *(path.read_text() for path in sorted(MODULE.iterdir())))
    return cache.artefact(f"usual-{kernel.release}-{recipe}", lambda made: _build(kernel, made))


def load_command(kernel, uuid, has_network):
    """What loads it in the guest."""
    more = f" save.network={network.GUEST_MAC},{network.GUEST}/24,{network.PEER}" if has_network else ""
    return ("kexec -p -s /boot/vmlinuz-$(uname -r) --initrd=/usr/lib/kdump-lab/" + initramfs(kernel).name + " --append='console=ttyS0,115200 "
            "nr_cpus=1 irqpoll reset_devices cgroup_disable=memory numa=off transparent_hugepage=never mce=off hest_disable "
            f"no_timer_check module_blacklist=kvm,kvm_amd,kvm_intel panic=10 rd.systemd.unit=save.target save.uuid={uuid}{more}'")
