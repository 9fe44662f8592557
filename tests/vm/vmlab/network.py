# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of two: the guest, and this machine as another node of its cluster.

It is a namespace of its own with a tap device in it, so that machines that run side by side do not
meet, and nothing of this machine's own network is touched.  IPv4 without a VLAN is this machine's kernel; IPv6 and the VLAN,
which it need not have, are wire.py.
"""

import pathlib
import subprocess
import sys
import time

from .command import LabError, run

HERE = pathlib.Path(__file__).resolve().parent
GUEST_MAC = "52:54:00:c0:ff:ee"
SECOND_MAC = "52:54:00:c0:ff:ef"
GUEST = "192.0.2.2"
PEER = "192.0.2.1"
GUEST6 = "2001:db8::2"
VLAN = 5
VLAN_GUEST, VLAN_PEER = "203.0.113.2", "203.0.113.1"
PEER6 = "2001:db8::1"
# Of this machine's own kernel.
SERVER6 = "2001:db8::3"
# Behind the gateway, which is PEER: an address of another network.
FAR = "198.51.100.7"
PORT = 7410
# What fence_kdump sends on x86-64: magic and version, in the order of the machine.
PACKET = "402a301b01000000"
# The node by its name, and by an address behind the gateway.
NODES = f"peer {FAR} {VLAN_PEER}"
ADDRESSES = {PEER: GUEST, FAR: GUEST, PEER6: GUEST6, VLAN_PEER: VLAN_GUEST}
# What the guest's administrator does; the card's name is not known before.
_CARD = f"""
modprobe virtio_net
udevadm settle 2>/dev/null || true
name_of() {{ grep -l "^$1" /sys/class/net/*/address | cut -d/ -f5; }}
card=$(name_of {GUEST_MAC})
"""
# A virtual machine's port leads nowhere.
_BRIDGE = f"""
second=$(name_of {SECOND_MAC})
modprobe bridge
ip link add bond0 type bond mode active-backup miimon 100
ip link set "$card" down
ip link set "$second" down
ip link set "$card" master bond0
ip link set "$second" master bond0
ip link add br0 type bridge forward_delay 0
ip link set bond0 master br0
modprobe tun
ip tuntap add vm0 mode tap
ip link set vm0 master br0
ip link set bond0 up
card=br0
"""
_ADDRESSES = f"""
ip link set "$card" up
ip address add {GUEST}/24 dev "$card"
ip -6 address add {GUEST6}/64 dev "$card" nodad
ip route add default via {PEER}
ip link add link "$card" name ring{VLAN} type vlan id {VLAN}
ip link set ring{VLAN} up
ip address add {VLAN_GUEST}/24 dev ring{VLAN}
printf '%s peer\\n' {PEER} {PEER6} >>/etc/hosts
"""


class Network:
    """Use as a context manager: it ends with all that runs in it.  With two cards the guest has a bridge on a bond of both."""

    def __init__(self, folder, fence_kdump, cards=1):
        self.name = f"kdump-{folder.name}"
        self.folder = folder
        self.in_guest = _CARD + (_BRIDGE if cards == 2 else "") + _ADDRESSES
        self._macs = (GUEST_MAC, SECOND_MAC)[:cards]
        self._fence_kdump = fence_kdump
        self._children = []

    def __enter__(self):
        run(["ip", "netns", "delete", self.name], ok=None)
        run(["ip", "netns", "add", self.name])
        taps = [line for number in range(len(self._macs)) for line in (
            f"tuntap add dev tap{number} mode tap", f"link set tap{number} master lan", f"link set tap{number} up")]
        for line in ("link set lo up", "link add lan type bridge forward_delay 0", *taps,
                     # wire.py has an address of its own.
                     "link set lan promisc on", "link set lan up",
                     f"address add {PEER}/24 dev lan", f"address add {FAR}/32 dev lo"):
            run(["ip", "-netns", self.name, *line.split()])
        return self

    def __exit__(self, *unused):
        for child in self._children:
            if child.poll() is None:
                child.kill()
                child.wait()
        run(["ip", "netns", "delete", self.name], ok=None)

    def inside(self, argv):
        """A command line that runs here."""
        return ["ip", "netns", "exec", self.name, *argv]

    def cut(self):
        """From now on nothing comes through."""
        run(["ip", "-netns", self.name, "link", "set", "lan", "down"])

    def options(self, card="virtio-net-pci"):
        """QEMU's."""
        return [word for number, mac in enumerate(self._macs) for word in (
            "-netdev", f"tap,id=net{number},ifname=tap{number},script=no,downscript=no",
            "-device", f"{card},netdev=net{number},mac={mac}")]

    def agent(self, source, timeout_s):
        """The fence agent of the cluster's other node; ends with 0 at the first notice of the guest."""
        return self.start("fence_kdump.log", [self._fence_kdump, "-n", source, "-o", "off", "-t", str(timeout_s), "-v",
                                         "-f", "ipv6" if ":" in source else "ipv4"])

    def listener(self):
        """Writes down all notices; see notices()."""
        # Before the panic: the guest looks for neighbours only it answers for.
        return self.start("notices.log", [sys.executable, HERE / "wire.py", "lan", str(PORT), *ADDRESSES])

    def notices(self):
        """Of each that came to the listener: time.monotonic(), where, from where, bytes."""
        rows = [line.split() for line in (self.folder / "notices.log").read_text().splitlines()]
        return [(float(when), *rest) for when, *rest in rows]

    def text(self, name):
        """What a child printed."""
        return (self.folder / name).read_text(errors="replace")

    def start(self, name, argv):
        """Run a program here until the end; what it prints goes to a file of that name."""
        with open(self.folder / name, "wb") as log:
            # pylint: disable=consider-using-with
            child = subprocess.Popen(self.inside(argv), stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT)
        self._children.append(child)
        return child

    @staticmethod
    def wait(child, timeout_s):
        """Exit status of a child, and when it ended."""
        try:
            return child.wait(timeout_s), time.monotonic()
        except subprocess.TimeoutExpired:
            raise LabError(f"{child.args[4]}: no end after {timeout_s} s") from None
