# SPDX-License-Identifier: GPL-2.0-or-later
"""The crashes that are made, and what is checked after each."""

import dataclasses
import os
import pathlib
import re
import shutil
import traceback

from . import (archive, built, capture, checks, copier, debian, debuggers, direct, explained, faults, forms, fresh, image, inspected, kinds, lttng,
               network, pageflags, planted, servers, stacks, storage, told, traced, unified, usage, vmcoreinfo)
from .capture import Setup
from .command import LabError, run, shell
from .direct import CPU
from .elf import Elf
from .planted import PROCESSES
from .readers import CRASH_COMMANDS, NO_MODULES, arm64_option

# Reservations that are tried, and the MiB from which on the capture has to succeed.
CRASHKERNEL_SIZES = ("64M", "72M", "80M", "96M", "128M")
CRASHKERNEL_PROMISED = {"6.1": 72, "6.12": 72}
DEADLINE_S = 60
# A dump that was made just before.
EARLIER = f"""mount UUID={capture.UUID} /mnt
mkdir -p /mnt{capture.SAVEDIR}/guest-$(date -u -d '-9 minutes' +%Y-%m-%dT%H-%M-%SZ)-00000000
umount /mnt"""
# Programs of an administrator.
HOOKS = """mkdir -p /etc/kdump/pre.d /etc/kdump/post.d
printf '#!/bin/sh\\necho "first: $KDUMP_STAGE $KDUMP_STATUS $1 $KDUMP_VMCORE"\\n' >/etc/kdump/pre.d/10-first
printf '#!/bin/sh\\nexit 3\\n' >/etc/kdump/pre.d/20-fail
printf '#!/bin/sh\\nwhile :; do read x </dev/zero; done\\n' >/etc/kdump/post.d/50-hang
chmod 755 /etc/kdump/*.d/*"""
# What capture.log says by the trouble with the first target.
FALLBACK_REASONS = {
    "": "FAILED: UUID=.*did not appear.*trying the next target",
    "full": "FAILED: UUID=.*No space left.*trying the next target",
    "hang": "FAILED: UUID=.*did not appear.*does not answer.*trying the next target",
    "stall": "FAILED: UUID=.*trying the next target",
    "errors": "FAILED: UUID=.*Input/output error.*trying the next target",
    "gone": "FAILED: UUID=.*after 3[0-9] s: iSCSI target iqn.*Connection refused.*trying the next target",
    "silent": "FAILED: UUID=.*after [234][0-9] s, while the memory was saved: the session with its iSCSI target is lost; trying the next target",
    "cable": "FAILED: UUID=.*after [234][0-9] s, while the memory was saved: the session with its iSCSI target is lost; trying the next target",
    "raw": "FAILED: PARTUUID=.* holds ext4 now; nothing is written over it; trying the next target",
    "ssh-silent": "FAILED: ssh://.*trying the next target",
    "nfs-silent": "FAILED: 192.0.2.1:/dumps: after [0-9]+ s, while the memory was saved: its time is over; trying the next target",
    "https-dies": "FAILED: https://.*trying the next target",
    "removal": "FAILED: UUID=.*(Input/output error|No such device|Read-only).*trying the next target",
}
# What crash of another machine opens, which takes a minute for each dump, emulated. What is written does not depend on the kernel:
# each has another form.
EMULATED_FORMS = {"5.10-arm64": "lzo", "6.1-arm64": "ELF", "6.12-arm64": forms.FLATTENED, "newest-arm64": "zstd"}
# A key of age, made for this test.
AGE_RECIPIENT = "age1hlknda8t77x0gm3f733tj58xf43ksvz0ce62csgy3s0w3fve9pcsckwy6w"
AGE_IDENTITY = "AGE-SECRET-KEY-1RU3F84HQQYXQMG59ETK7ZA0473L2T7H0NUMHGYKNNKHXL0QXWCAS4D8ZPX"
# The target has another name from now on.
GONE = "tune2fs -U random $(blkid -U " + capture.UUID + ")"
NOTIFY = {"KDUMP_NOTIFY_NODES": network.NODES, "KDUMP_NOTIFY_INTERVAL": "1"}


@dataclasses.dataclass
class Scenario:
    """One row of the table: run(report, lab, folder, scenario)."""

    name: str
    setup: Setup
    run: object
    quick: bool
    what: str


def _unfiltered(report, lab, folder, scenario):
    """Save /proc/vmcore as it is; filter and compare it on the host."""
    name, kernel = scenario.name, lab.kernels[scenario.setup.series]
    crash = capture.crash(lab, folder, scenario.setup)
    checks.ended(report, name, crash, "poweroff")
    checks.disk_clean(report, name, crash)
    dump = crash.dump_directory()
    crash.disk.unlink()
    checks.directory(report, name, dump, is_raw=True)
    if scenario.setup.before_panic == usage.SCRIPT:
        usage.check(report, name, crash.before)
    vmcore = dump / "vmcore"
    memory, raw = lab.pages.list(crash.ram), lab.pages.list(vmcore)
    taken_by = pageflags.classes(pageflags.read(crash.planted, Elf(vmcore)))
    checks.matches_memory(report, f"{name}: unfiltered", crash, raw, memory)
    reference = lab.tools.crash(kernel, vmcore, forms.COMMANDS)
    report.check(f"{name}: crash opens the unfiltered vmcore",
                 f"exit {reference.code}" if reference.code else "")
    for line in reference.warnings():
        report.note(f"{name}: crash on the unfiltered vmcore: {line}")
    inspected.same_as_crash(report, f"{name}: kdump-inspect", lab, vmcore, reference)
    inspected.report_of(report, name, lab, dump, "sysrq", "sysrq_handle_crash")
    said = told.read(crash.planted, Elf(vmcore))
    told.same(report, f"{name}: kdump-inspect", lab, vmcore, said)
    for level in checks.LEVELS:
        file = copier.filtered(lab, vmcore, level)
        ours = lab.pages.list(file)
        checks.same_as_makedumpfile(report, name, lab, vmcore, level, ours)
        checks.planted_pages(report, name, crash, ours, raw, level)
        checks.page_flags(report, name, taken_by, ours, raw, level)
        if level == 31:
            checks.kernel_objects(report, f"{name}: level 31", lab, crash, file)
            output = checks.crash_reads(report, f"{name}: level 31", lab, kernel, file,
                                        reference)
            checks.panicking_task(report, f"{name}: level 31", output)
            inspected.same_as_crash(report, f"{name}: level 31: kdump-inspect", lab, file, reference)
            told.same(report, f"{name}: level 31: kdump-inspect", lab, file, said)
            debuggers.gdb(report, f"{name}: level 31: gdb", lab, file, reference)
            # Each of the two takes half a minute: one kernel for each.
            if scenario.setup.series == "6.1":
                debuggers.crash_command(report, f"{name}: level 31: kdump-inspect crash", lab, kernel, file, reference)
            else:
                debuggers.gdb_with_types(report, f"{name}: level 31: gdb with types", lab, kernel, file, reference)
        file.unlink()
    # ours: the last level, 31.
    copier.memory_is_clean(report, f"{name}: level 31", lab, vmcore, ours)
    copier.same_log(report, name, lab, vmcore)
    copier.planted_reasons(report, name, lab, vmcore, crash.planted.confirm(raw))
    explained.all_of_it(report, name, lab, kernel, vmcore, reference, crash.planted.confirm(raw))
    vmcoreinfo.silent(report, f"{name}: level 31", lab, vmcore, ours)
    vmcoreinfo.given(report, f"{name}: level 31", lab, kernel, vmcore, ours)
    copier.keeps_process(report, f"{name}: a kept process", lab, kernel, crash, vmcore, raw, ours)
    forms.cut_short(report, f"{name}: cut short", lab, kernel, vmcore, reference)
    # What is written does not depend on the kernel: each is opened once.
    if scenario.setup.series == "6.1":
        forms.theirs_cut_short(report, f"{name}: cut short", lab, kernel, vmcore, reference)
        forms.split(report, f"{name}: split", lab, kernel, vmcore, reference)
        forms.without_struct_pages(report, f"{name}: -e", lab, kernel, vmcore, reference, raw, ours)
    else:
        forms.every_form(report, name, lab, kernel, vmcore, reference)
    return crash, dump


def _every_format(report, lab, folder, scenario):
    """As above, and each level in each format has the same pages."""
    _, dump = _unfiltered(report, lab, folder, scenario)
    vmcore = dump / "vmcore"
    for level in checks.LEVELS:
        plain = None
        for title, options in checks.FORMATS.items():
            file = copier.filtered(lab, vmcore, level, options)
            pages = lab.pages.list(file)
            file.unlink()
            plain = pages if plain is None else plain
            # An ELF file leaves pages of zeros out of its segments.
            zero = checks.planted.content_sum(bytes(4096))
            wrong = [pfn for pfn in plain.keys() | pages.keys()
                     if plain.get(pfn) != pages.get(pfn)
                     and not (title == "elf" and
                              zero in (plain.get(pfn), pages.get(pfn)))]
            report.check(f"{scenario.name}: level {level} as {title}: the same pages",
                         f"{len(wrong)} pages differ" if wrong else "")


