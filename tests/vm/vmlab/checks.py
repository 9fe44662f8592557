# SPDX-License-Identifier: GPL-2.0-or-later
"""What is asked of a dump, independent of how it came to be."""

import re

from . import image, network, pageflags, planted
from .command import LabError, run
from .compare import compare
from .readers import CRASH_COMMANDS, Refused

LEVELS = (0, 1, 2, 4, 8, 16, 31)
FORMATS = {"none": (), "zlib": ("-c",), "lzo": ("-l",), "snappy": ("-p",),
           "zstd": ("-z",), "elf": ("-E",)}
# Files that a dump directory has beside the dump itself.
EXPECTED_FILES = ("README.txt", "vmcore-dmesg.txt", "vmcore", "capture.log", "plan",
                  "manifest.sha256", "report.txt", "report.json")


def ended(report, name, crash, wanted):
    """The final action was the configured one."""
    report.check(f"{name}: the machine ends with {wanted}",
                 "" if crash.ended == wanted else f"it ended with {crash.ended}")
    times(report, name, crash)


def times(report, name, crash):
    """Print what was measured."""
    report.note(f"{name}: kdumpctl start {crash.start_s:.1f} s, "
                f"initramfs {crash.initramfs_bytes} bytes, "
                f"panic to capture kernel {crash.kernel_s:.1f} s, "
                f"panic to {crash.ended} {crash.end_s:.1f} s (emulated)")


def disk_clean(report, name, crash, disk=None):
    """The target, or another disk, was unmounted and its file system has no error."""
    report.check(f"{name}: the {'other disk' if disk else 'target'}'s file system is clean",
                 image.check_clean(disk or crash.disk))


def directory(report, name, folder, is_raw=False):
    """The dump directory holds what it promises; a copy byte by byte has no page map."""
    wanted = EXPECTED_FILES if is_raw else (*EXPECTED_FILES, "vmcore.pagemap")
    missing = [file for file in wanted if not (folder / file).is_file()]
    report.check(f"{name}: the dump directory is complete",
                 f"no {', '.join(missing)}" if missing else "")
    pattern = r"^guest-\S*\d{4}\S*-[0-9a-f]{8}$"
    report.check(f"{name}: the dump directory is named by host, time and boot",
                 "" if re.match(pattern, folder.name) else folder.name)
    if (folder / "manifest.sha256").is_file():
        code, text, _ = run(["sha256sum", "--quiet", "--check", "manifest.sha256"],
                            cwd=folder, ok=None, merge=True)
        report.check(f"{name}: the manifest's sums are right", text if code else "")
    if (folder / "vmcore-dmesg.txt").is_file():
        log = (folder / "vmcore-dmesg.txt").read_text(errors="replace")
        lost = [text for text in ("Linux version", "sysrq: Trigger a crash",
                                  "Kernel panic - not syncing") if text not in log]
        report.check(f"{name}: vmcore-dmesg.txt runs from the boot to the panic",
                     f"no {lost}" if lost else "")


def planted_pages(report, name, crash, dump, reference, level, process="", page_bytes=4096):
    """Each class of planted pages is there or not, as the level says; a process may be kept."""
    confirmed = crash.planted.confirm(reference, page_bytes)
    for title, error, count in planted.check_level(confirmed, dump, level, process):
        report.check(f"{name}: level {level}: {count} {title} pages are "
                     + ("gone" if planted.is_taken(title, level, process) else "there"), error)
    for title, reason in crash.planted.missing:
        report.skip(f"{name}: level {level}: {title} pages", reason)


def page_flags(report, name, taken_by, dump, reference, level):
    """Every page of the machine is there or not, as the kernel's own word for it says."""
    wrong = pageflags.differences(taken_by, dump, reference, level)
    count = sum(map(len, wrong.values()))
    lines = [f"{len(frames)} pages are {'there' if there else 'missing'} that "
             f"{'levels ' + bin(bits) if bits else 'nothing'} should take away: "
             + " ".join(f"{pfn:#x}" for pfn in frames[:8])
             for (bits, there), frames in wrong.items()]
    report.check(f"{name}: level {level}: {len(reference)} pages are there or gone as "
                 "/proc/kpageflags says",
                 "\n".join(lines) if count > pageflags.UNSTEADY else "")
    if 0 < count <= pageflags.UNSTEADY:
        report.note(f"{name}: level {level}: {count} pages changed before the panic")


def kernel_objects(report, name, lab, crash, dump):
    """Kernel memory that was planted is in the dump at every level."""
    found = lab.pages.find("KDUMPLANT ", dump)
    for title, error, count in planted.check_kernel(crash.planted, found):
        report.check(f"{name}: {count} {title} objects are there", error)


def matches_memory(report, name, crash, dump, reference):
    """Every page of the dump has the content that the guest's memory has.

    Below 1 MiB and in the crash kernel's reservation the memory was used again;
    reference has no frame of the former, a dump none of the latter.
    """
    del crash
    common = [pfn for pfn in dump if pfn in reference]
    wrong = [pfn for pfn in common if dump[pfn] != reference[pfn]]
    some = " ".join(f"{pfn:#x}" for pfn in sorted(wrong)[:8])
    error = f"{len(wrong)} of {len(common)} pages differ: {some}" if wrong else ""
    if len(common) < 1000:
        error = f"only {len(common)} pages could be compared"
    report.check(f"{name}: {len(common)} pages are as in the guest's memory", error)


