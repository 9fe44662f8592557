# SPDX-License-Identifier: GPL-2.0-or-later
"""One virtual machine: QEMU, its console, its monitor, and the agent inside."""

import base64
import json
import pathlib
import subprocess
import time

from . import image
from .channel import Channel, Closed, Timeout
from .command import LabError

# cmpxchg16b of QEMU 7.2's emulation corrupts the flags register: kernels from
# 6.12 on die in kmalloc unless the feature is hidden.  Without five-level page
# tables the emulated kernel boots several seconds sooner.
CPU = "max,-cx16,-la57"

COMMAND_LINE = ("root=/dev/vda rw console=ttyS0,115200 loglevel=7 panic=10 systemd.unit=lab.target systemd.show_status=0 no_timer_check "
                "module_blacklist=kvm,kvm_amd,kvm_intel")
HALTED = r"System halted"

# How a disk is attached; {} is its drive, its name, and its serial number.
BUSES = {
    "virtio": ("virtio-blk-pci,drive={0},id={0},serial={0}",),
    "scsi": ("virtio-scsi-pci,id={0}-bus", "scsi-hd,drive={0},id={0},serial={0},bus={0}-bus.0"),
    "megasas": ("megasas,id={0}-bus", "scsi-hd,drive={0},id={0},serial={0},bus={0}-bus.0"),
    "sata": ("ahci,id={0}-bus", "ide-hd,drive={0},id={0},serial={0},bus={0}-bus.0"),
    "nvme": ("nvme,drive={0},id={0},serial={0}",),
    "usb": ("qemu-xhci,id={0}-bus", "usb-storage,drive={0},id={0},serial={0},bus={0}-bus.0"),
    # Two paths to one disk, which is a block device of QEMU's: a drive has one device only.
    "multipath": tuple(text for path in "ab" for text in (
        f"virtio-scsi-pci,id={{0}}-bus-{path}",
        f"scsi-hd,drive={{0}},id={{0}}-{path},serial={{0}},wwn=0x5000c500c0ffee00,share-rw=on,bus={{0}}-bus-{path}.0")),
}


class Machine:
    """QEMU with a console and a monitor, and perhaps an agent inside.

    Use as a context manager; the QEMU process ends with it.
    """

    has_agent = False

    def __init__(self, folder, argv):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._argv = [str(option) for option in argv]
        self._process = None
        self.console = self.agent = self.monitor = None

    @classmethod
    def streams(cls, folder):
        """QEMU's options for the sockets that this object connects to."""
        options = []
        for name in ("console", "agent") if cls.has_agent else ("console",):
            options += ["-chardev", f"socket,id={name},path={folder}/{name}.sock,server=on,wait=on",
                        "-serial", f"chardev:{name}"]
        return [*options, "-qmp", f"unix:{folder}/qmp.sock,server=on,wait=on"]

    def __enter__(self):
        with open(self.folder / "qemu.log", "wb") as log:
            # pylint: disable=consider-using-with
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)
        try:
            # QEMU waits for each of its sockets in the order of its options.
            self.console = self._connect("console")
            if self.has_agent:
                self.agent = self._connect("agent")
            self.monitor = self._connect("qmp")
            self.monitor.wait('"QMP"', 30)
            self.qmp("qmp_capabilities")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *unused):
        self.close()

    def _connect(self, name):
        deadline = time.monotonic() + 30
        while True:
            try:
                return Channel(self.folder / f"{name}.sock", self.folder / f"{name}.log")
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    text = (self.folder / "qemu.log").read_text(errors="replace")
                    raise LabError(f"QEMU did not start: {text.strip()}") from None
                time.sleep(0.02)  # a socket file cannot be waited for

    def close(self):
        """End QEMU, by its own process id, and remove what it left."""
        for channel in (self.console, self.agent, self.monitor):
            if channel:
                channel.close()
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for path in self.folder.glob("*.sock"):
            path.unlink()

    def qmp(self, command, timeout_s=20, **arguments):
        """Give the monitor a command; return its answer."""
        start = self.monitor.position()
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self.monitor.send(json.dumps(request) + "\n")
        _, _, found = self.monitor.wait(r'^\{"(return|error)".*', timeout_s, start)
        answer = json.loads(found.group(0))
        if "error" in answer:
            raise LabError(f"QEMU: {command}: {answer['error']['desc']}")
        return answer["return"]

    def wait_answer(self, command, is_wanted, timeout_s):
        """Ask the monitor until its answer is as wanted; of some things it tells no event."""
        deadline = time.monotonic() + timeout_s
        while not is_wanted(answer := self.qmp(command)):
            if time.monotonic() > deadline:
                raise LabError(f"QEMU: {command} is still {answer} after {timeout_s} s")
            time.sleep(0.05)

    def waited(self, channel, pattern, timeout_s, start=0):
        """Wait for a line of a stream; a failure shows the console's last ones."""
        try:
            return channel.wait(pattern, timeout_s, start)
        except (Timeout, Closed) as err:
            raise LabError(f"{err}; last console lines:\n"
                           + "\n".join(self.console.tail())) from None

    def wait_console(self, pattern, timeout_s, start=0):
        """Wait for a console line; return (index, seconds, match)."""
        return self.waited(self.console, pattern, timeout_s, start)