def _filtered(report, lab, folder, scenario):
    """A filtered dump, made in the capture kernel."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    checks.disk_clean(report, name, crash)
    if setup.network:
        checks.notices(report, name, crash, int(setup.config["KDUMP_NOTIFY_INTERVAL"]))
    if setup.pvpanic:
        is_wanted = setup.config.get("KDUMP_PANIC_NOTIFIERS") == "yes"
        report.check(f"{name}: pvpanic tells the host of the crash: {is_wanted}",
                     "" if crash.host_was_told == is_wanted else f"it is {crash.host_was_told}")
    return crash, _saved(report, lab, scenario, crash, crash.dump_directory())


def _mutants(report, lab, folder, scenario):
    """All that kdump-inspect does with a dump whose memory is damaged all over."""
    name = scenario.name
    dump = folder / "dump"
    run([lab.program("kdump-copy"), "-E", "-d", "31", direct.snapshot(lab, folder, scenario.setup).core.path, dump])
    # The program beside a copier that was built so.
    sanitized = [path for path in (pathlib.Path(program).resolve().parent / "kdump-inspect" for program in lab.sanitized) if path.exists()]
    if not sanitized:
        report.skip(f"{name}: sanitizers", "no --sanitized PROGRAM was given")
    for program in (lab.program("kdump-inspect"), *sanitized):
        code, text, _ = run([image.HERE.parent / "inspect/mutants", "--program", program, "--rounds", "30", "--keep", folder, dump],
                            ok=None, merge=True, timeout_s=3600)
        last = text.strip().splitlines()[-1] if text.strip() else ""
        report.check(f"{name}: {program.parent.name}: all commands end: {last}", text if code else "")


def _by_ipv6(report, lab, folder, scenario):
    """The same, where this machine's kernel has IPv6 for the server."""
    if os.path.exists("/proc/sys/net/ipv6"):
        _filtered(report, lab, folder, scenario)
    else:
        report.skip(scenario.name, "this machine's kernel has no IPv6")


def _saved(report, lab, scenario, crash, dump):
    """What is asked of every filtered dump."""
    name, setup = scenario.name, scenario.setup
    checks.directory(report, name, dump)
    level = int(setup.config.get("KDUMP_DUMPLEVEL", 31))
    vmcore = dump / "vmcore"
    memory, pages = lab.pages.list(crash.ram), lab.pages.list(vmcore)
    checks.matches_memory(report, name, crash, pages, memory)
    checks.planted_pages(report, name, crash, pages, memory, level,
                         setup.config.get("KDUMP_KEEP_PROCESSES", ""))
    checks.kernel_objects(report, name, lab, crash, vmcore)
    output = checks.crash_reads(report, name, lab, lab.kernels[setup.series], vmcore)
    checks.panicking_task(report, name, output)
    inspected.report_of(report, name, lab, dump, "sysrq", "sysrq_handle_crash")
    return dump


def _encrypted(report, lab, folder, scenario):
    """A dump that nobody can read but who has the key; decrypted by age and by our own program, it is as any other."""
    name = scenario.name
    crash = capture.crash(lab, folder, scenario.setup)
    checks.ended(report, name, crash, scenario.setup.config["KDUMP_FINAL_ACTION"])
    if scenario.setup.partition == image.RAW:
        dump = _one_taken_on_host(lab, folder, crash)
    else:
        checks.disk_clean(report, name, crash)
        dump = crash.dump_directory()
    key = folder / "key.txt"
    key.write_text(AGE_IDENTITY + "\n")
    secrets = (b"KDUMPLANT ", b"Linux version", b"sysrq: Trigger a crash")
    readable = [f"{path.name}: {word}" for path in dump.iterdir() for word in secrets if word in path.read_bytes()]
    report.check(f"{name}: nothing of the memory or of the log can be read", "\n".join(readable))
    report.note(f"{name}: " + "; ".join(re.findall(r"encrypting; .*|memory: copier .*|[0-9]+ MiB written in .*", (dump / "capture.log").read_text())))
    by_age, log = folder / "by-age", folder / "log-by-age"
    shell('age -d -i "$1" "$2" | makedumpfile -R "$3"', key, dump / "vmcore.flat.age", by_age)
    run(["age", "-d", "-i", key, "-o", log, dump / "vmcore-dmesg.txt.age"])
    run([lab.program("kdump-inspect"), "decrypt", "-i", key, dump])
    report.check(f"{name}: age and kdump-inspect make the same dump of it",
                 "" if by_age.read_bytes() == (dump / "vmcore").read_bytes() else "they do not")
    report.check(f"{name}: and the same log", "" if log.read_bytes() == (dump / "vmcore-dmesg.txt").read_bytes() else "they do not")
    _saved(report, lab, scenario, crash, dump)


def _iscsi(report, lab, folder, scenario):
    """A dump on a disk that is reached by iSCSI, and no other disk of the same server was touched."""
    name = scenario.name
    crash, dump = _filtered(report, lab, folder, scenario)
    console = crash.console[crash.console.index("Linux version"):]
    disks = re.findall(r"Direct-Access +IET", console)
    report.check(f"{name}: the capture kernel looks for one disk", "" if len(disks) == 1 else f"for {len(disks)}: {console[-3000:]}")
    secrets = (servers.GUEST_PASSWORD.encode(), servers.SERVER_PASSWORD.encode())
    told = [path.name for path in dump.iterdir() if path.is_file() and path.name != "vmcore" for secret in secrets if secret in path.read_bytes()]
    report.check(f"{name}: no password is told", f"{told}" if told or any(secret.decode() in console for secret in secrets) else "")
    log = (dump / "capture.log").read_text()
    found = re.findall(r"has a session with us after.*|memory in MiB.*|memory: copier.*|[0-9]+ MiB memory available.*", log)
    if scenario.setup.trouble == "portal":
        report.check(f"{name}: the portal that is left is used", "" if f"at {network.FAR} has a session with us" in log else log)
    report.note(f"{name}: " + "; ".join(found))


def _uploaded(report, lab, folder, scenario):
    """A dump that was uploaded as a stream; put in order by makedumpfile, it is as any other."""
    name = scenario.name
    crash = capture.crash(lab, folder, scenario.setup)
    checks.ended(report, name, crash, scenario.setup.config["KDUMP_FINAL_ACTION"])
    dump = crash.dump_directory()
    text = (dump / "README.txt").read_text()
    report.check(f"{name}: README.txt says how to open what is there", "" if "crash VMLINUX vmcore.flat," in text else text)
    plan = (dump / "plan").read_text()
    report.check(f"{name}: no password is in the plan", "" if "secret" not in plan.replace(",secrets", "") and "storekey" not in plan else plan)
    shell('makedumpfile -R "$2" <"$1"', dump / "vmcore.flat", dump / "vmcore", timeout_s=300)
    _saved(report, lab, scenario, crash, dump)


def _direct(report, lab, folder, scenario):
    """The memory of a machine that QEMU wrote, filtered at every level."""
    name, setup = scenario.name, scenario.setup
    shot = direct.snapshot(lab, folder, setup)
    vmcore, page_bytes = shot.core.path, shot.core.page_bytes
    report.note(f"{name}: {lab.direct_kernels[setup.kernel].release}, {setup.cpu}: "
                f"{shot.seconds:.1f} s to the panic (emulated)")
    report.check(f"{name}: pages have {setup.page_bytes} bytes",
                 "" if page_bytes == setup.page_bytes else f"{page_bytes} in VMCOREINFO")
    unplanted = checks.planted.TAKEN_BY.keys() - shot.planted.frames.keys() \
        - {title for title, _ in shot.planted.missing}
    if page_bytes != 4096:           # plant.c starts no processes there.
        unplanted -= {title for title in unplanted if title.startswith(PROCESSES)}
    report.check(f"{name}: pages of each class were planted",
                 f"not: {', '.join(sorted(unplanted))}" if unplanted else "")
    words = pageflags.read(shot.planted, shot.core)
    taken_by = pageflags.classes(words)
    raw = lab.pages.list(vmcore)
    tools, is_supported = lab.foreign_tools.get(built.machine_of(setup.kernel)), True
    for level in checks.LEVELS:
        file = copier.filtered(lab, vmcore, level)
        ours = lab.pages.list(file)
        wrong = [pfn for pfn, total in ours.items() if raw.get(pfn) != total]
        report.check(f"{name}: level {level}: {len(ours)} pages are as in memory",
                     f"{len(wrong)} pages differ" if wrong or not ours else "")
        checks.planted_pages(report, name, shot, ours, raw, level, page_bytes=page_bytes)
        checks.page_flags(report, name, taken_by, ours, raw, level)
        if is_supported:
            is_supported = checks.same_as_makedumpfile(report, name, lab, vmcore, level, ours,
                                                       tools, words)
        if level == 31:
            checks.kernel_objects(report, f"{name}: level 31", lab, shot, file)
            inspected.whole_stacks(report, f"{name}: level 31: kdump-inspect", lab, file)
            told.same(report, f"{name}: level 31: kdump-inspect", lab, file, told.read(shot.planted, shot.core), page_bytes)
            if setup.has_symbols:
                _readers_agree(report, lab, scenario, vmcore, file)
        file.unlink()
    if page_bytes == 4096:           # plant.c starts no processes where they are larger.
        copier.keeps_planted_process(report, name, lab, shot, raw)
    # The last level is 31.
    vmcoreinfo.missing_in_file(report, name, lab, shot.qemu, ours, raw)