def crash_reads(report, name, lab, kernel, dump, reference=None, commands=CRASH_COMMANDS,
                option="", more_parts=(), expected=(), tools=None):
    """crash opens the dump, which may have more parts, and warns of what is expected only; with a reference, it prints the same on both."""
    ours = (tools or lab.tools).crash(kernel, dump, commands, option, more_parts)
    problems = [line for line in ours.warnings() if line.strip() not in expected]
    if reference is not None:
        problems = [line for line in problems if line not in reference.warnings()]
    report.check(f"{name}: crash opens it without a warning of its own",
                 "\n".join(problems) or (f"exit {ours.code}" if ours.code else ""))
    for command in commands:
        text = ours.text(command)
        if not text:
            report.check(f"{name}: crash {command}", "it printed nothing")
        elif reference is None:
            report.check(f"{name}: crash {command}")
        else:
            report.check(f"{name}: crash {command} prints what it prints on the "
                         "unfiltered vmcore",
                         first_difference(text, reference.text(command)))
    return ours


def first_difference(ours, theirs):
    """Where two texts differ, or ""."""
    if ours == theirs:
        return ""
    ours, theirs = ours.splitlines(), theirs.splitlines()
    for number, (left, right) in enumerate(zip(ours, theirs), 1):
        if left != right:
            return f"line {number}:\nours:       {left}\nunfiltered: {right}"
    return f"{len(ours)} lines, unfiltered {len(theirs)}"


def panicking_task(report, name, output):
    """The backtrace is that of the program that caused the panic."""
    text = output.by_command["bt"]
    lost = [word for word in ('COMMAND: "plant"', "sysrq_handle_crash", "panic")
            if word not in text]
    report.check(f"{name}: bt shows the task that caused the panic",
                 f"no {lost} in:\n{text}" if lost else "")


def same_as_makedumpfile(report, name, lab, vmcore, level, ours, tools=None, words=()):
    """Set and content of the pages are makedumpfile's, but for named causes.

    Returns whether makedumpfile reads such dumps at all.
    """
    theirs_file = vmcore.parent / f"theirs.{level}"
    try:
        (tools or lab.tools).makedumpfile(vmcore, level, theirs_file)
    except Refused as err:
        report.skip(f"{name}: pages as makedumpfile's", str(err))
        return False
    theirs = lab.pages.list(theirs_file)
    theirs_file.unlink()
    if not theirs:
        raise LabError(f"makedumpfile -d {level} kept no page")
    differences = compare(ours, theirs, vmcore, level, words)
    report.check(f"{name}: level {level}: {len(ours)} pages, set and content are "
                 "makedumpfile's", differences.text())
    for cause, frames in differences.explained.items():
        report.check(f"{name}: level {level}: {len(frames)} pages differ because of "
                     f"{cause}")
    return True


def notices(report, name, crash, interval_s):
    """The cluster's other node is told at once, at all of its addresses, until the machine ends."""
    told = crash.notices
    report.check(f"{name}: the fence agent of another node takes the notice",
                 "" if told.status == 0 else f"exit {told.status}\n{told.agent[-1000:]}")
    report.note(f"{name}: panic to the first notice {told.first_s:.1f} s, of which the capture kernel's boot "
                f"{crash.kernel_s:.1f} s to its first line (emulated); "
                + "".join(re.findall(r"failover notices: (.*)", crash.console)[-1:]))
    wrong = {data for *_, data in told.all} - {network.PACKET}
    report.check(f"{name}: notices are what fence_kdump sends", f"{wrong}" if wrong else "")
    sent = re.search(r"^.*first failover notice sent", crash.console, re.MULTILINE)
    saving = re.search(r"^.*kdump: saving to", crash.console, re.MULTILINE)
    report.check(f"{name}: the first one is sent before anything is saved",
                 "" if sent and (not saving or sent.start() < saving.start()) else "it is not")
    for address, source in network.ADDRESSES.items():
        times = [when for when, where, of, _ in told.all if where == address and of == source]
        # What the emulated machine is late is in the margin.
        late = not times or crash.end_s - times[-1] > interval_s + 4
        report.check(f"{name}: notices to {address} go on until the end",
                     f"{len(times)}, the last {crash.end_s - times[-1]:.1f} s before it" if times and late
                     else "none" if late else "")


def taken_at_next_boot(report, name, text):
    """kdumpctl start takes the dump from the raw partition, once; kdumpctl new-dumps finds it."""
    loaded = r"kdump: loaded [^\n]*\n"
    dump = r"/crash/guest-\S+"
    wanted = (rf"{loaded}kdump: taken from PARTUUID=\S+ \(/dev/\S+\): {dump}, whole\nagain\n{loaded}"
              rf"new dump {dump}: whole, [0-9.]+ MiB; panic: sysrq triggered crash\nonce")
    report.check(f"{name}: the next boot takes the dump from the partition, and tells of it, once",
                 "" if re.fullmatch(wanted, text.strip()) else text)


def told_at_next_boot(report, name, text):
    """kdumpctl finds the dump once, mounted or not, and tells programs."""
    dump = r"guest-\S+: whole, [0-9.]+ MiB; panic: sysrq triggered crash"
    wanted = (r"new dump UUID=\S+:/crash/" + dump + r"\nprogram: whole /run/kdump-target/crash/guest-\S+ sysrq triggered crash\n"
              r"[1-9]\d*\nagain\nmounts\n0\nmounted\n/mnt/crash/" + dump)
    report.check(f"{name}: the next boot tells of the dump, once, and leaves nothing mounted",
                 "" if re.fullmatch(wanted, text.strip()) else text)