class Guest(Machine):
    """A Debian guest with an agent inside."""

    has_agent = True

    def __init__(self, folder, kernel, initrd, root, *, memory_mib=512, cpus=1,
                 crashkernel="128M", disks=(), bus="virtio", append="", cpu=CPU, network=None, devices=(),
                 firmware=None, by_firmware=False):
        super().__init__(folder, [])
        self.kernel = kernel
        self.ram = self.folder / "ram"
        self._argv = self._command(initrd, root, memory_mib, cpus, crashkernel,
                                   disks, bus, append, cpu, by_firmware)
        if firmware:
            self._argv += image.firmware(firmware)
        for device in devices:
            self._argv += ["-device", device]
        if network:
            self._argv = network.inside([*self._argv, *network.options()])
        self._requests = 0

    def _command(self, initrd, root, memory_mib, cpus, crashkernel, disks, bus, append, cpu, by_firmware):
        overlay = self.folder / "root.qcow2"
        image.overlay(root, overlay)
        options = [
            "qemu-system-x86_64", "-nodefaults", "-nographic", "-no-reboot",
            "-machine", "pc,memory-backend=ram", "-accel", "tcg,thread=multi",
            "-cpu", cpu, "-smp", str(cpus), "-m", f"{memory_mib}M",
            "-object", f"memory-backend-file,id=ram,size={memory_mib}M,"
                       f"mem-path={self.ram},share=on",
            "-device", "virtio-rng-pci", "-action", "watchdog=none",
            "-drive", f"file={overlay},if=none,id=root,format=qcow2,cache=unsafe",
            "-device", "virtio-blk-pci,drive=root,serial=root",
        ]
        # Else what the firmware finds on the disks.
        if not by_firmware:
            options += ["-kernel", self.kernel.vmlinuz, "-initrd", initrd, "-append", f"{COMMAND_LINE} crashkernel={crashkernel} {append}"]
        options += self.streams(self.folder)
        for number, disk in enumerate(disks):
            if isinstance(disk, dict):
                options += ["-blockdev", json.dumps({**disk, "node-name": f"disk{number}"})]
            else:
                options += ["-drive", f"file={disk},if=none,id=disk{number},format=raw,cache=unsafe"]
            for device in BUSES[bus]:
                options += ["-device", device.format(f"disk{number}")]
        return [str(option) for option in options]

    def boot(self, timeout_s=180, start=0):
        """Wait until the system is up; set its clock to the host's."""
        self.waited(self.agent, r"^@ready", timeout_s, start)
        self.sh(f"date -u -s @{int(time.time())}")

    def send(self, script):
        """Start a script in the guest and do not wait for its end."""
        self._requests += 1
        encoded = base64.b64encode(script.encode()).decode()
        start = self.agent.position()
        self.agent.send(f"{self._requests} {encoded}\n")
        return start

    def sh(self, script, timeout_s=120, ok=(0,)):
        """Run a script in the guest; return (exit code, output)."""
        start = self.send(script)
        end, _, found = self.waited(
            self.agent, rf"^@end {self._requests} (\d+)", timeout_s, start)
        text = "\n".join(line for _, line in self.agent.lines[start:end]).strip()
        code = int(found.group(1))
        if ok is not None and code not in ok:
            raise LabError(f"in the guest: {script.strip()}: exit {code}\n{text}")
        return code, text

    def wait_end(self, timeout_s, start=0):
        """Wait for the machine's end; return (what, seconds on the console clock).

        what is "reboot", "poweroff" or "halt".
        """
        deadline = time.monotonic() + timeout_s
        position = 0
        while True:
            # One of two streams ends it: look at the monitor, then at the console.
            found = self.monitor.find(r'"event": "SHUTDOWN"')
            if found:
                return self._reason(), self.console.now()
            halted = self.console.find(HALTED, start)
            if halted:
                return "halt", halted[0]
            left = deadline - time.monotonic()
            if left <= 0 or (self._process.poll() is not None and position > 3):
                raise LabError(f"the machine did not end within {timeout_s} s; last "
                               "console lines:\n" + "\n".join(self.console.tail()))
            try:
                self.monitor.wait(r'"event": "SHUTDOWN"', min(left, 0.25))
            except Timeout:
                pass
            except Closed:
                position += 1

    def _reason(self):
        _, _, found = self.monitor.wait(r'.*"event": "SHUTDOWN".*', 1)
        reason = json.loads(found.group(0))["data"]["reason"]
        names = {"guest-reset": "reboot", "guest-shutdown": "poweroff",
                 "guest-panic": "panic"}
        return names.get(reason, reason)