def _asked_of_crash(series):
    """The commands and the option for a kernel."""
    option = NO_MODULES if series.startswith("newest") else ""
    return tuple(command for command in CRASH_COMMANDS if command != "mod" or not option), option


def _readers_agree(report, lab, scenario, vmcore, file):
    """crash prints the same for level 31 as for all memory, and kdump-inspect tells of level 31 what crash and drgn do of all memory."""
    name, series = scenario.name, scenario.setup.kernel
    kernel = archive.with_symbols(lab.direct_kernels[series])
    confirmed = stacks.same_as_drgn(report, f"{name}: level 31: kdump-inspect", lab, file,
                                    lab.drgn.drgn(kernel, vmcore, image.HERE / "drgnsaid.py"))
    if built.machine_of(series) != "amd64":
        _emulated_crash_agrees(report, lab, scenario, vmcore)
        return
    commands, option = _asked_of_crash(series)
    reference = lab.tools.crash(kernel, vmcore, (*commands, "foreach bt"), option)
    checks.crash_reads(report, f"{name}: level 31", lab, kernel, file, reference, commands, option)
    inspected.told_as_crash(report, f"{name}: level 31: kdump-inspect", lab, file, reference)
    # The kernel that is newer than crash is the one whose tables for unwinding it does not know.
    stacks.same_as_crash(report, f"{name}: level 31: kdump-inspect", lab, file, reference, confirmed, bool(option))


def _emulated_crash_agrees(report, lab, scenario, vmcore):
    """crash of another machine prints the same for level 31, in one form, as for all memory."""
    name, series = scenario.name, scenario.setup.kernel
    hint, form = arm64_option(Elf(vmcore).notes), EMULATED_FORMS[series]
    if hint is None:
        report.skip(f"{name}: level 31: {form}: crash", "crash 9.0.2 walks no page tables of arm64 for 52 bits of virtual address")
        return
    kernel = archive.with_index(archive.with_symbols(lab.direct_kernels[series]))
    commands, option = _asked_of_crash(series)
    commands, option, tools = (*commands, "foreach bt"), f"{option} {hint}", lab.foreign_tools[built.machine_of(series)]
    reference = tools.crash(kernel, vmcore, commands, option)
    checks.panicking_task(report, f"{name}: crash on the unfiltered vmcore", reference)
    dump = forms.made(lab, vmcore, form)
    checks.crash_reads(report, f"{name}: level 31: {form}", lab, kernel, dump, reference, commands, option, tools=tools)
    dump.unlink()


def _stacks_only(report, lab, folder, scenario):
    """The memory of a machine of several CPUs, of which stacks alone are looked at."""
    name = scenario.name
    shot = direct.snapshot(lab, folder, scenario.setup)
    file = copier.filtered(lab, shot.core.path, 31)
    inspected.whole_stacks(report, f"{name}: level 31: kdump-inspect", lab, file)
    _readers_agree(report, lab, scenario, shot.core.path, file)


def _missing_target(report, lab, folder, scenario):
    """The target's UUID is gone after the panic: the failure action, in time."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FAILURE_ACTION"])
    # Counted from the capture kernel's first line: its own boot is in the margin.
    seconds, limit = crash.end_s - crash.kernel_s, DEADLINE_S + 30
    report.check(f"{name}: the failure action comes within the deadline",
                 "" if seconds <= limit else f"{seconds:.0f} s, allowed {limit} s")
    checks.notices(report, name, crash, int(setup.config["KDUMP_NOTIFY_INTERVAL"]))
    checks.disk_clean(report, name, crash)
    try:
        names = crash.names()
    except LabError:
        names = []
    report.check(f"{name}: nothing was written", f"found {names}" if names else "")


def _partition(report, lab, folder, scenario):
    """A dump in a partition, on a disk and a file system that another kernel reads after that."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    report.check(f"{name}: the target's file system is clean",
                 image.check_partition_clean(crash.disk, setup.partition))
    written, told = capture.next_boot(
        lab, folder / "next", setup, [crash.disk],
        f"mount PARTUUID={image.PARTUUID} /mnt && cd /mnt{setup.found_in} && tar -c . >/dev/disk/by-id/virtio-disk1")
    copy = folder / "copy"
    copy.mkdir()
    run(["tar", "-x", "-C", copy, "-f", written])
    names = [path.name for path in copy.iterdir()]
    if setup.config["KDUMP_TARGET"]:
        checks.told_at_next_boot(report, name, told)
    report.check(f"{name}: there is one finished dump", "" if len(names) == 1 and "incomplete" not in names[0] else f"{names}")
    dump = copy / names[0]
    checks.directory(report, name, dump)
    memory, pages = lab.pages.list(crash.ram), lab.pages.list(dump / "vmcore")
    checks.matches_memory(report, name, crash, pages, memory)
    checks.planted_pages(report, name, crash, pages, memory, 31)
    checks.kernel_objects(report, name, lab, crash, dump / "vmcore")
    if setup.has_crash:
        kernel = lab.kernels[setup.series]
        debian.add_symbols(kernel)
        checks.panicking_task(report, name, checks.crash_reads(report, name, lab, kernel, dump / "vmcore"))


# A machine for the kdumpctl of the host, which has the partition as a file.
RAW_ROOT = f"""include virtio
remove /dev/disk/by-uuid/0b1c2d3e-0000-4000-8000-000000000002
/proc/self/mountinfo = 22 1 254:1 / / rw - ext4 /dev/vda1 rw
/dev/disk/by-partuuid/{image.PARTUUID} -> ../../vda2
/etc/sysconfig/kdump <<
KDUMP_TARGET="raw:PARTUUID={image.PARTUUID}"
KDUMP_SAVEDIR="/crash"
.
"""


# Behind so much of a dump a header tells of it; its flattened form has some bytes more than what is made of them.
RAW_PART_BYTES = 60 << 20


def _taken_on_host(lab, folder, disk):
    """What kdumpctl makes of a raw partition: what it says, and the directories."""
    shutil.rmtree(folder, ignore_errors=True)
    tree = folder.with_suffix(".tree")
    tree.write_text(RAW_ROOT)
    run([image.HERE.parent / "roots/run", "--make", tree, folder])
    run(["dd", f"if={disk}", f"of={folder}/dev/vda2", "bs=1M", f"skip={image.PARTITION_START >> 20}", "status=none"])
    _, text, _ = run([lab.stage / "usr/sbin/kdumpctl", "--root", folder, "new-dumps"], ok=None, merge=True)
    found = folder / "crash"
    return text, sorted(found.iterdir()) if found.is_dir() else []


def _one_taken_on_host(lab, folder, crash):
    """The one whole dump of a raw partition."""
    text, found = _taken_on_host(lab, folder / "host", crash.disk)
    if len(found) != 1 or found[0].name.endswith(".incomplete"):
        raise LabError(f"not one whole dump: {found}\n{text}\n{crash.console[-3000:]}")
    return found[0]


def _raw_partition(report, lab, folder, scenario):
    """A dump on a raw partition, which the next boot takes from there; and the same whenever the power is cut while it is written."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    cut_disk, counts, wrong, cut, part = folder / "cut.img", {"nothing": 0, "incomplete": 0, "whole": 0}, [], "", None
    _, whole = _taken_on_host(lab, folder / "host", crash.disk)
    for cut in faults.PowerCuts(folder / capture.PRISTINE, folder / capture.WRITES, name).disks(cut_disk):
        text, found = _taken_on_host(lab, folder / "cut", cut_disk)
        is_whole = bool(found) and not found[0].name.endswith(".incomplete")
        counts["nothing" if not found else "whole" if is_whole else "incomplete"] += 1
        if len(found) > 1 or (is_whole and run(["diff", "-r", whole[0], found[0]], ok=None)[0]) or "stays" in text:
            wrong.append(f"{cut}: {[one.name for one in found]}\n{text}")
        memory = found[0] / "vmcore" if found and not is_whole else None
        if not part and memory and memory.exists() and memory.stat().st_size >= RAW_PART_BYTES:
            part = memory.rename(folder / "part")
    report.check(f"{name}: {sum(counts.values())} power cuts leave the whole dump or one that is taken out as incomplete", "\n".join(wrong[:3]))
    report.check(f"{name}: cuts of all kinds were made: " + ", ".join(f"{what} {count}" for what, count in counts.items()),
                 "" if all(counts.values()) else "one kind is missing")
    report.note(f"{name}: {cut}")
    report.check(f"{name}: a cut in the middle of the memory leaves what the header told of it", "" if part else "there is none")
    text = lab.tools.crash(lab.kernels[setup.series], part, ("bt",)).by_command["bt"] if part else ""
    report.check(f"{name}: crash opens that, and shows the task that caused the panic", "" if 'COMMAND: "plant"' in text else text)
    written, told = capture.next_boot(lab, folder / "next", setup, [crash.disk], "cd /crash && tar -c . >/dev/disk/by-id/virtio-disk1")
    checks.taken_at_next_boot(report, name, told)
    copy = folder / "copy"
    copy.mkdir()
    run(["tar", "-x", "-C", copy, "-f", written])
    names = [path.name for path in copy.iterdir()]
    report.check(f"{name}: there is one finished dump", "" if len(names) == 1 and "incomplete" not in names[0] else f"{names}")
    report.check(f"{name}: it is what the host takes from the partition", run(["diff", "-r", whole[0], copy / names[0]], ok=None, merge=True)[1])
    _, left = _taken_on_host(lab, folder / "left", crash.disk)
    report.check(f"{name}: nothing is left on the partition", f"{left}" if left else "")
    _saved(report, lab, scenario, crash, copy / names[0])


def _stacked(report, lab, folder, scenario):
    """A dump on a target that only dracut's modules bring up, read in another boot."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    disks = crash.disks()
    written, _ = capture.next_boot(lab, folder / "next", setup, disks,
                                   storage.read_script(setup.storage, capture.UUID, f"{storage.DISK}{len(disks)}"))
    copy = folder / "copy"
    copy.mkdir()
    run(["tar", "-x", "-C", copy, "-f", written])
    names = [path.name for path in copy.iterdir()]
    report.check(f"{name}: there is one finished dump", "" if len(names) == 1 and "incomplete" not in names[0] else f"{names}")
    dump = copy / names[0]
    checks.directory(report, name, dump)
    memory, pages = lab.pages.list(crash.ram), lab.pages.list(dump / "vmcore")
    checks.matches_memory(report, name, crash, pages, memory)
    checks.planted_pages(report, name, crash, pages, memory, 31)
    if setup.series == "handover":
        report.skip(f"{name}: crash", "crash 9.0.2 does not know the modules of Linux 7.2: no member num_gpl_syms")
        inspected.report_without_types(report, name, lab, dump, "sysrq")
    else:
        checks.panicking_task(report, name, checks.crash_reads(report, name, lab, lab.kernels[setup.series], dump / "vmcore"))
        inspected.report_of(report, name, lab, dump, "sysrq", "sysrq_handle_crash")
    found = re.search(r"memory: copier.*", (dump / "capture.log").read_text())
    report.note(f"{name}: {found[0] if found else ''}")
    return dump


def _handed_over(report, lab, folder, scenario):
    """A dump on an encrypted volume, whose passphrase nobody has typed."""
    name = scenario.name
    dump = _stacked(report, lab, folder, scenario)
    log = (dump / "capture.log").read_text()
    report.check(f"{name}: capture.log says that the volume was opened with the key that was handed over",
                 "" if re.search(r"the encrypted volume on /dev/vd\w+ is open, with the key that the crashed kernel", log) else log)
    plan = (dump / "plan").read_text()
    report.check(f"{name}: the minimal form", "" if 'form = "minimal"' in plan else plan)


def _refused(report, lab, folder, scenario):
    """kdumpctl start refuses the target and says why."""
    name = scenario.name
    text = capture.refusal(lab, folder, scenario.setup)
    for word in scenario.setup.says:
        report.check(f"{name}: the refusal says '{word}'", "" if word in text else text)


def _ends(report, lab, folder, scenario):
    """Nothing can be saved: the machine ends as it should, and in time."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    report.check(f"{name}: the machine ends by itself, as it should", "" if crash.ended in setup.ends else f"with {crash.ended}")
    checks.times(report, name, crash)
    for word in setup.says:
        report.check(f"{name}: the console says '{word}'", "" if word in crash.console else crash.console[-3000:])


def _crash_loop(report, lab, folder, scenario):
    """One crash too many saves the log, and the machine goes on as after any dump."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    names = [one for one in crash.names() if not one.endswith("-00000000")]
    report.check(f"{name}: there is one new directory", "" if len(names) == 1 else f"{names}")
    dump = image.extract(crash.disk, f"{capture.SAVEDIR}/{names[0]}", folder / "dump")
    text = (dump / "vmcore-dmesg.txt").read_text(errors="replace")
    report.check(f"{name}: it has the log and no memory",
                 "" if "Kernel panic - not syncing" in text and not (dump / "vmcore").exists() else "it has not")
    report.check(f"{name}: capture.log says why",
                 "" if "this is crash number 2" in (dump / "capture.log").read_text() else "it does not")


def _hooks(report, lab, folder, scenario):
    """The administrator's programs run, and none of them costs the dump."""
    name = scenario.name
    _, dump = _filtered(report, lab, folder, scenario)
    log, after = (dump / "capture.log").read_text(), (dump / "hooks.log").read_text()
    for title, wanted, text in (
            ("a script runs before the dump, with its interpreter", "| first: pre 0 0 /proc/vmcore", log),
            ("one that fails is told", "pre hook: it failed with status 3", log),
            ("a program that was asked for runs", f"| {lab.kernels[scenario.setup.series].release}", log),
            ("text for a shell runs behind the dump, which is sealed then", f"| sealed in {capture.SAVEDIR}/{dump.name}", after),
            ("one that hangs is ended", "post hook: it failed: /etc/kdump/post.d/50-hang: no end after", after)):
        report.check(f"{name}: {title}", "" if wanted in text else f"no '{wanted}' in\n{text[-3000:]}")


def _hung(report, lab, folder, scenario):
    """What hangs is a panic; all that the machine had is there."""
    name = scenario.name
    crash = capture.crash(lab, folder, scenario.setup)
    checks.ended(report, name, crash, scenario.setup.config["KDUMP_FINAL_ACTION"])
    dump = crash.dump_directory()
    log = (dump / "vmcore-dmesg.txt").read_text(errors="replace")
    wanted = {"nmi": "NMI: Not continuing", "task": "hung_task: blocked tasks"}[scenario.setup.hung]
    report.check(f"{name}: the panic says what hung", "" if wanted in log else log[-500:])
    output = checks.crash_reads(report, name, lab, lab.kernels[scenario.setup.series], dump / "vmcore")
    report.check(f"{name}: bt shows how it came to the panic", "" if "panic" in output.by_command["bt"] else output.by_command["bt"])
    checks.kernel_objects(report, name, lab, crash, dump / "vmcore")
    cause, function = {"nmi": ("nmi", "exc_nmi"), "task": ("hung-task", "schedule")}[scenario.setup.hung]
    inspected.report_of(report, name, lab, dump, cause, function)


def _kind(report, lab, folder, scenario):
    """A crash that a module makes, through the whole capture: the report that is made there is the one of the dump."""
    name, setup = scenario.name, scenario.setup
    module = debian.module(lab.kernels[setup.series], kinds.MODULE)
    crash = capture.crash(lab, folder, dataclasses.replace(setup, before_panic=kinds.insert(module)))
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    dump = crash.dump_directory()
    kind = next(kind for kind in kinds.KINDS if kind.name == setup.kind)
    inspected.report_of(report, name, lab, dump, kind.cause, kind.functions[0])
    made = kinds.look(report, name, lab, kind, dump / "vmcore")
    kinds.same_as_crash(report, name, lab, lab.kernels[setup.series], dump / "vmcore", made)


def _damaged(report, lab, folder, scenario):
    """Much of the crashed memory is noise, struct pages among it: what is saved is what is there."""
    name = scenario.name
    crash = capture.crash(lab, folder, scenario.setup)
    checks.ended(report, name, crash, scenario.setup.config["KDUMP_FINAL_ACTION"])
    checks.disk_clean(report, name, crash)
    dump = crash.dump_directory()
    report.check(f"{name}: the manifest's sums are right",
                 run(["sha256sum", "--quiet", "--check", "manifest.sha256"], cwd=dump, ok=None, merge=True)[1])
    checks.matches_memory(report, name, crash, lab.pages.list(dump / "vmcore"), lab.pages.list(crash.ram))
    for line in re.findall(r"pages: .* in all.*|warning: .*|copying failed: .*|kernel log: .*", (dump / "capture.log").read_text()):
        report.note(f"{name}: {line}")


# A machine for the kdumpctl of the host, which has the dump in a directory.
DUMPS_ROOT = """include virtio
/proc/self/mountinfo = 22 1 254:1 / / rw - ext4 /dev/vda1 rw
/etc/sysconfig/kdump <<
KDUMP_SAVEDIR="/crash"
.
"""


def _unreadable(report, lab, folder, scenario):
    """Some pages of the crashed memory cannot be read: the dump has all the others, and says how many it lacks."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    checks.disk_clean(report, name, crash)
    dump = crash.dump_directory()
    checks.directory(report, name, dump)
    frames = [int(pfn) for pfn in (folder / "frames").read_text().split()]
    kept, log = set(frames[:faults.BAD_KEPT[1]]), (dump / "capture.log").read_text()
    for title, words in (("that memory cannot be read where it is mapped", r"copying failed: .* cannot be read everywhere where it is mapped"),
                         ("that it is read instead", r"once more: read, not mapped"),
                         ("how many pages are missing", rf"in all, .*; unreadable: {len(kept)}$"),
                         ("the warning", rf"warning: some pages could not be read and are missing from the dump: {len(kept)} pages")):
        report.check(f"{name}: capture.log says {title}", "" if re.search(words, log, re.MULTILINE) else log)
    states = {pfn: (code, state) for pfn, code, state in copier.pagemap.PageMap((dump / "vmcore.pagemap").read_bytes()).frames()}
    lost = {pfn for pfn, (_, state) in states.items() if state == copier.pagemap.UNREADABLE}
    report.check(f"{name}: the page map has just these {len(kept)} pages as unreadable", "" if lost == kept else f"{sorted(lost)}, not {sorted(kept)}")
    memory, pages = lab.pages.list(crash.ram), lab.pages.list(dump / "vmcore")
    checks.matches_memory(report, name, crash, pages, memory)
    report.check(f"{name}: none of them is in the dump", "" if not kept & pages.keys() else f"{len(kept & pages.keys())} are")
    saved = {pfn for pfn, (_, state) in states.items() if state in (copier.pagemap.WRITTEN, copier.pagemap.ZERO)}
    report.check(f"{name}: all {len(saved)} others that are kept are in it", "" if saved <= pages.keys() else f"{len(saved - pages.keys())} are not")
    report.check(f"{name}: slab objects are there", "".join(
        error for title, error, _ in planted.check_kernel(crash.planted, lab.pages.find("KDUMPLANT ", dump / "vmcore")) if title == "slab"))
    # Its warning of incomplete dumps is two lines.
    checks.panicking_task(report, name, checks.crash_reads(report, name, lab, lab.kernels[setup.series], dump / "vmcore",
                                                           expected=("WARNING: vmcore:",)))
    inspected.report_of(report, name, lab, dump, "sysrq", "sysrq_handle_crash")
    tree, root = folder / "tree", folder / "root"
    tree.write_text(DUMPS_ROOT)
    run([image.HERE.parent / "roots/run", "--make", tree, root])
    shutil.copytree(dump, root / "crash" / dump.name)
    _, text, _ = run([lab.stage / "usr/sbin/kdumpctl", "--root", root, "list"], ok=None, merge=True)
    wanted = rf"/crash/{dump.name}: whole, .* MiB; {len(kept)} pages could not be read and are missing; panic: sysrq triggered crash"
    report.check(f"{name}: kdumpctl list says that it lacks pages", "" if re.search(wanted, text) else text)


def _firmware(report, lab, folder, scenario):
    """The target is gone, and there is no other: the next boot finds the end of the log in the firmware, or in memory."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder / "crash", setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FAILURE_ACTION"])
    where = "records of ramoops" if setup.ramoops else "variables of the firmware"
    found = re.search(rf"the end of the log is kept in (\d+) {where}", crash.console)
    report.check(f"{name}: the console says that it is kept", "" if found else crash.console[-2000:])
    told = capture.told_by_pstore(lab, folder / "next", setup, crash)
    records = len(re.findall(r"^dmesg-", told, re.MULTILINE))
    report.check(f"{name}: each record is there", "" if found and records == int(found.group(1)) > 1 else f"{records}; {told}")
    for title, pattern in (("kdumpctl tells of it, and why the machine crashed", r"new dump /.*pstore.*: log, .*sysrq"),
                           ("the kernel's own pstore reads it", r"Kernel panic - not syncing: sysrq triggered crash")):
        report.check(f"{name}: {title}", "" if re.search(pattern, told) else told)


def _two_cpus(report, lab, folder, scenario):
    """Two CPUs work in the capture kernel, which the machine survives."""
    name = scenario.name
    crash, dump = _filtered(report, lab, folder, scenario)
    report.check(f"{name}: another CPU crashed than booted", "" if re.search(r"CPU: 2 PID: .* Comm: plant", crash.console) else "it did not")
    report.check(f"{name}: the capture kernel starts two CPUs",
                 "" if "smp: Brought up 1 node, 2 CPUs" in crash.console else "it does not")
    report.check(f"{name}: the copier uses them", "" if "2 threads" in (dump / "capture.log").read_text() else "it does not")


def _fallback(report, lab, folder, scenario):
    """The first target fails in some way: the whole dump is on the second, and says why."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    is_from_raw = setup.config.get("KDUMP_TARGET", "").startswith("raw:")
    dump = _one_taken_on_host(lab, folder, crash) if setup.partition and not is_from_raw else crash.dump_directory(crash.second, setup.found_in)
    checks.directory(report, name, dump)
    if is_from_raw:
        report.check(f"{name}: what somebody made there is as it was", image.check_partition_clean(crash.disk, "ext4"))
    text = (dump / "capture.log").read_text()
    kind = "raw" if is_from_raw else f"{setup.server}-{setup.trouble}"
    found = re.search(FALLBACK_REASONS.get(kind) or FALLBACK_REASONS[setup.trouble], text)
    report.check(f"{name}: capture.log says what was wrong with the first target",
                 "" if found else f"it says:\n{text[-2000:]}")
    if crash.server and not crash.server.has_disk:
        whole = crash.server.taken_for_whole()
    else:
        try:
            whole = [one for one in crash.names() if not one.endswith(".incomplete")]
        except LabError:
            whole = []
    report.check(f"{name}: what is on the first target is marked incomplete", f"{whole}" if whole else "")
    checks.panicking_task(report, name, checks.crash_reads(report, name, lab, lab.kernels[setup.series],
                                                           dump / "vmcore"))
    report.note(f"{name}: {found[0] if found else ''}")
    if setup.watchdog:
        report.check(f"{name}: the watchdog is fed for the {crash.end_s:.0f} s of the capture",
                     "it fired" if crash.watchdog_fired else
                     "the capture is too short to tell" if crash.end_s < 2 * capture.WATCHDOG_S else "")


SPLIT = f"UUID={capture.UUID} UUID={capture.SECOND_UUID}"


def _split(report, lab, folder, scenario):
    """Each disk has a part; crash opens both, and together they are a dump as any other."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    checks.disk_clean(report, name, crash)
    checks.disk_clean(report, name, crash, crash.second)
    trouble_told = re.findall(r"kdump: .*(?:busy|unmount the target).*", crash.console)
    report.check(f"{name}: the disks are let go without a complaint", "\n".join(trouble_told))
    first, second = crash.dump_directory(), crash.dump_directory(crash.second)
    report.check(f"{name}: the second directory is a part of the first", "" if second.name == first.name + ".part2" else f"{first.name}, {second.name}")
    code, text, _ = run(["sha256sum", "--quiet", "--check", "manifest.sha256"], cwd=second, ok=None, merge=True)
    report.check(f"{name}: the second manifest's sums are right", text if code else "")
    parts = [first / "vmcore.1", (second / "vmcore.2").rename(first / "vmcore.2")]
    sizes = [part.stat().st_size for part in parts]
    report.check(f"{name}: parts of {sizes} bytes are of one size, more or less", "" if max(sizes) < 3 * min(sizes) else "they are not")
    checks.crash_reads(report, f"{name}: both parts", lab, lab.kernels[setup.series], parts[0], more_parts=parts[1:])
    run([lab.program("kdump-copy"), "-q", "--reassemble", *parts, first / "vmcore"])
    _saved(report, lab, scenario, crash, first)


def _split_missing(report, lab, folder, scenario):
    """A part has no disk: the first one of KDUMP_TARGET has the whole dump, and says why."""
    name, setup = scenario.name, scenario.setup
    is_second = setup.config["KDUMP_TARGET"].startswith(f"UUID={capture.SECOND_UUID}")
    crash = capture.crash(lab, folder, setup)
    checks.ended(report, name, crash, setup.config["KDUMP_FINAL_ACTION"])
    dump = _saved(report, lab, scenario, crash, crash.dump_directory(crash.second if is_second else None))
    # One that stalls cannot be unmounted.
    if not setup.trouble:
        checks.disk_clean(report, name, crash, crash.second)
    text = (dump / "capture.log").read_text()
    found = re.search(setup.says[0], text)
    report.check(f"{name}: capture.log says why it is not split", "" if found else text[-2000:])
    try:
        left = crash.names(crash.disk if is_second else crash.second)
    except LabError:
        left = []
    report.check(f"{name}: what is on the other disk is an empty part, or one that is marked incomplete",
                 "" if all(one.endswith(".part2.incomplete") for one in left) else f"{left}")
    report.note(f"{name}: {found[0] if found else ''}")


def _power_cuts(report, lab, folder, scenario):
    """Whenever the power is cut, and whatever of the write cache is lost: a dump is whole, or named incomplete."""
    name = scenario.name
    crash = capture.crash(lab, folder, scenario.setup)
    checks.ended(report, name, crash, "poweroff")
    crash.dump_directory()
    disk, counts, wrong = folder / "cut.img", {"nothing": 0, "incomplete": 0, "whole": 0}, []
    for cut in faults.PowerCuts(folder / capture.PRISTINE, folder / capture.WRITES, name).disks(disk):
        names, problem = faults.found_after_cut(disk, capture.SAVEDIR, folder / "cut")
        if problem:
            wrong.append(f"{cut}: {problem}")
        counts["nothing" if not names else "incomplete" if names[0].endswith(".incomplete") else "whole"] += 1
    report.check(f"{name}: {sum(counts.values())} cuts leave a whole dump or one that is named incomplete", "\n".join(wrong[:5]))
    report.check(f"{name}: cuts of all kinds were made: " + ", ".join(f"{what} {count}" for what, count in counts.items()),
                 "" if all(counts.values()) else "one kind is missing")
    report.note(f"{name}: {cut}")


def _trouble(report, lab, folder, scenario):
    """Trouble during the capture: the machine ends as it should, and what it leaves can be relied on."""
    name, setup = scenario.name, scenario.setup
    crash = capture.crash(lab, folder, setup)
    report.check(f"{name}: the machine ends by itself, as it should", "" if crash.ended in setup.ends else f"with {crash.ended}")
    checks.times(report, name, crash)
    names, problem = faults.found_after_cut(crash.disk, capture.SAVEDIR, folder / "found")
    report.check(f"{name}: a dump that is named so is whole", problem)
    report.check(f"{name}: there is one directory", "" if len(names) == 1 else f"{names}")
    is_whole = not names[0].endswith(".incomplete")
    report.note(f"{name}: left on the disk: {names[0]}")
    report.check(f"{name}: what is left is as it should be", "" if is_whole or not setup.is_saved else names[0])
    dump = image.extract(crash.disk, f"{capture.SAVEDIR}/{names[0]}", folder / "dump")
    text = (dump / "vmcore-dmesg.txt").read_text(errors="replace")
    report.check(f"{name}: the log is there", "" if "Kernel panic - not syncing" in text else "it is not")
    if is_whole:
        checks.panicking_task(report, name, checks.crash_reads(report, name, lab, lab.kernels[setup.series], dump / "vmcore"))


def fits(report, lab, folder, scenario):
    """Whether the capture succeeds in the reservation: "" or what went wrong."""
    try:
        crash = capture.crash(lab, folder, scenario.setup)
        dump = crash.dump_directory()
    except LabError as err:
        return str(err)
    checks.times(report, scenario.name, crash)
    seen = lab.tools.crash(lab.kernels[scenario.setup.series], dump / "vmcore", ("bt",))
    text = seen.by_command["bt"]
    return "" if 'COMMAND: "plant"' in text else f"crash bt on the dump prints:\n{text}"


def _crashkernel(report, lab, folder, scenario):
    """A measurement below the size that is promised, a check from there on."""
    error = fits(report, lab, folder, scenario)
    size = scenario.setup.crashkernel
    if error and int(size[:-1]) < CRASHKERNEL_PROMISED[scenario.setup.series]:
        report.note(f"{scenario.name}: the capture does not fit into {size}")
    else:
        report.check(f"{scenario.name}: the capture succeeds", error)


def _rates(report, lab, folder, scenario):
    """A measurement: reading /proc/vmcore by windows of some sizes."""
    rows = capture.rates(lab, folder, scenario.setup)
    for how, window, scan, copy, one, tables in rows:
        report.note(f"{scenario.name}: {how:4} {window:>6} KiB: looking at struct pages "
                    f"{scan:>5} MiB/s, copying pages {copy:>5} MiB/s, one page of each window "
                    f"{one:>6} us, page tables {tables} KiB")
    report.check(f"{scenario.name}: it was measured", "" if len(rows) > 6 else f"{len(rows)} lines")


def crashkernel(series, size, memory_mib=512):
    """A capture within a reservation of the given size."""
    setup = Setup(series, {"KDUMP_FINAL_ACTION": "poweroff",
                           "KDUMP_FAILURE_ACTION": "poweroff",
                           "KDUMP_DEADLINE": "120"}, crashkernel=size, memory_mib=memory_mib)
    suffix = "" if memory_mib == 512 else f"-{memory_mib >> 10}g"
    return Scenario(f"crashkernel-{size}-{series}{suffix}", setup, _crashkernel, False,
                    f"a capture of {memory_mib} MiB within crashkernel={size}")


# Kernel, page size, CPU, what the name has behind the kernel, quick, drgn and crash read it. Of an
# arm64 kernel that is built for 52 bits of virtual address, "max" takes them all (LPA2), the
# others fall back; not every CPU has pages of 16 KiB. No kernel of Debian has pages of 64 KiB: that
# one is built.
DIRECT = (
    ("5.10-amd64", 4096, CPU, "", True),
    ("5.10-amd64", 4096, CPU, "-crash", False, True),
    ("6.1-amd64", 4096, CPU, "", False, True),
    ("6.12-amd64", 4096, CPU, "", False, True),
    ("newest-amd64", 4096, CPU, "", True),
    ("newest-amd64", 4096, "max,-cx16", "-la57-crash", False, True),
    ("5.10-arm64", 4096, "cortex-a57", "", False, True),
    ("6.1-arm64", 4096, "cortex-a57", "", False, True),
    ("6.12-arm64", 4096, "cortex-a57", "", False, True),
    ("6.12-arm64", 4096, "max", "-lpa2", False, True),
    ("6.12-arm64-16k", 16384, "neoverse-n1", "", False),
    ("6.12-arm64-16k", 16384, "max", "-lpa2", False),
    ("newest-arm64", 4096, "cortex-a57", "", False, True),
    ("newest-arm64", 4096, "max", "-lpa2", True),
    ("newest-arm64-16k", 16384, "neoverse-n1", "", False),
    ("newest-arm64-64k", 65536, "cortex-a57", "", False),
    ("newest-arm64-64k", 65536, "max", "-lva", False),
)


def fallback(suffix, series, trouble, quick, what, watchdog=False, server=""):
    """A target that fails, and another one."""
    config = {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_FAILURE_ACTION": "poweroff",
              "KDUMP_FALLBACK": f"UUID={capture.SECOND_UUID}", "KDUMP_DEADLINE": "120"}
    setup = Setup(series, config, has_second=True, trouble=trouble, watchdog=watchdog, server=server, disk_mib=16 if trouble == "full" else 256,
                  found_in="/" if server and server != "iscsi" else capture.SAVEDIR,
                  before_panic="" if trouble else f"tune2fs -U random $(blkid -U {capture.UUID})")
    return Scenario(f"fallback-{suffix}", setup, _fallback, quick, f"the first target {what}: the second one has the dump")


def trouble(suffix, before_start, ends, is_saved, quick, what, crashkernel="128M"):
    """Trouble that programs in the capture system make."""
    config = {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_DEADLINE": "120",
              "KDUMP_REQUIRED_PROGRAMS": "setsid"}
    setup = Setup("6.1", config, before_start=before_start, ends=ends, is_saved=is_saved, crashkernel=crashkernel,
                  disk_mib=64 if before_start == faults.FILL_DISK else 768)
    return Scenario(f"trouble-{suffix}-6.1", setup, _trouble, quick, what)


def partition(file_system, bus, target, quick, crashkernel="96M", **more):
    """A target as real machines have it, with a kernel for all machines, and the reservation that is promised for that."""
    config = {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_TARGET": target, "KDUMP_DEADLINE": "120"}
    setup = Setup("6.1-generic", {**config, **more.pop("config", {})}, partition=file_system, bus=bus, disk_mib=512, crashkernel=crashkernel, **more)
    return Scenario(f"{bus}-{file_system}", setup, _partition, quick,
                    f"a kernel for all machines, crashkernel={crashkernel}, {file_system} in a partition of a {bus} disk")


def stacked(suffix, kind, quick, what, carry_out_by=_stacked, crashkernel="192M", config=(), **more):
    """A target that only the full form of the capture initramfs reaches."""
    setup = Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_DEADLINE": "120", **dict(config)},
                  storage=kind, bus=storage.KINDS[kind].bus if kind else "virtio", crashkernel=crashkernel, memory_mib=768, **more)
    return Scenario(f"{suffix}-6.1", setup, carry_out_by, quick, what)


# Kernels whose traces are compared, and CPUs.
TRACED = (("5.10", 2), ("6.1", 2), ("6.12", 2), ("newest", 2))


def handover(name, kind, what, **more):
    """An encrypted target, whose key the kernel hands over to the capture kernel."""
    config = {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_DEADLINE": "120"}
    return Scenario(name, Setup("handover", config, storage=kind, memory_mib=768, crashkernel="128M", **more), _handed_over, False,
                    f"an encrypted target, on a kernel that hands keys over: {what}")


def _direct_row(kernel, page_bytes, cpu, suffix, quick, has_symbols=False):
    setup = direct.Setup(kernel, cpu, page_bytes, has_symbols)
    return Scenario(f"direct-{kernel}{suffix}", setup, _direct, quick,
                    f"memory written by QEMU, pages of {page_bytes >> 10} KiB, CPU {cpu}")


def table():
    """All scenarios."""
    raw = {"KDUMP_DUMPFORMAT": "raw", "KDUMP_FINAL_ACTION": "poweroff"}
    rows = [
        Scenario("raw-6.1", Setup("6.1", dict(raw), before_panic=usage.SCRIPT), _unfiltered, True,
                 "an unfiltered vmcore; our copier against makedumpfile and crash"),
        Scenario("raw-6.12", Setup("6.12", dict(raw), before_panic=usage.SCRIPT), _unfiltered, True,
                 "the same on the newer kernel"),
        Scenario("filtered-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot",
                               "KDUMP_KEEP_PROCESSES": PROCESSES[0]},
                       crashkernel="72M"),
                 _filtered, True,
                 "level 31, a process kept, default format, crashkernel=72M, reboot"),
        Scenario("service-6.12",
                 Setup("6.12", {"KDUMP_FINAL_ACTION": "reboot",
                                "KDUMP_DUMPFORMAT": "zstd"}, service=True, pvpanic=True),
                 _filtered, True, "level 31, zstd, started by kdump.service, reboot"),
        Scenario("halt-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "halt", "KDUMP_DUMPLEVEL": "16",
                               "KDUMP_DUMPFORMAT": "lzo"}),
                 _filtered, False, "level 16, lzo, halt"),
        Scenario("elf-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_DUMPFORMAT": "ELF"}), _filtered, False,
                 "an ELF file of level 31"),
        Scenario("elf-full-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_DUMPFORMAT": "ELF"},
                       before_panic=f"mount UUID={capture.UUID} /mnt; dd if=/dev/zero of=/mnt/some bs=1M count=40 status=none; "
                                    "dd if=/dev/zero of=/mnt/fill bs=1M status=none; rm /mnt/some; umount /mnt",
                       says=("copying failed: an ELF file of these pages takes", "trying again: .*kdump-compressed: ELF has no room")),
                 _filtered, False, "a disk with too little room for ELF: the dump is kdump-compressed"),
        Scenario("notify-6.12",
                 Setup("6.12", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_PANIC_NOTIFIERS": "yes", **NOTIFY},
                       network=True, pvpanic=True),
                 _filtered, True, "failover notices to all addresses of three nodes; the host is told by pvpanic"),
        Scenario("notify-bond-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", **NOTIFY}, network=True, cards=2, trouble="unplugged"),
                 _filtered, False, "the same over a bridge on a bond of two cards, one of whose cables is unplugged"),
        Scenario("nfs-bond-6.12", Setup("6.12", {"KDUMP_FINAL_ACTION": "poweroff"}, server="nfs", cards=2, trouble="unplugged"),
                 _filtered, False, "a dump on a server, over the same"),
        Scenario("nfs-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, server="nfs"),
                 _filtered, False, "a dump on a server, by NFS 4"),
        Scenario("cifs-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, server="cifs"),
                 _filtered, False, "a dump on a share, with a password"),
        Scenario("ssh-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, server="ssh"),
                 _filtered, True, "a dump on a server, by ssh"),
        Scenario("iscsi-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, server="iscsi"),
                 _iscsi, False, "a disk on a server, by iSCSI with passwords in both directions"),
        Scenario("iscsi-multipath-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, server="iscsi-paths", trouble="portal"),
                 _iscsi, False, "a multipath disk of two iSCSI disks, one of whose portals is gone"),
        Scenario("s3-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, server="s3"),
                 _uploaded, False, "a dump in a store in the manner of S3, in parts"),
        Scenario("https-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, server="https"),
                 _uploaded, False, "a dump on a web server, by https with a password and an authority of its own"),
        Scenario("ftp-6.12", Setup("6.12", {"KDUMP_FINAL_ACTION": "poweroff"}, server="ftp"),
                 _uploaded, False, "a dump on a server, by ftp with a password"),
        Scenario("ssh-ipv6-6.12", Setup("6.12", {"KDUMP_FINAL_ACTION": "poweroff"}, server="ssh6"),
                 _by_ipv6, False, "a dump on a server, by ssh over IPv6"),
        Scenario("sftp-6.12", Setup("6.12", {"KDUMP_FINAL_ACTION": "poweroff"}, server="sftp"),
                 _filtered, False, "the same, for a user who may not run commands there"),
        Scenario("missing-uuid-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", **NOTIFY,
                               "KDUMP_FAILURE_ACTION": "poweroff",
                               "KDUMP_DEADLINE": str(DEADLINE_S)}, network=True,
                       before_panic=GONE),
                 _missing_target, True,
                 "the target is gone after the panic: failure action in time, notices until then"),
        Scenario("pstore-6.1", Setup("6.1", {"KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_DEADLINE": "60"}, efi=True,
                                     memory_mib=768, before_panic=GONE),
                 _firmware, False, "nothing can be reached: the end of the log is in the firmware"),
        Scenario("ramoops-6.1", Setup("6.1", {"KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_DEADLINE": "60"}, ramoops=True,
                                      before_start=capture.MODPROBE_RAMOOPS, before_panic=GONE),
                 _firmware, False, "the same in memory that outlives a reset"),
        Scenario("loop-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff", "KDUMP_CRASH_LOOP_COUNT": "2"},
                       before_start=EARLIER),
                 _crash_loop, False, "the second crash within an hour: the log only"),
        Scenario("nmi-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_PANIC_ON": "nmi softlockup"}, hung="nmi"),
                 _hung, False, "a machine that hangs gets an interrupt from outside"),
        Scenario("hungtask-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff", "KDUMP_PANIC_ON": "hungtask"}, hung="task"),
                 _hung, False, "a task that waits for ever makes the machine panic"),
        Scenario("kind-overflow-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, kind="overflow"),
                 _kind, False, "a stack that overflows, through the whole capture"),
        Scenario("damaged-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, trouble="damage"),
                 _damaged, False, "pages all over the crashed memory are noise"),
        Scenario("trouble-read-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_DEADLINE": "240",
                               "KDUMP_REQUIRED_PROGRAMS": "mount umount dd mkdir"},
                       before_start=faults.FAIL_READS, has_second=True, trouble="read"),
                 _unreadable, False, "some pages of the crashed memory cannot be read, neither mapped nor by read()"),
        Scenario("hooks-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_REQUIRED_PROGRAMS": "uname",
                               "KDUMP_PRESCRIPT": "uname -r",
                               "KDUMP_POSTSCRIPT": "echo sealed in /${KDUMP_DIRECTORY#/*/} | cat; /bin/cat </dev/null"},
                       before_start=HOOKS),
                 _hooks, True, "programs before and after the dump; one fails, one hangs"),
        *[fallback(*row) for row in (
            ("missing-6.12", "6.12", "", False, "is gone", True),
            ("iscsi-gone-6.1", "6.1", "gone", False, "is on a server that is gone", False, "iscsi"),
            ("iscsi-silent-6.1", "6.1", "silent", False, "is on a server that answers nothing any more", False, "iscsi"),
            ("iscsi-cable-6.12", "6.12", "cable", False, "is behind a cable that is pulled out while the memory is saved", False, "iscsi"),
            ("ssh-silent-6.1", "6.1", "silent", False, "is a server that answers nothing any more while the memory is saved", False, "ssh"),
            ("nfs-silent-6.12", "6.12", "silent", False, "is such a server by NFS", False, "nfs"),
            ("https-dies-6.1", "6.1", "dies", False, "is a web server that is gone while the memory is saved", False, "https"),
            ("full-6.1", "6.1", "full", False, "is too small"),
            ("hang-6.1", "6.1", "hang", False, "does not answer any more"),
            ("stall-6.12", "6.12", "stall", False, "stalls while the memory is saved"),
            ("errors-6.1", "6.1", "errors", True, "fails to write"),
            ("removal-6.12", "6.12", "removal", True, "is pulled out while the memory is saved"))],
        Scenario("split-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_TARGET": SPLIT}, has_second=True),
                 _split, False, "a dump over two disks"),
        Scenario("split-missing-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_TARGET": SPLIT, "KDUMP_DEADLINE": "120"}, has_second=True,
                       before_panic=f"tune2fs -U random $(blkid -U {capture.SECOND_UUID})", says=("the dump has no part on.*did not appear",)),
                 _split_missing, False, "a dump over two disks, the second of which is gone"),
        Scenario("split-full-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_TARGET": SPLIT}, has_second=True,
                       before_panic=f"mount UUID={capture.SECOND_UUID} /mnt; dd if=/dev/zero of=/mnt/fill bs=1M status=none; umount /mnt",
                       says=("the dump has no part on.*No space left",)),
                 _split_missing, False, "a dump over two disks, the second of which is full"),
        Scenario("split-small-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_TARGET": SPLIT}, has_second=True,
                       before_panic=f"mount UUID={capture.SECOND_UUID} /mnt; dd if=/dev/zero of=/mnt/some bs=1M count=8 status=none; "
                                    "dd if=/dev/zero of=/mnt/fill bs=1M status=none; rm /mnt/some; umount /mnt",
                       says=("the dump has no part on.*: it has .* MiB free, and the first target .*",)),
                 _split_missing, False, "a dump over two disks, the second of which is nearly full"),
        Scenario("split-stall-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_DEADLINE": "120",
                               "KDUMP_TARGET": f"UUID={capture.SECOND_UUID} UUID={capture.UUID}"}, has_second=True, trouble="stall",
                       says=("copying failed: nothing has moved for.*on the first target alone",)),
                 _split_missing, False, "a dump over two disks, the second of which stalls"),
        Scenario("power-cut-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, trouble="power", disk_mib=256),
                 _power_cuts, True, "the power is cut at every flush, with any part of the write cache lost"),
        *[trouble(*row) for row in (
            ("killed", faults.KILL_ONCE, ("reboot",), True, True, "the copier is killed: the next way to copy saves the dump"),
            ("killed-always", faults.KILL_ALWAYS, ("poweroff",), False, False, "each copier is killed: the log is saved"),
            ("memory", faults.EAT_MEMORY, ("reboot", "poweroff"), False, False, "the capture system runs out of memory", "80M"),
            ("hook-fills-disk", faults.FILL_DISK, ("poweroff",), False, False, "a program of the administrator fills the disk"),
            ("second-panic", faults.SECOND_PANIC, ("reboot",), False, False, "the capture kernel crashes too"))],
        Scenario("encrypted-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_ENCRYPT_TO": AGE_RECIPIENT}, crashkernel="80M"),
                 _encrypted, False, "level 31, encrypted to a key, crashkernel=80M"),
        Scenario("encrypted-s3-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_ENCRYPT_TO": AGE_RECIPIENT}, server="s3"),
                 _encrypted, False, "the same in a store"),
        Scenario("formats-6.1", Setup("6.1", dict(raw)), _every_format, False,
                 "all levels in all formats"),
        Scenario("la57-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff"}, cpu="max,-cx16"),
                 _filtered, False, "five-level page tables"),
        Scenario("smp-6.1", Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff", "KDUMP_CPUS": "2"}, cpus=3),
                 _two_cpus, False, "the last of three CPUs crashes, the capture kernel starts two: not the one that booted"),
    ]
    rows += [
        partition("xfs", "sata", f"LABEL={image.LABEL}", False),
        partition("btrfs", "nvme", "", False, config={"KDUMP_SAVEDIR": "/srv/crash"}, found_in="/@crash/crash",
                  before_start=f"mount PARTUUID={image.PARTUUID} /mnt && btrfs -q subvolume create /mnt/@crash && umount /mnt && "
                               f"mount -o subvol=@crash PARTUUID={image.PARTUUID} /srv"),
        partition("vfat", "usb", f"PARTUUID={image.PARTUUID}", False,
                  before_start=f"until [ -e /dev/disk/by-partuuid/{image.PARTUUID} ]; do sleep 0.1; done"),
        partition("ext4", "scsi", f"UUID={capture.UUID}", False, has_crash=True),
        partition("xfs", "megasas", f"LABEL={image.LABEL}", False),
    ]
    rows += [
        Scenario("raw-partition-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "poweroff", "KDUMP_FAILURE_ACTION": "reboot", "KDUMP_DEADLINE": "120",
                               "KDUMP_DUMPFORMAT": "none",
                               "KDUMP_TARGET": f"raw:PARTUUID={image.PARTUUID}"},
                       partition=image.RAW, trouble="power", disk_mib=128,
                       before_start=faults.hook('echo >"$KDUMP_DIRECTORY/a name with blanks"')),
                 _raw_partition, False, "a partition without a file system; the power is cut at every flush"),
        Scenario("raw-encrypted-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_ENCRYPT_TO": AGE_RECIPIENT, "KDUMP_DEADLINE": "120",
                               "KDUMP_TARGET": f"raw:PARTUUID={image.PARTUUID}"}, partition=image.RAW, disk_mib=128),
                 _encrypted, False, "the same, encrypted to a key"),
        Scenario("fallback-raw-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_DEADLINE": "120",
                               "KDUMP_TARGET": f"UUID={capture.SECOND_UUID}", "KDUMP_FALLBACK": f"raw:PARTUUID={image.PARTUUID}"},
                       partition=image.RAW, disk_mib=128, has_second=True,
                       before_panic=f"tune2fs -U random $(blkid -U {capture.SECOND_UUID})"),
                 _fallback, False, "the first target is gone: a raw partition has the dump"),
        Scenario("fallback-raw-taken-6.1",
                 Setup("6.1", {"KDUMP_FINAL_ACTION": "reboot", "KDUMP_FAILURE_ACTION": "poweroff", "KDUMP_DEADLINE": "120",
                               "KDUMP_TARGET": f"raw:PARTUUID={image.PARTUUID}", "KDUMP_FALLBACK": f"UUID={capture.SECOND_UUID}"},
                       partition=image.RAW, disk_mib=128, has_second=True,
                       before_panic=f"mkfs.ext4 -q /dev/disk/by-partuuid/{image.PARTUUID} 2>&1"),
                 _fallback, False, "somebody has made a file system on the raw partition: the second target has the dump"),
        stacked("lvm", "lvm", False, "a logical volume; started by kdump.service", service=True),
        stacked("lvm-thin", "lvm-thin", False, "a thin volume with xfs"),
        stacked("md-raid1", "md-raid1", False, "a mirror"),
        stacked("md-degraded", "md-raid1", False, "a mirror that loses a disk before the capture",
                before_panic=f"dd if=/dev/zero of={storage.DISK}1 bs=1M count=4 conv=fsync status=none"),
        stacked("btrfs-two", "btrfs", False, "a btrfs over two disks", before_start=f"mount UUID={capture.UUID} /mnt"),
        stacked("multipath", "multipath", False, "a disk with two paths, one of which is gone when the capture begins", trouble="path"),
        stacked("lvm-missing", "lvm-two", False, "a logical volume one of whose disks is gone: the fallback has the dump", _fallback,
                has_second=True, config={"KDUMP_FALLBACK": f"UUID={capture.SECOND_UUID}"},
                before_panic=f"dd if=/dev/zero of={storage.DISK}1 bs=1M count=4 conv=fsync status=none"),
        stacked("unit-killed", "lvm", False, "the unit that saves is killed: the failure action", _ends, ends=("poweroff",),
                config={"KDUMP_PRESCRIPT": "systemctl kill -s KILL kdump-capture.service"},
                says=("the unit that saves the memory has ended before its time",)),
        stacked("shell", "", False, "the target is gone, and a human gets a shell", _ends, ends=("reboot",),
                config={"KDUMP_FAILURE_ACTION": "shell", "KDUMP_DEADLINE": "60"}, types="echo typed $((40 + 2))\nexit\n",
                before_panic=f"tune2fs -U random $(blkid -U {capture.UUID})", says=("typed 42",)),
        handover("luks-handover", "luks2", "its key is linked to a keyring; started by kdump.service", before_start=storage.LINK_KEY, service=True),
        handover("luks-handover-table", "luks1", "LUKS1, whose key device-mapper has"),
        stacked("luks", "luks", False, "an encrypted volume is refused with what its keys need", _refused,
                says=("keyslot 0 argon2id 128 MiB", "keyslot 1 pbkdf2", "the reservation of the capture kernel has 192 MiB")),
        stacked("raw-twins", "twins", False, "a raw partition is refused of which there is a copy on another disk", _refused,
                partition=image.RAW, disk_mib=64, config={"KDUMP_TARGET": f"raw:{storage.DISK}0-part1"}, says=("are both PARTUUID=", "one of two disks is a copy of the other")),
    ]
    rows += [Scenario(f"rate-{series}", Setup(series, crashkernel="192M"), _rates, False,
                      "how fast /proc/vmcore is read, by size of the window")
             for series in ("6.1", "6.12")]
    rows += [Scenario(f"fresh-debian{suffix}", fresh.Setup("6.1", init), fresh.carry_out, False,
                      f"a fresh Debian with {init}: the package is installed, used, and purged")
             for suffix, init in (("", "systemd"), ("-sysvinit", "sysvinit"))]
    rows += [Scenario(f"restart-kexec{suffix}", fresh.Setup("6.1", init, True), fresh.restart_by_kexec, False,
                      f"with {init}: reset-crashkernel --reboot=kexec changes the reservation without the firmware")
             for suffix, init in (("", "systemd"), ("-sysvinit", "sysvinit"))]
    rows.append(Scenario("systemd-boot-6.1", unified.Setup("6.1"), unified.carry_out, False,
                         "UEFI and systemd-boot: a unified kernel image and an entry get another reservation"))
    rows += [_direct_row(name, *more) for name, *more in DIRECT]
    rows += [Scenario(f"stacks-smp-{kernel}", direct.Setup(kernel, "max", has_symbols=True, cpus=2), _stacks_only, False,
                      "two CPUs; stacks, tasks, log and modules are drgn's") for kernel in ("6.12-arm64", "newest-arm64")]
    rows += [Scenario(f"trace-{series}", direct.Setup(f"{series}-amd64", program="tracing", cpus=cpus), traced.carry_out, False,
                      "events in the memory are those that the kernel printed; trace-cmd reads them")
             for series, cpus in TRACED]
    rows += [Scenario(name, setup, lttng.carry_out, False, "buffers of LTTng-modules are those that the tracer gave out; babeltrace2 reads them")
             for name, setup in (("lttng-6.1", lttng.Setup("6.1")), ("lttng-newest-6.1", lttng.Setup("6.1", "sid", False)))]
    rows.append(Scenario("mutants-6.1", direct.Setup("6.1-amd64"), _mutants, False, "kdump-inspect on a dump whose memory is damaged all over"))
    rows += [Scenario(f"kinds-{series}", kinds.Setup(series), kinds.carry_out, False,
                      f"{len(kinds.KINDS)} kinds of crashes, each twice: cause, signature, stack") for series in ("6.1", "6.12")]
    for series in ("6.1", "6.12"):
        rows += [crashkernel(series, size) for size in CRASHKERNEL_SIZES]
    rows.append(crashkernel("6.1", "72M", 8192))
    return rows


def carry_out(report, lab, scenario):
    """Run one scenario in a folder of its own."""
    folder = lab.work / scenario.name
    failed = report.failed
    try:
        scenario.run(report, lab, folder, scenario)
    except LabError as err:
        report.check(f"{scenario.name}: it could be carried out", str(err))
    except Exception:  # pylint: disable=broad-exception-caught  # A fault in a check must not hide what the other scenarios find.
        report.check(f"{scenario.name}: its checks could be made", traceback.format_exc())
    if report.failed == failed and not lab.keep:
        shutil.rmtree(folder, ignore_errors=True)
